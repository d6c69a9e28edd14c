/* Refcount blocks, and the table of them, to which the way is lost and which are still
 * there: found by what they say, which has to be what was counted.
 *
 * Better than new ones: they know as well what a lost table refers to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_loose.h"
#include "rewrite/qcow2_put.h"
#include "analyze/image/qcow2_walk.h"
#include "base/banned.h"

/* ---- blocks ---- */

/* An entry of the refcount table that leads nowhere, or to something else. */
struct lost_block {
	uint64_t index;
	uint64_t cluster; /* that is the block */
	unsigned found;   /* of such clusters */
	bool zeros;       /* it leads to zeros: the block, if there is no other */
};

struct back {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_refs users;
	struct qcow2_loose loose;
	VEC(struct lost_block) lost;
};

/* What block `index` is for, as far as the file has it, is referred to. */
static bool is_needed(const struct qcow2 *q, uint64_t index)
{
	uint64_t first = index * q->refblock_entries, n;
	uint32_t count;

	for (uint64_t i = 0; i < q->refblock_entries; i += n) {
		n = qcow2_refs_run(&q->scan->refs, first + i, &count);
		if (count)
			return true;
	}
	return false;
}

static bool leads_nowhere(const struct qcow2 *q, uint64_t entry)
{
	uint64_t off = entry & QCOW2_RT_MASK;

	return off % q->cluster_size != 0 || off >= q->file_size;
}

/* What it leads to is a block, and not an empty one. */
static bool leads_to_block(struct back *b, uint64_t i, uint64_t entry, bool *zeros,
			   struct err *e)
{
	const struct qcow2 *q = b->q;
	uint64_t off = entry & QCOW2_RT_MASK;
	struct qcow2_match m;

	if (qcow2_read_padded(q, off, b->loose.buf, (size_t)q->cluster_size, e) != 0)
		return true;
	m = qcow2_match_block(q, &b->users, b->loose.buf, i, off >> q->cluster_bits.v);
	*zeros = m.set == 0 && m.used && qcow2_is_alone(q, off);
	if (*zeros)
		return false;
	return qcow2_is_alone(q, off) ? qcow2_match_named(&m) || qcow2_match_blank(&m)
				      : qcow2_match_found(q, &m);
}

static bool list_lost(struct back *b)
{
	const struct qcow2 *q = b->q;
	uint64_t blocks = div_up(q->host_clusters, q->refblock_entries);
	struct err e = { 0 };

	for (uint64_t i = 0; i < q->rt.raw.n / 8; i++) {
		uint64_t entry = qcow2_entry(q->rt.raw, (size_t)i);
		struct lost_block *x;
		bool zeros = false;

		if (entry ? !leads_nowhere(q, entry) &&
				    leads_to_block(b, i, entry, &zeros, &e)
			  : i >= blocks || !is_needed(q, i))
			continue;
		x = vec_add(&b->lost, b->plan->arena);
		*x = (struct lost_block){ .index = i, .zeros = zeros };
	}
	return e.code == 0 || plan_refuse(b->plan, "%s", e.msg);
}

/* Cheaply: most of its first refcounts can be some. */
static bool begins_like_block(const struct qcow2 *q, const uint8_t *p)
{
	uint64_t n = QCOW2_LOOSE_HEAD * UINT64_C(8) / q->refcount_bits, far = 0;

	enum { PLAUSIBLE = 1024 };

	for (uint64_t i = 0; i < n; i++)
		far += qcow2_get_refcount(p, i, q->refcount_bits) > PLAUSIBLE;
	return far <= n / 4;
}

static bool try_cluster(struct back *b, uint64_t cluster, struct err *e)
{
	if (!begins_like_block(b->q, b->loose.buf))
		return true;
	if (!qcow2_loose_read(&b->loose, cluster, e))
		return false;
	for (size_t i = 0; i < b->lost.n; i++) {
		struct lost_block *x = &b->lost.v[i];
		struct qcow2_match m = qcow2_match_block(b->q, &b->users, b->loose.buf,
							 x->index, cluster);

		if (!qcow2_match_found(b->q, &m))
			continue;
		x->found++;
		x->cluster = cluster;
	}
	return true;
}

static bool search_blocks(struct back *b)
{
	enum qcow2_loose_state s;
	struct err e = { 0 };
	uint64_t cluster;

	while ((s = qcow2_loose_next(&b->loose, &cluster, &e)) != QCOW2_LOOSE_END) {
		if (s == QCOW2_LOOSE_ZEROS)
			continue;
		if (s != QCOW2_LOOSE_HOLDS || !try_cluster(b, cluster, &e))
			return plan_refuse(b->plan, "%s",
					   e.code ? e.msg
						  : "there are too many clusters that "
						    "nothing refers to");
	}
	return true;
}

