/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/suppress.h"
#include "analyze/config/node.h"
#include "analyze/unit.h"
#include "base/vec.h"
#include "base/banned.h"

static const struct str word = { "vmend", 5 };

struct reading {
	struct unit *u;
	struct str text;
	VEC(struct suppression) found;
};

/* ---- text ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t line_start(const struct reading *r, size_t at)
{
	while (at > 0 && r->text.p[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct reading *r, size_t at)
{
	while (at < r->text.n && r->text.p[at] != '\n')
		at++;
	return at;
}

static size_t skip_blanks(const struct reading *r, size_t at)
{
	while (at < r->text.n && is_blank(r->text.p[at]))
		at++;
	return at;
}

static struct str rest(const struct reading *r, size_t at)
{
	return (struct str){ r->text.p + at, r->text.n - at };
}

static struct span span(const struct reading *r, size_t from, size_t to)
{
	return (struct span){ &r->u->src, from, to - from };
}

/* ---- comments ---- */

struct comment_mark {
	const char *open, *close; /* close NULL: the end of the line */
	unsigned syntaxes;
};

#define IN(s) (1u << SYNTAX_##s)

static const struct comment_mark marks[] = {
	{ "<!--", "-->", IN(XML) | IN(PLIST) },
	{ "#", NULL, IN(YAML) | IN(HCL) | IN(SHELL) | IN(INI) },
	{ "//", NULL, IN(HCL) },
	{ "/*", "*/", IN(HCL) },
	{ ";", NULL, IN(INI) },
	{ ";", NULL, IN(SHELL) }, /* of systemd, at the begin of a line */
};

/* A shell's ; ends a command. */
static bool can_begin(const struct reading *r, const struct comment_mark *m, size_t at)
{
	if (m->open[0] == '#')
		return at == 0 || strchr(" \t\n", r->text.p[at - 1]);
	if (m->open[0] != ';' || r->u->doc->syntax != SYNTAX_SHELL)
		return true;
	return strcmp(r->u->format->name, "systemd") == 0 &&
	       skip_blanks(r, line_start(r, at)) == at;
}

/* The comment whose first word stands at `at`: where it begins, and how it ends. */
static const struct comment_mark *mark_before(const struct reading *r, size_t at,
					      size_t *begin)
{
	size_t n = at;

	while (n > 0 && is_blank(r->text.p[n - 1]))
		n--;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!(marks[i].syntaxes >> r->u->doc->syntax & 1) ||
		    !str_ends((struct str){ r->text.p, n }, marks[i].open))
			continue;
		*begin = n - strlen(marks[i].open);
		/* ## is one mark, and # within a word is none. */
		while (marks[i].open[0] == '#' && *begin > 0 &&
		       r->text.p[*begin - 1] == '#')
			--*begin;
		if (can_begin(r, &marks[i], *begin))
			return &marks[i];
	}
	return NULL;
}

/* What looks like a comment may stand in a value: a block scalar, a string, CDATA. */
static bool is_in_a_value(const struct reading *r, struct span at)
{
	const struct node *n = node_at(r->u->doc, at);

	switch (n->kind) {
	case NODE_SCALAR:
	case NODE_ATTRIBUTE:
	case NODE_OPAQUE:
	case NODE_LABEL:
		return span_end(at) > n->open_at.off && span_end(n->open_at) > at.off;
	case NODE_ELEMENT:
		return str_has(n->text, "vmend: ignore");
	case NODE_MAP:
	case NODE_LIST:
	case NODE_STREAM:
		break;
	}
	return false;
}

static size_t comment_end(const struct reading *r, const struct comment_mark *m,
			  size_t at)
{
	size_t end = line_end(r, at), n = m->close ? strlen(m->close) : 0;

	if (!m->close) {
		while (end > at &&
		       (is_blank(r->text.p[end - 1]) || r->text.p[end - 1] == '\r'))
			end--;
		return end;
	}
	for (; at + n <= r->text.n; at++) {
		if (memcmp(r->text.p + at, m->close, n) == 0)
			return at + n;
	}
	return r->text.n;
}

