/* Where a boot image is that is not where the catalog says: by what it says of itself, and by
 * what starts it from a disk. mkisofs(8), -boot-info-table; syslinux, doc/isolinux.txt;
 * xorrisofs(1), "System area".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso_read.h"
#include "base/banned.h"

enum {
	FILES_MAX = 512, /* that are asked */
	FATS_MAX = 16,
	PER_BLOCK = 4, /* sectors of 512 bytes */
	GRUB_SKIPS = 4,
	COUNT_UNIT = 512,
};

static const struct iso_boot_entry *named(const struct iso_reader *r, uint64_t lba)
{
	for (size_t i = 0; i < r->nentries; i++) {
		if (r->entry[i].lba.v == lba)
			return &r->entry[i];
	}
	return NULL;
}

bool iso_is_astray(const struct iso *iso, const struct iso_boot_entry *b)
{
	if (b->outside)
		return b->lba.v * ISO_SECTOR >= iso->volume_end;
	return b->meant || b->lba.v < ISO_FIRST + iso->ndescriptors ||
	       (b->inside && !b->path);
}

static bool is_no_fat(const struct iso_boot_entry *b)
{
	return b->efi && b->efi->fat.state == ANSWER_NO && !b->hfs;
}

/* ---- for a BIOS ---- */

/* The program there has a boot information table that fits: itself, its length, and the
 * descriptor. */
static bool tells_itself(struct iso_reader *r, uint64_t lba)
{
	const struct iso_extent *file = iso_file_at(r->iso, lba);
	uint8_t table[12];
	struct view v = { table, sizeof(table) };
	uint64_t off = lba * ISO_SECTOR, n;

	if (lba <= ISO_FIRST || lba > UINT32_MAX ||
	    !range_within(off + ISO_INFO_OFF, sizeof(table), r->img->size) ||
	    !look_read(&r->look, off + ISO_INFO_OFF, table, sizeof(table)))
		return false;
	n = view_le32(v, 8);
	return view_le32(v, 0) == ISO_FIRST && view_le32(v, 4) == lba &&
	       n >= ISO_INFO_SUMMED && n <= ISO_INFO_FILE_MAX &&
	       (!file || div_up(n, ISO_SECTOR) == file->blocks);
}

/* What the boot sector of the disk loads; 0: nothing. */
static uint64_t loaded(const struct iso_disk *d)
{
	uint64_t skips = d->code == BOOT_CODE_GRUB ? GRUB_SKIPS : 0;

	if (!d->core.at.len || d->core.v <= skips || (d->core.v - skips) % PER_BLOCK)
		return 0;
	return (d->core.v - skips) / PER_BLOCK;
}

static void seek_program(struct iso_reader *r, struct iso_boot_entry *b)
{
	const struct iso *iso = r->iso;
	uint64_t lba = loaded(&iso->disk);
	size_t asked = 0;

	b->meant_by = "the boot sector loads it, and it says itself that it is there";
	if (lba && !named(r, lba) && tells_itself(r, lba)) {
		b->meant = (uint32_t)lba;
		return;
	}
	b->meant_by = "it is the only one that says itself where it is";
	for (size_t i = 0; iso->extents_all && i < iso->nextents; i++) {
		const struct iso_extent *x = &iso->extent[i];

		if (x->blocks > ISO_INFO_FILE_MAX / ISO_SECTOR ||
		    (i && x->lba == iso->extent[i - 1].lba))
			continue;
		if (asked++ == FILES_MAX)
			b->meant = 0;
		if (asked > FILES_MAX)
			return;
		if (named(r, x->lba) || !tells_itself(r, x->lba))
			continue;
		if (b->meant) {
			b->meant = 0;
			return;
		}
		b->meant = x->lba;
	}
}

/* ---- for UEFI ---- */

static void seek_partition(struct iso_reader *r, struct iso_boot_entry *b)
{
	const struct iso_disk *d = &r->iso->disk;

	b->meant_by = "the partition for UEFI begins there";
	for (size_t i = 0; i < d->nesp; i++) {
		uint64_t lba = d->esp[i].lba / PER_BLOCK;

		if (d->esp[i].in_catalog || d->esp[i].starts != ANSWER_YES ||
		    d->esp[i].lba % PER_BLOCK || lba > UINT32_MAX)
			continue;
		if (b->meant && b->meant != lba) {
			b->meant = 0;
			return;
		}
		b->meant = (uint32_t)lba;
	}
}

/* Of the files that are as long as the catalog says, the only one that UEFI starts. */
static void seek_fat(struct iso_reader *r, struct iso_boot_entry *b)
{
	const struct iso *iso = r->iso;
	uint64_t blocks = div_up(b->count.v * COUNT_UNIT, ISO_SECTOR), found = 0;
	size_t asked = 0;

	b->meant_by = "it is the only FAT of that size with something to start";
	for (size_t i = 0; iso->extents_all && b->count.v > 1 && i < iso->nextents; i++) {
		const struct iso_extent *x = &iso->extent[i];
		struct efi_volume *v;

		if (x->blocks != blocks || named(r, x->lba) ||
		    (i && x->lba == iso->extent[i - 1].lba))
			continue;
		if (asked++ == FATS_MAX)
			return;
		v = arena_new(r->a, struct efi_volume);
		efi_volume_read(v, &r->look, x->lba * (uint64_t)ISO_SECTOR,
				blocks * ISO_SECTOR);
		if (!iso_efi_starts(v))
			continue;
		if (found)
			return;
		found = x->lba;
	}
	b->meant = (uint32_t)found;
}

void iso_boot_seek(struct iso_reader *r)
{
	for (size_t i = 0; i < r->nentries && !r->look.broken; i++) {
		struct iso_boot_entry *b = &r->entry[i];

		if (!b->bootable)
			continue;
		if (is_no_fat(b))
			seek_partition(r, b);
		if (!iso_is_astray(r->iso, b) || b->meant)
			continue;
		if (b->platform.v == ISO_PLATFORM_X86)
			seek_program(r, b);
		else if (b->platform.v == ISO_PLATFORM_EFI)
			seek_partition(r, b);
		if (b->platform.v == ISO_PLATFORM_EFI && !b->meant)
			seek_fat(r, b);
	}
}
