/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_fault.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

enum { SECTOR_MAX = 4096 };

/* ---- what every repair asks first ---- */

static bool two_sizes(struct plan *p, const struct gpt *g)
{
	return !plan_refuse(
		p,
		"there is a header for sectors of %u bytes as well as for %u: "
		"which of them the guest has is not known here",
		g->other->sector_size, g->sector_size);
}

/* The end of the disk is where its user sees it, and QEMU rounds up to whole sectors. */
bool gpt_odd_size(struct plan *p, const struct gpt *g)
{
	uint64_t rest = g->image->size % g->sector_size;

	if (rest == 0)
		return false;
	plan_refuse(
		p,
		"the disk ends with a part of a sector (%llu of %u bytes), so that its "
		"last sector is not where every reader sees it",
		(unsigned long long)rest, g->sector_size);
	return true;
}

/* A partition, of the GPT or beside it, would lose these sectors. */
static bool in_use(struct plan *p, const struct gpt_state *st, uint64_t lba, uint64_t n)
{
	const struct gpt_entry *e = gpt_entry_in(st->g, lba, n);
	const struct mbr_entry *m = mbr_entry_in(st->mbr, lba, n);

	if (e)
		plan_refuse(p,
			    "partition %u (LBA %llu to %llu) has sectors where the table "
			    "must go (LBA %llu to %llu)",
			    e->number, (unsigned long long)e->first.v,
			    (unsigned long long)e->last.v, (unsigned long long)lba,
			    (unsigned long long)(lba + n - 1));
	else if (m)
		plan_refuse(
			p,
			"entry %u of the hybrid MBR has sectors where the table must go "
			"(LBA %llu to %llu)",
			m->number - 1, (unsigned long long)lba,
			(unsigned long long)(lba + n - 1));
	return e || m;
}

/* A table that describes what no disk can be is not one to make copies of, or to edit: its
 * checksums may be right because somebody counted the wrong bytes. */
bool gpt_is_absurd(struct plan *p, const struct gpt *g, const struct gpt_table *t)
{
	struct gpt_fault fault;

	if (!gpt_fault(g, t, &fault) || !fault.absurd)
		return false;
	plan_refuse(p, "the %s, which has right checksums, cannot be meant: %s",
		    t->which == GPT_PRIMARY ? "primary" : "backup", fault.what);
	return true;
}

/* ---- writing ---- */

static bool sector_changes(struct view now, struct view old, size_t at, size_t n)
{
	struct view piece = view_cut(now, at, n);

	return view_has(old, at, n) ? !view_eq(old, at, piece.p, n)
				    : !view_is_zero(piece);
}

/* Only the sectors that change; what was not there (old ends before) was zeros. */
bool gpt_put_sectors(struct plan *p, enum stage stage, uint64_t off, struct view now,
		     struct view old, uint32_t ss)
{
	size_t from = 0, at = 0;

	while (from < now.n) {
		for (at = from; at < now.n && sector_changes(now, old, at, ss); at += ss)
			;
		if (at > from &&
		    !plan_bytes(p, stage, off + from, view_cut(now, from, at - from)))
			return false;
		from = at + ss;
	}
	return true;
}

struct gpt_header gpt_header_from(const struct gpt_state *st)
{
	const struct gpt_table *t = st->from;

	return (struct gpt_header){
		.my_lba = st->header_lba,
		.alternate_lba = t->lba,
		.first_usable = t->first_usable.v,
		.last_usable = t->last_usable.v,
		.entries_lba = st->array_lba,
		.disk_guid = t->disk_guid,
		.entry_count = (uint32_t)t->entry_count.v,
		.entry_size = (uint32_t)t->entry_size.v,
	};
}

