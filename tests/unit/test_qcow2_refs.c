/* Counting references to clusters: sparse, widened where it must be, bounded.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/qcow2_refs.h"
#include "base/num.h"

#include <stdlib.h>

enum { BUDGET = 32 << 20 };

struct fixture {
	struct arena a;
	struct qcow2_refs r;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	arena_init(&f->a, BUDGET);
	qcow2_refs_init(&f->r, &f->a, BUDGET);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->a);
	free(f);
	return 0;
}

static void nothing_was_counted(void **state)
{
	struct fixture *f = *state;
	uint32_t count = 7;

	assert_int_equal(qcow2_refs_count(&f->r, 0), 0);
	assert_int_equal(qcow2_refs_count(&f->r, UINT64_MAX), 0);
	assert_false(qcow2_refs_marked(&f->r, QCOW2_MARK_MEETS, 0));
	assert_int_equal(qcow2_refs_run(&f->r, 5, &count), QCOW2_LEAF - 5);
	assert_int_equal(count, 0);
	assert_null(qcow2_refs_leaf(&f->r, 0));
	assert_int_equal(f->r.spent, 0);
}

static void a_range_is_counted_and_its_neighbours_are_not(void **state)
{
	struct fixture *f = *state;

	assert_true(qcow2_refs_add(&f->r, QCOW2_LEAF - 70, 140, 1, 0));
	assert_int_equal(qcow2_refs_count(&f->r, QCOW2_LEAF - 71), 0);
	for (uint64_t c = QCOW2_LEAF - 70; c < QCOW2_LEAF + 70; c++)
		assert_int_equal(qcow2_refs_count(&f->r, c), 1);
	assert_int_equal(qcow2_refs_count(&f->r, QCOW2_LEAF + 70), 0);
	assert_int_equal(f->r.end, QCOW2_LEAF + 70);
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_MEETS), 0);
}

static void what_is_full_takes_no_bits(void **state)
{
	struct fixture *f = *state;

	assert_true(qcow2_refs_add(&f->r, 0, (uint64_t)QCOW2_LEAF * 1000, 1,
				   QCOW2_REF_COPIED));
	assert_true(f->r.spent < 1 << 20);
	assert_int_equal(qcow2_refs_count(&f->r, (uint64_t)QCOW2_LEAF * 999), 1);
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_COPIED),
			 (uint64_t)QCOW2_LEAF * 1000);
}

static void a_leaf_that_fills_up_gives_its_bits_back(void **state)
{
	struct fixture *f = *state;
	size_t spent;

	/* Backwards, one by one. */
	for (uint64_t c = QCOW2_LEAF; c-- > 0;)
		assert_true(qcow2_refs_add(&f->r, c, 1, 1, 0));
	spent = f->r.spent;
	for (uint64_t c = 10 * QCOW2_LEAF; c < 20 * QCOW2_LEAF; c++)
		assert_true(qcow2_refs_add(&f->r, c, 1, 1, 0));
	assert_int_equal(f->r.spent, spent);
}

static void a_second_reference_meets_the_first(void **state)
{
	struct fixture *f = *state;

	assert_true(qcow2_refs_add(&f->r, 100, 10, 1, 0));
	assert_true(qcow2_refs_add(&f->r, 109, 2, 1, 0));
	assert_int_equal(qcow2_refs_count(&f->r, 108), 1);
	assert_int_equal(qcow2_refs_count(&f->r, 109), 2);
	assert_int_equal(qcow2_refs_count(&f->r, 110), 1);
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_MEETS), 1);
	assert_true(qcow2_refs_marked(&f->r, QCOW2_MARK_MEETS, 109));
}

static void a_weight_is_one_reference_many_times(void **state)
{
	struct fixture *f = *state;

	assert_true(qcow2_refs_add(&f->r, 100, 10, 11, QCOW2_REF_SHARED));
	assert_int_equal(qcow2_refs_count(&f->r, 100), 11);
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_MEETS), 0);
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_SHARED), 10);
	assert_true(qcow2_refs_add(&f->r, 100, 1, 0, 0));
	assert_int_equal(qcow2_refs_count(&f->r, 100), 11);
}

static void what_was_added_before_meets_nothing(void **state)
{
	struct fixture *f = *state;

	assert_true(qcow2_refs_add(&f->r, 1, 1, 1, 0));
	assert_true(qcow2_refs_add(&f->r, 1, 1, 5, QCOW2_REF_AGAIN));
	assert_int_equal(qcow2_refs_count(&f->r, 1), 6);
	assert_false(qcow2_refs_marked(&f->r, QCOW2_MARK_MEETS, 1));
}

static void packed_clusters_meet_only_what_is_not_packed(void **state)
{
	struct fixture *f = *state;

	assert_true(qcow2_refs_add(&f->r, 1, 2, 1, QCOW2_REF_PACKED));
	assert_true(qcow2_refs_add(&f->r, 2, 2, 1, QCOW2_REF_PACKED));
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_MEETS), 0);
	assert_true(qcow2_refs_add(&f->r, 3, 1, 1, 0));
	assert_true(qcow2_refs_marked(&f->r, QCOW2_MARK_MEETS, 3));
	assert_true(qcow2_refs_add(&f->r, 4, 1, 1, 0));
	assert_true(qcow2_refs_add(&f->r, 4, 1, 1, QCOW2_REF_PACKED));
	assert_true(qcow2_refs_marked(&f->r, QCOW2_MARK_MEETS, 4));
}

