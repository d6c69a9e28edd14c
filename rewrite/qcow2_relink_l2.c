/* The slot of the active L1 table that lost its L2 table.
 *
 * An L2 table says nothing of its place. That is proven by a snapshot's table with the same
 * entries, by what the guest keeps on its disk that names its own place (qcow2_content.c), by
 * the way that the clusters of a preallocated image lie, or those of one that was filled from
 * its begin to its end, or by there being only one slot left and one table that fits. Else
 * the user may say it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_relink.h"
#include "analyze/host.h"
#include "analyze/image/qcow2_walk.h"
#include "analyze/unit.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum {
	WALK_BUDGET = 24 << 20,
	SNAPSHOTS_TRIED = 1024,
};

/* ---- slots that point nowhere ---- */

/* What stands at a slot's offset cannot be an L2 table of its own. */
static bool is_no_table(struct qcow2_relink *r, uint64_t entry)
{
	const struct qcow2 *q = r->q;
	uint64_t off = entry & QCOW2_OFFSET_MASK;
	struct err e = { 0 };
	struct view raw;

	if (!off || off % q->cluster_size != 0 || off >= q->file_size ||
	    q->file_size - off < q->cluster_size)
		return true;
	if (source_view(q->src, r->plan->arena, off, q->cluster_size, &raw, &e) != 0)
		return true;
	return qcow2_is_no_table(q, raw);
}

static void note_bad(struct qcow2_relink *r, struct span at)
{
	const struct qcow2 *q = r->q;
	uint64_t slot = (at.off - q->l1.at.off) / 8;

	if (at.off < q->l1.at.off || slot >= q->l1.raw.n / 8)
		return;
	for (size_t i = 0; i < r->nbad; i++) {
		if (r->bad[i] == slot)
			return;
	}
	if (r->nbad == QCOW2_BAD_SLOTS_MAX) {
		r->many = true;
		return;
	}
	if (is_no_table(r, qcow2_entry(q->l1.raw, (size_t)slot)))
		r->bad[r->nbad++] = slot;
}

static void find_bad_slots(struct qcow2_relink *r)
{
	/* Of entries, and of clusters with owners. */
	static const enum qcow2_flaw_kind kinds[] = {
		QCOW2_FLAW_L1_RESERVED,       QCOW2_FLAW_L1_UNALIGNED,
		QCOW2_FLAW_L1_PAST_EOF,       QCOW2_FLAW_DATA_METADATA,
		QCOW2_FLAW_METADATA_METADATA, QCOW2_FLAW_REFCOUNT_ZERO,
	};

	/* Of entries of what is read as an L2 table. */
	static const enum qcow2_flaw_kind inside[] = {
		QCOW2_FLAW_L2_RESERVED,
		QCOW2_FLAW_L2_UNALIGNED,
		QCOW2_FLAW_L2_PAST_EOF,
	};

	for (size_t k = 0; k < sizeof(inside) / sizeof(*inside); k++) {
		const struct qcow2_flaws *v = &r->q->scan->flaws[inside[k]];

		for (size_t i = 0; i < v->n; i++) {
			const struct qcow2_owner *o = v->v[i].owner;
			uint64_t at = r->q->l1.at.off;

			if (!v->v[i].nowners || o->snapshot != QCOW2_ACTIVE)
				continue;
			at += o->guest / r->q->l2_bytes * 8;
			note_bad(r, (struct span){ .off = at });
		}
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		const struct qcow2_flaws *v = &r->q->scan->flaws[kinds[k]];
		uint64_t n = 0;

		for (size_t i = 0; i < v->n; i++) {
			n += v->v[i].n;
			for (uint64_t j = 0; k < 3 && j < v->v[i].n; j++)
				note_bad(r,
					 (struct span){ .off = v->v[i].at.off + j * 8 });
			for (size_t j = 0; k >= 3 && j < v->v[i].nowners; j++) {
				if (v->v[i].owner[j].use == QCOW2_USE_L2)
					note_bad(r, v->v[i].owner[j].at);
			}
		}
		r->many = r->many || n != v->total;
	}
}

/* ---- L2 tables ---- */

/* The slot has no table, or what cannot be one. */
static bool qcow2_slot_is_open(const struct qcow2_relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;

	if (slot >= u64_min(q->l1.raw.n / 8, q->l1_needed))
		return false;
	for (size_t i = 0; i < r->nbad; i++) {
		if (r->bad[i] == slot)
			return true;
	}
	return !(qcow2_entry(q->l1.raw, (size_t)slot) & QCOW2_OFFSET_MASK);
}

/* Nothing that it maps would lie behind the disk. */
bool qcow2_slot_fits(const struct qcow2_relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;

	return qcow2_slot_is_open(r, slot) &&
	       slot * q->l2_entries + r->x->points.last < q->guest_clusters;
}

