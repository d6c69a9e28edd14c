/* Entries of L2 tables that lead nowhere, and clusters to which nothing refers: which of the
 * latter an entry pointed at can often be proven.
 *
 * Tables are looked at whole where one of their entries leads nowhere, or where a cluster
 * beside what they point at has lost its reference. What an entry is proven to have pointed
 * at is no left-over of a crash, and nobody else's: its refcount is for as many references as
 * the table has.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_lost.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	SLOTS_MAX = 1024,
	SIBLINGS_MAX = 64, /* tables of a slot that are asked */
	STRETCHES_MAX = 4096,
	READ_MAX = 128 << 20, /* bytes of tables */
	CLAIMS_BUDGET = 4 << 20,
	FLIPS_MAX = 1, /* bits that may be set by accident in an entry that was empty */
};

enum entry_is {
	IS_EMPTY,
	IS_PLACED, /* points at a cluster of the file */
	IS_STRAY,  /* no writer makes such an entry, and it leads nowhere */
	IS_TOLD,   /* stray, and a snapshot knows better */
	IS_OTHER,
};

/* ---- entries ---- */

static enum entry_is is_compressed(const struct qcow2 *q, uint64_t word)
{
	uint64_t off, len;

	qcow2_compressed_at(q, word, &off, &len);
	return off >= q->file_size || !qcow2_in_file(q, off, len) ? IS_STRAY : IS_OTHER;
}

/* Behind the end of a file that was cut it has a refcount. */
static bool was_cut(struct qcow2_search *o, uint64_t cluster)
{
	uint64_t stored;

	if (cluster < o->t->q->host_clusters)
		return false;
	if (qcow2_tally_stored(o->t, cluster, &stored) != 0)
		o->failed = true;
	return stored != 0;
}

static enum entry_is classify(struct qcow2_search *o, uint64_t word, uint64_t bitmap)
{
	const struct qcow2 *q = o->t->q;
	uint64_t off = word & QCOW2_OFFSET_MASK, c = off >> q->cluster_bits.v;

	if (word == 0 && bitmap == 0)
		return IS_EMPTY;
	if (word & QCOW2_COMPRESSED)
		return q->extended_l2 ? IS_OTHER : is_compressed(q, word);
	if (off && off % q->cluster_size == 0 && c < q->host_clusters)
		return word & QCOW2_L2_RESERVED ? IS_OTHER : IS_PLACED;
	/* What it says of subclusters has to make sense, since it stays. */
	if (q->extended_l2)
		return !(bitmap & UINT32_MAX) || bitmap & bitmap >> 32 ? IS_OTHER
		       : was_cut(o, c)                                 ? IS_OTHER
								       : IS_STRAY;
	return word == QCOW2_ZERO || was_cut(o, c) ? IS_OTHER : IS_STRAY;
}

static uint64_t word_at(const struct qcow2_search *o, uint64_t i)
{
	return qcow2_be64(o->raw + i * o->t->q->l2_entry_size);
}

static enum entry_is classify_at(struct qcow2_search *o, const uint8_t *p)
{
	return classify(o, qcow2_be64(p), o->t->q->extended_l2 ? qcow2_be64(p + 8) : 0);
}

static unsigned bits_set(uint64_t v)
{
	return (unsigned)__builtin_popcountll(v);
}

/* ---- tables ---- */

/* The flags of an entry of data that is not compressed. */
static bool is_plain(const struct qcow2_search *o, const struct qcow2_l2 *l2,
		     uint64_t word)
{
	return !qcow2_refs_marks(&o->t->scan->refs, QCOW2_MARK_PACKED) ||
	       (word & ~QCOW2_OFFSET_MASK) == qcow2_flags_for(l2);
}

static uint64_t placed_at(struct qcow2_search *o, uint64_t i)
{
	if (i >= o->t->q->l2_entries || o->is[i] != IS_PLACED)
		return 0;
	return (word_at(o, i) & QCOW2_OFFSET_MASK) >> o->t->q->cluster_bits.v;
}

