/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "base/banned.h"

/* ---- words ---- */

static const char *snapshot_text(struct scan *s, const struct qcow2 *q, uint32_t i)
{
	if (i >= q->snapshots.n)
		return "";
	return scan_printf(s, " of snapshot \"%s\"", shown(s, q->snapshots.v[i].name));
}

const char *owner_text(struct scan *s, const struct qcow2 *q, const struct qcow2_owner *o)
{
	const char *of = snapshot_text(s, q, o->snapshot);

	switch (o->use) {
	case QCOW2_USE_L2:
		return scan_printf(s, "the L2 table%s for guest offset 0x%llx on", of,
				   llu(o->guest));
	case QCOW2_USE_DATA:
	case QCOW2_USE_COMPRESSED:
		return scan_printf(s, "%s%s at 0x%llx", qcow2_use_title(o->use), of,
				   llu(o->guest));
	case QCOW2_USE_VM_STATE:
		return scan_printf(s, "VM state%s, kept at guest offset 0x%llx", of,
				   llu(o->guest));
	case QCOW2_USE_REFCOUNT_BLOCK:
		return scan_printf(s, "refcount block %llu", llu(o->index));
	case QCOW2_USE_SNAPSHOT_L1:
		return scan_printf(s, "the L1 table%s", of);
	case QCOW2_USE_BITMAP_TABLE:
	case QCOW2_USE_BITMAP_DATA:
		if (o->index >= q->bitmaps.n)
			return qcow2_use_title(o->use);
		return scan_printf(s, "%s \"%s\"",
				   o->use == QCOW2_USE_BITMAP_TABLE
					   ? "the table of bitmap"
					   : "bits of bitmap",
				   shown(s, q->bitmaps.v[o->index].name));
	case QCOW2_USE_HEADER:
	case QCOW2_USE_REFCOUNT_TABLE:
	case QCOW2_USE_L1:
	case QCOW2_USE_SNAPSHOT_TABLE:
	case QCOW2_USE_BITMAP_DIRECTORY:
	case QCOW2_USE_CRYPTO:
		break;
	}
	return qcow2_use_title(o->use);
}

const char *entry_text(struct scan *s, const struct qcow2 *q, const struct qcow2_owner *o)
{
	const char *of = snapshot_text(s, q, o->snapshot);

	switch (o->use) {
	case QCOW2_USE_L2:
		return scan_printf(
			s, "entry %llu of the %sL1 table%s (guest offset 0x%llx)",
			llu(o->index), o->snapshot == QCOW2_ACTIVE ? "active " : "", of,
			llu(o->guest));
	case QCOW2_USE_DATA:
	case QCOW2_USE_COMPRESSED:
	case QCOW2_USE_VM_STATE:
		return scan_printf(s, "the L2 entry%s for guest offset 0x%llx", of,
				   llu(o->guest));
	case QCOW2_USE_REFCOUNT_BLOCK:
		return scan_printf(s, "entry %llu of the refcount table", llu(o->index));
	case QCOW2_USE_BITMAP_DATA:
		return scan_printf(s, "an entry of %s", owner_text(s, q, o));
	case QCOW2_USE_SNAPSHOT_L1:
	case QCOW2_USE_BITMAP_TABLE:
	case QCOW2_USE_HEADER:
	case QCOW2_USE_REFCOUNT_TABLE:
	case QCOW2_USE_L1:
	case QCOW2_USE_SNAPSHOT_TABLE:
	case QCOW2_USE_BITMAP_DIRECTORY:
	case QCOW2_USE_CRYPTO:
		break;
	}
	return scan_printf(s, "the offset of %s", owner_text(s, q, o));
}

static const char *flaw_entry(struct scan *s, const struct qcow2 *q,
			      const struct qcow2_flaw *f)
{
	const char *entry = f->nowners ? entry_text(s, q, &f->owner[0]) : "an entry";

	if (f->n > 1)
		return scan_printf(s, "%s and %llu more after it are 0x%016llx on", entry,
				   llu(f->n - 1), llu(f->entry));
	return scan_printf(s, "%s is 0x%016llx", entry, llu(f->entry));
}

