/* Which clusters a stretch of entries pointed at: by the entries around it, by its bits, or by
 * the number of all that are lost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_lost.h"
#include "base/banned.h"

enum { SECTOR = 512 };

/* ---- clusters that nothing refers to ---- */

static int orphan_order(const void *elem, const void *key)
{
	const struct qcow2_orphan *x = elem;
	const uint64_t *cluster = key;

	return x->cluster + x->n <= *cluster ? -1 : 1;
}

/* The guest's data, or what looks like nothing else; with the refcount that the table's
 * entries give it. */
static bool is_loose(const struct qcow2_search *o, uint64_t cluster, uint64_t weight)
{
	const struct qcow2_scan *s = o->t->scan;
	size_t i = sorted_find(s->orphan, s->norphans, sizeof(*s->orphan), &cluster,
			       orphan_order);
	const struct qcow2_orphan *x;

	if (i == s->norphans)
		return false;
	x = &s->orphan[i];
	if (x->cluster > cluster || x->stored != weight ||
	    qcow2_refs_count(&o->claimed, cluster))
		return false;
	return x->kind == QCOW2_ORPHAN_DATA || x->kind == QCOW2_ORPHAN_BLANK ||
	       x->kind == QCOW2_ORPHAN_REFCOUNT_BLOCK;
}

static bool are_loose(const struct qcow2_search *o, uint64_t cluster,
		      const struct qcow2_stretch *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		if (!is_loose(o, cluster + i, s->l2->weight))
			return false;
	}
	return cluster != 0;
}

/* ---- proofs ---- */

/* Entry and cluster stand between the same two others. */
uint64_t qcow2_in_sequence(const struct qcow2_search *o, const struct qcow2_stretch *s)
{
	if (!s->before || s->after != s->before + s->n + 1 ||
	    !are_loose(o, s->before + 1, s))
		return 0;
	return s->before + 1;
}

/* One bit of the pointer is another one. */
static uint64_t by_one_bit(const struct qcow2_search *o, const struct qcow2_stretch *s)
{
	const struct qcow2 *q = o->t->q;
	uint64_t found = 0;

	if (s->n != 1 || s->empty || s->accident || s->zeros)
		return 0;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t word = s->word ^ UINT64_C(1) << bit;
		uint64_t off = word & QCOW2_OFFSET_MASK;

		if ((word & ~QCOW2_OFFSET_MASK) != qcow2_flags_for(s->l2) ||
		    off % q->cluster_size != 0 ||
		    !is_loose(o, off >> q->cluster_bits.v, s->l2->weight))
			continue;
		if (found)
			return 0;
		found = off >> q->cluster_bits.v;
	}
	return found;
}

/* An entry that is zero may be so since the guest never wrote there, and a cluster be lost to
 * a write that a crash cut off. Sectors of a disk are lost as a whole: those of a table, with
 * a cluster for each of their entries. */
static bool is_sectors(const struct qcow2_search *o, const struct qcow2_stretch *s)
{
	uint64_t width = o->t->q->l2_entry_size;

	return s->n && s->index * width % SECTOR == 0 && s->n * width % SECTOR == 0;
}

static void prove(struct qcow2_search *o, struct qcow2_stretch *s)
{
	uint64_t place = qcow2_in_sequence(o, s), bit = by_one_bit(o, s);

	if (s->cluster)
		return;
	if (place && bit && place != bit) {
		s->torn = true;
		return;
	}
	if (place && s->empty && !is_sectors(o, s))
		return;
	/* Noise has entries that read as zeros; alone, it is more likely to be one. */
	if (place && s->zeros && s->n == 1)
		return;
	if (!s->empty && !s->plain && !bit)
		return;
	s->cluster = place ? place : bit;
	s->why = place ? QCOW2_LOST_SEQUENCE : QCOW2_LOST_BIT;
}

/* ---- by their number ---- */

/* Nothing is wrong with the image's tables but entries that lead nowhere, and each cluster
 * that lost a reference is one that nothing refers to. */
static bool can_count(const struct qcow2_search *o)
{
	static const enum qcow2_flaw_kind other[] = {
		QCOW2_FLAW_REFCOUNT_ZERO,   QCOW2_FLAW_REFCOUNT_LOW,
		QCOW2_FLAW_REFCOUNT_HIGH,   QCOW2_FLAW_REFCOUNT_PAST_EOF,
		QCOW2_FLAW_DATA_DATA,       QCOW2_FLAW_DATA_METADATA,
		QCOW2_FLAW_L2_SHARED,       QCOW2_FLAW_METADATA_METADATA,
		QCOW2_FLAW_L2_RESERVED,     QCOW2_FLAW_COMPRESSED_COPIED,
		QCOW2_FLAW_BITMAP_BOTH,     QCOW2_FLAW_L2_ZERO_V2,
		QCOW2_FLAW_L2_COPIED_WRONG, QCOW2_FLAW_L2_COPIED_MISSING,
	};

	if (!o->t->scan->whole || o->t->scan->limit || o->partly)
		return false;
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		if (o->t->scan->flaws[other[i]].total)
			return false;
	}
	return true;
}

