/* The table that an empty one for sectors of 4096 bytes was written over. Host tools such as
 * `sgdisk --move-second-header` do that to the disk of a guest, when the host's device has
 * such sectors and the guest's disk has 512 (Incus before 6.9, LXD).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_past.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static struct span signature_at(const struct gpt_table *t)
{
	struct span at = t->at;

	at.len = sizeof(GPT_SIGNATURE) - 1;
	return at;
}

/* The accident reached further than a table for 512 does. */
static void relate_losses(struct scan *s, struct finding *f, const struct gpt *old)
{
	const struct gpt_table *t = old->good;

	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v < GPT_PAST_HEAD / GPT_PAST_SECTOR)
			report_related(
				s, f, e->at,
				"partition %u began at LBA %llu: what it held below byte "
				"%d of the disk is lost",
				e->number, LLU(e->first.v), GPT_PAST_HEAD);
	}
}

static void check_emptied(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_past *past = g->past;
	struct finding *f;

	if (!past || st.verdict == GPT_IDLE || st.verdict == GPT_ALONE ||
	    (!past->table && !past->filesystem))
		return;
	if (past->table) {
		const struct gpt_table *b = past->table->good;

		f = report(
			s, signature_at(g->good),
			"an empty GPT for sectors of %u bytes stands over a disk with a "
			"table for %d: its backup is still there at LBA %llu (partitions: "
			"%zu)",
			g->sector_size, GPT_PAST_SECTOR, LLU(b->lba), b->nentries);
		report_related(s, f, signature_at(b), "%s",
			       past->several
				       ? "a backup; there are others, and they differ"
				       : "the backup of the table that was lost");
		relate_losses(s, f, past->table);
	} else {
		f = report(
			s, signature_at(g->good),
			"an empty GPT for sectors of %u bytes stands over a disk that is "
			"in use: %s begins at byte %llu",
			g->sector_size, past->filesystem,
			LLU(past->filesystem_at.off & ~UINT64_C(0xfffff)));
		report_related(s, f, past->filesystem_at, "%s", past->filesystem);
	}
	report_label(s, f, "no system finds a partition on this disk");
}

/* ---- the repair ---- */

/* Is what would be overwritten the accident's, and nothing else? */
static bool places_are_known(struct plan *p, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct view gap = view_cut(g->image->head, MBR_SIZE, g->sector_size - MBR_SIZE);

	if (st.verdict != GPT_SOUND || !mbr_purely_protective(st.mbr))
		return plan_refuse(
			p,
			"the empty table or its protective MBR is not as a tool writes "
			"them: more than that has happened to this disk");
	if (!view_is_zero(gap) || !view_is_zero(g->primary.entries_raw) ||
	    !view_is_zero(g->backup.entries_raw))
		return plan_refuse(p,
				   "the places of the table are not empty: somebody has "
				   "used them since");
	return true;
}

static bool table_fits(struct plan *p, const struct gpt *old, uint64_t array)
{
	const struct gpt_table *b = old->good;
	uint64_t end = old->sectors - 1 - array; /* of what partitions may have */

	if (b->first_usable.v < 2 + array ||
	    array * GPT_PAST_SECTOR < GPT_ENTRIES_MIN_BYTES)
		return plan_refuse(
			p,
			"the old table has an array of %llu sectors before its "
			"first usable LBA %llu, expected 32 or more, and room for "
			"them",
			LLU(array), LLU(b->first_usable.v));
	if (b->lba >= end || b->last_usable.v >= end)
		return plan_refuse(p,
				   "the old table leaves no room for a backup at the end "
				   "of the disk");
	for (size_t i = 0; i < b->nentries; i++) {
		const struct gpt_entry *e = &b->entry[i];

		if (e->first.v > e->last.v || e->first.v < b->first_usable.v ||
		    e->last.v > b->last_usable.v)
			return plan_refuse(
				p,
				"partition %u (LBA %llu to %llu) is not within the "
				"usable range of the old table",
				e->number, LLU(e->first.v), LLU(e->last.v));
	}
	return true;
}

static bool put_both(struct plan *p, const struct gpt *g, uint64_t array)
{
	const struct gpt *old = g->past->table;
	const struct gpt_table *b = old->good;
	size_t bytes = (size_t)array * GPT_PAST_SECTOR;
	struct gpt_state first = {
		.g = old,
		.from = b,
		.array = array,
		.array_lba = 2,
		.array_old = view_cut(old->head, GPT_PAST_SECTOR, bytes),
		.header_lba = 1,
		.header_old = view_cut(old->head, 0, GPT_PAST_SECTOR),
	};
	struct gpt_state last = {
		.g = old,
		.from = b,
		.array = array,
		.array_lba = old->sectors - 1 - array,
		.array_old = view_cut(old->tail, 0, bytes),
		.header_lba = old->sectors - 1,
		.header_old = view_cut(old->tail, bytes, GPT_PAST_SECTOR),
	};
	struct gpt_header h = {
		.my_lba = 1,
		.alternate_lba = last.header_lba,
		.first_usable = b->first_usable.v,
		.last_usable = last.array_lba - 1,
		.entries_lba = first.array_lba,
		.disk_guid = b->disk_guid,
		.entry_count = (uint32_t)b->entry_count.v,
		.entry_size = (uint32_t)b->entry_size.v,
	};

	if (!gpt_put_copy(p, &first, &h))
		return false;
	h.my_lba = last.header_lba;
	h.alternate_lba = 1;
	h.entries_lba = last.array_lba;
	return gpt_put_copy(p, &last, &h);
}

static bool fix_emptied(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt *old = g->past->table;
	const struct gpt_table *b;
	struct gpt_state st = gpt_state(g);
	uint64_t array;

	(void)f;
	if (!old)
		return plan_refuse(p, "no backup of the old table was found");
	if (g->past->several)
		return plan_refuse(p, "there are several backups of old tables, and they "
				      "differ: which is the last cannot be told");
	if (g->other || gpt_odd_size(p, g))
		return g->other &&
		       plan_refuse(p,
				   "there is a header for sectors of %u bytes "
				   "as well",
				   g->other->sector_size);
	b = old->good;
	array = gpt_entries_sectors(b->entry_count.v, b->entry_size.v, GPT_PAST_SECTOR);
	if (!places_are_known(p, g) || !table_fits(p, old, array) ||
	    !put_both(p, g, array))
		return false;
	plan_title(
		p,
		"restore the table for sectors of %d bytes from its backup at LBA %llu",
		GPT_PAST_SECTOR, LLU(b->lba));
	/* The old backup would be a left-over in the middle of the disk. */
	return gpt_put_protective_size(p, st.mbr, old->sectors) &&
	       plan_zero(p, STAGE_COMMIT, b->at.off, b->header_size.v);
}

const struct rule rules_gpt_past[] = {
	{ .id = "gpt-4k-emptied",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an empty GPT for 4096-byte sectors over a disk with data",
	  .why = "A tool on a host whose device has sectors of 4096 bytes took the guest's disk, "
		 "which has 512, for one without a table, and wrote an empty one. Partitions "
		 "and data are still there, but nothing finds them.",
	  .steps =
		  "If the backup of the old table was found, `vmend fix --unsafe-fixes` puts it "
		  "back; `vmend undo` takes that back. Else work on a copy, and search it for "
		  "file systems (testdisk, with sectors of 512 bytes). Take the cached image of "
		  "the pool anew, and update Incus to 6.9 or 6.0.4.",
	  .source = "lxc/incus issue 1375; canonical/lxd issues 16477 and 16617",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_emptied, fix_emptied) },
};

RULES_END(gpt_past);
