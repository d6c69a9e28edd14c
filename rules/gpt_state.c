/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "analyze/image/image.h"
#include "analyze/image/lost.h"
#include "base/banned.h"

enum {
	SLOT = GPT_ENTRY_SIZE,
	SECTOR_MAX = 4096,
	/* Bytes in which a damaged header or entry may differ from what it should be and
	 * still be taken for it. Text, code and file systems differ in many more. */
	DAMAGE_MAX = 16,
};

/* ---- sector 0 ---- */

const struct mbr_entry *mbr_protective_of(const struct mbr *m)
{
	const struct mbr_entry *first = NULL;

	for (unsigned i = 0; m && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->type.v != MBR_TYPE_PROTECTIVE)
			continue;
		if (e->lba.v == 1)
			return e;
		/* Without the 55 AA, a lone EE byte is no evidence. */
		if (!first && m->magic_ok)
			first = e;
	}
	return first;
}

static bool has_other_entries(const struct mbr *m)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].used && m->entry[i].type.v != MBR_TYPE_PROTECTIVE)
			return true;
	}
	return false;
}

bool mbr_is_label(const struct mbr *m)
{
	return m->magic_ok && !m->boot_sector && !mbr_protective_of(m) &&
	       has_other_entries(m);
}

bool mbr_can_be_meant(const struct mbr *m)
{
	const struct gpt *g = m->image->gpt;

	if (!g || !gpt_table_ok(&g->primary))
		return true;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && (e->boot.v & 0x7f) == 0 &&
		    e->lba.v > g->primary.entries_lba.v &&
		    range_within(e->lba.v, e->sectors.v, m->image->size / MBR_SIZE))
			return true;
	}
	return false;
}

bool mbr_lacks_magic_only(const struct mbr *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->type.v == MBR_TYPE_EMPTY && e->lba.v == 0 && e->sectors.v == 0)
			continue;
		if ((e->boot.v & 0x7f) != 0 || e->type.v == MBR_TYPE_EMPTY ||
		    e->type.v == MBR_TYPE_PROTECTIVE || e->lba.v == 0 ||
		    e->sectors.v == 0 ||
		    !range_within(e->lba.v, e->sectors.v, m->sectors))
			return false;
		n++;
	}
	return n != 0 && !m->magic_ok;
}

bool mbr_purely_protective(const struct mbr *m)
{
	return m && mbr_protective_of(m) && m->nprotective == 1 && !has_other_entries(m);
}

const struct mbr_entry *mbr_entry_in(const struct mbr *m, uint64_t lba, uint64_t n)
{
	for (unsigned i = 0; m && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && e->type.v != MBR_TYPE_PROTECTIVE && e->lba.v < lba + n &&
		    lba < e->lba.v + e->sectors.v)
			return e;
	}
	return NULL;
}

/* ---- the two copies against each other ---- */

static bool field_differs(const struct field *a, const struct field *b, const char *what,
			  struct gpt_difference *d)
{
	if (a->v == b->v)
		return false;
	*d = (struct gpt_difference){
		.what = what,
		.is_number = true,
		.primary_value = a->v,
		.backup_value = b->v,
		.primary = a->at,
		.backup = b->at,
	};
	return true;
}

static bool entries_differ(const struct gpt_table *p, const struct gpt_table *b,
			   struct gpt_difference *d)
{
	uint64_t size = p->entry_size.v;
	struct gpt_difference found = { .what = "entry" };

	for (uint64_t i = 0; i < p->entry_count.v; i++) {
		uint64_t at = i * size;

		if (memcmp(p->entries_raw.p + at, b->entries_raw.p + at, size) == 0)
			continue;
		if (found.number) {
			found.more++;
			continue;
		}
		found.number = (unsigned)i + 1;
		found.primary = (struct span){ p->at.src, p->entries_at.off + at, size };
		found.backup = (struct span){ b->at.src, b->entries_at.off + at, size };
	}
	if (found.number)
		*d = found;
	return found.number != 0;
}