/* The array at its place, then the header that points at it. */
bool gpt_put_copy(struct plan *p, const struct gpt_state *st, const struct gpt_header *h)
{
	uint32_t ss = st->g->sector_size;
	uint8_t sector[SECTOR_MAX];
	size_t n = (size_t)(st->array * ss);
	uint8_t *array = arena_try_array(p->arena, n, uint8_t);

	if (!array)
		return plan_refuse(p, "the table is too large");
	/* The last sector's rest is part of the room for the array: zeros. */
	memcpy(array, st->from->entries_raw.p, st->from->entries_raw.n);
	if (!gpt_put_sectors(p, STAGE_TABLES, st->array_lba * ss,
			     (struct view){ array, n }, st->array_old, ss))
		return false;
	if (st->header_right)
		return true;
	gpt_header_bytes(h, st->from->entries_raw, sector, ss);
	return gpt_put_sectors(p, STAGE_HEADERS, st->header_lba * ss,
			       (struct view){ sector, ss }, st->header_old, ss);
}

/* Of a hybrid MBR: the entry that protects the last of so many sectors. */
static const struct mbr_entry *protects_end(const struct mbr *m, uint64_t sectors)
{
	for (unsigned i = 0; m && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->type.v == MBR_TYPE_PROTECTIVE && e->lba.v != 0 &&
		    e->lba.v + e->sectors.v == sectors)
			return e;
	}
	return NULL;
}

/* The entry of a hybrid MBR that protected the disk up to its old end. */
static bool put_hybrid_end(struct plan *p, const struct mbr *m, uint64_t old,
			   uint64_t sectors)
{
	const struct mbr_entry *e = protects_end(m, old);

	if (!e || mbr_purely_protective(m))
		return true;
	return plan_le32(p, STAGE_COMMIT, e->sectors.at,
			 (uint32_t)u64_min(sectors - e->lba.v, UINT32_MAX));
}

/* The protective entry's size, where it is the only entry and says something else. */
bool gpt_put_protective_size(struct plan *p, const struct mbr *m, uint64_t sectors)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	uint32_t right = mbr_protective_sectors(sectors);

	if (!mbr_purely_protective(m) || e->sectors.v == right ||
	    e->sectors.v == UINT32_MAX)
		return true;
	return plan_le32(p, STAGE_COMMIT, e->sectors.at, right);
}

/* ---- one copy from the other ---- */

/* Sector 0 is without entries and becomes a protective MBR; boot code and disk signature
 * stay. */
bool gpt_put_protective(struct plan *p, const struct gpt_state *st)
{
	uint8_t table[MBR_SIZE - MBR_OFF_ENTRIES] = { 0 };
	const struct mbr *m = st->mbr;

	if (mbr_lacks_magic_only(m))
		return plan_refuse(p,
				   "sector 0 has the entries of a DOS label, which only "
				   "lacks its 55 AA");
	/* Else nobody reads them as entries without it. */
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (m->magic_ok && m->entry[i].type.v != MBR_TYPE_EMPTY)
			return plan_refuse(p,
					   "sector 0 holds something else than an empty "
					   "partition table");
	}
	mbr_protective_bytes(st->g->sectors, table);
	put_le16(table + (MBR_OFF_MAGIC - MBR_OFF_ENTRIES), 0xaa55);
	return plan_bytes(p, STAGE_COMMIT, m->at.off + MBR_OFF_ENTRIES,
			  (struct view){ table, sizeof(table) });
}

bool gpt_place_is_free(struct plan *p, const struct gpt_state *st)
{
	const struct gpt *g = st->g;

	if (g->other)
		return two_sizes(p, g);
	if (st->header_right)
		return !in_use(p, st, st->array_lba, st->array);
	return !in_use(p, st, u64_min(st->array_lba, st->header_lba), st->array + 1);
}

/* Is there no doubt that the backup's table is the disk's, and is there room for it? */
static bool primary_can_be_built(struct plan *p, const struct gpt_state *st)
{
	const struct gpt *g = st->g;
	const struct gpt_table *t = &g->primary, *b = &g->backup;

	if (gpt_is_absurd(p, g, b))
		return false;
	if (b->alternate_lba.v != t->lba)
		return plan_refuse(
			p, "the backup names LBA %llu as the primary's place, not 1",
			(unsigned long long)b->alternate_lba.v);
	if (!st->header_right && b->first_usable.v < 2 + st->array)
		return plan_refuse(p,
				   "the first usable LBA is %llu, and an array of %llu "
				   "sectors at LBA 2 does not fit before it",
				   (unsigned long long)b->first_usable.v,
				   (unsigned long long)st->array);
	if (g->image->filesystem && st->room == ROOM_FOREIGN)
		return plan_refuse(p, "the disk begins like one without partitions: %s",
				   g->image->filesystem);
	return gpt_place_is_free(p, st);
}

