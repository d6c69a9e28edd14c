/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/relocate.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	SECTOR = 512,
	BOOT_MAGIC = 510,
	BOOT_CODE = 440, /* of sector 0 */
	LILO_NAME = 6,
	GRUB_NAME = 0x100, /* among its messages, from here on */
	GRUB_VERSION = 0x3e,
	GRUB_LEGACY = 0x0203,      /* 3.2: of stage1; zeros in GRUB 2 */
	GRUB_LEGACY_SECTOR = 0x44, /* u32: of stage1.5 or stage2 */
	GRUB_SECTOR = 0x5c,        /* u64: of the core image */
};

/* ---- boot code ---- */

enum boot {
	BOOT_NONE,
	BOOT_BY_TABLE, /* asks the table where its partition is */
	BOOT_GRUB,     /* has the address of a sector */
	BOOT_LILO,     /* has the addresses of many */
	BOOT_UNKNOWN,
};

static bool says(struct view code, size_t from, const char *words)
{
	size_t n = strlen(words);

	for (size_t i = from; i + n <= code.n; i++) {
		if (memcmp(code.p + i, words, n) == 0)
			return true;
	}
	return false;
}

/* DOS and Windows; syslinux's mbr.bin and gptmbr.bin; libparted, which says nothing. */
static bool goes_by_table(struct view code)
{
	static const uint8_t parted[] = { 0xfa, 0xb8, 0x00, 0x10, 0x8e,
					  0xd0, 0xbc, 0x00, 0xb0 };

	return says(code, 0, "Invalid partition table") ||
	       says(code, 0, "Missing operating system.") ||
	       view_eq(code, 0, parted, sizeof(parted));
}

static enum boot boot_of(struct view sector, size_t code_len)
{
	struct view code;

	if (!view_has(sector, 0, SECTOR) || view_le16(sector, BOOT_MAGIC) != 0xaa55)
		return BOOT_NONE;
	code = view_cut(sector, 0, code_len);
	if (view_is_zero(code))
		return BOOT_NONE;
	if (view_eq(code, LILO_NAME, "LILO", 4))
		return BOOT_LILO;
	if (says(code, GRUB_NAME, "GRUB "))
		return BOOT_GRUB;
	return goes_by_table(code) ? BOOT_BY_TABLE : BOOT_UNKNOWN;
}

static uint64_t grub_sector(struct view sector)
{
	if (view_le16(sector, GRUB_VERSION) == GRUB_LEGACY)
		return view_le32(sector, GRUB_LEGACY_SECTOR);
	return view_le64(sector, GRUB_SECTOR);
}

/* What sector 0 starts must be found where it was. */
static bool disk_still_boots(struct plan *p, const struct image *img,
			     const struct realign *r)
{
	struct view sector = view_cut(img->head, 0, SECTOR);
	uint64_t lba, off;

	switch (boot_of(sector, BOOT_CODE)) {
	case BOOT_NONE:
	case BOOT_BY_TABLE:
		return true;
	case BOOT_GRUB:
		lba = grub_sector(sector);
		if (u64_mul(lba, SECTOR, &off) && !realign_touches(r, off, SECTOR))
			return true;
		return plan_refuse(
			p,
			"GRUB in sector 0 goes on at sector %llu, whose content would "
			"change: install it so that it does not need a place in a "
			"partition (a BIOS boot partition, or UEFI), then move",
			LLU(lba));
	case BOOT_LILO:
		return plan_refuse(p,
				   "LILO in sector 0 has a list of the sectors that it "
				   "loads, which would be wrong");
	case BOOT_UNKNOWN:
		return plan_refuse(p,
				   "the boot code in sector 0 is not known here: it may "
				   "load what it needs from fixed sectors");
	}
	BUG("no such boot code");
}

/* ---- what a partition holds ---- */

static const char bios_boot[] = "21686148-6449-6E6F-744E-656564454649";

