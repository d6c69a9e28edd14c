/* Names for places of a QCOW2 image's file, by the same lists of fields that the readers
 * use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "analyze/image/qcow2_layout.h"
#include "base/banned.h"

/* ---- fields of a record ---- */

struct part {
	const char *name;
	uint32_t off, len;
};

#define NUMBER(member, name, off, len) { name, off, len },
#define OTHER(name, off, len)          { name, off, len },
static const struct part header_parts[] = { QCOW2_HEADER_FIELDS(NUMBER, OTHER) };
static const struct part snapshot_parts[] = { QCOW2_SNAPSHOT_FIELDS(
	NUMBER, OTHER) QCOW2_SNAPSHOT_EXTRA(NUMBER, OTHER) };
static const struct part bitmap_parts[] = { QCOW2_BITMAP_FIELDS(NUMBER, OTHER) };
static const struct part ext_parts[] = { { "type", 0, 4 }, { "length", 4, 4 } };
/* Of an extension's data: */
static const struct part bitmaps_parts[] = { QCOW2_BITMAPS_FIELDS(NUMBER, OTHER) };
static const struct part crypto_parts[] = { QCOW2_CRYPTO_FIELDS(NUMBER, OTHER) };
#undef NUMBER
#undef OTHER

struct record {
	struct span at;
	const char *locus;
	const struct part *parts;
	size_t nparts;
	uint64_t skip; /* from the record's begin to where its parts count from */
};

#define PARTS(array) .parts = (array), .nparts = sizeof(array) / sizeof((array)[0])

static bool span_holds(struct span outer, struct span inner)
{
	return inner.off >= outer.off &&
	       range_within(inner.off - outer.off, inner.len, outer.len);
}

/* "record/field" when `at` lies within one field, else "record". */
static const char *locus_of(const struct record *r, struct span at, struct arena *a)
{
	uint64_t off = at.off - r->at.off;

	for (size_t i = 0; off >= r->skip && i < r->nparts; i++) {
		const struct part *p = &r->parts[i];
		uint64_t begin = r->skip + p->off;

		if (off >= begin && range_within(off - begin, at.len, p->len))
			return arena_printf(a, "%s/%s", r->locus, p->name);
	}
	return r->locus;
}

static bool place_set(struct place *out, const struct record *r, struct span at,
		      const char *summary, struct arena *a)
{
	out->locus = locus_of(r, at, a);
	out->record = r->at;
	out->summary = summary;
	return true;
}

static unsigned long long ull(uint64_t v)
{
	return v;
}

/* ---- the first cluster ---- */

static bool place_in_header(const struct qcow2 *q, struct span at, struct arena *a,
			    struct place *out)
{
	uint64_t n = u64_min(u64_min(q->header_length.v, QCOW2_HEADER_FULL), q->head.n);
	struct record r = { .at = q->version.at,
			    .locus = "qcow2/header",
			    PARTS(header_parts) };

	/* Whatever its length says: the fields that were read are the header's. */
	n = u64_max(n, u64_min(q->version.v == 2 ? QCOW2_HEADER_V2 : QCOW2_HEADER_V3,
			       q->head.n));
	r.at.off = 0;
	r.at.len = n;
	if (!span_holds(r.at, at))
		return false;
	return place_set(out, &r, at,
			 arena_printf(a, "header of version %llu, %llu bytes",
				      ull(q->version.v), ull(q->header_length.v)),
			 a);
}

static bool place_in_ext(const struct qcow2_ext *ext, struct span at, struct arena *a,
			 struct place *out)
{
	struct record r = { .at = ext->at, PARTS(ext_parts) };
	const char *name = ext->name;

	if (!span_holds(ext->at, at))
		return false;
	if (!name)
		name = arena_printf(a, "0x%08x", (unsigned)ext->type.v);
	r.locus = arena_printf(a, "qcow2/extension[%s]", name);
	if (at.off >= ext->data_at.off) {
		r.skip = ext->data_at.off - ext->at.off;
		r.nparts = 0;
		if (ext->type.v == QCOW2_EXT_BITMAPS)
			r = (struct record){ ext->at, r.locus, PARTS(bitmaps_parts),
					     r.skip };
		else if (ext->type.v == QCOW2_EXT_CRYPTO)
			r = (struct record){ ext->at, r.locus, PARTS(crypto_parts),
					     r.skip };
	}
	return place_set(
		out, &r, at,
		arena_printf(a, "header extension %s, %llu bytes", name, ull(ext->len.v)),
		a);
}

