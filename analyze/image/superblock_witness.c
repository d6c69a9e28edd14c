/* A magic alone may be a spare superblock, or what an earlier use of the disk has left. Where
 * a format tells which copy it is, or points at something that must look in a certain way,
 * that is asked here. The documents are those of superblock.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/superblock.h"

#include "analyze/image/image.h"
#include "analyze/source.h"
#include "base/crc32.h"
#include "base/banned.h"

enum { SECTOR = 512 };

static bool has(const struct superblock *s, size_t off, size_t len)
{
	return view_has(s->head, off, len);
}

/* n bytes (at most SECTOR) of the file system, `at` bytes behind its first one. */
static bool look(const struct superblock *s, uint64_t at, uint8_t *buf, size_t n)
{
	struct err ignored;
	uint64_t off;

	return u64_add(s->off, at, &off) && range_within(off, n, s->image->size) &&
	       source_read(s->image->src, off, buf, n, &ignored) == 0;
}

static bool stands_at(const struct superblock *s, uint64_t at, const void *bytes,
		      size_t n)
{
	uint8_t buf[SECTOR];

	return n <= sizeof(buf) && look(s, at, buf, n) && memcmp(buf, bytes, n) == 0;
}

/* ---- Microsoft ---- */

/* The first entry of a FAT repeats the media byte, and is all ones else. */
static const char *fat_witness(const struct superblock *s)
{
	uint64_t at = (uint64_t)view_le16(s->head, 14) * view_le16(s->head, 11);
	uint8_t entry[2];

	if (!look(s, at, entry, sizeof(entry)) || entry[0] != view_u8(s->head, 21) ||
	    entry[1] != 0xff)
		return "no file allocation table stands where its boot sector says";
	return NULL;
}

static const char *exfat_witness(const struct superblock *s)
{
	static const uint8_t first[] = { 0xf8, 0xff, 0xff, 0xff };
	uint8_t shift = view_u8(s->head, 108);

	if (shift < 9 || shift > 12 ||
	    !stands_at(s, (uint64_t)view_le32(s->head, 80) << shift, first,
		       sizeof(first)))
		return "no file allocation table stands where its boot sector says";
	return NULL;
}

/* The boot sector's spare copy stands in the last sector; from there, no MFT is found. */
static const char *ntfs_witness(const struct superblock *s)
{
	uint32_t per_cluster = view_u8(s->head, 13);
	uint64_t at;

	if (per_cluster > 0x80)
		per_cluster = 0x100 - per_cluster < 32 ? 1u << (0x100 - per_cluster) : 0;
	if (!u64_mul(view_le64(s->head, 48),
		     (uint64_t)per_cluster * view_le16(s->head, 11), &at) ||
	    at == 0 || !stands_at(s, at, "FILE", 4))
		return "no master file table stands where its boot sector says";
	return NULL;
}

/* ---- Linux ---- */

enum {
	EXT = 1024,
	EXT_INODES = EXT,
	EXT_BLOCKS = EXT + 4,
	EXT_FIRST_BLOCK = EXT + 20,
	EXT_PER_GROUP = EXT + 32,
	EXT_INODES_PER_GROUP = EXT + 40,
	EXT_INCOMPAT = EXT + 96,
	EXT_BLOCKS_HI = EXT + 336,
	EXT_GROUP = EXT + 90,
	EXT_64BIT = 0x80,
	EXT_JOURNAL_DEV = 0x8,
};

static const char *ext_witness(const struct superblock *s)
{
	uint64_t blocks = view_le32(s->head, EXT_BLOCKS), groups;
	uint32_t per_group = view_le32(s->head, EXT_PER_GROUP);
	uint32_t first = view_le32(s->head, EXT_FIRST_BLOCK);

	if (view_le16(s->head, EXT_GROUP) != 0)
		return "it is the spare superblock of a later block group";
	if (view_le32(s->head, EXT_INCOMPAT) & EXT_JOURNAL_DEV)
		return NULL;
	if (view_le32(s->head, EXT_INCOMPAT) & EXT_64BIT)
		blocks |= (uint64_t)view_le32(s->head, EXT_BLOCKS_HI) << 32;
	if (per_group == 0 || first > 1 || blocks <= first)
		return "its numbers of blocks contradict each other";
	groups = div_up(blocks - first, per_group);
	if (groups > UINT32_MAX || groups * view_le32(s->head, EXT_INODES_PER_GROUP) !=
					   view_le32(s->head, EXT_INODES))
		return "its numbers of inodes and block groups contradict each other";
	return NULL;
}

