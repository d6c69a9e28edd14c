/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_refs.h"

#include "base/banned.h"

/* A piece that is not in use. */
struct piece {
	struct piece *next;
};

enum {
	PIECE = QCOW2_LEAF / 8, /* bytes of class 0: a bit for each cluster */
	PIECES_AT_ONCE = 16,
	LEAVES_AT_ONCE = 64,
	SLOTS_FIRST = 64,
};

void qcow2_refs_init(struct qcow2_refs *r, struct arena *a, size_t budget)
{
	*r = (struct qcow2_refs){ .a = a, .budget = budget };
}

/* ---- memory ---- */

static void *take(struct qcow2_refs *r, size_t bytes)
{
	void *p = NULL;

	if (bytes <= r->budget - r->spent)
		p = arena_try(r->a, bytes, 1);
	if (p)
		r->spent += bytes;
	else
		r->limit = true;
	return p;
}

static void piece_drop(struct qcow2_refs *r, void *p, unsigned class)
{
	struct piece *x = p;

	x->next = r->spare[class];
	r->spare[class] = x;
}

/* Zeroed. NULL: over the budget. */
static void *piece_take(struct qcow2_refs *r, unsigned class)
{
	struct piece *x = r->spare[class];
	uint8_t *p;

	if (x) {
		r->spare[class] = x->next;
		return memset(x, 0, (size_t)PIECE << class);
	}
	if (class > 0)
		return take(r, (size_t)PIECE << class);
	p = take(r, (size_t)PIECES_AT_ONCE * PIECE);
	if (!p)
		return NULL;
	for (size_t i = 1; i < PIECES_AT_ONCE; i++)
		piece_drop(r, p + i * PIECE, 0);
	return p;
}

/* ---- leaves ---- */

