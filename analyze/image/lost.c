/* The search for file systems on a disk without a table. Partitions begin at whole MiB, on
 * cylinders of 255 heads and 63 sectors or one track behind them, or right behind one
 * another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/lost.h"

#include "analyze/format.h"
#include "analyze/image/container.h"
#include "analyze/image/gpt.h"
#include "analyze/image/gpt_doubt.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "analyze/image/superblock.h"
#include "analyze/source.h"
#include "base/vec.h"
#include "base/banned.h"

enum {
	SECTOR = 512,
	MIB = 1 << 20,
	PAGE = 4096,
	TRACK = 63 * SECTOR,
	CYLINDER = 255 * TRACK,
	FIRST = 34 * SECTOR, /* behind a GPT with 128 entries */

	/* Of a volume's head, the parts that have the superblocks of what is found in
	 * partitions; the rest counts as zeros. Discs (at 32 KiB) are no partitions. */
	NEAR_PART = 8 << 10,
	FAR_PART = 64 << 10,
};

struct hunt {
	const struct image *img;
	struct arena *arena;
	uint8_t *head; /* VOLUME_HEAD bytes */
	unsigned most; /* places */
	unsigned looks;
	/* Close behind an end (and the disk's own begin) partitions may begin anywhere. */
	uint64_t near_from, near_to;
	bool inner;           /* a disk of its own begins at one of the places */
	unsigned within;      /* places that were read in the last part, which is weak */
	const uint64_t *also; /* places that a table names, sorted */
	size_t nalso;
	struct lost *lost;
	VEC(struct lost_part) part;
	VEC(struct lost_passed) passed;
};

/* ---- where ---- */

/* The first of phase, phase + step, phase + 2 * step, ... that is not below pos. */
static uint64_t on_grid(uint64_t pos, uint64_t step, uint64_t phase)
{
	return pos <= phase ? phase : div_up(pos - phase, step) * step + phase;
}

static uint64_t next_named(const struct hunt *h, uint64_t pos)
{
	size_t i = 0;

	while (i < h->nalso && h->also[i] < pos)
		i++;
	return i < h->nalso ? h->also[i] : UINT64_MAX;
}

static uint64_t next_place(const struct hunt *h, uint64_t pos)
{
	uint64_t next = on_grid(pos, MIB, 0), behind = on_grid(h->near_from, SECTOR, 0);

	next = u64_min(next, next_named(h, pos));
	next = u64_min(next, on_grid(pos, CYLINDER, 0));
	next = u64_min(next, on_grid(pos, CYLINDER, TRACK));
	if (pos < h->near_from)
		return u64_min(next, behind);
	if (pos >= h->near_to)
		return next;
	next = u64_min(next, on_grid(pos, PAGE, 0));
	return pos <= behind ? u64_min(next, behind) : next;
}

/* ---- what ---- */

static bool read_part(struct hunt *h, uint64_t place, size_t at, size_t n)
{
	uint64_t off = place + at;
	struct err ignored;

	memset(h->head + at, 0, n);
	if (off >= h->img->size)
		return true;
	n = (size_t)u64_min(n, h->img->size - off);
	return source_read(h->img->src, off, h->head + at, n, &ignored) == 0;
}

static bool contains(struct view v, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= v.n; i++) {
		if (memcmp(v.p + i, word, n) == 0)
			return true;
	}
	return false;
}

bool is_grub_core(struct view sector)
{
	return view_has(sector, 0, SECTOR) &&
	       contains(view_cut(sector, 0, SECTOR), "loading") &&
	       contains(view_cut(sector, 0, SECTOR), "Geom");
}

/* Its first sector knows where the rest stands on the disk, so that a copy of it in some
 * other place can be told. */
static const struct filesystem *grub_core(const struct hunt *h, struct view head,
					  uint64_t place)
{
	enum { START = 500, SECTORS = 508 };
	struct filesystem *fs;

	if (!is_grub_core(head) || view_le64(head, START) != place / SECTOR + 1)
		return NULL;
	fs = arena_new(h->arena, struct filesystem);
	fs->name = "GRUB";
	fs->at = (struct span){ .src = h->img->src, .off = place, .len = SECTOR };
	fs->size = image_field(h->img, head, place, SECTORS, 2);
	fs->size.v = (fs->size.v + 1) * SECTOR;
	return fs;
}

