/* CRC-32 against published values.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/crc32.h"
#include "base/str.h"

static void check_values_match(void **state)
{
	(void)state;
	/* The check value of CRC-32/ISO-HDLC, which is ours. */
	assert_int_equal(crc32_of(str_bytes(STR("123456789"))), 0xcbf43926);
	assert_int_equal(crc32_of((struct view){ NULL, 0 }), 0);
	assert_int_equal(crc32_of(str_bytes(STR("\0"))), 0xd202ef8d);
}

static void empty_gpt_table_has_its_known_sum(void **state)
{
	static const uint8_t zeros[128 * 128];

	(void)state;
	/* What every partition tool writes for 128 unused entries. */
	assert_int_equal(crc32_of((struct view){ zeros, sizeof(zeros) }), 0xab54d286);
}

static void parts_give_the_sum_of_the_whole(void **state)
{
	struct view v = str_bytes(STR("123456789"));

	(void)state;
	for (size_t cut = 0; cut <= v.n; cut++) {
		uint32_t crc = crc32_of(view_cut(v, 0, cut));

		assert_int_equal(crc32_more(crc, view_cut(v, cut, v.n - cut)),
				 0xcbf43926);
	}
}

static void a_change_of_a_part_changes_the_whole(void **state)
{
	struct view was = str_bytes(STR("some text")), is = str_bytes(STR("sXXe text"));
	struct view a = view_cut(was, 1, 2), b = view_cut(is, 1, 2);

	(void)state;
	assert_int_equal(crc32_of(was) ^ crc32_change(a, b, 6), crc32_of(is));
	assert_int_equal(crc32_change(a, a, 6), 0);
	assert_int_equal(crc32_change(was, is, 0), crc32_of(was) ^ crc32_of(is));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_values_match),
		cmocka_unit_test(empty_gpt_table_has_its_known_sum),
		cmocka_unit_test(a_change_of_a_part_changes_the_whole),
		cmocka_unit_test(parts_give_the_sum_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