static bool is_used_twice(const struct back *b, const struct lost_block *x)
{
	for (size_t i = 0; i < b->lost.n; i++) {
		if (&b->lost.v[i] != x && b->lost.v[i].found &&
		    b->lost.v[i].cluster == x->cluster)
			return true;
	}
	return false;
}

bool qcow2_plan_blocks_back(struct plan *p, const struct qcow2 *q)
{
	struct back b = { .plan = p, .q = q };
	uint64_t last = div_up(q->host_clusters, q->refblock_entries);
	size_t n = 0;

	enum { LOST_MAX = 4096 };

	if (!q->scan || !q->scan->complete || q->rt.state != QCOW2_TABLE_WHOLE)
		return plan_refuse(p, "the refcount table cannot be read");
	if (!qcow2_refcount_users(q, &b.users, p->arena) ||
	    !qcow2_loose_begin(&b.loose, q, NULL, p->arena))
		return plan_refuse(p, "there is no memory for it");
	if (!list_lost(&b))
		return false;
	if (b.lost.n == 0 || b.lost.n > LOST_MAX)
		return plan_refuse(p, "%zu refcount blocks are lost", b.lost.n);
	if (!search_blocks(&b))
		return false;
	for (size_t i = 0; i < b.lost.n; i++) {
		const struct lost_block *x = &b.lost.v[i];
		uint64_t off = x->cluster << q->cluster_bits.v;

		if (x->found == 0 && x->zeros)
			continue;
		n++;
		/* For clusters that the file does not have, none is needed. */
		if (x->found == 0 && x->index >= last)
			off = 0;
		else if (x->found != 1 || is_used_twice(&b, x))
			return plan_refuse(p, "refcount block %llu cannot be found",
					   (unsigned long long)x->index);
		if (!qcow2_plan_be64(p, STAGE_HEADERS, q->rt.at.off + x->index * 8, off))
			return false;
	}
	if (n == 0)
		return plan_refuse(p, "no refcount block is elsewhere");
	plan_title(p, "%zu entr%s of the refcount table again at what was found", n,
		   n == 1 ? "y points" : "ies point");
	return true;
}

/* ---- the table ---- */

struct table {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_refs users;
	uint64_t clusters; /* that it has */
	uint64_t needed;   /* entries for what the file has */
	uint8_t *raw, *block;
};

static bool nothing_refers(const struct qcow2 *q, uint64_t off)
{
	return qcow2_refs_count(&q->scan->refs, off >> q->cluster_bits.v) == 0;
}

/* Refcount blocks are counted where the header's other field still leads to the table. */
static bool is_nobodys(const struct table *t, uint64_t off)
{
	uint64_t c = off >> t->q->cluster_bits.v;

	return qcow2_refs_count(&t->q->scan->refs, c) <= qcow2_refs_count(&t->users, c);
}

static bool entry_is_right(struct table *t, uint64_t i, uint64_t entry, struct err *e)
{
	const struct qcow2 *q = t->q;
	struct qcow2_match m;

	if (!entry)
		return i >= t->needed || !is_needed(q, i);
	if (entry & QCOW2_RT_RESERVED || leads_nowhere(q, entry) || !is_nobodys(t, entry))
		return false;
	if (qcow2_read_padded(q, entry, t->block, (size_t)q->cluster_size, e) != 0)
		return false;
	m = qcow2_match_block(q, &t->users, t->block, i, entry >> q->cluster_bits.v);
	return qcow2_match_named(&m) && m.itself;
}

/* All of it lies in clusters that nobody else uses, and all of its entries are right. */
static bool is_table(struct table *t, uint64_t cluster, struct err *e)
{
	const struct qcow2 *q = t->q;
	uint64_t off = cluster << q->cluster_bits.v, n = t->clusters * q->cluster_size;
	uint64_t blocks = 0;

	if (off > q->file_size || n > q->file_size - off)
		return false;
	for (uint64_t i = 0; i < t->clusters; i++) {
		if (!is_nobodys(t, off + i * q->cluster_size))
			return false;
	}
	if (source_read(q->src, off, t->raw, (size_t)n, e) != 0)
		return false;
	for (uint64_t i = 0; i < n / 8; i++) {
		uint64_t entry = qcow2_be64(t->raw + i * 8);

		if (!entry_is_right(t, i, entry, e))
			return false;
		blocks += entry != 0;
	}
	return blocks != 0;
}

