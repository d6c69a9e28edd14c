/* Edits of HCL by meaning: which bytes an argument is, and which bytes a new one would be,
 * indented as its neighbours and with its '=' below theirs, as `packer fmt` has it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/hcl_lex.h"
#include "base/utf8.h"
#include "rewrite/hcl_style.h"
#include "base/banned.h"

static bool load_text(struct plan *p, struct xml_style *s)
{
	if (!text_load(p))
		return false;
	s->text = p->text;
	return true;
}

/* ---- values ---- */

static void add_quoted(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\n' || c == '\r' || c == '\t') {
			buf_char(b, '\\');
			buf_char(b, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
			continue;
		}
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		if ((c == '$' || c == '%') && i + 1 < s.n && s.p[i + 1] == '{')
			buf_char(b, c);
		buf_char(b, c);
	}
	buf_char(b, '"');
}

/* `was`: what it replaces, whose type it keeps if it can; NULL: nothing. */
static void add_value(struct buf *b, const char *value, const struct node *was)
{
	bool string = was && was->type == SCALAR_STRING;

	if (!string && text_is_bare(value))
		buf_add(b, str_of(value));
	else
		add_quoted(b, str_of(value));
}

/* ---- new arguments ---- */

static void add_argument(struct buf *b, struct str name, size_t pad, const char *value)
{
	buf_add(b, name);
	buf_fill(b, ' ', pad);
	buf_add(b, STR("= "));
	add_value(b, value, NULL);
}

/* A file that never indents is rare, and `packer fmt` would. */
static struct str step_in(const struct xml_style *s, const struct node *n)
{
	struct str step = style_step(s, n);

	return step.n ? step : STR("  ");
}

/* On a line of its own behind that of `anchor`. */
static bool insert_behind(struct plan *p, const struct xml_style *s,
			  const struct node *anchor, struct str name, const char *value)
{
	struct hcl_run run;
	struct buf b = { 0 };
	size_t pad;

	anchor = hcl_run_anchor(s, anchor);
	hcl_run_around(&run, s, anchor);
	pad = hcl_run_pad(&run, name);
	buf_add(&b, style_eol(s, anchor->whole.off));
	buf_add(&b, style_indent(s, anchor));
	add_argument(&b, name, pad, value);
	return text_insert(p, hcl_line_end(s, span_end(anchor->whole)),
			   text_kept(p, &b)) &&
	       hcl_run_align(&run, p, NULL, name);
}

/* As the first argument of a block of several lines. */
static bool insert_first(struct plan *p, const struct xml_style *s, const struct node *n,
			 struct str name, const char *value)
{
	struct buf b = { 0 };

	buf_add(&b, style_eol(s, n->open_at.off));
	buf_add(&b, style_indent(s, n));
	buf_add(&b, step_in(s, n));
	add_argument(&b, name, 1, value);
	return text_insert(p, hcl_line_end(s, span_end(n->open_at)), text_kept(p, &b));
}

/* { } and { a = 1 } get a line for each argument. */
static bool insert_opening(struct plan *p, const struct xml_style *s,
			   const struct node *n, struct str name, const char *value)
{
	struct str eol = style_eol(s, n->open_at.off);
	const struct node *only = hcl_last_argument(n);
	size_t wide = utf8_columns(name);
	struct buf b = { 0 };

	if (eol.n == 0)
		eol = STR("\n");
	buf_printf(&b, "%.*s%.*s%.*s", STR_ARG(eol), STR_ARG(style_indent(s, n)),
		   STR_ARG(step_in(s, n)));
	if (only) {
		size_t its = utf8_columns(only->key);

		wide = its > wide ? its : wide;
		buf_add(&b, only->key);
		buf_fill(&b, ' ', wide - its + 1);
		buf_add(&b, STR("= "));
		buf_add(&b, str_view(view_cut(s->text, (size_t)only->open_at.off,
					      (size_t)(span_end(only->whole) -
						       only->open_at.off))));
		buf_printf(&b, "%.*s%.*s%.*s", STR_ARG(eol), STR_ARG(style_indent(s, n)),
			   STR_ARG(step_in(s, n)));
	}
	add_argument(&b, name, wide - utf8_columns(name) + 1, value);
	buf_printf(&b, "%.*s%.*s", STR_ARG(eol), STR_ARG(style_indent(s, n)));
	return plan_replace(p, n->text_at, text_kept(p, &b));
}

static bool insert(struct plan *p, const struct xml_style *s, const struct fact *f,
		   const struct target *t, const char *value)
{
	const struct node *n = t->deepest, *anchor = NULL;
	bool one_line;

	if (t->walked + 1 != t->path.n || n->kind != NODE_MAP)
		return plan_refuse(p, "'%s' holds something else than a value",
				   str_shown(p->arena, n->key));
	one_line = !memchr(s->text.p + n->text_at.off, '\n', (size_t)n->text_at.len);
	if (!n->is_block)
		return plan_refuse(p, "'%s' is not a block", str_shown(p->arena, n->key));
	if (one_line)
		return insert_opening(p, s, n, t->path.steps[t->walked], value);
	if (f->lens->beside)
		anchor = node_child(n, f->lens->beside);
	if (!anchor || anchor->is_block)
		anchor = hcl_last_argument(n);
	return anchor ? insert_behind(p, s, anchor, t->path.steps[t->walked], value)
		      : insert_first(p, s, n, t->path.steps[t->walked], value);
}

