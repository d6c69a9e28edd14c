/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_meant.h"
#include "analyze/image/image.h"
#include "base/banned.h"

/* The first reason stays. */
void gpt_meant_refuse(struct gpt_meant *m, const char *fmt, ...)
{
	va_list ap;

	if (m->refused[0])
		return;
	va_start(ap, fmt);
	vsnprintf(m->refused, sizeof(m->refused), fmt, ap);
	va_end(ap);
}

void gpt_meant_explain(struct meant_slot *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

bool gpt_meant_fits(const struct gpt_meant *m, uint64_t first, uint64_t last)
{
	return first <= last && first >= m->entries_lba + m->array &&
	       last <= m->sectors - 2 - m->array;
}

/* ---- what is in the partitions ---- */

const struct lost_part *gpt_meant_content(const struct gpt_meant *m, uint64_t lba)
{
	const struct lost *l = m->g->image->contents;

	for (size_t i = 0; l && i < l->nparts; i++) {
		if (l->part[i].off % m->g->sector_size == 0 &&
		    l->part[i].off / m->g->sector_size == lba)
			return &l->part[i];
	}
	return NULL;
}

uint64_t gpt_meant_content_last(const struct gpt_meant *m, const struct lost_part *p)
{
	return p->end ? div_up(p->end, m->g->sector_size) - 1 : 0;
}

unsigned gpt_meant_content_level(const struct gpt_meant *m, uint64_t first, uint64_t last)
{
	const struct lost_part *p = gpt_meant_content(m, first);
	uint64_t end = p ? gpt_meant_content_last(m, p) : 0;

	return !p ? 0 : end > last ? 1 : end == last ? 3 : 2;
}

/* ---- the table ---- */

bool gpt_meant(struct gpt_meant *m, const struct gpt *g)
{
	*m = (struct gpt_meant){ .g = g };
	gpt_meant_frame(m);
	for (size_t i = 0; i < m->count && !m->refused[0]; i++)
		gpt_meant_decide(m, i);
	if (m->refused[0])
		return false;
	gpt_meant_drop_extra(m);
	if (m->nslots == 0)
		gpt_meant_refuse(m, "no entry is left that can be meant");
	gpt_meant_place(m);
	for (size_t i = 0; i < m->nslots; i++)
		m->slot[i].content = gpt_meant_content(m, m->slot[i].first);
	gpt_meant_header(m);
	return !m->refused[0];
}