static const char *flaw_clusters(struct scan *s, const struct qcow2 *q,
				 const struct qcow2_flaw *f)
{
	unsigned long long at = f->cluster << q->cluster_bits.v;

	if (f->n > 1)
		return scan_printf(s, "host clusters %llu to %llu (0x%llx on)",
				   llu(f->cluster), llu(f->cluster + f->n - 1), at);
	return scan_printf(s, "host cluster %llu (0x%llx)", llu(f->cluster), at);
}

static const char *how_counted(struct scan *s, const struct qcow2 *q,
			       const struct qcow2_flaw *f)
{
	const char *who =
		f->nowners ? scan_printf(s, ": %s%s", owner_text(s, q, &f->owner[0]),
					 f->nowners > 1 ? ", and more" : "")
			   : "";

	return scan_printf(s, "refcount %llu and %llu reference%s%s%s", llu(f->stored),
			   llu(f->counted), f->counted == 1 ? "" : "s",
			   f->n > 1 ? " each" : "", who);
}

/* ---- findings ---- */

/* All of its entries are those of qcow2-lost-cluster. */
static bool is_lost_cluster(const struct qcow2 *q, const struct qcow2_flaw *f)
{
	for (uint64_t i = 0; i < f->n; i++) {
		if (!qcow2_is_lost(q->scan, f->at.off + i * q->l2_entry_size))
			return false;
	}
	return true;
}

static void tell_rest(struct scan *s, struct finding *out, const struct qcow2_flaws *v,
		      const char *(*text)(struct scan *s, const struct qcow2 *q,
					  const struct qcow2_flaw *f),
		      const struct qcow2 *q)
{
	uint64_t told = v->v[0].n;

	for (size_t i = 1; i < v->n && i < FLAWS_TOLD; i++) {
		report_related(s, out, v->v[i].at, "%s", text(s, q, &v->v[i]));
		told += v->v[i].n;
	}
	if (told < v->total && v->n > 1)
		report_related(s, out, v->v[v->n - 1].at,
			       "%llu more are not listed; the last that is known is here",
			       llu(v->total - told));
}

struct finding *report_entries(struct scan *s, const struct qcow2 *q,
			       enum qcow2_flaw_kind k, const char *what)
{
	const struct qcow2_flaws *v = flaws_of(q, k);
	struct finding *out;

	if (!v->total || !v->n)
		return NULL;
	out = report(s, v->v[0].at, "%s, %s%s", flaw_entry(s, q, &v->v[0]), what,
		     v->total == v->v[0].n
			     ? ""
			     : scan_printf(s, "; %llu entries in all", llu(v->total)));
	tell_rest(s, out, v, flaw_entry, q);
	return out;
}

bool flaw_is_lost(const struct qcow2_flaw *f)
{
	return f->kind != QCOW2_FLAW_L2_PAST_EOF || f->stored == 0;
}

/* As much of the disk as one entry maps. */
static const char *lost_text(struct scan *s, const struct qcow2 *q,
			     const struct qcow2_flaw *f)
{
	const struct qcow2_owner *o = &f->owner[0];
	uint64_t each = o->use == QCOW2_USE_L2 ? q->l2_bytes : q->cluster_size;
	uint64_t bytes = f->n * each;
	bool behind = o->guest >= q->size.v;

	if (!behind)
		bytes = u64_min(bytes, q->size.v - o->guest);
	/* Not all of what a table maps, or of a cluster with subclusters, was there. */
	return scan_printf(
		s, "%s%llu bytes of %s from 0x%llx on are lost",
		o->use == QCOW2_USE_L2 || q->extended_l2 ? "at most " : "", llu(bytes),
		behind ? "what is behind the guest's disk" : "the guest's disk",
		llu(o->guest));
}

static const char *lost_entry(struct scan *s, const struct qcow2 *q,
			      const struct qcow2_flaw *f)
{
	return scan_printf(s, "%s: %s", flaw_entry(s, q, f), lost_text(s, q, f));
}

