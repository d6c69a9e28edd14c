/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_loose.h"
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_put.h"
#include "base/banned.h"

enum {
	PIECE = 4096,
	SEEN_MAX = 1 << 20, /* clusters */
	USERS_BUDGET = 8 << 20,
	FAR = 64, /* more references than a cluster has by being lost */
	FAR_NARROW = 8,
	USED_LEAST = 3, /* clusters that prove a block: fewer agree by chance */
	USED_NARROW = 8,
	OWN = 2,  /* the table, and the block: nothing else refers to them */
	PART = 8, /* one of so many may disagree: a crash left it so */
};
#define READ_MAX (UINT64_C(1) << 30) /* bytes, of clusters that begin with zeros */

bool qcow2_loose_begin(struct qcow2_loose *l, const struct qcow2 *q,
		       const struct qcow2_refs *but, struct arena *a)
{
	*l = (struct qcow2_loose){ .q = q, .but = but };
	l->buf = arena_try(a, q->cluster_size, 1);
	return l->buf != NULL;
}

/* The next cluster from l->next on that nothing refers to. */
static bool next_unreferenced(struct qcow2_loose *l)
{
	const struct qcow2_refs *refs = &l->q->scan->refs;

	while (l->next < l->q->host_clusters) {
		uint32_t count, without = 0;
		uint64_t n = qcow2_refs_run(refs, l->next, &count);

		if (l->but)
			n = u64_min(n, qcow2_refs_run(l->but, l->next, &without));
		BUG_ON(n == 0);
		if (count <= without)
			return true;
		l->next += n;
	}
	return false;
}

/* The rest of a cluster that begins with zeros. */
static enum qcow2_loose_state look_at_rest(struct qcow2_loose *l, uint64_t off,
					   struct err *e)
{
	uint8_t piece[PIECE];

	for (uint64_t i = QCOW2_LOOSE_HEAD, n; i < l->q->cluster_size; i += n) {
		n = u64_min(l->q->cluster_size - i, PIECE);
		if (l->read + n > READ_MAX)
			return QCOW2_LOOSE_UNSEEN;
		l->read += n;
		if (qcow2_read_padded(l->q, off + i, piece, (size_t)n, e) != 0)
			return QCOW2_LOOSE_FAILED;
		if (!view_is_zero((struct view){ piece, (size_t)n }))
			return QCOW2_LOOSE_HOLDS;
	}
	return QCOW2_LOOSE_ZEROS;
}

enum qcow2_loose_state qcow2_loose_next(struct qcow2_loose *l, uint64_t *cluster,
					struct err *e)
{
	const struct qcow2 *q = l->q;
	uint64_t off, data;

	for (;; l->next = data >> q->cluster_bits.v) {
		if (!next_unreferenced(l))
			return QCOW2_LOOSE_END;
		off = l->next << q->cluster_bits.v;
		data = source_next_data(q->src, off);
		if (data < off + q->cluster_size)
			break;
	}
	*cluster = l->next++;
	if (l->seen >= SEEN_MAX)
		return QCOW2_LOOSE_UNSEEN;
	l->seen++;
	if (qcow2_read_padded(q, off, l->buf, QCOW2_LOOSE_HEAD, e) != 0)
		return QCOW2_LOOSE_FAILED;
	if (!view_is_zero((struct view){ l->buf, QCOW2_LOOSE_HEAD }))
		return QCOW2_LOOSE_HOLDS;
	return look_at_rest(l, off, e);
}

bool qcow2_loose_read(struct qcow2_loose *l, uint64_t cluster, struct err *e)
{
	const struct qcow2 *q = l->q;

	if (l->read + q->cluster_size > READ_MAX)
		return false;
	l->read += q->cluster_size;
	return qcow2_read_padded(q, cluster << q->cluster_bits.v, l->buf,
				 (size_t)q->cluster_size, e) == 0;
}

/* ---- is it a refcount block? ---- */

struct qcow2_match qcow2_match_block(const struct qcow2 *q,
				     const struct qcow2_refs *users, const uint8_t *p,
				     uint64_t index, uint64_t cluster)
{
	uint64_t first = index * q->refblock_entries;
	uint64_t far = q->refcount_bits <= 4 ? FAR_NARROW : FAR;
	struct qcow2_match m = { .itself = true };

	m.last = first + q->refblock_entries > q->host_clusters;

	for (uint64_t i = 0; i < q->refblock_entries; i++) {
		uint64_t stored = qcow2_get_refcount(p, i, q->refcount_bits);
		uint64_t counted = qcow2_refs_count(&q->scan->refs, first + i) -
				   qcow2_refs_count(users, first + i);

		m.used += counted != 0;
		m.set += stored != 0;
		m.even += stored && stored == counted;
		m.near += stored && counted && stored + far > counted &&
			  stored < counted + far;
		m.low += stored < counted;
		/* Of compressed data, thousands may share a cluster. */
		m.odd += stored > counted && stored - counted > far &&
			 !qcow2_refs_marked(&q->scan->refs, QCOW2_MARK_PACKED, first + i);
		m.past += stored && first + i >= q->host_clusters;
		if (first + i == cluster && stored == 0)
			m.itself = false;
	}
	return m;
}

bool qcow2_match_named(const struct qcow2_match *m)
{
	return m->odd <= m->used / PART && m->low <= m->used / PART;
}

bool qcow2_match_blank(const struct qcow2_match *m)
{
	return m->odd <= m->used / PART && m->near >= m->set - m->set / 4;
}

/* Narrow refcounts are in many bytes: there they have to be so to the last bit, and the
 * file's end has to be among them. */
bool qcow2_match_found(const struct qcow2 *q, const struct qcow2_match *m)
{
	if (m->used < USED_LEAST || m->past || !m->itself || !qcow2_match_named(m))
		return false;
	return q->refcount_bits >= 16 ||
	       (m->last && m->low == 0 && m->used >= USED_NARROW &&
		m->set - m->even <= m->used / PART + OWN);
}

/* ---- who is there for refcounts ---- */

static bool add_user(const struct qcow2 *q, struct qcow2_refs *out, uint64_t off,
		     uint64_t clusters)
{
	uint64_t len, end;

	if (!u64_mul(clusters, q->cluster_size, &len) || !u64_add(off, len, &end))
		return true;
	/* As analyze/image/qcow2_count.c counts them. */
	if (off % q->cluster_size != 0 ||
	    (end > q->file_size && end - q->file_size >= q->cluster_size))
		return true;
	return qcow2_refs_add(out, off >> q->cluster_bits.v, clusters, 1, 0);
}

bool qcow2_refcount_users(const struct qcow2 *q, struct qcow2_refs *out, struct arena *a)
{
	qcow2_refs_init(out, a, USERS_BUDGET);
	if (q->rt.at.len && q->rt.state != QCOW2_TABLE_TOO_LARGE &&
	    !add_user(q, out, q->rt.at.off, div_up(q->rt.at.len, q->cluster_size)))
		return false;
	for (size_t i = 0; i < q->rt.raw.n / 8; i++) {
		uint64_t off = qcow2_entry(q->rt.raw, i) & QCOW2_RT_MASK;

		if (off && !add_user(q, out, off, 1))
			return false;
	}
	return true;
}
