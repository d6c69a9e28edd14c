/* A QCOW2 image in memory that is right, with a snapshot and a bitmap, for tests that break
 * it and plan a repair: clusters of 512 bytes, refcounts of any width. No code of
 * analyze/image lays it down.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_BENCH_QCOW2_H
#define TESTS_LIB_BENCH_QCOW2_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"
#include "rewrite/edit.h"

#include <stdlib.h>
#include <string.h>

/* Clusters, by what is in them; those from FREE on are zeros, and nobody's. */
enum {
	RT = 1,
	BLOCK,
	L1,
	L2,
	DATA,   /* guest cluster 0 */
	DATA_1, /* guest cluster 1 */
	DATA_2, /* guest cluster 2 */
	SNAPSHOTS,
	SNAP_L1,
	SNAP_L2,
	SNAP_DATA, /* guest cluster 0, of the snapshot */
	BOTH,      /* guest cluster 10, of the disk and of the snapshot */
	BITMAPS,
	BITMAP_TABLE,
	BITMAP_BITS,
	FREE = 20,
	CLUSTERS = 40,
	GUEST = 200, /* clusters of the disk; an L2 table has 64 */
};

#define CS             512
#define COPIED         (UINT64_C(1) << 63)
#define EXT_BITMAPS_AT 112

struct bench {
	unsigned order;
	uint8_t *p;
	size_t size;
	struct host host;
	struct source src, over;
	struct unit unit, after;
	const struct qcow2 *q, *is; /* of unit, of after */
	struct arena arena;
	struct plan plan;
	struct patch patch;
	bool opened, reread;
};

static inline uint64_t at(uint64_t cluster)
{
	return cluster * CS;
}