static struct finding *report_some(struct scan *s, const struct qcow2 *q,
				   enum qcow2_flaw_kind k, bool lost, const char *what)
{
	const struct qcow2_flaws *v = flaws_of(q, k);
	struct finding *out = NULL;
	uint64_t total = 0;
	unsigned told = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (flaw_is_lost(&v->v[i]) != lost || !v->v[i].nowners ||
		    is_lost_cluster(q, &v->v[i]))
			continue;
		total += v->v[i].n;
	}
	for (size_t i = 0; i < v->n && told < FLAWS_TOLD; i++) {
		const struct qcow2_flaw *f = &v->v[i];

		if (flaw_is_lost(f) != lost || !f->nowners || is_lost_cluster(q, f))
			continue;
		if (told++)
			report_related(s, out, f->at, "%s", lost_entry(s, q, f));
		else
			out = report(s, f->at, "%s, %s: %s%s", flaw_entry(s, q, f), what,
				     lost_text(s, q, f),
				     total == f->n
					     ? ""
					     : scan_printf(s, "; %llu entries in all",
							   llu(total)));
	}
	return out;
}

struct finding *report_lost(struct scan *s, const struct qcow2 *q, enum qcow2_flaw_kind k,
			    const char *what)
{
	return report_some(s, q, k, true, what);
}

struct finding *report_cut(struct scan *s, const struct qcow2 *q)
{
	return report_some(s, q, QCOW2_FLAW_L2_PAST_EOF, false,
			   "beyond the end of the file, which was cut");
}

static const char *flaw_counts(struct scan *s, const struct qcow2 *q,
			       const struct qcow2_flaw *f)
{
	return scan_printf(s, "%s: %s", flaw_clusters(s, q, f), how_counted(s, q, f));
}

struct finding *report_clusters(struct scan *s, const struct qcow2 *q,
				enum qcow2_flaw_kind k, const char *what)
{
	const struct qcow2_flaws *v = flaws_of(q, k);
	struct finding *out;

	if (!v->total || !v->n)
		return NULL;
	out = report(s, v->v[0].at, "%s %s %s%s%s", flaw_clusters(s, q, &v->v[0]),
		     v->v[0].n > 1 ? "have" : "has", how_counted(s, q, &v->v[0]), what,
		     v->total == v->v[0].n
			     ? ""
			     : scan_printf(s, "; %llu clusters in all", llu(v->total)));
	tell_rest(s, out, v, flaw_counts, q);
	return out;
}

/* ---- what has to be sure ---- */

bool qcow2_is_live(const struct qcow2 *q)
{
	const struct lock_state *l = &q->unit->locks;

	return l->known && lock_has_writer(l);
}

/* ---- live images ---- */

static const char *held(struct scan *s, const char *list, uint64_t n, const char *one,
			const char *many)
{
	if (n == 0)
		return list;
	return scan_printf(s, "%s%s%llu %s", list, *list ? ", " : "", llu(n),
			   n == 1 ? one : many);
}

static uint64_t in_use_bitmaps(const struct qcow2 *q)
{
	uint64_t n = 0;

	for (size_t i = 0; i < q->bitmaps.n; i++)
		n += (q->bitmaps.v[i].flags.v & QCOW2_BITMAP_IN_USE) != 0;
	return q->autoclear.v & QCOW2_AUTOCLEAR_BITMAPS ? n : 0;
}

/* Refcounts of which a block cannot be found say nothing, live or not. */
static const char *held_refcounts(struct scan *s, const struct qcow2 *q, const char *list)
{
	const struct qcow2_flaws *v = q->scan->flaws;

	list = held(s, list,
		    v[QCOW2_FLAW_REFCOUNT_ZERO].total + v[QCOW2_FLAW_REFCOUNT_LOW].total,
		    "cluster with a refcount that is too low",
		    "clusters with refcounts that are too low");
	list = held(s, list, v[QCOW2_FLAW_REFCOUNT_HIGH].total,
		    "cluster with a refcount that is too high",
		    "clusters with refcounts that are too high");
	list = held(s, list, v[QCOW2_FLAW_REFCOUNT_PAST_EOF].total,
		    "refcount for what is behind the file's end",
		    "refcounts for what is behind the file's end");
	return held(s, list,
		    v[QCOW2_FLAW_L1_COPIED_WRONG].total +
			    v[QCOW2_FLAW_L1_COPIED_MISSING].total +
			    v[QCOW2_FLAW_L2_COPIED_WRONG].total +
			    v[QCOW2_FLAW_L2_COPIED_MISSING].total,
		    "entry whose COPIED contradicts the refcount",
		    "entries whose COPIED contradicts the refcount");
}

