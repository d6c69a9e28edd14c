/* Tables of a QCOW2 that lost their pointer, put back: where that is certain, and only there.
 * rewrite/qcow2_relink.c, qcow2_shared.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/bench_qcow2.h"

#include "rewrite/qcow2_edit.h"

#include "base/banned.h"

/* The first orphan of a kind. */
static const struct qcow2_orphan *orphan(const struct bench *b, enum qcow2_orphan_kind k)
{
	const struct qcow2_scan *s = b->q->scan;

	for (size_t i = 0; i < s->norphans; i++) {
		if (s->orphan[i].kind == k)
			return &s->orphan[i];
	}
	fail_msg("there is no orphan of the kind %s", qcow2_orphan_word(k));
	return NULL;
}

static bool relink_l2(struct bench *b)
{
	return qcow2_plan_relink(&b->plan, b->q, orphan(b, QCOW2_ORPHAN_L2));
}

static bool relink_snapshots(struct bench *b)
{
	return qcow2_plan_relink(&b->plan, b->q, orphan(b, QCOW2_ORPHAN_SNAPSHOT_TABLE));
}

/* All slots but the first one have a table, of one cluster each. */
static void fill_l1(struct bench *b)
{
	for (uint64_t i = 1; i < 4; i++) {
		uint64_t table = FREE + 2 * i, data = table + 1;

		entry(b, L1, i, at(table) | COPIED);
		entry(b, table, 0, at(data) | COPIED);
		fill(b, data, 'A' + (int)i);
		refcount(b, table, 1);
		refcount(b, data, 1);
	}
}

/* No snapshot knows anything of it. */
static void forget_snapshots(struct bench *b)
{
	put(b, 60, 4, 0);
	put(b, 64, 8, 0);
	for (uint64_t c = SNAPSHOTS; c <= BOTH; c++)
		refcount(b, c, 0);
	entry(b, L2, 10, 0);
}

/* ---- entries that lead nowhere ---- */

static bool no_tables(struct bench *b)
{
	const struct qcow2_flaws *v = &b->q->scan->flaws[QCOW2_FLAW_L1_PAST_EOF];

	assert_int_not_equal(v->n, 0);
	return qcow2_plan_no_tables(&b->plan, b->q, v->v, v->n);
}

static void an_entry_that_leads_nowhere_is_made_empty(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 2, UINT64_C(0x40000000));
	bench_open(&b);
	assert_planned(&b, no_tables(&b));
	assert_int_equal(now(&b, at(L1) + 16), 0);
	assert_sound(b.is);
	bench_free(&b);
}

/* It takes in all that comes behind it: the size of a snapshot's state is no entry. */
static void a_table_that_the_file_is_too_short_for_is_left_alone(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 36, 4, 0x10000);
	put(&b, at(SNAPSHOTS) + 40, 8, UINT64_C(0x40000000));
	bench_open(&b);
	assert_refused(&b, no_tables(&b), "something else uses the L1 table's cluster");
	bench_free(&b);
}

/* ---- L2 tables ---- */

static void a_snapshot_says_where_a_table_belongs(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	bench_open(&b);
	assert_planned(&b, relink_l2(&b));
	assert_int_equal(now(&b, at(L1)), at(L2) | COPIED);
	assert_int_equal(stage_at(&b, at(L1)), STAGE_COMMIT);
	assert_sound(b.is);
	bench_free(&b);
}

static void the_only_empty_slot_takes_the_only_table(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	forget_snapshots(&b);
	fill_l1(&b);
	entry(&b, L1, 0, 0);
	bench_open(&b);
	assert_planned(&b, relink_l2(&b));
	assert_sound(b.is);
	bench_free(&b);
}

