/* The tables of a QCOW2 image, against a count that knows no short cuts: every L1 table,
 * every L2 table and every entry, one after the other.
 *
 * The input is ten bytes (see build()), then words of the tables: four bytes each, where,
 * flags and host cluster, so that a few bytes make pointers that mean something.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2_scan.h"
#include "analyze/unit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	BITS = 9,
	CLUSTER = 1 << BITS,
	CLUSTERS = 120,
	RT = 1, /* cluster; the snapshot table, L1 tables and so on follow */
	BLOCK = 2,
	SNAPSHOTS = 10,
	L1 = 11,
	L1_OTHER = 12,
	ENTRY = 64, /* bytes of a snapshot's, with id and name */
};

static void put_be(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

static uint64_t get_be(const uint8_t *p, size_t size, uint64_t off)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | (off + i < size ? p[off + i] : 0);
	return v;
}

static void put_snapshot(uint8_t *p, unsigned i, unsigned l1, unsigned n)
{
	uint8_t *s = p + SNAPSHOTS * CLUSTER + i * ENTRY;

	put_be(s, 8, (uint64_t)l1 << BITS);
	put_be(s + 8, 4, n);
	put_be(s + 12, 2, 4);
	put_be(s + 14, 2, 4);
	put_be(s + 36, 4, 16);
	put_be(s + 48, 8, 1 << 20);
	memset(s + 56, 'x', 8);
}

/* in: order of refcounts, features, entries of L1, snapshots, four bytes about these, then
 * two for the end of the file. */
static void build(uint8_t *p, const uint8_t *in)
{
	static const uint8_t magic[] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };
	unsigned snapshots = in[3] % 8;

	memcpy(p, magic, sizeof(magic));
	put_be(p + 20, 4, BITS);
	put_be(p + 24, 8, (in[2] % 8u + UINT64_C(1)) << (6 + BITS));
	put_be(p + 36, 4, in[2] % 80);
	put_be(p + 40, 8, L1 << BITS);
	put_be(p + 48, 8, RT << BITS);
	put_be(p + 56, 4, 1);
	put_be(p + 60, 4, snapshots);
	put_be(p + 64, 8, snapshots ? SNAPSHOTS << BITS : 0);
	put_be(p + 72, 8, (in[1] & 1u) << 2);
	put_be(p + 96, 4, in[0] % 7);
	put_be(p + 100, 4, 112);
	for (unsigned i = 0; i < 8; i++)
		put_be(p + RT * CLUSTER + i * 8, 8, (uint64_t)(BLOCK + i) << BITS);
	for (unsigned i = 0; i < snapshots; i++)
		put_snapshot(p, i, i % 2 ? L1_OTHER + in[4 + i / 2] % 4 : L1,
			     1 + in[4 + i / 2] % 70);
}

static void put_words(uint8_t *p, const uint8_t *in, size_t n)
{
	for (; n >= 4; in += 4, n -= 4) {
		uint64_t cluster = RT + in[0] % (CLUSTERS - RT), at = in[1] % 64;
		uint64_t flags = (uint64_t)(in[2] & 3) << 62;
		uint64_t v = (uint64_t)(in[3] % (CLUSTERS + 3)) << BITS | flags;

		if (in[2] & 4)
			v |= 1;
		if (in[2] & 8)
			v ^= UINT64_C(1) << in[3] % 64;
		if (in[2] & 16 && n >= 8) /* bytes, for refcounts and all else */
			v = get_be(in + 4, n - 4, 0);
		put_be(p + cluster * CLUSTER + at * 8, 8, v);
		/* A row of entries that follow each other. */
		for (uint64_t i = 1; in[2] & 32 && i < in[0] % 32 && at + i < 64; i++)
			put_be(p + cluster * CLUSTER + (at + i) * 8, 8, v + (i << BITS));
	}
}

/* ---- the count without short cuts ---- */

struct plain {
	const uint8_t *p;
	uint64_t size;
	uint64_t count[CLUSTERS + 4];
};

static void refer(struct plain *x, uint64_t off, uint64_t len)
{
	if (len == 0 || off > UINT64_MAX - len ||
	    (off + len > x->size && off + len - x->size >= CLUSTER))
		return;
	for (uint64_t c = off >> BITS; c <= (off + len - 1) >> BITS; c++)
		x->count[c]++;
}