static void pass(struct hunt *h, uint64_t place, const struct filesystem *fs,
		 const char *why)
{
	struct lost_passed *p;

	if (h->passed.n == LOST_PASSED_MAX) {
		h->lost->more++;
		return;
	}
	p = vec_add(&h->passed, h->arena);
	*p = (struct lost_passed){
		.at = fs->at, .off = place, .name = fs->name, .why = why
	};
}

/* ---- a FAT's root folder ---- */

static uint64_t root_folder(struct view b)
{
	uint64_t sector = view_le16(b, 11), fats = view_u8(b, 16);
	uint64_t small = view_le16(b, 22), at;

	at = view_le16(b, 14) + fats * (small ? small : view_le32(b, 36));
	if (!small) {
		uint64_t cluster = view_le32(b, 44);

		at += (cluster < 2 ? 0 : cluster - 2) * view_u8(b, 13);
	}
	return at * sector; /* of 32, 8 and 16 bits */
}

static bool has_efi_folder(const struct hunt *h, uint64_t place, struct view boot)
{
	enum { ENTRY = 32, ATTRIBUTES = 11, FOLDER = 0x10 };
	uint8_t root[PAGE];
	struct view v = { root, sizeof(root) };
	struct err ignored;
	uint64_t at;

	if (!u64_add(place, root_folder(boot), &at) ||
	    !range_within(at, PAGE, h->img->size) ||
	    source_read(h->img->src, at, root, PAGE, &ignored) != 0)
		return false;
	for (size_t i = 0; i < PAGE; i += ENTRY) {
		if (view_eq(v, i, "EFI        ", ATTRIBUTES) &&
		    view_u8(v, i + ATTRIBUTES) & FOLDER)
			return true;
	}
	return false;
}

/* What mkfs calls an EFI system partition that has no files yet. */
static bool is_esp_label(struct str label)
{
	return str_is(label, "EFI") || str_is(label, "ESP") ||
	       str_is(label, "EFI SYSTEM") || str_is(label, "EFISYS") ||
	       str_is(label, "UEFI");
}

/* ---- one place ---- */

static struct str label_of(struct hunt *h, struct view head, uint64_t place,
			   const struct filesystem *fs)
{
	struct view v;
	size_t n = 0;

	if (fs->label.len == 0)
		return (struct str){ 0 };
	v = view_cut(head, (size_t)(fs->label.off - place), (size_t)fs->label.len);
	while (n < v.n && v.p[n])
		n++;
	v = arena_copy(h->arena, view_cut(v, 0, n));
	return str_trim(str_view(v));
}

/* Is a place within the last part, which is there for its superblock's word only? */
static const struct lost_part *weak_around(const struct hunt *h, uint64_t place)
{
	const struct lost_part *p = h->part.n ? &h->part.v[h->part.n - 1] : NULL;

	return p && p->weak && place < p->end ? p : NULL;
}

/* One of two that claim the same bytes: where more speaks for the inner one, the outer one is
 * a left-over; else the inner one is a file of it. */
static bool gives_way(struct hunt *h, const struct lost_part *inner)
{
	const struct lost_part *outer = weak_around(h, inner->off);

	if (!outer)
		return true;
	if (inner->weak)
		return false;
	pass(h, outer->off, outer->fs,
	     "what it must have elsewhere is missing, and something else for which more "
	     "speaks begins within it");
	h->part.n--;
	return true;
}

