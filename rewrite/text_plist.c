/* Edits of property lists in XML by meaning: which bytes a member is, and which bytes a new
 * one would be, laid out as its neighbours are. A value keeps its element, so that its type
 * stays. Binary ones are not edited. PropertyList-1.0.dtd.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/plist.h"
#include "base/utf8.h"
#include "rewrite/xml_style.h"
#include "base/banned.h"

static bool load_text(struct plan *p, struct xml_style *s)
{
	if (!text_load(p))
		return false;
	s->text = p->text;
	return !plist_is_binary(s->text) || plan_refuse(p, PLIST_BINARY);
}

static struct str between(const struct xml_style *s, uint64_t from, uint64_t to)
{
	return str_view(view_cut(s->text, (size_t)from, (size_t)(to - from)));
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

static void add_escaped(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		switch (text.p[i]) {
		case '&':
			buf_add(b, STR("&amp;"));
			break;
		case '<':
			buf_add(b, STR("&lt;"));
			break;
		case '>':
			buf_add(b, STR("&gt;"));
			break;
		case '\r':
			buf_add(b, STR("&#13;"));
			break;
		default:
			buf_char(b, text.p[i]);
			break;
		}
	}
}

static bool is_bool(const char *value)
{
	return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
}

/* ---- a value that is there ---- */

/* The name in the value's start tag: "string". */
static struct span name_at(const struct plan *p, const struct xml_style *s,
			   const struct node *n)
{
	uint64_t from = n->open_at.off + 1, to = from;

	while (to < span_end(n->open_at) && !strchr(" \t\r\n/>", s->text.p[to]))
		to++;
	return text_span(p, from, to);
}

/* <true/> becomes <false/>, and <true></true> both of its tags: another element, for a
 * judge that knows nothing of property lists. */
static bool set_bool(struct plan *p, const struct xml_style *s, const struct node *n,
		     const char *value)
{
	struct span at = name_at(p, s, n);
	uint64_t tail = span_end(n->text_at) + 2, end = span_end(n->whole);
	struct buf b = { 0 };

	if (!is_bool(value))
		return plan_refuse(p, "'%s' holds <%.*s/>, which is true or false only",
				   str_shown(p->arena, n->key), STR_ARG(n->text));
	buf_printf(&b, "<%s", value);
	if (n->self_closing) {
		buf_add(&b, between(s, span_end(at), end));
	} else {
		buf_add(&b, between(s, span_end(at), tail));
		buf_add(&b, str_of(value));
		buf_add(&b, between(s, tail + at.len, end));
	}
	return plan_replace(p, text_span(p, n->open_at.off, end), text_kept(p, &b));
}

static bool has_type(const struct node *n, struct str element, const char *value)
{
	if (str_is(element, "integer"))
		return text_is_bare(value) && !is_bool(value) && !strchr(value, '.');
	if (str_is(element, "real"))
		return text_is_bare(value) && !is_bool(value);
	return str_is(element, "string") && n->type == SCALAR_STRING;
}

static bool set_scalar(struct plan *p, const struct xml_style *s, const struct node *n,
		       const char *value)
{
	struct span name = name_at(p, s, n);
	struct str element = between(s, name.off, span_end(name));
	struct buf b = { 0 };
	uint64_t from;

	if (n->type == SCALAR_BOOL)
		return set_bool(p, s, n, value);
	if (!has_type(n, element, value))
		return plan_refuse(p, "'%s' holds a value of another type, <%.*s>",
				   str_shown(p->arena, n->key), STR_ARG(element));
	if (n->text_at.len && memchr(s->text.p + n->text_at.off, '<', n->text_at.len))
		return plan_refuse(p, "'%s' holds more than text",
				   str_shown(p->arena, n->key));
	if (n->self_closing)
		buf_char(&b, '>');
	add_escaped(&b, str_of(value));
	if (!n->self_closing)
		return plan_replace(p, node_value_at(n), text_kept(p, &b));
	/* <string/>: its '/', and blanks before it, go. */
	buf_printf(&b, "</%.*s>", STR_ARG(element));
	from = style_space_before(s, span_end(n->open_at) - 2);
	return plan_replace(p, text_span(p, from, span_end(n->open_at)),
			    text_kept(p, &b));
}

