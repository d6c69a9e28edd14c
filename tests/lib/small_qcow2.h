/* A QCOW2 image in memory, as small as one can be: clusters of 512 bytes, everything in it
 * that a header can name, laid down byte by byte.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SMALL_QCOW2_H
#define TESTS_LIB_SMALL_QCOW2_H

#include "analyze/source.h"

#include <stdlib.h>
#include <string.h>

enum {
	SMALL_CLUSTER = 512,
	/* clusters, by what is in them */
	SMALL_RT = 1,
	SMALL_REFBLOCK,
	SMALL_L1,
	SMALL_L2,
	SMALL_DATA,
	SMALL_SNAPSHOTS,
	SMALL_SNAPSHOT_L1,
	SMALL_BITMAPS,
	SMALL_BITMAP_TABLE,
	SMALL_CLUSTERS,

	SMALL_SIZE = SMALL_CLUSTERS * SMALL_CLUSTER,
	/* of the header's extensions */
	SMALL_EXT_FORMAT = 112,
	SMALL_EXT_NAMES = 128,
	SMALL_EXT_BITMAPS = 184,
	SMALL_EXT_MARK = 216,
	SMALL_BACKING = 224,
};

struct small_qcow2 {
	uint8_t *p;
	size_t size;
	struct source src;
};

static inline void small_be(struct small_qcow2 *s, size_t off, size_t width, uint64_t v)
{
	BUG_ON(off > s->size || width > s->size - off);
	for (size_t i = 0; i < width; i++)
		s->p[off + i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static inline void small_text(struct small_qcow2 *s, size_t off, const char *text)
{
	memcpy(s->p + off, text, strlen(text));
}

static inline void small_header(struct small_qcow2 *s)
{
	small_text(s, 0, "QFI\xfb");
	small_be(s, 4, 4, 3);
	small_be(s, 8, 8, SMALL_BACKING);
	small_be(s, 16, 4, 8);
	small_be(s, 20, 4, 9);
	small_be(s, 24, 8, 100 << 10); /* 3.1 L2 tables of 32 KiB */
	small_be(s, 36, 4, 4);
	small_be(s, 40, 8, SMALL_L1 * SMALL_CLUSTER);
	small_be(s, 48, 8, SMALL_RT * SMALL_CLUSTER);
	small_be(s, 56, 4, 1);
	small_be(s, 60, 4, 2);
	small_be(s, 64, 8, SMALL_SNAPSHOTS * SMALL_CLUSTER);
	small_be(s, 80, 8, 1);
	small_be(s, 88, 8, 1);
	small_be(s, 96, 4, 4);
	small_be(s, 100, 4, 112);
	small_be(s, SMALL_EXT_FORMAT, 8, UINT64_C(0xe2792aca00000003));
	small_text(s, SMALL_EXT_FORMAT + 8, "raw");
	small_be(s, SMALL_EXT_NAMES, 8, UINT64_C(0x6803f85700000030));
	small_be(s, SMALL_EXT_NAMES + 8, 2, 0x003f);
	small_text(s, SMALL_EXT_NAMES + 10, "tomorrow's");
	small_be(s, SMALL_EXT_BITMAPS, 8, UINT64_C(0x2385287500000018));
	small_be(s, SMALL_EXT_BITMAPS + 8, 4, 1);
	small_be(s, SMALL_EXT_BITMAPS + 16, 8, 32);
	small_be(s, SMALL_EXT_BITMAPS + 24, 8, SMALL_BITMAPS * SMALL_CLUSTER);
	small_text(s, SMALL_BACKING, "base.img");
}

/* Entries at 0 (24 bytes of extra data, 3 + 5 bytes of names: 72) and at 72 (no extra data,
 * names of 1 + 0 bytes). */
static inline void small_snapshots(struct small_qcow2 *s)
{
	size_t at = SMALL_SNAPSHOTS * SMALL_CLUSTER;

	small_be(s, at, 8, SMALL_SNAPSHOT_L1 * SMALL_CLUSTER);
	small_be(s, at + 8, 4, 4);
	small_be(s, at + 12, 2, 3);
	small_be(s, at + 14, 2, 5);
	small_be(s, at + 16, 4, 1700000000);
	small_be(s, at + 32, 4, 7);
	small_be(s, at + 36, 4, 24);
	small_be(s, at + 40, 8, 5000);
	small_be(s, at + 48, 8, 100 << 10);
	small_be(s, at + 56, 8, UINT64_MAX);
	small_text(s, at + 64, "1st");
	small_text(s, at + 67, "first");
	at += 72;
	small_be(s, at, 8, SMALL_SNAPSHOT_L1 * SMALL_CLUSTER);
	small_be(s, at + 8, 4, 4);
	small_be(s, at + 12, 2, 1);
	small_be(s, at + 32, 4, 9);
	small_text(s, at + 40, "2");
}

static inline void small_init(struct small_qcow2 *s)
{
	const uint64_t copied = UINT64_C(1) << 63;

	*s = (struct small_qcow2){ .p = calloc(1, SMALL_SIZE), .size = SMALL_SIZE };
	BUG_ON(!s->p);
	small_header(s);
	small_be(s, SMALL_RT * SMALL_CLUSTER, 8, SMALL_REFBLOCK * SMALL_CLUSTER);
	for (size_t i = 0; i < SMALL_CLUSTERS; i++)
		small_be(s, SMALL_REFBLOCK * SMALL_CLUSTER + 2 * i, 2, 1);
	small_be(s, SMALL_L1 * SMALL_CLUSTER, 8, SMALL_L2 * SMALL_CLUSTER | copied);
	small_be(s, SMALL_L2 * SMALL_CLUSTER + 8, 8, SMALL_DATA * SMALL_CLUSTER | copied);
	small_snapshots(s);
	small_be(s, SMALL_BITMAPS * SMALL_CLUSTER, 8, SMALL_BITMAP_TABLE * SMALL_CLUSTER);
	small_be(s, SMALL_BITMAPS * SMALL_CLUSTER + 8, 4, 1);
	small_be(s, SMALL_BITMAPS * SMALL_CLUSTER + 12, 4, 3);
	small_be(s, SMALL_BITMAPS * SMALL_CLUSTER + 16, 2, 0x0110);
	small_be(s, SMALL_BITMAPS * SMALL_CLUSTER + 18, 2, 3);
	small_text(s, SMALL_BITMAPS * SMALL_CLUSTER + 24, "bm0");
}

static inline void small_free(struct small_qcow2 *s)
{
	free(s->p);
	*s = (struct small_qcow2){ 0 };
}

/* Longer, with zeros; or cut. */
static inline void small_resize(struct small_qcow2 *s, size_t size)
{
	s->p = realloc(s->p, size);
	BUG_ON(!s->p);
	if (size > s->size)
		memset(s->p + s->size, 0, size - s->size);
	s->size = size;
}

static inline const struct source *small_source(struct small_qcow2 *s)
{
	s->src = source_of_bytes("disk.qcow2", (struct view){ s->p, s->size });
	return &s->src;
}

#endif
