/* Words, and where each byte of their text stands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/word.h"
#include "analyze/config/node.h"
#include "analyze/config/yaml.h"
#include "base/vec.h"
#include "base/utf8.h"

#include "base/banned.h"

bool word_plain(struct word *w, struct span at, struct str text, struct arena *a)
{
	struct word_part *part = arena_try_new(a, struct word_part);

	*w = (struct word){ .text = text, .at = at, .parts = part };
	if (!part)
		return false;
	*part = (struct word_part){ .n = text.n, .at = at, .all = at, .exact = true };
	w->nparts = 1;
	return true;
}

struct word word_opaque(struct span at, struct str source)
{
	return (struct word){
		.text = source, .at = at, .fixed = "it is decided elsewhere", .open = true
	};
}

/* ---- asking ---- */

/* The part that holds byte i of the text; NULL: none. */
static const struct word_part *part_at(const struct word *w, size_t i)
{
	size_t lo = 0, hi = w->nparts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->parts[mid].from + w->parts[mid].n <= i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < w->nparts && w->parts[lo].from <= i ? &w->parts[lo] : NULL;
}

bool word_is(const struct word *w, const char *text)
{
	return str_is(w->text, text) && !word_unknown(w, 0, w->text.n);
}

bool word_unknown(const struct word *w, size_t from, size_t to)
{
	const struct word_part *p = part_at(w, from), *end;

	if (w->nparts == 0)
		return true;
	end = w->parts + w->nparts;
	for (; p && p < end && p->from < to; p++) {
		if (p->opaque)
			return true;
	}
	return false;
}

size_t word_skip(const struct word *w, size_t from)
{
	const struct word_part *p = part_at(w, from);

	return p && p->opaque ? p->from + p->n : from;
}

static struct span between(struct span a, uint64_t from, uint64_t to)
{
	return (struct span){ .src = a.src, .off = from, .len = to - from };
}

/* The place of [from, to) within one part. */
static struct span within(const struct word_part *p, size_t from, size_t to)
{
	if (!p->exact)
		return p->at;
	return between(p->at, p->at.off + (from - p->from), p->at.off + (to - p->from));
}

struct span word_span(const struct word *w, size_t from, size_t to)
{
	const struct word_part *first, *last;
	struct span a, b;

	BUG_ON(from > to || to > w->text.n);
	if (w->fixed || w->nparts == 0)
		return w->at;
	/* Between two bytes: behind the one that is there, if any is. */
	first = part_at(w, from == to && from > 0 ? from - 1 : from);
	last = to > from ? part_at(w, to - 1) : first;
	if (!first || !last)
		return w->at;
	if (from == to) {
		a = from > 0 ? within(first, from - 1, from) : first->at;
		return from > 0 ? between(a, span_end(a), span_end(a))
				: between(a, a.off, a.off);
	}
	a = within(first, from, u64_min(to, first->from + first->n));
	b = within(last, u64_max(from, last->from), to);
	return between(a, a.off, span_end(b));
}

/* Bytes can come between two of the text: within an exact part, or beside one that is not. */
static bool can_insert(const struct word *w, size_t at)
{
	const struct word_part *p = at < w->text.n ? part_at(w, at) : NULL;

	return !p || p->exact || at == p->from;
}

/* Where the text begins, and ends, that is between the same quotes as p. */
static size_t group_begin(const struct word *w, const struct word_part *p)
{
	while (p > w->parts && p[-1].quote == p->quote)
		p--;
	return p->from;
}

static size_t group_end(const struct word *w, const struct word_part *p)
{
	while (p + 1 < w->parts + w->nparts && p[1].quote == p->quote)
		p++;
	return p->from + p->n;
}

bool word_cut(const struct word *w, size_t from, size_t to, struct span *out,
	      const struct word_part **in)
{
	const struct word_part *first = part_at(w, from), *last;
	struct span a, b;

	BUG_ON(from > to || to > w->text.n);
	if (w->fixed || w->nparts == 0)
		return false;
	if (from == to) {
		*out = word_span(w, from, to);
		*in = first = part_at(w, from > 0 ? from - 1 : from);
		last = w->parts + w->nparts - 1;
		/* Behind quotes around the last value alone: not within them. */
		if (from == w->text.n && last->quote && group_begin(w, last) > 0) {
			*out = between(w->at, span_end(last->all), span_end(last->all));
			*in = NULL;
		}
		if (*in && !(*in)->quote)
			*in = NULL;
		return can_insert(w, from);
	}
	last = part_at(w, to - 1);
	if (!first || !last)
		return false;
	/* Half of what has no places within. */
	if ((!first->exact && from != first->from) ||
	    (!last->exact && to != last->from + last->n))
		return false;
	a = within(first, from, u64_min(to, first->from + first->n));
	b = within(last, u64_max(from, last->from), to);
	*in = first->quote && first->quote == last->quote ? first : NULL;
	/* Quotes that open within [from, to) must close there. */
	if (first->quote != last->quote) {
		if ((first->quote && from != group_begin(w, first)) ||
		    (last->quote && to != group_end(w, last)))
			return false;
		a.off = first->quote ? first->all.off : a.off;
		b = last->quote ? last->all : b;
	}
	*out = between(a, a.off, span_end(b));
	return true;
}