static size_t slot_of(uint64_t index, size_t nslots)
{
	return (size_t)(index * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (nslots - 1);
}

static void slot_put(struct qcow2_leaf **slot, size_t nslots, struct qcow2_leaf *l)
{
	size_t i = slot_of(l->index, nslots);

	while (slot[i])
		i = (i + 1) & (nslots - 1);
	slot[i] = l;
}

static bool grow(struct qcow2_refs *r)
{
	size_t n = r->nslots ? r->nslots * 2 : SLOTS_FIRST;
	struct qcow2_leaf **slot = take(r, n * sizeof(struct qcow2_leaf *));

	if (!slot)
		return false;
	for (size_t i = 0; i < r->nslots; i++) {
		if (r->slot[i])
			slot_put(slot, n, r->slot[i]);
	}
	r->slot = slot;
	r->nslots = n;
	return true;
}

static struct qcow2_leaf *leaf_find(const struct qcow2_refs *r, uint64_t index)
{
	if (r->last && r->last->index == index)
		return r->last;
	if (!r->nslots)
		return NULL;
	for (size_t i = slot_of(index, r->nslots); r->slot[i];
	     i = (i + 1) & (r->nslots - 1)) {
		if (r->slot[i]->index == index)
			return r->slot[i];
	}
	return NULL;
}

/* NULL: over the budget. */
static struct qcow2_leaf *leaf_get(struct qcow2_refs *r, uint64_t index)
{
	struct qcow2_leaf *l = leaf_find(r, index);

	if (l)
		return r->last = l;
	if (r->nleaves * 2 >= r->nslots && !grow(r))
		return NULL;
	if (!r->spare_leaves) {
		r->spare_leaf = take(r, LEAVES_AT_ONCE * sizeof(*l));
		if (!r->spare_leaf)
			return NULL;
		r->spare_leaves = LEAVES_AT_ONCE;
	}
	l = r->spare_leaf++;
	r->spare_leaves--;
	l->index = index;
	slot_put(r->slot, r->nslots, l);
	r->nleaves++;
	return r->last = l;
}

/* ---- bits ---- */

/* Those of a word that lie in [at, at + n), for the word that holds bit `at`. */
static uint64_t mask_of(size_t at, size_t n)
{
	uint64_t m = n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;

	return m << at % 64;
}

static bool bits_any(const struct qcow2_bits *b, size_t at, size_t n)
{
	if (!b->w)
		return b->n != 0;
	while (n) {
		size_t k = 64 - at % 64 < n ? 64 - at % 64 : n;

		if (b->w[at / 64] & mask_of(at, k))
			return true;
		at += k;
		n -= k;
	}
	return false;
}

static bool bits_set(struct qcow2_refs *r, struct qcow2_bits *b, size_t at, size_t n)
{
	if (b->n == QCOW2_LEAF)
		return true;
	if (!b->w && n < QCOW2_LEAF) {
		b->w = piece_take(r, 0);
		if (!b->w)
			return false;
	}
	if (n == QCOW2_LEAF)
		b->n = QCOW2_LEAF;
	while (n && b->n < QCOW2_LEAF) {
		size_t k = 64 - at % 64 < n ? 64 - at % 64 : n;
		uint64_t set = mask_of(at, k) & ~b->w[at / 64];

		b->w[at / 64] |= set;
		b->n += (uint32_t)__builtin_popcountll(set);
		at += k;
		n -= k;
	}
	if (b->n == QCOW2_LEAF && b->w) {
		piece_drop(r, b->w, 0);
		b->w = NULL;
	}
	return true;
}

/* ---- counters ---- */

enum { WIDTH_FIRST = 4, WIDTH_LAST = 32 };

static void put_count(void *wide, unsigned width, size_t i, uint32_t v)
{
	uint8_t *p = wide;

	switch (width) {
	case 4:
		p[i / 2] = (uint8_t)((p[i / 2] & 0xf0 >> i % 2 * 4) | v << i % 2 * 4);
		break;
	case 8:
		p[i] = (uint8_t)v;
		break;
	case 16:
		((uint16_t *)wide)[i] = (uint16_t)v;
		break;
	case 32:
		((uint32_t *)wide)[i] = v;
		break;
	}
}

/* Counters of 4 bits are of class 2: PIECE << 2 bytes. */
static unsigned class_of(unsigned width)
{
	return width == 4 ? 2 : width == 8 ? 3 : width == 16 ? 4 : 5;
}

/* Bits to counters of 4 bits. */
static void spread(uint8_t *p, const struct qcow2_bits *b)
{
	for (size_t i = 0; b->n && i < QCOW2_LEAF_WORDS; i++) {
		uint64_t w = qcow2_bits_word(b, i);

		for (size_t k = 0; w; k++, w >>= 2)
			p[i * 32 + k] = (uint8_t)((w & 1) | (w & 2) << 3);
	}
}

static bool widen(struct qcow2_refs *r, struct qcow2_leaf *l, unsigned width)
{
	void *wide = piece_take(r, class_of(width));

	if (!wide)
		return false;
	if (width == WIDTH_FIRST)
		spread(wide, &l->once);
	for (size_t i = 0; l->wide && i < QCOW2_LEAF; i++)
		put_count(wide, width, i, qcow2_leaf_count(l, i));
	if (l->wide)
		piece_drop(r, l->wide, class_of(l->width));
	if (l->once.w)
		piece_drop(r, l->once.w, 0);
	l->once = (struct qcow2_bits){ 0 };
	l->wide = wide;
	l->width = width;
	return true;
}

static uint32_t most_of(unsigned width)
{
	return width == WIDTH_LAST ? UINT32_MAX : (UINT32_C(1) << width) - 1;
}

static bool add_one(struct qcow2_refs *r, struct qcow2_leaf *l, size_t i, uint32_t weight)
{
	uint32_t v;

	if (__builtin_add_overflow(qcow2_leaf_count(l, i), weight, &v))
		v = UINT32_MAX;
	while (l->width == 0 || v > most_of(l->width)) {
		if (!widen(r, l, l->width ? l->width * 2 : WIDTH_FIRST))
			return false;
	}
	put_count(l->wide, l->width, i, v);
	return true;
}

/* ---- what is offered ---- */

/* Clusters [at, at + n) of a leaf that have a count: will they meet? */
static bool note_meetings(struct qcow2_refs *r, struct qcow2_leaf *l, size_t at, size_t n,
			  unsigned how)
{
	for (size_t i = at; i < at + n; i++) {
		bool packed = how & QCOW2_REF_PACKED &&
			      qcow2_bits_get(&l->mark[QCOW2_MARK_PACKED], i);

		if (qcow2_leaf_count(l, i) != 0 && !packed &&
		    !bits_set(r, &l->mark[QCOW2_MARK_MEETS], i, 1))
			return false;
	}
	return true;
}

static bool set_marks(struct qcow2_refs *r, struct qcow2_leaf *l, size_t at, size_t n,
		      unsigned how)
{
	if (how & QCOW2_REF_COPIED && !bits_set(r, &l->mark[QCOW2_MARK_COPIED], at, n))
		return false;
	if (how & QCOW2_REF_SHARED && !bits_set(r, &l->mark[QCOW2_MARK_SHARED], at, n))
		return false;
	return !(how & QCOW2_REF_PACKED) ||
	       bits_set(r, &l->mark[QCOW2_MARK_PACKED], at, n);
}

static bool leaf_add(struct qcow2_refs *r, struct qcow2_leaf *l, size_t at, size_t n,
		     uint32_t weight, unsigned how)
{
	if (weight == 1 && !l->wide && !bits_any(&l->once, at, n))
		return bits_set(r, &l->once, at, n) && set_marks(r, l, at, n, how);
	if (!(how & QCOW2_REF_AGAIN) && !note_meetings(r, l, at, n, how))
		return false;
	for (size_t i = at; i < at + n; i++) {
		if (!add_one(r, l, i, weight))
			return false;
	}
	return set_marks(r, l, at, n, how);
}

/* The bytes that leaf_add() will need. A macro: gcc 12 takes a function that only fetches
 * for one without effect, and leaves calls of it out. */
#define FETCH(p, i) ((p) ? __builtin_prefetch((const uint8_t *)(p) + (i), 1) : (void)0)

bool qcow2_refs_flush(struct qcow2_refs *r)
{
	size_t n = r->nlater;

	r->nlater = 0;
	/* Where counts are scattered, nearly all of the time is waiting for memory. */
	for (size_t i = 0; i < n; i++) {
		const struct qcow2_later *x = &r->later[i];

		FETCH(x->leaf->wide, (size_t)x->at * x->leaf->width / 8);
		FETCH(x->leaf->once.w, x->at / 8);
		for (size_t m = 0; m <= QCOW2_MARK_PACKED; m++)
			FETCH(x->leaf->mark[m].w, x->at / 8);
	}
	for (size_t i = 0; i < n; i++) {
		const struct qcow2_later *x = &r->later[i];

		if (!leaf_add(r, x->leaf, x->at, x->n, x->weight, x->how))
			return false;
	}
	return true;
}

bool qcow2_refs_later(struct qcow2_refs *r, uint64_t cluster, uint64_t n, uint32_t weight,
		      unsigned how)
{
	size_t at = cluster % QCOW2_LEAF;
	struct qcow2_leaf *l;

	if (n == 0 || n > QCOW2_LATER_LEN || n > QCOW2_LEAF - at || weight == 0)
		return qcow2_refs_add(r, cluster, n, weight, how);
	l = leaf_get(r, cluster >> QCOW2_LEAF_BITS);
	if (!l)
		return false;
	if (r->nlater == QCOW2_LATER && !qcow2_refs_flush(r))
		return false;
	r->later[r->nlater++] = (struct qcow2_later){ .leaf = l,
						      .at = (uint32_t)at,
						      .n = (uint32_t)n,
						      .weight = weight,
						      .how = how };
	r->end = u64_max(r->end, cluster + n);
	return true;
}

bool qcow2_refs_add(struct qcow2_refs *r, uint64_t cluster, uint64_t n, uint32_t weight,
		    unsigned how)
{
	if (weight == 0)
		return true;
	if (!qcow2_refs_flush(r))
		return false;
	while (n) {
		struct qcow2_leaf *l = leaf_get(r, cluster >> QCOW2_LEAF_BITS);
		size_t at = cluster % QCOW2_LEAF;
		size_t k = (size_t)u64_min(n, QCOW2_LEAF - at);

		if (!l || !leaf_add(r, l, at, k, weight, how))
			return false;
		cluster += k;
		n -= k;
		if (cluster > r->end)
			r->end = cluster;
	}
	return true;
}

bool qcow2_refs_mark(struct qcow2_refs *r, enum qcow2_mark m, uint64_t cluster,
		     uint64_t n)
{
	while (n) {
		struct qcow2_leaf *l = leaf_get(r, cluster >> QCOW2_LEAF_BITS);
		size_t at = cluster % QCOW2_LEAF;
		size_t k = (size_t)u64_min(n, QCOW2_LEAF - at);

		if (!l || !bits_set(r, &l->mark[m], at, k))
			return false;
		cluster += k;
		n -= k;
	}
	return true;
}

uint32_t qcow2_refs_count(const struct qcow2_refs *r, uint64_t cluster)
{
	const struct qcow2_leaf *l = leaf_find(r, cluster >> QCOW2_LEAF_BITS);

	return l ? qcow2_leaf_count(l, cluster % QCOW2_LEAF) : 0;
}

bool qcow2_refs_marked(const struct qcow2_refs *r, enum qcow2_mark m, uint64_t cluster)
{
	const struct qcow2_leaf *l = leaf_find(r, cluster >> QCOW2_LEAF_BITS);

	return l && qcow2_bits_get(&l->mark[m], cluster % QCOW2_LEAF);
}

uint64_t qcow2_refs_marks(const struct qcow2_refs *r, enum qcow2_mark m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->nslots; i++) {
		if (r->slot[i])
			n += r->slot[i]->mark[m].n;
	}
	return n;
}

