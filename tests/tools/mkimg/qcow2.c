/* Clusters of a QCOW2 and what they are used for: refcounts, L1 and L2 tables, the guest's
 * disk with snapshots below it. Everything is in the file at once; clusters are taken from
 * its end and never used again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/qcow2.h"
#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/banned.h"

#define COPIED     (UINT64_C(1) << 63)
#define COMPRESSED (UINT64_C(1) << 62)
#define OFFSET     UINT64_C(0x00fffffffffffe00)

enum { SUBCLUSTERS = 32 };

/* ---- bytes ---- */

void q_put(const struct recipe *r, uint64_t off, uint64_t v, unsigned width)
{
	uint8_t b[8];

	for (unsigned i = 0; i < width; i++)
		b[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
	put(r, off, b, width);
}

uint64_t q_get(const struct recipe *r, uint64_t off, unsigned width)
{
	uint8_t b[8];
	uint64_t v = 0;

	get(r, off, b, width);
	for (unsigned i = 0; i < width; i++)
		v = v << 8 | b[i];
	return v;
}

static void grow(struct recipe *r, uint64_t size)
{
	if (size <= r->size)
		return;
	if (size > INT64_MAX || ftruncate(r->fd, (off_t)size) != 0)
		die(r, "cannot make the image %" PRIu64 " bytes long: %s", size,
		    strerror(errno));
	r->size = size;
}

/* ---- refcounts ---- */

static uint64_t block_entries(const struct qcow2_image *q)
{
	return q->cs * 8 >> q->refcount_order;
}

/* The refcount block for a cluster; made when there is none. */
static uint64_t block_of(struct recipe *r, uint64_t cluster)
{
	struct qcow2_image *q = r->q;
	uint64_t i = cluster / block_entries(q), at = q->rt_off + i * 8, block;

	if (i >= q->rt_clusters * q->cs / 8)
		die(r, "the refcount table is full: say refcount-table=CLUSTERS");
	block = q_get(r, at, 8);
	if (block)
		return block;
	block = q->next;
	q->next += q->cs;
	grow(r, q->next);
	q_put(r, at, block, 8);
	q_set_refcount(r, block / q->cs, 1);
	return block;
}

/* Where the count is, and for those smaller than a byte, where in it. */
static uint64_t count_at(const struct qcow2_image *q, uint64_t block, uint64_t cluster,
			 unsigned *shift)
{
	unsigned bits = 1u << q->refcount_order;
	uint64_t bit = cluster % block_entries(q) * bits;

	*shift = (unsigned)(bit % 8);
	return block + bit / 8;
}

uint64_t q_refcount(const struct recipe *r, uint64_t cluster)
{
	const struct qcow2_image *q = r->q;
	unsigned bits = 1u << q->refcount_order, shift;
	uint64_t i = cluster / block_entries(q), block, at;

	if (i >= q->rt_clusters * q->cs / 8)
		return 0;
	block = q_get(r, q->rt_off + i * 8, 8);
	if (!block)
		return 0;
	at = count_at(q, block, cluster, &shift);
	if (bits >= 8)
		return q_get(r, at, bits / 8);
	return q_get(r, at, 1) >> shift & ((1u << bits) - 1);
}

void q_set_refcount(struct recipe *r, uint64_t cluster, uint64_t v)
{
	struct qcow2_image *q = r->q;
	unsigned bits = 1u << q->refcount_order, shift, mask;
	uint64_t at = count_at(q, block_of(r, cluster), cluster, &shift);

	if (bits < 64 && v >> bits)
		die(r, "a refcount of %" PRIu64 " does not fit in %u bits", v, bits);
	if (bits >= 8) {
		q_put(r, at, v, bits / 8);
		return;
	}
	mask = ((1u << bits) - 1) << shift;
	q_put(r, at, (q_get(r, at, 1) & ~(uint64_t)mask) | v << shift, 1);
}

void q_add_refcount(struct recipe *r, uint64_t cluster, int delta)
{
	uint64_t v = q_refcount(r, cluster);

	q_set_refcount(r, cluster, delta > 0 ? v + 1 : v - 1);
}

uint64_t q_alloc(struct recipe *r, uint64_t n)
{
	struct qcow2_image *q = r->q;
	uint64_t off = q->next;

	if (off < r->size)
		off = div_up(r->size, q->cs) * q->cs; /* resize made it longer */
	q->next = off + n * q->cs;
	grow(r, q->next);
	for (uint64_t i = 0; i < n; i++)
		q_add_refcount(r, off / q->cs + i, 1);
	return off;
}

void q_free(struct recipe *r, uint64_t off, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		q_add_refcount(r, off / r->q->cs + i, -1);
}

/* ---- L1 and L2 ---- */

uint64_t q_l2_entry_size(const struct qcow2_image *q)
{
	return q->ext_l2 ? 16 : 8;
}

static uint64_t l2_entries(const struct qcow2_image *q)
{
	return q->cs / q_l2_entry_size(q);
}

static void set_l1(struct recipe *r, uint64_t i, uint64_t l2)
{
	r->q->l1[i] = l2;
	q_put(r, r->q->l1_off + i * 8, l2 ? l2 | COPIED : 0, 8);
}

/* The L2 table for a guest offset, for the active disk alone. */
static uint64_t own_l2(struct recipe *r, uint64_t guest)
{
	struct qcow2_image *q = r->q;
	uint64_t i = guest / q->cs / l2_entries(q), old, new;
	uint8_t *p;

	if (i >= q->l1_size)
		die(r, "guest offset %" PRIu64 " needs more than %" PRIu64 " L1 entries",
		    guest, q->l1_size);
	old = q->l1[i];
	if (old && q_refcount(r, old / q->cs) == 1)
		return old;
	new = q_alloc(r, 1);
	if (old) {
		p = zeros(r, q->cs);
		get(r, old, p, (size_t)q->cs);
		put(r, new, p, (size_t)q->cs);
		free(p);
		q_add_refcount(r, old / q->cs, -1);
	}
	set_l1(r, i, new);
	return new;
}

/* Where the entry stands, in an L2 table of the active disk alone. */
static uint64_t own_entry(struct recipe *r, uint64_t guest)
{
	const struct qcow2_image *q = r->q;

	return own_l2(r, guest) + guest / q->cs % l2_entries(q) * q_l2_entry_size(q);
}

uint64_t q_find(const struct recipe *r, uint64_t guest, uint64_t *host)
{
	const struct qcow2_image *q = r->q;
	uint64_t i = guest / q->cs / l2_entries(q), at, entry;

	*host = 0;
	if (i >= q->l1_size || !q->l1[i])
		return 0;
	at = q->l1[i] + guest / q->cs % l2_entries(q) * q_l2_entry_size(q);
	entry = q_get(r, at, 8);
	if (!(entry & COMPRESSED))
		*host = entry & OFFSET;
	return at;
}

/* The clusters that a compressed entry touches. */
static void compressed_range(const struct qcow2_image *q, uint64_t entry, uint64_t *first,
			     uint64_t *n)
{
	unsigned x = 62 - (q->cluster_bits - 8);
	uint64_t off = entry & ((UINT64_C(1) << x) - 1);
	uint64_t sectors = (entry & ~(COPIED | COMPRESSED)) >> x;
	uint64_t end = (off & ~UINT64_C(511)) + (sectors + 1) * 512;

	*first = off / q->cs;
	*n = (end - 1) / q->cs - *first + 1;
}

/* Gives back, or takes once more, what an entry refers to. */
static void refer(struct recipe *r, uint64_t entry, int delta)
{
	const struct qcow2_image *q = r->q;
	uint64_t first, n = 1;

	if (entry & COMPRESSED)
		compressed_range(q, entry, &first, &n);
	else if (q->data_fd >= 0 || !(entry & OFFSET))
		return;
	else
		first = (entry & OFFSET) / q->cs;
	for (uint64_t i = 0; i < n; i++)
		q_add_refcount(r, first + i, delta);
}

/* ---- data ---- */

static void data_put(const struct recipe *r, uint64_t host, const void *p, size_t n)
{
	if (r->q->data_fd < 0)
		put(r, host, p, n);
	else if (pwrite(r->q->data_fd, p, n, (off_t)host) != (ssize_t)n)
		die(r, "cannot write the data file: %s", strerror(errno));
}

/* A cluster for the active disk alone, with what it held before; its host offset. */
static uint64_t own_cluster(struct recipe *r, uint64_t guest, uint64_t at)
{
	struct qcow2_image *q = r->q;
	uint64_t entry = q_get(r, at, 8), old = entry & OFFSET, new;
	uint8_t *p;

	if (entry & COMPRESSED)
		die(r, "guest offset %" PRIu64 " is compressed: discard it first", guest);
	if (q->data_fd >= 0) {
		new = guest / q->cs * q->cs;
	} else if (old && q_refcount(r, old / q->cs) == 1) {
		new = old;
	} else {
		new = q_alloc(r, 1);
		if (old && !(entry & 1)) {
			p = zeros(r, q->cs);
			get(r, old, p, (size_t)q->cs);
			put(r, new, p, (size_t)q->cs);
			free(p);
		}
		refer(r, entry, -1);
	}
	q_put(r, at, new | COPIED, 8);
	return new;
}

/* The subclusters of [from, to) within a cluster, as bits. */
static uint64_t subclusters(const struct qcow2_image *q, uint64_t from, uint64_t to)
{
	uint64_t sub = q->cs / SUBCLUSTERS, bits = 0;

	for (uint64_t i = from / sub; i < div_up(to, sub); i++)
		bits |= UINT64_C(1) << i;
	return bits;
}

static void mark_allocated(const struct recipe *r, uint64_t at, uint64_t bits)
{
	uint64_t map;

	if (!r->q->ext_l2)
		return;
	map = q_get(r, at + 8, 8);
	q_put(r, at + 8, (map | bits) & ~(bits << 32), 8);
}

void q_write(struct recipe *r, uint64_t guest, const uint8_t *p, uint64_t n)
{
	struct qcow2_image *q = r->q;

	while (n) {
		uint64_t in = guest % q->cs, k = u64_min(n, q->cs - in);
		uint64_t at = own_entry(r, guest), host = own_cluster(r, guest, at);

		mark_allocated(r, at, subclusters(q, in, in + k));
		data_put(r, host + in, p, (size_t)k);
		guest += k;
		p += k;
		n -= k;
	}
}

void q_allocate(struct recipe *r, uint64_t guest, uint64_t n)
{
	struct qcow2_image *q = r->q;

	for (uint64_t end = guest + n; guest < end; guest += q->cs) {
		uint64_t at = own_entry(r, guest);

		own_cluster(r, guest, at);
		mark_allocated(r, at, UINT32_MAX);
	}
}

void q_discard(struct recipe *r, uint64_t guest, uint64_t n)
{
	struct qcow2_image *q = r->q;

	for (uint64_t end = guest + n; guest < end; guest += q->cs) {
		uint64_t at = own_entry(r, guest);

		refer(r, q_get(r, at, 8), -1);
		q_put(r, at, 0, 8);
		if (q->ext_l2)
			q_put(r, at + 8, 0, 8);
	}
}

void q_zero(struct recipe *r, uint64_t guest, uint64_t n, bool keep)
{
	struct qcow2_image *q = r->q;

	if (q->version < 3)
		die(r, "version 2 has no zero clusters");
	for (uint64_t end = guest + n; guest < end; guest += q->cs) {
		uint64_t at, host = 0;

		if (!keep)
			q_discard(r, guest, q->cs);
		at = own_entry(r, guest);
		if (keep)
			host = own_cluster(r, guest, at) | COPIED;
		q_put(r, at, q->ext_l2 ? host : host | 1, 8);
		if (q->ext_l2)
			q_put(r, at + 8, (uint64_t)UINT32_MAX << 32, 8);
	}
}

void q_share(struct recipe *r)
{
	struct qcow2_image *q = r->q;

	for (uint64_t i = 0; i < q->l1_size; i++) {
		if (!q->l1[i])
			continue;
		q_add_refcount(r, q->l1[i] / q->cs, 1);
		q_put(r, q->l1_off + i * 8, q->l1[i], 8);
		for (uint64_t j = 0; j < l2_entries(q); j++) {
			uint64_t at = q->l1[i] + j * q_l2_entry_size(q);
			uint64_t entry = q_get(r, at, 8);

			refer(r, entry, 1);
			if (entry & COPIED)
				q_put(r, at, entry & ~COPIED, 8);
		}
	}
}

/* ---- compressed clusters ---- */

/* What QEMU writes: a raw deflate stream with a window of 4 KiB. */
static size_t deflate_cluster(const struct recipe *r, const uint8_t *p, uint8_t *out,
			      size_t room)
{
	z_stream z = { .next_in = p,
		       .avail_in = (uInt)r->q->cs,
		       .next_out = out,
		       .avail_out = (uInt)room };
	int end;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 9,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		die(r, "zlib does not start");
	end = deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return end == Z_STREAM_END ? room - z.avail_out : 0;
}

/* A Zstandard frame (RFC 8878) whose blocks are runs of one byte, or raw: no library, and
 * every decoder must take it. */
static size_t zstd_cluster(const struct recipe *r, const uint8_t *p, uint8_t *out,
			   size_t room)
{
	enum { STEP = 128 };
	/* magic; single segment, content size of 4 bytes */
	uint8_t head[9] = { 0x28, 0xb5, 0x2f, 0xfd, 0xa0 };
	size_t n = sizeof(head), cs = (size_t)r->q->cs;

	for (size_t i = 0; i < 4; i++)
		head[5 + i] = (uint8_t)(cs >> (8 * i));
	if (room < n)
		return 0;
	memcpy(out, head, n);
	for (size_t i = 0; i < cs; i += STEP) {
		bool run = memcmp(p + i, p + i + 1, STEP - 1) == 0;
		uint32_t block = (i + STEP == cs) | (run ? 1u << 1 : 0) | STEP << 3;
		size_t len = run ? 1 : STEP;

		if (room - n < 3 + len)
			return 0;
		for (size_t k = 0; k < 3; k++)
			out[n++] = (uint8_t)(block >> (8 * k));
		memcpy(out + n, p + i, len);
		n += len;
	}
	return n;
}

/* Room for n bytes: behind the last compressed ones if the cluster goes on, or the next one
 * follows it. */
static uint64_t pack(struct recipe *r, size_t n)
{
	struct qcow2_image *q = r->q;
	uint64_t off = q->packed, left = off ? q->cs - off % q->cs : 0;
	uint64_t new;

	if (off && off % q->cs == 0)
		left = 0;
	if (left < n) {
		bool follows = left && div_up(off, q->cs) * q->cs == q->next;

		new = q_alloc(r, 1);
		if (!follows || new != div_up(off, q->cs) * q->cs) {
			off = new;
		} else {
			q_add_refcount(r, off / q->cs, 1);
		}
	} else {
		q_add_refcount(r, off / q->cs, 1);
	}
	q->packed = off + n;
	return off;
}

bool q_compress(struct recipe *r, uint64_t guest, const uint8_t *p)
{
	struct qcow2_image *q = r->q;
	uint8_t *out = zeros(r, q->cs);
	size_t room = (size_t)q->cs - 1;
	size_t n = q->compression ? zstd_cluster(r, p, out, room)
				  : deflate_cluster(r, p, out, room);
	unsigned x = 62 - (q->cluster_bits - 8);
	uint64_t at, off, sectors;

	if (n) {
		q_discard(r, guest / q->cs * q->cs, q->cs);
		at = own_entry(r, guest);
		off = pack(r, n);
		put(r, off, out, n);
		sectors = (off + n - 1) / 512 - off / 512;
		q_put(r, at, COMPRESSED | sectors << x | off, 8);
	}
	free(out);
	return n != 0;
}
