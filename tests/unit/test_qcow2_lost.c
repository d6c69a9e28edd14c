/* Entries of a QCOW2 that lead nowhere, and what they pointed at: where that is certain, and
 * only there. analyze/image/qcow2_lost.c, rewrite/qcow2_zero.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/bench_qcow2.h"

#include "rewrite/qcow2_edit.h"

#include "base/banned.h"

#define NOWHERE (COPIED | UINT64_C(0x7ff00e00))

/* Entry i leads nowhere, and `cluster` is proven to be what it pointed at. */
static void assert_found(struct bench *b, uint64_t i, uint64_t cluster,
			 enum qcow2_lost_why why)
{
	const struct qcow2_scan *s = b->q->scan;

	for (size_t k = 0; k < s->nlost; k++) {
		if (s->lost[k].at.off != at(L2) + i * 8)
			continue;
		assert_int_equal(s->lost[k].cluster, cluster);
		assert_int_equal(s->lost[k].why, why);
		assert_true(qcow2_is_lost(s, at(L2) + i * 8));
		assert_planned(b, qcow2_plan_pointers(&b->plan, b->q, &s->lost[k]));
		assert_int_equal(now(b, at(L2) + i * 8) & ~COPIED, at(cluster));
		return;
	}
	fail_msg("it is not known what entry %u pointed at", (unsigned)i);
}

static void the_entries_around_it_say_it(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 1, NOWHERE);
	bench_open(&b);
	assert_found(&b, 1, DATA_1, QCOW2_LOST_SEQUENCE);
	assert_int_equal(b.q->scan->orphans[QCOW2_ORPHAN_PLACED], 1);
	assert_int_equal(b.q->scan->orphans[QCOW2_ORPHAN_DATA], 0);
	assert_sound(b.is);
	bench_free(&b);
}

static void one_bit_says_it(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 2, at(DATA_2) | COPIED | UINT64_C(1) << 40);
	refcount(&b, FREE, 1);
	fill(&b, FREE, 'x');
	bench_open(&b);
	assert_found(&b, 2, DATA_2, QCOW2_LOST_BIT);
	bench_free(&b);
}

static void a_snapshot_says_it(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 10, NOWHERE);
	bench_open(&b);
	assert_found(&b, 10, BOTH, QCOW2_LOST_SNAPSHOT);
	assert_int_equal(now(&b, at(L2) + 80), at(BOTH));
	assert_sound(b.is);
	bench_free(&b);
}

static void as_many_clusters_as_entries_say_it(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 0, NOWHERE);
	entry(&b, L2, 2, NOWHERE);
	bench_open(&b);
	assert_found(&b, 0, DATA, QCOW2_LOST_BEHIND);
	bench_free(&b);
}

static void one_cluster_and_one_entry_are_each_others(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 2, 0);
	refcount(&b, DATA_2, 0);
	fill(&b, DATA_2, 0);
	entry(&b, L2, 40, NOWHERE);
	refcount(&b, FREE, 1);
	fill(&b, FREE, 'x');
	bench_open(&b);
	assert_found(&b, 40, FREE, QCOW2_LOST_ONLY);
	assert_sound(b.is);
	bench_free(&b);
}

static void assert_unknown(struct bench *b)
{
	bench_open(b);
	assert_int_equal(b->q->scan->nlost, 0);
	bench_free(b);
}

static void with_another_cluster_it_could_be_that(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 2, NOWHERE);
	refcount(&b, FREE, 1);
	fill(&b, FREE, 'x');
	assert_unknown(&b);
}

static void another_refcount_is_of_something_else(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 1, NOWHERE);
	refcount(&b, DATA_1, 2);
	assert_unknown(&b);
}

static void an_entry_with_one_bit_may_have_been_empty(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 2, UINT64_C(1) << 40);
	assert_unknown(&b);
}

static void what_two_entries_claim_is_nobodys(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	/* Both are DATA_1 but for one bit. */
	entry(&b, L2, 20, at(DATA_1) | COPIED | UINT64_C(1) << 40);
	entry(&b, L2, 30, at(DATA_1) | COPIED | UINT64_C(1) << 41);
	entry(&b, L2, 1, 0);
	assert_unknown(&b);
}

static void an_empty_entry_is_only_offered(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 1, 0);
	bench_open(&b);
	assert_int_equal(b.q->scan->nlost, 0);
	assert_int_equal(b.q->scan->noffered, 1);
	assert_int_equal(b.q->scan->offered[0].cluster, DATA_1);
	assert_int_equal(b.q->scan->orphans[QCOW2_ORPHAN_DATA], 1);
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_entries_around_it_say_it),
		cmocka_unit_test(one_bit_says_it),
		cmocka_unit_test(a_snapshot_says_it),
		cmocka_unit_test(as_many_clusters_as_entries_say_it),
		cmocka_unit_test(one_cluster_and_one_entry_are_each_others),
		cmocka_unit_test(with_another_cluster_it_could_be_that),
		cmocka_unit_test(another_refcount_is_of_something_else),
		cmocka_unit_test(an_entry_with_one_bit_may_have_been_empty),
		cmocka_unit_test(what_two_entries_claim_is_nobodys),
		cmocka_unit_test(an_empty_entry_is_only_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
