/* Fingerprints of findings: what they depend on, and what they do not.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/fingerprint.h"

#include <limits.h>
#include <unistd.h>

#include "base/banned.h"

struct prints {
	struct arena a;
	struct fingerprints v;
	char one[FINGERPRINT_DIGITS + 1], two[FINGERPRINT_DIGITS + 1];
};

static const struct fingerprint_of plain = { .rule = "disk-cache-unsafe",
					     .path = "a.xml",
					     .locus = "domain/devices/disk",
					     .text = { "cache='unsafe'", 14 } };

static void begin(struct prints *p)
{
	*p = (struct prints){ 0 };
	arena_init(&p->a, ARENA_BUDGET);
	fingerprint(&p->v, &plain, &p->a, p->one);
	p->v = (struct fingerprints){ 0 };
}

static void has_32_digits(void **state)
{
	struct prints p;

	(void)state;
	begin(&p);
	assert_int_equal(strlen(p.one), FINGERPRINT_DIGITS);
	assert_int_equal(strspn(p.one, "0123456789abcdef"), FINGERPRINT_DIGITS);
	arena_free(&p.a);
}

static void blanks_around_the_text_do_not_count(void **state)
{
	struct fingerprint_of of = plain;
	struct prints p;

	(void)state;
	begin(&p);
	of.text = STR("  cache='unsafe'\r\n");
	fingerprint(&p.v, &of, &p.a, p.two);
	assert_string_equal(p.one, p.two);
	arena_free(&p.a);
}

static void each_part_counts(void **state)
{
	struct fingerprint_of other[4] = { plain, plain, plain, plain };
	struct prints p;

	(void)state;
	begin(&p);
	other[0].rule = "disk-cache-unsaf";
	other[1].path = "b.xml";
	other[2].locus = "domain/devices/interface";
	other[3].text = STR("cache='writeback'");
	for (size_t i = 0; i < 4; i++) {
		fingerprint(&p.v, &other[i], &p.a, p.two);
		assert_string_not_equal(p.one, p.two);
	}
	arena_free(&p.a);
}

static void which_of_its_siblings_does_not_count(void **state)
{
	struct fingerprint_of of = plain;
	struct prints p;

	(void)state;
	begin(&p);
	of.locus = "domain/devices/disk[2]";
	fingerprint(&p.v, &of, &p.a, p.two);
	assert_string_equal(p.one, p.two);
	arena_free(&p.a);
}

static void parts_do_not_run_into_each_other(void **state)
{
	struct fingerprint_of of = plain;
	struct prints p;

	(void)state;
	begin(&p);
	of.rule = "disk-cache-unsafea";
	of.path = ".xml";
	fingerprint(&p.v, &of, &p.a, p.two);
	assert_string_not_equal(p.one, p.two);
	arena_free(&p.a);
}

static void the_second_of_a_kind_has_its_own(void **state)
{
	char third[FINGERPRINT_DIGITS + 1];
	struct prints p;

	(void)state;
	begin(&p);
	fingerprint(&p.v, &plain, &p.a, p.one);
	fingerprint(&p.v, &plain, &p.a, p.two);
	fingerprint(&p.v, &plain, &p.a, third);
	assert_string_not_equal(p.one, p.two);
	assert_string_not_equal(p.two, third);
	arena_free(&p.a);
}

static void a_path_below_this_folder_is_relative(void **state)
{
	char here[PATH_MAX];
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_BUDGET);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_string_equal(path_from_here(arena_printf(&a, "%s/x/y.xml", here), &a),
			    "x/y.xml");
	assert_string_equal(path_from_here("././x.xml", &a), "x.xml");
	assert_string_equal(path_from_here("/no/such/folder", &a), "/no/such/folder");
	assert_string_equal(path_from_here(arena_printf(&a, "%s-2/y.xml", here), &a),
			    arena_printf(&a, "%s-2/y.xml", here));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_32_digits),
		cmocka_unit_test(blanks_around_the_text_do_not_count),
		cmocka_unit_test(each_part_counts),
		cmocka_unit_test(which_of_its_siblings_does_not_count),
		cmocka_unit_test(parts_do_not_run_into_each_other),
		cmocka_unit_test(the_second_of_a_kind_has_its_own),
		cmocka_unit_test(a_path_below_this_folder_is_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
