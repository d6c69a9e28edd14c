/* What a repair of a QCOW2 must not take away, and what it may bring to light:
 * rewrite/trial_qcow2.h. Each image is held against the same with something else in it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/bench_qcow2.h"

#include "rewrite/trial_qcow2.h"

#include "base/banned.h"

/* The plan is what a repair writes: in one stage, since nothing here is about that. */
static void write_at(struct bench *b, uint64_t off, size_t width, uint64_t v)
{
	uint8_t raw[8];

	for (size_t i = 0; i < width; i++)
		raw[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
	assert_true(plan_bytes(&b->plan, STAGE_TABLES, off, (struct view){ raw, width }));
}

static void write_entry(struct bench *b, uint64_t table, uint64_t i, uint64_t v)
{
	write_at(b, at(table) + i * 8, 8, v);
}

static void write_refcount(struct bench *b, uint64_t cluster, uint64_t v)
{
	write_at(b, at(BLOCK) + cluster * 2, 2, v);
}

static void begin(struct bench *b)
{
	bench_build(b, 4);
	bench_open(b);
}

static void assert_kept(struct bench *b, enum fix_class reach)
{
	const char *why;

	bench_reread(b);
	why = qcow2_keeps(b->q, b->is, reach, &b->arena);
	if (why)
		fail_msg("%s", why);
	bench_free(b);
}

static void assert_lost(struct bench *b, enum fix_class reach, const char *what)
{
	const char *why;

	bench_reread(b);
	why = qcow2_keeps(b->q, b->is, reach, &b->arena);
	if (!why || !strstr(why, what))
		fail_msg("it says: %s", why ? why : "nothing");
	bench_free(b);
}

/* ---- what is not taken away ---- */

static void what_changes_nothing_is_kept(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	assert_kept(&b, FIX_SAFE);
}

static void an_image_that_is_none_any_more_is_lost(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	assert_string_equal(qcow2_keeps(b.q, NULL, FIX_LOSSY, &b.arena),
			    "the image would no longer be understood");
	bench_free(&b);
}

static void tables_are_not_read_in_another_way(void **state)
{
	static const struct {
		uint64_t off, v;
		size_t width;
	} header[] = {
		{ 4, 2, 4 }, { 4, 9, 4 }, { 20, 12, 4 }, { 72, 16, 8 }, { 96, 5, 4 }
	};
	struct bench b;

	(void)state;
	for (size_t i = 0; i < sizeof(header) / sizeof(*header); i++) {
		begin(&b);
		write_at(&b, header[i].off, header[i].width, header[i].v);
		assert_lost(&b, FIX_LOSSY, "would be read in another way");
	}
}

static void data_stays_in_this_file(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, 72, 8, 4);
	assert_lost(&b, FIX_LOSSY, "looked for in another file");
}

static void a_disk_is_longer_only_by_an_unsafe_fix_and_never_shorter(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, 24, 8, (GUEST + 1) * CS);
	assert_lost(&b, FIX_SAFE, "another size");
	begin(&b);
	write_at(&b, 24, 8, (GUEST + 1) * CS);
	assert_kept(&b, FIX_UNSAFE);
	begin(&b);
	write_at(&b, 24, 8, (GUEST - 1) * CS);
	assert_lost(&b, FIX_LOSSY, "another size");
}

static void tables_that_are_read_stay_so(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, 40, 8, at(1000));
	assert_lost(&b, FIX_LOSSY, "its L1 table could no longer be read");
	begin(&b);
	write_at(&b, 36, 4, 3);
	assert_lost(&b, FIX_LOSSY, "its L1 table could no longer be read");
	begin(&b);
	write_at(&b, 48, 8, at(1000));
	assert_lost(&b, FIX_LOSSY, "its refcount table could no longer be read");
}

static void snapshots_are_given_up_by_lossy_fixes_only(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, 60, 4, 0);
	assert_lost(&b, FIX_UNSAFE, "a snapshot could no longer be read");
	begin(&b);
	write_at(&b, 60, 4, 0);
	assert_kept(&b, FIX_LOSSY);
}

static void bitmaps_are_given_up_by_unsafe_fixes_only(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, EXT_BITMAPS_AT, 8, 0);
	assert_lost(&b, FIX_SAFE, "a bitmap could no longer be read");
	begin(&b);
	write_at(&b, EXT_BITMAPS_AT, 8, 0);
	assert_kept(&b, FIX_UNSAFE);
}

static void no_other_file_becomes_the_backing_file(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	put(&b, 8, 8, 400);
	put(&b, 16, 4, 4);
	memcpy(b.p + 400, "base", 4);
	bench_open(&b);
	write_at(&b, 402, 1, 'd');
	assert_lost(&b, FIX_LOSSY, "another file would be its backing file");
}

static void data_is_given_up_by_lossy_fixes_only(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_entry(&b, L2, 1, 0);
	assert_lost(&b, FIX_UNSAFE,
		    "1 clusters of the guest's disk would lose their data");
	begin(&b);
	write_entry(&b, L2, 1, 0);
	assert_kept(&b, FIX_LOSSY);
}

static void zeros_stay_zeros(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	entry(&b, L2, 20, 1);
	bench_open(&b);
	write_entry(&b, L2, 20, 0);
	assert_lost(&b, FIX_UNSAFE, "would no longer be zeros");
}

