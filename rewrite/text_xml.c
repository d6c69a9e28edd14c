/* Edits of XML by meaning: which bytes a fact is, and which bytes a new one would be.
 * Everything else of the file stays as it is, byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/lens.h"
#include "analyze/config/node.h"
#include "base/utf8.h"
#include "rewrite/xml_style.h"
#include "base/banned.h"

static bool is_text(const struct lens_path *path)
{
	return path->attribute.n == 0 && !path->presence;
}

/* ---- bytes ---- */

static bool load_text(struct plan *p, struct xml_style *s)
{
	if (!text_load(p))
		return false;
	s->text = p->text;
	return true;
}

static void add_char(struct buf *b, char c, char quote)
{
	bool in_attribute = quote != '\0';

	switch (c) {
	case '&':
		buf_add(b, STR("&amp;"));
		return;
	case '<':
		buf_add(b, STR("&lt;"));
		return;
	case '>':
		buf_add(b, STR("&gt;"));
		return;
	case '\r':
		buf_add(b, STR("&#13;"));
		return;
	case '\t':
	case '\n':
		/* Attributes lose them to normalisation (XML 1.0, 3.3.3); text keeps them. */
		if (in_attribute)
			buf_printf(b, "&#%d;", c);
		else
			buf_char(b, c);
		return;
	default:
		break;
	}
	if (in_attribute && c == quote)
		buf_add(b, c == '"' ? STR("&quot;") : STR("&apos;"));
	else
		buf_char(b, c);
}

/* Adds value as an attribute's value between quotes, or as text (quote '\0'). */
static void add_escaped(struct buf *b, const char *value, char quote)
{
	for (; *value; value++)
		add_char(b, *value, quote);
}

