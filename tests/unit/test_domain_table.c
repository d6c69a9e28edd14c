/* The tables of what libvirt reads of a domain.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rules/domain_table.h"

#include "base/banned.h"

/* Rows are looked up by bisection. */
static void rows_are_sorted(void **state)
{
	(void)state;
	assert_null(domain_table_unsorted());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
