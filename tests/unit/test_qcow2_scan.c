/* What the scan of a QCOW2 image finds, analyze/image/qcow2_scan.h: each kind of flaw in an
 * image that is right but for it, what nobody refers to, and refcounts of every width.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"
#include "tests/lib/small_qcow2.h"

#include "base/banned.h"

static const struct host no_host;

/* Clusters, by what is in them; those from FREE on are zeros, and nobody's. */
enum {
	RT = 1,
	BLOCK,
	L1,
	L2,
	DATA,   /* guest cluster 0 */
	DATA_1, /* guest cluster 1 */
	SNAPSHOTS,
	SNAP_L1,
	SNAP_L2,
	BITMAPS,
	BITMAP_TABLE,
	BITMAP_BITS,
	BOTH,   /* guest cluster 10, of the disk and of the snapshot */
	PACKED, /* two streams: guest clusters 20 and 21 */
	FREE = 20,
	CLUSTERS = 40,
	OUTSIDE = 100,
	GUEST = 200, /* clusters of the disk; an L2 table has 128 */
};

#define COPIED     (UINT64_C(1) << 63)
#define COMPRESSED (UINT64_C(1) << 62)

struct bench {
	struct small_qcow2 s;
	struct unit u;
	unsigned bits, order, stride;
};

static uint64_t at(const struct bench *b, uint64_t cluster)
{
	return cluster << b->bits;
}

static size_t l2_entry(const struct bench *b, uint64_t table, uint64_t i)
{
	return (size_t)(at(b, table) + i * b->stride);
}

static void put_refcount(struct bench *b, uint64_t cluster, uint64_t v)
{
	size_t bits = (size_t)1 << b->order, off = (size_t)(cluster * bits / 8);
	unsigned shift = (unsigned)(cluster * bits % 8), ones = (1u << bits % 8) - 1;
	uint8_t *p = b->s.p + at(b, BLOCK) + off;

	if (bits >= 8)
		small_be(&b->s, at(b, BLOCK) + off, bits / 8, v);
	else
		*p = (uint8_t)((*p & ~(ones << shift)) | (v & ones) << shift);
}

static void build_header(struct bench *b)
{
	small_text(&b->s, 0, "QFI\xfb");
	small_be(&b->s, 4, 4, 3);
	small_be(&b->s, 20, 4, b->bits);
	small_be(&b->s, 24, 8, at(b, GUEST));
	small_be(&b->s, 36, 4, 2);
	small_be(&b->s, 40, 8, at(b, L1));
	small_be(&b->s, 48, 8, at(b, RT));
	small_be(&b->s, 56, 4, 1);
	small_be(&b->s, 60, 4, 1);
	small_be(&b->s, 64, 8, at(b, SNAPSHOTS));
	small_be(&b->s, 72, 8, b->stride == 16 ? QCOW2_INCOMPAT_EXTL2 : 0);
	small_be(&b->s, 88, 8, QCOW2_AUTOCLEAR_BITMAPS);
	small_be(&b->s, 96, 4, b->order);
	small_be(&b->s, 100, 4, 112);
	small_be(&b->s, 112, 8, UINT64_C(0x2385287500000018));
	small_be(&b->s, 120, 4, 1);
	small_be(&b->s, 128, 8, 32);
	small_be(&b->s, 136, 8, at(b, BITMAPS));
}

static void build_lists(struct bench *b)
{
	size_t s = at(b, SNAPSHOTS), m = at(b, BITMAPS);

	small_be(&b->s, s, 8, at(b, SNAP_L1));
	small_be(&b->s, s + 8, 4, 2);
	small_be(&b->s, s + 12, 2, 1);
	small_be(&b->s, s + 14, 2, 1);
	small_be(&b->s, s + 36, 4, 16);
	small_be(&b->s, s + 48, 8, at(b, GUEST));
	small_text(&b->s, s + 56, "1s");
	small_be(&b->s, m, 8, at(b, BITMAP_TABLE));
	small_be(&b->s, m + 8, 4, 1);
	small_be(&b->s, m + 16, 2, 0x0110);
	small_be(&b->s, m + 18, 2, 3);
	small_text(&b->s, m + 24, "bm0");
	small_be(&b->s, at(b, BITMAP_TABLE), 8, at(b, BITMAP_BITS));
}

