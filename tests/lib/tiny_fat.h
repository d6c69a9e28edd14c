/* A FAT12 of 64 clusters of 512 bytes, with \EFI\BOOT\BOOTX64.EFI: as small as what firmware
 * starts can be. FAT at 1, root at 2 (16 entries), data at 3; \EFI in cluster 2, \EFI\BOOT in
 * 3, the program in 4.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TINY_FAT_H
#define TESTS_LIB_TINY_FAT_H

#include "base/view.h"

#include <string.h>

enum {
	TINY_SECTOR = 512,
	TINY_TABLE = TINY_SECTOR,
	TINY_ROOT = 2 * TINY_SECTOR,
	TINY_DATA = 3 * TINY_SECTOR,
	TINY_SECTORS = 67,
	TINY_SIZE = TINY_SECTORS * TINY_SECTOR,
};

static inline uint8_t *tiny_cluster(uint8_t *p, unsigned n)
{
	return p + TINY_DATA + (n - 2) * TINY_SECTOR;
}

static inline void tiny_put_next(uint8_t *p, unsigned n, unsigned next)
{
	p += TINY_TABLE + n * 3 / 2;
	if (n % 2) {
		p[0] = (uint8_t)((p[0] & 0xf) | next << 4);
		p[1] = (uint8_t)(next >> 4);
	} else {
		p[0] = (uint8_t)next;
		p[1] = (uint8_t)((p[1] & 0xf0) | next >> 8);
	}
}

static inline void tiny_put_entry(uint8_t *e, const char *name, bool dir, unsigned first,
				  uint32_t size)
{
	memset(e, 0, 32);
	memcpy(e, name, 11);
	e[11] = dir ? 0x10 : 0x20;
	put_le16(e + 26, (uint16_t)first);
	put_le32(e + 28, size);
}

/* TINY_SIZE bytes of zeros become one. */
static inline void tiny_fat(uint8_t *p)
{
	uint8_t *pe = tiny_cluster(p, 4);

	put_le16(p + 11, TINY_SECTOR);
	p[13] = 1;
	put_le16(p + 14, 1);
	p[16] = 1;
	put_le16(p + 17, 16);
	put_le16(p + 19, TINY_SECTORS);
	p[21] = 0xf8;
	put_le16(p + 22, 1);
	tiny_put_entry(p + TINY_ROOT, "EFI        ", true, 2, 0);
	tiny_put_entry(tiny_cluster(p, 2), "BOOT       ", true, 3, 0);
	tiny_put_entry(tiny_cluster(p, 3), "BOOTX64 EFI", false, 4, TINY_SECTOR);
	for (unsigned i = 2; i < 5; i++)
		tiny_put_next(p, i, 0xfff);
	memcpy(pe, "MZ", 2);
	pe[60] = 64;
	memcpy(pe + 64, "PE\0\0\x64\x86", 6);
	put_le16(pe + 64 + 24, 0x20b);
	put_le16(pe + 64 + 24 + 68, 10);
	put_le32(pe + 64 + 24 + 108, 16);
}

#endif
