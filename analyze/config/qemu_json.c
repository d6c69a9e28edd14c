/* JSON in a word: its tree, with places in the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_json.h"
#include "analyze/config/json.h"

#include "base/banned.h"

struct node *qemu_json_inner(const struct word *w, struct source *src, struct arena *a)
{
	const struct syntax_error *bad;
	struct node *root = NULL;
	struct err e;

	if (w->nparts == 0 || !str_starts(w->text, "{") || w->text.n > JSON_SIZE_MAX)
		return NULL;
	*src = source_of_bytes("", str_bytes(w->text));
	if (json_read(src, str_bytes(w->text), a, JSON_DOUBLES_REFUSED, &root, &bad,
		      &e) != 0)
		return NULL;
	return root && root->kind == NODE_MAP ? root : NULL;
}

static bool is_unknown(const struct word *w, struct span at)
{
	return at.len > 0 && word_unknown(w, (size_t)at.off, (size_t)span_end(at));
}

static struct span place(const struct word *w, struct span at)
{
	return word_span(w, (size_t)at.off, (size_t)span_end(at));
}

static void place_all(struct node *n, const struct word *w)
{
	n->syntax = SYNTAX_QEMU_JSON;
	if (is_unknown(w, n->key_at)) {
		/* Of whichever member these are members, it is none that anybody knows. */
		n->kind = NODE_OPAQUE;
		n->key = STR("");
		n->first = n->last = NULL;
	} else if (n->kind == NODE_SCALAR && is_unknown(w, n->whole)) {
		n->kind = NODE_OPAQUE;
	}
	n->key_at = place(w, n->key_at);
	n->text_at = place(w, n->text_at);
	n->open_at = place(w, n->open_at);
	n->whole = place(w, n->whole);
	for (struct node *c = n->first; c; c = c->next)
		place_all(c, w);
}

struct node *qemu_json(const struct word *w, struct node *up, struct arena *a)
{
	struct source *src = arena_try_new(a, struct source);
	struct node *root = src ? qemu_json_inner(w, src, a) : NULL;

	if (!root)
		return NULL;
	place_all(root, w);
	root->word = w;
	root->open_at = root->whole = w->at;
	root->up = up;
	if (up && up->last)
		up->last->next = root;
	else if (up)
		up->first = root;
	if (up)
		up->last = root;
	return root;
}
