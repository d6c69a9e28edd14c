/* UTF-8 as RFC 3629 has it, and no other.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"

static size_t decode(const char *bytes, size_t n, uint32_t *c)
{
	return utf8_decode((struct view){ (const uint8_t *)bytes, n }, c);
}

static void every_character_survives_the_round_trip(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		uint8_t out[4];
		uint32_t back = ~c;
		size_t n;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		n = utf8_put(c, out);
		if (utf8_decode((struct view){ out, n }, &back) != n || back != c)
			fail_msg("U+%04X came back as U+%04X", c, back);
	}
}

static void overlong_forms_are_refused(void **state)
{
	uint32_t c;

	(void)state;
	assert_int_equal(decode("\xc0\x80", 2, &c), 0);
	assert_int_equal(decode("\xc1\xbf", 2, &c), 0);
	assert_int_equal(decode("\xe0\x9f\xbf", 3, &c), 0);
	assert_int_equal(decode("\xf0\x8f\xbf\xbf", 4, &c), 0);
}

static void surrogates_and_what_is_above_are_refused(void **state)
{
	uint32_t c;

	(void)state;
	assert_int_equal(decode("\xed\xa0\x80", 3, &c), 0);
	assert_int_equal(decode("\xed\xbf\xbf", 3, &c), 0);
	assert_int_equal(decode("\xf4\x90\x80\x80", 4, &c), 0);
	assert_int_equal(decode("\xf8\x88\x80\x80", 4, &c), 0);
	assert_int_equal(decode("\xff", 1, &c), 0);
}

static void cut_characters_are_refused(void **state)
{
	uint32_t c;

	(void)state;
	assert_int_equal(decode("", 0, &c), 0);
	assert_int_equal(decode("\xc3", 1, &c), 0);
	assert_int_equal(decode("\xe2\x82", 2, &c), 0);
	assert_int_equal(decode("\xf0\x9f\x92", 3, &c), 0);
	assert_int_equal(decode("\x80", 1, &c), 0);
	assert_int_equal(decode("\xc3(", 2, &c), 0);
}

static void first_bad_byte_is_found(void **state)
{
	(void)state;
	assert_int_equal(utf8_valid_upto(str_bytes(STR("größe"))), 7);
	assert_int_equal(utf8_valid_upto(str_bytes(STR("gr\xc3\xb6\xdf"
						       "e"))),
			 4);
	assert_int_equal(utf8_valid_upto((struct view){ NULL, 0 }), 0);
}

static void bad_byte_is_found_wherever_it_stands(void **state)
{
	uint8_t text[40];

	(void)state;
	for (size_t n = 0; n <= sizeof(text); n++) {
		for (size_t at = 0; at < n; at++) {
			memset(text, 'a', sizeof(text));
			text[at] = 0xff;
			assert_int_equal(utf8_valid_upto((struct view){ text, n }), at);
			assert_int_equal(utf8_ascii_at((struct view){ text, n }, 0, n),
					 at);
			assert_int_equal(utf8_ascii_at((struct view){ text, n }, 0, at),
					 at);
			assert_int_equal(utf8_ascii_at((struct view){ text, n }, at, n),
					 0);
		}
		memset(text, 'a', sizeof(text));
		assert_int_equal(utf8_valid_upto((struct view){ text, n }), n);
	}
}

static void width_is_in_terminal_columns(void **state)
{
	(void)state;
	assert_int_equal(utf8_width('a'), 1);
	assert_int_equal(utf8_width(0xe4), 1);
	assert_int_equal(utf8_width(0x78c1), 2);
	assert_int_equal(utf8_width(0x1f4be), 2);
	assert_int_equal(utf8_width(0x301), 0);
	assert_int_equal(utf8_width(0x200b), 0);
}

static void direction_controls_are_invisible(void **state)
{
	(void)state;
	assert_true(utf8_is_invisible(0x202e));
	assert_true(utf8_is_invisible(0x2066));
	assert_true(utf8_is_invisible(0xfeff));
	assert_false(utf8_is_invisible(' '));
	assert_false(utf8_is_invisible(0x2010));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_survives_the_round_trip),
		cmocka_unit_test(overlong_forms_are_refused),
		cmocka_unit_test(surrogates_and_what_is_above_are_refused),
		cmocka_unit_test(cut_characters_are_refused),
		cmocka_unit_test(first_bad_byte_is_found),
		cmocka_unit_test(bad_byte_is_found_wherever_it_stands),
		cmocka_unit_test(width_is_in_terminal_columns),
		cmocka_unit_test(direction_controls_are_invisible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