/* ---- a new member ---- */

/* How new members are laid out: one element per line, or (eol is "") one behind the other. */
struct layout {
	struct str eol, indent, step;
	struct str gap; /* between a key and its value; p NULL: as a line */
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

/* What stands between a key and its value, if that is nothing but blanks. */
static struct str gap_of(const struct xml_style *s, const struct node *m)
{
	uint64_t at = span_end(m->key_at);

	if (!view_eq(s->text, (size_t)at, "</", 2))
		return (struct str){ 0 };
	while (at < m->open_at.off && s->text.p[at] != '>')
		at++;
	return style_space_before(s, m->open_at.off) <= at + 1
		       ? between(s, at + 1, m->open_at.off)
		       : (struct str){ 0 };
}

/* The gap of a member that stands deeper has more of it. */
static void add_gap(struct buf *b, const struct layout *l, size_t depth)
{
	if (!l->gap.p || memchr(l->gap.p, '\n', l->gap.n))
		add_line(b, l, depth);
	else
		buf_add(b, l->gap);
}

static void add_value(struct buf *b, const char *value)
{
	if (is_bool(value)) {
		buf_printf(b, "<%s/>", value);
	} else if (text_is_bare(value)) {
		buf_printf(b,
			   strchr(value, '.') ? "<real>%s</real>"
					      : "<integer>%s</integer>",
			   value);
	} else {
		buf_add(b, STR("<string>"));
		add_escaped(b, str_of(value));
		buf_add(b, STR("</string>"));
	}
}

/* The member that t lacks, and the dictionaries that it is in. */
static void add_member(struct buf *b, const struct target *t, const struct layout *l,
		       size_t depth, const char *value)
{
	size_t i;

	for (i = t->walked; i < t->path.n; i++) {
		if (i > t->walked)
			add_line(b, l, depth + i - t->walked);
		buf_add(b, STR("<key>"));
		add_escaped(b, t->path.steps[i]);
		buf_add(b, STR("</key>"));
		add_gap(b, l, depth + i - t->walked);
		if (i + 1 < t->path.n)
			buf_add(b, STR("<dict>"));
	}
	add_value(b, value);
	for (i = t->path.n - 1; i > t->walked; i--) {
		add_line(b, l, depth + i - 1 - t->walked);
		buf_add(b, STR("</dict>"));
	}
}

static bool is_before(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order < 0 || (order == 0 && a.n < b.n);
}

/* What a new member goes behind; NULL: it goes first. Apple's programs sort by name. */
static const struct node *anchor_of(const struct node *map, struct str key,
				    const struct lens *lens)
{
	const struct node *anchor = NULL, *before = NULL;
	bool sorted = true;

	for_each_node (m, map) {
		sorted = sorted && (!before || is_before(before->key, m->key));
		if (is_before(m->key, key))
			anchor = m;
		before = m;
	}
	if (sorted)
		return anchor;
	anchor = lens->beside ? node_child(map, lens->beside) : NULL;
	return anchor ? anchor : map->last;
}

/* Of a dictionary that has members. */
static bool insert_beside(struct plan *p, const struct xml_style *s, const struct fact *f,
			  const struct target *t, const char *value)
{
	const struct node *map = t->deepest;
	const struct node *anchor = anchor_of(map, t->path.steps[t->walked], f->lens);
	const struct node *model = anchor ? anchor : map->first;
	struct layout l = { .eol = style_eol(s, model->whole.off),
			    .indent = style_indent(s, model),
			    .step = style_step(s, model),
			    .gap = gap_of(s, model) };
	uint64_t at = anchor ? span_end(anchor->whole) : model->whole.off;
	uint64_t rest = anchor ? style_line_rest(s, at) : at;
	struct buf b = { 0 };

	if (!style_leads_line(s, model) || rest == UINT64_MAX)
		l.eol = STR("");
	else
		at = rest; /* a comment on the member's line stays with it */
	if (anchor)
		add_line(&b, &l, 0);
	add_member(&b, t, &l, 0, value);
	if (!anchor)
		add_line(&b, &l, 0);
	return text_insert(p, at, text_kept(p, &b));
}

/* The only member of a dictionary: <dict/>, or one that holds blanks and comments. */
static bool insert_inside(struct plan *p, const struct xml_style *s,
			  const struct target *t, const char *value)
{
	const struct node *n = t->deepest;
	uint64_t end = span_end(n->text_at), from = style_space_before(s, end);
	struct layout l = { .eol = style_eol(s, n->open_at.off),
			    .indent = style_indent(s, n),
			    .step = style_step(s, n) };
	struct buf b = { 0 };

	if (!style_leads_line(s, n))
		l.eol = STR("");
	if (n->self_closing)
		buf_char(&b, '>');
	add_line(&b, &l, 1);
	add_member(&b, t, &l, 1, value);
	add_line(&b, &l, 0);
	if (!n->self_closing) {
		from = u64_max(from, n->text_at.off);
		return plan_replace(p, text_span(p, from, l.eol.n ? end : from),
				    text_kept(p, &b));
	}
	buf_add(&b, STR("</dict>"));
	from = style_space_before(s, end - 2);
	return plan_replace(p, text_span(p, from, end), text_kept(p, &b));
}

static bool plist_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);
	struct xml_style s;

	if (!can_be_written(value) || t.path.presence || t.path.attribute.n ||
	    !load_text(p, &s))
		return false;
	if (t.found && t.found->kind == NODE_SCALAR)
		return str_is(t.found->text, value) || set_scalar(p, &s, t.found, value);
	if (t.found || t.walked == t.path.n || t.deepest->kind != NODE_MAP)
		return plan_refuse(p, "'%s' holds something else than a value",
				   str_shown(p->arena, t.deepest->key));
	return t.deepest->first ? insert_beside(p, &s, f, &t, value)
				: insert_inside(p, &s, &t, value);
}