static void plain_l2(struct plain *x, uint64_t table)
{
	for (uint64_t i = 0; i < CLUSTER / 8; i++) {
		uint64_t e = get_be(x->p, x->size, table + i * 8);
		uint64_t off = e & UINT64_C(0x00fffffffffffe00);

		if (e >> 62 & 1) { /* 9 bits: 61 of them are the offset */
			off = e & ((UINT64_C(1) << 61) - 1);
			refer(x, off, ((e >> 61 & 1) + 1) * 512 - off % 512);
		} else if (off) {
			refer(x, off, CLUSTER);
		}
	}
}

static void plain_l1(struct plain *x, uint64_t table, uint64_t n, bool data_file)
{
	refer(x, table, n * 8);
	for (uint64_t i = 0; i < n && table + i * 8 + 8 <= x->size; i++) {
		uint64_t l2 = get_be(x->p, x->size, table + i * 8) &
			      UINT64_C(0x00fffffffffffe00);

		if (!l2)
			continue;
		refer(x, l2, CLUSTER);
		if (!data_file && l2 < x->size)
			plain_l2(x, l2);
	}
}

static void plain_count(struct plain *x, const struct qcow2 *q)
{
	refer(x, 0, CLUSTER);
	refer(x, RT << BITS, CLUSTER);
	plain_l1(x, L1 << BITS, q->l1_size.v, q->external_data);
	refer(x, q->snapshots.at.off, q->snapshots.at.len);
	for (size_t i = 0; i < q->snapshots.n; i++) {
		const struct qcow2_table *t = &q->snapshots.v[i].l1;

		if (t->state == QCOW2_TABLE_WHOLE || t->state == QCOW2_TABLE_CUT)
			plain_l1(x, t->at.off, t->n, q->external_data);
		else if (t->state != QCOW2_TABLE_UNALIGNED &&
			 t->state != QCOW2_TABLE_TOO_LARGE)
			refer(x, t->at.off, t->at.len);
	}
	for (uint64_t i = 0; i < CLUSTER / 8; i++) {
		uint64_t e = get_be(x->p, x->size, (RT << BITS) + i * 8) & ~UINT64_C(511);

		if (e)
			refer(x, e, CLUSTER);
	}
}

static void check(const struct qcow2 *q, const uint8_t *p, uint64_t size)
{
	struct plain x = { .p = p, .size = size };
	const struct qcow2_scan *s = q->scan;
	uint64_t leaks = 0, low = 0, high = 0, none = 0;

	if (!s || !s->complete)
		return;
	plain_count(&x, q);
	for (uint64_t c = 0; c < CLUSTERS + 4; c++) {
		uint64_t stored;
		struct err e;
		bool known;

		BUG_ON(qcow2_refs_count(&s->refs, c) != x.count[c]);
		if (c >= u64_max(q->host_clusters, s->refs.end))
			continue;
		BUG_ON(qcow2_stored(q, c, &stored, &known, &e) != 0);
		if (!known)
			continue;
		leaks += stored && !x.count[c];
		none += !stored && x.count[c];
		high += stored > x.count[c] && x.count[c];
		low += stored && stored < x.count[c];
	}
	BUG_ON(s->flaws[QCOW2_FLAW_LEAK].total != leaks);
	BUG_ON(s->flaws[QCOW2_FLAW_REFCOUNT_ZERO].total != none);
	BUG_ON(s->flaws[QCOW2_FLAW_REFCOUNT_HIGH].total != high);
	BUG_ON(s->flaws[QCOW2_FLAW_REFCOUNT_LOW].total != low);
	for (unsigned k = 0; k < QCOW2_FLAW_KINDS; k++) {
		uint64_t n = 0;

		for (size_t i = 0; i < s->flaws[k].n; i++)
			n += s->flaws[k].v[i].n;
		BUG_ON(n > s->flaws[k].total);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct host host;
	uint8_t *p = calloc(CLUSTERS, CLUSTER);
	struct source src;
	struct unit u;
	uint64_t n;

	BUG_ON(!p);
	if (size >= 10) {
		build(p, data);
		put_words(p, data + 10, size - 10);
		n = (CLUSTERS << BITS) - (data[8] | (uint64_t)data[9] << 8) % 4096;
		src = source_of_bytes("disk", (struct view){ p, (size_t)n });
		unit_read(&u, &src, NULL, &host);
		BUG_ON(u.state == UNIT_FAILED);
		if (u.qcow2 && u.qcow2->geometry)
			check(u.qcow2, p, n);
		unit_close(&u);
	}
	free(p);
	return 0;
}
