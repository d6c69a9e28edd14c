/* Clusters of a QCOW2 image that several places of its disk use, taken apart by copying.
 * docs/interop/qcow2.txt of QEMU, "Host cluster management".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_alloc.h"
#include "rewrite/qcow2_put.h"
#include "rewrite/qcow2_sound.h"
#include "base/banned.h"

enum {
	WALK_BUDGET = 24 << 20,
	/* New clusters of one repair: all of their bytes are in the journal. */
	ROOM = 16 << 20,
	COPIES_MAX = 4096,
	REFS_MAX = 16 << 10, /* entries that refer to the clusters in question */
	PIECE = 4096,        /* of a new cluster: those that are zeros are not written */
};

/* An entry of an L2 table that refers to one of the clusters, or of an L1 table to one of
 * the tables. */
struct ref {
	uint64_t at;    /* in the file */
	uint64_t guest; /* what it maps first */
	uint64_t entry, bitmap;
	uint64_t cluster;
	uint32_t
		weight; /* references that it is, by the snapshots that share its table */
	bool active, packed;
	bool fits; /* the entry before or behind it points to the neighbour */
};

/* References to a cluster that go elsewhere. */
struct gone {
	uint64_t cluster, moved;
};

struct cross {
	struct plan *plan;
	const struct qcow2 *q;
	const struct qcow2_flaw *v;
	size_t n;
	VEC(struct ref) refs;
	bool too_many;
	VEC(struct gone) gone;
	struct qcow2_alloc alloc;
	uint64_t copies;
	uint8_t *buf; /* a cluster */
};

static unsigned long long llu(uint64_t v)
{
	return v;
}

static bool refuse_err(struct cross *x, const struct err *e)
{
	return plan_refuse(x->plan, "%s", e->msg);
}

/* ---- who refers ---- */

static const struct qcow2_flaw *flaw_of(const struct cross *x, uint64_t cluster)
{
	for (size_t i = 0; i < x->n; i++) {
		if (x->v[i].cluster <= cluster && cluster < x->v[i].cluster + x->v[i].n)
			return &x->v[i];
	}
	return NULL;
}

static bool add_ref(struct cross *x, const struct ref *r)
{
	if (x->refs.n == REFS_MAX) {
		x->too_many = true;
		return false;
	}
	*(struct ref *)vec_add(&x->refs, x->plan->arena) = *r;
	return true;
}

