/* The map of a disk: its partition sector, extended boot records, both copies of its GPT,
 * partitions, and what is left. UEFI 2.10 section 5.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/gpt_past.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "analyze/source.h"
#include "cli/map.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

/* What lies above what, where it overlaps. */
enum { RANK_SECTOR, RANK_PART, RANK_INNER, RANK_ALIAS, RANK_LEFT_OVER };

enum {
	BLANK_CHUNK = 8 << 10, /* what is read at once, to tell whether a gap is blank */
	BLANK_LOOKS = 1024,    /* so many times for a disk */
};

struct survey {
	struct map *m;
	const struct image *img;
	struct arena *a;
	uint32_t ss;
	bool known;                  /* there is a table that says what is free */
	uint64_t usable, usable_end; /* bytes in which a GPT has room for partitions */
	bool chain_known;            /* the same, within extended partitions */
	const char *unsure;          /* why not */
	unsigned looks;              /* at gaps, so far */
	const struct map_range
		*within; /* gaps are of this container; NULL: of the disk */
};

#define LLU(v) ((unsigned long long)(v))

static struct map_range *put(struct survey *s, enum map_kind kind, uint64_t off,
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

static void note(struct survey *s, const char *text)
{
	*vec_add(&s->m->notes, s->a) = text;
}

/* LBA times sector size, as far as 64 bits go. */
static uint64_t bytes_of(uint64_t lba, uint32_t sector_size)
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

static const char *quoted(struct survey *s, struct str name)
{
	if (name.n == 0)
		return "";
	return arena_printf(s->a, " '%s'", str_shown(s->a, name));
}

/* "Linux filesystem 'root', ext; ends 3 MiB past the end of the image" */
static void describe(struct survey *s, struct map_range *r, const char *type,
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

/* whose: what the words begin with, where it is not the table in force; its first letter is
 * that of the key, too. */
static void put_gpt_part(struct survey *s, const struct gpt *g, const struct gpt_entry *e,
			 enum map_kind kind, const char *whose)
{
	uint64_t off = bytes_of(e->first.v, g->sector_size), end = off;
	const char *type = gpt_type_name(e->type);
	struct map_range *r;
	char guid[37];

	if (e->last.v >= e->first.v && e->last.v < UINT64_MAX)
		end = bytes_of(e->last.v + 1, g->sector_size);
	else if (e->last.v == UINT64_MAX)
		end = UINT64_MAX;
	r = put(s, kind, off, end - off);
	r->number = e->number;
	r->key = arena_printf(s->a, "%.1s%u", whose, e->number);
	r->align = map_alignment(off);
	r->record = e->at;
	if (!type) {
		guid_text(e->type, guid);
		type = arena_printf(s->a, "type %s", guid);
	}
	r->name = e->name.n ? str_shown(s->a, e->name) : type;
	if (*whose)
		type = arena_printf(s->a, "%s: %s", whose, type);
	describe(s, r, type, quoted(s, e->name));
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
	uint64_t off = bytes_of(e->lba.v, m->sector_size);
	const char *type = mbr_type(s, (unsigned)e->type.v);
	struct map_range *r;

	if (e->extended && kind == MAP_PART)
		kind = MAP_CONTAINER;
	r = put(s, kind, off, bytes_of(e->sectors.v, m->sector_size));
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
	describe(s, r, type, e->boot.v == 0x80 ? ", active" : "");
}

static void put_mbr_parts(struct survey *s, const struct mbr *m, enum map_kind kind)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].used && m->entry[i].type.v != MBR_TYPE_PROTECTIVE)
			put_mbr_part(s, m, &m->entry[i], kind);
	}
	for (size_t i = 0; i < m->nlogical; i++)
		put_mbr_part(s, m, &m->logical[i], kind);
}

/* ---- the partition sector, and extended boot records ---- */

