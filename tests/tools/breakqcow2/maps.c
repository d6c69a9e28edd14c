/* Breaks of L1 and L2 tables. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"

#include "base/banned.h"

#define L1_RESERVED UINT64_C(0x7f000000000001ff)
#define L2_RESERVED UINT64_C(0x3f000000000001fe)

/* The entry's offset made another one, its flags as they were. */
static void point(struct image *m, const char *what, uint64_t at, uint64_t off)
{
	uint64_t e = get(m, at, 8);

	change(m, what, at, 8, (e & ~OFFSET_MASK) | (off & OFFSET_MASK));
}

static uint64_t within(struct image *m, uint64_t at)
{
	return get(m, at, 8) + 512 * (1 + pick(m, m->cluster / 512 - 1));
}

/* One of the entry's bits that are in the mask. */
static void flip(struct image *m, const char *what, uint64_t at, uint64_t mask)
{
	uint64_t bit;

	do
		bit = UINT64_C(1) << pick(m, 64);
	while (!(bit & mask));
	change(m, what, at, 8, get(m, at, 8) ^ bit);
}

/* Of the file, or a bit behind it. */
static uint64_t behind(struct image *m)
{
	return (m->size / m->cluster + 1 + pick(m, 1000)) * m->cluster;
}

/* ---- L1 ---- */

void break_l1_zero(struct image *m)
{
	change(m, "L1 entry", pick_place(m, &m->l1_entries), 8, 0);
}

/* An L2 table that a break before this one has taken its entry from. */
static bool is_lost_table(const struct image *m, uint64_t off)
{
	for (size_t i = 0; i < m->l1_entries.n; i++) {
		if ((get(m, m->l1_entries.v[i], 8) & OFFSET_MASK) == off)
			return false;
	}
	for (size_t i = 0; i < m->l2_tables.n; i++) {
		if (m->l2_tables.v[i] == off)
			return true;
	}
	return false;
}

/* Never at a table that another entry lost: the image then has one table that nothing refers to,
 * and one entry that leads nowhere, and nothing says that these two do not belong together. */
void break_l1_wild(struct image *m)
{
	uint64_t at = pick_place(m, &m->l1_entries), off = some_cluster(m);

	while (is_lost_table(m, off))
		off = some_cluster(m);
	point(m, "L1 entry", at, off);
}

void break_l1_shared(struct image *m)
{
	uint64_t at = pick_place(m, &m->l1_entries);

	change(m, "L1 entry", at, 8, get(m, pick_place(m, &m->l1_entries), 8));
}

void break_l1_unaligned(struct image *m)
{
	uint64_t at = pick_place(m, &m->l1_entries);

	if (m->cluster == 512)
		flip(m, "L1 entry", at, OFFSET_MASK);
	else
		point(m, "L1 entry", at, within(m, at));
}

void break_l1_reserved(struct image *m)
{
	flip(m, "L1 entry", pick_place(m, &m->l1_entries), L1_RESERVED);
}

void break_l1_copied(struct image *m)
{
	flip(m, "L1 entry", pick_place(m, &m->l1_entries), COPIED);
}

void break_l1_eof(struct image *m)
{
	point(m, "L1 entry", pick_place(m, &m->l1_entries), behind(m));
}

void break_l1_gone(struct image *m)
{
	zero(m, m->l1, m->l1_size * 8);
	say(m, "the L1 table is zeros");
}

void break_l1_noise(struct image *m)
{
	uint64_t at = pick_place(m, &m->l1_entries), n = 1 + pick(m, 4);

	scribble(m, at, n * 8);
	say(m, "noise over %llu L1 entries at 0x%llx", (unsigned long long)n,
	    (unsigned long long)at);
}

/* ---- L2 ---- */

void break_l2_zero(struct image *m)
{
	change(m, "L2 entry", pick_place(m, &m->entries), 8, 0);
}

void break_l2_wild(struct image *m)
{
	point(m, "L2 entry", pick_place(m, &m->entries), some_cluster(m));
}

void break_l2_shared(struct image *m)
{
	uint64_t at = pick_place(m, &m->entries);

	point(m, "L2 entry", at, get(m, pick_place(m, &m->entries), 8));
}

void break_l2_unaligned(struct image *m)
{
	uint64_t at = pick_place(m, &m->entries);

	if (m->cluster == 512)
		flip(m, "L2 entry", at, OFFSET_MASK);
	else
		point(m, "L2 entry", at, within(m, at));
}

void break_l2_reserved(struct image *m)
{
	flip(m, "L2 entry", pick_place(m, &m->entries), L2_RESERVED);
}

void break_l2_copied(struct image *m)
{
	flip(m, "L2 entry", pick_place(m, &m->entries), COPIED);
}

void break_l2_metadata(struct image *m)
{
	point(m, "L2 entry", pick_place(m, &m->entries), some_metadata(m));
}

void break_l2_eof(struct image *m)
{
	point(m, "L2 entry", pick_place(m, &m->entries), behind(m));
}

void break_l2_zero_flag(struct image *m)
{
	flip(m, "L2 entry", pick_place(m, &m->entries), 1);
}

void break_l2_gone(struct image *m)
{
	uint64_t at = pick_place(m, &m->l2_tables);

	zero(m, at, m->cluster);
	say(m, "the L2 table at 0x%llx is zeros", (unsigned long long)at);
}

/* As a write to the wrong place leaves it. */
void break_l2_noise(struct image *m)
{
	uint64_t at = pick_place(m, &m->l2_tables);

	scribble(m, at, m->cluster);
	say(m, "noise over the L2 table at 0x%llx", (unsigned long long)at);
}

void break_l2_sector(struct image *m)
{
	uint64_t at = pick_place(m, &m->entries);

	at -= at % 512;
	zero(m, at, 512);
	say(m, "zeros in the sector of an L2 table at 0x%llx", (unsigned long long)at);
}

/* ---- compressed ---- */

void break_packed_place(struct image *m)
{
	flip(m, "compressed cluster", pick_place(m, &m->packed), ~(COPIED | COMPRESSED));
}

void break_packed_copied(struct image *m)
{
	flip(m, "compressed cluster", pick_place(m, &m->packed), COPIED);
}

void break_packed_stream(struct image *m)
{
	unsigned bits = 0;
	uint64_t at;

	while (UINT64_C(1) << bits < m->cluster)
		bits++;
	at = get(m, pick_place(m, &m->packed), 8) & ((UINT64_C(1) << (70 - bits)) - 1);
	scribble(m, at, 16);
	say(m, "noise at the begin of the compressed data at 0x%llx",
	    (unsigned long long)at);
}

/* ---- subclusters ---- */

void break_extended_both(struct image *m)
{
	uint64_t at = pick_place(m, &m->entries), bit = pick(m, 32);

	change(m, "subclusters", at + 8, 8,
	       get(m, at + 8, 8) | UINT64_C(1) << bit | UINT64_C(1) << (bit + 32));
}

void break_extended_nowhere(struct image *m)
{
	change(m, "L2 entry", pick_place(m, &m->entries), 8, 0);
}

void break_extended_bit0(struct image *m)
{
	flip(m, "L2 entry", pick_place(m, &m->entries), 1);
}

/* ---- data files ---- */

void break_data_offset(struct image *m)
{
	uint64_t at = pick_place(m, &m->entries);

	point(m, "L2 entry", at, get(m, at, 8) + m->cluster * (1 + pick(m, 20)));
}
