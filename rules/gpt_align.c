/* The repair of partitions that begin at a bad place: data, entries and, where it takes
 * more room, the backup at a new end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/relocate.h"
#include "base/banned.h"

enum { ALIGN = 4096 };

static bool table_is_sound(struct plan *p, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *x = &g->primary, *y = &g->backup;

	if (st.verdict != GPT_SOUND || g->other || g->stray)
		return plan_refuse(p, "what else is found of the table has to be mended "
				      "first");
	if (!mbr_purely_protective(st.mbr))
		return plan_refuse(p,
				   "the MBR beside the GPT is a hybrid one, or does not "
				   "protect it: both would have to follow");
	if (gpt_odd_size(p, g))
		return false;
	if (y->entries_lba.v <= y->last_usable.v || x->entries_lba.v >= x->first_usable.v)
		return plan_refuse(p, "the usable range has to be mended first");
	return true;
}

static bool list_partitions(struct plan *p, const struct gpt *g, struct realign *r)
{
	const struct gpt_table *t = &g->primary;
	uint64_t ss = g->sector_size;

	*r = (struct realign){ .need = ALIGN, .end = (t->last_usable.v + 1) * ss };
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		const char *type = gpt_type_name(e->type);

		if (e->first.v < t->first_usable.v || e->last.v > t->last_usable.v ||
		    e->last.v < e->first.v)
			return plan_refuse(p,
					   "partition %u is not within the usable range",
					   e->number);
		if (!realign_add(r, e->number, e->first.v * ss,
				 (e->last.v - e->first.v + 1) * ss,
				 type && strcmp(type, "BIOS boot") == 0))
			return !relocate_impossible(p, r, REALIGN_TOO_MANY);
	}
	return !relocate_impossible(p, r, realign_plan(r));
}

/* ---- the table ---- */

static const struct realign_part *part_numbered(const struct realign *r, unsigned number)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->part[i].number == number)
			return &r->part[i];
	}
	BUG("partition %u is not in the list", number);
}

static bool put_entries(struct plan *p, enum stage stage, const struct gpt_table *t,
			const struct realign *r, uint64_t ss)
{
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		uint64_t to = part_numbered(r, e->number)->to / ss;

		if (to == e->first.v)
			continue;
		if (!plan_le64(p, stage, e->first.at, to) ||
		    !plan_le64(p, stage, e->last.at, to + (e->last.v - e->first.v)))
			return false;
	}
	return true;
}

static struct view new_entries(struct plan *p, const struct gpt_table *t,
			       const struct realign *r, uint64_t ss)
{
	size_t n = t->entries_raw.n;
	uint8_t *array = arena_try_array(p->arena, n, uint8_t);

	if (!array)
		return (struct view){ 0 };
	memcpy(array, t->entries_raw.p, n);
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		uint8_t *slot = array + (size_t)(e->at.off - t->entries_at.off);
		uint64_t to = part_numbered(r, e->number)->to / ss;

		put_le64(slot + GPT_ENT_FIRST, to);
		put_le64(slot + GPT_ENT_LAST, to + (e->last.v - e->first.v));
	}
	return (struct view){ array, n };
}

/* Behind all that there was: nothing is lost to it. */
static bool put_new_backup(struct plan *p, const struct gpt_state *st,
			   const struct realign *r, uint64_t sectors)
{
	const struct gpt_table *t = &st->g->primary;
	struct gpt_state end = *st;
	struct gpt_table now = *t;
	struct gpt_header h = {
		.my_lba = sectors - 1,
		.alternate_lba = t->lba,
		.first_usable = t->first_usable.v,
		.disk_guid = t->disk_guid,
		.entry_count = (uint32_t)t->entry_count.v,
		.entry_size = (uint32_t)t->entry_size.v,
	};

	now.entries_raw = new_entries(p, t, r, st->g->sector_size);
	if (!now.entries_raw.p)
		return plan_refuse(p, "the table is too large");
	end.from = &now;
	end.header_right = false;
	end.array_old = end.header_old = (struct view){ 0 };
	end.array = gpt_entries_sectors(h.entry_count, h.entry_size, st->g->sector_size);
	end.header_lba = sectors - 1;
	end.array_lba = h.entries_lba = sectors - 1 - end.array;
	h.last_usable = end.array_lba - 1;
	return gpt_put_copy(p, &end, &h) &&
	       plan_le64(p, STAGE_COMMIT, t->alternate_lba.at, h.my_lba) &&
	       plan_le64(p, STAGE_COMMIT, t->last_usable.at, h.last_usable) &&
	       gpt_put_protective_size(p, st->mbr, sectors);
}

/* The old backup would mislead tools that search for tables, unless a partition takes its
 * place. */
static bool drop_old_backup(struct plan *p, const struct gpt_table *b,
			    const struct realign *r)
{
	return realign_covers(r, b->at.off, b->at.len) ||
	       plan_zero(p, STAGE_COMMIT, b->at.off, b->header_size.v);
}

/* The new backup takes as many sectors as before, none of them from what the disk has. */
static void grow_enough(struct realign *r, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;
	uint64_t array =
		gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);

	if (r->grow)
		r->grow = u64_max(r->grow,
				  div_up((array + 1) * g->sector_size, REALIGN_TO) *
					  REALIGN_TO);
}

bool gpt_fix_align(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct realign r;
	bool put;

	(void)f;
	if (!table_is_sound(p, g) || !list_partitions(p, g, &r))
		return false;
	grow_enough(&r, g);
	if (!relocate(p, g->image, &r, g->sector_size))
		return false;
	if (r.grow)
		put = put_new_backup(p, &st, &r, p->size / g->sector_size) &&
		      drop_old_backup(p, &g->backup, &r);
	else
		put = put_entries(p, STAGE_TABLES, &g->backup, &r, g->sector_size);
	if (!put || !put_entries(p, STAGE_COMMIT, &g->primary, &r, g->sector_size))
		return false;
	relocate_title(p, &r);
	return true;
}
