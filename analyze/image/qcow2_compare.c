/* The refcounts that a QCOW2 image stores, against the references that were counted.
 * docs/interop/qcow2.txt of QEMU.
 *
 * 64 clusters at a time: in nearly all of them every refcount is 1, or every one is 0, and
 * a comparison with a constant is all that it takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_tally.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	WORD = 64,            /* clusters */
	WORD_BYTES_MAX = 512, /* of their refcounts, with 64 bits each */
};

/* ---- stored refcounts ---- */

/* The i-th one of a block. Those below 8 bits fill a byte from its low end. */
static uint64_t refcount_at(const uint8_t *p, uint64_t i, unsigned bits)
{
	switch (bits) {
	case 8:
		return p[i];
	case 16:
		return (uint64_t)p[i * 2] << 8 | p[i * 2 + 1];
	case 32:
		return qcow2_be64(p + i / 2 * 8) >> (i % 2 ? 0 : 32) & UINT32_MAX;
	case 64:
		return qcow2_be64(p + i * 8);
	default:
		return (unsigned)p[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1);
	}
}

/* Where the block for a cluster is: 0 for none. False: nobody can know. */
static bool block_at(const struct qcow2 *q, uint64_t block, uint64_t *off)
{
	*off = 0;
	if (block >= q->rt.raw.n / 8)
		return true;
	*off = qcow2_be64(q->rt.raw.p + block * 8) & QCOW2_RT_MASK;
	return *off % q->cluster_size == 0;
}

int qcow2_stored(const struct qcow2 *q, uint64_t cluster, uint64_t *stored, bool *known,
		 struct err *e)
{
	uint64_t i = cluster % q->refblock_entries, off;
	uint8_t b[8];

	*stored = 0;
	*known = block_at(q, cluster / q->refblock_entries, &off);
	if (!*known || !off)
		return 0;
	if (qcow2_read_padded(q, off + i * q->refcount_bits / 64 * 8, b, sizeof(b), e) !=
	    0)
		return -1;
	*stored = refcount_at(b, i % (64 / q->refcount_bits), q->refcount_bits);
	return 0;
}

int qcow2_tally_stored(struct qcow2_tally *t, uint64_t cluster, uint64_t *stored)
{
	const struct qcow2 *q = t->q;
	uint64_t i = cluster % q->refblock_entries, off, at;

	*stored = 0;
	if (!block_at(q, cluster / q->refblock_entries, &off) || !off)
		return 0;
	at = off + i * q->refcount_bits / 8;
	at -= at % sizeof(t->window);
	if (at != t->window_at &&
	    qcow2_read_padded(q, at, t->window, sizeof(t->window), t->e) != 0)
		return -1;
	t->window_at = at;
	/* The window's first refcount is one of the block, or of what lies before it. */
	i = off < at ? i - (at - off) * 8 / q->refcount_bits
		     : i + (off - at) * 8 / q->refcount_bits;
	*stored = refcount_at(t->window, i, q->refcount_bits);
	return 0;
}

/* ---- one piece: at most a leaf, at most a block ---- */

struct piece {
	const struct qcow2_leaf *leaf; /* NULL: nothing was counted */
	uint64_t cluster, n;           /* both multiples of WORD, but for the end */
	const uint8_t *p;              /* NULL: there is no block, all refcounts are 0 */
	uint64_t at;                   /* of the first refcount, in the file */
};

struct compare {
	struct qcow2_tally *t;
	unsigned bits;
	uint8_t ones[WORD_BYTES_MAX], zeros[WORD_BYTES_MAX];
	bool failed; /* over the budget */
};

static const struct qcow2_leaf no_leaf;

