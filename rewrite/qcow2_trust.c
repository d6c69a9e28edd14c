/* Whether what is taken for a table is one. A pointer that went wrong makes a table of
 * whatever it points at, and that must not be "mended".
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_edit.h"
#include "base/banned.h"

enum { WRONG_MIN = 4 };

/* Not all of a kind are known, or one is about the bytes [off, off + len) by its place or by
 * its clusters. */
static bool is_hit(const struct qcow2 *q, enum qcow2_flaw_kind k, uint64_t off,
		   uint64_t len, bool by_cluster)
{
	const struct qcow2_flaws *v = &q->scan->flaws[k];
	unsigned bits = (unsigned)q->cluster_bits.v;
	uint64_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		const struct qcow2_flaw *f = &v->v[i];

		n += f->n;
		if (by_cluster
			    ? f->cluster <= off >> bits && off >> bits < f->cluster + f->n
			    : f->at.off < off + len &&
				      off < f->at.off + f->n * q->l2_entry_size)
			return true;
	}
	return n != v->total;
}

/* Of a table that the file ends in nobody counted what it takes up. */
static bool is_cut(const struct qcow2_table *t, uint64_t off)
{
	return t->n && t->state != QCOW2_TABLE_WHOLE && off >= t->at.off &&
	       off < span_end(t->at);
}

static bool is_in_cut_table(const struct qcow2 *q, uint64_t off)
{
	if (is_cut(&q->l1, off) || is_cut(&q->rt, off))
		return true;
	for (size_t i = 0; i < q->snapshots.n; i++) {
		if (is_cut(&q->snapshots.v[i].l1, off))
			return true;
	}
	return false;
}

bool qcow2_is_one_thing(const struct qcow2 *q, uint64_t off)
{
	static const enum qcow2_flaw_kind owners[] = {
		QCOW2_FLAW_DATA_DATA,
		QCOW2_FLAW_DATA_METADATA,
		QCOW2_FLAW_METADATA_METADATA,
	};

	if (!q->scan || !q->scan->complete || is_in_cut_table(q, off))
		return false;
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		if (is_hit(q, owners[i], off, 1, true))
			return false;
	}
	return true;
}

bool qcow2_is_alone(const struct qcow2 *q, uint64_t off)
{
	return qcow2_is_one_thing(q, off) &&
	       !is_hit(q, QCOW2_FLAW_L2_SHARED, off, 1, true);
}

bool qcow2_is_table(const struct qcow2 *q, uint64_t off)
{
	static const enum qcow2_flaw_kind wild[] = {
		QCOW2_FLAW_L2_UNALIGNED,
		QCOW2_FLAW_L2_PAST_EOF,
		QCOW2_FLAW_COMPRESSED_PAST_EOF,
		QCOW2_FLAW_COMPRESSED_DATA_FILE,
	};

	off -= off % q->cluster_size;
	if (!qcow2_is_one_thing(q, off))
		return false;
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		if (is_hit(q, wild[i], off, q->cluster_size, false))
			return false;
	}
	return true;
}

bool qcow2_is_no_table(const struct qcow2 *q, struct view raw)
{
	size_t used = 0, wrong = 0;

	for (size_t i = 0; i + 8 <= raw.n; i += (size_t)q->l2_entry_size) {
		uint64_t e = view_be64(raw, i);

		used += e != 0;
		wrong += !qcow2_may_be_l2_entry(q, e);
	}
	return wrong >= WRONG_MIN && wrong > used / 2;
}
