/* Checksums of files, and the lists that they stand in.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/sum.h"

#include "base/banned.h"

#define ABC256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC1   "a9993e364706816aba3e25717850c26c9cd0d89d"
#define ZERO32 "00000000000000000000000000000000"
#define ABC512                                                                           \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"               \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static struct sum listed(const char *text, const char *name, bool expected)
{
	struct source list = { .fd = -1 };
	struct sum s = { 0 };

	assert_int_equal(sum_in_list(str_of(text), &list, str_of(name), &s), expected);
	return s;
}

static void the_number_of_digits_tells_which_sum_it_is(void **state)
{
	enum sum_kind k;

	(void)state;
	assert_true(sum_kind_of(STR(ABC256), &k));
	assert_int_equal(k, SUM_SHA256);
	assert_true(sum_kind_of(STR(ABC1), &k));
	assert_int_equal(k, SUM_SHA1);
	assert_true(sum_kind_of(STR(ZERO32), &k));
	assert_int_equal(k, SUM_MD5);
	assert_true(sum_kind_of(STR(ZERO32 ZERO32 ZERO32 ZERO32), &k));
	assert_int_equal(k, SUM_SHA512);
	assert_false(sum_kind_of(STR("none"), &k));
	assert_false(sum_kind_of(STR(""), &k));
	assert_false(sum_kind_of(STR("g0000000000000000000000000000000"), &k));
}

static void each_kind_is_what_its_standard_says(void **state)
{
	static const char *const abc[] = { "900150983cd24fb0d6963f7d28e17f72", ABC1,
					   ABC256, ABC512 };
	const struct source src = { .fd = -1,
				    .mem = { (const uint8_t *)"abc", 3 },
				    .size = 3 };
	const struct deep_watch watch = { 0 };

	(void)state;
	for (unsigned i = 0; i < SUM_KINDS; i++) {
		struct sum s = { .kind = (enum sum_kind)i, .stated = str_of(abc[i]) };
		struct arena a;
		struct err e;
		bool done;

		arena_init(&a, ARENA_BUDGET);
		assert_int_equal(sum_read(&s, &src, &watch, &a, &done, &e), 0);
		assert_true(done);
		assert_string_equal(s.actual, abc[i]);
		assert_true(sum_agrees(&s));
		s.stated = str_of(abc[i] + 1);
		assert_false(sum_agrees(&s));
		arena_free(&a);
	}
}

static void upper_case_is_the_same_sum(void **state)
{
	struct sum s = { .stated = STR("A9993E364706816ABA3E25717850C26C9CD0D89D"),
			 .actual = ABC1 };

	(void)state;
	assert_true(sum_agrees(&s));
}

static void a_list_is_read_as_coreutils_and_bsd_write_it(void **state)
{
	struct sum s;

	(void)state;
	s = listed(ABC1 "  b.iso\n" ABC256 "  a.iso\n", "a.iso", true);
	assert_int_equal(s.kind, SUM_SHA256);
	assert_int_equal(s.at.off, 40 + 8);
	listed(ABC256 " *a.iso\r\n", "x/a.iso", true);
	listed("# a.iso: 3 bytes\nSHA256 (a.iso) = " ABC256 "\n", "a.iso", true);
	listed(ABC256, "a.iso", true);
	listed(ABC256 "  ./isos/a.iso\n", "a.iso", true);
}

static void a_list_without_the_file_says_nothing(void **state)
{
	(void)state;
	listed("", "a.iso", false);
	listed(ABC256 "  b.iso\n", "a.iso", false);
	listed("SHA256 (a.iso", "a.iso", false);
	listed("SHA256 (a.iso) = none\n", "a.iso", false);
	listed("<html>" ABC256 "</html>\n", "a.iso", false);
}

static void two_sums_of_one_file_are_none(void **state)
{
	(void)state;
	listed(ABC256 "  a.iso\n" ABC1 "  a.iso\n", "a.iso", false);
	listed(ABC256 "  a.iso\n" ABC256 "  a.iso\n", "a.iso", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_number_of_digits_tells_which_sum_it_is),
		cmocka_unit_test(each_kind_is_what_its_standard_says),
		cmocka_unit_test(upper_case_is_the_same_sum),
		cmocka_unit_test(a_list_is_read_as_coreutils_and_bsd_write_it),
		cmocka_unit_test(a_list_without_the_file_says_nothing),
		cmocka_unit_test(two_sums_of_one_file_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
