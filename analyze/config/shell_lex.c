/* Words of shell. POSIX.1-2017 XCU 2.2, 2.3, 2.6; bash(1), QUOTING and EXPANSION.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/shell_lex.h"
#include "analyze/config/shell.h"

#include "base/banned.h"

bool lex_is_meta(int c)
{
	switch (c) {
	case -1:
	case ' ':
	case '\t':
	case '\r':
	case '\n':
	case ';':
	case '&':
	case '|':
	case '(':
	case ')':
	case '<':
	case '>':
		return true;
	default:
		return false;
	}
}

void lex_blanks(struct shell_lex *l)
{
	for (;;) {
		int c = lex_peek(l, 0);

		if (c == ' ' || c == '\t')
			l->at++;
		else if (lex_is(l, "\\\n"))
			l->at += 2;
		else if (lex_is(l, "\\\r\n"))
			l->at += 3;
		else
			return;
	}
}

void lex_free(struct shell_lex *l)
{
	buf_free(&l->out);
}

static struct str source(const struct shell_lex *l, size_t from, size_t to)
{
	return str_view(view_cut(l->text, from, to - from));
}

static bool endless(struct shell_lex *l, size_t from, const char *why)
{
	l->at = from;
	l->why = why;
	return false;
}

/* ---- over what is not looked into ---- */

static bool skip_single(struct shell_lex *l)
{
	size_t from = l->at++;

	while (l->at < l->text.n && l->text.p[l->at] != '\'')
		l->at++;
	if (l->at++ >= l->text.n)
		return endless(l, from, "a quote that does not close");
	return true;
}

/* $'...' has escapes. */
static bool skip_ansi(struct shell_lex *l)
{
	size_t from = l->at;

	l->at += 2;
	while (l->at < l->text.n && l->text.p[l->at] != '\'')
		l->at += l->text.p[l->at] == '\\' ? 2 : 1;
	if (l->at >= l->text.n)
		return endless(l, from, "a quote that does not close");
	l->at++;
	return true;
}

static bool skip_backquotes(struct shell_lex *l)
{
	size_t from = l->at++;

	while (l->at < l->text.n && l->text.p[l->at] != '`')
		l->at += l->text.p[l->at] == '\\' ? 2 : 1;
	if (l->at >= l->text.n)
		return endless(l, from, "a backquote that does not close");
	l->at++;
	return true;
}

/* What is open while an expansion is skipped: ')' '}' or '"', innermost last. */
struct nest {
	char close[SHELL_DEPTH_MAX];
	size_t n;
	struct str here; /* the end of a here-document whose body comes; n is 0: none */
};

static bool push(struct nest *x, char close)
{
	if (x->n == SHELL_DEPTH_MAX)
		return false;
	x->close[x->n++] = close;
	return true;
}

struct str lex_here_end(struct shell_lex *l)
{
	size_t from, to;

	l->at += lex_peek(l, 2) == '-' ? 3 : 2;
	lex_blanks(l);
	from = l->at;
	while (!lex_is_meta(lex_peek(l, 0)))
		l->at++;
	to = l->at;
	/* 'EOT', "EOT" and \EOT */
	while (from < to && strchr("'\"\\", l->text.p[from]))
		from++;
	while (to > from && strchr("'\"", l->text.p[to - 1]))
		to--;
	return source(l, from, to);
}

void lex_here_body(struct shell_lex *l, struct str end)
{
	while (l->at < l->text.n) {
		struct str line = source(l, l->at, l->text.n);
		const char *eol = memchr(line.p, '\n', line.n);

		line.n = eol ? (size_t)(eol - line.p) : line.n;
		l->at += line.n + (eol ? 1 : 0);
		if (str_eq(str_trim(line), end))
			return;
	}
}

static void skip_comment(struct shell_lex *l)
{
	while (l->at < l->text.n && l->text.p[l->at] != '\n')
		l->at++;
}

