/* A map as a picture: one SVG document that needs nothing else, for light and dark pages,
 * with text that can be copied. SVG 1.1, XML 1.0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_draw.h"

#include "base/utf8.h"
#include "cli/markup.h"
#include "cli/map_layout.h"
#include "base/banned.h"

/* All in pixels. */
static const unsigned MARGIN = 20, WIDTH_MIN = 1000, WIDTH_MAX = 1500;
static const unsigned LANE = 46;   /* of a bar */
static const unsigned LINE = 18;   /* of text */
static const unsigned MARK = 16;   /* of a finding's letter */
static const unsigned CHAR10 = 73; /* tenths, a character: 12 px, monospace */

enum {
	MARK_ROWS = 3,
	COLUMNS = 7, /* of the list, without the words */
};

struct picture {
	struct buf *out;
	const struct map *m;
	struct arena *a;
	struct map_layout l;
	unsigned width, y; /* y: what comes next goes here */
	unsigned bar;      /* its upper edge */
};

/* ---- text ---- */

static unsigned columns_of(struct str s)
{
	struct view v = str_bytes(s);
	unsigned sum = 0;
	uint32_t c;

	while (v.n) {
		size_t n = utf8_decode(v, &c);

		sum += n ? utf8_width(c) : 1;
		n = n ? n : 1;
		v = view_cut(v, n, v.n - n);
	}
	return sum;
}

static unsigned pixels(unsigned columns)
{
	return (columns * CHAR10 + 9) / 10;
}

/* As many of its characters as take `columns`. */
static struct str cut_to(struct str s, unsigned columns)
{
	struct view v = str_bytes(s);
	unsigned sum = 0;
	size_t n = 0;
	uint32_t c;

	while (n < v.n) {
		size_t k = utf8_decode(view_cut(v, n, v.n - n), &c);

		sum += k ? utf8_width(c) : 1;
		if (sum > columns)
			break;
		n += k ? k : 1;
	}
	return (struct str){ s.p, n };
}

static void text(struct picture *p, unsigned x, unsigned y, const char *class,
		 struct str s)
{
	if (s.n == 0)
		return;
	buf_printf(p->out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	buf_markup(p->out, s);
	buf_add(p->out, STR("</text>\n"));
}

/* Lines of at most `room` pixels from (x, p->y) on; broken at blanks where there are any. */
static void paragraph(struct picture *p, unsigned x, unsigned room, const char *class,
		      struct str s)
{
	unsigned columns = room * 10 / CHAR10;