static void build_tables(struct bench *b)
{
	const uint64_t all = b->stride == 16 ? UINT32_MAX : 0;

	small_be(&b->s, at(b, RT), 8, at(b, BLOCK));
	small_be(&b->s, at(b, L1), 8, at(b, L2) | COPIED);
	small_be(&b->s, at(b, SNAP_L1), 8, at(b, SNAP_L2) | COPIED);
	small_be(&b->s, l2_entry(b, L2, 0), 8, at(b, DATA) | COPIED);
	small_be(&b->s, l2_entry(b, L2, 1), 8, at(b, DATA_1) | COPIED);
	small_be(&b->s, l2_entry(b, L2, 10), 8, at(b, BOTH));
	small_be(&b->s, l2_entry(b, SNAP_L2, 10), 8, at(b, BOTH));
	small_be(&b->s, l2_entry(b, L2, 20), 8, COMPRESSED | at(b, PACKED));
	small_be(&b->s, l2_entry(b, L2, 21), 8, COMPRESSED | (at(b, PACKED) + 512));
	for (size_t i = 0; all && i <= 10; i += i ? 9 : 1)
		small_be(&b->s, l2_entry(b, L2, i) + 8, 8, all);
	for (uint64_t c = 0; c <= PACKED; c++)
		put_refcount(b, c, c < BOTH ? 1 : 2);
}

/* An image without a flaw. */
static void build(struct bench *b, unsigned bits, unsigned order, bool extended)
{
	unit_close(&b->u);
	small_free(&b->s);
	b->bits = bits;
	b->order = order;
	b->stride = extended ? 16 : 8;
	small_resize(&b->s, (size_t)CLUSTERS << bits);
	build_header(b);
	build_lists(b);
	build_tables(b);
	for (uint64_t c = BOTH; order == 0 && c <= PACKED; c++)
		put_refcount(b, c, 1);
}

static const struct qcow2_scan *scan(struct bench *b)
{
	unit_close(&b->u);
	unit_read(&b->u, small_source(&b->s), NULL, &no_host);
	assert_int_equal(b->u.state, UNIT_READ);
	assert_non_null(b->u.qcow2);
	assert_non_null(b->u.qcow2->scan);
	return b->u.qcow2->scan;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	build(b, 10, 4, false);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unit_close(&b->u);
	small_free(&b->s);
	free(b);
	return 0;
}

#define BIT(kind) (UINT64_C(1) << QCOW2_FLAW_##kind)

static uint64_t kinds_of(const struct qcow2_scan *s)
{
	uint64_t kinds = 0;

	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++)
		kinds |= (uint64_t)(s->flaws[k].total != 0) << k;
	return kinds;
}

static const struct qcow2_flaw *only(const struct qcow2_scan *s, enum qcow2_flaw_kind k)
{
	assert_int_equal(s->flaws[k].n, 1);
	return s->flaws[k].v;
}

/* ---- each kind ---- */

enum { W1 = 1024 }; /* a cluster */
#define L1_E(i)     (L1 * W1 + 8 * (i))
#define L2_E(i)     (L2 * W1 + 8 * (i))
#define REFCOUNT(c) (BLOCK * W1 + 2 * (c))
#define TO(c)       ((uint64_t)(c)*W1)

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
		T(nothing_is_wrong_with_what_is_right),
		T(each_flaw_is_found_where_it_is),
		T(subclusters_that_contradict_each_other),
		T(a_data_file_has_the_guests_offsets_and_no_snapshots),
		T(only_who_asks_for_it_has_compressed_data_inflated),
		T(who_stops_it_gets_no_half_of_a_judgement),
		T(every_kind_is_tested),
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
