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
static bool is_absurd_entry(const struct gpt *g, const struct gpt_table *t,
			    const struct gpt_entry *e, struct gpt_fault *f)
{
	if (e->last.v < e->first.v)
		return says(f, e->number, "ends before it begins");
	if (e->last.v >= g->sectors)
		return says(f, e->number, "ends behind the end of the disk");
	if (e->first.v < 2 || holds(e, t->lba, 1))
		return says(f, e->number, "lies over a header of the table");
	if (holds(e, t->entries_lba.v, array_of(g, t)))
		return says(f, e->number, "lies over the table's entries");
	return false;
}

/* Entries that do not stand beside their header, but where partitions may be: the header
 * points at something else, and was summed as it is. (A range that is too wide for entries in
 * their usual place is the other field's fault.) */
static bool is_astray(const struct gpt *g, const struct gpt_table *t)
{
	uint64_t n = array_of(g, t), at = t->entries_lba.v;
	bool beside = t->which == GPT_PRIMARY ? at == t->lba + 1 : at + n == t->lba;

	return !beside && at <= t->last_usable.v && t->first_usable.v < at + n;
}

/* Entries that begin a few sectors behind their usual place, in which something stands that
 * they do not begin with. */
static bool is_shifted(const struct gpt *g, const struct gpt_table *t)
{
	uint32_t ss = g->sector_size;

	return t->which == GPT_PRIMARY && t->entries_lba.v > 2 &&
	       t->entries_lba.v < 2 + array_of(g, t) &&
	       view_has(g->head, ss, GPT_ENTRY_SIZE) &&
	       !view_is_zero(view_cut(g->head, ss, GPT_ENTRY_SIZE)) &&
	       view_le64(g->head, ss + GPT_ENT_FIRST) >= t->first_usable.v &&
	       view_le64(g->head, ss + GPT_ENT_LAST) <= t->last_usable.v;
}

static bool is_absurd(const struct gpt *g, const struct gpt_table *t, struct gpt_fault *f)
{
	f->absurd = true;
	f->what = "its entries begin in the middle of those that stand at LBA 2";
	if (is_shifted(g, t))
		return true;
	f->what = "its entries are where partitions may be";
	if (is_astray(g, t))
		return true;
	f->what = "its entries lie over sector 0 or a header";
	if (t->entries_lba.v < 2)
		return true;
	for (size_t i = 0; i < t->nentries; i++) {
		if (is_absurd_entry(g, t, &t->entry[i], f))
			return true;
	}
	return false;
}

/* Does it share sectors, or a GUID, with one of the first n? */
static bool is_shared(const struct gpt_table *t, size_t i, size_t n, struct gpt_fault *f)
{
	const struct gpt_entry *e = &t->entry[i];

	for (size_t k = 0; k < n; k++) {
		if (k == i)
			continue;
		if (holds(&t->entry[k], e->first.v, e->last.v - e->first.v + 1))
			return says(f, e->number, "overlaps another one");
		if (guid_eq(t->entry[k].guid, e->guid))
			return says(f, e->number, "has the GUID of another one");
	}
	return false;
}

/* What is against it, by itself and beside the first n. */
static bool is_careless_entry(const struct gpt_table *t, size_t i, size_t n,
			      struct gpt_fault *f)
{
	const struct gpt_entry *e = &t->entry[i];

	if (e->first.v < t->first_usable.v || e->last.v > t->last_usable.v)
		return says(f, e->number, "is outside of the usable range");
	if (guid_is_zero(e->guid))
		return says(f, e->number, "has no GUID");
	return is_shared(t, i, n, f);
}

/* Where the entries stand when t is the copy that it is: t's own header may be elsewhere. */
static bool is_careless(const struct gpt *g, const struct gpt_table *t,
			struct gpt_fault *f)
{
	uint64_t first = t->first_usable.v, last = t->last_usable.v, n = array_of(g, t);

	f->absurd = false;
	f->what = "its revision is not 1.0";
	if (t->revision.v != GPT_REVISION_1_0)
		return true;
	f->what = "its usable range is not within the disk";
	if (first > last || first < 2 || last >= g->sectors - 1)
		return true;
	f->what = "its usable range reaches into the table";
	if (t->which == GPT_PRIMARY ? first < t->entries_lba.v + n
				    : last >= t->entries_lba.v)
		return true;
	for (size_t i = 0; i < t->nentries; i++) {
		if (is_careless_entry(t, i, i, f))
			return true;
	}
	return false;
}

bool gpt_fault(const struct gpt *g, const struct gpt_table *t, struct gpt_fault *f)
{
	return is_absurd(g, t, f) || is_careless(g, t, f);
}

bool gpt_is_misplaced(const struct gpt *g, const struct gpt_table *t)
{
	struct gpt_fault f;

	if (is_absurd(g, t, &f))
		return true;
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];

		if (e->first.v < t->first_usable.v || e->last.v > t->last_usable.v)
			return true;
		for (size_t k = 0; k < i; k++) {
			if (holds(&t->entry[k], e->first.v, e->last.v - e->first.v + 1))
				return true;
		}
	}
	return false;
}

static const struct gpt_entry *entry_of(const struct gpt_table *t, unsigned number)
{
	for (size_t i = 0; i < t->nentries; i++) {
		if (t->entry[i].number == number)
			return &t->entry[i];
	}
	return NULL;
}

static bool same_bytes(const struct gpt_table *a, const struct gpt_entry *x,
		       const struct gpt_table *b, const struct gpt_entry *y)
{
	return view_eq(a->entries_raw, (size_t)(x->at.off - a->entries_at.off),
		       b->entries_raw.p + (y->at.off - b->entries_at.off),
		       GPT_ENTRY_SIZE);
}

/* The i-th entry of the bad copy cannot be meant; or no tool leaves it so, and the other copy
 * has the same partition with another begin or another end. */
static bool is_worse(const struct gpt *g, const struct gpt_table *bad, size_t i,
		     const struct gpt_entry *other)
{
	const struct gpt_entry *e = &bad->entry[i];
	struct gpt_fault f;

	return is_absurd_entry(g, bad, e, &f) ||
	       (other && (other->first.v == e->first.v || other->last.v == e->last.v) &&
		is_careless_entry(bad, i, bad->nentries, &f));
}

bool gpt_fault_explains(const struct gpt *g, const struct gpt_table *bad,
			const struct gpt_table *right)
{
	if (!guid_eq(bad->disk_guid, right->disk_guid))
		return false;
	for (size_t i = 0; i < bad->nentries; i++) {
		const struct gpt_entry *other = entry_of(right, bad->entry[i].number);

		if (!(other && same_bytes(bad, &bad->entry[i], right, other)) &&
		    !is_worse(g, bad, i, other))
			return false;
	}
	/* Nothing that was deleted comes back. */
	for (size_t i = 0; i < right->nentries; i++) {
		if (!entry_of(bad, right->entry[i].number))
			return false;
	}
	return true;
}
