/* The frame of a table that is put together: the disk's size, how many entries there are and
 * where their arrays stand, and what the headers say around them. UEFI 2.10, table 5-5.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_meant.h"
#include "analyze/image/gpt_bare.h"
#include "analyze/image/image.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

enum {
	SLOT = GPT_ENTRY_SIZE,
	USUAL_COUNT = GPT_ENTRIES_MIN_BYTES / SLOT,
	USUAL_MAX = 4 * GPT_ENTRIES_MIN_BYTES, /* bytes of an array */
};

static uint64_t array_of(const struct gpt_meant *m, uint64_t count)
{
	return gpt_entries_sectors(count, SLOT, m->g->sector_size);
}

/* ---- the size of the disk ---- */

/* A disk that was cut off is as long as two witnesses say. */
static uint64_t sectors_meant(const struct gpt *g)
{
	const struct mbr_entry *e = mbr_protective_of(g->image->mbr);
	uint64_t agreed, said;
	size_t ss = g->sector_size;

	if (gpt_size_agreed(g, &agreed))
		return u64_max(agreed, g->sectors);
	said = e && e->lba.v == 1 && e->sectors.v != UINT32_MAX ? e->sectors.v + 1 : 0;
	/* An entry for a partition that was cut is a witness, too. */
	for (size_t at = ss; said > g->sectors && at + SLOT <= g->head.n; at += SLOT) {
		uint64_t first = view_le64(g->head, at + GPT_ENT_FIRST);
		uint64_t last = view_le64(g->head, at + GPT_ENT_LAST);

		if (first > 2 && first < g->sectors && last >= g->sectors &&
		    last < said - 2)
			return said;
	}
	return g->sectors;
}

/* ---- how many entries ---- */

/* Tools let the last usable LBA be the one before the backup's entries. */
static uint64_t sectors_behind(const struct gpt_table *t, uint64_t sectors)
{
	return t->last_usable.v >= sectors - 2 ? 0 : sectors - 2 - t->last_usable.v;
}

static uint64_t count_of(const struct gpt_meant *m, const struct gpt_table *t)
{
	uint64_t behind = sectors_behind(t, m->sectors), n = t->entry_count.v;
	uint32_t ss = m->g->sector_size;

	/* A checksum that fits proves the number as well. */
	if (t->entries_ok && t->entry_size.v == SLOT && n <= USUAL_MAX / SLOT &&
	    (!t->header_ok || array_of(m, n) <= behind))
		return n;
	if (!t->header_ok)
		return 0;
	if (t->entry_size.v == SLOT && n > 0 && n <= USUAL_MAX / SLOT &&
	    array_of(m, n) <= behind)
		return n;
	return behind * ss <= USUAL_MAX ? behind * ss / SLOT : 0;
}

/* Without a header: as many as fill the place, and as many as tools make where partitions leave
 * the room at both ends. */
static uint64_t count_bare(const struct gpt_meant *m, const struct gpt_bare *b)
{
	uint64_t first = m->sectors, last = 0, usual = array_of(m, USUAL_COUNT);

	for (size_t at = 0; at + SLOT <= b->array.n; at += SLOT) {
		struct view slot = view_cut(b->array, at, SLOT);

		if (view_is_zero(slot))
			continue;
		first = u64_min(first, view_le64(slot, GPT_ENT_FIRST));
		last = u64_max(last, view_le64(slot, GPT_ENT_LAST));
	}
	if (b->array.n < GPT_ENTRIES_MIN_BYTES && first >= 2 + usual &&
	    last + 2 + usual <= m->sectors)
		return USUAL_COUNT;
	return b->array.n / SLOT;
}

static void set_count(struct gpt_meant *m)
{
	const struct gpt *g = m->g;
	uint64_t backup = count_of(m, &g->backup);

	m->count = count_of(m, &g->primary);
	/* Of two that take the same sectors, tools make the one that fills them. */
	if (!m->count ||
	    (array_of(m, m->count) == array_of(m, backup) && backup > m->count))
		m->count = backup;
	if (g->bare)
		m->count = count_bare(m, g->bare);
	if (!m->count)
		m->count = USUAL_COUNT;
	m->array = array_of(m, m->count);
}

/* ---- where they stand ---- */

static bool is_pieced(const struct gpt *g, uint64_t lba)
{
	return g->pieced && g->pieced->entries_at.off / g->sector_size == lba;
}

static void add_source(struct gpt_meant *m, const char *name, uint64_t lba,
		       struct view raw, bool verified, bool primary)
{
	for (size_t i = 0; i < m->nsources; i++) {
		if (m->source[i].lba != lba)
			continue;
		m->source[i].verified |= verified;
		if (m->source[i].raw.n < raw.n)
			m->source[i].raw = raw;
		return;
	}
	/* Zeros are no witness: they may be what destroyed it. */
	if (raw.n < SLOT || m->nsources == MEANT_SOURCES || view_is_zero(raw))
		return;
	m->source[m->nsources++] = (struct meant_source){
		.name = name,
		.lba = lba,
		.raw = raw,
		.verified = verified || is_pieced(m->g, lba),
		.primary = primary,
	};
}

/* Does the array begin amidst what stands at LBA 2? */
static bool is_split(const struct gpt_meant *m, const struct gpt_table *t)
{
	const struct gpt *g = m->g;
	size_t ss = g->sector_size;

	return t->which == GPT_PRIMARY && t->entries_lba.v < 2 + m->array &&
	       view_has(g->head, ss, SLOT) &&
	       gpt_meant_fits(m, view_le64(g->head, ss + GPT_ENT_FIRST),
			      view_le64(g->head, ss + GPT_ENT_LAST));
}

