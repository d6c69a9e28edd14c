/* Partitions as volumes, and a look at the first bytes of each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/volume.h"

#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "base/banned.h"

struct shelf {
	struct image *image;
	struct volume *v; /* VOLUMES_MAX of them */
	size_t n;
};

/* Sectors to bytes. What does not lie within the image is no volume; that it should is
 * the business of other rules. */
static void add(struct shelf *s, struct volume v, uint64_t lba, uint64_t sectors,
		uint32_t sector_size)
{
	if (s->n == VOLUMES_MAX || sectors == 0 || !u64_mul(lba, sector_size, &v.off) ||
	    !u64_mul(sectors, sector_size, &v.len) || v.off == 0 ||
	    !range_within(v.off, v.len, s->image->size))
		return;
	v.image = s->image;
	s->v[s->n++] = v;
}

static void add_gpt(struct shelf *s, const struct gpt *g)
{
	for (size_t i = 0; i < g->good->nentries; i++) {
		const struct gpt_entry *e = &g->good->entry[i];

		if (e->first.v <= e->last.v && e->last.v < g->sectors)
			add(s, (struct volume){ .number = e->number, .gpt = e },
			    e->first.v, e->last.v - e->first.v + 1, g->sector_size);
	}
}

static void add_mbr(struct shelf *s, const struct mbr *m)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && !e->extended)
			add(s, (struct volume){ .number = e->number, .mbr = e }, e->lba.v,
			    e->sectors.v, m->sector_size);
	}
	for (size_t i = 0; i < m->nlogical; i++)
		add(s,
		    (struct volume){ .number = m->logical[i].number,
				     .mbr = &m->logical[i] },
		    m->logical[i].lba.v, m->logical[i].sectors.v, m->sector_size);
}

static int look_before(struct volume *v, struct arena *a, struct err *e)
{
	uint64_t n = v->off % 4096, from = v->off - n;
	struct view head;
	size_t off, len;

	if (n == 0 || v->off < 1 << 20)
		return 0;
	if (image_view(v->image, a, from, u64_min(n + v->len, VOLUME_HEAD), &head, e) !=
	    0)
		return -1;
	/* Many a superblock stands behind sectors of zeros. */
	v->crumbs_before = !view_is_zero(view_cut(head, 0, (size_t)n)) ||
			   filesystem_of(head, &off, &len);
	return 0;
}

static int look_at_edge(struct volume *v, struct arena *a, struct err *e)
{
	enum { BEFORE = 4096 };
	const struct gpt *g = v->image->gpt;
	struct view before;

	if (!v->gpt || g->good != &g->backup || g->primary.present ||
	    v->off < 2 * BEFORE || v->sector.n == 0 || view_is_zero(v->sector))
		return 0;
	if (image_view(v->image, a, v->off - BEFORE, BEFORE, &before, e) != 0)
		return -1;
	v->begins = view_is_zero(before);
	return 0;
}

static int look_into(struct volume *v, struct arena *a, struct err *e)
{
	struct view head;

	if (look_before(v, a, e) != 0)
		return -1;
	if (image_view(v->image, a, v->off, u64_min(v->len, VOLUME_HEAD), &head, e) != 0)
		/* What a container cannot show is not known; the other partitions are. */
		return e->code == ERR_UNREADABLE ? 0 : -1;
	v->looked = true;
	v->blank = view_is_zero(head);
	v->sector = view_cut(head, 0, (size_t)u64_min(head.n, MBR_SIZE));
	if (!v->blank)
		v->fs = filesystem_read(v->image, head, v->off, a);
	if (look_at_edge(v, a, e) != 0)
		return -1;
	return v->fs ? volume_boot_read(v, head, a, e) : 0;
}

/* ---- a whole disk ---- */

/* Superblocks at the end of a member, in bytes before it. Its first bytes are then those of
 * the array, which may be larger. md 0.90 and 1.0; DDF; Intel's. */
static int ends_as_member(const struct image *img, struct arena *a, bool *out,
			  struct err *e)
{
	static const char md[4] = { '\xfc', '\x4e', '\x2b', '\xa9' };
	static const char ddf[4] = { '\xde', '\x11', '\xde', '\x11' };
	const struct {
		uint64_t off;
		const char *bytes;
		size_t n;
	} signs[] = {
		{ (img->size & ~UINT64_C(0xffff)) - (64 << 10), md, sizeof(md) },
		{ (img->size - (8 << 10)) & ~UINT64_C(0xfff), md, sizeof(md) },
		{ img->size - 512, ddf, sizeof(ddf) },
		{ img->size - 1024, "Intel Raid ISM Cfg Sig.", 23 },
	};
	struct view v;

	*out = false;
	for (size_t i = 0; img->size >= 128 << 10 && i < sizeof(signs) / sizeof(signs[0]);
	     i++) {
		if (image_view(img, a, signs[i].off, signs[i].n, &v, e) != 0)
			return -1;
		if (view_eq(v, 0, signs[i].bytes, signs[i].n))
			*out = true;
	}
	return 0;
}

int volume_whole_read(struct image *img, struct arena *a, struct err *e)
{
	struct volume *v;

	if (!img->filesystem || img->gpt || img->lost ||
	    (img->mbr && !img->mbr->boot_sector))
		return 0;
	v = arena_new(a, struct volume);
	*v = (struct volume){ .image = img, .len = img->size };
	if (look_into(v, a, e) != 0)
		return -1;
	if (v->looked && ends_as_member(img, a, &v->member, e) != 0) {
		/* What cannot be seen may be one. */
		if (e->code != ERR_UNREADABLE)
			return -1;
		v->member = true;
	}
	img->whole = v;
	return 0;
}

/* ---- all of them ---- */

int volumes_read(struct image *img, struct arena *a, struct err *e)
{
	struct shelf s = { .image = img };

	s.v = arena_array(a, VOLUMES_MAX, struct volume);
	if (img->gpt && img->gpt->good)
		add_gpt(&s, img->gpt);
	else if (!img->gpt && img->mbr && img->mbr->magic_ok && !img->mbr->boot_sector)
		add_mbr(&s, img->mbr);
	for (size_t i = 0; i < s.n; i++) {
		if (look_into(&s.v[i], a, e) != 0)
			return -1;
	}
	img->volumes = s.v;
	img->nvolumes = s.n;
	return 0;
}