/* Takes the file system at place, or says why not. */
static void take(struct hunt *h, uint64_t place, struct view head,
		 const struct filesystem *fs)
{
	struct superblock s = { .image = h->img, .head = head, .off = place };
	struct lost_part p = { .fs = fs, .off = place };
	const char *why;

	s.fs = arena_new(h->arena, struct filesystem);
	*s.fs = *fs;
	s.magic = (size_t)(fs->at.off - place);
	why = superblock_refuted(&s);
	if (!why && fs->size.at.len && !range_within(place, fs->size.v, h->img->size))
		why = "it takes more than the disk has from there on";
	if (why) {
		pass(h, place, fs, why);
		return;
	}
	p.label = label_of(h, head, place, fs);
	p.weak = !superblock_backed(&s);
	if (fs->size.at.len)
		p.end = place + fs->size.v;
	if (strcmp(fs->name, "FAT") == 0)
		p.boots = is_esp_label(p.label) || has_efi_folder(h, place, head);
	if (!gives_way(h, &p))
		return;
	*vec_add(&h->part, h->arena) = p;
	h->within = 0;
}

/* Where to go on. */
static uint64_t look_at(struct hunt *h, uint64_t place)
{
	size_t n = (size_t)u64_min(VOLUME_HEAD, h->img->size - place);
	struct view head = { h->head, n };
	const struct filesystem *fs;
	const struct lost_part *p;

	h->lost->places++;
	if (!read_part(h, place, 0, NEAR_PART) ||
	    !read_part(h, place, FAR_PART, VOLUME_HEAD - FAR_PART))
		return place + 1;
	fs = filesystem_read(h->img, head, place, h->arena);
	if (!fs && n >= SECTOR)
		fs = grub_core(h, head, place);
	if (!fs) {
		h->inner |=
			view_eq(head, SECTOR, GPT_SIGNATURE, 8) || mbr_plausible(head);
		return place + 1;
	}
	take(h, place, head, fs);
	p = h->part.n ? &h->part.v[h->part.n - 1] : NULL;
	if (!p || p->off != place)
		return place + 1;
	if (p->end <= place)
		return place + MIB;
	h->near_from = p->end;
	h->near_to = p->end + MIB + NEAR_PART;
	return p->weak ? place + 1 : p->end;
}

/* Has enough of a weak part been searched? */
static bool leaves_weak(struct hunt *h, uint64_t place, uint64_t *pos)
{
	const struct lost_part *p = weak_around(h, place);

	if (!p || h->within++ < LOST_PLACES_WITHIN)
		return false;
	*pos = p->end;
	return true;
}

static bool goes_on(const struct hunt *h)
{
	return h->lost->places < h->most && h->looks < LOST_LOOKS &&
	       h->part.n < LOST_PARTS_MAX;
}

/* From pos on, until there are enough parts. Holes cost a question each, and no place. */
static void search(struct hunt *h, uint64_t pos, size_t enough)
{
	uint64_t size = h->img->size;

	while (pos + PAGE <= size) {
		uint64_t place = next_place(h, pos), data;

		if (place + PAGE > size || h->part.n >= enough)
			return;
		if (!goes_on(h)) {
			h->lost->stopped = true;
			h->lost->stopped_at = place;
			return;
		}
		h->looks++;
		if (leaves_weak(h, place, &pos))
			continue;
		data = source_next_data(h->img->src, place);
		if (data >= place + VOLUME_HEAD)
			pos = data - VOLUME_HEAD + 1;
		else
			pos = look_at(h, place);
	}
}

/* ---- behind the ends ---- */

static uint64_t zeros_behind(const struct hunt *h, uint64_t from, uint64_t to)
{
	struct err ignored;

	while (from < to) {
		size_t n = (size_t)u64_min(VOLUME_HEAD, to - from);

		if (source_read(h->img->src, from, h->head, n, &ignored) != 0)
			return from;
		for (size_t i = 0; i < n; i++) {
			if (h->head[i])
				return from + i;
		}
		from += n;
	}
	return to;
}

static void measure(struct hunt *h)
{
	for (size_t i = 0; i < h->part.n; i++) {
		struct lost_part *p = &h->part.v[i];
		uint64_t to = h->img->size;

		if (!p->end)
			continue;
		if (i + 1 < h->part.n)
			to = h->part.v[i + 1].off;
		p->zeros = zeros_behind(h, p->end, u64_min(to, on_grid(p->end, MIB, 0)));
	}
}