/* What another table for the same part of the disk has in that place, when there is a
 * reference too few of it: as many as this table's. */
static int ask_sibling(struct qcow2_search *o, const struct qcow2_l2 *l2,
		       const struct qcow2_l2 *other, uint64_t i, uint64_t *cluster)
{
	const struct qcow2 *q = o->t->q;
	uint64_t c, stored;
	uint8_t p[16];

	if (qcow2_read_padded(q, qcow2_l2_offset(other) + i * q->l2_entry_size, p,
			      (size_t)q->l2_entry_size, o->t->e) != 0)
		return -1;
	c = (qcow2_be64(p) & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;
	if (classify_at(o, p) != IS_PLACED || c == *cluster)
		return 0;
	if (qcow2_tally_stored(o->t, c, &stored) != 0)
		return -1;
	if (stored != (uint64_t)qcow2_refs_count(&o->t->scan->refs, c) + l2->weight)
		return 0;
	*cluster = *cluster ? UINT64_MAX : c;
	return 0;
}

static int ask_siblings(struct qcow2_search *o, const struct qcow2_l2 *l2, uint64_t i)
{
	const struct qcow2_walk *w = &o->t->walk;
	const struct qcow2_l2 *x = l2;
	uint64_t cluster = 0;
	unsigned n = 0;

	/* Else the reference may be one of a table that cannot be read. */
	if (!o->t->scan->whole || !o->t->scan->flaws[QCOW2_FLAW_REFCOUNT_HIGH].total)
		return 0;
	while (x > w->t && x[-1].slot == l2->slot)
		x--;
	for (; x < w->t + w->nt && x->slot == l2->slot && n < SIBLINGS_MAX; x++, n++) {
		if (x != l2 && ask_sibling(o, l2, x, i, &cluster) != 0)
			return -1;
	}
	if (!cluster || cluster == UINT64_MAX || n == SIBLINGS_MAX)
		return 0;
	o->is[i] = IS_TOLD;
	*vec_add(&o->stretch, o->t->scratch) =
		(struct qcow2_stretch){ .l2 = l2,
					.index = i,
					.n = 1,
					.word = word_at(o, i),
					.cluster = cluster,
					.why = QCOW2_LOST_SNAPSHOT };
	return 0;
}

static void add_stretch(struct qcow2_search *o, const struct qcow2_l2 *l2, uint64_t i,
			uint64_t n)
{
	const struct qcow2 *q = o->t->q;
	bool empty = o->is[i] == IS_EMPTY;
	struct qcow2_stretch s = { .l2 = l2,
				   .index = i,
				   .n = n,
				   .word = word_at(o, i),
				   .before = i ? placed_at(o, i - 1) : 0,
				   .after = placed_at(o, i + n),
				   .empty = empty,
				   .plain = true };

	if (!empty)
		o->strays += n;
	else if (!qcow2_in_sequence(o, &s))
		return;
	for (uint64_t k = i; !empty && k < i + n; k++) {
		uint64_t word = word_at(o, k);

		s.plain = s.plain && is_plain(o, l2, word);
		s.zeros = s.zeros || (!q->extended_l2 && q->v3 && word & QCOW2_ZERO &&
				      !(word & QCOW2_COMPRESSED));
	}
	/* With subclusters that are allocated, it was not. */
	s.accident = n == 1 && !q->extended_l2 && bits_set(s.word) <= FLIPS_MAX;
	if (o->stretch.n == STRETCHES_MAX)
		o->partly = true;
	else
		*vec_add(&o->stretch, o->t->scratch) = s;
}

static int look_at_table(struct qcow2_search *o, const struct qcow2_l2 *l2)
{
	const struct qcow2 *q = o->t->q;
	uint64_t off = qcow2_l2_offset(l2), c = off >> q->cluster_bits.v;
	const struct qcow2_refs *refs = &o->t->scan->refs;

	if (off >= q->file_size)
		return 0;
	/* What is something else as well may be no table. */
	if (o->read + q->cluster_size > READ_MAX || l2->again ||
	    qcow2_refs_marked(refs, QCOW2_MARK_MEETS, c)) {
		o->partly = true;
		return 0;
	}
	o->read += q->cluster_size;
	if (qcow2_read_padded(q, off, o->raw, (size_t)q->cluster_size, o->t->e) != 0)
		return -1;
	for (uint64_t i = 0; i < q->l2_entries; i++) {
		o->is[i] = (uint8_t)classify_at(o, o->raw + i * q->l2_entry_size);
		if (o->is[i] == IS_STRAY && o->stretch.n < STRETCHES_MAX &&
		    ask_siblings(o, l2, i) != 0)
			return -1;
	}
	for (uint64_t i = 0, k; i < q->l2_entries; i = k) {
		for (k = i + 1; k < q->l2_entries && o->is[k] == o->is[i]; k++)
			;
		if (o->is[i] == IS_EMPTY || o->is[i] == IS_STRAY)
			add_stretch(o, l2, i, k - i);
	}
	return o->failed ? -1 : 0;
}

static int look_at_tables(struct qcow2_search *o)
{
	const struct qcow2_walk *w = &o->t->walk;
	size_t k = 0;

	for (size_t i = 0; i < w->nt; i++) {
		while (k < o->slots.n && o->slots.v[k] < w->t[i].slot)
			k++;
		if (k < o->slots.n && o->slots.v[k] == w->t[i].slot &&
		    look_at_table(o, &w->t[i]) != 0)
			return -1;
	}
	return 0;
}

/* ---- which tables ---- */

static bool touches_leak(const struct qcow2_search *o, const struct qcow2_run *r)
{
	const struct qcow2_refs *refs = &o->t->scan->refs;
	uint64_t c = (r->entry & QCOW2_OFFSET_MASK) >> o->t->q->cluster_bits.v;

	return c && (qcow2_refs_marked(refs, QCOW2_MARK_LEAKED, c - 1) ||
		     qcow2_refs_marked(refs, QCOW2_MARK_LEAKED, c + r->n));
}

static bool note_run(void *arg, const struct qcow2_run *r)
{
	struct qcow2_search *o = arg;
	uint64_t last = r->entry + (r->n - 1) * r->step;
	bool stray = classify(o, r->entry, r->bitmap) == IS_STRAY ||
		     classify(o, last, r->bitmap) == IS_STRAY;

	if (r->again || (!stray && (r->entry & QCOW2_COMPRESSED || !touches_leak(o, r))))
		return !o->failed;
	if (o->slots.n && o->slots.v[o->slots.n - 1] == r->l2->slot)
		return !o->failed;
	if (o->slots.n == SLOTS_MAX)
		o->partly = true;
	else
		*vec_add(&o->slots, o->t->scratch) = r->l2->slot;
	return !o->failed && !o->partly;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* ---- what was found ---- */

static void tell(struct qcow2_search *o, const struct qcow2_stretch *s, uint64_t cluster)
{
	const struct qcow2 *q = o->t->q;
	uint64_t at = qcow2_l2_offset(s->l2) + s->index * q->l2_entry_size;
	struct qcow2_lost x = {
		.at = { q->src, at, q->l2_entry_size },
		.n = s->n,
		.entry = s->word,
		.guest = s->l2->slot * q->l2_bytes + s->index * q->cluster_size,
		.snapshot = o->t->walk.l1[s->l2->l1].snapshot,
		.cluster = cluster,
		/* What a snapshot has as well is not COPIED. */
		.flags = s->why == QCOW2_LOST_SNAPSHOT ? 0 : qcow2_flags_for(s->l2),
		.why = s->why,
		.empty = s->empty,
	};

	if (s->cluster)
		*vec_add(&o->found, o->t->a) = x;
	else if (o->offered.n < QCOW2_OFFERED_KEPT)
		*vec_add(&o->offered, o->t->a) = x;
}

static int by_place(const void *a, const void *b)
{
	const struct qcow2_lost *x = a, *y = b;

	return (x->at.off > y->at.off) - (x->at.off < y->at.off);
}

static void tell_all(struct qcow2_search *o)
{
	struct qcow2_scan *scan = o->t->scan;

	for (size_t i = 0; i < o->stretch.n; i++) {
		const struct qcow2_stretch *s = &o->stretch.v[i];
		uint64_t place = s->cluster ? s->cluster : qcow2_in_sequence(o, s);

		if (place && !s->torn)
			tell(o, s, place);
	}
	if (o->found.n)
		vec_sort(&o->found, by_place);
	scan->lost = o->found.v;
	scan->nlost = o->found.n;
	scan->offered = o->offered.v;
	scan->noffered = o->offered.n;
}

/* How many clusters of [first, end) are placed, or are not, like the first. */
static uint64_t alike(const struct qcow2_refs *placed, uint64_t first, uint64_t end,
		      bool *yes)
{
	uint32_t claims, next = 0;
	uint64_t c = first + qcow2_refs_run(placed, first, &claims), n;

	for (; c < end; c += n) {
		n = qcow2_refs_run(placed, c, &next);
		if (next != claims)
			break;
	}
	*yes = claims != 0;
	return u64_min(c, end) - first;
}

/* Runs of orphans, those of which the place is known apart from the others. */
static void part_orphans(struct qcow2_search *o)
{
	struct qcow2_scan *scan = o->t->scan;
	VEC(struct qcow2_orphan) v = { 0 };
	struct qcow2_refs placed;

	qcow2_refs_init(&placed, o->t->scratch, CLAIMS_BUDGET);
	for (size_t i = 0; i < scan->nlost; i++) {
		const struct qcow2_lost *x = &scan->lost[i];

		if (!qcow2_refs_add(&placed, x->cluster, x->n, 1, 0))
			return;
	}
	for (size_t i = 0; i < scan->norphans; i++) {
		const struct qcow2_orphan *x = &scan->orphan[i];

		for (uint64_t k = 0, n; k < x->n; k += n) {
			struct qcow2_orphan *y = vec_add(&v, o->t->a);
			bool yes;

			n = alike(&placed, x->cluster + k, x->cluster + x->n, &yes);
			*y = *x;
			y->cluster += k;
			y->n = n;
			if (!yes)
				continue;
			scan->orphans[x->kind] -= n;
			scan->orphans[QCOW2_ORPHAN_PLACED] += n;
			y->kind = QCOW2_ORPHAN_PLACED;
		}
	}
	scan->orphan = v.v;
	scan->norphans = v.n;
}

int qcow2_lost(struct qcow2_tally *t)
{
	struct qcow2_search o = { .t = t };

	if (t->q->external_data ||
	    (t->scan->norphans == 0 && !t->scan->flaws[QCOW2_FLAW_REFCOUNT_HIGH].total))
		return 0;
	o.raw = arena_try(t->scratch, t->q->cluster_size, 1);
	o.is = arena_try(t->scratch, t->q->l2_entries, 1);
	if (!o.raw || !o.is) {
		qcow2_tally_limit(t, "entries that lead nowhere");
		return 0;
	}
	qcow2_refs_init(&o.claimed, t->scratch, CLAIMS_BUDGET);
	t->walk.l1_entry = NULL;
	t->walk.l2 = NULL;
	t->walk.run = note_run;
	t->walk.arg = &o;
	if (qcow2_walk_l2(&t->walk) != 0 || o.failed)
		return -1;
	if (o.slots.n)
		vec_sort(&o.slots, by_number);
	if (look_at_tables(&o) != 0)
		return -1;
	qcow2_prove(&o);
	tell_all(&o);
	if (o.found.n)
		part_orphans(&o);
	return 0;
}

static int ends_behind(const void *elem, const void *key)
{
	const struct qcow2_lost *x = elem;
	const uint64_t *at = key;

	return x->at.off + x->n * x->at.len <= *at ? -1 : 1;
}

bool qcow2_is_lost(const struct qcow2_scan *s, uint64_t at)
{
	size_t i = sorted_find(s->lost, s->nlost, sizeof(*s->lost), &at, ends_behind);

	return i < s->nlost && s->lost[i].at.off <= at;
}