/* Whatever their first bytes are: some keep their data further behind. */
static const struct {
	const char *type, *why;
} places_matter[] = {
	{ "5808C8AA-7E8F-42E0-85D2-E1E90434CFB3",
	  "is Windows' dynamic disk: its database has the places of volumes" },
	{ "AF9B60A0-1431-4F62-BC68-3311714A69AD",
	  "is Windows' dynamic disk: its database has the places of volumes" },
	{ "E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D",
	  "is one of Storage Spaces, which may know its place" },
	{ "AA31E02A-400F-11DB-9590-000C2911D1B8",
	  "is one of VMFS, which may know its place" },
};

static const struct {
	uint8_t type;
	const char *why;
} dos_places_matter[] = {
	{ 0x42, "is Windows' dynamic disk: its database has the places of volumes" },
	{ 0x63, "has a label of its own (UnixWare), which may count from sector 0" },
	{ 0x81, "may have a table of its own (Minix), which counts from sector 0" },
	{ 0xa5, "has a label of its own (FreeBSD), which may count from sector 0" },
	{ 0xa6, "has a label of its own (OpenBSD), which counts from sector 0" },
	{ 0xa9, "has a label of its own (NetBSD), which counts from sector 0" },
	{ 0xbe, "is Solaris' boot partition, whose place may be recorded" },
	{ 0xbf, "has a label of its own (Solaris), which may count from sector 0" },
	{ 0xfb, "is one of VMFS, which may know its place" },
};

static bool type_may_move(struct plan *p, const struct volume *v)
{
	char type[37];

	if (v->mbr) {
		for (size_t i = 0;
		     i < sizeof(dos_places_matter) / sizeof(dos_places_matter[0]); i++) {
			if (v->mbr->type.v == dos_places_matter[i].type)
				return plan_refuse(p, "partition %u would move, and %s",
						   v->number, dos_places_matter[i].why);
		}
		return true;
	}
	guid_text(v->gpt->type, type);
	if (strcmp(type, bios_boot) == 0 && !v->blank)
		return plan_refuse(
			p,
			"partition %u would move, and is a BIOS boot partition: "
			"GRUB in sector 0 and in it have its sectors' addresses",
			v->number);
	for (size_t i = 0; i < sizeof(places_matter) / sizeof(places_matter[0]); i++) {
		if (strcmp(type, places_matter[i].type) == 0)
			return plan_refuse(p, "partition %u would move, and %s",
					   v->number, places_matter[i].why);
	}
	if (v->gpt->attributes.v & 1)
		return plan_refuse(
			p,
			"partition %u would move, and its attribute says that the "
			"platform requires it: Windows keeps the place of its recovery "
			"partition (reagentc /disable, then clear the attribute)",
			v->number);
	return true;
}

/* Does no partition have the sector before it? */
static bool is_free_before(const struct volume *v)
{
	const struct image *img = v->image;

	for (size_t i = 0; i < img->nvolumes; i++) {
		const struct volume *o = &img->volumes[i];

		if (o->off < v->off && v->off <= o->off + o->len)
			return false;
	}
	return true;
}

static bool content_may_move(struct plan *p, const struct volume *v)
{
	const char *fs = v->fs ? v->fs->name : "";
	/* With these, code stands in the first sector, and finds its way by the hidden
	 * sectors or by the table. */
	bool own_code = v->fs && v->fs->hidden.at.len;
	enum boot boot = boot_of(v->sector, BOOT_MAGIC);

	if (strcmp(fs, "BitLocker") == 0)
		return plan_refuse(
			p,
			"partition %u would move, and BitLocker keeps a boot "
			"sector in it that cannot be reached from here: decrypt it, "
			"then move",
			v->number);
	if (strcmp(fs, "suspended system") == 0)
		return plan_refuse(
			p,
			"partition %u holds a suspended system, which would go on writing to "
			"where its partitions are now: let it wake up and shut down first",
			v->number);
	if (boot == BOOT_GRUB || boot == BOOT_LILO)
		return plan_refuse(
			p,
			"partition %u would move, and %s in its first sector has "
			"the addresses of sectors in it",
			v->number, boot == BOOT_GRUB ? "GRUB" : "LILO");
	if (boot == BOOT_UNKNOWN && !own_code)
		return plan_refuse(
			p,
			"partition %u would move, and the boot code in its first "
			"sector is not known here: it may have addresses of sectors",
			v->number);
	if (v->crumbs_before && !v->fs && is_free_before(v))
		return plan_refuse(
			p,
			"partition %u would move, and right before it, where no partition is, "
			"something stands: it may be the begin of what is in it",
			v->number);
	return true;
}

