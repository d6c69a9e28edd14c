/* Edits of HCL by meaning: the bytes that they make, and that no other byte moves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/hcl.h"
#include "analyze/config/lens.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

#include "base/banned.h"

struct facts {
	struct fact a, deep, wait;
};

static const struct lens lenses[] = {
	LENS(facts, a, "a"),
	LENS(facts, deep, "m/n"),
	{ "wait", offsetof(struct facts, wait), "wait", "from" },
};

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	struct node *root;
	struct facts f;
	struct plan plan;
};

static void doc_read(struct doc *d, struct str text)
{
	const struct syntax_error *bad;
	struct err e = { 0 };

	*d = (struct doc){ .text = str_bytes(text) };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.hcl", d->text);
	if (hcl_read(&d->src, d->text, &d->arena, &d->root, &bad, &e) != 0 || !d->root)
		fail_msg("%s in:\n%.*s", bad ? bad->what : e.msg, STR_ARG(text));
	lens_read(lenses, sizeof(lenses) / sizeof(lenses[0]), d->root->first, &d->f);
	d->plan = plan_on(&d->src, &d->arena);
}

static const struct fact *pick(const struct doc *d, const char *field)
{
	for (size_t i = 0; i < sizeof(lenses) / sizeof(lenses[0]); i++) {
		if (strcmp(lenses[i].field, field) == 0)
			return (const void *)((const char *)&d->f + lenses[i].offset);
	}
	fail_msg("no lens '%s'", field);
	return &d->f.a;
}

/* value NULL: remove. The judge must agree, and a second time must change nothing. */
static void makes(const char *field, const char *value, const char *from, const char *to)
{
	const char *why = "";
	struct doc d, again;
	struct view after;

	doc_read(&d, str_of(from));
	assert_true(value ? plan_set(&d.plan, pick(&d, field), value)
			  : plan_remove(&d.plan, pick(&d, field)));
	after = plan_text(&d.plan, d.text, &d.arena);
	if (!str_is(str_view(after), to))
		fail_msg("\n%.*s\nexpected:\n%s", STR_ARG(str_view(after)), to);
	if (!text_hcl.judge(d.text, after, &d.plan, &d.arena, &why))
		fail_msg("the judge: %s", why);
	doc_read(&again, str_view(after));
	assert_true(value ? fact_is(pick(&again, field), value)
			  : fact_absent(pick(&again, field)));
	arena_free(&again.arena);
	arena_free(&d.arena);
}

static void refuses(const char *field, const char *value, const char *from)
{
	struct doc d;

	doc_read(&d, str_of(from));
	assert_false(plan_set(&d.plan, pick(&d, field), value));
	arena_free(&d.arena);
}

static void a_value_is_replaced_and_keeps_its_type(void **state)
{
	(void)state;
	makes("a", "y", "s {\n  a = \"x\" # c\n}\n", "s {\n  a = \"y\" # c\n}\n");
	makes("a", "5", "s {\n  a = \"4\"\n}\n", "s {\n  a = \"5\"\n}\n");
	makes("a", "5", "s {\n  a = 4\n}\n", "s {\n  a = 5\n}\n");
	makes("a", "30s", "s {\n  a = 30\n}\n", "s {\n  a = \"30s\"\n}\n");
	makes("a", "false", "s {\n\ta=true\n}", "s {\n\ta=false\n}");
	makes("a", "a \"b\" \\c $d\n", "s {\n  a = null\n}\n",
	      "s {\n  a = \"a \\\"b\\\" \\\\c $d\\n\"\n}\n");
	makes("a", "x", "s {\n  a = <<E\nlong\nE\n  b = 1\n}\n",
	      "s {\n  a = \"x\"\n  b = 1\n}\n");
	makes("a", "y", "s { a = 1 }\n", "s { a = \"y\" }\n");
}

