/* Edits of YAML by meaning: the bytes that they make, that no other byte moves, and what
 * libyaml's judge lets through.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/lens.h"
#include "analyze/config/yaml.h"
#include "rewrite/text.h"

#include "base/banned.h"

struct object {
	struct fact fact;
};

struct doc {
	struct arena arena;
	struct source src;
	struct view text;
	struct node *root;
	struct lens lens;
	struct object object;
	struct plan plan;
};

static void doc_read(struct doc *d, const char *text, const char *path)
{
	const struct syntax_error *bad;
	struct err e = { 0 };

	*d = (struct doc){ .text = str_bytes(str_of(text)) };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.yaml", d->text);
	if (yaml_read(&d->src, d->text, &d->arena, &d->root, &bad, &e) != 0 || !d->root)
		fail_msg("%s in:\n%s", bad ? bad->what : e.msg, text);
	d->lens = (struct lens)LENS(object, fact, path);
	lens_read(&d->lens, 1, d->root, &d->object);
	d->plan = plan_on(&d->src, &d->arena);
}

static const char *doc_result(struct doc *d)
{
	struct view after = plan_text(&d->plan, d->text, &d->arena);
	const char *why;

	if (!text_yaml.judge(d->text, after, &d->plan, &d->arena, &why))
		fail_msg("the judge says: %s", why);
	return arena_str(&d->arena, str_view(after));
}

static void assert_text(const char *found, const char *expected)
{
	if (strcmp(found, expected) != 0)
		fail_msg("\n%s\nexpected\n%s", found, expected);
}

static void sets(const char *before, const char *path, const char *value,
		 const char *after)
{
	struct doc d;

	doc_read(&d, before, path);
	if (!plan_set(&d.plan, &d.object.fact, value))
		fail_msg("%s is not set: %s", path,
			 d.plan.refused ? d.plan.refused : "no reason");
	assert_text(doc_result(&d), after);
	arena_free(&d.arena);
	/* What was set is read, and set again changes nothing. */
	doc_read(&d, after, path);
	assert_true(fact_is(&d.object.fact, value));
	assert_true(plan_set(&d.plan, &d.object.fact, value));
	assert_int_equal(d.plan.edits.n, 0);
	arena_free(&d.arena);
}

static void removes(const char *before, const char *path, const char *after)
{
	struct doc d;

	doc_read(&d, before, path);
	if (!plan_remove(&d.plan, &d.object.fact))
		fail_msg("%s is not removed: %s", path,
			 d.plan.refused ? d.plan.refused : "no reason");
	assert_text(doc_result(&d), after);
	arena_free(&d.arena);
	doc_read(&d, after, path);
	assert_true(fact_absent(&d.object.fact));
	arena_free(&d.arena);
}

static void declines(const char *before, const char *path, const char *value,
		     const char *why)
{
	struct doc d;

	doc_read(&d, before, path);
	assert_false(value ? plan_set(&d.plan, &d.object.fact, value)
			   : plan_remove(&d.plan, &d.object.fact));
	assert_int_equal(d.plan.edits.n, 0);
	if (why && (!d.plan.refused || !strstr(d.plan.refused, why)))
		fail_msg("'%s' does not say '%s'", d.plan.refused ? d.plan.refused : "",
			 why);
	arena_free(&d.arena);
}

/* ---- set what is there ---- */

static void a_value_keeps_its_style(void **state)
{
	(void)state;
	sets("a: true  # c\n", "a", "false", "a: false  # c\n");
	sets("a: 'x'\n", "a", "it's", "a: 'it''s'\n");
	sets("a: \"x\"\n", "a", "b\"\\", "a: \"b\\\"\\\\\"\n");
	sets("a: x", "a", "8GiB", "a: 8GiB");
}

static void a_value_that_needs_quotes_gets_them(void **state)
{
	(void)state;
	sets("a: x\n", "a", "b: c", "a: 'b: c'\n");
	sets("a: x\n", "a", "[b]", "a: '[b]'\n");
	sets("a: x\n", "a", "it's #1 ", "a: 'it''s #1 '\n");
	sets("a: x\n", "a", "b\nc", "a: \"b\\nc\"\n");
	sets("a: x\n", "a", "\xc3\xa9", "a: \"\xc3\xa9\"\n");
	sets("{a: x}\n", "a", "b,c", "{a: 'b,c'}\n");
	sets("a: x\n", "a", "-1", "a: -1\n");
	sets("a: x\n", "a", "--- x", "a: '--- x'\n");
}

static void an_empty_value_is_filled(void **state)
{
	(void)state;
	sets("a:\nb: c\n", "a", "x", "a: x\nb: c\n");
	sets("a: # c\n", "a", "x", "a: x # c\n");
	sets("a: ~\n", "a", "x", "a: x\n");
	sets("{a: , b: c}\n", "a", "x", "{a: x , b: c}\n");
}

