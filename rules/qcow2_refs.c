/* Rules on the refcounts of a QCOW2 image, and on COPIED, which repeats them: QEMU,
 * docs/interop/qcow2.txt, "Host cluster management".
 *
 * Refcounts follow from the references, all of them: they can always be raised to what was
 * counted. They are lowered only when every table is known, and nothing that is in use
 * without a reference may be the one that is missing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- where the refcounts are ---- */

static const char *table_trouble(struct scan *s, const struct qcow2 *q)
{
	switch (q->rt.state) {
	case QCOW2_TABLE_NONE:
		return "has no cluster";
	case QCOW2_TABLE_ZERO:
		return "is at offset 0, which is the header's";
	case QCOW2_TABLE_UNALIGNED:
		return scan_printf(s,
				   "is at 0x%llx, which is not a multiple of the "
				   "cluster size",
				   llu(q->rt_offset.v));
	case QCOW2_TABLE_OUTSIDE:
		return scan_printf(s, "is at 0x%llx, and the file ends at 0x%llx",
				   llu(q->rt_offset.v), llu(q->file_size));
	case QCOW2_TABLE_CUT:
		return scan_printf(s,
				   "at 0x%llx has %llu entries, and the file ends at "
				   "0x%llx, within it",
				   llu(q->rt_offset.v), llu(q->rt.n), llu(q->file_size));
	case QCOW2_TABLE_TOO_LARGE:
		return scan_printf(s, "has %llu clusters, more than 8 MiB",
				   llu(q->rt_clusters.v));
	case QCOW2_TABLE_WHOLE:
	case QCOW2_TABLE_NO_ROOM:
		break;
	}
	return NULL;
}

/* The table's last cluster may be cut off where it holds nothing. */
static bool table_is_lost(const struct qcow2 *q)
{
	switch (q->rt.state) {
	case QCOW2_TABLE_NONE:
	case QCOW2_TABLE_ZERO:
	case QCOW2_TABLE_UNALIGNED:
	case QCOW2_TABLE_OUTSIDE:
	case QCOW2_TABLE_TOO_LARGE:
		return true;
	case QCOW2_TABLE_CUT:
		return has_flaw(q, QCOW2_FLAW_TABLE_PAST_EOF);
	case QCOW2_TABLE_WHOLE:
	case QCOW2_TABLE_NO_ROOM:
		break;
	}
	return false;
}

/* Refcounts are not known where a block cannot be found: only the cause is told. */
static bool blocks_are_known(const struct qcow2 *q)
{
	return !table_is_lost(q) && !has_flaw(q, QCOW2_FLAW_RT_UNALIGNED) &&
	       !has_flaw(q, QCOW2_FLAW_RT_PAST_EOF);
}

static void check_reftable(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!qcow2_judged(q) || !table_is_lost(q))
		return;
	f = report(s,
		   q->rt.state == QCOW2_TABLE_NONE ? q->rt_clusters.at : q->rt_offset.at,
		   "the refcount table %s", table_trouble(s, q));
	report_label(s, f,
		     "QEMU cannot open the image for writing, and mostly not at all");
}

/* What is there is used again when it is found. New refcounts keep what nobody refers to
 * and holds something: it is then seen as qcow2-orphan-data or qcow2-orphan-table. */
static bool restore(struct plan *p, const struct qcow2 *q)
{
	if (!qcow2_judged(q) || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted: %s",
				   q->scan && q->scan->limit ? q->scan->limit : "");
	return qcow2_plan_refcounts(p, q);
}

static bool fix_reftable(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	return restore(p, q);
}

static void check_rt_entry(struct scan *s, const struct qcow2 *q)
{
	static const struct {
		enum qcow2_flaw_kind kind;
		const char *what;
	} kinds[] = {
		{ QCOW2_FLAW_RT_RESERVED, "in which reserved bits are set" },
		{ QCOW2_FLAW_RT_UNALIGNED,
		  "whose offset is not a multiple of the cluster size" },
		{ QCOW2_FLAW_RT_PAST_EOF, "beyond the end of the file" },
	};

	if (!qcow2_judged(q) || table_is_lost(q))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct finding *f = report_entries(s, q, kinds[i].kind, kinds[i].what);

		if (!f)
			continue;
		f->arg = kinds[i].kind;
		report_label(s, f,
			     "qemu-img check -r all fails here, or makes the file as "
			     "long as this says");
	}
}