/* ---- is this disk one? ---- */

/* Tables of other kinds, which are not read here. */
bool has_other_label(struct view head)
{
	for (size_t i = 0; i < 16; i++) {
		if (view_eq(head, i * SECTOR, "RDSK", 4)) /* Amiga */
			return true;
	}
	return view_eq(head, 512, "\x57\x45\x56\x82", 4) || /* BSD */
	       view_eq(head, 64, "\x57\x45\x56\x82", 4) ||  /* BSD, other ports */
	       view_eq(head, 512, "PM\0\0", 4) ||           /* Apple */
	       view_eq(head, 508, "\xda\xbe", 2) ||         /* Sun */
	       view_eq(head, 0, "\x0b\xe5\xa9\x41", 4) ||   /* SGI */
	       view_eq(head, 512, "LABELONE", 8) ||         /* LVM */
	       view_eq(head, 4096, "gDla", 4) || /* Android's super partition */
	       view_eq(head, 0, "bluestore block device", 22) ||
	       view_eq(head, 16384, "\x01\x01\0\0\0\0\0\0\0\0\0\x01", 12); /* ZFS */
}

/* Entries as a tool writes them, of a sector 0 whose last two bytes were wiped. */
static bool has_entries_left(struct view head, uint64_t size)
{
	unsigned used = 0;

	if (view_le16(head, MBR_OFF_MAGIC) != 0)
		return false;
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		struct view e = view_cut(head, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE,
					 MBR_ENTRY_SIZE);
		uint64_t lba = view_le32(e, MBR_ENT_LBA),
			 n = view_le32(e, MBR_ENT_SECTORS);
		uint8_t type = view_u8(e, MBR_ENT_TYPE);

		if (view_is_zero(e))
			continue;
		if ((view_u8(e, MBR_ENT_BOOT) & 0x7f) != 0 || type == MBR_TYPE_EMPTY ||
		    type == MBR_TYPE_PROTECTIVE || lba == 0 || n == 0 ||
		    !range_within(lba * SECTOR, n * SECTOR, size))
			return false;
		used++;
	}
	return used != 0;
}

static bool is_unread(const struct gpt_table *t)
{
	return t->header_ok && t->array == GPT_ARRAY_TOO_LARGE;
}

static bool has_gpt(const struct gpt *g)
{
	return g && (g->good || g->pieced || g->other || is_unread(&g->primary) ||
		     is_unread(&g->backup));
}

static bool has_label(const struct mbr *m)
{
	if (!m || !m->magic_ok)
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].used && m->entry[i].type.v != MBR_TYPE_PROTECTIVE)
			return true;
	}
	return m->boot_sector;
}

static bool has_lost_its_table(const struct image *img)
{
	return img->size >= 2 * MIB && !img->filesystem && !has_gpt(img->gpt) &&
	       !has_label(img->mbr) && !has_other_label(img->head);
}

static int read_edges(struct lost *l, struct arena *a, struct err *e)
{
	const struct image *img = l->image;

	if (image_view(img, a, 0, LOST_EDGE, &l->head, e) != 0)
		return -1;
	return image_view(img, a, img->size - LOST_EDGE, LOST_EDGE, &l->tail, e);
}

static void search_all(struct hunt *h)
{
	h->near_from = FIRST;
	h->near_to = MIB + NEAR_PART;
	h->head = arena_array(h->arena, VOLUME_HEAD, uint8_t);
	h->lost = arena_new(h->arena, struct lost);
	h->lost->image = h->img;
	search(h, FIRST, LOST_PARTS_MAX + 1);
	measure(h);
	h->lost->part = h->part.v;
	h->lost->nparts = h->part.n;
	h->lost->passed = h->passed.v;
	h->lost->npassed = h->passed.n;
}

int lost_read(const struct lost **out, const struct image *img, struct arena *a,
	      struct err *e)
{
	struct hunt h = { .img = img, .arena = a, .most = LOST_PLACES };

