/* Rules on what makes a disk of an ISO 9660 image as well. That its tables overlap the volume, or
 * that no entry protects its GPT, is how isohybrid makes them, and nobody's fault.
 * syslinux, doc/isolinux.txt; xorrisofs(1), "System area"; UEFI 2.10, 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/iso.h"
#include "analyze/image/mbr.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	PER_BLOCK = ISO_SECTOR / MBR_SIZE,
	GRUB_SKIPS =
		4, /* sectors of its image that its boot sector does not need again */
};

static const struct gpt *gpt_of(const struct iso *iso)
{
	const struct gpt *g = iso->disk.image ? iso->disk.image->gpt : NULL;

	return g && g->sector_size == MBR_SIZE ? g : NULL;
}

static bool is_truncated(const struct iso *iso)
{
	return iso->volume_end > iso->image->size;
}

/* ---- iso-hybrid-gpt ---- */

static bool is_damaged(const struct gpt_table *t)
{
	return t->present && !gpt_table_ok(t);
}

static void check_gpt(struct scan *s, const struct iso *iso)
{
	const struct gpt *g = gpt_of(iso);
	const struct gpt_table *both[] = { g ? &g->primary : NULL,
					   g ? &g->backup : NULL };

	for (size_t i = 0; g && i < 2; i++) {
		struct finding *f;

		if (!is_damaged(both[i]))
			continue;
		f = report(s, both[i]->at,
			   "the %s GPT of the hybrid image is damaged: its %s",
			   i ? "backup" : "primary",
			   both[i]->header_ok ? "entries do not have their checksum"
					      : "header is not right");
		if (i && gpt_table_ok(&g->primary)) {
			report_label(s, f, "systems take the primary one, and some ask");
			report_lower(f);
		} else if (g->good) {
			report_label(
				s, f,
				"what does not look at the backup sees no partitions");
		} else {
			report_label(s, f, "as a disk, its partitions are not seen");
		}
	}
}

/* Bytes of the other copy from a good one: the entries as they are, a header of its own. */
static bool plan_copy(struct plan *p, const struct gpt *g, const struct gpt_table *from,
		      uint64_t lba, uint64_t entries_lba, uint64_t alternate)
{
	uint8_t *sector = arena_array(p->arena, MBR_SIZE, uint8_t);
	struct gpt_header h = {
		.my_lba = lba,
		.alternate_lba = alternate,
		.first_usable = from->first_usable.v,
		.last_usable = from->last_usable.v,
		.entries_lba = entries_lba,
		.disk_guid = from->disk_guid,
		.entry_count = (uint32_t)from->entry_count.v,
		.entry_size = (uint32_t)from->entry_size.v,
	};

	(void)g;
	gpt_header_bytes(&h, from->entries_raw, sector, MBR_SIZE);
	return plan_bytes(p, STAGE_TABLES, entries_lba * MBR_SIZE, from->entries_raw) &&
	       plan_bytes(p, STAGE_HEADERS, lba * MBR_SIZE,
			  (struct view){ sector, MBR_SIZE });
}

/* Where the backup's entries are: up to its header. */
static uint64_t backup_entries(const struct gpt_table *t, uint64_t lba)
{
	return lba - gpt_entries_sectors(t->entry_count.v, t->entry_size.v, MBR_SIZE);
}

/* The primary's are where its header says, if that is only damaged elsewhere; and if the
 * bytes there are those of the backup, that is so. */
static uint64_t primary_entries(const struct gpt *g)
{
	const struct gpt_table *t = &g->primary, *b = &g->backup;
	struct view head = g->image->head;
	uint64_t off = t->entries_lba.v * MBR_SIZE;

	if (t->header_ok)
		return t->entries_lba.v;
	for (uint64_t lba = 2; lba < 64; lba++) {
		off = lba * MBR_SIZE;
		if (view_eq(head, (size_t)off, b->entries_raw.p, b->entries_raw.n))
			return lba;
	}
	return 0;
}