/* Whole words of the same bits need not be looked at bit by bit. */
static size_t same_bits(const struct qcow2_bits *b, size_t at)
{
	bool v = qcow2_bits_get(b, at);
	size_t i = at;

	if (!b->w)
		return QCOW2_LEAF - at;
	while (i < QCOW2_LEAF) {
		if (i % 64 == 0 && b->w[i / 64] == (v ? UINT64_MAX : 0))
			i += 64;
		else if (qcow2_bits_get(b, i) == v)
			i++;
		else
			break;
	}
	return i - at;
}

uint64_t qcow2_refs_run(const struct qcow2_refs *r, uint64_t cluster, uint32_t *count)
{
	const struct qcow2_leaf *l = leaf_find(r, cluster >> QCOW2_LEAF_BITS);
	size_t at = cluster % QCOW2_LEAF, i = at + 1;

	*count = l ? qcow2_leaf_count(l, at) : 0;
	if (!l)
		return QCOW2_LEAF - at;
	if (!l->wide)
		return same_bits(&l->once, at);
	while (i < QCOW2_LEAF && qcow2_leaf_count(l, i) == *count)
		i++;
	return i - at;
}

const struct qcow2_leaf *qcow2_refs_leaf(const struct qcow2_refs *r, uint64_t index)
{
	return leaf_find(r, index);
}

static int by_index(const void *a, const void *b)
{
	const struct qcow2_leaf *const *x = a, *const *y = b;

	return ((*x)->index > (*y)->index) - ((*x)->index < (*y)->index);
}

const struct qcow2_leaf **qcow2_refs_sorted(const struct qcow2_refs *r, struct arena *a)
{
	const struct qcow2_leaf **v =
		arena_try_array(a, r->nleaves + 1, const struct qcow2_leaf *);
	size_t n = 0;

	for (size_t i = 0; v && i < r->nslots; i++) {
		if (r->slot[i])
			v[n++] = r->slot[i];
	}
	if (v)
		qsort(v, n, sizeof(const struct qcow2_leaf *), by_index);
	return v;
}
