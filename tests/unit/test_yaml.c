/* YAML: every place is exact, every scalar says what libyaml says, and what is broken is
 * refused where it is broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/yaml_flaws.h"

#include "base/banned.h"

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	struct node *root;
	const struct syntax_error *bad;
	struct err e;
	int rc;
};

static void read_bytes(struct doc *d, const void *p, size_t n)
{
	*d = (struct doc){ .text = { p, n } };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.yaml", d->text);
	d->rc = yaml_read(&d->src, d->text, &d->arena, &d->root, &d->bad, &d->e);
}

static void read_good(struct doc *d, const char *text)
{
	struct yaml_flaws f = { 0 };

	read_bytes(d, text, strlen(text));
	if (d->rc != 0 || !d->root)
		fail_msg("%s: %s", text, d->bad ? d->bad->what : d->e.msg);
	if (!yaml_reading_holds(&f, d->text))
		fail_msg("%s: %s", text, f.what);
}

static void done(struct doc *d)
{
	arena_free(&d->arena);
}

static void assert_str(struct str s, const char *expected)
{
	if (!str_is(s, expected))
		fail_msg("'%.*s', expected '%s'", STR_ARG(s), expected);
}

static void assert_span(const struct doc *d, struct span at, const char *expected)
{
	assert_true(range_within(at.off, at.len, d->text.n));
	assert_str((struct str){ (const char *)d->text.p + at.off, (size_t)at.len },
		   expected);
}

/* Refused, at that place, with these words. */
static void assert_bad(const char *text, const char *at, const char *what)
{
	struct doc d;

	read_bytes(&d, text, strlen(text));
	assert_int_equal(d.rc, 0);
	assert_null(d.root);
	assert_non_null(d.bad);
	assert_span(&d, d.bad->at, at);
	if (!strstr(d.bad->what, what))
		fail_msg("'%s' does not say '%s'", d.bad->what, what);
	done(&d);
}

static const struct node *item(const struct node *list, size_t i)
{
	const struct node *n = list->first;

	for (; n && i > 0; i--)
		n = n->next;
	if (!n) {
		fail_msg("there are too few items");
		return list;
	}
	return n;
}

static void places_are_exact(void **state)
{
	const struct node *n, *list;
	struct doc d;

	(void)state;
	read_good(
		&d,
		"# c\na:  \"x y\"  # d\nb.c:\n  - 1\n  - {k: 'v', l: }\nd: !!str e f\n");
	n = node_child(d.root, "a");
	assert_span(&d, n->key_at, "a");
	assert_span(&d, n->open_at, "\"x y\"");
	assert_span(&d, n->text_at, "x y");
	assert_span(&d, n->whole, "a:  \"x y\"");
	list = node_child(d.root, "b.c");
	assert_int_equal(list->kind, NODE_LIST);
	assert_span(&d, list->text_at, &"- 1\n  - {k: 'v', l: }"[2]);
	assert_span(&d, item(list, 0)->whole, "1");
	n = item(list, 1);
	assert_true(n->flow);
	assert_span(&d, n->open_at, "{");
	assert_span(&d, n->text_at, "k: 'v', l: ");
	assert_span(&d, node_child(n, "k")->text_at, "v");
	assert_span(&d, node_child(n, "l")->whole, "l:");
	n = node_child(d.root, "d");
	assert_span(&d, n->open_at, "!!str e f");
	assert_span(&d, n->text_at, "e f");
	assert_span(&d, d.root->whole,
		    "a:  \"x y\"  # d\nb.c:\n  - 1\n  - {k: 'v', l: }\n"
		    "d: !!str e f");
	done(&d);
}

struct value {
	const char *text, *value;
};

