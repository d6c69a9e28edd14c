/* Edits of QCOW2 tables by meaning, rewrite/qcow2_edit.h: refcounts, COPIED, the end of the
 * file; and what each of them refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rewrite/qcow2_edit.h"
#include "tests/lib/bench_qcow2.h"

#include "base/banned.h"

static void the_image_of_these_tests_is_right(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned order = 0; order <= 6; order++) {
		bench_build(&b, order);
		if (order == 0) {
			entry(&b, SNAP_L2, 10, 0);
			refcount(&b, BOTH, 0);
		}
		bench_open(&b);
		assert_true(b.q->scan->whole);
		assert_sound(b.q);
		bench_free(&b);
	}
}

/* ---- words ---- */

static void only_the_bits_that_are_asked_for_change(void **state)
{
	struct qcow2_words w = { .off = at(L2), .n = 3, .stride = 8 };
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 1, at(DATA_1) | COPIED | 6);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_bits(&b.plan, b.q, STAGE_TABLES, &w, 6, 0));
	assert_int_equal(b.plan.edits.n, 1);
	assert_int_equal(b.plan.edits.v[0].at.len, 1);
	assert_int_equal(now(&b, at(L2) + 8), at(DATA_1) | COPIED);
	bench_free(&b);
}

/* ---- refcounts ---- */

static void a_refcount_that_is_too_low_is_raised(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned order = 1; order <= 6; order++) {
		bench_build(&b, order);
		refcount(&b, DATA_1, 0);
		refcount(&b, BOTH, 1);
		bench_open(&b);
		assert_planned(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE));
		assert_int_equal(stored(b.is, DATA_1), 1);
		assert_int_equal(stored(b.is, BOTH), 2);
		assert_sound(b.is);
		bench_free(&b);
	}
}

static void a_refcount_of_one_bit_cannot_be_two(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 0);
	entry(&b, L2, 10, at(BOTH));
	bench_open(&b);
	assert_refused(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE),
		       "a refcount of 1 bits cannot say so");
	bench_free(&b);
}

static void a_refcount_is_lowered_only_when_that_is_asked_for(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, DATA, 3);
	refcount(&b, FREE, 2);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE));
	assert_int_equal(b.plan.edits.n, 0);
	assert_planned(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_LOWER));
	assert_int_equal(stored(b.is, DATA), 1);
	assert_int_equal(stored(b.is, FREE), 2);
	bench_free(&b);
}

static void a_blank_leak_goes_without_those_that_hold_data(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, FREE, 1);
	refcount(&b, FREE + 1, 1);
	fill(&b, FREE + 1, 'x');
	bench_open(&b);
	assert_planned(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_BLANK));
	assert_int_equal(stored(b.is, FREE), 0);
	assert_int_equal(stored(b.is, FREE + 1), 1);
	bench_free(&b);
}

static void data_goes_when_that_is_asked_for_and_tables_do_not(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, FREE, 1);
	fill(&b, FREE, 'x');
	refcount(&b, FREE + 1, 1);
	entry(&b, FREE + 1, 0, at(FREE) | COPIED);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_DATA));
	assert_int_equal(stored(b.is, FREE), 0);
	assert_int_equal(stored(b.is, FREE + 1), 1);
	bench_free(&b);
}

static void a_refcount_for_what_the_file_does_not_have_goes(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, CLUSTERS + 3, 1);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_PAST_EOF));
	assert_sound(b.is);
	bench_free(&b);
}

static void noise_is_not_taken_for_a_refcount_block(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	for (uint64_t i = 0; i < CS; i++)
		b.p[at(BLOCK) + i] = (uint8_t)(i * 37 + 11);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE),
		       "may be something else");
	bench_free(&b);
}

static void a_block_that_two_entries_name_is_not_touched(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 1, at(BLOCK));
	bench_open(&b);
	assert_refused(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE),
		       "a refcount block is used twice");
	bench_free(&b);
}

static void a_block_that_is_also_data_is_not_touched(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 5, at(BLOCK) | COPIED);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE),
		       "may be something else");
	bench_free(&b);
}

static void refcounts_wait_for_a_wrong_entry_of_their_table(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 1, at(1000));
	bench_open(&b);
	assert_refused(&b, qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE),
		       "entry 1 of the refcount table is wrong");
	bench_free(&b);
}

