/* Both copies of a GPT from what is left of either: a header and an array whose sum it names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static const struct gpt_table *twin_of(const struct gpt *g, const struct gpt_table *t)
{
	return t->which == GPT_PRIMARY ? &g->backup : &g->primary;
}

/* Do two headers, each as far as it can be believed, describe the same table? */
static bool same_words(const struct gpt_table *a, const struct gpt_table *b)
{
	return a->entries_crc.v == b->entries_crc.v &&
	       a->entry_count.v == b->entry_count.v &&
	       a->entry_size.v == b->entry_size.v && guid_eq(a->disk_guid, b->disk_guid);
}

/* The other copy has something to say as well, and says something else. */
static bool is_contradicted(struct plan *p, const struct gpt *g)
{
	const struct gpt_table *t = g->pieced, *twin = twin_of(g, t);
	bool header = twin->header_ok && !same_words(t, twin);
	bool array = twin->present && twin->entries_ok &&
		     twin->entries_crc.v != t->entries_crc.v;

	if (!header && !array)
		return false;
	plan_refuse(p,
		    "%s of the other copy is right, too, and describes other entries: "
		    "which of them are newer cannot be told",
		    header ? "the header" : "the checksum of the entries");
	return true;
}

/* A table that was made for a disk of another size has its backup elsewhere. */
static bool size_is_meant(struct plan *p, const struct gpt_state *st)
{
	const struct gpt *g = st->g;
	const struct gpt_table *t = g->pieced;
	const struct mbr_entry *e = mbr_protective_of(st->mbr);
	uint64_t last = t->which == GPT_PRIMARY ? t->alternate_lba.v : t->lba;
	uint64_t first = t->which == GPT_PRIMARY ? t->lba : t->alternate_lba.v;

	if (first == 1 && last == g->sectors - 1)
		return true;
	/* A damaged header may be wrong in just this, and the protective MBR knows. */
	if (!t->header_ok && t->lba == (t->which == GPT_PRIMARY ? 1 : g->sectors - 1) &&
	    e && e->lba.v == 1 && e->sectors.v == mbr_protective_sectors(g->sectors))
		return true;
	return plan_refuse(p,
			   "what is left of the GPT is for copies at LBA %llu and %llu, "
			   "the disk has LBA 1 and %llu for them",
			   LLU(first), LLU(last), LLU(g->sectors - 1));
}

static bool partitions_fit(struct plan *p, const struct gpt *g, uint64_t array)
{
	const struct gpt_table *t = g->pieced;

	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v > e->last.v || e->first.v < 2 + array ||
		    e->last.v >= g->sectors - 1 - array)
			return plan_refuse(
				p,
				"partition %u (LBA %llu to %llu) does not lie between "
				"the places of the two copies",
				e->number, LLU(e->first.v), LLU(e->last.v));
	}
	return true;
}

/* The usable range that the header says; of a damaged one only where it can be right. */
static bool set_usable(struct plan *p, struct gpt_header *h, const struct gpt *g,
		       uint64_t array)
{
	const struct gpt_table *t = g->pieced;
	uint64_t first = 2 + array, last = g->sectors - 2 - array;
	bool fits = t->first_usable.v >= first && t->last_usable.v <= last &&
		    t->first_usable.v <= t->last_usable.v;

	for (size_t i = 0; i < t->nentries; i++)
		fits &= t->entry[i].first.v >= t->first_usable.v &&
			t->entry[i].last.v <= t->last_usable.v;
	if (!fits && t->header_ok)
		return plan_refuse(
			p,
			"the usable range LBA %llu to %llu does not lie between "
			"the places of the two copies, or not around all "
			"partitions",
			LLU(t->first_usable.v), LLU(t->last_usable.v));
	h->first_usable = fits ? t->first_usable.v : first;
	h->last_usable = fits ? t->last_usable.v : last;
	return true;
}

static bool put_copy(struct plan *p, const struct gpt_state *st, enum gpt_which which)
{
	const struct gpt *g = st->g;
	const struct gpt_table *t = g->pieced;
	const struct gpt_table *bad = which == GPT_PRIMARY ? &g->primary : &g->backup;
	/* A backup elsewhere than at the end is not the one that is to be written. */
	struct gpt_table none = { .which = GPT_BACKUP };
	struct gpt_state copy;
	struct gpt_header h = {
		.alternate_lba = which == GPT_PRIMARY ? g->sectors - 1 : 1,
		.disk_guid = t->disk_guid,
		.entry_count = (uint32_t)t->entry_count.v,
		.entry_size = (uint32_t)t->entry_size.v,
	};

	if (which == GPT_BACKUP && !g->backup_at_end)
		bad = &none;
	copy = gpt_state_rebuild(st, bad, t);
	h.my_lba = copy.header_lba;
	h.entries_lba = copy.array_lba;
	if (which == GPT_PRIMARY && g->image->filesystem && copy.room == ROOM_FOREIGN)
		return plan_refuse(p, "the disk begins like one without partitions: %s",
				   g->image->filesystem);
	return set_usable(p, &h, g, copy.array) && gpt_place_is_free(p, &copy) &&
	       gpt_put_copy(p, &copy, &h);
}

bool gpt_can_piece(const struct gpt_state *st)
{
	const struct gpt *g = st->g;
	const struct gpt_table *t = g->pieced;
	uint64_t array;

	if (st->verdict != GPT_LOST || !t)
		return false;
	array = gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
	return 2 * array + 4 <= g->sectors && !gpt_odd_size(NULL, g) &&
	       !is_contradicted(NULL, g) && size_is_meant(NULL, st) &&
	       partitions_fit(NULL, g, array);
}

bool gpt_fix_pieced(struct plan *p, const struct finding *f, const struct gpt *g)
{
	const struct gpt_table *t = g->pieced;
	struct gpt_state st = gpt_state(g);
	uint64_t array;

	(void)f;
	if (st.verdict != GPT_LOST)
		return false;
	if (!t)
		return plan_refuse(p, "no header is left with entries that fit it");
	array = gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
	if (2 * array + 4 > g->sectors)
		return plan_refuse(p, "the disk has no room for both copies");
	if (gpt_odd_size(p, g) || is_contradicted(p, g) || !size_is_meant(p, &st) ||
	    !partitions_fit(p, g, array) || !put_copy(p, &st, GPT_PRIMARY) ||
	    !put_copy(p, &st, GPT_BACKUP))
		return false;
	plan_title(
		p,
		"rebuild both copies of the GPT from the %s's header and entries at LBA %llu",
		t->which == GPT_PRIMARY ? "primary" : "backup",
		LLU(t->entries_at.off / g->sector_size));
	return st.protective || (st.mbr && gpt_put_protective(p, &st));
}