static void with_two_empty_slots_it_could_be_either(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	forget_snapshots(&b);
	entry(&b, L1, 0, 0);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

/* The one of the two that lost its own is full. */
static void an_empty_slot_is_not_that_of_entries_that_share(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	forget_snapshots(&b);
	fill_l1(&b);
	entry(&b, L1, 0, at(FREE + 2) | COPIED);
	entry(&b, L1, 2, 0);
	refcount(&b, FREE + 4, 0);
	refcount(&b, FREE + 5, 0);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void with_two_tables_it_could_be_either(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	forget_snapshots(&b);
	fill_l1(&b);
	entry(&b, L1, 0, 0);
	refcount(&b, FREE, 1);
	entry(&b, FREE, 2, at(FREE + 1) | COPIED);
	refcount(&b, FREE + 1, 1);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void a_table_that_would_map_more_than_the_disk_fits_nowhere(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	forget_snapshots(&b);
	fill_l1(&b);
	/* Slot 3 covers the disk's last 8 clusters. */
	entry(&b, L1, 3, 0);
	entry(&b, FREE + 6, 20, at(FREE + 8) | COPIED);
	refcount(&b, FREE + 8, 1);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void a_preallocated_image_says_it_by_its_order(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	forget_snapshots(&b);
	b.p = realloc(b.p, at(400));
	assert_non_null(b.p);
	memset(b.p + b.size, 0, at(400) - b.size);
	b.size = at(400);
	entry(&b, RT, 1, at(399));
	put_refcount(&b, 399, 399 - 256, 1);
	for (uint64_t c = 0; c < 3; c++)
		refcount(&b, DATA + c, 0);
	refcount(&b, L2, 0);
	/* Four tables, each with its 64 clusters behind it; the disk has 200. */
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t table = 50 + i * 65;

		entry(&b, L1, i, at(table) | COPIED);
		for (uint64_t k = 0; k < 65 && i * 64 + k <= GUEST; k++) {
			uint64_t c = table + k;

			put_refcount(&b, c < 256 ? BLOCK : 399, c % 256, 1);
			if (k)
				entry(&b, table, k - 1, at(c) | COPIED);
		}
	}
	entry(&b, L1, 1, 0);
	entry(&b, L1, 3, 0);
	bench_open(&b);
	assert_planned(&b, relink_l2(&b));
	assert_int_equal(now(&b, at(L1) + 8), at(115) | COPIED);
	bench_free(&b);
}

/* Twelve slots, filled in their order; 4 and 9 hold nothing, and never did. */
static void fill_in_order(struct bench *b)
{
	bench_build(b, 4);
	forget_snapshots(b);
	put(b, 24, 8, 12 * 64 * CS);
	put(b, 36, 4, 12);
	b->p = realloc(b->p, at(80));
	assert_non_null(b->p);
	memset(b->p + b->size, 0, at(80) - b->size);
	b->size = at(80);
	for (uint64_t i = 1; i < 12; i++) {
		uint64_t table = FREE + 4 * i;

		if (i == 4 || i == 9)
			continue;
		entry(b, L1, i, at(table) | COPIED);
		refcount(b, table, 1);
		for (uint64_t k = 1; k < 4; k++) {
			entry(b, table, k * 7, at(table + k) | COPIED);
			refcount(b, table + k, 1);
			fill(b, table + k, 'A' + (int)(i * 4 + k));
		}
	}
}

static void an_image_that_was_filled_in_order_says_it_by_that(void **state)
{
	struct bench b;

	(void)state;
	for (uint64_t slot = 2; slot <= 8; slot += 3) {
		fill_in_order(&b);
		entry(&b, L1, slot == 5 ? 6 : slot, 0);
		bench_open(&b);
		/* Between 3 and 5 nothing is missing; 8 and 9 could both be it. */
		if (slot == 8) {
			assert_refused(&b, relink_l2(&b), "cannot be known");
		} else {
			assert_planned(&b, relink_l2(&b));
			assert_sound(b.is);
		}
		bench_free(&b);
	}
}

static void tables_that_are_not_in_order_say_nothing(void **state)
{
	struct bench b;

	(void)state;
	fill_in_order(&b);
	entry(&b, L1, 6, 0);
	entry(&b, L1, 10, at(FREE + 44) | COPIED);
	entry(&b, L1, 11, at(FREE + 40) | COPIED);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void data_that_is_not_in_order_says_nothing(void **state)
{
	struct bench b;

	(void)state;
	fill_in_order(&b);
	entry(&b, L1, 6, 0);
	entry(&b, FREE + 24, 7, at(FREE + 26) | COPIED);
	entry(&b, FREE + 24, 14, at(FREE + 25) | COPIED);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void seven_tables_may_be_in_order_by_chance(void **state)
{
	struct bench b;

	(void)state;
	fill_in_order(&b);
	for (uint64_t i = 1; i < 3; i++) {
		entry(&b, L1, i, 0);
		for (uint64_t k = 0; k < 4; k++) {
			fill(&b, FREE + 4 * i + k, 0);
			refcount(&b, FREE + 4 * i + k, 0);
		}
	}
	entry(&b, L1, 6, 0);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void a_table_with_another_refcount_is_not_put_back(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	refcount(&b, L2, 2);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "its refcount is 2, not 1");
	bench_free(&b);
}

static void a_table_that_points_at_what_is_free_is_an_old_one(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	refcount(&b, DATA_1, 0);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b),
		       "1 of its entries point at clusters without refcount: it is an "
		       "old one");
	bench_free(&b);
}

static void a_table_whose_flags_are_not_those_of_the_refcounts_is_an_old_one(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	entry(&b, L2, 1, at(DATA_1));
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "COPIED of 1 of its entries");
	bench_free(&b);
}

static void a_table_that_takes_what_others_have_is_not_put_back(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	/* That of the snapshot is the only reference to it that there may be. */
	refcount(&b, BOTH, 1);
	entry(&b, L2, 10, at(BOTH) | COPIED);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "which all of its 1 references have already");
	bench_free(&b);
}

static void two_places_in_snapshots_are_none(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	refcount(&b, BOTH, 3);
	/* The snapshot has it a second time, in another slot. */
	entry(&b, SNAP_L1, 1, at(FREE));
	entry(&b, FREE, 10, at(BOTH));
	refcount(&b, FREE, 1);
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "cannot be known");
	bench_free(&b);
}