bool gpt_differ(const struct gpt *g, struct gpt_difference *d)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;

	if (!guid_eq(p->disk_guid, b->disk_guid)) {
		*d = (struct gpt_difference){ .what = "the disk GUID",
					      .primary = p->disk_guid_at,
					      .backup = b->disk_guid_at };
		return true;
	}
	return field_differs(&p->entry_count, &b->entry_count, "the number of entries",
			     d) ||
	       field_differs(&p->entry_size, &b->entry_size, "the size of an entry", d) ||
	       entries_differ(p, b, d) ||
	       field_differs(&p->first_usable, &b->first_usable, "the first usable LBA",
			     d) ||
	       field_differs(&p->last_usable, &b->last_usable, "the last usable LBA", d);
}

const struct gpt_entry *gpt_entry_in(const struct gpt *g, uint64_t lba, uint64_t n)
{
	const struct gpt_table *t = g->good ? g->good : g->pieced;

	for (size_t i = 0; t && i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v < lba + n && lba <= e->last.v)
			return e;
	}
	return NULL;
}

/* ---- what stands where a copy is to be rebuilt ---- */

static bool nearly(struct view old, struct view now)
{
	size_t differ = 0;

	for (size_t i = 0; i < old.n; i++)
		differ += old.p[i] != now.p[i];
	return differ <= DAMAGE_MAX;
}

/* An entry of an earlier state of some table: a range within the disk, and two GUIDs. */
static bool could_be_entry(struct view slot, uint64_t sectors)
{
	uint64_t first = view_le64(slot, GPT_ENT_FIRST);
	uint64_t last = view_le64(slot, GPT_ENT_LAST);

	return first > 1 && first <= last && last < sectors &&
	       !view_is_zero(view_cut(slot, GPT_ENT_TYPE, GPT_GUID_SIZE)) &&
	       !view_is_zero(view_cut(slot, GPT_ENT_GUID, GPT_GUID_SIZE));
}

static bool array_is_ours(struct view old, struct view now, uint64_t sectors)
{
	static const uint8_t zeros[SLOT];

	for (size_t at = 0; at + SLOT <= old.n; at += SLOT) {
		struct view slot = view_cut(old, at, SLOT), right = { zeros, SLOT };

		if (view_has(now, at, SLOT))
			right = view_cut(now, at, SLOT);
		if (!view_is_zero(slot) && !nearly(slot, right) &&
		    !could_be_entry(slot, sectors))
			return false;
	}
	return true;
}

static bool header_is_ours(struct view old, const struct gpt_header *h,
			   struct view entries)
{
	uint8_t sector[SECTOR_MAX];
	struct view now = { sector, GPT_HEADER_SIZE };
	struct view fields, rest;

	if (old.n < GPT_HEADER_SIZE)
		return true;
	gpt_header_bytes(h, entries, sector, (uint32_t)old.n);
	fields = view_cut(old, 0, GPT_HEADER_SIZE);
	rest = view_cut(old, GPT_HEADER_SIZE, old.n - GPT_HEADER_SIZE);
	return view_is_zero(rest) && (view_is_zero(fields) || nearly(fields, now) ||
				      view_eq(fields, 0, GPT_SIGNATURE, 8));
}

static enum gpt_room judge_room(const struct gpt_state *st)
{
	const struct gpt_table *t = st->from;
	struct gpt_header h = {
		.my_lba = st->header_lba,
		.alternate_lba = t->lba,
		.first_usable = t->first_usable.v,
		.last_usable = t->last_usable.v,
		.entries_lba = st->array_lba,
		.disk_guid = t->disk_guid,
		.entry_count = (uint32_t)t->entry_count.v,
		.entry_size = (uint32_t)t->entry_size.v,
	};

	if (st->array_old.n == 0)
		return ROOM_FOREIGN; /* not read: it does not lie within the disk */
	if (view_is_zero(st->array_old) &&
	    (st->header_right || view_is_zero(st->header_old)))
		return ROOM_EMPTY;
	if (!array_is_ours(st->array_old, t->entries_raw, st->g->sectors))
		return ROOM_FOREIGN;
	if (!st->header_right && !header_is_ours(st->header_old, &h, t->entries_raw))
		return ROOM_FOREIGN;
	return ROOM_OURS;
}

