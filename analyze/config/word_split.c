/* One text as several words: where each of them stands in it, and so in the file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/word.h"
#include "base/vec.h"

#include "base/banned.h"

struct splitter {
	const struct word *w; /* the outer one */
	enum word_split how;
	size_t i;
	struct arena *a;
	VEC(struct word_part) parts; /* of the word that is being read, in w's text */
	struct buf out;
	unsigned quotes;
	const char *flaw;
	VEC(struct word) words;
	bool full;
};

static bool has_room(struct splitter *s)
{
	s->full = s->full || s->a->used > s->a->budget / 2;
	return !s->full;
}

static struct span place(size_t from, size_t to)
{
	return (struct span){ .off = from, .len = to - from };
}

/* Bytes [from, to) of the outer text say `text`. */
static void add(struct splitter *s, size_t from, size_t to, struct str text,
		unsigned quote, bool opaque)
{
	struct word_part *last = s->parts.n ? &s->parts.v[s->parts.n - 1] : NULL;
	bool exact = text.n == to - from && !opaque;

	if (last && last->exact && exact && last->quote == quote &&
	    span_end(last->at) == from) {
		last->n += text.n;
		last->at.len += text.n;
		last->all = quote ? last->all : last->at;
	} else if (has_room(s)) {
		last = vec_add(&s->parts, s->a);
		*last = (struct word_part){ .from = s->out.n,
					    .n = text.n,
					    .at = place(from, to),
					    .all = place(from, to),
					    .quote = quote,
					    .exact = exact,
					    .opaque = opaque };
	}
	buf_add(&s->out, text);
}

static struct str bytes(const struct splitter *s, size_t from, size_t to)
{
	return (struct str){ s->w->text.p + from, to - from };
}

static bool at_end(const struct splitter *s)
{
	return s->i >= s->w->text.n;
}

static bool is_blank(const struct splitter *s, size_t i)
{
	struct str text = s->w->text;

	if (i >= text.n || strchr(" \t\r\n", text.p[i]))
		return true;
	/* UTM's pattern has no place for the last of an odd number of quotes. */
	return s->how == SPLIT_UTM && text.p[i] == '"' &&
	       !memchr(text.p + i + 1, '"', text.n - i - 1);
}

/* What the outer text does not decide. */
static bool read_opaque(struct splitter *s, unsigned quote)
{
	size_t to = word_skip(s->w, s->i);

	if (to == s->i)
		return false;
	add(s, s->i, to, bytes(s, s->i, to), quote, true);
	s->i = to;
	return true;
}

static void read_byte(struct splitter *s, unsigned quote)
{
	add(s, s->i, s->i + 1, bytes(s, s->i, s->i + 1), quote, false);
	s->i++;
}

/* A backslash; between double quotes it escapes but a few. */
static void read_escape(struct splitter *s, unsigned quote)
{
	char c = s->i + 1 < s->w->text.n ? s->w->text.p[s->i + 1] : '\0';

	if (!c || (quote && !strchr("$`\"\\\n", c))) {
		read_byte(s, quote);
		return;
	}
	if (c != '\n')
		add(s, s->i, s->i + 2, bytes(s, s->i + 1, s->i + 2), quote, false);
	s->i += 2;
}

/* ---- systemd ---- */

static size_t name_end(const struct splitter *s, size_t i)
{
	while (i < s->w->text.n &&
	       strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_",
		      s->w->text.p[i]) &&
	       s->w->text.p[i])
		i++;
	return i;
}

/* Where what begins here and is decided elsewhere ends; s->i: nothing does. */
static size_t expansion_end(const struct splitter *s, char next)
{
	struct str rest = bytes(s, s->i, s->w->text.n);
	const char *brace;

	if (rest.p[0] == '%')
		return next ? s->i + 2 : s->i;
	if (next == '{') {
		brace = memchr(rest.p, '}', rest.n);
		return brace ? s->i + (size_t)(brace - rest.p) + 1 : s->i;
	}
	/* A word of its own only. */
	return s->parts.n == 0 && name_end(s, s->i + 1) > s->i + 1 ? name_end(s, s->i + 1)
								   : s->i;
}

