/* Boot sectors of FAT, exFAT and NTFS, and their backups: each says how many sectors stand
 * before the volume. Microsoft's FAT specification 1.03 (BPB_HiddSec, BPB_BkBootSec) and
 * exFAT specification 3.1 and 3.4; ntfs-3g, layout.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "base/banned.h"

enum {
	BPB_OFF = 11, /* the parameter block, up to the hidden sectors */
	BPB_RESERVED = 14,
	BPB_FAT_SIZE_16 = 22, /* 0: it is FAT32 */
	BPB_HIDDEN = 28,
	BPB_BACKUP = 50, /* FAT32: its sector; 0: none */
	BOOT_MAGIC = 510,

	EXFAT_START = 64,
	EXFAT_VOLUME_FLAGS = 106, /* u16 */
	EXFAT_PERCENT_IN_USE = 112,
	EXFAT_SUMMED = 11, /* sectors of a region; the sum is in the next one */
	EXFAT_REGION = 12,
};

static struct boot_place *add(struct volume *v, struct view at, uint64_t off,
			      struct field like)
{
	struct boot_place *b = &v->boot[v->nboot++];
	size_t field = (size_t)(like.at.off - v->off);

	*b = (struct boot_place){
		.start = image_field(v->image, at, off, field, (size_t)like.at.len),
	};
	return b;
}

static bool is_backup_of(struct view boot, struct view backup)
{
	struct view block = view_cut(boot, BPB_OFF, BPB_HIDDEN - BPB_OFF);

	return view_eq(backup, BPB_OFF, block.p, block.n) &&
	       view_le16(backup, BOOT_MAGIC) == 0xaa55;
}

static void fat_boot(struct volume *v, struct view head)
{
	size_t ss = v->fs->sector_size, at = view_le16(head, BPB_BACKUP) * ss;
	bool fat32 = view_le16(head, BPB_FAT_SIZE_16) == 0;

	if (!fat32 || at == 0 || at >= view_le16(head, BPB_RESERVED) * ss ||
	    !view_has(head, at, MBR_SIZE))
		return;
	if (is_backup_of(head, view_cut(head, at, MBR_SIZE)))
		add(v, view_cut(head, at, MBR_SIZE), v->off + at, v->fs->hidden);
}

/* at: within the volume. */
static int ntfs_backup(struct volume *v, struct view head, uint64_t at, struct arena *a,
		       struct err *e)
{
	struct view sector;

	if (at < MBR_SIZE || !range_within(at, MBR_SIZE, v->len))
		return 0;
	if (image_view(v->image, a, v->off + at, MBR_SIZE, &sector, e) != 0)
		return -1;
	if (is_backup_of(head, sector) && view_eq(sector, 3, "NTFS    ", 8))
		add(v, sector, v->off + at, v->fs->hidden);
	return 0;
}

static int ntfs_boot(struct volume *v, struct view head, struct arena *a, struct err *e)
{
	uint64_t ss = v->fs->sector_size;
	uint64_t end = v->fs->size.at.len ? v->fs->size.v : 0;

	if (end >= ss && ntfs_backup(v, head, end - ss, a, e) != 0)
		return -1;
	if (end == v->len || v->len < ss)
		return 0;
	return ntfs_backup(v, head, v->len - ss, a, e);
}

uint32_t exfat_boot_sum(struct view sectors, uint32_t sector_size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < sectors.n && i < EXFAT_SUMMED * (size_t)sector_size; i++) {
		if (i == EXFAT_VOLUME_FLAGS || i == EXFAT_VOLUME_FLAGS + 1 ||
		    i == EXFAT_PERCENT_IN_USE)
			continue;
		sum = (sum << 31 | sum >> 1) + sectors.p[i];
	}
	return sum;
}

static bool repeats(struct view sector, uint32_t sum)
{
	for (size_t i = 0; i + 4 <= sector.n; i += 4) {
		if (view_le32(sector, i) != sum)
			return false;
	}
	return true;
}

static void sum_up(struct volume *v, struct boot_place *b, struct view region,
		   uint64_t off)
{
	uint32_t ss = v->fs->sector_size;
	size_t n = EXFAT_SUMMED * (size_t)ss;

	b->summed = view_cut(region, 0, n);
	b->sum = (struct span){ v->image->src, off + n, ss };
	b->sum_ok = repeats(view_cut(region, n, ss), exfat_boot_sum(b->summed, ss));
}

static int exfat_boot(struct volume *v, struct arena *a, struct err *e)
{
	size_t n = EXFAT_REGION * (size_t)v->fs->sector_size;
	struct view both, backup;

	if (v->len < 2 * n)
		return 0;
	if (image_view(v->image, a, v->off, 2 * n, &both, e) != 0)
		return -1;
	sum_up(v, &v->boot[0], view_cut(both, 0, n), v->off);
	backup = view_cut(both, n, n);
	if (view_eq(backup, 3, "EXFAT   ", 8))
		sum_up(v, add(v, backup, v->off + n, v->fs->hidden), backup, v->off + n);
	return 0;
}

int volume_boot_read(struct volume *v, struct view head, struct arena *a, struct err *e)
{
	v->nboot = 0;
	if (v->fs->hidden.at.len == 0)
		return 0;
	add(v, head, v->off, v->fs->hidden);
	if (strcmp(v->fs->name, "exFAT") == 0)
		return exfat_boot(v, a, e);
	if (strcmp(v->fs->name, "NTFS") == 0)
		return ntfs_boot(v, head, a, e);
	fat_boot(v, head);
	return 0;
}