bool gpt_put_primary(struct plan *p, const struct gpt_state *st)
{
	struct gpt_header h = gpt_header_from(st);

	return primary_can_be_built(p, st) && gpt_put_copy(p, st, &h);
}

bool gpt_fix_primary(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	(void)f;
	if (st.verdict != GPT_PRIMARY_BAD || !gpt_put_primary(p, &st))
		return false;
	plan_title(p, "rebuild the primary GPT from the backup");
	return st.protective || (st.mbr && gpt_put_protective(p, &st));
}

/* An array of more than the usual 16 KiB in sectors that the table has for partitions: it is
 * its length that is wrong, and there may be partitions that it does not show. */
static bool has_room_behind(struct plan *p, const struct gpt_state *st)
{
	const struct gpt_table *t = st->from;

	if (st->header_right || t->last_usable.v < st->array_lba ||
	    st->array * st->g->sector_size <= GPT_ENTRIES_MIN_BYTES)
		return true;
	return plan_refuse(
		p,
		"the last usable LBA is %llu, and an array of %llu sectors does "
		"not fit behind it",
		(unsigned long long)t->last_usable.v, (unsigned long long)st->array);
}

static bool backup_can_be_built(struct plan *p, const struct gpt_state *st)
{
	return !gpt_odd_size(p, st->g) && !gpt_is_absurd(p, st->g, &st->g->primary) &&
	       has_room_behind(p, st) && gpt_place_is_free(p, st);
}

bool gpt_can_rebuild(const struct gpt_state *st)
{
	if (st->verdict == GPT_PRIMARY_BAD)
		return primary_can_be_built(NULL, st) &&
		       (!gpt_is_torn(st) || gpt_torn_is_older(st->g));
	return st->verdict != GPT_BACKUP_BAD || backup_can_be_built(NULL, st);
}

bool gpt_fix_backup(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;
	struct gpt_state st = gpt_state(g);
	struct gpt_header h;

	(void)f;
	if (st.verdict != GPT_BACKUP_BAD || !backup_can_be_built(p, &st))
		return false;
	h = gpt_header_from(&st);
	if (!gpt_put_copy(p, &st, &h))
		return false;
	if (t->alternate_lba.v != st.header_lba &&
	    !plan_le64(p, STAGE_COMMIT, t->alternate_lba.at, st.header_lba))
		return false;
	plan_title(p, "rebuild the backup GPT from the primary");
	return true;
}

/* ---- a disk of another size ---- */

/* The old backup, now in the middle of the disk, misleads tools that search for tables. Its
 * header goes, once nothing else can be there. */
static bool drop_old_header(struct plan *p, const struct gpt_state *st)
{
	const struct gpt_table *b = &st->g->backup;

	if (!b->present || st->g->backup_at_end || b->lba >= st->array_lba ||
	    (st->from != b && (b->lba != st->from->alternate_lba.v ||
			       !guid_eq(b->disk_guid, st->from->disk_guid))) ||
	    gpt_entry_in(st->g, b->lba, 1) || mbr_entry_in(st->mbr, b->lba, 1))
		return true;
	return plan_zero(p, STAGE_COMMIT, b->at.off,
			 b->size_ok ? b->header_size.v : GPT_HEADER_SIZE);
}

/* Both copies of a grown disk from the old backup, when the primary is damaged as well. */
static bool grow_from_backup(struct plan *p, struct gpt_state *st, struct gpt_state *end)
{
	struct gpt_header h;

	*end = gpt_state_new_end(st, &st->g->backup);
	if (gpt_is_overwritten(st) || gpt_is_torn(st))
		return plan_refuse(p, "the primary has to be right first");
	if (!primary_can_be_built(p, st))
		return false;
	h = gpt_header_from(st);
	h.alternate_lba = end->header_lba;
	h.last_usable = end->array_lba - 1;
	st->header_right = false; /* it changes, too */
	return gpt_put_copy(p, st, &h);
}

