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
			"L2 table; entries in use: %u, of which point at clusters that "
			"nothing else refers to: %u, that something does: %u, nowhere: %u",
			llu(x->cluster), at, x->points.used, x->points.leaked,
			x->points.taken, x->points.lost);
	case QCOW2_ORPHAN_L1:
		return scan_printf(s,
				   "nothing refers to host cluster %llu (0x%llx), which "
				   "looks like an L1 table; entries in use: %u",
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
	case QCOW2_ORPHAN_PLACED:
	case QCOW2_ORPHAN_UNSEEN:
		break;
	}
	return NULL;
}

/* What it may be put back to, and what of the disk each of these maps. */
static const char *empty_slots(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_scan *c = q->scan;
	const char *list = "";

	for (size_t i = 0; i < c->nempty && i < FLAWS_TOLD; i++) {
		uint64_t first = c->empty[i].first, last = first + c->empty[i].n - 1;
		uint64_t end = u64_min((last + 1) * q->l2_bytes, q->size.v);
		const char *which = first == last ? scan_printf(s, "%llu", llu(first))
						  : scan_printf(s, "%llu to %llu",
								llu(first), llu(last));

		list = scan_printf(s, "%s%s%s (guest offsets 0x%llx to 0x%llx)", list,
				   i ? ", " : "", which, llu(first * q->l2_bytes),
				   llu(end - 1));
	}
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

/* ---- clusters of which the place is known ---- */

static const char *cluster_text(struct scan *s, const struct qcow2 *q, uint64_t cluster,
				uint64_t n)
{
	unsigned long long at = cluster << q->cluster_bits.v;

	if (n == 1)
		return scan_printf(s, "host cluster %llu (0x%llx)", llu(cluster), at);
	return scan_printf(s, "host clusters %llu to %llu (0x%llx on)", llu(cluster),
			   llu(cluster + n - 1), at);
}

static const char *how_known(struct scan *s, const struct qcow2_lost *x)
{
	const char *many = x->n > 1 ? "them" : "it";

	switch (x->why) {
	case QCOW2_LOST_SEQUENCE:
		return scan_printf(
			s,
			"the entries before and behind %s point at the clusters "
			"before and behind",
			many);
	case QCOW2_LOST_BIT:
		return "its offset differs in one bit, and no other's does";
	case QCOW2_LOST_SNAPSHOT:
		return "a snapshot has it in that place, and its refcount is for this "
		       "one, too";
	case QCOW2_LOST_BEFORE:
		return scan_printf(
			s,
			"the entry before %s points at the cluster before, and "
			"no other cluster without reference fits",
			many);
	case QCOW2_LOST_BEHIND:
		return scan_printf(
			s,
			"the entry behind %s points at the cluster behind, and "
			"no other cluster without reference fits",
			many);
	case QCOW2_LOST_ONLY:
		return "the image has no other cluster without reference, and no other "
		       "entry without cluster";
	}
	return "";
}

/* "the L2 entry for guest offset 0x1000 is 0x..., and leads nowhere" */
static const char *lost_text(struct scan *s, const struct qcow2 *q,
			     const struct qcow2_lost *x)
{
	struct qcow2_owner o = { .use = QCOW2_USE_DATA,
				 .snapshot = x->snapshot,
				 .guest = x->guest };
	const char *entry = entry_text(s, q, &o), *more;

	more = x->n > 1 ? scan_printf(s, " and %llu more after it", llu(x->n - 1)) : "";
	if (x->empty)
		return scan_printf(s, "%s%s %s empty", entry, more,
				   x->n > 1 ? "are" : "is");
	return scan_printf(s, "%s is 0x%016llx%s, and leads nowhere", entry,
			   llu(x->entry),
			   x->n > 1 ? scan_printf(s, ", as wrong as the %llu after it",
						  llu(x->n - 1))
				    : "");
}

/* One finding for each of the first, since each is mended on its own. */
static void check_lost(struct scan *s, const struct qcow2 *q)
{
	if (!qcow2_judged(q) || qcow2_is_live(q))
		return;
	for (size_t i = 0; i < q->scan->nlost && i < FLAWS_TOLD; i++) {
		const struct qcow2_lost *x = &q->scan->lost[i];
		bool last = i + 1 == FLAWS_TOLD && i + 1 < q->scan->nlost;
		struct finding *f;

		f = report(s, x->at, "%s; %s pointed at %s: %s%s", lost_text(s, q, x),
			   x->n > 1 ? "they" : "it", cluster_text(s, q, x->cluster, x->n),
			   how_known(s, x),
			   last ? scan_printf(s, "; %zu more places are like this",
					      q->scan->nlost - FLAWS_TOLD)
				: "");
		f->arg = i;
		report_label(s, f,
			     "QEMU reads zeros or fails; qemu-img check -r leaks "
			     "destroys what it pointed at");
		report_related(s, f, start_of(q, x->cluster), "what it pointed at");
	}
}

static bool fix_lost(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	size_t i = f->arg, end = i + 1 == FLAWS_TOLD ? q->scan->nlost : i + 1;
	uint64_t n = 0;

	for (; i < end; i++) {
		n += q->scan->lost[i].n;
		if (!qcow2_plan_pointers(p, q, &q->scan->lost[i]))
			return false;
	}
	if (n == 1)
		plan_title(p, "the L2 entry points at host cluster %llu again",
			   llu(q->scan->lost[f->arg].cluster));
	else
		plan_title(p, "%llu L2 entries point at their clusters again", llu(n));
	return true;
}

/* Where some of what nothing refers to may belong, which is not certain. */
static void tell_offered(struct scan *s, struct finding *f, const struct qcow2 *q)
{
	for (size_t i = 0; f && i < q->scan->noffered && i < FLAWS_TOLD; i++) {
		const struct qcow2_lost *x = &q->scan->offered[i];

		report_related(s, f, x->at,
			       "%s may belong here: %s, and the entries before and "
			       "behind point at the clusters before and behind",
			       cluster_text(s, q, x->cluster, x->n), lost_text(s, q, x));
	}
}

/* ---- the rest ---- */

/* A finding on all orphans of some kinds. */
static struct finding *on_orphans(struct scan *s, const struct qcow2 *q, unsigned kinds,
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
		text = x->n == 1 ? cluster_text(s, q, x->cluster, 1)
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
	return f;
}

static void check_data(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!qcow2_judged(q) || qcow2_is_live(q))
		return;
	f = on_orphans(s, q,
		       1u << QCOW2_ORPHAN_DATA | 1u << QCOW2_ORPHAN_REFCOUNT_BLOCK |
			       1u << QCOW2_ORPHAN_UNSEEN,
		       ", though it holds data", "qemu-img check -r leaks destroys it");
	tell_offered(s, f, q);
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
	{ .id = "qcow2-lost-cluster",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an entry of a QCOW2 lost its cluster, which is still there",
	  .why = "The guest's data is in the file, and reads as zeros or not at all. What the "
		 "entry pointed at is certain only when it leads nowhere by now, so that "
		 "nothing readable changes: a single entry that is empty may be so since the "
		 "guest never wrote there, and the cluster beside be of a write that a crash "
		 "cut off. Empty entries count only as whole sectors of a table.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Cluster mapping\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_lost, fix_lost) },
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
