/* Looks at every fact of an image and at every place it names, and holds them against what
 * the headers promise of any input. For property tests and fuzzing; a broken promise is a
 * BUG().
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TOUCH_IMAGE_H
#define TESTS_LIB_TOUCH_IMAGE_H

#include "analyze/image/gpt.h"
#include "analyze/image/gpt_bare.h"
#include "analyze/image/image.h"
#include "analyze/image/lost.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "base/crc32.h"
#include "base/utf8.h"
#include "rules/lost_table.h"

#include <stdlib.h>
#include <string.h>

/* A place that was read has a name. */
static inline void touch_span(const struct image *img, struct span at, struct arena *a)
{
	struct place p = { 0 };

	BUG_ON(!range_within(at.off, at.len, img->size));
	BUG_ON(!image_place(img, at, a, &p));
	BUG_ON(!p.locus || !p.locus[0] || !p.summary || !p.summary[0]);
	BUG_ON(at.off < p.record.off || span_end(at) > span_end(p.record));
	BUG_ON(span_end(p.record) > img->size);
	BUG_ON(utf8_valid_upto(str_bytes(str_of(p.summary))) != strlen(p.summary));
}

static inline void touch_mbr_entry(const struct image *img, const struct mbr_entry *ent,
				   struct arena *a)
{
	touch_span(img, ent->at, a);
	touch_span(img, ent->boot.at, a);
	touch_span(img, ent->type.at, a);
	touch_span(img, ent->lba.at, a);
	touch_span(img, ent->sectors.at, a);
}

static inline void touch_mbr(const struct mbr *m, struct arena *a)
{
	size_t logical = 0;

	touch_span(m->image, m->at, a);
	touch_span(m->image, m->magic.at, a);
	BUG_ON(m->nebr > EBR_CHAIN_MAX);
	BUG_ON((m->nprotective != 0) != (m->protective != NULL));
	BUG_ON(m->hybrid && !m->protective);
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		touch_mbr_entry(m->image, &m->entry[i], a);
		BUG_ON(m->entry[i].number != i + 1);
	}
	for (size_t i = 0; i < m->nebr; i++) {
		touch_span(m->image, m->ebr[i].at, a);
		touch_span(m->image, m->ebr[i].link, a);
		BUG_ON(m->ebr[i].lba * m->sector_size != m->ebr[i].at.off);
		for (size_t j = 0; j < i; j++)
			BUG_ON(m->ebr[i].lba == m->ebr[j].lba);
		for (unsigned j = 0; j < MBR_ENTRIES; j++) {
			touch_mbr_entry(m->image, &m->ebr[i].entry[j], a);
			logical += m->ebr[i].entry[j].number != 0;
		}
	}
	BUG_ON(logical != m->nlogical);
	for (size_t i = 0; i < m->nlogical; i++)
		BUG_ON(m->logical[i].number != 5 + i);
	if (m->ebr_end != EBR_NONE && m->ebr_end != EBR_COMPLETE)
		touch_span(m->image, m->ebr_at, a);
}

static inline void touch_volume(const struct volume *v, struct arena *a)
{
	BUG_ON(!range_within(v->off, v->len, v->image->size));
	BUG_ON(v->nboot > BOOT_PLACES_MAX || (v->nboot && !v->fs));
	BUG_ON(v->looked && v->sector.n != u64_min(v->len, 512));
	for (size_t i = 0; i < v->nboot; i++) {
		const struct boot_place *b = &v->boot[i];

		BUG_ON(b->start.at.off < v->off ||
		       span_end(b->start.at) > v->off + v->len);
		touch_span(v->image, b->start.at, a);
		if (b->sum.len == 0)
			continue;
		BUG_ON(b->sum.off < v->off || span_end(b->sum) > v->off + v->len);
		touch_span(v->image, b->sum, a);
	}
}

static inline void touch_entries(const struct image *img, const struct gpt_table *t,
				 struct arena *a)
{
	unsigned last = 0;

	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *ent = &t->entry[i];

		BUG_ON(ent->number <= last || ent->number > t->entry_count.v);
		last = ent->number;
		BUG_ON(guid_is_zero(ent->type));
		BUG_ON(ent->at.off < t->entries_at.off);
		BUG_ON(span_end(ent->at) > span_end(t->entries_at));
		BUG_ON(utf8_valid_upto(str_bytes(ent->name)) != ent->name.n);
		gpt_type_name(ent->type);
		/* Each place is found by a walk over all entries. */
		if (t->nentries > 256 && i % 61)
			continue;
		touch_span(img, ent->at, a);
		touch_span(img, ent->first.at, a);
		touch_span(img, ent->last.at, a);
		touch_span(img, ent->attributes.at, a);
	}
}