/* The primary is right and learns where the end is. */
static bool tell_primary(struct plan *p, const struct gpt_state *end,
			 uint64_t last_usable)
{
	const struct gpt_table *t = &end->g->primary;

	return plan_le64(p, STAGE_COMMIT, t->alternate_lba.at, end->header_lba) &&
	       plan_le64(p, STAGE_COMMIT, t->last_usable.at, last_usable);
}

bool gpt_fix_grown(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g), end = st;
	bool moved = g->backup_at_end && gpt_table_ok(&g->backup);
	uint64_t old_end = g->primary.alternate_lba.v;
	struct gpt_header h;

	(void)f;
	if (gpt_odd_size(p, g) ||
	    (st.verdict == GPT_GROWN && gpt_is_absurd(p, g, &g->primary)))
		return false;
	if (st.verdict == GPT_PRIMARY_BAD) {
		old_end = g->backup.lba;
		if (!grow_from_backup(p, &st, &end))
			return false;
	}
	if (!gpt_place_is_free(p, &end) || !has_room_behind(p, &end))
		return false;
	if (end.room != ROOM_EMPTY)
		return plan_refuse(p, "the last %llu sectors of the disk are not empty%s",
				   (unsigned long long)end.array + 1,
				   g->stray ? ": the backup of another GPT is there"
					    : "");
	h = gpt_header_from(&end);
	h.alternate_lba = g->primary.lba;
	h.last_usable = moved ? g->backup.last_usable.v : end.array_lba - 1;
	/* A backup that a tool has moved already is right as it is. */
	if (!moved && !gpt_put_copy(p, &end, &h))
		return false;
	if (st.verdict == GPT_GROWN && !tell_primary(p, &end, h.last_usable))
		return false;
	plan_title(p, "let the GPT span the whole disk");
	return gpt_put_protective_size(p, st.mbr, g->sectors) &&
	       put_hybrid_end(p, st.mbr, old_end + 1, g->sectors) &&
	       drop_old_header(p, &end);
}

bool gpt_fix_truncated(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = &g->primary;
	struct gpt_state st = gpt_state(g);
	uint64_t sectors, size, alternate = t->alternate_lba.v;
	struct gpt_header h;

	(void)f;
	if (st.verdict != GPT_TRUNCATED)
		return false;
	if (S_ISBLK(g->image->src->st.st_mode))
		return plan_refuse(p, "a block device cannot be made longer here");
	/* A second witness, since the pointer alone may be what is wrong. */
	if (!gpt_size_agreed(g, &sectors) || sectors <= g->sectors)
		sectors = protects_end(st.mbr, alternate + 1) ? alternate + 1 : 0;
	if (sectors == 0 && mbr_purely_protective(st.mbr) &&
	    mbr_protective_of(st.mbr)->sectors.v == UINT32_MAX)
		sectors = alternate + 1;
	if (sectors == 0)
		return plan_refuse(
			p, "the protective MBR does not say the same length as the "
			   "GPT, so that it is not certain which is right");
	if (!u64_mul(sectors, g->sector_size, &size) || size > INT64_MAX)
		return plan_refuse(p, "no file can be so long");
	if (t->last_usable.v >= st.array_lba)
		return plan_refuse(p,
				   "the last usable LBA leaves no room for the backup");
	if (st.room == ROOM_FOREIGN)
		return plan_refuse(p, "the last sectors of the file are not empty");
	if (!gpt_place_is_free(p, &st))
		return false;
	plan_grow(p, size);
	h = gpt_header_from(&st);
	if (!gpt_put_copy(p, &st, &h) ||
	    (alternate != st.header_lba &&
	     !plan_le64(p, STAGE_COMMIT, t->alternate_lba.at, st.header_lba)))
		return false;
	plan_title(p,
		   "extend the file with a hole to %llu bytes and rebuild the backup GPT "
		   "at its end",
		   (unsigned long long)size);
	return true;
}
