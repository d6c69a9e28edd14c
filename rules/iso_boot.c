/* Rules on what an ISO 9660 image boots: the entries of its boot catalog, and their images.
 * "El Torito" 1.0; UEFI 2.10, 13.3.2.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	BOOTABLE = 0x88,
	NOT_BOOTABLE = 0,
	COUNT_UNIT = 512,
	COUNT_BIOS = 4,
	MEDIA_TYPE = 0x0f,
	MEDIA_HARD_DISK = 4,
	INFO_BYTES = 16,
	INFO_WHOLE = 56, /* with what is reserved behind it */
};

/* The entry that a finding is about. */
static const struct iso_boot_entry *entry_of(const struct iso *iso, struct span at)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];

		if (at.off >= b->at.off && at.off < span_end(b->at))
			return b;
	}
	BUG("no boot entry at %llu", LLU(at.off));
}

/* ---- iso-boot-entry ---- */

static void check_entry(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		uint64_t media = b->media.v & MEDIA_TYPE;

		if (b->indicator.v != BOOTABLE && b->indicator.v != NOT_BOOTABLE)
			report(s, b->indicator.at,
			       "a boot entry begins with %02llX, expected 88 (bootable) or 00",
			       LLU(b->indicator.v));
		else if (b->initial && b->indicator.v == NOT_BOOTABLE && b->lba.v)
			report(s, b->indicator.at,
			       "the first boot entry is marked as not bootable");
		if (media > MEDIA_HARD_DISK)
			report(s, b->media.at,
			       "a boot entry is for medium %llu, expected 0 (no emulation) to 4",
			       LLU(media));
	}
}

static bool fix_entry(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_boot_entry *b = entry_of(iso, f->at);

	if (f->at.off == b->media.at.off || b->outside)
		return plan_refuse(p, "nothing says what stood there");
	plan_title(p, "mark it as bootable");
	return plan_u8(p, STAGE_COMMIT, f->at, BOOTABLE);
}

/* ---- iso-boot-image-range, iso-boot-image-count ---- */

static void report_range(struct scan *s, const struct iso *iso,
			 const struct iso_boot_entry *b)
{
	struct finding *f;

	if (b->outside)
		f = report(
			s, b->lba.at,
			"a boot image is said to be at block %llu, behind the end of the "
			"image",
			LLU(b->lba.v));
	else if (b->lba.v < ISO_FIRST + iso->ndescriptors)
		f = report(
			s, b->lba.at,
			"a boot image is said to be at block %llu, before the end of the "
			"volume descriptors",
			LLU(b->lba.v));
	else if (b->inside && !b->path)
		f = report(
			s, b->lba.at,
			"a boot image is said to be at block %llu, in the middle of %s, "
			"which begins at %llu",
			LLU(b->lba.v), b->inside, LLU(b->inside_lba));
	else
		f = report(
			s, b->lba.at,
			"a boot image for UEFI is said to be at block %llu, where there is "
			"no FAT",
			LLU(b->lba.v));
	report_label(s, f, "the firmware starts something else, or nothing");
	if (b->meant)
		report_related(s, f,
			       (struct span){ iso->image->src,
					      (uint64_t)b->meant * ISO_SECTOR,
					      ISO_SECTOR },
			       "block %u: %s", b->meant, b->meant_by);
}

static void check_range(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];

		if (b->bootable && iso_is_astray(iso, b))
			report_range(s, iso, b);
	}
}

static bool fix_range(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_boot_entry *b = entry_of(iso, f->at);

	if (!b->meant)
		return plan_refuse(p, "nothing else says where it is");
	plan_title(p, "the boot image at block %u", b->meant);
	return plan_le32(p, STAGE_COMMIT, f->at, b->meant);
}

static void check_count(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		struct finding *f;

		if (!b->bootable || b->outside)
			continue;
		if (b->efi && b->count.v >= 2 && b->fat_size > b->count.v * COUNT_UNIT) {
			f = report(
				s, b->count.at,
				"the boot image for UEFI has %llu sectors, and its file "
				"system %llu",
				LLU(b->count.v), LLU(b->fat_size / COUNT_UNIT));
			report_label(s, f, "UEFI sees only that part of it");
		} else if (!b->efi && b->platform.v == ISO_PLATFORM_X86 &&
			   b->count.v == 0 && (b->media.v & MEDIA_TYPE) == 0) {
			f = report(s, b->count.at,
				   "a BIOS is to load 0 sectors of the boot image");
			report_label(s, f, "it starts what is not there");
		}
	}
}