/* Its first entry can be one. */
static bool begins_like_table(const struct qcow2 *q, const uint8_t *p)
{
	uint64_t entry = qcow2_be64(p);

	/* The header's refcount is in the first block. */
	return entry && !(entry & QCOW2_RT_RESERVED) && !leads_nowhere(q, entry) &&
	       nothing_refers(q, entry);
}

/* The one place where the table can be; 0: there is none, or several. */
static bool search_table(struct table *t, uint64_t *at)
{
	const struct qcow2 *q = t->q;
	enum qcow2_loose_state s;
	struct qcow2_loose l;
	struct err e = { 0 };
	uint64_t cluster;

	if (!qcow2_loose_begin(&l, q, NULL, t->plan->arena))
		return plan_refuse(t->plan, "there is no memory for a cluster");
	while ((s = qcow2_loose_next(&l, &cluster, &e)) != QCOW2_LOOSE_END) {
		if (s == QCOW2_LOOSE_UNSEEN || s == QCOW2_LOOSE_FAILED)
			break;
		if (s == QCOW2_LOOSE_ZEROS || !begins_like_table(q, l.buf) ||
		    !is_table(t, cluster, &e))
			continue;
		if (*at)
			return plan_refuse(t->plan, "two clusters look like it");
		*at = cluster;
	}
	if (s != QCOW2_LOOSE_END)
		return plan_refuse(t->plan, "%s",
				   e.code ? e.msg
					  : "there are too many clusters that nothing "
					    "refers to");
	return *at != 0 || plan_refuse(t->plan, "nothing in the file looks like it");
}

/* The header is right of where it is or of how long it is. */
static bool measure(struct table *t)
{
	const struct qcow2 *q = t->q;
	uint64_t least;

	t->needed = div_up(q->host_clusters, q->refblock_entries);
	least = div_up(t->needed * 8, q->cluster_size);
	t->clusters = q->rt_clusters.v;
	if (t->clusters < least || t->clusters > QCOW2_RT_MAX / q->cluster_size)
		t->clusters = least;
	if (t->clusters * q->cluster_size > QCOW2_RT_MAX)
		return plan_refuse(t->plan, "the file is too large for its refcounts");
	t->raw = arena_try(t->plan->arena, t->clusters, q->cluster_size);
	t->block = arena_try(t->plan->arena, q->cluster_size, 1);
	if (!t->raw || !t->block)
		return plan_refuse(t->plan, "there is no memory for it");
	return true;
}

/* Where the header says, if its number of clusters is all that is wrong. */
static bool find_table(struct table *t, uint64_t *at)
{
	const struct qcow2 *q = t->q;
	bool aligned = q->rt_offset.v % q->cluster_size == 0;
	struct err e = { 0 };

	*at = aligned ? q->rt_offset.v >> q->cluster_bits.v : 0;
	if (*at && is_table(t, *at, &e))
		return t->clusters != q->rt_clusters.v ||
		       plan_refuse(t->plan, "the header is right of where it is");
	*at = 0;
	return search_table(t, at);
}

bool qcow2_plan_table_back(struct plan *p, const struct qcow2 *q)
{
	struct table t = { .plan = p, .q = q };
	uint8_t head[12];
	uint64_t at;

	if (!q->scan || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (!measure(&t))
		return false;
	if (!qcow2_refcount_users(q, &t.users, p->arena))
		return plan_refuse(p, "there is no memory for the references to it");
	if (!find_table(&t, &at))
		return false;
	qcow2_put64(head + 4, t.clusters);
	qcow2_put64(head, at << q->cluster_bits.v);
	for (unsigned i = 0; i < 4; i++)
		head[8 + i] = (uint8_t)(t.clusters >> 8 * (3 - i));
	plan_title(p, "the refcount table, as it was found at 0x%llx",
		   (unsigned long long)at << q->cluster_bits.v);
	return plan_bytes(p, STAGE_COMMIT, QCOW2_OFF_RT_OFFSET,
			  (struct view){ head, sizeof(head) });
}

/* ---- the best that there is ---- */

bool qcow2_plan_refcounts(struct plan *p, const struct qcow2 *q)
{
	struct plan_mark start = plan_mark(p);
	bool named = q->rt.state == QCOW2_TABLE_WHOLE && qcow2_is_alone(q, q->rt.at.off);

	if (named ? qcow2_plan_blocks_back(p, q) : qcow2_plan_table_back(p, q))
		return true;
	plan_cut(p, start);
	plan_title(p, "new refcounts at the end of the file, from what is referred to");
	return qcow2_plan_new_refcounts(p, q);
}
