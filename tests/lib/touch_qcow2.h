/* Looks at every fact of a QCOW2 image and at every place it names, and holds them against
 * what analyze/image/qcow2.h promises of any input. For property tests and fuzzing; a broken
 * promise is a BUG().
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TOUCH_QCOW2_H
#define TESTS_LIB_TOUCH_QCOW2_H

#include "analyze/image/image.h"
#include "analyze/image/qcow2.h"
#include "analyze/unit.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

/* A place that was read has a name. */
static inline void touch_place(const struct qcow2 *q, struct span at, struct arena *a)
{
	struct place p = { 0 };

	BUG_ON(!range_within(at.off, at.len, q->file_size));
	BUG_ON(!qcow2_place(q, at, a, &p));
	BUG_ON(!p.locus || !p.locus[0] || !p.summary || !p.summary[0]);
	BUG_ON(at.off < p.record.off || span_end(at) > span_end(p.record));
	BUG_ON(utf8_valid_upto(str_bytes(str_of(p.summary))) != strlen(p.summary));
}

/* Whatever it is: a name is a name, and the record holds the place. */
static inline void touch_any_place(const struct qcow2 *q, struct span at, struct arena *a)
{
	struct place p = { 0 };

	if (!qcow2_place(q, at, a, &p))
		return;
	BUG_ON(!p.locus || !p.locus[0] || !p.summary);
	BUG_ON(at.off < p.record.off || span_end(at) > span_end(p.record));
}

static inline void touch_number(const struct qcow2 *q, struct field f, struct arena *a)
{
	if (f.at.len)
		touch_place(q, f.at, a);
}

static inline uint64_t touch_str(struct str s)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum += (uint8_t)s.p[i];
	return sum;
}

static inline void touch_table(const struct qcow2 *q, const struct qcow2_table *t,
			       bool loaded, struct arena *a)
{
	bool inside = t->at.off % q->cluster_size == 0 && t->at.off < q->file_size;
	uint64_t sum = 0;

	for (size_t i = 0; i < t->raw.n / 8; i++)
		sum += qcow2_entry(t->raw, i);
	BUG_ON(sum == 1 && !loaded);
	BUG_ON(t->raw.n % 8 || t->raw.n > t->at.len || t->raw.n / 8 > t->n);
	switch (t->state) {
	case QCOW2_TABLE_NONE:
		BUG_ON(t->n || t->raw.n);
		break;
	case QCOW2_TABLE_WHOLE:
		BUG_ON(!inside || !range_within(t->at.off, t->at.len, q->file_size));
		BUG_ON(loaded && t->raw.n != t->n * 8);
		break;
	case QCOW2_TABLE_CUT:
		BUG_ON(!inside || range_within(t->at.off, t->at.len, q->file_size));
		BUG_ON(loaded && t->raw.n + 8 <= q->file_size - t->at.off);
		break;
	case QCOW2_TABLE_TOO_LARGE:
		BUG_ON(!inside);
		break;
	case QCOW2_TABLE_ZERO:
	case QCOW2_TABLE_UNALIGNED:
	case QCOW2_TABLE_OUTSIDE:
	case QCOW2_TABLE_NO_ROOM:
		BUG_ON(t->raw.n);
		break;
	}
	if (t->raw.n)
		touch_any_place(q, (struct span){ q->src, t->at.off, 8 }, a);
}

static inline void touch_exts(const struct qcow2 *q, struct arena *a)
{
	BUG_ON(q->ext_area.len && span_end(q->ext_area) > q->head.n);
	for (size_t i = 0; i < q->next; i++) {
		const struct qcow2_ext *ext = &q->ext[i];

		BUG_ON(ext->at.off < q->ext_area.off ||
		       span_end(ext->at) > span_end(q->ext_area));
		BUG_ON(span_end(ext->data_at) > span_end(ext->at));
		BUG_ON(ext->data.n != ext->len.v || ext->type.v == QCOW2_EXT_END);
		BUG_ON(i && ext->at.off < span_end(ext[-1].at));
		touch_str(str_view(ext->data));
	}
	/* Where the header's length lies, extensions may lie on the header. */
	for (size_t i = 0; i < q->next; i++)
		touch_place(q, q->ext[i].at, a);
	for (size_t i = 0; i < q->nfeature_names; i++) {
		touch_str(q->feature_name[i].name);
		touch_place(q, q->feature_name[i].at, a);
	}
	if (q->slack.len) {
		BUG_ON(!range_within(q->slack.off, q->slack.len, q->head.n));
		BUG_ON(view_u8(q->head, (size_t)q->slack.off) == 0);
	}
	touch_str(q->backing.text);
	touch_str(q->backing_format);
	touch_str(q->data_file.text);
	BUG_ON(q->backing.at.len && span_end(q->backing.at) > q->head.n);
	BUG_ON((q->backing.state == QCOW2_NAME_READ) != (q->backing.text.n != 0));
}

