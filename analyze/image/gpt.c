/* Where the copies of a GPT are looked for, and which of them are the disk's. UEFI 2.10
 * section 5.3.1 has the places; grown disks, old tables and foreign sector sizes do not
 * keep to them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/gpt_bare.h"
#include "analyze/image/gpt_copy.h"
#include "analyze/image/gpt_end.h"
#include "analyze/image/gpt_hybrid.h"
#include "analyze/image/gpt_past.h"
#include "analyze/image/image.h"
#include "analyze/image/lost.h"
#include "analyze/image/mbr.h"
#include "analyze/source.h"
#include "base/banned.h"

/* Of two equal tables the one for the more common size is taken. */
static const uint32_t sector_sizes[] = { 512, 4096, 2048, 1024 };

enum {
	NSIZES = sizeof(sector_sizes) / sizeof(sector_sizes[0]),
	NPLACES = 3, /* for a backup: see find_backup() */
	PRIMARY_LBA = 1,
	USUAL_MAX = 4 * GPT_ENTRIES_MIN_BYTES, /* bytes of entries */
};

struct search {
	const struct image *img;
	struct view sector0;
	bool has_protective;
	uint64_t protective_end; /* 0: not known */
	struct arena *arena;
	struct err *e;
};

static uint64_t last_lba(const struct gpt *g)
{
	return g->sectors ? g->sectors - 1 : 0;
}

/* ---- which backup ---- */

static size_t add_place(const struct gpt *g, uint64_t lba, uint64_t *places, size_t n)
{
	if (lba <= PRIMARY_LBA || lba >= g->sectors)
		return n;
	for (size_t i = 0; i < n; i++) {
		if (places[i] == lba)
			return n;
	}
	places[n] = lba;
	return n + 1;
}

/* Does the header belong to the table that this disk was last given? */
static bool is_kin(const struct gpt *g, const struct search *s, const struct gpt_table *t)
{
	if (g->primary.present)
		return guid_eq(g->primary.disk_guid, t->disk_guid);
	return s->protective_end != 0 && t->lba == s->protective_end - 1;
}

/* An image written over a larger disk leaves that disk's own, perfect backup at the end.
 * So belonging to the table counts for more than being intact. */
static unsigned backup_rank(const struct gpt *g, const struct search *s,
			    const struct gpt_table *t)
{
	if (!t->present)
		return 0;
	return 1 + 2u * t->header_ok + 4u * gpt_table_ok(t) + 8u * is_kin(g, s, t);
}

static void set_stray(struct gpt *g, const struct search *s, const struct gpt_table *t)
{
	struct gpt_table *copy;

	if (!t->present ||
	    (g->stray && backup_rank(g, s, g->stray) >= backup_rank(g, s, t)))
		return;
	copy = arena_new(s->arena, struct gpt_table);
	*copy = *t;
	g->stray = copy;
}

static int find_backup(struct gpt *g, const struct search *s)
{
	uint64_t places[NPLACES];
	size_t n = add_place(g, last_lba(g), places, 0);

	if (g->primary.present)
		n = add_place(g, g->primary.alternate_lba.v, places, n);
	if (s->protective_end)
		n = add_place(g, s->protective_end - 1, places, n);
	g->backup.lba = last_lba(g);
	g->backup.at = (struct span){
		.src = s->img->src,
		.off = last_lba(g) * g->sector_size,
		.len = g->sector_size,
	};
	for (size_t i = 0; i < n; i++) {
		struct gpt_table t;

		if (gpt_copy_read(&t, s->img, g->sector_size, places[i], s->arena,
				  s->e) != 0)
			return -1;
		t.which = GPT_BACKUP;
		if (i == 0 || backup_rank(g, s, &t) > backup_rank(g, s, &g->backup)) {
			set_stray(g, s, &g->backup);
			g->backup = t;
		} else {
			set_stray(g, s, &t);
		}
	}
	g->backup.which = GPT_BACKUP;
	g->backup_at_end = g->backup.lba == last_lba(g);
	return 0;
}

/* ---- which sector size ---- */

