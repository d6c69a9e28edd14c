/* Checked arithmetic at its edges.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/num.h"

static void sums_that_do_not_fit_are_refused(void **state)
{
	uint64_t out = 42;

	(void)state;
	assert_false(u64_add(UINT64_MAX, 1, &out));
	assert_false(u64_add(UINT64_MAX / 2 + 1, UINT64_MAX / 2 + 1, &out));
	assert_int_equal(out, 42);
	assert_true(u64_add(UINT64_MAX - 1, 1, &out));
	assert_true(out == UINT64_MAX);
}

static void products_that_do_not_fit_are_refused(void **state)
{
	uint64_t out = 42;

	(void)state;
	assert_false(u64_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &out));
	assert_int_equal(out, 42);
	assert_true(u64_mul(UINT64_MAX, 1, &out));
	assert_true(out == UINT64_MAX);
	assert_true(u64_mul(UINT64_MAX, 0, &out));
	assert_int_equal(out, 0);
}

static void result_may_be_an_operand(void **state)
{
	uint64_t v = 6;

	(void)state;
	assert_true(u64_mul(v, 7, &v));
	assert_true(u64_add(v, v, &v));
	assert_int_equal(v, 84);
}

static void range_ends_are_exclusive(void **state)
{
	(void)state;
	assert_true(range_within(0, 512, 512));
	assert_true(range_within(512, 0, 512));
	assert_false(range_within(512, 1, 512));
	assert_false(range_within(513, 0, 512));
	assert_false(range_within(1, 512, 512));
}

static void range_cannot_wrap_around(void **state)
{
	(void)state;
	assert_false(range_within(UINT64_MAX, 2, 512));
	assert_false(range_within(2, UINT64_MAX, 512));
	assert_true(range_within(1, UINT64_MAX - 1, UINT64_MAX));
}

static void division_rounds_up_without_overflow(void **state)
{
	(void)state;
	assert_int_equal(div_up(0, 512), 0);
	assert_int_equal(div_up(1, 512), 1);
	assert_int_equal(div_up(512, 512), 1);
	assert_int_equal(div_up(513, 512), 2);
	assert_true(div_up(UINT64_MAX, 2) == UINT64_C(1) << 63);
}

static void zero_is_no_power_of_two(void **state)
{
	(void)state;
	assert_false(is_pow2(0));
	assert_true(is_pow2(1));
	assert_true(is_pow2(UINT64_C(1) << 63));
	assert_false(is_pow2(3));
	assert_false(is_pow2(UINT64_MAX));
}

static void lesser_and_greater(void **state)
{
	(void)state;
	assert_int_equal(u64_min(3, 4), 3);
	assert_int_equal(u64_max(3, 4), 4);
	assert_int_equal(u64_min(4, 3), 3);
	assert_int_equal(u64_max(4, 3), 4);
}

static void sizes_of_memory_cross_when_they_fit(void **state)
{
	size_t n = 1;

	(void)state;
	assert_true(u64_to_size(SIZE_MAX, &n));
	assert_true(n == SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_that_do_not_fit_are_refused),
		cmocka_unit_test(products_that_do_not_fit_are_refused),
		cmocka_unit_test(result_may_be_an_operand),
		cmocka_unit_test(range_ends_are_exclusive),
		cmocka_unit_test(range_cannot_wrap_around),
		cmocka_unit_test(division_rounds_up_without_overflow),
		cmocka_unit_test(zero_is_no_power_of_two),
		cmocka_unit_test(lesser_and_greater),
		cmocka_unit_test(sizes_of_memory_cross_when_they_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
