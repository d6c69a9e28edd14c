/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fault.h"

#include <stdio.h>

#include "base/banned.h"

static bool says(struct gpt_fault *f, unsigned number, const char *what)
{
	snprintf(f->text, sizeof(f->text), "partition %u %s", number, what);
	f->what = f->text;
	return true;
}

static uint64_t array_of(const struct gpt *g, const struct gpt_table *t)
{
	return gpt_entries_sectors(t->entry_count.v, t->entry_size.v, g->sector_size);
}

static bool holds(const struct gpt_entry *e, uint64_t lba, uint64_t n)
{
	return e->first.v < lba + n && lba <= e->last.v;
}

/* A partition that no disk can have, or that the table itself stands in. */
static bool is_absurd(const struct gpt *g, const struct gpt_table *t, struct gpt_fault *f)
{
	f->absurd = true;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->last.v < e->first.v)
			return says(f, e->number, "ends before it begins");
		if (e->last.v >= g->sectors)
			return says(f, e->number, "ends behind the end of the disk");
		if (e->first.v < 2 || holds(e, t->lba, 1))
			return says(f, e->number, "lies over a header of the table");
		if (holds(e, t->entries_lba.v, array_of(g, t)))
			return says(f, e->number, "lies over the table's entries");
	}
	return false;
}

/* Two that share sectors, or a GUID; none has a number before the i-th's. */
static bool is_shared(const struct gpt_table *t, size_t i, struct gpt_fault *f)
{
	const struct gpt_entry *e = &t->entry[i];

	for (size_t k = 0; k < i; k++) {
		if (holds(&t->entry[k], e->first.v, e->last.v - e->first.v + 1))
			return says(f, e->number, "overlaps another one");
		if (guid_eq(t->entry[k].guid, e->guid))
			return says(f, e->number, "has the GUID of another one");
	}
	return false;
}

/* Where the entries stand when t is the copy that it is: t's own header may be elsewhere. */
static bool is_careless(const struct gpt *g, const struct gpt_table *t,
			struct gpt_fault *f)
{
	uint64_t first = t->first_usable.v, last = t->last_usable.v, n = array_of(g, t);

	f->absurd = false;
	f->what = "its usable range is not within the disk";
	if (first > last || first < 2 || last >= g->sectors - 1)
		return true;
	f->what = "its usable range reaches into the table";
	if (t->which == GPT_PRIMARY ? first < t->entries_lba.v + n
				    : last >= t->entries_lba.v)
		return true;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v < first || e->last.v > last)
			return says(f, e->number, "is outside of the usable range");
		if (guid_is_zero(e->guid))
			return says(f, e->number, "has no GUID");
		if (is_shared(t, i, f))
			return true;
	}
	return false;
}

bool gpt_fault(const struct gpt *g, const struct gpt_table *t, struct gpt_fault *f)
{
	return is_absurd(g, t, f) || is_careless(g, t, f);
}