static inline void touch_table(const struct image *img, const struct gpt_table *t,
			       struct arena *a)
{
	if (t->raw.n) {
		BUG_ON(t->raw.n != t->at.len);
		touch_span(img, t->at, a);
	}
	BUG_ON(t->header_ok && !(t->present && t->size_ok));
	BUG_ON(t->header_ok && t->crc_actual != t->header_crc.v);
	BUG_ON(t->header_ok != gpt_header_intact(t->raw, t->lba));
	BUG_ON(t->entries_read != (t->array == GPT_ARRAY_READ));
	BUG_ON(t->entries_ok && t->entries_crc_actual != t->entries_crc.v);
	if (!t->present) {
		BUG_ON(t->entries_read || t->nentries);
		return;
	}
	touch_span(img, t->my_lba.at, a);
	touch_span(img, t->entries_crc.at, a);
	touch_span(img, t->disk_guid_at, a);
	if (!t->entries_read)
		return;
	BUG_ON(t->entries_raw.n != t->entries_at.len);
	BUG_ON(t->entries_raw.n > GPT_ENTRIES_MAX_BYTES);
	BUG_ON(t->entries_crc_actual != crc32_of(t->entries_raw));
	touch_span(img, t->entries_at, a);
	touch_entries(img, t, a);
}

/* Entries without a header: in whole slots, within the disk. */
static inline void touch_bare(const struct gpt *g)
{
	const struct gpt_bare *b = g->bare;

	BUG_ON(g->good || g->primary.present || g->backup.present);
	BUG_ON(b->sector_size != g->sector_size || b->lba < 2 || b->lba >= g->sectors);
	BUG_ON(b->array.n == 0 || b->array.n % GPT_ENTRY_SIZE != 0);
	BUG_ON(!range_within(b->lba * g->sector_size, b->array.n, g->image->size));
}

static inline void touch_gpt(const struct gpt *g, struct arena *a)
{
	BUG_ON(g->sectors != g->image->size / g->sector_size);
	touch_table(g->image, &g->primary, a);
	touch_table(g->image, &g->backup, a);
	BUG_ON(g->backup_at_end != (g->backup.lba + 1 == g->sectors || g->sectors == 0));
	BUG_ON(g->good && !gpt_table_ok(g->good));
	BUG_ON(!g->good && (gpt_table_ok(&g->primary) || gpt_table_ok(&g->backup)));
	BUG_ON(g->good && g->pieced);
	BUG_ON(g->head.n != g->tail.n);
	if (g->bare)
		touch_bare(g);
	if (g->stray) {
		BUG_ON(!g->stray->present || g->stray->lba == g->backup.lba);
		touch_table(g->image, g->stray, a);
	}
	if (g->pieced) {
		BUG_ON(!g->pieced->entries_ok);
		touch_table(g->image, g->pieced, a);
	}
	if (g->other) {
		BUG_ON(g->other->sector_size == g->sector_size || g->other->other);
		BUG_ON(!g->other->primary.header_ok && !g->other->backup.header_ok);
		touch_gpt(g->other, a);
	}
}

/* What was found without a table: in order, apart, within the disk; and the table made of it
 * keeps the places of its own copies free. */
static inline void touch_lost(const struct lost *l)
{
	struct lost_table *t = calloc(1, sizeof(*t));
	uint64_t at = 0;

	BUG_ON(!t);
	BUG_ON(l->nparts == 0 || l->nparts > LOST_PARTS_MAX || l->places > LOST_PLACES ||
	       l->npassed > LOST_PASSED_MAX);
	for (size_t i = 0; i < l->nparts; i++) {
		const struct lost_part *p = &l->part[i];

		BUG_ON(p->off < at || p->off >= l->image->size);
		BUG_ON(p->end && (p->end <= p->off || p->end > l->image->size ||
				  p->zeros < p->end || p->zeros > l->image->size));
		at = p->end ? p->end : p->off + 1;
	}
	lost_table_of(t, l);
	BUG_ON(t->nslots != l->nparts);
	for (size_t i = 0; !t->refused[0] && i < t->nslots; i++) {
		const struct lost_slot *s = &t->slot[i];

		BUG_ON(s->first > s->last || s->first < t->first_usable ||
		       s->last > t->last_usable);
		BUG_ON(i && t->slot[i - 1].last >= s->first);
		BUG_ON(s->first * t->sector_size != l->part[i].off);
		BUG_ON((s->last + 1) * t->sector_size < l->part[i].end);
	}
	free(t);
}

static inline void touch_image(const struct image *img, struct arena *a)
{
	if (img->filesystem)
		BUG_ON(!range_within(img->filesystem_at.off, img->filesystem_at.len,
				     img->size));
	BUG_ON(img->gpt && !img->mbr);
	if (img->mbr)
		touch_mbr(img->mbr, a);
	if (img->gpt)
		touch_gpt(img->gpt, a);
	for (size_t i = 0; i < img->nvolumes; i++)
		touch_volume(&img->volumes[i], a);
	if (img->lost)
		touch_lost(img->lost);
}

#endif
