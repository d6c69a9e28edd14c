/* Breaks of the header, its extensions, and the file. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"

#include <unistd.h>

#include "base/banned.h"

void break_l1_offset(struct image *m)
{
	uint64_t v = m->l1;

	switch (pick(m, 4)) {
	case 0:
		v = 0;
		break;
	case 1:
		v += (uint64_t)8 << pick(m, 6);
		break;
	case 2:
		v = some_cluster(m);
		break;
	case 3:
		v = (m->size / m->cluster + pick(m, 1000)) * m->cluster;
		break;
	}
	change(m, "L1 table offset", 40, 8, v);
}

void break_l1_size(struct image *m)
{
	const uint64_t sizes[] = { 0, m->l1_size - 1, m->l1_size + 1, 4194304,
				   UINT32_MAX };

	change(m, "L1 size", 36, 4, sizes[pick(m, 5)]);
}

void break_size(struct image *m)
{
	uint64_t size = get(m, 24, 8);
	const uint64_t sizes[] = { 0, size + 1 + pick(m, 511), size - 1 - pick(m, 511),
				   size << 20 };

	change(m, "size", 24, 8, sizes[pick(m, 4)]);
}

void break_cluster_bits(struct image *m)
{
	uint64_t bits = get(m, 20, 4);
	const uint64_t others[] = { 0, bits - 1, bits + 1, 63 };

	change(m, "cluster bits", 20, 4, others[pick(m, 4)]);
}

void break_refcount_order(struct image *m)
{
	uint64_t order = get(m, 96, 4);
	const uint64_t others[] = { order ? order - 1 : 1, order + 1, 7, 0x4000000 };

	change(m, "refcount order", 96, 4, others[pick(m, 4)]);
}

void break_header_length(struct image *m)
{
	static const uint32_t lengths[] = { 0, 72, 96, 104, 108, 120, 0x10000 };

	change(m, "header length", 100, 4, lengths[pick(m, 7)]);
}

void break_unknown_bit(struct image *m)
{
	uint64_t at = 72 + 8 * pick(m, 3);

	change(m, "feature bits", at, 8,
	       get(m, at, 8) | UINT64_C(1) << (5 + pick(m, 59)));
}

void break_autoclear(struct image *m)
{
	change(m, "autoclear bits", 88, 8, get(m, 88, 8) ^ (1 + pick(m, 3)));
}

void break_dirty(struct image *m)
{
	change(m, "incompatible bits", 72, 8, get(m, 72, 8) | 1);
}

void break_corrupt(struct image *m)
{
	change(m, "incompatible bits", 72, 8, get(m, 72, 8) | 2);
}

void break_compression(struct image *m)
{
	if (pick(m, 2) && m->first_extension > 104)
		change(m, "compression type", 104, 1, pick(m, 3));
	else
		change(m, "incompatible bits", 72, 8, get(m, 72, 8) ^ 8);
}

void break_extended_bit(struct image *m)
{
	change(m, "incompatible bits", 72, 8, get(m, 72, 8) ^ 16);
}

void break_data_file_bit(struct image *m)
{
	change(m, "incompatible bits", 72, 8, get(m, 72, 8) ^ 4);
}

void break_crypt(struct image *m)
{
	change(m, "crypt method", 32, 4, pick(m, 4));
}

void break_backing(struct image *m)
{
	switch (pick(m, 4)) {
	case 0:
		change(m, "backing file offset", 8, 8, 0);
		break;
	case 1:
		change(m, "backing file offset", 8, 8, get(m, 8, 8) + 0x100000);
		break;
	case 2:
		change(m, "backing file size", 16, 4, 0);
		break;
	case 3:
		change(m, "backing file size", 16, 4, 2000);
		break;
	}
}

/* Its extension is one that nobody knows, or not of a known format. */
void break_format(struct image *m)
{
	if (pick(m, 2))
		change(m, "extension type", m->format - 8, 4, 0x12345678);
	else
		change(m, "backing format", m->format, 1, 'x');
}

static uint64_t some_extension(struct image *m)
{
	uint64_t at = m->first_extension;

	while (pick(m, 2) && get(m, at, 4))
		at += 8 + (get(m, at + 4, 4) + 7) / 8 * 8;
	return at;
}

void break_extension(struct image *m)
{
	uint64_t at = some_extension(m);

	switch (pick(m, 3)) {
	case 0:
		change(m, "extension type", at, 4, pick(m, UINT32_MAX));
		break;
	case 1:
		change(m, "extension length", at + 4, 4, m->cluster + pick(m, 1000));
		break;
	case 2:
		change(m, "extension length", at + 4, 4, pick(m, 100));
		break;
	}
}

/* ---- the file ---- */

static void shorten(struct image *m, uint64_t by)
{
	uint64_t size = by < m->size ? m->size - by : 512;

	if (ftruncate(m->fd, (off_t)size) != 0)
		die("cannot cut it");
	say(m, "cut from 0x%llx to 0x%llx bytes", (unsigned long long)m->size,
	    (unsigned long long)size);
}

void break_cut(struct image *m)
{
	shorten(m, (1 + pick(m, 3)) * m->cluster + pick(m, m->cluster / 512) * 512);
}

void break_cut_little(struct image *m)
{
	shorten(m, 1 + pick(m, m->cluster - 1));
}

void break_tail(struct image *m)
{
	uint64_t n = 512 + pick(m, 2 * m->cluster);

	if (ftruncate(m->fd, (off_t)(m->size + n)) != 0)
		die("cannot make it longer");
	scribble(m, m->size, n < 4096 ? n : 4096);
	say(m, "0x%llx bytes behind the end", (unsigned long long)n);
}