	if (columns < 20)
		columns = 20;
	while (s.n) {
		struct str line = cut_to(s, columns);

		if (line.n < s.n) {
			size_t n = line.n;

			while (n && s.p[n] != ' ')
				n--;
			line.n = n ? n : line.n;
		}
		if (line.n == 0)
			line.n = s.n;
		text(p, x, p->y, class, line);
		p->y += LINE;
		s.p += line.n;
		s.n -= line.n;
		s = str_trim(s);
	}
}

/* ---- classes ---- */

static const char *class_of(enum map_kind k)
{
	switch (k) {
	case MAP_BOOT:
		return "boot";
	case MAP_TABLE:
		return "table";
	case MAP_BROKEN:
		return "broken";
	case MAP_STALE:
		return "stale";
	case MAP_PART:
		return "part";
	case MAP_CONTAINER:
		return "container";
	case MAP_ALIAS:
		return "alias";
	case MAP_LOST:
		return "lost";
	case MAP_FREE:
		return "free";
	case MAP_UNKNOWN:
		return "unknown";
	}
	BUG("map kind %u", k);
}

/* ---- the bar ---- */

static void tooltip(struct picture *p, const struct map_range *r)
{
	struct map_row row = map_row(p->m, r, p->a);
	struct buf s = { 0 };

	buf_printf(&s, "%s: %s\n", r->key, r->what);
	if (row.first)
		buf_printf(&s, "LBA %s to %s\n", row.first, row.last ? row.last : "-");
	buf_printf(&s, "byte %s to %s, %s", row.from, row.to ? row.to : "-", row.size);
	if (row.align)
		buf_printf(&s, ", aligned to %s", row.align);
	for (size_t i = 0; i < p->m->marks.n; i++) {
		const struct map_mark *k = &p->m->marks.v[i];

		if (memchr(r->marks.n ? r->marks.p : "", k->letter, r->marks.n))
			buf_printf(&s, "\n%c: %s: %s", k->letter, k->f->rule->id,
				   k->f->message);
	}
	buf_add(p->out, STR("<title>"));
	buf_markup(p->out, (struct str){ s.p, s.n });
	buf_add(p->out, STR("</title>"));
	buf_free(&s);
}

static unsigned lane_y(const struct picture *p, unsigned lane)
{
	return p->bar + lane * LANE;
}

static void label(struct picture *p, const struct map_range *r, const struct map_box *b)
{
	unsigned room = b->cols * 10 / CHAR10, y = lane_y(p, b->lane);
	unsigned x = MARGIN + b->col + 4;
	bool gap = r->kind == MAP_FREE || r->kind == MAP_UNKNOWN;
	struct str name = str_of(r->name ? r->name : "");
	struct buf size = { 0 };

	if (room < 1 + strlen(r->key))
		return;
	room--;
	buf_extent(&size, r->end - r->off);
	if (gap) {
		if (room >= size.n)
			text(p, x, y + 19, "dim", cut_to(name, room));
	} else {
		text(p, x, y + 19, "b", str_of(r->key));
		if (room >= strlen(r->key) + 4)
			text(p, x + pixels((unsigned)strlen(r->key) + 1), y + 19, "t",
			     cut_to(name, room - (unsigned)strlen(r->key) - 1));
	}
	if (room >= size.n)
		text(p, x, y + 36, "dim", (struct str){ size.p, size.n });
	buf_free(&size);
}

static void boxes(struct picture *p)
{
	for (size_t i = 0; i < p->m->v.n; i++) {
		const struct map_box *b = &p->l.box[i];
		const struct map_range *r = &p->m->v.v[i];

		if (b->cols == 0)
			continue;
		buf_printf(p->out,
			   "<g><rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" "
			   "class=\"box %s%s\"/>",
			   MARGIN + b->col, lane_y(p, b->lane), b->cols, LANE - 2,
			   class_of(r->kind), b->to_scale ? "" : " off");
		tooltip(p, r);
		label(p, r, b);
		buf_add(p->out, STR("</g>\n"));
	}
	for (size_t i = 0; i < p->l.crowds.n; i++) {
		const struct map_crowd *c = &p->l.crowds.v[i];

		buf_printf(p->out,
			   "<g><rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" "
			   "class=\"box crowd off\"/><title>%zu, too narrow to be "
			   "drawn</title></g>\n",
			   MARGIN + c->col, lane_y(p, c->lane), c->cols, LANE - 2, c->n);
	}
	if (p->l.end < p->l.cols)
		buf_printf(p->out,
			   "<path d=\"M%u %uV%u\" class=\"end\"><title>the end of the "
			   "image</title></path>\n",
			   MARGIN + p->l.end, p->bar - 4, lane_y(p, p->l.lanes) + 2);
}

/* ---- letters ---- */

static unsigned per_row(const struct map_box *b)
{
	return b->cols < 2 * MARK ? 1 : b->cols / MARK;
}

static unsigned mark_rows(const struct picture *p, bool above)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < p->m->v.n; i++) {
		const struct map_box *b = &p->l.box[i];

		if (b->cols && (b->lane == 0) == above)
			rows = u64_max(rows, div_up(p->m->v.v[i].marks.n, per_row(b)));
	}
	return (unsigned)u64_min(rows, MARK_ROWS);
}

static const struct finding *finding_of(const struct map *m, char letter)
{
	for (size_t i = 0; i < m->marks.n; i++) {
		if (m->marks.v[i].letter == letter)
			return m->marks.v[i].f;
	}
	BUG("a letter of no finding: %u", (unsigned)letter);
}

static void dot(struct picture *p, unsigned x, unsigned y, char letter)
{
	const struct finding *f = finding_of(p->m, letter);

	buf_printf(p->out,
		   "<g><circle cx=\"%u\" cy=\"%u\" r=\"7\" class=\"%s\"/><title>%s: ", x,
		   y, severity_name(f->severity), f->rule->id);
	buf_markup(p->out, str_of(f->message));
	buf_printf(p->out, "</title><text x=\"%u\" y=\"%u\" class=\"m\">%c</text></g>\n",
		   x, y + 4, letter);
}

static void dots(struct picture *p)
{
	for (size_t i = 0; i < p->m->v.n; i++) {
		const struct map_box *b = &p->l.box[i];
		const struct buf *marks = &p->m->v.v[i].marks;
		unsigned n = b->cols ? per_row(b) : 1, wide, x;

		wide = (unsigned)u64_min(n, marks->n) * MARK;
		x = MARGIN + b->col + (b->cols < 90 ? b->cols : 90) / 2 - wide / 2 +
		    MARK / 2;
		for (unsigned k = 0; b->cols && k < marks->n && k / n < MARK_ROWS; k++) {
			unsigned down = MARK * (k / n) + MARK / 2 + 2;

			dot(p, x + MARK * (k % n),
			    b->lane == 0 ? p->bar - down : lane_y(p, p->l.lanes) + down,
			    marks->p[k]);
		}
	}
}

