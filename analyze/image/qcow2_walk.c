/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_walk.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/source.h"

#include "base/banned.h"

enum {
	CHUNK = 64 << 10, /* bytes of a table of entries that are read at once */
	L1_ENTRIES_FIRST = 4096,
};
/* Bytes of L1 tables that lie over other L1 tables: no writer makes any. */
#define L1_OVERLAP_MAX (UINT64_C(64) << 20)

/* ---- reading ---- */

int qcow2_read_padded(const struct qcow2 *q, uint64_t off, uint8_t *p, size_t len,
		      struct err *e)
{
	size_t n = off < q->file_size ? (size_t)u64_min(len, q->file_size - off) : 0;

	memset(p + n, 0, len - n);
	return n ? source_read(q->src, off, p, n, e) : 0;
}

int qcow2_each_entry(const struct qcow2 *q, uint64_t off, uint64_t n,
		     bool (*f)(void *arg, uint64_t i, uint64_t entry), void *arg,
		     struct err *e)
{
	uint64_t end = off + u64_min(n * 8, off < q->file_size ? q->file_size - off : 0);
	uint8_t buf[8 << 10];

	for (uint64_t at = off; end - at >= 8;) {
		/* Tables of hostile images may be holes of any size. */
		uint64_t data = at + (source_next_data(q->src, at) - at) / 8 * 8;
		size_t k;

		if (data >= end)
			break;
		at = data;
		k = (size_t)u64_min(sizeof(buf), (end - at) / 8 * 8);
		if (k == 0)
			break;
		if (source_read(q->src, at, buf, k, e) != 0)
			return -1;
		for (size_t i = 0; i < k; i += 8) {
			uint64_t v = qcow2_be64(buf + i);

			if (v && !f(arg, (at + i - off) / 8, v))
				return 0;
		}
		at += k;
	}
	return 0;
}

/* ---- L1 tables ---- */

static int l1_order(const void *a, const void *b)
{
	const struct qcow2_l1 *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	/* The active one last: merging keeps the first, and then it is the active one. */
	return (x->snapshot < y->snapshot) - (x->snapshot > y->snapshot);
}

static void merge_l1(struct qcow2_walk *w)
{
	uint64_t end = 0, over = 0;
	size_t n = 0;

	for (size_t i = 0; i < w->nl1; i++) {
		struct qcow2_l1 *x = &w->l1[i];

		if (n && w->l1[n - 1].off == x->off && w->l1[n - 1].n == x->n) {
			w->l1[n - 1].weight += x->weight;
			continue;
		}
		if (x->off < end)
			over += u64_min(end - x->off, x->n * 8);
		if (over > L1_OVERLAP_MAX) {
			w->limit = "L1 tables that overlap each other";
			break;
		}
		end = u64_max(end, x->off + x->n * 8);
		w->l1[n++] = *x;
	}
	w->nl1 = n;
}

static bool list_l1(struct qcow2_walk *w)
{
	const struct qcow2_snapshots *s = &w->q->snapshots;

	w->l1 = arena_try_array(w->a, s->n + 1, struct qcow2_l1);
	if (!w->l1) {
		w->limit = "snapshots";
		return false;
	}
	if (w->q->l1.raw.n)
		w->l1[w->nl1++] = (struct qcow2_l1){ .off = w->q->l1.at.off,
						     .n = w->q->l1.raw.n / 8,
						     .weight = 1,
						     .snapshot = QCOW2_ACTIVE };
	for (size_t i = 0; i < s->n; i++) {
		const struct qcow2_table *t = &s->v[i].l1;

		if (t->state != QCOW2_TABLE_WHOLE && t->state != QCOW2_TABLE_CUT)
			continue;
		w->l1[w->nl1++] = (struct qcow2_l1){
			.off = t->at.off,
			.n = u64_min(t->n, (w->q->file_size - t->at.off) / 8),
			.weight = 1,
			.snapshot = (uint32_t)i
		};
	}
	qsort(w->l1, w->nl1, sizeof(*w->l1), l1_order);
	merge_l1(w);
	return true;
}

/* By slot, then offset, then whose it is, the active one first. */
static int l2_order(const void *a, const void *b)
{
	const struct qcow2_l2 *x = a, *y = b;
	uint64_t p = qcow2_l2_offset(x), q = qcow2_l2_offset(y);

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	if (p != q)
		return p < q ? -1 : 1;
	if (x->active != y->active)
		return x->active ? -1 : 1;
	return (x->l1 > y->l1) - (x->l1 < y->l1);
}

