/* What base/arena.h promises: zeroed, aligned, budgeted by who chose the size.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/arena.h"

#include <stdalign.h>

static void memory_is_zeroed(void **state)
{
	struct arena a;
	uint8_t *p;

	(void)state;
	arena_init(&a, 1 << 20);
	for (int round = 0; round < 3; round++) {
		p = arena_array(&a, 5000, uint8_t);
		assert_true(view_is_zero((struct view){ p, 5000 }));
		memset(p, 0xaa, 5000);
	}
	arena_free(&a);
}

/* Of sizes on both sides of every step in which a block is cleaned, in blocks that are not
 * the system's first. */
static void memory_that_was_used_is_zeroed(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < 500; i++) {
			size_t n = (i * 577 + round * 131) % (i % 16 ? 400 : 6000);
			uint8_t *p = arena_array(&a, n, uint8_t);

			assert_true(view_is_zero((struct view){ p, n }));
			memset(p, 0xaa, n);
		}
		arena_free(&a);
	}
}

static void memory_is_aligned_for_anything(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t n = 1; n < 70; n++) {
		uintptr_t p = (uintptr_t)arena_array(&a, n, uint8_t);

		assert_int_equal(p % alignof(max_align_t), 0);
	}
	arena_free(&a);
}

static void neighbours_do_not_overlap(void **state)
{
	uint8_t *p[200];
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 200; i++) {
		p[i] = arena_array(&a, 1 + i * 37 % 9000, uint8_t);
		memset(p[i], (int)i, 1 + i * 37 % 9000);
	}
	for (size_t i = 0; i < 200; i++) {
		for (size_t k = 0; k < 1 + i * 37 % 9000; k++)
			assert_int_equal(p[i][k], i);
	}
	arena_free(&a);
}

static void budget_is_kept(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(arena_try_array(&a, 4000, uint8_t));
	assert_null(arena_try_array(&a, 4000, uint8_t));
	arena_free(&a);
}

static void our_own_sizes_pass_the_budget_but_count(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(arena_array(&a, 5000, uint8_t));
	assert_null(arena_try_array(&a, 1, uint8_t));
	arena_free(&a);
}

static void product_that_overflows_is_refused(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, SIZE_MAX);
	assert_null(arena_try(&a, UINT64_MAX / 2, 3));
	assert_null(arena_try(&a, UINT64_MAX, 1));
	arena_free(&a);
}

static void nothing_is_a_valid_request(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_non_null(arena_array(&a, 0, uint8_t));
	arena_free(&a);
}

static void freed_arena_can_be_used_again(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(arena_try_array(&a, 4096, uint8_t));
	arena_free(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_try_array(&a, 4096, uint8_t));
	arena_free(&a);
}

static void copies_end_in_nul(void **state)
{
	static const uint8_t bytes[] = { 'a', 0, 'b' };
	struct arena a;
	struct view v;

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(arena_str(&a, (struct str){ "disk.raw", 4 }), "disk");
	assert_string_equal(arena_str(&a, (struct str){ NULL, 0 }), "");
	v = arena_copy(&a, (struct view){ bytes, 3 });
	assert_int_equal(v.n, 3);
	assert_memory_equal(v.p, bytes, 3);
	assert_int_equal(v.p[3], 0);
	arena_free(&a);
}

static void what_says_the_same_is_copied_once(void **state)
{
	static const uint8_t bytes[] = { 'a', 0, 'b' }, other[] = { 'a', 0, 'c' };
	struct view v, again, longer;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	v = arena_copy_once(&a, (struct view){ bytes, 2 }, (struct view){ 0 });
	again = arena_copy_once(&a, (struct view){ other, 2 }, v);
	longer = arena_copy_once(&a, (struct view){ other, 3 }, v);
	assert_ptr_not_equal(v.p, bytes);
	assert_ptr_equal(again.p, v.p);
	assert_int_equal(longer.n, 3);
	assert_memory_equal(longer.p, other, 3);
	arena_free(&a);
}

static void printf_has_no_length_limit(void **state)
{
	struct arena a;
	char *p;

	(void)state;
	arena_init(&a, 0);
	p = arena_printf(&a, "%0*d|%s", 40000, 7, "end");
	assert_int_equal(strlen(p), 40004);
	assert_string_equal(p + 39999, "7|end");
	for (int n = 250; n < 260; n++) {
		p = arena_printf(&a, "%0*d%s", n - 1, 7, "!");
		assert_int_equal(strlen(p), n);
		assert_string_equal(p + n - 2, "7!");
	}
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed),
		cmocka_unit_test(memory_that_was_used_is_zeroed),
		cmocka_unit_test(memory_is_aligned_for_anything),
		cmocka_unit_test(neighbours_do_not_overlap),
		cmocka_unit_test(budget_is_kept),
		cmocka_unit_test(our_own_sizes_pass_the_budget_but_count),
		cmocka_unit_test(product_that_overflows_is_refused),
		cmocka_unit_test(nothing_is_a_valid_request),
		cmocka_unit_test(freed_arena_can_be_used_again),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(what_says_the_same_is_copied_once),
		cmocka_unit_test(printf_has_no_length_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
