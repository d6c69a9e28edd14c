/* Any tables as those of a QCOW2: every byte of the guest's disk is asked for, in one piece
 * and in many, and what is passed over as empty is looked at.
 *
 * The input is four bytes (see make()), one for each L1 entry, two for each entry of two L2
 * tables, and then the clusters' own bytes. Some clusters are streams that do inflate, until
 * the input's bytes overwrite them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/backing.h"
#include "analyze/image/guest.h"
#include "analyze/unit.h"
#include "tests/lib/guest_qcow2.h"
#include "tests/lib/touch_image.h"

enum {
	VERSION_2 = 1,
	EXTENDED = 2,
	ZSTD = 4,
	BACKING = 8,
	DATA_FILE = 16,
	CUT = 32, /* the file ends within a cluster */
	STREAM = 8,
	ENTRIES = 32,
	SECTOR = 512,
};

struct input {
	struct view v;
	size_t at;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned next(struct input *in)
{
	return in->at < in->v.n ? in->v.p[in->at++] : 0;
}

/* A place in the file, or not quite. */
static uint64_t place(const struct guest_qcow2 *q, unsigned b)
{
	return (b & 15) * q->cs + (b & 32 ? SECTOR : 0);
}

static uint64_t entry(const struct guest_qcow2 *q, unsigned b, unsigned more)
{
	if (b & 64)
		return gq_packed(q, (b & 15) * q->cs + (b & 128 ? more & 63 : 0),
				 (size_t)(more + 1) * 8);
	return place(q, b) | (b & 16 ? GQ_COPIED : 0) | b >> 7;
}

static void fill(struct guest_qcow2 *q, struct input *in)
{
	for (size_t i = 0; i < 2; i++)
		gq_be(q, GQ_L1 * q->cs + i * 8, 8, place(q, next(in)));
	for (size_t i = 0; i < 2 * ENTRIES; i++) {
		size_t width = q->extended ? 16 : 8;
		size_t at = (GQ_L2 + i / ENTRIES) * q->cs + i % ENTRIES * width;
		unsigned b = next(in), more = next(in);

		if (at + width > q->size)
			continue;
		gq_be(q, at, 8, entry(q, b, more));
		if (q->extended)
			gq_be(q, at + 8, 8,
			      more * UINT64_C(0x0101010101010101) ^
				      (uint64_t)b << (more & 63));
	}
	for (size_t at = GQ_DATA * q->cs; in->at < in->v.n && at < q->size; at++)
		q->p[at] = (uint8_t)next(in);
}

static void make(struct guest_qcow2 *q, unsigned flags, struct input *in)
{
	unsigned bits = flags & EXTENDED ? 14 : 9 + next(in) % 4;
	uint8_t *bytes;

	gq_init(q, bits, (flags & EXTENDED ? 16u : 0) | (flags & DATA_FILE ? 4u : 0));
	if (flags & VERSION_2)
		gq_be(q, 4, 4, 2);
	gq_be(q, 24, 8, SECTOR + (uint64_t)next(in) * SECTOR + next(in));
	bytes = calloc(1, q->cs);
	BUG_ON(!bytes);
	memset(bytes, 0x5a, q->cs / 2);
	if (flags & ZSTD) {
		gq_be(q, 104, 1, 1);
		gq_zstd(q, STREAM * q->cs, bytes, q->cs);
	} else {
		gq_deflate(q, STREAM * q->cs, bytes);
	}
	free(bytes);
	fill(q, in);
	if (flags & CUT)
		q->size -= 200;
}

/* Runs follow each other without a gap, and each is of bytes that are there. */
static void walk(struct guest *g)
{
	uint64_t off = 0;

	while (off < g->size) {
		struct guest_run r;
		struct err e;

		BUG_ON(guest_map(g, off, g->size - off, &r, &e) != 0);
		BUG_ON(r.off != off || r.len == 0 || r.len > g->size - off);
		BUG_ON((r.kind == GUEST_BAD) != (r.why != NULL));
		/* A cluster may begin before the end of the file, and this part of it lie
		 * behind: zeros. A stream may not. */
		BUG_ON(r.kind == GUEST_PACKED && r.host >= r.src->size);
		BUG_ON(r.kind == GUEST_DATA &&
		       r.host - r.host % g->q->cluster_size >= r.src->size);
		off += r.len;
	}
}

static void compare(const struct source *disk)
{
	uint8_t *all = malloc(disk->size), piece[SECTOR];
	bool whole;
	uint64_t data = 0;
	struct err e;

	BUG_ON(!all);
	whole = source_read(disk, 0, all, disk->size, &e) == 0;
	if (!whole)
		BUG_ON(e.code != ERR_UNREADABLE && e.code != ERR_LIMIT);
	for (uint64_t off = 0; off < disk->size; off += SECTOR) {
		bool got = source_read(disk, off, piece, SECTOR, &e) == 0;
		struct view v = { piece, SECTOR };

		BUG_ON(whole && (!got || memcmp(all + off, piece, SECTOR) != 0));
		if (data < off + SECTOR)
			data = source_next_data(disk, off);
		BUG_ON(data < off || data > disk->size);
		if (data >= off + SECTOR)
			BUG_ON(!got || !view_is_zero(v));
	}
	free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t other[3000] = { 1, [700] = 2, [2999] = 3 };
	struct source file = source_of_bytes("other", (struct view){ other, 3000 });
	struct input in = { .v = { data, n } };
	struct host host = { 0 };
	struct guest_qcow2 q;
	struct source disk;
	struct arena a;
	unsigned flags;
	struct unit u;

	if (n < 8)
		return -1;
	flags = next(&in);
	make(&q, flags, &in);
	arena_init(&a, ARENA_BUDGET);
	unit_read(&u, gq_source(&q), NULL, &host);
	BUG_ON(u.state != UNIT_READ || (!u.image && !u.guest_why));
	if (u.image)
		touch_image(u.image, &a);
	if (u.guest) {
		if (flags & BACKING)
			u.guest->backing = &file;
		if (flags & DATA_FILE)
			u.guest->data = &file;
		disk = guest_source(u.guest);
		walk(u.guest);
		compare(&disk);
	}
	BUG_ON(u.arena.used > ARENA_BUDGET + (1 << 20));
	unit_close(&u);
	arena_free(&a);
	gq_free(&q);
	return 0;
}
