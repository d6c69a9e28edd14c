/* Reading and writing numbers byte by byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/view.h"

#include "tests/unit/dies.h"

static const uint8_t bytes[] = { 0x01, 0x02, 0x03, 0x04, 0xf5, 0xf6, 0xf7, 0xf8 };
static const struct view v = { bytes, sizeof(bytes) };

static void little_endian_is_read(void **state)
{
	(void)state;
	assert_int_equal(view_u8(v, 4), 0xf5);
	assert_int_equal(view_le16(v, 1), 0x0302);
	assert_int_equal(view_le32(v, 4), 0xf8f7f6f5);
	assert_true(view_le64(v, 0) == UINT64_C(0xf8f7f6f504030201));
}

static void big_endian_is_read(void **state)
{
	(void)state;
	assert_int_equal(view_be16(v, 4), 0xf5f6);
	assert_int_equal(view_be32(v, 4), 0xf5f6f7f8);
	assert_true(view_be64(v, 0) == UINT64_C(0x01020304f5f6f7f8));
}

static void what_is_written_is_read_back(void **state)
{
	uint8_t out[8];

	(void)state;
	put_le64(out, UINT64_C(0xf8f7f6f504030201));
	assert_memory_equal(out, bytes, 8);
	put_le32(out, 0x04030201);
	put_le16(out + 4, 0xf6f5);
	assert_memory_equal(out, bytes, 6);
}

static void has_is_false_past_the_end_and_cannot_wrap(void **state)
{
	(void)state;
	assert_true(view_has(v, 0, 8));
	assert_true(view_has(v, 8, 0));
	assert_false(view_has(v, 1, 8));
	assert_false(view_has(v, SIZE_MAX, 2));
	assert_false(view_has(v, 2, SIZE_MAX));
}

static void cut_shares_the_bytes(void **state)
{
	struct view part = view_cut(v, 2, 3);

	(void)state;
	assert_ptr_equal(part.p, bytes + 2);
	assert_int_equal(part.n, 3);
}

static void read_u8_past_end(void)
{
	view_u8(v, 8);
}

static void read_le64_past_end(void)
{
	view_le64(v, 1);
}

static void read_be32_past_end(void)
{
	view_be32(v, 5);
}

static void cut_past_end(void)
{
	view_cut(v, 4, 5);
}

static void reading_past_the_end_is_a_bug(void **state)
{
	(void)state;
	assert_true(dies(read_u8_past_end));
	assert_true(dies(read_le64_past_end));
	assert_true(dies(read_be32_past_end));
	assert_true(dies(cut_past_end));
}

static void comparing_past_the_end_is_just_false(void **state)
{
	(void)state;
	assert_true(view_eq(v, 6, "\xf7\xf8", 2));
	assert_false(view_eq(v, 6, "\xf7\xf8\0", 3));
	assert_false(view_eq(v, 0, "\x02", 1));
}

static void zero_means_every_byte(void **state)
{
	static const uint8_t almost[] = { 0, 0, 0, 1 };

	(void)state;
	assert_true(view_is_zero((struct view){ almost, 3 }));
	assert_false(view_is_zero((struct view){ almost, 4 }));
	assert_true(view_is_zero((struct view){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_endian_is_read),
		cmocka_unit_test(big_endian_is_read),
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(has_is_false_past_the_end_and_cannot_wrap),
		cmocka_unit_test(cut_shares_the_bytes),
		cmocka_unit_test(reading_past_the_end_is_a_bug),
		cmocka_unit_test(comparing_past_the_end_is_just_false),
		cmocka_unit_test(zero_means_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