static bool place_in_names(const struct qcow2 *q, struct span at, struct arena *a,
			   struct place *out)
{
	struct record mark = { .at = q->ext_stop_at, .locus = "qcow2/extension[end]" };
	struct record backing = { .at = q->backing.at, .locus = "qcow2/backing-file" };

	if (q->backing.at.len && span_holds(backing.at, at))
		return place_set(out, &backing, at,
				 arena_printf(a, "backing file '%s'",
					      str_shown(a, q->backing.text)),
				 a);
	if (!q->ext_stop_at.len || !span_holds(mark.at, at))
		return false;
	if (q->ext_stop == QCOW2_EXT_STOP_MARK)
		return place_set(out, &mark, at, "end of the header extensions", a);
	mark.locus = arena_printf(a, "qcow2/extension[%zu]", q->next);
	mark.parts = ext_parts;
	mark.nparts = sizeof(ext_parts) / sizeof(ext_parts[0]);
	return place_set(out, &mark, at, "header extension that is too long", a);
}

/* ---- tables ---- */

/* A table by its names: "qcow2/l1" in a locus, "L1 table" in words. */
struct named_table {
	const struct qcow2_table *t;
	const char *locus, *word;
};

static const char *entry_summary(const struct named_table *n, uint64_t i, struct arena *a)
{
	if (i >= n->t->raw.n / 8)
		return arena_printf(a, "entry %llu of the %s", ull(i), n->word);
	return arena_printf(a, "entry %llu of the %s: 0x%llx", ull(i), n->word,
			    ull(qcow2_entry(n->t->raw, (size_t)i)));
}

static bool has_place(const struct qcow2_table *t)
{
	switch (t->state) {
	case QCOW2_TABLE_WHOLE:
	case QCOW2_TABLE_CUT:
	case QCOW2_TABLE_TOO_LARGE:
	case QCOW2_TABLE_NO_ROOM:
		return true;
	case QCOW2_TABLE_NONE:
	case QCOW2_TABLE_ZERO:
	case QCOW2_TABLE_UNALIGNED:
	case QCOW2_TABLE_OUTSIDE:
		return false;
	}
	BUG("table state %u", t->state);
}

static bool place_in_table(const struct named_table *n, struct span at, struct arena *a,
			   struct place *out)
{
	struct record r = { .at = n->t->at, .locus = n->locus };
	uint64_t i;

	if (!has_place(n->t) || !span_holds(n->t->at, at))
		return false;
	i = (at.off - n->t->at.off) / 8;
	r.at.off += i * 8;
	r.at.len = 8;
	if (!span_holds(r.at, at)) {
		r.at = n->t->at;
		return place_set(
			out, &r, at,
			arena_printf(a, "%s, %llu entries", n->word, ull(n->t->n)), a);
	}
	r.locus = arena_printf(a, "%s[%llu]", n->locus, ull(i));
	return place_set(out, &r, at, entry_summary(n, i, a), a);
}