/* ---- offsets ---- */

/* Pixels that a tick has taken, from left to right; the end's are taken first. */
struct ticks {
	unsigned free_from, end_from;
};

static void tick(struct picture *p, struct ticks *t, unsigned col, uint64_t off)
{
	struct buf s = { 0 };
	unsigned x = MARGIN + col, width;

	if (off)
		buf_extent(&s, off);
	else
		buf_char(&s, '0');
	width = pixels((unsigned)s.n + 1);
	if (x >= t->free_from && x + width <= t->end_from) {
		text(p, x, p->y, "dim", (struct str){ s.p, s.n });
		t->free_from = x + width;
	}
	buf_free(&s);
}

static void tick_row(struct picture *p)
{
	struct ticks t = { .end_from = UINT32_MAX };
	struct buf s = { 0 };
	unsigned x = MARGIN + p->l.end, width;

	buf_extent(&s, p->m->size);
	width = pixels((unsigned)s.n);
	x = x > MARGIN + width ? x - width : MARGIN;
	text(p, x, p->y, "dim", (struct str){ s.p, s.n });
	t.end_from = x;
	tick(p, &t, 0, 0);
	/* In the order of the list, which is that of offsets. */
	for (size_t i = 0; i < p->m->v.n; i++) {
		const struct map_range *r = &p->m->v.v[i];

		if (p->l.box[i].cols && (r->align || r->kind == MAP_CONTAINER))
			tick(p, &t, p->l.box[i].col, r->off);
	}
	buf_free(&s);
	p->y += LINE;
}

static void scale(struct picture *p)
{
	struct buf s = { 0 };

	if (p->l.per_col) {
		buf_add(&s, STR("1 px is "));
		buf_extent(&s, p->l.per_col);
		if (!p->l.to_scale)
			buf_add(&s, STR("; dashed: not to scale"));
	} else {
		buf_add(&s, STR("not to scale"));
	}
	text(p, MARGIN, p->y, "dim", (struct str){ s.p, s.n });
	p->y += 2 * LINE;
	buf_free(&s);
}

static void bar(struct picture *p)
{
	const struct map_grid grid = {
		.cols = p->width - 2 * MARGIN, .min = MARK, .per_char = 8, .past = 100
	};
	unsigned below;

	map_lay(&p->l, p->m, &grid, p->a);
	if (p->l.lanes == 0)
		return;
	below = mark_rows(p, false);
	p->bar = p->y + MARK * mark_rows(p, true);
	boxes(p);
	dots(p);
	p->y = lane_y(p, p->l.lanes) + MARK * below + LINE;
	tick_row(p);
	scale(p);
}

/* ---- the list ---- */

struct list {
	unsigned width[COLUMNS], x[COLUMNS]; /* x: left edge, of numbers the right one */
	unsigned what;
};

static void cells_of(const struct map_row *r, const char *v[COLUMNS])
{
	const char *all[COLUMNS] = { r->key, r->first, r->last, r->from,
				     r->to,  r->size,  r->align };

	for (size_t i = 0; i < COLUMNS; i++)
		v[i] = all[i] ? all[i] : "";
}

static void measure(struct list *l, const struct map_row *r)
{
	const char *v[COLUMNS];

	cells_of(r, v);
	for (size_t i = 0; i < COLUMNS; i++)
		l->width[i] = (unsigned)u64_max(l->width[i], strlen(v[i]));
}

static void settle(struct list *l)
{
	unsigned x = MARGIN + 20;

	for (size_t i = 0; i < COLUMNS; i++) {
		x += pixels(l->width[i]);
		l->x[i] = i == 0 ? x - pixels(l->width[i]) : x;
		x += 14;
	}
	l->what = x + 6;
}

static struct list list_of(const struct map *m, struct arena *a)
{
	size_t n = u64_min(m->v.n, MAP_ROWS_MAX);
	struct map_row heads = map_heads(m, a);
	struct list l = { .what = 0 };

	measure(&l, &heads);
	for (size_t i = 0; i < n; i++) {
		struct map_row cells = map_row(m, &m->v.v[i], a);

		measure(&l, &cells);
	}
	settle(&l);
	return l;
}

static void list_row(struct picture *p, const struct list *l, const struct map_row *r,
		     const char *class)
{
	const char *v[COLUMNS];

	cells_of(r, v);
	for (size_t i = 0; i < COLUMNS; i++) {
		unsigned w = pixels((unsigned)strlen(v[i]));
		bool hot = i == COLUMNS - 1 && r->misaligned;

		text(p, i == 0 ? l->x[i] : l->x[i] - w, p->y,
		     hot      ? "warn"
		     : class  ? class
		     : i == 0 ? "b"
			      : "t",
		     str_of(v[i]));
	}
}

