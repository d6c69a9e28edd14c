/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/path.h"
#include "analyze/config/node.h"
#include "base/arena.h"
#include "base/banned.h"

/* The part of s up to the first slash, which s loses with it. */
static struct str cut_step(struct str *s)
{
	const char *slash = memchr(s->p, '/', s->n);
	struct str head = { s->p, slash ? (size_t)(slash - s->p) : s->n };

	s->p += head.n + (slash ? 1 : 0);
	s->n -= head.n + (slash ? 1 : 0);
	return head;
}

static const char *parse_steps(struct node_path *p, struct str s)
{
	while (s.n) {
		struct str step = cut_step(&s);

		if (step.n == 0)
			return "a name is missing between two slashes";
		if (str_is(step, "**"))
			return "** stands in front, or nowhere";
		if (p->n == NODE_PATH_STEPS)
			return "it has more than 16 steps";
		p->steps[p->n++] = step;
	}
	return p->n ? NULL : "it names nothing";
}

const char *node_path_parse(struct node_path *p, const char *text, struct arena *a)
{
	const char *at = strchr(text, '@'), *why;
	struct str s = str_of(arena_str(a, str_of(text))), last = { 0 };

	*p = (struct node_path){ 0 };
	if (strpbrk(text, "|?"))
		return "no name has a | or a ?";
	if (at && (!at[1] || strpbrk(at + 1, "/@")))
		return "an attribute's name, and nothing else, stands behind the @";
	if (at)
		s.n = (size_t)(at - text);
	if (str_starts(s, "**/")) {
		p->anywhere = true;
		s.p += 3;
		s.n -= 3;
	}
	why = parse_steps(p, s);
	if (why)
		return why;
	/* What holds <driver cache=''> is the disk, which may lack a <driver>. */
	if (!at || p->n > 1)
		last = p->steps[--p->n];
	if (str_is(last, "*"))
		return "the last step is a name";
	p->bare = p->anywhere && p->n == 0;
	p->leaf.field = arena_str(a, str_of(text));
	p->leaf.path = arena_printf(a, "%.*s%s", STR_ARG(last), at ? at : "");
	return NULL;
}

/* The document itself, which has no name but in XML. */
static bool is_top(const struct node *n)
{
	return !n->up || n->up->kind == NODE_STREAM;
}

static bool is_owner(const struct node_path *p, const struct node *n)
{
	size_t i = p->n;

	if (n->kind != NODE_ELEMENT && n->kind != NODE_MAP)
		return false;
	for (; n && i > 0; n = n->up) {
		if (is_top(n) && n->key.n == 0)
			return false;
		i--;
		if (!str_is(p->steps[i], "*") && !str_eq(p->steps[i], n->key))
			return false;
	}
	return i == 0 && (p->anywhere || !n || (is_top(n) && n->key.n == 0) ||
			  n->kind == NODE_STREAM);
}

/* Depth first. */
static const struct node *next_node(const struct node *root, const struct node *n)
{
	if (!n)
		return root;
	if (n->first)
		return n->first;
	while (n != root && !n->next)
		n = n->up;
	return n == root ? NULL : n->next;
}

const struct node *node_path_owner(const struct node_path *p, const struct node *root,
				   const struct node *after)
{
	const struct node *n = next_node(root, after);

	while (n && !is_owner(p, n))
		n = next_node(root, n);
	return n;
}

struct fact node_path_read(const struct node_path *p, const struct node *owner)
{
	struct fact f;

	lens_read(&p->leaf, 1, owner, &f);
	if (p->bare && fact_absent(&f))
		f.state = FACT_UNKNOWN;
	return f;
}
