/* "Did you mean": what is near, and what only looks so.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/suggest.h"

#include "base/banned.h"

static void assert_near(const char *word, const char *candidate)
{
	struct suggestion s = { .word = word };

	suggest(&s, candidate);
	assert_ptr_equal(s.best, candidate);
}

static void assert_far(const char *word, const char *candidate)
{
	struct suggestion s = { .word = word };

	suggest(&s, candidate);
	assert_null(s.best);
}

static void a_letter_more_less_or_other_is_a_mistake(void **state)
{
	(void)state;
	assert_near("drivr", "driver");
	assert_near("drriver", "driver");
	assert_near("dtiver", "driver");
	assert_near("dirver", "driver");
	assert_near("xriver", "driver");
}

static void longer_words_have_more_of_them(void **state)
{
	(void)state;
	assert_near("memorybakcing", "memoryBacking");
	assert_near("sercureboot", "secureboot");
	assert_near("treget", "target");
}

static void words_that_share_little_are_not_near(void **state)
{
	(void)state;
	assert_far("wrong", "rng");
	assert_far("team-cache", "numa-cache");
	assert_far("abc", "xyz");
	assert_far("a", "b");
}

static void the_nearest_one_is_it(void **state)
{
	struct suggestion s = { .word = "virtoi" };

	(void)state;
	suggest(&s, "virtual");
	suggest(&s, "virtio");
	suggest(&s, "virtiofs");
	assert_string_equal(s.best, "virtio");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_letter_more_less_or_other_is_a_mistake),
		cmocka_unit_test(longer_words_have_more_of_them),
		cmocka_unit_test(words_that_share_little_are_not_near),
		cmocka_unit_test(the_nearest_one_is_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
