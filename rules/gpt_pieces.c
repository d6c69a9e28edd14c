/* A GPT of which no copy can be believed as it stands, put together from both: slot by slot
 * from whichever entry can be meant, with what is known to be in the partitions as a witness.
 * UEFI 2.10, section 5.3.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_pieces.h"
#include "analyze/image/gpt_bare.h"
#include "analyze/image/image.h"
#include "rules/gpt_fault.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_meant.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { SECTOR_MAX = 4096, SECTOR = 512 };

/* ---- when ---- */

static bool is_faultless(const struct gpt *g, const struct gpt_table *t)
{
	return gpt_table_ok(t) && !gpt_is_misplaced(g, t);
}

/* Does the disk go by a GPT, as far as can be seen? More is asked for than of one of which a
 * copy is right. */
static bool is_gpt_disk(const struct gpt_state *st)
{
	const struct gpt *g = st->g;

	if (st->protective)
		return true;
	if (st->mbr &&
	    (mbr_is_label(st->mbr) || (g->bare && mbr_lacks_magic_only(st->mbr))))
		return false;
	return g->primary.present || g->bare || (g->backup.present && g->backup_at_end);
}

/* Of a copy that has more entries than are read: they would reach over what partitions may have,
 * or it is right, or none. */
static bool has_no_room(const struct gpt *g, const struct gpt_table *t)
{
	uint64_t n =
		gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);

	if (!t->header_ok || t->array != GPT_ARRAY_TOO_LARGE)
		return true;
	return t->which == GPT_PRIMARY ? t->entries_lba.v > t->first_usable.v ||
						 n > t->first_usable.v - t->entries_lba.v
				       : n > t->lba || t->lba - n <= t->last_usable.v;
}

static bool in_doubt(const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (g->sectors < 4 || g->other || g->image->filesystem || !is_gpt_disk(&st) ||
	    gpt_is_misread(g) || gpt_can_piece(&st) || st.verdict == GPT_TWO_SIZES ||
	    st.verdict == GPT_TRUNCATED || st.verdict == GPT_ALONE)
		return false;
	if (st.verdict == GPT_DIFFER)
		return !gpt_can_choose(g);
	if (st.verdict == GPT_UNREAD)
		return has_no_room(g, &g->primary) && has_no_room(g, &g->backup);
	if (!gpt_can_rebuild(&st))
		return true;
	return !is_faultless(g, &g->primary) && !is_faultless(g, &g->backup);
}

/* False: no need to, a copy can be believed; or it cannot be told, with the reason in
 * m->refused. */
static bool gpt_pieces(struct gpt_meant *m, const struct gpt *g)
{
	m->refused[0] = 0;
	/* A disk that ends with a part of a sector has no last one to write to. */
	return in_doubt(g) && gpt_meant(m, g) &&
	       (m->sectors > g->sectors || g->image->size % g->sector_size == 0);
}

bool gpt_has_pieces(const struct gpt *g)
{
	struct gpt_meant m;

	return gpt_pieces(&m, g);
}

/* ---- the finding ---- */

static const char *place_words(struct scan *s, const struct meant_slot *slot)
{
	switch (slot->place) {
	case MEANT_SAID:
		return scan_printf(s, "as %s says", slot->from->name);
	case MEANT_JOINED:
		return "of the begin of one entry and the end of another";
	case MEANT_CONTENT:
		return "by what is in it";
	case MEANT_GAP:
		return "up to the next one or the end of the space: where it ended is not "
		       "known";
	}
	BUG("place %u", slot->place);
}

static void relate_slot(struct scan *s, struct finding *f, const struct gpt_meant *m,
			const struct meant_slot *slot)
{
	struct span at = { .src = m->g->primary.at.src };

	at.off = slot->from->lba * m->g->sector_size +
		 (slot->number - 1) * (uint64_t)GPT_ENTRY_SIZE;
	at.len = GPT_ENTRY_SIZE;
	report_related(s, f, at, "partition %u: LBA %llu to %llu, %s%s%s%s%s",
		       slot->number, LLU(slot->first), LLU(slot->last),
		       place_words(s, slot),
		       slot->content ? ", where content begins: " : "",
		       slot->content ? slot->content->fs->name : "",
		       slot->why[0] ? "; " : "", slot->why);
}

