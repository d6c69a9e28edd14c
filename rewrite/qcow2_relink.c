/* Tables of a QCOW2 image to which nothing refers any more, put back.
 *
 * An L2 table says nothing of its place. That is proven by a snapshot's table with the same
 * entries, by the way that the clusters of a preallocated image lie, or those of one that
 * was filled from its begin to its end, or by there being only one slot left and one table
 * that fits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_put.h"
#include "analyze/image/qcow2_walk.h"
#include "base/banned.h"

enum { WALK_BUDGET = 24 << 20, SNAPSHOTS_TRIED = 1024, IN_ORDER_LEAST = 8 };
#define NO_SLOT UINT64_MAX

enum { BAD_MAX = 64 };

struct relink {
	struct plan *plan;
	const struct qcow2 *q;
	const struct qcow2_orphan *x;
	const uint8_t *raw; /* the table */
	uint64_t slot;      /* that a snapshot's table has it in */
	uint64_t votes;     /* entries that say so */
	bool torn;          /* others say something else */
	/* Slots of the active L1 table that point at what cannot be an L2 table. */
	uint64_t bad[BAD_MAX];
	size_t nbad;
	bool many; /* there are more */
};

/* ---- slots that point nowhere ---- */

/* What stands at a slot's offset cannot be an L2 table of its own. */
static bool is_no_table(struct relink *r, uint64_t entry)
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

static void note_bad(struct relink *r, struct span at)
{
	const struct qcow2 *q = r->q;
	uint64_t slot = (at.off - q->l1.at.off) / 8;

	if (at.off < q->l1.at.off || slot >= q->l1.raw.n / 8)
		return;
	for (size_t i = 0; i < r->nbad; i++) {
		if (r->bad[i] == slot)
			return;
	}
	if (r->nbad == BAD_MAX) {
		r->many = true;
		return;
	}
	if (is_no_table(r, qcow2_entry(q->l1.raw, (size_t)slot)))
		r->bad[r->nbad++] = slot;
}

static void find_bad_slots(struct relink *r)
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

static bool slot_is_open(const struct relink *r, uint64_t slot)
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
static bool slot_fits(const struct relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;

	return slot_is_open(r, slot) &&
	       slot * q->l2_entries + r->x->points.last < q->guest_clusters;
}

