/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_meant.h"
#include "analyze/image/image.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	SLOT = GPT_ENTRY_SIZE,
	MIB = 1 << 20,
	PAGE = 4096,
	/* By so many bits more a place has to be aligned for that to say something. */
	MORE_BITS = 2,
	TYPE_DAMAGE_MAX = 4, /* bytes of a type's 16 */
};

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

static void explain(struct meant_slot *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void explain(struct meant_slot *s, const char *fmt, ...)
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

static const struct lost_part *content_at(const struct gpt_meant *m, uint64_t lba)
{
	const struct lost *l = m->g->image->contents;

	for (size_t i = 0; l && i < l->nparts; i++) {
		if (l->part[i].off % m->g->sector_size == 0 &&
		    l->part[i].off / m->g->sector_size == lba)
			return &l->part[i];
	}
	return NULL;
}

/* The last LBA that it takes; 0: it does not say. */
static uint64_t content_last(const struct gpt_meant *m, const struct lost_part *p)
{
	return p->end ? div_up(p->end, m->g->sector_size) - 1 : 0;
}

/* How well content speaks for a range: 3 when it is just as long, 2 when it fits, 1 when it
 * begins there, 0 when nothing known does. */
static unsigned content_level(const struct gpt_meant *m, uint64_t first, uint64_t last)
{
	const struct lost_part *p = content_at(m, first);
	uint64_t end = p ? content_last(m, p) : 0;

	return !p ? 0 : end > last ? 1 : end == last ? 3 : 2;
}

/* Twos that divide the LBA, up to a whole MiB. */
static unsigned alignment(const struct gpt_meant *m, uint64_t lba)
{
	unsigned bits = 0;

	while (lba != 0 && lba % 2 == 0 && (m->g->sector_size << bits) < MIB) {
		lba /= 2;
		bits++;
	}
	return bits;
}

/* ---- one slot ---- */

/* What the sources have in it, each once. */
struct variant {
	const struct meant_source *from;
	struct view raw;
	bool used, noise, fits, verified, primary, own_guid;
	uint64_t first, last;
	unsigned content, weight, aligned;
};

struct choice {
	struct variant v[MEANT_SOURCES];
	size_t n;
};

/* Has the entry a unique GUID, which no other of its array has? */
static bool has_own_guid(const struct meant_source *s, struct view raw)
{
	struct view guid = view_cut(raw, GPT_ENT_GUID, GPT_GUID_SIZE);
	unsigned n = 0;

	for (size_t at = 0; at + SLOT <= s->raw.n; at += SLOT)
		n += view_eq(s->raw, at + GPT_ENT_GUID, guid.p, guid.n);
	return !view_is_zero(guid) && n == 1;
}

static bool is_place(const struct gpt_meant *m, uint64_t lba)
{
	return lba >= m->entries_lba + m->array && lba < m->sectors;
}

static struct variant variant_of(const struct gpt_meant *m, const struct meant_source *s,
				 struct view raw)
{
	struct variant v = { .from = s, .raw = raw };

	v.first = view_le64(raw, GPT_ENT_FIRST);
	v.last = view_le64(raw, GPT_ENT_LAST);
	v.used = !view_is_zero(view_cut(raw, GPT_ENT_TYPE, GPT_GUID_SIZE));
	/* Of text and of noise neither is a place on the disk. */
	v.noise = v.used && ((!is_place(m, v.first) && !is_place(m, v.last)) ||
			     view_eq(raw, 0, GPT_SIGNATURE, sizeof(GPT_SIGNATURE) - 1));
	v.used &= !v.noise;
	if (!v.used)
		return v;
	v.own_guid = has_own_guid(s, raw);
	v.fits = gpt_meant_fits(m, v.first, v.last);
	if (!v.fits)
		return v;
	v.content = content_level(m, v.first, v.last);
	v.aligned = alignment(m, v.first) + alignment(m, v.last + 1);
	return v;
}

static void gather(const struct gpt_meant *m, size_t i, struct choice *c)
{
	c->n = 0;
	for (size_t k = 0; k < m->nsources; k++) {
		const struct meant_source *s = &m->source[k];
		struct view raw;
		size_t at = 0;

		if (!view_has(s->raw, i * SLOT, SLOT))
			continue;
		raw = view_cut(s->raw, i * SLOT, SLOT);
		while (at < c->n && !view_eq(c->v[at].raw, 0, raw.p, SLOT))
			at++;
		if (at == c->n)
			c->v[c->n++] = variant_of(m, s, raw);
		c->v[at].weight += s->verified ? MEANT_SOURCES : 1;
		c->v[at].verified |= s->verified;
		c->v[at].primary |= s->primary;
	}
}

/* Is a's type that of b, which is known, but for a few bytes? Nobody makes such a type. */
static bool is_type_damaged(const struct variant *a, const struct variant *b)
{
	struct guid x, y;
	unsigned differ = 0;

	memcpy(x.b, a->raw.p + GPT_ENT_TYPE, GPT_GUID_SIZE);
	memcpy(y.b, b->raw.p + GPT_ENT_TYPE, GPT_GUID_SIZE);
	for (size_t i = 0; i < GPT_GUID_SIZE; i++)
		differ += x.b[i] != y.b[i];
	return differ != 0 && differ <= TYPE_DAMAGE_MAX && !gpt_type_name(x) &&
	       gpt_type_name(y);
}

/* Is a what the slot should have rather than b? Both are in use. */
static bool is_better(const struct variant *a, const struct variant *b)
{
	if (a->fits != b->fits)
		return a->fits;
	if (a->content != b->content)
		return a->content > b->content;
	if (a->own_guid != b->own_guid)
		return a->own_guid;
	if (is_type_damaged(a, b) || is_type_damaged(b, a))
		return is_type_damaged(b, a);
	if (a->verified != b->verified)
		return a->verified;
	if (a->aligned >= b->aligned + MORE_BITS || b->aligned >= a->aligned + MORE_BITS)
		return a->aligned > b->aligned;
	if (a->weight != b->weight)
		return a->weight > b->weight;
	return a->primary && !b->primary;
}

static const struct variant *best_of(const struct choice *c)
{
	const struct variant *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		if (c->v[i].used && (!best || is_better(&c->v[i], best)))
			best = &c->v[i];
	}
	return best;
}

