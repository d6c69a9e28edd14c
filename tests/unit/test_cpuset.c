/* Sets of CPUs as libvirt writes them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/cpuset.h"

#include "base/banned.h"

static void ranges_and_exceptions_are_read(void **state)
{
	struct cpuset c;

	(void)state;
	assert_true(cpuset_read(&c, STR(" 0-3 , ^2,70")));
	assert_int_equal(cpuset_count(&c), 4);
	assert_true(cpuset_has(&c, 3));
	assert_false(cpuset_has(&c, 2));
	assert_int_equal(cpuset_next(&c, 4), 70);
	assert_int_equal(cpuset_next(&c, 71), CPUSET_BITS);
}

static void what_libvirt_refuses_is_refused(void **state)
{
	static const char *const wrong[] = { "",    " ",  "a",     "1-",   "3-1", "^1-2",
					     "1 2", "-1", "16384", "1,,2", "1;2" };
	struct cpuset c;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(cpuset_read(&c, str_of(wrong[i])));
	assert_true(cpuset_read(&c, STR("16383")));
	assert_true(cpuset_read(&c, STR("1,")));
}

static void shrinking_drops_the_rest(void **state)
{
	struct cpuset c;

	(void)state;
	assert_true(cpuset_read(&c, STR("0-200")));
	cpuset_shrink(&c, 65);
	assert_int_equal(cpuset_count(&c), 65);
	cpuset_shrink(&c, 64);
	assert_int_equal(cpuset_count(&c), 64);
	cpuset_shrink(&c, 0);
	assert_true(cpuset_empty(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_and_exceptions_are_read),
		cmocka_unit_test(what_libvirt_refuses_is_refused),
		cmocka_unit_test(shrinking_drops_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
