/* Rules on clusters of a QCOW2 image that have several owners, of which only one can be
 * right. qemu-img check -r all raises the refcount and says that all is well.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "rules/rules.h"
#include "base/banned.h"

static const char *list_owners(struct scan *s, const struct qcow2 *q,
			       const struct qcow2_flaw *f)
{
	const char *list = "";

	for (size_t i = 0; i < f->nowners && i < 3; i++)
		list = scan_printf(s, "%s%s%s", list,
				   i == 0                ? ""
				   : i + 1 == f->nowners ? " and "
							 : ", ",
				   owner_text(s, q, &f->owner[i]));
	if (f->nowners > 3)
		list = scan_printf(s, "%s and more", list);
	return list;
}

static const char *where(struct scan *s, const struct qcow2 *q,
			 const struct qcow2_flaw *f)
{
	unsigned long long at = f->cluster << q->cluster_bits.v;

	if (f->n == 1)
		return scan_printf(s, "host cluster %llu (0x%llx) is", llu(f->cluster),
				   at);
	return scan_printf(s, "host clusters %llu to %llu (0x%llx on) are",
			   llu(f->cluster), llu(f->cluster + f->n - 1), at);
}

static bool is_refcounts(const struct qcow2_owner *o)
{
	return o->use == QCOW2_USE_REFCOUNT_TABLE || o->use == QCOW2_USE_REFCOUNT_BLOCK;
}

/* A refcount table that is nowhere is told by qcow2-reftable-offset. */
static bool is_told_elsewhere(const struct qcow2 *q, const struct qcow2_flaw *f)
{
	bool lost =
		q->rt.state == QCOW2_TABLE_ZERO || q->rt.state == QCOW2_TABLE_TOO_LARGE;

	for (size_t i = 0; lost && i < f->nowners; i++) {
		if (is_refcounts(&f->owner[i]))
			return true;
	}
	return false;
}

/* One finding for each of the first runs, since each is mended on its own. */
static void on_runs(struct scan *s, const struct qcow2 *q, enum qcow2_flaw_kind k,
		    const char *label)
{
	const struct qcow2_flaws *v;
	struct finding *f;

	if (!has_flaw(q, k))
		return;
	v = flaws_of(q, k);
	for (size_t i = 0; i < v->n && i < FLAWS_TOLD; i++) {
		bool last = i + 1 == FLAWS_TOLD && v->n > FLAWS_TOLD;

		if (is_told_elsewhere(q, &v->v[i]))
			continue;
		f = report(s, v->v[i].at, "%s %s%s", where(s, q, &v->v[i]),
			   list_owners(s, q, &v->v[i]),
			   last ? scan_printf(
					  s, "; %llu clusters in all have several owners",
					  llu(v->total))
				: "");
		f->arg = (uint64_t)k << 32 | i;
		report_label(s, f, "%s", label);
		for (size_t j = 0; j < v->v[i].nowners; j++) {
			const struct qcow2_owner *o = &v->v[i].owner[j];

			if (o->at.off != v->v[i].at.off)
				report_related(s, f, o->at, "%s", owner_text(s, q, o));
		}
	}
}

static void check_data(struct scan *s, const struct qcow2 *q)
{
	on_runs(s, q, QCOW2_FLAW_DATA_DATA,
		"what is written at one offset shows at the other");
}

static void check_metadata(struct scan *s, const struct qcow2 *q)
{
	on_runs(s, q, QCOW2_FLAW_DATA_METADATA,
		"one of them is written over when the other is");
	on_runs(s, q, QCOW2_FLAW_METADATA_METADATA,
		"one of them is written over when the other is");
}

static void check_l2(struct scan *s, const struct qcow2 *q)
{
	on_runs(s, q, QCOW2_FLAW_L2_SHARED,
		"two stretches of the disk show the same data");
}

/* ---- repairs ---- */

/* What a finding is about: one run, the last one about all that follow, too. */
static const struct qcow2_flaw *found(const struct qcow2 *q, const struct finding *f,
				      size_t *n)
{
	const struct qcow2_flaws *v = flaws_of(q, (enum qcow2_flaw_kind)(f->arg >> 32));
	size_t i = f->arg & UINT32_MAX;

	*n = i + 1 == FLAWS_TOLD ? v->n - i : 1;
	return &v->v[i];
}

