/* Refcounts of a QCOW2 that cannot be read: found again, or made anew without giving anything
 * away; and the clusters of bitmaps that are dropped. rewrite/qcow2_back.c, qcow2_rebuild.c,
 * qcow2_bitmaps.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "rewrite/qcow2_edit.h"
#include "tests/lib/bench_qcow2.h"

#include "base/banned.h"

#define NOWHERE UINT64_C(0x40000000)

static void copy(struct bench *b, uint64_t from, uint64_t to)
{
	memcpy(b->p + at(to), b->p + at(from), CS);
}

static void noise(struct bench *b, uint64_t cluster)
{
	for (uint64_t i = 0; i < CS; i++)
		b->p[at(cluster) + i] = (uint8_t)(i * 37 + 11);
}

/* ---- blocks that are found ---- */

static void a_lost_block_is_found_by_what_it_says(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned order = 4; order <= 6; order++) {
		bench_build(&b, order);
		entry(&b, RT, 0, order == 5 ? 0 : NOWHERE);
		bench_open(&b);
		assert_planned(&b, qcow2_plan_blocks_back(&b.plan, b.q));
		assert_int_equal(b.plan.edits.n, 1);
		assert_int_equal(now(&b, at(RT)), at(BLOCK));
		assert_sound(b.is);
		bench_free(&b);
	}
}

/* With it comes what nothing else remembers. */
static void a_found_block_knows_of_lost_pointers(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 0, NOWHERE);
	entry(&b, L1, 0, 0);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_blocks_back(&b.plan, b.q));
	assert_int_equal(stored(b.is, BOTH), 2);
	assert_int_equal(b.is->scan->orphans[QCOW2_ORPHAN_L2], 1);
	bench_free(&b);
}

static void an_entry_that_leads_to_data_goes_back_to_its_block(void **state)
{
	static const uint64_t wild[] = { DATA, FREE, FREE + 1 };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bench_build(&b, 4);
		fill(&b, FREE, 'x');
		entry(&b, RT, 0, at(wild[i]));
		bench_open(&b);
		assert_planned(&b, qcow2_plan_blocks_back(&b.plan, b.q));
		assert_int_equal(b.plan.edits.n, 1);
		assert_int_equal(now(&b, at(RT)), at(BLOCK));
		assert_sound(b.is);
		bench_free(&b);
	}
}

static void a_block_of_zeros_is_kept_when_there_is_no_other(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	fill(&b, BLOCK, 0);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q),
		       "no refcount block is elsewhere");
	bench_free(&b);
}

static void an_entry_for_what_the_file_does_not_have_becomes_zero(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 3, NOWHERE + 512 + 7);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_blocks_back(&b.plan, b.q));
	assert_int_equal(now(&b, at(RT) + 24), 0);
	assert_sound(b.is);
	bench_free(&b);
}

static void of_two_blocks_that_look_alike_none_is_taken(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, FREE, 1);
	copy(&b, BLOCK, FREE);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q),
		       "refcount block 0 cannot be found");
	bench_free(&b);
}

static void data_is_not_taken_for_a_block(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	noise(&b, BLOCK);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q), "cannot be found");
	bench_free(&b);
}

static void a_block_that_does_not_count_itself_is_an_old_one(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, BLOCK, 0);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q), "cannot be found");
	bench_free(&b);
}

static void a_block_that_misses_too_many_clusters_is_another_one(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	for (uint64_t c = SNAP_L1; c <= BITMAPS; c++)
		refcount(&b, c, 0);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q), "cannot be found");
	bench_free(&b);
}

/* One that is not what was counted. */
static void narrow_refcounts_have_to_be_right_to_the_last_bit(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned order = 1; order <= 3; order++) {
		bench_build(&b, order);
		entry(&b, RT, 0, NOWHERE);
		bench_open(&b);
		assert_planned(&b, qcow2_plan_blocks_back(&b.plan, b.q));
		assert_sound(b.is);
		bench_free(&b);
		bench_build(&b, order);
		refcount(&b, DATA, 0);
		entry(&b, RT, 0, NOWHERE);
		bench_open(&b);
		assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q),
			       "cannot be found");
		bench_free(&b);
	}
}

