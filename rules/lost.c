/* A disk that has lost its partition table, and still has what was in its partitions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/lost.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_pieces.h"
#include "rules/lost_table.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { SECTOR_MAX = 4096 };

/* ---- the finding ---- */

static void relate_slot(struct scan *s, struct finding *f, const struct lost_table *t,
			const struct lost_slot *slot)
{
	const struct lost_part *p = slot->part;
	const char *label = "", *end = "", *weak = "";

	if (p->label.n)
		label = scan_printf(s, " '%s'", shown(s, p->label));
	if (slot->end == LOST_END_NEXT || slot->end == LOST_END_SPACE)
		end = scan_printf(s, ", %s", lost_end_words(slot->end));
	if (p->weak)
		weak = ", only by its first sectors";
	report_related(s, f, p->fs->at, "partition %u, %s: LBA %llu to %llu, %s%s%s%s",
		       slot->number, lost_type_name(t, slot), LLU(slot->first),
		       LLU(slot->last), p->fs->name, label, weak, end);
}

static void check_lost(struct scan *s, const struct image *img)
{
	const struct lost *l = img->lost;
	struct span table = { .src = img->src,
			      .off = MBR_OFF_ENTRIES,
			      .len = MBR_ENTRY_SIZE };
	struct lost_table t;
	struct finding *f;

	/* Entries know more than contents: where they can be put together, that is gpt-pieces. */
	if (!l || (img->gpt && gpt_has_pieces(img->gpt)))
		return;
	lost_table_of(&t, l);
	f = report(s, table,
		   "no partition table can be read, but what was in %zu partition%s is "
		   "there",
		   l->nparts, l->nparts == 1 ? "" : "s");
	report_label(s, f, "no system finds a partition on this disk");
	for (size_t i = 0; i < t.nslots; i++)
		relate_slot(s, f, &t, &t.slot[i]);
	for (size_t i = 0; i < l->npassed; i++)
		report_related(s, f, l->passed[i].at,
			       "%s at byte %llu is not counted: %s", l->passed[i].name,
			       LLU(l->passed[i].off), l->passed[i].why);
	if (l->more)
		report_related(s, f, l->passed[0].at, "and %zu more that are not counted",
			       l->more);
	if (l->stopped)
		report_related(s, f,
			       (struct span){ .src = img->src, .off = l->stopped_at },
			       "the search stopped at byte %llu, after %u places: what "
			       "may stand behind is not known",
			       LLU(l->stopped_at), l->places);
}

/* ---- the repair ---- */

static bool put_signature(struct plan *p)
{
	static const uint8_t signature[] = { 0x55, 0xaa };

	return plan_bytes(p, STAGE_COMMIT, MBR_OFF_MAGIC,
			  (struct view){ signature, sizeof(signature) });
}

static bool put_mbr(struct plan *p, const struct lost_table *t)
{
	uint8_t table[MBR_SIZE - MBR_OFF_ENTRIES] = { 0 };

	for (size_t i = 0; i < t->nslots; i++) {
		const struct lost_slot *s = &t->slot[i];
		uint8_t *e = table + i * MBR_ENTRY_SIZE;

		/* "Go by the LBA", as tools of today write it. */
		memcpy(e + MBR_ENT_CHS_FIRST, "\xfe\xff\xff", 3);
		memcpy(e + MBR_ENT_TYPE, &s->mbr_type, 1);
		memcpy(e + MBR_ENT_TYPE + 1, "\xfe\xff\xff", 3);
		put_le32(e + MBR_ENT_LBA, (uint32_t)s->first);
		put_le32(e + MBR_ENT_SECTORS, (uint32_t)(s->last - s->first + 1));
	}
	put_le16(table + (MBR_OFF_MAGIC - MBR_OFF_ENTRIES), 0xaa55);
	return plan_bytes(p, STAGE_COMMIT, MBR_OFF_ENTRIES,
			  (struct view){ table, sizeof(table) });
}

static void fill_entries(const struct lost_table *t, uint8_t *array)
{
	for (size_t i = 0; i < t->nslots; i++) {
		const struct lost_slot *s = &t->slot[i];
		uint8_t *e = array + i * GPT_ENTRY_SIZE;

		memcpy(e + GPT_ENT_TYPE, s->type.b, GPT_GUID_SIZE);
		memcpy(e + GPT_ENT_GUID, s->guid.b, GPT_GUID_SIZE);
		put_le64(e + GPT_ENT_FIRST, s->first);
		put_le64(e + GPT_ENT_LAST, s->last);
	}
}

