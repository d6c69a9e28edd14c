/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_canvas.h"
#include "base/utf8.h"
#include "base/banned.h"

enum { NORTH = 1, EAST = 2, SOUTH = 4, WEST = 8 };

static struct cell *at(const struct canvas *c, unsigned x, unsigned y)
{
	BUG_ON(x >= c->w || y >= c->h);
	return &c->cell[(size_t)y * c->w + x];
}

void canvas_init(struct canvas *c, unsigned w, unsigned h, bool utf8, struct arena *a)
{
	*c = (struct canvas){ .w = w, .h = h, .utf8 = utf8 };
	c->cell = arena_array(a, (size_t)w * h, struct cell);
}

void canvas_border(struct canvas *c, const struct canvas_box *b)
{
	unsigned right = b->x + b->w, bottom = b->y + b->h;

	for (unsigned x = b->x; x <= right; x++) {
		uint8_t lines = (uint8_t)((x > b->x ? WEST : 0) | (x < right ? EAST : 0));

		at(c, x, b->y)->lines |= lines;
		at(c, x, bottom)->lines |= lines;
		at(c, x, b->y)->dashed |= b->dashed;
		at(c, x, bottom)->dashed |= b->dashed;
	}
	for (unsigned y = b->y; y <= bottom; y++) {
		uint8_t lines =
			(uint8_t)((y > b->y ? NORTH : 0) | (y < bottom ? SOUTH : 0));

		at(c, b->x, y)->lines |= lines;
		at(c, right, y)->lines |= lines;
	}
}

static void set(struct cell *cell, const char *glyph, size_t n, enum paint p)
{
	memcpy(cell->glyph, glyph, n);
	cell->n = (uint8_t)n;
	cell->painted = true;
	cell->paint = p;
}

const char *canvas_glyph(const struct canvas *c, char fill)
{
	static const char ascii[] = " .?/#|~_";
	static const char *const plain[] = { " ", ".", "?", "/", "#", "|", "~", "~" };
	static const char *const nice[] = { " ", "·", "?", "╱", "▒", "┊", "┄", "…" };
	const char *p = strchr(ascii, fill);

	BUG_ON(!p || !*p);
	return c->utf8 ? nice[p - ascii] : plain[p - ascii];
}

void canvas_fill(struct canvas *c, unsigned x, unsigned y, unsigned n, char fill,
		 enum paint p)
{
	const char *glyph = canvas_glyph(c, fill);

	for (unsigned i = 0; i < n; i++)
		set(at(c, x + i, y), glyph, strlen(glyph), p);
}

/* The columns of a text as this canvas shows it. */
static unsigned columns_of(const struct canvas *c, struct str s)
{
	struct view v = str_bytes(s);
	unsigned sum = 0;
	uint32_t ch;

	while (v.n) {
		size_t n = utf8_decode(v, &ch);

		sum += n && c->utf8 ? utf8_width(ch) : 1;
		n = n ? n : 1;
		v = view_cut(v, n, v.n - n);
	}
	return sum;
}

unsigned canvas_text(struct canvas *c, unsigned x, unsigned y, unsigned room,
		     struct str s, enum paint p)
{
	bool cut = columns_of(c, s) > room;
	const char *ellipsis = canvas_glyph(c, '_');
	struct view v = str_bytes(s);
	unsigned used = 0, width;
	uint32_t ch;

	if (room == 0)
		return 0;
	while (v.n) {
		size_t n = utf8_decode(v, &ch);
		bool shown = n == 1 || (n && c->utf8);

		width = shown ? utf8_width(ch) : 1;
		if (used + width > room - cut)
			break;
		if (width) {
			set(at(c, x + used, y), shown ? (const char *)v.p : "?",
			    shown ? n : 1, p);
			if (width == 2)
				at(c, x + used + 1, y)->covered = true;
		}
		used += width;
		n = n ? n : 1;
		v = view_cut(v, n, v.n - n);
	}
	if (cut)
		set(at(c, x + used++, y), ellipsis, strlen(ellipsis), p);
	return used;
}

bool canvas_is_free(const struct canvas *c, unsigned x, unsigned y, unsigned n)
{
	if (x + n > c->w)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const struct cell *cell = at(c, x + i, y);

		if (cell->n || cell->lines || cell->covered)
			return false;
	}
	return true;
}

static const char *border(const struct canvas *c, const struct cell *cell)
{
	static const char *const plain[] = { " ", "+", "+", "+", "+", "|", "+", "+",
					     "+", "+", "-", "+", "+", "+", "+", "+" };
	static const char *const nice[] = {
		" ", "╵", "╶", "└", "╷", "│", "┌", "├", /* without WEST */
		"╴", "┘", "─", "┴", "┐", "┤", "┬", "┼",
	};

	if (cell->lines == (EAST | WEST) && cell->dashed)
		return canvas_glyph(c, '~');
	return c->utf8 ? nice[cell->lines] : plain[cell->lines];
}

static void print_row(struct buf *out, const struct canvas *c, unsigned y,
		      const struct term *t)
{
	const struct cell *on = NULL; /* whose paint is on */
	unsigned w = c->w;

	while (w && !at(c, w - 1, y)->n && !at(c, w - 1, y)->lines &&
	       !at(c, w - 1, y)->covered)
		w--;
	for (unsigned x = 0; x < w; x++) {
		const struct cell *cell = at(c, x, y);

		if (cell->covered)
			continue;
		if (on && (!cell->painted || cell->paint != on->paint)) {
			paint_end(out, t);
			on = NULL;
		}
		if (cell->painted && !on) {
			paint(out, t, cell->paint);
			on = cell;
		}
		if (cell->n)
			buf_add_bytes(out, cell->glyph, cell->n);
		else
			buf_add(out, str_of(border(c, cell)));
	}
	if (on)
		paint_end(out, t);
	buf_char(out, '\n');
}

void canvas_print(struct buf *out, const struct canvas *c, const struct term *t)
{
	for (unsigned y = 0; y < c->h; y++)
		print_row(out, c, y, t);
}