static void blocks_are_not_looked_for_when_none_is_lost(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_blocks_back(&b.plan, b.q),
		       "0 refcount blocks are lost");
	bench_free(&b);
}

/* ---- the table that is found ---- */

static void a_lost_table_is_found_by_its_blocks(void **state)
{
	static const uint64_t wrong[] = { 0, 512 + 8, 1 << 20, 512 * L1, 512 * FREE };
	struct bench b;

	(void)state;
	for (unsigned order = 0; order <= 6; order++) {
		for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
			bench_build(&b, order);
			put(&b, 48, 8, wrong[i]);
			if (order == 0) {
				entry(&b, SNAP_L2, 10, 0);
				refcount(&b, BOTH, 0);
			}
			bench_open(&b);
			assert_planned(&b, qcow2_plan_table_back(&b.plan, b.q));
			assert_int_equal(b.is->rt_offset.v, at(RT));
			assert_int_equal(stage_at(&b, 48), STAGE_COMMIT);
			assert_sound(b.is);
			bench_free(&b);
		}
	}
}

static void a_table_is_where_the_header_says_when_its_length_is_wrong(void **state)
{
	struct bench b;

	(void)state;
	for (uint32_t n = 0; n <= UINT32_MAX / 2; n += UINT32_MAX / 2) {
		bench_build(&b, 4);
		put(&b, 56, 4, n);
		bench_open(&b);
		assert_planned(&b, qcow2_plan_table_back(&b.plan, b.q));
		assert_int_equal(b.is->rt_offset.v, at(RT));
		assert_int_equal(b.is->rt_clusters.v, 1);
		assert_sound(b.is);
		bench_free(&b);
	}
}

static void of_two_tables_that_look_alike_none_is_taken(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	copy(&b, RT, FREE);
	put(&b, 48, 8, 0);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_table_back(&b.plan, b.q),
		       "two clusters look like it");
	bench_free(&b);
}

static void a_table_that_leads_to_data_is_none(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 0, at(DATA));
	put(&b, 48, 8, 0);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_table_back(&b.plan, b.q),
		       "nothing in the file looks like it");
	bench_free(&b);
}

static void a_table_with_an_entry_too_many_is_none(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 9, NOWHERE);
	put(&b, 48, 8, 0);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_table_back(&b.plan, b.q),
		       "nothing in the file looks like it");
	bench_free(&b);
}

static void a_table_in_its_place_is_left_there(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_table_back(&b.plan, b.q),
		       "the header is right of where it is");
	bench_free(&b);
}

/* ---- new ones ---- */

static void new_refcounts_count_everything_as_often_as_it_is_used(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned order = 1; order <= 6; order++) {
		bench_build(&b, order);
		entry(&b, RT, 0, NOWHERE);
		bench_open(&b);
		assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
		assert_true(b.is->rt_offset.v >= at(CLUSTERS));
		assert_int_equal(stored(b.is, BOTH), 2);
		assert_int_equal(stored(b.is, DATA), 1);
		assert_int_equal(stage_at(&b, 48), STAGE_COMMIT);
		assert_int_equal(total(b.is, QCOW2_FLAW_REFCOUNT_ZERO), 0);
		assert_int_equal(total(b.is, QCOW2_FLAW_REFCOUNT_LOW), 0);
		assert_int_equal(total(b.is, QCOW2_FLAW_REFCOUNT_HIGH), 0);
		bench_free(&b);
	}
}

static void what_nobody_refers_to_keeps_its_data(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	noise(&b, BLOCK);
	entry(&b, RT, 0, NOWHERE);
	fill(&b, FREE, 'x');
	b.p[at(FREE + 2) - 1] = 1;
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, FREE), 1);
	assert_int_equal(stored(b.is, FREE + 1), 1);
	assert_int_equal(stored(b.is, FREE + 2), 0);
	assert_int_equal(stored(b.is, BLOCK), 1);
	bench_free(&b);
}