/* XML 1.0, 2.2: what no escape can express either. */
static bool can_be_written(const char *value)
{
	struct view v = str_bytes(str_of(value));
	uint32_t c;

	while (v.n > 0) {
		size_t n = utf8_decode(v, &c);

		if (n == 0 || c == 0xfffe || c == 0xffff ||
		    (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
			return false;
		v = view_cut(v, n, v.n - n);
	}
	return true;
}

static struct str name_of(const struct xml_style *s, const struct node *n)
{
	return str_view(view_cut(s->text, (size_t)n->key_at.off, (size_t)n->key_at.len));
}

static const struct node *first_element(const struct node *n)
{
	for_each_node (c, n) {
		if (c->kind == NODE_ELEMENT)
			return c;
	}
	return NULL;
}

/* ---- new attributes and elements ---- */

static void add_attribute(struct buf *b, struct str name, const char *value, char quote)
{
	buf_add(b, name);
	buf_char(b, '=');
	buf_char(b, quote);
	add_escaped(b, value, quote);
	buf_char(b, quote);
}

/* Behind the last attribute, and like it: on a line of its own if that is. */
static bool insert_attribute(struct plan *p, const struct xml_style *s,
			     const struct node *n, struct str name, const char *value)
{
	const struct node *last = NULL;
	uint64_t at = span_end(n->key_at), gap;
	struct str before = STR(" ");
	struct buf b = { 0 };

	for_each_node (c, n) {
		if (c->kind == NODE_ATTRIBUTE)
			last = c;
	}
	if (last) {
		at = span_end(last->whole);
		gap = style_space_before(s, last->whole.off);
		if (memchr(s->text.p + gap, '\n', (size_t)(last->whole.off - gap)))
			before = str_view(view_cut(s->text, (size_t)gap,
						   (size_t)(last->whole.off - gap)));
	}
	buf_add(&b, before);
	add_attribute(&b, name, value, style_quote(s, last ? last : n));
	return text_insert(p, at, text_kept(p, &b));
}

/* How new elements are laid out: one per line, or (eol is "") one behind the other. */
struct layout {
	struct str eol, indent, step;
	char quote;
	const char *close;
};

static void add_line(struct buf *b, const struct layout *l, size_t depth)
{
	if (l->eol.n == 0)
		return;
	buf_add(b, l->eol);
	buf_add(b, l->indent);
	for (; depth > 0; depth--)
		buf_add(b, l->step);
}

/* The elements that t's path lacks, one within the other, the innermost with the value.
 * The first starts a line, at depth steps. */
static void add_elements(struct buf *b, const struct target *t, const struct layout *l,
			 size_t depth, const char *value)
{
	size_t i;

	for (i = t->walked; i < t->path.n; i++) {
		add_line(b, l, depth + i - t->walked);
		buf_char(b, '<');
		buf_add(b, t->path.steps[i]);
		if (i + 1 < t->path.n)
			buf_char(b, '>');
	}
	if (t->path.attribute.n > 0) {
		buf_char(b, ' ');
		add_attribute(b, t->path.attribute, value, l->quote);
	}
	if (is_text(&t->path)) {
		buf_char(b, '>');
		add_escaped(b, value, '\0');
		buf_printf(b, "</%.*s>", STR_ARG(t->path.steps[t->path.n - 1]));
	} else {
		buf_add(b, str_of(l->close));
	}
	for (i = t->path.n - 1; i > t->walked; i--) {
		add_line(b, l, depth + i - 1 - t->walked);
		buf_printf(b, "</%.*s>", STR_ARG(t->path.steps[i - 1]));
	}
}

/* Behind a sibling, or (anchor NULL) before the first of them. */
static bool insert_beside(struct plan *p, const struct xml_style *s,
			  const struct target *t, const char *value, struct layout l)
{
	const struct node *parent = t->deepest;
	const struct node *anchor = style_anchor(parent, t->path.steps[t->walked]);
	const struct node *model = anchor ? anchor : first_element(parent);
	uint64_t at = anchor ? span_end(anchor->whole) : span_end(parent->open_at);
	uint64_t line_end = style_line_rest(s, at);
	struct buf b = { 0 };

	l.indent = style_indent(s, model);
	if (!style_leads_line(s, model))
		l.eol = STR("");
	else if (line_end != UINT64_MAX)
		at = line_end; /* a comment on the sibling's line stays with it */
	else if (anchor && at != span_end(parent->text_at))
		l.eol = STR(""); /* more siblings on the same line */
	add_elements(&b, t, &l, 0, value);
	return text_insert(p, at, text_kept(p, &b));
}

/* Where the line of n's end tag begins; 0 when n's last content is on that line as well. */
static uint64_t end_tag_line(const struct xml_style *s, const struct node *n)
{
	uint64_t end = span_end(n->text_at), at = style_space_before(s, end);

	while (end > at && end > n->text_at.off) {
		if (s->text.p[end - 1] == '\n')
			return end;
		end--;
	}
	return 0;
}

/* As the first element of one that is empty, or holds comments only. */
static bool insert_inside(struct plan *p, const struct xml_style *s,
			  const struct target *t, const char *value, struct layout l)
{
	const struct node *n = t->deepest;
	uint64_t line = end_tag_line(s, n), end = span_end(n->text_at);
	uint64_t from = u64_max(style_space_before(s, end), n->text_at.off);
	struct buf b = { 0 };

	l.indent = style_indent(s, n);
	if (line == 0 && !style_leads_line(s, n))
		l.eol = STR("");
	add_elements(&b, t, &l, 1, value);
	if (line > 0) {
		line -= view_eq(s->text, (size_t)line - 2, "\r\n", 2) ? 2 : 1;
		return text_insert(p, line, text_kept(p, &b));
	}
	add_line(&b, &l, 0);
	return plan_replace(p, text_span(p, from, l.eol.n ? end : from),
			    text_kept(p, &b));
}

/* Replaces "/>", and blanks before it, by ">...</name>". */
static bool open_up(struct plan *p, const struct xml_style *s, const struct node *n,
		    struct str content)
{
	uint64_t end = span_end(n->open_at), from = end - 2;
	struct buf b = { 0 };

	while (s->text.p[from - 1] == ' ' || s->text.p[from - 1] == '\t')
		from--;
	buf_char(&b, '>');
	buf_add(&b, content);
	buf_printf(&b, "</%.*s>", STR_ARG(name_of(s, n)));
	return plan_replace(p, text_span(p, from, end), text_kept(p, &b));
}

static bool insert_into_closed(struct plan *p, const struct xml_style *s,
			       const struct target *t, const char *value, struct layout l)
{
	struct buf b = { 0 };

	l.indent = style_indent(s, t->deepest);
	if (!style_leads_line(s, t->deepest))
		l.eol = STR("");
	add_elements(&b, t, &l, 1, value);
	add_line(&b, &l, 0);
	return open_up(p, s, t->deepest, text_kept(p, &b));
}

static bool insert_elements(struct plan *p, const struct xml_style *s,
			    const struct target *t, const char *value)
{
	const struct node *parent = t->deepest;
	struct layout l = {
		.eol = style_eol(s, parent->whole.off),
		.step = style_step(s, parent),
		.quote = style_quote(s, parent),
		.close = style_close(s, parent),
	};

	/* Without a prefix of our own, a child would land in the parent's namespace, where
	 * nobody looks for it. */
	if (parent->ns.n > 0)
		return plan_refuse(p, "<%.*s> is in a namespace of its own",
				   STR_ARG(parent->key));
	if (parent->self_closing)
		return insert_into_closed(p, s, t, value, l);
	if (first_element(parent))
		return insert_beside(p, s, t, value, l);
	if (parent->text.n > 0)
		return plan_refuse(p, "<%.*s> holds text, not elements",
				   STR_ARG(parent->key));
	return insert_inside(p, s, t, value, l);
}

/* ---- set ---- */

static bool set_text(struct plan *p, const struct xml_style *s, const struct node *n,
		     const char *value)
{
	uint64_t from = n->text_at.off, to = style_space_before(s, span_end(n->text_at));
	struct buf b = { 0 };

	add_escaped(&b, value, '\0');
	if (n->self_closing)
		return open_up(p, s, n, text_kept(p, &b));
	if (memchr(s->text.p + from, '<', (size_t)n->text_at.len)) {
		buf_free(&b);
		return plan_refuse(p, "<%.*s> holds more than text", STR_ARG(n->key));
	}
	if (to < from)
		to = from;
	if (from == to)
		return plan_replace(p, n->text_at, text_kept(p, &b));
	while (from < to && strchr(" \t\r\n", s->text.p[from]))
		from++;
	return plan_replace(p, text_span(p, from, to), text_kept(p, &b));
}

static bool set_attribute(struct plan *p, const struct xml_style *s, const struct node *n,
			  const char *value)
{
	struct buf b = { 0 };

	add_escaped(&b, value, (char)view_u8(s->text, (size_t)n->text_at.off - 1));
	return plan_replace(p, n->text_at, text_kept(p, &b));
}

static bool xml_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);
	struct xml_style s;

	if (!can_be_written(value) || !load_text(p, &s))
		return false;
	if (t.path.presence && strcmp(value, "yes") != 0)
		return false;
	if (t.found && (t.path.presence || str_is(t.found->text, value)))
		return true;
	if (t.found && t.found->kind == NODE_ATTRIBUTE)
		return set_attribute(p, &s, t.found, value);
	if (t.found)
		return set_text(p, &s, t.found, value);
	if (t.walked < t.path.n)
		return insert_elements(p, &s, &t, value);
	if (t.path.attribute.n > 0)
		return insert_attribute(p, &s, t.deepest, t.path.attribute, value);
	return set_text(p, &s, t.deepest, value);
}

