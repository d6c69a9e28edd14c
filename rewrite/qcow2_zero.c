/* Entries of a QCOW2 image that lead nowhere, made to say what they can still say.
 * docs/interop/qcow2.txt of QEMU, "Cluster mapping".
 *
 * Where it is known what an L2 entry pointed at, it does so again. Else it said that the
 * disk has data of its own there. That is gone, and becomes zeros: not what a backing file
 * has at that place, which is older, and would look like the guest's. An L1 entry said that
 * some of its clusters have: which ones, nobody knows, and most of a disk over a backing
 * file is the backing file's. It becomes unallocated, as QEMU reads it already.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/qcow2_put.h"
#include "analyze/image/qcow2_walk.h"
#include "rewrite/qcow2_alloc.h"
#include "base/banned.h"

enum {
	ROOM = 16 << 20,
	ENTRIES_MAX = 64 << 10,
	SECTOR_ENTRIES = 64, /* of a sector that is noise; more of them are no table */
};
#define ALL_ALLOCATED UINT64_C(0xffffffff)

struct zeros {
	struct plan *plan;
	const struct qcow2 *q;
	struct qcow2_alloc alloc;
	bool allocates;
	uint64_t table; /* the last that was looked at */
	bool is_table;
	uint8_t *buf;
};

static bool leads_somewhere(const struct qcow2 *q, uint64_t entry, struct err *e)
{
	uint64_t off = entry & QCOW2_OFFSET_MASK, stored;
	bool known;

	if (entry & QCOW2_COMPRESSED)
		off = entry & q->compressed_offset;
	else if (entry & QCOW2_L2_RESERVED || off % q->cluster_size != 0)
		return false;
	if (off >= q->file_size)
		return false;
	return qcow2_stored(q, off >> q->cluster_bits.v, &stored, &known, e) == 0 &&
	       known && stored != 0;
}

/* Bytes that are no table have far more entries that lead nowhere than others. */
static bool look_at_table(struct zeros *z, uint64_t off)
{
	const struct qcow2 *q = z->q;
	uint64_t good = 0, bad = 0, n = q->l2_entries;
	struct err e = { 0 };

	if (qcow2_read_padded(q, off, z->buf, (size_t)q->cluster_size, &e) != 0)
		return plan_refuse(z->plan, "%s", e.msg);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t entry = qcow2_be64(z->buf + i * q->l2_entry_size);

		if (!(entry & (QCOW2_OFFSET_MASK | QCOW2_COMPRESSED)))
			continue;
		if (leads_somewhere(q, entry, &e))
			good++;
		else
			bad++;
	}
	z->is_table = qcow2_is_one_thing(q, off) &&
		      (bad <= good || (bad <= SECTOR_ENTRIES && bad <= n / 4));
	return true;
}

static bool trusts(struct zeros *z, uint64_t at)
{
	uint64_t table = at - at % z->q->cluster_size;

	if (table != z->table && !look_at_table(z, table))
		return false;
	z->table = table;
	return z->is_table ||
	       plan_refuse(z->plan,
			   "what is read as an L2 table at 0x%llx may be something else",
			   (unsigned long long)table);
}

/* A cluster of zeros, for who cannot say it otherwise. Its table may be several L1 tables'. */
static bool take(struct zeros *z, const struct qcow2_flaw *f, uint64_t *entry)
{
	const struct qcow2 *q = z->q;
	uint64_t weight =
		qcow2_refs_count(&q->scan->refs, f->at.off >> q->cluster_bits.v);

	if (!z->allocates && !qcow2_alloc_begin(&z->alloc, z->plan, q, ROOM))
		return false;
	z->allocates = true;
	if (!qcow2_alloc_take(&z->alloc, entry) ||
	    !qcow2_alloc_set(&z->alloc, *entry >> q->cluster_bits.v, weight))
		return false;
	if (weight == 1 && f->nowners && f->owner[0].snapshot == QCOW2_ACTIVE)
		*entry |= QCOW2_COPIED;
	return true;
}