/* Tables that several L1 tables have in the same slot become one. */
static void merge_l2(struct qcow2_walk *w)
{
	size_t n = 0;

	if (w->nt)
		qsort(w->t, w->nt, sizeof(*w->t), l2_order);
	for (size_t i = 0; i < w->nt; i++) {
		struct qcow2_l2 *x = &w->t[i], *last = n ? &w->t[n - 1] : NULL;

		if (last && last->slot == x->slot &&
		    qcow2_l2_offset(last) == qcow2_l2_offset(x))
			last->weight += x->weight;
		else
			w->t[n++] = *x;
	}
	w->nt = n;
}

/* Which L1 table a callback of qcow2_each_entry() is about. */
struct gather {
	struct qcow2_walk *w;
	uint32_t l1;
};

/* Old arrays stay in the arena: all of them together are as large as the last one. */
static bool more_room(struct qcow2_walk *w)
{
	size_t cap = w->cap ? w->cap * 2 : L1_ENTRIES_FIRST;
	struct qcow2_l2 *t;

	/* Most tables of most snapshots are those of another one. */
	merge_l2(w);
	if (w->nt < w->cap / 2)
		return true;
	t = arena_try_array(w->a, cap, struct qcow2_l2);
	if (!t) {
		w->limit = "more L2 tables than there is memory for";
		return false;
	}
	if (w->nt)
		memcpy(t, w->t, w->nt * sizeof(*t));
	w->t = t;
	w->cap = cap;
	return true;
}

static bool gather_entry(void *arg, uint64_t slot, uint64_t entry)
{
	const struct gather *g = arg;
	struct qcow2_walk *w = g->w;
	const struct qcow2_l1 *l1 = &w->l1[g->l1];

	if (w->l1_entry)
		w->l1_entry(w->arg, l1, slot, entry);
	/* What is at half of a cluster is no table. */
	if (!(entry & QCOW2_OFFSET_MASK) ||
	    (entry & QCOW2_OFFSET_MASK) % w->q->cluster_size != 0)
		return true;
	if (w->nt == w->cap && !more_room(w))
		return false;
	w->t[w->nt++] = (struct qcow2_l2){ .entry = entry,
					   .slot = (uint32_t)slot,
					   .l1 = g->l1,
					   .weight = l1->weight,
					   .active = l1->snapshot == QCOW2_ACTIVE };
	return true;
}

int qcow2_walk_l1(struct qcow2_walk *w)
{
	struct gather g = { .w = w };

	if (!list_l1(w))
		return 0;
	for (size_t i = 0; i < w->nl1 && w->nt <= w->cap; i++) {
		g.l1 = (uint32_t)i;
		if (qcow2_each_entry(w->q, w->l1[i].off, w->l1[i].n, gather_entry, &g,
				     w->e) != 0)
			return -1;
		if (w->limit)
			break;
	}
	merge_l2(w);
	return 0;
}

/* ---- entries of L2 tables ---- */

/* How many of n entries from p on are e, e + step, ... */
static size_t run_of_8(const uint8_t *p, size_t n, uint64_t e, uint64_t step)
{
	size_t i = 1;

	for (; i + 8 <= n; i += 8) {
		uint64_t differ = 0;

		for (size_t k = i; k < i + 8; k++)
			differ |= qcow2_be64(p + k * 8) ^ (e + k * step);
		if (differ)
			break;
	}
	while (i < n && qcow2_be64(p + i * 8) == e + i * step)
		i++;
	return i;
}

static size_t run_of_16(const uint8_t *p, size_t n, uint64_t e, uint64_t step)
{
	size_t i = 1;

	while (i < n && qcow2_be64(p + i * 16) == e + i * step &&
	       memcmp(p + i * 16 + 8, p + 8, 8) == 0)
		i++;
	return i;
}

/* How many of n bytes from p on are zero, in steps of an entry. */
static size_t zeros(const uint8_t *p, size_t n, size_t stride)
{
	static const uint8_t none[512];
	size_t i = 0;

	while (i + sizeof(none) <= n && memcmp(p + i, none, sizeof(none)) == 0)
		i += sizeof(none);
	while (i < n && memcmp(p + i, none, stride) == 0)
		i += stride;
	return i;
}

