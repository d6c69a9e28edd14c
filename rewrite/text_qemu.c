/* Edits of one word's options by meaning: key=value units, whole ones only, within whatever
 * the word is written in (plan_word()).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/qemu_opts.h"
#include "base/banned.h"

static void add_value(struct buf *b, const char *value)
{
	for (; *value; value++) {
		buf_char(b, *value);
		if (*value == ',')
			buf_char(b, ',');
	}
}

static bool can_edit(struct plan *p, const struct node *map)
{
	if (!map->word)
		return plan_refuse(p, "its options are written in another way");
	if (map->word->fixed)
		return plan_refuse(p, "its word cannot be edited: %s", map->word->fixed);
	return true;
}

/* The k-th unit that is an option: the k-th child. */
static bool unit_of(const struct node *map, const struct node *child, struct qemu_unit *u)
{
	/* A first one without a key_at of its own length was implied, whatever its name. */
	bool implied = map->first && map->first->key_at.len == 0 && map->first->key.n > 0;
	const struct node *n = map->first;
	size_t at = 0;

	while (n && qemu_unit(map->word, implied ? "" : NULL, &at, u)) {
		if (u->flag && u->to == u->from)
			continue;
		if (n == child)
			return true;
		n = n->next;
	}
	return false;
}

/* ---- set ---- */

static bool set_unit(struct plan *p, const struct node *map, const struct node *n,
		     const char *value)
{
	struct qemu_unit u;
	struct buf b = { 0 };

	if (!unit_of(map, n, &u))
		return false;
	if (u.flag) {
		buf_printf(&b, "%.*s=", STR_ARG(n->key));
		add_value(&b, value);
		return plan_word(p, map->word, u.from, u.to, text_kept(p, &b));
	}
	add_value(&b, value);
	return plan_word(p, map->word, u.value, u.to, text_kept(p, &b));
}

/* Behind the last option, and within its quotes. */
static bool append_unit(struct plan *p, const struct node *map, struct str key,
			const char *value)
{
	const struct word *w = map->word;
	struct buf b = { 0 };
	size_t at = 0, end = 0;
	struct qemu_unit u;
	bool implied = map->first && map->first->key_at.len == 0 && map->first->key.n > 0;

	while (qemu_unit(w, implied ? "" : NULL, &at, &u))
		end = u.to;
	/* A comma at the end would become a doubled one. */
	if (end == w->text.n && end > 0)
		buf_char(&b, ',');
	buf_printf(&b, "%.*s=", STR_ARG(key));
	add_value(&b, value);
	return plan_word(p, w, w->text.n, w->text.n, text_kept(p, &b));
}

static bool qemu_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);

	if (!can_edit(p, f->owner))
		return false;
	BUG_ON(t.path.n != 1 || t.path.attribute.n > 0 || t.path.presence);
	if (!t.found)
		return append_unit(p, f->owner, t.path.steps[0], value);
	if (t.found->kind == NODE_OPAQUE)
		return false;
	return str_is(t.found->text, value) || set_unit(p, f->owner, t.found, value);
}

/* ---- remove ---- */

static bool qemu_remove_node(struct plan *p, const struct node *n)
{
	const struct node *map = n->up;
	struct qemu_unit u, next;
	size_t at;

	/* All of a word: the syntax that it stands in knows. */
	if (n->kind == NODE_MAP && map && text_syntax(map->syntax))
		return text_syntax(map->syntax)->remove_node(p, n);
	if (n->kind == NODE_MAP || !map || map->syntax != SYNTAX_QEMU)
		return plan_refuse(p, "it is more than an option");
	if (!can_edit(p, map) || !unit_of(map, n, &u))
		return false;
	if (u.from > 0)
		return plan_word(p, map->word, u.from - 1, u.to, STR(""));
	if (!n->next)
		return plan_refuse(p, "nothing would be left of the option");
	if (u.key_end == u.from)
		return plan_refuse(p, "the rest would be read in another way");
	at = u.to + 1;
	if (!qemu_unit(map->word, NULL, &at, &next) || next.flag)
		return plan_refuse(p, "the rest would be read in another way");
	return plan_word(p, map->word, u.from, u.to + 1, STR(""));
}

static bool is_of_lens(const struct node *n, const struct lens *l)
{
	struct lens_path path;

	for (size_t i = 0; lens_path(l, i, &path); i++) {
		if (path.n == 1 && str_eq(n->key, path.steps[0]))
			return true;
	}
	return false;
}

/* All of that name: else another one would come to light. Neighbours go in one edit, as
 * each takes the comma before it. */
static bool qemu_remove(struct plan *p, const struct fact *f)
{
	for_each_node (n, f->owner) {
		if (is_of_lens(n, f->lens) && !qemu_remove_node(p, n))
			return false;
	}
	return true;
}

bool judge_none(struct view before, struct view after, const struct plan *p,
		struct arena *a, const char **why)
{
	(void)before;
	(void)after;
	(void)p;
	*why = arena_printf(a, "options are no document of their own");
	return false;
}

const struct text_syntax text_qemu = {
	.set = qemu_set,
	.remove = qemu_remove,
	.remove_node = qemu_remove_node,
	.judge = judge_none,
};