static void an_argument_comes_behind_the_last_and_below_its_equals_sign(void **state)
{
	(void)state;
	makes("a", "1s", "s {\n  b = 1\n}\n", "s {\n  b = 1\n  a = \"1s\"\n}\n");
	makes("a", "1s", "s {\n  long = 1\n  x    = 2 # c\n}\n",
	      "s {\n  long = 1\n  x    = 2 # c\n  a    = \"1s\"\n}\n");
	makes("a", "1s", "s {\r\n\tb = 1 // c\r\n}",
	      "s {\r\n\tb = 1 // c\r\n\ta = \"1s\"\r\n}");
	makes("a", "1s", "s { #* c\n  b = 1 #*\n}",
	      "s { #* c\n  b = 1 #*\n  a = \"1s\"\n}");
	makes("a", "1s", "s {\r\n\tb = 1\r\n}", "s {\r\n\tb = 1\r\n\ta = \"1s\"\r\n}");
	makes("a", "1s", "s {\n  long = 1\n\n  b = [\n    2,\n  ]\n\n  n {\n  }\n}\n",
	      "s {\n  long = 1\n\n  b = [\n    2,\n  ]\n  a = \"1s\"\n\n  n {\n  }\n}\n");
	makes("a", "1s", "s {\n  b = 1 /* x\n  y */\n}\n",
	      "s {\n  b = 1 /* x\n  y */\n  a = \"1s\"\n}\n");
	makes("a", "1s", "s {\n  \xc3\xa9\xc3\xa9 = 1\n}\n",
	      "s {\n  \xc3\xa9\xc3\xa9 = 1\n  a  = \"1s\"\n}\n");
}

static void a_long_name_moves_the_equals_signs_of_a_tidy_run(void **state)
{
	(void)state;
	makes("wait", "30s", "s {\n  from = \"x\"\n  n    = \"t\"\n}\n",
	      "s {\n  from = \"x\"\n  wait = \"30s\"\n  n    = \"t\"\n}\n");
	makes("wait", "30s", "s {\n  b = 1\n  c = 2\n\n  d = 3\n}\n",
	      "s {\n  b = 1\n  c = 2\n\n  d    = 3\n  wait = \"30s\"\n}\n");
	makes("wait", "30s", "s {\n  b = 1\n  h = <<E\nx\nE\n}\n",
	      "s {\n  b = 1\n  h = <<E\nx\nE\n  wait = \"30s\"\n}\n");
	makes("wait", "30s", "s {\n  b=1\n  cc = 2\n}\n",
	      "s {\n  b=1\n  cc = 2\n  wait = \"30s\"\n}\n");
	makes("wait", "30s", "s {\n  from = \"x\"\n  h    = <<E\nx\nE\n}\n",
	      "s {\n  from = \"x\"\n  wait = \"30s\"\n  h    = <<E\nx\nE\n}\n");
}

static void lines_with_comments_stay_together(void **state)
{
	(void)state;
	makes("wait", "30s", "s {\n  from = 1 # a\n  b    = 2 # b\n  c    = 3\n}\n",
	      "s {\n  from = 1 # a\n  b    = 2 # b\n  wait = \"30s\"\n  c    = 3\n}\n");
}

static void a_block_without_arguments_is_filled(void **state)
{
	(void)state;
	makes("a", "x", "s {}\n", "s {\n  a = \"x\"\n}\n");
	makes("a", "x", "s {\n}\n", "s {\n  a = \"x\"\n}\n");
	makes("a", "x", "s { # c\n  n {\n  }\n}\n",
	      "s { # c\n  a = \"x\"\n  n {\n  }\n}\n");
	makes("wait", "x", "s { b = [1] }\n", "s {\n  b    = [1]\n  wait = \"x\"\n}\n");
}

static void an_argument_goes_with_its_lines(void **state)
{
	(void)state;
	makes("a", NULL, "s {\n  b = 1\n  a = 2 # c\n  d = 3\n}\n",
	      "s {\n  b = 1\n  d = 3\n}\n");
	makes("wait", NULL, "s {\n  b    = 1\n  wait = 2\n  d    = 3\n}\n",
	      "s {\n  b = 1\n  d = 3\n}\n");
	makes("a", NULL, "s {\n  a = <<E\nx\nE\n}", "s {\n}");
	makes("a", NULL, "s { a = 1 }", "s {}");
	makes("a", NULL, "s {\r\n  a = 1\r\n  b = 2\r\n}\r\n", "s {\r\n  b = 2\r\n}\r\n");
}

static void renames(const char *from, const char *to)
{
	const char *why = "";
	struct view after;
	struct doc d;

	doc_read(&d, str_of(from));
	assert_true(plan_rename(&d.plan, node_child(d.root->first, "a"), "longer"));
	after = plan_text(&d.plan, d.text, &d.arena);
	assert_string_equal(arena_str(&d.arena, str_view(after)), to);
	if (!text_hcl.judge(d.text, after, &d.plan, &d.arena, &why))
		fail_msg("the judge: %s", why);
	arena_free(&d.arena);
}