	*out = NULL;
	if (!has_lost_its_table(img))
		return 0;
	if (img->contents) {
		h.lost = arena_new(a, struct lost);
		*h.lost = *img->contents;
	} else {
		search_all(&h);
	}
	if (h.lost->nparts == 0)
		return 0;
	h.lost->entries_left = !img->gpt && has_entries_left(img->head, img->size);
	*out = h.lost;
	return read_edges(h.lost, a, e);
}

const struct lost *lost_contents(const struct image *img, struct arena *a)
{
	struct hunt h = { .img = img, .arena = a, .most = LOST_PLACES };
	uint64_t *begins;

	if (!img->gpt || !gpt_is_doubtful(img->gpt) || img->size < 2 * MIB)
		return NULL;
	begins = arena_array(a, GPT_BEGINS_MAX, uint64_t);
	h.nalso = gpt_begins(img->gpt, begins);
	h.also = begins;
	search_all(&h);
	return h.lost;
}

/* ---- recognition ---- */

/* Sector 0 is empty, and behind it nothing or GRUB; or it has boot code and the 55 AA of a
 * table without entries, or a table that lacks the 55 AA. */
static bool begins_like_one(struct view head, uint64_t size)
{
	struct view sector0 = view_cut(head, 0, SECTOR);
	struct view entries =
		view_cut(head, MBR_OFF_ENTRIES, MBR_OFF_MAGIC - MBR_OFF_ENTRIES);

	if (view_is_zero(sector0))
		return view_is_zero(view_cut(head, SECTOR, FIRST - SECTOR)) ||
		       is_grub_core(view_cut(head, SECTOR, SECTOR));
	return has_entries_left(head, size) ||
	       (view_is_zero(entries) && view_le16(head, MBR_OFF_MAGIC) == 0xaa55 &&
		!mbr_is_boot_sector(sector0));
}

/* Do the last two say the same of the disk: does one begin where the other lets it, behind
 * nothing but zeros? One alone may be a file in something else. */
static bool agree(struct hunt *h)
{
	const struct lost_part *b = h->part.v + h->part.n - 1, *a = b - 1;

	return h->part.n > 1 && !a->weak && !b->weak && a->end && b->end &&
	       b->off - a->end < MIB && zeros_behind(h, a->end, b->off) == b->off;
}

/* Something was written over the first sectors. */
static bool has_agreeing(struct hunt *h, struct view head)
{
	struct view sector0 = view_cut(head, 0, SECTOR);
	uint64_t from = FIRST;

	if (container_of_head(head).format || mbr_plausible(sector0) ||
	    mbr_is_boot_sector(sector0))
		return false;
	h->most = LOST_PLACES_OVERWRITTEN;
	for (size_t n = 1; n <= LOST_PARTS_PROBE; n++) {
		const struct lost_part *last;

		search(h, from, n);
		if (h->part.n < n || h->inner)
			return false;
		if (agree(h))
			return true;
		h->most = LOST_PLACES_PROBE;
		last = &h->part.v[n - 1];
		from = last->weak || !last->end ? last->off + 1 : last->end;
	}
	return false;
}

bool lost_probe(struct view head, const struct source *s)
{
	struct image img = { .src = s, .size = s->size, .head = head };
	struct lost lost = { .image = &img };
	struct hunt h = { .img = &img, .most = LOST_PLACES_PROBE, .lost = &lost };
	struct arena a;
	size_t off, len;
	bool found;

	if (s->size < 2 * MIB || s->size % SECTOR != 0 || !view_has(head, 0, LOST_EDGE) ||
	    filesystem_of(head, &off, &len) || has_other_label(head))
		return false;
	arena_init(&a, ARENA_BUDGET);
	h.arena = &a;
	h.head = arena_array(&a, VOLUME_HEAD, uint8_t);
	if (begins_like_one(head, s->size)) {
		h.near_from = FIRST;
		h.near_to = MIB + NEAR_PART;
		search(&h, FIRST, 1);
		found = h.part.n != 0;
	} else {
		found = has_agreeing(&h, head);
	}
	arena_free(&a);
	return found;
}
