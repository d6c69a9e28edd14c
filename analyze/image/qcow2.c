/* QCOW2 images: recognition, the header, and the tables that it names.
 * docs/interop/qcow2.txt of QEMU.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2.h"
#include "analyze/format.h"
#include "analyze/image/backing.h"
#include "analyze/image/qcow2_layout.h"
#include "analyze/image/qcow2_read.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/image/signs.h"
#include "analyze/unit.h"
#include "base/banned.h"

/* Any version from 2 on, as QEMU recognises it; version 1 is another format. */
static bool qcow2_probe(struct view head, const struct source *s)
{
	(void)s;
	return view_eq(head, 0, "QFI\xfb", 4) && view_has(head, 4, 4) &&
	       view_be32(head, 4) >= 2;
}

/* ---- numbers ---- */

struct field qcow2_field(const struct qcow2 *q, struct view v, uint64_t base, size_t off,
			 size_t len)
{
	struct field f = { .at = qcow2_span(q, base + off, len) };

	if (!view_has(v, off, len))
		return (struct field){ .at = qcow2_span(q, base + off, 0) };
	switch (len) {
	case 1:
		f.v = view_u8(v, off);
		break;
	case 2:
		f.v = view_be16(v, off);
		break;
	case 4:
		f.v = view_be32(v, off);
		break;
	case 8:
		f.v = view_be64(v, off);
		break;
	default:
		BUG("a number of %zu bytes", len);
	}
	return f;
}

void qcow2_limit(struct qcow2 *q, const char *what)
{
	if (!q->limit)
		q->limit = what;
}

/* ---- header ---- */

/* Bytes of the file that belong to the header by its version and length. */
static struct view header_of(const struct qcow2 *q)
{
	size_t n = QCOW2_HEADER_V2;

	if (q->version.v >= 3) {
		n = QCOW2_HEADER_V3;
		if (view_has(q->head, 0, n))
			n = (size_t)u64_max(n,
					    view_be32(q->head, QCOW2_OFF_HEADER_LENGTH));
	}
	return view_cut(q->head, 0, (size_t)u64_min(n, q->head.n));
}

static void read_header(struct qcow2 *q)
{
	struct view h;

	q->version = qcow2_field(q, q->head, 0, QCOW2_OFF_VERSION, 4);
	h = header_of(q);
#define NUMBER(member, name, off, len) q->member = qcow2_field(q, h, 0, off, len);
#define OTHER(name, off, len)
	QCOW2_HEADER_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	/* What version 2 means by saying nothing. */
	if (q->refcount_order.at.len == 0)
		q->refcount_order.v = 4;
	if (q->header_length.at.len == 0)
		q->header_length.v = QCOW2_HEADER_V2;
	q->padding_at = qcow2_span(q, QCOW2_OFF_PADDING, 0);
	q->padding_zero = true;
	if (view_has(h, QCOW2_OFF_PADDING, QCOW2_HEADER_FULL - QCOW2_OFF_PADDING)) {
		q->padding_at.len = QCOW2_HEADER_FULL - QCOW2_OFF_PADDING;
		q->padding_zero = view_is_zero(
			view_cut(h, QCOW2_OFF_PADDING, (size_t)q->padding_at.len));
	}
}

static bool has_geometry(const struct qcow2 *q)
{
	size_t n = q->version.v == 2 ? QCOW2_HEADER_V2 : QCOW2_HEADER_V3;

	return (q->version.v == 2 || q->version.v == 3) && view_has(q->head, 0, n) &&
	       q->cluster_bits.v >= QCOW2_CLUSTER_BITS_MIN &&
	       q->cluster_bits.v <= QCOW2_CLUSTER_BITS_MAX &&
	       q->refcount_order.v <= QCOW2_REFCOUNT_ORDER_MAX;
}