/* One copy: the array at its place, then the header. */
static bool put_copy(struct plan *p, const struct lost_table *t, struct view array,
		     bool backup)
{
	uint32_t ss = t->sector_size;
	uint64_t last = t->sectors - 1,
		 base = backup ? t->lost->image->size - LOST_EDGE : 0;
	struct view old = backup ? t->lost->tail : t->lost->head;
	uint8_t sector[SECTOR_MAX];
	struct gpt_header h = {
		.my_lba = backup ? last : 1,
		.alternate_lba = backup ? 1 : last,
		.first_usable = t->first_usable,
		.last_usable = t->last_usable,
		.entries_lba = backup ? last - t->array : 2,
		.disk_guid = t->disk_guid,
		.entry_count = LOST_GPT_ENTRIES,
		.entry_size = GPT_ENTRY_SIZE,
	};
	uint64_t at = h.entries_lba * ss, header = h.my_lba * ss;

	if (!gpt_put_sectors(p, STAGE_TABLES, at, array,
			     view_cut(old, (size_t)(at - base), array.n), ss))
		return false;
	gpt_header_bytes(&h, array, sector, ss);
	return gpt_put_sectors(p, STAGE_HEADERS, header, (struct view){ sector, ss },
			       view_cut(old, (size_t)(header - base), ss), ss);
}

static bool put_gpt(struct plan *p, const struct lost_table *t)
{
	uint8_t table[MBR_SIZE - MBR_OFF_ENTRIES] = { 0 };
	size_t n = LOST_GPT_ENTRIES * GPT_ENTRY_SIZE;
	uint8_t *entries = arena_array(p->arena, n, uint8_t);
	struct view array = { entries, n };

	fill_entries(t, entries);
	mbr_protective_bytes(t->sectors, table);
	put_le16(table + (MBR_OFF_MAGIC - MBR_OFF_ENTRIES), 0xaa55);
	return put_copy(p, t, array, false) && put_copy(p, t, array, true) &&
	       plan_bytes(p, STAGE_COMMIT, MBR_OFF_ENTRIES,
			  (struct view){ table, sizeof(table) });
}

static bool fix_lost(struct plan *p, const struct finding *f, const struct image *img)
{
	struct lost_table t;

	(void)f;
	if (!img->lost)
		return false;
	lost_table_of(&t, img->lost);
	if (t.refused[0])
		return plan_refuse(p, "%s", t.refused);
	if (t.restored) {
		plan_title(
			p,
			"write the signature 55 aa: what was found is where the entries say");
		return put_signature(p);
	}
	if (t.mbr ? !put_mbr(p, &t) : !put_gpt(p, &t))
		return false;
	plan_title(p, "write %s with %s found (%s)", t.mbr ? "an MBR" : "a GPT",
		   t.nslots == 1 ? "the partition" : "the partitions", t.why);
	return true;
}

const struct rule rules_lost[] = {
	{ .id = "img-table-lost",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_LOSSY,
	  .title = "a disk without a partition table, but with partitions' contents",
	  .why = "No operating system and no firmware finds a partition on this disk, although "
		 "its file systems may be intact.",
	  .steps =
		  "Work on a copy, if there is room for one. `vmend fix --diff --lossy-fixes` "
		  "shows the table that can be made from what was found, and nothing is "
		  "written; without --diff it is written, and `vmend undo` takes that back. "
		  "Numbers, names, GUIDs, attributes and the active flag are not in the "
		  "contents: what refers to them (PARTUUID in /etc/fstab or on the kernel's "
		  "command line, boot entries of the firmware) has to be set again. A "
		  "partition without known content is not found. When something else was "
		  "written over the first sectors, and no file system begins where another "
		  "one ends, nothing tells any more that the file is a disk: say so with "
		  "`--as raw`.",
	  .source = "UEFI 2.10, section 5.3; the superblocks' documents are named in "
		    "analyze/image/superblock.c",
	  .since = "0.1.0",
	  CHECK_FIX(image, check_lost, fix_lost) },
};

RULES_END(lost);
