/* What the scan of a QCOW2 image counts: who refers to a cluster, refcounts of every width,
 * and what nobody refers to. analyze/image/qcow2_scan.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/bench_scan.h"

#include "base/banned.h"

/* ---- who refers to it ---- */

static void owners_are_named_in_the_order_of_the_file(void **state)
{
	struct bench *b = *state;
	const struct qcow2_flaw *f;

	small_be(&b->s, L2_E(30), 8, TO(SNAP_L1) | COPIED);
	f = only(scan(b), QCOW2_FLAW_DATA_METADATA);
	assert_int_equal(f->nowners, 2);
	assert_int_equal(f->owner[0].use, QCOW2_USE_DATA);
	assert_int_equal(f->owner[0].guest, 30 * W1);
	assert_int_equal(f->owner[0].snapshot, QCOW2_ACTIVE);
	assert_int_equal(f->owner[0].entry, TO(SNAP_L1) | COPIED);
	assert_int_equal(f->owner[1].use, QCOW2_USE_SNAPSHOT_L1);
	assert_int_equal(f->owner[1].at.off, SNAPSHOTS * W1);
}

static void a_run_is_one_flaw(void **state)
{
	struct bench *b = *state;
	const struct qcow2_flaw *f;

	for (uint64_t i = 0; i < 8; i++)
		small_be(&b->s, L2_E(30 + i), 8, TO(OUTSIDE + i) | COPIED);
	f = only(scan(b), QCOW2_FLAW_L2_PAST_EOF);
	assert_int_equal(f->n, 8);
	assert_int_equal(f->at.off, L2_E(30));
}

/* ---- weights ---- */

static void an_l2_table_of_two_l1_tables_counts_twice(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s;

	/* As after a snapshot: it has the active table, nothing is COPIED. */
	small_be(&b->s, L1_E(0), 8, TO(L2));
	small_be(&b->s, SNAP_L1 * W1, 8, TO(L2));
	small_be(&b->s, L2_E(0), 8, TO(DATA));
	small_be(&b->s, L2_E(1), 8, TO(DATA_1));
	for (uint64_t c = L2; c <= DATA_1; c++)
		put_refcount(b, c, 2);
	put_refcount(b, SNAP_L2, 0);
	put_refcount(b, PACKED, 4);
	s = scan(b);
	assert_int_equal(kinds_of(s), 0);
	assert_int_equal(qcow2_refs_count(&s->refs, L2), 2);
	assert_int_equal(qcow2_refs_count(&s->refs, DATA_1), 2);
	assert_int_equal(qcow2_refs_count(&s->refs, PACKED), 4);
}

/* ---- refcounts of every width ---- */

static void refcounts_of_every_width_are_read(void **state)
{
	struct bench *b = *state;

	for (unsigned order = 1; order <= 6; order++) {
		const struct qcow2_flaw *f;

		build(b, 10, order, false);
		assert_int_equal(kinds_of(scan(b)), 0);
		put_refcount(b, DATA_1, 3);
		put_refcount(b, FREE + 1, 2);
		assert_int_equal(kinds_of(scan(b)),
				 BIT(REFCOUNT_HIGH) | BIT(LEAK) | BIT(L2_COPIED_WRONG));
		f = only(b->u.qcow2->scan, QCOW2_FLAW_REFCOUNT_HIGH);
		assert_int_equal(f->cluster, DATA_1);
		assert_int_equal(f->stored, 3);
		assert_int_equal(f->at.off,
				 at(b, BLOCK) + ((uint64_t)DATA_1 << order) / 8);
		f = only(b->u.qcow2->scan, QCOW2_FLAW_LEAK);
		assert_int_equal(f->cluster, FREE + 1);
		assert_int_equal(f->stored, 2);
	}
}

static void one_bit_cannot_say_two(void **state)
{
	struct bench *b = *state;
	const struct qcow2_flaw *f;

	build(b, 10, 0, false);
	assert_int_equal(kinds_of(scan(b)), BIT(REFCOUNT_LOW) | BIT(L2_COPIED_MISSING));
	f = only(b->u.qcow2->scan, QCOW2_FLAW_REFCOUNT_LOW);
	assert_int_equal(f->cluster, BOTH);
	assert_int_equal(f->n, 2); /* PACKED is next to it */
}

/* ---- what nobody refers to ---- */

static struct qcow2_orphan orphan_at(const struct qcow2_scan *s, uint64_t cluster)
{
	for (size_t i = 0; i < s->norphans; i++) {
		if (s->orphan[i].cluster == cluster)
			return s->orphan[i];
	}
	fail_msg("no orphan at cluster %llu", (unsigned long long)cluster);
	return (struct qcow2_orphan){ 0 };
}

static void a_lost_table_is_known_by_what_it_points_at(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s;
	struct qcow2_orphan x;

	memset(b->s.p + at(b, DATA), 'x', W1);
	small_be(&b->s, L1_E(0), 8, 0);
	s = scan(b);
	x = orphan_at(s, L2);
	assert_int_equal(x.kind, QCOW2_ORPHAN_L2);
	assert_int_equal(x.points.used, 5);
	assert_int_equal(x.points.taken, 1); /* BOTH: the snapshot has it */
	assert_int_equal(x.points.leaked, 4);
	assert_int_equal(x.points.flagged, 5);
	assert_int_equal(x.points.last, 21);
	assert_int_equal(orphan_at(s, DATA).kind, QCOW2_ORPHAN_DATA);
	assert_int_equal(orphan_at(s, DATA_1).kind, QCOW2_ORPHAN_BLANK);
	assert_int_equal(s->nempty, 1);
	assert_int_equal(s->empty[0].first, 0);
	assert_int_equal(s->empty[0].n, 2);
}

static void lost_snapshots_are_known(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s;

	small_be(&b->s, 60, 4, 0);
	small_be(&b->s, 64, 8, 0);
	s = scan(b);
	assert_int_equal(orphan_at(s, SNAPSHOTS).kind, QCOW2_ORPHAN_SNAPSHOT_TABLE);
	assert_int_equal(orphan_at(s, SNAP_L1).kind, QCOW2_ORPHAN_L1);
	assert_int_equal(orphan_at(s, SNAP_L2).kind, QCOW2_ORPHAN_L2);
	assert_int_equal(s->orphans[QCOW2_ORPHAN_UNSEEN], 0);
}

static void stale_bitmaps_are_known(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s;

	small_be(&b->s, 88, 8, 0);
	s = scan(b);
	assert_int_equal(kinds_of(s), BIT(LEAK));
	assert_int_equal(s->orphans[QCOW2_ORPHAN_STALE_BITMAP], 3);
}

static void slots_without_a_table_are_listed_when_one_is_lost(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s;

	assert_int_equal(scan(b)->nempty, 0);
	put_refcount(b, FREE, 1);
	s = scan(b);
	assert_int_equal(s->nempty, 1);
	assert_int_equal(s->empty[0].first, 1);
	assert_int_equal(s->empty[0].n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(owners_are_named_in_the_order_of_the_file),
		T(a_run_is_one_flaw),
		T(an_l2_table_of_two_l1_tables_counts_twice),
		T(refcounts_of_every_width_are_read),
		T(one_bit_cannot_say_two),
		T(a_lost_table_is_known_by_what_it_points_at),
		T(lost_snapshots_are_known),
		T(stale_bitmaps_are_known),
		T(slots_without_a_table_are_listed_when_one_is_lost),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
