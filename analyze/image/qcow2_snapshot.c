/* Lists of records in a QCOW2 image, and the one of its snapshots.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_layout.h"
#include "analyze/image/qcow2_read.h"
#include "analyze/source.h"
#include "base/banned.h"

/* ---- lists ---- */

enum qcow2_list_state qcow2_list_state(const struct qcow2 *q, uint64_t off, uint64_t n,
				       uint64_t max)
{
	if (n == 0)
		return QCOW2_LIST_NONE;
	if (off == 0)
		return QCOW2_LIST_ZERO;
	if (off % q->cluster_size != 0)
		return QCOW2_LIST_UNALIGNED;
	if (off >= q->file_size)
		return QCOW2_LIST_OUTSIDE;
	if (n > max)
		return QCOW2_LIST_TOO_MANY;
	return QCOW2_LIST_WHOLE;
}

/* Counts records that are whole in l->raw. */
static void count_records(struct qcow2_list *l)
{
	uint64_t off = 0, len;

	for (l->count = 0, l->used = 0; l->count < l->n; l->count++) {
		off = div_up(off, 8) * 8;
		if (!range_within(off, l->fixed, l->raw.n))
			return;
		len = l->length(view_cut(l->raw, (size_t)off, l->fixed));
		if (!range_within(off, len, l->raw.n))
			return;
		off += len;
		l->used = (size_t)off;
	}
}

/* Nothing says how long the list is: one read is enough for real ones. */
int qcow2_list_read(struct qcow2_list *l, const struct qcow2 *q, struct arena *a,
		    struct err *e)
{
	uint64_t rest = u64_min(l->most, q->file_size - l->off), n = 64 << 10;

	for (;; n *= 8) {
		n = u64_min(n, u64_min(rest, QCOW2_LIST_MAX));
		if (source_view(q->src, a, l->off, n, &l->raw, e) != 0) {
			if (e->code != ERR_LIMIT)
				return -1;
			l->state = QCOW2_LIST_NO_ROOM;
			return 0;
		}
		count_records(l);
		if (l->count == l->n)
			l->state = QCOW2_LIST_WHOLE;
		else if (n == rest)
			l->state = QCOW2_LIST_CUT;
		else if (n == QCOW2_LIST_MAX)
			l->state = QCOW2_LIST_NO_ROOM;
		else
			continue;
		return 0;
	}
}

/* ---- snapshots ---- */

static uint64_t snapshot_length(struct view v)
{
	return (uint64_t)QCOW2_SNAP_SIZE + view_be32(v, QCOW2_SNAP_EXTRA_SIZE) +
	       view_be16(v, QCOW2_SNAP_ID_LENGTH) + view_be16(v, QCOW2_SNAP_NAME_LENGTH);
}

static void read_snapshot(struct qcow2_snapshot *s, const struct qcow2 *q, struct view v,
			  uint64_t base)
{
	struct view extra;
	size_t at;

#define NUMBER(member, name, off, len) s->member = qcow2_field(q, v, base, off, len);
#define OTHER(name, off, len)
	QCOW2_SNAPSHOT_FIELDS(NUMBER, OTHER)
	extra = view_cut(v, 0, QCOW2_SNAP_SIZE + (size_t)s->extra_size.v);
#undef NUMBER
#define NUMBER(member, name, off, len) s->member = qcow2_field(q, extra, base, off, len);
	QCOW2_SNAPSHOT_EXTRA(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	at = extra.n;
	s->id_at = qcow2_span(q, base + at, s->id_length.v);
	s->id = str_view(view_cut(v, at, (size_t)s->id_length.v));
	at += s->id.n;
	s->name_at = qcow2_span(q, base + at, s->name_length.v);
	s->name = str_view(view_cut(v, at, (size_t)s->name_length.v));
	s->l1 = qcow2_table_at(q, s->l1_offset.v, s->l1_size.v, QCOW2_L1_MAX);
}

uint64_t qcow2_vm_state(const struct qcow2_snapshot *s)
{
	return s->vm_state_large.at.len ? s->vm_state_large.v : s->vm_state_size.v;
}

static void read_all(struct qcow2_snapshot *v, const struct qcow2 *q,
		     const struct qcow2_list *l)
{
	size_t off = 0, len;

	for (size_t i = 0; i < l->count; i++) {
		off = (size_t)div_up(off, 8) * 8;
		len = (size_t)snapshot_length(view_cut(l->raw, off, l->fixed));
		read_snapshot(&v[i], q, view_cut(l->raw, off, len), l->off + off);
		v[i].at = qcow2_span(
			q, l->off + off,
			u64_min(div_up(len, 8) * 8, q->file_size - l->off - off));
		off += len;
	}
}

int qcow2_snapshots_read(struct qcow2_snapshots *out, const struct qcow2 *q, uint64_t off,
			 uint64_t n, struct arena *a, struct err *e)
{
	struct qcow2_list l = { .off = off,
				.most = QCOW2_SNAPSHOT_TABLE_MAX,
				.n = n,
				.fixed = QCOW2_SNAP_SIZE,
				.length = snapshot_length };
	struct qcow2_snapshot *v;

	*out = (struct qcow2_snapshots){ .at = qcow2_span(q, off, 0) };
	out->state = qcow2_list_state(q, off, n, QCOW2_SNAPSHOTS_MAX);
	if (out->state != QCOW2_LIST_WHOLE)
		return 0;
	if (qcow2_list_read(&l, q, a, e) != 0)
		return -1;
	out->state = l.state;
	v = arena_try_array(a, l.count, struct qcow2_snapshot);
	if (!v) {
		out->state = QCOW2_LIST_NO_ROOM;
		return 0;
	}
	read_all(v, q, &l);
	out->v = v;
	out->n = l.count;
	if (l.count)
		out->at.len = span_end(v[l.count - 1].at) - off;
	return 0;
}