/* The index of the first entry of a table that refers to the cluster at off. */
static bool find_pointer(struct view raw, uint64_t mask, uint64_t off, size_t *out)
{
	for (size_t i = 0; i < raw.n / 8; i++) {
		if ((qcow2_entry(raw, i) & mask) == off) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool place_in_l2(const struct qcow2 *q, struct span at, struct arena *a,
			struct place *out)
{
	struct record r = { .at = at };
	uint64_t cluster = at.off & ~(q->cluster_size - 1), j;
	size_t i;

	if (cluster == 0 || !find_pointer(q->l1.raw, QCOW2_OFFSET_MASK, cluster, &i))
		return false;
	j = (at.off - cluster) / q->l2_entry_size;
	r.at.off = cluster + j * q->l2_entry_size;
	r.at.len = q->l2_entry_size;
	r.locus = arena_printf(a, "qcow2/l2[%zu][%llu]", i, ull(j));
	if (!span_holds(r.at, at)) {
		r.at.off = cluster;
		r.at.len = q->cluster_size;
		r.locus = arena_printf(a, "qcow2/l2[%zu]", i);
		return span_holds(r.at, at) &&
		       place_set(out, &r, at,
				 arena_printf(a, "L2 table %zu, %llu entries", i,
					      ull(q->l2_entries)),
				 a);
	}
	return place_set(
		out, &r, at,
		arena_printf(a, "entry %llu of L2 table %zu, guest offset 0x%llx", ull(j),
			     i, ull(i * q->l2_bytes + j * q->cluster_size)),
		a);
}

static bool place_in_refblock(const struct qcow2 *q, struct span at, struct arena *a,
			      struct place *out)
{
	struct record r = { .at = at };
	uint64_t block = at.off & ~(q->cluster_size - 1), cluster, width;
	size_t i;

	if (block == 0 || !find_pointer(q->rt.raw, QCOW2_RT_MASK, block, &i))
		return false;
	r.at = (struct span){ q->src, block, q->cluster_size };
	if (!span_holds(r.at, at))
		return false;
	width = u64_max(q->refcount_bits / 8, 1);
	cluster = (at.off - block) * 8 / q->refcount_bits;
	r.at.off = block + (at.off - block) / width * width;
	r.at.len = width;
	if (!span_holds(r.at, at)) {
		r.at = (struct span){ q->src, block, q->cluster_size };
		r.locus = arena_printf(a, "qcow2/refblock[%zu]", i);
		return place_set(out, &r, at, arena_printf(a, "refcount block %zu", i),
				 a);
	}
	r.locus = arena_printf(a, "qcow2/refblock[%zu][%llu]", i, ull(cluster));
	cluster += i * q->refblock_entries;
	return place_set(out, &r, at,
			 arena_printf(a, "refcount of cluster %llu, at 0x%llx",
				      ull(cluster), ull(cluster * q->cluster_size)),
			 a);
}

/* ---- snapshots and bitmaps ---- */

static bool place_in_snapshot(const struct qcow2_snapshot *s, size_t i, struct span at,
			      struct arena *a, struct place *out)
{
	struct record r = { .at = s->at, PARTS(snapshot_parts) };
	struct named_table l1 = { .t = &s->l1 };

	/* There may be many: words only for the one. */
	if (!span_holds(s->at, at) && !span_holds(s->l1.at, at))
		return false;
	l1.locus = arena_printf(a, "qcow2/snapshot[%zu]/l1", i);
	l1.word = arena_printf(a, "L1 table of snapshot %zu", i);
	if (!span_holds(s->at, at))
		return place_in_table(&l1, at, a, out);
	r.locus = arena_printf(a, "qcow2/snapshot[%zu]", i);
	if (at.off >= QCOW2_SNAP_SIZE + s->at.off + s->extra_size.v)
		r.nparts = 0;
	if (s->id_at.len && span_holds(s->id_at, at))
		r.locus = arena_printf(a, "%s/id", r.locus);
	else if (s->name_at.len && span_holds(s->name_at, at))
		r.locus = arena_printf(a, "%s/name", r.locus);
	return place_set(out, &r, at,
			 arena_printf(a, "snapshot %zu: id '%s', name '%s'", i,
				      str_shown(a, s->id), str_shown(a, s->name)),
			 a);
}

static bool place_in_bitmap(const struct qcow2_bitmap *b, size_t i, struct span at,
			    struct arena *a, struct place *out)
{
	struct record r = { .at = b->at, PARTS(bitmap_parts) };
	struct named_table t = { .t = &b->table };

	if (!span_holds(b->at, at) && !span_holds(b->table.at, at))
		return false;
	t.locus = arena_printf(a, "qcow2/bitmap[%zu]/table", i);
	t.word = arena_printf(a, "table of bitmap %zu", i);
	if (!span_holds(b->at, at))
		return place_in_table(&t, at, a, out);
	r.locus = arena_printf(a, "qcow2/bitmap[%zu]", i);
	if (b->name_at.len && span_holds(b->name_at, at))
		r.locus = arena_printf(a, "%s/name", r.locus);
	return place_set(
		out, &r, at,
		arena_printf(a, "bitmap %zu: name '%s'", i, str_shown(a, b->name)), a);
}

static bool place_in_lists(const struct qcow2 *q, struct span at, struct arena *a,
			   struct place *out)
{
	for (size_t i = 0; i < q->snapshots.n; i++) {
		if (place_in_snapshot(&q->snapshots.v[i], i, at, a, out))
			return true;
	}
	for (size_t i = 0; i < q->bitmaps.n; i++) {
		if (place_in_bitmap(&q->bitmaps.v[i], i, at, a, out))
			return true;
	}
	return false;
}

bool qcow2_place(const struct qcow2 *q, struct span at, struct arena *a,
		 struct place *out)
{
	struct named_table l1 = { &q->l1, "qcow2/l1", "L1 table" };
	struct named_table rt = { &q->rt, "qcow2/refcount-table", "refcount table" };

	if (place_in_header(q, at, a, out))
		return true;
	if (!q->geometry)
		return false;
	for (size_t i = 0; i < q->next; i++) {
		if (place_in_ext(&q->ext[i], at, a, out))
			return true;
	}
	return place_in_names(q, at, a, out) || place_in_table(&l1, at, a, out) ||
	       place_in_table(&rt, at, a, out) || place_in_lists(q, at, a, out) ||
	       place_in_refblock(q, at, a, out) || place_in_l2(q, at, a, out);
}