static void blank_clusters_of_a_lost_table_are_not_free(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	noise(&b, BLOCK);
	entry(&b, RT, 0, NOWHERE);
	entry(&b, FREE, 3, at(FREE + 5) | COPIED);
	entry(&b, FREE, 4, at(DATA) | COPIED);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, FREE), 1);
	assert_int_equal(stored(b.is, FREE + 5), 1);
	assert_int_equal(stored(b.is, FREE + 6), 0);
	assert_int_equal(stored(b.is, DATA), 1);
	bench_free(&b);
}

/* A second block that cannot be read; the first one is believed. */
static void lose_second_block(struct bench *b)
{
	b->p = realloc(b->p, at(300));
	assert_non_null(b->p);
	memset(b->p + b->size, 0, at(300) - b->size);
	b->size = at(300);
	entry(b, L2, 5, at(260) | COPIED);
	entry(b, RT, 1, at(270) + 8);
	fill(b, 260, 'g');
	noise(b, 270);
}

static void what_a_block_says_is_not_lowered(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	lose_second_block(&b);
	refcount(&b, DATA, 5);
	refcount(&b, FREE, 3);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, DATA), 5);
	assert_int_equal(stored(b.is, FREE), 3);
	assert_int_equal(stored(b.is, 260), 1);
	assert_int_equal(stored(b.is, 270), 1);
	bench_free(&b);
}

static void what_a_block_calls_free_stays_free(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	lose_second_block(&b);
	fill(&b, FREE, 'x');
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, FREE), 0);
	bench_free(&b);
}

static void a_block_that_is_too_low_is_not_believed_to_call_free(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	lose_second_block(&b);
	refcount(&b, DATA, 0);
	fill(&b, FREE, 'x');
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, DATA), 1);
	assert_int_equal(stored(b.is, FREE), 1);
	bench_free(&b);
}

static void the_old_table_and_its_blocks_become_free(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	lose_second_block(&b);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, RT), 0);
	assert_int_equal(stored(b.is, BLOCK), 0);
	bench_free(&b);
}

static void an_old_block_that_somebody_uses_does_not(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	lose_second_block(&b);
	entry(&b, L2, 6, at(BLOCK) | COPIED);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_int_equal(stored(b.is, BLOCK), 1);
	bench_free(&b);
}

static void new_refcounts_wait_when_the_file_grows_already(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	plan_grow(&b.plan, b.size + 1);
	assert_false(qcow2_plan_new_refcounts(&b.plan, b.q));
	assert_null(b.plan.refused);
	bench_free(&b);
}

static void new_refcounts_of_one_bit_cannot_count_two(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 0);
	entry(&b, L2, 10, at(BOTH));
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_new_refcounts(&b.plan, b.q),
		       "a refcount of 1 bits cannot say so");
	bench_free(&b);
}

static void what_is_found_comes_before_what_is_new(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_refcounts(&b.plan, b.q));
	assert_int_equal(b.plan.size, b.size);
	bench_free(&b);

	bench_build(&b, 4);
	noise(&b, BLOCK);
	entry(&b, RT, 0, NOWHERE);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_refcounts(&b.plan, b.q));
	assert_true(b.plan.size > b.size);
	bench_free(&b);
}

/* ---- bitmaps ---- */

static void clusters_of_bitmaps_become_free_last_of_all(void **state)
{
	struct bench b;

	(void)state;
	for (uint64_t flag = 0; flag <= 1; flag++) {
		bench_build(&b, 4);
		put(&b, 88, 8, flag);
		bench_open(&b);
		assert_planned(&b, qcow2_plan_free_bitmaps(&b.plan, b.q));
		assert_int_equal(stored(b.is, BITMAPS), 0);
		assert_int_equal(stored(b.is, BITMAP_TABLE), 0);
		assert_int_equal(stored(b.is, BITMAP_BITS), 0);
		assert_int_equal(stored(b.is, DATA), 1);
		assert_int_equal(stage_at(&b, at(BLOCK) + BITMAPS * 2 + 1), STAGE_FREE);
		bench_free(&b);
	}
}

