/* A right backup GPT that may be out of date: beside a primary that was changed by half, or
 * without any other trace of a table. UEFI 2.10, section 5.3.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "analyze/image/image.h"
#include "analyze/image/volume.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* A partition of the backup's with content that we know, where it says: without one, the backup
 * may as well be a left-over. */
static const struct volume *first_content(const struct gpt *g)
{
	const struct image *img = g->image;

	for (size_t i = 0; i < img->nvolumes; i++) {
		if (img->volumes[i].gpt && img->volumes[i].fs)
			return &img->volumes[i];
	}
	return NULL;
}

/* Where the first partition begins, does something, behind zeros? What was written over the
 * table may as well be a whole disk's content, but does not know that place. */
static bool first_begins(const struct gpt *g)
{
	const struct volume *first = NULL;
	const struct image *img = g->image;

	for (size_t i = 0; i < img->nvolumes; i++) {
		if (!first || img->volumes[i].off < first->off)
			first = &img->volumes[i];
	}
	return first && first->gpt && first->begins;
}

static void check_alone(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct span at = g->backup.at;
	const struct volume *v = first_content(g);
	struct finding *f;

	if (st.verdict != GPT_ALONE)
		return;
	at.len = sizeof(GPT_SIGNATURE) - 1;
	f = report(
		s, at,
		"there is an intact backup GPT at LBA %llu (partitions: %zu), but the disk "
		"begins with something that is no partition table",
		LLU(g->backup.lba), g->backup.nentries);
	report_label(
		s, f,
		"either its first sectors were written over, or this is a left-over");
	if (v)
		report_related(s, f, v->fs->at, "%s, where partition %u begins",
			       v->fs->name, v->number);
}

static bool fix_alone(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	(void)f;
	if (st.verdict != GPT_ALONE || !st.mbr)
		return false;
	if (!first_content(g) && !first_begins(g))
		return plan_refuse(
			p, "nothing begins where the backup has its first partition");
	plan_title(p, "write the primary GPT and a protective MBR over what is there");
	return gpt_put_primary(p, &st) && gpt_put_protective(p, &st);
}

/* Is everything that the primary's array still shows as a partition one of the backup's? */
static bool knows_all(const struct gpt_table *backup, const struct gpt_table *torn)
{
	for (size_t i = 0; i < torn->nentries; i++) {
		const struct gpt_entry *e = &torn->entry[i];
		size_t k = 0;

		while (k < backup->nentries && (backup->entry[k].first.v != e->first.v ||
						backup->entry[k].last.v != e->last.v))
			k++;
		if (k == backup->nentries)
			return false;
	}
	return true;
}

/* Do the backup's entries stand at LBA 2 as well, and the primary's header points elsewhere? */
static bool stands_in_place(const struct gpt *g)
{
	struct view old = view_cut(g->head, g->sector_size, g->head.n - g->sector_size);

	return g->primary.entries_lba.v != 2 &&
	       view_eq(old, 0, g->backup.entries_raw.p, g->backup.entries_raw.n);
}

bool gpt_torn_is_older(const struct gpt *g)
{
	return stands_in_place(g) || knows_all(&g->backup, &g->primary);
}

static bool fix_torn(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (!gpt_is_torn(&st))
		return false;
	if (!gpt_torn_is_older(g))
		return plan_refuse(
			p,
			"what stands as the primary's entries has partitions that the "
			"backup does not have, and which of them are newer cannot be told");
	return gpt_fix_primary(p, f, g);
}

static void check_torn(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *t = &g->primary;
	struct finding *f;

	if (!gpt_is_torn(&st))
		return;
	f = report(s, t->entries_crc.at,
		   "the header of the primary GPT is right, but is that of other entries "
		   "(checksum %08llx) than it has (%08x)",
		   LLU(t->entries_crc.v), t->entries_crc_actual);
	report_label(s, f, "Linux does not look at the backup, and finds no partitions");
	report_related(
		s, f, g->backup.at,
		"the backup is intact, with other entries than either (partitions: %zu)",
		g->backup.nentries);
}

const struct rule rules_gpt_alone[] = {
	{ .id = "gpt-backup-alone",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_LOSSY,
	  .title = "a backup GPT, and no other trace of a partition table",
	  .why = "If the first sectors were written over by mistake, the backup is all that "
		 "knows the partitions, and no system looks at it. If the disk is used without "
		 "partitions now, it misleads tools that search for tables.",
	  .steps =
		  "Find out what the first sectors hold (`xxd -l 17k DISK`). If they were written "
		  "over, `vmend fix --lossy-fixes` puts the table that the backup has over them, "
		  "where known content begins as it says; `vmend undo` takes that back. If the "
		  "backup is the left-over, `wipefs` shows and removes it.",
	  .source = "UEFI 2.10, section 5.3.2; wipefs(8)",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_alone, fix_alone) },
	{ .id = "gpt-primary-torn",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the primary GPT was changed by half",
	  .why = "Its header and its entries are of different times, and the backup is of a third "
		 "one, which may be before the change. No system finds a partition.",
	  .steps =
		  "Compare the backup with the primary's entries (`vmend inspect`). If the backup "
		  "is as the disk should be, `vmend fix --unsafe-fixes` makes the primary from "
		  "it; `vmend undo` takes that back.",
	  .source =
		  "Linux, block/partitions/efi.c, is_gpt_valid(); UEFI 2.10, section 5.3.2",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_torn, fix_torn) },
};

RULES_END(gpt_alone);
