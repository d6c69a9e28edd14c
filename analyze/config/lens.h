/* A flavour is a table of lenses: model field <-> path in the node tree. Reading uses it
 * one way, `set` and `remove` (rewrite/edit.h) the other way.
 *
 * A path is element names, then what holds the value:
 *     "os/type"           the element's text
 *     "os/type@machine"   an attribute
 *     "readonly?"         presence of the element: the value is "yes"
 *     "source@file|source@dev"   the first that is there; set uses the first otherwise
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_LENS_H
#define ANALYZE_CONFIG_LENS_H

#include "analyze/model.h"

struct node;

struct lens {
	const char *field; /* the model's name for it: "caching_mode" */
	size_t offset;     /* of the struct fact within the model's struct */
	const char *path;
};

#define LENS(type, member, node_path)                                                    \
	{                                                                                \
		.field = #member, .offset = offsetof(struct type, member),               \
		.path = (node_path)                                                      \
	}

/* Fills the facts of `object` (a struct vm, disk, ...) from `owner`. */
void lens_read(const struct lens *table, size_t n, const struct node *owner, void *object);

#endif