/* Sectors that the old backup has taken so far: a disk that grew by a few sectors only. */
static bool is_old_backup(const struct gpt *g, uint64_t lba, uint64_t array)
{
	const struct gpt_table *b = &g->backup;

	if (!gpt_table_ok(b) || (g->primary.present && gpt_table_ok(&g->primary) &&
				 !guid_eq(b->disk_guid, g->primary.disk_guid)))
		return false;
	return lba == b->lba ||
	       (lba >= b->entries_lba.v && lba - b->entries_lba.v < array);
}

/* A copy whose header is right, and describes the array that the other copy has: writing
 * that array where the header says makes its checksum true. */
static bool only_array_is_bad(const struct gpt_table *bad, const struct gpt_table *from)
{
	return bad->header_ok && bad->entries_read &&
	       bad->entries_crc.v == from->entries_crc.v &&
	       bad->entry_count.v == from->entry_count.v &&
	       bad->entry_size.v == from->entry_size.v &&
	       guid_eq(bad->disk_guid, from->disk_guid);
}

/* The last n sectors; empty when fewer were read. */
static struct view tail_of(const struct gpt *g, uint64_t n)
{
	uint64_t bytes = n * g->sector_size;

	if (g->tail.n < bytes)
		return (struct view){ 0 };
	return view_cut(g->tail, (size_t)(g->tail.n - bytes), (size_t)bytes);
}

static void plan_copy(struct gpt_state *st, const struct gpt_table *bad,
		      const struct gpt_table *from)
{
	const struct gpt *g = st->g;
	uint32_t ss = g->sector_size;

	st->from = from;
	st->array = gpt_entries_sectors(from->entry_count.v, from->entry_size.v, ss);
	if (only_array_is_bad(bad, from)) {
		st->header_right = true;
		st->header_lba = bad->lba;
		st->array_lba = bad->entries_lba.v;
		st->array_old = bad->entries_raw;
	} else if (bad->which == GPT_PRIMARY) {
		st->header_lba = 1;
		st->array_lba = 2;
		if (g->head.n >= (1 + st->array) * ss) {
			st->header_old = view_cut(g->head, 0, ss);
			st->array_old = view_cut(g->head, ss, st->array * ss);
		}
	} else {
		st->header_lba = g->sectors - 1;
		st->array_lba = g->sectors - 1 - st->array;
		struct view tail = tail_of(g, 1 + st->array);

		if (tail.n) {
			st->header_old = view_cut(tail, tail.n - ss, ss);
			st->array_old = view_cut(tail, 0, tail.n - ss);
		}
	}
	st->room = judge_room(st);
}

struct gpt_state gpt_state_rebuild(const struct gpt_state *st,
				   const struct gpt_table *bad,
				   const struct gpt_table *from)
{
	struct gpt_state copy = *st;

	plan_copy(&copy, bad, from);
	return copy;
}

/* A copy of this table that a tool has put there, and that was damaged since. */
static bool is_moved_backup(const struct gpt_state *st)
{
	const struct gpt_table *t = st->from;

	/* The very entries, or a header that says where it stands, and with it its entries. */
	if (!st->g->stray &&
	    ((t->nentries &&
	      view_eq(st->array_old, 0, t->entries_raw.p, t->entries_raw.n)) ||
	     (view_has(st->header_old, 0, GPT_HEADER_SIZE) &&
	      view_le64(st->header_old, GPT_OFF_MY_LBA) == st->header_lba &&
	      view_le64(st->header_old, GPT_OFF_ENTRIES_LBA) == st->array_lba)))
		return true;
	return st->room == ROOM_OURS && !st->g->stray &&
	       view_eq(st->header_old, GPT_OFF_DISK_GUID, t->disk_guid.b, GPT_GUID_SIZE);
}

/* What stands at the end of a disk that has grown. */
static enum gpt_room judge_new_end(const struct gpt_state *st)
{
	const struct gpt *g = st->g;
	uint32_t ss = g->sector_size;
	struct view tail = tail_of(g, 1 + st->array);

	if (is_moved_backup(st))
		return ROOM_EMPTY;
	if (tail.n == 0)
		return ROOM_FOREIGN;
	for (uint64_t i = 0; i <= st->array; i++) {
		if (!view_is_zero(view_cut(tail, i * ss, ss)) &&
		    !is_old_backup(g, st->array_lba + i, st->array))
			return ROOM_FOREIGN;
	}
	return ROOM_EMPTY;
}

