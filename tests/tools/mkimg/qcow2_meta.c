/* The header of a QCOW2 with its extensions, the snapshot table and the bitmap directory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/mkimg/qcow2.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static void be(uint8_t *p, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		p[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

/* ---- snapshot table ---- */

static size_t snapshot_bytes(const struct q_snapshot *s, uint64_t guest_size, uint8_t *p)
{
	size_t id = strlen(s->id), name = strlen(s->name), n = 40 + s->extra;

	be(p, s->l1_off, 8);
	be(p + 8, s->l1_size, 4);
	be(p + 12, id, 2);
	be(p + 14, name, 2);
	be(p + 16, 1700000000, 4); /* one date for ever */
	be(p + 20, 0, 4);
	be(p + 24, 0, 8);
	be(p + 32, s->vm_state, 4);
	be(p + 36, s->extra, 4);
	if (s->extra >= 8)
		be(p + 40, s->vm_state, 8);
	if (s->extra >= 16)
		be(p + 48, guest_size, 8);
	if (s->extra >= 24)
		be(p + 56, UINT64_MAX, 8);
	memcpy(p + n, s->id, id);
	memcpy(p + n + id, s->name, name);
	return n + id + name;
}

static void seal_snapshots(struct recipe *r)
{
	struct qcow2_image *q = r->q;
	uint8_t *p = zeros(r, Q_LIST_MAX * 4096);
	size_t n = 0, starts[Q_LIST_MAX];

	if (q->snapshots_clusters)
		q_free(r, q->snapshots_off, q->snapshots_clusters);
	for (unsigned i = 0; i < q->nsnapshots; i++) {
		n = div_up(n, 8) * 8;
		starts[i] = n;
		n += snapshot_bytes(&q->snapshot[i], q->guest_size, p + n);
	}
	q->snapshots_clusters = div_up(n, q->cs);
	q->snapshots_off = n ? q_alloc(r, q->snapshots_clusters) : 0;
	for (unsigned i = 0; i < q->nsnapshots; i++)
		q->snapshot[i].at = q->snapshots_off + starts[i];
	if (n)
		put(r, q->snapshots_off, p, n);
	free(p);
}

/* ---- bitmap directory ---- */

static void seal_bitmaps(struct recipe *r)
{
	struct qcow2_image *q = r->q;
	uint8_t *p = zeros(r, Q_LIST_MAX * 2048);
	size_t n = 0, starts[Q_LIST_MAX];

	if (q->bitmaps_len)
		q_free(r, q->bitmaps_off, div_up(q->bitmaps_len, q->cs));
	for (unsigned i = 0; i < q->nbitmaps; i++) {
		const struct q_bitmap *b = &q->bitmap[i];
		size_t name = strlen(b->name);

		starts[i] = n;
		be(p + n, b->table_off, 8);
		be(p + n + 8, b->table_size, 4);
		be(p + n + 12, b->flags, 4);
		p[n + 16] = 1;
		p[n + 17] = (uint8_t)b->granularity_bits;
		be(p + n + 18, name, 2);
		memcpy(p + n + 24, b->name, name);
		n = div_up(n + 24 + name, 8) * 8;
	}
	q->bitmaps_len = n;
	q->bitmaps_off = n ? q_alloc(r, div_up(n, q->cs)) : 0;
	for (unsigned i = 0; i < q->nbitmaps; i++)
		q->bitmap[i].at = q->bitmaps_off + starts[i];
	if (n)
		put(r, q->bitmaps_off, p, n);
	free(p);
}

/* ---- LUKS ---- */

/* A LUKS1 header that a reader accepts, without a key in it. LUKS On-Disk Format
 * Specification 1.2.3, figures 1 and 2. */
void q_luks_header(struct recipe *r)
{
	enum { KEY = 64, STRIPES = 4000, SLOT_SECTORS = 504 };
	uint8_t h[592] = "LUKS\xba\xbe";

	be(h + 6, 1, 2);
	memcpy(h + 8, "aes", 3);
	memcpy(h + 40, "xts-plain64", 11);
	memcpy(h + 72, "sha256", 6);
	be(h + 104, Q_LUKS_LEN / 512, 4);
	be(h + 108, KEY, 4);
	be(h + 164, 1000, 4);
	memcpy(h + 168, "00000000-0000-4000-8000-000000000000", 36);
	for (unsigned i = 0; i < 8; i++) {
		be(h + 208 + 48 * i, 0xdead, 4);
		be(h + 248 + 48 * i, 8 + i * SLOT_SECTORS, 4);
		be(h + 252 + 48 * i, STRIPES, 4);
	}
	r->q->luks_off = q_alloc(r, div_up(Q_LUKS_LEN, r->q->cs));
	put(r, r->q->luks_off, h, sizeof(h));
}

/* ---- header ---- */

struct header {
	const struct recipe *r;
	uint8_t *p;
	size_t n, room;
};

