/* Who judges an edit of HCL, for which there is no library: a tokenizer of its own, that
 * shares nothing with the reader's, sees the same tokens before and after outside of what
 * was edited, and brackets that stay balanced within each edit; and the reader accepts the
 * result.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/hcl.h"
#include "base/vec.h"
#include "base/banned.h"

enum { NESTING_MAX = 256 };

struct piece {
	size_t at, n;
	bool text; /* of a string or heredoc, and no code */
};

/* What a byte is in: code, the text of a string, the lines of a heredoc. */
enum inside { IN_CODE, IN_STRING, IN_HEREDOC };

struct level {
	enum inside place;
	unsigned braces;   /* code: '{' that are open in it */
	struct str marker; /* heredoc */
};

struct scanner {
	struct view text;
	size_t at;
	struct level level[NESTING_MAX];
	size_t depth;
	struct arena *arena;
	/* Where edits begin and end: within a string they may be anywhere. Sorted. */
	const size_t *cuts;
	size_t ncuts;
	VEC(struct piece) pieces;
	bool broken;
};

static uint8_t byte(const struct scanner *s, size_t ahead)
{
	return s->at + ahead < s->text.n ? s->text.p[s->at + ahead] : 0;
}

static void keep(struct scanner *s, size_t n)
{
	struct piece *p = vec_add(&s->pieces, s->arena);

	*p = (struct piece){ .at = s->at, .n = n };
	s->at += n;
}

static void keep_text(struct scanner *s, size_t n)
{
	keep(s, n);
	s->pieces.v[s->pieces.n - 1].text = true;
}

static void push(struct scanner *s, struct level l)
{
	if (s->depth == NESTING_MAX)
		s->broken = true;
	else
		s->level[s->depth++] = l;
}

static bool is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c >= 0x80;
}

static size_t to_line_end(const struct scanner *s, size_t from)
{
	while (from < s->text.n && s->text.p[from] != '\n')
		from++;
	return from;
}

static void comment(struct scanner *s)
{
	size_t end = s->at + 2;

	if (byte(s, 0) == '#' || byte(s, 1) == '/') {
		end = to_line_end(s, s->at);
		end -= s->text.p[end - 1] == '\r';
	} else {
		while (end < s->text.n && !(s->text.p[end - 1] == '*' &&
					    s->text.p[end] == '/' && end > s->at + 2))
			end++;
		end = end < s->text.n ? end + 1 : end;
	}
	keep(s, end - s->at);
}

static void heredoc(struct scanner *s)
{
	struct level l = { .place = IN_HEREDOC };
	size_t skip = byte(s, 2) == '-' ? 3 : 2, end = to_line_end(s, s->at);

	l.marker = str_trim((struct str){ (const char *)s->text.p + s->at + skip,
					  end - s->at - skip });
	keep(s, end < s->text.n ? end + 1 - s->at : end - s->at);
	push(s, l);
}

static void code_bracket(struct scanner *s, struct level *l)
{
	uint8_t c = byte(s, 0);

	if (c == '{')
		l->braces++;
	if (c == '}' && l->braces-- == 0) {
		/* The end of a template; of the whole text's code there is none. */
		l->braces = 0;
		if (s->depth > 1)
			s->depth--;
		else
			s->broken = true;
	}
	keep(s, 1);
}

static void scan_code(struct scanner *s, struct level *l)
{
	uint8_t c = byte(s, 0);
	size_t n = 1;

	if (c == ' ' || c == '\t' || (c == '\r' && byte(s, 1) == '\n')) {
		s->at++;
	} else if (c == '"') {
		keep(s, 1);
		push(s, (struct level){ .place = IN_STRING });
	} else if (c == '#' || (c == '/' && (byte(s, 1) == '/' || byte(s, 1) == '*'))) {
		comment(s);
	} else if (c == '<' && byte(s, 1) == '<' &&
		   (is_word(byte(s, 2)) || byte(s, 2) == '-')) {
		heredoc(s);
	} else if (is_word(c)) {
		while (is_word(byte(s, n)) || byte(s, n) == '-')
			n++;
		keep(s, n);
	} else {
		code_bracket(s, l);
	}
}

/* "${" and "%{"; doubled they mean themselves. */
static bool opens_template(const struct scanner *s)
{
	uint8_t c = byte(s, 0);

	return (c == '$' || c == '%') && byte(s, 1) == '{';
}

static size_t doubled(const struct scanner *s)
{
	uint8_t c = byte(s, 0);

	return (c == '$' || c == '%') && byte(s, 1) == c && byte(s, 2) == '{' ? 3 : 0;
}

static size_t next_cut(struct scanner *s)
{
	while (s->ncuts && s->cuts[0] <= s->at) {
		s->cuts++;
		s->ncuts--;
	}
	return s->ncuts ? s->cuts[0] : s->text.n;
}

/* At least one byte, then those that are none of `special`. */
static size_t plain_run(struct scanner *s, const char *special)
{
	size_t n = 1, cut = next_cut(s);

	while (s->at + n < cut && !memchr(special, byte(s, n), strlen(special)))
		n++;
	return n;
}

static void scan_string(struct scanner *s)
{
	if (opens_template(s)) {
		keep(s, 2);
		push(s, (struct level){ .place = IN_CODE });
	} else if (byte(s, 0) == '"') {
		keep(s, 1);
		s->depth--;
	} else if (byte(s, 0) == '\n') {
		s->broken = true;
	} else if (byte(s, 0) == '\\' || doubled(s)) {
		keep_text(s, doubled(s) ? 3 : 2);
	} else {
		keep_text(s, plain_run(s, "\"\\$%\n"));
	}
}