static void set_geometry(struct qcow2 *q)
{
	unsigned bits = (unsigned)q->cluster_bits.v;

	q->geometry = true;
	q->v3 = q->version.v == 3;
	q->extended_l2 = q->incompatible.v & QCOW2_INCOMPAT_EXTL2;
	q->external_data = q->incompatible.v & QCOW2_INCOMPAT_DATA_FILE;
	q->refcount_bits = 1u << q->refcount_order.v;
	q->cluster_size = UINT64_C(1) << bits;
	q->l2_entry_size = q->extended_l2 ? 16 : 8;
	q->l2_entries = q->cluster_size / q->l2_entry_size;
	q->l2_bytes = q->l2_entries * q->cluster_size;
	q->l1_needed = div_up(q->size.v, q->l2_bytes);
	q->refblock_entries = q->cluster_size * 8 / q->refcount_bits;
	q->guest_clusters = div_up(q->size.v, q->cluster_size);
	q->host_clusters = div_up(q->file_size, q->cluster_size);
	q->compressed_shift = 62 - (bits - 8);
	q->compressed_offset = (UINT64_C(1) << q->compressed_shift) - 1;
}

/* ---- tables ---- */

struct qcow2_table qcow2_table_at(const struct qcow2 *q, uint64_t off, uint64_t n,
				  uint64_t max)
{
	struct qcow2_table t = { .n = n };
	uint64_t len;

	if (!u64_mul(n, 8, &len))
		len = UINT64_MAX;
	t.at = qcow2_span(q, off, u64_min(len, UINT64_MAX - off));
	if (n == 0)
		t.state = QCOW2_TABLE_NONE;
	else if (off == 0)
		t.state = QCOW2_TABLE_ZERO;
	else if (off % q->cluster_size != 0)
		t.state = QCOW2_TABLE_UNALIGNED;
	else if (off >= q->file_size)
		t.state = QCOW2_TABLE_OUTSIDE;
	else if (len > max)
		t.state = QCOW2_TABLE_TOO_LARGE;
	else if (!range_within(off, len, q->file_size))
		t.state = QCOW2_TABLE_CUT;
	else
		t.state = QCOW2_TABLE_WHOLE;
	return t;
}

int qcow2_table_read(const struct qcow2 *q, const struct qcow2_table *t, uint64_t most,
		     struct arena *a, struct view *out, struct err *e)
{
	uint64_t n;

	*out = (struct view){ 0 };
	if (t->state != QCOW2_TABLE_WHOLE && t->state != QCOW2_TABLE_CUT &&
	    t->state != QCOW2_TABLE_TOO_LARGE)
		return 0;
	n = u64_min(u64_min(t->at.len, most), q->file_size - t->at.off);
	n -= n % 8;
	if (n == 0)
		return 0;
	return source_view(q->src, a, t->at.off, n, out, e);
}

/* needed: entries that the image can do with. */
static int load_table(struct qcow2 *q, struct qcow2_table *t, uint64_t max,
		      uint64_t needed, const char *name, struct arena *a, struct err *e)
{
	uint64_t most = max;

	if (t->state == QCOW2_TABLE_TOO_LARGE)
		most = needed <= max / 8 ? needed * 8 : 0;
	if (qcow2_table_read(q, t, most, a, &t->raw, e) == 0)
		return 0;
	if (e->code != ERR_LIMIT)
		return -1;
	t->state = QCOW2_TABLE_NO_ROOM;
	qcow2_limit(q, name);
	return 0;
}

static int read_tables(struct qcow2 *q, struct arena *a, struct err *e)
{
	uint64_t rt = q->rt_clusters.v * q->cluster_size / 8; /* 2^32 * 2^21 at most */

	q->l1 = qcow2_table_at(q, q->l1_offset.v, q->l1_size.v, QCOW2_L1_MAX);
	q->rt = qcow2_table_at(q, q->rt_offset.v, rt, QCOW2_RT_MAX);
	if (load_table(q, &q->l1, QCOW2_L1_MAX, q->l1_needed, "the L1 table", a, e) != 0)
		return -1;
	return load_table(q, &q->rt, QCOW2_RT_MAX,
			  div_up(q->host_clusters, q->refblock_entries),
			  "the refcount table", a, e);
}

/* ---- all of it ---- */

/* The first cluster: u->head has it, or is cut down to it, or is too short for it. */
static int read_head(struct qcow2 *q, struct arena *a, struct err *e)
{
	uint64_t n = u64_min(q->cluster_size, q->file_size);

	if (n > q->head.n)
		return source_view(q->src, a, 0, n, &q->head, e);
	q->head = view_cut(q->head, 0, (size_t)n);
	return 0;
}