static void put_sector_0(struct survey *s, const struct mbr *m, bool gpt_counts)
{
	struct map_range *r = put(s, MAP_BOOT, 0, u64_min(s->ss, s->img->size));
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

static void put_ebrs(struct survey *s, const struct mbr *m)
{
	for (size_t i = 0; i < m->nebr; i++) {
		const struct ebr *e = &m->ebr[i];
		struct map_range *r = put(s, MAP_TABLE, e->at.off, m->sector_size);

		r->rank = RANK_INNER;
		r->inner = true;
		r->key = "E";
		r->name = "EBR";
		r->what = "extended boot record";
		r->record = e->at;
	}
}

/* ---- copies of a GPT ---- */

static bool has_table_at(const struct survey *s, uint64_t off)
{
	for (size_t i = 0; i < s->m->v.n; i++) {
		const struct map_range *r = &s->m->v.v[i];

		if (r->off == off && (r->kind == MAP_TABLE || r->kind == MAP_STALE ||
				      r->kind == MAP_BROKEN))
			return true;
	}
	return false;
}

static void put_header(struct survey *s, const struct gpt *g, const struct gpt_table *t,
		       enum map_kind kind, const char *word)
{
	struct map_range *r;

	if (t->raw.n == 0 || has_table_at(s, t->at.off))
		return;
	r = put(s, kind, t->at.off, u64_min(g->sector_size, s->img->size - t->at.off));
	r->key = kind == MAP_STALE ? "X" : kind == MAP_BROKEN ? "!" : "H";
	r->name = "GPT header";
	r->record = t->at;
	r->what = arena_printf(s->a, "%s GPT header%s", word,
			       !t->present     ? " is missing here"
			       : !t->header_ok ? ", damaged"
					       : "");
}

/* An array that is too large to be read has an end that nobody should believe. */
static uint64_t array_bytes(const struct survey *s, const struct gpt *g,
			    const struct gpt_table *t)
{
	uint64_t len =
		bytes_of(div_up(t->entries_at.len, g->sector_size), g->sector_size);

	if (t->array == GPT_ARRAY_TOO_LARGE)
		return u64_min(len, g->sector_size);
	return u64_min(len, s->img->size - t->entries_at.off);
}

static void put_array(struct survey *s, const struct gpt *g, const struct gpt_table *t,
		      enum map_kind kind, const char *word)
{
	struct map_range *r;
	const char *state;

	if (t->entries_at.len == 0 || t->array == GPT_ARRAY_OUTSIDE ||
	    t->entries_at.off >= s->img->size || has_table_at(s, t->entries_at.off))
		return;
	r = put(s, kind, t->entries_at.off, array_bytes(s, g, t));
	r->key = kind == MAP_STALE ? "X" : kind == MAP_BROKEN ? "!" : "A";
	r->name = "GPT entries";
	r->record = t->entries_at;
	state = t->entries_ok ? arena_printf(s->a, ", %zu in use", t->nentries)
		: t->array == GPT_ARRAY_TOO_LARGE ? ", more than are read"
						  : ", damaged";
	r->what = arena_printf(s->a, "%s GPT entries: %llu of %llu bytes%s", word,
			       LLU(t->entry_count.v), LLU(t->entry_size.v), state);
}

/* stale: nobody goes by it. What a damaged header says about its array is believed when
 * the array is right. */
static void put_copy(struct survey *s, const struct gpt *g, const struct gpt_table *t,
		     const char *word, bool stale)
{
	bool gone = !t->present || !t->header_ok;

	if (stale && !t->present)
		return;
	put_header(s, g, t, stale ? MAP_STALE : gone ? MAP_BROKEN : MAP_TABLE, word);
	if (t->present && (t->header_ok || t->entries_ok))
		put_array(s, g, t,
			  stale           ? MAP_STALE
			  : t->entries_ok ? MAP_TABLE
					  : MAP_BROKEN,
			  word);
}

static const char *backup_word(const struct gpt *g)
{
	return g->backup.present && !g->backup_at_end ? "backup (not at end)" : "backup";
}

/* Its partitions only where it is as right as the one that is taken. */
static void put_other(struct survey *s, const struct gpt *o)
{
	const char *word = arena_printf(s->a, "other (%u-byte sectors)", o->sector_size);

	put_copy(s, o, &o->primary, word, true);
	put_copy(s, o, &o->backup, word, true);
	for (size_t i = 0; o->good && i < o->good->nentries; i++)
		put_gpt_part(s, o, &o->good->entry[i], MAP_ALIAS, "other");
	note(s, arena_printf(s->a, "there is %s GPT for sectors of %u bytes, too",
			     o->good ? "an intact" : "a damaged", o->sector_size));
}

static void put_past(struct survey *s, const struct gpt_past *p)
{
	const struct gpt_table *t = p->table ? p->table->good : NULL;

	if (p->table && t) {
		put_copy(s, p->table, t, "lost", true);
		for (size_t i = 0; i < t->nentries; i++)
			put_gpt_part(s, p->table, &t->entry[i], MAP_LOST, "lost");
		note(s,
		     arena_printf(s->a,
				  "the GPT is empty; the backup of an earlier one, for "
				  "sectors of %u bytes, is still there%s",
				  p->table->sector_size,
				  p->several ? ", and there are others" : ""));
	}
	if (p->filesystem)
		note(s, arena_printf(s->a, "%s begins at 0x%llx, where no partition is",
				     p->filesystem, LLU(p->filesystem_at.off)));
}

static void put_copies(struct survey *s, const struct gpt *g, bool counts)
{
	put_copy(s, g, &g->primary, "primary", !counts);
	put_copy(s, g, &g->backup, backup_word(g), !counts);
	if (g->pieced)
		put_array(s, g, g->pieced, MAP_TABLE, "believed");
	if (g->stray)
		put_copy(s, g, g->stray, "left-over", true);
	if (g->other)
		put_other(s, g->other);
}

/* ---- what is known of the whole ---- */

static const char *copy_state(const struct gpt_table *t)
{
	if (!t->present)
		return "missing";
	if (!t->header_ok)
		return "damaged";
	if (t->array == GPT_ARRAY_TOO_LARGE)
		return "with more entries than are read";
	return t->entries_ok ? "intact" : "with damaged entries";
}

static void title_gpt(struct survey *s, const struct gpt *g)
{
	const char *p = copy_state(&g->primary), *b = copy_state(&g->backup);

	if (strcmp(p, b) == 0)
		p = arena_printf(s->a, "both copies %s", p);
	else
		p = arena_printf(s->a, "primary %s, backup %s", p, b);
	s->m->title = arena_printf(s->a, "GPT, %u-byte sectors, %s%s", g->sector_size, p,
				   g->backup.present && !g->backup_at_end
					   ? ", the backup not at the end"
					   : "");
}

static bool has_same(const struct gpt_table *t, const struct gpt_entry *e)
{
	for (size_t i = 0; i < t->nentries; i++) {
		if (t->entry[i].number == e->number &&
		    t->entry[i].first.v == e->first.v && t->entry[i].last.v == e->last.v)
			return true;
	}
	return false;
}

/* Where the copies differ, the backup may be the one that is right. */
static void put_differences(struct survey *s, const struct gpt *g)
{
	for (size_t i = 0; i < g->backup.nentries; i++) {
		if (!has_same(&g->primary, &g->backup.entry[i]))
			put_gpt_part(s, g, &g->backup.entry[i], MAP_ALIAS, "backup");
	}
	note(s, "the copies differ: drawn is the primary, and what only the backup has");
}

/* Which words there are for bytes that nothing claims. */
static void put_gpt(struct survey *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *t = g->good ? g->good : g->pieced;
	const struct mbr *m = s->img->mbr;
	bool label = m && mbr_is_label(m), counts = st.verdict != GPT_IDLE || !label;

	s->ss = counts ? g->sector_size : MBR_SIZE;
	if (m)
		put_sector_0(s, m, counts);
	put_copies(s, g, counts);
	if (!counts) {
		s->m->title = "MBR; there is a GPT as well, which is not used";
		s->known = true;
		put_mbr_parts(s, m, MAP_PART);
		put_ebrs(s, m);
		for (size_t i = 0; g->good && i < g->good->nentries; i++)
			put_gpt_part(s, g, &g->good->entry[i], MAP_LOST, "gpt, unused");
		return;
	}
	title_gpt(s, g);
	if (m && !m->boot_sector && m->magic_ok)
		put_mbr_parts(s, m, MAP_ALIAS);
	if (st.verdict == GPT_DIFFER)
		put_differences(s, g);
	if (st.verdict == GPT_UNREAD)
		t = NULL;
	for (size_t i = 0; t && i < t->nentries; i++)
		put_gpt_part(s, g, &t->entry[i], MAP_PART, "");
	if (t) {
		s->usable = bytes_of(t->first_usable.v, g->sector_size);
		s->usable_end = bytes_of(u64_min(t->last_usable.v, UINT64_MAX - 1) + 1,
					 g->sector_size);
	}
	s->known = t != NULL;
	s->unsure = "not known: no copy of the GPT can be believed";
	if (st.verdict == GPT_UNREAD)
		s->unsure = "not known: the GPT has more entries than are read";
	if (g->past) {
		put_past(s, g->past);
		if (g->past->table || g->past->filesystem)
			s->known = false;
		s->unsure = "not known: the GPT is empty, and what was here may be lost";
	}
}

static void put_mbr(struct survey *s, const struct mbr *m)
{
	s->ss = m->sector_size;
	put_sector_0(s, m, false);
	if (m->boot_sector) {
		s->m->title = "no partition table: a file system begins with the disk";
		s->unsure = "not known: there is no partition table";
		return;
	}
	s->m->title = "MBR";
	s->known = m->magic_ok;
	s->unsure = "not known: the MBR has no signature";
	put_mbr_parts(s, m, MAP_PART);
	put_ebrs(s, m);
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
	r = put(s, known ? MAP_FREE : MAP_UNKNOWN, off, end - off);
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
	m->title = "no partition table";
	s.unsure = "not known: there is no partition table";
	if (img->gpt)
		put_gpt(&s, img->gpt);
	else if (img->mbr)
		put_mbr(&s, img->mbr);
	s.chain_known = !img->mbr || img->mbr->ebr_end == EBR_COMPLETE;
	m->unit = s.ss;
	if (img->filesystem)
		note(&s, arena_printf(a, "%s seems to begin with the disk itself",
				      img->filesystem));
	put_gaps(&s);
	map_sort(m);
}