static bool read_c_escape(struct splitter *s, char next, unsigned quote)
{
	static const char names[] = "abfnrtvs\\\"'", values[] = "\a\b\f\n\r\t\v \\\"'";
	const char *found = next ? strchr(names, next) : NULL;
	size_t n = next == 'x' ? 4 : next == 'u' ? 6 : next == 'U' ? 10 : 4;

	if (found) {
		add(s, s->i, s->i + 2, (struct str){ values + (found - names), 1 }, quote,
		    false);
		s->i += 2;
		return true;
	}
	if (!next || !strchr("xuU01234567", next) || s->i + n > s->w->text.n)
		return false;
	add(s, s->i, s->i + n, bytes(s, s->i, s->i + n), quote, true);
	s->i += n;
	return true;
}

static void read_systemd(struct splitter *s, unsigned quote)
{
	char c = s->w->text.p[s->i];
	char next = s->i + 1 < s->w->text.n ? s->w->text.p[s->i + 1] : '\0';
	size_t end;

	if ((c == '%' || c == '$') && next == c) {
		add(s, s->i, s->i + 2, bytes(s, s->i, s->i + 1), quote, false);
		s->i += 2;
		return;
	}
	end = c == '%' || c == '$' ? expansion_end(s, next) : s->i;
	if (end > s->i) {
		add(s, s->i, end, bytes(s, s->i, end), quote, true);
		s->i = end;
	} else if (c != '\\' || !read_c_escape(s, next, quote)) {
		read_byte(s, quote);
	}
}

/* ---- quotes ---- */

static void read_quoted(struct splitter *s, char end, bool escapes)
{
	size_t from = s->i++, parts = s->parts.n;
	unsigned quote = ++s->quotes;

	while (!at_end(s) && s->w->text.p[s->i] != end) {
		if (read_opaque(s, quote))
			continue;
		if (s->how == SPLIT_SYSTEMD)
			read_systemd(s, quote);
		else if (escapes && s->w->text.p[s->i] == '\\')
			read_escape(s, quote);
		else
			read_byte(s, quote);
	}
	if (at_end(s)) {
		s->flaw = "a quote that does not close";
		return;
	}
	if (s->parts.n == parts)
		add(s, from + 1, from + 1, STR(""), quote, false);
	s->i++;
	for (size_t k = s->parts.n; k > 0 && s->parts.v[k - 1].quote == quote; k--)
		s->parts.v[k - 1].all = place(from, s->i);
}

/* "..." around all of a word; elsewhere a quote is a byte, and keeps blanks together. */
static bool read_utm(struct splitter *s)
{
	size_t end = s->i + 1;
	bool first = s->i == 0 || is_blank(s, s->i - 1);

	if (s->w->text.p[s->i] != '"')
		return false;
	/* It closes, or else it were a blank. */
	while (end < s->w->text.n && s->w->text.p[end] != '"')
		end++;
	if (first && is_blank(s, end + 1)) {
		read_quoted(s, '"', false);
		return true;
	}
	for (end += end < s->w->text.n; s->i < end;) {
		if (!read_opaque(s, 0))
			read_byte(s, 0);
	}
	return true;
}

static void read_piece(struct splitter *s)
{
	char c = s->w->text.p[s->i];

	if (read_opaque(s, 0) || (s->how == SPLIT_UTM && read_utm(s)))
		return;
	if ((s->how == SPLIT_SHELL || s->how == SPLIT_SYSTEMD) && (c == '\'' || c == '"'))
		read_quoted(s, c, c == '"');
	else if (s->how == SPLIT_SYSTEMD)
		read_systemd(s, 0);
	else if (s->how == SPLIT_SHELL && c == '\\')
		read_escape(s, 0);
	else
		read_byte(s, 0);
}

/* ---- their places in the file ---- */