static uint64_t points_to(const struct qcow2 *q, const uint8_t *p)
{
	uint64_t entry = qcow2_be64(p);

	return entry & QCOW2_COMPRESSED
		       ? UINT64_MAX
		       : (entry & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;
}

static void look_at_entry(struct cross *x, const struct qcow2_l2 *t, uint64_t i)
{
	const struct qcow2 *q = x->q;
	size_t stride = (size_t)q->l2_entry_size;
	const uint8_t *p = x->buf + i * stride;
	struct ref r = { .at = qcow2_l2_offset(t) + i * stride,
			 .guest = t->slot * q->l2_bytes + i * q->cluster_size,
			 .entry = qcow2_be64(p),
			 .bitmap = stride == 16 ? qcow2_be64(p + 8) : 0,
			 .weight = t->weight,
			 .active = t->active };
	uint64_t end;

	if (!(r.entry & (QCOW2_OFFSET_MASK | QCOW2_COMPRESSED)))
		return;
	r.packed = r.entry & QCOW2_COMPRESSED;
	r.cluster = (r.entry & (r.packed ? q->compressed_offset : QCOW2_OFFSET_MASK)) >>
		    q->cluster_bits.v;
	end = r.cluster + 1;
	if (r.packed) {
		uint64_t off = r.entry & q->compressed_offset;
		uint64_t more = (r.entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >>
				q->compressed_shift;

		end = ((off - off % 512 + more * 512 + 511) >> q->cluster_bits.v) + 1;
	}
	r.fits = !r.packed &&
		 ((i > 0 && points_to(q, p - stride) + 1 == r.cluster) ||
		  (i + 1 < q->l2_entries && points_to(q, p + stride) == r.cluster + 1));
	for (; r.cluster < end; r.cluster++) {
		if (flaw_of(x, r.cluster) && !add_ref(x, &r))
			return;
	}
}

static int l2_order(const void *a, const void *b)
{
	const struct qcow2_l2 *x = a, *y = b;
	uint64_t p = qcow2_l2_offset(x), q = qcow2_l2_offset(y);

	return (p > q) - (p < q);
}

/* Every table once. */
static bool read_tables(struct cross *x, struct qcow2_walk *w)
{
	const struct qcow2 *q = x->q;
	struct err e = { 0 };

	if (w->nt)
		qsort(w->t, w->nt, sizeof(*w->t), l2_order);
	for (size_t i = 0; i < w->nt; i++) {
		uint64_t off = qcow2_l2_offset(&w->t[i]);

		if (i && off == qcow2_l2_offset(&w->t[i - 1]))
			return plan_refuse(x->plan,
					   "the L2 table at 0x%llx is used "
					   "twice: see qcow2-l2-shared",
					   llu(off));
		if (qcow2_read_padded(q, off, x->buf, (size_t)q->cluster_size, &e) != 0)
			return refuse_err(x, &e);
		for (uint64_t k = 0; k < q->l2_entries && !x->too_many; k++)
			look_at_entry(x, &w->t[i], k);
	}
	return true;
}

static void note_l1_entry(void *arg, const struct qcow2_l1 *l1, uint64_t slot,
			  uint64_t entry)
{
	struct cross *x = arg;
	struct ref r = { .at = l1->off + slot * 8,
			 .guest = slot * x->q->l2_bytes,
			 .entry = entry,
			 .cluster = (entry & QCOW2_OFFSET_MASK) >> x->q->cluster_bits.v,
			 .weight = l1->weight,
			 .active = l1->snapshot == QCOW2_ACTIVE };

	if (flaw_of(x, r.cluster))
		add_ref(x, &r);
}

/* By cluster, then what it shows, those that keep it first. */
static int ref_order(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->cluster != y->cluster)
		return x->cluster < y->cluster ? -1 : 1;
	if (x->guest != y->guest)
		return x->guest < y->guest ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* tables: the entries of L1 tables, else those of L2 tables. */
static bool find_refs(struct cross *x, bool tables)
{
	struct err e = { 0 };
	struct arena scratch;
	struct qcow2_walk w = { .q = x->q, .a = &scratch, .e = &e, .arg = x };
	bool done;

	w.l1_entry = tables ? note_l1_entry : NULL;
	arena_init(&scratch, WALK_BUDGET);
	done = qcow2_walk_l1(&w) == 0;
	if (!done)
		plan_refuse(x->plan, "%s", e.msg);
	else if (!tables && !w.limit)
		done = read_tables(x, &w);
	arena_free(&scratch);
	if (done && (w.limit || x->too_many))
		return plan_refuse(x->plan, "not all was looked at: %s",
				   w.limit ? w.limit
					   : "more entries than are put right at once");
	if (x->refs.n)
		vec_sort(&x->refs, ref_order);
	return done;
}

/* ---- copies ---- */

static bool begin(struct cross *x)
{
	const struct qcow2 *q = x->q;
	uint64_t was = q->src->fd < 0 ? q->src->mem.n : (uint64_t)q->src->st.st_size;
	uint64_t used = x->plan->size > was ? x->plan->size - was : 0;

	if (!q->scan->complete)
		return plan_refuse(x->plan, "not all references could be counted");
	if (q->crypt_method.v != QCOW2_CRYPT_NONE)
		return plan_refuse(x->plan, "encrypted data is bound to its place");
	if (q->external_data)
		return plan_refuse(x->plan, "its data is in another file");
	if (q->rt.state != QCOW2_TABLE_WHOLE)
		return plan_refuse(x->plan, "the refcounts are mended first");
	x->buf = arena_array(x->plan->arena, (size_t)q->cluster_size, uint8_t);
	return qcow2_alloc_begin(&x->alloc, x->plan, q, ROOM - u64_min(used, ROOM));
}

/* Where nothing was: zeros come by themselves. */
static bool put_new(struct cross *x, uint64_t off, const uint8_t *p)
{
	size_t n = (size_t)x->q->cluster_size, end;

	plan_grow(x->plan, off + n);
	for (size_t i = 0, k; i < n; i = end) {
		k = n - i < PIECE ? n - i : PIECE;
		end = i + k;
		if (view_is_zero((struct view){ p + i, k }))
			continue;
		while (end < n) {
			k = n - end < PIECE ? n - end : PIECE;
			if (view_is_zero((struct view){ p + end, k }))
				break;
			end += k;
		}
		if (!plan_bytes(x->plan, STAGE_TABLES, off + i,
				(struct view){ p + i, end - i }))
			return false;
	}
	return true;
}

/* A new cluster with so many references. */
static bool take(struct cross *x, uint64_t weight, uint64_t *off)
{
	if (x->copies++ == COPIES_MAX)
		return plan_refuse(x->plan,
				   "more than %d clusters would have to be copied",
				   COPIES_MAX);
	return qcow2_alloc_take(&x->alloc, off) &&
	       qcow2_alloc_set(&x->alloc, *off >> x->q->cluster_bits.v, weight);
}

static bool copy_cluster(struct cross *x, uint64_t cluster, uint64_t weight,
			 uint64_t *off)
{
	const struct qcow2 *q = x->q;
	uint64_t from = cluster << q->cluster_bits.v;
	struct err e = { 0 };

	if (qcow2_read_padded(q, from, x->buf, (size_t)q->cluster_size, &e) != 0)
		return refuse_err(x, &e);
	return take(x, weight, off) && put_new(x, *off, x->buf);
}

static struct gone *gone_of(struct cross *x, uint64_t cluster)
{
	struct gone *g;

	for (size_t i = 0; i < x->gone.n; i++) {
		if (x->gone.v[i].cluster == cluster)
			return &x->gone.v[i];
	}
	g = vec_add(&x->gone, x->plan->arena);
	g->cluster = cluster;
	return g;
}

/* `moved` more of the references to a cluster go elsewhere. *left: its refcount then. */
static bool let_go(struct cross *x, uint64_t cluster, uint64_t moved, uint64_t *left)
{
	uint64_t counted = qcow2_refs_count(&x->q->scan->refs, cluster), stored, rest;
	struct gone *g = gone_of(x, cluster);

	if (!qcow2_alloc_get(&x->alloc, cluster, &stored))
		return false;
	rest = counted - u64_min(counted, g->moved + moved);
	if (stored < rest)
		return plan_refuse(
			x->plan,
			"host cluster %llu has refcount %llu, too low for what "
			"stays: see qcow2-refcount-low",
			llu(cluster), llu(stored));
	/* What is more than was counted may be a lost table's. */
	*left = stored > counted - u64_min(counted, g->moved) ? stored - moved : rest;
	g->moved += moved;
	return *left == stored || qcow2_alloc_lower(&x->alloc, cluster, *left);
}

static bool reads_none(const struct qcow2 *q, const struct ref *r)
{
	return q->extended_l2 ? !(r->bitmap & UINT32_MAX) : r->entry & QCOW2_ZERO;
}

/* The entry, once its table can be trusted: those in question were looked at. */
static bool point(struct cross *x, const struct ref *r, enum stage stage, uint64_t entry)
{
	if (!flaw_of(x, r->at >> x->q->cluster_bits.v) && !qcow2_is_table(x->q, r->at))
		return plan_refuse(
			x->plan,
			"what is read as an L2 table at 0x%llx may be something "
			"else",
			llu(r->at - r->at % x->q->cluster_size));
	return qcow2_plan_be64(x->plan, stage, r->at, entry);
}

static enum stage switch_stage(const struct cross *x)
{
	return x->alloc.grown ? STAGE_COMMIT : STAGE_HEADERS;
}

static uint64_t weight_of(const struct ref *r, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += r[i].weight;
	return sum;
}

/* Entries for one place of the disk, in one table or more, get a cluster of their own. */
static bool move_group(struct cross *x, const struct ref *r, size_t n)
{
	uint64_t weight = weight_of(r, n), off = 0;
	bool none = true;

	for (size_t i = 0; i < n; i++)
		none = none && reads_none(x->q, &r[i]);
	/* What reads as zeros needs none. */
	if (!none && !copy_cluster(x, r->cluster, weight, &off))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t entry = (r[i].entry & ~(QCOW2_OFFSET_MASK | QCOW2_COPIED)) | off;

		if (off && weight == 1 && r[i].active)
			entry |= QCOW2_COPIED;
		if (!point(x, &r[i], switch_stage(x), entry))
			return false;
	}
	return true;
}

/* The one entry that is left says so. */
static bool mark_copied(struct cross *x, const struct ref *r, size_t n)
{
	if (n != 1 || !r->active || r->packed || r->entry & QCOW2_COPIED)
		return true;
	return point(x, r, STAGE_FREE, r->entry | QCOW2_COPIED);
}

/* The same of the L1 entry of an L2 table that is alone with its cluster again. */
static bool mark_table(struct cross *x, const struct qcow2_flaw *f)
{
	const struct qcow2_owner *o = NULL;

	for (size_t i = 0; i < f->nowners; i++) {
		if (f->owner[i].use == QCOW2_USE_L2)
			o = &f->owner[i];
	}
	if (!o || o->snapshot != QCOW2_ACTIVE || o->entry & QCOW2_COPIED)
		return true;
	return qcow2_plan_be64(x->plan, STAGE_FREE, o->at.off, o->entry | QCOW2_COPIED);
}

static size_t group_length(const struct ref *r, size_t n)
{
	size_t i = 1;

	while (i < n && r[i].guest == r->guest && r[i].cluster == r->cluster)
		i++;
	return i;
}

static bool has_metadata(const struct qcow2_flaw *f)
{
	for (size_t i = 0; i < f->nowners; i++) {
		if (qcow2_use_is_metadata(f->owner[i].use))
			return true;
	}
	return false;
}

/* Which of the places keeps the cluster: the first whose neighbours are the cluster's, else
 * the first. n: none, since a table or compressed data has it. */
static size_t keeper(const struct ref *r, size_t n, const struct qcow2_flaw *f)
{
	for (size_t i = 0; i < n; i++) {
		if (r[i].packed)
			return n;
	}
	for (size_t i = 0; i < n && !has_metadata(f); i++) {
		size_t k = i;

		/* The first of its group. */
		while (k > 0 && r[k - 1].guest == r[i].guest)
			k--;
		if (r[i].fits)
			return k;
	}
	return has_metadata(f) ? n : 0;
}

/* All entries that refer to one cluster. */
static bool part_cluster(struct cross *x, const struct ref *r, size_t n)
{
	const struct qcow2_flaw *f = flaw_of(x, r->cluster);
	size_t keep = keeper(r, n, f), kept = 0;
	uint64_t moved = 0, left;

	for (size_t i = 0, k; i < n; i += k) {
		k = group_length(r + i, n - i);
		if (i == keep)
			kept = k;
		if (i == keep || r[i].packed)
			continue;
		if (!move_group(x, r + i, k))
			return false;
		moved += weight_of(r + i, k);
	}
	if (!let_go(x, r->cluster, moved, &left))
		return false;
	if (left != 1)
		return true;
	return keep == n ? mark_table(x, f) : mark_copied(x, r + keep, kept);
}

/* ---- clusters ---- */

bool qcow2_plan_apart(struct plan *p, const struct qcow2 *q, const struct qcow2_flaw *v,
		      size_t n)
{
	struct cross x = { .plan = p, .q = q, .v = v, .n = n };

	if (!begin(&x))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!qcow2_tables_are_sound(p, q, &v[i], x.buf))
			return false;
	}
	if (!find_refs(&x, false))
		return false;
	for (size_t i = 0, k; i < x.refs.n; i = k) {
		for (k = i + 1;
		     k < x.refs.n && x.refs.v[k].cluster == x.refs.v[i].cluster; k++)
			;
		if (!part_cluster(&x, &x.refs.v[i], k - i))
			return false;
	}
	return qcow2_alloc_write(&x.alloc);
}

