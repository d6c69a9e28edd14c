/* What the scan of a QCOW2 image finds, analyze/image/qcow2_scan.h: each kind of flaw in an
 * image that is right but for it, what nobody refers to, and refcounts of every width.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/bench_scan.h"

#include "base/banned.h"

/* ---- each kind ---- */

/* What is written into the image, and what is found then: kind first, which is about `at`
 * and `cluster`, and all that follows from it. */
static const struct one {
	enum qcow2_flaw_kind kind;
	uint64_t also;
	uint64_t at, cluster, stored, counted;
	struct {
		size_t off, width;
		uint64_t v;
	} put[4];
	size_t size; /* of the file; 0: as it is */
} ones[] = {
#define F(k) .kind = QCOW2_FLAW_##k
	{ F(L1_RESERVED), 0, L1_E(0), L2, 0, 0, { { L1_E(0), 8, TO(L2) | COPIED | 1 } } },
	{ F(L1_UNALIGNED),
	  0,
	  L1_E(1),
	  FREE,
	  0,
	  0,
	  { { L1_E(1), 8, TO(FREE) | 512 | COPIED } } },
	{ F(L1_PAST_EOF), 0, L1_E(1), OUTSIDE, 0, 0, { { L1_E(1), 8, TO(OUTSIDE) } } },
	{ F(L1_COPIED_WRONG),
	  BIT(REFCOUNT_HIGH),
	  L1_E(0),
	  L2,
	  2,
	  1,
	  { { REFCOUNT(L2), 2, 2 } } },
	{ F(L1_COPIED_MISSING), 0, L1_E(0), L2, 1, 1, { { L1_E(0), 8, TO(L2) } } },
	{ F(L2_RESERVED),
	  0,
	  L2_E(0),
	  DATA,
	  0,
	  0,
	  { { L2_E(0), 8, TO(DATA) | COPIED | 2 } } },
	{ F(L2_UNALIGNED), 0, L2_E(30), FREE, 0, 0, { { L2_E(30), 8, TO(FREE) | 512 } } },
	{ F(L2_ZERO_UNALIGNED),
	  0,
	  L2_E(30),
	  FREE,
	  0,
	  0,
	  { { L2_E(30), 8, TO(FREE) | 513 } } },
	{ F(L2_PAST_EOF), 0, L2_E(30), OUTSIDE, 0, 0, { { L2_E(30), 8, TO(OUTSIDE) } } },
	{ F(L2_COPIED_WRONG),
	  0,
	  L2_E(10),
	  BOTH,
	  2,
	  2,
	  { { L2_E(10), 8, TO(BOTH) | COPIED } } },
	{ F(L2_COPIED_MISSING), 0, L2_E(0), DATA, 1, 1, { { L2_E(0), 8, TO(DATA) } } },
	{ F(L2_ZERO_V2),
	  BIT(LEAK),
	  L2_E(0),
	  DATA,
	  0,
	  0,
	  { { 4, 4, 2 }, { L2_E(0), 8, TO(DATA) | COPIED | 1 } } },
	{ F(L2_BEHIND_DISK),
	  0,
	  FREE *W1 + 800,
	  FREE + 1,
	  0,
	  0,
	  { { L1_E(1), 8, TO(FREE) | COPIED },
	    { FREE * W1 + 800, 8, TO(FREE + 1) | COPIED },
	    { REFCOUNT(FREE), 2, 1 },
	    { REFCOUNT(FREE + 1), 2, 1 } } },
	{ F(COMPRESSED_COPIED),
	  0,
	  L2_E(20),
	  PACKED,
	  0,
	  0,
	  { { L2_E(20), 8, TO(PACKED) | COMPRESSED | COPIED } } },
	{ F(COMPRESSED_PAST_EOF),
	  0,
	  L2_E(30),
	  OUTSIDE,
	  0,
	  0,
	  { { L2_E(30), 8, TO(OUTSIDE) | COMPRESSED } } },
	{ F(COMPRESSED_CUT),
	  0,
	  L2_E(30),
	  CLUSTERS - 1,
	  0,
	  0,
	  { { L2_E(30), 8, TO(CLUSTERS - 1) | COMPRESSED | UINT64_C(1) << 60 },
	    { REFCOUNT(CLUSTERS - 1), 2, 1 } },
	  CLUSTERS *W1 - 512 },
	{ F(TABLE_PAST_EOF),
	  BIT(LEAK) | BIT(REFCOUNT_HIGH),
	  SNAPSHOTS *W1,
	  OUTSIDE,
	  0,
	  0,
	  { { SNAPSHOTS * W1, 8, TO(OUTSIDE) } } },
	{ F(TABLE_UNALIGNED),
	  BIT(LEAK) | BIT(REFCOUNT_HIGH),
	  SNAPSHOTS *W1,
	  SNAP_L1,
	  0,
	  0,
	  { { SNAPSHOTS * W1, 8, TO(SNAP_L1) | 512 } } },
	{ F(TABLE_TOO_LARGE),
	  BIT(LEAK) | BIT(REFCOUNT_HIGH),
	  SNAPSHOTS *W1,
	  SNAP_L1,
	  0,
	  0,
	  { { SNAPSHOTS * W1 + 8, 4, 5 << 20 } } },
	{ F(BME_RESERVED),
	  BIT(LEAK),
	  BITMAP_TABLE *W1,
	  BITMAP_BITS,
	  0,
	  0,
	  { { BITMAP_TABLE * W1, 8, TO(BITMAP_BITS) | 2 } } },
	{ F(BME_UNALIGNED),
	  BIT(LEAK),
	  BITMAP_TABLE *W1,
	  BITMAP_BITS,
	  0,
	  0,
	  { { BITMAP_TABLE * W1, 8, TO(BITMAP_BITS) | 512 } } },
	{ F(BME_PAST_EOF),
	  BIT(LEAK),
	  BITMAP_TABLE *W1,
	  OUTSIDE,
	  0,
	  0,
	  { { BITMAP_TABLE * W1, 8, TO(OUTSIDE) } } },
	{ F(RT_RESERVED), 0, RT *W1, BLOCK, 0, 0, { { RT * W1, 8, TO(BLOCK) | 1 } } },
	{ F(RT_UNALIGNED), 0, RT *W1, BLOCK, 0, 0, { { RT * W1, 8, TO(BLOCK) | 512 } } },
	{ F(RT_PAST_EOF),
	  0,
	  RT *W1 + 8,
	  OUTSIDE,
	  0,
	  0,
	  { { RT * W1 + 8, 8, TO(OUTSIDE) } } },
	{ F(REFCOUNT_ZERO),
	  BIT(L2_COPIED_WRONG),
	  REFCOUNT(DATA),
	  DATA,
	  0,
	  1,
	  { { REFCOUNT(DATA), 2, 0 } } },
	{ F(REFCOUNT_LOW),
	  BIT(L2_COPIED_MISSING),
	  REFCOUNT(BOTH),
	  BOTH,
	  1,
	  2,
	  { { REFCOUNT(BOTH), 2, 1 } } },
	{ F(REFCOUNT_HIGH), 0, REFCOUNT(BOTH), BOTH, 3, 2, { { REFCOUNT(BOTH), 2, 3 } } },
	{ F(LEAK), 0, REFCOUNT(FREE), FREE, 1, 0, { { REFCOUNT(FREE), 2, 1 } } },
	{ F(REFCOUNT_PAST_EOF),
	  0,
	  REFCOUNT(OUTSIDE),
	  OUTSIDE,
	  7,
	  0,
	  { { REFCOUNT(OUTSIDE), 2, 7 } } },
	{ F(DATA_DATA),
	  BIT(REFCOUNT_LOW),
	  L2_E(0),
	  DATA,
	  1,
	  2,
	  { { L2_E(30), 8, TO(DATA) | COPIED } } },
	{ F(DATA_METADATA),
	  BIT(REFCOUNT_LOW),
	  40,
	  L1,
	  1,
	  2,
	  { { L2_E(30), 8, TO(L1) | COPIED } } },
	{ F(L2_SHARED),
	  BIT(REFCOUNT_LOW),
	  L1_E(0),
	  L2,
	  1,
	  2,
	  { { L1_E(1), 8, TO(L2) | COPIED } } },
	{ F(METADATA_METADATA),
	  BIT(REFCOUNT_LOW) | BIT(LEAK),
	  40,
	  L1,
	  1,
	  2,
	  { { SNAPSHOTS * W1, 8, TO(L1) } } },
#undef F
};

