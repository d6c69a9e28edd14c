/* The map of a QCOW2's own file: what the header names, and what the rest of its clusters is
 * used for, in stretches. Counts are the scan's; only L1 tables of snapshots and tables of
 * bitmaps are read once more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/image/qcow2_walk.h"
#include "analyze/image/signs.h"
#include "analyze/unit.h"
#include "cli/map.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	CELLS = 1024,         /* the file in so many pieces, at most */
	TABLES_MAX = 1 << 19, /* clusters of tables that are told from data */
	SINGLES_MAX = 8,      /* L1 tables of snapshots that are drawn by themselves */
};

enum use {
	USE_FREE,
	USE_DATA,
	USE_PACKED,
	USE_L2,
	USE_BLOCK,
	USE_SNAPSHOT, /* L1 tables of snapshots */
	USE_BITMAP,
	USE_LEAK,
	USE_UNKNOWN,
	USES
};

/* Clusters, by use. */
struct sum {
	uint64_t n[USES];
};

struct cells {
	struct map *m;
	const struct qcow2 *q;
	struct arena *a;
	VEC(uint64_t) tables; /* cluster * USES + use: sorted, each cluster once */
	bool some;            /* tables that are not in there */
	uint64_t clusters;    /* of a cell */
	struct err e;
	/* The stretch that is being made; end 0: none. */
	uint64_t first, end;
	enum use use;
	struct sum sum, all;
	uint64_t tail; /* bytes behind the last cluster */
};

static const char *entries(const struct cells *c, uint64_t n)
{
	return arena_printf(c->a, "%llu %s", LLU(n), n == 1 ? "entry" : "entries");
}

static void note(struct cells *c, const char *text)
{
	*vec_add(&c->m->notes, c->a) = text;
}

/* ---- where tables are ---- */

static bool add_table(struct cells *c, enum use u, uint64_t off)
{
	uint64_t cluster = off / c->q->cluster_size;

	if (!off || off >= c->q->file_size)
		return true;
	if (c->tables.n == TABLES_MAX) {
		c->some = true;
		return false;
	}
	*vec_add(&c->tables, c->a) = cluster * USES + u;
	return true;
}

static bool add_l2(void *arg, uint64_t i, uint64_t entry)
{
	(void)i;
	return add_table(arg, USE_L2, entry & QCOW2_OFFSET_MASK);
}

static bool add_bits(void *arg, uint64_t i, uint64_t entry)
{
	(void)i;
	return add_table(arg, USE_BITMAP, entry & QCOW2_OFFSET_MASK);
}

static void add_span(struct cells *c, enum use u, struct span at)
{
	for (uint64_t off = at.off; off < u64_min(span_end(at), c->q->file_size);
	     off += c->q->cluster_size) {
		if (!add_table(c, u, off))
			return;
	}
}

