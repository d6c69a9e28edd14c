/* Slots of the L1 tables of a QCOW2 image that point into the middle of an L2 table, or have
 * lost one which another L1 table still has in the same slot: snapshots share tables with the
 * disk, and with each other. The refcounts tell: of the table, and of everything that it
 * maps, there is a reference too few.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_put.h"
#include "analyze/image/qcow2_walk.h"
#include "base/banned.h"

enum {
	LISTS_MAX = 65,       /* L1 tables */
	LISTED_MAX = 1 << 20, /* entries of them, all together */
	SLOTS_MAX = 1024,     /* that are filled by one repair */
};

struct list {
	uint64_t at; /* of the table, bytes */
	uint64_t n;  /* entries */
	struct view raw;
};

struct slots {
	struct plan *plan;
	const struct qcow2 *q;
	struct list list[LISTS_MAX];
	size_t nlists, filled;
	uint64_t most; /* entries of the longest */
};

static bool load(struct slots *s, const struct qcow2_table *t, struct view raw)
{
	const struct qcow2 *q = s->q;
	struct err e = { 0 };

	if (t->state != QCOW2_TABLE_WHOLE || s->nlists == LISTS_MAX)
		return false;
	if (!raw.n && qcow2_table_read(q, t, (uint64_t)LISTED_MAX * 8 / LISTS_MAX,
				       s->plan->arena, &raw, &e) != 0)
		return false;
	s->list[s->nlists++] =
		(struct list){ .at = t->at.off, .n = raw.n / 8, .raw = raw };
	s->most = raw.n / 8 > s->most ? raw.n / 8 : s->most;
	return true;
}

static bool load_all(struct slots *s)
{
	const struct qcow2 *q = s->q;

	if (q->l1.raw.n / 8 > LISTED_MAX || !load(s, &q->l1, q->l1.raw))
		return false;
	for (size_t i = 0; i < q->snapshots.n; i++) {
		if (!load(s, &q->snapshots.v[i].l1, (struct view){ 0 }))
			return false;
	}
	return true;
}

/* So many references of a cluster are missing. */
static uint64_t missing(const struct qcow2 *q, uint64_t cluster)
{
	const struct qcow2_flaws *v = &q->scan->flaws[QCOW2_FLAW_REFCOUNT_HIGH];
	size_t from = 0, to = v->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct qcow2_flaw *f = &v->v[mid];

		if (cluster < f->cluster)
			to = mid;
		else if (cluster >= f->cluster + f->n)
			from = mid + 1;
		else
			return f->stored - f->counted;
	}
	return 0;
}

/* Everything that the table maps has as many references too few. */
static bool is_missed(const struct slots *s, uint64_t table, uint64_t n)
{
	const struct qcow2 *q = s->q;
	struct err e = { 0 };
	struct view raw;

	if (table % q->cluster_size != 0 || table >= q->file_size ||
	    q->file_size - table < q->cluster_size ||
	    source_view(q->src, s->plan->arena, table, q->cluster_size, &raw, &e) != 0)
		return false;
	for (size_t i = 0; i < q->l2_entries; i++) {
		uint64_t entry = view_be64(raw, i * (size_t)q->l2_entry_size);
		uint64_t off = entry & QCOW2_OFFSET_MASK;

		if (!(entry & QCOW2_COMPRESSED) && off && !q->external_data &&
		    missing(q, off >> q->cluster_bits.v) < n)
			return false;
	}
	return true;
}

/* Its pointer leads nowhere, or to what is somebody else's: whatever it was, it is lost. */
static bool is_wild(const struct slots *s, const struct list *l, uint64_t slot)
{
	const struct qcow2 *q = s->q;
	uint64_t entry = slot < l->n ? qcow2_entry(l->raw, (size_t)slot) : 0;
	uint64_t off = entry & QCOW2_OFFSET_MASK;

	return off && (entry & QCOW2_L1_RESERVED || off % q->cluster_size != 0 ||
		       off >= q->file_size || !qcow2_is_alone(q, off));
}

static bool is_open(const struct list *l, uint64_t slot)
{
	return slot < l->n && !(qcow2_entry(l->raw, (size_t)slot) & QCOW2_OFFSET_MASK);
}

static bool fill(struct slots *s, uint64_t slot, uint64_t table, size_t nlists, bool wild)
{
	for (size_t i = 0; i < nlists; i++) {
		const struct list *l = &s->list[i];

		/* More than one has it: it is not COPIED. */
		if ((wild ? is_wild(s, l, slot) : is_open(l, slot)) &&
		    !qcow2_plan_be64(s->plan, STAGE_COMMIT, l->at + slot * 8, table))
			return false;
	}
	s->filled++;
	return true;
}

