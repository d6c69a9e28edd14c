/* The map of an ISO 9660 image: descriptors, path tables, directories, what boots and files; what
 * its partition tables say of the same bytes; and what is missing at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_survey.h"

#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "base/banned.h"

enum { RUNS_MAX = 48, COUNT_UNIT = 512 };

static const char *kind_word(const struct iso_volume *v)
{
	switch (v->kind) {
	case ISO_PRIMARY:
		return "primary";
	case ISO_JOLIET:
		return "Joliet";
	case ISO_ENHANCED:
		return "enhanced";
	}
	BUG("volume %u", v->kind);
}

static struct map_range *put(struct survey *s, enum map_kind kind, uint64_t off,
			     uint64_t len, const char *key, const char *name)
{
	struct map_range *r = survey_put(s, kind, off, len);

	r->key = key;
	r->name = name;
	return r;
}

/* Whole blocks, as far as the image goes. */
static uint64_t whole(const struct survey *s, uint64_t off, uint64_t len)
{
	uint64_t blocks = div_up(len, ISO_SECTOR) * ISO_SECTOR;

	return off < s->img->size && range_within(off, blocks, s->img->size) ? blocks
									     : len;
}

/* ---- what describes the rest ---- */

static void put_system(struct survey *s, const struct iso *iso)
{
	const struct image *disk = iso->disk.image;
	uint64_t len = u64_min((uint64_t)ISO_FIRST * ISO_SECTOR, iso->image->size);
	struct map_range *r = put(s, MAP_BOOT, 0, len, "M", "system");
	bool gpt = disk && disk->gpt && disk->gpt->primary.present;

	r->what = arena_printf(s->a, "system area%s%s%s",
			       disk && disk->mbr ? ", with an MBR" : "",
			       gpt ? ", with a GPT" : "",
			       iso->disk.apm ? ", with a partition map of Apple's" : "");
}

static void put_descriptors(struct survey *s, const struct iso *iso)
{
	uint64_t off = (uint64_t)ISO_FIRST * ISO_SECTOR;
	uint64_t n = u64_max(iso->ndescriptors, 1);
	struct map_range *r =
		put(s, iso->terminator.len ? MAP_TABLE : MAP_BROKEN, off, n * ISO_SECTOR,
		    iso->terminator.len ? "V" : "!", "volume");

	r->what = arena_printf(s->a, "%zu volume descriptors%s", iso->ndescriptors,
			       iso->terminator.len ? "" : ", without a terminator");
}

