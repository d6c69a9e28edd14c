/* A refcount table and its blocks, made anew from what was counted.
 *
 * They go behind the end of the file, so that nothing that is there is written over, and
 * count themselves. What nothing refers to is free only when nothing would be lost by it.
 * The header's fields for them change last, in one write.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_loose.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum {
	NEW_MAX = 24 << 20,    /* bytes of table and blocks that are not the same again */
	SET_BUDGET = 16 << 20, /* of a set of clusters */
	PIECE = 64 << 10,      /* of them, in one edit */
};

struct rebuild {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_refs old;  /* references of the present table and blocks */
	struct qcow2_refs gone; /* clusters of these that will be free */
	struct qcow2_refs keep; /* that nothing refers to, and that are not free */
	unsigned beyond;        /* blocks for clusters behind the file's end */
	uint8_t *trust;         /* of each present block, by index */
	size_t ntrust;
	uint64_t at;            /* cluster: where the new ones begin */
	uint64_t table, blocks; /* clusters */
	uint64_t end;           /* clusters of the new file */
	uint8_t *was;           /* a present block */
};

enum { BEYOND_MAX = 64 }; /* of them that are read */

enum trust {
	TRUST_NONE,   /* there is none, or it may be something else */
	TRUST_HIGHER, /* nothing that it says is lowered */
	TRUST_ALL,    /* besides, what it calls free is that */
};

static bool no_memory(const struct rebuild *r)
{
	return plan_refuse(r->plan, "there is no memory for new refcounts");
}

/* ---- what the present refcounts say ---- */

static uint64_t block_offset(const struct qcow2 *q, size_t i)
{
	uint64_t off = qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK;

	return off % q->cluster_size == 0 && off < q->file_size ? off : 0;
}

static bool read_block(const struct rebuild *r, size_t i)
{
	struct err e = { 0 };

	return qcow2_read_padded(r->q, block_offset(r->q, i), r->was,
				 (size_t)r->q->cluster_size, &e) == 0 ||
	       plan_refuse(r->plan, "%s", e.msg);
}

/* Nothing but the table and its blocks refers to it. */
static bool is_theirs(const struct rebuild *r, uint64_t cluster)
{
	return qcow2_refs_count(&r->q->scan->refs, cluster) <=
	       qcow2_refs_count(&r->old, cluster);
}

static bool trust_block(struct rebuild *r, size_t i)
{
	const struct qcow2 *q = r->q;
	uint64_t off = block_offset(q, i), c = off >> q->cluster_bits.v;
	struct qcow2_match m;

	if (!off)
		return true;
	/* A table of 8 MiB may name the same clusters a million times, for what the file
	 * does not have. */
	if (i >= div_up(q->host_clusters, q->refblock_entries) &&
	    ++r->beyond > BEYOND_MAX)
		return true;
	if (!read_block(r, i))
		return false;
	m = qcow2_match_block(q, &r->old, r->was, i, c);
	/* What has another owner may be that one's. */
	if (!(qcow2_is_alone(q, off) ? qcow2_match_named(&m) : qcow2_match_found(q, &m)))
		return true;
	r->trust[i] = m.low ? TRUST_HIGHER : TRUST_ALL;
	return !is_theirs(r, c) || qcow2_refs_add(&r->gone, c, 1, 1, 0) || no_memory(r);
}

static bool is_needed(const struct rebuild *r, uint64_t block)
{
	uint64_t first = block * r->q->refblock_entries, n;
	uint32_t count;

	for (uint64_t i = 0; i < r->q->refblock_entries; i += n) {
		n = qcow2_refs_run(&r->q->scan->refs, first + i, &count);
		if (count)
			return true;
	}
	return false;
}

/* Where one block is one, the table is one. It is one as well when it has an entry exactly
 * where one is needed, wherever these lead. */
static bool is_table(const struct rebuild *r, bool has_block)
{
	const struct qcow2 *q = r->q;
	bool any = false;

	if (q->rt.state != QCOW2_TABLE_WHOLE)
		return false;
	for (size_t i = 0; i < r->ntrust && !has_block; i++) {
		bool there = qcow2_entry(q->rt.raw, i) != 0;

		if (there !=
		    (i * q->refblock_entries < q->host_clusters && is_needed(r, i)))
			return false;
		any = any || there;
	}
	return has_block || any;
}

