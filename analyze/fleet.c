/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/fleet.h"
#include "analyze/source.h"

#include <stdlib.h>

#include "base/banned.h"

/* A claim without its text. */
struct entry {
	struct claim_key key, detail;
	uint64_t off, len, line;
	uint32_t by; /* of claimants */
	uint8_t space, kind;
	uint16_t flags;
};

struct fleet {
	struct arena arena;
	VEC(struct entry) v;
	VEC(struct claimant) claimants;
	VEC(const struct source *) sources; /* of the claimant's input */
	VEC(uint32_t) asked;
	bool full;
};

struct fleet *fleet_new(void)
{
	struct fleet *f = calloc(1, sizeof(*f));

	if (!f)
		out_of_memory();
	arena_init(&f->arena, SIZE_MAX);
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	arena_free(&f->arena);
	free(f);
}

bool fleet_full(const struct fleet *f)
{
	return f->full;
}

/* ---- adding ---- */

/* Claims on files meet, whatever they are for, and so do those on a folder. */
static uint8_t space_of(enum claim_kind k)
{
	return k <= CLAIM_OUTPUT    ? CLAIM_DISK
	       : k >= CLAIM_MISSING ? CLAIM_MISSING
				    : (uint8_t)k;
}

static const struct source *add_source(struct fleet *f, const char *path)
{
	struct source *s = arena_new(&f->arena, struct source);

	*s = (struct source){ .path = path, .fd = -1 };
	return s;
}

void fleet_add(struct fleet *f, const struct claims *c, const char *path)
{
	const struct source *src = c->v.n ? add_source(f, path) : NULL;
	size_t base = f->claimants.n, n = 0;

	if (c->full || f->v.n + c->v.n > FLEET_CLAIMS_MAX ||
	    base + c->nclaimants > FLEET_CLAIMANTS_MAX) {
		f->full = true;
		return;
	}
	if (!src)
		return;
	for (size_t i = 0; i < c->v.n; i++) {
		const struct claim *x = c->v.v[i];

		/* Those who claim nothing are not kept. */
		while (n <= x->by->index) {
			*vec_add(&f->claimants, &f->arena) = (struct claimant){ 0 };
			*vec_add(&f->sources, &f->arena) = src;
			n++;
		}
		f->claimants.v[base + x->by->index] = *x->by;
		*vec_add(&f->v, &f->arena) =
			(struct entry){ .key = x->key,
					.detail = x->detail,
					.off = x->at.off,
					.len = x->at.len,
					.line = x->line,
					.by = (uint32_t)(base + x->by->index),
					.space = space_of(x->kind),
					.kind = (uint8_t)x->kind,
					.flags = (uint16_t)x->flags };
	}
}

/* ---- settling ---- */