static bool fix_rt_entry(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_of(q, (enum qcow2_flaw_kind)f->arg);

	/* The block is in use all the same: see qcow2_range_counts(). */
	if (f->arg != QCOW2_FLAW_RT_RESERVED || !blocks_are_known(q) ||
	    !flaws_all_kept(v))
		return restore(p, q);
	for (size_t i = 0; i < v->n; i++) {
		struct qcow2_words w = { .off = v->v[i].at.off, .n = 1, .stride = 8 };

		if (!qcow2_is_undisputed(q, v->v[i].cluster, 1) ||
		    !qcow2_is_alone(q, v->v[i].at.off))
			return restore(p, q);
		if (!qcow2_plan_bits(p, q, STAGE_HEADERS, &w, QCOW2_RT_RESERVED, 0))
			return false;
	}
	plan_title(p, "reserved bits cleared");
	return true;
}

/* ---- too low ---- */

static bool is_told(const struct qcow2 *q, enum qcow2_flaw_kind k)
{
	return has_flaw(q, k) && !qcow2_is_live(q) && blocks_are_known(q);
}

static void check_zero(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!is_told(q, QCOW2_FLAW_REFCOUNT_ZERO))
		return;
	f = report_clusters(s, q, QCOW2_FLAW_REFCOUNT_ZERO, "");
	report_label(s, f, "QEMU gives it to the next that asks, and both write there");
}

static void check_low(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!is_told(q, QCOW2_FLAW_REFCOUNT_LOW))
		return;
	f = report_clusters(s, q, QCOW2_FLAW_REFCOUNT_LOW, "");
	report_label(s, f, "one lets it go, and the other loses it");
}

/* Some have no block at all. */
static bool block_is_missing(const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_of(q, QCOW2_FLAW_REFCOUNT_ZERO);

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].at.len == 0)
			return true;
	}
	return !flaws_all_kept(v) &&
	       q->rt.raw.n / 8 < div_up(q->host_clusters, q->refblock_entries);
}

/* COPIED goes where a second reference is admitted, and before that. */
static bool fix_low(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	struct plan_mark start = plan_mark(p);
	bool blocks;

	(void)f;
	/* What is taken for a table may be somebody's data: no bit of it is touched. */
	if (has_flaw(q, QCOW2_FLAW_DATA_METADATA) ||
	    has_flaw(q, QCOW2_FLAW_METADATA_METADATA))
		return plan_refuse(
			p, "there are clusters that are a table and something else, "
			   "and which of the two is not known");
	/* The block may be elsewhere. */
	if (qcow2_plan_blocks_back(p, q))
		return true;
	plan_cut(p, start);
	if (!qcow2_has_blocks(p, q, &blocks))
		return false;
	if (!blocks || block_is_missing(q))
		return restore(p, q);
	plan_title(p, "refcounts raised to what was counted");
	return qcow2_plan_copied(p, q, false) && qcow2_plan_counts(p, q, QCOW2_RAISE);
}

/* ---- too high ---- */

static void check_high(struct scan *s, const struct qcow2 *q)
{
	struct finding *f;

	if (!is_told(q, QCOW2_FLAW_REFCOUNT_HIGH))
		return;
	f = report_clusters(s, q, QCOW2_FLAW_REFCOUNT_HIGH, "");
	report_label(s, f,
		     "a table that is lost may refer to it; else it is never let go");
}

