/* From an offset of the guest's disk to the bytes that it means. docs/interop/qcow2.txt of
 * QEMU, "Cluster mapping" and "Extended L2 Entries"; block/qcow2-cluster.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/guest.h"
#include "analyze/image/qcow2_scan.h"
#include "base/banned.h"

enum {
	SECTOR = 512,
	SUBCLUSTERS = 32,
	EXTENDED_BITS_MIN = 14, /* subclusters have a sector at least */
	COMPRESSION_MAX = 1,
	/* Runs that one question for data looks at: then it answers "perhaps". */
	NEXT_DATA_RUNS = 4096,
	/* Likewise for all questions: tables of a few KiB may show a disk of terabytes that
	 * is a hole here and there. */
	ASKED_MAX = 1 << 18,
};

#define ALL_ALLOCATED UINT64_C(0xffffffff)

const char *guest_refused(const struct qcow2 *q)
{
	if (!q->geometry)
		return "the header is too damaged to go on from";
	if (q->crypt_method.v != QCOW2_CRYPT_NONE)
		return "the guest's disk is encrypted";
	if (q->incompatible.v & ~QCOW2_INCOMPAT_KNOWN)
		return "it has features that vmend does not know";
	if (q->extended_l2 && q->cluster_bits.v < EXTENDED_BITS_MIN)
		return "its clusters are too small for extended L2 entries";
	if (q->size.v < SECTOR)
		return "the guest's disk has no sector";
	/* More than any L1 table that is acceptable can map. */
	if (q->size.v > (uint64_t)QCOW2_L1_MAX / 8 * q->l2_bytes)
		return "the guest's disk is larger than the format allows";
	return NULL;
}

void guest_init(struct guest *g, const struct qcow2 *q, struct guest_packed *packed,
		struct arena *a)
{
	/* Half a sector at the end is no sector: QEMU rounds down. */
	*g = (struct guest){
		.q = q, .size = q->size.v / SECTOR * SECTOR, .arena = a, .packed = packed
	};
	if (q->external_data)
		g->data_why = "the external data file is not open";
	else
		g->data = q->src;
}

struct source guest_source(struct guest *g)
{
	return (struct source){ .path = g->q->src->path,
				.fd = -1,
				.guest = g,
				.is_guest = true,
				.size = g->size,
				.st = g->q->src->st };
}

/* ---- tables ---- */

static struct guest_block *block_of(struct guest *g, uint64_t off)
{
	struct guest_block *oldest = &g->block[0];

	for (size_t i = 0; i < GUEST_BLOCKS; i++) {
		struct guest_block *b = &g->block[i];

		if (b->n && b->off == off)
			return b;
		if (b->used < oldest->used)
			oldest = b;
	}
	oldest->n = 0;
	return oldest;
}

/* The bytes of the host file from off on that are kept together; empty: it has ended. */
static int table_bytes(struct guest *g, uint64_t off, struct view *out, struct err *e)
{
	const struct source *src = g->q->src;
	uint64_t start = off - off % GUEST_BLOCK;
	struct guest_block *b;

	*out = (struct view){ 0 };
	if (off >= src->size)
		return 0;
	b = block_of(g, start);
	b->used = ++g->clock;
	if (!b->p)
		b->p = arena_try(g->arena, GUEST_BLOCK, 1);
	if (!b->p)
		return err_set(e, ERR_LIMIT,
			       "its tables need more memory than is allowed");
	if (b->n == 0) {
		size_t n = (size_t)u64_min(GUEST_BLOCK, src->size - start);

		if (source_read(src, start, b->p, n, e) != 0)
			return -1;
		b->off = start;
		b->n = n;
	}
	*out = (struct view){ b->p + (off - start), b->n - (size_t)(off - start) };
	return 0;
}

/* ---- entries ---- */

/* What an entry says of a cluster, or of a subcluster. */
struct cell {
	enum guest_kind kind;
	uint64_t host;
	const char *why;
};

static struct cell cell_bad(const char *why)
{
	return (struct cell){ .kind = GUEST_BAD, .why = why };
}

static struct cell cell_unallocated(const struct guest *g)
{
	if (g->backing)
		return (struct cell){ .kind = GUEST_BACKING };
	if (g->backing_why)
		return cell_bad(g->backing_why);
	return (struct cell){ .kind = GUEST_ZERO };
}

static struct cell cell_packed(const struct guest *g, uint64_t entry)
{
	const struct qcow2 *q = g->q;
	struct cell c = { .kind = GUEST_PACKED, .host = entry & q->compressed_offset };