/* Are they there, but for some damage, or is nothing there? Else it is somebody's. */
static bool is_their_place(const struct iso *iso, uint64_t lba, struct view entries)
{
	const struct gpt *g = iso->disk.image->gpt;
	uint64_t from = g->sectors * MBR_SIZE - g->tail.n, off = lba * MBR_SIZE;
	struct view there;

	if (off < from || !view_has(g->tail, (size_t)(off - from), entries.n))
		return false;
	there = view_cut(g->tail, (size_t)(off - from), entries.n);
	if (view_is_zero(there))
		return off >= iso->volume_end ||
		       !iso_in_use(iso, (struct span){ iso->image->src, off, entries.n },
				   NULL);
	return iso_is_mostly(there, entries);
}

static bool fix_gpt(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct gpt *g = iso->disk.image->gpt;
	const struct gpt_table *t = &g->primary, *b = &g->backup;
	uint64_t entries;

	if (!g->good)
		return plan_refuse(p, "neither of its two copies is right");
	if (f->at.off == b->at.off) {
		entries = b->header_ok ? b->entries_lba.v : backup_entries(t, b->lba);
		if (!is_their_place(iso, entries, t->entries_raw))
			return plan_refuse(p,
					   "what is at the place of its entries may be "
					   "somebody else's");
		plan_title(p, "the backup GPT from the primary one");
		return plan_copy(p, g, t, b->lba, entries, 1);
	}
	entries = primary_entries(g);
	if (!entries)
		return plan_refuse(p, "nothing says where its entries were");
	plan_title(p, "the primary GPT from the backup one");
	return plan_copy(p, g, b, 1, entries, b->lba);
}

/* ---- iso-hybrid-backup ---- */

static bool no_backup(const struct iso *iso, const struct gpt *g)
{
	return g && gpt_table_ok(&g->primary) && !g->backup.present && !is_truncated(iso);
}

static void check_backup(struct scan *s, const struct iso *iso)
{
	const struct gpt *g = gpt_of(iso);
	struct finding *f;

	if (no_backup(iso, g)) {
		f = report(s, g->primary.alternate_lba.at,
			   "the hybrid image has no backup GPT at LBA %llu",
			   LLU(g->primary.alternate_lba.v));
		report_label(s, f, "some systems ask about it when it is a disk");
	}
}

static bool fix_backup(struct plan *p, const struct finding *f, const struct iso *iso)
{
	const struct gpt *g = iso->disk.image->gpt;
	const struct gpt_table *t = &g->primary;
	uint64_t lba = t->alternate_lba.v, n;
	struct span at;

	(void)f;
	if (!no_backup(iso, g) || lba != g->sectors - 1)
		return plan_refuse(p, "the image has another length than its GPT says");
	n = gpt_entries_sectors(t->entry_count.v, t->entry_size.v, MBR_SIZE) + 1;
	at = (struct span){ iso->image->src, (g->sectors - n) * MBR_SIZE, n * MBR_SIZE };
	if (g->tail.n < at.len ||
	    !view_is_zero(view_cut(g->tail, g->tail.n - (size_t)at.len, (size_t)at.len)))
		return plan_refuse(p, "there is something where it belongs");
	/* Zeros may be the end of a file, or of a partition. */
	if (t->last_usable.v >= g->sectors - n || iso_in_use(iso, at, NULL) || iso->udf)
		return plan_refuse(p, "what is where it belongs may be somebody's");
	plan_title(p, "the backup GPT from the primary one");
	return plan_copy(p, g, t, lba, backup_entries(t, lba), 1);
}

/* ---- iso-hybrid-mismatch ---- */

static bool has_efi(const struct iso *iso)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		if (iso->catalog.entry[i].efi && iso->catalog.entry[i].bootable)
			return true;
	}
	return false;
}

/* A copy of what the CD starts is as good, and so is another one that starts. */
static void check_esp(struct scan *s, const struct iso *iso)
{
	for (size_t i = 0; i < iso->disk.nesp; i++) {
		const struct iso_esp *x = &iso->disk.esp[i];
		struct finding *f;

		if (x->in_catalog || x->starts != ANSWER_NO || !has_efi(iso))
			continue;
		f = report(s, x->at,
			   "the EFI partition of the %s begins at LBA %llu, where UEFI "
			   "finds nothing to start, and the boot catalog has its image "
			   "elsewhere",
			   x->gpt ? "GPT" : "MBR", LLU(x->lba));
		report_label(s, f, "from a disk, UEFI starts nothing");
	}
}