/* Shows the entries [from, to) of a table whose bytes are raw. */
static void show(struct qcow2_walk *w, const struct qcow2_l2 *t, const uint8_t *raw,
		 size_t from, size_t to, struct qcow2_run *r)
{
	const struct qcow2 *q = w->q;
	size_t stride = (size_t)q->l2_entry_size;

	r->l2 = t;
	for (size_t i = from, n; i < to && !w->enough; i += n) {
		const uint8_t *p = raw + i * stride;
		uint64_t off;

		n = zeros(p, (to - i) * stride, stride) / stride;
		if (n)
			continue;
		r->entry = qcow2_be64(p);
		r->bitmap = stride == 16 ? qcow2_be64(p + 8) : 0;
		off = r->entry & QCOW2_OFFSET_MASK;
		r->step = off ? q->cluster_size : 0;
		n = to - i;
		if (r->entry & QCOW2_COMPRESSED)
			n = 1;
		else /* without a carry into the flags */
			n = (size_t)u64_min(
				n, (QCOW2_OFFSET_MASK - off) >> q->cluster_bits.v | 1);
		if (n > 1)
			n = stride == 16 ? run_of_16(p, n, r->entry, r->step)
					 : run_of_8(p, n, r->entry, r->step);
		r->n = n;
		r->at = qcow2_l2_offset(t) + i * stride;
		r->guest = t->slot * q->l2_bytes + i * q->cluster_size;
		if (!w->run(w->arg, r))
			w->enough = true;
	}
}

/* False: it is all zeros, and was not read. */
static int read_table(struct qcow2_walk *w, const struct qcow2_l2 *t, uint8_t *buf,
		      bool *empty)
{
	uint64_t off = qcow2_l2_offset(t), end = off + w->q->cluster_size;

	*empty = off >= w->q->file_size || (off >= w->hole && end <= w->hole_end);
	if (*empty)
		return 0;
	if (qcow2_read_padded(w->q, off, buf, (size_t)w->q->cluster_size, w->e) != 0)
		return -1;
	if (zeros(buf, (size_t)w->q->cluster_size, 8) == w->q->cluster_size) {
		/* Hostile images have millions of those, in a hole: ask how large it is. */
		*empty = true;
		w->hole = off;
		w->hole_end = source_next_data(w->q->src, off);
	}
	return 0;
}

/* ---- the tables of one slot ---- */

struct group {
	uint8_t *buf[2];
	const uint8_t *prev; /* NULL: none yet */
	const struct qcow2_l2 *prev_t;
	uint32_t *since; /* per entry: the weight before its present value came */
	uint32_t weight; /* of the tables so far */
};

/* Entries [from, to) of the last table are not those of the next one: shows them in
 * stretches that came at the same time. */
static void flush(struct qcow2_walk *w, struct group *g, size_t from, size_t to,
		  bool active)
{
	struct qcow2_run r = { .active = active };

	for (size_t i = from, k; i < to; i = k) {
		for (k = i + 1; k < to && g->since[k] == g->since[i]; k++)
			;
		r.weight = g->weight - g->since[i];
		show(w, g->prev_t, g->prev, i, k, &r);
	}
}

static void compare_with_last(struct qcow2_walk *w, struct group *g, const uint8_t *now)
{
	size_t stride = (size_t)w->q->l2_entry_size, n = (size_t)w->q->l2_entries;
	size_t block = 64 / stride;

	for (size_t i = 0, k; i < n; i = k) {
		/* Whole cache lines that are the same, then single entries. */
		k = i;
		while (k + block <= n && k % block == 0 &&
		       memcmp(now + k * stride, g->prev + k * stride, 64) == 0)
			k += block;
		if (k > i)
			continue;
		while (k < n && memcmp(now + k * stride, g->prev + k * stride, stride))
			k++;
		if (k == i) {
			k++;
			continue;
		}
		flush(w, g, i, k, false);
		for (; i < k; i++)
			g->since[i] = g->weight;
	}
}

