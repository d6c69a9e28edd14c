/* What must hold of every YAML text, for the unit tests, the fuzzer and runs over real
 * files: the tree's places lie as they must, and our verdict agrees with libyaml's. (That
 * each scalar's bytes say what libyaml says is part of the reading itself.)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_YAML_FLAWS_H
#define TESTS_LIB_YAML_FLAWS_H

#include "analyze/config/node.h"
#include "analyze/config/yaml.h"

#include <stdio.h>

struct yaml_flaws {
	struct view text;
	const char *what; /* the first flaw, or NULL */
	char said[200];   /* what the last text was refused with */
	const struct node *node;
	unsigned long accepted, refused, limits; /* texts so far */
};

static bool yaml_flaw(struct yaml_flaws *f, const struct node *n, const char *what)
{
	if (!f->what) {
		f->what = what;
		f->node = n;
	}
	return false;
}

#define YAML_HOLDS(f, n, cond) ((cond) || yaml_flaw((f), (n), #cond))

static inline bool span_in(struct span inner, struct span outer)
{
	return inner.off >= outer.off && span_end(inner) <= span_end(outer);
}

/* What may stand between two nodes: blanks, line ends, comments, indicators. */
static inline bool is_between(struct view text, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (text.p[i] == '#') {
			while (i < to && text.p[i] != '\n' && text.p[i] != '\r')
				i++;
		} else if (text.p[i] < 0x80 && !strchr(" \t\r\n-?:,", text.p[i])) {
			return false;
		}
	}
	return true;
}

static bool yaml_scalar_holds(struct yaml_flaws *f, const struct node *n)
{
	struct str open = str_view(
		view_cut(f->text, (size_t)n->open_at.off, (size_t)n->open_at.len));
	bool block = n->style == STYLE_LITERAL || n->style == STYLE_FOLDED;
	struct buf b = { 0 };
	bool same;

	if (!YAML_HOLDS(f, n, span_in(n->text_at, n->open_at)) ||
	    !YAML_HOLDS(f, n, !n->first))
		return false;
	if (n->kind == NODE_OPAQUE || n->from)
		return true;
	same = yaml_places(f->text, n, &b, NULL) &&
	       str_eq((struct str){ b.p, b.n }, n->text);
	buf_free(&b);
	return YAML_HOLDS(f, n, same) &&
	       YAML_HOLDS(f, n, n->style != STYLE_DOUBLE || str_ends(open, "\"")) &&
	       YAML_HOLDS(f, n, n->style != STYLE_SINGLE || str_ends(open, "'")) &&
	       YAML_HOLDS(f, n, block || n->type != SCALAR_NULL || n->text.n < 5) &&
	       YAML_HOLDS(f, n, !block || span_end(n->text_at) == span_end(n->open_at));
}

static bool yaml_collection_holds(struct yaml_flaws *f, const struct node *n)
{
	uint64_t at = n->text_at.off;
	char open = n->flow ? (char)f->text.p[n->open_at.off] : 0;
	char close = n->flow ? (char)f->text.p[span_end(n->whole) - 1] : 0;
	const struct node *last = NULL;

	if (!YAML_HOLDS(f, n, span_in(n->text_at, n->whole)) ||
	    !YAML_HOLDS(f, n, !n->flow || n->open_at.len == 1) ||
	    !YAML_HOLDS(f, n, !n->flow || open == (n->kind == NODE_MAP ? '{' : '[')) ||
	    !YAML_HOLDS(f, n, !n->flow || close == (n->kind == NODE_MAP ? '}' : ']')))
		return false;
	for_each_node (c, n) {
		if (!YAML_HOLDS(f, c, c->up == n) ||
		    !YAML_HOLDS(f, c, c->whole.off >= at) ||
		    !YAML_HOLDS(f, c, span_in(c->whole, n->text_at)) ||
		    !YAML_HOLDS(f, c, is_between(f->text, at, c->whole.off)))
			return false;
		at = span_end(c->whole);
		last = c;
	}
	return YAML_HOLDS(f, n, n->last == last) &&
	       YAML_HOLDS(f, n, is_between(f->text, at, span_end(n->text_at)));
}

static bool yaml_node_holds(struct yaml_flaws *f, const struct node *n)
{
	bool member = n->up && n->up->kind == NODE_MAP;

	if (!YAML_HOLDS(f, n, range_within(n->whole.off, n->whole.len, f->text.n)) ||
	    !YAML_HOLDS(f, n, !member || n->key_at.off == n->whole.off) ||
	    !YAML_HOLDS(f, n, !member || span_in(n->key_at, n->whole)) ||
	    !YAML_HOLDS(f, n, span_in(n->open_at, n->whole)))
		return false;
	switch (n->kind) {
	case NODE_SCALAR:
	case NODE_OPAQUE:
		return yaml_scalar_holds(f, n);
	case NODE_MAP:
	case NODE_LIST:
		return yaml_collection_holds(f, n);
	case NODE_STREAM:
		return true;
	case NODE_ELEMENT:
	case NODE_ATTRIBUTE:
	case NODE_LABEL:
		break;
	}
	return yaml_flaw(f, n, "a kind that YAML has");
}

static bool yaml_tree_holds(struct yaml_flaws *f, const struct node *root)
{
	const struct node *n = root;

	while (n) {
		if (!yaml_node_holds(f, n))
			return false;
		if (n->first) {
			n = n->first;
			continue;
		}
		while (n && !n->next)
			n = n->up;
		n = n ? n->next : NULL;
	}
	return true;
}

/* False: f->what says what is wrong with our reading of this text. */
static bool yaml_reading_holds(struct yaml_flaws *f, struct view text)
{
	const struct syntax_error *bad;
	struct source src = source_of_bytes("text", text);
	struct err e = { 0 };
	struct arena a;
	struct node *root;
	bool good;

	f->text = text;
	arena_init(&a, ARENA_BUDGET);
	if (yaml_read(&src, text, &a, &root, &bad, &e) != 0) {
		f->limits++;
		good = YAML_HOLDS(f, NULL,
				  e.code == ERR_LIMIT || e.code == ERR_UNSUPPORTED) &&
		       YAML_HOLDS(f, NULL, !root && e.msg[0]);
	} else if (bad) {
		f->refused++;
		snprintf(f->said, sizeof(f->said), "%llu: %s",
			 (unsigned long long)bad->at.off, bad->what);
		good = YAML_HOLDS(
			       f, NULL,
			       !root && range_within(bad->at.off, bad->at.len, text.n)) &&
		       YAML_HOLDS(f, NULL,
				  strncmp(bad->what, "read differently", 16) != 0) &&
		       YAML_HOLDS(f, NULL,
				  strstr(bad->what, "has no anchor") ||
					  !yaml_accepts(text));
	} else {
		f->accepted++;
		good = YAML_HOLDS(f, NULL, root && yaml_accepts(text)) &&
		       yaml_tree_holds(f, root);
	}
	arena_free(&a);
	return good;
}

#endif