static void row(struct picture *p, const struct list *l, const struct map_range *r,
		const struct map_row *cells)
{
	buf_printf(p->out,
		   "<rect x=\"%u\" y=\"%u\" width=\"12\" height=\"12\" "
		   "class=\"box %s\"/>\n",
		   MARGIN, p->y - 10, class_of(r->kind));
	list_row(p, l, cells, NULL);
	paragraph(p, l->what, p->width - MARGIN - l->what, "t", str_of(r->what));
	if (!*r->what)
		p->y += LINE;
}

static void list(struct picture *p)
{
	size_t n = u64_min(p->m->v.n, MAP_ROWS_MAX);
	struct map_row heads = map_heads(p->m, p->a);
	struct list l = list_of(p->m, p->a);

	list_row(p, &l, &heads, "dim");
	p->y += LINE;
	for (size_t i = 0; i < n; i++) {
		struct map_row cells = map_row(p->m, &p->m->v.v[i], p->a);

		row(p, &l, &p->m->v.v[i], &cells);
	}
	if (n < p->m->v.n) {
		struct buf s = { 0 };

		buf_printf(&s, "and %zu more", p->m->v.n - n);
		text(p, MARGIN, p->y, "dim", (struct str){ s.p, s.n });
		p->y += LINE;
		buf_free(&s);
	}
	p->y += LINE / 2;
}

/* ---- findings ---- */

static void findings(struct picture *p)
{
	struct buf s = { 0 };

	for (size_t i = 0; i < p->m->marks.n; i++) {
		const struct map_mark *k = &p->m->marks.v[i];

		dot(p, MARGIN + 7, p->y - 4, k->letter);
		buf_clear(&s);
		buf_printf(&s, "%s: %s: %s", severity_name(k->f->severity),
			   k->f->rule->id, k->f->message);
		paragraph(p, MARGIN + 20, p->width - 2 * MARGIN - 20, "t",
			  (struct str){ s.p, s.n });
	}
	if (p->m->unmarked) {
		buf_clear(&s);
		buf_printf(&s, "and %llu more findings",
			   (unsigned long long)p->m->unmarked);
		text(p, MARGIN, p->y, "dim", (struct str){ s.p, s.n });
		p->y += LINE;
	}
	buf_free(&s);
}

/* ---- all of it ---- */

static void heading(struct picture *p, const char *path)
{
	struct buf s = { 0 };

	buf_safe(&s, str_of(path));
	text(p, MARGIN, p->y, "h", (struct str){ s.p, s.n });
	p->y += LINE + 4;
	buf_clear(&s);
	buf_extent(&s, p->m->size);
	buf_printf(&s, " (%llu bytes), %s", (unsigned long long)p->m->size, p->m->title);
	paragraph(p, MARGIN, p->width - 2 * MARGIN, "t", (struct str){ s.p, s.n });
	for (size_t i = 0; i < p->m->notes.n; i++)
		paragraph(p, MARGIN, p->width - 2 * MARGIN, "dim",
			  str_of(p->m->notes.v[i]));
	buf_free(&s);
}

/* As wide as the words of the lists want it. */
static unsigned width_of(const struct map *m, struct arena *a)
{
	unsigned width = WIDTH_MIN;

	for (; m; m = m->next) {
		struct list l = list_of(m, a);

		for (size_t i = 0; i < m->v.n && i < MAP_ROWS_MAX; i++)
			width = (unsigned)u64_max(
				width,
				l.what + MARGIN +
					pixels(columns_of(str_of(m->v.v[i].what))));
	}
	return width > WIDTH_MAX ? WIDTH_MAX : width;
}

void map_svg(struct buf *out, const struct map *m, const char *path, struct arena *a)
{
	struct buf body = { 0 };
	struct picture p = { .out = &body, .a = a, .y = MARGIN + 16 };

	p.width = width_of(m, a);
	for (; m; m = m->next) {
		p.m = m;
		p.l = (struct map_layout){ 0 };
		heading(&p, path);
		bar(&p);
		list(&p);
		findings(&p);
		p.y += m->next ? 2 * LINE : 0;
	}
	/* How high it is shows at the end. */
	buf_printf(out,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		   "viewBox=\"0 0 %u %u\">\n<title>Map of ",
		   p.width, p.y + MARGIN, p.width, p.y + MARGIN);
	buf_markup(out, str_of(path));
	buf_printf(out, "</title>\n%s%s", map_style, map_patterns);
	buf_printf(out, "<rect width=\"%u\" height=\"%u\" class=\"page\"/>\n", p.width,
		   p.y + MARGIN);
	buf_add_bytes(out, body.p, body.n);
	buf_add(out, STR("</svg>\n"));
	buf_free(&body);
}