static void scalars_say_what_they_say(void **state)
{
	static const struct value values[] = {
		{ "k: a  b", "a  b" },
		{ "k: a\n  b\n\n  c", "a b\nc" },
		{ "k: 'it''s\n   so \n\n   far'", "it's so\nfar" },
		{ "k: \"a\\tb\\x41\\u00e9\\U0001F600\\\n   c \\\n d\"",
		  "a\tbA\xc3\xa9\xf0\x9f\x98\x80"
		  "c d" },
		{ "k: |\n  a\n   b\n\n  c\n", "a\n b\n\nc\n" },
		{ "k: |-\n  a\n", "a" },
		{ "k: |+\n  a\n\n\n", "a\n\n\n" },
		{ "k: |2\n   a\n  b\n", " a\nb\n" },
		{ "k: >\n  a\n  b\n\n  c\n   d\n  e\n", "a b\nc\n d\ne\n" },
		{ "k: >-  # folded\n\n\n  a\n  b", "\n\na b" },
		{ "k: |", "" },
		{ "k: |\n  a", "a" },
		{ "k: |\r\n  a\r\n  b\r\n", "a\nb\n" },
		{ "k: \"a\r\n   b\"", "a b" },
		{ "\xef\xbb\xbfk: \xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
		{ "\xc3\xa9\xe2\x82\xac: 1\nk: |\n  \xc3\xa9\n  x\n", "\xc3\xa9\nx\n" },
		{ "k: &anchor 'v'", "v" },
		{ "k: !<tag:yaml.org,2002:str>   # c\n  v", "v" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct node *n;
		struct doc d;

		read_good(&d, values[i].text);
		n = node_child(d.root, "k");
		assert_non_null(n);
		assert_int_equal(n->kind, NODE_SCALAR);
		assert_str(n->text, values[i].value);
		done(&d);
	}
}

static void each_byte_of_a_value_has_its_place(void **state)
{
	struct doc d;
	struct buf b = { 0 };
	uint32_t at[64];

	(void)state;
	read_good(&d, "k: |2-\n  ab\n   c\n\n  d\n");
	assert_true(yaml_places(d.text, node_child(d.root, "k"), &b, at));
	assert_str((struct str){ b.p, b.n }, "ab\n c\n\nd");
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(d.text.p[at[i]], (uint8_t)b.p[i]);
	assert_int_equal(at[b.n], span_end(node_child(d.root, "k")->text_at));
	done(&d);
	read_good(&d, "k: \"a\\nb\\u00e9c\"\n");
	assert_true(yaml_places(d.text, node_child(d.root, "k"), &b, at));
	assert_int_equal(at[0], 4);
	assert_int_equal(at[1], 5);
	assert_int_equal(at[2], 7);
	assert_int_equal(at[3], 8);
	assert_int_equal(at[5], 14);
	buf_free(&b);
	done(&d);
}

static void blocks_of_text_have_their_lines(void **state)
{
	const struct node *n;
	struct doc d;

	(void)state;
	read_good(&d, "a: |  # c\n    x\n     y\n\n\nb: |+\n  z\n\nc: >-\n");
	n = node_child(d.root, "a");
	assert_span(&d, n->text_at, "    x\n     y");
	assert_span(&d, node_value_at(n), "x\n     y");
	assert_span(&d, n->whole, "a: |  # c\n    x\n     y");
	assert_span(&d, node_child(d.root, "b")->text_at, "  z\n");
	assert_span(&d, node_child(d.root, "c")->whole, "c: >-");
	done(&d);
}

static void types_are_those_of_yaml_1_1(void **state)
{
	static const struct {
		const char *word;
		enum scalar_type type;
	} words[] = {
		{ "true", SCALAR_BOOL },        { "No", SCALAR_BOOL },
		{ "on", SCALAR_BOOL },          { "tRue", SCALAR_STRING },
		{ "~", SCALAR_NULL },           { "null", SCALAR_NULL },
		{ "1", SCALAR_NUMBER },         { "-1.5e3", SCALAR_NUMBER },
		{ "0x1F", SCALAR_NUMBER },      { "1_000", SCALAR_NUMBER },
		{ ".inf", SCALAR_NUMBER },      { "8GiB", SCALAR_STRING },
		{ "1-2", SCALAR_STRING },       { "e5", SCALAR_STRING },
		{ "-", SCALAR_STRING },         { "+.", SCALAR_STRING },
		{ "'true'", SCALAR_STRING },    { "!!str 1", SCALAR_STRING },
		{ "!!bool 'no'", SCALAR_BOOL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[64];
		struct doc d;

		snprintf(text, sizeof(text), "[%s]", words[i].word);
		if (strcmp(words[i].word, "-") == 0)
			continue;
		read_good(&d, text);
		if (item(d.root, 0)->type != words[i].type)
			fail_msg("%s is of type %u", words[i].word,
				 item(d.root, 0)->type);
		done(&d);
	}
	assert_int_equal(yaml_plain_type(STR("-")), SCALAR_STRING);
}

static void aliases_of_values_are_resolved(void **state)
{
	const struct node *n;
	struct doc d;

	(void)state;
	read_good(&d, "a: &x one\nb: *x\nc: &x two\nd: *x\ne: &m {f: g}\nh: *m\n");
	n = node_child(d.root, "b");
	assert_int_equal(n->kind, NODE_SCALAR);
	assert_str(n->text, "one");
	assert_string_equal(n->from, "*x");
	assert_span(&d, n->whole, "b: *x");
	assert_str(node_child(d.root, "d")->text, "two");
	n = node_child(d.root, "h");
	assert_int_equal(n->kind, NODE_OPAQUE);
	assert_str(n->text, "*m");
	done(&d);
}

static void what_is_not_decided_here_is_opaque(void **state)
{
	struct doc d;

	(void)state;
	read_good(
		&d,
		"base: &b {x: 1}\nm:\n  <<: *b\n  y: 2\nt: !vault |\n  abc\nu: !Ref {a: b}\n"
		"v: {? [k] : w}\n");
	assert_true(node_is_open(node_child(d.root, "m")));
	assert_str(node_child(node_child(d.root, "m"), "y")->text, "2");
	assert_int_equal(node_child(d.root, "t")->kind, NODE_OPAQUE);
	assert_true(node_is_open(node_child(d.root, "v")));
	assert_false(node_is_open(d.root));
	done(&d);
}

static void doubles_are_opaque(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "a: 1\nb:\n  c: d\na: 2\nb: x\ne: 3\n");
	assert_int_equal(node_child(d.root, "a")->kind, NODE_OPAQUE);
	assert_int_equal(node_child(d.root, "b")->kind, NODE_OPAQUE);
	assert_str(node_child(d.root, "b")->text, "c: d");
	assert_int_equal(node_child(d.root, "e")->kind, NODE_SCALAR);
	done(&d);
}

static void documents_are_items_of_a_stream(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "%YAML 1.1\n---\na: 1\n...\n---\n- b\n--- >\n c\n");
	assert_int_equal(d.root->kind, NODE_STREAM);
	assert_str(node_child(item(d.root, 0), "a")->text, "1");
	assert_str(item(item(d.root, 1), 0)->text, "b");
	assert_str(item(d.root, 2)->text, "c\n");
	done(&d);
	read_good(&d, "# nothing\n");
	assert_int_equal(d.root->kind, NODE_STREAM);
	assert_null(d.root->first);
	done(&d);
	read_good(&d, "---\na: 1\n");
	assert_int_equal(d.root->kind, NODE_MAP);
	assert_null(d.root->up);
	done(&d);
}

static void anchors_end_with_their_document(void **state)
{
	(void)state;
	assert_bad("a: &x 1\n---\nb: *x\n", "*x", "has no anchor '&x' before it");
}

static void broken_text_is_refused_where_it_is_broken(void **state)
{
	(void)state;
	assert_bad("a:\n\tb: 1\n", "\t", "indentation has no tabs");
	assert_bad("a:\n  b: 1\n \tc: 2\n", "\t", "indentation has no tabs");
	assert_bad("a: [1, 2\nb: 3\n", ": 3", "libyaml refuses it");
	assert_bad("a: 'x\n", "", "unexpected end of stream");
	assert_bad("a: b: c\n", ": c", "mapping values are not allowed");
	assert_bad("a: \x01\n", "\x01", "control characters");
	assert_bad("a: \xff\n", "\xff", "invalid leading UTF-8");
	assert_bad("a: 1\n b: 2\n", ": 2", "mapping values are not allowed");
}

static void other_encodings_are_named(void **state)
{
	struct doc d;

	(void)state;
	read_bytes(&d,
		   "\xff\xfe"
		   "a\0",
		   4);
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_UNSUPPORTED);
	done(&d);
}