/* Each allocation group begins with a superblock, and goes on with a header that knows the
 * group's number. */
static const char *xfs_witness(const struct superblock *s)
{
	uint16_t sector = view_be16(s->head, 102);

	if (sector < SECTOR || !has(s, sector, 12) ||
	    !view_eq(s->head, sector, "XAGF", 4))
		return "no allocation group begins with it";
	return view_be32(s->head, (size_t)sector + 8) == 0
		       ? NULL
		       : "it is the spare superblock of a later allocation group";
}

static const char *btrfs_witness(const struct superblock *s)
{
	enum { MAGIC = 64, BYTENR = 48 };
	size_t super = s->magic - MAGIC;

	return has(s, super, MAGIC) && view_le64(s->head, super + BYTENR) == super
		       ? NULL
		       : "it is one of the spare superblocks";
}

static const char *swap_witness(const struct superblock *s)
{
	enum { VERSION = 1024, BAD_PAGES = 1032, PADDING = 1068, END = 1536 };

	if (!has(s, 0, END) || view_le32(s->head, VERSION) != 1 ||
	    view_le32(s->head, BAD_PAGES) > 637 ||
	    !view_is_zero(view_cut(s->head, PADDING, END - PADDING)))
		return "its header is not as mkswap writes it";
	return NULL;
}

/* The label's sum: CRC-32 from another start, and without the last complement. */
static const char *lvm_witness(const struct superblock *s)
{
	enum { SECTOR_NUMBER = 8, SUM = 16, SUMMED = 20 };
	static const uint32_t start = 0xf597a6cf;
	uint32_t crc;

	if (!has(s, s->magic, SECTOR) ||
	    view_le64(s->head, s->magic + SECTOR_NUMBER) != s->magic / SECTOR)
		return "its label says that it belongs elsewhere";
	crc = ~crc32_more(~start, view_cut(s->head, s->magic + SUMMED, SECTOR - SUMMED));
	return crc == view_le32(s->head, s->magic + SUM)
		       ? NULL
		       : "its label has a wrong checksum";
}

static const char *md_witness(const struct superblock *s)
{
	enum { SUPER_OFFSET = 144 };

	return has(s, s->magic, 256) && view_le64(s->head, s->magic + SUPER_OFFSET) ==
						s->magic / SECTOR
		       ? NULL
		       : "its superblock says that it belongs elsewhere";
}

/* LUKS1 has eight key slots, each on or off. LUKS2 says where its header stands. */
static const char *luks_witness(const struct superblock *s)
{
	enum { VERSION = 6, SLOT1 = 208, SLOT_SIZE = 48, SLOTS1 = 8, OFFSET2 = 256 };

	if (!has(s, 0, 1024))
		return "it is cut off";
	if (view_be16(s->head, VERSION) == 2)
		return view_be64(s->head, OFFSET2) == 0 ? NULL : "it is the spare header";
	if (view_be16(s->head, VERSION) != 1)
		return "its version is neither 1 nor 2";
	for (size_t i = 0; i < SLOTS1; i++) {
		uint32_t state = view_be32(s->head, SLOT1 + i * SLOT_SIZE);

		if (state != 0x00ac71f3 && state != 0x0000dead)
			return "its key slots are damaged";
	}
	return NULL;
}

/* ---- Apple ---- */

