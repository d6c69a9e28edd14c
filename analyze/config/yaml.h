/* YAML with exact places. libyaml decides what is well-formed, what it means, and which
 * characters a node takes; our reader turns those into bytes, and decodes each scalar once
 * more from the bytes where it is said to stand: both must come to the same value.
 * YAML 1.1 as libyaml 0.2 and its translation to Go read it; UTF-8 only.
 *
 * One document is its own root; of several, and of none, the root is a NODE_STREAM. An
 * alias of a scalar has that one's text, and says so in `from`; other aliases are opaque,
 * so nothing is ever expanded. Opaque too: values with a tag of an application's own, and
 * all members of a map that share a key.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_YAML_H
#define ANALYZE_CONFIG_YAML_H

#include "analyze/config/node.h"
#include "analyze/unit.h"

enum {
	YAML_DEPTH_MAX = 128,
	YAML_SIZE_MAX = 4 << 20, /* bytes of text */
	YAML_ANCHORS_MAX = 256,  /* aliases of later ones are opaque */
};

/* 0 with *root set, or *root NULL and *bad set: the text is broken. -1: could not do the
 * work (limits). Memory is a's, budgeted. */
int yaml_read(const struct source *src, struct view text, struct arena *a,
	      struct node **root, const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

/* Does libyaml alone accept it? For the proof of an edit. */
bool yaml_accepts(struct view text);

/* How YAML 1.1 takes a plain scalar without a tag. */
enum scalar_type yaml_plain_type(struct str s);

/* ---- what a scalar's bytes say (yaml_scalar.c) ---- */

/* Bytes of the line break at i, 0: none. NEL, LS and PS are breaks of YAML 1.1. */
size_t yaml_break(struct view text, size_t i);

/* Bytes of a text that are a scalar, its style, and for a block scalar the column of the
 * collection that it stands in (-1: none). */
struct yaml_scalar {
	struct view text;
	size_t from, to; /* quotes included; of a block scalar from its | or > */
	enum scalar_style style;
	int parent;
	/* Found: */
	size_t content, content_end; /* struct node, text_at */
};

/* Adds the value to out, which is empty; and, when at is not NULL, the place in text that
 * each of its bytes comes from to *at, the end as the last: at has room for one more than
 * twice to - from. False: this is no such scalar. */
bool yaml_decode(struct yaml_scalar *s, struct buf *out, uint32_t *at);

/* The same for a scalar of a tree that yaml_read() made. */
bool yaml_places(struct view text, const struct node *n, struct buf *out, uint32_t *at);

#endif
