/* One positioned tree for every config syntax. Each node knows the bytes of its name, of
 * its value and of itself, so that an edit can touch exactly those.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_NODE_H
#define ANALYZE_CONFIG_NODE_H

#include "analyze/model.h"

enum syntax {
	SYNTAX_XML,
	SYNTAX_JSON,
	SYNTAX_YAML,
	SYNTAX_HCL,
	SYNTAX_PLIST, /* a property list's dictionaries, arrays and values (plist.h) */
	SYNTAX_INI,   /* QEMU -readconfig (ini.h) */
	SYNTAX_SHELL, /* assignments and words */
	SYNTAX_QEMU,  /* the options in one word: file=a.iso,media=cdrom */
	SYNTAX_QEMU_JSON, /* the same as a JSON object (qemu_json.h) */
};
enum { SYNTAXES = SYNTAX_QEMU_JSON + 1 };

/* XML has elements and attributes. All others have maps, whose members have keys, lists,
 * whose items have none, and scalars. */
enum node_kind {
	NODE_ELEMENT,
	NODE_ATTRIBUTE,
	NODE_MAP, /* JSON object, YAML mapping, HCL body, block and object, ini section */
	NODE_LIST, /* JSON array, YAML sequence, HCL tuple, shell array; repeated blocks are
			members of one name instead */
	NODE_SCALAR, /* a value that the text itself decides */
	NODE_OPAQUE, /* what it does not: an expression, an alias, a command's output */
	NODE_LABEL,  /* of an HCL block: source "qemu" "x". Before its members */
	NODE_STREAM, /* the documents of a YAML stream, as items */
};

/* What a scalar is to its language; one that has a single type has strings. */
enum scalar_type {
	SCALAR_STRING,
	SCALAR_NUMBER,
	SCALAR_BOOL,
	SCALAR_NULL,
};

/* How a scalar is written. */
enum scalar_style {
	STYLE_PLAIN,
	STYLE_SINGLE,  /* '...' */
	STYLE_DOUBLE,  /* "..." */
	STYLE_LITERAL, /* YAML |, HCL <<EOT */
	STYLE_FOLDED,  /* YAML > */
};

struct node {
	enum node_kind kind;
	enum syntax syntax;
	enum scalar_type type;
	enum scalar_style style;
	bool flow;         /* map, list: between brackets, and not by indentation */
	bool is_block;     /* HCL: name "label" { ... }, and not name = { ... } */
	bool self_closing; /* <x/> */
	bool scattered;    /* its children's bytes are not within its own: binary lists */
	uint32_t lead, trail; /* blanks at the ends of text_at that text does not have */
	/* The name, without its prefix; of a map's member decoded, of an item empty. */
	struct str key;
	struct str ns; /* namespace URI; empty: none. Declarations: see xml.h */
	/* The decoded value. Of an element: its own character data (not that of its
	 * children), trimmed; an element with children usually has "". Of an opaque one:
	 * its source text. */
	struct str text;
	/* "var.name": text is the value of this, decided elsewhere; what stands here is the
	 * reference. NULL: it is its own value. */
	const char *from;
	struct span key_at; /* the name's bytes, prefix or quotes included */
	/* Attribute, scalar: between the quotes. Element: from behind its start tag to before
	 * its end tag; empty and at the start tag's end when self-closing. Map, list: what
	 * its members or items take, from behind the opening bracket to before the closing
	 * one where it has such. A block scalar's: its lines, without the line of its | or > */
	struct span text_at;
	/* The start tag, '<' to '>'. Attribute: as whole. Map, list: the opening bracket, or
	 * of one by indentation its key, or the first thing in it. Scalar: the value with its
	 * quotes, tag and anchor */
	struct span open_at;
	/* To the '>' of the end tag. Attribute: name="value". Member: from its key to the end
	 * of its value. Item: its value, without the "- " before it. No blanks, comments or
	 * commas around it */
	struct span whole;
	/* A map of SYNTAX_QEMU, the outermost one of SYNTAX_QEMU_JSON: the word whose
	 * options it has (word.h). */
	const struct word *word;
	struct node *up;
	/* Attributes or labels first, then child elements, members or items, in file order. */
	struct node *first, *last;
	/* What node_index() found out, since nearly every rule asks for it: of each child the
	 * bit of its name (name_bit), so that absence is known without a look at the children;
	 * node_is_open(); text_is_variable() of its text. */
	bool indexed, open, variable;
	uint64_t names;
	struct node *next;
};