static const char *hfs_witness(const struct superblock *s)
{
	uint64_t size = s->fs->size.v;

	return size >= 2048 && (stands_at(s, size - 1024, "H+", 2) ||
				stands_at(s, size - 1024, "HX", 2))
		       ? NULL
		       : "no spare volume header stands at its end";
}

/* ---- what stands far away ---- */

/* The second FAT. */
static bool fat_far(const struct superblock *s)
{
	uint64_t sectors = view_le16(s->head, 22);
	uint8_t entry[2];

	if (view_u8(s->head, 16) != 2)
		return true;
	if (sectors == 0)
		sectors = view_le32(s->head, 36);
	sectors += view_le16(s->head, 14);
	return look(s, sectors * view_le16(s->head, 11), entry, sizeof(entry)) &&
	       entry[0] == view_u8(s->head, 21) && entry[1] == 0xff;
}

/* The boot sector's spare copy, in the last sector. */
static bool ntfs_far(const struct superblock *s)
{
	uint64_t size = s->fs->size.v, sector = view_le16(s->head, 11);

	return size > sector && stands_at(s, size - sector + 3, "NTFS    ", 8);
}

/* Block group 1 has a spare superblock, if there is such a group. */
static bool ext_far(const struct superblock *s)
{
	enum { COMPAT = EXT + 92, LOG_BLOCK = EXT + 24, MAGIC = 56, SPARSE2 = 0x200 };
	uint64_t first = view_le32(s->head, EXT_FIRST_BLOCK);
	uint64_t block = first + view_le32(s->head, EXT_PER_GROUP);
	uint64_t size = UINT64_C(1024) << view_le32(s->head, LOG_BLOCK);

	return view_le32(s->head, COMPAT) & SPARSE2 ||
	       block * size + 1024 > s->fs->size.v ||
	       stands_at(s, block * size + MAGIC, "\x53\xef", 2);
}

/* The superblock of the last allocation group. */
static bool xfs_far(const struct superblock *s)
{
	uint64_t groups = view_be32(s->head, 88), blocks = view_be32(s->head, 84), at;

	return groups < 2 ||
	       (u64_mul((groups - 1) * blocks, view_be32(s->head, 4), &at) &&
		stands_at(s, at, "XFSB", 4));
}

/* The first spare copy. */
static bool btrfs_far(const struct superblock *s)
{
	enum { SPARE = 64 << 20, MAGIC = 64 };

	return s->fs->size.v < SPARE + 4096 || stands_at(s, SPARE + MAGIC, "_BHRfS_M", 8);
}

/* ---- all ---- */

static const struct {
	const char *name;
	const char *(*ask)(const struct superblock *s);
	bool (*far)(const struct superblock *s);
} witnesses[] = {
	{ "FAT", fat_witness, fat_far },    { "exFAT", exfat_witness, NULL },
	{ "NTFS", ntfs_witness, ntfs_far }, { "ext", ext_witness, ext_far },
	{ "XFS", xfs_witness, xfs_far },    { "btrfs", btrfs_witness, btrfs_far },
	{ "swap", swap_witness, NULL },     { "LVM2 PV", lvm_witness, NULL },
	{ "md RAID", md_witness, NULL },    { "LUKS", luks_witness, NULL },
	{ "LUKS1", luks_witness, NULL },    { "LUKS2", luks_witness, NULL },
	{ "HFS+", hfs_witness, NULL },
};

const char *superblock_refuted(const struct superblock *s)
{
	if (!has(s, 0, 2048))
		return "it is cut off";
	for (size_t i = 0; i < sizeof(witnesses) / sizeof(witnesses[0]); i++) {
		if (strcmp(witnesses[i].name, s->fs->name) == 0)
			return witnesses[i].ask(s);
	}
	return NULL;
}

bool superblock_backed(const struct superblock *s)
{
	for (size_t i = 0; i < sizeof(witnesses) / sizeof(witnesses[0]); i++) {
		if (strcmp(witnesses[i].name, s->fs->name) == 0)
			return !witnesses[i].far || !s->fs->size.at.len ||
			       witnesses[i].far(s);
	}
	return true;
}