/* Commands have comments and here-documents: what is in them opens and closes nothing. */
static bool skip_aside(struct shell_lex *l, struct nest *x)
{
	int c = lex_peek(l, 0);

	if (c == '\n' && x->here.n) {
		l->at++;
		lex_here_body(l, x->here);
		x->here.n = 0;
		return true;
	}
	if (x->close[x->n - 1] != ')')
		return false;
	if (c == '#' && strchr(" \t\n;(", l->text.p[l->at - 1])) {
		skip_comment(l);
		return true;
	}
	if (lex_is(l, "<<") && !lex_is(l, "<<<")) {
		x->here = lex_here_end(l);
		return true;
	}
	return false;
}

/* One step within $(...): what opens, closes or escapes. */
static bool skip_step(struct shell_lex *l, struct nest *x)
{
	char in = x->close[x->n - 1];
	int c = lex_peek(l, 0);

	if (skip_aside(l, x))
		return true;
	if (c == in) {
		l->at++;
		x->n--;
		return true;
	}
	if (c == '\\') {
		l->at += 2;
		return true;
	}
	if (c == '`')
		return skip_backquotes(l);
	if (c == '$' && (lex_peek(l, 1) == '(' || lex_peek(l, 1) == '{')) {
		l->at += 2;
		return push(x, l->text.p[l->at - 1] == '(' ? ')' : '}');
	}
	l->at++;
	if (c == '"')
		return push(x, '"');
	if (in == '"')
		return true;
	if (c == '(' && in == ')')
		return push(x, ')');
	if (c == '\'' && in == ')') {
		l->at--;
		return skip_single(l);
	}
	return true;
}

bool lex_expansion(struct shell_lex *l)
{
	size_t from = l->at;
	struct nest x = { 0 };

	if (lex_peek(l, 0) == '`')
		return skip_backquotes(l);
	l->at += 2;
	(void)push(&x, l->text.p[l->at - 1] == '(' ? ')' : '}');
	while (x.n > 0) {
		if (l->at >= l->text.n)
			return endless(l, from, "an expansion that does not close");
		if (!skip_step(l, &x))
			return endless(l, from, "an expansion too deep to be read");
	}
	if (l->at > l->text.n)
		return endless(l, from, "an expansion that does not close");
	return true;
}

/* ---- parts ---- */

static struct span span_of(const struct shell_lex *l, size_t from, size_t to)
{
	return (struct span){ .src = l->src, .off = from, .len = to - from };
}

/* [from, to) of the text says `text`; quote: the number of the quotes it is between. */
static void add_part(struct shell_lex *l, size_t from, size_t to, struct str text,
		     unsigned quote)
{
	struct word_part *last = l->parts.n ? &l->parts.v[l->parts.n - 1] : NULL;
	bool exact = text.n == to - from;
	struct word_part *p;

	if (last && last->exact && exact && last->quote == quote &&
	    span_end(last->at) == from) {
		last->n += text.n;
		last->at.len += text.n;
		last->all = quote ? last->all : last->at;
	} else {
		p = vec_add(&l->parts, l->a);
		*p = (struct word_part){ .from = l->out.n,
					 .n = text.n,
					 .at = span_of(l, from, to),
					 .all = span_of(l, from, to),
					 .quote = quote,
					 .exact = exact };
	}
	buf_add(&l->out, text);
}

static void add_opaque(struct shell_lex *l, size_t from, unsigned quote)
{
	struct word_part *p = vec_add(&l->parts, l->a);

	*p = (struct word_part){ .from = l->out.n,
				 .n = l->at - from,
				 .at = span_of(l, from, l->at),
				 .all = span_of(l, from, l->at),
				 .quote = quote,
				 .opaque = true };
	buf_add(&l->out, source(l, from, l->at));
}

/* The parts between quotes learn where those are. */
static void close_quote(struct shell_lex *l, unsigned quote, size_t from)
{
	for (size_t i = l->parts.n; i > 0 && l->parts.v[i - 1].quote == quote; i--)
		l->parts.v[i - 1].all = span_of(l, from, l->at);
}

