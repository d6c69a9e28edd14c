/* A refcount table and its blocks, made anew from what was counted.
 *
 * They go behind the end of the file, so that nothing that is there is written over, and
 * count themselves. The header's fields for them change last, in one write.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum {
	NEW_MAX = 64 << 20, /* bytes of table and blocks */
	PIECE = 1 << 20,    /* of them, in one edit */
};

struct rebuild {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_refs old;  /* references of the present table and blocks */
	uint64_t at;            /* cluster: where the new ones begin */
	uint64_t table, blocks; /* clusters */
	uint64_t end;           /* clusters of the new file */
};

static bool forget(struct rebuild *r, uint64_t off, uint64_t clusters)
{
	const struct qcow2 *q = r->q;
	uint64_t len, end;

	if (!u64_mul(clusters, q->cluster_size, &len) || !u64_add(off, len, &end))
		return true;
	/* As analyze/image/qcow2_count.c counts them. */
	if (off % q->cluster_size != 0 ||
	    (end > q->file_size && end - q->file_size >= q->cluster_size))
		return true;
	return qcow2_refs_add(&r->old, off >> q->cluster_bits.v, clusters, 1, 0);
}

/* The references that will be gone. */
static bool forget_old(struct rebuild *r)
{
	const struct qcow2 *q = r->q;

	qcow2_refs_init(&r->old, r->plan->arena, 8 << 20);
	if (q->rt.at.len && q->rt.state != QCOW2_TABLE_TOO_LARGE &&
	    !forget(r, q->rt.at.off, div_up(q->rt.at.len, q->cluster_size)))
		return false;
	for (size_t i = 0; i < q->rt.raw.n / 8; i++) {
		uint64_t off = qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK;

		if (off && !forget(r, off, 1))
			return false;
	}
	return true;
}

static uint64_t count_of(const struct rebuild *r, uint64_t cluster)
{
	uint64_t n = qcow2_refs_count(&r->q->scan->refs, cluster);
	uint64_t old = qcow2_refs_count(&r->old, cluster);

	if (cluster >= r->at)
		return cluster < r->end;
	return n > old ? n - old : 0;
}

static bool block_is_used(const struct rebuild *r, uint64_t block)
{
	const struct qcow2_refs *refs = &r->q->scan->refs;
	uint64_t first = block * r->q->refblock_entries, n;
	uint64_t end = first + r->q->refblock_entries;
	uint32_t count;

	if (end > r->at)
		return true;
	for (uint64_t c = first; c < end; c += n) {
		n = qcow2_refs_run(refs, c, &count);
		if (count)
			return true;
		BUG_ON(n == 0);
	}
	return false;
}

/* How many there will be depends on where they end. */
static bool lay_out(struct rebuild *r)
{
	const struct qcow2 *q = r->q;
	uint64_t used = 0, known, last = 0, bytes;

	r->at = u64_max(q->host_clusters, q->scan->refs.end);
	known = r->at / q->refblock_entries; /* blocks that do not depend on it */
	if (known * 8 > QCOW2_RT_MAX)
		return plan_refuse(r->plan, "the file is too large for its refcounts");
	for (uint64_t i = 0; i < known; i++)
		used += block_is_used(r, i);
	r->end = r->at;
	do {
		uint64_t n = div_up(r->end, q->refblock_entries);

		last = r->end;
		r->blocks = used + n - known;
		r->table = div_up(n * 8, q->cluster_size);
		r->end = r->at + r->table + r->blocks;
	} while (r->end != last);
	if (!u64_mul(r->table + r->blocks, q->cluster_size, &bytes) || bytes > NEW_MAX ||
	    r->table * q->cluster_size > QCOW2_RT_MAX ||
	    r->end > (uint64_t)INT64_MAX >> q->cluster_bits.v)
		return plan_refuse(r->plan,
				   "new refcounts would take more than %d MiB of memory",
				   NEW_MAX >> 20);
	return true;
}

static bool fill(const struct rebuild *r, uint64_t block, uint8_t *p)
{
	const struct qcow2 *q = r->q;
	uint64_t first = block * q->refblock_entries, most = qcow2_most_refcount(q);

	for (uint64_t i = 0; i < q->refblock_entries; i++) {
		uint64_t v = count_of(r, first + i);

		if (v > most)
			return plan_refuse(
				r->plan,
				"cluster %llu has %llu references, and a refcount of %u "
				"bits cannot say so",
				(unsigned long long)(first + i), (unsigned long long)v,
				q->refcount_bits);
		qcow2_put_refcount(p, i, q->refcount_bits, v);
	}
	return true;
}

static bool write_all(struct rebuild *r)
{
	const struct qcow2 *q = r->q;
	size_t cs = (size_t)q->cluster_size, n = (size_t)(r->table + r->blocks);
	uint8_t *raw = arena_try(r->plan->arena, n, cs), head[12];
	uint64_t block = 0, off = r->at * q->cluster_size;

	if (!raw)
		return plan_refuse(r->plan, "there is no memory for new refcounts");
	for (uint64_t i = 0; i < div_up(r->end, q->refblock_entries); i++) {
		uint64_t to = r->table + block;

		if (!block_is_used(r, i))
			continue;
		qcow2_put64(raw + i * 8, off + to * cs);
		if (!fill(r, i, raw + to * cs))
			return false;
		block++;
	}
	BUG_ON(block != r->blocks);
	plan_grow(r->plan, r->end * cs);
	for (size_t i = 0, k; i < n * cs; i += k) {
		k = (size_t)u64_min(n * cs - i, PIECE);
		if (!plan_bytes(r->plan, STAGE_TABLES, off + i,
				(struct view){ raw + i, k }))
			return false;
	}
	qcow2_put64(head + 4, r->table);
	qcow2_put64(head, off);
	head[8] = (uint8_t)(r->table >> 24);
	head[9] = (uint8_t)(r->table >> 16);
	head[10] = (uint8_t)(r->table >> 8);
	head[11] = (uint8_t)r->table;
	return plan_bytes(r->plan, STAGE_COMMIT, QCOW2_OFF_RT_OFFSET,
			  (struct view){ head, sizeof(head) });
}

bool qcow2_plan_new_refcounts(struct plan *p, const struct qcow2 *q)
{
	struct rebuild r = { .plan = p, .q = q };

	if (!q->scan || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (p->moves.n || p->size != q->file_size)
		return false; /* another fix needs the end of the file: next round */
	if (!forget_old(&r))
		return plan_refuse(p, "there is no memory for the old refcounts");
	return lay_out(&r) && write_all(&r);
}
