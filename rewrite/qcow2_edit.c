/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_edit.h"
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum {
	JOIN = 32, /* bytes between two edits that are written along */
	WORDS_AT_ONCE = 64,
	FAR = 8, /* a refcount is too high by more than a table may have been lost */
	MISTAKES = 16, /* of them, in a block that still is one */
};

bool qcow2_plan_be64(struct plan *p, enum stage stage, uint64_t off, uint64_t v)
{
	uint8_t b[8];

	qcow2_put64(b, v);
	return plan_bytes(p, stage, off, (struct view){ b, 8 });
}

bool qcow2_plan_change(struct plan *p, enum stage stage, uint64_t off, const uint8_t *was,
		       const uint8_t *is, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t end, k;

		while (i < n && was[i] == is[i])
			i++;
		if (i == n)
			break;
		for (end = k = i + 1; k < n && k - end < JOIN; k++) {
			if (was[k] != is[k])
				end = k + 1;
		}
		if (p->edits.n >= QCOW2_EDITS_MAX)
			return plan_refuse(p,
					   "more than %d places would have to be written",
					   QCOW2_EDITS_MAX);
		if (!plan_bytes(p, stage, off + i, (struct view){ is + i, end - i }))
			return false;
		i = end;
	}
	return true;
}

bool qcow2_plan_bits(struct plan *p, const struct qcow2 *q, enum stage stage,
		     const struct qcow2_words *w, uint64_t clear, uint64_t set)
{
	uint8_t was[WORDS_AT_ONCE * 16], is[WORDS_AT_ONCE * 16];
	struct err e = { 0 };

	BUG_ON(w->stride != 8 && w->stride != 16);
	for (uint64_t i = 0, n; i < w->n; i += n) {
		uint64_t off = w->off + i * w->stride;
		size_t bytes;

		n = u64_min(w->n - i, WORDS_AT_ONCE);
		bytes = (size_t)((n - 1) * w->stride + 8);
		if (source_read(q->src, off, was, bytes, &e) != 0)
			return plan_refuse(p, "%s", e.msg);
		memcpy(is, was, bytes);
		for (size_t k = 0; k < bytes; k += w->stride)
			qcow2_put64(is + k, (qcow2_be64(was + k) & ~clear) | set);
		if (!qcow2_plan_change(p, stage, off, was, is, bytes))
			return false;
	}
	return true;
}

/* ---- refcounts ---- */

struct counts {
	struct plan *plan;
	const struct qcow2 *q;
	unsigned which;
	uint64_t most; /* that a refcount can hold */
	uint8_t *was, *is;
};

uint64_t qcow2_get_refcount(const uint8_t *p, uint64_t i, unsigned bits)
{
	uint64_t v = 0;

	if (bits < 8)
		return p[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1);
	for (unsigned k = 0; k < bits / 8; k++)
		v = v << 8 | p[i * (bits / 8) + k];
	return v;
}

void qcow2_put_refcount(uint8_t *p, uint64_t i, unsigned bits, uint64_t v)
{
	unsigned shift = (unsigned)(i * bits % 8), mask = (1u << (bits & 7)) - 1;

	if (bits < 8)
		p[i * bits / 8] = (uint8_t)((p[i * bits / 8] & ~(mask << shift)) |
					    (unsigned)v << shift);
	for (unsigned k = bits / 8; k > 0; k--, v >>= 8)
		p[i * (bits / 8) + k - 1] = (uint8_t)v;
}

uint64_t qcow2_most_refcount(const struct qcow2 *q)
{
	return q->refcount_bits == 64 ? UINT64_MAX
				      : (UINT64_C(1) << q->refcount_bits) - 1;
}

static int orphan_at(const void *elem, const void *key)
{
	const struct qcow2_orphan *x = elem;
	const uint64_t *cluster = key;

	return x->cluster + x->n <= *cluster ? -1 : x->cluster > *cluster;
}

