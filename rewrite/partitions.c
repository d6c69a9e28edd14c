/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/partitions.h"
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "base/banned.h"

static void add(struct partitions *all, unsigned number, uint64_t lba, uint64_t sectors,
		uint32_t ss)
{
	struct partition p = { .number = number };

	/* What no number can say is no place that an edit could meet. */
	if (sectors == 0 || !u64_mul(lba, ss, &p.off) || !u64_mul(sectors, ss, &p.len) ||
	    p.off > UINT64_MAX - p.len)
		return;
	p.to = p.off;
	all->v[all->n++] = p;
}

static struct partitions of_gpt(const struct gpt *g, struct arena *a)
{
	const struct gpt_table *t = g->good;
	struct partitions all = {
		.v = arena_array(a, t->nentries, struct partition),
	};

	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v <= e->last.v && e->last.v - e->first.v != UINT64_MAX)
			add(&all, e->number, e->first.v, e->last.v - e->first.v + 1,
			    g->sector_size);
	}
	return all;
}

static struct partitions of_mbr(const struct mbr *m, struct arena *a)
{
	struct partitions all = {
		.v = arena_array(a, MBR_ENTRIES + m->nlogical, struct partition),
	};

	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		size_t before = all.n;

		if (m->entry[i].used)
			add(&all, m->entry[i].number, m->entry[i].lba.v,
			    m->entry[i].sectors.v, m->sector_size);
		if (all.n > before)
			all.v[before].extended = m->entry[i].extended;
	}
	for (size_t i = 0; i < m->nlogical; i++)
		add(&all, m->logical[i].number, m->logical[i].lba.v,
		    m->logical[i].sectors.v, m->sector_size);
	return all;
}

struct partitions partitions_of(const struct unit *u, struct arena *a)
{
	const struct image *img = u->image;

	if (img && img->gpt && img->gpt->good)
		return of_gpt(img->gpt, a);
	if (img && !img->gpt && img->mbr && !img->mbr->boot_sector)
		return of_mbr(img->mbr, a);
	return (struct partitions){ 0 };
}

/* ---- moves ---- */

static bool meet(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b ? b - a < a_len : a - b < b_len;
}

static struct partition *moved_by(struct partitions *all, const struct move *m)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].off == m->from && all->v[i].len == m->len)
			return &all->v[i];
	}
	return NULL;
}

/* Two that stay may overlap, as they did before. */
static const char *meets_another(const struct partitions *all, size_t i, struct arena *a)
{
	const struct partition *x = &all->v[i];

	for (size_t k = 0; k < all->n; k++) {
		const struct partition *y = &all->v[k];

		if (k == i)
			continue;
		if (meet(x->to, x->len, y->to, y->len))
			return arena_printf(
				a, "it would move partition %u over partition %u",
				x->number, y->number);
		if (meet(x->off, x->len, y->off, y->len))
			return arena_printf(a,
					    "it would move partition %u, which shares "
					    "sectors with partition %u",
					    x->number, y->number);
	}
	return NULL;
}

const char *partitions_move(struct partitions *all, const struct plan *p, struct arena *a)
{
	const char *why = NULL;

	for (size_t i = 0; i < p->moves.n; i++) {
		const struct move *m = &p->moves.v[i];
		struct partition *one = moved_by(all, m);

		if (!one)
			return "it would move bytes that are not just those of a "
			       "partition";
		if (one->to != one->off)
			return arena_printf(a, "it would move partition %u twice",
					    one->number);
		one->to = m->to;
	}
	for (size_t i = 0; !why && i < all->n; i++) {
		if (all->v[i].to != all->v[i].off)
			why = meets_another(all, i, a);
	}
	return why;
}

const char *partitions_stood(const struct partitions *all, const struct unit *input,
			     struct arena *a)
{
	struct partitions before = partitions_of(input, a);

	for (size_t i = 0; i < all->n; i++) {
		const struct partition *p = &all->v[i];
		size_t k = 0;

		while (k < before.n &&
		       (before.v[k].off != p->off || before.v[k].len != p->len))
			k++;
		if (p->to == p->off)
			continue;
		if (k == before.n)
			return arena_printf(
				a,
				"the table that has partition %u is not on the "
				"disk yet: look at it first, and repair again",
				p->number);
		if (!range_within(p->off, p->len, input->src.size))
			return arena_printf(
				a,
				"the end of partition %u is not on the disk yet: "
				"find it first, or repair again",
				p->number);
	}
	return NULL;
}