static int search_size(struct gpt *g, const struct search *s, uint32_t sector_size)
{
	*g = (struct gpt){
		.image = s->img,
		.sector_size = sector_size,
		.sectors = s->img->size / sector_size,
	};
	if (gpt_copy_read(&g->primary, s->img, sector_size, PRIMARY_LBA, s->arena,
			  s->e) != 0)
		return -1;
	g->primary.which = GPT_PRIMARY;
	if (find_backup(g, s) != 0)
		return -1;
	if (gpt_table_ok(&g->primary))
		g->good = &g->primary;
	else if (gpt_table_ok(&g->backup))
		g->good = &g->backup;
	return 0;
}

static bool has_header(const struct gpt *g)
{
	return g->primary.header_ok || g->backup.header_ok;
}

/* How much there is for this being the disk's sector size; 0: nothing. */
static unsigned size_rank(const struct gpt *g, const struct search *s)
{
	bool present = g->primary.present || g->backup.present;
	bool fits = g->sectors != 0 &&
		    (s->protective_end == g->sectors ||
		     (g->primary.present && g->primary.alternate_lba.v == last_lba(g)));

	if (!present)
		return s->has_protective && s->protective_end == g->sectors;
	return 2 + 2u * fits + 4u * has_header(g) + 8u * gpt_table_ok(&g->backup) +
	       16u * gpt_table_ok(&g->primary);
}

/* ---- what a repair needs ---- */

/* Tries t's header with an array at lba, and keeps the pair when the CRC fits. */
static int try_piece(struct gpt *g, const struct search *s, const struct gpt_table *t,
		     uint64_t lba)
{
	struct gpt_table *pair;
	struct gpt_table whole = *t;

	if (g->pieced || lba <= PRIMARY_LBA || lba >= g->sectors)
		return 0;
	if (gpt_copy_array(&whole, s->img, g->sector_size, lba, s->arena, s->e) != 0)
		return -1;
	if (!whole.entries_ok || gpt_copy_decode(&whole, s->img, s->arena, s->e) != 0)
		return whole.entries_ok ? -1 : 0;
	pair = arena_new(s->arena, struct gpt_table);
	*pair = whole;
	g->pieced = pair;
	return 0;
}

/* A damaged header whose entries CRC still fits its array: by chance that happens once in
 * 2^32, so the entries are those that it was made for. */
static const struct gpt_table *verified_array(const struct gpt *g)
{
	if (g->primary.present && g->primary.entries_ok)
		return &g->primary;
	return g->backup.present && g->backup.entries_ok ? &g->backup : NULL;
}

/* Both copies are broken, but a header of one and an array of the other may be right. */
static int piece_together(struct gpt *g, const struct search *s)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup };

	for (size_t i = 0; i < 2; i++) {
		struct gpt_table header = *copies[i];
		const struct gpt_table *t = &header, *twin = copies[1 - i];
		uint64_t n;

		if (gpt_copy_unwipe(&header, s->img, g->sector_size, s->arena, s->e) != 0)
			return -1;
		if (!t->header_ok || t->array == GPT_ARRAY_SIZE ||
		    t->array == GPT_ARRAY_TOO_LARGE)
			continue;
		n = gpt_entries_sectors(t->entry_count.v, t->entry_size.v,
					g->sector_size);
		if (!copies[i]->present && try_piece(g, s, t, t->entries_lba.v) != 0)
			return -1;
		if (twin->present && try_piece(g, s, t, twin->entries_lba.v) != 0)
			return -1;
		if (try_piece(g, s, t, PRIMARY_LBA + 1) != 0)
			return -1;
		if (n < g->backup.lba && try_piece(g, s, t, g->backup.lba - n) != 0)
			return -1;
	}
	if (!g->pieced)
		g->pieced = verified_array(g);
	return 0;
}

/* The bytes where the copies belong. */
static int read_places(struct gpt *g, const struct search *s)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup, g->pieced };
	uint64_t bytes = GPT_ENTRIES_MIN_BYTES, n;

	for (size_t i = 0; i < 3; i++) {
		const struct gpt_table *t = copies[i];

		if (t && (t->header_ok || t == g->pieced) && t->entries_read)
			bytes = u64_max(bytes, t->entries_at.len);
	}
	/* How long they were is not known: as long as tools make them. */
	if (!g->good && !g->pieced && g->sectors > USUAL_MAX / g->sector_size * 4)
		bytes = u64_max(bytes, USUAL_MAX);
	n = 1 + div_up(bytes, g->sector_size);
	/* On a disk that is too small for that, those of the copy to believe. */
	if (n >= g->sectors && (g->good || g->pieced))
		n = 1 + div_up((g->good ? g->good : g->pieced)->entries_at.len,
			       g->sector_size);

	if (n >= g->sectors)
		return 0;
	if (image_view(s->img, s->arena, g->sector_size, n * g->sector_size, &g->head,
		       s->e))
		return -1;
	return image_view(s->img, s->arena, (g->sectors - n) * g->sector_size,
			  n * g->sector_size, &g->tail, s->e);
}