/* ---- L2 tables ---- */

/* One entry of a table that is copied: what it points to is copied as well. Streams of
 * compressed data may have any number of references. */
static bool own_entry(struct cross *x, uint8_t *p, uint64_t weight)
{
	const struct qcow2 *q = x->q;
	struct ref r = { .entry = qcow2_be64(p), .weight = (uint32_t)weight };
	uint64_t off = 0, left;

	r.bitmap = q->extended_l2 ? qcow2_be64(p + 8) : 0;
	r.cluster = (r.entry & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;
	if (r.entry & QCOW2_COMPRESSED || !r.cluster)
		return true;
	if (!reads_none(q, &r) && !copy_cluster(x, r.cluster, weight, &off))
		return false;
	if (!let_go(x, r.cluster, weight, &left))
		return false;
	r.entry = (r.entry & ~(QCOW2_OFFSET_MASK | QCOW2_COPIED)) | off;
	qcow2_put64(p, r.entry | (off && weight == 1 ? QCOW2_COPIED : 0));
	return true;
}

/* A table of its own for one slot. refs: the entries of L1 tables. */
static bool own_table(struct cross *x, const uint8_t *was, const struct ref *r, size_t n)
{
	const struct qcow2 *q = x->q;
	uint64_t weight = weight_of(r, n), off;
	size_t size = (size_t)q->cluster_size;
	uint8_t *is = arena_array(x->plan->arena, size, uint8_t);

	memcpy(is, was, size);
	for (uint64_t i = 0; i < q->l2_entries; i++) {
		if (!own_entry(x, is + i * q->l2_entry_size, weight))
			return false;
	}
	if (!take(x, weight, &off) || !put_new(x, off, is))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t entry = off;

		if (weight == 1 && r[i].active)
			entry |= QCOW2_COPIED;
		if (!qcow2_plan_be64(x->plan, STAGE_COMMIT, r[i].at, entry))
			return false;
	}
	return true;
}

