/* The bar of a map in a terminal, with the findings' letters above and below it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_canvas.h"
#include "cli/map_draw.h"
#include "cli/map_layout.h"
#include "base/banned.h"

enum { MARK_ROWS = 3 }; /* of letters above the bar, and below it */

struct bar {
	const struct map *m;
	struct map_layout l;
	struct canvas c;
	unsigned above, below; /* rows of letters */
	unsigned y;            /* of the bar's upper border */
};

enum paint map_paint(enum map_kind k)
{
	switch (k) {
	case MAP_BOOT:
	case MAP_TABLE:
		return PAINT_HUNK;
	case MAP_BROKEN:
		return PAINT_ERROR;
	case MAP_UNKNOWN:
		return PAINT_WARNING;
	case MAP_STALE:
	case MAP_FREE:
		return PAINT_GUTTER;
	case MAP_PART:
	case MAP_CONTAINER:
		return PAINT_PLACE;
	case MAP_ALIAS:
		return PAINT_NOTE;
	case MAP_LOST:
		return PAINT_GONE;
	}
	BUG("map kind %u", k);
}

static char fill_of(enum map_kind k)
{
	switch (k) {
	case MAP_FREE:
		return '.';
	case MAP_UNKNOWN:
		return '?';
	case MAP_LOST:
		return '/';
	case MAP_BOOT:
	case MAP_TABLE:
	case MAP_BROKEN:
	case MAP_STALE:
	case MAP_PART:
	case MAP_CONTAINER:
	case MAP_ALIAS:
		return ' ';
	}
	BUG("map kind %u", k);
}

static bool is_gap(enum map_kind k)
{
	return k == MAP_FREE || k == MAP_UNKNOWN;
}

static unsigned row_of(const struct bar *b, unsigned lane)
{
	return b->y + 2 * lane;
}

/* ---- boxes ---- */

/* "KEY NAME SIZE" as far as there is room, from the left. */
static void label(struct bar *b, const struct map_range *r, const struct map_box *x)
{
	unsigned room = x->cols - 1, y = row_of(b, x->lane) + 1, used = 0;
	enum paint p = map_paint(r->kind);
	struct buf s = { 0 };

	canvas_fill(&b->c, x->col + 1, y, room, fill_of(r->kind), p);
	if (!is_gap(r->kind)) {
		buf_add(&s, str_of(r->key));
		if (strlen(r->key) + 3 <= room && r->name)
			buf_printf(&s, " %s", r->name);
	} else if (strlen(r->name) + 3 <= room) {
		buf_printf(&s, " %s ", r->name);
	}
	/* Half of a number is another number. */
	if (is_gap(r->kind) || strlen(r->key) <= room)
		used = canvas_text(&b->c, x->col + 1, y, room,
				   (struct str){ s.p ? s.p : "", s.n }, p);
	buf_clear(&s);
	if (!is_gap(r->kind))
		buf_char(&s, ' ');
	buf_extent(&s, r->end - r->off);
	buf_char(&s, ' ');
	if (used && s.n <= room - used)
		canvas_text(&b->c, x->col + 1 + used, y, room - used,
			    (struct str){ s.p, s.n }, PAINT_GUTTER);
	buf_free(&s);
}

static void draw_boxes(struct bar *b)
{
	for (size_t i = 0; i < b->m->v.n; i++) {
		const struct map_box *x = &b->l.box[i];

		if (x->cols == 0)
			continue;
		canvas_border(&b->c, &(struct canvas_box){ x->col, row_of(b, x->lane),
							   x->cols, 2, !x->to_scale });
		label(b, &b->m->v.v[i], x);
	}
	for (size_t i = 0; i < b->l.crowds.n; i++) {
		const struct map_crowd *x = &b->l.crowds.v[i];
		struct buf s = { 0 };

		canvas_border(&b->c, &(struct canvas_box){ x->col, row_of(b, x->lane),
							   x->cols, 2, true });
		canvas_fill(&b->c, x->col + 1, row_of(b, x->lane) + 1, x->cols - 1, '#',
			    PAINT_GUTTER);
		buf_printf(&s, "%zu", x->n);
		if (s.n < x->cols)
			canvas_text(&b->c, x->col + 1, row_of(b, x->lane) + 1,
				    x->cols - 1, (struct str){ s.p, s.n }, PAINT_PLACE);
		buf_free(&s);
	}
}

/* Where the image ends, within what goes past it. */
static void draw_end(struct bar *b)
{
	if (b->l.end == b->l.cols)
		return;
	for (unsigned i = 0; i < b->l.lanes; i++)
		canvas_fill(&b->c, b->l.end, row_of(b, i) + 1, 1, '|', PAINT_ERROR);
}

/* ---- letters ---- */

static enum paint paint_of_mark(const struct map *m, char letter)
{
	for (size_t i = 0; i < m->marks.n; i++) {
		if (m->marks.v[i].letter == letter)
			return paint_of(m->marks.v[i].f->severity);
	}
	BUG("a letter of no finding: %u", (unsigned)letter);
}