static int complete(struct gpt *g, const struct search *s)
{
	struct gpt_table *stray;

	if (gpt_copy_decode(&g->primary, s->img, s->arena, s->e) != 0 ||
	    gpt_copy_decode(&g->backup, s->img, s->arena, s->e) != 0)
		return -1;
	if (g->stray) {
		stray = arena_new(s->arena, struct gpt_table);
		*stray = *g->stray;
		if (gpt_copy_decode(stray, s->img, s->arena, s->e) != 0)
			return -1;
		g->stray = stray;
	}
	if (!g->good && piece_together(g, s) != 0)
		return -1;
	return read_places(g, s);
}

/* An empty table that is for larger sectors than a VM's disk usually has: was there another
 * before it? */
static int search_past(struct gpt *g, const struct search *s)
{
	const struct gpt_table *backup;
	struct gpt_past *past;
	struct gpt *table;

	if (g->sector_size <= GPT_PAST_SECTOR || !g->good || g->good->nentries != 0)
		return 0;
	past = arena_new(s->arena, struct gpt_past);
	if (gpt_past_search(&backup, past, s->img, s->arena, s->e) != 0 ||
	    gpt_past_content(past, s->img, s->arena, s->e) != 0)
		return -1;
	g->past = past;
	if (!backup)
		return 0;
	table = arena_new(s->arena, struct gpt);
	*table = (struct gpt){
		.image = s->img,
		.sector_size = GPT_PAST_SECTOR,
		.sectors = s->img->size / GPT_PAST_SECTOR,
		.backup = *backup,
	};
	table->primary.lba = PRIMARY_LBA;
	table->good = &table->backup;
	past->table = table;
	return read_places(table, s);
}

static int search_protective(struct search *s)
{
	if (s->img->size < MBR_SIZE)
		return 0;
	if (image_view(s->img, s->arena, 0, MBR_SIZE, &s->sector0, s->e) != 0)
		return -1;
	s->has_protective = mbr_protective_end(s->sector0, &s->protective_end);
	return 0;
}

static void take_backup(struct gpt *g, const struct gpt_table *t, struct gpt **best)
{
	*best = g;
	g->backup = *t;
	g->backup.which = GPT_BACKUP;
	g->backup_at_end = t->lba == last_lba(g);
	g->good = &g->backup;
}

static int search_hybrid(struct gpt *sizes, const struct search *s, struct gpt **best)
{
	const struct gpt_table *t = NULL;

	for (size_t i = 0; i < NSIZES && s->has_protective && !t; i++) {
		if (gpt_hybrid_search(&t, s->img, s->sector0, sizes[i].sector_size,
				      s->arena, s->e) != 0)
			return -1;
		if (t)
			take_backup(&sizes[i], t, best);
	}
	return 0;
}

/* Does sector 0 say where the backup is, or that there are other partitions? */
static bool says_otherwise(const struct search *s)
{
	if (s->has_protective)
		return s->protective_end != 0 || gpt_is_hybrid(s->sector0);
	return mbr_plausible(s->sector0);
}

/* Where the data ends. */
static int search_end(struct gpt *sizes, const struct search *s, struct gpt **best)
{
	uint32_t sector_size;
	struct gpt_table t;
	uint64_t off;

	if (s->img->filesystem || says_otherwise(s) ||
	    !gpt_end_find(s->img->src, &off, &sector_size))
		return 0;
	for (size_t i = 0; i < NSIZES; i++) {
		if (sizes[i].sector_size != sector_size)
			continue;
		if (gpt_copy_read(&t, s->img, sector_size, off / sector_size, s->arena,
				  s->e) != 0)
			return -1;
		if (gpt_table_ok(&t) && t.alternate_lba.v == PRIMARY_LBA)
			take_backup(&sizes[i], &t, best);
	}
	return 0;
}