/* ---- COPIED ---- */

static void copied_goes_where_somebody_else_refers_too(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 10, at(BOTH) | COPIED);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_copied(&b.plan, b.q, false));
	assert_int_equal(now(&b, at(L2) + 80), at(BOTH));
	assert_int_equal(stage_at(&b, at(L2) + 80), STAGE_TABLES);
	assert_sound(b.is);
	bench_free(&b);
}

static void copied_goes_before_the_refcount_becomes_two(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 10, at(BOTH) | COPIED);
	refcount(&b, BOTH, 1);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_copied(&b.plan, b.q, false) &&
				   qcow2_plan_counts(&b.plan, b.q, QCOW2_RAISE));
	assert_true(stage_at(&b, at(L2) + 80) < stage_at(&b, at(BLOCK) + BOTH * 2 + 1));
	assert_sound(b.is);
	bench_free(&b);
}

static void copied_comes_last_where_nobody_else_refers(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 1, at(DATA_1));
	entry(&b, L1, 0, at(L2));
	bench_open(&b);
	assert_planned(&b, qcow2_plan_copied(&b.plan, b.q, true));
	assert_int_equal(stage_at(&b, at(L2) + 8), STAGE_COMMIT);
	assert_int_equal(stage_at(&b, at(L1)), STAGE_COMMIT);
	assert_sound(b.is);
	bench_free(&b);
}

static void copied_of_a_table_that_may_be_none_is_not_touched(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 1, at(DATA_1));
	entry(&b, L2, 2, at(1000) | COPIED);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_copied(&b.plan, b.q, true),
		       "may be something else");
	bench_free(&b);
}

static void copied_waits_when_the_l1_table_is_shared(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 5, at(L1));
	bench_open(&b);
	assert_refused(&b, qcow2_plan_copied(&b.plan, b.q, true),
		       "something else uses the L1 table's cluster");
	bench_free(&b);
}

/* ---- the end of the file ---- */

static void a_file_that_was_cut_gets_its_length_back(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 5, at(CLUSTERS + 1) | COPIED);
	refcount(&b, CLUSTERS + 1, 1);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_longer(&b.plan, b.q));
	assert_int_equal(b.plan.size, at(CLUSTERS + 2));
	assert_sound(b.is);
	bench_free(&b);
}

static void without_a_refcount_it_is_the_entry_that_is_wrong(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 5, at(CLUSTERS + 1) | COPIED);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_longer(&b.plan, b.q), "the entry is wrong");
	bench_free(&b);
}

static void no_file_becomes_longer_by_more_than_its_disk(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 5, at(CLUSTERS + GUEST + 1) | COPIED);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_longer(&b.plan, b.q),
		       "further beyond it than the guest's disk is large");
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_image_of_these_tests_is_right),
		cmocka_unit_test(only_the_bits_that_are_asked_for_change),
		cmocka_unit_test(a_refcount_that_is_too_low_is_raised),
		cmocka_unit_test(a_refcount_of_one_bit_cannot_be_two),
		cmocka_unit_test(a_refcount_is_lowered_only_when_that_is_asked_for),
		cmocka_unit_test(a_blank_leak_goes_without_those_that_hold_data),
		cmocka_unit_test(data_goes_when_that_is_asked_for_and_tables_do_not),
		cmocka_unit_test(a_refcount_for_what_the_file_does_not_have_goes),
		cmocka_unit_test(noise_is_not_taken_for_a_refcount_block),
		cmocka_unit_test(a_block_that_two_entries_name_is_not_touched),
		cmocka_unit_test(a_block_that_is_also_data_is_not_touched),
		cmocka_unit_test(refcounts_wait_for_a_wrong_entry_of_their_table),
		cmocka_unit_test(copied_goes_where_somebody_else_refers_too),
		cmocka_unit_test(copied_goes_before_the_refcount_becomes_two),
		cmocka_unit_test(copied_comes_last_where_nobody_else_refers),
		cmocka_unit_test(copied_of_a_table_that_may_be_none_is_not_touched),
		cmocka_unit_test(copied_waits_when_the_l1_table_is_shared),
		cmocka_unit_test(a_file_that_was_cut_gets_its_length_back),
		cmocka_unit_test(without_a_refcount_it_is_the_entry_that_is_wrong),
		cmocka_unit_test(no_file_becomes_longer_by_more_than_its_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
