/* What is the matter where nothing is left of the schema: no such name, one too many, a
 * value, something that is missing, or two things that do not go together. The last is found
 * by asking what would be if the other were not so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/schema_why.h"
#include "base/suggest.h"

#include "base/banned.h"

static struct suggestion near(struct walk *w, struct str word, const struct words *words)
{
	struct suggestion s = { .word = arena_str(&w->scratch, word) };

	for (size_t i = 0; i < words->n; i++)
		suggest(&s, words->v[i]);
	return s;
}

static const char *nearest(struct walk *w, struct str word, const struct words *words)
{
	return near(w, word, words).best;
}

struct schema_fault *schema_add(struct walk *w, enum schema_fault_kind kind,
				const struct node *n, const struct words *words)
{
	struct schema_fault *f = vec_add(&w->faults, w->a);

	*f = (struct schema_fault){ .kind = kind, .node = n };
	if (words) {
		f->words = words->v;
		f->nwords = words->n < SCHEMA_WORDS_MAX ? words->n : SCHEMA_WORDS_MAX;
		f->more = words->n > SCHEMA_WORDS_MAX;
	}
	return f;
}

/* One of an element is enough: what else does not go with the same has the same cause. */
static void add_clash(struct walk *w, const struct node *n, struct rival rival,
		      const struct words *words, bool names)
{
	const struct schema_fault *last =
		w->faults.n ? &w->faults.v[w->faults.n - 1] : NULL;
	struct schema_fault *f;

	if (last && last->kind == SCHEMA_CLASH && last->other == rival.node &&
	    last->node->up == n->up)
		return;
	f = schema_add(w, SCHEMA_CLASH, n, words);
	f->other = rival.node;
	f->lacks = rival.lacks;
	f->names = names;
}

/* Nobody listens, or what nothing is left of is only our patience. */
bool schema_is_deaf(const struct walk *w)
{
	return w->quiet || w->pool.over || w->faults.n == SCHEMA_FAULTS_MAX;
}

/* ---- elements ---- */

/* The name of the only one of these that has such a child, and is not called like the one
 * that it stands in; else NULL. */
static const char *only_home(struct walk *w, const struct patterns *p,
			     const struct frame *in, struct rng_qname name)
{
	const char *own = arena_str(&w->scratch, in->node->key);
	struct words homes = { 0 };

	for (size_t i = 0; i < p->n && homes.n < 2; i++) {
		struct patterns children = { 0 };

		schema_gather(w, p->v[i]->a, RNG_ELEMENT, &children);
		if (schema_is_named(&children, name))
			schema_add_names(w, &homes, p->v[i]->name);
	}
	return homes.n == 1 && strcmp(homes.v[0], own) != 0 ? homes.v[0] : NULL;
}

/* An element around it, one beside it, or the only one of all. */
static const char *home_of(struct walk *w, const struct frame *in, const struct node *n)
{
	struct patterns own = schema_meanings(w, in), beside;
	struct patterns all = { 0 };
	const char *home;

	for (const struct frame *f = in->up; f; f = f->up) {
		struct patterns p = schema_meanings(w, f);

		p = schema_within(w, &p, RNG_ELEMENT);
		if (schema_is_named(&p, schema_name(n)) &&
		    !str_eq(f->node->key, in->node->key))
			return arena_str(w->a, f->node->key);
	}
	beside = schema_within(w, &own, RNG_ELEMENT);
	home = only_home(w, &beside, in, schema_name(n));
	if (home)
		return home;
	for (size_t i = 0; i < w->g->elements.n; i++)
		*vec_add(&all, &w->scratch) = w->g->elements.v[i];
	return only_home(w, &all, in, schema_name(n));
}

/* Another one than the document's must be is no domain, or its namespace is not. */
static void why_root(struct walk *w, const struct node *n)
{
	struct patterns first = { 0 };
	struct words names;

	schema_gather(w, w->g->start, RNG_ELEMENT, &first);
	names = schema_names_of(w, &first);
	schema_add(w, SCHEMA_ROOT, n, &names);
}

static void why_no_element(struct walk *w, const struct frame *in, const struct node *n,
			   const struct patterns *all, const struct rng *now)
{
	struct words open = schema_openable(w, now), names = schema_names_of(w, all);
	struct schema_fault *f = schema_add(w, SCHEMA_NO_ELEMENT, n, &open);
	struct suggestion meant = near(w, n->key, &open);

	if (!meant.best)
		meant = near(w, n->key, &names);
	/* A name that there is elsewhere is hardly a mistake in two letters. */
	if (!meant.best || meant.distance > 1)
		f->home = home_of(w, in, n);
	f->meant = f->home ? NULL : meant.best;
}

