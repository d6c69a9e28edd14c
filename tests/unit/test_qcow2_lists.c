/* What is read of a QCOW2 image beside its header: tables, snapshots and bitmaps.
 * analyze/image/qcow2.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/bench_fields.h"

#include "base/banned.h"

/* ---- tables ---- */

static void tables_are_read(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);

	assert_int_equal(q->l1.state, QCOW2_TABLE_WHOLE);
	assert_int_equal(q->l1.n, 4);
	assert_int_equal(q->l1.raw.n, 32);
	assert_int_equal(qcow2_entry(q->l1.raw, 0), SMALL_L2 * 512 | QCOW2_COPIED);
	assert_int_equal(q->rt.state, QCOW2_TABLE_WHOLE);
	assert_int_equal(q->rt.n, 64);
	assert_int_equal(qcow2_entry(q->rt.raw, 0), SMALL_REFBLOCK * 512);
}

static void table_by_its_state(void **state)
{
	static const struct {
		uint64_t off, n;
		enum qcow2_table_state want;
		size_t read;
	} cases[] = {
		{ SMALL_L1 * 512, 0, QCOW2_TABLE_NONE, 0 },
		{ 0, 0, QCOW2_TABLE_NONE, 0 },
		{ 0, 4, QCOW2_TABLE_ZERO, 0 },
		{ SMALL_L1 * 512 + 8, 4, QCOW2_TABLE_UNALIGNED, 0 },
		{ SMALL_SIZE, 4, QCOW2_TABLE_OUTSIDE, 0 },
		{ UINT64_C(0xfffffffffffffe00), 4, QCOW2_TABLE_OUTSIDE, 0 },
		{ SMALL_SIZE - 512, 64, QCOW2_TABLE_WHOLE, 512 },
		{ SMALL_SIZE - 512, 65, QCOW2_TABLE_CUT, 512 },
		{ SMALL_SIZE - 512, 1 << 22, QCOW2_TABLE_CUT, 512 },
		{ SMALL_L1 * 512, (1 << 22) + 1, QCOW2_TABLE_TOO_LARGE, 32 },
		{ SMALL_L1 * 512, UINT32_MAX, QCOW2_TABLE_TOO_LARGE, 32 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct qcow2 *q;

		small_be(&b->s, 36, 4, cases[i].n);
		small_be(&b->s, 40, 8, cases[i].off);
		q = read_it(b);
		assert_int_equal(q->l1.state, cases[i].want);
		assert_int_equal(q->l1.raw.n, cases[i].read);
		assert_int_equal(q->l1.n, cases[i].n);
	}
}

static void last_entry_that_the_file_cuts_in_two_is_not_read(void **state)
{
	struct bench *b = *state;

	small_resize(&b->s, SMALL_L1 * 512 + 12);
	small_be(&b->s, 60, 4, 0);
	assert_int_equal(read_it(b)->l1.raw.n, 8);
}

static void refcount_table_beyond_all_measure_gives_what_is_needed(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 56, 4, UINT32_MAX);
	q = read_it(b);
	assert_int_equal(q->rt.state, QCOW2_TABLE_TOO_LARGE);
	assert_int_equal(q->rt.n, UINT64_C(0xffffffff) * 64);
	assert_int_equal(q->rt.raw.n, 8);
}

static void largest_tables_stay_within_the_budget(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	/* 32 MiB of L1 and 8 MiB of refcount table are allowed, but not both in memory. */
	small_be(&b->s, 36, 4, QCOW2_L1_MAX / 8);
	small_be(&b->s, 56, 4, QCOW2_RT_MAX / 512);
	q = read_sparse(b, UINT64_C(1) << 40);
	assert_int_equal(q->l1.state, QCOW2_TABLE_WHOLE);
	assert_int_equal(q->l1.raw.n, QCOW2_L1_MAX);
	assert_int_equal(q->rt.state, QCOW2_TABLE_NO_ROOM);
	assert_string_equal(q->limit, "the refcount table");
	assert_true(b->u.arena.used <= ARENA_BUDGET);
}

static void table_that_nobody_read_yet_can_be_read(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q = read_it(b);
	struct qcow2_table t = q->snapshots.v[0].l1;
	struct view v;
	struct err e;

	assert_int_equal(t.raw.n, 0);
	assert_int_equal(qcow2_table_read(q, &t, QCOW2_L1_MAX, &b->arena, &v, &e), 0);
	assert_int_equal(v.n, 32);
	assert_int_equal(qcow2_table_read(q, &t, 20, &b->arena, &v, &e), 0);
	assert_int_equal(v.n, 16);
	t = qcow2_table_at(q, 0, 4, QCOW2_L1_MAX);
	assert_int_equal(qcow2_table_read(q, &t, 20, &b->arena, &v, &e), 0);
	assert_int_equal(v.n, 0);
}