static void counts_are_right_at_every_width(void **state)
{
	static const uint32_t step[] = { 1,           14, 1,     239, 1, 1,
					 65535 - 257, 1,  65535, 1,   1, 0 };
	struct fixture *f = *state;
	uint64_t sum = 0;

	for (size_t i = 0; step[i]; i++) {
		sum += step[i];
		assert_true(qcow2_refs_add(&f->r, 77, 1, step[i], 0));
		assert_int_equal(qcow2_refs_count(&f->r, 77), sum);
		assert_int_equal(qcow2_refs_count(&f->r, 76), 0);
	}
	assert_true(qcow2_refs_add(&f->r, 77, 1, UINT32_MAX, 0));
	assert_int_equal(qcow2_refs_count(&f->r, 77), UINT32_MAX);
	assert_true(qcow2_refs_add(&f->r, 77, 1, 1, 0));
	assert_int_equal(qcow2_refs_count(&f->r, 77), UINT32_MAX);
}

static void neighbours_of_a_small_count_stay_as_they_are(void **state)
{
	struct fixture *f = *state;

	for (uint64_t c = 0; c < 200; c += 2 + c % 3)
		assert_true(qcow2_refs_add(&f->r, c, 1, 1, 0));
	for (uint64_t c = 0; c < 200; c += 3)
		assert_true(qcow2_refs_add(&f->r, c, 1, 14, 0));
	for (uint64_t c = 0, once = 0; c < 200; c++) {
		bool has = c == once;

		if (has)
			once += 2 + c % 3;
		assert_int_equal(qcow2_refs_count(&f->r, c), has + (c % 3 ? 0 : 14));
	}
}

static void counts_below_16_take_half_a_byte(void **state)
{
	struct fixture *f = *state;

	for (uint64_t c = 0; c < 100 * QCOW2_LEAF; c += QCOW2_LEAF / 2)
		assert_true(qcow2_refs_add(&f->r, c, 1, 15, 0));
	assert_true(f->r.spent < 100 * QCOW2_LEAF / 2 + (64 << 10));
	assert_true(qcow2_refs_add(&f->r, 0, 1, 1, 0));
	assert_int_equal(qcow2_refs_count(&f->r, 0), 16);
}

static void later_is_the_same_in_the_same_order(void **state)
{
	struct fixture *f = *state;

	/* The second one meets the first, those in another leaf meet nothing. */
	assert_true(qcow2_refs_later(&f->r, 5, 2, 1, QCOW2_REF_PACKED));
	assert_true(qcow2_refs_later(&f->r, 6, 1, 3, QCOW2_REF_COPIED));
	for (uint64_t i = 1; i < 3 * QCOW2_LATER; i++)
		assert_true(qcow2_refs_later(&f->r, i * QCOW2_LEAF - 1, 2, 2, 0));
	assert_true(qcow2_refs_later(&f->r, 1000, QCOW2_LATER_LEN + 1, 1, 0));
	assert_true(qcow2_refs_flush(&f->r));
	assert_int_equal(qcow2_refs_count(&f->r, 5), 1);
	assert_int_equal(qcow2_refs_count(&f->r, 6), 4);
	assert_int_equal(qcow2_refs_count(&f->r, 1000 + QCOW2_LATER_LEN), 1);
	assert_true(qcow2_refs_marked(&f->r, QCOW2_MARK_MEETS, 6));
	assert_true(qcow2_refs_marked(&f->r, QCOW2_MARK_COPIED, 6));
	assert_int_equal(qcow2_refs_marks(&f->r, QCOW2_MARK_MEETS), 1);
	for (uint64_t i = 1; i < 3 * QCOW2_LATER; i++) {
		assert_int_equal(qcow2_refs_count(&f->r, i * QCOW2_LEAF - 1), 2);
		assert_int_equal(qcow2_refs_count(&f->r, i * QCOW2_LEAF), 2);
	}
	assert_int_equal(f->r.end, (3 * QCOW2_LATER - 1) * QCOW2_LEAF + 1);
}

static void later_stops_at_the_budget_as_well(void **state)
{
	struct fixture *f = *state;
	uint64_t c = 0;

	f->r.budget = 4 << 20;
	while (c < UINT64_C(1) << 40 && qcow2_refs_later(&f->r, c, 1, 2, 0))
		c += QCOW2_LEAF;
	assert_true(f->r.limit);
	assert_true(f->r.spent <= f->r.budget);
	assert_true(qcow2_refs_flush(&f->r));
}