static void refcount_flaw(struct compare *c, const struct piece *x, uint64_t i,
			  uint64_t n, uint64_t stored, uint64_t counted)
{
	struct qcow2_flaw f = { .kind = QCOW2_FLAW_REFCOUNT_LOW,
				.n = n,
				.cluster = x->cluster + i,
				.stored = stored,
				.counted = counted };
	struct qcow2_refs *refs = &c->t->scan->refs;

	if (stored == counted)
		return;
	if (counted == 0)
		f.kind = QCOW2_FLAW_LEAK;
	else if (stored == 0)
		f.kind = QCOW2_FLAW_REFCOUNT_ZERO;
	else if (stored > counted)
		f.kind = QCOW2_FLAW_REFCOUNT_HIGH;
	f.at = qcow2_span(c->t->q, x->at + i * c->bits / 8,
			  x->p ? u64_max(c->bits / 8, 1) : 0);
	if (f.kind == QCOW2_FLAW_LEAK)
		c->t->scan->end = u64_max(c->t->scan->end, f.cluster + n);
	if (qcow2_tally_flaw(c->t, &f) && counted != 0 &&
	    !qcow2_refs_mark(refs, QCOW2_MARK_WANTED, f.cluster, 1))
		c->failed = true;
	if (f.kind == QCOW2_FLAW_LEAK &&
	    !qcow2_refs_mark(refs, QCOW2_MARK_LEAKED, f.cluster, n))
		c->failed = true;
}

/* n refcounts one by one; *ones: which are 1. */
static void compare_each(struct compare *c, const struct piece *x, uint64_t from,
			 uint64_t n, uint64_t *ones)
{
	const struct qcow2_leaf *l = x->leaf ? x->leaf : &no_leaf;
	uint64_t run = 0, s0 = 0, c0 = 0;

	*ones = 0;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t s = x->p ? refcount_at(x->p, from + i, c->bits) : 0;
		uint64_t k = qcow2_leaf_count(l, (x->cluster + from + i) % QCOW2_LEAF);

		*ones |= (uint64_t)(s == 1) << i;
		if (run && (s != s0 || k != c0)) {
			refcount_flaw(c, x, from + i - run, run, s0, c0);
			run = 0;
		}
		s0 = s;
		c0 = k;
		run++;
	}
	if (run)
		refcount_flaw(c, x, from + n - run, run, s0, c0);
}

/* Clusters that an active entry calls COPIED, or does not, against the refcount. */
static void compare_copied(struct compare *c, const struct piece *x, uint64_t from,
			   uint64_t ones)
{
	const struct qcow2_leaf *l = x->leaf;
	size_t word = (size_t)((x->cluster + from) % QCOW2_LEAF / WORD);
	uint64_t wrong = qcow2_bits_word(&l->mark[QCOW2_MARK_COPIED], word) & ~ones;
	uint64_t missing = qcow2_bits_word(&l->mark[QCOW2_MARK_SHARED], word) & ones;
	struct qcow2_refs *refs = &c->t->scan->refs;

	for (uint64_t i = 0; i < WORD && (wrong | missing) >> i; i++) {
		if (wrong >> i & 1 &&
		    !qcow2_refs_mark(refs, QCOW2_MARK_NOT_ONE, x->cluster + from + i, 1))
			c->failed = true;
		if (missing >> i & 1 &&
		    !qcow2_refs_mark(refs, QCOW2_MARK_IS_ONE, x->cluster + from + i, 1))
			c->failed = true;
	}
}

static void compare_word(struct compare *c, const struct piece *x, uint64_t from)
{
	size_t bytes = (size_t)c->bits * WORD / 8;
	const uint8_t *p = x->p ? x->p + from / WORD * bytes : c->zeros;
	const struct qcow2_leaf *l = x->leaf ? x->leaf : &no_leaf;
	uint64_t n = u64_min(WORD, x->n - from), ones = 0;
	bool all_0 = !x->p || memcmp(p, c->zeros, bytes) == 0;
	bool all_1 = !all_0 && n == WORD && memcmp(p, c->ones, bytes) == 0;
	uint64_t once = qcow2_bits_word(
		&l->once, (size_t)((x->cluster + from) % QCOW2_LEAF / WORD));

	if (!l->wide && all_1 && once == UINT64_MAX)
		ones = UINT64_MAX;
	else if (!l->wide && all_0 && once == 0)
		ones = 0;
	else
		compare_each(c, x, from, n, &ones);
	if (x->leaf)
		compare_copied(c, x, from, ones);
}

