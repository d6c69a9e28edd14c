/* Two copies of a GPT that are right and say different things: which one is meant.
 *
 * Nothing in the copies says which is newer, so a choice needs a witness: one of them
 * describes what no tool leaves behind, and the other one does not. Systems go by the primary, so
 * that more is asked for against it: only what is at fault may differ. Where only the usable
 * range differs, the partitions are the same either way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fault.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "analyze/image/image.h"
#include "analyze/image/volume.h"
#include "base/banned.h"

struct choice {
	const struct gpt_table *from, *bad;
	const char *why;
	struct gpt_fault fault[2]; /* of the primary, of the backup */
};

static bool same_partitions(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;

	return guid_eq(p->disk_guid, b->disk_guid) &&
	       p->entries_crc.v == b->entries_crc.v &&
	       p->entry_count.v == b->entry_count.v && p->entry_size.v == b->entry_size.v;
}

static bool take_primary(struct choice *c, const struct gpt *g, const char *why)
{
	c->from = &g->primary;
	c->bad = &g->backup;
	c->why = why;
	return true;
}

static bool take_backup(struct choice *c, const struct gpt *g, const char *why)
{
	c->from = &g->backup;
	c->bad = &g->primary;
	c->why = why;
	return true;
}

/* ---- the same bytes, read in another way ---- */

/* Is the array of one the begin of the other's, both where arrays stand? */
static bool same_array(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	struct view x = p->entries_raw, y = b->entries_raw;

	return guid_eq(p->disk_guid, b->disk_guid) && p->entries_lba.v == p->lba + 1 &&
	       view_eq(x.n < y.n ? y : x, 0, x.n < y.n ? x.p : y.p,
		       x.n < y.n ? x.n : y.n);
}

/* Entries of the usual length that fill their sectors, end before what partitions may have, and
 * are all that there are. */
static bool is_usual(const struct gpt *g, const struct gpt_table *t,
		     const struct gpt_table *other)
{
	uint64_t n =
		gpt_entries_sectors(t->entry_count.v, GPT_ENTRY_SIZE, g->sector_size);
	struct view more = other->entries_raw;

	if (t->entry_size.v != GPT_ENTRY_SIZE || t->entries_raw.n != n * g->sector_size ||
	    t->first_usable.v < 2 + n || t->last_usable.v >= g->sectors - 1 - n)
		return false;
	return more.n <= t->entries_raw.n || other->entry_size.v != GPT_ENTRY_SIZE ||
	       view_is_zero(view_cut(more, t->entries_raw.n, more.n - t->entries_raw.n));
}

/* The backup's array ends where its header stands, and tools let the last usable LBA be the one
 * before it. */
static bool fits_end(const struct gpt *g, const struct gpt_table *t)
{
	uint64_t n =
		gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);

	return t->last_usable.v + 1 + n == g->sectors - 1;
}

static bool choose_count(struct choice *c, const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	bool primary = is_usual(g, p, b), backup = is_usual(g, b, p);

	if (primary && (!backup || fits_end(g, p) || !fits_end(g, b)))
		return take_primary(c, g, "the number of its entries is the usual one");
	return backup && take_backup(c, g, "the number of its entries is the usual one");
}

/* Do the backup's entries stand at LBA 2 as well, while the primary's header points elsewhere: to
 * a part of them, or where none can be? */
static bool is_pointer_wrong(const struct gpt *g, bool fault)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	struct view place = view_cut(g->head, g->sector_size, g->head.n - g->sector_size);
	uint64_t n = div_up(b->entries_raw.n, g->sector_size);

	return guid_eq(p->disk_guid, b->disk_guid) && p->entries_lba.v != 2 &&
	       (fault || p->entries_lba.v < 2 + n) &&
	       view_eq(place, 0, b->entries_raw.p, b->entries_raw.n);
}

/* ---- what is in the partitions ---- */

static bool has_content(const struct image *img, uint64_t off)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		if (img->volumes[i].off == off && img->volumes[i].fs)
			return true;
	}
	return false;
}

/* Where the copies differ, do known contents begin where the primary says, and the backup says
 * another begin? */