static void it_stops_at_the_budget(void **state)
{
	struct fixture *f = *state;
	uint64_t c = 0;

	f->r.budget = 4 << 20;
	while (qcow2_refs_add(&f->r, c, 1, 1, 0))
		c += QCOW2_LEAF;
	assert_true(f->r.limit);
	assert_true(f->r.spent <= f->r.budget);
	assert_true(c / QCOW2_LEAF > 900);
	assert_int_equal(qcow2_refs_count(&f->r, c), 0);
	assert_int_equal(qcow2_refs_count(&f->r, c - QCOW2_LEAF), 1);
}

static void it_stops_at_the_budget_of_the_arena(void **state)
{
	struct fixture *f = *state;

	f->a.budget = 1 << 20;
	for (uint64_t c = 0; qcow2_refs_add(&f->r, c, 1, 2, 0); c += QCOW2_LEAF)
		;
	assert_true(f->r.limit);
	assert_true(f->a.used <= f->a.budget);
}

static void leaves_are_sorted(void **state)
{
	struct fixture *f = *state;
	const struct qcow2_leaf **v;

	for (uint64_t i = 0; i < 1000; i++)
		assert_true(qcow2_refs_add(&f->r, (i * 7919 % 1000) << 40, 1, 1, 0));
	v = qcow2_refs_sorted(&f->r, &f->a);
	assert_non_null(v);
	assert_int_equal(f->r.nleaves, 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(v[i]->index, i << (40 - QCOW2_LEAF_BITS));
}

/* ---- against the simplest thing that could work ---- */

enum { MODEL = 4 * QCOW2_LEAF, STEPS = 4000 };

struct model {
	uint64_t n[MODEL];
	bool packed[MODEL], meets[MODEL], copied[MODEL];
};

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

static void model_add(struct model *m, uint64_t at, uint64_t n, uint32_t w, unsigned how)
{
	for (uint64_t i = at; i < at + n; i++) {
		bool packed = how & QCOW2_REF_PACKED;

		if (m->n[i] && !(how & QCOW2_REF_AGAIN) && !(packed && m->packed[i]))
			m->meets[i] = true;
		m->n[i] += w;
		m->packed[i] = m->packed[i] || packed;
		m->copied[i] = m->copied[i] || how & QCOW2_REF_COPIED;
	}
}

static void model_compare(const struct model *m, const struct qcow2_refs *r)
{
	uint64_t run, at = 0;

	for (uint64_t i = 0; i < MODEL; i++) {
		assert_int_equal(qcow2_refs_count(r, i), m->n[i]);
		assert_int_equal(qcow2_refs_marked(r, QCOW2_MARK_MEETS, i), m->meets[i]);
		assert_int_equal(qcow2_refs_marked(r, QCOW2_MARK_PACKED, i),
				 m->packed[i]);
		assert_int_equal(qcow2_refs_marked(r, QCOW2_MARK_COPIED, i),
				 m->copied[i]);
	}
	while (at < MODEL) {
		uint32_t count;

		run = qcow2_refs_run(r, at, &count);
		assert_true(run > 0);
		for (uint64_t i = at; i < at + run; i++)
			assert_int_equal(m->n[i], count);
		at += run;
	}
}

static void random_counts_are_those_of_a_plain_array(void **state)
{
	static const uint32_t weights[] = { 1, 1, 1, 2, 11, 300 };
	struct fixture *f = *state;

	for (uint64_t round = 1; round <= 12; round++) {
		struct model *m = calloc(1, sizeof(*m));
		uint64_t seed = round * UINT64_C(0x9e3779b97f4a7c15);

		assert_non_null(m);
		qcow2_refs_init(&f->r, &f->a, BUDGET);
		for (int i = 0; i < STEPS / (int)round; i++) {
			uint64_t at = next(&seed) % MODEL, long_one = next(&seed) % 64;
			uint64_t n =
				1 + next(&seed) % (long_one ? round : QCOW2_LEAF * 2);
			uint32_t w = weights[next(&seed) % (round % 6 + 1)];
			unsigned how = (unsigned)next(&seed) & 15;

			n = u64_min(n, MODEL - at);
			model_add(m, at, n, w, how);
			if (i % 3)
				assert_true(qcow2_refs_later(&f->r, at, n, w, how));
			else
				assert_true(qcow2_refs_add(&f->r, at, n, w, how));
		}
		assert_true(qcow2_refs_flush(&f->r));
		model_compare(m, &f->r);
		free(m);
		arena_free(&f->a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(nothing_was_counted),
		T(a_range_is_counted_and_its_neighbours_are_not),
		T(what_is_full_takes_no_bits),
		T(a_leaf_that_fills_up_gives_its_bits_back),
		T(a_second_reference_meets_the_first),
		T(a_weight_is_one_reference_many_times),
		T(what_was_added_before_meets_nothing),
		T(packed_clusters_meet_only_what_is_not_packed),
		T(counts_are_right_at_every_width),
		T(neighbours_of_a_small_count_stay_as_they_are),
		T(counts_below_16_take_half_a_byte),
		T(later_is_the_same_in_the_same_order),
		T(later_stops_at_the_budget_as_well),
		T(it_stops_at_the_budget),
		T(it_stops_at_the_budget_of_the_arena),
		T(leaves_are_sorted),
		T(random_counts_are_those_of_a_plain_array),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
