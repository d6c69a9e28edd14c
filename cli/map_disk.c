/* The map of a disk: its partition sector, extended boot records, partitions, what is found
 * without a table, and what is left. Its GPT: map_gpt.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_survey.h"

#include "analyze/image/image.h"
#include "analyze/image/lost.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "analyze/source.h"
#include "base/banned.h"

/* What lies above what, where it overlaps. */
enum { RANK_SECTOR, RANK_PART, RANK_INNER, RANK_ALIAS, RANK_LEFT_OVER };

enum {
	BLANK_CHUNK = 8 << 10, /* what is read at once, to tell whether a gap is blank */
	BLANK_LOOKS = 1024,    /* so many times for a disk */
};

struct map_range *survey_put(struct survey *s, enum map_kind kind, uint64_t off,
			     uint64_t len)
{
	struct map_range *r = map_add(s->m, s->a, off, len);

	r->kind = kind;
	switch (kind) {
	case MAP_BOOT:
	case MAP_TABLE:
	case MAP_BROKEN:
		r->rank = RANK_SECTOR;
		break;
	case MAP_PART:
	case MAP_CONTAINER:
	case MAP_FREE:
	case MAP_UNKNOWN:
		r->rank = RANK_PART;
		break;
	case MAP_ALIAS:
		r->rank = RANK_ALIAS;
		break;
	case MAP_STALE:
	case MAP_LOST:
		r->rank = RANK_LEFT_OVER;
		break;
	}
	return r;
}

void survey_note(struct survey *s, const char *text)
{
	*vec_add(&s->m->notes, s->a) = text;
}

uint64_t survey_bytes(uint64_t lba, uint32_t sector_size)
{
	uint64_t off;

	return u64_mul(lba, sector_size, &off) ? off : UINT64_MAX;
}

/* ---- partitions ---- */

static const char *content_of(struct survey *s, unsigned number)
{
	for (size_t i = 0; i < s->img->nvolumes; i++) {
		const struct volume *v = &s->img->volumes[i];

		if (v->number != number || !v->looked)
			continue;
		return v->fs ? v->fs->name : v->blank ? "begins with zeros" : NULL;
	}
	return NULL;
}

const char *survey_quoted(struct survey *s, struct str name)
{
	if (name.n == 0)
		return "";
	return arena_printf(s->a, " '%s'", str_shown(s->a, name));
}

/* "Linux filesystem 'root', ext; ends 3 MiB past the end of the image" */
void survey_describe(struct survey *s, struct map_range *r, const char *type,
		     const char *name)
{
	const char *content = content_of(s, r->number);
	struct buf b = { 0 };

	buf_printf(&b, "%s%s", type, name);
	if (content && r->kind == MAP_PART)
		buf_printf(&b, ", %s", content);
	if (r->end <= r->off) {
		buf_printf(&b, "; ends before it begins");
	} else if (r->end > s->m->size) {
		buf_printf(&b, "; %s the end of the image by ",
			   r->off >= s->m->size ? "lies past" : "goes past");
		buf_extent(&b, r->end - s->m->size);
	}
	r->what = arena_str(s->a, (struct str){ b.p, b.n });
	buf_free(&b);
}

