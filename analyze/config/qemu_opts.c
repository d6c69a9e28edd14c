/* One word's options as a node tree.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_opts.h"

#include "base/banned.h"

/* The first ',' (or, before a value, '=') at or behind `at` that is not within an opaque
 * part. doubled: ",," does not end it. */
static size_t find_end(const struct word *w, size_t at, bool equals, bool doubled)
{
	while (at < w->text.n) {
		size_t behind = word_skip(w, at);
		char c = w->text.p[at];

		if (behind > at) {
			at = behind;
			continue;
		}
		if (equals && c == '=')
			return at;
		if (c == ',') {
			if (!doubled || at + 1 == w->text.n || w->text.p[at + 1] != ',' ||
			    word_skip(w, at + 1) != at + 1)
				return at;
			at++;
		}
		at++;
	}
	return w->text.n;
}

bool qemu_unit(const struct word *w, const char *implied, size_t *at, struct qemu_unit *u)
{
	size_t from = *at, end;

	if (from >= w->text.n)
		return false;
	*u = (struct qemu_unit){ .from = from, .key_end = from, .value = from };
	end = find_end(w, from, true, false);
	if (end < w->text.n && w->text.p[end] == '=') {
		u->key_end = end;
		u->value = end + 1;
		u->to = find_end(w, end + 1, false, true);
		u->unknown = word_unknown(w, from, end);
	} else if (from == 0 && implied) {
		u->to = find_end(w, from, false, true);
	} else {
		u->to = end;
		u->key_end = u->value = end;
		u->flag = true;
		u->unknown = from < end && word_unknown(w, from, end);
	}
	*at = u->to + 1;
	return true;
}

/* Without the second of two commas. */
static struct str decoded(struct str s, struct arena *a)
{
	char *copy, *to;

	if (!str_has(s, ",,"))
		return s;
	copy = to = arena_try(a, s.n, 1);
	for (size_t i = 0; copy && i < s.n; i++) {
		*to++ = s.p[i];
		if (s.p[i] == ',' && i + 1 < s.n && s.p[i + 1] == ',')
			i++;
	}
	return copy ? (struct str){ copy, (size_t)(to - copy) } : s;
}

static struct str cut(struct str s, size_t from, size_t to)
{
	return (struct str){ s.p + from, to - from };
}

static void read_flag(struct node *n, const struct word *w)
{
	n->text = STR("on");
	n->text_at = n->open_at = n->key_at;
	/* "nowait", but not "no": an option of that name would be a flag as well. */
	if (str_starts(n->key, "no") && n->key.n > 2) {
		n->key = cut(n->key, 2, n->key.n);
		n->text = STR("off");
	}
	(void)w;
}

static void read_unit(struct node *n, const struct word *w, const struct qemu_unit *u,
		      const char *implied, struct arena *a)
{
	bool opaque = word_unknown(w, u->value, u->to) && u->value < u->to;

	n->syntax = SYNTAX_QEMU;
	n->kind = u->unknown || opaque ? NODE_OPAQUE : NODE_SCALAR;
	n->whole = word_span(w, u->from, u->to);
	n->key_at = word_span(w, u->from, u->key_end);
	n->text_at = n->open_at = word_span(w, u->value, u->to);
	if (u->unknown) {
		n->text = cut(w->text, u->from, u->to);
		n->text_at = n->open_at = n->whole;
		return;
	}
	n->key = u->key_end > u->from ? cut(w->text, u->from, u->key_end)
				      : str_of(implied ? implied : "");
	n->text = cut(w->text, u->value, u->to);
	if (u->flag)
		read_flag(n, w);
	else if (!opaque)
		n->text = decoded(n->text, a);
}

static void add_child(struct node *up, struct node *n)
{
	n->up = up;
	if (up->last)
		up->last->next = n;
	else
		up->first = n;
	up->last = n;
}

/* A word that may be any options at all, or none. */
static bool add_unknown(struct node *map, const struct word *w, struct arena *a)
{
	struct node *n = arena_try_new(a, struct node);

	if (!n)
		return false;
	*n = (struct node){ .kind = NODE_OPAQUE,
			    .syntax = SYNTAX_QEMU,
			    .text = w->text,
			    .whole = w->at,
			    .open_at = w->at,
			    .text_at = w->at,
			    .key_at = { w->at.src, w->at.off, 0 } };
	add_child(map, n);
	return true;
}

struct node *qemu_opts(const struct word *w, const char *implied, struct node *up,
		       struct arena *a)
{
	struct node *map = arena_try_new(a, struct node), *n;
	struct qemu_unit u;
	size_t at = 0, count = 0;

	if (!map)
		return NULL;
	*map = (struct node){ .kind = NODE_MAP,
			      .syntax = SYNTAX_QEMU,
			      .flow = true,
			      .word = w,
			      .key_at = { w->at.src, w->at.off, 0 },
			      .text_at = w->nparts ? word_span(w, 0, w->text.n) : w->at,
			      .open_at = w->at,
			      .whole = w->at };
	if (up)
		add_child(up, map);
	if (w->nparts == 0)
		return add_unknown(map, w, a) ? map : NULL;
	while (qemu_unit(w, implied, &at, &u)) {
		if (u.to == u.from && u.flag)
			continue; /* "a=b,": QEMU reads nothing there */
		n = count++ < QEMU_OPTS_MAX ? arena_try_new(a, struct node) : NULL;
		if (!n)
			return NULL;
		read_unit(n, w, &u, implied, a);
		add_child(map, n);
	}
	return map;
}