/* ---- what it is about ---- */

static bool is_only_comment(const struct reading *r, size_t at)
{
	static const char *const open[] = { "#", "//", "<!--", ";" };

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		if (str_starts(rest(r, at), open[i]))
			return true;
	}
	return false;
}

/* The next line that says something; the end of the text when none does. */
static size_t next_line(const struct reading *r, size_t at)
{
	while (at < r->text.n) {
		size_t first;

		at = line_end(r, at) + 1;
		if (at >= r->text.n)
			break;
		first = skip_blanks(r, at);
		if (first < r->text.n && !strchr("\r\n", r->text.p[first]) &&
		    !is_only_comment(r, first))
			return at;
	}
	return r->text.n;
}

/* How far what begins in [from, to) reaches. */
static size_t reach_of_line(const struct node *n, size_t from, size_t to)
{
	size_t end = to;

	while (n) {
		const struct node *into = NULL;

		for_each_node (child, n) {
			size_t begin = (size_t)child->whole.off;
			size_t stop = (size_t)span_end(child->whole);

			if (begin >= from && begin < to && stop > end)
				end = stop;
			else if (begin < from && stop > from)
				into = child;
		}
		n = into;
	}
	return end;
}

static struct span covered(const struct reading *r, size_t begin, size_t end)
{
	size_t from = line_start(r, begin), to;

	if (skip_blanks(r, from) == begin)
		from = next_line(r, end);
	to = line_end(r, from);
	return span(r, from, reach_of_line(r->u->doc, from, to));
}

/* What goes with a comment: its line when it stands alone on it, else the blanks before it. */
static struct span with_its_line(const struct reading *r, size_t begin, size_t end)
{
	size_t from = line_start(r, begin), to = line_end(r, end);
	size_t behind = skip_blanks(r, end);

	if (behind < to && r->text.p[behind] == '\r')
		behind++;
	if (skip_blanks(r, from) == begin && behind >= to)
		return span(r, from, to < r->text.n ? to + 1 : to);
	while (begin > from && is_blank(r->text.p[begin - 1]))
		begin--;
	return span(r, begin, end);
}

/* ---- the words ---- */

