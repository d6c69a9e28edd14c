/* Clusters of a QCOW2 image that have a refcount, though nothing refers to them: a table
 * that was lost, what it pointed to, or left-overs of a crash.
 *
 * The first bytes of each are looked at; what may be a table is read whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_tally.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	HEAD = 512,            /* bytes of a cluster that are looked at first */
	HEADS_MAX = 128 << 10, /* clusters that are looked at */
	WHOLE_MAX = 64 << 20,  /* bytes of clusters that are read whole */
	PLAIN_KEPT = 3072,     /* runs; the rest of QCOW2_ORPHANS_KEPT is for tables */
	SET_BUDGET = 4 << 20,  /* of a set of clusters */
	REFCOUNT_PLAUSIBLE = 64,
	SNAPSHOT_ID_MAX = 64, /* bytes, as QEMU writes them: a number */
	SNAPSHOT_NAME_MAX = 255,
};

struct orphans {
	struct qcow2_tally *t;
	VEC(struct qcow2_orphan) v;
	size_t plain; /* runs in v that are no tables */
	uint8_t *buf;
	uint64_t heads, whole; /* that were read, clusters and bytes */
	uint64_t data;         /* there is none in [asked, data) */
	uint64_t asked;
	struct qcow2_refs stale;  /* clusters of bitmaps without their autoclear bit */
	struct qcow2_refs tables; /* that are L2 tables, or look like one */
	uint8_t *block;           /* refcounts, the last that were asked for */
	uint64_t block_index;
	bool block_read, failed;
};

/* ---- help ---- */

static bool leaked(const struct orphans *o, uint64_t cluster)
{
	return qcow2_refs_marked(&o->t->scan->refs, QCOW2_MARK_LEAKED, cluster);
}

static uint64_t stored(struct orphans *o, uint64_t cluster)
{
	uint64_t v;

	if (qcow2_tally_stored(o->t, cluster, &v) != 0)
		o->failed = true;
	return v;
}

static bool is_hole(struct orphans *o, uint64_t off)
{
	if (off < o->asked || off >= o->data) {
		o->asked = off;
		o->data = source_next_data(o->t->q->src, off);
	}
	return o->data >= off + o->t->q->cluster_size;
}

/* ---- what a cluster looks like ---- */

bool qcow2_may_be_l2_entry(const struct qcow2 *q, uint64_t e)
{
	uint64_t off = e & QCOW2_OFFSET_MASK;

	if (e & QCOW2_COMPRESSED)
		return !(e & QCOW2_COPIED) && (e & q->compressed_offset) < q->file_size &&
		       (e & q->compressed_offset) >= q->cluster_size;
	if (e & QCOW2_L2_RESERVED || off % q->cluster_size != 0)
		return false;
	if (q->external_data)
		return off != 0 || e == 0 || e & (QCOW2_COPIED | QCOW2_ZERO);
	return off < q->file_size && (off != 0 || e <= QCOW2_ZERO);
}

bool qcow2_looks_like_l2(const struct qcow2 *q, const uint8_t *p, size_t n)
{
	bool points = false;

	for (size_t i = 0; i < n; i += q->l2_entry_size) {
		uint64_t e = qcow2_be64(p + i);

		if (!qcow2_may_be_l2_entry(q, e))
			return false;
		points = points || e & ~QCOW2_ZERO;
	}
	return points;
}

/* An L1 table has entries of 8 bytes also with extended L2. */
static bool looks_like_l1(const struct qcow2 *q, const uint8_t *p, size_t n)
{
	bool points = false;

	for (size_t i = 0; i < n; i += 8) {
		uint64_t e = qcow2_be64(p + i), off = e & QCOW2_OFFSET_MASK;

		if (e & QCOW2_L1_RESERVED || off % q->cluster_size != 0 ||
		    off >= q->file_size || (e && !off))
			return false;
		points = points || e;
	}
	return points;
}

