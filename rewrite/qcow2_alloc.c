/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_alloc.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/image/qcow2_walk.h"
#include "base/banned.h"

/* The i-th refcount of a block; those below 8 bits fill a byte from its low end. */
static uint64_t get(const uint8_t *p, uint64_t i, unsigned bits)
{
	uint64_t v = 0;

	if (bits < 8)
		return p[i * bits / 8] >> i * bits % 8 & ((1U << bits) - 1);
	for (unsigned k = 0; k < bits / 8; k++)
		v = v << 8 | p[i * (bits / 8) + k];
	return v;
}

static void set(uint8_t *p, uint64_t i, unsigned bits, uint64_t v)
{
	unsigned shift = (unsigned)(i * bits % 8), mask = (1U << (bits & 7)) - 1;

	if (bits < 8)
		p[i * bits / 8] = (uint8_t)((p[i * bits / 8] & ~(mask << shift)) |
					    (unsigned)v << shift);
	for (unsigned k = bits / 8; k > 0; k--, v >>= 8)
		p[i * (bits / 8) + k - 1] = (uint8_t)v;
}

bool qcow2_alloc_begin(struct qcow2_alloc *x, struct plan *p, const struct qcow2 *q,
		       uint64_t room)
{
	/* Refcounts below 8 bits: no byte has one that rises and one that falls, since they
	 * are written at different times. */
	uint64_t step = q->refcount_bits < 8 ? 8 / q->refcount_bits : 1;

	*x = (struct qcow2_alloc){ .plan = p, .q = q };
	x->next = div_up(div_up(p->size, q->cluster_size), step) * step;
	x->most = x->next + room / q->cluster_size;
	/* Behind it there is nothing, by the refcounts either. */
	if (x->next < q->scan->end)
		return plan_refuse(p, "the file ends before the last cluster in use");
	return true;
}

enum { BLOCKS_MAX = 8 << 20 }; /* bytes of blocks that one plan looks at */

static struct alloc_block *known(const struct qcow2_alloc *x, uint64_t index)
{
	for (size_t i = 0; i < x->blocks.n; i++) {
		if (x->blocks.v[i].index == index)
			return &x->blocks.v[i];
	}
	return NULL;
}

static struct alloc_block *add_block(struct qcow2_alloc *x, uint64_t index, uint64_t off)
{
	struct alloc_block *b = vec_add(&x->blocks, x->plan->arena);
	size_t n = (size_t)x->q->cluster_size;

	*b = (struct alloc_block){ .index = index, .off = off };
	b->was = arena_array(x->plan->arena, n, uint8_t);
	b->taken = arena_array(x->plan->arena, n, uint8_t);
	b->is = arena_array(x->plan->arena, n, uint8_t);
	return b;
}

/* NULL without *failed: there is none. */
static struct alloc_block *block_of(struct qcow2_alloc *x, uint64_t cluster, bool *failed)
{
	const struct qcow2 *q = x->q;
	uint64_t index = cluster / q->refblock_entries;
	struct alloc_block *b = known(x, index);
	size_t n = (size_t)q->cluster_size;
	struct err e = { 0 };
	uint64_t entry;

	*failed = false;
	if (b || index >= q->rt.raw.n / 8)
		return b;
	entry = qcow2_entry(q->rt.raw, (size_t)index) & QCOW2_RT_MASK;
	if (!entry)
		return NULL;
	if (x->blocks.n && x->blocks.n * n > BLOCKS_MAX) {
		*failed = !plan_refuse(x->plan,
				       "refcounts in too many blocks would change");
		return NULL;
	}
	b = add_block(x, index, entry);
	if (qcow2_read_padded(q, entry, b->was, n, &e) != 0) {
		*failed = !plan_refuse(x->plan, "%s", e.msg);
		return NULL;
	}
	memcpy(b->taken, b->was, n);
	memcpy(b->is, b->was, n);
	return b;
}

/* Both refcounts of a cluster that has none yet become 1. */
static bool raise_to_one(struct qcow2_alloc *x, uint64_t cluster)
{
	const struct qcow2 *q = x->q;
	uint64_t i = cluster % q->refblock_entries;
	bool failed;
	struct alloc_block *b = block_of(x, cluster, &failed);

	if (!b)
		return false;
	if (get(b->is, i, q->refcount_bits) != 0)
		return plan_refuse(
			x->plan, "cluster %llu behind the end of the file has a refcount",
			(unsigned long long)cluster);
	set(b->taken, i, q->refcount_bits, 1);
	set(b->is, i, q->refcount_bits, 1);
	return true;
}

static bool next_cluster(struct qcow2_alloc *x, uint64_t *cluster)
{
	if (S_ISBLK(x->q->src->st.st_mode))
		return plan_refuse(x->plan,
				   "it takes new clusters at the end of the file, "
				   "and a device does not grow");
	if (x->next == x->most || x->next >= (uint64_t)INT64_MAX >> x->q->cluster_bits.v)
		return plan_refuse(x->plan,
				   "more new clusters would be needed than are allowed");
	*cluster = x->next++;
	plan_grow(x->plan, x->next * x->q->cluster_size);
	return true;
}