/* ---- snapshots ---- */

static void snapshots_are_read(void **state)
{
	struct bench *b = *state;
	const uint64_t at = SMALL_SNAPSHOTS * 512;
	const struct qcow2_snapshots *list = &read_it(b)->snapshots;
	const struct qcow2_snapshot *s = list->v;

	assert_int_equal(list->state, QCOW2_LIST_WHOLE);
	assert_int_equal(list->n, 2);
	assert_int_equal(list->at.len, 72 + 48);
	field_is(s->l1_offset, SMALL_SNAPSHOT_L1 * 512, at, 8);
	field_is(s->l1_size, 4, at + 8, 4);
	field_is(s->id_length, 3, at + 12, 2);
	field_is(s->name_length, 5, at + 14, 2);
	field_is(s->date_sec, 1700000000, at + 16, 4);
	field_is(s->date_nsec, 0, at + 20, 4);
	field_is(s->clock_nsec, 0, at + 24, 8);
	field_is(s->vm_state_size, 7, at + 32, 4);
	field_is(s->extra_size, 24, at + 36, 4);
	field_is(s->vm_state_large, 5000, at + 40, 8);
	field_is(s->disk_size, 100 << 10, at + 48, 8);
	field_is(s->icount, UINT64_MAX, at + 56, 8);
	str_equals(s->id, "1st");
	str_equals(s->name, "first");
	assert_int_equal(s->name_at.off, at + 67);
	assert_int_equal(s->at.len, 72);
	assert_int_equal(s->l1.state, QCOW2_TABLE_WHOLE);
	assert_int_equal(qcow2_vm_state(s), 5000);
}

static void snapshot_without_extra_data(void **state)
{
	struct bench *b = *state;
	const struct qcow2_snapshot *s = &read_it(b)->snapshots.v[1];

	assert_int_equal(s->at.off, SMALL_SNAPSHOTS * 512 + 72);
	assert_int_equal(s->at.len, 48);
	assert_int_equal(s->vm_state_large.at.len, 0);
	assert_int_equal(s->disk_size.at.len, 0);
	assert_int_equal(s->icount.at.len, 0);
	str_equals(s->id, "2");
	assert_int_equal(s->name.n, 0);
	assert_int_equal(qcow2_vm_state(s), 9);
}

static void snapshot_with_half_a_field_of_extra_data(void **state)
{
	struct bench *b = *state;
	const struct qcow2_snapshot *s;

	small_be(&b->s, SMALL_SNAPSHOTS * 512 + 36, 4, 15);
	small_be(&b->s, 60, 4, 1);
	s = read_it(b)->snapshots.v;
	assert_int_equal(s->vm_state_large.at.len, 8);
	assert_int_equal(s->disk_size.at.len, 0);
}

static void snapshot_table_by_its_state(void **state)
{
	static const struct {
		uint64_t off, n;
		enum qcow2_list_state want;
		size_t read;
	} cases[] = {
		{ SMALL_SNAPSHOTS * 512, 0, QCOW2_LIST_NONE, 0 },
		{ 0, 2, QCOW2_LIST_ZERO, 0 },
		{ SMALL_SNAPSHOTS * 512 + 8, 2, QCOW2_LIST_UNALIGNED, 0 },
		{ SMALL_SIZE, 2, QCOW2_LIST_OUTSIDE, 0 },
		{ SMALL_SNAPSHOTS * 512, 65537, QCOW2_LIST_TOO_MANY, 0 },
		{ SMALL_SNAPSHOTS * 512, UINT32_MAX, QCOW2_LIST_TOO_MANY, 0 },
		/* What follows are zeros, 40 bytes each, up to the end of the file. */
		{ SMALL_SIZE - 512, 12, QCOW2_LIST_WHOLE, 12 },
		{ SMALL_SIZE - 512, 13, QCOW2_LIST_CUT, 12 },
		{ SMALL_SIZE - 512, 65536, QCOW2_LIST_CUT, 12 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct qcow2 *q;

		small_be(&b->s, 60, 4, cases[i].n);
		small_be(&b->s, 64, 8, cases[i].off);
		q = read_it(b);
		assert_int_equal(q->snapshots.state, cases[i].want);
		assert_int_equal(q->snapshots.n, cases[i].read);
	}
}

static void snapshot_longer_than_the_file_is_not_read(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, SMALL_SNAPSHOTS * 512 + 72 + 36, 4, UINT32_MAX);
	q = read_it(b);
	assert_int_equal(q->snapshots.state, QCOW2_LIST_CUT);
	assert_int_equal(q->snapshots.n, 1);
	str_equals(q->snapshots.v[0].id, "1st");
}