static void put_paths(struct survey *s, const struct iso_volume *v,
		      const struct iso_paths *t)
{
	bool bad = v->complete && !t->right;
	struct map_range *r;

	if (!t->at.len)
		return;
	r = put(s, bad ? MAP_BROKEN : MAP_TABLE, t->at.off,
		whole(s, t->at.off, t->at.len), bad ? "!" : "P", "path table");
	r->what =
		arena_printf(s->a, "%s path table %s%s", kind_word(v), t->big ? "M" : "L",
			     bad ? ", not that of the directories" : "");
	r->record = t->lba.at;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Stretches of directories without anything between them. */
static void put_dirs(struct survey *s, const struct iso_volume *v)
{
	uint64_t *lba = arena_array(s->a, v->ndirs + 1, uint64_t), off = 0, end = 0;
	size_t n = 0;

	/* Block and length as one number, so that they are sorted together. */
	for (size_t i = 0; i < v->ndirs; i++)
		lba[i] = (uint64_t)v->dir[i].lba << 32 | v->dir[i].size;
	sort_stable(lba, v->ndirs, sizeof(*lba), by_number);
	for (size_t i = 0; i <= v->ndirs; i++) {
		uint64_t at = (lba[i] >> 32) * ISO_SECTOR;
		uint64_t len = div_up(lba[i] & UINT32_MAX, ISO_SECTOR) * ISO_SECTOR;

		if (n && (i == v->ndirs || at > end)) {
			put(s, MAP_TABLE, off, end - off, "D", "directories")->what =
				arena_printf(s->a, "%zu %s of the %s volume", n,
					     n == 1 ? "directory" : "directories",
					     kind_word(v));
			n = 0;
		}
		if (n++ == 0)
			off = at;
		end = u64_max(n == 1 ? at : end, at + len);
	}
}

/* ---- what boots ---- */

static uint64_t length(const struct iso_boot_entry *b)
{
	uint64_t n = u64_max(b->file_size, b->fat_size);

	return n ? n : u64_min(b->len, u64_max(b->count.v, 1) * COUNT_UNIT);
}

static void put_image(struct survey *s, const struct iso_boot_entry *b, size_t i)
{
	const char *whose = b->platform.v == ISO_PLATFORM_EFI   ? "UEFI"
			    : b->platform.v == ISO_PLATFORM_X86 ? "a BIOS"
								: "another platform";
	struct map_range *r = put(s, MAP_PART, b->lba.v * ISO_SECTOR,
				  whole(s, b->lba.v * ISO_SECTOR, length(b)),
				  arena_printf(s->a, "%zu", i + 1), whose);

	r->what = arena_printf(s->a, "boot image for %s%s%s%s", whose,
			       b->path ? ", " : "", b->path ? b->path : "",
			       b->outside ? ", not in the image" : "");
	r->record = b->at;
}

static void put_boot(struct survey *s, const struct iso_catalog *c)
{
	if (c->state == ISO_CATALOG_READ)
		put(s, MAP_TABLE, c->at.off, c->at.len, "C", "catalog")->what =
			arena_printf(s->a, "boot catalog, %zu %s", c->nentries,
				     c->nentries == 1 ? "entry" : "entries");
	for (size_t i = 0; i < c->nentries; i++)
		put_image(s, &c->entry[i], i);
}

/* ---- files ---- */

/* Those that have been drawn by themselves. */
static bool is_drawn(const struct iso *iso, const struct iso_extent *x)
{
	const struct iso_catalog *c = &iso->catalog;

	if (c->state == ISO_CATALOG_READ && c->at.off == (uint64_t)x->lba * ISO_SECTOR)
		return true;
	for (size_t i = 0; i < c->nentries; i++) {
		if (c->entry[i].lba.v == x->lba)
			return true;
	}
	return false;
}

struct run {
	uint64_t off, end;
	size_t n;
};

static void put_run(struct survey *s, const struct run *r)
{
	if (r->n)
		put(s, MAP_PART, r->off, r->end - r->off, "F", "files")->what =
			arena_printf(s->a, "%zu %s", r->n, r->n == 1 ? "file" : "files");
}

/* Stretches of files; beyond so many, all the rest is one. */
static void put_files(struct survey *s, const struct iso *iso)
{
	struct run r = { 0 };
	unsigned runs = 1;

	for (size_t i = 0; i < iso->nextents; i++) {
		const struct iso_extent *x = &iso->extent[i];
		uint64_t off = (uint64_t)x->lba * ISO_SECTOR;

		if (is_drawn(iso, x) || (i && x->lba == iso->extent[i - 1].lba))
			continue;
		if (r.n && off > r.end && runs < RUNS_MAX) {
			put_run(s, &r);
			r = (struct run){ 0 };
			runs++;
		}
		if (r.n++ == 0)
			r.off = off;
		r.end = u64_max(r.end, off + (uint64_t)x->blocks * ISO_SECTOR);
	}
	put_run(s, &r);
	if (runs == RUNS_MAX)
		survey_note(
			s, "files are in more places than are drawn: what is between the "
			   "last ones may be free");
}

/* ---- as a disk ---- */

static void put_disk(struct survey *s, const struct image *disk)
{
	const struct gpt *g = disk ? disk->gpt : NULL;

	if (disk && disk->mbr) {
		uint32_t ss = s->ss;

		s->ss = MBR_SIZE;
		survey_mbr_parts(s, disk->mbr, MAP_ALIAS);
		s->ss = ss;
	}
	for (size_t i = 0; g && g->good && i < g->good->nentries; i++) {
		const struct gpt_entry *e = &g->good->entry[i];
		uint64_t off = survey_bytes(e->first.v, g->sector_size);
		struct map_range *r =
			survey_put(s, MAP_ALIAS, off,
				   survey_bytes(e->last.v + 1, g->sector_size) - off);
		const char *type = gpt_type_name(e->type);

		r->key = arena_printf(s->a, "g%u", e->number);
		r->name = type ? type : "partition";
		r->record = e->at;
		r->what = arena_printf(s->a, "GPT entry %u: %s%s", e->number, r->name,
				       survey_quoted(s, e->name));
	}
	if (g && g->backup.present) {
		struct map_range *r =
			put(s, gpt_table_ok(&g->backup) ? MAP_TABLE : MAP_BROKEN,
			    g->backup.at.off, g->backup.at.len, "H", "GPT");

		r->what = gpt_table_ok(&g->backup) ? "backup GPT header"
						   : "backup GPT header, damaged";
		if (!gpt_table_ok(&g->backup))
			r->key = "!";
	}
	if (g && g->backup.present && g->backup.entries_at.len)
		put(s, MAP_TABLE, g->backup.entries_at.off, g->backup.entries_at.len, "A",
		    "entries")
			->what = "backup GPT entries";
}

void survey_iso(struct survey *s, const struct iso *iso)
{
	s->m->title = iso->primary ? arena_printf(s->a, "ISO 9660 '%s'",
						  str_shown(s->a, iso->primary->name))
				   : "ISO 9660, without a primary descriptor";
	s->m->unit_name = "block";
	s->ss = ISO_SECTOR;
	put_system(s, iso);
	put_descriptors(s, iso);
	for (size_t i = 0; i < iso->nvolumes; i++) {
		put_paths(s, &iso->volume[i], &iso->volume[i].little);
		put_paths(s, &iso->volume[i], &iso->volume[i].big);
		put_dirs(s, &iso->volume[i]);
	}
	put_boot(s, &iso->catalog);
	put_files(s, iso);
	put_disk(s, iso->disk.image);
	if (iso->volume_end > iso->image->size)
		put(s, MAP_UNKNOWN, iso->image->size, iso->volume_end - iso->image->size,
		    "?", "missing")
			->what = "missing: the volume goes on";
	s->known = iso->extents_all && !iso->udf && !iso->disk.apm;
	s->unsure = iso->udf           ? "not known: the UDF may have it"
		    : iso->extents_all ? "not known: HFS+ may have it"
				       : "not known: not all directories were read";
}