#define for_each_node(child, parent)                                                     \
	for (const struct node *child = (parent)->first; child; child = child->next)

struct arena;

/* A new node, the last child of `up` (NULL: a root). Budgeted: NULL past a's bound. */
struct node *node_try_new(struct arena *a, struct node *up);

/* A child that is no attribute and no label. */
static inline bool node_is_content(const struct node *n)
{
	return n->kind != NODE_ATTRIBUTE && n->kind != NODE_LABEL;
}

/* Stands in a list, or is a document of a stream. */
static inline bool node_is_item(const struct node *n)
{
	return n->up && (n->up->kind == NODE_LIST || n->up->kind == NODE_STREAM);
}

/* Of several members with one name the last counts; elsewhere the first. */
static inline bool node_last_wins(const struct node *n)
{
	return n->syntax == SYNTAX_QEMU || n->syntax == SYNTAX_SHELL ||
	       n->syntax == SYNTAX_INI || n->syntax == SYNTAX_PLIST;
}

/* A member without a name may stand for members of any name: ${MORE}, a merged alias. */
bool node_is_open(const struct node *n);

/* Its text holds what a template's engine puts another text for (lens.h). */
bool node_is_variable(const struct node *n);

/* For the whole tree, when all its names are known. What gets another child later is as if
 * it had not been called for it. */
void node_index(struct node *root);

/* For a node of such a tree that has got another kind or text. */
void node_changed(struct node *n);

/* For node.names. */
static inline uint64_t name_bit(struct str name)
{
	const uint8_t *p = (const uint8_t *)name.p;

	return name.n ? UINT64_C(1) << ((p[0] + 5u * p[name.n / 2] + 11u * p[name.n - 1] +
					 23u * name.n) %
					64)
		      : 0;
}

/* False: n has no child of that name, whatever its kind. */
static inline bool node_may_have(const struct node *n, struct str name)
{
	return !n->indexed || (n->names & name_bit(name)) != 0;
}

/* The first child element or member, attribute of that name without a namespace; NULL:
 * none. */
const struct node *node_child(const struct node *n, const char *name);
const struct node *node_attr(const struct node *n, const char *name);
/* That attribute is there, and is just this. */
static inline bool node_attr_is(const struct node *n, const char *name, const char *value)
{
	const struct node *attr = node_attr(n, name);

	return attr && str_is(attr->text, value);
}

/* Where the value itself stands: text_at without the blanks around it. An element's may
 * hold comments, and the elements of mixed content. */
struct span node_value_at(const struct node *n);

/* The next sibling of the same kind, name and namespace; NULL: none. */
const struct node *node_again(const struct node *n);

/* n's children without attributes and labels, sorted by name, those of one name in file
 * order, but blocks last. Budgeted: NULL past a's bound. */
const struct node **node_by_key(const struct node *n, struct arena *a, size_t *count);

/* *later: the first member of n whose name an earlier one has, *earlier, without blocks; or
 * NULL. False: past a's bound. */
bool node_double(const struct node *n, struct arena *a, const struct node **later,
		 const struct node **earlier);

/* Where nodes of a tree are. In a long list of siblings the next one is found, and numbered,
 * from the last one on. Zero but for root. */
enum { LOCI_SEEN = 8 };

struct node_number {
	const struct node *node;
	unsigned nth, of; /* among its siblings of that name, from 1 */
};

struct loci {
	const struct node *root;
	struct node_number seen[LOCI_SEEN];
	unsigned next;
};

/* "domain/devices/iommu/driver@caching_mode" with [2] where a name repeats; items and
 * documents are numbered: "builders/[1]/qemuargs/[2]/[1]". For the locus in reports. at:
 * any span within the text; the deepest node around it is named. */
const char *node_locus(struct loci *l, struct span at, struct arena *a);

/* The deepest node whose `whole` contains at; root when none does. */
const struct node *node_at(const struct node *root, struct span at);

#endif