/* The sector that its boot code loads; 0: there is nothing that it could be, or it is right. */
static uint64_t core_wanted(const struct iso *iso)
{
	uint64_t wanted = 0;

	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		uint64_t lba = b->lba.v * PER_BLOCK +
			       (b->code == BOOT_CODE_GRUB ? GRUB_SKIPS : 0);

		if (b->code != iso->disk.code || !b->bootable || b->outside)
			continue;
		if (lba == iso->disk.core.v)
			return 0;
		/* It says itself where it is. Of two, nobody knows which one. */
		if (!b->info.present || b->info.file.v != b->lba.v || wanted)
			return 0;
		wanted = lba;
	}
	return wanted;
}

static void check_core(struct scan *s, const struct iso *iso)
{
	const struct field *core = &iso->disk.core;
	struct finding *f;
	uint64_t wanted;

	if (!core->at.len || iso->disk.core_same)
		return;
	wanted = core_wanted(iso);
	if (!wanted)
		return;
	f = report(s, core->at,
		   "the boot sector loads LBA %llu, and what it starts is at LBA %llu",
		   LLU(core->v), LLU(wanted));
	report_label(s, f, "from a disk, a BIOS does not start it");
}

static void check_ends(struct scan *s, const struct iso *iso)
{
	const struct image *img = iso->disk.image;
	uint64_t sectors = iso->image->size / MBR_SIZE;

	for (unsigned i = 0; img && img->mbr && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &img->mbr->entry[i];

		/* The entry that protects a GPT may say as much as it can. */
		if (e->used && e->type.v != MBR_TYPE_PROTECTIVE && !is_truncated(iso) &&
		    e->lba.v + e->sectors.v > sectors)
			report(s, e->sectors.at,
			       "partition %u of the MBR ends %llu sectors behind the image",
			       e->number, LLU(e->lba.v + e->sectors.v - sectors));
	}
}

static void check_mismatch(struct scan *s, const struct iso *iso)
{
	check_esp(s, iso);
	check_core(s, iso);
	check_ends(s, iso);
}

static bool fix_mismatch(struct plan *p, const struct finding *f, const struct iso *iso)
{
	uint64_t wanted;

	if (f->at.off != iso->disk.core.at.off)
		return plan_refuse(p, "nothing says which of them is right");
	wanted = core_wanted(iso);
	plan_title(p, "load LBA %llu", LLU(wanted));
	return plan_le64(p, STAGE_HEADERS, f->at, wanted);
}

const struct rule rules_iso_disk[] = {
	{ .id = "iso-hybrid-backup",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "no backup GPT at the end of a hybrid image",
	  .why = "On a disk of this size systems warn, or offer to repair what is not broken.",
	  .steps =
		  "It is written when the image is as long as its GPT says, and its end is free.",
	  .source = "UEFI 2.10, 5.3.2; xorrisofs(1), \"System area\"",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_backup, fix_backup) },
	{ .id = "iso-hybrid-gpt",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a damaged GPT of a hybrid image",
	  .why = "From a USB disk, firmware and systems do not see its partitions, or only by its "
		 "backup. It is a note while only the backup is damaged.",
	  .source = "UEFI 2.10, 5.3.2",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_gpt, fix_gpt) },
	{ .id = "iso-hybrid-mismatch",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a hybrid image that is another as a disk than as a CD",
	  .why = "What starts from a USB disk is then not what was tried as a CD, or nothing.",
	  .steps =
		  "What a boot sector loads is mended. Where partitions are that disagree, make "
		  "the image again.",
	  .source = "syslinux, doc/isolinux.txt; xorrisofs(1), --grub2-mbr",
	  .since = "0.1.0",
	  CHECK_FIX(iso, check_mismatch, fix_mismatch) },
};

RULES_END(iso_disk);
