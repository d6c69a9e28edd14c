/* Any entry of any table, any bit, any sector. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"

#include "base/banned.h"

enum { TRIES = 200 };

/* An entry of a table of n that is not 0, if that is found at random. */
static uint64_t entry_of(struct image *m, uint64_t table, uint64_t n, unsigned stride)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t at = table + pick(m, n) * stride;

		if (get(m, at, 8))
			return at;
	}
	return table + pick(m, n) * stride;
}

static uint64_t other_value(struct image *m, uint64_t v)
{
	uint64_t off = v & OFFSET_MASK;

	switch (pick(m, 9)) {
	case 0:
		return 0;
	case 1:
		return v ^ COPIED;
	case 2:
		return v ^ UINT64_C(1) << pick(m, 64);
	case 3:
		return (v & ~OFFSET_MASK) |
		       pick(m, m->size / m->cluster + 2) * m->cluster;
	case 4:
		return (v & ~OFFSET_MASK) | ((off + m->cluster) & OFFSET_MASK);
	case 5:
		return (v & ~OFFSET_MASK) | ((off - m->cluster) & OFFSET_MASK);
	case 6:
		return (v & ~OFFSET_MASK) | ((m->size / 512 + pick(m, 9)) * 512);
	case 7:
		return v ^ 1;
	default:
		return v ^ COMPRESSED;
	}
}

static void change_entry(struct image *m, const char *what, uint64_t at)
{
	change(m, what, at, 8, other_value(m, get(m, at, 8)));
}

/* The L1 table of a snapshot, or the active one. */
static uint64_t some_l1(struct image *m, uint64_t *n)
{
	uint64_t count = m->nsnapshots < SNAPSHOTS_MAX ? m->nsnapshots : SNAPSHOTS_MAX;
	uint64_t which = pick(m, count + 1);

	if (which) {
		*n = get(m, m->snapshot[which - 1] + 8, 4);
		return get(m, m->snapshot[which - 1], 8);
	}
	*n = m->l1_size;
	return m->l1;
}

static void break_l2(struct image *m)
{
	uint64_t n, l1 = some_l1(m, &n), entry = get(m, entry_of(m, l1, n, 8), 8), at;

	if (!(entry & OFFSET_MASK))
		return;
	at = entry_of(m, entry & OFFSET_MASK, m->cluster / m->stride, m->stride);
	if (m->stride == 16 && pick(m, 3) == 0)
		change_entry(m, "subclusters", at + 8);
	else
		change_entry(m, "L2 entry", at);
}

static void break_refcount(struct image *m)
{
	unsigned width = m->refcount_bits < 8 ? 1 : m->refcount_bits / 8;
	unsigned per_byte = m->refcount_bits < 8 ? 8 / m->refcount_bits : 1;
	uint64_t block = get(m, entry_of(m, m->rt, 4, 8), 8) & OFFSET_MASK;
	uint64_t i = pick(m, m->size / m->cluster + 2) / per_byte, at, v;

	if (i * width >= m->cluster || !block)
		return;
	at = block + i * width;
	v = get(m, at, width);
	switch (pick(m, 4)) {
	case 0:
		change(m, "refcount", at, width, 0);
		break;
	case 1:
		change(m, "refcount", at, width, v + 1);
		break;
	case 2:
		change(m, "refcount", at, width, v - 1);
		break;
	case 3:
		change(m, "refcount", at, width, v ^ UINT64_C(1) << pick(m, 8 * width));
		break;
	}
}

void break_entry(struct image *m)
{
	uint64_t n, l1;

	switch (pick(m, 10)) {
	case 0:
	case 1:
		l1 = some_l1(m, &n);
		change_entry(m, "L1 entry", entry_of(m, l1, n, 8));
		break;
	case 2:
		change_entry(m, "RT entry", entry_of(m, m->rt, 4, 8));
		break;
	case 3:
	case 4:
	case 5:
		break_refcount(m);
		break;
	default:
		break_l2(m);
	}
}

/* ---- anything ---- */

/* Not the magic: without it, it is something else. */
void break_bit(struct image *m)
{
	uint64_t base = some_metadata(m), n = base ? m->cluster : m->end_of_header;
	uint64_t at = base + pick(m, n);

	if (at < 4)
		at += 4;
	change(m, "bit", at, 1, get(m, at, 1) ^ UINT64_C(1) << pick(m, 8));
}

void break_sector(struct image *m)
{
	uint64_t base = some_metadata(m), at;

	if (base == 0)
		base = m->l1;
	at = base + pick(m, m->cluster / 512) * 512;
	if (pick(m, 2)) {
		zero(m, at, 512);
		say(m, "zeros in the sector at 0x%llx", (unsigned long long)at);
	} else {
		scribble(m, at, 512);
		say(m, "noise in the sector at 0x%llx", (unsigned long long)at);
	}
}