/* The guest's data of a snapshot and of the lost table are the same in so many places. */
static bool note_run(void *arg, const struct qcow2_run *run)
{
	struct relink *r = arg;
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

static bool ask_snapshots(struct relink *r)
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

/* Preallocated images have each L2 table, then the clusters that it maps, then the next
 * table. Its neighbours, and what it maps itself, have to say so. */
static bool lies_in_order(const struct relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;
	uint64_t step = q->l2_entries + 1, n = q->l1.raw.n / 8, at;
	unsigned bits = (unsigned)q->cluster_bits.v;
	bool seen = false;

	at = (qcow2_be64(r->raw) & QCOW2_OFFSET_MASK) >> bits;
	if (r->x->points.used != r->x->points.last + 1 || at != r->x->cluster + 1)
		return false;
	if (slot > 0) {
		at = (qcow2_entry(q->l1.raw, (size_t)slot - 1) & QCOW2_OFFSET_MASK) >>
		     bits;
		if (at + step != r->x->cluster)
			return false;
		seen = true;
	}
	if (slot + 1 < n) {
		at = (qcow2_entry(q->l1.raw, (size_t)slot + 1) & QCOW2_OFFSET_MASK) >>
		     bits;
		if (at != r->x->cluster + step)
			return false;
		seen = true;
	}
	return seen;
}

/* A bit too many, and the entry points into the middle of the table. */
static bool points_within(const struct relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;
	uint64_t entry = qcow2_entry(q->l1.raw, (size_t)slot);

	return entry & QCOW2_OFFSET_MASK &&
	       (entry & QCOW2_OFFSET_MASK) >> q->cluster_bits.v == r->x->cluster;
}

/* An image that was filled from the begin of its disk to the end has its tables in the order
 * of the slots, and eight are so by chance once in 40320 times. */
static bool tables_are_in_order(const struct qcow2 *q)
{
	uint64_t last = 0, n = 0;

	for (uint64_t i = 0; i < q->l1.raw.n / 8; i++) {
		uint64_t at = qcow2_entry(q->l1.raw, (size_t)i) & QCOW2_OFFSET_MASK;

		if (!at)
			continue;
		if (at <= last)
			return false;
		last = at;
		n++;
	}
	return n >= IN_ORDER_LEAST;
}

/* What it maps lies behind it, in order, before `end`. Compressed data may begin in a cluster
 * that has others before it. */
static bool data_is_in_order(const struct relink *r, uint64_t end)
{
	const struct qcow2 *q = r->q;
	uint64_t last = r->x->cluster << q->cluster_bits.v, packed = 0;

	for (uint64_t i = 0; i < q->cluster_size; i += q->l2_entry_size) {
		uint64_t e = qcow2_be64(r->raw + i);
		uint64_t off = e & QCOW2_OFFSET_MASK;

		if (e & QCOW2_COMPRESSED) {
			off = e & q->compressed_offset;
			if (off < packed || off >= end)
				return false;
			packed = off;
		} else if (off) {
			if (off <= last || off >= end)
				return false;
			last = off;
		}
	}
	return true;
}

/* It is between the tables of the slots before and behind. */
static bool lies_in_sequence(const struct relink *r, uint64_t slot)
{
	const struct qcow2 *q = r->q;
	uint64_t at = r->x->cluster << q->cluster_bits.v, n = q->l1.raw.n / 8;
	uint64_t before = 0, behind = q->file_size;

	if (!tables_are_in_order(q))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t off = qcow2_entry(q->l1.raw, (size_t)i) & QCOW2_OFFSET_MASK;

		if (off && i < slot)
			before = off;
		if (off && i > slot) {
			behind = off;
			break;
		}
	}
	return before < at && at < behind && data_is_in_order(r, behind);
}

/* The only one of the empty slots for which a test holds. */
static uint64_t only_slot(const struct relink *r,
			  bool (*holds)(const struct relink *r, uint64_t slot))
{
	uint64_t n = u64_min(r->q->l1.raw.n / 8, r->q->l1_needed), slot = NO_SLOT;

	for (uint64_t i = 0; i < n; i++) {
		if (!slot_fits(r, i) || !holds(r, i))
			continue;
		if (slot != NO_SLOT)
			return NO_SLOT;
		slot = i;
	}
	return slot;
}