static const char *mbr_type(struct survey *s, unsigned type)
{
	static const struct {
		unsigned type;
		const char *name;
	} names[] = {
		{ 0x01, "FAT12" },         { 0x04, "FAT16" },
		{ 0x05, "extended" },      { 0x06, "FAT16" },
		{ 0x07, "NTFS or exFAT" }, { 0x0b, "FAT32" },
		{ 0x0c, "FAT32" },         { 0x0e, "FAT16" },
		{ 0x0f, "extended" },      { 0x27, "Windows recovery" },
		{ 0x82, "Linux swap" },    { 0x83, "Linux" },
		{ 0x85, "extended" },      { 0x8e, "Linux LVM" },
		{ 0xa5, "FreeBSD" },       { 0xaf, "HFS" },
		{ 0xee, "protective" },    { 0xef, "EFI System" },
		{ 0xfd, "Linux RAID" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return arena_printf(s->a, "type %02X", type);
}

static void put_mbr_part(struct survey *s, const struct mbr *m, const struct mbr_entry *e,
			 enum map_kind kind)
{
	uint64_t off = survey_bytes(e->lba.v, m->sector_size);
	const char *type = mbr_type(s, (unsigned)e->type.v);
	struct map_range *r;

	if (e->extended && kind == MAP_PART)
		kind = MAP_CONTAINER;
	r = survey_put(s, kind, off, survey_bytes(e->sectors.v, m->sector_size));
	r->number = e->number;
	r->name = type;
	r->record = e->at;
	if (!e->extended)
		r->align = map_alignment(off);
	if (e->number > MBR_ENTRIES && kind == MAP_PART) {
		r->rank = RANK_INNER;
		r->inner = true;
	}
	if (kind == MAP_ALIAS) {
		r->key = arena_printf(s->a, "m%u", e->number);
		type = arena_printf(s->a, "MBR entry %u: %s", e->number, type);
	} else {
		r->key = arena_printf(s->a, "%u", e->number);
	}
	survey_describe(s, r, type, e->boot.v == 0x80 ? ", active" : "");
}

void survey_mbr_parts(struct survey *s, const struct mbr *m, enum map_kind kind)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].used && m->entry[i].type.v != MBR_TYPE_PROTECTIVE)
			put_mbr_part(s, m, &m->entry[i], kind);
	}
	for (size_t i = 0; i < m->nlogical; i++)
		put_mbr_part(s, m, &m->logical[i], kind);
}

/* ---- the partition sector, and extended boot records ---- */

void survey_sector_0(struct survey *s, const struct mbr *m, bool gpt_counts)
{
	struct map_range *r = survey_put(s, MAP_BOOT, 0, u64_min(s->ss, s->img->size));
	const char *what = m->boot_sector                ? "boot sector of a file system"
			   : m->hybrid                   ? "hybrid MBR"
			   : m->protective && gpt_counts ? "protective MBR"
			   : m->protective               ? "MBR with a protective entry"
							 : "MBR";

	r->key = "M";
	r->name = "MBR";
	r->record = m->at;
	if (!m->magic_ok) {
		r->kind = MAP_BROKEN;
		r->key = "!";
		what = arena_printf(s->a, "%s without the signature 55 aa", what);
	}
	r->what = m->boot_code && !m->boot_sector
			  ? arena_printf(s->a, "%s, with boot code", what)
			  : what;
}

void survey_ebrs(struct survey *s, const struct mbr *m)
{
	for (size_t i = 0; i < m->nebr; i++) {
		const struct ebr *e = &m->ebr[i];
		struct map_range *r = survey_put(s, MAP_TABLE, e->at.off, m->sector_size);

		r->rank = RANK_INNER;
		r->inner = true;
		r->key = "E";
		r->name = "EBR";
		r->what = "extended boot record";
		r->record = e->at;
	}
}

/* ---- what is known of the whole ---- */

static void put_mbr(struct survey *s, const struct mbr *m)
{
	s->ss = m->sector_size;
	survey_sector_0(s, m, false);
	if (m->boot_sector) {
		s->m->title = "no partition table: a file system begins with the disk";
		s->unsure = "not known: there is no partition table";
		return;
	}
	s->m->title = "MBR";
	s->known = m->magic_ok;
	s->unsure = "not known: the MBR has no signature";
	survey_mbr_parts(s, m, MAP_PART);
	survey_ebrs(s, m);
}

/* ---- what is found without a table ---- */

/* Up to the next part, or the end of the disk, where a part does not say how long it is. */
static uint64_t lost_end(const struct survey *s, const struct lost *l, size_t i)
{
	if (l->part[i].end)
		return l->part[i].end;
	return i + 1 < l->nparts ? l->part[i + 1].off : s->img->size;
}

static void put_lost(struct survey *s, const struct lost *l)
{
	for (size_t i = 0; i < l->nparts; i++) {
		const struct lost_part *p = &l->part[i];
		uint64_t end = u64_max(p->off, lost_end(s, l, i));
		struct map_range *r = survey_put(s, MAP_LOST, p->off, end - p->off);

		r->number = (unsigned)i + 1;
		r->key = arena_printf(s->a, "l%zu", i + 1);
		r->name = p->label.n ? str_shown(s->a, p->label) : p->fs->name;
		r->align = map_alignment(p->off);
		r->what = arena_printf(
			s->a, "found: %s%s%s%s", p->fs->name, survey_quoted(s, p->label),
			p->weak ? ", in part" : "",
			p->end ? "" : ", which does not say how long it is");
	}
	if (l->nparts)
		survey_note(s, "partitions are drawn by what was found of their content");
	if (l->stopped)
		survey_note(s,
			    arena_printf(s->a, "the search for content ended at 0x%llx",
					 LLU(l->stopped_at)));
}