static bool at_marker(const struct scanner *s, const struct level *l)
{
	size_t end = to_line_end(s, s->at);

	if (s->at > 0 && s->text.p[s->at - 1] != '\n')
		return false;
	return str_eq(
		str_trim((struct str){ (const char *)s->text.p + s->at, end - s->at }),
		l->marker);
}

static void scan_heredoc(struct scanner *s, const struct level *l)
{
	size_t n = 0;

	if (at_marker(s, l)) {
		while (byte(s, n) == ' ' || byte(s, n) == '\t')
			n++;
		keep(s, n + l->marker.n);
		s->depth--;
	} else if (opens_template(s)) {
		keep(s, 2);
		push(s, (struct level){ .place = IN_CODE });
	} else if (byte(s, 0) == '\n' || doubled(s)) {
		keep_text(s, doubled(s) ? 3 : 1);
	} else {
		keep_text(s, plain_run(s, "$%\n"));
	}
}

/* False: it does not come out even. */
static bool scan(struct scanner *s)
{
	push(s, (struct level){ .place = IN_CODE });
	while (s->at < s->text.n && !s->broken) {
		struct level *l = &s->level[s->depth - 1];

		switch (l->place) {
		case IN_CODE:
			scan_code(s, l);
			break;
		case IN_STRING:
			scan_string(s);
			break;
		case IN_HEREDOC:
			scan_heredoc(s, l);
			break;
		}
	}
	return !s->broken && s->depth == 1 && s->level[0].braces == 0 &&
	       s->at == s->text.n;
}

/* ---- before and after ---- */

static int by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	return x->at.len < y->at.len ? -1 : x->at.len > y->at.len;
}

static struct edit *sorted(const struct plan *p, struct arena *a)
{
	struct edit *v = arena_array(a, p->edits.n, struct edit);

	if (p->edits.n)
		memcpy(v, p->edits.v, p->edits.n * sizeof(*v));
	sort_stable(v, p->edits.n, sizeof(*v), by_place);
	return v;
}

/* The ends of the edits, in the text before or after. */
static size_t *cuts_of(const struct edit *edits, size_t n, bool after, struct arena *a)
{
	size_t *v = arena_array(a, 2 * n, size_t), was_at = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		at += (size_t)edits[i].at.off - was_at;
		was_at = (size_t)span_end(edits[i].at);
		v[2 * i] = at;
		at += after ? edits[i].bytes.n : (size_t)edits[i].at.len;
		v[2 * i + 1] = at;
	}
	return v;
}

struct pair {
	const struct edit *edits;
	size_t nedits;
	const struct scanner *was, *is;
};

/* Opening brackets less closing ones of the pieces in [from, to). */
static long balance(const struct scanner *s, size_t *i, size_t to)
{
	long sum = 0;

	for (; *i < s->pieces.n && s->pieces.v[*i].at < to; ++*i) {
		const struct piece *p = &s->pieces.v[*i];
		uint8_t c = s->text.p[p->at + p->n - 1];

		if (p->text)
			continue;
		if (p->n <= 2 && memchr("([{", c, 3))
			sum++;
		if (p->n == 1 && memchr(")]}", c, 3))
			sum--;
	}
	return sum;
}

/* The pieces up to the place `to` of the text before are those of the text after, `by` bytes
 * on (or back). */
static bool same_upto(const struct pair *p, size_t *i, size_t *k, size_t to,
		      size_t was_at, size_t is_at)
{
	while (*i < p->was->pieces.n && p->was->pieces.v[*i].at < to) {
		const struct piece *x = &p->was->pieces.v[(*i)++], *y;

		if (x->at + x->n > to || *k == p->is->pieces.n)
			return false;
		y = &p->is->pieces.v[(*k)++];
		if (x->n != y->n || x->at - was_at != y->at - is_at ||
		    memcmp(p->was->text.p + x->at, p->is->text.p + y->at, x->n) != 0)
			return false;
	}
	return true;
}

static bool same_pieces(const struct pair *p, const char **why)
{
	size_t i = 0, k = 0, was_at = 0, is_at = 0;

	for (size_t e = 0; e <= p->nedits; e++) {
		const struct edit *edit = e < p->nedits ? &p->edits[e] : NULL;
		size_t to = edit ? (size_t)edit->at.off : p->was->text.n;

		if (!same_upto(p, &i, &k, to, was_at, is_at)) {
			*why = "other text would change its meaning";
			return false;
		}
		is_at += to - was_at;
		was_at = to;
		if (!edit)
			break;
		was_at += (size_t)edit->at.len;
		is_at += edit->bytes.n;
		if (balance(p->was, &i, was_at) != balance(p->is, &k, is_at)) {
			*why = "its brackets would not be closed";
			return false;
		}
	}
	*why = "other text would change its meaning";
	return i == p->was->pieces.n && k == p->is->pieces.n;
}

bool judge_hcl(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why)
{
	struct scanner was = { .text = before, .arena = a };
	struct scanner is = { .text = after, .arena = a };
	struct pair pair = {
		.edits = sorted(p, a), .nedits = p->edits.n, .was = &was, .is = &is
	};
	struct source src = source_of_bytes(p->src->path, after);
	const struct syntax_error *bad = NULL;
	struct node *root = NULL;
	struct err e = { 0 };

	was.cuts = cuts_of(pair.edits, pair.nedits, false, a);
	is.cuts = cuts_of(pair.edits, pair.nedits, true, a);
	was.ncuts = is.ncuts = 2 * pair.nedits;
	if (!scan(&was) || !scan(&is)) {
		*why = "its brackets and quotes are not seen alike by two readers";
		return false;
	}
	if (!same_pieces(&pair, why))
		return false;
	if (hcl_read(&src, after, a, &root, &bad, &e) == 0 && root)
		return true;
	*why = bad ? bad->what : arena_printf(a, "%s", e.msg);
	return false;
}
