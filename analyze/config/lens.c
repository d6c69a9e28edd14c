/* Lenses: paths of the model's fields in a node tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/node.h"

#include "base/banned.h"

/* The part of s before the first c, and s moved behind it. */
static struct str cut_at(struct str *s, char c)
{
	const char *found = memchr(s->p, c, s->n);
	struct str head = *s;

	if (found) {
		head.n = (size_t)(found - s->p);
		s->p = found + 1;
		s->n -= head.n + 1;
	} else {
		*s = (struct str){ s->p + s->n, 0 };
	}
	return head;
}

bool lens_path(const struct lens *l, size_t i, struct lens_path *out)
{
	struct str rest = str_of(l->path), one = { 0 }, elements;

	for (size_t skip = 0; skip <= i; skip++) {
		if (rest.n == 0)
			return false;
		one = cut_at(&rest, '|');
	}
	*out = (struct lens_path){ .presence = str_ends(one, "?") };
	if (out->presence)
		one.n--;
	elements = cut_at(&one, '@');
	out->attribute = one;
	while (elements.n) {
		BUG_ON(out->n == LENS_STEPS_MAX);
		out->steps[out->n++] = cut_at(&elements, '/');
	}
	return true;
}

/* n or the first behind it of that name: an attribute, or an element or member. */
static const struct node *next_named(const struct node *n, struct str name,
				     bool attribute)
{
	for (; n; n = n->next) {
		if (attribute ? n->kind != NODE_ATTRIBUTE : !node_is_content(n))
			continue;
		if (n->ns.n == 0 && str_eq(n->key, name))
			return n;
	}
	return NULL;
}

/* What the path means at its last element, or NULL. */
static const struct node *value_at(const struct lens_path *p, const struct node *n)
{
	if (p->attribute.n)
		return next_named(n->first, p->attribute, true);
	/* <x></x> says nothing, "x": "" does. */
	return p->presence || n->text.n || n->kind != NODE_ELEMENT ? n : NULL;
}

/* The one that counts of those of that name. */
static const struct node *first_named(const struct node *owner, struct str name,
				      bool attribute)
{
	const struct node *n = next_named(owner->first, name, attribute), *later = n;

	while (later && node_last_wins(owner)) {
		n = later;
		later = next_named(n->next, name, attribute);
	}
	return n;
}

/* Depth first, so that a second <features> is looked into when the first has nothing. */
static const struct node *find(const struct lens_path *p, size_t step,
			       const struct node *n)
{
	const struct node *found;

	if (step == p->n)
		return value_at(p, n);
	for (n = first_named(n, p->steps[step], false); n;
	     n = next_named(n->next, p->steps[step], false)) {
		found = find(p, step + 1, n);
		if (found)
			return found;
	}
	return NULL;
}

const struct node *lens_find(const struct lens *l, const struct node *owner)
{
	const struct node *found = NULL;
	struct lens_path p;

	for (size_t i = 0; !found && lens_path(l, i, &p); i++)
		found = find(&p, 0, owner);
	return found;
}

const struct node *lens_deepest(const struct lens_path *p, const struct node *owner,
				size_t *found)
{
	for (*found = 0; *found < p->n; ++*found) {
		const struct node *child = first_named(owner, p->steps[*found], false);

		if (!child)
			break;
		owner = child;
	}
	return owner;
}

/* Configs are often templates of something else (Jinja, Terraform, envsubst, autoconf):
 * what stands there is not what the hypervisor will read. It is asked of every value, and
 * nearly none is one. */
bool text_is_variable(struct str s)
{
	const char *end;

	if (s.n < 2)
		return false;
	end = s.p + s.n;
	for (const char *p = s.p; (p = memchr(p, '{', (size_t)(end - p))); p++) {
		if ((p + 1 < end && (p[1] == '{' || p[1] == '%')) ||
		    (p > s.p && p[-1] == '$'))
			return true;
	}
	for (const char *p = s.p; (p = memchr(p, '<', (size_t)(end - p))); p++) {
		if (p + 1 < end && p[1] == '%')
			return true;
	}
	return s.n > 2 && s.p[0] == '@' && end[-1] == '@';
}

static void read_known(struct fact *f, const struct node *n, bool presence)
{
	/* A map or a list where a value belongs is what {{ x }} is to YAML. */
	bool plain = n->kind == NODE_ELEMENT || n->kind == NODE_ATTRIBUTE ||
		     n->kind == NODE_SCALAR;

	f->v = presence ? STR("yes") : n->text;
	f->at = presence ? n->whole : node_value_at(n);
	f->state = !presence && (!plain || text_is_variable(n->text)) ? FACT_UNKNOWN
								      : FACT_KNOWN;
	/* "key:" and "key": null say that there is no value. */
	if (!presence && n->kind == NODE_SCALAR && n->type == SCALAR_NULL) {
		f->v = (struct str){ 0 };
		f->state = FACT_ABSENT;
	}
}

/* owner: the deepest node there is on the way. */
static void read_absent(struct fact *f, const struct node *owner)
{
	f->at = owner->open_at;
	/* {% include %} and the like may stand for anything. */
	f->state = FACT_ABSENT;
	if (node_is_open(owner) || text_is_variable(owner->text))
		f->state = FACT_UNKNOWN;
	/* A list, or a value, where a map belongs. */
	if (owner->kind == NODE_LIST ||
	    (owner->kind == NODE_SCALAR && owner->type != SCALAR_NULL))
		f->state = FACT_UNKNOWN;
}

/* "@x", "a@x" and "a", as most of them are; no attribute: the value of a itself. */
static bool is_short(const char *path, struct str *element, struct str *attribute)
{
	size_t n = strcspn(path, "@/|?");

	*element = (struct str){ path, n };
	*attribute = (struct str){ 0 };
	if (path[n] == '\0')
		return n != 0;
	if (path[n] != '@' || strchr(path + n, '|'))
		return false;
	*attribute = str_of(path + n + 1);
	return true;
}

static void ask_short(struct fact *f, const struct node *owner, struct str element,
		      struct str attribute)
{
	const struct node *first = element.n ? first_named(owner, element, false) : owner,
			  *found = NULL;

	for (const struct node *e = first; e && !found;
	     e = element.n ? next_named(e->next, element, false) : NULL) {
		if (attribute.n)
			found = next_named(e->first, attribute, true);
		else if (e->text.n || e->kind != NODE_ELEMENT)
			found = e;
	}
	if (found)
		read_known(f, found, false);
	else
		read_absent(f, first ? first : owner);
}

static void ask_long(struct fact *f, const struct node *owner, const struct lens *l)
{
	const struct node *found = lens_find(l, owner);
	struct lens_path p;
	size_t steps;

	if (found)
		read_known(f, found, str_ends(str_of(l->path), "?"));
	else if (lens_path(l, 0, &p))
		read_absent(f, lens_deepest(&p, owner, &steps));
	else
		read_absent(f, owner);
}

struct fact lens_ask(const struct node *owner, const struct lens *l)
{
	struct fact f = { .owner = owner, .lens = l };
	struct str element, attribute;

	if (is_short(l->path, &element, &attribute))
		ask_short(&f, owner, element, attribute);
	else
		ask_long(&f, owner, l);
	return f;
}

void lens_read(const struct lens *table, size_t n, const struct node *owner, void *object)
{
	for (size_t i = 0; i < n; i++) {
		struct fact *f = (void *)((char *)object + table[i].offset);

		*f = lens_ask(owner, &table[i]);
	}
}