/* A disk of which nothing says that it goes by anything else than a GPT. */
static bool has_nothing_else(const struct search *s)
{
	return !s->img->filesystem && !says_otherwise(s) &&
	       !has_other_label(s->img->head) &&
	       !mbr_signature_lost(s->sector0, s->img->size);
}

/* Where the disk ended before zeros were written behind it: that of a whole number of MiB. As
 * much may be the left-over of an earlier disk, so what it says has to be there. A disk in a
 * container grows by what that does not hold: search_end(). */
static int search_mib(struct gpt *sizes, const struct search *s, struct gpt **best)
{
	struct gpt_bare entries = { .sector_size = GPT_PAST_SECTOR };
	const struct gpt_table *t;
	struct gpt_past past;

	if (s->img->src->guest || !has_nothing_else(s))
		return 0;
	if (gpt_past_search(&t, &past, s->img, s->arena, s->e) != 0)
		return -1;
	if (!t || past.several)
		return 0;
	entries.array = t->entries_raw;
	for (size_t i = 0; i < NSIZES; i++) {
		if (sizes[i].sector_size == GPT_PAST_SECTOR &&
		    gpt_bare_begins(&entries, s->img->src))
			take_backup(&sizes[i], t, best);
	}
	return 0;
}

/* Entries alone. */
static int search_bare(struct gpt *sizes, const struct search *s, struct gpt **best)
{
	uint64_t n = GPT_BARE_EDGE;
	struct gpt_bare *bare;
	struct view head, tail;

	if (s->img->size < 2 * n || !has_nothing_else(s))
		return 0;
	if (image_view(s->img, s->arena, 0, n, &head, s->e) != 0 ||
	    image_view(s->img, s->arena, s->img->size - n, n, &tail, s->e) != 0)
		return -1;
	bare = arena_new(s->arena, struct gpt_bare);
	if (!gpt_bare_find(bare, head, tail, s->img->size))
		return 0;
	bare->begins = gpt_bare_begins(bare, s->img->src);
	for (size_t i = 0; i < NSIZES; i++) {
		if (sizes[i].sector_size != bare->sector_size)
			continue;
		*best = &sizes[i];
		sizes[i].bare = bare;
	}
	return 0;
}

/* No header is where one should be, for any size of sectors. */
static int search_elsewhere(struct gpt *sizes, const struct search *s, struct gpt **best)
{
	for (size_t i = 0; i < NSIZES; i++) {
		if (sizes[i].primary.present || sizes[i].backup.present)
			return 0;
	}
	if (search_hybrid(sizes, s, best) != 0)
		return -1;
	if (!(*best)->good && search_end(sizes, s, best) != 0)
		return -1;
	if (!(*best)->good && search_mib(sizes, s, best) != 0)
		return -1;
	return (*best)->good || s->has_protective ? 0 : search_bare(sizes, s, best);
}

int gpt_read(const struct gpt **out, const struct image *img, struct arena *a,
	     struct err *e)
{
	struct search s = { .img = img, .arena = a, .e = e };
	struct gpt *sizes = arena_array(a, NSIZES, struct gpt);
	struct gpt *best = NULL, *second = NULL;

	*out = NULL;
	if (search_protective(&s) != 0)
		return -1;
	for (size_t i = 0; i < NSIZES; i++) {
		if (search_size(&sizes[i], &s, sector_sizes[i]) != 0)
			return -1;
		if (!best || size_rank(&sizes[i], &s) > size_rank(best, &s))
			best = &sizes[i];
	}
	if (search_elsewhere(sizes, &s, &best) != 0)
		return -1;
	if (size_rank(best, &s) == 0 && !s.has_protective && !best->bare)
		return 0;
	for (size_t i = 0; i < NSIZES; i++) {
		if (&sizes[i] == best || !has_header(&sizes[i]))
			continue;
		if (!second || size_rank(&sizes[i], &s) > size_rank(second, &s))
			second = &sizes[i];
	}
	if (second && complete(second, &s) != 0)
		return -1;
	best->other = second;
	if (complete(best, &s) != 0 || search_past(best, &s) != 0)
		return -1;
	*out = best;
	return 0;
}