/* A suspended system writes to all of its partitions, whichever of them move. */
static bool nobody_sleeps(struct plan *p, const struct image *img)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (v->fs && strcmp(v->fs->name, "suspended system") == 0)
			return content_may_move(p, v);
	}
	return true;
}

/* By a DOS label Windows knows a partition as the disk's signature and the byte where it
 * begins: in its boot entries (BCD), and for drive letters. With a GPT it has GUIDs. */
static bool windows_still_boots(struct plan *p, const struct image *img)
{
	bool boots = boot_of(view_cut(img->head, 0, SECTOR), BOOT_CODE) == BOOT_GRUB;

	for (size_t i = 0; i < MBR_ENTRIES; i++)
		boots |= img->mbr->entry[i].used && img->mbr->entry[i].boot.v == 0x80;
	for (size_t i = 0; boots && i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (v->mbr && v->fs && strcmp(v->fs->name, "NTFS") == 0)
			return plan_refuse(
				p,
				"partition %u holds NTFS, and the disk starts by its MBR: "
				"Windows' boot entries name a partition by the byte where "
				"it begins, and would not find it",
				v->number);
	}
	return true;
}

/* ---- what follows ---- */

/* Bytes of a sector, by which `start` means the place off; 0: it means another. */
static uint32_t unit_of(const struct boot_place *b, const struct volume *v,
			uint32_t sector_size)
{
	uint32_t unit = v->fs->sector_size;

	if (unit && v->off % unit == 0 && b->start.v == v->off / unit)
		return unit;
	return b->start.v == v->off / sector_size ? sector_size : 0;
}

static bool put_sum(struct plan *p, const struct boot_place *b, uint64_t shift,
		    size_t field, const uint8_t start[8])
{
	size_t ss = (size_t)b->sum.len;
	uint8_t *region = arena_try_array(p->arena, b->summed.n, uint8_t);
	uint8_t *sector = arena_try_array(p->arena, ss, uint8_t);
	uint32_t sum;

	if (!region || !sector)
		return plan_refuse(p, "a boot region is too large");
	memcpy(region, b->summed.p, b->summed.n);
	memcpy(region + field, start, 8);
	sum = exfat_boot_sum((struct view){ region, b->summed.n }, (uint32_t)ss);
	for (size_t i = 0; i < ss; i += 4)
		put_le32(sector + i, sum);
	return plan_bytes(p, STAGE_TABLES, b->sum.off + shift,
			  (struct view){ sector, ss });
}

static bool put_start(struct plan *p, const struct boot_place *b, uint64_t shift,
		      uint64_t start, const struct volume *v)
{
	struct span at = b->start.at;
	uint8_t bytes[8];

	at.off += shift;
	if (at.len == 8) {
		/* A region whose sum is wrong is not blessed with a right one. */
		if (b->sum.len == 0 || !b->sum_ok)
			return true;
		put_le64(bytes, start);
		return plan_le64(p, STAGE_TABLES, at, start) &&
		       put_sum(p, b, shift,
			       b->summed.n - (size_t)(b->sum.off - b->start.at.off),
			       bytes);
	}
	if (start > UINT32_MAX)
		return plan_refuse(
			p,
			"partition %u would begin at sector %llu, which its boot "
			"sector has no room for",
			v->number, LLU(start));
	return plan_le32(p, STAGE_TABLES, at, (uint32_t)start);
}