static bool trust_present(struct rebuild *r)
{
	const struct qcow2 *q = r->q;
	bool has_block = false;

	r->ntrust = q->rt.raw.n / 8;
	r->trust = arena_try(r->plan->arena, r->ntrust + 1, 1);
	r->was = arena_try(r->plan->arena, q->cluster_size, 1);
	if (!r->trust || !r->was)
		return no_memory(r);
	memset(r->trust, TRUST_NONE, r->ntrust);
	for (size_t i = 0; i < r->ntrust; i++) {
		if (!trust_block(r, i))
			return false;
		has_block = has_block || r->trust[i] != TRUST_NONE;
	}
	if (!is_table(r, has_block))
		return true;
	for (uint64_t c = 0; c < div_up(q->rt.at.len, q->cluster_size); c++) {
		uint64_t cluster = (q->rt.at.off >> q->cluster_bits.v) + c;

		if (is_theirs(r, cluster) && !qcow2_refs_add(&r->gone, cluster, 1, 1, 0))
			return no_memory(r);
	}
	return true;
}

/* ---- what nothing refers to ---- */

static enum trust trust_in(const struct rebuild *r, uint64_t cluster)
{
	uint64_t block = cluster / r->q->refblock_entries;

	return block < r->ntrust ? (enum trust)r->trust[block] : TRUST_NONE;
}

/* Where blocks are believed, what they say is kept, and nothing has to be found out. */
static bool keep_if_unknown(struct rebuild *r, uint64_t cluster)
{
	if (trust_in(r, cluster) == TRUST_ALL || qcow2_refs_count(&r->gone, cluster) ||
	    qcow2_refs_count(&r->keep, cluster))
		return true;
	return qcow2_refs_add(&r->keep, cluster, 1, 1, 0) || no_memory(r);
}

/* Blank clusters that a lost table may map are not free, either. */
static bool keep_what_it_maps(struct rebuild *r, const uint8_t *p)
{
	const struct qcow2 *q = r->q;

	for (uint64_t i = 0; i < q->cluster_size; i += q->l2_entry_size) {
		uint64_t e = qcow2_be64(p + i);
		uint64_t c = (e & QCOW2_OFFSET_MASK) >> q->cluster_bits.v;

		if (e & QCOW2_COMPRESSED || !c || c >= q->host_clusters ||
		    !is_theirs(r, c))
			continue;
		if (!keep_if_unknown(r, c))
			return false;
	}
	return true;
}

static bool look_at_loose(struct rebuild *r)
{
	const struct qcow2 *q = r->q;
	struct qcow2_loose l;
	enum qcow2_loose_state s;
	struct err e = { 0 };
	uint64_t c;

	qcow2_refs_init(&r->keep, r->plan->arena, SET_BUDGET);
	if (!qcow2_loose_begin(&l, q, &r->old, r->plan->arena))
		return no_memory(r);
	while ((s = qcow2_loose_next(&l, &c, &e)) != QCOW2_LOOSE_END) {
		bool table = s == QCOW2_LOOSE_HOLDS && !q->external_data &&
			     qcow2_looks_like_l2(q, l.buf, QCOW2_LOOSE_HEAD) &&
			     qcow2_loose_read(&l, c, &e) &&
			     qcow2_looks_like_l2(q, l.buf, (size_t)q->cluster_size);

		if (s == QCOW2_LOOSE_FAILED || e.code)
			return plan_refuse(r->plan, "%s", e.msg);
		if ((s != QCOW2_LOOSE_ZEROS && !keep_if_unknown(r, c)) ||
		    (table && !keep_what_it_maps(r, l.buf)))
			return false;
	}
	return true;
}

/* ---- the new ones ---- */

/* stored: as a block that is believed says, else 0. */
static uint64_t count_of(const struct rebuild *r, uint64_t cluster, uint64_t stored)
{
	uint64_t n = qcow2_refs_count(&r->q->scan->refs, cluster);
	uint64_t old = qcow2_refs_count(&r->old, cluster);

	if (cluster >= r->at)
		return cluster < r->end;
	if (cluster >= r->q->host_clusters || qcow2_refs_count(&r->gone, cluster))
		stored = 0;
	n = n > old ? n - old : 0;
	return u64_max(n, u64_max(stored, qcow2_refs_count(&r->keep, cluster)));
}

static bool has_counts(const struct qcow2_refs *refs, uint64_t first, uint64_t end)
{
	uint32_t count;

	for (uint64_t c = first; c < end; c += qcow2_refs_run(refs, c, &count)) {
		if (qcow2_refs_count(refs, c))
			return true;
	}
	return false;
}

static bool block_is_used(const struct rebuild *r, uint64_t block)
{
	uint64_t first = block * r->q->refblock_entries;
	uint64_t end = first + r->q->refblock_entries;

	return end > r->at || trust_in(r, first) != TRUST_NONE ||
	       has_counts(&r->q->scan->refs, first, end) ||
	       has_counts(&r->keep, first, end);
}