static int walk_group(struct qcow2_walk *w, struct group *g, const struct qcow2_l2 *t,
		      size_t n)
{
	size_t entries = (size_t)w->q->l2_entries, which = 0;
	const struct qcow2_l2 *active = NULL;
	bool empty;

	*g = (struct group){ .buf = { g->buf[0], g->buf[1] }, .since = g->since };
	memset(g->since, 0, entries * sizeof(*g->since));
	for (size_t i = 0; i <= n; i++) {
		const struct qcow2_l2 *x = i < n ? &t[i] : active;

		if (!x || (i < n && x->again))
			continue;
		if (i < n && x->active && n > 1) {
			active = x; /* the last one of the group */
			continue;
		}
		if (read_table(w, x, g->buf[which], &empty) != 0)
			return -1;
		if (empty)
			continue;
		if (g->prev)
			compare_with_last(w, g, g->buf[which]);
		g->prev = g->buf[which];
		g->prev_t = x;
		g->weight += x->weight;
		which ^= 1;
	}
	if (g->prev)
		flush(w, g, 0, entries, g->prev_t->active);
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct qcow2_l2 *const *x = a, *const *y = b;
	uint64_t p = qcow2_l2_offset(*x), q = qcow2_l2_offset(*y);

	if (p != q)
		return p < q ? -1 : 1;
	return ((*x)->slot > (*y)->slot) - ((*x)->slot < (*y)->slot);
}

/* Puts the tables in the order of the file; of slots with the same table, the first one
 * has it. */
static void find_again(struct qcow2_l2 **order, size_t n)
{
	qsort(order, n, sizeof(*order), by_offset);
	for (size_t i = 1; i < n; i++)
		order[i]->again =
			qcow2_l2_offset(order[i]) == qcow2_l2_offset(order[i - 1]);
}

static size_t group_length(const struct qcow2_walk *w, const struct qcow2_l2 *t)
{
	size_t i = (size_t)(t - w->t), n = 1;

	while (i + n < w->nt && t[n].slot == t->slot)
		n++;
	return n;
}

/* Tables that several slots have: their weight once more, for each further slot. */
static int walk_again(struct qcow2_walk *w, struct group *g, struct qcow2_l2 **order,
		      size_t n)
{
	for (size_t i = 0, k; i < n && !w->enough; i = k) {
		struct qcow2_run r = { .again = true };
		bool empty;

		for (k = i + 1; k < n && order[k]->again; k++) {
			r.active = r.active || order[k]->active;
			if (__builtin_add_overflow(r.weight, order[k]->weight, &r.weight))
				r.weight = UINT32_MAX;
		}
		if (k == i + 1)
			continue;
		if (read_table(w, order[i], g->buf[0], &empty) != 0)
			return -1;
		if (!empty)
			show(w, order[i], g->buf[0], 0, (size_t)w->q->l2_entries, &r);
	}
	return 0;
}

static int walk_groups(struct qcow2_walk *w, struct group *g, struct qcow2_l2 **order)
{
	for (size_t i = 0; i < w->nt && !w->enough; i++) {
		const struct qcow2_l2 *t = order[i];

		/* A group is read with the first of its tables. */
		if (t > w->t && t[-1].slot == t->slot)
			continue;
		if (walk_group(w, g, t, group_length(w, t)) != 0)
			return -1;
	}
	return walk_again(w, g, order, w->nt);
}

int qcow2_walk_l2(struct qcow2_walk *w)
{
	struct arena scratch;
	struct group g = { 0 };
	struct qcow2_l2 **order;
	int rc = 0;

	w->enough = false;
	w->hole = w->hole_end = 0;
	arena_init(&scratch, w->a->budget - w->a->used);
	order = arena_try_array(&scratch, w->nt + 1, struct qcow2_l2 *);
	for (size_t i = 0; i < 2; i++)
		g.buf[i] = arena_try(&scratch, w->q->cluster_size, 1);
	g.since = arena_try_array(&scratch, w->q->l2_entries, uint32_t);
	if (!order || !g.buf[0] || !g.buf[1] || !g.since) {
		w->limit = "more L2 tables than there is memory for";
		goto out;
	}
	for (size_t i = 0; i < w->nt; i++)
		order[i] = &w->t[i];
	find_again(order, w->nt);
	for (size_t i = 0; w->l2 && i < w->nt && !w->enough; i++)
		w->enough = !w->l2(w->arg, &w->t[i]);
	rc = walk_groups(w, &g, order);
out:
	arena_free(&scratch);
	return rc;
}
