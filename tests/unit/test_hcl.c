/* HCL: every place is exact, and what is broken is refused where it is broken.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/hcl.h"
#include "analyze/config/hcl_lex.h"
#include "tests/lib/tree_flaws.h"

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

static void read_text(struct doc *d, const char *text)
{
	*d = (struct doc){ .text = str_bytes(str_of(text)) };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.hcl", d->text);
	d->rc = hcl_read(&d->src, d->text, &d->arena, &d->root, &d->bad, &d->e);
}

static void read_good(struct doc *d, const char *text)
{
	const struct node *where;

	read_text(d, text);
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

static const struct node *value_of(struct doc *d, const char *text)
{
	read_good(d, text);
	assert_non_null(node_child(d->root, "a"));
	return node_child(d->root, "a");
}

static void a_block_has_labels_and_members(void **state)
{
	const struct node *n;
	struct doc d;

	(void)state;
	read_good(&d, "# x\nsource \"qemu\" deb {\n  cpus = 2 // two\n  b {\n  }\n}\n");
	n = d.root->first;
	assert_true(n->is_block && n->kind == NODE_MAP);
	assert_span(&d, n->whole,
		    "source \"qemu\" deb {\n  cpus = 2 // two\n  b {\n  }\n}");
	assert_span(&d, n->key_at, "source");
	assert_span(&d, n->open_at, "{");
	assert_span(&d, n->text_at, "\n  cpus = 2 // two\n  b {\n  }\n");
	assert_int_equal(n->first->kind, NODE_LABEL);
	assert_str(n->first->text, "qemu");
	assert_span(&d, n->first->text_at, "qemu");
	assert_span(&d, n->first->whole, "\"qemu\"");
	assert_str(n->first->next->text, "deb");
	assert_span(&d, node_child(n, "cpus")->whole, "cpus = 2");
	assert_true(node_child(n, "b")->is_block);
	done(&d);
}

static void literals_are_scalars(void **state)
{
	static const struct {
		const char *text, *value;
		enum scalar_type type;
	} all[] = {
		{ "a = \"x\\n\\\"\\u00e9$${y} %%{z} $k\"\n", "x\n\"\xc3\xa9${y} %{z} $k",
		  SCALAR_STRING },
		{ "a = -1.5e3", "-1.5e3", SCALAR_NUMBER },
		{ "a = true", "true", SCALAR_BOOL },
		{ "a = null # none", "null", SCALAR_NULL },
		{ "a = <<EOT\n x\n  \\n$${y}\nEOT\n", " x\n  \\n${y}\n", SCALAR_STRING },
		{ "a = <<-EOT\n\t\tx\n\n\t\t\ty\n\tEOT\n", "x\n\n\ty\n", SCALAR_STRING },
		{ "a = <<E\nE\n", "", SCALAR_STRING },
		{ "a = <<E\r\nx\r\nE\r\n", "x\r\n", SCALAR_STRING },
	};
	const struct node *n;
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		n = value_of(&d, all[i].text);
		assert_int_equal(n->kind, NODE_SCALAR);
		assert_int_equal(n->type, all[i].type);
		assert_str(n->text, all[i].value);
		done(&d);
	}
}

static void places_of_values_are_exact(void **state)
{
	const struct node *n;
	struct doc d;

	(void)state;
	n = value_of(&d, "a   =  \"x y\" /* c */ # d\n");
	assert_span(&d, n->whole, "a   =  \"x y\"");
	assert_span(&d, n->open_at, "\"x y\"");
	assert_span(&d, n->text_at, "x y");
	done(&d);
	n = value_of(&d, "a = <<-EOT\n  x\n  EOT\nb = 1\n");
	assert_span(&d, n->whole, "a = <<-EOT\n  x\n  EOT");
	assert_span(&d, n->text_at, "  x\n");
	done(&d);
	n = value_of(&d, "a = [1, \"b\", # c\n  { k = 2, \"l\" : var.x\n m = [] }\n]\n");
	assert_int_equal(n->kind, NODE_LIST);
	assert_span(&d, n->open_at, "[");
	assert_span(&d, n->first->next->whole, "\"b\"");
	n = n->last;
	assert_int_equal(n->kind, NODE_MAP);
	assert_false(n->is_block);
	assert_span(&d, n->whole, "{ k = 2, \"l\" : var.x\n m = [] }");
	assert_span(&d, node_child(n, "l")->whole, "\"l\" : var.x");
	assert_int_equal(node_child(n, "l")->kind, NODE_OPAQUE);
	assert_int_equal(node_child(n, "m")->kind, NODE_LIST);
	done(&d);
}

