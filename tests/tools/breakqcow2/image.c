/* A QCOW2 image that QEMU made: where everything is. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"
#include "base/num.h"
#include "base/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { V2_HEADER = 72 };

_Noreturn void die(const char *what)
{
	fprintf(stderr, "breakqcow2: %s: %s\n", what, strerror(errno));
	exit(2);
}

uint64_t pick(struct image *m, uint64_t below)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return (m->random >> 11) % (below ? below : 1);
}

uint64_t pick_place(struct image *m, const struct places *p)
{
	return p->n ? p->v[pick(m, p->n)] : 0;
}

void say(struct image *m, const char *fmt, ...)
{
	size_t left = sizeof(m->said.p) - m->said.n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->said.p + m->said.n, left, fmt, ap);
	va_end(ap);
	if (n > 0)
		m->said.n += (size_t)u64_min((size_t)n, left - 1);
}

/* ---- bytes ---- */

uint64_t get(const struct image *m, uint64_t off, unsigned bytes)
{
	uint8_t b[8] = { 0 };
	uint64_t v = 0;

	if (off > INT64_MAX || pread(m->fd, b, bytes, (off_t)off) < 0)
		return 0;
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | b[i];
	return v;
}

void put_bytes(const struct image *m, uint64_t off, const void *p, size_t n)
{
	struct stat st;

	if (fstat(m->fd, &st) != 0)
		die("cannot stat");
	if (off >= (uint64_t)st.st_size)
		return;
	n = (size_t)u64_min(n, (uint64_t)st.st_size - off);
	if (pwrite(m->fd, p, n, (off_t)off) != (ssize_t)n)
		die("cannot write");
}

void put(const struct image *m, uint64_t off, unsigned bytes, uint64_t v)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
	put_bytes(m, off, b, bytes);
}

void zero(const struct image *m, uint64_t off, uint64_t n)
{
	static const uint8_t zeros[4096];

	for (uint64_t i = 0; i < n; i += sizeof(zeros))
		put_bytes(m, off + i, zeros, (size_t)u64_min(sizeof(zeros), n - i));
}

void scribble(struct image *m, uint64_t off, uint64_t n)
{
	uint8_t b[512];

	for (uint64_t i = 0; i < n; i += sizeof(b)) {
		for (size_t j = 0; j < sizeof(b); j++)
			b[j] = (uint8_t)pick(m, 256);
		put_bytes(m, off + i, b, (size_t)u64_min(sizeof(b), n - i));
	}
}

void change(struct image *m, const char *what, uint64_t at, unsigned bytes, uint64_t v)
{
	uint64_t old = get(m, at, bytes);

	if (v == old)
		v = old ^ 1;
	put(m, at, bytes, v);
	say(m, "%s at 0x%" PRIx64 ": 0x%" PRIx64 " -> 0x%" PRIx64, what, at, old,
	    get(m, at, bytes));
}

uint64_t some_cluster(struct image *m)
{
	return pick(m, m->size / m->cluster) * m->cluster;
}

uint64_t some_metadata(struct image *m)
{
	switch (pick(m, 5)) {
	case 0:
		return 0;
	case 1:
		return m->l1;
	case 2:
		return m->rt;
	case 3:
		return pick_place(m, &m->refblocks);
	default:
		return pick_place(m, &m->l2_tables);
	}
}

/* ---- what there is ---- */

static bool add(struct places *p, uint64_t v)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i] == v)
			return false;
	}
	if (p->n < PLACES_MAX)
		p->v[p->n++] = v;
	return true;
}

/* A table of n words, zeros behind the end of the file. The caller frees it. */
static uint8_t *load(const struct image *m, uint64_t off, uint64_t n)
{
	uint8_t *p = calloc(n ? n : 1, 8);

	if (!p || pread(m->fd, p, n * 8, (off_t)off) < 0)
		die("a table");
	return p;
}

static uint64_t word(const uint8_t *table, uint64_t i)
{
	return view_be64((struct view){ table + i * 8, 8 }, 0);
}

