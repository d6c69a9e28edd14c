/* Edits of JSON by meaning: the bytes that they make, and that no other byte moves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/json.h"
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
	d->src = source_of_bytes("test.json", d->text);
	if (json_read(&d->src, d->text, &d->arena, JSON_DOUBLES_ALLOWED, &d->root, &bad,
		      &e) != 0 ||
	    !d->root)
		fail_msg("%s in:\n%.*s", bad ? bad->what : e.msg, STR_ARG(text));
	lens_read(lenses, sizeof(lenses) / sizeof(lenses[0]), d->root, &d->f);
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
	if (!text_json.judge(d.text, after, &d.plan, &d.arena, &why))
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
	makes("a", "y", "{\"a\": \"x\"}", "{\"a\": \"y\"}");
	makes("a", "5", "{\"a\": \"4\"}", "{\"a\": \"5\"}");
	makes("a", "5", "{\"a\": 4}", "{\"a\": 5}");
	makes("a", "30s", "{\"a\" :30}", "{\"a\" :\"30s\"}");
	makes("a", "false", "{\"a\":true}", "{\"a\":false}");
	makes("a", "a \"b\" \\c", "{\"a\": null}", "{\"a\": \"a \\\"b\\\" \\\\c\"}");
	makes("a", "z\xc3\xa9", "{\"\\u0061\":\"\\u00e9\"}",
	      "{\"\\u0061\":\"z\xc3\xa9\"}");
}

static void a_member_comes_behind_the_last_as_its_neighbours_are(void **state)
{
	(void)state;
	makes("a", "1s", "{\"b\": 1, \"c\": 2}", "{\"b\": 1, \"c\": 2, \"a\": \"1s\"}");
	makes("a", "1s", "{\"b\":1,\"c\":2}", "{\"b\":1,\"c\":2,\"a\":\"1s\"}");
	makes("a", "1s", "{\n  \"b\": 1\n}\n", "{\n  \"b\": 1,\n  \"a\": \"1s\"\n}\n");
	makes("a", "true", "{\n\t\"b\" : 1,\n\n\t\"c\" : [\n\t]\n}",
	      "{\n\t\"b\" : 1,\n\n\t\"c\" : [\n\t],\n\t\"a\" : true\n}");
	makes("a", "1s", "{\r\n  \"b\": 1,\r\n  \"c\": {}\r\n}",
	      "{\r\n  \"b\": 1,\r\n  \"c\": {},\r\n  \"a\": \"1s\"\r\n}");
	makes("a", "1s", "{\n    \"b\": 1\n  , \"c\": 2\n}",
	      "{\n    \"b\": 1\n  , \"c\": 2\n  , \"a\": \"1s\"\n}");
	makes("a", "1s", "{\n  \"b\":      1,\n  \"long\":   2\n}",
	      "{\n  \"b\":      1,\n  \"long\":   2,\n  \"a\": \"1s\"\n}");
}

static void a_member_comes_behind_the_one_it_belongs_to(void **state)
{
	(void)state;
	makes("wait", "30s", "{\"from\":\"x\",\"name\":\"t\"}",
	      "{\"from\":\"x\",\"wait\":\"30s\",\"name\":\"t\"}");
	makes("wait", "30s", "{\n  \"from\": \"x\",\n\n  \"name\": \"t\"\n}",
	      "{\n  \"from\": \"x\",\n  \"wait\": \"30s\",\n\n  \"name\": \"t\"\n}");
	makes("wait", "30s", "{\n  \"n\": 1,\n  \"from\": \"x\"\n}",
	      "{\n  \"n\": 1,\n  \"from\": \"x\",\n  \"wait\": \"30s\"\n}");
}

static void an_empty_object_is_filled(void **state)
{
	(void)state;
	makes("a", "x", "{}", "{\"a\": \"x\"}");
	makes("a", "x", "{\n}\n", "{\n  \"a\": \"x\"\n}\n");
	makes("deep", "x", "{\"m\":{}}", "{\"m\":{\"n\":\"x\"}}");
	makes("deep", "x", "{\n  \"m\": {}\n}",
	      "{\n  \"m\": {\n    \"n\": \"x\"\n  }\n}");
	makes("deep", "x", "{\"k\":1}", "{\"k\":1, \"m\":{\"n\":\"x\"}}");
}

static void a_member_goes_with_its_comma(void **state)
{
	(void)state;
	makes("a", NULL, "{\"a\": 1, \"b\": 2}", "{\"b\": 2}");
	makes("a", NULL, "{\"b\": 2, \"a\": 1}", "{\"b\": 2}");
	makes("a", NULL, "{ \"a\": 1 }", "{}");
	makes("a", NULL, "{\n  \"b\": 1,\n  \"a\": 9,\n  \"c\": 3\n}",
	      "{\n  \"b\": 1,\n  \"c\": 3\n}");
	makes("a", NULL, "{\r\n  \"b\": 1,\r\n  \"a\": \"x\"\r\n}",
	      "{\r\n  \"b\": 1\r\n}");
}

static void what_holds_other_things_is_not_overwritten(void **state)
{
	(void)state;
	refuses("a", "x", "{\"a\": {\"b\": 1}}");
	refuses("a", "x", "{\"a\": [1]}");
	refuses("deep", "x", "{\"m\": \"s\"}");
	refuses("a", "\xff", "{\"a\": \"x\"}");
}

static void the_judge_sees_what_no_edit_touched(void **state)
{
	static const char from[] = "{\"a\": \"x\", \"b\": [1, 2], \"c\": {\"d\": 1}}";
	static const char *const others[] = {
		"{\"a\": \"y\", \"b\": [1, 3], \"c\": {\"d\": 1}}",
		"{\"a\": \"y\", \"b\": [1], \"c\": {\"d\": 1}}",
		"{\"a\": \"y\", \"b\": [1, 2], \"c\": {\"d\": 1, \"e\": 2}}",
		"{\"a\": \"y\", \"b\": [1, 2]}",
		"{\"a\": {}, \"b\": [1, 2], \"c\": {\"d\": 1}}",
		"{\"a\": \"y\", \"b\": [1, 2], \"c\": {\"d\": 1}, \"e\": 1}",
		"{\"a\": \"y\", \"b\": [1, 2], \"c\": {\"d\": 1},}",
	};
	const char *why;
	struct doc d;

	(void)state;
	doc_read(&d, str_of(from));
	assert_true(plan_set(&d.plan, &d.f.a, "y"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		why = NULL;
		if (text_json.judge(d.text, str_bytes(str_of(others[i])), &d.plan,
				    &d.arena, &why))
			fail_msg("accepted: %s", others[i]);
		assert_non_null(why);
	}
	arena_free(&d.arena);
}

static void a_name_that_comes_twice_is_not_edited(void **state)
{
	const char *why = NULL;
	struct doc d;

	(void)state;
	doc_read(&d, STR("{\"a\": 1, \"a\": 2}"));
	assert_true(plan_set(&d.plan, &d.f.a, "3"));
	assert_false(text_json.judge(d.text, plan_text(&d.plan, d.text, &d.arena),
				     &d.plan, &d.arena, &why));
	arena_free(&d.arena);
}

static void a_new_name_leaves_the_value(void **state)
{
	const char *why = "";
	struct view after;
	struct doc d;

	(void)state;
	doc_read(&d, STR("{\"a\" : [1, {}], \"b\": 2}"));
	assert_true(plan_rename(&d.plan, d.root->first, "longer"));
	after = plan_text(&d.plan, d.text, &d.arena);
	assert_true(str_is(str_view(after), "{\"longer\" : [1, {}], \"b\": 2}"));
	assert_true(text_json.judge(d.text, after, &d.plan, &d.arena, &why));
	/* Another value in its place, which no edit put there. */
	assert_false(text_json.judge(d.text,
				     str_bytes(STR("{\"longer\" : [2, {}], \"b\": 2}")),
				     &d.plan, &d.arena, &why));
	arena_free(&d.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_name_leaves_the_value),
		cmocka_unit_test(a_value_is_replaced_and_keeps_its_type),
		cmocka_unit_test(a_member_comes_behind_the_last_as_its_neighbours_are),
		cmocka_unit_test(a_member_comes_behind_the_one_it_belongs_to),
		cmocka_unit_test(an_empty_object_is_filled),
		cmocka_unit_test(a_member_goes_with_its_comma),
		cmocka_unit_test(what_holds_other_things_is_not_overwritten),
		cmocka_unit_test(the_judge_sees_what_no_edit_touched),
		cmocka_unit_test(a_name_that_comes_twice_is_not_edited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
