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
		uint64_t before = was->flaws[k].total, after = is->flaws[k].total;

		if (!is_mild(k) && after > before && (before == 0 || was->complete))
			return arena_printf(a, "%llu %s would be new",
					    (unsigned long long)(after - before),
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

/* A snapshot that somebody made. */
static size_t real_snapshots(const struct qcow2 *q)
{
	size_t n = 0;

	for (size_t i = 0; i < q->snapshots.n; i++) {
		const struct qcow2_snapshot *s = &q->snapshots.v[i];

		n += s->l1_size.v || s->id.n || s->name.n;
	}
	return n;
}

static bool is_read(const struct qcow2_table *t)
{
	return t->state == QCOW2_TABLE_WHOLE;
}

static bool same_name(const struct qcow2_name *x, const struct qcow2_name *y)
{
	/* A NUL ends it for everybody. */
	size_t n = x->text.n, m = y->text.n;
	const char *nul = n ? memchr(x->text.p, 0, n) : NULL;

	n = nul ? (size_t)(nul - x->text.p) : n;
	nul = m ? memchr(y->text.p, 0, m) : NULL;
	m = nul ? (size_t)(nul - y->text.p) : m;
	return n == m && (n == 0 || memcmp(x->text.p, y->text.p, n) == 0);
}

/* What was known of the container, and would be something else or nothing. */
static const char *lost_of_qcow2(const struct qcow2 *was, const struct qcow2 *is,
				 enum fix_class reach)
{
	if (was->geometry &&
	    (!is->geometry || was->cluster_size != is->cluster_size ||
	     was->l2_entry_size != is->l2_entry_size ||
	     was->refcount_bits != is->refcount_bits || was->v3 != is->v3))
		return "its clusters or tables would be read in another way";
	if (!was->geometry)
		return NULL;
	if (was->external_data != is->external_data)
		return "its data would be looked for in another file";
	if (was->size.v != is->size.v && (reach < FIX_UNSAFE || is->size.v < was->size.v))
		return "its disk would have another size";
	if (is_read(&was->l1) && (!is_read(&is->l1) || is->l1.n < was->l1_needed))
		return "its L1 table could no longer be read";
	if (is_read(&was->rt) && !is_read(&is->rt))
		return "its refcount table could no longer be read";
	if (reach < FIX_LOSSY && real_snapshots(is) < real_snapshots(was))
		return "a snapshot could no longer be read";
	if (!same_name(&was->backing, &is->backing) ||
	    !same_name(&was->data_file, &is->data_file))
		return "another file would be its backing file or data file";
	if (was->backing_format.n && !str_eq(was->backing_format, is->backing_format))
		return "its backing file would be of another format";
	if (was->crypt_method.v != is->crypt_method.v ||
	    (was->crypto.magic && !is->crypto.magic))
		return "its encryption header could no longer be found";
	if (reach < FIX_UNSAFE && (was->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS) &&
	    is->bitmaps.n < was->bitmaps.n)
		return "a bitmap could no longer be read";
	return NULL;
}

const char *qcow2_keeps(const struct qcow2 *was, const struct qcow2 *is,
			enum fix_class reach, struct arena *a)
{
	const char *lost;

	if (!is)
		return "the image would no longer be understood";
	lost = lost_of_qcow2(was, is, reach);
	if (lost || !was->geometry)
		return lost;
	if (!was->scan || !is->scan)
		return NULL;
	return keeps_scan(was->scan, is->scan, reach, a);
}
