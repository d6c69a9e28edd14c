/* Rules on the end of a QCOW2 that is missing: QEMU, docs/interop/qcow2.txt, "Cluster mapping".
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- data ---- */

static bool was_cut(const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_of(q, QCOW2_FLAW_L2_PAST_EOF);

	for (size_t i = 0; i < v->n; i++) {
		if (!flaw_is_lost(&v->v[i]))
			return true;
	}
	return false;
}

static void check_past_eof(struct scan *s, const struct qcow2 *q)
{
	if (has_flaw(q, QCOW2_FLAW_L2_PAST_EOF) && was_cut(q))
		report_label(s, report_cut(s, q), "%s",
			     "it reads as zeros, and qemu-img convert copies them "
			     "without a word");
}

/* The file was cut, and all that is missing had a refcount: as long as it was, with the
 * zeros that QEMU reads there already. */
static bool fix_past_eof(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	(void)f;
	plan_title(p, "the file as long as it was, with zeros");
	return qcow2_plan_longer(p, q);
}

/* ---- tables ---- */

/* QEMU writes L2 tables and refcount blocks whole; data and L1 tables may end earlier. */
static void check_tail(struct scan *s, const struct qcow2 *q)
{
	unsigned long long end = q->file_size, missing;

	if (!qcow2_judged(q))
		return;
	missing = q->cluster_size - q->file_size % q->cluster_size;
	for (size_t i = 0; i < q->rt.raw.n / 8; i++) {
		uint64_t off = qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK;
		struct span at = { q->src, q->rt.at.off + i * 8, 8 };

		if (qcow2_is_cut(q, off))
			report(s, at,
			       "the file ends at 0x%llx, within refcount block %zu at "
			       "0x%llx: its last %llu bytes are missing",
			       end, i, llu(off), missing);
	}
	for (size_t i = 0; i < q->l1.raw.n / 8; i++) {
		uint64_t off = qcow2_entry(q->l1.raw, i) & QCOW2_OFFSET_MASK;
		struct span at = { q->src, q->l1.at.off + i * 8, 8 };

		if (qcow2_is_cut(q, off))
			report(s, at,
			       "the file ends at 0x%llx, within the L2 table at 0x%llx "
			       "for guest offset 0x%llx on: its last %llu bytes are "
			       "missing",
			       end, llu(off), llu(i * q->l2_bytes), missing);
	}
}

const struct rule rules_qcow2_end[] = {
	{ .id = "qcow2-ptr-past-eof",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the end of a QCOW2 is missing, with clusters of data",
	  .why = "The file was cut off: L2 entries point beyond its end, to clusters that have a "
		 "refcount. What was there is not in this file; QEMU reads zeros, and qemu-img "
		 "convert copies them with success.",
	  .steps =
		  "Copy the image again from where it came. If there is no other, the fix makes "
		  "the file as long as it was, with zeros.",
	  .source = "QEMU, block/qcow2-refcount.c, qcow2_inc_refcounts_imrt()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_past_eof, fix_past_eof) },
	{ .id = "qcow2-truncated-tail",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a QCOW2 ends within a table",
	  .why = "QEMU writes L2 tables and refcount blocks whole: the end of the file was cut "
		 "off. Entries that are missing read as if nothing was there.",
	  .steps =
		  "Copy the image again from where it came. If there is no other, make a copy "
		  "of this one before anything writes to it.",
	  .source = "QEMU, block/qcow2-cache.c, qcow2_cache_entry_flush()",
	  .since = "0.1.0",
	  CHECK(qcow2, check_tail) },
};

RULES_END(qcow2_end);
