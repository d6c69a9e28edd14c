/* A flavour is a table of lenses: model field <-> path in the node tree. Reading uses it
 * one way, `set` and `remove` (rewrite/edit.h) the other way.
 *
 * A path is element names, then what holds the value:
 *     "os/type"           the element's text
 *     "os/type@machine"   an attribute
 *     "readonly?"         presence of the element: the value is "yes"
 *     "source@file|source@dev"   the first that is there; set uses the first otherwise
 * In syntaxes of maps and scalars the names are keys of members:
 *     "config/limits.cpu"        the value of member limits.cpu of member config
 *     "name"                     the value of member name
 * What is an expression, or holds one, is unknown.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_LENS_H
#define ANALYZE_CONFIG_LENS_H

#include "analyze/model.h"

struct node;

struct lens {
	const char *field; /* the model's name for it: "caching_mode" */
	size_t offset;     /* of the struct fact within the model's struct */
	const char *path;
	const char *
		beside; /* a member that a new one goes behind, if it is there; or NULL */
};

#define LENS(type, member, node_path)                                                    \
	{                                                                                \
		.field = #member, .offset = offsetof(struct type, member),               \
		.path = (node_path)                                                      \
	}

enum { LENS_STEPS_MAX = 4 };

/* One alternative of a lens's path, taken apart. */
struct lens_path {
	struct str steps[LENS_STEPS_MAX]; /* element names, from the owner down */
	size_t n;
	struct str attribute; /* empty: the value is the last element's text ... */
	bool presence;        /* ... or that it is there */
};

/* Alternative i of the path, from 0. False: there are no more. */
bool lens_path(const struct lens *l, size_t i, struct lens_path *out);

/* The first node in file order, of the first alternative that has any, that holds the
 * value: an attribute, or an element (for text, one whose text is not empty).
 * NULL: none. */
const struct node *lens_find(const struct lens *l, const struct node *owner);

/* The deepest element there is on the way; *found steps of the path lead to it. */
const struct node *lens_deepest(const struct lens_path *p, const struct node *owner,
				size_t *found);

/* Fills the facts of `object` (a struct vm, disk, ...) from `owner`. */
void lens_read(const struct lens *table, size_t n, const struct node *owner,
	       void *object);

/* Holds what a template's engine puts another text for: {{ x }}, ${x}, <%= x %>; or is it: @x@,
 * $x, $(x), {x}, __x__, %x%, %s, VM_X. */
bool text_is_variable(struct str s);

/* One value alone, as a fact. l lives at least as long as the fact. */
struct fact lens_ask(const struct node *owner, const struct lens *l);

#endif