const char *qcow2_held_back(struct scan *s, const struct qcow2 *q)
{
	const char *list = "";

	if (!qcow2_judged(q))
		return NULL;
	if (q->incompatible.v & QCOW2_INCOMPAT_DIRTY)
		list = "the dirty bit";
	if (q->rt.state == QCOW2_TABLE_WHOLE && !has_flaw(q, QCOW2_FLAW_RT_UNALIGNED) &&
	    !has_flaw(q, QCOW2_FLAW_RT_PAST_EOF))
		list = held_refcounts(s, q, list);
	list = held(s, list, q->scan->flaws[QCOW2_FLAW_LEAK].total, "leaked cluster",
		    "leaked clusters");
	list = held(s, list, in_use_bitmaps(q), "bitmap in use", "bitmaps in use");
	return *list ? list : NULL;
}

/* ---- what is known ---- */

static bool table_is_known(const struct qcow2_table *t)
{
	return t->state == QCOW2_TABLE_NONE || t->state == QCOW2_TABLE_WHOLE;
}

static bool list_is_known(enum qcow2_list_state s)
{
	return s == QCOW2_LIST_NONE || s == QCOW2_LIST_WHOLE;
}

/* Flaws of metadata that is named by range, except of the refcount table. */
static bool ranges_are_known(const struct qcow2 *q, enum qcow2_flaw_kind k)
{
	const struct qcow2_flaws *v = flaws_of(q, k);

	for (size_t i = 0; i < v->n; i++) {
		if (!v->v[i].nowners || v->v[i].owner[0].use != QCOW2_USE_REFCOUNT_TABLE)
			return false;
	}
	return flaws_all_kept(v);
}

bool qcow2_tables_known(const struct qcow2 *q)
{
	static const enum qcow2_flaw_kind lost[] = {
		QCOW2_FLAW_L1_RESERVED,   QCOW2_FLAW_L1_UNALIGNED,
		QCOW2_FLAW_L1_PAST_EOF,   QCOW2_FLAW_BME_RESERVED,
		QCOW2_FLAW_BME_UNALIGNED, QCOW2_FLAW_BME_PAST_EOF,
	};

	if (!q->scan || !q->scan->complete || !qcow2_header_agrees(q))
		return false;
	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		if (has_flaw(q, lost[i]))
			return false;
	}
	return ranges_are_known(q, QCOW2_FLAW_TABLE_PAST_EOF) &&
	       ranges_are_known(q, QCOW2_FLAW_TABLE_UNALIGNED) &&
	       ranges_are_known(q, QCOW2_FLAW_TABLE_TOO_LARGE) &&
	       table_is_known(&q->l1) && q->l1.n >= q->l1_needed &&
	       list_is_known(q->snapshots.state) && list_is_known(q->bitmaps.state);
}

bool qcow2_has_lost_tables(const struct qcow2 *q)
{
	const uint64_t *n = q->scan->orphans;

	return n[QCOW2_ORPHAN_L2] || n[QCOW2_ORPHAN_L1] ||
	       n[QCOW2_ORPHAN_SNAPSHOT_TABLE] || n[QCOW2_ORPHAN_UNSEEN];
}

bool qcow2_is_undisputed(const struct qcow2 *q, uint64_t cluster, uint64_t n)
{
	static const enum qcow2_flaw_kind kinds[] = {
		QCOW2_FLAW_REFCOUNT_ZERO, QCOW2_FLAW_REFCOUNT_LOW,
		QCOW2_FLAW_DATA_DATA,     QCOW2_FLAW_DATA_METADATA,
		QCOW2_FLAW_L2_SHARED,     QCOW2_FLAW_METADATA_METADATA,
	};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		const struct qcow2_flaws *v = flaws_of(q, kinds[k]);

		if (!flaws_all_kept(v))
			return false;
		for (size_t i = 0; i < v->n; i++) {
			if (v->v[i].cluster < cluster + n &&
			    cluster < v->v[i].cluster + v->v[i].n)
				return false;
		}
	}
	return true;
}

bool flaws_all_kept(const struct qcow2_flaws *v)
{
	uint64_t n = 0;

	for (size_t i = 0; i < v->n; i++)
		n += v->v[i].n;
	return n == v->total;
}
