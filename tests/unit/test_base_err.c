/* Errors: one step to set and return, never past their room.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"

#include <errno.h>
#include <string.h>

static void setting_returns_minus_one(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, ERR_LIMIT, "%d is more than %d", 9, 8), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(e.sys, 0);
	assert_string_equal(e.msg, "9 is more than 8");
}

static void system_errors_carry_errno_and_its_text(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_sys(&e, ENOENT, "cannot open"), -1);
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(e.sys, ENOENT);
	assert_string_equal(e.msg, "cannot open: No such file or directory");
}

static void long_messages_are_cut(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_PARSE, "%0500d", 1);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_sys(&e, EIO, "%0500d", 1);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	err_sys(&e, EIO, "%0250d", 1);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_memory_equal(e.msg + 250, ": Inp", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_returns_minus_one),
		cmocka_unit_test(system_errors_carry_errno_and_its_text),
		cmocka_unit_test(long_messages_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
