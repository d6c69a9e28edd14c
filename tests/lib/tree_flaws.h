/* What holds of every node tree, whatever its syntax: places lie within each other.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_TREE_FLAWS_H
#define TESTS_LIB_TREE_FLAWS_H

#include "analyze/config/node.h"

static inline bool span_holds(struct span outer, struct span inner)
{
	return inner.off >= outer.off && span_end(inner) <= span_end(outer);
}

/* NULL, or what does not hold of n, which is n's or its next sibling's affair. */
static inline const char *node_flaw(const struct node *n)
{
	struct span value = node_value_at(n);

	if (!span_holds(n->whole, n->key_at))
		return "a name outside of its node";
	if (!span_holds(n->whole, n->open_at))
		return "an opening outside of its node";
	if (!span_holds(n->whole, n->text_at) || !span_holds(n->text_at, value))
		return "a value outside of its node";
	if (n->up && n->up->syntax == n->syntax && !span_holds(n->up->whole, n->whole))
		return "a node outside of the one above it";
	if (n->next && n->next->whole.off < span_end(n->whole))
		return "siblings that are not in the order of the file";
	if (n->next && n->next->up != n->up)
		return "siblings with two parents";
	if (!n->next && n->up && n->up->last != n)
		return "a last child that is not the last";
	if ((n->kind == NODE_SCALAR || n->kind == NODE_OPAQUE) && n->first)
		return "a scalar with children";
	return NULL;
}

/* Of n and all below it; *where: the node that it is about. No deeper than the readers go. */
static inline const char *tree_flaw(const struct node *n, const struct node **where)
{
	const char *flaw = node_flaw(n);

	*where = n;
	for (const struct node *c = n->first; c && !flaw; c = c->next) {
		if (c->up != n)
			flaw = "a child that does not know its parent";
		else
			flaw = tree_flaw(c, where);
	}
	return flaw;
}

#endif