static void what_must_be_evaluated_is_opaque(void **state)
{
	static const char *const all[] = {
		"var.x",
		"\"${var.x}\"",
		"\"a${ { k = \"}\" }.k }b\"",
		"<<EOT\n${x\n}\nEOT",
		"1 + 2",
		"!true",
		"-x",
		"(1)",
		"a ? b : c",
		"f(1, \"x\", [2]...)",
		"x[0].y[*].z.*.w",
		"[for k, v in m : k if v != \"]\"]",
		"{ for k in m : k => { a = k } }",
		"{ (k) = 1 }",
		"{ \"${k}\" = 1 }",
		"provider::f(x)",
		"[1][0]",
		"{ a = 1 }.a",
		"\"%{ if x }y%{ endif }\"",
		"a == b && c || d >= 1 - -2 % 3",
	};
	char text[200];
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct node *n;

		snprintf(text, sizeof(text), "a = %s\nb = 1\n", all[i]);
		n = value_of(&d, text);
		assert_int_equal(n->kind, NODE_OPAQUE);
		assert_str(n->text, all[i]);
		assert_span(&d, n->text_at, all[i]);
		assert_null(n->first);
		assert_non_null(node_child(d.root, "b"));
		done(&d);
	}
}

static void lines_end_where_hcl_says(void **state)
{
	static const char *const good[] = {
		"a = [\n1\n,\n2,\n]",
		"a = (1\n+\n2)",
		"a = f(\n1\n)",
		"a = {\n\n b = 1\n c = 2,\n\n}\n",
		"x { a = 1 }\nx {}\n",
		"a = 1 /* \n */\nb = 2\n",
		"\xef\xbb\xbfx = 1\r\n",
		"a = x[\n0\n]",
		"",
		"# only a comment",
	};
	static const char *const bad[] = {
		"a = 1 b = 2\n",
		"a = 1 +\n2\n",
		"a = x ?\n1 : 2\n",
		"x { a = 1\n}\n",
		"x { a = 1, }\n",
		"x { b { } }\n",
		"a\n",
		"a b\n",
		"a = \n1",
		"x \"y\"\n{\n}\n",
		"x {\n} y = 1\n",
		"a = {b = 1 c = 2}",
		"a = [1 2]",
		"a = f(1 2)",
		"a = x.",
		"a = x[",
		"a = (1",
		"a = [",
		"a = {",
		"x {",
		"}",
		"a = \"x",
		"a = \"x\ny\"",
		"a = \"\\q\"",
		"a = \"${x\"",
		"a = <<E\nx\n",
		"a = 'x'",
		"a = 1;",
		"\"a\" = 1",
		"x \"${y}\" {\n}\n",
		"a = /* x",
		"a = \"${x y}\"",
		"a = \"${}\"",
		"a = 1\na = 2\n",
		"a = [for x in y",
		"1 = a",
		"a = @",
		"a = 10G\n",
		"a = <<E x\nE\n",
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		read_good(&d, good[i]);
		done(&d);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		read_text(&d, bad[i]);
		if (d.root || !d.bad)
			fail_msg("accepted: %s", bad[i]);
		assert_true(range_within(d.bad->at.off, d.bad->at.len, d.text.n));
		done(&d);
	}
}

static void broken_text_is_shown_where_it_breaks(void **state)
{
	static const struct {
		const char *text, *at, *what;
	} all[] = {
		{ "x {\n  a = 1;\n}\n", ";", "an argument ends with its line" },
		{ "x {\n  a = \n}\n", "\n", "a value was expected before the end" },
		{ "x {\n  a = 1\n  a = 2\n}\n", "a",
		  "a second time in this block, first in line 2" },
		{ "x {\n  y {\n}\n", "{", "this block has no '}' at its end" },
		{ "a = \"b\n", "\"", "this string has no '\"' at its end" },
		{ "a = [1 2]", "2", "',' or ']' was expected, not '2'" },
		{ "a = \"${b c}\"", "c", "'}' of the template was expected" },
		{ "a = \xff", "\xff", "is not UTF-8" },
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		read_text(&d, all[i].text);
		assert_non_null(d.bad);
		if (!strstr(d.bad->what, all[i].what))
			fail_msg("'%s' does not say '%s'", d.bad->what, all[i].what);
		assert_span(&d, d.bad->at, all[i].at);
		done(&d);
	}
}

