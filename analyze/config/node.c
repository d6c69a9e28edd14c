/* Walking the node tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/node.h"
#include "analyze/config/lens.h"
#include "base/arena.h"
#include "base/vec.h"

#include "base/banned.h"

struct node *node_try_new(struct arena *a, struct node *up)
{
	struct node *n = arena_try_new(a, struct node);

	if (!n || !up)
		return n;
	n->up = up;
	up->indexed = false;
	if (up->last)
		up->last->next = n;
	else
		up->first = n;
	up->last = n;
	return n;
}

static bool has_opaque(const struct node *n)
{
	if (n->kind != NODE_MAP)
		return n->kind == NODE_OPAQUE;
	for_each_node (c, n) {
		if (c->kind == NODE_OPAQUE && c->key.n == 0)
			return true;
	}
	return false;
}

bool node_is_open(const struct node *n)
{
	return n->indexed ? n->open : has_opaque(n);
}

bool node_is_variable(const struct node *n)
{
	return n->indexed ? n->variable : text_is_variable(n->text);
}

static void index_one(struct node *n)
{
	n->names = 0;
	for_each_node (c, n)
		n->names |= name_bit(c->key);
	n->open = has_opaque(n);
	n->variable = text_is_variable(n->text);
	n->indexed = true;
}

void node_changed(struct node *n)
{
	if (n->indexed)
		index_one(n);
	if (n->up && n->up->indexed && n->key.n == 0)
		n->up->open = has_opaque(n->up);
}

void node_index(struct node *root)
{
	for (struct node *n = root, *next; n; n = next) {
		index_one(n);
		next = n->first;
		while (!next && n != root) {
			next = n->next;
			n = n->up;
		}
	}
}

static bool is_named(const struct node *n, struct str name)
{
	return n->ns.n == 0 && str_eq(n->key, name);
}

const struct node *node_child(const struct node *n, const char *name)
{
	struct str key = str_of(name);

	if (!node_may_have(n, key))
		return NULL;
	for_each_node (c, n) {
		if (node_is_content(c) && is_named(c, key))
			return c;
	}
	return NULL;
}

const struct node *node_attr(const struct node *n, const char *name)
{
	struct str key = str_of(name);

	if (!node_may_have(n, key))
		return NULL;
	for_each_node (c, n) {
		if (c->kind == NODE_ATTRIBUTE && is_named(c, key))
			return c;
	}
	return NULL;
}

struct span node_value_at(const struct node *n)
{
	struct span at = n->text_at;

	at.off += n->lead;
	at.len -= n->lead + n->trail;
	return at;
}

const struct node *node_again(const struct node *n)
{
	for (const struct node *o = n->next; o; o = o->next) {
		if (node_is_content(o) == node_is_content(n) && str_eq(o->key, n->key) &&
		    str_eq(o->ns, n->ns))
			return o;
	}
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a;
	const struct node *y = *(const struct node *const *)b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int order = n ? memcmp(x->key.p, y->key.p, n) : 0;

	if (order == 0 && x->key.n != y->key.n)
		order = x->key.n < y->key.n ? -1 : 1;
	return order ? order : x->is_block - y->is_block;
}

const struct node **node_by_key(const struct node *n, struct arena *a, size_t *count)
{
	const struct node **v;

	*count = 0;
	for_each_node (c, n)
		*count += node_is_content(c);
	v = arena_try_array(a, *count, const struct node *);
	if (!v)
		return NULL;
	*count = 0;
	for_each_node (c, n) {
		if (node_is_content(c))
			v[(*count)++] = c;
	}
	sort_stable(v, *count, sizeof(const struct node *), by_key);
	return v;
}

bool node_double(const struct node *n, struct arena *a, const struct node **later,
		 const struct node **earlier)
{
	size_t count;
	const struct node **v = node_by_key(n, a, &count);

	*later = NULL;
	for (size_t i = 1; v && i < count; i++) {
		if (!str_eq(v[i]->key, v[i - 1]->key) || v[i]->is_block)
			continue;
		if (*later && v[i]->whole.off > (*later)->whole.off)
			continue;
		*later = v[i];
		*earlier = v[i - 1];
	}
	return v != NULL;
}

/* A place of no length belongs to what it stands before. */
static bool contains(struct span outer, struct span at)
{
	if (at.len == 0)
		return at.off >= outer.off && at.off < span_end(outer);
	return at.off >= outer.off && span_end(at) <= span_end(outer);
}