	if (q->external_data)
		return cell_bad(
			"a compressed cluster, although the data is in another file");
	if (q->compression.v > COMPRESSION_MAX)
		return cell_bad("a cluster that is compressed in an unknown way");
	if (c.host >= q->src->size)
		return cell_bad("a compressed cluster behind the end of the file");
	return c;
}

/* within: bytes from the begin of the cluster. */
static struct cell cell_data(const struct guest *g, uint64_t entry, uint64_t within)
{
	uint64_t at = entry & QCOW2_OFFSET_MASK;

	if (at % g->q->cluster_size)
		return cell_bad("an L2 entry that is not aligned to a cluster");
	if (!g->data)
		return cell_bad(g->data_why);
	if (at >= g->data->size)
		return (struct cell){ .kind = GUEST_BAD,
				      .host = at,
				      .why = "a cluster behind the end of the file" };
	return (struct cell){ .kind = GUEST_DATA, .host = at + within };
}

/* Offset 0 of an external data file is as good as any other. */
static bool has_cluster(const struct guest *g, uint64_t entry)
{
	return entry & QCOW2_OFFSET_MASK || (g->q->external_data && entry & QCOW2_COPIED);
}

static struct cell cell_of(const struct guest *g, uint64_t entry, uint64_t bitmap,
			   unsigned sub)
{
	bool zero = bitmap >> (SUBCLUSTERS + sub) & 1, allocated = bitmap >> sub & 1;

	if (entry & QCOW2_COMPRESSED)
		return cell_packed(g, entry);
	if (!g->q->extended_l2) {
		if (entry & QCOW2_ZERO && !g->q->v3)
			return cell_bad("a zero flag, which version 2 does not have");
		if (entry & QCOW2_ZERO)
			return (struct cell){ .kind = GUEST_ZERO };
		return has_cluster(g, entry) ? cell_data(g, entry, 0)
					     : cell_unallocated(g);
	}
	if (has_cluster(g, entry) ? bitmap >> SUBCLUSTERS & bitmap & ALL_ALLOCATED
				  : bitmap & ALL_ALLOCATED)
		return cell_bad("subclusters in a state that there is not");
	if (zero)
		return (struct cell){ .kind = GUEST_ZERO };
	if (!allocated)
		return cell_unallocated(g);
	return cell_data(g, entry, sub * (g->q->cluster_size / SUBCLUSTERS));
}

/* ---- runs ---- */

static bool goes_on(const struct guest_run *r, const struct cell *c)
{
	switch (r->kind) {
	case GUEST_ZERO:
	case GUEST_BACKING:
		return c->kind == r->kind;
	case GUEST_DATA:
		return c->kind == GUEST_DATA && c->host == r->host + r->len;
	case GUEST_BAD:
		return c->kind == GUEST_BAD && c->why == r->why;
	case GUEST_PACKED:
		return false;
	}
	BUG("run of kind %u", r->kind);
}

static void begin_run(const struct guest *g, struct guest_run *r, const struct cell *c,
		      uint64_t entry)
{
	const struct qcow2 *q = g->q;

	r->kind = c->kind;
	r->host = c->host;
	r->why = c->why;
	if (c->kind == GUEST_DATA)
		r->src = g->data;
	if (c->kind != GUEST_PACKED)
		return;
	r->src = q->src;
	r->host_len =
		((entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >> q->compressed_shift) + 1;
	r->host_len = r->host_len * SECTOR - r->host % SECTOR;
}

/* A run of whole cells, which begins with the one that off lies in. */
static void collect(const struct guest *g, struct view table, uint64_t off, uint64_t end,
		    struct guest_run *r)
{
	const struct qcow2 *q = g->q;
	bool fine = q->extended_l2;
	uint64_t unit = fine ? q->cluster_size / SUBCLUSTERS : q->cluster_size;
	size_t width = (size_t)q->l2_entry_size;
	/* within what the L2 table covers, and within the bytes at hand */
	size_t n = (size_t)u64_min(table.n / width,
				   q->l2_entries - off / q->cluster_size % q->l2_entries);
	unsigned sub = fine ? (unsigned)(off % q->cluster_size / unit) : 0;

	r->off = off - off % unit;
	r->len = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t entry = view_be64(table, i * width);
		uint64_t bitmap = fine ? view_be64(table, i * width + 8) : 0;

		for (; sub < (fine ? SUBCLUSTERS : 1); sub++) {
			struct cell c = cell_of(g, entry, bitmap, sub);

			/* As QEMU does: it reads the place that both agree on, or none. */
			if (c.kind == GUEST_DATA && q->external_data &&
			    c.host != r->off + r->len)
				c = cell_bad("a cluster that is not at its guest offset "
					     "in the external data file");
			if (r->len == 0)
				begin_run(g, r, &c, entry);
			else if (r->off + r->len >= end || !goes_on(r, &c))
				return;
			r->len += unit;
			if (c.kind == GUEST_PACKED) {
				/* All of the cluster, subclusters or not. */
				r->off = off - off % q->cluster_size;
				r->len = q->cluster_size;
				return;
			}
		}
		sub = 0;
	}
}

