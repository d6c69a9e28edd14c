/* An ISO 9660 image in memory, as small as one can be that has a directory, a boot catalog with a
 * program for a BIOS and a FAT for UEFI, and two more files; laid down byte by byte.
 * ECMA-119; "El Torito" 1.0.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SMALL_ISO_H
#define TESTS_LIB_SMALL_ISO_H

#include "analyze/source.h"
#include "tests/lib/tiny_fat.h"

#include <stdlib.h>
#include <string.h>

enum {
	CD_BLOCK = 2048,
	/* blocks, by what is in them */
	CD_PRIMARY = 16,
	CD_BOOT_RECORD,
	CD_END,
	CD_PATHS_L,
	CD_PATHS_M,
	CD_ROOT,
	CD_DIR,
	CD_CATALOG,
	CD_PROGRAM,
	CD_TEXT = CD_PROGRAM + 2,
	CD_DEEP,
	CD_FAT,
	CD_FREE = CD_FAT + 17,
	CD_BLOCKS = 64,

	CD_PROGRAM_SIZE = 3000,
	CD_PATHS_SIZE = 22,
	/* where records are in the root, each of so many bytes */
	CD_SELF = 0,
	CD_PARENT = 34,
	CD_RECORD_DIR = 68,
	CD_RECORD_CATALOG = 104,
	CD_RECORD_PROGRAM = 142,
	CD_RECORD_TEXT = 180,
	CD_RECORD_FAT = 214,
	CD_EXTENT = 2,
	CD_SIZE = 10,
};

struct cd {
	uint8_t p[CD_BLOCKS * CD_BLOCK];
	size_t n;
};

static inline uint8_t *cd_at(struct cd *c, unsigned block, size_t off)
{
	return c->p + (size_t)block * CD_BLOCK + off;
}

static inline void cd_both32(uint8_t *p, uint32_t v)
{
	put_le32(p, v);
	put_be32(p + 4, v);
}