static bool contents_agree(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	bool moved = false;

	if (p->nentries != b->nentries || !guid_eq(p->disk_guid, b->disk_guid))
		return false;
	for (size_t i = 0; i < p->nentries; i++) {
		const struct gpt_entry *x = &p->entry[i], *y = &b->entry[i];

		if (x->number != y->number || !guid_eq(x->guid, y->guid) ||
		    !guid_eq(x->type, y->type) || x->last.v != y->last.v)
			return false;
		if (x->first.v == y->first.v)
			continue;
		if (!has_content(g->image, x->first.v * g->sector_size))
			return false;
		moved = true;
	}
	return moved;
}

/* ---- the choice ---- */

static bool choose(struct plan *p, const struct gpt *g, struct choice *c)
{
	bool primary = gpt_fault(g, &g->primary, &c->fault[0]);
	bool backup = gpt_fault(g, &g->backup, &c->fault[1]);

	if (same_array(g) && !same_partitions(g) && choose_count(c, g))
		return true;
	if (!backup && is_pointer_wrong(g, primary))
		return take_backup(c, g, "its entries stand at LBA 2, too");
	if (primary && backup)
		return plan_refuse(
			p, "neither can be right: in the primary %s, in the backup %s",
			c->fault[0].what, c->fault[1].what);
	if (backup)
		return take_primary(c, g, c->fault[1].what);
	if (primary && !gpt_fault_explains(g, &g->primary, &g->backup))
		return plan_refuse(
			p,
			"in the primary %s, but the backup differs in more than "
			"that, and may be the older one",
			c->fault[0].what);
	if (primary)
		return take_backup(c, g, c->fault[0].what);
	if (contents_agree(g))
		return take_primary(c, g, "known contents begin where it says");
	if (same_partitions(g))
		return take_primary(c, g, "systems go by the primary");
	return plan_refuse(
		p, "each of them could be right: which one is newer cannot be told");
}

/* A primary that stands elsewhere than at LBA 2 was put there for the sake of what is at
 * LBA 2. */
static bool is_in_place(struct plan *p, const struct gpt_state *st,
			const struct choice *c)
{
	if (!st->g->backup_at_end && c->bad == &st->g->backup)
		return plan_refuse(p, "the backup is not at the end of the disk");
	if (c->from->first_usable.v < 2 + st->array || st->room == ROOM_FOREIGN)
		return plan_refuse(
			p, "LBA %llu to %llu, where the %s belongs, are not free",
			(unsigned long long)u64_min(st->array_lba, st->header_lba),
			(unsigned long long)u64_max(st->array_lba + st->array - 1,
						    st->header_lba),
			c->bad == &st->g->primary ? "primary" : "backup");
	return gpt_place_is_free(p, st);
}

bool gpt_can_choose(const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct choice c = { 0 };

	if (st.verdict != GPT_DIFFER || gpt_odd_size(NULL, g) || !choose(NULL, g, &c))
		return false;
	st = gpt_state_rebuild(&st, &(struct gpt_table){ .which = c.bad->which }, c.from);
	return is_in_place(NULL, &st, &c);
}

bool gpt_fix_choose(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct choice c = { 0 };
	struct gpt_header h;

	(void)f;
	if (st.verdict != GPT_DIFFER || gpt_odd_size(p, g) || !choose(p, g, &c))
		return false;
	/* Its header has to follow as well, however right it is. */
	st = gpt_state_rebuild(&st, &(struct gpt_table){ .which = c.bad->which }, c.from);
	if (!is_in_place(p, &st, &c))
		return false;
	h = gpt_header_from(&st);
	if (!gpt_put_copy(p, &st, &h))
		return false;
	plan_title(p, "make the %s a copy of the %s: %s",
		   c.bad == &g->primary ? "primary" : "backup",
		   c.from == &g->primary ? "primary" : "backup", c.why);
	/* The other header may name another place for this copy. */
	return c.from->alternate_lba.v == st.header_lba ||
	       plan_le64(p, STAGE_COMMIT, c.from->alternate_lba.at, st.header_lba);
}
