/* Which range of a disk's map a finding is about: the partition, where it is about the
 * entry of one, else what stands where it points.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/volume.h"
#include "cli/map.h"
#include "base/banned.h"

static bool holds(struct span outer, struct span inner)
{
	return inner.off >= outer.off &&
	       range_within(inner.off - outer.off, inner.len, outer.len);
}

static bool is_partition(const struct map_range *r)
{
	return r->kind == MAP_PART || r->kind == MAP_CONTAINER;
}

static struct map_range *partition(struct map *m, uint64_t number)
{
	for (size_t i = 0; i < m->v.n; i++) {
		if (is_partition(&m->v.v[i]) && m->v.v[i].number == number)
			return &m->v.v[i];
	}
	return NULL;
}

/* An entry of the GPT: in whichever copy it stands, it is about the same partition. */
static struct map_range *by_slot(struct map *m, const struct image *img, struct span at)
{
	const struct gpt *g = img->gpt;
	const struct gpt_table *tables[] = { g ? &g->primary : NULL,
					     g ? &g->backup : NULL,
					     g ? g->pieced : NULL };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct gpt_table *t = tables[i];

		if (t && t->entries_read && holds(t->entries_at, at) && t->entry_size.v)
			return partition(m, 1 + (at.off - t->entries_at.off) /
							    t->entry_size.v);
	}
	return NULL;
}

/* The smallest record that the place is in: an entry lies in its sector. */
static struct map_range *by_record(struct map *m, struct span at)
{
	struct map_range *best = NULL;

	for (size_t i = 0; i < m->v.n; i++) {
		struct map_range *r = &m->v.v[i];

		if (r->record.len && holds(r->record, at) &&
		    (!best || r->record.len < best->record.len))
			best = r;
	}
	return best;
}

static struct map_range *by_offset(struct map *m, uint64_t off)
{
	struct map_range *best = NULL;

	for (size_t i = 0; i < m->v.n; i++) {
		struct map_range *r = &m->v.v[i];

		if (r->off <= off && off < r->end &&
		    (!best || r->end - r->off < best->end - best->off))
			best = r;
	}
	return best;
}

static struct map_range *range_of(struct map *m, const struct image *img,
				  const struct finding *f)
{
	const struct volume *v = f->subject;
	struct map_range *r;

	if (img && f->rule->on == SUBJECT_volume && v->number)
		return partition(m, v->number);
	if (f->at.len == 0 || (f->at.off == 0 && f->at.len >= m->size))
		return NULL;
	r = img ? by_slot(m, img, f->at) : NULL;
	if (!r)
		r = by_record(m, f->at);
	return r ? r : by_offset(m, f->at.off);
}

void map_findings(struct map *m, const struct image *img, const struct findings *found,
		  struct arena *a)
{
	for (size_t i = 0; i < found->v.n; i++) {
		struct map_range *r;
		struct map_mark *mark;

		if (found->v.v[i]->at.src->is_guest != m->guest)
			continue;
		r = range_of(m, img, found->v.v[i]);
		if (m->marks.n == MAP_MARKS_MAX) {
			m->unmarked++;
			continue;
		}
		mark = vec_add(&m->marks, a);
		mark->letter = (char)('a' + (m->marks.n - 1));
		mark->f = found->v.v[i];
		mark->has_range = r != NULL;
		if (r)
			buf_char(&r->marks, mark->letter);
	}
}
