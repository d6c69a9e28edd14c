/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_doubt.h"
#include "analyze/image/image.h"

#include <stdlib.h>

#include "base/banned.h"

/* A table with more is nothing that is compared with contents. */
enum { COMPARED_MAX = 256 };

static bool cannot_be(const struct gpt *g, const struct gpt_table *t, size_t i)
{
	const struct gpt_entry *e = &t->entry[i];

	if (e->last.v < e->first.v || e->last.v >= g->sectors || e->first.v < 2 ||
	    e->first.v < t->first_usable.v || e->last.v > t->last_usable.v)
		return true;
	for (size_t k = 0; k < i; k++) {
		if (t->entry[k].first.v <= e->last.v && e->first.v <= t->entry[k].last.v)
			return true;
	}
	return false;
}

static bool can_be(const struct gpt *g, const struct gpt_table *t)
{
	if (!gpt_table_ok(t))
		return false;
	for (size_t i = 0; i < t->nentries && i < COMPARED_MAX; i++) {
		if (cannot_be(g, t, i))
			return false;
	}
	return true;
}

bool gpt_is_doubtful(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;

	if (!can_be(g, p) && !can_be(g, b))
		return true;
	return gpt_table_ok(p) && gpt_table_ok(b) &&
	       (p->entries_raw.n != b->entries_raw.n ||
		!view_eq(p->entries_raw, 0, b->entries_raw.p, b->entries_raw.n));
}

/* ---- begins ---- */

struct begins {
	const struct gpt *g;
	uint64_t *v;
	size_t n;
};

static void add(struct begins *b, uint64_t lba)
{
	uint64_t off;

	if (b->n < GPT_BEGINS_MAX && lba > 1 && lba < b->g->sectors &&
	    u64_mul(lba, b->g->sector_size, &off))
		b->v[b->n++] = off;
}

static void add_array(struct begins *b, struct view array)
{
	for (size_t at = 0; at + GPT_ENTRY_SIZE <= array.n; at += GPT_ENTRY_SIZE)
		add(b, view_le64(array, at + GPT_ENT_FIRST));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

size_t gpt_begins(const struct gpt *g, uint64_t *out)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup, g->stray };
	uint32_t ss = g->sector_size;
	struct begins b = { .g = g, .v = out };

	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; copies[i] && k < copies[i]->nentries; k++)
			add(&b, copies[i]->entry[k].first.v);
	}
	if (g->head.n > ss)
		add_array(&b, view_cut(g->head, ss, g->head.n - ss));
	if (g->tail.n > ss)
		add_array(&b, view_cut(g->tail, 0, g->tail.n - ss));
	qsort(b.v, b.n, sizeof(*b.v), by_value);
	return b.n;
}
