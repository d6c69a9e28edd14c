/* Rules on file systems against the partition and the sectors that they are in.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { MBR_TYPE_LINUX_RAID = 0xfd };

static const char gpt_linux_raid[] = "A19D880F-05FC-4D3B-A006-743F0F84911E";

static bool table_holds(const struct volume *v)
{
	struct gpt_state st;

	if (!v->gpt)
		return true;
	st = gpt_state(v->image->gpt);
	return gpt_state_has_table(&st);
}

/* The first member of a striped array begins with the superblock of the whole array. */
static bool may_be_member(const struct volume *v)
{
	char type[37];

	if (v->mbr)
		return v->mbr->type.v == MBR_TYPE_LINUX_RAID;
	if (!v->gpt)
		return v->member;
	guid_text(v->gpt->type, type);
	return strcmp(type, gpt_linux_raid) == 0;
}

static void check_larger(struct scan *s, const struct volume *v)
{
	const struct filesystem *fs = v->fs;
	struct finding *f;

	if (!fs || !fs->size.at.len || fs->size.v <= v->len || !table_holds(v) ||
	    may_be_member(v))
		return;
	if (v->number == 0) {
		f = report(
			s, fs->size.at,
			"%s on the whole disk takes %llu bytes, the disk has %llu: %llu "
			"bytes of it are missing",
			fs->name, LLU(fs->size.v), LLU(v->len), LLU(fs->size.v - v->len));
		report_label(s, f, "its own size");
		return;
	}
	f = report(s, fs->size.at,
		   "%s in partition %u takes %llu bytes, the partition has %llu: %llu "
		   "bytes of it are missing",
		   fs->name, v->number, LLU(fs->size.v), LLU(v->len),
		   LLU(fs->size.v - v->len));
	report_label(s, f, "its own size");
	report_related(s, f, v->gpt ? v->gpt->last.at : v->mbr->sectors.at,
		       "the end of partition %u", v->number);
}

/* 0: no table says. */
static uint32_t sector_size_of(const struct volume *v)
{
	if (v->number == 0)
		return 0;
	return v->gpt ? v->image->gpt->sector_size : v->image->mbr->sector_size;
}

static bool sectors_too_large(const struct volume *v)
{
	const struct filesystem *fs = v->fs;

	return fs && fs->sector_size && fs->sector_size < sector_size_of(v) &&
	       table_holds(v);
}

static bool is_esp(const struct volume *v)
{
	char type[37];

	if (!v->gpt)
		return false;
	guid_text(v->gpt->type, type);
	return strcmp(type, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B") == 0;
}

static bool is_esp_fat(const struct volume *v)
{
	return is_esp(v) && v->fs && strcmp(v->fs->name, "FAT") == 0;
}

static void check_sector(struct scan *s, const struct volume *v)
{
	if (sectors_too_large(v) && !is_esp_fat(v))
		report(s, v->fs->at,
		       "%s in partition %u works in units of %u bytes, the table is for "
		       "sectors of %u",
		       v->fs->name, v->number, v->fs->sector_size, sector_size_of(v));
}

static void check_esp_sector(struct scan *s, const struct volume *v)
{
	if (sectors_too_large(v) && is_esp_fat(v))
		report(s, v->fs->at,
		       "the FAT of the EFI system partition %u has sectors of %u bytes, the "
		       "table is for sectors of %u",
		       v->number, v->fs->sector_size, sector_size_of(v));
}

/* ---- type against content ---- */

/* What a type's content is called when the type says so; content that is encrypted is
 * LUKS whatever is inside. Types that are used for anything are not here. */
static const struct type_content {
	const char *type;
	const char *is; /* in words */
	const char
		*content[4]; /* names of filesystems.def; none: no file system at all */
} contents[] = {
	{ "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
	  "an EFI system partition",
	  { "FAT", "HFS+" } }, /* HFS+: Apple's firmware reads it */
	{ "21686148-6449-6E6F-744E-656564454649", "a BIOS boot partition", { NULL } },
	{ "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
	  "swap",
	  { "swap", "LUKS1", "LUKS2", "suspended system" } },
	{ "E6D6D379-F507-44C2-A23C-238F2A3DF928",
	  "an LVM volume",
	  { "LVM2 PV", "LUKS1", "LUKS2" } },
	{ "CA7D7CCB-63ED-4C53-861C-1742536059CC",
	  "a LUKS volume",
	  { "LUKS", "LUKS1", "LUKS2" } },
};

static const struct type_content *content_of(const struct volume *v)
{
	char type[37];

	guid_text(v->gpt->type, type);
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (strcmp(contents[i].type, type) == 0)
			return &contents[i];
	}
	return NULL;
}

