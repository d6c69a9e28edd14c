/* Persistent bitmaps of a QCOW2 image: the extension and its directory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_layout.h"
#include "analyze/image/qcow2_read.h"
#include "base/banned.h"

/* Bytes of one bitmap's table that QEMU accepts: 2^27 entries. */
#define BITMAP_TABLE_MAX (UINT64_C(1) << 30)

static uint64_t bitmap_length(struct view v)
{
	return (uint64_t)QCOW2_BITMAP_SIZE + view_be32(v, QCOW2_BITMAP_EXTRA_SIZE) +
	       view_be16(v, QCOW2_BITMAP_NAME_LENGTH);
}

static void read_bitmap(struct qcow2_bitmap *b, const struct qcow2 *q, struct view v,
			uint64_t base)
{
	size_t at;

#define NUMBER(member, name, off, len) b->member = qcow2_field(q, v, base, off, len);
#define OTHER(name, off, len)
	QCOW2_BITMAP_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	at = QCOW2_BITMAP_SIZE + (size_t)b->extra_size.v;
	b->name_at = qcow2_span(q, base + at, b->name_length.v);
	b->name = str_view(view_cut(v, at, (size_t)b->name_length.v));
	b->table =
		qcow2_table_at(q, b->table_offset.v, b->table_size.v, BITMAP_TABLE_MAX);
}

static void read_ext(struct qcow2_bitmaps *b, const struct qcow2 *q)
{
	uint64_t base;

	for (size_t i = 0; i < q->next; i++) {
		if (q->ext[i].type.v == QCOW2_EXT_BITMAPS)
			b->ext = &q->ext[i];
	}
	if (!b->ext)
		return;
	base = b->ext->data_at.off;
#define NUMBER(member, name, off, len)                                                   \
	b->member = qcow2_field(q, b->ext->data, base, off, len);
#define OTHER(name, off, len)
	QCOW2_BITMAPS_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	b->at = qcow2_span(
		q, b->directory_offset.v,
		u64_min(b->directory_size.v, UINT64_MAX - b->directory_offset.v));
}

static void read_all(struct qcow2_bitmap *v, const struct qcow2 *q,
		     const struct qcow2_list *l)
{
	size_t off = 0, len;

	for (size_t i = 0; i < l->count; i++) {
		off = (size_t)div_up(off, 8) * 8;
		len = (size_t)bitmap_length(view_cut(l->raw, off, l->fixed));
		read_bitmap(&v[i], q, view_cut(l->raw, off, len), l->off + off);
		v[i].at = qcow2_span(
			q, l->off + off,
			u64_min(div_up(len, 8) * 8, q->file_size - l->off - off));
		off += len;
	}
}

int qcow2_bitmaps_read(struct qcow2 *q, struct arena *a, struct err *e)
{
	struct qcow2_bitmaps *b = &q->bitmaps;
	struct qcow2_list l = { .fixed = QCOW2_BITMAP_SIZE, .length = bitmap_length };
	struct qcow2_bitmap *v;

	read_ext(b, q);
	b->state =
		qcow2_list_state(q, b->directory_offset.v, b->count.v, QCOW2_BITMAPS_MAX);
	if (b->state != QCOW2_LIST_WHOLE)
		return 0;
	l.off = b->directory_offset.v;
	l.most = b->directory_size.v;
	l.n = b->count.v;
	if (qcow2_list_read(&l, q, a, e) != 0)
		return -1;
	b->state = l.state;
	v = arena_try_array(a, l.count, struct qcow2_bitmap);
	if (!v || b->state == QCOW2_LIST_NO_ROOM)
		qcow2_limit(q, "the bitmap directory");
	if (!v) {
		b->state = QCOW2_LIST_NO_ROOM;
		return 0;
	}
	read_all(v, q, &l);
	b->v = v;
	b->n = l.count;
	return 0;
}