static bool all_kept(struct plan *p, const struct qcow2 *q, const struct finding *f)
{
	const struct qcow2_flaws *v = flaws_of(q, (enum qcow2_flaw_kind)(f->arg >> 32));

	if (flaws_all_kept(v))
		return true;
	return plan_refuse(p, "%llu clusters have several owners", llu(v->total));
}

static bool fix_data(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	size_t n;
	const struct qcow2_flaw *v = found(q, f, &n);

	plan_title(p, "a cluster of its own for each, with the same bytes");
	return all_kept(p, q, f) && qcow2_plan_apart(p, q, v, n);
}

static bool fix_l2(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	size_t n;
	const struct qcow2_flaw *v = found(q, f, &n);

	plan_title(p, "a table of its own for each, and the same data in clusters of "
		      "their own");
	return all_kept(p, q, f) && qcow2_plan_own_tables(p, q, v, n);
}

/* Refcounts can be made anew: when they are one of two owners, the other is right. */
static bool make_refcounts(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = flaws_of(q, (enum qcow2_flaw_kind)(f->arg >> 32));

	if (!flaws_all_kept(v))
		return plan_refuse(p, "%llu clusters have several owners", llu(v->total));
	for (size_t i = 0; i < v->n; i++) {
		size_t others = 0;

		for (size_t j = 0; j < v->v[i].nowners; j++)
			others += !is_refcounts(&v->v[i].owner[j]);
		if (others > 1 || v->v[i].nowners == QCOW2_OWNERS_KEPT)
			return plan_refuse(p,
					   "which of the owners of host cluster %llu is "
					   "right cannot be known",
					   llu(v->v[i].cluster));
	}
	return qcow2_plan_refcounts(p, q);
}

/* A table that can be seen to be whole keeps its cluster, and the guest's data that seems
 * to be there gets a copy of the bytes that it shows. */
static bool fix_metadata(struct plan *p, const struct finding *f, const struct qcow2 *q)
{
	struct plan_mark before = plan_mark(p);
	const struct qcow2_flaw *v;
	size_t n;

	v = found(q, f, &n);
	if (v->kind == QCOW2_FLAW_METADATA_METADATA)
		return make_refcounts(p, f, q);
	plan_title(p,
		   "the table keeps its cluster; the guest's data gets one of its own, "
		   "with the bytes that it shows by now");
	if (all_kept(p, q, f) && qcow2_plan_apart(p, q, v, n))
		return true;
	plan_cut(p, before);
	for (size_t i = 0; i < n; i++) {
		size_t tables = 0, refcounts = 0;

		for (size_t j = 0; j < v[i].nowners; j++) {
			refcounts += is_refcounts(&v[i].owner[j]);
			tables += qcow2_use_is_metadata(v[i].owner[j].use);
		}
		if (tables > refcounts)
			return false;
	}
	return make_refcounts(p, f, q);
}

const struct rule rules_qcow2_owners[] = {
	{ .id = "qcow2-crosslink-data",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two places of a QCOW2's disk share a cluster",
	  .why = "Only one of them can show what was written there, and a write to one may "
		 "show at the other. qemu-img check -r all raises the refcount, and then "
		 "finds no error.",
	  .steps =
		  "The fix gives each a copy, so that the next write does no further harm. "
		  "One of them still shows what belongs to the other: look at what both "
		  "belong to inside of the guest, and restore it from a backup.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Host cluster management\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_data, fix_data) },
	{ .id = "qcow2-l2-shared",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two entries of L1 tables of a QCOW2 share an L2 table",
	  .why = "Two stretches of the disk show the same data, and only one is right. qemu-img "
		 "check -r all raises the refcounts, and then finds no error.",
	  .steps =
		  "The L2 table of one of them is lost: look for it among the clusters that "
		  "nothing refers to (qcow2-orphan-table). Where there is none, the fix gives "
		  "each a copy, so that the next write does no further harm.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"Cluster mapping\"",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_l2, fix_l2) },
	{ .id = "qcow2-overlap-metadata",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a table of a QCOW2 shares a cluster with something else",
	  .why = "A write to one of them destroys the other. qemu-img check -r all raises the "
		 "refcount, and then finds no error.",
	  .source = "QEMU, docs/interop/qcow2.txt, \"General\"; block/qcow2-refcount.c, "
		    "qcow2_check_metadata_overlap()",
	  .since = "0.1.0",
	  CHECK_FIX(qcow2, check_metadata, fix_metadata) },
};

RULES_END(qcow2_owners);
