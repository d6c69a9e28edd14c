/* Sizes as QEMU reads them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/qemu_size.h"

#include "base/banned.h"

static void letters_are_powers_of_1024(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(qemu_size(STR("4096b"), 1 << 20, &v) && v == 4096);
	assert_true(qemu_size(STR("4k"), 1, &v) && v == 4096);
	assert_true(qemu_size(STR("2M"), 1, &v) && v == 2 << 20);
	assert_true(qemu_size(STR("1E"), 1, &v) && v == UINT64_C(1) << 60);
}

static void a_number_alone_counts_units(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(qemu_size(STR("512"), 1 << 20, &v) && v == 512 << 20);
	assert_true(qemu_size(STR("512"), 1, &v) && v == 512);
}

static void other_texts_are_no_sizes(void **state)
{
	static const char *const texts[] = {
		"", "k", "4GB", "4GiB", "4 G", "-1", "0x10", "4h", "16E", "99999999999T"
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(qemu_size(str_of(texts[i]), 1, &v));
}

static void what_was_meant_is_a_number_and_a_letter(void **state)
{
	(void)state;
	assert_int_equal(qemu_size_meant(STR("2GB")), 2);
	assert_int_equal(qemu_size_meant(STR("512MiB")), 4);
	assert_int_equal(qemu_size_meant(STR("1.5Gib")), 4);
	assert_int_equal(qemu_size_meant(STR("2G")), 0);
	assert_int_equal(qemu_size_meant(STR("2Gbit")), 0);
	assert_int_equal(qemu_size_meant(STR("GB")), 0);
	assert_int_equal(qemu_size_meant(STR("")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_are_powers_of_1024),
		cmocka_unit_test(a_number_alone_counts_units),
		cmocka_unit_test(other_texts_are_no_sizes),
		cmocka_unit_test(what_was_meant_is_a_number_and_a_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
