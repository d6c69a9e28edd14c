/* What there is in the patterns of a schema: names, and words for values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/schema_why.h"

#include "base/banned.h"

/* ---- what there is in a pattern ---- */

bool schema_is_text(const struct rng *r)
{
	return r->kind == RNG_VALUE || r->kind == RNG_DATA || r->kind == RNG_TEXT;
}

/* Those of a kind, RNG_TEXT: all kinds of text; of what is open now, and not behind the
 * element. As deep as patterns are. NOLINTNEXTLINE(misc-no-recursion) */
void schema_gather(struct walk *w, const struct rng *r, enum rng_kind kind,
		   struct patterns *out)
{
	if (out->seen++ > SCHEMA_GATHER_MAX)
		return;
	if (r->kind == kind || (kind == RNG_TEXT && schema_is_text(r))) {
		for (size_t i = 0; i < out->n; i++) {
			if (out->v[i] == r)
				return;
		}
		*vec_add(out, &w->scratch) = r;
		return;
	}
	if (r->kind == RNG_ELEMENT || r->kind == RNG_ATTRIBUTE || r->kind == RNG_DATA)
		return;
	if (r->a)
		schema_gather(w, r->a, kind, out);
	if (r->b && r->kind != RNG_AFTER)
		schema_gather(w, r->b, kind, out);
}

/* All elements that f's may be, whatever else stands around it. As deep as elements are.
 * NOLINTNEXTLINE(misc-no-recursion) */
struct patterns schema_meanings(struct walk *w, const struct frame *f)
{
	struct patterns in = { 0 }, all = { 0 }, own = { 0 };

	if (f->up) {
		in = schema_meanings(w, f->up);
		for (size_t i = 0; i < in.n; i++)
			schema_gather(w, in.v[i]->a, RNG_ELEMENT, &all);
	} else {
		schema_gather(w, w->g->start, RNG_ELEMENT, &all);
	}
	for (size_t i = 0; i < all.n; i++) {
		if (rng_name_has(all.v[i]->name, schema_name(f->node)))
			*vec_add(&own, &w->scratch) = all.v[i];
	}
	return own;
}

/* What is within those. */
struct patterns schema_within(struct walk *w, const struct patterns *p,
			      enum rng_kind kind)
{
	struct patterns all = { 0 };

	for (size_t i = 0; i < p->n; i++)
		schema_gather(w, p->v[i]->a, kind, &all);
	return all;
}

bool schema_has_name(const struct patterns *p, struct rng_qname name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (rng_name_has(p->v[i]->name, name))
			return true;
	}
	return false;
}

bool schema_is_named(const struct patterns *p, struct rng_qname name)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct rng_name *n = p->v[i]->name;

		if (n && n->kind == RNG_NAME_ONE && rng_name_has(n, name))
			return true;
	}
	return false;
}

/* ---- words ---- */

static void add_word(struct walk *w, struct words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++) {
		if (strcmp(words->v[i], word) == 0)
			return;
	}
	*vec_add(words, w->a) = word;
}

/* Names of a class of more than one are no words. NOLINTNEXTLINE(misc-no-recursion) */
void schema_add_names(struct walk *w, struct words *words, const struct rng_name *n)
{
	if (n && n->kind == RNG_NAME_ONE)
		add_word(w, words, arena_str(w->a, n->name.local));
	if (n && n->kind == RNG_NAME_CHOICE) {
		schema_add_names(w, words, n->a);
		schema_add_names(w, words, n->b);
	}
}

struct words schema_names_of(struct walk *w, const struct patterns *p)
{
	struct words words = { 0 };

	for (size_t i = 0; i < p->n; i++)
		schema_add_names(w, &words, p->v[i]->name);
	return words;
}

/* Elements that may come now. */
struct words schema_openable(struct walk *w, const struct rng *now)
{
	struct patterns all = { 0 }, open = { 0 };

	schema_gather(w, now, RNG_ELEMENT, &all);
	for (size_t i = 0; i < all.n; i++) {
		const struct rng_name *n = all.v[i]->name;

		if (n && n->kind == RNG_NAME_ONE &&
		    !is_none(rng_open(&w->pool, now, n->name)))
			*vec_add(&open, &w->scratch) = all.v[i];
	}
	return schema_names_of(w, &open);
}

/* The attributes that may still come. */
struct words schema_attributes(struct walk *w, const struct rng *now)
{
	struct patterns left = { 0 };

	schema_gather(w, now, RNG_ATTRIBUTE, &left);
	return schema_names_of(w, &left);
}

struct words schema_values_of(struct walk *w, const struct patterns *p)
{
	struct words words = { 0 };

	for (size_t i = 0; i < p->n; i++) {
		const char *says;

		if (p->v[i]->kind == RNG_VALUE) {
			add_word(w, &words, arena_str(w->a, p->v[i]->value));
			continue;
		}
		says = p->v[i]->kind == RNG_DATA ? rng_type_says(p->v[i]->type, w->a)
						 : NULL;
		if (says)
			add_word(w, &words, says);
	}
	return words;
}