/* ---- remove ---- */

/* With its lines, where it has them alone. */
static bool plist_remove_node(struct plan *p, const struct node *n)
{
	uint64_t from = n->whole.off, to = span_end(n->whole), eol = to;
	struct xml_style s;

	if (!load_text(p, &s))
		return false;
	if (!n->up)
		return plan_refuse(p, "it is the whole property list");
	while (eol < s.text.n && (s.text.p[eol] == ' ' || s.text.p[eol] == '\t'))
		eol++;
	eol += view_eq(s.text, (size_t)eol, "\r\n", 2);
	if (style_leads_line(&s, n) && view_eq(s.text, (size_t)eol, "\n", 1)) {
		from -= style_indent(&s, n).n;
		to = eol + 1;
	}
	return plan_replace(p, text_span(p, from, to), STR(""));
}

static bool plist_remove(struct plan *p, const struct fact *f)
{
	return text_remove_each(p, f, plist_remove_node);
}

/* ---- the judge ---- */

/* How many members have a name that an earlier one has. */
static size_t count_doubles(const struct node *n, struct arena *a)
{
	size_t count = 0, found = 0;
	const struct node **v = NULL;

	if (n->kind == NODE_MAP)
		v = node_by_key(n, a, &count);
	for (size_t i = 1; v && i < count; i++)
		found += str_eq(v[i]->key, v[i - 1]->key);
	for_each_node (c, n)
		found += count_doubles(c, a);
	return found;
}

/* libxml2 first; then both texts are property lists, and no name has come to be twice. */
static bool judge_plist(struct view before, struct view after, const struct plan *p,
			struct arena *a, const char **why)
{
	const struct syntax_error *bad = NULL;
	struct node *was = NULL, *is = NULL;
	struct err e = { 0 };

	if (plist_is_binary(before) || plist_is_binary(after)) {
		*why = "it is a binary property list";
		return false;
	}
	if (!judge_xml(before, after, p, a, why))
		return false;
	if (plist_read(p->src, before, a, &was, &bad, &e) != 0 || !was ||
	    plist_read(p->src, after, a, &is, &bad, &e) != 0 || !is) {
		*why = bad ? bad->what : arena_printf(a, "%s", e.msg);
		return false;
	}
	if (is->kind != was->kind || count_doubles(is, a) > count_doubles(was, a)) {
		*why = "a member would be there twice";
		return false;
	}
	return true;
}

const struct text_syntax text_plist = {
	.set = plist_set,
	.remove = plist_remove,
	.remove_node = plist_remove_node,
	.judge = judge_plist,
};
