/* Rules on GPT headers that are right as far as their sums go: what stands where nothing
 * should, left-overs of other tables, where tools put things, and the usable range.
 * UEFI 2.10, section 5.3.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static const char *copy_name(const struct gpt_table *t)
{
	return t->which == GPT_PRIMARY ? "primary" : "backup";
}

static bool not_sound(struct plan *p, const struct gpt_state *st)
{
	if (st->verdict == GPT_SOUND)
		return false;
	plan_refuse(p, "the two copies of the GPT have to be right first");
	return true;
}

/* ---- gpt-reserved ---- */

/* The rest of a header's sector. */
static struct span rest_of(const struct gpt_table *t)
{
	struct span at = t->at;

	at.off += t->header_size.v;
	at.len -= t->header_size.v;
	return at;
}

static void check_rest(struct scan *s, const struct gpt_table *t)
{
	struct span at = rest_of(t);
	size_t from = (size_t)t->header_size.v, used = 0;

	for (size_t i = t->raw.n; i > from; i--) {
		if (view_u8(t->raw, i - 1) == 0)
			continue;
		at.off = t->at.off + i - 1;
		used++;
	}
	if (used == 0)
		return;
	at.len = span_end(t->at) - at.off;
	report(s, at, "%zu of the %zu bytes behind the %s GPT header are not zero", used,
	       t->raw.n - from, copy_name(t));
}

static void check_reserved(struct scan *s, const struct gpt *g)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup };
	struct gpt_state st = gpt_state(g);

	if (!gpt_state_has_table(&st))
		return;
	for (size_t i = 0; i < 2; i++) {
		const struct gpt_table *t = copies[i];

		if (!gpt_table_ok(t))
			continue;
		if (t->reserved.v != 0)
			report(s, t->reserved.at,
			       "the reserved field of the %s GPT header is %08llx, "
			       "expected 0",
			       copy_name(t), LLU(t->reserved.v));
		check_rest(s, t);
	}
}

static bool fix_reserved(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	bool primary = f->at.off < span_end(g->primary.at);

	if (not_sound(p, &st))
		return false;
	plan_title(p, "zero what is reserved");
	return plan_zero(p, primary ? STAGE_COMMIT : STAGE_HEADERS, f->at.off, f->at.len);
}

/* ---- gpt-stale-backup ---- */

static struct span header_of(const struct gpt_table *t)
{
	struct span at = t->at;

	at.len = t->size_ok ? t->header_size.v : GPT_HEADER_SIZE;
	return at;
}

/* The left-over header, where it is in nobody's partition. */
static const struct gpt_table *stale_header(const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (!gpt_state_has_table(&st) || !g->stray || gpt_entry_in(g, g->stray->lba, 1) ||
	    mbr_entry_in(st.mbr, g->stray->lba, 1))
		return NULL;
	return g->stray;
}

static void check_stale(struct scan *s, const struct gpt *g)
{
	const struct gpt_table *t = stale_header(g);
	const char *where, *whose;
	struct finding *f;

	if (!t)
		return;
	where = t->lba == g->sectors - 1 ? ", the last one" : "";
	whose = guid_eq(t->disk_guid, g->good->disk_guid) ? "an older copy of this GPT"
							  : "the header of another GPT";
	f = report(s, header_of(t), "%s stands at LBA %llu%s", whose, LLU(t->lba), where);
	if (gpt_table_ok(t))
		report_label(s, f,
			     "it is intact (partitions: %zu), and this table does not "
			     "lead to it",
			     t->nentries);
	else
		report_label(s, f, "it is damaged, and this table does not lead to it");
	report_related(s, f, header_of(g->good), "the GPT that is in use");
}

/* Has anything else than the left-over these sectors? */
static bool in_use(const struct gpt *g, uint64_t lba, uint64_t n)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup };

	for (size_t i = 0; i < 2; i++) {
		const struct gpt_table *t = copies[i];
		uint64_t array = gpt_entries_sectors(t->entry_count.v, t->entry_size.v,
						     g->sector_size);

		if (!t->present)
			continue;
		if ((t->lba >= lba && t->lba - lba < n) ||
		    (t->entries_lba.v < lba + n && lba < t->entries_lba.v + array))
			return true;
	}
	return lba < 2 || gpt_entry_in(g, lba, n) || mbr_entry_in(g->image->mbr, lba, n);
}

static bool fix_stale(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = stale_header(g);
	uint64_t n;

	(void)f;
	if (!t)
		return false;
	if (in_use(g, t->lba, 1))
		return plan_refuse(p, "its sector belongs to the table that is in use");
	plan_title(p, "remove the left-over GPT header at LBA %llu", LLU(t->lba));
	if (!plan_zero(p, STAGE_COMMIT, t->at.off, header_of(t).len))
		return false;
	n = gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
	if (!gpt_table_ok(t) || in_use(g, t->entries_lba.v, n))
		return true;
	return plan_zero(p, STAGE_COMMIT, t->entries_at.off, t->entries_at.len);
}