struct gpt_state gpt_state_new_end(const struct gpt_state *st,
				   const struct gpt_table *from)
{
	struct gpt_state end = *st;

	end.header_right = false;
	plan_copy(&end, &(struct gpt_table){ .which = GPT_BACKUP }, from);
	end.room = judge_new_end(&end);
	return end;
}

/* The backup of a disk that was cut off: behind its end, but for the sectors that a short
 * cut has left. */
static void plan_behind(struct gpt_state *st)
{
	const struct gpt *g = st->g;
	const struct gpt_table *p = &g->primary;
	uint32_t ss = g->sector_size;
	struct view tail;
	uint64_t skip;

	st->from = p;
	st->array = gpt_entries_sectors(p->entry_count.v, p->entry_size.v, ss);
	st->header_lba = gpt_sectors_meant(st) - 1;
	st->array_lba = st->header_lba - st->array;
	st->room = ROOM_EMPTY;
	if (st->array_lba >= g->sectors)
		return;
	st->room = ROOM_FOREIGN;
	tail = tail_of(g, 1 + st->array);
	if (tail.n == 0)
		return;
	skip = st->array_lba - (g->sectors - 1 - st->array);
	st->array_old = view_cut(tail, skip * ss, tail.n - skip * ss);
	if (array_is_ours(st->array_old, p->entries_raw, g->sectors))
		st->room = ROOM_OURS;
}

/* ---- the verdict ---- */

/* Has LBA 2 what the backup's array has, in one entry at least? */
static bool has_our_entries(const struct gpt *g)
{
	const struct gpt_table *b = &g->backup;
	uint32_t ss = g->sector_size;
	struct view array = view_cut(g->head, ss, g->head.n - ss);

	for (size_t i = 0; i < b->nentries; i++) {
		size_t at = (b->entry[i].number - 1) * (size_t)b->entry_size.v;

		if (view_has(array, at, SLOT) && view_has(b->entries_raw, at, SLOT) &&
		    view_eq(array, at, b->entries_raw.p + at, SLOT))
			return true;
	}
	return false;
}

/* Does the disk begin with something that does not go by a table, or by another one? */
static bool is_taken(const struct gpt_state *st)
{
	return st->g->image->filesystem || has_other_label(st->g->image->head) ||
	       (st->mbr && mbr_is_label(st->mbr)) ||
	       (st->mbr && st->mbr->magic_ok && st->mbr->boot_sector);
}

/* Is a GPT what readers of this disk go by? A protective entry says so. Without one a right
 * primary does, unless sector 0 is a DOS label. A backup alone does where nothing else is,
 * or what is left of the primary: it may be the left-over of an earlier life of the disk. */
static bool is_live(const struct gpt_state *st)
{
	const struct gpt *g = st->g;

	if (st->protective)
		return true;
	if (st->mbr && mbr_is_label(st->mbr) && mbr_can_be_meant(st->mbr))
		return false;
	if (gpt_table_ok(&g->primary))
		return true;
	if (is_taken(st))
		return false;
	return g->primary.present || (g->bare && gpt_bare_is_live(st)) ||
	       (g->good && (view_is_zero(g->head) || has_our_entries(g)));
}

static bool is_alone(const struct gpt_state *st)
{
	const struct gpt *g = st->g;

	return !is_taken(st) && g->good == &g->backup;
}

static bool is_unread(const struct gpt_table *t)
{
	return t->header_ok && t->array == GPT_ARRAY_TOO_LARGE;
}

/* The backup was moved to the end of a grown disk, and the primary was not told: all but
 * the last usable LBA is the same. */
static bool is_half_grown(const struct gpt *g, const struct gpt_difference *d)
{
	return g->backup_at_end && g->primary.alternate_lba.v < g->backup.lba &&
	       d->primary.off == g->primary.last_usable.at.off &&
	       g->primary.last_usable.v < g->backup.last_usable.v;
}

/* Only the pointer to the backup is behind the end; all else fits the disk as it is. */
static bool is_not_cut(const struct gpt *g)
{
	uint64_t agreed;

	return gpt_size_agreed(g, &agreed) && agreed == g->sectors;
}