static void what_a_bitmap_shares_stays_in_use(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 88, 8, 0);
	entry(&b, L2, 5, at(BITMAP_BITS) | COPIED);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_free_bitmaps(&b.plan, b.q));
	assert_int_equal(stored(b.is, BITMAP_BITS), 1);
	assert_int_equal(stored(b.is, BITMAP_TABLE), 0);
	bench_free(&b);
}

static void what_a_damaged_table_points_at_stays_in_use(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, BITMAP_TABLE, 0, at(BITMAP_BITS) | 2);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_free_bitmaps(&b.plan, b.q));
	assert_int_equal(stored(b.is, BITMAP_BITS), 1);
	assert_int_equal(stored(b.is, BITMAP_TABLE), 1);
	assert_int_equal(stored(b.is, BITMAPS), 1);
	bench_free(&b);
}

static void a_cluster_with_more_references_than_that_stays_in_use(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, BITMAP_BITS, 2);
	bench_open(&b);
	assert_planned(&b, qcow2_plan_free_bitmaps(&b.plan, b.q));
	assert_int_equal(stored(b.is, BITMAP_BITS), 2);
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_block_is_found_by_what_it_says),
		cmocka_unit_test(a_found_block_knows_of_lost_pointers),
		cmocka_unit_test(an_entry_that_leads_to_data_goes_back_to_its_block),
		cmocka_unit_test(a_block_of_zeros_is_kept_when_there_is_no_other),
		cmocka_unit_test(an_entry_for_what_the_file_does_not_have_becomes_zero),
		cmocka_unit_test(of_two_blocks_that_look_alike_none_is_taken),
		cmocka_unit_test(data_is_not_taken_for_a_block),
		cmocka_unit_test(a_block_that_does_not_count_itself_is_an_old_one),
		cmocka_unit_test(a_block_that_misses_too_many_clusters_is_another_one),
		cmocka_unit_test(narrow_refcounts_have_to_be_right_to_the_last_bit),
		cmocka_unit_test(blocks_are_not_looked_for_when_none_is_lost),
		cmocka_unit_test(a_lost_table_is_found_by_its_blocks),
		cmocka_unit_test(
			a_table_is_where_the_header_says_when_its_length_is_wrong),
		cmocka_unit_test(of_two_tables_that_look_alike_none_is_taken),
		cmocka_unit_test(a_table_that_leads_to_data_is_none),
		cmocka_unit_test(a_table_with_an_entry_too_many_is_none),
		cmocka_unit_test(a_table_in_its_place_is_left_there),
		cmocka_unit_test(new_refcounts_count_everything_as_often_as_it_is_used),
		cmocka_unit_test(what_nobody_refers_to_keeps_its_data),
		cmocka_unit_test(blank_clusters_of_a_lost_table_are_not_free),
		cmocka_unit_test(what_a_block_says_is_not_lowered),
		cmocka_unit_test(what_a_block_calls_free_stays_free),
		cmocka_unit_test(a_block_that_is_too_low_is_not_believed_to_call_free),
		cmocka_unit_test(the_old_table_and_its_blocks_become_free),
		cmocka_unit_test(an_old_block_that_somebody_uses_does_not),
		cmocka_unit_test(new_refcounts_wait_when_the_file_grows_already),
		cmocka_unit_test(new_refcounts_of_one_bit_cannot_count_two),
		cmocka_unit_test(what_is_found_comes_before_what_is_new),
		cmocka_unit_test(clusters_of_bitmaps_become_free_last_of_all),
		cmocka_unit_test(what_a_bitmap_shares_stays_in_use),
		cmocka_unit_test(what_a_damaged_table_points_at_stays_in_use),
		cmocka_unit_test(a_cluster_with_more_references_than_that_stays_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