/* Entries without a header, on a disk that begins with something else. */
static bool is_beside_else(const struct gpt *g)
{
	return g->bare && gpt_state(g).verdict == GPT_IDLE;
}

static void check_pieces(struct scan *s, const struct gpt *g)
{
	struct span at = g->primary.at;
	struct gpt_meant m;
	struct finding *f;

	if (!gpt_pieces(&m, g))
		return;
	at.len = sizeof(GPT_SIGNATURE) - 1;
	if (g->bare)
		f = report(s, at,
			   "both headers of the GPT are gone, but a table of %zu "
			   "partition%s can be made of the entries at LBA %llu",
			   m.nslots, m.nslots == 1 ? "" : "s", LLU(g->bare->lba));
	else
		f = report(s, at,
			   "neither copy of the GPT can be mended from the other alone, "
			   "but a table of %zu partition%s can be put together from both",
			   m.nslots, m.nslots == 1 ? "" : "s");
	if (is_beside_else(g))
		report_label(s, f,
			     "either its first sectors were written over, or these "
			     "entries are a left-over");
	for (size_t i = 0; i < m.nslots; i++)
		relate_slot(s, f, &m, &m.slot[i]);
}

/* ---- the repair ---- */

/* Something that is known, where a copy is to be written. */
static bool is_taken(struct plan *p, const struct gpt_meant *m, uint64_t lba, uint64_t n)
{
	const struct lost *l = m->g->image->contents;
	const struct mbr_entry *e = mbr_entry_in(m->g->image->mbr, lba, n);
	uint32_t ss = m->g->sector_size;

	/* That of a hybrid MBR is a copy, as wrong as what it was copied from. */
	for (size_t i = 0; e && i < m->nslots; i++) {
		if (m->slot[i].first == e->lba.v)
			e = NULL;
	}
	if (e)
		plan_refuse(
			p,
			"entry %u of sector 0 has sectors where the table must go (LBA "
			"%llu to %llu)",
			e->number - 1, LLU(lba), LLU(lba + n - 1));
	for (size_t i = 0; l && !e && i < l->nparts; i++) {
		const struct lost_part *c = &l->part[i];

		if (c->off >= (lba + n) * ss || u64_max(c->end, c->off + 1) <= lba * ss)
			continue;
		plan_refuse(p, "%s stands where the table must go (LBA %llu to %llu)",
			    c->fs->name, LLU(lba), LLU(lba + n - 1));
		return true;
	}
	return e;
}

/* Is a place the table's by what stands there, or empty? */
static bool is_ours(const struct gpt_meant *m, bool backup)
{
	const struct gpt *g = m->g;
	uint32_t ss = g->sector_size;
	struct view place = backup ? g->tail : g->head;
	size_t header = backup ? place.n - ss : 0;

	if (place.n < 2 * ss || m->sectors != g->sectors)
		return m->sectors != g->sectors;
	if (view_is_zero(place) || view_eq(place, header, GPT_SIGNATURE, 8) ||
	    view_eq(place, header + GPT_OFF_DISK_GUID, m->disk_guid.b, GPT_GUID_SIZE))
		return true;
	for (size_t at = 0; at + GPT_ENTRY_SIZE <= place.n; at += GPT_ENTRY_SIZE) {
		for (size_t i = 0; i < m->nslots; i++) {
			if (view_eq(place, at, m->slot[i].raw.p, GPT_ENTRY_SIZE))
				return true;
		}
	}
	return false;
}

/* A partition that an entry puts over a copy's place, where nothing of the table is: then it may
 * be the partition that is there. */