static void nothing_is_wrong_with_what_is_right(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s = scan(b);

	assert_int_equal(kinds_of(s), 0);
	assert_true(s->complete);
	assert_true(s->whole);
	assert_null(s->limit);
	assert_int_equal(s->end, PACKED + 1);
	assert_int_equal(s->nnormal, 3);
	assert_int_equal(s->ncompressed, 2);
	assert_int_equal(s->norphans, 0);
	assert_int_equal(qcow2_refs_count(&s->refs, BOTH), 2);
	assert_int_equal(qcow2_refs_count(&s->refs, PACKED), 2);
	assert_int_equal(qcow2_refs_count(&s->refs, FREE), 0);
}

static void each_flaw_is_found_where_it_is(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++) {
		const struct one *x = &ones[i];
		const struct qcow2_scan *s;
		const struct qcow2_flaw *f;

		build(b, 10, 4, false);
		for (size_t k = 0; k < 4 && x->put[k].width; k++)
			small_be(&b->s, x->put[k].off, x->put[k].width, x->put[k].v);
		if (x->size)
			small_resize(&b->s, x->size);
		s = scan(b);
		if (kinds_of(s) != (x->also | UINT64_C(1) << x->kind)) {
			for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
				if (s->flaws[k].total)
					print_message("%s\n", qcow2_flaw_word(k));
			}
			fail_msg("when it should be: %s", qcow2_flaw_word(x->kind));
		}
		f = only(s, x->kind);
		if (f->at.off != x->at || f->cluster != x->cluster ||
		    f->stored != x->stored || f->counted != x->counted)
			fail_msg("%s: at %llu cluster %llu stored %llu counted %llu",
				 qcow2_flaw_word(x->kind), (unsigned long long)f->at.off,
				 (unsigned long long)f->cluster,
				 (unsigned long long)f->stored,
				 (unsigned long long)f->counted);
		assert_int_equal(s->flaws[x->kind].total, f->n);
	}
}

