/* Edits of property lists by meaning: the bytes that they make, and that no other byte moves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/lens.h"
#include "analyze/config/plist.h"
#include "rewrite/edit.h"
#include "rewrite/text.h"

#include "base/banned.h"

#define PLIST(value) "<plist version=\"1.0\">\n" value "\n</plist>\n"

struct facts {
	struct fact m, deep, beside;
};

static const struct lens lenses[] = {
	LENS(facts, m, "m"),
	LENS(facts, deep, "o/n"),
	{ "beside", offsetof(struct facts, beside), "m", "x" },
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
	const struct syntax_error *bad = NULL;
	struct err e = { 0 };

	*d = (struct doc){ .text = str_bytes(text) };
	arena_init(&d->arena, ARENA_BUDGET);
	d->src = source_of_bytes("test.plist", d->text);
	if (plist_read(&d->src, d->text, &d->arena, &d->root, &bad, &e) != 0 || !d->root)
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
	return &d->f.m;
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
	if (!text_plist.judge(d.text, after, &d.plan, &d.arena, &why))
		fail_msg("the judge: %s", why);
	doc_read(&again, str_view(after));
	assert_true(value ? fact_is(pick(&again, field), value)
			  : fact_absent(pick(&again, field)));
	if (value) {
		assert_true(plan_set(&again.plan, pick(&again, field), value));
		assert_int_equal(again.plan.edits.n, 0);
	}
	arena_free(&again.arena);
	arena_free(&d.arena);
}

static void refuses(const char *field, const char *value, const char *from,
		    const char *why)
{
	struct doc d;

	doc_read(&d, str_of(from));
	assert_false(plan_set(&d.plan, pick(&d, field), value));
	/* What no lens can read is unknown, and needs no words. */
	if (!why)
		assert_null(d.plan.refused);
	else if (!d.plan.refused || !strstr(d.plan.refused, why))
		fail_msg("'%s' does not say '%s'", d.plan.refused, why);
	arena_free(&d.arena);
}

static void a_value_keeps_its_element(void **state)
{
	(void)state;
	makes("m", "y & \"z\" <\xc3\xa9>",
	      PLIST("<dict><key>m</key><string>x</string></dict>"),
	      PLIST("<dict><key>m</key><string>y &amp; \"z\" &lt;\xc3\xa9&gt;</string>"
		    "</dict>"));
	makes("m", "5", PLIST("<dict><key>m</key><string>4</string></dict>"),
	      PLIST("<dict><key>m</key><string>5</string></dict>"));
	makes("m", "5", PLIST("<dict><key>m</key><integer> 4 </integer></dict>"),
	      PLIST("<dict><key>m</key><integer> 5 </integer></dict>"));
	makes("m", "0.5", PLIST("<dict><key>m</key><real>4</real></dict>"),
	      PLIST("<dict><key>m</key><real>0.5</real></dict>"));
	makes("m", "x", PLIST("<dict><key>m</key><string/></dict>"),
	      PLIST("<dict><key>m</key><string>x</string></dict>"));
	makes("m", "x", PLIST("<dict><key>m</key><string  /></dict>"),
	      PLIST("<dict><key>m</key><string>x</string></dict>"));
}

static void true_becomes_false(void **state)
{
	(void)state;
	makes("m", "false", PLIST("<dict>\n\t<key>m</key>\n\t<true/>\n</dict>"),
	      PLIST("<dict>\n\t<key>m</key>\n\t<false/>\n</dict>"));
	makes("m", "true", PLIST("<dict><key>m</key><false /></dict>"),
	      PLIST("<dict><key>m</key><true /></dict>"));
	makes("m", "false", PLIST("<dict><key>m</key><true> </true ></dict>"),
	      PLIST("<dict><key>m</key><false> </false ></dict>"));
}

