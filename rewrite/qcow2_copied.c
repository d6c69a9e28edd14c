/* COPIED of every entry of the active tables, against the refcounts: docs/interop/qcow2.txt
 * of QEMU, "Cluster mapping".
 *
 * While it is set, QEMU writes in place: it has to go before a second reference is
 * admitted, and may come only when that is gone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_put.h"
#include "analyze/image/qcow2_walk.h"
#include "base/banned.h"

enum { ENTRIES_MAX = 512 << 10, WALK_BUDGET = 24 << 20 };

struct word {
	uint64_t off, v;
};

struct copied {
	struct plan *plan;
	const struct qcow2 *q;
	bool set;
	bool too_many, doubtful;
	uint64_t table; /* the last that was asked for */
	bool is_table;
	VEC(struct word) words;
};

/* An entry that points to cluster c. */
static bool is_wrong(const struct copied *x, uint64_t entry, uint64_t c)
{
	const struct qcow2_refs *refs = &x->q->scan->refs;

	if (!x->set)
		return entry & QCOW2_COPIED &&
		       (qcow2_refs_marked(refs, QCOW2_MARK_NOT_ONE, c) ||
			qcow2_refs_count(refs, c) > 1);
	return !(entry & QCOW2_COPIED) && qcow2_refs_count(refs, c) == 1 &&
	       qcow2_refs_marked(refs, QCOW2_MARK_IS_ONE, c);
}

static bool note(struct copied *x, uint64_t off, uint64_t entry)
{
	struct word *w;

	if (x->words.n == ENTRIES_MAX) {
		x->too_many = true;
		return false;
	}
	w = vec_add(&x->words, x->plan->arena);
	*w = (struct word){ off, entry };
	return true;
}

/* Of an L2 table. */
static bool note_in_table(struct copied *x, uint64_t off, uint64_t entry)
{
	uint64_t table = off - off % x->q->cluster_size;

	if (table != x->table) {
		x->table = table;
		x->is_table = qcow2_is_table(x->q, table);
	}
	if (x->is_table)
		return note(x, off, entry);
	x->doubtful = true;
	return false;
}

static void note_empty(void *arg, const struct qcow2_l1 *l1, uint64_t slot,
		       uint64_t entry)
{
	struct copied *x = arg;

	if (!x->set && l1->snapshot == QCOW2_ACTIVE && entry & QCOW2_COPIED &&
	    !(entry & QCOW2_OFFSET_MASK))
		note(x, l1->off + slot * 8, entry);
}

static bool note_l2(void *arg, const struct qcow2_l2 *l2)
{
	struct copied *x = arg;
	uint64_t c = qcow2_l2_offset(l2) >> x->q->cluster_bits.v;

	if (!l2->active || !is_wrong(x, l2->entry, c))
		return true;
	return note(x, x->q->l1.at.off + l2->slot * UINT64_C(8), l2->entry);
}

static bool in_data_file(struct copied *x, const struct qcow2_run *r)
{
	for (size_t i = 0; i < r->n && x->set; i++) {
		if (!(r->entry & QCOW2_COPIED) && r->entry & QCOW2_OFFSET_MASK &&
		    !note_in_table(x, r->at + i * x->q->l2_entry_size,
				   r->entry + i * r->step))
			return false;
	}
	return true;
}

static bool note_run(void *arg, const struct qcow2_run *r)
{
	struct copied *x = arg;
	const struct qcow2 *q = x->q;

	if (!r->active || r->entry & QCOW2_COMPRESSED)
		return true;
	if (q->external_data)
		return in_data_file(x, r);
	if (!(r->entry & QCOW2_OFFSET_MASK))
		return true;
	for (size_t i = 0; i < r->n; i++) {
		uint64_t entry = r->entry + i * r->step;
		uint64_t c = (entry & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;

		if (is_wrong(x, entry, c) &&
		    !note_in_table(x, r->at + i * q->l2_entry_size, entry))
			return false;
	}
	return true;
}

static int by_offset(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

static bool plan_words(struct copied *x)
{
	/* Pointers that are no longer COPIED go first, the others last. */
	enum stage stage = x->set ? STAGE_COMMIT : STAGE_TABLES;
	uint64_t last = UINT64_MAX;

	if (x->words.n)
		vec_sort(&x->words, by_offset);
	for (size_t i = 0; i < x->words.n; i++) {
		uint8_t was[8], is[8];

		if (x->words.v[i].off == last)
			continue;
		last = x->words.v[i].off;
		qcow2_put64(was, x->words.v[i].v);
		qcow2_put64(is, x->words.v[i].v ^ QCOW2_COPIED);
		if (!qcow2_plan_change(x->plan, stage, last, was, is, 8))
			return false;
	}
	return true;
}

bool qcow2_plan_copied(struct plan *p, const struct qcow2 *q, bool set)
{
	struct copied x = { .plan = p, .q = q, .set = set, .table = UINT64_MAX };
	struct err e = { 0 };
	struct arena scratch;
	struct qcow2_walk w = { .q = q,
				.a = &scratch,
				.e = &e,
				.arg = &x,
				.l1_entry = note_empty,
				.l2 = note_l2,
				.run = note_run };
	bool failed;

	if (!q->scan || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (!qcow2_is_alone(q, q->l1.at.off))
		return plan_refuse(p, "something else uses the L1 table's cluster");
	arena_init(&scratch, WALK_BUDGET);
	failed = qcow2_walk_l1(&w) != 0 || qcow2_walk_l2(&w) != 0;
	arena_free(&scratch);
	if (failed)
		return plan_refuse(p, "%s", e.msg);
	if (w.limit)
		return plan_refuse(p, "not all was looked at: %s", w.limit);
	if (x.doubtful)
		return plan_refuse(
			p,
			"what is read as an L2 table at 0x%llx may be something "
			"else",
			(unsigned long long)x.table);
	if (x.too_many)
		return plan_refuse(p, "more than %d entries would have to be changed",
				   ENTRIES_MAX);
	return plan_words(&x);
}