/* ---- remove ---- */

static bool remove_element(struct plan *p, const struct xml_style *s,
			   const struct node *n)
{
	uint64_t from = n->whole.off, to = span_end(n->whole);
	uint64_t eol = to;

	while (eol < s->text.n && (s->text.p[eol] == ' ' || s->text.p[eol] == '\t'))
		eol++;
	if (eol < s->text.n && s->text.p[eol] == '\r')
		eol++;
	if (style_leads_line(s, n) && eol < s->text.n && s->text.p[eol] == '\n') {
		from -= style_indent(s, n).n;
		to = eol + 1;
	}
	return plan_replace(p, text_span(p, from, to), STR(""));
}

static bool xml_remove_node(struct plan *p, const struct node *n)
{
	struct xml_style s;

	if (!n->up)
		return plan_refuse(p, "<%.*s> is the whole file", STR_ARG(n->key));
	if (!load_text(p, &s))
		return false;
	if (n->kind == NODE_ELEMENT)
		return remove_element(p, &s, n);
	return plan_replace(
		p, text_span(p, style_space_before(&s, n->whole.off), span_end(n->whole)),
		STR(""));
}

/* Without this attribute the element would say nothing at all. */
static bool says_only(const struct node *element, const struct node *attr)
{
	return element->first == attr && !attr->next && element->text.n == 0;
}

static bool remove_value(struct plan *p, const struct fact *f, const struct node *element,
			 const struct lens_path *path)
{
	const struct node *attr;

	if (path->attribute.n > 0) {
		attr = node_attr(element, arena_str(p->arena, path->attribute));
		if (!attr)
			return true;
		if (element == f->owner || !says_only(element, attr))
			return xml_remove_node(p, attr);
	}
	/* Its attributes and children are other facts. */
	if (is_text(path) && element->first)
		return plan_refuse(p, "<%.*s> says more than this",
				   STR_ARG(element->key));
	return xml_remove_node(p, element);
}

/* Every place that the path leads to: else the next one would come to light. */
static bool remove_below(struct plan *p, const struct fact *f, const struct node *n,
			 const struct lens_path *path, size_t step)
{
	if (step == path->n)
		return remove_value(p, f, n, path);
	for_each_node (c, n) {
		if (c->kind == NODE_ELEMENT && c->ns.n == 0 &&
		    str_eq(c->key, path->steps[step]) &&
		    !remove_below(p, f, c, path, step + 1))
			return false;
	}
	return true;
}

static bool xml_remove(struct plan *p, const struct fact *f)
{
	struct lens_path path;

	for (size_t i = 0; lens_path(f->lens, i, &path); i++) {
		if (!remove_below(p, f, f->owner, &path, 0))
			return false;
	}
	return true;
}

const struct text_syntax text_xml = {
	.set = xml_set,
	.remove = xml_remove,
	.remove_node = xml_remove_node,
	.judge = judge_xml,
};
