/* What a document lacks: the attributes and elements without which nothing is left.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/schema_why.h"

#include "base/banned.h"

enum { CHILDREN_MAX = 64 }; /* of an element that is read anew */

/* Those that must come before the start tag ends. NOLINTNEXTLINE(misc-no-recursion) */
static void needed_attributes(struct walk *w, const struct rng *r, struct patterns *out)
{
	if (!is_none(rng_close(&w->pool, r)) || out->seen++ > SCHEMA_GATHER_MAX)
		return;
	if (r->kind == RNG_ATTRIBUTE) {
		schema_gather(w, r, RNG_ATTRIBUTE, out);
		return;
	}
	if (r->a)
		needed_attributes(w, r->a, out);
	if (r->b && r->kind != RNG_AFTER)
		needed_attributes(w, r->b, out);
}

/* Those that must come before the element ends. NOLINTNEXTLINE(misc-no-recursion) */
static void needed_content(struct walk *w, const struct rng *r, struct patterns *out)
{
	if (r->nullable || out->seen++ > SCHEMA_GATHER_MAX)
		return;
	if (r->kind == RNG_ELEMENT || r->kind == RNG_LIST || schema_is_text(r)) {
		schema_gather(w, r, r->kind, out);
		return;
	}
	if (r->a)
		needed_content(w, r->a, out);
	if (r->b && r->kind != RNG_AFTER)
		needed_content(w, r->b, out);
}

/* That alone would be enough. */
static bool completes(struct walk *w, const struct rng *now, const struct rng *part)
{
	const struct rng_text any = { 0 };
	const struct rng *next;

	if (!part->name || part->name->kind != RNG_NAME_ONE)
		return false;
	if (part->kind == RNG_ATTRIBUTE) {
		next = rng_attribute(&w->pool, now, part->name->name, any);
		return !is_none(rng_close(&w->pool, next));
	}
	next = rng_end_any(&w->pool, rng_open(&w->pool, now, part->name->name));
	return !is_none(rng_end(&w->pool, next));
}

/* Those of which one is enough; else the first. */
static struct words choose(struct walk *w, const struct rng *now,
			   const struct patterns *needed)
{
	struct patterns enough = { 0 };

	for (size_t i = 0; i < needed->n; i++) {
		if (completes(w, now, needed->v[i]))
			*vec_add(&enough, &w->scratch) = needed->v[i];
	}
	for (size_t i = 0; i < needed->n && enough.n == 0; i++) {
		if (needed->v[i]->name)
			*vec_add(&enough, &w->scratch) = needed->v[i];
	}
	return schema_names_of(w, &enough);
}

void schema_lacks_attribute(struct walk *w, const struct frame *in, const struct rng *now)
{
	struct patterns needed = { 0 };
	struct words words;
	struct schema_fault *f;

	if (schema_is_deaf(w))
		return;
	needed_attributes(w, now, &needed);
	words = choose(w, now, &needed);
	f = schema_add(w, SCHEMA_LACKS_ATTRIBUTE, in->node, &words);
	for_each_node (c, in->node) {
		/* As far as the end of the tag, which no attribute is. */
		if (schema_is_attribute(c) && !f->other &&
		    !is_none(rng_close(&w->pool, schema_again(w, in, in, c, in->node))))
			f->other = c;
	}
}

/* The attribute but for which all would be there. */
static const struct node *rival_of_lack(struct walk *w, const struct frame *in)
{
	const struct node *found = NULL;
	size_t children = 0;
	bool was = w->quiet;

	for_each_node (c, in->node)
		children += c->kind == NODE_ELEMENT;
	w->quiet = true;
	for_each_node (c, in->node) {
		struct frame f = *in;

		if (!schema_is_attribute(c) || found || children > CHILDREN_MAX)
			continue;
		f.inside = schema_again(w, in, in, c, NULL);
		if (!is_none(rng_end(&w->pool, schema_content(w, &f, f.inside))))
			found = c;
	}
	w->quiet = was;
	return found;
}

void schema_lacks_element(struct walk *w, const struct frame *in, const struct rng *now)
{
	struct patterns needed = { 0 };
	struct schema_fault *f;
	struct words words;
	bool any = false;

	if (schema_is_deaf(w))
		return;
	needed_content(w, now, &needed);
	for (size_t i = 0; i < needed.n; i++)
		any |= needed.v[i]->kind == RNG_ELEMENT;
	if (!any) {
		schema_why_value(w, in, in->node, in->inside);
		return;
	}
	words = choose(w, now, &needed);
	f = schema_add(w, SCHEMA_LACKS_ELEMENT, in->node, &words);
	f->other = rival_of_lack(w, in);
}