/* ---- insert ---- */

static void a_key_goes_where_it_sorts(void **state)
{
	(void)state;
	sets("m:\n  a: 1\n  c: 2\n", "m/b", "x", "m:\n  a: 1\n  b: x\n  c: 2\n");
	sets("m:\n  b: 1\n  c: 2\n", "m/a", "x", "m:\n  a: x\n  b: 1\n  c: 2\n");
	sets("m:\n  c: 1\n  a: 2\nn: 3\n", "m/b", "x",
	     "m:\n  c: 1\n  a: 2\n  b: x\nn: 3\n");
}

static void a_new_line_is_like_its_neighbours(void **state)
{
	(void)state;
	sets("m:\r\n    a: 1   # c\r\nn: 2\r\n", "m/b", "x",
	     "m:\r\n    a: 1   # c\r\n    b: x\r\nn: 2\r\n");
	sets("m:\n  a: 1", "m/b", "x", "m:\n  a: 1\n  b: x");
	sets("m:\n  a: |\n    text\n\nn: 2\n", "m/b", "x",
	     "m:\n  a: |\n    text\n  b: x\n\nn: 2\n");
	sets("m:\n  a: \"true\"\n", "m/b", "false",
	     "m:\n  a: \"true\"\n  b: \"false\"\n");
	sets("m:\n  a: 'true'\n", "m/b", "false", "m:\n  a: 'true'\n  b: 'false'\n");
	sets("m:\n  a: yes\n", "m/b", "false", "m:\n  a: yes\n  b: false\n");
	sets("m:\n  a: x\n", "m/b", "false", "m:\n  a: x\n  b: \"false\"\n");
	sets("\"m\":\n  \"a\": x\n", "m/b", "z", "\"m\":\n  \"a\": x\n  \"b\": z\n");
	sets("\xef\xbb\xbf\xc3\xa9: 1\nm:\n - \xc3\xa9\n", "n", "z",
	     "\xef\xbb\xbf\xc3\xa9: 1\nm:\n - \xc3\xa9\nn: z\n");
}

static void maps_on_the_way_are_made(void **state)
{
	(void)state;
	sets("a: 1\n", "m/b", "x", "a: 1\nm:\n  b: x\n");
	sets("n:\n    a: 1\n", "o/m/b", "x", "n:\n    a: 1\no:\n    m:\n        b: x\n");
	sets("m:\nn: 1\n", "m/b", "x", "m:\n  b: x\nn: 1\n");
	sets("m:   # c\n", "m/b", "x", "m:   # c\n  b: x\n");
	sets("m: ~\n", "m/b", "x", "m: {b: x}\n");
	sets("m: {}\n", "m/b", "x", "m: {b: x}\n");
	sets("{n: 1}\n", "m/b", "x", "{n: 1, m: {b: x}}\n");
}

static void flow_stays_flow(void **state)
{
	(void)state;
	sets("m: {a: 1, c: 2}\n", "m/b", "x", "m: {a: 1, b: x, c: 2}\n");
	sets("m: { b: 1, c: 2 }\n", "m/a", "x", "m: { a: x, b: 1, c: 2 }\n");
	sets("m: {\n  a: 1,\n  c: 2\n}\n", "m/d", "x",
	     "m: {\n  a: 1,\n  c: 2,\n  d: x\n}\n");
}

/* ---- remove ---- */

static void a_line_goes_as_a_whole(void **state)
{
	(void)state;
	removes("a: 1\nb: 2  # c\nd: 3\n", "b", "a: 1\nd: 3\n");
	removes("a: 1\r\nb: 2\r\n", "b", "a: 1\r\n");
	removes("a: 1\nb: 2", "b", "a: 1");
	removes("a: 1\nb: |\n  x\n  y\n\n# c\nd: 2\n", "b", "a: 1\n\n# c\nd: 2\n");
	removes("a: 1\nb:\n  c: d\ne: 2\n", "b/c", "a: 1\nb: {}\ne: 2\n");
	removes("a: 1\nb:  # keep\n  c: d\n", "b/c", "a: 1\nb: {}  # keep\n");
	removes("a: b", "a", "{}");
}

static void a_member_between_brackets_goes_with_its_comma(void **state)
{
	(void)state;
	removes("m: {a: 1, b: 2, c: 3}\n", "m/b", "m: {a: 1, c: 3}\n");
	removes("m: {a: 1, b: 2}\n", "m/b", "m: {a: 1}\n");
	removes("m: {a: 1, b: 2}\n", "m/a", "m: {b: 2}\n");
	removes("m: {a: 1}\n", "m/a", "m: {}\n");
	removes("m: {\n  a: 1,\n  b: 2,\n  c: 3,\n}\n", "m/b",
		"m: {\n  a: 1,\n  c: 3,\n}\n");
}