static inline void cd_both16(uint8_t *p, uint16_t v)
{
	put_le16(p, v);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline uint8_t *cd_record(uint8_t *p, uint32_t lba, uint32_t size,
				 const char *name, size_t n)
{
	p[0] = (uint8_t)(33 + n + (n % 2 == 0));
	cd_both32(p + CD_EXTENT, lba);
	cd_both32(p + CD_SIZE, size);
	cd_both16(p + 28, 1);
	p[32] = (uint8_t)n;
	memcpy(p + 33, name, n);
	return p + p[0];
}

static inline uint8_t *cd_dir(uint8_t *p, uint32_t lba, const char *name, size_t n)
{
	uint8_t *next = cd_record(p, lba, CD_BLOCK, name, n);

	p[25] = 2;
	return next;
}

static inline void cd_put_trees(struct cd *c)
{
	uint8_t *p = cd_at(c, CD_ROOT, 0);

	p = cd_dir(p, CD_ROOT, "", 1);
	p = cd_dir(p, CD_ROOT, "\1", 1);
	p = cd_dir(p, CD_DIR, "DIR", 3);
	p = cd_record(p, CD_CATALOG, CD_BLOCK, "CATS", 4);
	p = cd_record(p, CD_PROGRAM, CD_PROGRAM_SIZE, "BIOS", 4);
	p = cd_record(p, CD_TEXT, 100, "T", 1);
	cd_record(p, CD_FAT, TINY_SIZE, "F", 1);
	p = cd_at(c, CD_DIR, 0);
	p = cd_dir(p, CD_DIR, "", 1);
	p = cd_dir(p, CD_ROOT, "\1", 1);
	cd_record(p, CD_DEEP, 10, "D", 1);
}

static inline void cd_put_paths(struct cd *c, unsigned block, bool big)
{
	uint8_t *p = cd_at(c, block, 0);

	p[0] = 1;
	p[10] = 3;
	memcpy(p + 18, "DIR", 3);
	if (big) {
		put_be32(p + 2, CD_ROOT);
		put_be32(p + 12, CD_DIR);
		p[7] = p[17] = 1;
	} else {
		put_le32(p + 2, CD_ROOT);
		put_le32(p + 12, CD_DIR);
		p[6] = p[16] = 1;
	}
}

static inline void cd_put_volume(struct cd *c, unsigned block)
{
	uint8_t *p = cd_at(c, block, 0);

	memcpy(p, "\1CD001\1", 7);
	memset(p + 8, ' ', 64);
	memcpy(p + 40, "SMALL", 5);
	cd_both32(p + 80, CD_BLOCKS);
	cd_both16(p + 120, 1);
	cd_both16(p + 124, 1);
	cd_both16(p + 128, CD_BLOCK);
	cd_both32(p + 132, CD_PATHS_SIZE);
	put_le32(p + 140, CD_PATHS_L);
	put_be32(p + 148, CD_PATHS_M);
	cd_dir(p + 156, CD_ROOT, "", 1);
}

/* The sum of the validation entry, as it must be. */
static inline void cd_seal(struct cd *c)
{
	uint8_t *p = cd_at(c, CD_CATALOG, 0);
	uint16_t sum = 0;

	put_le16(p + 28, 0);
	for (size_t i = 0; i < 32; i += 2)
		sum = (uint16_t)(sum + (p[i] | p[i + 1] << 8));
	put_le16(p + 28, (uint16_t)-sum);
}

static inline void cd_put_entry(uint8_t *p, uint16_t count, uint32_t lba)
{
	p[0] = 0x88;
	put_le16(p + 6, count);
	put_le32(p + 8, lba);
}

static inline void cd_put_catalog(struct cd *c)
{
	uint8_t *p = cd_at(c, CD_CATALOG, 0);

	p[0] = 1;
	p[30] = 0x55;
	p[31] = 0xaa;
	cd_seal(c);
	cd_put_entry(p + 32, 4, CD_PROGRAM);
	p[64] = 0x91;
	p[65] = 0xef;
	p[66] = 1;
	cd_put_entry(p + 96, TINY_SECTORS, CD_FAT);
	p = cd_at(c, CD_BOOT_RECORD, 0);
	memcpy(p + 1, "CD001\1EL TORITO SPECIFICATION", 29);
	put_le32(p + 71, CD_CATALOG);
}

/* What mkisofs -boot-info-table writes. */
static inline void cd_seal_program(struct cd *c, unsigned block)
{
	uint8_t *p = cd_at(c, block, 0);
	struct view v = { p, CD_PROGRAM_SIZE };
	uint32_t sum = 0;

	for (size_t i = 64; i < CD_PROGRAM_SIZE; i += 4)
		sum += view_le32(v, i);
	put_le32(p + 8, CD_PRIMARY);
	put_le32(p + 12, block);
	put_le32(p + 16, CD_PROGRAM_SIZE);
	put_le32(p + 20, sum);
}

static inline void cd_init(struct cd *c)
{
	memset(c, 0, sizeof(*c));
	c->n = sizeof(c->p);
	cd_put_volume(c, CD_PRIMARY);
	cd_put_trees(c);
	cd_put_paths(c, CD_PATHS_L, false);
	cd_put_paths(c, CD_PATHS_M, true);
	memcpy(cd_at(c, CD_END, 0), "\377CD001\1", 7);
	cd_put_catalog(c);
	memset(cd_at(c, CD_PROGRAM, 64), 7, CD_PROGRAM_SIZE - 64);
	memcpy(cd_at(c, CD_PROGRAM, 64), "ISOLINUX 6", 10);
	cd_seal_program(c, CD_PROGRAM);
	memcpy(cd_at(c, CD_TEXT, 0), "text", 4);
	memcpy(cd_at(c, CD_DEEP, 0), "deep", 4);
	tiny_fat(cd_at(c, CD_FAT, 0));
}

#endif