static void a_new_name_moves_the_equals_signs_of_a_tidy_run(void **state)
{
	(void)state;
	renames("x {\n  a  = 1\n  bb = 2\n}\n", "x {\n  longer = 1\n  bb     = 2\n}\n");
	renames("x {\n  a = 1\n  bb = 2\n}\n", "x {\n  longer = 1\n  bb = 2\n}\n");
	renames("x {\n  a {\n  }\n}\n", "x {\n  longer {\n  }\n}\n");
}

static void what_holds_other_things_is_not_overwritten(void **state)
{
	(void)state;
	refuses("a", "x", "s {\n  a = [1]\n}\n");
	refuses("a", "x", "s {\n  a = var.x\n}\n");
	refuses("a", "x", "s {\n  a = {}\n}\n");
	refuses("deep", "x", "s {\n  m = \"s\"\n}\n");
	refuses("deep", "x", "s {\n  m = { n = var.x }\n}\n");
	refuses("a", "\xff", "s {\n  a = 1\n}\n");
}

/* As an edit of one option of several in a word does. */
static void a_part_of_a_string_may_be_edited(void **state)
{
	static const char from[] =
		"s {\n  a = [\"-drive\", \"file=${x},if=none\"] # c\n}\n";
	static const struct {
		const char *before, *put;
		bool right;
	} all[] = {
		{ ",if", ",file.locking=off", true },
		{ "if=", "format=\\\"raw\\\",", true },
		{ "\"] #", ",x=y", true },
		{ "file", "a,", true },
		{ ",if", "\"", false },
		{ ",if", "${y", false },
		{ "x}", "\"", false },
	};
	const char *why;
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t at = (uint64_t)(strstr(from, all[i].before) - from);
		bool ok;

		doc_read(&d, str_of(from));
		assert_true(text_insert(&d.plan, at, str_of(all[i].put)));
		ok = text_hcl.judge(d.text, plan_text(&d.plan, d.text, &d.arena), &d.plan,
				    &d.arena, &why);
		if (ok != all[i].right)
			fail_msg("%s before %s: %s", all[i].put, all[i].before,
				 ok ? "accepted" : why);
		arena_free(&d.arena);
	}
}

static void the_judge_sees_what_no_edit_touched(void **state)
{
	static const char from[] = "s {\n  a = \"x\"\n  b = [1, \"${c}\"] # d\n}\n";
	static const char *const others[] = {
		"s {\n  a = \"y\"\n  b = [2, \"${c}\"] # d\n}\n",
		"s {\n  a = \"y\"\n  b = [1, \"${d}\"] # d\n}\n",
		"s {\n  a = \"y\"\n  b = [1, \"${c}\"] # e\n}\n",
		"s {\n  a = \"y\"\n  b = [1, \"${c}\"] # d\n\n}\n",
		"s {\n  a = \"y\n  b = [1, \"${c}\"] # d\n}\n",
		"s {\n  a = {y}\n  b = [1, \"${c}\"] # d\n}\n",
		"s {\n  a = \"y\"\n  b = [1, \"${c}\"] # d\n",
		"s {\n  a = @@@\n  b = [1, \"${c}\"] # d\n}\n",
		"s {\n  a = /*}\n  b = [1, \"${c}\"] # d\n}\n",
	};
	const char *why;
	struct doc d;

	(void)state;
	doc_read(&d, str_of(from));
	assert_true(plan_set(&d.plan, &d.f.a, "y"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		why = NULL;
		if (text_hcl.judge(d.text, str_bytes(str_of(others[i])), &d.plan,
				   &d.arena, &why))
			fail_msg("accepted: %s", others[i]);
		assert_non_null(why);
	}
	arena_free(&d.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_replaced_and_keeps_its_type),
		cmocka_unit_test(
			an_argument_comes_behind_the_last_and_below_its_equals_sign),
		cmocka_unit_test(a_long_name_moves_the_equals_signs_of_a_tidy_run),
		cmocka_unit_test(lines_with_comments_stay_together),
		cmocka_unit_test(a_block_without_arguments_is_filled),
		cmocka_unit_test(an_argument_goes_with_its_lines),
		cmocka_unit_test(a_new_name_moves_the_equals_signs_of_a_tidy_run),
		cmocka_unit_test(what_holds_other_things_is_not_overwritten),
		cmocka_unit_test(a_part_of_a_string_may_be_edited),
		cmocka_unit_test(the_judge_sees_what_no_edit_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