static bool is_read(const struct qcow2_table *t)
{
	return t->state == QCOW2_TABLE_WHOLE || t->state == QCOW2_TABLE_CUT;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void find_tables(struct cells *c)
{
	const struct qcow2 *q = c->q;
	size_t n = 0;

	for (size_t i = 0; i < q->l1.raw.n / 8 && !c->some; i++)
		add_l2(c, i, qcow2_entry(q->l1.raw, i));
	for (size_t i = 0; i < q->rt.raw.n / 8 && !c->some; i++)
		add_table(c, USE_BLOCK, qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK);
	for (size_t i = 0; i < q->snapshots.n && !c->some; i++) {
		const struct qcow2_table *t = &q->snapshots.v[i].l1;

		if (is_read(t))
			add_span(c, USE_SNAPSHOT, t->at);
		/* What cannot be read is counted as data: check has said so. */
		if (is_read(t) && qcow2_each_entry(q, t->at.off, t->n, add_l2, c, &c->e))
			c->some = true;
	}
	add_span(c, USE_BITMAP, q->bitmaps.at);
	for (size_t i = 0; i < q->bitmaps.n && !c->some; i++) {
		const struct qcow2_table *t = &q->bitmaps.v[i].table;

		if (is_read(t))
			add_span(c, USE_BITMAP, t->at);
		if (is_read(t) &&
		    qcow2_each_entry(q, t->at.off, t->n, add_bits, c, &c->e))
			c->some = true;
	}
	if (c->tables.n)
		vec_sort(&c->tables, by_number);
	for (size_t i = 0; i < c->tables.n; i++) {
		if (n == 0 || c->tables.v[n - 1] / USES != c->tables.v[i] / USES)
			c->tables.v[n++] = c->tables.v[i];
	}
	c->tables.n = n;
}

/* How many of them are before a cluster. */
static size_t tables_before(const struct cells *c, uint64_t cluster)
{
	size_t lo = 0, hi = c->tables.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->tables.v[mid] / USES < cluster)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Those in [from, to), by use; returns how many. */
static uint64_t count_tables(const struct cells *c, uint64_t from, uint64_t to,
			     struct sum *out)
{
	size_t i = tables_before(c, from), first = i;

	for (; i < c->tables.n && c->tables.v[i] / USES < to; i++)
		out->n[c->tables.v[i] % USES]++;
	return i - first;
}

/* ---- what the rest is ---- */

/* Of 64 clusters, those in [from, to). */
static uint64_t mask_of(uint64_t word, uint64_t from, uint64_t to)
{
	uint64_t mask = UINT64_MAX;

	if (from > word)
		mask &= UINT64_MAX << (from - word);
	if (to - word < 64)
		mask &= ~(UINT64_MAX << (to - word));
	return mask;
}

static unsigned ones(uint64_t v)
{
	return (unsigned)__builtin_popcountll(v);
}

static void count_leaf(const struct qcow2_leaf *l, uint64_t from, uint64_t to,
		       struct sum *out)
{
	uint64_t base = l->index * QCOW2_LEAF;

	for (uint64_t w = from / 64 * 64; w < to; w += 64) {
		size_t i = (size_t)(w - base) / 64;
		uint64_t mask = mask_of(w, from, to), used = 0, packed, leaked;

		if (l->width) {
			for (size_t k = 0; k < 64; k++) {
				if (qcow2_leaf_count(l, i * 64 + k))
					used |= UINT64_C(1) << k;
			}
		} else {
			used = qcow2_bits_word(&l->once, i);
		}
		packed = used & qcow2_bits_word(&l->mark[QCOW2_MARK_PACKED], i);
		leaked = ~used & qcow2_bits_word(&l->mark[QCOW2_MARK_LEAKED], i);
		out->n[USE_PACKED] += ones(packed & mask);
		out->n[USE_DATA] += ones(used & ~packed & mask);
		out->n[USE_LEAK] += ones(leaked & mask);
	}
}

static struct sum sum_of(const struct cells *c, uint64_t from, uint64_t to)
{
	const struct qcow2_scan *s = c->q->scan;
	struct sum out = { { 0 } };
	uint64_t known = 0, tables = count_tables(c, from, to, &out);

	if (!s || !s->complete) {
		out.n[USE_UNKNOWN] = to - from - tables;
		return out;
	}
	for (uint64_t at = from, end; at < to; at = end) {
		const struct qcow2_leaf *l = qcow2_refs_leaf(&s->refs, at / QCOW2_LEAF);

		end = u64_min(to, (at / QCOW2_LEAF + 1) * QCOW2_LEAF);
		if (l)
			count_leaf(l, at, end, &out);
	}
	/* Tables are in use as well. */
	out.n[USE_DATA] -= u64_min(tables, out.n[USE_DATA]);
	for (unsigned u = 0; u < USES; u++)
		known += out.n[u];
	out.n[USE_FREE] = to - from - u64_min(known, to - from);
	return out;
}

static enum use most_of(const struct sum *s)
{
	enum use best = USE_FREE;

	for (unsigned u = 0; u < USES; u++) {
		if (s->n[u] > s->n[best])
			best = u;
	}
	return best;
}

static void add_sum(struct sum *to, const struct sum *s)
{
	for (unsigned u = 0; u < USES; u++)
		to->n[u] += s->n[u];
}

/* "guest data 1 GiB, tables 128 KiB, free 64 KiB": the largest first. */
static const char *words_of(const struct cells *c, const struct sum *s)
{
	static const char *const names[USES] = {
		"free",      "guest data",      "compressed data",
		"L2 tables", "refcount blocks", "L1 tables of snapshots",
		"bitmaps",   "leaked",          "not known",
	};
	struct sum left = *s;
	struct buf b = { 0 };
	const char *text;

	for (enum use u = most_of(&left); left.n[u]; u = most_of(&left)) {
		if (b.n)
			buf_add(&b, STR(", "));
		buf_printf(&b, "%s ", names[u]);
		buf_extent(&b, left.n[u] * c->q->cluster_size);
		left.n[u] = 0;
	}
	text = arena_str(c->a, (struct str){ b.p ? b.p : "", b.n });
	buf_free(&b);
	return text;
}

static void end_stretch(struct cells *c)
{
	static const struct {
		enum map_kind kind;
		const char *key, *name;
	} looks[] = {
		[USE_FREE] = { MAP_FREE, "-", "free" },
		[USE_DATA] = { MAP_PART, "D", "data" },
		[USE_PACKED] = { MAP_PART, "C", "compressed" },
		[USE_L2] = { MAP_TABLE, "2", "L2" },
		[USE_BLOCK] = { MAP_TABLE, "r", "refcounts" },
		[USE_SNAPSHOT] = { MAP_TABLE, "s", "snapshots" },
		[USE_BITMAP] = { MAP_TABLE, "b", "bitmaps" },
		[USE_LEAK] = { MAP_LOST, "L", "leaked" },
		[USE_UNKNOWN] = { MAP_UNKNOWN, "?", "not known" },
	};
	uint64_t cs = c->q->cluster_size;
	struct map_range *r;

	if (!c->end)
		return;
	r = map_add(c->m, c->a, c->first * cs, 0);
	r->end = u64_min(c->end * cs, c->q->file_size);
	r->kind = looks[c->use].kind;
	r->key = looks[c->use].key;
	r->name = looks[c->use].name;
	r->what = words_of(c, &c->sum);
	c->end = 0;
}

/* Cells of the same use become one range. */
static void put_cell(struct cells *c, uint64_t from, uint64_t to)
{
	struct sum s = sum_of(c, from, to);
	enum use u = most_of(&s);

	if (c->end != from || c->use != u || !c->end) {
		end_stretch(c);
		c->first = from;
		c->use = u;
		c->sum = (struct sum){ { 0 } };
	}
	c->end = to;
	add_sum(&c->sum, &s);
	add_sum(&c->all, &s);
}

static void put_gap(void *ctx, uint64_t off, uint64_t end)
{
	struct cells *c = ctx;
	uint64_t cs = c->q->cluster_size, to = div_up(end, cs);

	for (uint64_t at = off / cs, next; at < to; at = next) {
		next = u64_min(to, (at / c->clusters + 1) * c->clusters);
		put_cell(c, at, next);
	}
	end_stretch(c);
}

/* ---- what the header names ---- */

static struct map_range *put(struct cells *c, struct span at, enum map_kind kind,
			     const char *key, const char *what)
{
	uint64_t cs = c->q->cluster_size, off = at.off / cs * cs, end;
	struct map_range *r;

	if (at.len == 0 || off >= c->q->file_size)
		return NULL;
	end = u64_add(at.off, at.len, &end) ? end : UINT64_MAX - cs;
	end = u64_min(div_up(end, cs) * cs, c->q->file_size);
	r = map_add(c->m, c->a, off, end - off);
	r->kind = kind;
	r->key = key;
	r->name = what;
	r->what = what;
	r->record = at;
	return r;
}

static void put_table(struct cells *c, const struct qcow2_table *t, const char *key,
		      const char *what)
{
	bool whole = is_read(t);
	struct map_range *r =
		put(c, t->at, whole ? MAP_TABLE : MAP_BROKEN, whole ? key : "!", what);

	if (r)
		r->what = arena_printf(c->a, "%s: %s%s", what, entries(c, t->n),
				       whole ? "" : ", not as it should be");
}

static void put_singles(struct cells *c)
{
	const struct qcow2 *q = c->q;
	struct map_range *r;

	r = put(c, (struct span){ q->src, 0, q->cluster_size }, MAP_BOOT, "H", "header");
	if (r)
		r->what = arena_printf(c->a, "header, version %u, extensions: %zu",
				       q->v3 ? 3U : 2U, q->next);
	put_table(c, &q->l1, "1", "L1 table");
	put_table(c, &q->rt, "R", "refcount table");
	if (q->snapshots.n)
		put(c, q->snapshots.at, MAP_TABLE, "S",
		    arena_printf(c->a, "snapshot table: %zu", q->snapshots.n));
	for (size_t i = 0; i < q->snapshots.n && i < SINGLES_MAX; i++)
		put_table(c, &q->snapshots.v[i].l1, "s",
			  arena_printf(c->a, "L1 table of snapshot '%s'",
				       str_shown(c->a, q->snapshots.v[i].name)));
	if (q->bitmaps.n)
		put(c, q->bitmaps.at, MAP_TABLE, "B",
		    arena_printf(c->a, "bitmap directory: %zu", q->bitmaps.n));
	if (q->crypto.ext && q->crypto.inside)
		put(c, (struct span){ q->src, q->crypto.offset.v, q->crypto.length.v },
		    q->crypto.magic ? MAP_TABLE : MAP_BROKEN, "K", "LUKS header");
}

/* What is behind the last cluster that anything has to do with. */
static uint64_t put_tail(struct cells *c)
{
	const struct qcow2_scan *s = c->q->scan;
	const struct signs *x = c->q->unit->signs;
	uint64_t end;
	struct map_range *r;

	if (!s || !s->complete || !u64_mul(s->end, c->q->cluster_size, &end) ||
	    end >= c->q->file_size)
		return c->q->file_size;
	c->tail = c->q->file_size - end;
	r = map_add(c->m, c->a, end, c->q->file_size - end);
	r->kind = x && x->tail.len ? MAP_STALE : MAP_FREE;
	r->key = x && x->tail.len ? "X" : "-";
	r->name = "behind the end";
	r->what = x && x->tail.len ? "behind the last cluster, and not blank"
				   : "behind the last cluster";
	return end;
}

/* ---- all of it ---- */

/* How much of the disk's data follows each other in the file, too. */
static void note_stretches(struct cells *c, const struct qcow2_scan *s)
{
	uint64_t bytes = s->nnormal * c->q->cluster_size;
	struct buf b = { 0 };

	buf_add(&b, STR("fragmentation: "));
	buf_extent(&b, bytes);
	buf_printf(&b, " of data, pieces in the file: %llu, of ", LLU(s->nstretches));
	buf_extent(&b, bytes / u64_max(s->nstretches, 1));
	buf_add(&b, STR(" on average (an L2 table ends one: "));
	buf_extent(&b, c->q->l2_bytes);
	buf_add(&b, STR(" at most)"));
	note(c, arena_str(c->a, (struct str){ b.p, b.n }));
	buf_free(&b);
}

static void note_orphans(struct cells *c, const struct qcow2_scan *s)
{
	struct buf b = { 0 };

	for (unsigned k = 0; k < QCOW2_ORPHAN_KINDS; k++) {
		if (s->orphans[k])
			buf_printf(&b, "%s %s %llu", b.n ? "," : "", qcow2_orphan_word(k),
				   LLU(s->orphans[k]));
	}
	if (b.n)
		note(c, arena_printf(c->a, "leaked clusters, by what they look like:%.*s",
				     (int)b.n, b.p));
	buf_free(&b);
}

static void put_notes(struct cells *c)
{
	const struct qcow2_scan *s = c->q->scan;
	struct buf b = { 0 };

	buf_printf(&b, "%llu clusters, apart from those that the header names: %s",
		   LLU(c->q->host_clusters), words_of(c, &c->all));
	if (c->tail) {
		buf_printf(&b, "%sbehind the last one ",
			   *words_of(c, &c->all) ? ", " : "");
		buf_extent(&b, c->tail);
	}
	note(c, arena_str(c->a, (struct str){ b.p, b.n }));
	buf_free(&b);
	if (!s)
		return;
	if (s->limit)
		note(c, arena_printf(c->a, "not all of it was looked at: %s", s->limit));
	if (s->nnormal)
		note_stretches(c, s);
	note_orphans(c, s);
	if (c->some)
		note(c, "not all tables are told from data");
}

void map_host(struct map *m, const struct qcow2 *q, struct arena *a)
{
	struct cells c = { .m = m, .q = q, .a = a };
	struct map_range *r;
	uint64_t end;

	m->size = q->file_size;
	m->title = "the file: QCOW2";
	if (!q->geometry) {
		r = map_add(m, a, 0, q->file_size);
		r->kind = MAP_UNKNOWN;
		r->key = "?";
		r->name = "not known";
		r->what = "the header is too damaged to go on from";
		m->title = "the file: QCOW2, with a damaged header";
		return;
	}
	m->unit = (uint32_t)q->cluster_size;
	m->unit_name = "cluster";
	m->title = arena_printf(a, "the file: QCOW2, clusters of %llu bytes",
				LLU(q->cluster_size));
	c.clusters = div_up(q->host_clusters, CELLS);
	if (c.clusters > 64)
		c.clusters = div_up(c.clusters, 64) * 64;
	find_tables(&c);
	put_singles(&c);
	end = put_tail(&c);
	map_gaps(m, a, 0, end, true, put_gap, &c);
	put_notes(&c);
	map_sort(m);
}