/* The outer part that holds byte `at`, or the one behind it. */
static size_t part_of(const struct word *outer, size_t at)
{
	size_t lo = 0, hi = outer->nparts;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (outer->parts[mid].from + outer->parts[mid].n <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A run that is the same bytes in the outer text: each part of that is one of its own. */
static void place_exact(const struct word *outer, const struct word_part *p,
			struct word *to, struct word_part *parts)
{
	size_t from = (size_t)p->at.off, end = (size_t)span_end(p->at);

	for (size_t i = part_of(outer, from);
	     i < outer->nparts && outer->parts[i].from < end; i++) {
		const struct word_part *o = &outer->parts[i];
		size_t lo = o->from > from ? o->from : from;
		size_t hi = o->from + o->n < end ? o->from + o->n : end;
		struct word_part *q = &parts[to->nparts];

		if (lo >= hi)
			continue;
		*q = *p;
		q->from = p->from + (lo - from);
		q->n = hi - lo;
		q->exact = o->exact;
		q->at = word_span(outer, lo, hi);
		to->nparts++;
	}
}

/* The word in the outer text, as one in the file. */
static bool place_word(struct splitter *s, struct word *to, const struct word *inner)
{
	const struct word *outer = s->w;
	size_t from = (size_t)inner->at.off, end = (size_t)span_end(inner->at);
	size_t over = part_of(outer, end) - part_of(outer, from) + 1;
	struct word_part *parts =
		arena_try_array(s->a, inner->nparts + over, struct word_part);

	*to = *inner;
	to->parts = parts;
	to->nparts = 0;
	to->outer = outer;
	to->inner = inner;
	to->fixed = outer->fixed;
	to->at = word_span(outer, from, end);
	for (size_t i = 0; parts && i < inner->nparts; i++) {
		const struct word_part *p = &inner->parts[i];

		if (p->exact && p->n > 0) {
			place_exact(outer, p, to, parts);
			continue;
		}
		parts[to->nparts] = *p;
		parts[to->nparts++].at =
			word_span(outer, (size_t)p->at.off, (size_t)span_end(p->at));
	}
	for (size_t i = 0; parts && i < to->nparts; i++)
		parts[i].all = parts[i].quote ? word_span(outer, (size_t)parts[i].all.off,
							  (size_t)span_end(parts[i].all))
					      : parts[i].at;
	return parts != NULL;
}

static enum word_code code_of(enum word_split how)
{
	switch (how) {
	case SPLIT_SHELL:
		return WORD_SHELL;
	case SPLIT_SYSTEMD:
		return WORD_SYSTEMD;
	case SPLIT_BLANKS:
	case SPLIT_UTM:
	case SPLIT_NONE:
		return WORD_BLANKS;
	}
	BUG("split %u", how);
}

/* Outside of quotes it may be several words, or none; with systemd $x alone. */
static bool may_be_several(const struct splitter *s, const struct word_part *p)
{
	if (!p->opaque || p->quote)
		return false;
	return s->how != SPLIT_SYSTEMD ||
	       (s->parts.n == 1 && s->out.p[0] == '$' && s->out.p[1] != '{') ||
	       s->out.p[0] == '{';
}

static void finish(struct splitter *s, size_t from)
{
	struct word *inner = arena_try_new(s->a, struct word), *w;
	struct word_part *parts = arena_try_array(s->a, s->parts.n, struct word_part);

	s->full = s->full || !inner || !parts;
	if (!has_room(s))
		return;
	if (s->parts.n)
		memcpy(parts, s->parts.v, s->parts.n * sizeof(*parts));
	*inner = (struct word){
		.text = { arena_str(s->a, (struct str){ s->out.p, s->out.n }), s->out.n },
		.at = place(from, s->i),
		.parts = parts,
		.nparts = s->parts.n,
		.code = code_of(s->how)
	};
	w = vec_add(&s->words, s->a);
	s->full = !place_word(s, w, inner);
	for (size_t i = 0; i < s->parts.n; i++)
		w->open = w->open || may_be_several(s, &parts[i]);
}

static void read_word(struct splitter *s)
{
	size_t from = s->i;

	s->parts.n = 0;
	s->quotes = 0;
	buf_clear(&s->out);
	while (!at_end(s) && !s->flaw && !s->full &&
	       (word_skip(s->w, s->i) > s->i || !is_blank(s, s->i)))
		read_piece(s);
	if (!s->flaw && s->parts.n > 0)
		finish(s, from);
}

struct word *word_split(const struct word *w, enum word_split how, size_t *n,
			const char **flaw, struct arena *a)
{
	struct splitter s = { .w = w, .how = how, .a = a };
	struct word *one;

	*n = 1;
	*flaw = NULL;
	if (how == SPLIT_NONE || w->nparts == 0) {
		one = arena_try_new(a, struct word);
		if (one)
			*one = *w;
		return one;
	}
	while (!at_end(&s) && !s.flaw && !s.full) {
		if (word_skip(w, s.i) == s.i && is_blank(&s, s.i))
			s.i++;
		else
			read_word(&s);
	}
	buf_free(&s.out);
	*n = s.words.n;
	*flaw = s.flaw;
	if (s.words.n == 0 && !s.full)
		return arena_try_new(a, struct word);
	return s.full ? NULL : s.words.v;
}