static bool is_id(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* "a, b": ids with commas and blanks between them, up to `end`. What is something else ends
 * the list: how far it was read. */
static size_t read_rules(struct reading *r, size_t at, size_t end, bool in_brackets,
			 struct suppression *s)
{
	VEC(struct suppressed_rule) v = { 0 };
	struct arena *a = &r->u->arena;
	size_t last = at;

	while (at < end && v.n < SUPPRESSED_RULES_MAX) {
		size_t from;

		while (at < end && (is_blank(r->text.p[at]) || r->text.p[at] == ','))
			at++;
		from = at;
		while (at < end && is_id(r->text.p[at]))
			at++;
		if (at == from)
			break;
		*vec_add(&v, a) =
			(struct suppressed_rule){ .id = { r->text.p + from, at - from },
						  .at = span(r, from, at) };
		last = at;
		/* Without brackets a blank ends the list. */
		if (!in_brackets && at < end && r->text.p[at] != ',')
			break;
	}
	s->rules = v.v;
	s->nrules = v.n;
	return last;
}

static struct str reason_in(const struct reading *r, size_t from, size_t to)
{
	struct str s = { r->text.p + from, to > from ? to - from : 0 };

	s = str_trim(s);
	while (s.n && (*s.p == '-' || *s.p == ':')) {
		s.p++;
		s.n--;
	}
	return str_trim(s);
}

/* "ignore[a,b] reason", "ignore-file[a] reason" at `at`, and no further than end. */
static bool read_directive(struct reading *r, size_t at, size_t end,
			   struct suppression *s, bool *whole_file)
{
	struct str t = { r->text.p + at, end > at ? end - at : 0 };
	const char *close;
	size_t open;

	*whole_file = str_starts(t, "ignore-file[");
	if (!*whole_file && !str_starts(t, "ignore["))
		return false;
	open = at + (*whole_file ? 12 : 7);
	close = memchr(r->text.p + open, ']', end - open);
	if (!close)
		return false;
	read_rules(r, open, (size_t)(close - r->text.p), true, s);
	s->reason = reason_in(r, (size_t)(close - r->text.p) + 1, end);
	return s->nrules > 0;
}

/* ---- one ---- */

static bool read_comment(struct reading *r, size_t at, struct suppression *s)
{
	size_t begin = 0, end, inner, words = skip_blanks(r, at + word.n + 1);
	const struct comment_mark *m;
	bool whole_file;

	if (!str_starts(rest(r, at), "vmend:"))
		return false;
	m = mark_before(r, at, &begin);
	if (!m || is_in_a_value(r, span(r, at, at + word.n)))
		return false;
	end = comment_end(r, m, at);
	inner = end - (m->close && end > at + strlen(m->close) ? strlen(m->close) : 0);
	if (!read_directive(r, words, inner, s, &whole_file))
		return false;
	s->at = span(r, begin, end);
	s->goes = with_its_line(r, begin, end);
	s->covers = whole_file ? span(r, 0, r->text.n) : covered(r, begin, end);
	return true;
}

static bool is_root_member(const struct reading *r, const struct node *n)
{
	return n->up == r->u->doc;
}

/* The node whose name, or remark, is at `at`, where such a one means us. */
static bool read_node(struct reading *r, size_t at, struct suppression *s)
{
	const struct node *n = node_at(r->u->doc, span(r, at, at + word.n));
	const struct node *rule;
	bool whole_file;
	size_t from, to;

	s->node = n;
	s->at = n->whole;
	s->covers = span(r, 0, r->text.n);
	from = (size_t)n->text_at.off;
	to = (size_t)span_end(n->text_at);
	if (n->kind == NODE_ELEMENT && str_is(n->ns, "urn:vmend") &&
	    str_is(n->key, "ignore") && at < span_end(n->open_at)) {
		rule = node_attr(n, "rule");
		if (!rule)
			return false;
		read_rules(r, (size_t)rule->text_at.off, (size_t)span_end(rule->text_at),
			   true, s);
		s->reason = n->text;
		return s->nrules > 0;
	}
	if (n->kind != NODE_SCALAR || at > from)
		return false;
	/* HCL in JSON takes no member of another name for a remark. */
	if (at == from)
		return str_is(n->key, "//") && n->syntax == SYNTAX_JSON &&
		       is_root_member(r, n) && str_starts(rest(r, at), "vmend:") &&
		       read_directive(r, skip_blanks(r, at + word.n + 1), to, s,
				      &whole_file);
	if (str_is(n->key, "_vmend") && n->syntax == SYNTAX_JSON && is_root_member(r, n))
		return read_directive(r, from, to, s, &whole_file);
	if (!str_is(n->key, "user.vmend.ignore"))
		return false;
	s->reason = reason_in(r, read_rules(r, from, to, false, s), to);
	return s->nrules > 0;
}

void suppressions_read(struct unit *u)
{
	struct reading r = { .u = u, .text = str_view(u->text) };
	const struct node *last = NULL;
	size_t at = 0;

	if (!u->doc)
		return;
	while (at + word.n <= r.text.n && r.found.n < SUPPRESSIONS_MAX) {
		const char *p = memchr(r.text.p + at, 'v', r.text.n - at);
		struct suppression s = { 0 };

		if (!p)
			break;
		at = (size_t)(p - r.text.p);
		if (str_starts(rest(&r, at), "vmend") &&
		    (read_comment(&r, at, &s) ||
		     (read_node(&r, at, &s) && s.node != last))) {
			last = s.node;
			*vec_add(&r.found, &u->arena) = s;
		}
		at++;
	}
	u->suppressions = r.found.v;
	u->nsuppressions = r.found.n;
}