static bool is_printable(struct view v)
{
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < ' ' || v.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* The first entry of a snapshot table, as QEMU writes it. */
static bool looks_like_snapshots(const struct qcow2 *q, const uint8_t *p)
{
	struct view v = { p, HEAD };
	uint64_t l1 = view_be64(v, QCOW2_SNAP_L1_OFFSET);
	uint32_t size = view_be32(v, QCOW2_SNAP_L1_SIZE);
	size_t id = view_be16(v, QCOW2_SNAP_ID_LENGTH);
	size_t name = view_be16(v, QCOW2_SNAP_NAME_LENGTH);
	uint32_t extra = view_be32(v, QCOW2_SNAP_EXTRA_SIZE);

	if (l1 == 0 || l1 % q->cluster_size != 0 || l1 >= q->file_size || size == 0 ||
	    size > QCOW2_L1_MAX / 8 || extra > HEAD / 2 || extra % 8 || id == 0 ||
	    id > SNAPSHOT_ID_MAX || name > SNAPSHOT_NAME_MAX)
		return false;
	if (!view_has(v, QCOW2_SNAP_SIZE + extra, id))
		return false;
	return is_printable(view_cut(v, QCOW2_SNAP_SIZE + extra, id));
}

/* Small numbers, most of them 1. Narrow ones look like anything. */
static bool looks_like_refcounts(const struct qcow2 *q, const uint8_t *p, size_t n)
{
	size_t width = q->refcount_bits / 8, ones = 0, others = 0;

	if (q->refcount_bits < 16)
		return false;
	for (size_t i = 0; i < n; i += width) {
		uint64_t v = 0;

		for (size_t k = 0; k < width; k++)
			v = v << 8 | p[i + k];
		if (v > REFCOUNT_PLAUSIBLE)
			return false;
		ones += v == 1;
		others += v > 1;
	}
	return ones > others;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	return view_is_zero((struct view){ p, n });
}

/* A cluster whose head is in o->buf. -1: an ERROR. */
static int look_closer(struct orphans *o, uint64_t off, enum qcow2_orphan_kind *k)
{
	const struct qcow2 *q = o->t->q;
	size_t n = (size_t)q->cluster_size;
	uint8_t *p = o->buf;
	bool blank = is_zero(p, HEAD);

	*k = QCOW2_ORPHAN_DATA;
	if (!blank && looks_like_snapshots(q, p))
		*k = QCOW2_ORPHAN_SNAPSHOT_TABLE;
	if (!blank && !qcow2_looks_like_l2(q, p, HEAD) && !looks_like_l1(q, p, HEAD) &&
	    !looks_like_refcounts(q, p, HEAD))
		return 0;
	*k = QCOW2_ORPHAN_UNSEEN;
	if (o->whole + n > WHOLE_MAX)
		return 0;
	o->whole += n;
	if (qcow2_read_padded(q, off, p, n, o->t->e) != 0)
		return -1;
	*k = QCOW2_ORPHAN_DATA;
	if (is_zero(p, n))
		*k = QCOW2_ORPHAN_BLANK;
	else if (qcow2_looks_like_l2(q, p, n))
		*k = QCOW2_ORPHAN_L2;
	else if (looks_like_l1(q, p, n))
		*k = QCOW2_ORPHAN_L1;
	else if (looks_like_refcounts(q, p, n))
		*k = QCOW2_ORPHAN_REFCOUNT_BLOCK;
	return 0;
}

static int look_at(struct orphans *o, uint64_t cluster, enum qcow2_orphan_kind *k)
{
	const struct qcow2 *q = o->t->q;
	uint64_t off = cluster << q->cluster_bits.v;

	*k = QCOW2_ORPHAN_BLANK;
	if (qcow2_refs_count(&o->stale, cluster)) {
		*k = QCOW2_ORPHAN_STALE_BITMAP;
		return 0;
	}
	if (is_hole(o, off))
		return 0;
	*k = QCOW2_ORPHAN_UNSEEN;
	if (++o->heads > HEADS_MAX)
		return 0;
	if (qcow2_read_padded(q, off, o->buf, HEAD, o->t->e) != 0)
		return -1;
	return look_closer(o, off, k);
}

/* ---- tables ---- */

/* What the entries of the table in o->buf point at. */
static void count_points(struct orphans *o, struct qcow2_orphan *x, size_t stride)
{
	const struct qcow2 *q = o->t->q;

	for (size_t i = 0; i < q->cluster_size / stride && !o->failed; i++) {
		uint64_t e = qcow2_be64(o->buf + i * stride), c, refcount;
		bool packed = e & QCOW2_COMPRESSED;

		if (!e)
			continue;
		if (!x->points.used++)
			x->points.first = (uint32_t)i;
		x->points.last = (uint32_t)i;
		c = e & (packed ? q->compressed_offset : QCOW2_OFFSET_MASK);
		c >>= q->cluster_bits.v;
		if (!c || q->external_data)
			continue;
		if (leaked(o, c))
			x->points.leaked++;
		else if (qcow2_refs_count(&o->t->scan->refs, c))
			x->points.taken++;
		else
			x->points.lost++;
		refcount = packed ? 0 : stored(o, c);
		x->points.flagged += packed || (refcount == 1) == !!(e & QCOW2_COPIED);
	}
}

static void add(struct orphans *o, const struct qcow2_orphan *x)
{
	struct qcow2_orphan *last = o->v.n ? &o->v.v[o->v.n - 1] : NULL;
	bool table = x->kind == QCOW2_ORPHAN_L2 || x->kind == QCOW2_ORPHAN_L1 ||
		     x->kind == QCOW2_ORPHAN_SNAPSHOT_TABLE;

	o->t->scan->orphans[x->kind] += x->n;
	if (last && !table && last->kind == x->kind && last->stored == x->stored &&
	    last->cluster + last->n == x->cluster) {
		last->n += x->n;
		return;
	}
	if (o->v.n == QCOW2_ORPHANS_KEPT || (!table && o->plain == PLAIN_KEPT))
		return;
	*(struct qcow2_orphan *)vec_add(&o->v, o->t->a) = *x;
	o->plain += !table;
}

static int look_at_run(struct orphans *o, const struct qcow2_flaw *leak)
{
	const struct qcow2 *q = o->t->q;

	for (uint64_t i = 0; i < leak->n; i++) {
		struct qcow2_orphan x = { .cluster = leak->cluster + i,
					  .n = 1,
					  .stored = leak->stored };

		if (look_at(o, x.cluster, &x.kind) != 0)
			return -1;
		if (x.kind == QCOW2_ORPHAN_UNSEEN && o->heads > HEADS_MAX) {
			x.n = leak->n - i;
			i += x.n - 1;
		}
		if (x.kind == QCOW2_ORPHAN_L2)
			count_points(o, &x, (size_t)q->l2_entry_size);
		else if (x.kind == QCOW2_ORPHAN_L1)
			count_points(o, &x, 8);
		if (x.kind == QCOW2_ORPHAN_L2 &&
		    !qcow2_refs_add(&o->tables, x.cluster, 1, 1, 0))
			qcow2_tally_limit(o->t, "lost tables");
		add(o, &x);
		if (o->failed)
			return -1;
	}
	return 0;
}

/* A table most of whose entries point at tables is an L1 table. */
static int tell_l1(struct orphans *o)
{
	const struct qcow2 *q = o->t->q;

	for (size_t i = 0; i < o->v.n; i++) {
		struct qcow2_orphan *x = &o->v.v[i];
		uint32_t tables = 0, used = 0;

		if (x->kind != QCOW2_ORPHAN_L2)
			continue;
		if (qcow2_read_padded(q, x->cluster << q->cluster_bits.v, o->buf,
				      (size_t)q->cluster_size, o->t->e) != 0)
			return -1;
		for (size_t k = 0; k < q->cluster_size; k += 8) {
			uint64_t e = qcow2_be64(o->buf + k) & QCOW2_OFFSET_MASK;

			used += e != 0;
			tables +=
				e && qcow2_refs_count(&o->tables, e >> q->cluster_bits.v);
		}
		if (tables * 2 <= used)
			continue;
		x->kind = QCOW2_ORPHAN_L1;
		o->t->scan->orphans[QCOW2_ORPHAN_L2]--;
		o->t->scan->orphans[QCOW2_ORPHAN_L1]++;
	}
	return 0;
}

/* ---- the whole ---- */

static bool note_stale(struct qcow2_tally *t, const struct qcow2_range *r)
{
	struct orphans *o = t->walk.arg;
	unsigned bits = (unsigned)t->q->cluster_bits.v;

	return !qcow2_range_counts(t->q, r) ||
	       qcow2_refs_add(&o->stale, r->off >> bits,
			      ((r->off + r->len - 1) >> bits) - (r->off >> bits) + 1, 1,
			      0);
}

static bool prepare(struct orphans *o)
{
	const struct qcow2_walk *w = &o->t->walk;
	unsigned bits = (unsigned)o->t->q->cluster_bits.v;

	qcow2_refs_init(&o->stale, o->t->scratch, SET_BUDGET);
	qcow2_refs_init(&o->tables, o->t->scratch, SET_BUDGET);
	o->buf = arena_try(o->t->scratch, o->t->q->cluster_size, 1);
	if (!o->buf)
		return false;
	for (size_t i = 0; i < w->nt; i++) {
		if (!qcow2_refs_add(&o->tables, qcow2_l2_offset(&w->t[i]) >> bits, 1, 1,
				    0))
			return false;
	}
	return true;
}

static void list_empty_slots(struct qcow2_tally *t)
{
	VEC(struct qcow2_slots) v = { 0 };
	uint64_t n = u64_min(t->q->l1.raw.n / 8, t->q->l1_needed);

	for (uint64_t i = 0; i < n; i++) {
		struct qcow2_slots *last = v.n ? &v.v[v.n - 1] : NULL;

		if (qcow2_entry(t->q->l1.raw, (size_t)i) & QCOW2_OFFSET_MASK)
			continue;
		if (last && last->first + last->n == i)
			last->n++;
		else if (v.n < QCOW2_SLOTS_KEPT)
			*(struct qcow2_slots *)vec_add(&v, t->a) =
				(struct qcow2_slots){ .first = i, .n = 1 };
	}
	t->scan->empty = v.v;
	t->scan->nempty = v.n;
}

static int by_cluster(const void *a, const void *b)
{
	const struct qcow2_flaw *x = a, *y = b;

	return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

int qcow2_orphans(struct qcow2_tally *t)
{
	struct orphans o = { .t = t };
	const struct qcow2_flaws *all = &t->scan->flaws[QCOW2_FLAW_LEAK];
	struct qcow2_flaw *leak = t->flaws[QCOW2_FLAW_LEAK].v;
	uint64_t seen = 0;

	if (all->total == 0)
		return 0;
	if (!prepare(&o)) {
		qcow2_tally_limit(t, "leaked clusters");
		return 0;
	}
	t->walk.arg = &o;
	if (!(t->q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS) &&
	    qcow2_each_bitmap(t, note_stale) != 0)
		return -1;
	qsort(leak, t->flaws[QCOW2_FLAW_LEAK].n, sizeof(*leak), by_cluster);
	for (size_t i = 0; i < t->flaws[QCOW2_FLAW_LEAK].n; i++) {
		if (look_at_run(&o, &leak[i]) != 0)
			return -1;
		seen += leak[i].n;
	}
	t->scan->orphans[QCOW2_ORPHAN_UNSEEN] += all->total - seen;
	if (t->scan->orphans[QCOW2_ORPHAN_UNSEEN])
		qcow2_tally_limit(t, "leaked clusters");
	if (tell_l1(&o) != 0)
		return -1;
	t->scan->orphan = o.v.v;
	t->scan->norphans = o.v.n;
	list_empty_slots(t);
	return 0;
}
