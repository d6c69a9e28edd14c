/* JSON: every place is exact, and what is broken is refused where it is broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/json.h"
#include "tests/lib/tree_flaws.h"

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	struct node *root;
	const struct syntax_error *bad;
	struct err e;
	int rc;
};

static void read_bytes(struct doc *d, const void *p, size_t n, enum json_doubles doubles)
{
	*d = (struct doc){ .text = { p, n } };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.json", d->text);
	d->rc = json_read(&d->src, d->text, &d->arena, doubles, &d->root, &d->bad, &d->e);
}

static void read_good(struct doc *d, const char *text)
{
	const struct node *where;

	read_bytes(d, text, strlen(text), JSON_DOUBLES_REFUSED);
	if (d->rc != 0 || !d->root)
		fail_msg("%s: %s", text, d->bad ? d->bad->what : d->e.msg);
	assert_null(tree_flaw(d->root, &where));
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

	read_bytes(&d, text, strlen(text), JSON_DOUBLES_REFUSED);
	assert_int_equal(d.rc, 0);
	assert_null(d.root);
	assert_non_null(d.bad);
	assert_span(&d, d.bad->at, at);
	if (!strstr(d.bad->what, what))
		fail_msg("'%s' does not say '%s'", d.bad->what, what);
	done(&d);
}

static void places_are_exact(void **state)
{
	const struct node *n, *list;
	struct doc d;

	(void)state;
	read_good(&d, "{ \"a\" : \"x y\",\n\t\"b\":[1, {\"c\":null}],\"d\": -1.5e3 }\n");
	n = node_child(d.root, "a");
	assert_span(&d, n->whole, "\"a\" : \"x y\"");
	assert_span(&d, n->key_at, "\"a\"");
	assert_span(&d, n->open_at, "\"x y\"");
	assert_span(&d, n->text_at, "x y");
	assert_int_equal(n->type, SCALAR_STRING);
	list = node_child(d.root, "b");
	assert_int_equal(list->kind, NODE_LIST);
	assert_span(&d, list->whole, "\"b\":[1, {\"c\":null}]");
	assert_span(&d, list->open_at, "[");
	assert_span(&d, list->text_at, "1, {\"c\":null}");
	assert_span(&d, list->first->whole, "1");
	assert_span(&d, list->first->key_at, "");
	assert_int_equal(list->first->type, SCALAR_NUMBER);
	assert_span(&d, list->last->whole, "{\"c\":null}");
	assert_int_equal(list->last->first->type, SCALAR_NULL);
	n = node_child(d.root, "d");
	assert_str(n->text, "-1.5e3");
	assert_span(&d, d.root->text_at,
		    " \"a\" : \"x y\",\n\t\"b\":[1, {\"c\":null}],\"d\": -1.5e3 ");
	done(&d);
}

static void escapes_are_decoded(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d,
		  "{\"\\u0061\\n\": \"\\\"\\\\\\/\\b\\f\\r\\t\\u00e9\\uD83D\\uDE00\"}");
	assert_str(d.root->first->key, "a\n");
	assert_str(d.root->first->text, "\"\\/\b\f\r\t\xc3\xa9\xf0\x9f\x98\x80");
	assert_span(&d, d.root->first->key_at, "\"\\u0061\\n\"");
	done(&d);
}

static void a_zero_character_is_part_of_a_string(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "[\"a\\u0000b\"]");
	assert_int_equal(d.root->first->text.n, 3);
	done(&d);
}

static void any_value_may_be_the_root(void **state)
{
	static const char *const texts[] = { "1", "\"x\"", "null", "true", "[]", "{}" };
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_good(&d, texts[i]);
		assert_span(&d, d.root->whole, texts[i]);
		done(&d);
	}
}

static void broken_text_is_shown_where_it_breaks(void **state)
{
	(void)state;
	assert_bad("{\"a\": 1,}", "}", "a ',' stands before this '}'");
	assert_bad("[1,]", "]", "a ',' stands before this ']'");
	assert_bad("{\"a\": 1 \"b\": 2}", "\"", "',' or '}' was expected");
	assert_bad("{a: 1}", "a", "a name in quotes was expected");
	assert_bad("{'a': 1}", "'", "JSON quotes with");
	assert_bad("{// x\n}", "/", "JSON has no comments");
	assert_bad("{\"a\" 1}", "1", "a ':' behind the name");
	assert_bad("{\"a\": tru}", "t", "a value was expected");
	assert_bad("{\"a\": truex}", "truex", "begins no value");
	assert_bad("{\"a\": 01}", "0", "a value was expected");
	assert_bad("{\"a\": .5}", ".", "a value was expected");
	assert_bad("{\"a\": \"x\ny\"}", "\"x", "no '\"' at its end");
	assert_bad("{\"a\": \"x", "\"", "no '\"' at its end");
	assert_bad("{\"a\": \"\\q\"}", "\\q", "no escape of JSON");
	assert_bad("{\"a\": \"\\ud800\"}", "\\u", "no escape of JSON");
	assert_bad("{\"a\": \"\t\"}", "\t", "\\u0009 was expected");
	assert_bad("{\"a\": {\"b\": 1}", "{", "no '}' at its end");
	assert_bad("[[]", "[", "no ']' at its end");
	assert_bad("{} {}", "{", "goes on behind its value");
	assert_bad("", "", "has no value");
	assert_bad("\xef\xbb\xbf{}", "\xef\xbb\xbf", "byte order mark");
	assert_bad("{\"a\": \"\xff\"}", "\xff", "is not UTF-8");
	assert_bad("[1}", "}", "',' or ']' was expected");
}

static void a_double_counts_as_its_consumer_says(void **state)
{
	static const char text[] = "{\"a\": 1,\n \"b\": 2, \"a\": 3, \"b\": {\"a\": 0}}";
	const struct node *where;
	struct doc d;

	(void)state;
	assert_bad(text, "\"a\"", "a second time, first in line 1");
	read_bytes(&d, text, strlen(text), JSON_DOUBLES_ALLOWED);
	assert_non_null(d.root);
	assert_null(tree_flaw(d.root, &where));
	assert_str(node_again(node_child(d.root, "a"))->text, "3");
	done(&d);
}

static void depth_and_number_are_bounded(void **state)
{
	static char deep[2 * JSON_DEPTH_MAX + 3], many[2 * JSON_NODES_MAX + 2];
	struct doc d;

	(void)state;
	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	read_good(&d, deep);
	done(&d);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	read_bytes(&d, deep, strlen(deep), JSON_DOUBLES_REFUSED);
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
	many[0] = '[';
	for (size_t i = 1; i + 1 < sizeof(many); i += 2)
		memcpy(many + i, "1,", 2);
	many[sizeof(many) - 2] = ']';
	read_bytes(&d, many, sizeof(many) - 1, JSON_DOUBLES_REFUSED);
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
}

/* ---- the look at the beginning ---- */