static void nothing_is_put_back_while_a_table_cannot_be_read(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L1, 0, 0);
	entry(&b, SNAP_L1, 1, at(1000));
	bench_open(&b);
	assert_refused(&b, relink_l2(&b), "other tables of the image cannot be read");
	bench_free(&b);
}

static void where_an_l1_table_belongs_cannot_be_known(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 60, 4, 0);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_relink(&b.plan, b.q, orphan(&b, QCOW2_ORPHAN_L1)),
		       "what pointed at it cannot be known");
	bench_free(&b);
}

/* ---- snapshots ---- */

static void the_header_gets_its_snapshots_back(void **state)
{
	struct bench b;

	(void)state;
	for (uint64_t off = 0; off <= at(SNAPSHOTS); off += at(SNAPSHOTS)) {
		bench_build(&b, 4);
		put(&b, 60, 4, 0);
		put(&b, 64, 8, off);
		bench_open(&b);
		assert_planned(&b, relink_snapshots(&b));
		assert_int_equal(b.is->snapshots.n, 1);
		assert_int_equal(b.is->snapshots_offset.v, at(SNAPSHOTS));
		assert_sound(b.is);
		bench_free(&b);
	}
}

static void a_table_elsewhere_than_the_header_says_is_not_put_back(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 60, 4, 0);
	put(&b, 64, 8, at(FREE));
	bench_open(&b);
	assert_refused(&b, relink_snapshots(&b), "the header says that it was at");
	bench_free(&b);
}

static void of_two_snapshot_tables_none_is_put_back(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 60, 4, 0);
	put(&b, 64, 8, 0);
	memcpy(b.p + at(FREE), b.p + at(SNAPSHOTS), CS);
	refcount(&b, FREE, 1);
	bench_open(&b);
	assert_refused(&b, relink_snapshots(&b), "not the only one that is lost");
	bench_free(&b);
}

static void a_snapshot_whose_l1_table_is_somebodys_is_none(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 60, 4, 0);
	put(&b, at(SNAPSHOTS), 8, at(DATA));
	bench_open(&b);
	assert_refused(&b, relink_snapshots(&b),
		       "how many snapshots it has cannot be known");
	bench_free(&b);
}

/* ---- what a snapshot has as well ---- */

/* Both have all of the same tables, and the disk's pointer is lost. */
static void share(struct bench *b)
{
	bench_build(b, 4);
	entry(b, SNAP_L1, 0, at(L2));
	for (uint64_t c = SNAP_L2; c <= SNAP_DATA; c++)
		refcount(b, c, 0);
	for (uint64_t i = 0; i < 3; i++) {
		entry(b, L2, i, at(DATA + i));
		refcount(b, DATA + i, 2);
	}
	refcount(b, L2, 2);
	entry(b, L1, 0, 0);
}

