/* Sections of options, and where each byte of them stands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/ini.h"
#include "base/vec.h"

#include "base/banned.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static size_t skip_blanks(struct str s, size_t at)
{
	while (at < s.n && is_blank(s.p[at]))
		at++;
	return at;
}

static size_t skip_word(struct str s, size_t at)
{
	size_t end = at + INI_NAME_MAX;

	while (at < s.n && at < end && !is_blank(s.p[at]))
		at++;
	return at;
}

static size_t find(struct str s, size_t at, char c)
{
	while (at < s.n && s.p[at] != c)
		at++;
	return at;
}

/* "[%63s \"%63[^\"]\"]", else "[%63[^]]]" */
static bool read_header(struct ini_tokens *t, struct str line)
{
	size_t from = skip_blanks(line, 1), to = skip_word(line, from);
	size_t quote = skip_blanks(line, to), end = find(line, quote + 1, '"');

	if (to > from && quote < line.n && line.p[quote] == '"' && end > quote + 1 &&
	    end < line.n && end - quote - 1 <= INI_NAME_MAX) {
		t->name = (struct ini_place){ from, to };
		t->value = (struct ini_place){ quote + 1, end };
		end++;
	} else {
		end = find(line, 1, ']');
		if (end == line.n || end == 1 || end - 1 > INI_NAME_MAX)
			return false;
		t->name = (struct ini_place){ 1, end };
	}
	t->is = INI_HEADER;
	t->whole = (struct ini_place){ 0, end + (end < line.n && line.p[end] == ']') };
	return true;
}

/* name="value", and no blank in between. */
static bool is_joined(struct ini_tokens *t, struct str line)
{
	size_t equals = find(line, t->whole.from, '=');

	if (equals == t->whole.from || equals + 2 >= t->whole.to ||
	    memchr(line.p + t->whole.from, ' ', equals - t->whole.from) ||
	    memchr(line.p + t->whole.from, '\t', equals - t->whole.from))
		return false;
	t->name = (struct ini_place){ t->whole.from, equals };
	t->value = (struct ini_place){ equals + 1, t->whole.to };
	return equals - t->whole.from <= INI_NAME_MAX;
}

/* " %63s = \"%1023[^\"]\"", else " %63s", whose value is "". */
static void read_setting(struct ini_tokens *t, struct str line)
{
	size_t at = skip_word(line, t->whole.from), end;

	t->is = INI_WORD;
	t->name = (struct ini_place){ t->whole.from, at };
	at = skip_blanks(line, at);
	if (at == line.n || line.p[at] != '=') {
		if (is_joined(t, line))
			t->is = INI_JOINED;
		return;
	}
	at = skip_blanks(line, at + 1);
	t->is = INI_UNQUOTED;
	t->value = (struct ini_place){ at, t->whole.to > at ? t->whole.to : at };
	if (at == line.n || line.p[at] != '"')
		return;
	end = find(line, at + 1, '"');
	t->is = end == line.n ? INI_OPEN : INI_SETTING;
	t->value = (struct ini_place){ at + 1, end == line.n ? t->value.to : end };
	/* What is behind it nobody reads. */
	if (t->is == INI_SETTING)
		t->whole.to = end + 1;
}

struct ini_tokens ini_line(struct str line)
{
	struct ini_tokens t = { .is = INI_EMPTY };
	size_t from = skip_blanks(line, 0), to = line.n;

	if (line.n == 0 || line.p[0] == '#')
		return t;
	if (line.p[0] == '[' && read_header(&t, line))
		return t;
	while (to > from && is_blank(line.p[to - 1]))
		to--;
	t.whole = (struct ini_place){ from, to };
	t.is = INI_BLANK;
	if (from < to)
		read_setting(&t, line);
	return t;
}

/* ---- the tree ---- */

struct reader {
	struct ini *out;
	const struct source *src;
	struct view text;
	struct arena *a;
	struct node *section; /* NULL: there is none yet */
	VEC(struct ini_flaw) flaws;
	bool full;
};

static struct span place(const struct reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->src, .off = from, .len = to - from };
}

static struct span at(const struct reader *r, size_t line, struct ini_place p)
{
	return place(r, line + p.from, line + p.to);
}

static struct str text_of(const struct reader *r, size_t line, struct ini_place p)
{
	return str_view(view_cut(r->text, line + p.from, p.to - p.from));
}

static struct node *add(struct reader *r, struct node *up, enum node_kind kind,
			struct span whole)
{
	struct node *n = node_try_new(r->a, up);

	r->full = r->full || !n;
	if (!n)
		return NULL;
	n->kind = kind;
	n->syntax = SYNTAX_INI;
	n->key_at = place(r, (size_t)whole.off, (size_t)whole.off);
	n->open_at = n->text_at = n->whole = whole;
	return n;
}

