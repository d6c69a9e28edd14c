/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/trial_qcow2.h"
#include "analyze/image/qcow2_scan.h"
#include "base/banned.h"

/* Costs room or time, and nothing else: a pointer less, a reference less. */
static bool is_mild(enum qcow2_flaw_kind k)
{
	return k == QCOW2_FLAW_LEAK || k == QCOW2_FLAW_REFCOUNT_HIGH ||
	       k == QCOW2_FLAW_REFCOUNT_PAST_EOF || k == QCOW2_FLAW_L1_COPIED_MISSING ||
	       k == QCOW2_FLAW_L2_COPIED_MISSING;
}

static const char *keeps_scan(const struct qcow2_scan *was, const struct qcow2_scan *is,
			      enum fix_class reach, struct arena *a)
{
	uint64_t data = was->nnormal + was->ncompressed;

	if (was->complete && !is->complete)
		return "not all references could be counted any more";
	if (was->whole && !is->whole)
		return "a table could no longer be read";
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		if (!is_mild(k) && was->flaws[k].total == 0 && is->flaws[k].total != 0)
			return arena_printf(a, "%llu %s would be new",
					    (unsigned long long)is->flaws[k].total,
					    qcow2_flaw_word(k));
	}
	if (reach == FIX_LOSSY)
		return NULL;
	if (is->nnormal + is->ncompressed < data)
		return arena_printf(
			a, "%llu clusters of the guest's disk would lose their data",
			(unsigned long long)(data - is->nnormal - is->ncompressed));
	/* Version 2 has none, and what is not allocated reads as zeros, too. */
	if (was->qcow2->v3 && is->nzero < was->nzero)
		return arena_printf(
			a, "%llu clusters of the guest's disk would no longer be zeros",
			(unsigned long long)(was->nzero - is->nzero));
	return NULL;
}

const char *qcow2_keeps(const struct qcow2 *was, const struct qcow2 *is,
			enum fix_class reach, struct arena *a)
{
	if (!is || (was->geometry && !is->geometry))
		return "the image would no longer be understood";
	if (!was->geometry)
		return NULL;
	if (is->cluster_size != was->cluster_size ||
	    is->extended_l2 != was->extended_l2 ||
	    is->external_data != was->external_data)
		return "every table would mean something else";
	if (reach < FIX_LOSSY && is->snapshots.n < was->snapshots.n)
		return arena_printf(a, "%zu snapshots would be gone",
				    was->snapshots.n - is->snapshots.n);
	if (reach < FIX_UNSAFE && is->bitmaps.n < was->bitmaps.n)
		return arena_printf(a, "%zu bitmaps would be gone",
				    was->bitmaps.n - is->bitmaps.n);
	if (!was->scan || !is->scan)
		return NULL;
	return keeps_scan(was->scan, is->scan, reach, a);
}