static void a_table_of_a_snapshot_is_the_disks_as_well(void **state)
{
	struct bench b;

	(void)state;
	share(&b);
	bench_open(&b);
	assert_int_equal(total(b.q, QCOW2_FLAW_REFCOUNT_HIGH), 5);
	assert_planned(&b, qcow2_plan_shared_back(&b.plan, b.q));
	assert_int_equal(now(&b, at(L1)), at(L2));
	assert_sound(b.is);
	bench_free(&b);
}

static void without_a_refcount_more_it_is_the_snapshots_alone(void **state)
{
	static const uint64_t lower[] = { L2, DATA, DATA_2, BOTH };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		share(&b);
		refcount(&b, lower[i], 1);
		bench_open(&b);
		assert_refused(&b, qcow2_plan_shared_back(&b.plan, b.q),
			       "no entry of the L1 table was lost");
		bench_free(&b);
	}
}

static void an_entry_that_is_there_is_not_changed(void **state)
{
	struct bench b;

	(void)state;
	share(&b);
	entry(&b, L1, 0, at(FREE) | COPIED);
	refcount(&b, FREE, 1);
	bench_open(&b);
	assert_refused(&b, qcow2_plan_shared_back(&b.plan, b.q),
		       "no entry of the L1 table was lost");
	bench_free(&b);
}

static void of_two_tables_of_snapshots_none_is_taken(void **state)
{
	struct bench b;

	(void)state;
	share(&b);
	/* A second snapshot with another table in the same slot. */
	put(&b, 60, 4, 2);
	memcpy(b.p + at(SNAPSHOTS) + 64, b.p + at(SNAPSHOTS), 60);
	memcpy(b.p + at(SNAPSHOTS) + 64 + 56, "2two", 4);
	put(&b, at(SNAPSHOTS) + 64, 8, at(FREE));
	entry(&b, FREE, 0, at(FREE + 1));
	entry(&b, FREE + 1, 7, at(FREE + 2));
	refcount(&b, FREE, 1);
	refcount(&b, FREE + 1, 2);
	refcount(&b, FREE + 2, 2);
	bench_open(&b);
	assert_int_equal(b.q->snapshots.n, 2);
	assert_refused(&b, qcow2_plan_shared_back(&b.plan, b.q),
		       "may have pointed at either of two tables");
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_that_leads_nowhere_is_made_empty),
		cmocka_unit_test(a_table_that_the_file_is_too_short_for_is_left_alone),
		cmocka_unit_test(a_snapshot_says_where_a_table_belongs),
		cmocka_unit_test(the_only_empty_slot_takes_the_only_table),
		cmocka_unit_test(with_two_empty_slots_it_could_be_either),
		cmocka_unit_test(an_empty_slot_is_not_that_of_entries_that_share),
		cmocka_unit_test(with_two_tables_it_could_be_either),
		cmocka_unit_test(a_table_that_would_map_more_than_the_disk_fits_nowhere),
		cmocka_unit_test(a_preallocated_image_says_it_by_its_order),
		cmocka_unit_test(an_image_that_was_filled_in_order_says_it_by_that),
		cmocka_unit_test(tables_that_are_not_in_order_say_nothing),
		cmocka_unit_test(data_that_is_not_in_order_says_nothing),
		cmocka_unit_test(seven_tables_may_be_in_order_by_chance),
		cmocka_unit_test(a_table_with_another_refcount_is_not_put_back),
		cmocka_unit_test(a_table_that_points_at_what_is_free_is_an_old_one),
		cmocka_unit_test(
			a_table_whose_flags_are_not_those_of_the_refcounts_is_an_old_one),
		cmocka_unit_test(a_table_that_takes_what_others_have_is_not_put_back),
		cmocka_unit_test(two_places_in_snapshots_are_none),
		cmocka_unit_test(nothing_is_put_back_while_a_table_cannot_be_read),
		cmocka_unit_test(where_an_l1_table_belongs_cannot_be_known),
		cmocka_unit_test(the_header_gets_its_snapshots_back),
		cmocka_unit_test(a_table_elsewhere_than_the_header_says_is_not_put_back),
		cmocka_unit_test(of_two_snapshot_tables_none_is_put_back),
		cmocka_unit_test(a_snapshot_whose_l1_table_is_somebodys_is_none),
		cmocka_unit_test(a_table_of_a_snapshot_is_the_disks_as_well),
		cmocka_unit_test(without_a_refcount_more_it_is_the_snapshots_alone),
		cmocka_unit_test(an_entry_that_is_there_is_not_changed),
		cmocka_unit_test(of_two_tables_of_snapshots_none_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
