/* Breaks of snapshots, bitmaps, encryption and the data file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"

#include "base/banned.h"

/* ---- snapshots ---- */

static uint64_t some_snapshot(struct image *m)
{
	uint64_t n = m->nsnapshots < SNAPSHOTS_MAX ? m->nsnapshots : SNAPSHOTS_MAX;

	return m->snapshot[pick(m, n)];
}

/* A place that is none for a table. */
static uint64_t elsewhere(struct image *m, uint64_t was)
{
	switch (pick(m, 4)) {
	case 0:
		return 0;
	case 1:
		return was + ((uint64_t)8 << pick(m, 6));
	case 2:
		return some_cluster(m);
	default:
		return (m->size / m->cluster + pick(m, 1000)) * m->cluster;
	}
}

void break_snapshots_offset(struct image *m)
{
	change(m, "snapshot table offset", 64, 8, elsewhere(m, m->snapshots));
}

void break_snapshots_none(struct image *m)
{
	change(m, "number of snapshots", 60, 4, 0);
}

void break_snapshots_more(struct image *m)
{
	const uint64_t counts[] = { m->nsnapshots + 1, m->nsnapshots - 1,
				    m->nsnapshots + 1 + pick(m, 100), 65537 };

	change(m, "number of snapshots", 60, 4, counts[pick(m, 4)]);
}

void break_snapshot_l1(struct image *m)
{
	uint64_t at = some_snapshot(m);

	if (pick(m, 5) == 0)
		change(m, "L1 offset of a snapshot", at, 8, m->l1);
	else
		change(m, "L1 offset of a snapshot", at, 8, elsewhere(m, get(m, at, 8)));
}

void break_snapshot_sizes(struct image *m)
{
	static const struct {
		unsigned at, bytes;
		const char *what;
	} sizes[] = {
		{ 8, 4, "L1 size of a snapshot" },
		{ 12, 2, "id size of a snapshot" },
		{ 14, 2, "name size of a snapshot" },
		{ 36, 4, "extra size of a snapshot" },
		{ 48, 8, "disk size of a snapshot" },
	};
	uint64_t at = some_snapshot(m), i = pick(m, 5), v;

	v = get(m, at + sizes[i].at, sizes[i].bytes);
	v = pick(m, 2) ? v ^ UINT64_C(1) << pick(m, 8 * sizes[i].bytes) : 0;
	change(m, sizes[i].what, at + sizes[i].at, sizes[i].bytes, v);
}

void break_snapshots_gone(struct image *m)
{
	if (pick(m, 2)) {
		zero(m, m->snapshots, m->cluster);
		say(m, "the snapshot table is zeros");
	} else {
		scribble(m, m->snapshots, m->cluster);
		say(m, "noise over the snapshot table");
	}
}

void break_snapshot_l1_zero(struct image *m)
{
	change(m, "L1 entry of a snapshot", pick_place(m, &m->snapshot_l1_entries), 8, 0);
}

void break_snapshot_l1_bits(struct image *m)
{
	uint64_t at = pick_place(m, &m->snapshot_l1_entries);

	change(m, "L1 entry of a snapshot", at, 8,
	       get(m, at, 8) ^ UINT64_C(1) << pick(m, 64));
}

/* ---- bitmaps ---- */

/* The extension: number 4, reserved 4, size of the directory 8, its offset 8. */
void break_bitmaps_extension(struct image *m)
{
	static const unsigned at[] = { 0, 4, 8, 16 }, bytes[] = { 4, 4, 8, 8 };
	uint64_t i = pick(m, 4), v = get(m, m->bitmaps + at[i], bytes[i]);
	uint64_t others[] = { 0, v + 1, v ^ UINT64_C(1) << pick(m, 8 * bytes[i]) };

	change(m, "bitmaps extension", m->bitmaps + at[i], bytes[i], others[pick(m, 3)]);
}

void break_bitmaps_directory(struct image *m)
{
	uint64_t at = get(m, m->bitmaps + 16, 8) + pick(m, 24);

	change(m, "bitmap directory", at, 1, get(m, at, 1) ^ UINT64_C(1) << pick(m, 8));
}

void break_bitmap_table(struct image *m)
{
	uint64_t dir = get(m, m->bitmaps + 16, 8), n = get(m, dir + 8, 4);
	uint64_t at = get(m, dir, 8) + 8 * pick(m, n), v;

	switch (pick(m, 4)) {
	case 0:
		v = some_cluster(m);
		break;
	case 1:
		v = (m->size / m->cluster + pick(m, 1000)) * m->cluster;
		break;
	case 2:
		v = get(m, at, 8) + 512;
		break;
	default:
		v = get(m, at, 8) ^ UINT64_C(1) << pick(m, 64);
	}
	change(m, "bitmap table entry", at, 8, v);
}

void break_bitmap_in_use(struct image *m)
{
	uint64_t at = get(m, m->bitmaps + 16, 8) + 12;

	change(m, "bitmap flags", at, 4, get(m, at, 4) ^ UINT64_C(1) << pick(m, 32));
}

void break_bitmaps_bit(struct image *m)
{
	change(m, "autoclear bits", 88, 8, get(m, 88, 8) & ~UINT64_C(1));
}

/* ---- encryption, and the data file ---- */

void break_luks_extension(struct image *m)
{
	uint64_t at = m->luks + 8 * pick(m, 2), v = get(m, at, 8);
	uint64_t others[] = { 0, v + 512, v ^ UINT64_C(1) << pick(m, 64) };

	change(m, "encryption header", at, 8, others[pick(m, 3)]);
}

void break_luks_header(struct image *m)
{
	uint64_t at = get(m, m->luks, 8);

	zero(m, at, 512);
	say(m, "zeros over the first sector of the LUKS header");
}

void break_data_name(struct image *m)
{
	switch (pick(m, 3)) {
	case 0:
		change(m, "extension type", m->data_name - 8, 4, 0x12345678);
		break;
	case 1:
		change(m, "data file name", m->data_name, 1, 'X');
		break;
	case 2:
		change(m, "length of the data file name", m->data_name - 4, 4, 0);
		break;
	}
}
