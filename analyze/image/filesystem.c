/* What may begin with a disk's first byte instead of a partition table: magics of file
 * systems and of what they are stacked on, as their own documentation gives them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "base/banned.h"

struct magic {
	const char *name;
	size_t off;
	const char *bytes;
	size_t n;
	/* More than the magic, where that is short enough to stand there by chance. */
	bool (*check)(struct view head);
};

enum { FAT_OFF_BPB = 11, FAT_BPB_SIZE = 25 };

/* The BIOS parameter block of FAT12 to FAT32. Whether a jump stands before it does not
 * matter: Linux mounts it without. */
static bool fat_check(struct view head)
{
	uint16_t sector_size;
	uint8_t cluster, fats, media;

	if (!view_has(head, 0, 512))
		return false;
	sector_size = view_le16(head, 11);
	cluster = view_u8(head, 13);
	fats = view_u8(head, 16);
	media = view_u8(head, 21);
	return sector_size >= 512 && sector_size <= 4096 && is_pow2(sector_size) &&
	       is_pow2(cluster) && view_le16(head, 14) != 0 && (fats == 1 || fats == 2) &&
	       (media == 0xf0 || media >= 0xf8) &&
	       (view_le16(head, 19) != 0 || view_le32(head, 32) != 0) &&
	       (view_le16(head, 22) != 0 || view_le32(head, 36) != 0);
}

/* Inodes and blocks there are some, a block is 1 to 64 KiB, a revision that exists. */
static bool ext_check(struct view head)
{
	return view_has(head, 1024, 264) && view_le32(head, 1024) != 0 &&
	       view_le32(head, 1028) != 0 && view_le32(head, 1048) <= 6 &&
	       view_le32(head, 1100) <= 1;
}

static bool hfs_check(struct view head)
{
	uint32_t block;

	if (!view_has(head, 1024, 512))
		return false;
	block = view_be32(head, 1024 + 40);
	return block >= 512 && is_pow2(block);
}

static bool nilfs_check(struct view head)
{
	return view_has(head, 1024, 1024) && view_le32(head, 1024) == 2;
}

#define MAGIC_AND(name, off, bytes, fn) { name, off, bytes, sizeof(bytes) - 1, fn }
#define MAGIC(name, off, bytes)         MAGIC_AND(name, off, bytes, NULL)

static const struct magic magics[] = {
	MAGIC("NTFS", 3, "NTFS    "),
	MAGIC("exFAT", 3, "EXFAT   "),
	MAGIC("BitLocker", 3, "-FVE-FS-"),
	MAGIC("ReFS", 3, "ReFS\0\0\0\0"),
	MAGIC_AND("FAT", FAT_OFF_BPB, "", fat_check),
	MAGIC("XFS", 0, "XFSB"),
	MAGIC("LUKS", 0, "LUKS\xba\xbe"),
	MAGIC("squashfs", 0, "hsqs"),
	MAGIC("bcache", 4120,
	      "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81"),
	MAGIC("bcachefs", 4120,
	      "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef"),
	MAGIC("APFS", 32, "NXSB"),
	MAGIC("LVM2 PV", 0, "LABELONE"),
	MAGIC("LVM2 PV", 512, "LABELONE"),
	MAGIC("LVM2 PV", 1024, "LABELONE"),
	MAGIC("LVM2 PV", 1536, "LABELONE"),
	MAGIC("md RAID", 0, "\xfc\x4e\x2b\xa9\x01\0\0\0"),
	MAGIC("md RAID", 4096, "\xfc\x4e\x2b\xa9\x01\0\0\0"),
	MAGIC_AND("ext", 1080, "\x53\xef", ext_check),
	MAGIC("EROFS", 1024, "\xe2\xe1\xf5\xe0"),
	MAGIC("F2FS", 1024, "\x10\x20\xf5\xf2"),
	MAGIC_AND("NILFS2", 1030, "\x34\x34", nilfs_check),
	MAGIC_AND("HFS+", 1024, "H+\0\x04", hfs_check),
	MAGIC_AND("HFS+", 1024, "HX\0\x05", hfs_check),
	MAGIC("swap", 4086, "SWAPSPACE2"),
	MAGIC("JFS", 32768, "JFS1"),
	MAGIC("ISO 9660", 32769, "CD001"),
	MAGIC("UDF", 32769, "BEA01"),
	MAGIC("btrfs", 65600, "_BHRfS_M"),
	MAGIC("ReiserFS", 65588, "ReIsEr"),
	MAGIC("UFS2", 66908, "\x19\x01\x54\x19"),
};

const char *filesystem_of(struct view head, size_t *off, size_t *len)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (!view_eq(head, m->off, m->bytes, m->n) ||
		    (m->check && !m->check(head)))
			continue;
		*off = m->off;
		*len = m->n ? m->n : FAT_BPB_SIZE;
		return m->name;
	}
	return NULL;
}