/* A leaked cluster is let go. */
static bool let_go(const struct counts *c, uint64_t cluster)
{
	const struct qcow2_scan *s = c->q->scan;
	size_t i = sorted_find(s->orphan, s->norphans, sizeof(*s->orphan), &cluster,
			       orphan_at);

	if (i == s->norphans || s->orphan[i].cluster > cluster)
		return false;
	switch (s->orphan[i].kind) {
	case QCOW2_ORPHAN_BLANK:
		return c->which & (QCOW2_BLANK | QCOW2_DATA);
	case QCOW2_ORPHAN_DATA:
	case QCOW2_ORPHAN_REFCOUNT_BLOCK:
		return c->which & QCOW2_DATA;
	case QCOW2_ORPHAN_L2:
	case QCOW2_ORPHAN_L1:
	case QCOW2_ORPHAN_SNAPSHOT_TABLE:
	case QCOW2_ORPHAN_STALE_BITMAP:
	case QCOW2_ORPHAN_PLACED:
	case QCOW2_ORPHAN_UNSEEN:
		break;
	}
	return false;
}

static uint64_t wanted(const struct counts *c, uint64_t cluster, uint64_t stored)
{
	const struct qcow2 *q = c->q;
	uint64_t counted = qcow2_refs_count(&q->scan->refs, cluster);

	if (cluster >= q->host_clusters && counted == 0)
		return c->which & QCOW2_PAST_EOF ? 0 : stored;
	if (stored < counted)
		return c->which & QCOW2_RAISE ? counted : stored;
	if (stored > counted && counted > 0)
		return c->which & QCOW2_LOWER ? counted : stored;
	if (stored > counted && c->which & (QCOW2_BLANK | QCOW2_DATA))
		return let_go(c, cluster) ? 0 : stored;
	return stored;
}

/* Refcounts that are far too high are no refcounts, and neither are those of which many are 0
 * while others are for what nobody uses. */
static bool is_block(const struct qcow2 *q, const uint8_t *p, uint64_t first, bool raise)
{
	uint64_t high = 0, used = 0, zero = 0, counts = 0, near = 0;

	for (uint64_t i = 0; i < q->refblock_entries; i++) {
		uint64_t stored = qcow2_get_refcount(p, i, q->refcount_bits);
		uint64_t counted = qcow2_refs_count(&q->scan->refs, first + i);

		used += stored != 0;
		high += q->refcount_bits < 8 ? raise && stored > counted
					     : stored > counted && stored - counted > FAR;
		counts += counted != 0;
		zero += counted && !stored;
		near += counted && stored && stored <= counted + FAR;
	}
	return (high < MISTAKES || high < used / 4) &&
	       (zero <= counts / 8 || near >= used - used / 4);
}

static bool change_block(struct counts *c, uint64_t block, uint64_t off)
{
	const struct qcow2 *q = c->q;
	uint64_t first = block * q->refblock_entries;
	size_t n = (size_t)u64_min(q->cluster_size,
				   off < q->file_size ? q->file_size - off : 0);
	struct err e = { 0 };

	if (qcow2_read_padded(q, off, c->was, (size_t)q->cluster_size, &e) != 0)
		return plan_refuse(c->plan, "%s", e.msg);
	if (!qcow2_is_alone(q, off) ||
	    !is_block(q, c->was, first, c->which & QCOW2_RAISE))
		return plan_refuse(c->plan,
				   "what is read as refcount block %llu at 0x%llx may be "
				   "something else",
				   (unsigned long long)block, (unsigned long long)off);
	memcpy(c->is, c->was, (size_t)q->cluster_size);
	for (uint64_t i = 0; i < q->refblock_entries; i++) {
		uint64_t stored = qcow2_get_refcount(c->was, i, q->refcount_bits);
		uint64_t v = wanted(c, first + i, stored);

		if (v == stored)
			continue;
		if (v > c->most)
			return plan_refuse(
				c->plan,
				"cluster %llu has %llu references, and a refcount of %u "
				"bits cannot say so",
				(unsigned long long)(first + i), (unsigned long long)v,
				q->refcount_bits);
		qcow2_put_refcount(c->is, i, q->refcount_bits, v);
	}
	/* Those that are cut off read as 0, and may have to be something else. */
	if (n < q->cluster_size &&
	    memcmp(c->is + n, c->was + n, (size_t)q->cluster_size - n) != 0)
		return plan_refuse(c->plan, "the file ends within a refcount block");
	return qcow2_plan_change(c->plan, STAGE_HEADERS, off, c->was, c->is, n);
}