static bool is_claimed(struct plan *p, const struct gpt_meant *m, bool backup)
{
	uint64_t from = backup ? m->sectors - 1 - m->array : 1;
	uint64_t to = backup ? m->sectors - 1 : m->entries_lba + m->array - 1;

	if (is_ours(m, backup))
		return false;
	for (size_t i = 0; i < m->nslots; i++) {
		uint64_t first = view_le64(m->slot[i].raw, GPT_ENT_FIRST);
		uint64_t last = view_le64(m->slot[i].raw, GPT_ENT_LAST);

		if (first > to || last < from || last < first)
			continue;
		plan_refuse(p,
			    "partition %u (LBA %llu to %llu) has sectors where the table "
			    "must go, and nothing of a table is there",
			    m->slot[i].number, LLU(first), LLU(last));
		return true;
	}
	return false;
}

/* Boot loaders and file systems that stand in what was read of the place. */
static bool is_known(struct plan *p, struct view old)
{
	for (size_t at = 0; at + SECTOR <= old.n; at += SECTOR) {
		struct view sector = view_cut(old, at, old.n - at);
		size_t off, len;

		if (is_grub_core(sector) ||
		    (filesystem_of(sector, &off, &len) && off < SECTOR)) {
			plan_refuse(p, "something that is known stands where the table "
				       "must go");
			return true;
		}
	}
	return false;
}

static struct guid guid_of(const struct meant_slot *s)
{
	struct guid g;

	memcpy(g.b, s->raw.p + GPT_ENT_GUID, GPT_GUID_SIZE);
	return g;
}

/* The unique GUID of the i-th slot; a new one where it has none, or that of one before. */
static struct guid unique_guid(const struct gpt_meant *m, size_t i)
{
	struct gpt_table t = { .disk_guid = m->disk_guid };
	struct gpt_entry e = { .number = m->slot[i].number,
			       .guid = guid_of(&m->slot[i]) };
	bool taken = guid_is_zero(e.guid);

	for (size_t k = 0; k < i; k++)
		taken |= guid_eq(guid_of(&m->slot[k]), e.guid);
	return taken ? gpt_fresh_guid(&t, &e) : e.guid;
}

static void fill(const struct gpt_meant *m, uint8_t *array)
{
	for (size_t i = 0; i < m->nslots; i++) {
		const struct meant_slot *s = &m->slot[i];
		uint8_t *e = array + (s->number - 1) * (size_t)GPT_ENTRY_SIZE;

		memcpy(e, s->raw.p, GPT_ENTRY_SIZE);
		memcpy(e + GPT_ENT_GUID, unique_guid(m, i).b, GPT_GUID_SIZE);
		put_le64(e + GPT_ENT_FIRST, s->first);
		put_le64(e + GPT_ENT_LAST, s->last);
	}
}

/* What stands at a place; empty where it was not read. */
static struct view old_at(const struct gpt_meant *m, uint64_t lba, uint64_t n)
{
	const struct gpt *g = m->g;
	uint64_t ss = g->sector_size, tail = g->sectors - g->tail.n / ss;

	if (lba >= 1 && view_has(g->head, (lba - 1) * ss, n * ss))
		return view_cut(g->head, (lba - 1) * ss, n * ss);
	if (lba >= tail && view_has(g->tail, (lba - tail) * ss, n * ss))
		return view_cut(g->tail, (lba - tail) * ss, n * ss);
	return (struct view){ 0 };
}

static bool put_sectors(struct plan *p, const struct gpt_meant *m, enum stage stage,
			uint64_t lba, struct view now)
{
	uint32_t ss = m->g->sector_size;
	struct view old = old_at(m, lba, now.n / ss);

	if (old.n)
		return gpt_put_sectors(p, stage, lba * ss, now, old, ss);
	return plan_bytes(p, stage, lba * ss, now);
}