/* COPIED of what the slot that keeps the table has alone from now on. */
static bool mark_kept(struct cross *x, const uint8_t *was, const struct ref *r, size_t n,
		      uint64_t left)
{
	const struct qcow2 *q = x->q;

	if (n != 1 || !r->active || left != 1)
		return true;
	for (uint64_t i = 0; i < q->l2_entries; i++) {
		uint64_t entry = qcow2_be64(was + i * q->l2_entry_size), count;
		uint64_t c = (entry & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;

		if (entry & (QCOW2_COMPRESSED | QCOW2_COPIED) || !c)
			continue;
		if (!qcow2_alloc_get(&x->alloc, c, &count))
			return false;
		if (count == 1 && !qcow2_plan_be64(x->plan, STAGE_FREE,
						   (r->entry & QCOW2_OFFSET_MASK) +
							   i * q->l2_entry_size,
						   entry | QCOW2_COPIED))
			return false;
	}
	return r->entry & QCOW2_COPIED ||
	       qcow2_plan_be64(x->plan, STAGE_FREE, r->at, r->entry | QCOW2_COPIED);
}

/* The lowest slot keeps the table. */
static bool part_table(struct cross *x, const struct ref *r, size_t n)
{
	const struct qcow2 *q = x->q;
	size_t size = (size_t)q->cluster_size, kept = group_length(r, n);
	uint8_t *was = arena_array(x->plan->arena, size, uint8_t);
	uint64_t moved = 0, left;
	struct err e = { 0 };

	if (!qcow2_is_sound_l2(q, r->cluster << q->cluster_bits.v, x->buf))
		return plan_refuse(x->plan, "host cluster %llu is no whole table",
				   llu(r->cluster));
	if (qcow2_read_padded(q, r->cluster << q->cluster_bits.v, was, size, &e) != 0)
		return refuse_err(x, &e);
	for (size_t i = kept, k; i < n; i += k) {
		k = group_length(r + i, n - i);
		if (!own_table(x, was, r + i, k))
			return false;
		moved += weight_of(r + i, k);
	}
	return let_go(x, r->cluster, moved, &left) && mark_kept(x, was, r, kept, left);
}

bool qcow2_plan_own_tables(struct plan *p, const struct qcow2 *q,
			   const struct qcow2_flaw *v, size_t n)
{
	struct cross x = { .plan = p, .q = q, .v = v, .n = n };

	if (!begin(&x))
		return false;
	if (q->scan->orphans[QCOW2_ORPHAN_L2])
		return plan_refuse(p, "there is an L2 table to which nothing refers, and "
				      "one of these entries may have lost it: see "
				      "qcow2-orphan-table");
	if (!qcow2_is_sound_l1(q))
		return plan_refuse(p, "the L1 table has more that is wrong");
	if (!find_refs(&x, true))
		return false;
	for (size_t i = 0, k; i < x.refs.n; i = k) {
		for (k = i + 1;
		     k < x.refs.n && x.refs.v[k].cluster == x.refs.v[i].cluster; k++)
			;
		if (!part_table(&x, &x.refs.v[i], k - i))
			return false;
	}
	return qcow2_alloc_write(&x.alloc);
}
