/* Edits of options that are JSON in one word: those of JSON, on the word's text, written as
 * the word's quotes want it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/qemu_json.h"
#include "base/banned.h"

/* The word's text as a document of its own. */
struct inner {
	const struct word *word;
	const struct node *outer, *root; /* the same tree, in the file and in the text */
	struct source src;
	struct plan plan;
};

static const struct node *root_of(const struct node *n)
{
	while (n && !n->word)
		n = n->up;
	return n;
}

static bool open_inner(struct plan *p, struct inner *in, const struct node *n)
{
	in->outer = root_of(n);
	if (!in->outer || n->syntax != SYNTAX_QEMU_JSON)
		return plan_refuse(p, "its options are written in another way");
	in->word = in->outer->word;
	if (in->word->fixed)
		return plan_refuse(p, "its word cannot be edited: %s", in->word->fixed);
	in->root = qemu_json_inner(in->word, &in->src, p->arena);
	if (!in->root)
		return plan_refuse(p, "its text cannot be read again");
	in->plan = plan_on(&in->src, p->arena);
	in->plan.text = str_bytes(in->word->text);
	return true;
}

/* Children of both trees are in the same order. */
static const struct node *same_node(const struct inner *in, const struct node *n)
{
	const struct node *up, *found;

	if (n == in->outer)
		return in->root;
	up = same_node(in, n->up);
	found = up->first;
	for (const struct node *c = n->up->first; c != n; c = c->next)
		found = found->next;
	return found;
}

/* What the inner edits want, in the file. */
static bool take_over(struct plan *p, const struct inner *in, bool planned)
{
	if (!planned)
		return in->plan.refused ? plan_refuse(p, "%s", in->plan.refused) : false;
	for (size_t i = 0; i < in->plan.edits.n; i++) {
		const struct edit *e = &in->plan.edits.v[i];

		if (!plan_word(p, in->word, (size_t)e->at.off, (size_t)span_end(e->at),
			       str_view(e->bytes)))
			return false;
	}
	return true;
}

/* Where a command line has on and off, JSON has a type. */
static const char *value_of(const struct fact *f, const char *value)
{
	static const char *const switches[] = { "caching-mode", "device-iotlb",
						"dma-translation", "read-only",
						"share-rw" };
	struct lens_path path;

	if (!lens_path(f->lens, 0, &path))
		return value;
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		if (!str_is(path.steps[path.n - 1], switches[i]))
			continue;
		if (strcmp(value, "on") == 0)
			return "true";
		if (strcmp(value, "off") == 0)
			return "false";
	}
	return value;
}

static bool qemu_json_set(struct plan *p, const struct fact *f, const char *value)
{
	struct fact inner = *f;
	struct inner in;

	if (!open_inner(p, &in, f->owner))
		return false;
	inner.owner = same_node(&in, f->owner);
	return take_over(p, &in, text_json.set(&in.plan, &inner, value_of(f, value)));
}

static bool qemu_json_remove_node(struct plan *p, const struct node *n)
{
	struct inner in;

	/* All of a word: the syntax that it stands in knows. */
	if (n->word && n->up && text_syntax(n->up->syntax))
		return text_syntax(n->up->syntax)->remove_node(p, n);
	if (n->word)
		return plan_refuse(p, "it is more than an option");
	return open_inner(p, &in, n) &&
	       take_over(p, &in, text_json.remove_node(&in.plan, same_node(&in, n)));
}

static bool qemu_json_remove(struct plan *p, const struct fact *f)
{
	return text_remove_each(p, f, qemu_json_remove_node);
}

const struct text_syntax text_qemu_json = {
	.set = qemu_json_set,
	.remove = qemu_json_remove,
	.remove_node = qemu_json_remove_node,
	.judge = judge_none,
};