/* ---- gpt-backup-gap ---- */

static uint64_t array_of(const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;

	return gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
}

static void check_gap(struct scan *s, const struct gpt *g)
{
	const struct gpt_table *b = &g->backup;
	struct gpt_state st = gpt_state(g);
	uint64_t end = b->entries_lba.v + array_of(g);
	struct finding *f;

	/* The room of 16 KiB that an array of few entries has is no gap. */
	if (st.verdict != GPT_SOUND || b->entries_lba.v > b->lba || end >= b->lba ||
	    b->lba - b->entries_lba.v <= GPT_ENTRIES_MIN_BYTES / g->sector_size)
		return;
	f = report(s, b->entries_lba.at,
		   "the backup's entries end at LBA %llu, its header is at LBA %llu",
		   LLU(end - 1), LLU(b->lba));
	report_label(s, f, "%llu sectors that no partition can have", LLU(b->lba - end));
}

static bool fix_gap(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;
	struct gpt_state st = gpt_state(g), end;
	struct gpt_header h;

	(void)f;
	if (not_sound(p, &st) || gpt_odd_size(p, g))
		return false;
	end = gpt_state_new_end(&st, t);
	if (array_of(g) * g->sector_size < GPT_ENTRIES_MIN_BYTES)
		return plan_refuse(p, "the table has fewer entries than 16 KiB hold");
	if (!gpt_place_is_free(p, &end))
		return false;
	if (end.room != ROOM_EMPTY || !view_is_zero(end.array_old))
		return plan_refuse(p, "the sectors before the backup's header are not "
				      "empty");
	h = (struct gpt_header){
		.my_lba = end.header_lba,
		.alternate_lba = t->lba,
		.first_usable = t->first_usable.v,
		.last_usable = end.array_lba - 1,
		.entries_lba = end.array_lba,
		.disk_guid = t->disk_guid,
		.entry_count = (uint32_t)t->entry_count.v,
		.entry_size = (uint32_t)t->entry_size.v,
	};
	plan_title(p, "put the backup's entries before its header");
	return gpt_put_copy(p, &end, &h) &&
	       plan_le64(p, STAGE_COMMIT, t->last_usable.at, h.last_usable);
}

/* ---- gpt-import-hazard ---- */

/* sgdisk keeps as many sectors free at the end as there are before the first usable one.
 * The partition that ends in them, or NULL. */
static const struct gpt_entry *in_sgdisks_way(const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;
	const struct gpt_entry *last = NULL;

	if (t->first_usable.v >= g->sectors)
		return NULL;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->last.v > g->sectors - t->first_usable.v &&
		    e->last.v <= t->last_usable.v && (!last || e->last.v > last->last.v))
			last = e;
	}
	return last;
}

static void check_import(struct scan *s, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;
	struct gpt_state st = gpt_state(g);
	const struct gpt_entry *e;
	struct finding *f;

	if (st.verdict != GPT_SOUND || t->first_usable.v <= 2 + array_of(g))
		return;
	e = in_sgdisks_way(g);
	if (!e)
		return;
	f = report(
		s, t->first_usable.at,
		"the first usable LBA is %llu, so sgdisk wants LBA %llu and all behind "
		"it for the backup, and partition %u ends at LBA %llu",
		LLU(t->first_usable.v), LLU(g->sectors - t->first_usable.v + 1),
		e->number, LLU(e->last.v));
	report_label(s, f, "`sgdisk --move-second-header` fails on a disk of this size");
	report_related(s, f, e->last.at, "the end of partition %u", e->number);
}

static bool fix_import(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary, *b = &g->backup;
	struct gpt_state st = gpt_state(g);
	uint64_t first = 2 + array_of(g), off = first * g->sector_size, end;
	struct view head = g->image->head;

	(void)f;
	if (not_sound(p, &st))
		return false;
	if (t->entries_lba.v != 2 || array_of(g) * g->sector_size < GPT_ENTRIES_MIN_BYTES)
		return plan_refuse(p,
				   "the primary's entries do not have the 16 KiB behind "
				   "its header");
	/* Some boards start from what stands there, and the number keeps it from harm. */
	end = u64_min(t->first_usable.v * g->sector_size, head.n);
	if (off < end && !view_is_zero(view_cut(head, (size_t)off, (size_t)(end - off))))
		return plan_refuse(p,
				   "there is something between the entries and the "
				   "first usable LBA: a boot loader may be kept there");
	plan_title(p, "let the usable range begin behind the entries, at LBA %llu",
		   LLU(first));
	return plan_le64(p, STAGE_HEADERS, b->first_usable.at, first) &&
	       plan_le64(p, STAGE_COMMIT, t->first_usable.at, first);
}