static bool always(const struct relink *r, uint64_t slot)
{
	(void)r;
	(void)slot;
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
static uint64_t lost_by_snapshot(struct relink *r)
{
	const struct qcow2 *q = r->q;
	uint64_t at = 0;

	if (!r->votes || slot_is_open(r, r->slot))
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
static bool refcounts_allow(struct relink *r)
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

static uint64_t find_slot(struct relink *r)
{
	const struct qcow2_scan *s = r->q->scan;
	uint64_t slot;

	if (r->torn)
		return NO_SLOT;
	if (r->votes)
		return slot_fits(r, r->slot) ? r->slot : NO_SLOT;
	slot = only_slot(r, points_within);
	if (slot == NO_SLOT)
		slot = only_slot(r, lies_in_order);
	if (slot == NO_SLOT)
		slot = only_slot(r, lies_in_sequence);
	if (slot != NO_SLOT)
		return slot;
	/* One of those that share a table may have lost its own. */
	if (s->flaws[QCOW2_FLAW_L2_SHARED].total)
		return NO_SLOT;
	/* One entry is wrong, and one table is lost: what else was never there. */
	if (r->nbad == 1 && !r->many && s->orphans[QCOW2_ORPHAN_L2] == 1 &&
	    s->orphans[QCOW2_ORPHAN_L1] == 0)
		return slot_fits(r, r->bad[0]) ? r->bad[0] : NO_SLOT;
	if (r->nbad)
		return NO_SLOT;
	/* With two tables, or two slots, it could be either. */
	if (s->nempty != 1 || s->empty[0].n != 1 || s->orphans[QCOW2_ORPHAN_L2] != 1 ||
	    s->orphans[QCOW2_ORPHAN_L1] != 0 || r->x->points.taken)
		return NO_SLOT;
	return only_slot(r, always);
}

static bool relink_l2(struct relink *r)
{
	const struct qcow2 *q = r->q;
	uint64_t off = r->x->cluster << q->cluster_bits.v, slot;
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
	if ((!r->nbad && !refcounts_allow(r)) || !ask_snapshots(r))
		return false;
	slot = r->torn || r->nbad ? 0 : lost_by_snapshot(r);
	if (slot) {
		plan_title(r->plan, "a snapshot's L1 table points at it again");
		return qcow2_plan_be64(r->plan, STAGE_COMMIT, slot, off | QCOW2_COPIED);
	}
	if (!flags_are_right(r->plan, r->x))
		return false;
	slot = find_slot(r);
	if (slot == NO_SLOT)
		return plan_refuse(
			r->plan,
			"which entry of the active L1 table pointed at it cannot "
			"be known");
	plan_title(r->plan, "entry %llu of the L1 table points at it again",
		   (unsigned long long)slot);
	return qcow2_plan_be64(r->plan, STAGE_COMMIT, q->l1.at.off + slot * 8,
			       off | QCOW2_COPIED);
}

/* ---- snapshot tables ---- */

/* One whose L1 table is there, and nobody else's. */
static bool is_lost_snapshot(const struct qcow2 *q, const struct qcow2_snapshot *s)
{
	uint64_t first = s->l1.at.off >> q->cluster_bits.v;
	uint64_t n = div_up(s->l1.at.len, q->cluster_size);

	if (s->l1.state != QCOW2_TABLE_WHOLE || s->id.n == 0 || s->l1_offset.v == 0)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (!qcow2_refs_marked(&q->scan->refs, QCOW2_MARK_LEAKED, first + i))
			return false;
	}
	return true;
}

/* No snapshot of the list that the header names can be read. */
static bool list_is_lost(const struct qcow2 *q)
{
	const struct qcow2_snapshots *l = &q->snapshots;

	if (q->nb_snapshots.v == 0 || l->state != QCOW2_LIST_WHOLE)
		return l->state != QCOW2_LIST_NO_ROOM;
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].l1.state == QCOW2_TABLE_WHOLE && l->v[i].id.n)
			return false;
	}
	return true;
}

static bool relink_snapshots(struct relink *r)
{
	const struct qcow2 *q = r->q;
	uint64_t off = r->x->cluster << q->cluster_bits.v, n = 0;
	struct qcow2_snapshots list;
	struct err e = { 0 };
	uint8_t head[12];

	if (!list_is_lost(q))
		return plan_refuse(r->plan, "the image has other snapshots");
	if (!q->scan->complete || (q->nb_snapshots.v == 0 && !q->scan->whole))
		return plan_refuse(r->plan, "other tables of the image cannot be read");
	if (q->scan->orphans[QCOW2_ORPHAN_SNAPSHOT_TABLE] != 1)
		return plan_refuse(r->plan, "it is not the only one that is lost");
	if (q->nb_snapshots.v == 0 && q->snapshots_offset.v != 0 &&
	    q->snapshots_offset.v != off)
		return plan_refuse(r->plan, "the header says that it was at 0x%llx",
				   (unsigned long long)q->snapshots_offset.v);
	while (n < SNAPSHOTS_TRIED) {
		if (qcow2_snapshots_read(&list, q, off, n + 1, r->plan->arena, &e) != 0)
			return plan_refuse(r->plan, "%s", e.msg);
		if (list.n != n + 1 || !is_lost_snapshot(q, &list.v[n]))
			break;
		n++;
	}
	if (n == 0 || n == SNAPSHOTS_TRIED ||
	    (q->nb_snapshots.v != 0 && q->nb_snapshots.v != n))
		return plan_refuse(r->plan, "how many snapshots it has cannot be known");
	for (unsigned i = 0; i < 4; i++)
		head[i] = (uint8_t)(n >> 8 * (3 - i));
	qcow2_put64(head + 4, off);
	plan_title(r->plan, "the header has its %llu snapshot%s again",
		   (unsigned long long)n, n == 1 ? "" : "s");
	return plan_bytes(r->plan, STAGE_COMMIT, QCOW2_OFF_SNAPSHOTS,
			  (struct view){ head, sizeof(head) });
}

