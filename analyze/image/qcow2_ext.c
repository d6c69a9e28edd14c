/* The first cluster of a QCOW2 image behind its header: extensions, the names of other
 * files, and bytes that belong to nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_layout.h"
#include "analyze/image/qcow2_read.h"
#include "analyze/source.h"
#include "base/vec.h"
#include "base/banned.h"

enum { EXT_HEADER = 8, FEATURE_NAME = 48 };

/* ---- what is known ---- */

static const struct {
	uint32_t type;
	const char *name;
} known[] = {
	{ QCOW2_EXT_BACKING_FORMAT, "backing-format" },
	{ QCOW2_EXT_FEATURE_NAMES, "feature-names" },
	{ QCOW2_EXT_BITMAPS, "bitmaps" },
	{ QCOW2_EXT_CRYPTO, "crypto" },
	{ QCOW2_EXT_DATA_FILE, "data-file" },
};

static const struct {
	unsigned kind, bit;
	const char *name;
} features[] = {
	{ 0, 0, "dirty bit" },
	{ 0, 1, "corrupt bit" },
	{ 0, 2, "external data file" },
	{ 0, 3, "compression type" },
	{ 0, 4, "extended L2 entries" },
	{ 1, 0, "lazy refcounts" },
	{ 2, 0, "bitmaps" },
	{ 2, 1, "raw external data" },
};

const char *qcow2_feature(const struct qcow2 *q, unsigned kind, unsigned bit,
			  struct arena *a)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (features[i].kind == kind && features[i].bit == bit)
			return features[i].name;
	}
	for (size_t i = 0; i < q->nfeature_names; i++) {
		const struct qcow2_feature_name *f = &q->feature_name[i];

		if (f->kind == kind && f->bit == bit && f->name.n)
			return str_shown(a, f->name);
	}
	return NULL;
}

static const char *ext_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].type == type)
			return known[i].name;
	}
	return NULL;
}

/* ---- walking ---- */

/* From the header to the backing file's name or the end of the first cluster, as QEMU
 * looks for them. */
static void find_area(struct qcow2 *q)
{
	uint64_t start = q->header_length.v, end = q->cluster_size;

	if (q->backing_offset.v && q->backing_offset.v <= q->cluster_size)
		end = q->backing_offset.v;
	end = u64_min(end, q->head.n);
	if (start < (q->v3 ? QCOW2_HEADER_V3 : QCOW2_HEADER_V2) || start > end)
		q->ext_area = qcow2_span(q, start, 0);
	else
		q->ext_area = qcow2_span(q, start, end - start);
}

static void stop(struct qcow2 *q, enum qcow2_ext_stop why, uint64_t off, uint64_t len)
{
	q->ext_stop = why;
	q->ext_stop_at = qcow2_span(q, off, len);
}

static bool seen_before(const struct qcow2_ext *v, size_t n, uint32_t type)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].type.v == type)
			return true;
	}
	return false;
}

/* Appends the extension at off, unless the walk ends there. */
static bool take_ext(struct qcow2 *q, struct qcow2_ext *ext, uint64_t off)
{
	uint64_t end = span_end(q->ext_area), len;

	if (off >= end) {
		stop(q, QCOW2_EXT_STOP_FULL, end, 0);
		return false;
	}
	if (end - off < EXT_HEADER) {
		stop(q, QCOW2_EXT_STOP_OVERRUN, off, end - off);
		return false;
	}
	ext->type = qcow2_field(q, q->head, 0, off, 4);
	ext->len = qcow2_field(q, q->head, 0, off + 4, 4);
	len = ext->len.v;
	if (len > end - off - EXT_HEADER) {
		stop(q, QCOW2_EXT_STOP_OVERRUN, off, EXT_HEADER);
		return false;
	}
	if (ext->type.v == QCOW2_EXT_END) {
		stop(q, QCOW2_EXT_STOP_MARK, off, EXT_HEADER);
		return false;
	}
	if (q->next == QCOW2_EXTS_MAX) {
		stop(q, QCOW2_EXT_STOP_TOO_MANY, off, EXT_HEADER + len);
		qcow2_limit(q, "header extensions");
		return false;
	}
	ext->data_at = qcow2_span(q, off + EXT_HEADER, len);
	ext->data = view_cut(q->head, (size_t)(off + EXT_HEADER), (size_t)len);
	ext->at = qcow2_span(q, off, u64_min(EXT_HEADER + div_up(len, 8) * 8, end - off));
	ext->name = ext_name((uint32_t)ext->type.v);
	return true;
}

static void walk(struct qcow2 *q, struct arena *a)
{
	VEC(struct qcow2_ext) v = { 0 };
	uint64_t off = q->ext_area.off;
	struct qcow2_ext ext = { 0 };

	if (q->ext_area.len == 0) {
		stop(q, QCOW2_EXT_STOP_NONE, off, 0);
		return;
	}
	while (take_ext(q, &ext, off)) {
		ext.again = seen_before(v.v, v.n, (uint32_t)ext.type.v);
		*vec_add(&v, a) = ext;
		q->next = v.n;
		off += EXT_HEADER + div_up(ext.len.v, 8) * 8;
	}
	q->ext = v.v;
}

/* ---- what they say ---- */

static const struct qcow2_ext *last_of(const struct qcow2 *q, uint32_t type)
{
	for (size_t i = q->next; i > 0; i--) {
		if (q->ext[i - 1].type.v == type)
			return &q->ext[i - 1];
	}
	return NULL;
}