/* Reads the header and all that it names of u->src, whose magic is there; not yet L2 tables
 * and refcounts, which is qcow2_scan(). */
static int qcow2_read(struct qcow2 **out, struct unit *u, struct err *e)
{
	struct qcow2 *q = arena_new(&u->arena, struct qcow2);

	*q = (struct qcow2){
		.unit = u, .src = &u->src, .file_size = u->src.size, .head = u->head
	};
	*out = q;
	read_header(q);
	if (!has_geometry(q))
		return 0;
	set_geometry(q);
	if (read_head(q, &u->arena, e) != 0 || qcow2_exts_read(q, &u->arena, e) != 0 ||
	    read_tables(q, &u->arena, e) != 0 || qcow2_bitmaps_read(q, &u->arena, e) != 0)
		return -1;
	if (qcow2_snapshots_read(&q->snapshots, q, q->snapshots_offset.v,
				 q->nb_snapshots.v, &u->arena, e) != 0)
		return -1;
	if (q->snapshots.state == QCOW2_LIST_NO_ROOM)
		qcow2_limit(q, "the snapshot table");
	return 0;
}

int qcow2_read_names(struct qcow2 **out, const struct source *src, struct view head,
		     struct arena *a, struct err *e)
{
	struct qcow2 *q = arena_new(a, struct qcow2);

	*q = (struct qcow2){ .src = src, .file_size = src->size, .head = head };
	*out = q;
	read_header(q);
	if (!has_geometry(q))
		return 0;
	set_geometry(q);
	q->l1 = qcow2_table_at(q, q->l1_offset.v, q->l1_size.v, QCOW2_L1_MAX);
	if (read_head(q, a, e) != 0)
		return -1;
	return qcow2_exts_read(q, a, e);
}

/* There are rules that say why the guest's disk cannot be read. */
static bool has_bad_entries(const struct qcow2 *q)
{
	for (size_t i = 0; i < q->l1.raw.n / 8; i++) {
		if (qcow2_is_cut(q, qcow2_entry(q->l1.raw, i) & QCOW2_OFFSET_MASK))
			return true;
	}
	if (q->rt.state != QCOW2_TABLE_WHOLE && q->rt.state != QCOW2_TABLE_CUT)
		return true;
	for (unsigned k = 0; q->scan && k < QCOW2_FLAW_KINDS; k++) {
		bool entry = k < QCOW2_FLAW_TABLE_PAST_EOF ||
			     k == QCOW2_FLAW_RT_RESERVED ||
			     k == QCOW2_FLAW_RT_UNALIGNED || k == QCOW2_FLAW_RT_PAST_EOF;

		if (entry && q->scan->flaws[k].total)
			return true;
	}
	return false;
}

/* Rules see the facts; but nothing may be called clean that nobody has looked at. */
static void note_skipped(struct unit *u, const struct qcow2 *q)
{
	const char *limit = q->limit;

	if (!limit && q->scan)
		limit = q->scan->limit;
	if (limit)
		u->skip_reason = arena_printf(
			&u->arena, "not all of the image was judged: %s", limit);
	else if (u->guest_why && !has_bad_entries(q))
		u->skip_reason =
			arena_printf(&u->arena, "the guest's disk was not looked at: %s",
				     u->guest_why);
}

static int qcow2_format_read(struct unit *u, struct err *e)
{
	struct qcow2 *q;

	if (qcow2_read(&q, u, e) != 0)
		return -1;
	u->qcow2 = q;
	if (u->host->shallow) {
		backing_show(u);
		return 0;
	}
	if (q->geometry && qcow2_scan(&q->scan, q, &u->arena, &u->counts, e) != 0)
		return -1;
	if (signs_read(u, e) != 0)
		return -1;
	backing_show(u);
	note_skipped(u, q);
	return 0;
}

const struct format format_qcow2 = {
	.name = "qcow2",
	.title = "QCOW2 image",
	.kind = FORMAT_IMAGE,
	.probe = qcow2_probe,
	.read = qcow2_format_read,
};
