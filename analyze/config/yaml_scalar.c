/* What the bytes of a YAML scalar say: quotes, escapes, folding, block indentation.
 * YAML 1.1, 5.6 and 9; where the standard and libyaml differ, as libyaml.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/yaml.h"
#include "base/utf8.h"
#include "base/banned.h"

struct decoder {
	struct view text;
	size_t i, end;
	struct buf *out;
	uint32_t *at;
	bool failed;
};

static uint8_t peek(const struct decoder *d)
{
	return d->i < d->end ? d->text.p[d->i] : 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

size_t yaml_break(struct view text, size_t i)
{
	struct view rest = view_cut(text, i, text.n - i);

	if (rest.n == 0)
		return 0;
	if (rest.p[0] == '\r')
		return rest.n > 1 && rest.p[1] == '\n' ? 2 : 1;
	if (rest.p[0] == '\n')
		return 1;
	if (view_eq(rest, 0, "\xc2\x85", 2))
		return 2;
	if (view_eq(rest, 0, "\xe2\x80\xa8", 3) || view_eq(rest, 0, "\xe2\x80\xa9", 3))
		return 3;
	return 0;
}

static size_t break_at(const struct decoder *d)
{
	return yaml_break((struct view){ d->text.p, d->end }, d->i);
}

static void emit(struct decoder *d, size_t place, const void *p, size_t n)
{
	for (size_t k = 0; d->at && k < n; k++)
		d->at[d->out->n + k] = (uint32_t)place;
	buf_add_bytes(d->out, p, n);
}

static void copy_byte(struct decoder *d)
{
	emit(d, d->i, d->text.p + d->i, 1);
	d->i++;
}

/* A line break as it is in a value: LS and PS stay, all others are "\n". */
static void emit_break(struct decoder *d, size_t place, size_t len)
{
	if (len == 3)
		emit(d, place, d->text.p + place, 3);
	else if (len > 0)
		emit(d, place, "\n", 1);
}

/* ---- flow scalars ---- */

/* A run of blanks and breaks within a plain or quoted scalar. escaped: the first break was,
 * and is gone. Blanks at a line's end and begin are nothing, one break is a blank, further
 * ones are kept. */
static void fold(struct decoder *d, bool escaped)
{
	size_t from = d->i, first = 0, first_len = 0, len;
	bool leading = escaped, more = false;
	size_t blanks = d->i;

	while (is_blank(peek(d)) || break_at(d)) {
		len = break_at(d);
		if (len && !leading) {
			leading = true;
			first = d->i;
			first_len = len;
		} else if (len) {
			if (!more && first_len == 3)
				emit_break(d, first, first_len);
			more = true;
			emit_break(d, d->i, len);
		}
		d->i += len ? len : 1;
	}
	if (!leading) {
		emit(d, blanks, d->text.p + blanks, d->i - blanks);
		for (size_t k = from; d->at && k < d->i; k++)
			d->at[d->out->n - (d->i - k)] = (uint32_t)k;
	} else if (!more && first_len == 3) {
		emit_break(d, first, first_len);
	} else if (!more && first_len) {
		emit(d, first, " ", 1);
	}
}

static void decode_plain(struct decoder *d)
{
	while (d->i < d->end) {
		if (is_blank(peek(d)) || break_at(d))
			fold(d, false);
		else
			copy_byte(d);
	}
}

