/* The tree of a YAML text, built from libyaml's events. Internal to yaml*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_YAML_TREE_H
#define ANALYZE_CONFIG_YAML_TREE_H

#include "analyze/config/yaml.h"
#include "base/vec.h"

#include <yaml.h>

/* libyaml counts characters: where the one was found that was asked for last. */
struct yaml_index {
	struct view text;
	size_t character, byte;
	bool ascii;
};

struct yaml_index yaml_index(struct view text);

/* The byte at which a character of libyaml's stands. */
size_t yaml_byte_of(struct yaml_index *x, const yaml_mark_t *mark);

/* A collection whose end has not come. */
struct yaml_open {
	struct node *node;
	int column;             /* of its keys or dashes; -1: not known */
	bool pair;              /* of a flow list: "[a: b]" */
	bool value_next;        /* of a map: a key was read */
	bool complex;           /* ... that is no scalar of its own */
	const struct node *key; /* it */
};

struct yaml_anchor {
	struct str name;
	const struct node *node; /* NULL: a collection */
};

struct yaml_tree {
	const struct source *src;
	struct view text;
	struct arena *a;
	struct err *e;
	const struct syntax_error *bad;
	struct yaml_open open[YAML_DEPTH_MAX];
	size_t depth;
	struct node *stream; /* holds the documents */
	size_t documents;
	struct yaml_anchor anchors[YAML_ANCHORS_MAX];
	size_t nanchors;
	struct buf scratch;
	struct yaml_index index;
};

/* False: t->bad or t->e says why. */
bool yaml_tree_event(struct yaml_tree *t, const yaml_event_t *event)
	__attribute__((warn_unused_result));

bool yaml_tree_bad(struct yaml_tree *t, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
