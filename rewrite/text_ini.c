/* Edits of sections of QEMU's options by meaning: the value between its quotes, whole lines
 * with the indentation of their neighbours. In a file, and in lines of another one (a block
 * of YAML), where the indentation of both is what stands before them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "base/banned.h"

/* Nothing escapes there. */
static bool can_be_written(const char *value)
{
	for (; *value; value++) {
		if ((uint8_t)*value < ' ' || strchr("\"\\", *value))
			return false;
	}
	return true;
}

static bool has_lines(const struct node *section)
{
	return section->style == STYLE_PLAIN || section->style == STYLE_LITERAL;
}

/* Where the line begins that only blanks stand on before `at`; else UINT64_MAX. */
static uint64_t line_of(const struct plan *p, uint64_t at)
{
	while (at > 0 && (p->text.p[at - 1] == ' ' || p->text.p[at - 1] == '\t'))
		at--;
	return at == 0 || p->text.p[at - 1] == '\n' ? at : UINT64_MAX;
}

static uint64_t line_end(const struct plan *p, uint64_t at)
{
	while (at < p->text.n && p->text.p[at] != '\n')
		at++;
	return at > 0 && at < p->text.n && p->text.p[at - 1] == '\r' ? at - 1 : at;
}

static uint64_t behind_eol(const struct plan *p, uint64_t at)
{
	if (view_eq(p->text, (size_t)at, "\r\n", 2))
		return at + 2;
	return view_eq(p->text, (size_t)at, "\n", 1) ? at + 1 : at;
}

/* Of the line at `at`, or of the first one where that has none. */
static struct str eol_at(const struct plan *p, uint64_t at)
{
	const uint8_t *first = memchr(p->text.p, '\n', p->text.n);

	if (behind_eol(p, at) == at && first)
		at = (uint64_t)(first - p->text.p) -
		     (first > p->text.p && first[-1] == '\r');
	return behind_eol(p, at) == at + 2 ? STR("\r\n") : STR("\n");
}

/* ---- set ---- */

/* The line that a new one goes behind. */
static const struct node *last_line(const struct node *section)
{
	const struct node *last = NULL;

	for_each_node (n, section) {
		if (n->whole.off >= span_end(section->open_at))
			last = n;
	}
	return last;
}

static bool add_line(struct plan *p, const struct node *section, struct str name,
		     const char *value)
{
	const struct node *last = last_line(section);
	uint64_t at = last ? last->whole.off : section->open_at.off;
	uint64_t from = line_of(p, at), end = line_end(p, at);
	struct buf b = { 0 };

	if (!has_lines(section) || from == UINT64_MAX)
		return plan_refuse(p, "its section has no lines of its own in the file");
	buf_char(&b, (char)p->text.p[end - 1]);
	buf_add(&b, eol_at(p, end));
	buf_add(&b, str_view(view_cut(p->text, (size_t)from, (size_t)(at - from))));
	if (!last)
		buf_add(&b, STR("  "));
	buf_printf(&b, "%.*s = \"%s\"", STR_ARG(name), value);
	/* Behind a scalar something else could begin: it is that scalar which grows. */
	return plan_replace(p, text_span(p, end - 1, end), text_kept(p, &b));
}

static bool ini_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);

	if (!text_load(p))
		return false;
	if (!can_be_written(value))
		return plan_refuse(p, "the value would need escapes there");
	BUG_ON(t.path.n != 1 || t.path.attribute.n > 0 || t.path.presence);
	if (!t.found)
		return add_line(p, f->owner, t.path.steps[0], value);
	if (t.found->kind != NODE_SCALAR || t.found->text.n != t.found->text_at.len)
		return plan_refuse(p, "its value is written in another way");
	return str_is(t.found->text, value) ||
	       plan_replace(p, t.found->text_at, str_of(value));
}

/* ---- remove ---- */

/* Lines [from, to): with the line end behind them, or the one before where they end the
 * file. */
static bool remove_lines(struct plan *p, uint64_t from, uint64_t to)
{
	uint64_t end = behind_eol(p, to);

	if (end == to && from > 0) {
		from--;
		from -= from > 0 && p->text.p[from - 1] == '\r';
	}
	return plan_replace(p, text_span(p, from, end), STR(""));
}

static bool ini_remove_node(struct plan *p, const struct node *n)
{
	const struct node *section = n->kind == NODE_MAP ? n : n->up;
	uint64_t from, to;

	if (!n->up || !text_load(p))
		return plan_refuse(p, "it is the whole file");
	if (n != section && span_end(n->whole) <= span_end(section->open_at))
		return plan_refuse(p, "it is the section's name");
	if (n == section && section->style != STYLE_PLAIN)
		return plan_refuse(p, "the section may be another's as well");
	from = line_of(p, n->whole.off);
	to = line_end(p, span_end(n->whole));
	if (!has_lines(section) || from == UINT64_MAX)
		return plan_refuse(p, "it has no line of its own in the file");
	return remove_lines(p, from, to);
}

/* All of that name: else another one would come to light. */
static bool ini_remove(struct plan *p, const struct fact *f)
{
	return text_remove_each(p, f, ini_remove_node);
}

const struct text_syntax text_ini = {
	.set = ini_set,
	.remove = ini_remove,
	.remove_node = ini_remove_node,
	.judge = judge_ini,
};