static void another_type_is_refused(void **state)
{
	(void)state;
	refuses("m", "5", PLIST("<dict><key>m</key><true/></dict>"), "true or false");
	refuses("m", "x", PLIST("<dict><key>m</key><integer>1</integer></dict>"),
		"another type");
	refuses("m", "1.5", PLIST("<dict><key>m</key><integer>1</integer></dict>"),
		"another type");
	refuses("m", "x", PLIST("<dict><key>m</key><data>AA==</data></dict>"),
		"another type");
	refuses("m", "x", PLIST("<dict><key>m</key><dict/></dict>"), NULL);
	refuses("deep", "x", PLIST("<dict><key>o</key><array/></dict>"), NULL);
	refuses("m", "x",
		PLIST("<dict><key>m</key><string><![CDATA[a]]></string></dict>"),
		"more than text");
}

static void a_member_comes_where_its_name_sorts(void **state)
{
	(void)state;
	makes("m", "v",
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>z</key>\n\t<array>\n"
		    "\t</array>\n</dict>"),
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>m</key>\n\t<string>v"
		    "</string>\n\t<key>z</key>\n\t<array>\n\t</array>\n</dict>"));
	makes("m", "false", PLIST("<dict>\n  <key>z</key>\n  <true/>\n</dict>"),
	      PLIST("<dict>\n  <key>m</key>\n  <false/>\n  <key>z</key>\n  <true/>\n"
		    "</dict>"));
	makes("m", "3",
	      PLIST("<dict>\n\t<key>a</key> <!-- one -->\n\t<true/> "
		    "<!-- two -->\n</dict>"),
	      PLIST("<dict>\n\t<key>a</key> <!-- one -->\n\t<true/> <!-- two -->\n"
		    "\t<key>m</key>\n\t<integer>3</integer>\n</dict>"));
}

static void what_is_not_sorted_stays_so(void **state)
{
	(void)state;
	makes("m", "v", PLIST("<dict><key>z</key><true/><key>a</key><true/></dict>"),
	      PLIST("<dict><key>z</key><true/><key>a</key><true/><key>m</key>"
		    "<string>v</string></dict>"));
	makes("beside", "v",
	      PLIST("<dict><key>z</key><true/><key>x</key><true/><key>y</key><true/>"
		    "</dict>"),
	      PLIST("<dict><key>z</key><true/><key>x</key><true/><key>m</key>"
		    "<string>v</string><key>y</key><true/></dict>"));
}

static void keys_and_values_on_one_line_stay_so(void **state)
{
	(void)state;
	makes("m", "v", PLIST("<dict>\n    <key>a</key> <true/>\n</dict>"),
	      PLIST("<dict>\n    <key>a</key> <true/>\n    <key>m</key> <string>v"
		    "</string>\n</dict>"));
}

static void line_ends_and_a_missing_last_one_survive(void **state)
{
	(void)state;
	makes("m", "v",
	      "<plist>\r\n<dict>\r\n\t<key>a</key>\r\n\t<true/>\r\n</dict>\r\n</plist>",
	      "<plist>\r\n<dict>\r\n\t<key>a</key>\r\n\t<true/>\r\n\t<key>m</key>\r\n"
	      "\t<string>v</string>\r\n</dict>\r\n</plist>");
	makes("m", NULL,
	      "<plist>\r\n<dict>\r\n\t<key>m</key>\r\n\t<true/>\r\n</dict>\r\n</plist>",
	      "<plist>\r\n<dict>\r\n</dict>\r\n</plist>");
}

static void an_empty_dictionary_is_filled(void **state)
{
	(void)state;
	makes("m", "v", PLIST("<dict/>"),
	      PLIST("<dict>\n  <key>m</key>\n  <string>v</string>\n</dict>"));
	makes("m", "v", PLIST("<dict>\n</dict>"),
	      PLIST("<dict>\n  <key>m</key>\n  <string>v</string>\n</dict>"));
	makes("m", "v", PLIST("<dict>\n\t<!-- none -->\n</dict>"),
	      PLIST("<dict>\n\t<!-- none -->\n  <key>m</key>\n  <string>v</string>\n"
		    "</dict>"));
	makes("deep", "true",
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>o</key>\n\t<dict/>\n"
		    "</dict>"),
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>o</key>\n\t<dict>\n"
		    "\t\t<key>n</key>\n\t\t<true/>\n\t</dict>\n</dict>"));
}