static bool may_lower(struct plan *p, const struct qcow2 *q)
{
	if (!q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (!q->scan->whole)
		return plan_refuse(p, "some tables cannot be read, and may refer to it");
	if (qcow2_has_lost_tables(q))
		return plan_refuse(p, "there are tables that nothing refers to, and they "
				      "may refer to it: see qcow2-orphan-table");
	return true;
}

/* A table that refers to it, and that we do not see, has a refcount itself, or is named by
 * something that we do not know. */
static bool is_superfluous(struct plan *p, const struct qcow2 *q)
{
	const uint64_t *n = q->scan->orphans;

	if (q->scan->limit)
		return plan_refuse(p, "not all was looked at: %s", q->scan->limit);
	for (size_t i = 0; i < q->scan->nlost; i++) {
		if (q->scan->lost[i].why == QCOW2_LOST_SNAPSHOT)
			return plan_refuse(p, "an entry that leads nowhere pointed at "
					      "it: see qcow2-lost-cluster");
	}
	if (n[QCOW2_ORPHAN_DATA] || n[QCOW2_ORPHAN_REFCOUNT_BLOCK] ||
	    n[QCOW2_ORPHAN_STALE_BITMAP])
		return plan_refuse(p,
				   "clusters that nothing refers to hold data, and may "
				   "belong to who refers to it");
	for (size_t i = 0; i < q->next; i++) {
		if (!q->ext[i].name)
			return plan_refuse(p, "a header extension is not known, and may "
					      "name who refers to it");
	}
	return true;
}

/* A pointer that is missing explains it best; then, that it is no refcount. */
static bool fix_high(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	struct plan_mark start = plan_mark(p);
	bool none, blocks;

	(void)f;
	if (qcow2_plan_slots(p, q, &none))
		return true;
	if (!none)
		return false;
	if (qcow2_plan_shared_back(p, q))
		return true;
	plan_cut(p, start);
	if (!qcow2_has_blocks(p, q, &blocks))
		return false;
	if (!blocks)
		return restore(p, q);
	if (!may_lower(p, q) || !is_superfluous(p, q))
		return false;
	plan_title(p, "refcounts lowered to what was counted");
	return qcow2_plan_counts(p, q, QCOW2_LOWER);
}

static void check_past_eof(struct scan *s, const struct qcow2 *q)
{
	const struct qcow2_flaws *v;

	/* What is referred to beyond the end says more. */
	if (!is_told(q, QCOW2_FLAW_REFCOUNT_PAST_EOF) ||
	    has_flaw(q, QCOW2_FLAW_L2_PAST_EOF) || has_flaw(q, QCOW2_FLAW_L1_PAST_EOF) ||
	    has_flaw(q, QCOW2_FLAW_TABLE_PAST_EOF))
		return;
	v = flaws_of(q, QCOW2_FLAW_REFCOUNT_PAST_EOF);
	if (v->n && v->v[0].at.len < q->cluster_size && v->v[0].cluster)
		report(s, v->v[0].at,
		       "host cluster %llu has refcount %llu, and the file has %llu "
		       "clusters; %llu such refcounts in all",
		       llu(v->v[0].cluster), llu(v->v[0].stored), llu(q->host_clusters),
		       llu(v->total));
	else if (v->n)
		report(s, v->v[0].at,
		       "a refcount block for clusters that the file does not have is not "
		       "empty; %llu such refcounts or blocks in all",
		       llu(v->total));
}

static bool fix_past_eof(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	if (!may_lower(p, q))
		return false;
	plan_title(p, "no refcounts for clusters that are not there");
	return qcow2_plan_counts(p, q, QCOW2_PAST_EOF);
}

/* ---- COPIED ---- */

static void check_copied(struct scan *s, const struct qcow2 *q)
{
	static const struct {
		enum qcow2_flaw_kind kind;
		const char *what, *label;
	} kinds[] = {
		{ QCOW2_FLAW_L1_COPIED_WRONG,
		  "marked COPIED, and the refcount of its cluster is not 1",
		  "QEMU writes in place what somebody else uses, too" },
		{ QCOW2_FLAW_L2_COPIED_WRONG,
		  "marked COPIED, and the refcount of its cluster is not 1",
		  "QEMU writes in place what somebody else uses, too" },
		{ QCOW2_FLAW_L1_COPIED_MISSING,
		  "not marked COPIED, and the refcount of its cluster is 1",
		  "QEMU copies the table before it writes to it" },
		{ QCOW2_FLAW_L2_COPIED_MISSING,
		  "not marked COPIED, and the refcount of its cluster is 1",
		  "QEMU copies the cluster before it writes to it" },
	};

	if (!qcow2_judged(q) || qcow2_is_live(q) || !blocks_are_known(q))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct finding *f = report_entries(s, q, kinds[i].kind, kinds[i].what);

		if (!f)
			continue;
		f->arg = kinds[i].kind;
		report_label(s, f, "%s", kinds[i].label);
	}
}

