/* Tables of a QCOW2 image to which nothing refers any more, put back: L1 tables and tables of
 * snapshots here, L2 tables in qcow2_relink_l2.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_relink.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum { SNAPSHOTS_TRIED = 1024 };

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

static bool relink_snapshots(struct plan *p, const struct qcow2 *q,
			     const struct qcow2_orphan *x)
{
	uint64_t off = x->cluster << q->cluster_bits.v, n = 0;
	struct qcow2_snapshots list;
	struct err e = { 0 };
	uint8_t head[12];

	if (!list_is_lost(q))
		return plan_refuse(p, "the image has other snapshots");
	if (!q->scan->complete || (q->nb_snapshots.v == 0 && !q->scan->whole))
		return plan_refuse(p, "other tables of the image cannot be read");
	if (q->scan->orphans[QCOW2_ORPHAN_SNAPSHOT_TABLE] != 1)
		return plan_refuse(p, "it is not the only one that is lost");
	if (q->nb_snapshots.v == 0 && q->snapshots_offset.v != 0 &&
	    q->snapshots_offset.v != off)
		return plan_refuse(p, "the header says that it was at 0x%llx",
				   (unsigned long long)q->snapshots_offset.v);
	while (n < SNAPSHOTS_TRIED) {
		if (qcow2_snapshots_read(&list, q, off, n + 1, p->arena, &e) != 0)
			return plan_refuse(p, "%s", e.msg);
		if (list.n != n + 1 || !is_lost_snapshot(q, &list.v[n]))
			break;
		n++;
	}
	if (n == 0 || n == SNAPSHOTS_TRIED ||
	    (q->nb_snapshots.v != 0 && q->nb_snapshots.v != n))
		return plan_refuse(p, "how many snapshots it has cannot be known");
	for (unsigned i = 0; i < 4; i++)
		head[i] = (uint8_t)(n >> 8 * (3 - i));
	qcow2_put64(head + 4, off);
	plan_title(p, "the header has its %llu snapshot%s again", (unsigned long long)n,
		   n == 1 ? "" : "s");
	return plan_bytes(p, STAGE_COMMIT, QCOW2_OFF_SNAPSHOTS,
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
static bool relink_l1(struct plan *p, const struct qcow2 *q, const struct qcow2_orphan *x)
{
	uint64_t off = x->cluster << q->cluster_bits.v;
	const struct qcow2_table *lost = NULL;
	struct span pointer = q->l1_offset.at;
	size_t n = 0;

	if (!q->scan->complete || q->scan->orphans[QCOW2_ORPHAN_L1] != 1)
		return plan_refuse(p, "it is not the only one that is lost");
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
		return plan_refuse(p, "what pointed at it cannot be known");
	plan_title(p, lost == &q->l1 ? "the header points at the L1 table again"
				     : "a snapshot points at its L1 table again");
	return qcow2_plan_be64(p, STAGE_COMMIT, pointer.off, off);
}

bool qcow2_plan_relink(struct plan *p, const struct qcow2 *q,
		       const struct qcow2_orphan *x)
{
	switch (x->kind) {
	case QCOW2_ORPHAN_L2:
		return qcow2_relink_l2(p, q, x);
	case QCOW2_ORPHAN_SNAPSHOT_TABLE:
		return relink_snapshots(p, q, x);
	case QCOW2_ORPHAN_L1:
		return relink_l1(p, q, x);
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