/* A block that two entries name would get what is right for the last one. */
static bool blocks_are_apart(const struct qcow2 *q, struct arena *a)
{
	struct qcow2_refs seen;

	qcow2_refs_init(&seen, a, 8 << 20);
	for (size_t i = 0; i < q->rt.raw.n / 8; i++) {
		uint64_t off = qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK;

		if (off && !qcow2_refs_add(&seen, off >> q->cluster_bits.v, 1, 1, 0))
			return false;
	}
	return qcow2_refs_marks(&seen, QCOW2_MARK_MEETS) == 0;
}

bool qcow2_has_blocks(struct plan *p, const struct qcow2 *q, bool *yes)
{
	uint8_t *raw = arena_array(p->arena, q->cluster_size, uint8_t);
	struct err e = { 0 };

	*yes = true;
	for (size_t i = 0; i < q->rt.raw.n / 8 && *yes; i++) {
		uint64_t off = qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK;

		if (!off)
			continue;
		if (off % q->cluster_size != 0 || off >= q->file_size) {
			*yes = false;
			break;
		}
		if (qcow2_read_padded(q, off, raw, (size_t)q->cluster_size, &e) != 0)
			return plan_refuse(p, "%s", e.msg);
		*yes = qcow2_is_alone(q, off) &&
		       is_block(q, raw, i * q->refblock_entries, true);
	}
	return true;
}

bool qcow2_plan_counts(struct plan *p, const struct qcow2 *q, unsigned which)
{
	struct counts c = {
		.plan = p, .q = q, .which = which, .most = qcow2_most_refcount(q)
	};

	if (!q->scan || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (!blocks_are_apart(q, p->arena))
		return plan_refuse(p, "a refcount block is used twice");
	c.was = arena_array(p->arena, q->cluster_size, uint8_t);
	c.is = arena_array(p->arena, q->cluster_size, uint8_t);
	for (size_t i = 0; i < q->rt.raw.n / 8; i++) {
		uint64_t entry = qcow2_entry(q->rt.raw, i), off = entry & QCOW2_RT_MASK;

		if (!off)
			continue;
		if (off % q->cluster_size != 0 || off >= q->file_size)
			return plan_refuse(p, "entry %zu of the refcount table is wrong",
					   i);
		if (!change_block(&c, i, off))
			return false;
	}
	return true;
}

/* ---- the end of the file ---- */

static bool has_refcount(struct plan *p, const struct qcow2 *q, uint64_t cluster)
{
	uint64_t stored = 0;
	bool known = false;
	struct err e = { 0 };

	if (qcow2_stored(q, cluster, &stored, &known, &e) != 0)
		return plan_refuse(p, "%s", e.msg);
	if (!known || stored == 0)
		return plan_refuse(
			p,
			"host cluster %llu has no refcount: the entry is wrong, "
			"not the file's end",
			(unsigned long long)cluster);
	return true;
}

bool qcow2_plan_longer(struct plan *p, const struct qcow2 *q)
{
	const struct qcow2_flaws *v = &q->scan->flaws[QCOW2_FLAW_L2_PAST_EOF];
	uint64_t end = 0, size, n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].stored)
			end = u64_max(end, v->v[i].cluster + v->v[i].n);
		n += v->v[i].n;
	}
	if (n != v->total)
		return plan_refuse(p, "not all entries are known that point there");
	if (!u64_mul(end, q->cluster_size, &size) || size > INT64_MAX ||
	    size <= q->file_size || size - q->file_size > q->size.v)
		return plan_refuse(p,
				   "host cluster %llu is further beyond it than the "
				   "guest's disk is large: the entry is wrong",
				   (unsigned long long)end - 1);
	for (size_t i = 0; i < v->n; i++) {
		for (uint64_t k = 0; v->v[i].stored && k < v->v[i].n; k++) {
			if (!has_refcount(p, q, v->v[i].cluster + k))
				return false;
		}
	}
	plan_grow(p, size);
	return true;
}