/* The guest's data of a snapshot and of the lost table are the same in so many places. */
static bool note_run(void *arg, const struct qcow2_run *run)
{
	struct qcow2_relink *r = arg;
	const struct qcow2 *q = r->q;
	size_t stride = (size_t)q->l2_entry_size;
	uint64_t first = run->guest / q->cluster_size % q->l2_entries;

	for (size_t i = 0; i < run->n; i++) {
		uint64_t entry = run->entry + i * run->step;
		uint64_t lost = qcow2_be64(r->raw + (first + i) * stride);

		if (((entry ^ lost) & ~QCOW2_COPIED) != 0 ||
		    !(entry & (QCOW2_OFFSET_MASK | QCOW2_COMPRESSED)) ||
		    (entry & (QCOW2_COMPRESSED | QCOW2_OFFSET_MASK)) == QCOW2_COMPRESSED)
			continue;
		if (r->votes && r->slot != run->l2->slot)
			r->torn = true;
		r->slot = run->l2->slot;
		r->votes++;
	}
	return true;
}

static bool ask_snapshots(struct qcow2_relink *r)
{
	struct err e = { 0 };
	struct arena scratch;
	struct qcow2_walk w = {
		.q = r->q, .a = &scratch, .e = &e, .arg = r, .run = note_run
	};
	bool failed;

	arena_init(&scratch, WALK_BUDGET);
	failed = qcow2_walk_l1(&w) != 0 || qcow2_walk_l2(&w) != 0;
	arena_free(&scratch);
	if (failed)
		return plan_refuse(r->plan, "%s", e.msg);
	if (w.limit)
		return plan_refuse(r->plan, "not all was looked at: %s", w.limit);
	return true;
}

/* Nothing is broken but entries of the active L1 table. */
static bool others_are_known(const struct qcow2 *q)
{
	static const enum qcow2_flaw_kind in_l1[] = {
		QCOW2_FLAW_L1_RESERVED,
		QCOW2_FLAW_L1_UNALIGNED,
		QCOW2_FLAW_L1_PAST_EOF,
	};
	static const enum qcow2_flaw_kind lost[] = {
		QCOW2_FLAW_TABLE_PAST_EOF,  QCOW2_FLAW_TABLE_UNALIGNED,
		QCOW2_FLAW_TABLE_TOO_LARGE, QCOW2_FLAW_BME_RESERVED,
		QCOW2_FLAW_BME_UNALIGNED,   QCOW2_FLAW_BME_PAST_EOF,
		QCOW2_FLAW_RT_UNALIGNED,    QCOW2_FLAW_RT_PAST_EOF,
	};

	if (q->scan->whole)
		return true;
	for (size_t k = 0; k < sizeof(lost) / sizeof(*lost); k++) {
		if (q->scan->flaws[lost[k]].total)
			return false;
	}
	for (size_t k = 0; k < sizeof(in_l1) / sizeof(*in_l1); k++) {
		const struct qcow2_flaws *v = &q->scan->flaws[in_l1[k]];
		uint64_t n = 0;

		for (size_t i = 0; i < v->n; n += v->v[i++].n) {
			if (v->v[i].at.off < q->l1.at.off ||
			    v->v[i].at.off >= span_end(q->l1.at))
				return false;
		}
		if (n != v->total)
			return false;
	}
	return qcow2_header_agrees(q) && q->l1.state == QCOW2_TABLE_WHOLE &&
	       q->l1.n >= q->l1_needed && q->rt.state == QCOW2_TABLE_WHOLE &&
	       (q->snapshots.state == QCOW2_LIST_NONE ||
		q->snapshots.state == QCOW2_LIST_WHOLE) &&
	       (q->bitmaps.state == QCOW2_LIST_NONE ||
		q->bitmaps.state == QCOW2_LIST_WHOLE);
}

static bool is_whole_table(struct plan *p, const struct qcow2 *q,
			   const struct qcow2_orphan *x)
{
	if (!q->scan->complete || !others_are_known(q))
		return plan_refuse(p,
				   "other tables of the image cannot be read: they are "
				   "mended first");
	if (x->stored != 1)
		return plan_refuse(p, "its refcount is %llu, not 1",
				   (unsigned long long)x->stored);
	if (x->points.lost)
		return plan_refuse(
			p,
			"%u of its entries point at clusters without refcount: "
			"it is an old one",
			x->points.lost);
	return true;
}

/* In the active tables COPIED is what the refcounts say. */
static bool flags_are_right(struct plan *p, const struct qcow2_orphan *x)
{
	if (x->points.flagged < x->points.leaked + x->points.taken)
		return plan_refuse(p,
				   "COPIED of %u of its entries is not what the "
				   "refcounts say: it is an old one",
				   x->points.leaked + x->points.taken -
					   x->points.flagged);
	return true;
}

/* Where the entry of a snapshot is that lost it, when others have what it maps in that slot,
 * and only one snapshot has nothing there; 0: not so. */