/* ---- words that are scalars of another syntax ---- */

struct reading {
	struct view raw; /* what is written */
	struct str text; /* what is read */
	struct span at;  /* of raw */
	struct arena *a;
	VEC(struct word_part) parts;
	bool full; /* no more memory */
};

static void add_part(struct reading *r, size_t from, size_t n, size_t raw, size_t rawn,
		     bool exact)
{
	struct word_part *p = r->parts.n ? &r->parts.v[r->parts.n - 1] : NULL;
	struct span at = between(r->at, r->at.off + raw, r->at.off + raw + rawn);

	if (p && exact && p->exact) {
		p->n += n;
		p->at.len += rawn;
		p->all = p->at;
		return;
	}
	if (r->a->used + sizeof(*p) * 4 * (r->parts.n + 1) > r->a->budget) {
		r->full = true;
		return;
	}
	p = vec_add(&r->parts, r->a);
	*p = (struct word_part){
		.from = from, .n = n, .at = at, .all = at, .exact = exact
	};
}

static size_t utf8_len(struct str s, size_t at)
{
	uint32_t c;
	size_t n = at < s.n ? utf8_decode(view_cut(str_bytes(s), at, s.n - at), &c) : 0;

	return n ? n : at < s.n;
}

/* Bytes of the escape at raw[i]; 0: none begins there. */
static size_t escape_len(const struct reading *r, enum syntax syntax, size_t i)
{
	struct view v = r->raw;
	const uint8_t *end;

	if (syntax == SYNTAX_XML || syntax == SYNTAX_PLIST) {
		end = v.p[i] == '&' ? memchr(v.p + i, ';', v.n - i) : NULL;
		return end ? (size_t)(end - (v.p + i)) + 1 : 0;
	}
	if (v.p[i] != '\\' || i + 1 >= v.n)
		return 0;
	switch (v.p[i + 1]) {
	case 'x':
		return 4;
	case 'u':
		/* A pair of surrogates is one character. */
		return view_has(v, i, 12) && (v.p[i + 2] | 0x20) == 'd' &&
				       strchr("89abAB", v.p[i + 3]) && v.p[i + 6] == '\\'
			       ? 12
			       : 6;
	case 'U':
		return 10;
	default:
		return 2;
	}
}

/* ''  of YAML, $${ and %%{ of HCL: the first byte is dropped. */
static bool is_doubled(const struct reading *r, const struct node *n, size_t i)
{
	if (n->syntax == SYNTAX_YAML && n->style == STYLE_SINGLE)
		return view_eq(r->raw, i, "''", 2);
	if (n->syntax == SYNTAX_HCL)
		return view_eq(r->raw, i, "$${", 3) || view_eq(r->raw, i, "%%{", 3);
	return false;
}

/* Walks both texts at once. False: they cannot be matched. */
static bool match(struct reading *r, const struct node *n)
{
	bool escapes = n->syntax == SYNTAX_XML || n->syntax == SYNTAX_PLIST ||
		       n->style == STYLE_DOUBLE;
	size_t i = 0, j = 0;

	while (i < r->raw.n && !r->full) {
		size_t len = escapes ? escape_len(r, n->syntax, i) : 0;
		size_t out = len ? utf8_len(r->text, j) : 1;

		if (!len && is_doubled(r, n, i))
			len = 2;
		if (i + (len ? len : 1) > r->raw.n || j + out > r->text.n || out == 0)
			return false;
		if (!len && r->raw.p[i] != (uint8_t)r->text.p[j])
			return false;
		add_part(r, j, out, i, len ? len : 1, !len);
		i += len ? len : 1;
		j += out;
	}
	return j == r->text.n;
}

/* Blocks of YAML, which have indentation before each line: byte by byte. */
static bool match_lines(struct reading *r, const struct node *n, struct view text)
{
	struct buf decoded = { 0 };
	uint32_t *at;
	bool ok;

	if (n->syntax != SYNTAX_YAML ||
	    (n->style != STYLE_LITERAL && n->style != STYLE_FOLDED))
		return false;
	at = arena_try_array(r->a, 2 * (n->whole.len + 2), uint32_t);
	r->full = !at;
	ok = at && yaml_places(text, n, &decoded, at) && decoded.n == r->text.n;
	r->parts.n = 0;
	for (size_t i = 0; ok && i < decoded.n && !r->full; i++) {
		size_t len = at[i + 1] - at[i];

		add_part(r, i, 1, at[i] - (size_t)r->at.off, len,
			 len == 1 && text.p[at[i]] == (uint8_t)decoded.p[i]);
	}
	buf_free(&decoded);
	return ok && !r->full;
}

/* ---- what stands for something else ---- */