static void items_and_first_members_go(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, "l:\n- a: 1\n  b: 2\n-  c\n- d\n", "x");
	assert_true(
		text_yaml.remove_node(&d.plan, node_child(d.root, "l")->first->first));
	assert_true(text_yaml.remove_node(&d.plan, node_child(d.root, "l")->first->next));
	assert_text(doc_result(&d), "l:\n- b: 2\n- d\n");
	arena_free(&d.arena);
	doc_read(&d, "l: [a, b, c]\n", "x");
	assert_true(text_yaml.remove_node(&d.plan, node_child(d.root, "l")->last));
	assert_text(doc_result(&d), "l: [a, b]\n");
	arena_free(&d.arena);
}

/* ---- not here ---- */

static void what_cannot_be_said_is_declined(void **state)
{
	(void)state;
	declines("a: &x 1\nb: *x\n", "a", "2", "anchor");
	declines("a: &x 1\nb: *x\n", "b", "2", "is that of *x");
	declines("a: |\n  x\n", "a", "y", "block of text");
	declines("a: !t x\n", "a", "y", NULL);
	declines("n: &x {a: 1}\nm: *x\n", "m/b", "y", NULL);
	declines("n: &x {a: 1}\nm:\n  <<: *x\n", "m/b", "y", NULL);
	declines("m: [a]\n", "m/b", "y", NULL);
	declines("a: 1\na: 2\n", "a", "3", NULL);
	declines("a: {{ x }}\n", "a", "y", NULL);
	declines("a: x\n", "a", "\xff", NULL);
	declines("~\n", "a", "x", "cannot hold members");
	declines("- ~\n", "a/b", "x", NULL);
}

/* ---- the judge ---- */

static void judged(const char *before, uint64_t off, uint64_t len, const char *text,
		   const char *why)
{
	struct doc d;
	const char *said;
	struct view after;
	bool good;

	doc_read(&d, before, "x");
	assert_true(plan_replace(&d.plan,
				 (struct span){ .src = &d.src, .off = off, .len = len },
				 str_of(text)));
	after = plan_text(&d.plan, d.text, &d.arena);
	good = judge_yaml(d.text, after, &d.plan, &d.arena, &said);
	assert_int_equal(good, why == NULL);
	if (why && !strstr(said, why))
		fail_msg("'%s' does not say '%s'", said, why);
	arena_free(&d.arena);
}

static void the_judge_lets_edits_through(void **state)
{
	(void)state;
	judged("a: 1\nb: 2\n", 3, 1, "3", NULL);
	judged("a: 1\nb: 2\n", 5, 0, "c: 4\n", NULL);
	judged("a: 1\nb: 2\n", 0, 5, "", NULL);
	judged("a: 1\nb: 2\n", 0, 1, "c", NULL);
	judged("a: |\n  x\n  y\nb: 2\n", 5, 4, "", NULL);
}

static void the_judge_sees_what_else_changes(void **state)
{
	(void)state;
	judged("a: 1\nb: 2\n", 4, 1, "", "'1' would not be what it was");
	judged("a: 1\nb: 2\n", 4, 0, "0", "'1' would not be what it was");
	judged("a:\n  b: 1\n  c: 2\n", 3, 0, "  d:\n  ", "'b' would not be what it was");
	judged("a:\n  b: 1\nc: 2\n", 11, 0, "d:\n  ", "'c' would not be what it was");
	judged("a: 1\nb: 2\n", 0, 0, "#", "'a' would not be what it was");
	judged("- a\n- b\n", 0, 0, "- - ", "'a' would not be what it was");
	judged("a: x\nb: y\n", 5, 0, "--- \n", "'b' would not be what it was");
	judged("a: x\nb: y\n", 3, 0, "'", "refuses the text after");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_keeps_its_style),
		cmocka_unit_test(a_value_that_needs_quotes_gets_them),
		cmocka_unit_test(an_empty_value_is_filled),
		cmocka_unit_test(a_key_goes_where_it_sorts),
		cmocka_unit_test(a_new_line_is_like_its_neighbours),
		cmocka_unit_test(maps_on_the_way_are_made),
		cmocka_unit_test(flow_stays_flow),
		cmocka_unit_test(a_line_goes_as_a_whole),
		cmocka_unit_test(a_member_between_brackets_goes_with_its_comma),
		cmocka_unit_test(items_and_first_members_go),
		cmocka_unit_test(what_cannot_be_said_is_declined),
		cmocka_unit_test(the_judge_lets_edits_through),
		cmocka_unit_test(the_judge_sees_what_else_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