static uint64_t lost_by_snapshot(struct qcow2_relink *r)
{
	const struct qcow2 *q = r->q;
	uint64_t at = 0;

	if (!r->votes || qcow2_slot_is_open(r, r->slot))
		return 0;
	for (size_t i = 0; i < u64_min(q->snapshots.n, SNAPSHOTS_TRIED); i++) {
		const struct qcow2_table *t = &q->snapshots.v[i].l1;
		uint64_t off = t->at.off + r->slot * 8;
		struct err e = { 0 };
		struct view v;

		if (t->state != QCOW2_TABLE_WHOLE || r->slot >= t->n ||
		    source_view(q->src, r->plan->arena, off, 8, &v, &e) != 0)
			return 0;
		if (view_be64(v, 0) & QCOW2_OFFSET_MASK)
			continue;
		if (at)
			return 0;
		at = off;
	}
	return at;
}

/* No cluster that it shares may get more references than its refcount has. */
static bool refcounts_allow(struct qcow2_relink *r)
{
	const struct qcow2 *q = r->q;
	size_t stride = (size_t)q->l2_entry_size;

	for (size_t i = 0; i < q->l2_entries; i++) {
		uint64_t e = qcow2_be64(r->raw + i * stride), c, stored = 0;
		struct err err = { 0 };
		bool known = false;

		c = (e & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;
		if (e & QCOW2_COMPRESSED || !c)
			continue;
		if (qcow2_stored(q, c, &stored, &known, &err) != 0)
			return plan_refuse(r->plan, "%s", err.msg);
		if (stored <= qcow2_refs_count(&q->scan->refs, c))
			return plan_refuse(r->plan,
					   "it points at host cluster %llu, which all "
					   "of its %llu references have already",
					   (unsigned long long)c,
					   (unsigned long long)stored);
	}
	return true;
}

/* The slot that the user named for it. */
static bool slot_given(struct qcow2_relink *r, uint64_t *slot)
{
	const struct host *h = r->q->unit->host;

	for (size_t i = 0; i < h->nplaces; i++) {
		*slot = h->places[i].slot;
		if (h->places[i].cluster == r->x->cluster)
			return true;
	}
	return false;
}

static bool relink_to(struct qcow2_relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;
	uint64_t off = r->x->cluster << q->cluster_bits.v;

	plan_title(r->plan, "entry %llu of the L1 table points at it again",
		   (unsigned long long)slot);
	return qcow2_plan_be64(r->plan, STAGE_COMMIT, q->l1.at.off + slot * 8,
			       off | QCOW2_COPIED);
}

static bool relink_as_told(struct qcow2_relink *r, uint64_t slot)
{
	if (!qcow2_slot_is_open(r, slot))
		return plan_refuse(r->plan,
				   "entry %llu of the active L1 table is not empty, or "
				   "there is none",
				   (unsigned long long)slot);
	if (!qcow2_slot_fits(r, slot))
		return plan_refuse(r->plan,
				   "in entry %llu of the active L1 table it would map "
				   "what lies behind the end of the disk",
				   (unsigned long long)slot);
	return relink_to(r, slot);
}

static bool read_table(struct qcow2_relink *r)
{
	const struct qcow2 *q = r->q;
	uint64_t off = r->x->cluster << q->cluster_bits.v;
	struct err e = { 0 };
	struct view raw;

	if (q->external_data)
		return plan_refuse(r->plan, "its data would be in another file");
	if (!is_whole_table(r->plan, q, r->x))
		return false;
	if (off + q->cluster_size > q->file_size)
		return plan_refuse(r->plan, "the file ends within it");
	if (source_view(q->src, r->plan->arena, off, q->cluster_size, &raw, &e) != 0)
		return plan_refuse(r->plan, "%s", e.msg);
	r->raw = raw.p;
	find_bad_slots(r);
	/* What is no table seems to refer to something, too. */
	return r->nbad || refcounts_allow(r);
}

bool qcow2_relink_l2(struct plan *p, const struct qcow2 *q, const struct qcow2_orphan *x)
{
	struct qcow2_relink r = { .plan = p, .q = q, .x = x };
	uint64_t off = x->cluster << q->cluster_bits.v, slot;

	if (!read_table(&r))
		return false;
	if (slot_given(&r, &slot))
		return relink_as_told(&r, slot);
	if (!ask_snapshots(&r))
		return false;
	slot = r.torn || r.nbad ? 0 : lost_by_snapshot(&r);
	if (slot) {
		plan_title(p, "a snapshot's L1 table points at it again");
		return qcow2_plan_be64(p, STAGE_COMMIT, slot, off | QCOW2_COPIED);
	}
	if (!flags_are_right(p, x))
		return false;
	slot = qcow2_slot_proven(&r);
	if (slot != QCOW2_NO_SLOT)
		return relink_to(&r, slot);
	return plan_refuse(p,
			   "which entry of the active L1 table pointed at it cannot be "
			   "known; who knows may say --place %llu=ENTRY",
			   (unsigned long long)x->cluster);
}
