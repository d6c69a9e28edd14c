/* Who refers to the clusters of a QCOW2 image that something is wrong with: all tables are
 * read once more, and looked at for those clusters only.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_tally.h"
#include "base/banned.h"

enum {
	WANTED_MAX = 48 << 10,  /* clusters */
	RECORDS_MAX = 64 << 10, /* owners of all of them */
	NO_RECORD = 0,
};

struct record {
	struct qcow2_owner owner;
	uint32_t next; /* index, NO_RECORD: none */
};

struct wanted {
	uint64_t cluster;
	uint32_t first; /* its records */
	uint32_t n;
};

struct owners {
	struct qcow2_tally *t;
	struct wanted *wanted;
	size_t nwanted;
	struct record *record; /* [0] is not used */
	uint32_t nrecords;
	bool failed; /* an ERROR, t->e */
};

/* ---- which clusters ---- */

static int by_cluster(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

static struct wanted *find_wanted(const struct owners *o, uint64_t cluster)
{
	const struct wanted key = { .cluster = cluster };

	if (o->nwanted == 0)
		return NULL;
	return bsearch(&key, o->wanted, o->nwanted, sizeof(key), by_cluster);
}

/* Those with mark m and without mark but (or with it, when they are the same). */
static void want(struct owners *o, const struct qcow2_leaf *l, enum qcow2_mark m,
		 enum qcow2_mark but)
{
	for (size_t i = 0; l->mark[m].n && i < QCOW2_LEAF_WORDS; i++) {
		uint64_t bits = qcow2_bits_word(&l->mark[m], i);

		if (but != m)
			bits &= ~qcow2_bits_word(&l->mark[but], i);
		for (; bits; bits &= bits - 1) {
			if (o->nwanted == WANTED_MAX) {
				qcow2_tally_limit(o->t, "clusters with several owners");
				return;
			}
			o->wanted[o->nwanted++].cluster = (l->index << QCOW2_LEAF_BITS) +
							  i * 64 +
							  (uint64_t)__builtin_ctzll(bits);
		}
	}
}

static bool list_wanted(struct owners *o)
{
	const struct qcow2_refs *refs = &o->t->scan->refs;
	const struct qcow2_leaf **leaf = qcow2_refs_sorted(refs, o->t->scratch);
	uint64_t n = qcow2_refs_marks(refs, QCOW2_MARK_MEETS) +
		     qcow2_refs_marks(refs, QCOW2_MARK_WANTED);

	n = u64_min(n, WANTED_MAX);
	o->wanted = arena_try_array(o->t->scratch, n + 1, struct wanted);
	n = u64_min(n * QCOW2_OWNERS_KEPT, RECORDS_MAX - 1);
	o->record = arena_try_array(o->t->scratch, n + 1, struct record);
	o->nrecords = 1;
	if (!leaf || !o->wanted || !o->record) {
		qcow2_tally_limit(o->t, "clusters with several owners");
		return false;
	}
	for (size_t i = 0; i < refs->nleaves; i++)
		want(o, leaf[i], QCOW2_MARK_WANTED, QCOW2_MARK_WANTED);
	for (size_t i = 0; i < refs->nleaves; i++)
		want(o, leaf[i], QCOW2_MARK_MEETS, QCOW2_MARK_WANTED);
	if (o->nwanted)
		qsort(o->wanted, o->nwanted, sizeof(*o->wanted), by_cluster);
	return true;
}

/* ---- whose they are ---- */

/* What may refer to a cluster several times, from different snapshots. */
static bool same_owner(const struct qcow2_owner *x, const struct qcow2_owner *y)
{
	if (x->use != y->use)
		return false;
	if (x->use == QCOW2_USE_L2)
		return x->index == y->index;
	return qcow2_use_is_metadata(x->use) ? x->at.off == y->at.off
					     : x->guest == y->guest;
}

static void add_record(struct owners *o, uint64_t cluster, const struct qcow2_owner *x)
{
	struct wanted *w = find_wanted(o, cluster);
	uint32_t *link;

	if (!w || w->n == QCOW2_OWNERS_KEPT)
		return;
	for (link = &w->first; *link != NO_RECORD; link = &o->record[*link].next) {
		if (same_owner(&o->record[*link].owner, x))
			return;
	}
	if (o->nrecords == RECORDS_MAX) {
		qcow2_tally_limit(o->t, "owners of clusters");
		return;
	}
	*link = o->nrecords++;
	o->record[*link].owner = *x;
	w->n++;
}

static bool leaf_matters(const struct qcow2_leaf *l)
{
	return l && (l->mark[QCOW2_MARK_MEETS].n || l->mark[QCOW2_MARK_WANTED].n ||
		     l->mark[QCOW2_MARK_NOT_ONE].n || l->mark[QCOW2_MARK_IS_ONE].n);
}

/* The next cluster of [c, end) that may have one of the marks. */
static uint64_t next_in_question(const struct owners *o, uint64_t c, uint64_t end,
				 const struct qcow2_leaf **l)
{
	for (; c < end; c++) {
		*l = qcow2_refs_leaf(&o->t->scan->refs, c >> QCOW2_LEAF_BITS);
		if (leaf_matters(*l))
			return c;
		c |= QCOW2_LEAF - 1;
	}
	return end;
}

static void note_range(struct owners *o, uint64_t first, uint64_t n,
		       const struct qcow2_owner *x)
{
	const struct qcow2_leaf *l = NULL;

	for (uint64_t c = first; (c = next_in_question(o, c, first + n, &l)) < first + n;
	     c++) {
		size_t i = c % QCOW2_LEAF;

		if (qcow2_bits_get(&l->mark[QCOW2_MARK_MEETS], i) ||
		    qcow2_bits_get(&l->mark[QCOW2_MARK_WANTED], i))
			add_record(o, c, x);
	}
}

/* COPIED of an active entry against the stored refcount. */
static void copied_flaw(struct owners *o, enum qcow2_flaw_kind k,
			const struct qcow2_owner *x, uint64_t cluster)
{
	struct qcow2_flaw f = { .kind = k,
				.at = x->at,
				.n = 1,
				.entry = x->entry,
				.cluster = cluster,
				.counted = qcow2_refs_count(&o->t->scan->refs, cluster),
				.owner = x,
				.nowners = 1 };

	if (qcow2_tally_stored(o->t, cluster, &f.stored) != 0)
		o->failed = true;
	else
		qcow2_tally_flaw(o->t, &f);
}

static bool note_l2(void *arg, const struct qcow2_l2 *l2)
{
	struct owners *o = arg;
	const struct qcow2 *q = o->t->q;
	const struct qcow2_refs *refs = &o->t->scan->refs;
	uint64_t off = qcow2_l2_offset(l2), c = off >> q->cluster_bits.v;
	const struct qcow2_owner x = qcow2_owner_of_l2(o->t, l2);

	if (!qcow2_in_file(q, off, q->cluster_size))
		return true;
	note_range(o, c, 1, &x);
	if (!l2->active)
		return true;
	if (l2->entry & QCOW2_COPIED && qcow2_refs_marked(refs, QCOW2_MARK_NOT_ONE, c))
		copied_flaw(o, QCOW2_FLAW_L1_COPIED_WRONG, &x, c);
	if (!(l2->entry & QCOW2_COPIED) && qcow2_refs_marked(refs, QCOW2_MARK_IS_ONE, c))
		copied_flaw(o, QCOW2_FLAW_L1_COPIED_MISSING, &x, c);
	return !o->failed;
}

static void note_entry(struct owners *o, const struct qcow2_run *r,
		       const struct qcow2_leaf *l, uint64_t c)
{
	size_t i = c % QCOW2_LEAF;
	bool copied = r->entry & QCOW2_COPIED;
	struct qcow2_owner x;

	if (qcow2_bits_get(&l->mark[QCOW2_MARK_MEETS], i) ||
	    qcow2_bits_get(&l->mark[QCOW2_MARK_WANTED], i)) {
		x = qcow2_owner_of_run(o->t, r);
		add_record(o, c, &x);
	}
	if (!r->active || r->entry & QCOW2_COMPRESSED)
		return;
	x = qcow2_owner_of_run(o->t, r);
	if (copied && qcow2_bits_get(&l->mark[QCOW2_MARK_NOT_ONE], i))
		copied_flaw(o, QCOW2_FLAW_L2_COPIED_WRONG, &x, c);
	if (!copied && qcow2_bits_get(&l->mark[QCOW2_MARK_IS_ONE], i))
		copied_flaw(o, QCOW2_FLAW_L2_COPIED_MISSING, &x, c);
}

static bool note_run(void *arg, const struct qcow2_run *r)
{
	struct owners *o = arg;
	const struct qcow2 *q = o->t->q;
	uint64_t off = r->entry & QCOW2_OFFSET_MASK, len = q->cluster_size, first, end;
	const struct qcow2_leaf *l = NULL;

	if (r->again || q->external_data || o->failed)
		return !o->failed;
	if (r->entry & QCOW2_COMPRESSED)
		qcow2_compressed_at(q, r->entry, &off, &len);
	else if (!off || off % q->cluster_size != 0)
		return true;
	first = off >> q->cluster_bits.v;
	end = r->n > 1 ? first + r->n : ((off + len - 1) >> q->cluster_bits.v) + 1;
	for (uint64_t c = first; (c = next_in_question(o, c, end, &l)) < end; c++) {
		struct qcow2_run x = *r;

		if (r->n > 1) {
			x.at += (c - first) * q->l2_entry_size;
			x.guest += (c - first) * q->cluster_size;
			x.entry += (c - first) * r->step;
		}
		note_entry(o, &x, l, c);
	}
	return !o->failed;
}

static bool note_metadata(struct qcow2_tally *t, const struct qcow2_range *r)
{
	/* The walk's argument is ours while this pass runs. */
	struct owners *o = t->walk.arg;
	uint64_t first = r->off >> t->q->cluster_bits.v;

	if (qcow2_range_counts(t->q, r))
		note_range(o, first,
			   ((r->off + r->len - 1) >> t->q->cluster_bits.v) - first + 1,
			   &r->owner);
	return true;
}

/* ---- what follows ---- */

static int owner_order(const void *a, const void *b)
{
	const struct qcow2_owner *x = a, *y = b;

	return (x->at.off > y->at.off) - (x->at.off < y->at.off);
}

static size_t owners_of(const struct owners *o, const struct wanted *w,
			struct qcow2_owner *v)
{
	size_t n = 0;

	for (uint32_t i = w->first; i != NO_RECORD; i = o->record[i].next)
		v[n++] = o->record[i].owner;
	/* cppcheck-suppress uninitvar ; the loop has filled what is sorted */
	qsort(v, n, sizeof(*v), owner_order);
	return n;
}

/* Streams of compressed data may share a cluster with each other, and with nothing else. */
static bool may_share(const struct qcow2_owner *v, size_t n)
{
	size_t compressed = 0;

	for (size_t i = 0; i < n; i++)
		compressed += v[i].use == QCOW2_USE_COMPRESSED;
	return n < 2 || compressed == n;
}

static enum qcow2_flaw_kind kind_of(const struct qcow2_owner *v, size_t n)
{
	size_t metadata = 0, l2 = 0;

	for (size_t i = 0; i < n; i++) {
		metadata += qcow2_use_is_metadata(v[i].use);
		l2 += v[i].use == QCOW2_USE_L2;
	}
	if (metadata == 0)
		return QCOW2_FLAW_DATA_DATA;
	if (metadata < n)
		return QCOW2_FLAW_DATA_METADATA;
	return l2 == n ? QCOW2_FLAW_L2_SHARED : QCOW2_FLAW_METADATA_METADATA;
}

/* v is what the owners of `last` are after all its clusters: entries that follow, and
 * tables that go on. */
static bool owners_go_on(const struct qcow2 *q, const struct qcow2_flaw *last,
			 const struct qcow2_flaw *f)
{
	if (last->cluster + last->n != f->cluster || last->nowners != f->nowners ||
	    last->stored != f->stored || last->counted != f->counted)
		return false;
	for (size_t i = 0; i < f->nowners; i++) {
		const struct qcow2_owner *x = &last->owner[i], *y = &f->owner[i];
		bool data = x->use == QCOW2_USE_DATA || x->use == QCOW2_USE_VM_STATE;

		if (x->use != y->use || x->snapshot != y->snapshot)
			return false;
		if (data ? x->at.off + last->n * q->l2_entry_size != y->at.off ||
				    x->guest + last->n * q->cluster_size != y->guest
			 : x->at.off != y->at.off || x->index != y->index)
			return false;
	}
	return true;
}

static int report_meeting(struct owners *o, const struct wanted *w)
{
	struct qcow2_owner v[QCOW2_OWNERS_KEPT];
	size_t n = owners_of(o, w, v);
	struct qcow2_flaw f = { .cluster = w->cluster, .n = 1, .owner = v, .nowners = n };
	struct qcow2_flaw *last;

	if (may_share(v, n))
		return 0;
	f.kind = kind_of(v, n);
	f.at = v[0].at;
	f.entry = v[0].entry;
	f.counted = qcow2_refs_count(&o->t->scan->refs, w->cluster);
	if (qcow2_tally_stored(o->t, w->cluster, &f.stored) != 0)
		return -1;
	last = o->t->flaws[f.kind].n ? &o->t->flaws[f.kind].v[o->t->flaws[f.kind].n - 1]
				     : NULL;
	if (last && owners_go_on(o->t->q, last, &f)) {
		last->n++;
		o->t->scan->flaws[f.kind].total++;
	} else {
		qcow2_tally_flaw(o->t, &f);
	}
	return 0;
}

/* The owners of the first cluster of each run of refcounts. */
static void fill_in(struct owners *o, enum qcow2_flaw_kind k)
{
	for (size_t i = 0; i < o->t->flaws[k].n; i++) {
		struct qcow2_flaw *f = &o->t->flaws[k].v[i];
		const struct wanted *w = find_wanted(o, f->cluster);
		struct qcow2_owner *v;

		if (!w || !w->n)
			continue;
		v = arena_array(o->t->a, w->n, struct qcow2_owner);
		f->nowners = owners_of(o, w, v);
		f->owner = v;
	}
}

static int report_all(struct owners *o)
{
	for (size_t i = 0; i < o->nwanted; i++) {
		if (qcow2_refs_marked(&o->t->scan->refs, QCOW2_MARK_MEETS,
				      o->wanted[i].cluster) &&
		    report_meeting(o, &o->wanted[i]) != 0)
			return -1;
	}
	fill_in(o, QCOW2_FLAW_REFCOUNT_ZERO);
	fill_in(o, QCOW2_FLAW_REFCOUNT_LOW);
	fill_in(o, QCOW2_FLAW_REFCOUNT_HIGH);
	return 0;
}

int qcow2_owners(struct qcow2_tally *t)
{
	const struct qcow2_refs *refs = &t->scan->refs;
	struct owners o = { .t = t };

	if (qcow2_refs_marks(refs, QCOW2_MARK_MEETS) +
		    qcow2_refs_marks(refs, QCOW2_MARK_WANTED) +
		    qcow2_refs_marks(refs, QCOW2_MARK_NOT_ONE) +
		    qcow2_refs_marks(refs, QCOW2_MARK_IS_ONE) ==
	    0)
		return 0;
	if (!list_wanted(&o))
		return 0;
	t->walk.l1_entry = NULL;
	t->walk.l2 = note_l2;
	t->walk.run = note_run;
	t->walk.arg = &o;
	if (qcow2_each_range(t, note_metadata) != 0 || qcow2_walk_l2(&t->walk) != 0 ||
	    o.failed)
		return -1;
	return report_all(&o);
}
