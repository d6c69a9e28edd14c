/* What may begin with a disk's first byte instead of a partition table: file systems, and
 * what they are stacked on. Their magics are in filesystems.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "analyze/image/superblock.h"
#include "base/banned.h"

struct magic {
	const char *name;
	size_t off;
	const char *bytes;
	size_t n;
	/* More than the magic, where that is short enough to stand there by chance. */
	bool (*check)(struct view head);
	void (*read)(struct superblock *s);
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

static const struct magic magics[] = {
#define MAGIC(name, off, bytes, check, read)                                             \
	{ name, off, bytes, sizeof(bytes) - 1, check, read },
#include "analyze/image/filesystems.def"
#undef MAGIC
};

static const struct magic *find(struct view head)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];

		if (view_eq(head, m->off, m->bytes, m->n) &&
		    (!m->check || m->check(head)))
			return m;
	}
	return NULL;
}

static size_t magic_len(const struct magic *m)
{
	return m->n ? m->n : FAT_BPB_SIZE;
}

const char *filesystem_of(struct view head, size_t *off, size_t *len)
{
	const struct magic *m = find(head);

	if (!m)
		return NULL;
	*off = m->off;
	*len = magic_len(m);
	return m->name;
}

const struct filesystem *filesystem_read(const struct image *img, struct view head,
					 uint64_t off, struct arena *a)
{
	const struct magic *m = find(head);
	struct filesystem *fs;

	if (!m)
		return NULL;
	fs = arena_new(a, struct filesystem);
	fs->name = m->name;
	fs->at = (struct span){ .src = img->src,
				.off = off + m->off,
				.len = magic_len(m) };
	if (m->read)
		m->read(&(struct superblock){ .image = img,
					      .head = head,
					      .off = off,
					      .magic = m->off,
					      .fs = fs });
	return fs;
}
