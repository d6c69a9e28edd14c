/* Disks in memory for tests of analyze/image: partition sectors and GPTs laid down byte
 * by byte, and checksums by a bitwise CRC, so that our readers are not tested with
 * themselves. Whoever asks for a sector that is not there gets a BUG().
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_PLATTER_H
#define TESTS_LIB_PLATTER_H

#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "analyze/source.h"

#include <stdlib.h>

struct platter {
	uint8_t *p;
	uint64_t size;
	uint32_t ss;

	/* What a reader sees; valid after platter_image(). */
	struct source src;
	struct image img;
	struct arena arena;
};

static inline void platter_init(struct platter *d, uint64_t size, uint32_t ss)
{
	*d = (struct platter){ .p = calloc(1, size), .size = size, .ss = ss };
	BUG_ON(!d->p);
	arena_init(&d->arena, ARENA_BUDGET);
}

static inline void platter_free(struct platter *d)
{
	arena_free(&d->arena);
	free(d->p);
	*d = (struct platter){ 0 };
}

/* Forgets what was read, so that a loop does not fill the arena. */
static inline void platter_reset(struct platter *d)
{
	arena_free(&d->arena);
}

/* A larger disk with the same bytes in front (size may also be smaller). */
static inline void platter_resize(struct platter *d, uint64_t size)
{
	d->p = realloc(d->p, size);
	BUG_ON(!d->p);
	if (size > d->size)
		memset(d->p + d->size, 0, size - d->size);
	d->size = size;
}

static inline void platter_image(struct platter *d)
{
	d->src = source_of_bytes("disk", (struct view){ d->p, d->size });
	d->img = (struct image){ .src = &d->src, .size = d->size };
}

static inline uint64_t platter_sectors(const struct platter *d)
{
	return d->size / d->ss;
}

static inline uint8_t *platter_lba(struct platter *d, uint64_t lba)
{
	BUG_ON((lba + 1) * d->ss > d->size);
	return d->p + lba * d->ss;
}

/* ---- MBR ---- */

static inline void platter_put_entry(uint8_t *sector, unsigned slot, uint8_t type,
				     uint32_t lba, uint32_t sectors)
{
	uint8_t *p = sector + 446 + 16 * slot;

	p[4] = type;
	put_le32(p + 8, lba);
	put_le32(p + 12, sectors);
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

static inline void platter_put_protective(struct platter *d)
{
	uint64_t n = platter_sectors(d) - 1;

	platter_put_entry(d->p, 0, 0xee, 1, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n);
	memcpy(d->p + 447, "\x00\x02\x00", 3);
	memcpy(d->p + 451, "\xff\xff\xff", 3);
}

/* ---- GPT ---- */

static inline uint32_t platter_crc(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static inline uint32_t platter_le32(const uint8_t *p)
{
	return view_le32((struct view){ p, 4 }, 0);
}

static inline uint64_t platter_le64(const uint8_t *p)
{
	return view_le64((struct view){ p, 8 }, 0);
}

/* Puts both CRCs of the header at p right, of the array where it says it is. */
static inline void platter_seal(struct platter *d, uint8_t *h)
{
	uint64_t at = platter_le64(h + 72) * d->ss;
	size_t n = (size_t)platter_le32(h + 80) * platter_le32(h + 84);

	if (at <= d->size && n <= d->size - at)
		put_le32(h + 88, platter_crc(d->p + at, n));
	put_le32(h + 16, 0);
	put_le32(h + 16, platter_crc(h, platter_le32(h + 12)));
}

/* The same for whatever stands at lba, when it can be a header; it then says so itself. */
static inline void platter_seal_if_header(struct platter *d, uint64_t lba)
{
	if (lba >= platter_sectors(d))
		return;
	put_le64(platter_lba(d, lba) + 24, lba);
	if (platter_le32(platter_lba(d, lba) + 12) <= d->ss)
		platter_seal(d, platter_lba(d, lba));
}

static inline uint8_t *platter_primary(struct platter *d)
{
	return platter_lba(d, 1);
}

static inline uint8_t *platter_backup(struct platter *d)
{
	return platter_lba(d, platter_sectors(d) - 1);
}

static inline uint64_t platter_array_sectors(const struct platter *d)
{
	return (16384 + d->ss - 1) / d->ss;
}

static inline void platter_put_header(struct platter *d, uint64_t lba, uint64_t alternate,
				      uint64_t entries)
{
	uint8_t *h = platter_lba(d, lba);
	uint64_t array = platter_array_sectors(d);

	memcpy(h, "EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00", 16);
	put_le64(h + 24, lba);
	put_le64(h + 32, alternate);
	put_le64(h + 40, 2 + array);
	put_le64(h + 48, platter_sectors(d) - 2 - array);
	memcpy(h + 56, "disk-guid-000001", 16);
	put_le64(h + 72, entries);
	put_le32(h + 80, 128);
	put_le32(h + 84, 128);
}

/* Partition n (from 1) of the array at entries. type: the first byte of its GUID. */
static inline void platter_put_partition(struct platter *d, uint64_t entries, unsigned n,
					 uint64_t first, uint64_t last, const char *name)
{
	uint8_t *p = platter_lba(d, entries) + (n - 1) * 128;

	memcpy(p, "\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4", 16);
	memcpy(p + 16, "part-guid-00000", 15);
	p[31] = (uint8_t)n;
	put_le64(p + 32, first);
	put_le64(p + 40, last);
	for (size_t i = 0; name[i]; i++)
		put_le16(p + 56 + 2 * i, (uint8_t)name[i]);
}

/* A protective MBR and both copies, with two partitions when there is room. */
static inline void platter_put_gpt(struct platter *d)
{
	uint64_t array = platter_array_sectors(d), last = platter_sectors(d) - 1;
	uint64_t arrays[] = { 2, last - array };
	uint64_t first = 2 + array, middle = (first + last - array) / 2;

	platter_put_protective(d);
	for (int i = 0; i < 2; i++) {
		platter_put_partition(d, arrays[i], 1, first, middle - 1, "boot");
		platter_put_partition(d, arrays[i], 2, middle, last - array - 1, "root");
	}
	platter_put_header(d, 1, last, arrays[0]);
	platter_put_header(d, last, 1, arrays[1]);
	platter_seal(d, platter_primary(d));
	platter_seal(d, platter_backup(d));
}

#endif
