/* One positioned tree for every config syntax. Each node knows the bytes of its name, of
 * its value and of itself, so that an edit can touch exactly those.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_NODE_H
#define ANALYZE_CONFIG_NODE_H

#include "analyze/model.h"

enum syntax {
	SYNTAX_XML,
};

enum node_kind {
	NODE_ELEMENT,   /* XML element */
	NODE_ATTRIBUTE, /* XML attribute */
};

struct node {
	enum node_kind kind;
	enum syntax syntax;
	bool self_closing;    /* <x/> */
	uint32_t lead, trail; /* blanks at the ends of text_at that text does not have */
	struct str key;       /* name, without its prefix */
	struct str ns;        /* namespace URI; empty: none. Declarations: see xml.h */
	/* The decoded value. Of an element: its own character data (not that of its
	 * children), trimmed; an element with children usually has "". */
	struct str text;
	struct span key_at; /* the name's bytes, prefix included */
	/* Attribute: between the quotes. Element: from behind its start tag to before its
	 * end tag; empty and at the start tag's end when self-closing. */
	struct span text_at;
	struct span open_at; /* the start tag, '<' to '>'. Attribute: as whole */
	struct span whole;   /* to the '>' of the end tag. Attribute: name="value" */
	struct node *up;
	/* Attributes first, then child elements, in file order. */
	struct node *first, *last;
	struct node *next;
};

#define for_each_node(child, parent)                                                     \
	for (const struct node *child = (parent)->first; child; child = child->next)

/* The first child element, attribute of that name without a namespace; NULL: none. */
const struct node *node_child(const struct node *n, const char *name);
const struct node *node_attr(const struct node *n, const char *name);

/* Where the value itself stands: text_at without the blanks around it. An element's may
 * hold comments, and the elements of mixed content. */
struct span node_value_at(const struct node *n);

/* The next sibling of the same kind, name and namespace; NULL: none. */
const struct node *node_again(const struct node *n);

/* "domain/devices/iommu/driver@caching_mode" with [2] where a name repeats. For the locus
 * in reports. at: any span within the text; the deepest node around it is named. */
const char *node_locus(const struct node *root, struct span at, struct arena *a);

/* The deepest node whose `whole` contains at; root when none does. */
const struct node *node_at(const struct node *root, struct span at);

#endif
