/* Every row of rules/ keeps the promises of rules/rule.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rules/rules.h"

#include <ctype.h>

static const struct {
	const char *name;
	const struct rule *rules;
	const size_t *n;
} families[] = {
#define FAMILY(family) { #family, rules_##family, &rules_##family##_n },
#include "rules/families.def"
#undef FAMILY
};

enum { NFAMILIES = sizeof(families) / sizeof(families[0]) };

static bool has_fix(const struct rule *r)
{
	switch (r->on) {
#define X(member, type)                                                                  \
	case SUBJECT_##member:                                                           \
		return r->fix.member != NULL;
		SUBJECTS(X)
#undef X
	}
	return false;
}

static bool has_check(const struct rule *r)
{
	switch (r->on) {
#define X(member, type)                                                                  \
	case SUBJECT_##member:                                                           \
		return r->check.member != NULL;
		SUBJECTS(X)
#undef X
	}
	return false;
}

static bool kebab_case(const char *id)
{
	if (!islower((unsigned char)id[0]))
		return false;
	for (const char *p = id; *p; p++) {
		bool word = islower((unsigned char)*p) || isdigit((unsigned char)*p);

		if (!word && !(*p == '-' && p[1] && p[1] != '-'))
			return false;
	}
	return true;
}

static bool one_line(const char *s)
{
	return !strpbrk(s, "\n\r\t");
}

/* Calls `test` for every row; it fails with the rule's id in its message. */
static void for_each_rule(void (*test)(const struct rule *r))
{
	size_t n = 0;

	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		test(r);
		n++;
	}
	assert_int_not_equal(n, 0);
}

static void ids_rise_within_their_family(void **state)
{
	(void)state;
	for (size_t f = 0; f < NFAMILIES; f++) {
		assert_int_not_equal(*families[f].n, 0);
		for (size_t i = 1; i < *families[f].n; i++) {
			const char *a = families[f].rules[i - 1].id;
			const char *b = families[f].rules[i].id;

			if (strcmp(a, b) >= 0)
				fail_msg("%s.c: %s stands behind %s", families[f].name, b,
					 a);
		}
	}
}

static void ids_are_unique(void **state)
{
	(void)state;
	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			const struct rule *r = &families[f].rules[i];

			if (rule_find(r->id) != r)
				fail_msg("%s is there twice", r->id);
		}
	}
}

static void next_visits_every_rule_once(void **state)
{
	const struct rule *before = NULL;
	size_t rows = 0, visited = 0;

	(void)state;
	for (size_t f = 0; f < NFAMILIES; f++)
		rows += *families[f].n;
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r)) {
		assert_true(!before || strcmp(before->id, r->id) < 0);
		before = r;
		visited++;
	}
	assert_int_equal(visited, rows);
}

static void unknown_id_is_not_found(void **state)
{
	(void)state;
	assert_null(rule_find("no-such-rule"));
	assert_null(rule_find(""));
}

static void check_id(const struct rule *r)
{
	if (!r->id || !kebab_case(r->id))
		fail_msg("'%s' is not made of kebab-case words", r->id ? r->id : "NULL");
}

static void check_title(const struct rule *r)
{
	size_t n = r->title ? strlen(r->title) : 0;

	if (n == 0 || n >= 72 || r->title[n - 1] == '.' || !one_line(r->title))
		fail_msg(
			"%s: a title is one line under 72 characters without a final stop: %s",
			r->id, r->title ? r->title : "NULL");
}

static void check_why(const struct rule *r)
{
	if (!r->why || !one_line(r->why) || !str_ends(str_of(r->why), "."))
		fail_msg("%s: why is one line of whole sentences", r->id);
}

static void check_source(const struct rule *r)
{
	if (!r->source || !*r->source || !r->since || !isdigit((unsigned char)*r->since))
		fail_msg("%s: source proves it, since says which version had it first",
			 r->id);
}

static void check_functions(const struct rule *r)
{
	bool automatic = r->fix_class == FIX_SAFE || r->fix_class == FIX_UNSAFE ||
			 r->fix_class == FIX_LOSSY;

	if (!has_check(r))
		fail_msg("%s has no check", r->id);
	if (has_fix(r) != automatic)
		fail_msg("%s: fix class %s %s a fix function", r->id,
			 fix_class_name(r->fix_class),
			 automatic ? "needs" : "has no use for");
	if (r->fix_class == FIX_MANUAL && (!r->steps || !*r->steps))
		fail_msg("%s: a manual fix is explained by its steps", r->id);
}

static void ids_are_kebab_case(void **state)
{
	(void)state;
	for_each_rule(check_id);
}

static void titles_are_short_lines(void **state)
{
	(void)state;
	for_each_rule(check_title);
}

static void consequences_are_told(void **state)
{
	(void)state;
	for_each_rule(check_why);
}

static void sources_and_versions_are_named(void **state)
{
	(void)state;
	for_each_rule(check_source);
}

static void fix_class_and_functions_agree(void **state)
{
	(void)state;
	for_each_rule(check_functions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_rise_within_their_family),
		cmocka_unit_test(ids_are_unique),
		cmocka_unit_test(next_visits_every_rule_once),
		cmocka_unit_test(unknown_id_is_not_found),
		cmocka_unit_test(ids_are_kebab_case),
		cmocka_unit_test(titles_are_short_lines),
		cmocka_unit_test(consequences_are_told),
		cmocka_unit_test(sources_and_versions_are_named),
		cmocka_unit_test(fix_class_and_functions_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
