/* Rules on clusters of a QCOW2 image that have a refcount, though nothing refers to them. To
 * qemu-img check all of them are leaks, and -r leaks frees and punches them: the guest's
 * data with them, when it is only a pointer that was lost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "rewrite/qcow2_edit.h"
#include "rules/rules.h"
#include "base/banned.h"

/* Its first bytes tell enough. */
static struct span start_of(const struct qcow2 *q, uint64_t cluster)
{
	return (struct span){ q->src, cluster << q->cluster_bits.v, 16 };
}

static const char *not_whole(const struct qcow2 *q)
{
	if (!q->scan->whole)
		return "; some tables of the image cannot be read, and may have referred to "
		       "them";
	return "";
}

/* ---- tables ---- */

static const char *table_words(struct scan *s, const struct qcow2 *q,
			       const struct qcow2_orphan *x)
{
	unsigned long long at = x->cluster << q->cluster_bits.v;

	switch (x->kind) {
	case QCOW2_ORPHAN_L2:
		return scan_printf(
			s,
			"nothing refers to host cluster %llu (0x%llx), which looks like an "
			"L2 table: %u entries, of which %u point at clusters that nothing "
			"else refers to, %u at such that something does, %u nowhere",
			llu(x->cluster), at, x->points.used, x->points.leaked,
			x->points.taken, x->points.lost);
	case QCOW2_ORPHAN_L1:
		return scan_printf(s,
				   "nothing refers to host cluster %llu (0x%llx), which "
				   "looks like an L1 table with %u entries",
				   llu(x->cluster), at, x->points.used);
	case QCOW2_ORPHAN_SNAPSHOT_TABLE:
		return scan_printf(s,
				   "nothing refers to host cluster %llu (0x%llx), which "
				   "looks like a snapshot table",
				   llu(x->cluster), at);
	case QCOW2_ORPHAN_BLANK:
	case QCOW2_ORPHAN_DATA:
	case QCOW2_ORPHAN_REFCOUNT_BLOCK:
	case QCOW2_ORPHAN_STALE_BITMAP:
	case QCOW2_ORPHAN_UNSEEN:
		break;
	}
	return NULL;
}

static const char *empty_slots(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_scan *c = q->scan;
	const char *list = "";

	for (size_t i = 0; i < c->nempty && i < FLAWS_TOLD; i++)
		list = scan_printf(s,
				   c->empty[i].n == 1 ? "%s%s%llu" : "%s%s%llu to %llu",
				   list, i ? ", " : "", llu(c->empty[i].first),
				   llu(c->empty[i].first + c->empty[i].n - 1));
	if (!c->nempty)
		return "no entry of the active L1 table is empty";
	return scan_printf(s, "entries of the active L1 table that are empty: %s%s", list,
			   c->nempty > FLAWS_TOLD ? ", ..." : "");
}

static void check_tables(struct scan *s, const struct qcow2 *q)
{
	unsigned told = 0;

	if (!qcow2_judged(q) || qcow2_is_live(q))
		return;
	for (size_t i = 0; i < q->scan->norphans; i++) {
		const struct qcow2_orphan *x = &q->scan->orphan[i];
		const char *words = table_words(s, q, x);
		struct finding *f;

		if (!words)
			continue;
		if (++told > FLAWS_TOLD * 8)
			break;
		f = report(s, start_of(q, x->cluster), "%s", words);
		f->arg = i;
		report_label(s, f, "qemu-img check -r leaks destroys it");
		if (x->kind == QCOW2_ORPHAN_L2)
			report_related(s, f, q->l1.at, "%s", empty_slots(s, q));
	}
}

static bool fix_table(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	return qcow2_plan_relink(p, q, &q->scan->orphan[f->arg]);
}

/* ---- the rest ---- */

