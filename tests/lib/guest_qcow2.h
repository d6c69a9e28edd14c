/* A QCOW2 in memory of which a test says what its guest sees: header, an L1 table, two L2
 * tables, and clusters to point to. Refcounts are left out: reading does not ask for them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_GUEST_QCOW2_H
#define TESTS_LIB_GUEST_QCOW2_H

#include "analyze/source.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum {
	GQ_L1 = 1, /* clusters, by what is in them */
	GQ_L2,
	GQ_L2_NEXT,
	GQ_DATA,
	GQ_CLUSTERS = 12,
};

#define GQ_COPIED     (UINT64_C(1) << 63)
#define GQ_COMPRESSED (UINT64_C(1) << 62)

struct guest_qcow2 {
	uint8_t *p;
	size_t size, cs;
	unsigned bits;
	bool extended;
	struct source src;
};

static inline void gq_be(struct guest_qcow2 *q, size_t off, size_t width, uint64_t v)
{
	BUG_ON(off > q->size || width > q->size - off);
	for (size_t i = 0; i < width; i++)
		q->p[off + i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

/* Two L2 tables' worth of disk, of which nothing is allocated. */
static inline void gq_init(struct guest_qcow2 *q, unsigned bits, uint64_t incompatible)
{
	size_t cs = (size_t)1 << bits;

	*q = (struct guest_qcow2){ .size = GQ_CLUSTERS * cs, .cs = cs, .bits = bits };
	q->p = calloc(1, q->size);
	BUG_ON(!q->p);
	q->extended = incompatible & 16;
	memcpy(q->p, "QFI\xfb", 4);
	gq_be(q, 4, 4, 3);
	gq_be(q, 20, 4, bits);
	gq_be(q, 24, 8, cs / (q->extended ? 16 : 8) * cs * 2);
	gq_be(q, 36, 4, 2);
	gq_be(q, 40, 8, GQ_L1 * cs);
	gq_be(q, 72, 8, incompatible);
	gq_be(q, 96, 4, 4);
	gq_be(q, 100, 4, 112);
	gq_be(q, GQ_L1 * cs, 8, GQ_L2 * cs | GQ_COPIED);
	gq_be(q, GQ_L1 * cs + 8, 8, GQ_L2_NEXT * cs | GQ_COPIED);
	for (size_t i = GQ_DATA * cs; i < q->size; i++)
		q->p[i] = (uint8_t)(1 + i / cs * 16 + i % 15);
}

static inline void gq_free(struct guest_qcow2 *q)
{
	free(q->p);
	*q = (struct guest_qcow2){ 0 };
}

/* Cluster i of the guest's disk. */
static inline void gq_entry(struct guest_qcow2 *q, size_t i, uint64_t entry,
			    uint64_t bitmap)
{
	size_t at = GQ_L2 * q->cs + i * (q->extended ? 16 : 8);

	gq_be(q, at, 8, entry);
	if (q->extended)
		gq_be(q, at + 8, 8, bitmap);
}

static inline uint8_t *gq_cluster(struct guest_qcow2 *q, size_t i)
{
	return q->p + i * q->cs;
}

/* An entry for a stream of n bytes at off. */
static inline uint64_t gq_packed(const struct guest_qcow2 *q, uint64_t off, size_t n)
{
	uint64_t sectors = (off % 512 + n + 511) / 512 - 1;

	return GQ_COMPRESSED | sectors << (62 - (q->bits - 8)) | off;
}

/* bytes as a stream at off of the file; returns its length. */
static inline size_t gq_deflate(struct guest_qcow2 *q, uint64_t off, const uint8_t *bytes)
{
	z_stream z = { 0 };
	uint8_t *in = malloc(q->cs);
	size_t n;

	BUG_ON(!in ||
	       deflateInit2(&z, 9, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY) != Z_OK);
	memcpy(in, bytes, q->cs);
	z.next_in = in;
	z.avail_in = (uInt)q->cs;
	z.next_out = q->p + off;
	z.avail_out = (uInt)(q->size - off);
	BUG_ON(deflate(&z, Z_FINISH) != Z_STREAM_END);
	n = z.total_out;
	deflateEnd(&z);
	free(in);
	return n;
}

static inline size_t gq_zstd(struct guest_qcow2 *q, uint64_t off, const uint8_t *bytes,
			     size_t n)
{
	size_t got = ZSTD_compress(q->p + off, q->size - off, bytes, n, 3);

	BUG_ON(ZSTD_isError(got));
	return got;
}

static inline const struct source *gq_source(struct guest_qcow2 *q)
{
	q->src = source_of_bytes("disk.qcow2", (struct view){ q->p, q->size });
	return &q->src;
}

#endif