/* One L2 entry; version 2 has no flag for zeros. */
static bool zero_entry(struct zeros *z, const struct qcow2_flaw *f, uint64_t at)
{
	const struct qcow2 *q = z->q;
	uint64_t entry = q->v3 ? QCOW2_ZERO : 0, bitmap;
	uint8_t raw[16], is[16];
	struct err e = { 0 };

	if (qcow2_read_padded(q, at, raw, (size_t)q->l2_entry_size, &e) != 0)
		return plan_refuse(z->plan, "%s", e.msg);
	memcpy(is, raw, sizeof(is));
	if (q->extended_l2) {
		entry = 0;
		bitmap = qcow2_be64(raw + 8);
		/* What was not allocated stays what it is. */
		bitmap = qcow2_be64(raw) & QCOW2_COMPRESSED
				 ? ALL_ALLOCATED << 32
				 : (bitmap | bitmap << 32) & ~ALL_ALLOCATED;
		qcow2_put64(is + 8, bitmap);
	} else if (!q->v3 && q->backing_offset.v && !take(z, f, &entry)) {
		return false;
	}
	qcow2_put64(is, entry);
	return qcow2_plan_change(z->plan, z->allocates ? STAGE_COMMIT : STAGE_HEADERS, at,
				 raw, is, (size_t)q->l2_entry_size);
}

bool qcow2_plan_zeros(struct plan *p, const struct qcow2 *q, const struct qcow2_flaw *v,
		      size_t n)
{
	struct zeros z = { .plan = p, .q = q, .table = UINT64_MAX };
	uint64_t entries = 0;

	if (!q->scan || !q->scan->complete)
		return plan_refuse(p, "not all references could be counted");
	if (q->external_data)
		return plan_refuse(p, "its data is in another file");
	z.buf = arena_array(p->arena, (size_t)q->cluster_size, uint8_t);
	for (size_t i = 0; i < n; i++) {
		/* A file that was cut is another matter. */
		if (v[i].kind == QCOW2_FLAW_L2_PAST_EOF && v[i].stored)
			continue;
		entries += v[i].n;
		if (entries > ENTRIES_MAX)
			return plan_refuse(p, "more than %d entries are wrong",
					   ENTRIES_MAX);
		for (uint64_t k = 0; k < v[i].n; k++) {
			uint64_t at = v[i].at.off + k * q->l2_entry_size;

			if (qcow2_is_lost(q->scan, at))
				continue;
			if (!trusts(&z, at) || !zero_entry(&z, &v[i], at))
				return false;
		}
	}
	return !z.allocates || qcow2_alloc_write(&z.alloc);
}

bool qcow2_plan_pointers(struct plan *p, const struct qcow2 *q,
			 const struct qcow2_lost *x)
{
	uint64_t len = x->n * x->at.len;
	uint8_t *was = arena_try(p->arena, len, 2), *is;
	struct err e = { 0 };

	if (!was)
		return plan_refuse(p, "more entries than there is memory for");
	is = was + len;
	if (qcow2_read_padded(q, x->at.off, was, (size_t)len, &e) != 0)
		return plan_refuse(p, "%s", e.msg);
	memcpy(is, was, (size_t)len);
	/* Bitmaps of subclusters stay. */
	for (uint64_t i = 0; i < x->n; i++)
		qcow2_put64(is + i * x->at.len,
			    (x->cluster + i) << q->cluster_bits.v | x->flags);
	return qcow2_plan_change(p, STAGE_COMMIT, x->at.off, was, is, (size_t)len);
}

bool qcow2_plan_one_state(struct plan *p, const struct qcow2 *q, uint64_t off)
{
	uint8_t was[8], is[8];
	struct err e = { 0 };
	uint64_t bitmap;

	if (qcow2_read_padded(q, off + 8, was, sizeof(was), &e) != 0)
		return plan_refuse(p, "%s", e.msg);
	bitmap = qcow2_be64(was);
	qcow2_put64(is, bitmap & ~((bitmap & ALL_ALLOCATED) << 32));
	return qcow2_plan_change(p, STAGE_HEADERS, off + 8, was, is, sizeof(is));
}

bool qcow2_plan_no_tables(struct plan *p, const struct qcow2 *q,
			  const struct qcow2_flaw *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct qcow2_words w = { .off = v[i].at.off, .n = v[i].n, .stride = 8 };

		if (!qcow2_is_alone(q, v[i].at.off))
			return plan_refuse(p,
					   "something else uses the L1 table's cluster");
		if (!qcow2_plan_bits(p, q, STAGE_HEADERS, &w, UINT64_MAX, 0))
			return false;
	}
	return true;
}