static bool tells_all(const struct json_glance *g, void *data)
{
	struct buf *b = data;

	for (size_t i = 0; i < g->depth; i++)
		buf_printf(b, "/%.*s", STR_ARG(g->names[i]));
	buf_printf(b, " %c%.*s\n", g->begins, STR_ARG(g->text));
	return false;
}

static void a_skim_sees_names_and_what_their_values_begin_with(void **state)
{
	static const char text[] =
		" {\"a\": {\"b\": [1, {\"deep\": \"}\"}], \"c\": \"x\\\"y\"},"
		" \"builders\": [{\"type\": \"qemu\"}], \"n\": 12} junk";
	struct buf b = { 0 };

	(void)state;
	json_skim((struct view){ (const uint8_t *)text, sizeof(text) - 1 }, 3, tells_all,
		  &b);
	assert_string_equal(b.p,
			    "/a {\n/a/b [\n/a/b/ 1\n/a/b/ {\n/a/c \"x\\\"y\n"
			    "/builders [\n/builders/ {\n/builders//type \"qemu\n/n 1\n");
	buf_free(&b);
}

static void a_skim_of_anything_ends(void **state)
{
	static const char *const texts[] = { "",        "{",           "{\"",
					     "{\"a\":", "{\"a\":{",    "[1]",
					     "{]",      "{\"a\"::::}", "{\"a\":]}",
					     "{,,,",    "{\"a\":\"\\" };
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(json_skim(str_bytes(str_of(texts[i])), 2, tells_all, &b));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_exact),
		cmocka_unit_test(escapes_are_decoded),
		cmocka_unit_test(a_zero_character_is_part_of_a_string),
		cmocka_unit_test(any_value_may_be_the_root),
		cmocka_unit_test(broken_text_is_shown_where_it_breaks),
		cmocka_unit_test(a_double_counts_as_its_consumer_says),
		cmocka_unit_test(depth_and_number_are_bounded),
		cmocka_unit_test(a_skim_sees_names_and_what_their_values_begin_with),
		cmocka_unit_test(a_skim_of_anything_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
