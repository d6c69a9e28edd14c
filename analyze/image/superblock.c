/* Sizes and block sizes from superblocks. The documents: Microsoft's FAT and exFAT
 * specifications; linux/fs/{ext4,xfs,btrfs,f2fs,erofs,squashfs}, ntfs-3g's layout.h, Apple's
 * APFS reference and TN1150, cryptsetup's LUKS formats, lvm2's label.h, mkswap.
 *
 * A number that is out of its own bounds is not taken: an unknown size makes no finding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/superblock.h"

#include "analyze/image/image.h"
#include "base/banned.h"

static bool has(const struct superblock *s, size_t off, size_t len)
{
	return view_has(s->head, off, len);
}

/* The field at `off` says the size, `v` bytes in all. */
static void set_size(struct superblock *s, size_t off, size_t len, uint64_t v)
{
	s->fs->size = (struct field){
		.v = v,
		.at = { .src = s->image->src, .off = s->off + off, .len = len },
	};
}

/* count units of so many bytes each. */
static void set_blocks(struct superblock *s, size_t off, size_t len, uint64_t count,
		       uint64_t unit)
{
	uint64_t bytes;

	if (count != 0 && u64_mul(count, unit, &bytes))
		set_size(s, off, len, bytes);
}

static void set_label(struct superblock *s, size_t off, size_t len)
{
	if (has(s, off, len) && view_u8(s->head, off) != 0)
		s->fs->label = (struct span){ .src = s->image->src,
					      .off = s->off + off,
					      .len = len };
}

static bool plausible_block(uint64_t size, uint64_t most)
{
	return size >= 512 && size <= most && is_pow2(size);
}

static uint64_t shifted(uint64_t base, uint32_t shift)
{
	return shift < 32 ? base << shift : 0;
}

/* ---- Microsoft ---- */

enum {
	BPB_SECTOR_SIZE = 11,    /* u16 */
	BPB_SECTORS_16 = 19,     /* u16; 0: see the 32-bit one */
	BPB_HIDDEN = 28,         /* u32 */
	BPB_SECTORS_32 = 32,     /* u32 */
	BPB_FAT_SECTORS_16 = 22, /* u16; 0: FAT32, and the fields behind it move */
	FAT_EXTENDED = 38,       /* 29: the label is there */
	FAT_LABEL = 43,
	FAT32_EXTENDED = 66,
	FAT32_LABEL = 71,
	FAT_LABEL_SIZE = 11,
	NTFS_SECTORS = 40,           /* u64, without the backup boot sector behind them */
	EXFAT_PARTITION_OFFSET = 64, /* u64 */
	EXFAT_VOLUME_LENGTH = 72,    /* u64 */
	EXFAT_SECTOR_SHIFT = 108,    /* u8 */
};

static bool set_sector_size(struct superblock *s, uint64_t size)
{
	if (!plausible_block(size, 4096))
		return false;
	s->fs->sector_size = (uint32_t)size;
	return true;
}

static void set_hidden(struct superblock *s, size_t off, size_t len)
{
	s->fs->hidden = image_field(s->image, s->head, s->off, off, len);
}

static void fat_label(struct superblock *s)
{
	bool small = view_le16(s->head, BPB_FAT_SECTORS_16) != 0;
	size_t at = small ? FAT_LABEL : FAT32_LABEL;

	if (view_u8(s->head, small ? FAT_EXTENDED : FAT32_EXTENDED) == 0x29 &&
	    !view_eq(s->head, at, "NO NAME    ", FAT_LABEL_SIZE) &&
	    !view_eq(s->head, at, "           ", FAT_LABEL_SIZE))
		set_label(s, at, FAT_LABEL_SIZE);
}

void fat_read(struct superblock *s)
{
	uint32_t small;

	if (!has(s, 0, 512) || !set_sector_size(s, view_le16(s->head, BPB_SECTOR_SIZE)))
		return;
	set_hidden(s, BPB_HIDDEN, 4);
	fat_label(s);
	small = view_le16(s->head, BPB_SECTORS_16);
	if (small)
		set_blocks(s, BPB_SECTORS_16, 2, small, s->fs->sector_size);
	else
		set_blocks(s, BPB_SECTORS_32, 4, view_le32(s->head, BPB_SECTORS_32),
			   s->fs->sector_size);
}

void ntfs_read(struct superblock *s)
{
	uint64_t sectors;

	if (!has(s, 0, 512) || !set_sector_size(s, view_le16(s->head, BPB_SECTOR_SIZE)))
		return;
	set_hidden(s, BPB_HIDDEN, 4);
	if (u64_add(view_le64(s->head, NTFS_SECTORS), 1, &sectors))
		set_blocks(s, NTFS_SECTORS, 8, sectors, s->fs->sector_size);
}