static void depth_is_bounded(void **state)
{
	char text[2 * YAML_DEPTH_MAX + 8] = "";
	struct doc d;

	(void)state;
	memset(text, '[', YAML_DEPTH_MAX);
	memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
	read_good(&d, text);
	done(&d);
	memset(text, '[', YAML_DEPTH_MAX + 1);
	read_bytes(&d, text, strlen(text));
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
}

static void unusual_texts_hold(void **state)
{
	static const char *const texts[] = {
		"",
		"a",
		"[]",
		"{}",
		"- - - a\n    - b\n",
		"-\n- \n-",
		"? a\n? b\n: c\n",
		"[a: b, {c: d}]",
		"[? x : y]",
		"{a, b: , c}",
		"a:\n- b\n- c\nd: e\n",
		"a: !!map\n  b: c\n",
		"a: &x\n  - |2\n    y\n",
		"? - a\n  - b\n: - c\n",
		"{a: [b, {c: d}], e: 'f'}\n",
		"a: !t\nb: &n\nc: *n\n",
		"'a b': 1\n\"c\\td\": 2\n",
		"a: |\n\n  \n  b\n",
		"- |\n a\n-  >\n  b\n\n- c # d\n",
		"--- a\n--- # b\n",
		"a:\n   # comment\n   b: c\n  # less\n",
		"%TAG ! tag:x,2000:\n---\n!a b\n",
		("a: b\xc2\x85"
		 "c: d\n"),
		"\"a\xe2\x80\xa8 b\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct yaml_flaws f = { 0 };

		if (!yaml_reading_holds(&f, str_bytes(str_of(texts[i]))))
			fail_msg("%s: %s (%s)", texts[i], f.what, f.said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_exact),
		cmocka_unit_test(scalars_say_what_they_say),
		cmocka_unit_test(each_byte_of_a_value_has_its_place),
		cmocka_unit_test(blocks_of_text_have_their_lines),
		cmocka_unit_test(types_are_those_of_yaml_1_1),
		cmocka_unit_test(aliases_of_values_are_resolved),
		cmocka_unit_test(what_is_not_decided_here_is_opaque),
		cmocka_unit_test(doubles_are_opaque),
		cmocka_unit_test(documents_are_items_of_a_stream),
		cmocka_unit_test(anchors_end_with_their_document),
		cmocka_unit_test(broken_text_is_refused_where_it_is_broken),
		cmocka_unit_test(other_encodings_are_named),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(unusual_texts_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
