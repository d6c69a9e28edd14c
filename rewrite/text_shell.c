/* Edits of shell scripts by meaning: a NAME=value line, a word of a command.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "base/banned.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* ---- lines ---- */

/* Where the line begins when only blanks stand before `at`; else UINT64_MAX. */
static uint64_t line_before(const struct plan *p, uint64_t at)
{
	while (at > 0 && is_blank(p->text.p[at - 1]))
		at--;
	return at == 0 || p->text.p[at - 1] == '\n' ? at : UINT64_MAX;
}

static uint64_t skip_blanks(const struct plan *p, uint64_t at)
{
	while (at < p->text.n && is_blank(p->text.p[at]))
		at++;
	return at;
}

/* Behind the line end at `at`; `at`: there is none. */
static uint64_t behind_eol(const struct plan *p, uint64_t at)
{
	if (view_eq(p->text, (size_t)at, "\r\n", 2))
		return at + 2;
	return view_eq(p->text, (size_t)at, "\n", 1) ? at + 1 : at;
}

/* Where the backslash stands that continues the line before `line`, with the blanks before
 * it; UINT64_MAX: it is not continued. */
static uint64_t continued(const struct plan *p, uint64_t line)
{
	uint64_t at = line;

	if (at == 0)
		return UINT64_MAX;
	at--;
	if (at > 0 && p->text.p[at - 1] == '\r')
		at--;
	if (at == 0 || p->text.p[at - 1] != '\\')
		return UINT64_MAX;
	at--;
	while (at > 0 && is_blank(p->text.p[at - 1]))
		at--;
	return at;
}

bool text_remove_words(struct plan *p, uint64_t from, uint64_t to)
{
	uint64_t line = line_before(p, from), end = skip_blanks(p, to), eol, before;

	if (line != UINT64_MAX) {
		eol = behind_eol(p, end + view_eq(p->text, (size_t)end, "\\", 1));
		before = continued(p, line);
		if (eol > end && p->text.p[end] == '\\' && eol > end + 1)
			return plan_replace(p, text_span(p, line, eol), STR(""));
		/* The command's last line: the one before it is not continued any more. */
		if ((eol > end || end == p->text.n) && before != UINT64_MAX)
			return plan_replace(p, text_span(p, before, end), STR(""));
		if (eol > end)
			return plan_replace(p, text_span(p, line, eol), STR(""));
	}
	while (from > 0 && is_blank(p->text.p[from - 1]))
		from--;
	return plan_replace(p, text_span(p, from, to), STR(""));
}

static bool is_option_with_value(const struct node *n)
{
	return n->kind == NODE_SCALAR && str_starts(n->text, "-") && n->next &&
	       n->next->kind == NODE_MAP;
}

/* A word; an option together with the options that it takes. An assignment. */
static bool shell_remove_node(struct plan *p, const struct node *n)
{
	uint64_t from = n->whole.off, to = span_end(n->whole), line, eol;

	if (!n->up || (n->kind == NODE_LIST && !n->flow))
		return plan_refuse(p, "it is a whole command");
	if (!text_load(p))
		return false;
	if (node_is_item(n)) {
		if (is_option_with_value(n))
			to = span_end(n->next->whole);
		return text_remove_words(p, from, to);
	}
	line = line_before(p, from);
	eol = behind_eol(p, skip_blanks(p, to));
	if (line == UINT64_MAX || (eol == skip_blanks(p, to) && eol != p->text.n))
		return plan_refuse(p, "there is more on its line");
	return plan_replace(p, text_span(p, line, eol), STR(""));
}

/* ---- assignments ---- */

/* No quotes keep these from being read otherwise. */
static bool can_be_written(const char *value)
{
	for (; *value; value++) {
		if ((uint8_t)*value < ' ' || strchr("\"'\\$`!", *value))
			return false;
	}
	return true;
}

static bool needs_quotes(const char *value)
{
	if (!*value)
		return true;
	for (; *value; value++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_./:+-=,",
			    *value))
			return true;
	}
	return false;
}

static bool set_value(struct plan *p, const struct node *n, const char *value)
{
	struct buf b = { 0 };
	uint8_t quote;

	if (n->kind != NODE_SCALAR)
		return plan_refuse(p, "its value is decided elsewhere");
	quote = n->open_at.len ? p->text.p[n->open_at.off] : 0;
	/* Within its quotes, when they hold all of it. */
	if (n->open_at.len == n->text_at.len + 2 && (quote == '"' || quote == '\''))
		return plan_replace(p, n->text_at, str_of(value));
	if (n->open_at.len == n->text_at.len && !needs_quotes(value))
		return plan_replace(p, n->text_at, str_of(value));
	buf_printf(&b, "\"%s\"", value);
	return plan_replace(p, n->open_at, text_kept(p, &b));
}

/* A line behind the last assignment, with its indentation, quotes and line end. */
static bool add_assignment(struct plan *p, const struct node *root, struct str name,
			   const char *value)
{
	const struct node *last = NULL;
	uint64_t at, line;
	struct buf b = { 0 };
	bool quoted, crlf;

	for_each_node (c, root) {
		if (c->key.n &&
		    (c->kind == NODE_SCALAR || (c->kind == NODE_LIST && c->flow)))
			last = c;
	}
	line = last ? line_before(p, last->whole.off) : UINT64_MAX;
	if (line == UINT64_MAX)
		return plan_refuse(p, "there is no line of its kind to put it behind");
	at = span_end(last->whole);
	while (at < p->text.n && p->text.p[at] != '\n' && p->text.p[at] != '\r')
		at++;
	crlf = view_eq(p->text, (size_t)at, "\r\n", 2) ||
	       (at == p->text.n && memchr(p->text.p, '\r', p->text.n));
	quoted = last->kind == NODE_LIST || last->open_at.len != last->text_at.len ||
		 needs_quotes(value);
	buf_add(&b, crlf ? STR("\r\n") : STR("\n"));
	buf_add(&b, str_view(view_cut(p->text, (size_t)line,
				      (size_t)(last->whole.off - line))));
	buf_printf(&b, quoted ? "%.*s=\"%s\"" : "%.*s=%s", STR_ARG(name), value);
	return text_insert(p, at, text_kept(p, &b));
}

static bool shell_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);

	if (!text_load(p))
		return false;
	if (!can_be_written(value))
		return plan_refuse(p, "the value would need escapes there");
	BUG_ON(t.path.n != 1 || t.path.attribute.n > 0 || t.path.presence);
	if (!t.found)
		return add_assignment(p, f->owner, t.path.steps[0], value);
	return str_is(t.found->text, value) || set_value(p, t.found, value);
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

static bool shell_remove(struct plan *p, const struct fact *f)
{
	for_each_node (n, f->owner) {
		if (is_of_lens(n, f->lens) && !shell_remove_node(p, n))
			return false;
	}
	return true;
}

const struct text_syntax text_shell = {
	.set = shell_set,
	.remove = shell_remove,
	.remove_node = shell_remove_node,
	.judge = judge_shell,
};