static bool fix_copied(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	bool set = f->arg == QCOW2_FLAW_L1_COPIED_MISSING ||
		   f->arg == QCOW2_FLAW_L2_COPIED_MISSING;

	plan_title(p, set ? "COPIED set where the refcount is 1"
			  : "COPIED cleared where the refcount is not 1");
	/* Without it all is well, only slower. */
	if (set && !q->scan->whole)
		return plan_refuse(p, "some tables cannot be read, and may refer to it");
	if (!set && (has_flaw(q, QCOW2_FLAW_REFCOUNT_ZERO)))
		return plan_refuse(p, "the refcounts are mended first");
	return qcow2_plan_copied(p, q, set);
}

/* ---- the dirty bit ---- */

bool qcow2_refcounts_are_right(const struct qcow2 *q)
{
	return q->scan && q->scan->complete && q->scan->whole && blocks_are_known(q) &&
	       !has_flaw(q, QCOW2_FLAW_REFCOUNT_ZERO) &&
	       !has_flaw(q, QCOW2_FLAW_REFCOUNT_LOW) &&
	       !has_flaw(q, QCOW2_FLAW_L1_COPIED_WRONG) &&
	       !has_flaw(q, QCOW2_FLAW_L2_COPIED_WRONG);
}

const struct rule rules_qcow2_refs[] = {
	{ .id = "qcow2-copied-flag",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "COPIED of a QCOW2's entry contradicts the refcount",
	  .why = "COPIED says that nobody else uses a cluster, so that QEMU writes to it in "
		 "place. Set by mistake, a snapshot changes with the disk.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Cluster mapping\", bit 63",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_copied, fix_copied) },
	{ .id = "qcow2-refcount-high",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a cluster of a QCOW2 has a higher refcount than references",
	  .why = "It is never let go, and each write to it copies it. Or a table is lost that "
		 "refers to it, too: then a lower refcount would destroy what that shows. It is "
		 "lowered when nothing in the file can be such a table.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Host cluster management\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_high, fix_high) },
	{ .id = "qcow2-refcount-low",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a cluster of a QCOW2 has a lower refcount than references",
	  .why = "When one of those who refer to it lets go of it, the others lose it.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Host cluster management\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_low, fix_low) },
	{ .id = "qcow2-refcount-past-eof",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "a QCOW2 has refcounts for clusters behind its end",
	  .why = "The file was cut off where nothing is referred to; QEMU never uses these "
		 "clusters again.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Host cluster management\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_past_eof, fix_past_eof) },
	{ .id = "qcow2-refcount-zero-used",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a cluster of a QCOW2 is in use, and has refcount 0",
	  .why = "To QEMU it is free: the next write that needs a cluster takes it, and what it "
		 "holds is lost.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Host cluster management\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_zero, fix_low) },
	{ .id = "qcow2-reftable-offset",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the refcount table of a QCOW2 is not where the header says",
	  .why = "QEMU cannot open the image, and qemu-img check -r all writes to random places "
		 "or fails. All refcounts follow from the other tables.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Header\", bytes 48 to 59",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_reftable, fix_reftable) },
	{ .id = "qcow2-rt-entry",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "an entry of a QCOW2's refcount table does not point at a block",
	  .why = "The refcounts of thousands of clusters are unknown: QEMU cannot write, and "
		 "qemu-img check -r all fails and marks the image corrupt.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Host cluster management\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_rt_entry, fix_rt_entry) },
};

RULES_END(qcow2_refs);