static void read_feature_names(struct qcow2 *q, struct arena *a)
{
	const struct qcow2_ext *ext = last_of(q, QCOW2_EXT_FEATURE_NAMES);
	struct qcow2_feature_name *v;
	size_t n;

	q->feature_names_ext = ext;
	if (!ext)
		return;
	n = (size_t)u64_min(ext->data.n / FEATURE_NAME, QCOW2_FEATURE_NAMES_MAX);
	v = arena_array(a, n, struct qcow2_feature_name);
	for (size_t i = 0; i < n; i++) {
		struct view raw = view_cut(ext->data, i * FEATURE_NAME, FEATURE_NAME);
		struct str name = str_view(view_cut(raw, 2, FEATURE_NAME - 2));
		const char *nul = memchr(name.p, 0, name.n);

		if (nul)
			name.n = (size_t)(nul - name.p);
		v[i] = (struct qcow2_feature_name){
			.at = qcow2_span(q, ext->data_at.off + i * FEATURE_NAME,
					 FEATURE_NAME),
			.kind = view_u8(raw, 0),
			.bit = view_u8(raw, 1),
			.name = name,
		};
	}
	q->feature_name = v;
	q->nfeature_names = n;
}

static void read_backing(struct qcow2 *q)
{
	struct qcow2_name *b = &q->backing;
	uint64_t off = q->backing_offset.v, len = q->backing_length.v;

	q->backing_format_ext = last_of(q, QCOW2_EXT_BACKING_FORMAT);
	if (q->backing_format_ext)
		q->backing_format = str_view(q->backing_format_ext->data);
	b->at = qcow2_span(q, off, 0);
	if (off == 0) {
		b->state = QCOW2_NAME_NONE;
	} else if (off > q->cluster_size) {
		b->state = QCOW2_NAME_OUTSIDE;
	} else if (len == 0) {
		b->state = QCOW2_NAME_EMPTY;
	} else if (len > QCOW2_NAME_MAX) {
		b->state = QCOW2_NAME_TOO_LONG;
	} else if (!range_within(off, len, q->head.n)) {
		b->state = QCOW2_NAME_OUTSIDE;
	} else {
		b->state = QCOW2_NAME_READ;
		b->at.len = len;
		b->text = str_view(view_cut(q->head, (size_t)off, (size_t)len));
	}
}

static void read_data_file(struct qcow2 *q)
{
	const struct qcow2_ext *ext = last_of(q, QCOW2_EXT_DATA_FILE);

	q->data_file_ext = ext;
	if (!ext)
		return;
	q->data_file = (struct qcow2_name){
		.state = ext->data.n ? QCOW2_NAME_READ : QCOW2_NAME_EMPTY,
		.text = str_view(ext->data),
		.at = ext->data_at,
	};
}

/* A LUKS header of version 1, without the keys. */
enum { LUKS1_LEN = 592 };

static int read_crypto(struct qcow2 *q, struct arena *a, struct err *e)
{
	static const char luks[6] = { 'L', 'U', 'K', 'S', '\xba', '\xbe' };
	const struct qcow2_ext *ext = last_of(q, QCOW2_EXT_CRYPTO);
	struct qcow2_crypto *c = &q->crypto;
	struct view head;
	uint64_t base;

	c->ext = ext;
	if (!ext)
		return 0;
	base = ext->data_at.off;
#define NUMBER(member, name, off, len)                                                   \
	c->member = qcow2_field(q, ext->data, base, off, len);
#define OTHER(name, off, len)
	QCOW2_CRYPTO_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	c->inside =
		c->length.at.len && range_within(c->offset.v, c->length.v, q->file_size);
	if (!c->offset.at.len || !range_within(c->offset.v, LUKS1_LEN, q->file_size))
		return 0;
	if (source_view(q->src, a, c->offset.v, LUKS1_LEN, &head, e) != 0)
		return -1;
	c->magic = view_eq(head, 0, luks, sizeof(luks));
	/* Version 1 of it, which QEMU writes: sectors before the payload. */
	if (c->magic && view_be16(head, 6) == 1)
		c->payload = (uint64_t)view_be32(head, 104) * 512;
	return 0;
}

/* ---- what is left over ---- */

/* The bytes from the first to the last that is not zero. */
static struct span litter(const struct qcow2 *q, uint64_t from, uint64_t to)
{
	while (from < to && view_u8(q->head, (size_t)from) == 0)
		from++;
	while (to > from && view_u8(q->head, (size_t)to - 1) == 0)
		to--;
	return qcow2_span(q, from, to - from);
}

/* Only where the walk came to an end that says what is an extension and what is not. */
static void find_slack(struct qcow2 *q)
{
	uint64_t end = span_end(q->ext_area), rest = q->head.n;

	q->slack = qcow2_span(q, end, 0);
	if (q->ext_stop == QCOW2_EXT_STOP_MARK) {
		uint64_t mark = span_end(q->ext_stop_at);

		q->slack = litter(q, mark, end);
	} else if (q->ext_stop != QCOW2_EXT_STOP_FULL) {
		return;
	}
	if (q->slack.len || q->backing.state == QCOW2_NAME_OUTSIDE ||
	    q->backing.state == QCOW2_NAME_TOO_LONG)
		return;
	if (q->backing.state == QCOW2_NAME_READ)
		end = span_end(q->backing.at);
	q->slack = litter(q, u64_min(end, rest), rest);
}

int qcow2_exts_read(struct qcow2 *q, struct arena *a, struct err *e)
{
	find_area(q);
	walk(q, a);
	read_feature_names(q, a);
	read_backing(q);
	read_data_file(q);
	find_slack(q);
	return read_crypto(q, a, e);
}
