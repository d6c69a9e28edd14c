/* The slots of a table that is put together among one another: where what an entry says cannot be,
 * or two overlap, contents and neighbours show the place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_meant.h"
#include "analyze/image/image.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { SLOT = GPT_ENTRY_SIZE, MIB = 1 << 20, PAGE = 4096 };

static bool is_placed(const struct gpt_meant *m, const struct meant_slot *s)
{
	return gpt_meant_fits(m, s->first, s->last);
}

/* Another one that is in its place and holds the LBA. */
static const struct meant_slot *holder(const struct gpt_meant *m,
				       const struct meant_slot *but, uint64_t lba)
{
	for (size_t i = 0; i < m->nslots; i++) {
		const struct meant_slot *s = &m->slot[i];

		if (s != but && is_placed(m, s) && s->first <= lba && lba <= s->last)
			return s;
	}
	return NULL;
}

/* The last free LBA from `first` on. */
static uint64_t gap_last(const struct gpt_meant *m, const struct meant_slot *but,
			 uint64_t first)
{
	uint64_t last = m->sectors - 2 - m->array;

	for (size_t i = 0; i < m->nslots; i++) {
		const struct meant_slot *s = &m->slot[i];

		if (s != but && is_placed(m, s) && s->first > first)
			last = u64_min(last, s->first - 1);
	}
	return last;
}

/* The first free LBA up to `last`. */
static uint64_t gap_first(const struct gpt_meant *m, const struct meant_slot *but,
			  uint64_t last)
{
	uint64_t first = m->entries_lba + m->array;

	for (size_t i = 0; i < m->nslots; i++) {
		const struct meant_slot *s = &m->slot[i];

		if (s != but && is_placed(m, s) && s->last < last)
			first = u64_max(first, s->last + 1);
	}
	return first;
}

static bool may_begin(const struct gpt_meant *m, const struct meant_slot *s, uint64_t lba)
{
	return lba >= m->entries_lba + m->array && lba <= m->sectors - 2 - m->array &&
	       !holder(m, s, lba);
}

/* Where content that begins at `first` shows that a partition ends: where tools end one, if
 * there are zeros up to there. */
static uint64_t end_by_content(const struct gpt_meant *m, const struct lost_part *p,
			       uint64_t limit)
{
	uint32_t ss = m->g->sector_size;
	/* Who does not begin at a whole MiB has no reason to end at one. */
	uint64_t grid = p->off % MIB == 0 ? MIB : PAGE;
	uint64_t own = gpt_meant_content_last(m, p),
		 whole = div_up(p->end, grid) * (grid / ss) - 1;

	if (!p->end)
		return limit;
	whole = u64_min(whole, limit);
	return whole > own && p->zeros >= (whole + 1) * ss ? whole : own;
}

/* Its begin is right, by what stands there or for want of another reason; its end is not. */
static bool find_end(const struct gpt_meant *m, struct meant_slot *s)
{
	const struct lost_part *p = gpt_meant_content(m, s->first);
	uint64_t limit;

	if (!may_begin(m, s, s->first))
		return false;
	limit = gap_last(m, s, s->first);
	if (p && p->end && gpt_meant_content_last(m, p) > limit)
		return false;
	s->place = p && p->end ? MEANT_CONTENT : MEANT_GAP;
	s->last = p ? end_by_content(m, p, limit) : limit;
	return true;
}

/* Its end is right: what is known begins before it, where no other partition is. */
static bool find_begin(const struct gpt_meant *m, struct meant_slot *s)
{
	const struct lost *l = m->g->image->contents;
	uint64_t from = gap_first(m, s, s->last), lba;
	const struct lost_part *found = NULL;

	if (s->last > m->sectors - 2 - m->array || holder(m, s, s->last))
		return false;
	for (size_t i = 0; l && i < l->nparts; i++) {
		const struct lost_part *p = &l->part[i];

		lba = p->off / m->g->sector_size;
		if (p->off % m->g->sector_size == 0 && lba >= from && lba <= s->last &&
		    gpt_meant_content_last(m, p) <= s->last)
			found = p;
	}
	if (!found)
		return false;
	s->first = found->off / m->g->sector_size;
	s->place = MEANT_CONTENT;
	return true;
}

/* An end that is a neighbour of the begin: one of them was set from the other. Where a
 * partition begins or ends there, that one is the false one. */
static bool is_end_wrong(const struct gpt_meant *m, const struct meant_slot *s)
{
	if (!may_begin(m, s, s->first))
		return false;
	if (s->last > m->sectors - 2 - m->array || s->last < m->entries_lba + m->array)
		return true;
	return holder(m, s, s->last) && !holder(m, s, s->first);
}

/* An end within the disk, but over the backup's place. */
static bool is_shortened(const struct gpt_meant *m, const struct meant_slot *s,
			 uint64_t last)
{
	return last < m->sectors && last >= s->first && last > s->last;
}

static void place(struct gpt_meant *m, struct meant_slot *s)
{
	uint64_t first = s->first, last = s->last;

	if (gpt_meant_content(m, first) && find_end(m, s))
		goto placed;
	if (find_begin(m, s))
		goto placed;
	if (is_end_wrong(m, s) && find_end(m, s) && !is_shortened(m, s, last))
		goto placed;
	gpt_meant_refuse(m,
			 "partition %u (LBA %llu to %llu) cannot be there, and nothing "
			 "that is known shows where it is",
			 s->number, LLU(first), LLU(last));
	return;
placed:
	gpt_meant_explain(s, "the entries say LBA %llu to %llu", LLU(first), LLU(last));
}