/* How many there will be depends on where they end. */
static bool lay_out(struct rebuild *r)
{
	const struct qcow2 *q = r->q;
	uint64_t used = 0, known, last = 0;

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
	if (r->table * q->cluster_size > QCOW2_RT_MAX ||
	    r->end > (uint64_t)INT64_MAX >> q->cluster_bits.v)
		return plan_refuse(r->plan, "the file is too large for its refcounts");
	return true;
}

static bool fill(const struct rebuild *r, uint64_t block, uint8_t *p)
{
	const struct qcow2 *q = r->q;
	uint64_t first = block * q->refblock_entries, most = qcow2_most_refcount(q);
	bool known = trust_in(r, first) != TRUST_NONE;

	if (known && !read_block(r, (size_t)block))
		return false;
	for (uint64_t i = 0; i < q->refblock_entries; i++) {
		uint64_t stored =
			known ? qcow2_get_refcount(r->was, i, q->refcount_bits) : 0;
		uint64_t v = count_of(r, first + i, stored);

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

/* Blocks and pieces of the table go into the plan one after the other, since it keeps bytes
 * that come again only once: an image that is full has hundreds of blocks of ones. */
struct pieces {
	struct rebuild *r;
	uint8_t *p;
	size_t n, size;
	uint64_t off, fresh; /* bytes: where p goes; that the plan had to keep */
};

static bool piece_flush(struct pieces *w)
{
	struct plan *p = w->r->plan;
	struct view v = { w->p, w->n };
	size_t used = p->arena->used;

	if (!plan_bytes(p, STAGE_TABLES, w->off, v))
		return false;
	if (p->arena->used - used >= w->n)
		w->fresh += w->n;
	w->off += w->n;
	w->n = 0;
	memset(w->p, 0, w->size);
	return w->fresh <= NEW_MAX ||
	       plan_refuse(p, "new refcounts would take more than %d MiB of memory",
			   NEW_MAX >> 20);
}

/* Room for so many bytes, which divide a piece. */
static uint8_t *piece_room(struct pieces *w, size_t n)
{
	if (w->n == w->size && !piece_flush(w))
		return NULL;
	w->n += n;
	return w->p + w->n - n;
}

static bool write_table(struct pieces *w)
{
	struct rebuild *r = w->r;
	uint64_t cs = r->q->cluster_size, block = w->off + r->table * cs;

	for (uint64_t i = 0; i < r->table * cs / 8; i++) {
		uint8_t *p = piece_room(w, 8);

		if (!p)
			return false;
		if (i >= div_up(r->end, r->q->refblock_entries) || !block_is_used(r, i))
			continue;
		qcow2_put64(p, block);
		block += cs;
	}
	BUG_ON(block != r->end * cs);
	return true;
}

static bool write_blocks(struct pieces *w)
{
	struct rebuild *r = w->r;

	for (uint64_t i = 0; i < div_up(r->end, r->q->refblock_entries); i++) {
		uint8_t *p;

		if (!block_is_used(r, i))
			continue;
		p = piece_room(w, (size_t)r->q->cluster_size);
		if (!p || !fill(r, i, p))
			return false;
	}
	return piece_flush(w);
}

static bool write_all(struct rebuild *r)
{
	const struct qcow2 *q = r->q;
	struct pieces w = { .r = r, .off = r->at * q->cluster_size };
	uint8_t head[12];

	qcow2_put64(head, w.off);
	for (unsigned i = 0; i < 4; i++)
		head[8 + i] = (uint8_t)(r->table >> 8 * (3 - i));
	w.size = (size_t)u64_max(q->cluster_size, PIECE);
	w.p = arena_try(r->plan->arena, w.size, 1);
	if (!w.p)
		return no_memory(r);
	plan_grow(r->plan, r->end * q->cluster_size);
	return write_table(&w) && write_blocks(&w) &&
	       plan_bytes(r->plan, STAGE_COMMIT, QCOW2_OFF_RT_OFFSET,
			  (struct view){ head, sizeof(head) });
}

bool qcow2_plan_new_refcounts(struct plan *p, const struct qcow2 *q)
{
	struct rebuild r = { .plan = p, .q = q };

	if (!q->scan || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (p->moves.n || p->size != q->file_size)
		return false; /* another fix needs the end of the file: next round */
	qcow2_refs_init(&r.gone, p->arena, SET_BUDGET);
	if (!qcow2_refcount_users(q, &r.old, p->arena))
		return no_memory(&r);
	return trust_present(&r) && look_at_loose(&r) && lay_out(&r) && write_all(&r);
}