void exfat_read(struct superblock *s)
{
	if (!has(s, 0, 512) ||
	    !set_sector_size(s, shifted(1, view_u8(s->head, EXFAT_SECTOR_SHIFT))))
		return;
	set_hidden(s, EXFAT_PARTITION_OFFSET, 8);
	set_blocks(s, EXFAT_VOLUME_LENGTH, 8, view_le64(s->head, EXFAT_VOLUME_LENGTH),
		   s->fs->sector_size);
}

/* ---- Linux ---- */

enum {
	EXT_SUPER = 1024,
	EXT_BLOCKS_LO = EXT_SUPER + 4,
	EXT_LOG_BLOCK = EXT_SUPER + 24,
	EXT_INCOMPAT = EXT_SUPER + 96,
	EXT_LABEL = EXT_SUPER + 120,
	EXT_BLOCKS_HI = EXT_SUPER + 336,
	EXT_INCOMPAT_JOURNAL_DEV = 0x8,
	EXT_INCOMPAT_64BIT = 0x80,
};

void ext_read(struct superblock *s)
{
	uint64_t block, blocks;
	uint32_t incompat;

	if (!has(s, EXT_SUPER, 1024))
		return;
	block = shifted(1024, view_le32(s->head, EXT_LOG_BLOCK));
	if (!plausible_block(block, 64 << 10))
		return;
	incompat = view_le32(s->head, EXT_INCOMPAT);
	blocks = view_le32(s->head, EXT_BLOCKS_LO);
	if (incompat & EXT_INCOMPAT_64BIT)
		blocks |= (uint64_t)view_le32(s->head, EXT_BLOCKS_HI) << 32;
	s->fs->block_size = (uint32_t)block;
	set_label(s, EXT_LABEL, 16);
	/* Linux: "bad block size" when a sector is larger than a block. */
	s->fs->sector_size = (uint32_t)block;
	if (!(incompat & EXT_INCOMPAT_JOURNAL_DEV))
		set_blocks(s, EXT_BLOCKS_LO, 4, blocks, block);
}

enum { XFS_BLOCK_SIZE = 4, XFS_DBLOCKS = 8, XFS_SECTOR_SIZE = 102, XFS_LABEL = 108 };

void xfs_read(struct superblock *s)
{
	uint32_t block;

	if (!has(s, 0, 512))
		return;
	block = view_be32(s->head, XFS_BLOCK_SIZE);
	if (!plausible_block(block, 64 << 10))
		return;
	s->fs->block_size = block;
	if (plausible_block(view_be16(s->head, XFS_SECTOR_SIZE), 32 << 10))
		s->fs->sector_size = view_be16(s->head, XFS_SECTOR_SIZE);
	set_label(s, XFS_LABEL, 12);
	set_blocks(s, XFS_DBLOCKS, 8, view_be64(s->head, XFS_DBLOCKS), block);
}

enum {
	/* from the superblock's begin, 64 bytes before the magic */
	BTRFS_MAGIC = 64,
	BTRFS_TOTAL = 112,
	BTRFS_NUM_DEVICES = 136,
	BTRFS_SECTOR_SIZE = 144,
	BTRFS_DEV_TOTAL = 201 + 8, /* dev_item.total_bytes: of this device */
	BTRFS_LABEL = 299,
};

void btrfs_read(struct superblock *s)
{
	size_t super = s->magic - BTRFS_MAGIC;

	if (!has(s, super, 1024))
		return;
	if (plausible_block(view_le32(s->head, super + BTRFS_SECTOR_SIZE), 64 << 10))
		s->fs->block_size = view_le32(s->head, super + BTRFS_SECTOR_SIZE);
	set_label(s, super + BTRFS_LABEL, 64);
	set_blocks(s, super + BTRFS_DEV_TOTAL, 8,
		   view_le64(s->head, super + BTRFS_DEV_TOTAL), 1);
}

enum { F2FS_BLOCK_SHIFT = 16, F2FS_BLOCK_COUNT = 36 };

void f2fs_read(struct superblock *s)
{
	uint64_t block;

	if (!has(s, s->magic, 64))
		return;
	block = shifted(1, view_le32(s->head, s->magic + F2FS_BLOCK_SHIFT));
	if (!plausible_block(block, 64 << 10))
		return;
	s->fs->block_size = (uint32_t)block;
	set_blocks(s, s->magic + F2FS_BLOCK_COUNT, 8,
		   view_le64(s->head, s->magic + F2FS_BLOCK_COUNT), block);
}

enum { EROFS_BLOCK_SHIFT = 12, EROFS_BLOCKS = 36 };

