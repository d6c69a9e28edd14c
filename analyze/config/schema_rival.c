/* What two things in a document do not go together, by asking what would be if one of them
 * were not so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/schema_why.h"

#include "base/banned.h"

enum {
	SIBLINGS_MAX = 64, /* that are tried */
	LEVELS_MAX = 3,    /* elements whose attributes are */
};

/* What is left before `upto` in `to`, or behind its start tag, when the attribute wild of
 * `from`, or of one between, may be any. As deep as LEVELS_MAX.
 * NOLINTNEXTLINE(misc-no-recursion) */
const struct rng *schema_again(struct walk *w, const struct frame *to,
			       const struct frame *from, const struct node *wild,
			       const struct node *upto)
{
	const struct rng *before =
		to == from ? from->before : schema_again(w, to->up, from, wild, NULL);

	return schema_enter(w, before, to->node, wild, upto);
}

bool schema_fits(struct walk *w, const struct rng *now, const struct node *n)
{
	if (n->kind == NODE_ELEMENT)
		return !is_none(rng_open(&w->pool, now, schema_name(n)));
	return !is_none(rng_attribute(&w->pool, now, schema_name(n), schema_text(w, n)));
}

static const struct node *end_of(const struct node *n)
{
	return n->kind == NODE_ATTRIBUTE ? n : NULL;
}

/* An attribute of `from` but for whose value n would fit. */
static const struct node *one_attribute(struct walk *w, const struct frame *in,
					const struct frame *from, const struct node *n)
{
	for_each_node (c, from->node) {
		if (c == n || c->kind != NODE_ATTRIBUTE)
			break;
		if (schema_is_attribute(c) &&
		    schema_fits(w, schema_again(w, in, from, c, end_of(n)), n))
			return c;
	}
	return NULL;
}

/* One that `from` does not have, with which n would fit. */
static const char *missing_attribute(struct walk *w, const struct frame *in,
				     const struct frame *from, const struct node *n)
{
	const struct rng *open =
		rng_open(&w->pool, from->before, schema_name(from->node));
	struct patterns all = { 0 };
	const char *found = NULL;

	schema_gather(w, open, RNG_ATTRIBUTE, &all);
	w->given = from->node;
	for (size_t i = 0; i < all.n && !found; i++) {
		const struct rng_name *name = all.v[i]->name;

		if (!name || name->kind != RNG_NAME_ONE)
			continue;
		w->given_name = name->name;
		if (schema_fits(w, schema_again(w, in, from, NULL, end_of(n)), n))
			found = arena_str(w->a, name->name.local);
	}
	w->given = NULL;
	return found;
}

/* What stands in `in`, or in an element around it, but for which n would fit: one attribute,
 * one that is missing, or several together. */
struct rival schema_rival(struct walk *w, const struct frame *in, const struct node *n)
{
	const struct frame *levels[LEVELS_MAX];
	size_t nlevels = 0;

	for (const struct frame *f = in; f && nlevels < LEVELS_MAX; f = f->up)
		levels[nlevels++] = f;
	for (size_t i = 0; i < nlevels; i++) {
		const struct node *one = one_attribute(w, in, levels[i], n);

		if (one)
			return (struct rival){ one, NULL };
	}
	for (size_t i = 0; i < nlevels; i++) {
		const char *lacks = missing_attribute(w, in, levels[i], n);

		if (lacks)
			return (struct rival){ levels[i]->node, lacks };
	}
	for (size_t i = 0; i < nlevels; i++) {
		const struct node *element = levels[i]->node;

		if (schema_fits(w, schema_again(w, in, levels[i], element, end_of(n)), n))
			return (struct rival){ element, NULL };
	}
	return (struct rival){ NULL, NULL };
}

/* The same for the text of in's element, when that is all it has. */
const struct node *schema_rival_of_text(struct walk *w, const struct frame *in)
{
	struct rng_text text = schema_text(w, in->node);
	const struct frame *from = in;

	for (int level = 0; from && level < LEVELS_MAX; from = from->up, level++) {
		for_each_node (c, from->node) {
			const struct rng *now;

			if (!schema_is_attribute(c))
				continue;
			now = schema_again(w, in, from, c, NULL);
			now = rng_only_text(&w->pool, now, text);
			if (!is_none(rng_end(&w->pool, now)))
				return c;
		}
	}
	return NULL;
}

/* The child before n but for which n could stand there. */
const struct node *schema_rival_child(struct walk *w, const struct frame *in,
				      const struct node *n, bool same_name)
{
	size_t tried = 0;

	for_each_node (c, in->node) {
		const struct rng *next;

		if (c == n || tried == SIBLINGS_MAX)
			break;
		if (c->kind != NODE_ELEMENT || !schema_fits(w, in->inside, c) ||
		    same_name != (str_eq(c->key, n->key) && str_eq(c->ns, n->ns)))
			continue;
		tried++;
		next = schema_pass(w, in->inside, c);
		if (!schema_fits(w, next, n))
			return c;
	}
	return NULL;
}