static bool overlap(const struct meant_slot *a, const struct meant_slot *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Of two that overlap, the one that has to give way; NULL: it cannot be told. */
static struct meant_slot *at_fault(const struct gpt_meant *m, struct meant_slot *a,
				   struct meant_slot *b)
{
	unsigned x = gpt_meant_content_level(m, a->first, a->last);
	unsigned y = gpt_meant_content_level(m, b->first, b->last);

	if (a->first == b->first && x != y)
		return x > y ? b : a;
	if (a->first == b->first)
		return NULL;
	/* The later one begins where something does, so the other one ends too late. */
	if (a->first < b->first)
		return y > 0 || x == 0 ? a : b;
	return x > 0 || y == 0 ? b : a;
}

/* What another source says of its place, where nothing else is. */
static bool take_other(struct gpt_meant *m, struct meant_slot *s)
{
	for (size_t i = 0; i < m->nsources; i++) {
		size_t at = (s->number - 1) * (size_t)SLOT;
		struct meant_slot now = *s;
		bool free = view_has(m->source[i].raw, at, SLOT);

		if (!free || view_is_zero(view_cut(m->source[i].raw, at, GPT_GUID_SIZE)))
			continue;
		now.first = view_le64(m->source[i].raw, at + GPT_ENT_FIRST);
		now.last = view_le64(m->source[i].raw, at + GPT_ENT_LAST);
		free = gpt_meant_fits(m, now.first, now.last);
		for (size_t k = 0; k < m->nslots; k++)
			free &= &m->slot[k] == s || now.first > m->slot[k].last ||
				m->slot[k].first > now.last;
		if (!free)
			continue;
		gpt_meant_explain(
			&now,
			"the other entries say LBA %llu to %llu, over another partition",
			LLU(s->first), LLU(s->last));
		*s = now;
		return true;
	}
	return false;
}

static void part_pair(struct gpt_meant *m, struct meant_slot *a, struct meant_slot *b)
{
	struct meant_slot *s, was;
	uint64_t last;

	if (take_other(m, b) || take_other(m, a))
		return;
	s = at_fault(m, a, b);
	if (!s) {
		gpt_meant_refuse(m,
				 "partitions %u and %u begin at the same place, LBA %llu",
				 a->number, b->number, LLU(a->first));
		return;
	}
	was = *s;
	last = gap_last(m, s, s->first);
	/* What is shortened has to be known to fit. */
	if (s->first < (s == a ? b : a)->first && last >= s->first &&
	    gpt_meant_content_level(m, s->first, last) > 1) {
		s->last = last;
		s->place = MEANT_GAP;
	} else if (!find_begin(m, s)) {
		gpt_meant_refuse(
			m,
			"partitions %u and %u overlap, and nothing that is known "
			"shows which of them is elsewhere",
			a->number, b->number);
		return;
	}
	gpt_meant_explain(s, "the entries say LBA %llu to %llu, over another partition",
			  LLU(was.first), LLU(was.last));
}

static void part_all(struct gpt_meant *m)
{
	for (size_t i = 0; i < m->nslots; i++) {
		for (size_t k = 0; k < i; k++) {
			if (overlap(&m->slot[k], &m->slot[i]))
				part_pair(m, &m->slot[k], &m->slot[i]);
		}
	}
	for (size_t i = 0; i < m->nslots; i++) {
		for (size_t k = 0; k < i; k++) {
			if (overlap(&m->slot[k], &m->slot[i]))
				gpt_meant_refuse(m, "partitions %u and %u overlap",
						 m->slot[k].number, m->slot[i].number);
		}
	}
}

/* Content at a place where no partition is: there may be one that no entry has any more. */
static bool is_uncovered(const struct gpt_meant *m, const struct lost_part *p)
{
	uint64_t lba = p->off / m->g->sector_size;

	return !p->weak && !holder(m, NULL, lba);
}

/* Entries that are damaged wherever they stand may have been partitions. Where all that are there
 * have content that is known, others would have, too. */
static void check_contents(struct gpt_meant *m)
{
	const struct lost *l = m->g->image->contents;

	for (size_t i = 0; l && i < l->nparts; i++) {
		if (is_uncovered(m, &l->part[i]))
			gpt_meant_refuse(
				m,
				"%s begins at byte %llu, where no entry that is left "
				"has a partition",
				l->part[i].fs->name, LLU(l->part[i].off));
	}
	for (size_t i = 0; m->damaged && i < m->nslots; i++) {
		if (!gpt_meant_content(m, m->slot[i].first))
			gpt_meant_refuse(
				m, "there are entries that are damaged wherever they "
				   "stand");
	}
}

void gpt_meant_place(struct gpt_meant *m)
{
	for (size_t i = 0; i < m->nslots; i++) {
		if (!is_placed(m, &m->slot[i]))
			place(m, &m->slot[i]);
	}
	if (!m->refused[0])
		part_all(m);
	if (!m->refused[0])
		check_contents(m);
}