static inline void put(struct bench *b, uint64_t off, size_t width, uint64_t v)
{
	assert_true(off + width <= b->size);
	for (size_t i = 0; i < width; i++)
		b->p[off + i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static inline void put_refcount(struct bench *b, uint64_t block, uint64_t i, uint64_t v)
{
	unsigned width = 1U << b->order, shift = (unsigned)(i * width % 8);
	uint8_t *p = b->p + at(block) + i * width / 8;

	if (width >= 8)
		put(b, at(block) + i * (width / 8), width / 8, v);
	else
		*p = (uint8_t)((*p & ~(((1U << width) - 1) << shift)) | v << shift);
}

static inline void refcount(struct bench *b, uint64_t cluster, uint64_t v)
{
	put_refcount(b, BLOCK, cluster, v);
}

/* Entry i of a table. */
static inline void entry(struct bench *b, uint64_t table, uint64_t i, uint64_t v)
{
	put(b, at(table) + i * 8, 8, v);
}

static inline void fill(struct bench *b, uint64_t cluster, int byte)
{
	memset(b->p + at(cluster), byte, CS);
}

static inline void bench_header(struct bench *b)
{
	memcpy(b->p, "QFI\xfb", 4);
	put(b, 4, 4, 3);
	put(b, 20, 4, 9);
	put(b, 24, 8, GUEST * CS);
	put(b, 36, 4, 4);
	put(b, 40, 8, at(L1));
	put(b, 48, 8, at(RT));
	put(b, 56, 4, 1);
	put(b, 60, 4, 1);
	put(b, 64, 8, at(SNAPSHOTS));
	put(b, 88, 8, 1);
	put(b, 96, 4, b->order);
	put(b, 100, 4, 112);
	put(b, EXT_BITMAPS_AT, 8, UINT64_C(0x2385287500000018));
	put(b, EXT_BITMAPS_AT + 8, 4, 1);
	put(b, EXT_BITMAPS_AT + 16, 8, 32);
	put(b, EXT_BITMAPS_AT + 24, 8, at(BITMAPS));
}

static inline void bench_bitmap(struct bench *b)
{
	put(b, at(BITMAPS), 8, at(BITMAP_TABLE));
	put(b, at(BITMAPS) + 8, 4, 1);
	put(b, at(BITMAPS) + 16, 2, 0x0109);
	put(b, at(BITMAPS) + 18, 2, 3);
	memcpy(b->p + at(BITMAPS) + 24, "bm0", 3);
	put(b, at(BITMAP_TABLE), 8, at(BITMAP_BITS));
	fill(b, BITMAP_BITS, 0xaa);
}

/* With order 0, no cluster can be BOTH's. */
static inline void bench_build(struct bench *b, unsigned order)
{
	*b = (struct bench){ .order = order, .size = CLUSTERS * CS };
	b->p = calloc(1, b->size);
	assert_non_null(b->p);
	arena_init(&b->arena, ARENA_BUDGET);
	bench_header(b);
	put(b, at(RT), 8, at(BLOCK));
	for (uint64_t c = 0; c <= BITMAP_BITS; c++)
		refcount(b, c, c == BOTH && order ? 2 : 1);
	entry(b, L1, 0, at(L2) | COPIED);
	for (uint64_t i = 0; i < 3; i++) {
		entry(b, L2, i, at(DATA + i) | COPIED);
		fill(b, DATA + i, 'a' + (int)i);
	}
	entry(b, L2, 10, order ? at(BOTH) : 0);
	put(b, at(SNAPSHOTS), 8, at(SNAP_L1));
	put(b, at(SNAPSHOTS) + 8, 4, 4);
	put(b, at(SNAPSHOTS) + 12, 2, 1);
	put(b, at(SNAPSHOTS) + 14, 2, 3);
	put(b, at(SNAPSHOTS) + 36, 4, 16);
	put(b, at(SNAPSHOTS) + 48, 8, GUEST * CS);
	memcpy(b->p + at(SNAPSHOTS) + 56, "1one", 4);
	entry(b, SNAP_L1, 0, at(SNAP_L2));
	entry(b, SNAP_L2, 0, at(SNAP_DATA));
	entry(b, SNAP_L2, 10, at(BOTH));
	fill(b, SNAP_DATA, 's');
	fill(b, BOTH, 'b');
	bench_bitmap(b);
}

static inline void bench_open(struct bench *b)
{
	b->src = source_of_bytes("disk.qcow2", (struct view){ b->p, b->size });
	unit_read(&b->unit, &b->src, format_find("qcow2"), &b->host);
	assert_int_equal(b->unit.state, UNIT_READ);
	b->q = b->unit.qcow2;
	b->opened = true;
	b->plan = plan_on(&b->unit.src, &b->arena);
}

/* Reads what the plan makes of it. */
static inline void bench_reread(struct bench *b)
{
	if (b->reread)
		unit_close(&b->after);
	b->patch = plan_patch(&b->plan, &b->arena);
	b->over = source_overlay(&b->src, &b->patch);
	unit_read(&b->after, &b->over, format_find("qcow2"), &b->host);
	b->reread = true;
	assert_int_equal(b->after.state, UNIT_READ);
	b->is = b->after.qcow2;
}

static inline void bench_free(struct bench *b)
{
	if (b->reread)
		unit_close(&b->after);
	if (b->opened)
		unit_close(&b->unit);
	arena_free(&b->arena);
	free(b->p);
}

static inline uint64_t total(const struct qcow2 *q, enum qcow2_flaw_kind k)
{
	return q->scan->flaws[k].total;
}

static inline void assert_sound(const struct qcow2 *q)
{
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		if (q->scan->flaws[k].total)
			fail_msg("%s: %llu", qcow2_flaw_word((enum qcow2_flaw_kind)k),
				 (unsigned long long)q->scan->flaws[k].total);
	}
}

static inline uint64_t stored(const struct qcow2 *q, uint64_t cluster)
{
	struct err e = { 0 };
	uint64_t v;
	bool known;

	assert_int_equal(qcow2_stored(q, cluster, &v, &known, &e), 0);
	assert_true(known);
	return v;
}

/* 64 bits of the image as the plan leaves it. */
static inline uint64_t now(const struct bench *b, uint64_t off)
{
	struct err e = { 0 };
	uint8_t raw[8];

	assert_int_equal(source_read(&b->over, off, raw, 8, &e), 0);
	return view_be64((struct view){ raw, 8 }, 0);
}

static inline enum stage stage_at(const struct bench *b, uint64_t off)
{
	for (size_t i = 0; i < b->plan.edits.n; i++) {
		const struct edit *x = &b->plan.edits.v[i];

		if (off >= x->at.off && off < span_end(x->at))
			return x->stage;
	}
	fail_msg("nothing is written at 0x%llx", (unsigned long long)off);
	return STAGE_TABLES;
}

static inline void assert_planned(struct bench *b, bool planned)
{
	if (!planned)
		fail_msg("refused: %s", b->plan.refused ? b->plan.refused : "");
	bench_reread(b);
}

static inline void assert_refused(struct bench *b, bool planned, const char *why)
{
	assert_false(planned);
	if (!b->plan.refused || !strstr(b->plan.refused, why))
		fail_msg("it says: %s", b->plan.refused ? b->plan.refused : "nothing");
}

#endif
