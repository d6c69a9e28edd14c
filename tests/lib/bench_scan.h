/* A QCOW2 image in memory that is right, with a snapshot and a bitmap, for tests of what is
 * found when one thing is not.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_BENCH_SCAN_H
#define TESTS_LIB_BENCH_SCAN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"
#include "tests/lib/small_qcow2.h"

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

static inline uint64_t at(const struct bench *b, uint64_t cluster)
{
	return cluster << b->bits;
}

static inline size_t l2_entry(const struct bench *b, uint64_t table, uint64_t i)
{
	return (size_t)(at(b, table) + i * b->stride);
}

static inline void put_refcount(struct bench *b, uint64_t cluster, uint64_t v)
{
	size_t bits = (size_t)1 << b->order, off = (size_t)(cluster * bits / 8);
	unsigned shift = (unsigned)(cluster * bits % 8), ones = (1u << bits % 8) - 1;
	uint8_t *p = b->s.p + at(b, BLOCK) + off;

	if (bits >= 8)
		small_be(&b->s, at(b, BLOCK) + off, bits / 8, v);
	else
		*p = (uint8_t)((*p & ~(ones << shift)) | (v & ones) << shift);
}

static inline void build_header(struct bench *b)
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

static inline void build_lists(struct bench *b)
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

static inline void build_tables(struct bench *b)
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
static inline void build(struct bench *b, unsigned bits, unsigned order, bool extended)
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

static inline const struct qcow2_scan *scan(struct bench *b)
{
	unit_close(&b->u);
	unit_read(&b->u, small_source(&b->s), NULL, &no_host);
	assert_int_equal(b->u.state, UNIT_READ);
	assert_non_null(b->u.qcow2);
	assert_non_null(b->u.qcow2->scan);
	return b->u.qcow2->scan;
}

static inline int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	build(b, 10, 4, false);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;

	unit_close(&b->u);
	small_free(&b->s);
	free(b);
	return 0;
}

#define BIT(kind) (UINT64_C(1) << QCOW2_FLAW_##kind)

static inline uint64_t kinds_of(const struct qcow2_scan *s)
{
	uint64_t kinds = 0;

	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++)
		kinds |= (uint64_t)(s->flaws[k].total != 0) << k;
	return kinds;
}

static inline const struct qcow2_flaw *only(const struct qcow2_scan *s,
					    enum qcow2_flaw_kind k)
{
	assert_int_equal(s->flaws[k].n, 1);
	return s->flaws[k].v;
}

enum { W1 = 1024 }; /* a cluster */

#define L1_E(i)     (L1 * W1 + 8 * (i))
#define L2_E(i)     (L2 * W1 + 8 * (i))
#define REFCOUNT(c) (BLOCK * W1 + 2 * (c))
#define TO(c)       ((uint64_t)(c)*W1)

#endif