static bool fix_count(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_boot_entry *b = entry_of(iso, f->at);
	uint64_t n = b->efi ? div_up(b->fat_size, COUNT_UNIT) : COUNT_BIOS;

	/* UEFI 2.10, 13.3.2.1: 0 means all there is. */
	if (n > UINT16_MAX)
		n = 0;
	plan_title(p, "%llu sectors", LLU(n));
	return plan_le16(p, STAGE_COMMIT, f->at, (uint16_t)n);
}

/* ---- iso-efi-not-fat, iso-efi-no-loader ---- */

static bool is_for_efi(const struct iso_boot_entry *b)
{
	/* Of one that begins in the wrong place this is no news. */
	return b->efi && b->bootable && !b->outside && !b->hfs && !b->meant &&
	       b->content != ISO_CONTENT_BIOS && (b->path || !b->inside);
}

static void check_fat(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		struct finding *f;

		if (!is_for_efi(b))
			continue;
		if (b->efi->fat.state == ANSWER_NO) {
			f = report(s, b->lba.at,
				   "the boot image for UEFI at block %llu is no FAT",
				   LLU(b->lba.v));
			report_label(s, f, "UEFI finds nothing to start in it");
		} else if (b->efi->fat.state == ANSWER_YES && b->efi->refused) {
			report(s, b->efi->refused_at,
			       "the boot image for UEFI is not mounted: %s",
			       b->efi->refused);
		}
	}
}

static bool has_no_loader(const struct efi_volume *v)
{
	if (v->fat.state != ANSWER_YES || v->refused)
		return false;
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		if (v->fallback[i].state != ANSWER_NO)
			return false;
	}
	return true;
}

static void check_loader(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		struct finding *f;

		if (!is_for_efi(b) || !has_no_loader(b->efi))
			continue;
		f = report(
			s, b->lba.at,
			"the boot image for UEFI has no program \\EFI\\BOOT\\BOOT*.EFI");
		report_label(s, f, "UEFI starts nothing else from a CD");
		for (unsigned k = 0; k < EFI_ARCHES; k++) {
			const struct answer *a = &b->efi->fallback[k];

			if (a->why && a->at.len)
				report_related(s, f, a->at, "%s: %s",
					       efi_arch_fallback((enum efi_arch)k),
					       a->why);
		}
	}
}

/* ---- iso-boot-info-table, iso-boot-info-sum ---- */

/* All but the sum. */
static bool numbers_right(const struct iso_boot_entry *b)
{
	const struct iso_boot_info *t = &b->info;

	return t->descriptor_ok && t->file.v == b->lba.v && t->length.v == b->file_size;
}

static bool sum_right(const struct iso_boot_entry *b)
{
	return b->info.sum.v == b->info.sum_actual;
}

/* Of a table that is one, or should be. */
static struct span info_at(const struct iso_boot_entry *b)
{
	struct span at = b->info.descriptor.at;

	at.len = INFO_BYTES;
	return at;
}

static void check_info(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		const struct iso_boot_info *t = &b->info;
		struct finding *f;

		if (t->wanted) {
			f = report(s, info_at(b),
				   "%s is isolinux, and has no boot information table",
				   b->path);
			report_label(s, f, "it does not find itself, and stops");
		} else if (t->present && !numbers_right(b)) {
			f = report(
				s, info_at(b),
				"the boot information table of %s says block %llu, %llu "
				"bytes, descriptor %llu, expected %llu, %llu and 16",
				b->path, LLU(t->file.v), LLU(t->length.v),
				LLU(t->descriptor.v), LLU(b->lba.v), LLU(b->file_size));
			report_label(s, f, "it loads something else, and stops");
		}
	}
}

static const struct iso_boot_entry *info_entry(const struct iso *iso, struct span at)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];

		if (b->info.summed && at.off >= b->info.descriptor.at.off &&
		    at.off <= b->info.sum.at.off)
			return b;
	}
	BUG("no boot information table at %llu", LLU(at.off));
}