static bool is_name_byte(int c)
{
	return c == '_' || (c >= '0' && c <= '9') ||
	       ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Over one byte, and over those behind it that mean themselves wherever they stand: what
 * words are made of is added by runs. */
static void pass_ordinary(struct shell_lex *l)
{
	int c;

	do {
		l->at++;
		c = lex_peek(l, 0);
	} while (is_name_byte(c) || c == '-' || c == '.' || c == '/' || c == '=' ||
		 c == ',');
}

/* At a '$' or '`'. A dollar that expands nothing is a dollar. */
static bool read_expansion(struct shell_lex *l, struct word *w, unsigned quote)
{
	size_t from = l->at;
	int c = lex_peek(l, 1);

	if (lex_peek(l, 0) == '`' || c == '(' || c == '{') {
		if (!lex_expansion(l))
			return false;
	} else if (c > 0 && (strchr("@*#?$!-", c) || (c >= '0' && c <= '9'))) {
		l->at += 2;
	} else if (is_name_byte(c)) {
		l->at++;
		while (is_name_byte(lex_peek(l, 0)))
			l->at++;
	} else {
		l->at++;
		add_part(l, from, l->at, STR("$"), quote);
		return true;
	}
	/* "$@" and "${x[@]}" are several words even between quotes. */
	if (!quote || str_is(source(l, from, l->at), "$@") ||
	    str_has(source(l, from, l->at), "[@]") ||
	    str_starts(source(l, from, l->at), "${@"))
		w->open = true;
	add_opaque(l, from, quote);
	return true;
}

/* ---- quotes ---- */

static bool read_single(struct shell_lex *l)
{
	size_t from = l->at;
	unsigned quote = ++l->quotes;

	if (!skip_single(l))
		return false;
	add_part(l, from + 1, l->at - 1, source(l, from + 1, l->at - 1), quote);
	close_quote(l, quote, from);
	return true;
}

/* $'...': known when nothing in it is escaped. */
static bool read_ansi(struct shell_lex *l)
{
	size_t from = l->at;
	unsigned quote = ++l->quotes;
	struct str in;

	if (!skip_ansi(l))
		return false;
	in = source(l, from + 2, l->at - 1);
	if (memchr(in.p, '\\', in.n))
		add_opaque(l, from, 0);
	else
		add_part(l, from + 2, l->at - 1, in, quote);
	close_quote(l, quote, from);
	return true;
}

/* A backslash: between double quotes it escapes but a few. */
static void read_escape(struct shell_lex *l, unsigned quote)
{
	size_t from = l->at, n = lex_peek(l, 1) == '\r' && lex_peek(l, 2) == '\n' ? 3 : 2;
	int c = lex_peek(l, 1);

	if (c == '\n' || n == 3) {
		l->at += n;
		return;
	}
	if (c == -1 || (quote && !strchr("$`\"\\", c))) {
		l->at++;
		add_part(l, from, l->at, STR("\\"), quote);
		return;
	}
	l->at += 2;
	add_part(l, from, l->at, source(l, from + 1, from + 2), quote);
}

static bool read_double(struct shell_lex *l, struct word *w)
{
	size_t from = l->at, parts = l->parts.n;
	unsigned quote = ++l->quotes;

	l->at++;
	for (;;) {
		size_t start = l->at;
		int c = lex_peek(l, 0);

		if (c == -1)
			return endless(l, from, "a quote that does not close");
		if (c == '"')
			break;
		if (c == '\\') {
			read_escape(l, quote);
		} else if (c == '$' || c == '`') {
			if (!read_expansion(l, w, quote))
				return false;
		} else {
			pass_ordinary(l);
			add_part(l, start, l->at, source(l, start, l->at), quote);
		}
	}
	if (l->parts.n == parts)
		add_part(l, from + 1, from + 1, STR(""), quote);
	l->at++;
	close_quote(l, quote, from);
	return true;
}

/* ---- words ---- */

/* {a,b} and {1..9}, whose end is before that of the word. */
static bool is_brace_expansion(const struct shell_lex *l)
{
	size_t depth = 0;
	bool several = false;

	for (size_t i = l->at; i < l->text.n && !lex_is_meta(l->text.p[i]); i++) {
		char c = (char)l->text.p[i];

		if (c == '{')
			depth++;
		else if (c == '}' && --depth == 0)
			return several;
		else if (depth == 1 && (c == ',' || view_eq(l->text, i, "..", 2)))
			several = true;
	}
	return false;
}

/* The home directory, at the begin of a word or of a value. */
static bool is_tilde(const struct shell_lex *l, size_t from)
{
	int before = l->at > from ? l->text.p[l->at - 1] : '=';

	return lex_peek(l, 0) == '~' && (before == '=' || before == ':');
}

static void read_tilde(struct shell_lex *l)
{
	size_t from = l->at;

	while (is_name_byte(lex_peek(l, 0)) || l->at == from)
		l->at++;
	add_opaque(l, from, 0);
}

static void read_plain(struct shell_lex *l, struct word *w, size_t from)
{
	int c = lex_peek(l, 0);
	size_t start;

	if (is_tilde(l, from)) {
		read_tilde(l);
		return;
	}
	if (c == '*' || c == '?' || c == '[')
		w->open = true; /* may become the names of files */
	if (c == '{' && is_brace_expansion(l)) {
		start = l->at;
		while (!lex_is_meta(lex_peek(l, 0)) && lex_peek(l, 0) != '"' &&
		       lex_peek(l, 0) != '\'' && lex_peek(l, 0) != '$')
			l->at++;
		w->open = true;
		add_opaque(l, start, 0);
		return;
	}
	start = l->at;
	pass_ordinary(l);
	add_part(l, start, l->at, source(l, start, l->at), 0);
}

static bool read_piece(struct shell_lex *l, struct word *w, size_t from)
{
	switch (lex_peek(l, 0)) {
	case '\'':
		return read_single(l);
	case '"':
		return read_double(l, w);
	case '\\':
		read_escape(l, 0);
		return true;
	case '$':
		if (lex_peek(l, 1) == '\'')
			return read_ansi(l);
		if (lex_peek(l, 1) == '"') {
			l->at++; /* of the locale: read as it is */
			return read_double(l, w);
		}
		return read_expansion(l, w, 0);
	case '`':
		return read_expansion(l, w, 0);
	default:
		read_plain(l, w, from);
		return true;
	}
}

/* One that is written as it is read borrows its text. */
static void finish(struct shell_lex *l, struct word *w, size_t from)
{
	struct word_part *parts = arena_array(l->a, l->parts.n, struct word_part);

	w->at = span_of(l, from, l->at);
	w->code = WORD_SHELL;
	if (l->parts.n)
		memcpy(parts, l->parts.v, l->parts.n * sizeof(*parts));
	w->parts = parts;
	w->nparts = l->parts.n;
	w->text = (struct str){ arena_str(l->a, (struct str){ l->out.p, l->out.n }),
				l->out.n };
	if (l->parts.n == 1 && parts[0].at.len == parts[0].n)
		w->text =
			source(l, (size_t)parts[0].at.off, (size_t)span_end(parts[0].at));
}

bool lex_word(struct shell_lex *l, struct word *w)
{
	size_t from = l->at;

	*w = (struct word){ 0 };
	l->parts.n = 0;
	l->quotes = 0;
	buf_clear(&l->out);
	for (;;) {
		int c = lex_peek(l, 0);

		/* @(a|b) and the like: patterns. */
		if (c == '(' && l->at > from && strchr("?*+@!", l->text.p[l->at - 1])) {
			struct nest x = { .close = { ')' }, .n = 1 };
			size_t start = l->at++;

			while (x.n > 0 && l->at < l->text.n && skip_step(l, &x))
				;
			if (x.n > 0)
				return endless(l, start, "a pattern that does not close");
			w->open = true;
			add_opaque(l, start, 0);
			continue;
		}
		if (lex_is_meta(c))
			break;
		if (l->parts.n > SHELL_PARTS_MAX || l->a->used > l->a->budget / 2)
			return endless(l, from, "more text than is read");
		if (!read_piece(l, w, from))
			return false;
	}
	finish(l, w, from);
	return true;
}
