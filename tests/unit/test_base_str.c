/* Text by pointer and length, what may be shown of it, and the growing buffer.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"

static struct arena a;

static int arena_up(void **state)
{
	(void)state;
	arena_init(&a, 1 << 20);
	return 0;
}

static int arena_down(void **state)
{
	(void)state;
	arena_free(&a);
	return 0;
}

static void equal_means_length_and_bytes(void **state)
{
	(void)state;
	assert_true(str_eq(STR("raw"), STR("raw")));
	assert_false(str_eq(STR("raw"), STR("raw ")));
	assert_false(str_eq(STR("raw"), STR("rax")));
	assert_true(str_eq((struct str){ NULL, 0 }, STR("")));
	assert_true(str_is(STR("qcow2"), "qcow2"));
	assert_false(str_is(STR("a\0b"), "a"));
}

static void prefix_and_suffix(void **state)
{
	(void)state;
	assert_true(str_starts(STR("pc-q35-7.2"), "pc-q35"));
	assert_true(str_starts(STR("x"), ""));
	assert_false(str_starts(STR("pc"), "pc-"));
	assert_true(str_ends(STR("disk.raw"), ".raw"));
	assert_false(str_ends(STR("raw"), ".raw"));
	assert_true(str_ends((struct str){ NULL, 0 }, ""));
}

static void part_is_found_anywhere(void **state)
{
	(void)state;
	assert_true(str_has(STR("-device intel-iommu,x"), "iommu"));
	assert_true(str_has(STR("iommu"), "iommu"));
	assert_true(str_has(STR("iioommu iommu"), "iommu"));
	assert_true(str_has(STR("aaab"), "aab"));
	assert_true(str_has(STR("x,iommu"), "iommu"));
	assert_false(str_has(STR("aaba"), "aaab"));
	assert_false(str_has(STR("iiomm"), "iommu"));
	assert_false(str_has(STR("iomm"), "iommu"));
	assert_false(str_has((struct str){ NULL, 0 }, "iommu"));
	assert_true(str_has((struct str){ NULL, 0 }, ""));
	assert_true(str_has(STR("a\0b"), "b"));
}

static void trim_takes_blanks_and_line_ends_only(void **state)
{
	(void)state;
	assert_true(str_is(str_trim(STR(" \t\r\n on off \n")), "on off"));
	assert_int_equal(str_trim(STR(" \n ")).n, 0);
	assert_true(str_is(str_trim(STR("\v1")), "\v1"));
}

static void numbers_are_whole_and_plain(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(str_u64(STR("18446744073709551615"), &v));
	assert_true(v == UINT64_MAX);
	assert_true(str_u64(STR("0"), &v));
	assert_int_equal(v, 0);
	v = 7;
	assert_false(str_u64(STR("18446744073709551616"), &v));
	assert_false(str_u64(STR(""), &v));
	assert_false(str_u64(STR("-1"), &v));
	assert_false(str_u64(STR("+1"), &v));
	assert_false(str_u64(STR(" 1"), &v));
	assert_false(str_u64(STR("1k"), &v));
	assert_int_equal(v, 7);
}

static void plain_text_is_shown_as_it_is(void **state)
{
	(void)state;
	assert_string_equal(str_shown(&a, STR("/srv/größe 磁盘.raw")),
			    "/srv/größe 磁盘.raw");
	assert_string_equal(str_shown(&a, (struct str){ NULL, 0 }), "");
}

static void control_bytes_are_shown_as_hex(void **state)
{
	(void)state;
	assert_string_equal(str_shown(&a, STR("a\x1b[2J\n\x7f")), "a\\x1b[2J\\x0a\\x7f");
	assert_string_equal(str_shown(&a, STR("a\0b")), "a\\x00b");
	/* U+0085, a control character of Latin-1 */
	assert_string_equal(str_shown(&a, STR("\xc2\x85")), "\\x85");
}

static void backslash_cannot_imitate_an_escape(void **state)
{
	(void)state;
	assert_string_equal(str_shown(&a, STR("\\x41")), "\\\\x41");
}

static void text_direction_cannot_be_turned(void **state)
{
	(void)state;
	assert_string_equal(str_shown(&a, STR("a\xe2\x80\xae"
					      "b")),
			    "a\\u202eb");
	assert_string_equal(str_shown(&a, STR("a\xe2\x80\x8b"
					      "b")),
			    "a\\u200bb");
}

static void bytes_that_are_no_utf8_are_shown_as_hex(void **state)
{
	(void)state;
	assert_string_equal(str_shown(&a, STR("caf\xe9")), "caf\\xe9");
	assert_string_equal(str_shown(&a, STR("\xc3")), "\\xc3");
}

static void long_text_is_cut_between_characters(void **state)
{
	struct buf b = { 0 };
	const char *s;

	(void)state;
	buf_fill(&b, 'x', 119);
	buf_add(&b, STR("äöü"));
	s = str_shown(&a, (struct str){ b.p, b.n });
	assert_int_equal(strlen(s), 119 + 2 + 3);
	assert_string_equal(s + 119, "ä...");
	buf_free(&b);
}

static void buffer_grows_and_stays_terminated(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen(b.p), b.n);
	buf_clear(&b);
	assert_string_equal(b.p, "");
	buf_char(&b, 'a');
	buf_add_bytes(&b, "b\0c", 3);
	buf_fill(&b, '-', 2);
	assert_int_equal(b.n, 6);
	assert_memory_equal(b.p, "ab\0c--", 7);
	buf_free(&b);
	assert_null(b.p);
}

static void nothing_can_be_added_to_an_empty_buffer(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add(&b, (struct str){ NULL, 0 });
	assert_string_equal(b.p, "");
	buf_free(&b);
}

static void words_are_found_whole(void **state)
{
	(void)state;
	assert_true(str_among(STR("writeback"), "none writeback"));
	assert_true(str_among(STR("none"), "none writeback"));
	assert_false(str_among(STR("write"), "none writeback"));
	assert_false(str_among(STR("none writeback"), "none writeback"));
	assert_false(str_among(STR("none\0"), "none writeback"));
	assert_false(str_among(STR("native"), "none writeback"));
	assert_false(str_among(STR(""), "none writeback"));
	assert_false(str_among(STR(""), ""));
}

static void words_are_taken_off_one_by_one(void **state)
{
	struct str list = STR("none write");

	(void)state;
	assert_true(str_is(str_word(&list), "none"));
	assert_true(str_is(str_word(&list), "write"));
	assert_int_equal(str_word(&list).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_means_length_and_bytes),
		cmocka_unit_test(prefix_and_suffix),
		cmocka_unit_test(part_is_found_anywhere),
		cmocka_unit_test(trim_takes_blanks_and_line_ends_only),
		cmocka_unit_test(numbers_are_whole_and_plain),
		cmocka_unit_test(plain_text_is_shown_as_it_is),
		cmocka_unit_test(control_bytes_are_shown_as_hex),
		cmocka_unit_test(backslash_cannot_imitate_an_escape),
		cmocka_unit_test(text_direction_cannot_be_turned),
		cmocka_unit_test(bytes_that_are_no_utf8_are_shown_as_hex),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(buffer_grows_and_stays_terminated),
		cmocka_unit_test(nothing_can_be_added_to_an_empty_buffer),
		cmocka_unit_test(words_are_found_whole),
		cmocka_unit_test(words_are_taken_off_one_by_one),
	};

	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