/* What is between quotes, and the quotes where it has them. */
static void place_value(struct node *n, struct span value)
{
	n->text_at = n->open_at = value;
	if (n->style == STYLE_DOUBLE) {
		n->open_at.off--;
		n->open_at.len += 2;
	}
}

static void on_header(struct reader *r, size_t line, const struct ini_tokens *t)
{
	struct node *n, *id;

	r->section = n = add(r, r->out->root, NODE_MAP, at(r, line, t->whole));
	if (!n)
		return;
	n->key = str_trim(text_of(r, line, t->name));
	n->key_at = at(r, line, t->name);
	n->text_at = place(r, (size_t)span_end(n->whole), (size_t)span_end(n->whole));
	if (t->value.to == t->value.from)
		return;
	id = add(r, n, NODE_SCALAR, at(r, line, t->value));
	if (!id)
		return;
	id->key = STR("id");
	id->style = STYLE_DOUBLE;
	id->text = text_of(r, line, t->value);
	place_value(id, id->whole);
	id->whole = id->open_at;
}

/* A line of the section that reaches to its end. */
static struct node *add_line(struct reader *r, enum node_kind kind, struct span whole)
{
	struct node *n = add(r, r->section, kind, whole);

	if (n) {
		r->section->whole.len = span_end(whole) - r->section->whole.off;
		r->section->text_at.len = span_end(whole) - r->section->text_at.off;
	}
	return n;
}

static void on_setting(struct reader *r, size_t line, const struct ini_tokens *t)
{
	struct node *n = add_line(r, NODE_SCALAR, at(r, line, t->whole));

	if (!n)
		return;
	n->style = STYLE_DOUBLE;
	n->key = text_of(r, line, t->name);
	n->key_at = at(r, line, t->name);
	n->text = text_of(r, line, t->value);
	place_value(n, at(r, line, t->value));
}

static void on_flaw(struct reader *r, size_t line, size_t end, const struct ini_tokens *t)
{
	struct ini_flaw *f = vec_add(&r->flaws, r->a);
	struct node *n;

	*f = (struct ini_flaw){ .is = t->is,
				.whole = place(r, line, end),
				.text = text_of(r, line,
						(struct ini_place){ 0, end - line }),
				.tokens = *t };
	if (!r->section || t->is == INI_BLANK)
		return;
	n = add_line(r, NODE_OPAQUE, at(r, line, t->whole));
	if (!n || t->is == INI_WORD || t->is == INI_JOINED)
		return;
	n->key = text_of(r, line, t->name);
	n->key_at = at(r, line, t->name);
	n->text = text_of(r, line, t->value);
	n->text_at = n->open_at = at(r, line, t->value);
}

static bool refuse(struct reader *r, size_t line, size_t end, const char *why)
{
	r->out->why = why;
	r->out->why_at = place(r, line, end);
	return false;
}

static bool on_line(struct reader *r, size_t line, size_t end)
{
	struct ini_tokens t;

	if (end - line > INI_LINE_MAX)
		return refuse(r, line, line + INI_LINE_MAX,
			      "a line of more than 1022 bytes, which QEMU reads as two");
	if (memchr(r->text.p + line, '\0', end - line))
		return refuse(r, line, end,
			      "a NUL byte, where QEMU stops reading a line");
	t = ini_line(str_view(view_cut(r->text, line, end - line)));
	if (!r->section && t.is != INI_EMPTY && t.is != INI_BLANK && t.is != INI_HEADER)
		return refuse(r, line, end, "a setting before the first section");
	if (t.is == INI_HEADER)
		on_header(r, line, &t);
	else if (t.is == INI_SETTING)
		on_setting(r, line, &t);
	else if (t.is != INI_EMPTY)
		on_flaw(r, line, end, &t);
	return !r->full;
}

bool ini_read(struct ini *out, const struct source *src, struct view text,
	      struct arena *a)
{
	struct reader r = { .out = out, .src = src, .text = text, .a = a };
	size_t lines = 0;

	*out = (struct ini){ 0 };
	out->root = add(&r, NULL, NODE_MAP, place(&r, 0, text.n));
	if (!out->root)
		return false;
	out->root->open_at.len = 0;
	for (size_t from = 0; from < text.n;) {
		const uint8_t *eol = memchr(text.p + from, '\n', text.n - from);
		size_t end = eol ? (size_t)(eol - text.p) : text.n;

		if (++lines > INI_LINES_MAX && !refuse(&r, from, end, "too many lines"))
			break;
		if (!on_line(&r, from, end))
			break;
		from = end + 1;
	}
	out->flaws = r.flaws.v;
	out->nflaws = r.flaws.n;
	node_index(out->root);
	return !r.full;
}
