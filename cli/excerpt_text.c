/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/excerpt.h"
#include "base/banned.h"

enum { TAB = 8 };

/* A line as it is drawn: tabs are blanks, what cannot be shown is spelled out. Only a piece
 * of a very long line is drawn at all. */
struct drawing {
	struct buf text;
	unsigned width;    /* columns of text */
	unsigned from, to; /* columns of the span */
	bool cut_left, cut_right;
};

/* Draws the next character; returns its bytes. */
static size_t draw_char(struct drawing *d, struct view rest)
{
	unsigned columns;
	size_t n = 1;

	if (rest.p[0] == '\t') {
		columns = TAB - d->width % TAB;
		buf_fill(&d->text, ' ', columns);
	} else {
		n = safe_char(&d->text, rest, &columns);
	}
	d->width += columns;
	return n;
}

/* The first byte of the character that at is in. */
static size_t char_start(struct view v, size_t at)
{
	for (int i = 0; i < 3 && at > 0 && at < v.n && (v.p[at] & 0xc0) == 0x80; i++)
		at--;
	return at;
}

/* from, to: the span's bytes within the line. room: columns. */
static struct drawing draw(struct str line, size_t from, size_t to, unsigned room)
{
	struct drawing d = { 0 };
	struct view v = str_bytes(line);
	size_t at = 0;

	/* Not more than fits in front of the span is worth drawing. */
	if (from > room)
		at = char_start(v, from - room / 2);
	d.cut_left = at > 0;
	buf_add(&d.text, STR(""));
	while (at < v.n && (d.width < room || at < from)) {
		if (at <= from)
			d.from = d.width;
		at += draw_char(&d, view_cut(v, at, v.n - at));
		if (at <= to)
			d.to = d.width;
	}
	if (from >= at)
		d.from = d.width;
	d.cut_right = at < v.n;
	if (d.to <= d.from)
		d.to = d.from + 1;
	return d;
}

static void gutter(struct buf *out, const struct term *t, int width, uint64_t number)
{
	paint(out, t, PAINT_GUTTER);
	if (number)
		buf_printf(out, "%*llu |", width, (unsigned long long)number);
	else
		buf_printf(out, "%*s |", width, "");
	paint_end(out, t);
}

static void line_out(struct buf *out, const struct drawing *d)
{
	size_t n = d->text.n;

	while (n && d->text.p[n - 1] == ' ')
		n--;
	buf_printf(out, "%s%s%.*s%s\n", n ? " " : "", d->cut_left ? "..." : "", (int)n,
		   d->text.p, d->cut_right ? "..." : "");
}

static int digits(uint64_t n)
{
	int d = 1;

	for (; n > 9; n /= 10)
		d++;
	return d;
}

static void line_before(struct buf *out, const struct term *t, const struct lines *l,
			size_t i, int width)
{
	struct drawing d;

	if (i == 0 || str_trim(lines_get(l, i - 1)).n == 0)
		return;
	d = draw(lines_get(l, i - 1), 0, 0, t->width - (unsigned)width);
	gutter(out, t, width, i);
	line_out(out, &d);
	buf_free(&d.text);
}

void excerpt_text(struct buf *out, const struct term *t, const struct lines *l,
		  const struct marker *m)
{
	size_t i = lines_index(l, m->at.off), start = l->start[i];
	struct str line = lines_get(l, i);
	int width = digits(i + 1);
	size_t from = m->at.off > start ? (size_t)m->at.off - start : 0;
	size_t to = span_end(m->at) > start ? (size_t)span_end(m->at) - start : 0;
	struct drawing d;

	/* A span of several lines is marked to the end of its first. */
	from = from < line.n ? from : line.n;
	to = to < line.n ? to : line.n;
	d = draw(line, from, to, t->width - (unsigned)width);
	gutter(out, t, width, 0);
	buf_char(out, '\n');
	line_before(out, t, l, i, width);
	gutter(out, t, width, i + 1);
	line_out(out, &d);
	gutter(out, t, width, 0);
	buf_fill(out, ' ', 1 + d.from + (d.cut_left ? 3 : 0));
	paint(out, t, m->paint);
	buf_fill(out, '^', d.to - d.from);
	if (m->label)
		buf_printf(out, " %s", m->label);
	paint_end(out, t);
	buf_char(out, '\n');
	buf_free(&d.text);
}