static void endless_snapshot_table_ends_at_a_bound(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, 60, 4, 65536);
	small_be(&b->s, SMALL_SNAPSHOTS * 512 + 72 + 36, 4, 32 << 20);
	q = read_sparse(b, UINT64_C(1) << 40);
	assert_int_equal(q->snapshots.state, QCOW2_LIST_NO_ROOM);
	assert_int_equal(q->snapshots.n, 1);
	assert_non_null(q->limit);
	/* All that are allowed, of zeros. */
	small_be(&b->s, 64, 8, 1 << 20);
	q = read_sparse(b, UINT64_C(1) << 40);
	assert_int_equal(q->snapshots.n, 65536);
	assert_true(b->u.arena.used <= ARENA_BUDGET);
}

/* ---- bitmaps ---- */

static void bitmaps_are_read(void **state)
{
	struct bench *b = *state;
	const uint64_t at = SMALL_BITMAPS * 512, ext = SMALL_EXT_BITMAPS + 8;
	const struct qcow2_bitmaps *list = &read_it(b)->bitmaps;

	field_is(list->count, 1, ext, 4);
	field_is(list->reserved, 0, ext + 4, 4);
	field_is(list->directory_size, 32, ext + 8, 8);
	field_is(list->directory_offset, at, ext + 16, 8);
	assert_int_equal(list->state, QCOW2_LIST_WHOLE);
	assert_int_equal(list->n, 1);
	field_is(list->v->table_offset, SMALL_BITMAP_TABLE * 512, at, 8);
	field_is(list->v->table_size, 1, at + 8, 4);
	field_is(list->v->flags, QCOW2_BITMAP_IN_USE | QCOW2_BITMAP_AUTO, at + 12, 4);
	field_is(list->v->type, 1, at + 16, 1);
	field_is(list->v->granularity_bits, 16, at + 17, 1);
	field_is(list->v->name_length, 3, at + 18, 2);
	field_is(list->v->extra_size, 0, at + 20, 4);
	str_equals(list->v->name, "bm0");
	assert_int_equal(list->v->at.len, 32);
	assert_int_equal(list->v->table.state, QCOW2_TABLE_WHOLE);
}

static void bitmap_directory_that_is_too_short(void **state)
{
	struct bench *b = *state;
	const struct qcow2 *q;

	small_be(&b->s, SMALL_EXT_BITMAPS + 16, 8, 26);
	q = read_it(b);
	assert_int_equal(q->bitmaps.state, QCOW2_LIST_CUT);
	assert_int_equal(q->bitmaps.n, 0);
	small_be(&b->s, SMALL_EXT_BITMAPS + 16, 8, UINT64_MAX);
	small_be(&b->s, SMALL_EXT_BITMAPS + 8, 4, 65535);
	q = read_it(b);
	assert_int_equal(q->bitmaps.state, QCOW2_LIST_CUT);
	small_be(&b->s, SMALL_EXT_BITMAPS + 8, 4, 65536);
	assert_int_equal(read_it(b)->bitmaps.state, QCOW2_LIST_TOO_MANY);
	/* An extension of 8 bytes has no directory. */
	small_be(&b->s, SMALL_EXT_BITMAPS + 4, 4, 8);
	small_be(&b->s, SMALL_EXT_BITMAPS + 16, 8, 0);
	q = read_it(b);
	assert_int_equal(q->bitmaps.directory_offset.at.len, 0);
	assert_int_equal(q->bitmaps.state, QCOW2_LIST_ZERO);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(tables_are_read),
		TEST(table_by_its_state),
		TEST(last_entry_that_the_file_cuts_in_two_is_not_read),
		TEST(refcount_table_beyond_all_measure_gives_what_is_needed),
		TEST(largest_tables_stay_within_the_budget),
		TEST(table_that_nobody_read_yet_can_be_read),
		TEST(snapshots_are_read),
		TEST(snapshot_without_extra_data),
		TEST(snapshot_with_half_a_field_of_extra_data),
		TEST(snapshot_table_by_its_state),
		TEST(snapshot_longer_than_the_file_is_not_read),
		TEST(endless_snapshot_table_ends_at_a_bound),
		TEST(bitmaps_are_read),
		TEST(bitmap_directory_that_is_too_short),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