/* ---- gaps ---- */

/* What a few reads can tell: holes are blank, and a little data can be read. NULL: not
 * known. */
static const char *blank_word(struct survey *s, uint64_t off, uint64_t end)
{
	uint8_t chunk[BLANK_CHUNK];
	struct err e;

	for (;; s->looks++) {
		size_t n;

		off = source_next_data(s->img->src, off);
		if (off >= end)
			return "blank";
		if (s->looks >= BLANK_LOOKS)
			return NULL;
		n = (size_t)u64_min(end - off, sizeof(chunk));
		if (source_read(s->img->src, off, chunk, n, &e) != 0)
			return "cannot be read";
		if (!view_is_zero((struct view){ chunk, n }))
			return "but not blank";
		off += n;
	}
}

static const char *gap_words(const struct survey *s, bool known, uint64_t off)
{
	if (s->within)
		return known ? "free in the extended partition"
			     : "not known: the chain of logical partitions is broken";
	if (!known)
		return s->unsure;
	return off < s->usable || off >= s->usable_end
		       ? "outside of what the GPT calls usable"
		       : "free";
}

static void put_gap(void *ctx, uint64_t off, uint64_t end)
{
	struct survey *s = ctx;
	bool known = s->known && (!s->within || s->chain_known);
	const uint64_t cuts[] = { s->usable, s->usable_end };
	const char *blank, *what;
	struct map_range *r;

	for (size_t i = 0; known && !s->within && i < 2; i++) {
		if (off < cuts[i] && cuts[i] < end) {
			put_gap(s, off, cuts[i]);
			off = cuts[i];
		}
	}
	r = survey_put(s, known ? MAP_FREE : MAP_UNKNOWN, off, end - off);
	if (s->within) {
		r->rank = RANK_INNER;
		r->inner = true;
	}
	r->key = known ? "-" : "?";
	r->name = known ? "free" : "not known";
	what = gap_words(s, known, off);
	blank = blank_word(s, off, end);
	r->what = blank ? arena_printf(s->a, "%s, %s", what, blank) : what;
}

static void put_gaps(struct survey *s)
{
	size_t n = s->m->v.n;

	map_gaps(s->m, s->a, 0, s->m->size, true, put_gap, s);
	for (size_t i = 0; i < n; i++) {
		struct map_range c = s->m->v.v[i];

		if (c.kind != MAP_CONTAINER)
			continue;
		s->within = &c;
		map_gaps(s->m, s->a, c.off, u64_min(c.end, s->m->size), false, put_gap,
			 s);
		s->within = NULL;
	}
}

void map_disk(struct map *m, const struct image *img, struct arena *a)
{
	struct survey s = {
		.m = m, .img = img, .a = a, .ss = MBR_SIZE, .usable_end = UINT64_MAX
	};

	m->size = img->size;
	m->guest = img->src->is_guest;
	m->title = "no partition table";
	s.unsure = "not known: there is no partition table";
	if (img->iso)
		survey_iso(&s, img->iso);
	else if (img->gpt)
		survey_gpt(&s, img->gpt);
	else if (img->mbr)
		put_mbr(&s, img->mbr);
	s.chain_known = !img->mbr || img->mbr->ebr_end == EBR_COMPLETE;
	m->unit = s.ss;
	if (img->filesystem)
		survey_note(&s, arena_printf(a, "%s seems to begin with the disk itself",
					     img->filesystem));
	if (img->lost) {
		put_lost(&s, img->lost);
		s.known = false;
		s.unsure = "not known: the partition table is gone";
	}
	if (img->src->is_guest)
		m->title = arena_printf(a, "the guest's disk: %s", m->title);
	put_gaps(&s);
	map_sort(m);
}