/* The part of a run that was asked for. A compressed one keeps its begin, which is where
 * inflating it starts. */
static void cut(struct guest_run *r, uint64_t off, uint64_t end)
{
	uint64_t skip = off - r->off;

	r->len = u64_min(r->off + r->len, end) - off;
	r->off = off;
	if (r->kind == GUEST_DATA)
		r->host += skip;
}

static void run_bad(struct guest_run *r, uint64_t off, uint64_t len, const char *why)
{
	r->kind = GUEST_BAD;
	r->off = off;
	r->len = len;
	r->why = why;
}

/* L1 entries without an L2 table: each is l2_bytes of nothing. */
static void map_empty(const struct guest *g, struct view l1, uint64_t first, uint64_t off,
		      uint64_t end, struct guest_run *r)
{
	struct cell c = cell_unallocated(g);
	uint64_t n = 0, left = g->q->l1.n - first;

	while (n < left && n < l1.n / 8 &&
	       (view_be64(l1, (size_t)n * 8) & QCOW2_OFFSET_MASK) == 0)
		n++;
	r->off = first * g->q->l2_bytes;
	r->len = n * g->q->l2_bytes;
	begin_run(g, r, &c, 0);
	cut(r, off, end);
}

static int map_l2(struct guest *g, uint64_t l2, uint64_t off, uint64_t end,
		  struct guest_run *r, struct err *e)
{
	const struct qcow2 *q = g->q;
	uint64_t index = off / q->cluster_size % q->l2_entries;
	uint64_t most = u64_min(end, off - off % q->l2_bytes + q->l2_bytes);
	struct view table;

	if (l2 % q->cluster_size) {
		run_bad(r, off, most - off,
			"an L1 entry that is not aligned to a cluster");
		return 0;
	}
	r->entry = l2 + index * q->l2_entry_size;
	if (table_bytes(g, r->entry, &table, e) != 0)
		return -1;
	if (table.n < q->l2_entry_size) {
		run_bad(r, off, most - off, "an L2 table behind the end of the file");
		return 0;
	}
	collect(g, table, off, most, r);
	cut(r, off, most);
	return 0;
}

/* Where a backing file ends, zeros begin. */
static void bound_backing(const struct guest *g, struct guest_run *r)
{
	if (r->off >= g->backing->size) {
		r->kind = GUEST_ZERO;
		return;
	}
	r->src = g->backing;
	r->host = r->off;
	r->len = u64_min(r->len, g->backing->size - r->off);
}

static bool l1_usable(enum qcow2_table_state s)
{
	return s == QCOW2_TABLE_WHOLE || s == QCOW2_TABLE_CUT ||
	       s == QCOW2_TABLE_TOO_LARGE || s == QCOW2_TABLE_NO_ROOM;
}

int guest_map(struct guest *g, uint64_t off, uint64_t len, struct guest_run *out,
	      struct err *e)
{
	const struct qcow2 *q = g->q;
	uint64_t end = u64_min(g->size, off + u64_min(len, g->size)), l1, l2;
	struct view table = { 0 };

	BUG_ON(off >= end);
	*out = (struct guest_run){ 0 };
	l1 = off / q->l2_bytes;
	out->entry = q->l1.at.off + l1 * 8;
	if (!l1_usable(q->l1.state) || l1 >= q->l1.n) {
		run_bad(out, off, end - off, "the L1 table does not reach it");
		return 0;
	}
	if (table_bytes(g, out->entry, &table, e) != 0)
		return -1;
	if (table.n < 8) {
		run_bad(out, off, end - off, "the L1 table ends with the file before it");
		return 0;
	}
	l2 = view_be64(table, 0) & QCOW2_OFFSET_MASK;
	if (l2 == 0)
		map_empty(g, table, l1, off, end, out);
	else if (map_l2(g, l2, off, end, out, e) != 0)
		return -1;
	if (out->kind == GUEST_BACKING)
		bound_backing(g, out);
	return 0;
}

/* ---- bytes ---- */

