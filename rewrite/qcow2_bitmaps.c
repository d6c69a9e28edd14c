/* The clusters of a QCOW2's bitmaps, once the header no longer names them:
 * docs/interop/qcow2.txt of QEMU, "Bitmaps".
 *
 * Only what is certainly theirs becomes free: what something else refers to, too, and what
 * a damaged table points at, stays as it is. No byte of them changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_loose.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum { SET_BUDGET = 8 << 20 };
#define TABLES_MAX (UINT64_C(16) << 20) /* bytes of their tables that are read */

struct bitmaps {
	const struct qcow2 *q;
	bool all;                  /* also of tables that are damaged */
	struct qcow2_refs *theirs; /* references from bitmaps, stale or not */
	uint64_t read;
	bool wrong, failed; /* the table that is read; no memory */
};

static void add(struct bitmaps *b, uint64_t off, uint64_t len)
{
	unsigned bits = (unsigned)b->q->cluster_bits.v;
	uint64_t first = off >> bits;

	if (!qcow2_refs_add(b->theirs, first, ((off + len - 1) >> bits) - first + 1, 1,
			    0))
		b->failed = true;
}

static bool entry_is_right(const struct qcow2 *q, uint64_t entry)
{
	uint64_t off = entry & QCOW2_OFFSET_MASK;

	return !(entry & QCOW2_BME_RESERVED) && off % q->cluster_size == 0 &&
	       off < q->file_size && !(off && entry & 1);
}

static bool look_at_entry(void *arg, uint64_t i, uint64_t entry)
{
	struct bitmaps *b = arg;

	(void)i;
	b->wrong = b->wrong || !entry_is_right(b->q, entry);
	return !b->wrong;
}

static bool add_entry(void *arg, uint64_t i, uint64_t entry)
{
	struct bitmaps *b = arg;

	(void)i;
	if (entry & QCOW2_OFFSET_MASK && entry_is_right(b->q, entry))
		add(b, entry & QCOW2_OFFSET_MASK, b->q->cluster_size);
	return !b->failed;
}

/* False: the work could not be done. */
static bool add_bitmap(struct bitmaps *b, const struct qcow2_table *t, struct err *e,
		       bool *right)
{
	*right = false;
	if (t->state != QCOW2_TABLE_WHOLE || t->at.len == 0 ||
	    t->at.len > TABLES_MAX - b->read)
		return true;
	b->read += t->at.len;
	b->wrong = false;
	if (qcow2_each_entry(b->q, t->at.off, t->n, look_at_entry, b, e) != 0)
		return false;
	if (b->wrong && !b->all)
		return true;
	*right = true;
	add(b, t->at.off, t->at.len);
	return qcow2_each_entry(b->q, t->at.off, t->n, add_entry, b, e) == 0;
}

bool qcow2_bitmap_users(const struct qcow2 *q, bool all, struct qcow2_refs *out,
			struct arena *a, struct err *e)
{
	struct bitmaps b = { .q = q, .all = all, .theirs = out };
	const struct qcow2_bitmaps *list = &q->bitmaps;
	bool right, one = all;

	qcow2_refs_init(out, a, SET_BUDGET);
	for (size_t i = 0; i < list->n && !b.failed; i++) {
		if (!add_bitmap(&b, &list->v[i].table, e, &right))
			return false;
		one = one || right;
	}
	/* A directory of which nothing can be made sense may be none. */
	if (one && list->at.len && span_end(list->at) <= q->file_size)
		add(&b, list->at.off, list->at.len);
	if (b.failed)
		err_set(e, ERR_LIMIT, "has bitmaps with too many clusters");
	return !b.failed;
}

/* ---- no longer in use ---- */

struct freeing {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_refs theirs;
	bool counted; /* by the scan, which leaves out those that are stale */
	uint8_t *was, *is;
};

/* Nobody else refers to it. */
static bool is_free(const struct freeing *b, uint64_t cluster)
{
	return qcow2_refs_count(&b->theirs, cluster) == 1 &&
	       qcow2_refs_count(&b->q->scan->refs, cluster) == b->counted;
}

static bool has_some(const struct freeing *b, uint64_t first)
{
	uint64_t end = first + b->q->refblock_entries;
	uint32_t count;

	for (uint64_t c = first; c < end; c += qcow2_refs_run(&b->theirs, c, &count)) {
		if (qcow2_refs_count(&b->theirs, c))
			return true;
	}
	return false;
}

static bool free_in_block(struct freeing *b, size_t block)
{
	const struct qcow2 *q = b->q;
	uint64_t off = qcow2_entry(q->rt.raw, block) & QCOW2_RT_MASK;
	uint64_t first = block * q->refblock_entries;
	size_t n = (size_t)q->cluster_size;
	struct err e = { 0 };

	if (!has_some(b, first) || !off || off % n != 0 || off >= q->file_size ||
	    q->file_size - off < n || !qcow2_is_alone(q, off))
		return true;
	if (source_read(q->src, off, b->was, n, &e) != 0)
		return plan_refuse(b->plan, "%s", e.msg);
	memcpy(b->is, b->was, n);
	for (uint64_t i = 0; i < q->refblock_entries; i++) {
		if (qcow2_get_refcount(b->was, i, q->refcount_bits) == 1 &&
		    is_free(b, first + i))
			qcow2_put_refcount(b->is, i, q->refcount_bits, 0);
	}
	return qcow2_plan_change(b->plan, STAGE_FREE, off, b->was, b->is, n);
}

bool qcow2_plan_free_bitmaps(struct plan *p, const struct qcow2 *q)
{
	struct freeing b = { .plan = p, .q = q };
	struct err e = { 0 };

	if (!q->scan || !q->scan->complete || q->rt.state != QCOW2_TABLE_WHOLE)
		return true;
	b.counted = q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS;
	b.was = arena_try(p->arena, q->cluster_size, 1);
	b.is = arena_try(p->arena, q->cluster_size, 1);
	if (!b.was || !b.is)
		return plan_refuse(p, "there is no memory for a refcount block");
	if (!qcow2_bitmap_users(q, false, &b.theirs, p->arena, &e))
		return plan_refuse(p, "%s", e.msg);
	for (size_t i = 0; i < q->rt.raw.n / 8; i++) {
		if (!free_in_block(&b, i))
			return false;
	}
	return true;
}