static void subclusters_that_contradict_each_other(void **state)
{
	static const struct {
		enum qcow2_flaw_kind kind;
		uint64_t entry, bitmap;
	} cases[] = {
		{ QCOW2_FLAW_BITMAP_BOTH, (uint64_t)DATA << 14 | COPIED,
		  UINT64_C(1) << 35 | 1 << 3 },
		{ QCOW2_FLAW_BITMAP_BIT0, (uint64_t)DATA << 14 | COPIED | 1, 1 },
		{ QCOW2_FLAW_COMPRESSED_BITMAP, COMPRESSED | (uint64_t)DATA << 14, 1 },
		{ QCOW2_FLAW_BITMAP_NOWHERE, 0, 1 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t leak = cases[i].entry ? 0 : BIT(LEAK);

		build(b, 14, 4, true);
		assert_int_equal(kinds_of(scan(b)), 0);
		small_be(&b->s, l2_entry(b, L2, 0), 8, cases[i].entry);
		small_be(&b->s, l2_entry(b, L2, 0) + 8, 8, cases[i].bitmap);
		assert_int_equal(kinds_of(scan(b)), UINT64_C(1) << cases[i].kind | leak);
		assert_int_equal(only(b->u.qcow2->scan, cases[i].kind)->at.off,
				 l2_entry(b, L2, 0));
	}
}

static void a_data_file_has_the_guests_offsets_and_no_snapshots(void **state)
{
	struct bench *b = *state;
	const struct qcow2_scan *s;

	small_be(&b->s, 72, 8, QCOW2_INCOMPAT_DATA_FILE);
	s = scan(b);
	assert_int_equal(kinds_of(s), BIT(SNAPSHOTS_DATA_FILE) | BIT(DATA_FILE_OFFSET) |
					      BIT(COMPRESSED_DATA_FILE) | BIT(LEAK) |
					      BIT(L2_COPIED_MISSING));
	assert_int_equal(s->flaws[QCOW2_FLAW_COMPRESSED_DATA_FILE].total, 2);
	/* Nothing of it is in this file. */
	assert_int_equal(qcow2_refs_count(&s->refs, DATA), 0);
}

/* ---- compressed data ---- */

struct deep_seen {
	unsigned asked;
	uint64_t total;
	bool stop;
};

static bool see_deep(void *ctx, const char *path, uint64_t done, uint64_t total)
{
	struct deep_seen *d = ctx;

	(void)path;
	(void)done;
	d->asked++;
	d->total = total;
	return !d->stop;
}

static void scan_deep(struct bench *b, struct deep_seen *seen)
{
	const struct deep_watch watch = { .go_on = see_deep, .ctx = seen };
	const struct host host = { .deep = &watch };

	unit_close(&b->u);
	unit_read(&b->u, small_source(&b->s), NULL, &host);
}

static void only_who_asks_for_it_has_compressed_data_inflated(void **state)
{
	struct bench *b = *state;
	struct deep_seen seen = { 0 };
	const struct qcow2_flaw *f;

	assert_int_equal(kinds_of(scan(b)), 0);
	scan_deep(b, &seen);
	assert_int_equal(b->u.state, UNIT_READ);
	assert_int_equal(kinds_of(b->u.qcow2->scan), BIT(COMPRESSED_BAD));
	f = &b->u.qcow2->scan->flaws[QCOW2_FLAW_COMPRESSED_BAD].v[0];
	assert_int_equal(f->at.off, l2_entry(b, L2, 20));
	assert_int_equal(b->u.qcow2->scan->flaws[QCOW2_FLAW_COMPRESSED_BAD].total, 2);
	assert_true(seen.asked > 0);
	assert_int_equal(seen.total, 2 * b->u.qcow2->cluster_size);
}

static void who_stops_it_gets_no_half_of_a_judgement(void **state)
{
	struct bench *b = *state;
	struct deep_seen seen = { .stop = true };

	scan_deep(b, &seen);
	assert_int_equal(b->u.state, UNIT_FAILED);
	assert_int_equal(b->u.why.code, ERR_STOPPED);
	assert_int_equal(seen.asked, 1);
}

static void every_kind_is_tested(void **state)
{
	uint64_t kinds = BIT(BITMAP_BOTH) | BIT(BITMAP_BIT0) | BIT(COMPRESSED_BITMAP) |
			 BIT(BITMAP_NOWHERE) | BIT(SNAPSHOTS_DATA_FILE) |
			 BIT(DATA_FILE_OFFSET) | BIT(COMPRESSED_DATA_FILE) |
			 BIT(COMPRESSED_BAD);

	(void)state;
	for (size_t i = 0; i < sizeof(ones) / sizeof(ones[0]); i++)
		kinds |= UINT64_C(1) << ones[i].kind;
	assert_int_equal(kinds, (UINT64_C(1) << QCOW2_FLAW_KINDS) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(nothing_is_wrong_with_what_is_right),
		T(each_flaw_is_found_where_it_is),
		T(subclusters_that_contradict_each_other),
		T(a_data_file_has_the_guests_offsets_and_no_snapshots),
		T(only_who_asks_for_it_has_compressed_data_inflated),
		T(who_stops_it_gets_no_half_of_a_judgement),
		T(every_kind_is_tested),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