uint64_t partitions_now(const struct partitions *all, uint64_t off)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct partition *p = &all->v[i];

		if (p->to != p->off && off >= p->off && off - p->off < p->len)
			return p->to + (off - p->off);
	}
	return off;
}

/* ---- what is in them ---- */

static const struct volume *volume_at(const struct unit *u, uint64_t off, uint64_t len)
{
	for (size_t i = 0; u->image && i < u->image->nvolumes; i++) {
		const struct volume *v = &u->image->volumes[i];

		if (v->off == off && v->len == len)
			return v;
	}
	return NULL;
}

/* x was at off, y is at `to`: do both say so, in sectors of one size? */
static bool says_place(const struct field *x, uint64_t off, const struct field *y,
		       uint64_t to)
{
	for (uint64_t unit = MBR_SIZE; unit <= 4096; unit *= 2) {
		if (off % unit == 0 && to % unit == 0 && x->v == off / unit &&
		    y->v == to / unit)
			return true;
	}
	return false;
}

/* Does e only put right what a boot sector says of its place? */
static bool follows(const struct partition *p, const struct edit *e,
		    const struct volume *was, const struct volume *is)
{
	uint64_t shift = p->to - p->off;

	if (!was || !is || was->nboot != is->nboot)
		return false;
	for (size_t i = 0; i < was->nboot; i++) {
		const struct boot_place *x = &was->boot[i], *y = &is->boot[i];

		if (y->start.at.off != x->start.at.off + shift ||
		    !says_place(&x->start, p->off, &y->start, p->to) ||
		    (x->sum.len && !(x->sum_ok && y->sum_ok)))
			continue;
		if (e->at.off == y->start.at.off && e->at.len == y->start.at.len)
			return true;
		if (x->sum.len && e->at.off == x->sum.off + shift &&
		    e->at.len == x->sum.len)
			return true;
	}
	return false;
}

static bool same_content(const struct volume *was, const struct volume *is)
{
	const struct filesystem *x, *y;

	if (!was || !was->looked)
		return true; /* nothing was known of it */
	if (!is || !is->looked || was->blank != is->blank || !was->fs != !is->fs)
		return false;
	x = was->fs;
	y = is->fs;
	return !x || (strcmp(x->name, y->name) == 0 && x->size.v == y->size.v &&
		      x->block_size == y->block_size && x->sector_size == y->sector_size);
}

static bool is_boot_record(const struct unit *was, const struct edit *e)
{
	const struct mbr *m = was->image ? was->image->mbr : NULL;

	for (size_t i = 0; m && i < m->nebr; i++) {
		if (e->at.off >= m->ebr[i].at.off &&
		    span_end(e->at) <= span_end(m->ebr[i].at))
			return true;
	}
	return false;
}

const char *partitions_spared(const struct partitions *all, const struct plan *p,
			      const struct unit *was, const struct unit *is,
			      struct arena *a)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct partition *one = &all->v[i];

		for (size_t k = 0; k < p->edits.n; k++) {
			const struct edit *e = &p->edits.v[k];

			/* Sector 0 is in none, whatever an entry says. */
			if (span_end(e->at) <= MBR_SIZE ||
			    !meet(one->to, one->len, e->at.off, e->at.len) ||
			    (one->extended && is_boot_record(was, e)))
				continue;
			if (one->to == one->off ||
			    !follows(one, e, volume_at(was, one->off, one->len),
				     volume_at(is, one->to, one->len)))
				return arena_printf(a, "it would write into partition %u",
						    one->number);
		}
	}
	return NULL;
}

const char *partitions_recognised(const struct partitions *all, const struct unit *was,
				  const struct unit *is, struct arena *a)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct partition *one = &all->v[i];

		if (one->to != one->off &&
		    !same_content(volume_at(was, one->off, one->len),
				  volume_at(is, one->to, one->len)))
			return arena_printf(a,
					    "what partition %u holds would not be "
					    "recognised as before",
					    one->number);
	}
	return NULL;
}