static void depth_and_number_are_bounded(void **state)
{
	static char deep[4 + HCL_DEPTH_MAX * 4], many[8 * HCL_NODES_MAX + 100];
	static const char *const openers[] = { "[", "(", "{b=", "\"${", "f(", "x[" };
	struct doc d;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++) {
		n = 0;
		memcpy(deep, "a=", 2);
		for (n = 2; n + 8 < sizeof(deep); n += strlen(openers[i]))
			memcpy(deep + n, openers[i], strlen(openers[i]) + 1);
		read_text(&d, deep);
		assert_null(d.root);
		assert_true(d.bad || d.e.code == ERR_LIMIT);
		done(&d);
	}
	n = (size_t)snprintf(many, sizeof(many), "a = [");
	for (size_t i = 0; i <= HCL_NODES_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "1,");
	snprintf(many + n, sizeof(many) - n, "]\n");
	read_text(&d, many);
	assert_int_equal(d.rc, -1);
	assert_int_equal(d.e.code, ERR_LIMIT);
	done(&d);
}

static bool tells_all(const struct hcl_glance *g, void *data)
{
	buf_printf(data, "%.*s|%.*s|%d ", STR_ARG(g->name), STR_ARG(g->label), g->block);
	return false;
}

static void a_skim_sees_the_outermost_names(void **state)
{
	static const char *const texts[][2] = {
		{ "# c\npacker {\n x = [{}]\n}\nv = { a = 1 }\nsource \"qemu\" \"y\" {}\n",
		  "packer||1 v||0 source|qemu|1 " },
		{ "a: b\n", "" },
		{ "FOO=bar\nif [ x ]; then\n", "FOO||0 " },
		{ "{\"a\": 1}", "" },
		{ "", "" },
		{ "build {", "build||1 " },
	};
	struct buf b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_clear(&b);
		buf_add(&b, STR(""));
		assert_false(hcl_skim(str_bytes(str_of(texts[i][0])), tells_all, &b));
		assert_string_equal(b.p, texts[i][1]);
	}
	buf_free(&b);
}

static bool tells_nothing(const struct hcl_glance *g, void *data)
{
	(void)g;
	(void)data;
	return false;
}

/* Each text in memory of its own size, so that a sanitizer sees what is read behind it. */
static void nothing_is_read_behind_the_end(void **state)
{
	static const char *const texts[] = {
		"a{<<E\n${\"", "a{<<E", "a{\"",   "a{ \"${", "a = \"",
		"a = \"x${\"", "a{/*",  "a = 1.", "a{<<",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t n = strlen(texts[i]);
		uint8_t *copy = malloc(n);

		assert_non_null(copy);
		memcpy(copy, texts[i], n);
		assert_false(hcl_skim((struct view){ copy, n }, tells_nothing, NULL));
		for (size_t at = 0; at < n;) {
			struct hcl_token t = hcl_lex((struct view){ copy, n }, at);

			assert_true(t.at <= t.end && t.end <= n);
			if (t.kind == HCL_END)
				break;
			at = t.end > at ? t.end : at + 1;
		}
		free(copy);
	}
}

static void a_template_falls_into_pieces(void **state)
{
	static const char text[] = "a\\\"$${b}${var.c}-${\"}\"}%{ if x }y";
	static const char *const pieces[] = { "a\\\"$${b}", "var.c",  "-",
					      "\"}\"",      " if x ", "y" };
	struct view inside = str_bytes(str_of(text));
	struct hcl_piece p;
	size_t from = 0, i = 0;

	(void)state;
	while (hcl_piece(inside, false, &from, &p)) {
		assert_true(i < sizeof(pieces) / sizeof(pieces[0]));
		assert_str(str_view(p.at), pieces[i]);
		assert_int_equal(p.is_code, i == 1 || i == 3 || i == 4);
		assert_int_equal(p.strange, i == 4);
		i++;
	}
	assert_int_equal(i, sizeof(pieces) / sizeof(pieces[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_has_labels_and_members),
		cmocka_unit_test(literals_are_scalars),
		cmocka_unit_test(places_of_values_are_exact),
		cmocka_unit_test(what_must_be_evaluated_is_opaque),
		cmocka_unit_test(lines_end_where_hcl_says),
		cmocka_unit_test(broken_text_is_shown_where_it_breaks),
		cmocka_unit_test(depth_and_number_are_bounded),
		cmocka_unit_test(a_skim_sees_the_outermost_names),
		cmocka_unit_test(nothing_is_read_behind_the_end),
		cmocka_unit_test(a_template_falls_into_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
