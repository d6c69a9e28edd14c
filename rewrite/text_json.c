/* Edits of JSON by meaning: which bytes a member is, and which bytes a new one would be,
 * with the separators and indentation of its neighbours.
 * RFC 8259.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "rewrite/xml_style.h"
#include "base/utf8.h"
#include "base/banned.h"

static bool load_text(struct plan *p, struct xml_style *s)
{
	if (!text_load(p))
		return false;
	s->text = p->text;
	return true;
}

static struct str between(const struct xml_style *s, uint64_t from, uint64_t to)
{
	return str_view(view_cut(s->text, (size_t)from, (size_t)(to - from)));
}

/* ---- values ---- */

static void add_quoted(struct buf *b, struct str s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = (uint8_t)s.p[i];

		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		if (c == '\n')
			buf_add(b, STR("\\n"));
		else if (c == '\t')
			buf_add(b, STR("\\t"));
		else if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

/* `was`: what it replaces, whose type it keeps if it can; NULL: nothing. */
static void add_value(struct buf *b, const char *value, const struct node *was)
{
	bool string = was && was->kind == NODE_SCALAR && was->type == SCALAR_STRING;

	if (!string && text_is_bare(value))
		buf_add(b, str_of(value));
	else
		add_quoted(b, str_of(value));
}

/* ---- how members are laid out ---- */

/* What stands between two members around m, with its comma: ", ", ",\n  ", "\n  , ". */
static struct str separator(const struct xml_style *s, const struct node *m,
			    struct plan *p)
{
	const struct node *before = NULL;
	struct str gap, eol = style_eol(s, m->whole.off);
	size_t line;

	for (const struct node *c = m->up->first; c != m; c = c->next)
		before = c;
	if (!before && !m->next) {
		if (!style_leads_line(s, m) || eol.n == 0)
			return STR(", ");
		return str_of(arena_printf(p->arena, ",%.*s%.*s", STR_ARG(eol),
					   STR_ARG(style_indent(s, m))));
	}
	gap = before ? between(s, span_end(before->whole), m->whole.off)
		     : between(s, span_end(m->whole), m->next->whole.off);
	/* Blank lines set groups apart: a new member joins the one before it. */
	for (line = gap.n; line > 0 && gap.p[line - 1] != '\n'; line--)
		;
	if (line == 0)
		return gap;
	if (!memchr(gap.p + line, ',', gap.n - line))
		return str_of(arena_printf(p->arena, ",%.*s%.*s", STR_ARG(eol),
					   (int)(gap.n - line), gap.p + line));
	return str_of(arena_printf(p->arena, "%.*s%.*s", STR_ARG(eol),
				   (int)(gap.n - line), gap.p + line));
}

/* What stands between the name and the value of a member: ": ", ":", " : ". One that is
 * made wide to line values up is no model. */
static struct str colon(const struct xml_style *s, const struct node *m)
{
	struct str c;

	if (m->up->kind != NODE_MAP)
		return STR(": ");
	c = between(s, span_end(m->key_at), m->open_at.off);
	return c.n <= 3 && !memchr(c.p, '\n', c.n) ? c : STR(": ");
}

/* Of the members around n. */
static struct str colon_near(const struct xml_style *s, const struct node *n)
{
	for (; n->up; n = n->up) {
		if (n->up->kind == NODE_MAP)
			return colon(s, n);
	}
	return n->first && n->kind == NODE_MAP ? colon(s, n->first) : STR(": ");
}

/* The member that t lacks: "a": {"b": "value"}; on lines of their own when eol is not "". */
static void add_member(struct buf *b, const struct target *t, struct str c,
		       const char *value)
{
	for (size_t i = t->walked; i < t->path.n; i++) {
		add_quoted(b, t->path.steps[i]);
		buf_add(b, c);
		if (i + 1 < t->path.n)
			buf_char(b, '{');
	}
	add_value(b, value, NULL);
	for (size_t i = t->walked + 1; i < t->path.n; i++)
		buf_char(b, '}');
}

static bool insert_behind(struct plan *p, const struct xml_style *s,
			  const struct target *t, const struct node *m, const char *value)
{
	struct buf b = { 0 };

	buf_add(&b, separator(s, m, p));
	add_member(&b, t, colon(s, m), value);
	return text_insert(p, span_end(m->whole), text_kept(p, &b));
}

/* As the only member of an object. */
static bool insert_inside(struct plan *p, const struct xml_style *s,
			  const struct target *t, const char *value)
{
	const struct node *n = t->deepest;
	struct str eol = style_eol(s, n->open_at.off);
	struct buf b = { 0 };

	if (eol.n > 0 && style_leads_line(s, n)) {
		buf_add(&b, eol);
		buf_add(&b, style_indent(s, n));
		buf_add(&b, style_step(s, n));
	}
	add_member(&b, t, colon_near(s, n), value);
	if (eol.n > 0 && style_leads_line(s, n)) {
		buf_add(&b, eol);
		buf_add(&b, style_indent(s, n));
	}
	return plan_replace(p, n->text_at, text_kept(p, &b));
}

static bool insert(struct plan *p, const struct xml_style *s, const struct fact *f,
		   const struct target *t, const char *value)
{
	const struct node *n = t->deepest, *beside = NULL;

	if (t->walked == t->path.n || n->kind != NODE_MAP)
		return plan_refuse(p, "'%s' holds something else than a value",
				   str_shown(p->arena, n->key));
	if (f->lens->beside)
		beside = node_child(n, f->lens->beside);
	if (!beside)
		beside = n->last;
	return beside ? insert_behind(p, s, t, beside, value)
		      : insert_inside(p, s, t, value);
}

/* ---- set, remove ---- */

static bool json_set(struct plan *p, const struct fact *f, const char *value)
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
		return plan_refuse(p, "'%s' holds something else than a value",
				   str_shown(p->arena, t.found->key));
	add_value(&b, value, t.found);
	return plan_replace(p, t.found->open_at, text_kept(p, &b));
}

static bool json_remove_node(struct plan *p, const struct node *n)
{
	const struct node *before = NULL;

	if (!n->up)
		return plan_refuse(p, "it is the whole file");
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

static bool json_remove(struct plan *p, const struct fact *f)
{
	return text_remove_each(p, f, json_remove_node);
}

static bool json_rename(struct plan *p, const struct node *n, const char *name)
{
	struct buf b = { 0 };

	add_quoted(&b, str_of(name));
	return plan_replace(p, n->key_at, text_kept(p, &b));
}

const struct text_syntax text_json = {
	.set = json_set,
	.remove = json_remove,
	.remove_node = json_remove_node,
	.rename = json_rename,
	.judge = judge_json,
};