static bool hcl_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);
	struct xml_style s;
	struct buf b = { 0 };

	if (utf8_valid_upto(str_bytes(str_of(value))) != strlen(value) ||
	    t.path.presence || t.path.attribute.n || !load_text(p, &s))
		return false;
	if (!t.found)
		return insert(p, &s, f, &t, value);
	if (t.found->kind != NODE_SCALAR)
		return plan_refuse(p, "'%s' is an expression",
				   str_shown(p->arena, t.found->key));
	add_value(&b, value, t.found);
	return plan_replace(p, t.found->open_at, text_kept(p, &b));
}

/* ---- remove ---- */

/* One of several between brackets: with its comma. */
static bool remove_item(struct plan *p, const struct node *n)
{
	const struct node *before = NULL;

	if (n->next)
		return plan_replace(p, text_span(p, n->whole.off, n->next->whole.off),
				    STR(""));
	for (const struct node *c = n->up->first; c != n; c = c->next)
		before = c;
	if (before)
		return plan_replace(
			p, text_span(p, span_end(before->whole), span_end(n->whole)),
			STR(""));
	return plan_replace(p, n->up->text_at, STR(""));
}

/* Its lines, with a comment that ends the last of them; what is aligned with it stays so. */
static bool remove_lines(struct plan *p, const struct xml_style *s, const struct node *n)
{
	size_t from = (size_t)n->whole.off - style_indent(s, n).n;
	size_t to = hcl_line_end(s, span_end(n->whole));
	struct hcl_run run = { 0 };

	if (view_eq(s->text, to, "\r", 1))
		to++;
	if (view_eq(s->text, to, "\n", 1))
		to++;
	if (!n->is_block)
		hcl_run_around(&run, s, n);
	return plan_replace(p, text_span(p, from, to), STR("")) &&
	       hcl_run_align(&run, p, n, STR(""));
}

static bool hcl_remove_node(struct plan *p, const struct node *n)
{
	struct xml_style s;

	if (!n->up)
		return plan_refuse(p, "it is the whole file");
	if (!load_text(p, &s))
		return false;
	if (n->up->up && !n->up->is_block)
		return remove_item(p, n);
	if (n->up->up &&
	    !memchr(s.text.p + n->up->text_at.off, '\n', (size_t)n->up->text_at.len))
		return plan_replace(p, n->up->text_at, STR(""));
	return remove_lines(p, &s, n);
}

static bool hcl_remove(struct plan *p, const struct fact *f)
{
	return text_remove_each(p, f, hcl_remove_node);
}

/* ---- rename ---- */

/* Columns of the longest name of a run, when n has that name. */
static size_t wide_with(const struct hcl_run *run, const struct node *renamed,
			struct str name)
{
	size_t wide = utf8_columns(name);

	for (const struct node *n = run->first; n; n = n == run->last ? NULL : n->next) {
		size_t its = utf8_columns(n->key);

		if (n != renamed && its > wide)
			wide = its;
	}
	return wide;
}

/* All of the run is written, also where nothing moves: another new name in it has to wait
 * for the next round, and finds the columns of then. */
static bool align_renamed(struct plan *p, const struct hcl_run *run,
			  const struct node *renamed, struct str name)
{
	size_t wide = wide_with(run, renamed, name);

	for (const struct node *n = run->first; n; n = n == run->last ? NULL : n->next) {
		size_t its = utf8_columns(n->key);
		struct span at = text_span(p, span_end(n->key_at),
					   span_end(n->key_at) + run->wide - its + 1);
		struct buf b = { 0 };

		if (n == renamed) {
			at = text_span(p, n->key_at.off, span_end(at));
			buf_add(&b, name);
			its = utf8_columns(name);
		}
		buf_fill(&b, ' ', wide - its + 1);
		if (!plan_replace(p, at, text_kept(p, &b)))
			return false;
	}
	return true;
}

static bool hcl_rename(struct plan *p, const struct node *n, const char *name)
{
	struct hcl_run run = { 0 };
	struct xml_style s;

	if (!load_text(p, &s))
		return false;
	if (!n->is_block)
		hcl_run_around(&run, &s, n);
	if (run.aligned && run.first)
		return align_renamed(p, &run, n, str_of(name));
	return plan_replace(p, n->key_at, str_of(name));
}

const struct text_syntax text_hcl = {
	.set = hcl_set,
	.remove = hcl_remove,
	.remove_node = hcl_remove_node,
	.rename = hcl_rename,
	.judge = judge_hcl,
};