/* All of the piece is the same, on both sides. */
static bool piece_is_plain(const struct compare *c, const struct piece *x)
{
	const struct qcow2_leaf *l = x->leaf ? x->leaf : &no_leaf;
	size_t step = c->bits < 8 ? 1 : c->bits / 8;
	size_t bytes = (size_t)(x->n * c->bits / 8);

	if (l->wide || l->once.w || l->mark[QCOW2_MARK_SHARED].n || x->n % WORD)
		return false;
	if (x->p && memcmp(x->p, l->once.n ? c->ones : c->zeros, step) != 0)
		return false;
	if (x->p && memcmp(x->p, x->p + step, bytes - step) != 0)
		return false;
	return l->once.n ? x->p != NULL : l->mark[QCOW2_MARK_COPIED].n == 0;
}

static void compare_piece(struct compare *c, const struct piece *x)
{
	if (piece_is_plain(c, x))
		return;
	for (uint64_t i = 0; i < x->n && !c->failed; i += WORD)
		compare_word(c, x, i);
}

/* ---- all pieces ---- */

/* Clusters [first, first + n) of one block. p NULL: it has none. */
static void compare_block(struct compare *c, uint64_t first, uint64_t n, const uint8_t *p,
			  uint64_t at)
{
	struct qcow2_refs *refs = &c->t->scan->refs;

	for (uint64_t i = 0, k; i < n && !c->failed; i += k) {
		uint64_t cluster = first + i;
		struct piece x = { .cluster = cluster,
				   .p = p ? p + i * c->bits / 8 : NULL,
				   .at = at + i * c->bits / 8 };

		k = u64_min(n - i, QCOW2_LEAF - cluster % QCOW2_LEAF);
		x.n = k;
		x.leaf = qcow2_refs_leaf(refs, cluster >> QCOW2_LEAF_BITS);
		if (p || x.leaf)
			compare_piece(c, &x);
	}
}

/* A block that is there, for clusters of the file. Behind its end all should be 0. */
static void compare_read(struct compare *c, uint64_t block, uint64_t end,
			 const uint8_t *buf, uint64_t off)
{
	const struct qcow2 *q = c->t->q;
	uint64_t first = block * q->refblock_entries;
	uint64_t n = u64_min(q->refblock_entries, end - first);

	compare_block(c, first, n, buf, off);
	if (end - first < q->refblock_entries &&
	    view_is_zero(
		    (struct view){ buf + n * c->bits / 8 + 1,
				   (size_t)(q->cluster_size - n * c->bits / 8 - 1) }) &&
	    buf[n * c->bits / 8] >> n * c->bits % 8 == 0)
		return;
	for (uint64_t i = n; i < q->refblock_entries; i++) {
		struct qcow2_flaw f = { .kind = QCOW2_FLAW_REFCOUNT_PAST_EOF,
					.at = qcow2_span(q, off + i * c->bits / 8,
							 u64_max(c->bits / 8, 1)),
					.n = 1,
					.cluster = first + i,
					.stored = refcount_at(buf, i, c->bits) };

		if (f.stored)
			qcow2_tally_flaw(c->t, &f);
	}
}

/* Clusters that are referred to, and have no block: all their refcounts are 0. */
static void compare_without(struct compare *c, const struct qcow2_leaf *l, uint64_t end)
{
	const struct qcow2 *q = c->t->q;
	uint64_t first = l->index << QCOW2_LEAF_BITS, off;

	for (uint64_t i = 0, n; i < QCOW2_LEAF && first + i < end; i += n) {
		uint64_t block = (first + i) / q->refblock_entries;

		n = u64_min(q->refblock_entries - (first + i) % q->refblock_entries,
			    QCOW2_LEAF - i);
		n = u64_min(n, end - first - i);
		if (block_at(q, block, &off) && !off)
			compare_block(c, first + i, n, NULL, 0);
	}
}

