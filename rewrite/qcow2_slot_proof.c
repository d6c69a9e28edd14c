/* Proofs that an L2 table of a QCOW2 image belongs into one slot of the active L1 table, and
 * into no other.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_relink.h"
#include "base/banned.h"

enum { IN_ORDER_LEAST = 8 };

/* Preallocated images have each L2 table, then the clusters that it maps, then the next
 * table. Its neighbours, and what it maps itself, have to say so. */
static bool lies_in_order(const struct qcow2_relink *r, uint64_t slot)
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
static bool points_within(const struct qcow2_relink *r, uint64_t slot)
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
static bool data_is_in_order(const struct qcow2_relink *r, uint64_t end)
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
static bool lies_in_sequence(const struct qcow2_relink *r, uint64_t slot)
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
static uint64_t only_slot(const struct qcow2_relink *r,
			  bool (*holds)(const struct qcow2_relink *r, uint64_t slot))
{
	uint64_t n = u64_min(r->q->l1.raw.n / 8, r->q->l1_needed), slot = QCOW2_NO_SLOT;

	for (uint64_t i = 0; i < n; i++) {
		if (!qcow2_slot_fits(r, i) || !holds(r, i))
			continue;
		if (slot != QCOW2_NO_SLOT)
			return QCOW2_NO_SLOT;
		slot = i;
	}
	return slot;
}

static bool always(const struct qcow2_relink *r, uint64_t slot)
{
	(void)r;
	(void)slot;
	return true;
}

static bool content_fits(const struct qcow2_relink *r, uint64_t slot)
{
	return qcow2_content_tells(r->content, r->x->cluster, slot) >= r->least;
}

/* Of two tables that fit, one may be an older state of the other. */
static bool others_fit(const struct qcow2_relink *r, uint64_t slot)
{
	const struct qcow2_scan *s = r->q->scan;

	for (size_t i = 0; i < s->norphans; i++) {
		const struct qcow2_orphan *x = &s->orphan[i];

		if (x->kind == QCOW2_ORPHAN_L2 && x != r->x &&
		    qcow2_content_tells(r->content, x->cluster, slot) >= r->least)
			return true;
	}
	return false;
}

/* The one whose place what the table maps names itself. */
static uint64_t slot_of_content(struct qcow2_relink *r)
{
	struct qcow2_content *c = qcow2_content_new(r->q, r->plan->arena);
	uint64_t slot;

	if (!c)
		return QCOW2_NO_SLOT;
	r->content = c;
	r->least = QCOW2_TOLD_TABLE;
	slot = only_slot(r, content_fits);
	if (slot == QCOW2_NO_SLOT) {
		r->least = QCOW2_TOLD_CONTENT;
		slot = only_slot(r, content_fits);
	}
	if (slot != QCOW2_NO_SLOT && others_fit(r, slot))
		slot = QCOW2_NO_SLOT;
	qcow2_content_free(c);
	return slot;
}

uint64_t qcow2_slot_proven(struct qcow2_relink *r)
{
	const struct qcow2_scan *s = r->q->scan;
	uint64_t slot;

	if (r->torn)
		return QCOW2_NO_SLOT;
	if (r->votes)
		return qcow2_slot_fits(r, r->slot) ? r->slot : QCOW2_NO_SLOT;
	slot = only_slot(r, points_within);
	if (slot == QCOW2_NO_SLOT)
		slot = only_slot(r, lies_in_order);
	if (slot == QCOW2_NO_SLOT)
		slot = only_slot(r, lies_in_sequence);
	if (slot == QCOW2_NO_SLOT)
		slot = slot_of_content(r);
	if (slot != QCOW2_NO_SLOT)
		return slot;
	/* One of those that share a table may have lost its own. */
	if (s->flaws[QCOW2_FLAW_L2_SHARED].total)
		return QCOW2_NO_SLOT;
	/* One entry is wrong, and one table is lost: what else was never there. */
	if (r->nbad == 1 && !r->many && s->orphans[QCOW2_ORPHAN_L2] == 1 &&
	    s->orphans[QCOW2_ORPHAN_L1] == 0)
		return qcow2_slot_fits(r, r->bad[0]) ? r->bad[0] : QCOW2_NO_SLOT;
	if (r->nbad)
		return QCOW2_NO_SLOT;
	/* With two tables, or two slots, it could be either. */
	if (s->nempty != 1 || s->empty[0].n != 1 || s->orphans[QCOW2_ORPHAN_L2] != 1 ||
	    s->orphans[QCOW2_ORPHAN_L1] != 0 || r->x->points.taken)
		return QCOW2_NO_SLOT;
	return only_slot(r, always);
}