/* A new block counts itself, or leads to another new one that counts it. */
static bool make_block(struct qcow2_alloc *x, uint64_t cluster)
{
	const struct qcow2 *q = x->q;
	uint64_t index = cluster / q->refblock_entries, own;
	bool failed;

	if (block_of(x, cluster, &failed))
		return true;
	if (failed)
		return false;
	if (index >= q->rt.raw.n / 8)
		return plan_refuse(x->plan, "the refcount table would have to be larger, "
					    "which this version does not do");
	if (!next_cluster(x, &own))
		return false;
	add_block(x, index, own * q->cluster_size)->fresh = true;
	return make_block(x, own) && raise_to_one(x, own);
}

/* Without what earlier rounds of the same repair have planned. */
static uint64_t size_on_disk(const struct source *s)
{
	return s->fd < 0 ? s->mem.n : (uint64_t)s->st.st_size;
}

bool qcow2_alloc_take(struct qcow2_alloc *x, uint64_t *off)
{
	uint64_t cluster;
	bool failed;

	if (!next_cluster(x, &cluster) || !make_block(x, cluster) ||
	    !raise_to_one(x, cluster))
		return false;
	if (block_of(x, cluster, &failed)->off >= size_on_disk(x->q->src))
		x->grown = true;
	*off = cluster * x->q->cluster_size;
	return true;
}

bool qcow2_alloc_get(struct qcow2_alloc *x, uint64_t cluster, uint64_t *count)
{
	bool failed;
	const struct alloc_block *b = block_of(x, cluster, &failed);

	*count =
		b ? get(b->is, cluster % x->q->refblock_entries, x->q->refcount_bits) : 0;
	return !failed;
}

bool qcow2_alloc_set(struct qcow2_alloc *x, uint64_t cluster, uint64_t count)
{
	uint64_t i = cluster % x->q->refblock_entries;
	unsigned bits = x->q->refcount_bits;
	bool failed;
	struct alloc_block *b = block_of(x, cluster, &failed);

	if (bits < 64 && count >> bits)
		return plan_refuse(x->plan, "a refcount of %u bits cannot say %llu", bits,
				   (unsigned long long)count);
	if (!b)
		return false;
	set(b->taken, i, bits, count);
	set(b->is, i, bits, count);
	return true;
}

bool qcow2_alloc_lower(struct qcow2_alloc *x, uint64_t cluster, uint64_t count)
{
	uint64_t was;
	bool failed;

	if (!qcow2_alloc_get(x, cluster, &was))
		return false;
	if (was <= count)
		return plan_refuse(x->plan, "cluster %llu has refcount %llu",
				   (unsigned long long)cluster, (unsigned long long)was);
	set(block_of(x, cluster, &failed)->is, cluster % x->q->refblock_entries,
	    x->q->refcount_bits, count);
	return true;
}

bool qcow2_alloc_drop(struct qcow2_alloc *x, uint64_t cluster)
{
	uint64_t i = cluster % x->q->refblock_entries, count;
	bool failed;

	if (!qcow2_alloc_get(x, cluster, &count))
		return false;
	if (count == 0)
		return plan_refuse(x->plan,
				   "cluster %llu is in use, and its refcount is 0",
				   (unsigned long long)cluster);
	set(block_of(x, cluster, &failed)->is, i, x->q->refcount_bits, count - 1);
	return true;
}

/* No byte between two that change: it may be another stage's. */
static bool write_changes(struct qcow2_alloc *x, enum stage stage, uint64_t off,
			  const uint8_t *was, const uint8_t *is)
{
	size_t n = (size_t)x->q->cluster_size;

	for (size_t i = 0, end; i < n; i = end) {
		end = i + 1;
		if (was[i] == is[i])
			continue;
		while (end < n && was[end] != is[end])
			end++;
		if (!plan_bytes(x->plan, stage, off + i,
				(struct view){ is + i, end - i }))
			return false;
	}
	return true;
}

bool qcow2_alloc_write(struct qcow2_alloc *x)
{
	const struct qcow2 *q = x->q;

	for (size_t i = 0; i < x->blocks.n; i++) {
		const struct alloc_block *b = &x->blocks.v[i];
		uint8_t raw[8];

		/* It may end behind the end of a file that was cut within it. */
		plan_grow(x->plan, b->off + q->cluster_size);
		if (!write_changes(x, STAGE_TABLES, b->off, b->was, b->taken) ||
		    !write_changes(x, STAGE_FREE, b->off, b->taken, b->is))
			return false;
		if (!b->fresh)
			continue;
		alloc_put64(raw, b->off);
		if (!plan_bytes(x->plan, STAGE_HEADERS, q->rt.at.off + b->index * 8,
				(struct view){ raw, sizeof(raw) }))
			return false;
	}
	return true;
}