/* False: it is known that something is missing there, and not what. */
static bool look_at(struct slots *s, uint64_t slot)
{
	uint64_t table = 0, n, open = 0, wild = 0;
	const uint64_t *orphans = s->q->scan->orphans;

	for (size_t i = 0; i < s->nlists; i++) {
		const struct list *l = &s->list[i];
		uint64_t t = slot < l->n ? qcow2_entry(l->raw, (size_t)slot) : 0;

		t &= QCOW2_OFFSET_MASK;
		wild += is_wild(s, l, slot);
		open += is_open(l, slot);
		if (!t || t == table || !missing(s->q, t >> s->q->cluster_bits.v))
			continue;
		if (table)
			return false;
		table = t;
	}
	if (!table || !(open + wild))
		return true;
	n = missing(s->q, table >> s->q->cluster_bits.v);
	if (!is_missed(s, table, n))
		return true;
	if (s->filled == SLOTS_MAX)
		return false;
	/* These have lost it, if no table of their own; what is empty may be so rightly. */
	if (wild)
		return n == wild && !orphans[QCOW2_ORPHAN_L2] &&
		       !orphans[QCOW2_ORPHAN_L1] && fill(s, slot, table, s->nlists, true);
	if (n == open)
		return fill(s, slot, table, s->nlists, false);
	/* A disk loses a table only when it goes back to a snapshot that is older than all of
	 * its own; that snapshots have nothing there is common. */
	return n == 1 && is_open(&s->list[0], slot) && fill(s, slot, table, 1, false);
}

bool qcow2_plan_slots(struct plan *p, const struct qcow2 *q, bool *none)
{
	const struct qcow2_flaws *v = &q->scan->flaws[QCOW2_FLAW_REFCOUNT_HIGH];
	struct slots *s = arena_new(p->arena, struct slots);
	struct plan_mark start = plan_mark(p);

	*none = true;
	*s = (struct slots){ .plan = p, .q = q };
	if (!v->n || q->snapshots.n == 0 || !q->scan->complete || !load_all(s))
		return false;
	for (uint64_t slot = 0; slot < s->most; slot++) {
		if (look_at(s, slot))
			continue;
		plan_cut(p, start);
		*none = false;
		return plan_refuse(p,
				   "entry %llu of more than one L1 table is empty, and "
				   "which of them lost its L2 table cannot be known",
				   (unsigned long long)slot);
	}
	if (!s->filled)
		return false;
	*none = false;
	plan_title(p,
		   "%zu entr%s of L1 tables, which only refcounts still tell of, as in "
		   "the others",
		   s->filled, s->filled == 1 ? "y" : "ies");
	return true;
}

/* ---- entries that point into a table ---- */

/* Its refcount, when it is a table by its contents, and no other slot of the disk has it. */
static uint64_t own_table(struct plan *p, const struct qcow2 *q, uint64_t off)
{
	uint64_t stored = 0;
	struct err e = { 0 };
	bool known = false;
	struct view raw;

	if (off == 0 || off >= q->file_size || q->file_size - off < q->cluster_size ||
	    qcow2_stored(q, off >> q->cluster_bits.v, &stored, &known, &e) != 0 || !known)
		return 0;
	for (size_t i = 0; i < q->l1.raw.n / 8; i++) {
		if ((qcow2_entry(q->l1.raw, i) & QCOW2_OFFSET_MASK) == off)
			return 0;
	}
	if (source_view(q->src, p->arena, off, q->cluster_size, &raw, &e) != 0)
		return 0;
	return qcow2_looks_like_l2(q, raw.p, raw.n) ? stored : 0;
}

bool qcow2_plan_aligned(struct plan *p, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = &q->scan->flaws[QCOW2_FLAW_L1_UNALIGNED];
	uint64_t n = 0;

	for (size_t i = 0; i < v->n; n += v->v[i++].n) {
		const struct qcow2_flaw *f = &v->v[i];
		uint64_t off = f->entry & QCOW2_OFFSET_MASK, stored;

		off -= off % q->cluster_size;
		stored = own_table(p, q, off);
		if (f->n != 1 || f->at.off < q->l1.at.off ||
		    f->at.off >= q->l1.at.off + q->l1.raw.n || stored == 0)
			return plan_refuse(
				p,
				"the cluster that 0x%llx is in is no L2 table of "
				"the disk, or has another owner",
				(unsigned long long)(f->entry & QCOW2_OFFSET_MASK));
		if (!qcow2_plan_be64(p, STAGE_COMMIT, f->at.off,
				     stored == 1 ? off | QCOW2_COPIED : off))
			return false;
	}
	plan_title(p, "the begin of the L2 table, instead of a place within it");
	return n == v->total || plan_refuse(p, "there are too many");
}
