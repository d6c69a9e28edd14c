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

static void words_are_found_whole(void **state)
{
	(void)state;
	assert_true(word_among("none writeback", STR("writeback")));
	assert_false(word_among("none writeback", STR("write")));
	assert_false(word_among("none writeback", STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted),
		cmocka_unit_test(words_are_found_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
