/* Lenses: paths of the model's fields in a node tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/lens.h"
#include "analyze/config/node.h"

#include <limits.h>

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

/* The one that counts of those of that name. */
static const struct node *first_named(const struct node *owner, struct str name)
{
	const struct node *n, *later;

	if (!node_may_have(owner, name))
		return NULL;
	later = n = next_named(owner->first, name, false);
	while (later && node_last_wins(owner)) {
		n = later;
		later = next_named(n->next, name, false);
	}
	return n;
}

/* The name that a path goes on with; empty: the next element is the last one. Paths are
 * read where they stand, since every rule asks for some: lens_path() is for writing. */
static struct str name_at(const char *path)
{
	static const bool stops[UCHAR_MAX + 1] = {
		['\0'] = true, ['/'] = true, ['@'] = true, ['?'] = true, ['|'] = true
	};
	size_t n = 0;

	while (!stops[(unsigned char)path[n]])
		n++;
	return (struct str){ path, n };
}

static const char *after(struct str name)
{
	const char *end = name.p + name.n;

	return *end == '/' ? end + 1 : end;
}

/* What the path means at its last element, or NULL. */
static const struct node *value_at(const char *path, const struct node *n)
{
	struct str attribute;

	if (*path == '@') {
		attribute = name_at(path + 1);
		return node_may_have(n, attribute) ? next_named(n->first, attribute, true)
						   : NULL;
	}
	/* <x></x> says nothing, "x": "" does. */
	return *path == '?' || n->text.n || n->kind != NODE_ELEMENT ? n : NULL;
}

/* Depth first, so that a second <features> is looked into when the first has nothing. */
static const struct node *find(const char *path, const struct node *n)
{
	struct str name = name_at(path);
	const struct node *found;

	if (!name.n)
		return value_at(path, n);
	for (n = first_named(n, name); n; n = next_named(n->next, name, false)) {
		found = find(after(name), n);
		if (found)
			return found;
	}
	return NULL;
}

/* *way: the alternative that it was found by. */
static const struct node *find_any(const char *path, const struct node *owner,
				   const char **way)
{
	const struct node *found;

	for (*way = path; *path; *way = path) {
		found = find(path, owner);
		if (found)
			return found;
		path = strchr(path, '|');
		if (!path)
			break;
		path++;
	}
	return NULL;
}

const struct node *lens_find(const struct lens *l, const struct node *owner)
{
	const char *way;

	return find_any(l->path, owner, &way);
}

/* The deepest element there is on the way of the path's first alternative. */
static const struct node *deepest(const char *path, const struct node *owner)
{
	for (;;) {
		struct str name = name_at(path);
		const struct node *child = name.n ? first_named(owner, name) : NULL;

		if (!child)
			return owner;
		owner = child;
		path = after(name);
	}
}

const struct node *lens_deepest(const struct lens_path *p, const struct node *owner,
				size_t *found)
{
	for (*found = 0; *found < p->n; ++*found) {
		const struct node *child = first_named(owner, p->steps[*found]);

		if (!child)
			break;
		owner = child;
	}
	return owner;
}

/* Letters, digits and low lines: the name of something. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return s.n != 0;
}

/* The whole of s is $name, $(name), {name}, __name__, %name%, %(name)s, or %s and the like. */
static bool is_placeholder(struct str s)
{
	static const char *const forms[][2] = { { "$(", ")" },  { "%(", ")s" },
						{ "%(", ")d" }, { "{", "}" },
						{ "__", "__" }, { "%%", "%%" },
						{ "%", "%" },   { "$", "" } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t before = strlen(forms[i][0]),
		       around = before + strlen(forms[i][1]);

		if (s.n > around && str_starts(s, forms[i][0]) &&
		    str_ends(s, forms[i][1]) &&
		    is_name((struct str){ s.p + before, s.n - around }))
			return true;
	}
	return str_among(s, "%s %d %i %u");
}

/* VM_NAME: what sed is told to look for. No word that anybody reads is written so. */
static bool is_shouted(struct str s)
{
	bool low_line = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9' && i) && c != '_')
			return false;
		low_line |= c == '_' && i && i + 1 < s.n;
	}
	return low_line;
}

/* Configs are often templates of something else (Jinja, Terraform, envsubst, autoconf,
 * printf): what stands there is not what the hypervisor will read. It is asked of every value, and
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
	if (s.p[0] == '@')
		return s.n > 2 && end[-1] == '@';
	if (s.p[0] >= 'A' && s.p[0] <= 'Z')
		return is_shouted(s);
	return memchr("${_%", s.p[0], 4) && is_placeholder(s);
}

static void read_known(struct fact *f, const struct node *n, bool presence)
{
	/* A map or a list where a value belongs is what {{ x }} is to YAML. */
	bool plain = n->kind == NODE_ELEMENT || n->kind == NODE_ATTRIBUTE ||
		     n->kind == NODE_SCALAR;

	f->v = presence ? STR("yes") : n->text;
	f->at = presence ? n->whole : node_value_at(n);
	f->state =
		!presence && (!plain || node_is_variable(n)) ? FACT_UNKNOWN : FACT_KNOWN;
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
	if (node_is_open(owner) || node_is_variable(owner))
		f->state = FACT_UNKNOWN;
	/* A list, or a value, where a map belongs. */
	if (owner->kind == NODE_LIST ||
	    (owner->kind == NODE_SCALAR && owner->type != SCALAR_NULL))
		f->state = FACT_UNKNOWN;
}

static bool is_presence(const char *path, const struct node *found)
{
	if (found->kind == NODE_ATTRIBUTE)
		return false;
	while (*path && *path != '|' && *path != '?')
		path++;
	return *path == '?';
}

struct fact lens_ask(const struct node *owner, const struct lens *l)
{
	struct fact f = { .owner = owner, .lens = l };
	const char *way;
	const struct node *found = find_any(l->path, owner, &way);

	if (found)
		read_known(&f, found, is_presence(way, found));
	else
		read_absent(&f, deepest(l->path, owner));
	return f;
}

void lens_read(const struct lens *table, size_t n, const struct node *owner, void *object)
{
	for (size_t i = 0; i < n; i++) {
		struct fact *f = (void *)((char *)object + table[i].offset);

		*f = lens_ask(owner, &table[i]);
	}
}