/* A right copy has nothing in the slot, and what has something is a damaged array. */
static bool is_deleted(const struct choice *c, const struct variant *best)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i].used && !c->v[i].noise && c->v[i].verified &&
		    !best->verified && best->content < 2)
			return true;
	}
	return false;
}

/* Two right copies that say different places, and nothing tells which is meant. */
static bool is_contested(const struct choice *c, const struct variant *best)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct variant *v = &c->v[i];

		if (v != best && v->used && v->fits && v->verified && best->verified &&
		    (v->first != best->first || v->last != best->last) &&
		    v->content == best->content &&
		    v->aligned < best->aligned + MORE_BITS &&
		    best->aligned < v->aligned + MORE_BITS)
			return true;
	}
	return false;
}

static const char *fault_of(const struct gpt_meant *m, const struct variant *v)
{
	if (v->last < v->first)
		return "it ends before it begins";
	if (v->last >= m->sectors)
		return "it ends behind the end of the disk";
	return v->fits ? "that is less likely" : "it reaches into the table";
}

/* What the others say of this slot. */
static void explain_others(const struct gpt_meant *m, struct meant_slot *s,
			   const struct choice *c, const struct variant *best)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct variant *v = &c->v[i];

		if (v == best ||
		    (v->used && v->first == best->first && v->last == best->last))
			continue;
		if (!v->used)
			explain(s, "%s does not have it", v->from->name);
		else
			explain(s, "%s says LBA %llu to %llu: %s", v->from->name,
				LLU(v->first), LLU(v->last), fault_of(m, v));
		return;
	}
}

/* One entry's begin with another one's end, of the same partition. */
static bool join(const struct gpt_meant *m, struct meant_slot *s, const struct choice *c)
{
	for (size_t i = 0; i < c->n; i++) {
		for (size_t k = 0; k < c->n; k++) {
			const struct variant *a = &c->v[i], *b = &c->v[k];

			if (!a->used || !b->used || !view_eq(a->raw, 0, b->raw.p, 32) ||
			    !gpt_meant_fits(m, a->first, b->last))
				continue;
			s->first = a->first;
			s->last = b->last;
			s->place = MEANT_JOINED;
			explain(s, "%s has no possible end, %s no possible begin",
				a->from->name, b->from->name);
			return true;
		}
	}
	return false;
}

/* What no right copy has, and cannot be. */
static bool is_rubbish(const struct variant *v)
{
	return !v->fits && !v->verified && v->weight < 2;
}

static bool says_unused(const struct choice *c)
{
	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i].used && !c->v[i].noise)
			return true;
	}
	return false;
}

static bool same_place(struct view a, struct view b)
{
	return view_eq(a, GPT_ENT_TYPE, b.p + GPT_ENT_TYPE, GPT_GUID_SIZE) &&
	       view_eq(a, GPT_ENT_FIRST, b.p + GPT_ENT_FIRST, 16);
}

/* A sector of the array that was copied over another one: the entry in the slot that more
 * sources have it in is the true one. One of which a copy elsewhere can be meant, and it cannot,
 * is that partition. */
static struct meant_slot *twin_of(struct gpt_meant *m, const struct variant *v)
{
	for (size_t i = 0; i < m->nslots; i++) {
		struct meant_slot *s = &m->slot[i];
		bool fits = gpt_meant_fits(m, s->first, s->last);

		if (same_place(s->raw, v->raw) ||
		    (v->own_guid && fits != v->fits && view_eq(s->raw, 0, v->raw.p, 32)))
			return s;
	}
	return NULL;
}