/* A finding on all orphans of some kinds. */
static void on_orphans(struct scan *s, const struct qcow2 *q, unsigned kinds,
		       const char *what, const char *label)
{
	const struct qcow2_scan *c = q->scan;
	struct finding *f = NULL;
	uint64_t total = 0;
	unsigned told = 0;

	for (unsigned k = 0; k < QCOW2_ORPHAN_KINDS; k++)
		total += kinds >> k & 1 ? c->orphans[k] : 0;
	for (size_t i = 0; i < c->norphans && told < FLAWS_TOLD; i++) {
		const struct qcow2_orphan *x = &c->orphan[i];
		struct span at = start_of(q, x->cluster);
		const char *text;

		if (!(kinds >> x->kind & 1))
			continue;
		text = x->n == 1 ? scan_printf(s, "host cluster %llu (0x%llx)",
					       llu(x->cluster), llu(at.off))
				 : scan_printf(s,
					       "%llu host clusters from %llu (0x%llx) on",
					       llu(x->n), llu(x->cluster), llu(at.off));
		if (told++) {
			report_related(s, f, at, "%s, refcount %llu", text,
				       llu(x->stored));
			continue;
		}
		f = report(s, at, "%s: refcount %llu, and nothing refers to it%s%s%s",
			   text, llu(x->stored), what,
			   total == x->n
				   ? ""
				   : scan_printf(s, "; %llu clusters in all", llu(total)),
			   not_whole(q));
		report_label(s, f, "%s", label);
	}
}

static void check_data(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_judged(q) || qcow2_is_live(q))
		return;
	on_orphans(s, q,
		   1u << QCOW2_ORPHAN_DATA | 1u << QCOW2_ORPHAN_REFCOUNT_BLOCK |
			   1u << QCOW2_ORPHAN_UNSEEN,
		   ", though it holds data", "qemu-img check -r leaks destroys it");
}

static void check_blank(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_judged(q) || qcow2_is_live(q))
		return;
	on_orphans(s, q, 1u << QCOW2_ORPHAN_BLANK, "; it holds zeros",
		   "it takes room until it is let go");
}

/* Bytes are never touched, and clusters that a lost table may want are kept. */
static bool let_go(struct plan *p, const struct qcow2 *q, unsigned which)
{
	if (!q->scan->whole)
		return plan_refuse(p, "some tables cannot be read, and may refer to it");
	if (qcow2_has_lost_tables(q))
		return plan_refuse(p, "there are tables that nothing refers to, and they "
				      "may refer to it: see qcow2-orphan-table");
	plan_title(p, "refcount 0 for what nothing refers to; no byte of it changes");
	return qcow2_plan_counts(p, q, which);
}

static bool fix_blank(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	if (q->scan->orphans[QCOW2_ORPHAN_DATA])
		return plan_refuse(p,
				   "other clusters that nothing refers to hold data: "
				   "something lost its pointers, see qcow2-orphan-data");
	return let_go(p, q, QCOW2_BLANK);
}

static bool fix_data(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	return let_go(p, q, QCOW2_DATA);
}

const struct rule rules_qcow2_orphan[] = {
	{ .id = "qcow2-leak",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "blank clusters of a QCOW2 are allocated, and nothing refers to them",
	  .why = "A crash leaves them behind. They only take room.",
	  .source = "QEMU, block/qcow2-refcount.c, \"Leaked cluster\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_blank, fix_blank) },
	{ .id = "qcow2-orphan-data",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_LOSSY,
	  .title = "clusters of a QCOW2 hold data, and nothing refers to them",
	  .why = "A crash may have left them behind, or the pointers to them were lost: then "
		 "this is the guest's only copy. qemu-img check -r leaks destroys it.",
	  .source = "QEMU, block/qcow2-refcount.c, \"Leaked cluster\"; free_clusters() "
		    "discards what it frees",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_data, fix_data) },
	{ .id = "qcow2-orphan-table",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a table of a QCOW2 is there, and nothing refers to it",
	  .why = "The pointer to it was lost: all that it maps, up to hundreds of megabytes of "
		 "the guest's disk, reads as zeros. qemu-img check takes it for a leak.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Cluster mapping\", \"Snapshots\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_tables, fix_table) },
};

RULES_END(qcow2_orphan);