/* ---- gpt-usable-range ---- */

/* Where the backup's entries are, or will be once it is rebuilt; 0: elsewhere. */
static uint64_t backup_array(const struct gpt_state *st)
{
	if (st->verdict == GPT_BACKUP_BAD)
		return st->array_lba;
	return st->g->backup_at_end && gpt_table_ok(&st->g->backup)
		       ? st->g->backup.entries_lba.v
		       : 0;
}

static void report_no_range(struct scan *s, const struct gpt_table *t)
{
	struct finding *f;

	f = report(s, t->last_usable.at,
		   "the usable LBAs are %llu to %llu: they end before they begin",
		   LLU(t->first_usable.v), LLU(t->last_usable.v));
	report_label(s, f, "Linux takes the table for damaged, and finds no partitions");
	report_related(s, f, t->first_usable.at, "the first usable LBA");
}

static void check_usable(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *p = &g->primary, *t = g->good;
	uint64_t end, backup;

	if (!gpt_state_has_table(&st))
		return;
	if (t->first_usable.v > t->last_usable.v) {
		report_no_range(s, t);
		return;
	}
	end = p->entries_lba.v +
	      gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
	if (t == p && t->first_usable.v < end)
		report(s, t->first_usable.at,
		       "the first usable LBA is %llu, but the primary's entries end at %llu",
		       LLU(t->first_usable.v), LLU(end - 1));
	backup = backup_array(&st);
	if (backup != 0 && t->last_usable.v >= backup)
		report(s, t->last_usable.at,
		       "the last usable LBA is %llu, but the backup's entries begin at %llu",
		       LLU(t->last_usable.v), LLU(backup));
}

#define LINUX "Linux, block/partitions/efi.c"

const struct rule rules_gpt_header[] = {
	{ .id = "gpt-backup-gap",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "the backup's entries are not beside its header",
	  .why = "Space at the end of the disk is lost to partitions. sgdisk leaves it so when "
		 "it moves the backup of a table that fdisk made, and later versions warn of "
		 "it.",
	  .source = "gptfdisk, gpt.cc, MoveSecondHeaderToEnd(); UEFI 2.10, section 5.3.1",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_gap, fix_gap) },
	{ .id = "gpt-import-hazard",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_UNSAFE,
	  .title = "sgdisk cannot move the backup GPT of this disk",
	  .why = "`sgdisk --move-second-header`, which Incus and LXD run when they import an "
		 "image, takes the first usable LBA for the size of the table, wants that much "
		 "at the end as well, and ends with status 4 where a partition has it.",
	  .steps =
		  "If the disk is made larger before it is imported, nothing need be done. Else "
		  "`vmend fix --unsafe-fixes` lets the usable range begin right behind the "
		  "entries, provided that nothing is seen there.",
	  .source =
		  "gptfdisk, gpt.cc, MoveSecondHeaderToEnd(): secondary table overlaps the "
		  "last partition; lxc/incus, storage/drivers/driver_common.go",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_import, fix_import) },
	{ .id = "gpt-reserved",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_LOSSY,
	  .title = "a GPT header has something where zeros belong",
	  .why = "No reader looks at it, so that it is a tool's mistake, remains of what was "
		 "there before, or something that was hidden; a repair of the header drops it.",
	  .steps =
		  "Look at it (`vmend inspect`, xxd). `vmend fix --lossy-fixes` zeroes it; "
		  "`vmend undo` takes that back.",
	  .source =
		  "UEFI 2.10, table 5-5: Reserved, and the rest of the block, must be zero",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_reserved, fix_reserved) },
	{ .id = "gpt-stale-backup",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_LOSSY,
	  .title = "a left-over GPT header where a backup could be",
	  .why = "A small image over a larger disk leaves that disk's backup at the end, and "
		 "tools that move a backup leave the old one where it was. Recovery tools take "
		 "it for the disk's, and when the primary is lost, it is the one that systems "
		 "find.",
	  .steps =
		  "If the partitions in it (`vmend inspect`) are not wanted, `vmend fix "
		  "--lossy-fixes` zeroes it and its entries; `vmend undo` takes that back. If "
		  "they are, the table in use is the wrong one: do not repair it.",
	  .source = "UEFI 2.10, section 5.3.2; gdisk(8), recovery",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_stale, fix_stale) },
	{ .id = "gpt-usable-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the usable range of a GPT is none, or reaches into the table",
	  .why = "The next tool that creates or grows a partition may put it over the entries, "
		 "and whoever writes to it destroys the table. If the last usable LBA is past the "
		 "end of the disk, Linux finds no partitions.",
	  .source = "UEFI 2.10, table 5-5, FirstUsableLBA and LastUsableLBA; " LINUX
		    ", is_gpt_valid()",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_usable, gpt_fix_usable) },
};

RULES_END(gpt_header);
