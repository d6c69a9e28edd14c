/* jansson as the judge of an edited text: it accepts the text, and sees what it saw before
 * everywhere but in the members and items that the edits touch. Our own tree only tells
 * which those are; what is compared are jansson's two.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/json.h"

#include <jansson.h>

#include "base/banned.h"

struct judge {
	const struct plan *plan;
	struct arena *arena;
	const char *why;
};

static bool object(struct judge *j, const struct node *n, const char *what)
{
	j->why = arena_printf(j->arena, "'%s' %s", str_shown(j->arena, n->key), what);
	return false;
}

/* ---- where the edits are ---- */

/* An edit changes bytes of [from, to), or inserts there or at one of its ends. */
static bool edited_between(const struct judge *j, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		struct span at = j->plan->edits.v[i].at;

		if (at.len ? at.off < to && span_end(at) > from
			   : at.off >= from && at.off <= to)
			return true;
	}
	return false;
}

/* An edit changes bytes of it, or inserts between them. */
static bool edited_inside(const struct judge *j, struct span whole)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		struct span at = j->plan->edits.v[i].at;

		if (at.off < span_end(whole) && span_end(at) > whole.off &&
		    (at.len > 0 || at.off > whole.off))
			return true;
	}
	return false;
}

static bool taken_away(const struct judge *j, struct span whole)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		struct span at = j->plan->edits.v[i].at;

		if (at.off <= whole.off && span_end(at) >= span_end(whole))
			return true;
	}
	return false;
}

/* What an edit makes of its name; its own where none does. */
static const char *name_after(const struct judge *j, const struct node *n)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		const struct edit *e = &j->plan->edits.v[i];

		if (e->at.off == n->key_at.off && e->at.len == n->key_at.len &&
		    e->bytes.n > 2)
			return arena_str(j->arena,
					 str_view(view_cut(e->bytes, 1, e->bytes.n - 2)));
	}
	return arena_str(j->arena, n->key);
}

/* The value of a member, without its name. */
static struct span value_of(const struct node *n)
{
	return (struct span){ n->open_at.src, n->open_at.off,
			      span_end(n->whole) - n->open_at.off };
}

/* Something may come into n: an edit between its children, or it had none. */
static bool may_grow(const struct judge *j, const struct node *n)
{
	uint64_t from = n->text_at.off;

	for_each_node (c, n) {
		if (edited_between(j, from, c->whole.off))
			return true;
		from = span_end(c->whole);
	}
	return edited_between(j, from, span_end(n->text_at));
}

/* ---- before and after ---- */

static bool judge_value(struct judge *j, const struct node *n, json_t *x, json_t *y);

static bool judge_map(struct judge *j, const struct node *n, json_t *x, json_t *y)
{
	size_t kept = 0, count = 0;

	for_each_node (c, n) {
		const char *key = arena_str(j->arena, c->key), *now = name_after(j, c);
		json_t *was = json_object_get(x, key), *is = json_object_get(y, now);

		count++;
		if (taken_away(j, c->whole)) {
			if (is)
				return object(j, c, "would be there still");
			continue;
		}
		kept++;
		if (!is)
			return object(j, c, "would be gone");
		if (!edited_inside(j, value_of(c)) && !json_equal(was, is))
			return object(j, c, "would change with its name");
		if (!judge_value(j, c, was, is))
			return false;
	}
	if (count != json_object_size(x))
		return object(j, n, "has two members of one name");
	if (json_object_size(y) != kept && !may_grow(j, n))
		return object(j, n, "would get a member where no edit inserts");
	return true;
}

static bool judge_list(struct judge *j, const struct node *n, json_t *x, json_t *y)
{
	size_t i = 0, k = 0;

	for (const struct node *c = n->first; c; c = c->next, i++) {
		if (taken_away(j, c->whole))
			continue;
		if (k == json_array_size(y) ||
		    !judge_value(j, c, json_array_get(x, i), json_array_get(y, k++)))
			return j->why ? false : object(j, n, "would lose an item");
	}
	return k == json_array_size(y) ||
	       object(j, n, "would get an item where none is added");
}

static bool judge_value(struct judge *j, const struct node *n, json_t *x, json_t *y)
{
	if (!x)
		return object(j, n, "is seen by one reader only");
	if (!edited_inside(j, n->whole))
		return json_equal(x, y) ||
		       object(j, n, "would change, and no edit touches it");
	if (n->kind == NODE_MAP && json_is_object(y))
		return judge_map(j, n, x, y);
	if (n->kind == NODE_LIST && json_is_array(y))
		return judge_list(j, n, x, y);
	return (n->kind == NODE_SCALAR && !json_is_object(y) && !json_is_array(y)) ||
	       object(j, n, "would become something else");
}

static json_t *parse(struct judge *j, struct view text, const char *what)
{
	json_error_t error = { 0 };
	json_t *value = json_loadb(
		(const char *)text.p, text.n,
		JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);

	if (!value)
		j->why = arena_printf(j->arena,
				      "jansson refuses the text %s the edits: %s", what,
				      str_shown(j->arena, str_of(error.text)));
	return value;
}

bool judge_json(struct view before, struct view after, const struct plan *p,
		struct arena *a, const char **why)
{
	struct judge j = { .plan = p, .arena = a };
	const struct syntax_error *bad = NULL;
	struct node *root = NULL;
	struct err e = { 0 };
	json_t *x, *y = NULL;
	bool ok = false;

	*why = NULL;
	if (json_read(p->src, before, a, JSON_DOUBLES_ALLOWED, &root, &bad, &e) != 0 ||
	    !root) {
		*why = bad ? bad->what : arena_printf(a, "%s", e.msg);
		return false;
	}
	x = parse(&j, before, "before");
	if (x)
		y = parse(&j, after, "after");
	if (y)
		ok = judge_value(&j, root, x, y);
	json_decref(x);
	json_decref(y);
	*why = ok ? NULL : j.why;
	return ok;
}
