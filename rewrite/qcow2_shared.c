/* Entries of the active L1 table that were lost, to L2 tables that a snapshot has, too: QEMU,
 * docs/interop/qcow2.txt, "Snapshots". Such a table is no orphan. What tells is that it, and
 * every cluster that it maps, has a refcount that is higher than its references.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum { SET_BUDGET = 8 << 20, WALK_BUDGET = 24 << 20 };

struct shared {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_refs more; /* references that the table would add */
	uint8_t *raw;
	uint64_t slot, off; /* the last that was planned */
	unsigned n;         /* that were */
};

static bool is_empty(const struct qcow2 *q, uint64_t slot)
{
	return slot < u64_min(q->l1.raw.n / 8, q->l1_needed) &&
	       !(qcow2_entry(q->l1.raw, (size_t)slot) & QCOW2_OFFSET_MASK);
}

/* It has refcounts for so many references more. */
static bool has_room(const struct qcow2 *q, uint64_t cluster, uint64_t more,
		     struct err *e)
{
	uint64_t stored = 0;
	bool known = false;

	return qcow2_stored(q, cluster, &stored, &known, e) == 0 && known &&
	       stored >= qcow2_refs_count(&q->scan->refs, cluster) + more;
}

/* The clusters that an entry refers to, one after the other; 0: none. */
static uint64_t clusters_of(const struct qcow2 *q, uint64_t entry, uint64_t *first)
{
	unsigned bits = (unsigned)q->cluster_bits.v;
	uint64_t off, sectors;

	if (!(entry & QCOW2_COMPRESSED)) {
		*first = (entry & QCOW2_OFFSET_MASK) >> bits;
		return *first != 0;
	}
	off = entry & q->compressed_offset;
	sectors =
		((entry & ~(QCOW2_COPIED | QCOW2_COMPRESSED)) >> q->compressed_shift) + 1;
	*first = off >> bits;
	return ((off - off % 512 + sectors * 512 - 1) >> bits) - *first + 1;
}

/* All that it maps, and it itself, have had one reference more. */
static bool was_ours(struct shared *x, uint64_t off, struct err *e)
{
	const struct qcow2 *q = x->q;
	uint64_t first, n;
	bool any = false;

	if (!has_room(q, off >> q->cluster_bits.v, 1, e) || !qcow2_is_table(q, off) ||
	    qcow2_read_padded(q, off, x->raw, (size_t)q->cluster_size, e) != 0)
		return false;
	qcow2_refs_init(&x->more, x->plan->arena, SET_BUDGET);
	for (uint64_t i = 0; i < q->cluster_size; i += q->l2_entry_size) {
		n = clusters_of(q, qcow2_be64(x->raw + i), &first);
		if (n && !qcow2_refs_add(&x->more, first, n, 1, 0))
			return false;
		any = any || n;
	}
	for (uint64_t i = 0; i < q->cluster_size; i += q->l2_entry_size) {
		n = clusters_of(q, qcow2_be64(x->raw + i), &first);
		for (uint64_t c = first; c < first + n; c++) {
			if (!has_room(q, c, qcow2_refs_count(&x->more, c), e))
				return false;
		}
	}
	return any;
}

static bool try_table(struct shared *x, const struct qcow2_l2 *l2)
{
	uint64_t off = qcow2_l2_offset(l2);
	struct err e = { 0 };

	if (l2->active || !is_empty(x->q, l2->slot) ||
	    (x->n && x->slot == l2->slot && x->off == off))
		return true;
	if (!was_ours(x, off, &e))
		return e.code == 0 || plan_refuse(x->plan, "%s", e.msg);
	if (x->n && x->slot == l2->slot)
		return plan_refuse(x->plan,
				   "entry %u of the L1 table may have pointed at either "
				   "of two tables",
				   l2->slot);
	x->slot = l2->slot;
	x->off = off;
	x->n++;
	/* Others have it as well: without COPIED. */
	return qcow2_plan_be64(x->plan, STAGE_COMMIT,
			       x->q->l1.at.off + l2->slot * UINT64_C(8), off);
}

bool qcow2_plan_shared_back(struct plan *p, const struct qcow2 *q)
{
	struct shared x = { .plan = p, .q = q };
	struct err e = { 0 };
	struct arena scratch;
	struct qcow2_walk w = { .q = q, .a = &scratch, .e = &e };
	bool well;

	if (!q->scan || !q->scan->complete || !q->scan->whole || q->external_data)
		return plan_refuse(p, "not all tables can be read");
	x.raw = arena_try(p->arena, q->cluster_size, 1);
	if (!x.raw || !qcow2_is_alone(q, q->l1.at.off))
		return plan_refuse(p, "something else uses the L1 table's cluster");
	arena_init(&scratch, WALK_BUDGET);
	well = qcow2_walk_l1(&w) == 0 || plan_refuse(p, "%s", e.msg);
	/* By slot, and then by offset. */
	for (size_t i = 0; well && i < w.nt; i++)
		well = try_table(&x, &w.t[i]);
	if (well && w.limit)
		well = plan_refuse(p, "not all was looked at: %s", w.limit);
	arena_free(&scratch);
	if (well && x.n == 0)
		return plan_refuse(p, "no entry of the L1 table was lost");
	plan_title(p, "%u entr%s of the L1 table again at what a snapshot has, too", x.n,
		   x.n == 1 ? "y points" : "ies point");
	return well;
}
