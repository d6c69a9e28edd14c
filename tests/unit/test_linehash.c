/* Fingerprints of lines are those that GitHub makes. The numbers are what its own tests expect.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/linehash.h"

#include <string.h>

static void expect(const char *text, const char *const *wanted, size_t n)
{
	struct line_hashes h;
	char got[LINE_HASH_TEXT];
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	h = line_hashes(str_bytes(str_of(text)), &a);
	assert_int_equal(h.n, n);
	for (size_t i = 0; i < n; i++) {
		line_hash_text(&h, i + 1, got);
		assert_string_equal(got, wanted[i]);
	}
	arena_free(&a);
}

#define EXPECT(text, ...)                                                                \
	expect((text), (const char *const[]){ __VA_ARGS__ },                             \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void an_empty_text_is_one_line(void **state)
{
	(void)state;
	EXPECT("", "c129715d7a2bc9a3:1");
}

static void blanks_do_not_count(void **state)
{
	(void)state;
	EXPECT(" a\nb\n  \t\tc\n d", "271789c17abda88f:1", "54703d4cd895b18:1",
	       "180aee12dab6264:1", "a23a3dc5e078b07b:1");
}

static void line_ends_are_the_same(void **state)
{
	static const char *const texts[] = {
		" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n",
		" hello; \t\nworld!!!\r\r\r  \t\tGreetings\r End\r",
		" hello; \t\r\nworld!!!\r\n\r\n\r\n  \t\tGreetings\r\n End\r\n",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		EXPECT(texts[i], "e9496ae3ebfced30:1", "fb7c023a8b9ccb3f:1",
		       "ce8ba1a563dcdaca:1", "e20e36e16fcb0cc8:1", "b3edc88f2938467e:1",
		       "c8e28b0b4002a3a0:1", "c129715d7a2bc9a3:1");
}

static void lines_that_are_the_same_are_counted(void **state)
{
	char text[10 * 28 + 1] = "";

	(void)state;
	for (size_t i = 0; i < 10; i++)
		memcpy(text + 28 * i, "Lorem ipsum dolor sit amet.\n", 28);
	EXPECT(text, "a7f2ff13bc495cf2:1", "a7f2ff13bc495cf2:2", "a7f2ff13bc495cf2:3",
	       "a7f2ff13bc495cf2:4", "a7f2ff13bc495cf2:5", "a7f2ff13bc495cf2:6",
	       "a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1", "55ec222b86bcae53:1",
	       "cc97dc7b1d7d8f7b:1", "c129715d7a2bc9a3:1");
}

static void a_line_that_is_not_there_has_none(void **state)
{
	struct line_hashes h = { 0 };
	char got[LINE_HASH_TEXT];

	(void)state;
	line_hash_text(&h, 1, got);
	assert_string_equal(got, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_text_is_one_line),
		cmocka_unit_test(blanks_do_not_count),
		cmocka_unit_test(line_ends_are_the_same),
		cmocka_unit_test(lines_that_are_the_same_are_counted),
		cmocka_unit_test(a_line_that_is_not_there_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