static void look_l2(struct image *m, uint64_t table)
{
	uint8_t *words = load(m, table, m->cluster / 8);

	for (uint64_t i = 0; i < m->cluster / m->stride; i++) {
		uint64_t e = word(words, i * m->stride / 8), at = table + i * m->stride;

		if (e & COMPRESSED)
			add(&m->packed, at);
		else if (e & OFFSET_MASK)
			add(&m->entries, at);
	}
	free(words);
}

static void look_l1(struct image *m, uint64_t at, uint64_t n, struct places *entries)
{
	uint8_t *words = load(m, at, n);

	for (uint64_t i = 0; i < n; i++) {
		uint64_t l2 = word(words, i) & OFFSET_MASK;

		if (!l2)
			continue;
		add(entries, at + 8 * i);
		if (add(&m->l2_tables, l2))
			look_l2(m, l2);
	}
	free(words);
}

static void look_snapshots(struct image *m)
{
	uint64_t at = m->snapshots;

	for (uint64_t i = 0; i < u64_min(m->nsnapshots, SNAPSHOTS_MAX); i++) {
		uint64_t len =
			40 + get(m, at + 36, 4) + get(m, at + 12, 2) + get(m, at + 14, 2);

		m->snapshot[i] = at;
		look_l1(m, get(m, at, 8), get(m, at + 8, 4), &m->snapshot_l1_entries);
		at += (len + 7) / 8 * 8;
	}
}

static void look_refcounts(struct image *m)
{
	uint64_t n = get(m, 56, 4) * m->cluster / 8;
	uint8_t *words = load(m, m->rt, n);

	for (uint64_t i = 0; i < n; i++) {
		if (!word(words, i))
			continue;
		add(&m->rt_entries, m->rt + 8 * i);
		add(&m->refblocks, word(words, i));
	}
	free(words);
}

static void look_extensions(struct image *m)
{
	uint64_t at = m->needs & NEED_V3 ? get(m, 100, 4) : V2_HEADER;

	m->first_extension = at;
	while (at + 8 <= m->cluster && get(m, at, 4)) {
		uint64_t len = get(m, at + 4, 4);

		switch (get(m, at, 4)) {
		case 0x23852875:
			m->bitmaps = at + 8;
			break;
		case 0xe2792aca:
			m->format = at + 8;
			break;
		case 0x0537be77:
			m->luks = at + 8;
			break;
		case 0x44415441:
			m->data_name = at + 8;
			break;
		}
		at += 8 + (len + 7) / 8 * 8;
	}
	m->end_of_header = at;
}

static void look_needs(struct image *m)
{
	uint64_t incompatible = m->needs & NEED_V3 ? get(m, 72, 8) : 0;
	const struct {
		enum need need;
		bool met;
	} needs[] = {
		{ NEED_EXTENDED, m->stride == 16 },
		{ NEED_SNAPSHOT, m->nsnapshots },
		{ NEED_BITMAP, m->bitmaps },
		{ NEED_LUKS, m->luks },
		{ NEED_BACKING, get(m, 8, 8) },
		{ NEED_FORMAT, m->format },
		{ NEED_PACKED, m->packed.n },
		{ NEED_DATA, m->entries.n > 1 && !(incompatible & 4) },
		{ NEED_DATA_FILE, incompatible & 4 && m->entries.n },
		{ NEED_L2, m->l1_entries.n > 1 },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if (needs[i].met)
			m->needs |= needs[i].need;
	}
}

void look(struct image *m)
{
	struct stat st;
	bool v3 = get(m, 4, 4) == 3;

	if (fstat(m->fd, &st) != 0)
		die("cannot stat");
	m->size = (uint64_t)st.st_size;
	m->cluster = UINT64_C(1) << get(m, 20, 4);
	m->needs = v3 ? NEED_V3 : NEED_V2;
	m->stride = v3 && get(m, 72, 8) & 16 ? 16 : 8;
	m->refcount_bits = v3 ? 1u << get(m, 96, 4) : 16;
	m->l1_size = get(m, 36, 4);
	m->l1 = get(m, 40, 8);
	m->rt = get(m, 48, 8);
	m->nsnapshots = get(m, 60, 4);
	m->snapshots = get(m, 64, 8);
	look_l1(m, m->l1, m->l1_size, &m->l1_entries);
	look_snapshots(m);
	look_refcounts(m);
	look_extensions(m);
	look_needs(m);
}
