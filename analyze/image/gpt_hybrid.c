/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_hybrid.h"
#include "analyze/image/gpt_copy.h"
#include "analyze/image/gpt_past.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "base/banned.h"

/* Tools let the last partition end at the last usable LBA, or at a whole MiB before it. */
enum { WINDOW = (1 << 20) + GPT_ENTRIES_MIN_BYTES };

struct copy {
	uint64_t lba, sectors;
	bool protective;
};

struct look {
	const struct image *img;
	uint32_t sector_size;
	struct copy copy[MBR_ENTRIES];
	struct arena *arena;
	struct err *e;
	const struct gpt_table *found;
	bool several;
};

/* False: no hybrid MBR. */
static bool read_copies(struct look *l, struct view sector0)
{
	bool protective = false, other = false;

	if (!mbr_plausible(sector0))
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct view v = view_cut(sector0, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE,
					 MBR_ENTRY_SIZE);
		uint8_t type = view_u8(v, MBR_ENT_TYPE);
		struct copy *c = &l->copy[i];

		c->lba = view_le32(v, MBR_ENT_LBA);
		c->sectors = type == MBR_TYPE_EMPTY ? 0 : view_le32(v, MBR_ENT_SECTORS);
		c->protective = type == MBR_TYPE_PROTECTIVE;
		protective |= c->protective;
		other |= !c->protective && c->sectors != 0;
	}
	return protective && other;
}

bool gpt_is_hybrid(struct view sector0)
{
	struct look ignored = { 0 };

	return read_copies(&ignored, sector0);
}

static bool has_entry(const struct gpt_table *t, const struct copy *c)
{
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v == c->lba && e->last.v == c->lba + c->sectors - 1)
			return true;
	}
	return false;
}

/* The copies in the MBR are the witness that this is the disk's own table. */
static bool has_all_copies(const struct gpt_table *t, const struct look *l)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct copy *c = &l->copy[i];

		if (!c->protective && c->sectors != 0 && !has_entry(t, c))
			return false;
	}
	return true;
}

static void keep(struct look *l, const struct gpt_table *t)
{
	if (!l->found)
		l->found = t;
	else if (l->found->lba != t->lba)
		l->several = true;
}

static int look_at(struct look *l, uint64_t lba)
{
	struct gpt_table *t = arena_new(l->arena, struct gpt_table);

	if (gpt_copy_read(t, l->img, l->sector_size, lba, l->arena, l->e) != 0)
		return -1;
	t->which = GPT_BACKUP;
	if (!gpt_table_ok(t) || t->alternate_lba.v != 1)
		return 0;
	if (gpt_copy_decode(t, l->img, l->arena, l->e) != 0)
		return -1;
	if (has_all_copies(t, l))
		keep(l, t);
	return 0;
}

static int look_at_ends(struct look *l)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct copy *c = &l->copy[i];
		uint64_t end = c->lba + c->sectors;

		if (c->protective && end > 2 && look_at(l, end - 1) != 0)
			return -1;
	}
	return 0;
}

static int look_behind(struct look *l)
{
	uint64_t ss = l->sector_size, last = l->img->size / ss, lba = 0, n;
	struct view v;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (!l->copy[i].protective && l->copy[i].sectors)
			lba = u64_max(lba, l->copy[i].lba + l->copy[i].sectors);
	}
	if (lba >= last)
		return 0;
	n = u64_min(last - lba, WINDOW / ss + 1);
	if (image_view(l->img, l->arena, lba * ss, n * ss, &v, l->e) != 0)
		return -1;
	for (uint64_t i = 0; i < n; i++) {
		struct view sector = view_cut(v, i * ss, ss);

		if (gpt_header_intact(sector, lba + i) && look_at(l, lba + i) != 0)
			return -1;
	}
	return 0;
}

/* A search that costs more, for disks with partitions that have no copy. */
static int look_at_mib(struct look *l)
{
	const struct gpt_table *t;
	struct gpt_past past;

	if (l->sector_size != GPT_PAST_SECTOR)
		return 0;
	if (gpt_past_search(&t, &past, l->img, l->arena, l->e) != 0)
		return -1;
	if (t && !past.several && has_all_copies(t, l))
		keep(l, t);
	return 0;
}

int gpt_hybrid_search(const struct gpt_table **backup, const struct image *img,
		      struct view sector0, uint32_t sector_size, struct arena *a,
		      struct err *e)
{
	struct look l = { .img = img, .sector_size = sector_size, .arena = a, .e = e };

	*backup = NULL;
	if (!read_copies(&l, sector0))
		return 0;
	if (look_at_ends(&l) != 0 || look_behind(&l) != 0)
		return -1;
	if (!l.found && look_at_mib(&l) != 0)
		return -1;
	*backup = l.several ? NULL : l.found;
	return 0;
}
