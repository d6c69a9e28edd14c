/* What superblocks tell beside their magic. One reader per row of filesystems.def that has
 * one; each gets a volume's first bytes and fills in what it is sure of.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_SUPERBLOCK_H
#define ANALYZE_IMAGE_SUPERBLOCK_H

#include "analyze/image/volume.h"
#include "base/view.h"

struct superblock {
	const struct image *image;
	struct view head;      /* the volume's first bytes */
	uint64_t off;          /* where they stand in the image */
	size_t magic;          /* offset of the magic within head */
	struct filesystem *fs; /* name and at are set */
};

void apfs_read(struct superblock *s);
void btrfs_read(struct superblock *s);
void erofs_read(struct superblock *s);
void exfat_read(struct superblock *s);
void ext_read(struct superblock *s);
void f2fs_read(struct superblock *s);
void fat_read(struct superblock *s);
void hfs_read(struct superblock *s);
void iso_read(struct superblock *s);
void luks_read(struct superblock *s);
void lvm_read(struct superblock *s);
void md_read(struct superblock *s);
void ntfs_read(struct superblock *s);
void squashfs_read(struct superblock *s);
void swap_read(struct superblock *s);
void xfs_read(struct superblock *s);

/* Is this what a file system begins with, and not one of its spare superblocks, nor a
 * left-over of one that is gone? Looks for a second witness: a field that tells which copy it
 * is, or what the superblock points to. NULL: nothing speaks against it. Else what does. Reads
 * at most twice, a sector each. */
const char *superblock_refuted(const struct superblock *s);

/* Of one that is not refuted: is what it must have far behind it there, too? What begins a
 * partition of today may have overwritten it. True of formats that have no such thing. */
bool superblock_backed(const struct superblock *s);

#endif