static bool fix_info(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_boot_entry *b = info_entry(iso, f->at);
	uint8_t bytes[INFO_WHOLE] = { 0 };

	put_le32(bytes,
		 b->info.descriptor_ok ? (uint32_t)b->info.descriptor.v : ISO_FIRST);
	put_le32(bytes + 4, (uint32_t)b->lba.v);
	put_le32(bytes + 8, (uint32_t)b->file_size);
	put_le32(bytes + 12,
		 b->info.wanted ? b->info.sum_actual : (uint32_t)b->info.sum.v);
	plan_title(p, "what mkisofs -boot-info-table writes");
	return plan_bytes(
		p, STAGE_HEADERS, f->at.off,
		(struct view){ bytes, b->info.wanted ? INFO_WHOLE : INFO_BYTES });
}

static void check_info_sum(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		struct finding *f;

		if (!b->info.present || sum_right(b))
			continue;
		f = report(
			s, b->info.sum.at,
			"the checksum of %s is %08llx in its boot information table, and "
			"%08x of what is there",
			b->path, LLU(b->info.sum.v), b->info.sum_actual);
		report_label(s, f, "isolinux stops: \"Image checksum error\"");
	}
}

static bool fix_info_sum(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct iso_boot_entry *b = info_entry(iso, f->at);

	if (!numbers_right(b))
		return plan_refuse(p, "the rest of the table comes first");
	plan_title(p, "the checksum of what is there");
	return plan_le32(p, STAGE_HEADERS, f->at, b->info.sum_actual);
}

const struct rule rules_iso_boot[] = {
	{ .id = "iso-boot-entry",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a boot entry that no firmware starts",
	  .why = "Only entries that are marked as bootable, for a known medium, are tried.",
	  .source = "El Torito 1.0, figure 3; EDK2, PartitionDxe/ElTorito.c",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_entry, fix_entry) },
	{ .id = "iso-boot-image-count",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a boot image that is loaded only in part",
	  .why = "The number of sectors has 16 bits: a FAT of more than 32 MiB needs 0 there, "
		 "which means all that follows.",
	  .source = "UEFI 2.10, 13.3.2.1",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_count, fix_count) },
	{ .id = "iso-boot-image-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a boot image that is not where the catalog says",
	  .why = "The firmware loads what is there, whatever it is.",
	  .steps =
		  "It is mended when exactly one thing shows where the image is: a program that "
		  "says so itself, or a partition for UEFI. Else make the image again: only its "
		  "maker knows which file it was.",
	  .source = "El Torito 1.0, figure 3; mkisofs(8), -boot-info-table",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_range, fix_range) },
	{ .id = "iso-boot-info-sum",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a boot program whose checksum is wrong",
	  .why = "Either the sum is damaged or the program is; isolinux does not start.",
	  .steps =
		  "When the image has an implanted MD5 (`--deep`), that tells whether something "
		  "else has changed. --unsafe-fixes writes the sum of what is there.",
	  .source = "mkisofs(8), -boot-info-table; syslinux, core/isolinux.asm",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_info_sum, fix_info_sum) },
	{ .id = "iso-boot-info-table",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a boot program that is told a wrong place",
	  .why = "isolinux and GRUB load the rest of themselves from where this table says.",
	  .source = "mkisofs(8), -boot-info-table; syslinux, core/isolinux.asm; GRUB, "
		    "boot/i386/pc/cdboot.S",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_info, fix_info) },
	{ .id = "iso-efi-no-loader",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a boot image for UEFI with nothing to start",
	  .why = "From a CD, UEFI starts \\EFI\\BOOT\\BOOTX64.EFI (or that of its own machine) and "
		 "nothing else.",
	  .steps =
		  "Put the loader into the FAT image before the ISO is made: `mcopy -i efi.img "
		  "grubx64.efi ::/EFI/BOOT/BOOTX64.EFI`.",
	  .source = "UEFI 2.10, 3.5.1.1",
	  .since = "0.1.0",
	  CHECK(iso, check_loader) },
	{ .id = "iso-efi-not-fat",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a boot image for UEFI that UEFI cannot mount",
	  .why = "UEFI does not start the image itself: it mounts it, as FAT and nothing else.",
	  .steps = "Give `-e` the FAT image, not the EFI program.",
	  .source = "UEFI 2.10, 13.3.2.1",
	  .since = "0.1.0",
	  CHECK(iso, check_fat) },
};

RULES_END(iso_boot);