void schema_why_element(struct walk *w, const struct frame *in, const struct node *n,
			const struct rng *now)
{
	struct patterns own, all;
	struct rival first;
	struct schema_fault *f;
	struct words open;

	if (schema_is_deaf(w))
		return;
	if (!in) {
		why_root(w, n);
		return;
	}
	own = schema_meanings(w, in);
	all = schema_within(w, &own, RNG_ELEMENT);
	if (!schema_has_name(&all, schema_name(n))) {
		why_no_element(w, in, n, &all, now);
		return;
	}
	if (schema_fits(w, in->inside, n)) {
		const struct node *same = schema_rival_child(w, in, n, true);

		if (same) {
			f = schema_add(w, SCHEMA_TWICE, n, NULL);
			f->other = same;
			return;
		}
		first = (struct rival){ schema_rival_child(w, in, n, false), NULL };
	} else {
		first = schema_rival(w, in, n);
	}
	open = schema_openable(w, now);
	add_clash(w, n, first, &open, true);
}

/* ---- attributes ---- */

/* The element around it, or the only child, that has it. */
static const char *home_of_attribute(struct walk *w, const struct frame *in,
				     const struct patterns *own, const struct node *n)
{
	struct patterns children = schema_within(w, own, RNG_ELEMENT), up, theirs;
	struct words homes = { 0 };

	if (in->up) {
		up = schema_meanings(w, in->up);
		theirs = schema_within(w, &up, RNG_ATTRIBUTE);
		if (schema_is_named(&theirs, schema_name(n)))
			return arena_str(w->a, in->up->node->key);
	}
	for (size_t i = 0; i < children.n; i++) {
		struct patterns one = { 0 };

		schema_gather(w, children.v[i]->a, RNG_ATTRIBUTE, &one);
		if (schema_is_named(&one, schema_name(n)))
			schema_add_names(w, &homes, children.v[i]->name);
	}
	return homes.n == 1 ? homes.v[0] : NULL;
}

const struct rng *schema_why_attribute(struct walk *w, const struct frame *in,
				       const struct node *n, const struct rng *now)
{
	const struct rng_text any = { 0 };
	struct patterns own, all;
	struct words left, names;
	struct schema_fault *f;
	const struct rng *next;

	if (schema_is_deaf(w))
		return now;
	own = schema_meanings(w, in);
	all = schema_within(w, &own, RNG_ATTRIBUTE);
	left = schema_attributes(w, now);
	if (schema_has_name(&all, schema_name(n))) {
		add_clash(w, n, schema_rival(w, in, n), &left, true);
		return now;
	}
	names = schema_names_of(w, &all);
	f = schema_add(w, SCHEMA_NO_ATTRIBUTE, n, &left);
	f->meant = nearest(w, n->key, &left);
	if (!f->meant)
		f->meant = nearest(w, n->key, &names);
	if (!f->meant) {
		f->home = home_of_attribute(w, in, &own, n);
		return now;
	}
	next = rng_attribute(&w->pool, now,
			     (struct rng_qname){ .local = str_of(f->meant) }, any);
	return is_none(next) ? now : next;
}

/* ---- values ---- */

/* What the text of n may be: of all attributes of its name, or in the element itself. */
static struct patterns texts(struct walk *w, const struct node *n, const struct rng *now)
{
	struct patterns attributes = { 0 }, all = { 0 };

	if (n->kind != NODE_ATTRIBUTE) {
		schema_gather(w, now, RNG_TEXT, &all);
		return all;
	}
	schema_gather(w, now, RNG_ATTRIBUTE, &attributes);
	for (size_t i = 0; i < attributes.n; i++) {
		if (rng_name_has(attributes.v[i]->name, schema_name(n)))
			schema_gather(w, attributes.v[i]->a, RNG_TEXT, &all);
	}
	return all;
}

void schema_why_value(struct walk *w, const struct frame *in, const struct node *n,
		      const struct rng *now)
{
	struct patterns may;
	struct words words;
	struct rival rival = { 0 };
	struct schema_fault *f;

	if (schema_is_deaf(w))
		return;
	may = texts(w, n, now);
	words = schema_values_of(w, &may);
	if (n->kind == NODE_ATTRIBUTE)
		rival = schema_rival(w, in, n);
	else
		rival.node = schema_rival_of_text(w, in);
	if (rival.node) {
		add_clash(w, n, rival, &words, false);
		return;
	}
	f = schema_add(w, may.n ? SCHEMA_VALUE : SCHEMA_TEXT, n, &words);
	f->meant = nearest(w, n->text, &words);
}
