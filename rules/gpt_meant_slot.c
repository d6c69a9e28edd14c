/* One slot of a table that is put together: which of the entries that the sources have in it is
 * meant.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_meant.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	SLOT = GPT_ENTRY_SIZE,
	MIB = 1 << 20,
	/* By so many bits more a place has to be aligned for that to say something. */
	MORE_BITS = 2,
	TYPE_DAMAGE_MAX = 4, /* bytes of a type's 16 */
};

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
	v.content = gpt_meant_content_level(m, v.first, v.last);
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
			gpt_meant_explain(s, "%s does not have it", v->from->name);
		else
			gpt_meant_explain(s, "%s says LBA %llu to %llu: %s",
					  v->from->name, LLU(v->first), LLU(v->last),
					  fault_of(m, v));
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
			gpt_meant_explain(s,
					  "%s has no possible end, %s no possible begin",
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
	gpt_meant_explain(s, "another slot of %s has it so", v->from->name);
	return true;
}

void gpt_meant_decide(struct gpt_meant *m, size_t i)
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

void gpt_meant_drop_extra(struct gpt_meant *m)
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