/* Fields that say where the partition was say where it is. Others stay as they are. */
static bool boot_follows(struct plan *p, const struct volume *v, uint64_t to,
			 uint32_t sector_size)
{
	for (size_t i = 0; i < v->nboot; i++) {
		const struct boot_place *b = &v->boot[i];
		uint32_t unit = unit_of(b, v, sector_size);

		if (unit && !put_start(p, b, to - v->off, to / unit, v))
			return false;
	}
	return true;
}

/* ---- all of it ---- */

static const struct volume *volume_at(const struct image *img,
				      const struct realign_part *part)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		if (img->volumes[i].off == part->off && img->volumes[i].len == part->len)
			return &img->volumes[i];
	}
	return NULL;
}

static bool move_one(struct plan *p, const struct image *img,
		     const struct realign_part *part, uint32_t sector_size)
{
	const struct volume *v = volume_at(img, part);

	if (!v || !v->looked)
		return plan_refuse(p, "partition %u could not be looked into",
				   part->number);
	return type_may_move(p, v) && content_may_move(p, v) &&
	       plan_move(p, part->off, part->to, part->len) &&
	       boot_follows(p, v, part->to, sector_size);
}

static bool grow(struct plan *p, const struct image *img, const struct realign *r)
{
	uint64_t size;

	if (r->grow == 0)
		return true;
	if (S_ISBLK(img->src->st.st_mode))
		return plan_refuse(
			p,
			"%llu MiB more are needed, and a block device cannot be "
			"made longer here",
			LLU(r->grow / REALIGN_TO));
	if (!u64_add(img->size, r->grow, &size) || size > INT64_MAX)
		return plan_refuse(p, "no file can be so long");
	plan_grow(p, size);
	return true;
}

bool relocate(struct plan *p, const struct image *img, const struct realign *r,
	      uint32_t sector_size)
{
	if (p->src->patch && p->src->patch->nmoves)
		return plan_refuse(p, "a repair moves once: run `vmend fix` again");
	if (img->filesystem)
		return plan_refuse(
			p,
			"%s begins with the disk's first byte, beside the table: "
			"what it means by a place is not known here",
			img->filesystem);
	if (!disk_still_boots(p, img, r) || !windows_still_boots(p, img) ||
	    !nobody_sleeps(p, img) || !grow(p, img, r))
		return false;
	for (size_t i = 0; i < r->n; i++) {
		if (r->part[i].to != r->part[i].off &&
		    !move_one(p, img, &r->part[i], sector_size))
			return false;
	}
	return true;
}

bool relocate_impossible(struct plan *p, const struct realign *r, enum realign_verdict v)
{
	switch (v) {
	case REALIGN_OK:
		return false;
	case REALIGN_IDLE:
		plan_refuse(p, "nothing has to move");
		return true;
	case REALIGN_OVERLAP:
		plan_refuse(p, "partition %u overlaps another one", r->culprit);
		return true;
	case REALIGN_OUTSIDE:
		plan_refuse(p, "partition %u does not end within the usable range",
			    r->culprit);
		return true;
	case REALIGN_TOO_FAR:
		plan_refuse(p, "partition %u would end beyond all numbers", r->culprit);
		return true;
	case REALIGN_TOO_MANY:
		plan_refuse(p, "there are more than %d partitions", REALIGN_MAX);
		return true;
	}
	BUG("no such verdict");
}

void relocate_title(struct plan *p, const struct realign *r)
{
	uint64_t bytes;
	size_t n = realign_moves(r, &bytes);

	if (r->grow)
		plan_title(
			p,
			"move %zu partition%s (%llu bytes) up to whole MiB, and make the "
			"disk %llu MiB longer",
			n, n == 1 ? "" : "s", LLU(bytes), LLU(r->grow / REALIGN_TO));
	else
		plan_title(p, "move %zu partition%s (%llu bytes) up to whole MiB", n,
			   n == 1 ? "" : "s", LLU(bytes));
}
