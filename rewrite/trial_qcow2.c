/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/trial_qcow2.h"
#include "analyze/image/qcow2_scan.h"
#include "rewrite/qcow2_loose.h"
#include "base/banned.h"

enum { OPENED_BUDGET = 24 << 20 };

/* Costs room or time, and nothing else: a pointer less, a reference less. */
static bool is_mild(enum qcow2_flaw_kind k)
{
	return k == QCOW2_FLAW_LEAK || k == QCOW2_FLAW_REFCOUNT_HIGH ||
	       k == QCOW2_FLAW_REFCOUNT_PAST_EOF || k == QCOW2_FLAW_L1_COPIED_MISSING ||
	       k == QCOW2_FLAW_L2_COPIED_MISSING;
}

/* ---- what could not be seen before ---- */

/* Refcounts of clusters that are in use could not be read. */
static bool counts_were_hidden(const struct qcow2 *q)
{
	const struct qcow2_flaws *zero = &q->scan->flaws[QCOW2_FLAW_REFCOUNT_ZERO];

	for (size_t i = 0; i < zero->n; i++) {
		if (zero->v[i].at.len == 0)
			return true;
	}
	return q->rt.state != QCOW2_TABLE_WHOLE ||
	       q->scan->flaws[QCOW2_FLAW_RT_UNALIGNED].total ||
	       q->scan->flaws[QCOW2_FLAW_RT_PAST_EOF].total;
}

/* It was so all the time, and showed when the refcounts could be read again. */
static bool is_revealed(const struct qcow2_scan *was, enum qcow2_flaw_kind k)
{
	return (k == QCOW2_FLAW_REFCOUNT_ZERO || k == QCOW2_FLAW_REFCOUNT_LOW ||
		k == QCOW2_FLAW_L1_COPIED_WRONG || k == QCOW2_FLAW_L2_COPIED_WRONG) &&
	       counts_were_hidden(was->qcow2);
}

struct opened {
	const struct qcow2 *was, *is;
	struct qcow2_refs counts;  /* references of refcounts, and of */
	struct qcow2_refs bitmaps; /* bitmaps that were there */
};

/* Nobody referred to it, or only what is elsewhere now, or given up for good. */
static bool was_nobodys(const struct opened *o, uint64_t cluster)
{
	uint64_t n = qcow2_refs_count(&o->was->scan->refs, cluster);

	return cluster < o->was->host_clusters &&
	       n <= (uint64_t)qcow2_refs_count(&o->counts, cluster) +
			       qcow2_refs_count(&o->bitmaps, cluster);
}

/* No cluster lost its last reference. */
static bool orphans_were_so(const struct opened *o)
{
	const struct qcow2_refs *refs = &o->is->scan->refs;

	for (size_t i = 0; i < refs->nslots; i++) {
		const struct qcow2_leaf *l = refs->slot[i];
		const struct qcow2_bits *b = l ? &l->mark[QCOW2_MARK_LEAKED] : NULL;

		for (size_t k = 0; b && b->n && k < QCOW2_LEAF; k++) {
			if (qcow2_bits_get(b, k) &&
			    !was_nobodys(o, (l->index << QCOW2_LEAF_BITS) + k))
				return false;
		}
	}
	return true;
}

static bool orphans_are_laid_open(const struct qcow2 *was, const struct qcow2 *is)
{
	struct opened o = { .was = was, .is = is };
	struct arena scratch;
	struct err e = { 0 };
	bool dropped = was->bitmaps.ext && !is->bitmaps.ext, yes;

	arena_init(&scratch, OPENED_BUDGET);
	qcow2_refs_init(&o.bitmaps, &scratch, OPENED_BUDGET);
	yes = qcow2_refcount_users(was, &o.counts, &scratch) &&
	      (!dropped || qcow2_bitmap_users(was, true, &o.bitmaps, &scratch, &e)) &&
	      orphans_were_so(&o);
	arena_free(&scratch);
	return yes;
}

/* No cluster that has more refcount than references lost one of these. */
static bool high_were_so(const struct qcow2 *was, const struct qcow2 *is)
{
	const struct qcow2_flaws *v = &is->scan->flaws[QCOW2_FLAW_REFCOUNT_HIGH];
	uint64_t n = 0;

	for (size_t i = 0; i < v->n; n += v->v[i++].n) {
		for (uint64_t k = 0; k < v->v[i].n; k++) {
			uint64_t c = v->v[i].cluster + k;

			if (qcow2_refs_count(&was->scan->refs, c) >
			    qcow2_refs_count(&is->scan->refs, c))
				return false;
		}
	}
	return n == v->total;
}

static bool is_rule(const struct finding *f, const char *id)
{
	return strcmp(f->rule->id, id) == 0;
}

bool qcow2_is_laid_open(const struct qcow2 *was, const struct qcow2 *is,
			const struct finding *f)
{
	if (!was || !is || !was->scan || !is->scan || !was->scan->complete ||
	    !is->scan->complete || was->cluster_size != is->cluster_size)
		return false;
	if (is_rule(f, "qcow2-orphan-data") || is_rule(f, "qcow2-orphan-table"))
		return orphans_are_laid_open(was, is);
	return is_rule(f, "qcow2-refcount-high") && counts_were_hidden(was) &&
	       high_were_so(was, is);
}

bool qcow2_is_hidden(const struct qcow2 *was, const struct finding *f)
{
	return was && was->scan && is_rule(f, "qcow2-orphan-data") &&
	       counts_were_hidden(was);
}

/* ---- what was there still is ---- */

static const enum qcow2_flaw_kind nowhere[] = {
	QCOW2_FLAW_L2_RESERVED,         QCOW2_FLAW_L2_UNALIGNED,
	QCOW2_FLAW_L2_PAST_EOF,         QCOW2_FLAW_COMPRESSED_COPIED,
	QCOW2_FLAW_COMPRESSED_PAST_EOF,
};

static const char *keeps_scan(const struct qcow2_scan *was, const struct qcow2_scan *is,
			      enum fix_class reach, struct arena *a)
{
	uint64_t data = was->nnormal + was->ncompressed, wrong = 0;

	/* These show nothing: whether the others still show what they did is for qcow2_same()
	 * to tell. */
	for (size_t k = 0; k < sizeof(nowhere) / sizeof(*nowhere); k++)
		wrong += was->flaws[nowhere[k]].total;
	data -= u64_min(data, wrong);
	if (was->complete && !is->complete)
		return "not all references could be counted any more";
	if (was->whole && !is->whole)
		return "a table could no longer be read";
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		uint64_t before = was->flaws[k].total, after = is->flaws[k].total;

		if (!is_mild(k) && after > before && (before == 0 || was->complete) &&
		    !is_revealed(was, k))
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
	if (was->qcow2->v3 && is->nzero + wrong < was->nzero)
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