/* As many of them as entries that are stray, when those are left out that are matched; 0:
 * not so. */
static uint64_t as_many(const struct qcow2_search *o)
{
	uint64_t clusters = o->t->scan->flaws[QCOW2_FLAW_LEAK].total;
	uint64_t entries = o->strays;

	for (size_t i = 0; i < o->stretch.n; i++) {
		const struct qcow2_stretch *s = &o->stretch.v[i];

		if (!s->cluster || s->why == QCOW2_LOST_SNAPSHOT)
			continue;
		clusters -= u64_min(clusters, s->n);
		entries -= s->empty ? 0 : u64_min(entries, s->n);
	}
	return clusters == entries ? entries : 0;
}

static bool is_open(const struct qcow2_stretch *s)
{
	return !s->cluster && !s->empty && !s->torn && !s->accident && !s->zeros &&
	       s->plain;
}

/* The entry before points at the cluster before, or the one behind at the one behind. */
static void prove_beside(struct qcow2_search *o, struct qcow2_stretch *s)
{
	uint64_t x = s->before && are_loose(o, s->before + 1, s) ? s->before + 1 : 0;
	uint64_t y =
		s->after > s->n && are_loose(o, s->after - s->n, s) ? s->after - s->n : 0;

	if (!x == !y)
		return;
	s->cluster = x ? x : y;
	s->why = x ? QCOW2_LOST_BEFORE : QCOW2_LOST_BEHIND;
}

static void prove_only(struct qcow2_search *o)
{
	const struct qcow2_scan *scan = o->t->scan;
	struct qcow2_stretch *s = NULL;

	for (size_t i = 0; i < o->stretch.n; i++) {
		if (is_open(&o->stretch.v[i]) && o->stretch.v[i].n == 1)
			s = &o->stretch.v[i];
	}
	for (size_t i = 0; s && i < scan->norphans; i++) {
		const struct qcow2_orphan *x = &scan->orphan[i];

		for (uint64_t c = x->cluster; c < x->cluster + x->n; c++) {
			if (!is_loose(o, c, s->l2->weight))
				continue;
			s->cluster = c;
			s->why = QCOW2_LOST_ONLY;
			return;
		}
	}
}

/* ---- claims ---- */

static bool claim(struct qcow2_search *o, const struct qcow2_stretch *s)
{
	return qcow2_refs_add(&o->claimed, s->cluster, s->n, 1, 0);
}

static bool is_disputed(const struct qcow2_search *o, const struct qcow2_stretch *s)
{
	for (uint64_t i = 0; i < s->n; i++) {
		if (qcow2_refs_count(&o->claimed, s->cluster + i) > 1)
			return true;
	}
	return false;
}

/* What was found since the last time: a cluster that two entries claim is nobody's. */
static void settle(struct qcow2_search *o, bool *is_old)
{
	for (size_t i = 0; i < o->stretch.n; i++) {
		if (o->stretch.v[i].cluster && !is_old[i] && !claim(o, &o->stretch.v[i]))
			o->partly = o->stretch.v[i].torn = true;
	}
	for (size_t i = 0; i < o->stretch.n; i++) {
		struct qcow2_stretch *s = &o->stretch.v[i];

		if (s->cluster && is_disputed(o, s))
			s->torn = true;
	}
	for (size_t i = 0; i < o->stretch.n; i++) {
		if (o->stretch.v[i].torn)
			o->stretch.v[i].cluster = 0;
		is_old[i] = o->stretch.v[i].cluster != 0;
	}
}

void qcow2_prove(struct qcow2_search *o)
{
	bool *is_old = arena_try_array(o->t->scratch, o->stretch.n + 1, bool);

	if (!is_old)
		return;
	for (size_t i = 0; i < o->stretch.n; i++)
		prove(o, &o->stretch.v[i]);
	settle(o, is_old);
	if (!can_count(o) || as_many(o) == 0)
		return;
	for (size_t i = 0; i < o->stretch.n; i++) {
		if (is_open(&o->stretch.v[i]))
			prove_beside(o, &o->stretch.v[i]);
	}
	settle(o, is_old);
	if (as_many(o) == 1)
		prove_only(o);
	settle(o, is_old);
}