static unsigned mark_rows(const struct bar *b, bool above)
{
	size_t rows = 0;

	for (size_t i = 0; i < b->m->v.n; i++) {
		const struct map_box *x = &b->l.box[i];
		size_t n = b->m->v.v[i].marks.n;

		if (x->cols && n && (x->lane == 0) == above)
			rows = u64_max(rows, div_up(n, x->cols - 1));
	}
	return (unsigned)u64_min(rows, MARK_ROWS);
}

/* From the box away, so that the first letters are nearest to it. */
static void draw_marks(struct bar *b, const struct map_range *r, const struct map_box *x)
{
	bool above = x->lane == 0;
	unsigned wide = x->cols - 1, rows = above ? b->above : b->below;
	unsigned middle = r->marks.n < wide ? (wide - (unsigned)r->marks.n) / 2 : 0;
	unsigned bottom = row_of(b, b->l.lanes) + 1;

	if (middle > 3)
		middle = 3;
	for (size_t i = 0; i < r->marks.n; i++) {
		unsigned row = (unsigned)i / wide;
		unsigned col = x->col + 1 + (unsigned)i % wide + middle;
		char c = r->marks.p[i];
		bool last = i + 1 == (size_t)rows * wide && i + 1 < r->marks.n;

		if (row >= rows)
			break;
		canvas_text(&b->c, col, above ? b->y - 1 - row : bottom + row, 1,
			    last ? STR("+") : (struct str){ &c, 1 },
			    paint_of_mark(b->m, c));
	}
}

/* ---- offsets below ---- */

static void tick(struct bar *b, unsigned col, uint64_t off, bool right)
{
	unsigned y = b->c.h - 1, from;
	struct buf s = { 0 };

	if (off)
		buf_extent(&s, off);
	else
		buf_char(&s, '0');
	from = right ? (s.n > col + 1 ? 0 : col + 1 - (unsigned)s.n) : col;
	if (from + s.n <= b->c.w &&
	    canvas_is_free(&b->c, from ? from - 1 : 0, y,
			   (unsigned)s.n + (from ? 1 : 0)) &&
	    (from + s.n == b->c.w || canvas_is_free(&b->c, from + (unsigned)s.n, y, 1)))
		canvas_text(&b->c, from, y, (unsigned)s.n, (struct str){ s.p, s.n },
			    PAINT_GUTTER);
	buf_free(&s);
}

/* Ranges whose begin is worth a number. */
static bool draws_attention(enum map_kind k)
{
	return k == MAP_PART || k == MAP_CONTAINER || k == MAP_ALIAS || k == MAP_LOST;
}

static void draw_ticks(struct bar *b)
{
	tick(b, 0, 0, false);
	tick(b, b->l.end, b->m->size, true);
	for (unsigned lane = 0; lane < b->l.lanes; lane++) {
		for (size_t i = 0; i < b->m->v.n; i++) {
			const struct map_box *x = &b->l.box[i];
			const struct map_range *r = &b->m->v.v[i];

			if (x->cols && x->lane == lane && draws_attention(r->kind))
				tick(b, x->col, r->off, false);
		}
	}
}

/* ---- what the eye cannot see ---- */

static void scale(struct buf *out, const struct bar *b, const struct term *t)
{
	struct buf s = { 0 };

	if (b->l.per_col) {
		buf_add(&s, STR("one column is "));
		buf_extent(&s, b->l.per_col);
		if (!b->l.to_scale)
			buf_printf(&s, "; %s: not to scale", canvas_glyph(&b->c, '~'));
	} else {
		buf_add(&s, STR("not to scale"));
	}
	if (b->l.crowds.n)
		buf_printf(&s, "; %s: so many, too narrow to be drawn",
			   canvas_glyph(&b->c, '#'));
	if (b->l.end < b->l.cols)
		buf_printf(&s, "; %s: the end of the image", canvas_glyph(&b->c, '|'));
	paint(out, t, PAINT_GUTTER);
	map_wrap(out, s.p, 0, 0, t->width);
	paint_end(out, t);
	buf_free(&s);
}

void map_bar(struct buf *out, const struct map *m, const struct term *t, bool utf8,
	     struct arena *a)
{
	const struct map_grid grid = {
		.cols = t->width - 1, .min = 2, .per_char = 1, .past = t->width / 8
	};
	struct bar b = { .m = m };

	map_lay(&b.l, m, &grid, a);
	if (b.l.lanes == 0)
		return;
	b.above = mark_rows(&b, true);
	b.below = mark_rows(&b, false);
	b.y = b.above;
	canvas_init(&b.c, t->width, b.above + 2 * b.l.lanes + 1 + b.below + 1, utf8, a);
	draw_boxes(&b);
	draw_end(&b);
	for (size_t i = 0; i < m->v.n; i++) {
		if (b.l.box[i].cols)
			draw_marks(&b, &m->v.v[i], &b.l.box[i]);
	}
	draw_ticks(&b);
	canvas_print(out, &b.c, t);
	scale(out, &b, t);
}