static bool fits(const struct type_content *t, const char *name)
{
	for (size_t i = 0; i < 4 && t->content[i]; i++) {
		if (strcmp(t->content[i], name) == 0)
			return true;
	}
	return false;
}

static void check_content(struct scan *s, const struct volume *v)
{
	const struct type_content *t;
	struct finding *f;

	if (!v->gpt || !v->fs || !table_holds(v))
		return;
	t = content_of(v);
	if (!t || fits(t, v->fs->name))
		return;
	f = report(s, (struct span){ v->gpt->at.src, v->gpt->at.off, GPT_GUID_SIZE },
		   "partition %u is %s by its type, and holds %s", v->number, t->is,
		   v->fs->name);
	report_related(s, f, v->fs->at, "the magic of %s", v->fs->name);
}

/* ---- can it start? ---- */

static void check_esps(struct scan *s, const struct gpt *g)
{
	const struct volume *first = NULL;

	for (size_t i = 0; i < g->image->nvolumes; i++) {
		const struct volume *v = &g->image->volumes[i];
		struct finding *f;

		if (!is_esp_fat(v) || !table_holds(v))
			continue;
		if (!first) {
			first = v;
			continue;
		}
		f = report(s,
			   (struct span){ v->gpt->at.src, v->gpt->at.off, GPT_GUID_SIZE },
			   "partition %u is an EFI system partition, as partition %u is",
			   v->number, first->number);
		report_related(s, f, first->gpt->at, "the first one");
	}
}

const struct rule rules_fs[] = {
	{ .id = "fs-block-lt-sector",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a file system's unit is smaller than the disk's sectors",
	  .why = "It cannot be mounted on such a disk: Linux says \"bad block size\" (ext), "
		 "\"logical sector size too small\" (FAT) or refuses the sector size (XFS).",
	  .steps =
		  "Make the file system anew with a unit of 4096 bytes and copy its files, or "
		  "use the image on a disk with sectors of 512 bytes.",
	  .source = "linux: fs/ext4/super.c, fs/fat/inode.c, fs/xfs/xfs_buf.c",
	  .since = "0.1.0",
	  CHECK(volume, check_sector) },
	{ .id = "fs-larger-than-partition",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a file system is larger than its partition",
	  .why = "Its end belongs to another partition, or to nobody: Linux refuses to mount it "
		 "(\"bad geometry\"), and other systems overwrite what lies behind it.",
	  .steps =
		  "If the partition was made too small, give it its size back (`sfdisk -N`) "
		  "before anything is written. If the image was cut off, get it again. Do not "
		  "run a file system check before: it drops what it cannot see.",
	  .source =
		  "linux: fs/ext4/super.c \"bad geometry: block count exceeds size of device\"",
	  .since = "0.1.0",
	  CHECK(volume, check_larger) },
	{ .id = "gpt-4k-fat",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the EFI system partition's FAT is for smaller sectors",
	  .why = "Firmware and Linux refuse a FAT whose sectors are smaller than the disk's: the "
		 "disk does not start.",
	  .steps =
		  "Copy its files, make it anew with `mkfs.vfat -S 4096`, and copy them back.",
	  .source = "linux: fs/fat/inode.c; Microsoft, FAT specification, BPB_BytsPerSec",
	  .since = "0.1.0",
	  CHECK(volume, check_esp_sector) },
	{ .id = "gpt-two-esp",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_NONE,
	  .title = "more than one EFI system partition",
	  .why = "Firmware and installers take the one that they meet first: a boot loader is "
		 "then updated in one and started from the other.",
	  .steps = "Keep one; give the other one the type of its content.",
	  .source = "UEFI 2.10, section 13.3.3",
	  .since = "0.1.0",
	  CHECK(gpt, check_esps) },
	{ .id = "gpt-type-content",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a partition's type contradicts what it holds",
	  .why = "Firmware, systemd and installers go by the type: they pass over the content, "
		 "or write their own over it.",
	  .steps =
		  "If the content is right, set the type (`sfdisk --part-type DISK NUMBER "
		  "TYPE`). If the type is right, the content is an older left-over: "
		  "`wipefs` shows it.",
	  .source = "Discoverable Partitions Specification; UEFI 2.10, section 13.3",
	  .since = "0.1.0",
	  CHECK(volume, check_content) },
};

RULES_END(fs);