/* What lies behind the end of a file that was cut within a cluster, or never written to the
 * end of it, reads as zeros. */
static int read_padded(const struct source *s, uint64_t off, uint8_t *buf, size_t n,
		       struct err *e)
{
	size_t have = off < s->size ? (size_t)u64_min(n, s->size - off) : 0;

	memset(buf + have, 0, n - have);
	return have ? source_read(s, off, buf, have, e) : 0;
}

static int read_packed(struct guest *g, const struct guest_run *r, uint8_t *buf,
		       struct err *e)
{
	const struct qcow2 *q = g->q;
	const uint8_t *p;

	if (guest_inflate(g->packed, r, (unsigned)q->compression.v,
			  (size_t)q->cluster_size, g->arena, &p, e) != 0)
		return -1;
	memcpy(buf, p + r->off % q->cluster_size, (size_t)r->len);
	return 0;
}

static int read_run(struct guest *g, const struct guest_run *r, uint8_t *buf,
		    struct err *e)
{
	switch (r->kind) {
	case GUEST_ZERO:
		memset(buf, 0, (size_t)r->len);
		return 0;
	case GUEST_DATA:
	case GUEST_BACKING:
		return read_padded(r->src, r->host, buf, (size_t)r->len, e);
	case GUEST_PACKED:
		return read_packed(g, r, buf, e);
	case GUEST_BAD:
		return err_set(
			e, ERR_UNREADABLE,
			"the guest's disk cannot be read at 0x%llx: %s (entry at 0x%llx "
			"of the file)",
			(unsigned long long)r->off, r->why, (unsigned long long)r->entry);
	}
	BUG("run of kind %u", r->kind);
}

int guest_read(struct guest *g, uint64_t off, uint8_t *buf, size_t n, struct err *e)
{
	struct guest_run r;

	for (size_t done = 0; done < n; done += (size_t)r.len) {
		if (guest_map(g, off + done, n - done, &r, e) != 0 ||
		    read_run(g, &r, buf + done, e) != 0)
			return -1;
	}
	return 0;
}

/* What the scan of the tables has kept needs no table. */
static bool known_run(const struct guest *g, uint64_t off, struct guest_run *r)
{
	const struct qcow2_scan *s = g->q->scan;
	size_t lo = 0, hi = s ? s->nextents : 0;
	uint64_t skip;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->extent[mid].guest <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || g->data != g->q->src)
		return false;
	skip = off - s->extent[lo - 1].guest;
	if (skip >= s->extent[lo - 1].len)
		return false;
	*r = (struct guest_run){ .kind = GUEST_DATA,
				 .off = off,
				 .len = u64_min(s->extent[lo - 1].len - skip,
						g->size - off),
				 .src = g->data,
				 .host = s->extent[lo - 1].host + skip };
	return true;
}

/* Runs of a chain's files count alike: depth must not multiply the work. */
static uint64_t next_data(struct guest *g, uint64_t off, uint64_t end, unsigned *runs)
{
	while (off<end && * runs> 0) {
		struct guest_run r;
		uint64_t next, to;
		struct err e;

		--*runs;
		if (!known_run(g, off, &r) &&
		    (guest_map(g, off, end - off, &r, &e) != 0 || r.kind == GUEST_BAD ||
		     r.kind == GUEST_PACKED))
			return off;
		if (r.kind == GUEST_ZERO) {
			off += r.len;
			continue;
		}
		to = r.host + r.len;
		next = r.src->guest && !r.src->patch
			       ? next_data(r.src->guest, r.host, to, runs)
			       : source_next_data(r.src, r.host);
		if (next < to)
			return off + (next - r.host);
		off += r.len;
	}
	return off;
}

/* From off up to what is known to be empty, or to the end of the disk. */
static uint64_t next_unless_known(struct guest *g, uint64_t off)
{
	uint64_t end = off < g->hole.from ? g->hole.from : g->size;
	unsigned most = (unsigned)u64_min(NEXT_DATA_RUNS, ASKED_MAX - g->asked);
	unsigned runs = most;

	off = next_data(g, off, end, &runs);
	g->asked += most - runs;
	return off;
}

uint64_t guest_next_data(struct guest *g, uint64_t off)
{
	uint64_t next;

	if (off >= g->size)
		return off;
	if (off >= g->hole.from && off < g->hole.to)
		return g->hole.to;
	next = next_unless_known(g, off);
	if (next == g->hole.from && next > off && g->hole.to > next)
		next = g->hole.to;
	if (next - off > g->hole.to - g->hole.from) {
		g->hole.from = off;
		g->hole.to = next;
	}
	return next;
}