/* The primary is right. */
static enum gpt_verdict judge_backup(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	uint64_t last = g->sectors - 1, alternate = p->alternate_lba.v;
	struct gpt_difference d;
	bool ok = gpt_table_ok(b);

	/* A right backup elsewhere than where the primary says is an older one. */
	if (ok && !g->backup_at_end && alternate != b->lba)
		ok = false;
	if (ok && gpt_differ(g, &d))
		return is_half_grown(g, &d) ? GPT_GROWN : GPT_DIFFER;
	if (ok && g->backup_at_end)
		return alternate != b->lba || b->alternate_lba.v != p->lba ? GPT_ASTRAY
									   : GPT_SOUND;
	if (alternate > last)
		return is_not_cut(g) ? GPT_BACKUP_BAD : GPT_TRUNCATED;
	/* A pointer into the partitions says nothing about the size of the disk. */
	return alternate < last && alternate > p->last_usable.v ? GPT_GROWN
								: GPT_BACKUP_BAD;
}

static enum gpt_verdict judge(const struct gpt_state *st)
{
	const struct gpt *g = st->g;

	if (g->sectors < 4 || !is_live(st))
		return g->sectors >= 4 && is_alone(st) ? GPT_ALONE : GPT_IDLE;
	if (g->other && g->other->good && g->good)
		return GPT_TWO_SIZES;
	if (is_unread(&g->primary) ||
	    (!gpt_table_ok(&g->primary) && is_unread(&g->backup)))
		return GPT_UNREAD;
	if (!g->good)
		return GPT_LOST;
	return gpt_table_ok(&g->primary) ? judge_backup(g) : GPT_PRIMARY_BAD;
}

struct gpt_state gpt_state(const struct gpt *g)
{
	struct gpt_state st = { .g = g, .mbr = g->image->mbr };

	st.protective = mbr_protective_of(st.mbr) != NULL;
	st.verdict = judge(&st);
	switch (st.verdict) {
	case GPT_ALONE:
	case GPT_PRIMARY_BAD:
		plan_copy(&st, &g->primary, &g->backup);
		break;
	case GPT_BACKUP_BAD:
		plan_copy(&st, &g->backup, &g->primary);
		break;
	case GPT_GROWN:
		st = gpt_state_new_end(&st, &g->primary);
		break;
	case GPT_TRUNCATED:
		plan_behind(&st);
		break;
	case GPT_IDLE:
	case GPT_TWO_SIZES:
	case GPT_UNREAD:
	case GPT_LOST:
	case GPT_DIFFER:
	case GPT_ASTRAY:
	case GPT_SOUND:
		break;
	}
	return st;
}

/* The header is right and describes the very entries that the backup has, and what stands
 * in their place differs in a few bytes: no other disk's table does. */
static bool is_certainly_ours(const struct gpt_state *st)
{
	return st->header_right && nearly(st->array_old, st->from->entries_raw);
}

bool gpt_is_overwritten(const struct gpt_state *st)
{
	return st->room == ROOM_FOREIGN || (!st->protective && !is_certainly_ours(st));
}

bool gpt_is_torn(const struct gpt_state *st)
{
	const struct gpt_table *t = &st->g->primary;

	return st->verdict == GPT_PRIMARY_BAD && t->header_ok && t->entries_read &&
	       !st->header_right && t->entries_crc_actual != st->from->entries_crc.v;
}

bool gpt_state_has_table(const struct gpt_state *st)
{
	return st->g->good && st->verdict != GPT_IDLE && st->verdict != GPT_ALONE &&
	       st->verdict != GPT_TWO_SIZES && st->verdict != GPT_UNREAD;
}

uint64_t gpt_sectors_meant(const struct gpt_state *st)
{
	uint64_t alternate = st->g->primary.alternate_lba.v, agreed;

	if (st->verdict != GPT_TRUNCATED)
		return st->g->sectors;
	if (gpt_size_agreed(st->g, &agreed) && agreed > st->g->sectors)
		return agreed;
	return alternate == UINT64_MAX ? st->g->sectors : alternate + 1;
}