static bool put_copy(struct plan *p, const struct gpt_meant *m, struct view array,
		     bool backup)
{
	uint32_t ss = m->g->sector_size;
	uint64_t last = m->sectors - 1;
	uint8_t sector[SECTOR_MAX];
	struct view entries = view_cut(array, 0, (size_t)m->count * GPT_ENTRY_SIZE);
	struct gpt_header h = {
		.my_lba = backup ? last : 1,
		.alternate_lba = backup ? 1 : last,
		.first_usable = m->first_usable,
		.last_usable = m->last_usable,
		.entries_lba = backup ? last - m->array : m->entries_lba,
		.disk_guid = m->disk_guid,
		.entry_count = (uint32_t)m->count,
		.entry_size = GPT_ENTRY_SIZE,
	};

	if (is_claimed(p, m, backup) || is_taken(p, m, h.entries_lba, m->array) ||
	    is_taken(p, m, h.my_lba, 1) ||
	    is_known(p, old_at(m, h.entries_lba, m->array)) ||
	    is_known(p, old_at(m, h.my_lba, 1)) ||
	    !put_sectors(p, m, STAGE_TABLES, h.entries_lba, array))
		return false;
	gpt_header_bytes(&h, entries, sector, ss);
	return put_sectors(p, m, STAGE_HEADERS, h.my_lba, (struct view){ sector, ss });
}

static bool grow(struct plan *p, const struct gpt_meant *m)
{
	if (m->sectors == m->g->sectors)
		return true;
	if (S_ISBLK(m->g->image->src->st.st_mode))
		return plan_refuse(p, "a block device cannot be made longer here");
	plan_grow(p, m->sectors * m->g->sector_size);
	return true;
}

/* A GUID that is the same in every run, for a table that has lost its own. */
static void complete_guid(struct gpt_meant *m)
{
	struct gpt_table none = { 0 };
	struct gpt_entry e = { 0 };

	if (!guid_is_zero(m->disk_guid))
		return;
	memcpy(e.guid.b, m->slot[0].raw.p + GPT_ENT_GUID, GPT_GUID_SIZE);
	m->disk_guid = gpt_fresh_guid(&none, &e);
}

static bool fix_pieces(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct gpt_meant m;
	uint8_t *bytes;
	struct view array;

	(void)f;
	if (!gpt_pieces(&m, g))
		return false;
	if (is_beside_else(g) && !gpt_bare_is_known(g))
		return plan_refuse(
			p, "nothing begins where the entries that are left have a "
			   "partition");
	bytes = arena_try_array(p->arena, m.array * g->sector_size, uint8_t);
	if (!bytes)
		return plan_refuse(p, "the table is too large");
	complete_guid(&m);
	fill(&m, bytes);
	array = (struct view){ bytes, (size_t)(m.array * g->sector_size) };
	if (!grow(p, &m) || !put_copy(p, &m, array, false) ||
	    !put_copy(p, &m, array, true))
		return false;
	plan_title(p,
		   "write both copies of the GPT with %zu partition%s put together from "
		   "what is left",
		   m.nslots, m.nslots == 1 ? "" : "s");
	return st.protective || (st.mbr && gpt_put_protective(p, &st));
}

const struct rule rules_gpt_pieces[] = {
	{ .id = "gpt-pieces",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_LOSSY,
	  .title = "a GPT that can be put together from what is left of both copies",
	  .why = "Each copy is damaged, or describes what cannot be. What is left of both, and "
		 "the contents of the partitions, may still say all that there was.",
	  .steps =
		  "Work on a copy, if there is room for one. Compare the partitions that are "
		  "listed with what the disk should have. `vmend fix --diff --lossy-fixes` "
		  "shows the table, and nothing is written; without --diff both copies are "
		  "written anew with it, and `vmend undo` takes that back.",
	  .source = "UEFI 2.10, section 5.3.2: two copies, in case that one is damaged",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_pieces, fix_pieces) },
};

RULES_END(gpt_pieces);