/* The twin stays in its slot; of the two, the place that can be is taken. */
static bool merge(const struct gpt_meant *m, struct meant_slot *s,
		  const struct variant *v)
{
	bool fits = gpt_meant_fits(m, s->first, s->last);

	if (fits || !v->fits)
		return s->weight >= v->weight || fits != v->fits;
	s->first = v->first;
	s->last = v->last;
	explain(s, "another slot of %s has it so", v->from->name);
	return true;
}

static void decide(struct gpt_meant *m, size_t i)
{
	const struct variant *best;
	struct meant_slot *s;
	struct choice c;

	gather(m, i, &c);
	best = best_of(&c);
	if (c.n == 0 || ((!best || is_rubbish(best)) && says_unused(&c)))
		return;
	if (!best || is_rubbish(best)) {
		m->damaged++;
		return;
	}
	s = twin_of(m, best);
	if (s && merge(m, s, best))
		return;
	if (!s && m->nslots == MEANT_SLOTS) {
		gpt_meant_refuse(m, "there are more than %d partitions", MEANT_SLOTS);
		return;
	}
	if (!s)
		s = &m->slot[m->nslots++];
	*s = (struct meant_slot){
		.number = (unsigned)i + 1,
		.raw = best->raw,
		.first = best->first,
		.last = best->last,
		.from = best->from,
		.weight = best->weight,
		.extra = is_deleted(&c, best),
	};
	if (is_contested(&c, best) && gpt_table_ok(&m->g->primary) &&
	    gpt_table_ok(&m->g->backup))
		gpt_meant_refuse(m,
				 "two right copies say different places of partition %u, "
				 "and nothing tells which is meant",
				 s->number);
	explain_others(m, s, &c, best);
	if (!best->fits)
		join(m, s, &c);
}

/* Of partitions that only a damaged array has, those that are in nobody's way. */
static void drop_extra(struct gpt_meant *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->nslots; i++) {
		struct meant_slot *s = &m->slot[i];
		bool free = gpt_meant_fits(m, s->first, s->last);

		for (size_t k = 0; k < m->nslots; k++)
			free &= k == i || s->first > m->slot[k].last ||
				m->slot[k].first > s->last;
		if (!s->extra || free)
			m->slot[kept++] = *s;
	}
	m->nslots = kept;
}

/* ---- among one another ---- */

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
	uint64_t own = content_last(m, p), whole = div_up(p->end, grid) * (grid / ss) - 1;

	if (!p->end)
		return limit;
	whole = u64_min(whole, limit);
	return whole > own && p->zeros >= (whole + 1) * ss ? whole : own;
}

/* Its begin is right, by what stands there or for want of another reason; its end is not. */
static bool find_end(const struct gpt_meant *m, struct meant_slot *s)
{
	const struct lost_part *p = content_at(m, s->first);
	uint64_t limit;

	if (!may_begin(m, s, s->first))
		return false;
	limit = gap_last(m, s, s->first);
	if (p && p->end && content_last(m, p) > limit)
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
		    content_last(m, p) <= s->last)
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

	if (content_at(m, first) && find_end(m, s))
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
	explain(s, "the entries say LBA %llu to %llu", LLU(first), LLU(last));
}

static bool overlap(const struct meant_slot *a, const struct meant_slot *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* Of two that overlap, the one that has to give way; NULL: it cannot be told. */
static struct meant_slot *at_fault(const struct gpt_meant *m, struct meant_slot *a,
				   struct meant_slot *b)
{
	unsigned x = content_level(m, a->first, a->last);
	unsigned y = content_level(m, b->first, b->last);

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
		explain(&now,
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
	    content_level(m, s->first, last) > 1) {
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
	explain(s, "the entries say LBA %llu to %llu, over another partition",
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
		if (!content_at(m, m->slot[i].first))
			gpt_meant_refuse(
				m, "there are entries that are damaged wherever they "
				   "stand");
	}
}

bool gpt_meant(struct gpt_meant *m, const struct gpt *g)
{
	*m = (struct gpt_meant){ .g = g };
	gpt_meant_frame(m);
	for (size_t i = 0; i < m->count && !m->refused[0]; i++)
		decide(m, i);
	if (m->refused[0])
		return false;
	drop_extra(m);
	if (m->nslots == 0)
		gpt_meant_refuse(m, "no entry is left that can be meant");
	for (size_t i = 0; i < m->nslots; i++) {
		if (!is_placed(m, &m->slot[i]))
			place(m, &m->slot[i]);
	}
	if (!m->refused[0])
		part_all(m);
	if (!m->refused[0])
		check_contents(m);
	for (size_t i = 0; i < m->nslots; i++)
		m->slot[i].content = content_at(m, m->slot[i].first);
	gpt_meant_header(m);
	return !m->refused[0];
}