void erofs_read(struct superblock *s)
{
	uint64_t block;

	if (!has(s, s->magic, 64))
		return;
	block = shifted(1, view_u8(s->head, s->magic + EROFS_BLOCK_SHIFT));
	if (!plausible_block(block, 64 << 10))
		return;
	s->fs->block_size = (uint32_t)block;
	set_blocks(s, s->magic + EROFS_BLOCKS, 4,
		   view_le32(s->head, s->magic + EROFS_BLOCKS), block);
}

enum { SQUASHFS_BYTES_USED = 40 };

void squashfs_read(struct superblock *s)
{
	if (has(s, 0, 96))
		set_blocks(s, SQUASHFS_BYTES_USED, 8,
			   view_le64(s->head, SQUASHFS_BYTES_USED), 1);
}

enum { SWAP_VERSION = 1024, SWAP_LAST_PAGE = 1028, SWAP_LABEL = 1052, SWAP_PAGE = 4096 };

/* The magic ends the first page, whose size it tells that way. */
void swap_read(struct superblock *s)
{
	if (!has(s, 0, SWAP_PAGE) || view_le32(s->head, SWAP_VERSION) != 1)
		return;
	s->fs->block_size = SWAP_PAGE;
	set_label(s, SWAP_LABEL, 16);
	set_blocks(s, SWAP_LAST_PAGE, 4, (uint64_t)view_le32(s->head, SWAP_LAST_PAGE) + 1,
		   SWAP_PAGE);
}

enum {
	/* from the label sector's begin */
	LVM_PV_HEADER_OFFSET = 20, /* u32 */
	LVM_PV_SIZE = 32,          /* u64, within the PV header, behind its UUID */
};

void lvm_read(struct superblock *s)
{
	uint32_t header;

	if (!has(s, s->magic, 512))
		return;
	header = view_le32(s->head, s->magic + LVM_PV_HEADER_OFFSET);
	if (header > 512 - LVM_PV_SIZE - 8)
		return;
	set_blocks(s, s->magic + header + LVM_PV_SIZE, 8,
		   view_le64(s->head, s->magic + header + LVM_PV_SIZE), 1);
}

enum { MD_DATA_OFFSET = 128, MD_DATA_SIZE = 136 }; /* u64, sectors of 512 */

/* This member's part of the array, from its first sector on. */
void md_read(struct superblock *s)
{
	uint64_t sectors;

	if (has(s, s->magic, 256) &&
	    u64_add(view_le64(s->head, s->magic + MD_DATA_OFFSET),
		    view_le64(s->head, s->magic + MD_DATA_SIZE), &sectors))
		set_blocks(s, s->magic + MD_DATA_SIZE, 8, sectors, 512);
}

enum { LUKS2_LABEL = 24 };

/* LUKS1 does not know its own size, and LUKS2's segment is "dynamic" as a rule: its name
 * with the version is what there is to tell. */
void luks_read(struct superblock *s)
{
	if (!has(s, 0, 512))
		return;
	if (view_be16(s->head, 6) == 1)
		s->fs->name = "LUKS1";
	else if (view_be16(s->head, 6) == 2)
		s->fs->name = "LUKS2";
	if (view_be16(s->head, 6) == 2)
		set_label(s, LUKS2_LABEL, 48);
}

/* ---- Apple, and discs ---- */

enum { APFS_BLOCK_SIZE = 36, APFS_BLOCK_COUNT = 40 };

void apfs_read(struct superblock *s)
{
	uint32_t block;

	if (!has(s, 0, 64))
		return;
	block = view_le32(s->head, APFS_BLOCK_SIZE);
	if (!plausible_block(block, 64 << 10))
		return;
	s->fs->block_size = block;
	set_blocks(s, APFS_BLOCK_COUNT, 8, view_le64(s->head, APFS_BLOCK_COUNT), block);
}

enum { HFS_BLOCK_SIZE = 40, HFS_TOTAL_BLOCKS = 44 };

void hfs_read(struct superblock *s)
{
	uint32_t block;

	if (!has(s, s->magic, 64))
		return;
	block = view_be32(s->head, s->magic + HFS_BLOCK_SIZE);
	if (!plausible_block(block, 1 << 20))
		return;
	s->fs->block_size = block;
	set_blocks(s, s->magic + HFS_TOTAL_BLOCKS, 4,
		   view_be32(s->head, s->magic + HFS_TOTAL_BLOCKS), block);
}

enum { ISO_BLOCK = 2048, ISO_VOLUME_SPACE = 80 };

void iso_read(struct superblock *s)
{
	size_t super = s->magic - 1;

	if (!has(s, super, ISO_BLOCK) || view_u8(s->head, super) != 1)
		return;
	s->fs->block_size = ISO_BLOCK;
	set_blocks(s, super + ISO_VOLUME_SPACE, 4,
		   view_le32(s->head, super + ISO_VOLUME_SPACE), ISO_BLOCK);
}
