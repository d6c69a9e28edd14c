/* The growing array, its stable sort and its search.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/vec.h"

struct pair {
	int key, order;
};

static int by_key(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static int key_against(const void *elem, const void *key)
{
	const struct pair *x = elem;
	const int *k = key;

	return (x->key > *k) - (x->key < *k);
}

static void elements_survive_growing(void **state)
{
	VEC(struct pair) v = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (int i = 0; i < 1000; i++) {
		struct pair *p = vec_add(&v, &a);

		assert_int_equal(p->key, 0);
		p->key = i;
	}
	assert_int_equal(v.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(v.v[i].key, i);
	arena_free(&a);
}

static void memory_is_at_most_twice_the_last_block(void **state)
{
	VEC(uint64_t) v = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (uint64_t i = 0; i < 5000; i++)
		*vec_add(&v, &a) = i;
	assert_in_range(a.used, 0, 2 * v.cap * sizeof(uint64_t));
	arena_free(&a);
}

static void equal_elements_keep_their_order(void **state)
{
	VEC(struct pair) v = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	for (int i = 0; i < 500; i++)
		*vec_add(&v, &a) = (struct pair){ .key = i * 7919 % 13, .order = i };
	vec_sort(&v, by_key);
	for (size_t i = 1; i < v.n; i++) {
		assert_true(v.v[i - 1].key <= v.v[i].key);
		if (v.v[i - 1].key == v.v[i].key)
			assert_true(v.v[i - 1].order < v.v[i].order);
	}
	arena_free(&a);
}

static void any_order_becomes_the_same(void **state)
{
	enum { MAX = 24 };

	(void)state;
	for (size_t n = 2; n <= MAX; n++) {
		for (size_t turn = 0; turn < 3 * n; turn++) {
			struct pair v[MAX];

			/* Rising, falling, and by steps that meet each of n once or more. */
			for (size_t i = 0; i < n; i++)
				v[i].key = (int)(turn < n       ? (i + turn) % n
						 : turn < 2 * n ? (n - i + turn) % n
								: i * turn % n);
			for (size_t i = 0; i < n; i++)
				v[i].order = (int)i;
			sort_stable(v, n, sizeof(v[0]), by_key);
			for (size_t i = 1; i < n; i++)
				assert_true(v[i - 1].key < v[i].key ||
					    (v[i - 1].key == v[i].key &&
					     v[i - 1].order < v[i].order));
		}
	}
}

static void nothing_and_one_are_sorted(void **state)
{
	struct pair one = { 1, 2 };

	(void)state;
	sort_stable(NULL, 0, sizeof(one), by_key);
	sort_stable(&one, 1, sizeof(one), by_key);
	assert_int_equal(one.order, 2);
}

static void search_gives_the_first_not_less(void **state)
{
	VEC(struct pair) v = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(vec_find(&v, &(int){ 1 }, key_against), 0);
	for (int i = 0; i < 5; i++)
		*vec_add(&v, &a) = (struct pair){ .key = i / 2 * 10 }; /* 0 0 10 10 20 */
	assert_int_equal(vec_find(&v, &(int){ -1 }, key_against), 0);
	assert_int_equal(vec_find(&v, &(int){ 0 }, key_against), 0);
	assert_int_equal(vec_find(&v, &(int){ 1 }, key_against), 2);
	assert_int_equal(vec_find(&v, &(int){ 10 }, key_against), 2);
	assert_int_equal(vec_find(&v, &(int){ 20 }, key_against), 4);
	assert_int_equal(vec_find(&v, &(int){ 21 }, key_against), 5);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_survive_growing),
		cmocka_unit_test(memory_is_at_most_twice_the_last_block),
		cmocka_unit_test(equal_elements_keep_their_order),
		cmocka_unit_test(any_order_becomes_the_same),
		cmocka_unit_test(nothing_and_one_are_sorted),
		cmocka_unit_test(search_gives_the_first_not_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