static void dictionaries_on_the_way_are_made(void **state)
{
	(void)state;
	makes("deep", "7", PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n</dict>"),
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>o</key>\n\t<dict>\n"
		    "\t\t<key>n</key>\n\t\t<integer>7</integer>\n\t</dict>\n</dict>"));
}

static void a_member_goes_with_its_lines(void **state)
{
	(void)state;
	makes("m", NULL,
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>m</key>\n\t<array>\n"
		    "\t\t<true/>\n\t</array>\n\t<key>z</key>\n\t<true/>\n</dict>"),
	      PLIST("<dict>\n\t<key>a</key>\n\t<true/>\n\t<key>z</key>\n\t<true/>\n"
		    "</dict>"));
	makes("m", NULL, PLIST("<dict><key>a</key><true/><key>m</key><true/></dict>"),
	      PLIST("<dict><key>a</key><true/></dict>"));
	makes("m", NULL, PLIST("<dict><key>m</key><true/><key>m</key><false/></dict>"),
	      PLIST("<dict></dict>"));
}

static void the_last_of_two_is_the_one_that_is_set(void **state)
{
	(void)state;
	makes("m", "x",
	      PLIST("<dict><key>m</key><string>a</string><key>m</key><string>b</string>"
		    "</dict>"),
	      PLIST("<dict><key>m</key><string>a</string><key>m</key><string>x</string>"
		    "</dict>"));
}

static void a_binary_list_is_not_edited(void **state)
{
	struct doc d;

	(void)state;
	doc_read(&d, STR("bplist00\xd0\x08"
			 "\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			 "\x09"));
	assert_false(plan_set(&d.plan, &d.f.m, "x"));
	assert_non_null(strstr(d.plan.refused, "plutil -convert xml1"));
	arena_free(&d.arena);
}

static void the_judge_refuses_what_is_well_formed_only(void **state)
{
	const char *why = NULL;
	struct view after;
	struct doc d;

	(void)state;
	doc_read(&d, STR(PLIST("<dict>\n<key>a</key><true/>\n</dict>")));
	assert_true(plan_replace(
		&d.plan, (struct span){ &d.src, span_end(d.root->first->whole), 0 },
		STR("<key>b</key>")));
	after = plan_text(&d.plan, d.text, &d.arena);
	assert_false(text_plist.judge(d.text, after, &d.plan, &d.arena, &why));
	assert_non_null(strstr(why, "without a value"));
	arena_free(&d.arena);
	doc_read(&d, STR(PLIST("<dict>\n<key>a</key><true/>\n</dict>")));
	assert_true(plan_replace(
		&d.plan, (struct span){ &d.src, span_end(d.root->first->whole), 0 },
		STR("<key>a</key><false/>")));
	after = plan_text(&d.plan, d.text, &d.arena);
	assert_false(text_plist.judge(d.text, after, &d.plan, &d.arena, &why));
	assert_non_null(strstr(why, "twice"));
	arena_free(&d.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_keeps_its_element),
		cmocka_unit_test(true_becomes_false),
		cmocka_unit_test(another_type_is_refused),
		cmocka_unit_test(a_member_comes_where_its_name_sorts),
		cmocka_unit_test(what_is_not_sorted_stays_so),
		cmocka_unit_test(keys_and_values_on_one_line_stay_so),
		cmocka_unit_test(line_ends_and_a_missing_last_one_survive),
		cmocka_unit_test(an_empty_dictionary_is_filled),
		cmocka_unit_test(dictionaries_on_the_way_are_made),
		cmocka_unit_test(a_member_goes_with_its_lines),
		cmocka_unit_test(the_last_of_two_is_the_one_that_is_set),
		cmocka_unit_test(a_binary_list_is_not_edited),
		cmocka_unit_test(the_judge_refuses_what_is_well_formed_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