static inline void touch_snapshots(const struct qcow2 *q, struct arena *a)
{
	const struct qcow2_snapshots *list = &q->snapshots;

	BUG_ON(list->n > QCOW2_SNAPSHOTS_MAX || list->n > q->nb_snapshots.v);
	BUG_ON((list->state == QCOW2_LIST_WHOLE) !=
	       (list->n && list->n == q->nb_snapshots.v));
	for (size_t i = 0; i < list->n; i++) {
		const struct qcow2_snapshot *s = &list->v[i];

		BUG_ON(!range_within(s->at.off, s->at.len, q->file_size));
		BUG_ON(s->at.off < list->at.off || span_end(s->at) > span_end(list->at));
		BUG_ON(s->l1_offset.at.len != 8 || s->extra_size.at.len != 4);
		BUG_ON((s->icount.at.len != 0) != (s->extra_size.v >= 24));
		touch_str(s->id);
		touch_str(s->name);
		if (i < 64)
			touch_any_place(q, s->name_at, a);
		if (i < 64)
			touch_any_place(q, s->l1_offset.at, a);
		touch_table(q, &s->l1, false, a);
		qcow2_vm_state(s);
	}
}

static inline void touch_bitmaps(const struct qcow2 *q, struct arena *a)
{
	const struct qcow2_bitmaps *list = &q->bitmaps;

	BUG_ON(!list->ext && (list->n || list->state != QCOW2_LIST_NONE));
	BUG_ON(list->n > list->count.v);
	for (size_t i = 0; i < list->n; i++) {
		const struct qcow2_bitmap *b = &list->v[i];

		BUG_ON(!range_within(b->at.off, b->at.len, q->file_size));
		touch_str(b->name);
		if (i < 64)
			touch_any_place(q, b->flags.at, a);
		touch_table(q, &b->table, false, a);
	}
}

static inline void touch_qcow2(const struct qcow2 *q, struct arena *a)
{
	const struct field header[] = {
		q->version,        q->backing_offset, q->backing_length,
		q->cluster_bits,   q->size,           q->crypt_method,
		q->l1_size,        q->l1_offset,      q->rt_offset,
		q->rt_clusters,    q->nb_snapshots,   q->snapshots_offset,
		q->incompatible,   q->compatible,     q->autoclear,
		q->refcount_order, q->header_length,  q->compression,
	};
	/* What is not a record of a list is looked for in all of the tables. */
	uint64_t step = q->l1.raw.n + q->rt.raw.n < 64 << 10 ? 36 : 1020;

	for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++)
		touch_number(q, header[i], a);
	if (!q->geometry) {
		BUG_ON(q->next || q->l1.n || q->rt.n || q->snapshots.n || q->bitmaps.n);
		return;
	}
	BUG_ON(q->cluster_size >> q->cluster_bits.v != 1);
	BUG_ON(q->l2_entries * q->l2_entry_size != q->cluster_size);
	BUG_ON(q->head.n != u64_min(q->cluster_size, q->file_size));
	touch_exts(q, a);
	touch_table(q, &q->l1, true, a);
	touch_table(q, &q->rt, true, a);
	touch_snapshots(q, a);
	touch_bitmaps(q, a);
	for (uint64_t off = 0; off < q->file_size && off < 8192; off += step)
		touch_any_place(q, (struct span){ q->src, off, 4 }, a);
	for (unsigned bit = 0; bit < 64; bit++)
		qcow2_feature(q, bit % 3, bit, a);
}

#endif