static void extension(struct header *h, uint32_t type, const void *data, size_t n,
		      const char *text)
{
	struct qcow2_image *q = h->r->q;
	size_t len = 8 + div_up(n, 8) * 8;
	struct q_ext *x = &q->ext[q->next_ext];

	if (h->room - h->n < len || q->next_ext == Q_LIST_MAX)
		die(h->r, "the header's extensions do not fit in a cluster");
	if (!text)
		*x = (struct q_ext){ .type = type };
	x->at = h->n;
	q->next_ext++;
	be(h->p + h->n, type, 4);
	be(h->p + h->n + 4, n, 4);
	if (n)
		memcpy(h->p + h->n + 8, data, n);
	h->n += len;
}

static void feature_names(struct header *h)
{
	static const struct {
		uint8_t kind, bit;
		const char *name;
	} names[] = {
		{ 0, 0, "dirty bit" },
		{ 0, 1, "corrupt bit" },
		{ 0, 2, "external data file" },
		{ 0, 3, "compression type" },
		{ 0, 4, "extended L2 entries" },
		{ 1, 0, "lazy refcounts" },
		{ 2, 0, "bitmaps" },
		{ 2, 1, "raw external data" },
	};
	enum { N = sizeof(names) / sizeof(names[0]) };
	uint8_t table[N * 48] = { 0 };

	for (size_t i = 0; i < N; i++) {
		table[i * 48] = names[i].kind;
		table[i * 48 + 1] = names[i].bit;
		memcpy(table + i * 48 + 2, names[i].name, strlen(names[i].name));
	}
	extension(h, 0x6803f857, table, sizeof(table), NULL);
}

static void extensions(struct header *h)
{
	struct qcow2_image *q = h->r->q;
	struct q_ext own[Q_LIST_MAX];
	unsigned n = 0;
	uint8_t b[24] = { 0 };

	/* Those of the recipe come last. */
	for (unsigned i = 0; i < q->next_ext; i++) {
		if (q->ext[i].text)
			own[n++] = q->ext[i];
	}
	q->next_ext = 0;
	if (q->backing_format)
		extension(h, 0xe2792aca, q->backing_format, strlen(q->backing_format),
			  NULL);
	if (q->data_file)
		extension(h, 0x44415441, q->data_file, strlen(q->data_file), NULL);
	if (q->luks_off) {
		be(b, q->luks_off, 8);
		be(b + 8, Q_LUKS_LEN, 8);
		extension(h, 0x0537be77, b, 16, NULL);
	}
	if (q->names)
		feature_names(h);
	if (q->nbitmaps) {
		be(b, q->nbitmaps, 4);
		be(b + 4, 0, 4);
		be(b + 8, q->bitmaps_len, 8);
		be(b + 16, q->bitmaps_off, 8);
		extension(h, 0x23852875, b, 24, NULL);
	}
	for (unsigned i = 0; i < n; i++) {
		q->ext[q->next_ext] = own[i];
		extension(h, own[i].type, own[i].text, strlen(own[i].text), own[i].text);
	}
	if (h->room - h->n >= 8)
		h->n += 8; /* the end mark */
}

static void fields(const struct header *h)
{
	const struct qcow2_image *q = h->r->q;
	uint8_t *p = h->p;

	memcpy(p, "QFI\xfb", 4);
	be(p + 4, q->version, 4);
	be(p + 20, q->cluster_bits, 4);
	be(p + 24, q->guest_size, 8);
	be(p + 32, q->crypt, 4);
	be(p + 36, q->l1_size, 4);
	be(p + 40, q->l1_off, 8);
	be(p + 48, q->rt_off, 8);
	be(p + 56, q->rt_clusters, 4);
	be(p + 60, q->nsnapshots, 4);
	be(p + 64, q->snapshots_off, 8);
	if (q->version < 3)
		return;
	be(p + 72, q->incompatible, 8);
	be(p + 80, q->compatible, 8);
	be(p + 88, q->autoclear, 8);
	be(p + 96, q->refcount_order, 4);
	be(p + 100, q->header_length, 4);
	if (q->header_length > 104)
		p[104] = (uint8_t)q->compression;
}

static void seal_header(struct recipe *r)
{
	struct qcow2_image *q = r->q;
	struct header h = { .r = r, .p = zeros(r, q->cs), .room = (size_t)q->cs };

	if (q->nbitmaps)
		q->autoclear |= 1;
	fields(&h);
	h.n = q->version < 3 ? 72 : q->header_length;
	extensions(&h);
	if (q->backing) {
		size_t n = strlen(q->backing);

		if (h.room - h.n < n)
			die(r, "the backing file's name does not fit in a cluster");
		q->backing_at = h.n;
		be(h.p + 8, h.n, 8);
		be(h.p + 16, n, 4);
		memcpy(h.p + h.n, q->backing, n);
	}
	put(r, 0, h.p, h.room);
	free(h.p);
}

void q_seal(struct recipe *r)
{
	if (!r->q || !r->q->dirty)
		return;
	r->q->dirty = false;
	seal_snapshots(r);
	seal_bitmaps(r);
	seal_header(r);
}