static void no_new_fault_comes_of_it(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_refcount(&b, BOTH, 0);
	assert_lost(&b, FIX_LOSSY, "1 refcount-zero would be new");
	begin(&b);
	write_entry(&b, L2, 1, at(DATA) | COPIED);
	assert_lost(&b, FIX_LOSSY, "would be new");
	begin(&b);
	write_entry(&b, L2, 10, at(BOTH) | COPIED);
	assert_lost(&b, FIX_LOSSY, "1 l2-copied-wrong would be new");
}

static void what_only_costs_room_may_come_of_it(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_refcount(&b, FREE, 1);
	write_refcount(&b, DATA, 2);
	write_entry(&b, L2, 0, at(DATA));
	assert_kept(&b, FIX_SAFE);
}

static void a_fault_that_could_not_be_seen_is_not_new(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, DATA_1, 0);
	entry(&b, RT, 0, at(1000));
	bench_open(&b);
	write_entry(&b, RT, 0, at(BLOCK));
	assert_kept(&b, FIX_SAFE);
}

/* ---- what comes to light ---- */

static const struct finding *finding_of(struct bench *b, const char *id)
{
	struct finding *f = arena_new(&b->arena, struct finding);

	f->rule = rule_find(id);
	assert_non_null(f->rule);
	return f;
}

static bool laid_open(struct bench *b, const char *id)
{
	bench_reread(b);
	return qcow2_is_laid_open(b->q, b->is, finding_of(b, id));
}

static void orphans_that_were_there_are_laid_open(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, FREE, 1);
	fill(&b, FREE, 'x');
	entry(&b, RT, 0, at(1000));
	bench_open(&b);
	write_entry(&b, RT, 0, at(BLOCK));
	assert_true(laid_open(&b, "qcow2-orphan-data"));
	assert_true(laid_open(&b, "qcow2-orphan-table"));
	assert_false(laid_open(&b, "qcow2-refcount-low"));
	assert_true(qcow2_is_hidden(b.q, finding_of(&b, "qcow2-orphan-data")));
	assert_false(qcow2_is_hidden(b.is, finding_of(&b, "qcow2-orphan-data")));
	bench_free(&b);
}

static void data_that_lost_its_reference_is_not(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_entry(&b, L2, 1, 0);
	assert_false(laid_open(&b, "qcow2-orphan-data"));
	bench_free(&b);
}

static void an_old_refcount_table_is_laid_open(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	memcpy(b.p + at(FREE), b.p + at(RT), CS);
	bench_open(&b);
	write_at(&b, 48, 8, at(FREE));
	write_refcount(&b, FREE, 1);
	assert_true(laid_open(&b, "qcow2-orphan-data"));
	bench_free(&b);
}

static void bitmaps_that_were_dropped_are_laid_open(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, EXT_BITMAPS_AT, 8, 0);
	write_at(&b, 88, 8, 0);
	assert_true(laid_open(&b, "qcow2-orphan-data"));
	/* With them, and nothing else. */
	write_entry(&b, L2, 1, 0);
	assert_false(laid_open(&b, "qcow2-orphan-data"));
	bench_free(&b);
}

static void bitmaps_that_only_lost_their_flag_are_not(void **state)
{
	struct bench b;

	(void)state;
	begin(&b);
	write_at(&b, 88, 8, 0);
	assert_false(laid_open(&b, "qcow2-orphan-data"));
	bench_free(&b);
}

static void a_refcount_too_high_is_laid_open_where_it_was_hidden(void **state)
{
	struct bench b;

	(void)state;
	bench_build(&b, 4);
	refcount(&b, DATA, 2);
	entry(&b, RT, 0, at(1000));
	bench_open(&b);
	write_entry(&b, RT, 0, at(BLOCK));
	assert_true(laid_open(&b, "qcow2-refcount-high"));
	write_entry(&b, L2, 10, 0);
	assert_false(laid_open(&b, "qcow2-refcount-high"));
	bench_free(&b);
	begin(&b);
	write_refcount(&b, DATA, 2);
	assert_false(laid_open(&b, "qcow2-refcount-high"));
	bench_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changes_nothing_is_kept),
		cmocka_unit_test(an_image_that_is_none_any_more_is_lost),
		cmocka_unit_test(tables_are_not_read_in_another_way),
		cmocka_unit_test(data_stays_in_this_file),
		cmocka_unit_test(
			a_disk_is_longer_only_by_an_unsafe_fix_and_never_shorter),
		cmocka_unit_test(tables_that_are_read_stay_so),
		cmocka_unit_test(snapshots_are_given_up_by_lossy_fixes_only),
		cmocka_unit_test(bitmaps_are_given_up_by_unsafe_fixes_only),
		cmocka_unit_test(no_other_file_becomes_the_backing_file),
		cmocka_unit_test(data_is_given_up_by_lossy_fixes_only),
		cmocka_unit_test(zeros_stay_zeros),
		cmocka_unit_test(no_new_fault_comes_of_it),
		cmocka_unit_test(what_only_costs_room_may_come_of_it),
		cmocka_unit_test(a_fault_that_could_not_be_seen_is_not_new),
		cmocka_unit_test(orphans_that_were_there_are_laid_open),
		cmocka_unit_test(data_that_lost_its_reference_is_not),
		cmocka_unit_test(an_old_refcount_table_is_laid_open),
		cmocka_unit_test(bitmaps_that_were_dropped_are_laid_open),
		cmocka_unit_test(bitmaps_that_only_lost_their_flag_are_not),
		cmocka_unit_test(a_refcount_too_high_is_laid_open_where_it_was_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