static void decode_single(struct decoder *d)
{
	while (d->i < d->end) {
		if (is_blank(peek(d)) || break_at(d)) {
			fold(d, false);
			continue;
		}
		if (peek(d) == '\'') {
			d->i++;
			if (peek(d) != '\'') {
				d->failed = true;
				return;
			}
		}
		copy_byte(d);
	}
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void decode_code(struct decoder *d, size_t from, size_t digits)
{
	uint8_t utf8[4];
	uint32_t c = 0;

	for (size_t k = 0; k < digits; k++, d->i++) {
		int h = hex(peek(d));

		if (h < 0) {
			d->failed = true;
			return;
		}
		c = c << 4 | (uint32_t)h;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		d->failed = true;
	else
		emit(d, from, utf8, utf8_put(c, utf8));
}

struct escape {
	char letter;
	const char *value;
	size_t n;
};

static const struct escape escapes[] = {
	{ '0', "\0", 1 },
	{ 'a', "\a", 1 },
	{ 'b', "\b", 1 },
	{ 't', "\t", 1 },
	{ '\t', "\t", 1 },
	{ 'n', "\n", 1 },
	{ 'v', "\v", 1 },
	{ 'f', "\f", 1 },
	{ 'r', "\r", 1 },
	{ 'e', "\x1b", 1 },
	{ ' ', " ", 1 },
	{ '"', "\"", 1 },
	{ '/', "/", 1 },
	{ '\\', "\\", 1 },
	{ 'N', "\xc2\x85", 2 },
	{ '_', "\xc2\xa0", 2 },
	{ 'L', "\xe2\x80\xa8", 3 },
	{ 'P', "\xe2\x80\xa9", 3 },
};

static void decode_escape(struct decoder *d)
{
	size_t from = d->i++, len = break_at(d);
	uint8_t c = peek(d);

	if (len) {
		d->i += len;
		fold(d, true);
		return;
	}
	if (d->i == d->end) {
		d->failed = true;
		return;
	}
	d->i++;
	for (size_t k = 0; k < sizeof(escapes) / sizeof(escapes[0]); k++) {
		if (escapes[k].letter == (char)c) {
			emit(d, from, escapes[k].value, escapes[k].n);
			return;
		}
	}
	if (c == 'x')
		decode_code(d, from, 2);
	else if (c == 'u')
		decode_code(d, from, 4);
	else if (c == 'U')
		decode_code(d, from, 8);
	else
		d->failed = true;
}

static void decode_double(struct decoder *d)
{
	while (d->i < d->end && !d->failed) {
		if (is_blank(peek(d)) || break_at(d))
			fold(d, false);
		else if (peek(d) == '\\')
			decode_escape(d);
		else if (peek(d) == '"')
			d->failed = true;
		else
			copy_byte(d);
	}
}

/* ---- block scalars ---- */

struct block {
	bool literal;
	int chomp; /* -1 strip, 0 clip, 1 keep */
	size_t header_end;
	size_t indent; /* blanks before each line; 0: not known yet */
	size_t parent; /* at least so many */
};

/* "|2-", blanks, a comment, the line break. */
static bool read_header(struct decoder *d, struct block *b, int parent)
{
	b->literal = peek(d) == '|';
	b->parent = (size_t)(parent + 1);
	if (!b->literal && peek(d) != '>')
		return false;
	d->i++;
	for (unsigned k = 0; k < 2; k++) {
		uint8_t c = peek(d);

		if (c == '-' || c == '+') {
			b->chomp = c == '-' ? -1 : 1;
			d->i++;
		} else if (c >= '1' && c <= '9') {
			b->indent = (size_t)(c - '0') + (parent > 0 ? (size_t)parent : 0);
			d->i++;
		}
	}
	while (is_blank(peek(d)))
		d->i++;
	if (peek(d) == '#') {
		while (d->i < d->end && !break_at(d))
			d->i++;
	}
	b->header_end = d->i;
	d->i += break_at(d);
	return true;
}

/* Where a run of line breaks stands, and what comes of it. */
struct breaks {
	size_t from, to, last; /* the last one's begin */
};

/* Goes over indentation and empty lines to the next line that says something: at its text,
 * or at too few blanks. Returns its column. */
static size_t skip_breaks(struct decoder *d, struct block *b, struct breaks *run)
{
	size_t deepest = 0, column, len;

	run->from = run->to = run->last = d->i;
	for (;;) {
		column = 0;
		while ((!b->indent || column < b->indent) && peek(d) == ' ') {
			d->i++;
			column++;
		}
		if (column > deepest)
			deepest = column;
		len = break_at(d);
		if (!len)
			break;
		run->last = d->i;
		d->i += len;
		run->to = d->i;
	}
	if (!b->indent) {
		b->indent = deepest > b->parent ? deepest : b->parent;
		if (b->indent == 0)
			b->indent = 1;
	}
	return column;
}

static void emit_breaks(struct decoder *d, const struct breaks *run)
{
	size_t at = d->i, len;

	for (d->i = run->from; d->i < run->to; d->i += len ? len : 1) {
		len = break_at(d);
		emit_break(d, d->i, len);
	}
	d->i = at;
}

static void end_line(struct decoder *d, const struct block *b, size_t brk, size_t len,
		     const struct breaks *run, bool was_blank)
{
	bool folds = !b->literal && len && len != 3 && !was_blank && !is_blank(peek(d));
	size_t before = d->out->n;

	if (!folds)
		emit_break(d, brk, len);
	emit_breaks(d, run);
	if (folds && d->out->n == before)
		emit(d, brk, " ", 1);
}

static bool decode_block(struct decoder *d, struct yaml_scalar *s)
{
	struct block b = { 0 };
	struct breaks run;
	size_t column, brk = 0, len = 0;
	bool was_blank = false;

	if (!read_header(d, &b, s->parent))
		return false;
	s->content = s->content_end = d->i;
	column = skip_breaks(d, &b, &run);
	while (column == b.indent && d->i < d->end) {
		end_line(d, &b, brk, len, &run, was_blank);
		was_blank = is_blank(peek(d));
		while (d->i < d->end && !break_at(d))
			copy_byte(d);
		s->content_end = brk = d->i;
		len = break_at(d);
		d->i += len;
		column = skip_breaks(d, &b, &run);
	}
	if (b.chomp >= 0)
		emit_break(d, brk, len);
	if (b.chomp > 0) {
		emit_breaks(d, &run);
		if (run.to > run.from)
			s->content_end = run.last; /* empty lines are content then */
	}
	if (s->content_end == s->content)
		s->content = s->content_end = b.header_end;
	return true;
}

/* ---- all of them ---- */

bool yaml_decode(struct yaml_scalar *s, struct buf *out, uint32_t *at)
{
	struct decoder d = {
		.text = s->text, .i = s->from, .end = s->to, .out = out, .at = at
	};
	bool quoted = s->style == STYLE_SINGLE || s->style == STYLE_DOUBLE;
	size_t before = out->n;

	BUG_ON(before != 0 && at);
	if (quoted) {
		uint8_t quote = s->style == STYLE_SINGLE ? '\'' : '"';

		if (s->to < s->from + 2 || s->text.p[s->from] != quote ||
		    s->text.p[s->to - 1] != quote)
			return false;
		d.i++;
		d.end--;
	}
	s->content = d.i;
	s->content_end = d.end;
	switch (s->style) {
	case STYLE_PLAIN:
		decode_plain(&d);
		break;
	case STYLE_SINGLE:
		decode_single(&d);
		break;
	case STYLE_DOUBLE:
		decode_double(&d);
		break;
	case STYLE_LITERAL:
	case STYLE_FOLDED:
		/* It ends where its lines do, which only they tell. */
		d.end = s->text.n;
		d.failed = !decode_block(&d, s);
		break;
	}
	if (at)
		at[out->n] = (uint32_t)s->content_end;
	return !d.failed;
}
