/* Versions: what is one, and which is older.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/version.h"

#include "base/banned.h"

static void assert_parts(const char *s, uint32_t a, uint32_t b, uint32_t c)
{
	struct version v;

	if (!version_parse(str_of(s), &v))
		fail_msg("'%s' is refused", s);
	assert_true(v.known);
	assert_int_equal(v.part[0], a);
	assert_int_equal(v.part[1], b);
	assert_int_equal(v.part[2], c);
}

static void missing_parts_are_zero(void **state)
{
	(void)state;
	assert_parts("6.10.1", 6, 10, 1);
	assert_parts("6.10", 6, 10, 0);
	assert_parts("6", 6, 0, 0);
}

static void what_packagers_add_is_no_part(void **state)
{
	(void)state;
	assert_parts("v6.0.4", 6, 0, 4);
	assert_parts("6.0.4-1~bpo12+1", 6, 0, 4);
	assert_parts("7.2.0+dfsg", 7, 2, 0);
}

static void other_words_are_no_version(void **state)
{
	static const char *const words[] = { "",      "v",       "6.",         "6.10.0.1",
					     ".6",    "six",     "-6",         "6.x",
					     "6 .10", "6.10.0 ", "4294967296", "1..2" };
	struct version v = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (version_parse(str_of(words[i]), &v))
			fail_msg("'%s' is taken", words[i]);
	}
	assert_false(v.known);
}

static void parts_are_compared_as_numbers(void **state)
{
	struct version v;

	(void)state;
	assert_true(version_parse(STR("6.10.0"), &v));
	assert_true(version_cmp(&v, 6, 9, 9) > 0);
	assert_int_equal(version_cmp(&v, 6, 10, 0), 0);
	assert_true(version_cmp(&v, 6, 10, 1) < 0);
	assert_true(version_cmp(&v, 7, 0, 0) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_parts_are_zero),
		cmocka_unit_test(what_packagers_add_is_no_part),
		cmocka_unit_test(other_words_are_no_version),
		cmocka_unit_test(parts_are_compared_as_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