/* The end of the template at text[i]; 0: none begins there. */
static size_t template_end(struct str s, size_t i)
{
	static const char *const marks[][2] = {
		{ "${", "}" }, { "{{", "}}" }, { "{%", "%}" }, { "%{", "}" }
	};
	struct str rest = { s.p + i, s.n - i };

	for (size_t k = 0; k < sizeof(marks) / sizeof(marks[0]); k++) {
		size_t n = strlen(marks[k][1]), depth = 0;

		if (!str_starts(rest, marks[k][0]))
			continue;
		for (size_t at = 2; at + n <= rest.n; at++) {
			if (n == 1 && rest.p[at] == '{')
				depth++;
			if (memcmp(rest.p + at, marks[k][1], n) != 0)
				continue;
			if (depth == 0)
				return i + at + n;
			depth--;
		}
		return s.n;
	}
	return 0;
}

/* Autoconf's @name@ and the like are the whole of a text, or nothing. */
static bool is_at_sign(struct str s)
{
	return s.n > 2 && s.p[0] == '@' && s.p[s.n - 1] == '@';
}

/* Parts [from, to) of the text become one, opaque. Both lie within the last part. */
static void split_last(struct reading *r, size_t from, size_t to)
{
	struct word_part last = r->parts.v[--r->parts.n];
	uint64_t raw = last.at.off - r->at.off;
	struct word_part *p;

	if (from > last.from)
		add_part(r, last.from, from - last.from, raw, from - last.from, true);
	if (r->full)
		return;
	p = vec_add(&r->parts, r->a);
	p->from = from;
	p->n = to - from;
	p->at = between(r->at, last.at.off + (from - last.from),
			last.at.off + (to - last.from));
	p->all = p->at;
	p->opaque = true;
	if (to < last.from + last.n)
		add_part(r, to, last.from + last.n - to, raw + (to - last.from),
			 last.from + last.n - to, true);
}

/* One part that is exact, the text without escapes: templates are looked for in it. */
static void find_templates(struct reading *r)
{
	bool whole = is_at_sign(r->text);

	for (size_t i = 0; i < r->text.n && !r->full;) {
		size_t end = whole ? r->text.n : template_end(r->text, i);

		if (end)
			split_last(r, i, end);
		i = end ? end : i + 1;
	}
}

static bool has_template(struct str s)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (template_end(s, i))
			return true;
	}
	return is_at_sign(s);
}

static enum word_code code_of(const struct node *n)
{
	if (n->syntax == SYNTAX_XML || n->syntax == SYNTAX_PLIST)
		return WORD_XML;
	if (n->syntax == SYNTAX_JSON || n->syntax == SYNTAX_HCL)
		return n->style != STYLE_DOUBLE  ? WORD_BARE
		       : n->syntax == SYNTAX_HCL ? WORD_HCL
						 : WORD_JSON;
	if (n->syntax == SYNTAX_YAML && n->style == STYLE_PLAIN && n->up && n->up->flow)
		return WORD_FLOW;
	if (n->syntax != SYNTAX_YAML || n->style == STYLE_PLAIN ||
	    n->style == STYLE_FOLDED)
		return WORD_BARE;
	if (n->style == STYLE_SINGLE)
		return WORD_YAML_SINGLE;
	return n->style == STYLE_DOUBLE ? WORD_JSON : WORD_LINE;
}

bool word_of_node(struct word *w, const struct node *n, struct view text, struct arena *a)
{
	struct span at = node_value_at(n);
	struct reading r = { .text = n->text, .at = at, .a = a };

	*w = (struct word){ .text = n->text, .at = n->whole, .code = code_of(n) };
	if (n->from || !view_has(text, (size_t)at.off, (size_t)at.len)) {
		*w = word_opaque(n->whole, n->text);
		if (n->kind == NODE_OPAQUE || has_template(n->text))
			return true;
		/* What it says is known, and stands elsewhere. */
		if (!word_plain(w, n->whole, n->text, a))
			return false;
		w->fixed = "its value is decided elsewhere";
		return true;
	}
	r.raw = view_cut(text, (size_t)at.off, (size_t)at.len);
	if (n->kind == NODE_OPAQUE) {
		/* "file=${var.iso},media=cdrom": some of it is known. */
		if (n->style != STYLE_DOUBLE || memchr(r.raw.p, '\\', r.raw.n)) {
			*w = word_opaque(n->whole, n->text);
			return true;
		}
		r.text = w->text = str_view(r.raw);
	}
	if (!match(&r, n) && !match_lines(&r, n, text)) {
		if (r.full)
			return false;
		if (!word_plain(w, n->whole, n->text, a))
			return false;
		w->fixed = "it is written with escapes, or over several lines";
		return true;
	}
	if (has_template(r.text)) {
		if (r.parts.n == 1 && r.parts.v[0].exact) {
			find_templates(&r);
		} else {
			*w = word_opaque(n->whole, n->text);
			w->open = false;
			return true;
		}
	}
	if (r.full)
		return false;
	w->parts = r.parts.v;
	w->nparts = r.parts.n;
	if (w->nparts == 0)
		return word_plain(w, at, n->text, a);
	return true;
}