static int offset_order(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Blocks for clusters that the file does not have. `off` is sorted, so that a hole is
 * asked for once. */
static int look_past_eof(struct compare *c, const uint64_t *off, size_t n, uint8_t *buf)
{
	const struct qcow2 *q = c->t->q;
	uint64_t data = 0;

	for (size_t i = 0; i < n; i++) {
		struct qcow2_flaw f = { .kind = QCOW2_FLAW_REFCOUNT_PAST_EOF,
					.n = 1,
					.at = qcow2_span(q, off[i], q->cluster_size) };

		if (i && off[i] == off[i - 1])
			continue;
		if (off[i] >= data)
			data = source_next_data(q->src, off[i]);
		if (data >= off[i] + q->cluster_size || off[i] >= q->file_size)
			continue;
		if (qcow2_read_padded(q, off[i], buf, (size_t)q->cluster_size, c->t->e) !=
		    0)
			return -1;
		if (!view_is_zero((struct view){ buf, (size_t)q->cluster_size }))
			qcow2_tally_flaw(c->t, &f);
	}
	return 0;
}

static int compare_past_eof(struct compare *c, uint64_t from, uint8_t *buf)
{
	const struct qcow2 *q = c->t->q;
	uint64_t n = q->rt.raw.n / 8, *off;
	size_t k = 0;

	if (from >= n)
		return 0;
	off = arena_try_array(c->t->scratch, n - from, uint64_t);
	if (!off) {
		qcow2_tally_limit(c->t, "refcount blocks for clusters past the end");
		return 0;
	}
	for (uint64_t i = from; i < n; i++) {
		if (block_at(q, i, &off[k]) && off[k])
			k++;
	}
	if (k == 0)
		return 0;
	qsort(off, k, sizeof(*off), offset_order);
	return look_past_eof(c, off, k, buf);
}

static int compare_blocks(struct compare *c, uint64_t end, uint8_t *buf)
{
	const struct qcow2 *q = c->t->q;
	uint64_t blocks = div_up(end, q->refblock_entries), off;

	for (uint64_t i = 0; i < blocks && i < q->rt.raw.n / 8 && !c->failed; i++) {
		if (!block_at(q, i, &off) || !off)
			continue;
		if (qcow2_read_padded(q, off, buf, (size_t)q->cluster_size, c->t->e) != 0)
			return -1;
		compare_read(c, i, end, buf, off);
	}
	return compare_past_eof(c, blocks, buf);
}

/* A pointer beyond the end to what has a refcount was right once. */
static int ask_past_eof(struct qcow2_tally *t)
{
	for (size_t i = 0; i < t->flaws[QCOW2_FLAW_L2_PAST_EOF].n; i++) {
		struct qcow2_flaw *f = &t->flaws[QCOW2_FLAW_L2_PAST_EOF].v[i];
		uint64_t first, last;

		if (qcow2_tally_stored(t, f->cluster, &first) != 0 ||
		    qcow2_tally_stored(t, f->cluster + f->n - 1, &last) != 0)
			return -1;
		f->stored = u64_min(first, last);
	}
	return 0;
}

int qcow2_compare(struct qcow2_tally *t)
{
	const struct qcow2 *q = t->q;
	struct compare c = { .t = t, .bits = q->refcount_bits };
	uint64_t end = u64_max(q->host_clusters, t->scan->refs.end);
	const struct qcow2_leaf **leaf;
	size_t nleaves = t->scan->refs.nleaves;
	uint8_t *buf = arena_try(t->scratch, q->cluster_size, 1);

	leaf = qcow2_refs_sorted(&t->scan->refs, t->scratch);
	if (!buf || !leaf) {
		qcow2_tally_limit(t, "refcounts of so many clusters");
		t->scan->complete = false;
		return 0;
	}
	for (size_t i = 0; i < sizeof(c.ones); i++) {
		if (c.bits < 8)
			c.ones[i] = c.bits == 1 ? 0xff : c.bits == 2 ? 0x55 : 0x11;
		else
			c.ones[i] = i % (c.bits / 8) == c.bits / 8 - 1;
	}
	t->scan->end = t->scan->refs.end;
	if (compare_blocks(&c, end, buf) != 0 || ask_past_eof(t) != 0)
		return -1;
	for (size_t i = 0; i < nleaves && !c.failed; i++)
		compare_without(&c, leaf[i], end);
	if (c.failed) {
		qcow2_tally_limit(t, "refcounts of so many clusters");
		t->scan->complete = false;
	}
	return 0;
}