static int cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_thing(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	if (x->key.hi != y->key.hi)
		return cmp_u64(x->key.hi, y->key.hi);
	return cmp_u64(x->key.lo, y->key.lo);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool differ(const struct fleet *f, const struct entry *a, const struct entry *b)
{
	return claimants_differ(&f->claimants.v[a->by], &f->claimants.v[b->by],
				(enum claim_kind)a->kind);
}

/* Is a missed by another input too, and is a the first, where something else is there? */
static bool is_missed(const struct fleet *f, const struct entry *v, size_t n, size_t a)
{
	bool also = false, present = false;

	for (size_t i = 0; i < n && v[a].kind == CLAIM_MISSING; i++) {
		bool other =
			f->claimants.v[v[i].by].input != f->claimants.v[v[a].by].input;

		present = present || v[i].kind == CLAIM_PRESENT;
		if (v[i].kind != CLAIM_MISSING || !other ||
		    v[i].detail.hi != v[a].detail.hi || v[i].detail.lo != v[a].detail.lo)
			continue;
		if (i < a)
			return false;
		also = true;
	}
	return also && present;
}

/* Of one that writes to a file: is it the first that does, or written beneath others? */
static bool is_in_the_way(const struct fleet *f, const struct entry *v, size_t n,
			  size_t a)
{
	bool others = false, earlier = false;

	for (size_t i = 0; i < n && (v[a].flags & CLAIM_WRITES); i++) {
		if (v[i].by == v[a].by)
			continue;
		if (v[i].kind != CLAIM_DISK)
			return true;
		if (!(v[i].flags & (CLAIM_WRITES | CLAIM_READS)) ||
		    !differ(f, &v[a], &v[i]))
			continue;
		others = true;
		earlier = earlier || (i < a && (v[i].flags & CLAIM_WRITES));
	}
	return others && !earlier;
}

/* May a rule have something to say of a? */
static bool is_asked(const struct fleet *f, const struct entry *v, size_t n, size_t a)
{
	if (v[a].space == CLAIM_MISSING)
		return is_missed(f, v, n, a);
	if (v[a].space == CLAIM_DISK)
		return is_in_the_way(f, v, n, a);
	for (size_t i = a + 1; i < n; i++) {
		if (v[i].by != v[a].by && differ(f, &v[a], &v[i]))
			return true;
	}
	return false;
}

/* Each thing's claims are in the order in which they were added. */
static void settle_one(struct fleet *f, const struct entry *v, size_t n)
{
	n = n < FLEET_RIVALS_MAX ? n : FLEET_RIVALS_MAX;
	for (size_t i = 0; n > 1 && i < n; i++) {
		if (is_asked(f, v, n, i))
			*vec_add(&f->asked, &f->arena) = f->claimants.v[v[i].by].input;
	}
}

const uint32_t *fleet_settle(struct fleet *f, size_t *n)
{
	size_t kept = 0;

	vec_sort(&f->v, by_thing);
	for (size_t i = 0, k; i < f->v.n; i = k) {
		for (k = i + 1; k < f->v.n && by_thing(&f->v.v[i], &f->v.v[k]) == 0; k++)
			;
		settle_one(f, &f->v.v[i], k - i);
	}
	if (f->asked.n)
		vec_sort(&f->asked, by_number);
	for (size_t i = 0; i < f->asked.n; i++) {
		if (i == 0 || f->asked.v[i] != f->asked.v[i - 1])
			f->asked.v[kept++] = f->asked.v[i];
	}
	*n = kept;
	return f->asked.v;
}

/* ---- answering ---- */

static bool is_before(const struct claimant *by, const struct entry *e,
		      const struct claim *c)
{
	if (by->input != c->by->input)
		return by->input < c->by->input;
	return e->off < c->at.off;
}

static void attach(const struct fleet *f, struct claim *c, struct arena *a)
{
	const struct entry key = { .space = space_of(c->kind), .key = c->key };
	size_t from = vec_find(&f->v, &key, by_thing), to = from;
	struct rival *v;

	while (to < f->v.n && to - from < FLEET_RIVALS_MAX &&
	       by_thing(&f->v.v[to], &key) == 0)
		to++;
	v = arena_array(a, to - from, struct rival);
	c->rivals = v;
	for (size_t i = from; i < to; i++) {
		const struct entry *e = &f->v.v[i];
		const struct claimant *by = &f->claimants.v[e->by];
		const struct source *src = f->sources.v[e->by];

		if (by->input == c->by->input && by->index == c->by->index)
			continue;
		v[c->nrivals++] = (struct rival){ .by = by,
						  .src = src,
						  .at = { src, e->off, e->len },
						  .line = e->line,
						  .kind = (enum claim_kind)e->kind,
						  .flags = e->flags,
						  .detail = e->detail,
						  .before = is_before(by, e, c) };
	}
}

void fleet_attach(const struct fleet *f, struct claims *c)
{
	for (size_t i = 0; i < c->v.n; i++)
		attach(f, c->v.v[i], &c->arena);
}