/* The last in the order of the tree: what is shared is found where it is named last.
 * As deep as the reader went. NOLINTNEXTLINE(misc-no-recursion) */
static const struct node *scattered_at(const struct node *n, struct span at)
{
	const struct node *found =
		contains(n->whole, at) || contains(n->key_at, at) ? n : NULL;

	for_each_node (c, n) {
		const struct node *deeper = scattered_at(c, at);

		found = deeper ? deeper : found;
	}
	return found;
}

/* A child of n that is not behind at: one that was met before, or the first. */
static const struct node *nearest(const struct loci *l, const struct node *n,
				  struct span at)
{
	const struct node *best = n->first;

	for (size_t i = 0; l && i < LOCI_SEEN; i++) {
		const struct node *seen = l->seen[i].node;

		if (seen && seen->up == n && seen->whole.off <= at.off &&
		    seen->whole.off > best->whole.off)
			best = seen;
	}
	return best;
}

static const struct node *descend(const struct node *root, struct span at,
				  const struct loci *l)
{
	const struct node *n = root, *child = nearest(l, root, at);

	if (root->scattered) {
		n = scattered_at(root, at);
		return n ? n : root;
	}

	while (child) {
		if (contains(child->whole, at)) {
			n = child;
			child = nearest(l, n, at);
		} else {
			child = child->next;
		}
	}
	return n;
}

const struct node *node_at(const struct node *root, struct span at)
{
	return descend(root, at, NULL);
}

static bool is_alike(const struct node *x, const struct node *y)
{
	return node_is_content(x) == node_is_content(y) && str_eq(x->key, y->key);
}

/* Goes on to n from one of its name that was numbered before. */
static bool walk_on(struct node_number *from, const struct node *n)
{
	unsigned nth = from->nth;

	for (const struct node *o = from->node; o != n;) {
		o = o->next;
		if (!o)
			return false;
		nth += is_alike(o, n);
	}
	from->node = n;
	from->nth = nth;
	return true;
}

static struct node_number number_of(struct loci *l, const struct node *n)
{
	struct node_number *number = NULL;

	for (size_t i = 0; i < LOCI_SEEN && !number; i++) {
		struct node_number *seen = &l->seen[i];

		if (seen->node && seen->node->up == n->up && is_alike(seen->node, n))
			number = seen;
	}
	if (number && walk_on(number, n))
		return *number;
	if (!number)
		number = &l->seen[l->next++ % LOCI_SEEN];
	*number = (struct node_number){ .node = n };
	for_each_node (o, n->up) {
		number->of += is_alike(o, n);
		if (o == n)
			number->nth = number->of;
	}
	return *number;
}

/* "disk", or "disk[2]" for the second of several; "[2]" for an item. */
static void add_step(struct loci *l, struct buf *b, const struct node *n, struct arena *a)
{
	struct node_number number;

	buf_add(b, str_of(str_shown(a, n->key)));
	if (!n->up || n->kind == NODE_ATTRIBUTE)
		return;
	number = number_of(l, n);
	if (number.of > 1 || node_is_item(n))
		buf_printf(b, "[%u]", number.nth);
}

const char *node_locus(struct loci *l, struct span at, struct arena *a)
{
	const struct node *target = descend(l->root, at, l);
	struct buf b = { 0 };
	char *locus;

	/* Each step down is found by going up: trees are shallow. */
	for (const struct node *n = l->root; n;) {
		const struct node *step = target;

		if (n->kind == NODE_ATTRIBUTE)
			buf_char(&b, '@');
		else if (n != l->root)
			buf_char(&b, '/');
		add_step(l, &b, n, a);
		while (step != n && step->up != n)
			step = step->up;
		n = step == n ? NULL : step;
	}
	locus = arena_str(a, (struct str){ b.p, b.n });
	buf_free(&b);
	return locus;
}