/* ---- L1 tables ---- */

/* What is said to be there is none: it is nowhere, or somebody else's. */
static bool l1_is_lost(const struct qcow2 *q, const struct qcow2_table *t)
{
	return t->n &&
	       (t->state == QCOW2_TABLE_ZERO || t->state == QCOW2_TABLE_UNALIGNED ||
		t->state == QCOW2_TABLE_OUTSIDE || t->state == QCOW2_TABLE_CUT ||
		(t->state == QCOW2_TABLE_WHOLE && !qcow2_is_alone(q, t->at.off)));
}

static bool is_leaked(const struct qcow2 *q, uint64_t off, uint64_t len)
{
	uint64_t first = off >> q->cluster_bits.v, n = div_up(len, q->cluster_size);

	for (uint64_t i = 0; i < n; i++) {
		if (!qcow2_refs_marked(&q->scan->refs, QCOW2_MARK_LEAKED, first + i))
			return false;
	}
	return n != 0;
}

/* One pointer to an L1 table is wrong, and one L1 table is lost. */
static bool relink_l1(struct relink *r)
{
	const struct qcow2 *q = r->q;
	uint64_t off = r->x->cluster << q->cluster_bits.v;
	const struct qcow2_table *lost = NULL;
	struct span pointer = q->l1_offset.at;
	size_t n = 0;

	if (!q->scan->complete || q->scan->orphans[QCOW2_ORPHAN_L1] != 1)
		return plan_refuse(r->plan, "it is not the only one that is lost");
	if (l1_is_lost(q, &q->l1)) {
		lost = &q->l1;
		n++;
	}
	for (size_t i = 0; i < q->snapshots.n; i++) {
		const struct qcow2_snapshot *s = &q->snapshots.v[i];

		if (!l1_is_lost(q, &s->l1))
			continue;
		lost = &s->l1;
		pointer = s->l1_offset.at;
		n++;
	}
	/* Where one points at the other's, both are said to be lost. */
	if (n == 2 && q->snapshots.n && lost->at.off == q->l1.at.off)
		n = 1;
	if (n != 1 || !is_leaked(q, off, lost->n * 8))
		return plan_refuse(r->plan, "what pointed at it cannot be known");
	plan_title(r->plan, lost == &q->l1 ? "the header points at the L1 table again"
					   : "a snapshot points at its L1 table again");
	return qcow2_plan_be64(r->plan, STAGE_COMMIT, pointer.off, off);
}

bool qcow2_plan_relink(struct plan *p, const struct qcow2 *q,
		       const struct qcow2_orphan *x)
{
	struct relink r = { .plan = p, .q = q, .x = x };

	switch (x->kind) {
	case QCOW2_ORPHAN_L2:
		return relink_l2(&r);
	case QCOW2_ORPHAN_SNAPSHOT_TABLE:
		return relink_snapshots(&r);
	case QCOW2_ORPHAN_L1:
		return relink_l1(&r);
	case QCOW2_ORPHAN_BLANK:
	case QCOW2_ORPHAN_DATA:
	case QCOW2_ORPHAN_REFCOUNT_BLOCK:
	case QCOW2_ORPHAN_STALE_BITMAP:
	case QCOW2_ORPHAN_PLACED:
	case QCOW2_ORPHAN_UNSEEN:
		break;
	}
	return plan_refuse(p, "what it belongs to cannot be known");
}