/* Beside its header, or where the usable range leaves room for it. */
static bool is_beside(const struct gpt_meant *m, const struct gpt_table *t)
{
	uint64_t at = t->entries_lba.v;

	if (at == 2 || (at < m->sectors && at + m->array == t->first_usable.v))
		return t->which == GPT_PRIMARY;
	if (t->which == GPT_BACKUP && at < t->lba && at + m->array == t->lba)
		return true;
	/* Elsewhere, entries have to be there that can be meant. */
	return t->entries_ok && t->nentries && !is_split(m, t) &&
	       gpt_meant_fits(m, t->entry[0].first.v, t->entry[0].last.v);
}

static void add_copy(struct gpt_meant *m, const struct gpt_table *t, const char *name)
{
	uint64_t lba = t->entries_lba.v;

	if (!t->present || !t->entries_read || t->entry_size.v != SLOT || lba < 2 ||
	    !is_beside(m, t))
		return;
	add_source(m, name, lba, t->entries_raw, t->entries_ok, t->which == GPT_PRIMARY);
}

static void add_pieced(struct gpt_meant *m)
{
	const struct gpt_table *t = m->g->pieced;

	if (t && t->entry_size.v == SLOT && t->entries_at.off / m->g->sector_size >= 2)
		add_source(m, t->which == GPT_PRIMARY ? "the primary" : "the backup",
			   t->entries_at.off / m->g->sector_size, t->entries_raw, true,
			   t->which == GPT_PRIMARY);
}

/* What a short cut has left of the backup's entries. */
static void add_rest(struct gpt_meant *m)
{
	const struct gpt *g = m->g;
	uint64_t lba = m->sectors - 1 - m->array,
		 from = g->sectors - g->tail.n / g->sector_size;

	if (lba < g->sectors && lba >= from)
		add_source(m, "the end of the disk", lba,
			   view_cut(g->tail, (size_t)((lba - from) * g->sector_size),
				    (size_t)((g->sectors - lba) * g->sector_size)),
			   false, false);
}

/* What stands where arrays belong, whatever the headers say. */
static void add_places(struct gpt_meant *m)
{
	const struct gpt *g = m->g;
	size_t ss = g->sector_size, n = (size_t)m->array * ss;

	if (view_has(g->head, ss, n))
		add_source(m, "LBA 2", 2, view_cut(g->head, ss, n), false, true);
	if (m->sectors > g->sectors)
		add_rest(m);
	else if (g->bare && g->bare->which == GPT_BACKUP)
		add_source(m, "the end of the disk", g->bare->lba, g->bare->array, false,
			   false);
	else if (g->tail.n >= n + ss)
		add_source(m, "the end of the disk", g->sectors - 1 - m->array,
			   view_cut(g->tail, g->tail.n - ss - n, n), false, false);
}

/* A primary elsewhere than at LBA 2 was put there for the sake of what is at LBA 2. */
static void set_place(struct gpt_meant *m)
{
	const struct gpt_table *t = &m->g->primary;

	m->entries_lba = 2;
	if (t->header_ok && is_beside(m, t) &&
	    t->entries_lba.v + m->array <= t->first_usable.v)
		m->entries_lba = t->entries_lba.v;
}

void gpt_meant_frame(struct gpt_meant *m)
{
	const struct gpt *g = m->g;

	m->sectors = sectors_meant(g);
	set_count(m);
	set_place(m);
	if (m->sectors < m->entries_lba + 2 * m->array + 4) {
		gpt_meant_refuse(m, "the disk has no room for both copies");
		return;
	}
	m->first_usable = m->entries_lba + m->array;
	m->last_usable = m->sectors - 2 - m->array;
	add_copy(m, &g->primary, "the primary");
	add_copy(m, &g->backup, "the backup");
	if (g->stray && g->stray->header_ok &&
	    guid_eq(g->stray->disk_guid, g->backup.disk_guid))
		add_copy(m, g->stray, "the backup before");
	add_pieced(m);
	add_places(m);
}

/* ---- around the slots ---- */

static bool range_holds(const struct gpt_meant *m, const struct gpt_table *t)
{
	uint64_t first = t->first_usable.v, last = t->last_usable.v;

	if (!t->header_ok || first < m->first_usable || last > m->last_usable ||
	    last < first)
		return false;
	for (size_t i = 0; i < m->nslots; i++) {
		if (m->slot[i].first < first || m->slot[i].last > last)
			return false;
	}
	return true;
}

static void set_guid(struct gpt_meant *m)
{
	const struct gpt *g = m->g;
	const struct gpt_table *copies[] = { &g->primary, &g->backup };

	/* A right header's before a damaged one's. */
	for (unsigned pass = 0; pass < 4; pass++) {
		const struct gpt_table *t = copies[pass % 2];

		if (!guid_is_zero(m->disk_guid) || !t->present ||
		    (pass < 2 && !t->header_ok))
			continue;
		m->disk_guid = t->disk_guid;
	}
}

void gpt_meant_header(struct gpt_meant *m)
{
	const struct gpt_table *copies[] = { &m->g->primary, &m->g->backup };
	uint64_t first = m->first_usable, last = m->last_usable;

	for (size_t i = 0; i < 2; i++) {
		if (!range_holds(m, copies[i]))
			continue;
		first = copies[i]->first_usable.v;
		/* A disk that has grown since gets all of it. */
		if (m->sectors == copies[i]->last_usable.v + 2 + m->array ||
		    copies[i]->lba + 1 == m->sectors ||
		    copies[i]->alternate_lba.v + 1 == m->sectors)
			last = copies[i]->last_usable.v;
		break;
	}
	m->first_usable = first;
	m->last_usable = last;
	set_guid(m);
}
