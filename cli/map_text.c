/* A map in a terminal: title, bar, the list of its ranges, and the findings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_draw.h"
#include "base/utf8.h"
#include "base/banned.h"

enum {
	WHAT_MIN = 24, /* columns that are enough for words at the end of a row */
	INDENT = 6,    /* of words on a line of their own */
	COLUMNS = 8,   /* of the list, without the words */
};

#define LLU(v) ((unsigned long long)(v))

struct map_row map_row(const struct map *m, const struct map_range *r, struct arena *a)
{
	struct map_row row = { .key = r->key, .what = r->what };
	bool empty = r->end <= r->off;
	struct buf b = { 0 };

	if (r->marks.n)
		row.marks = arena_str(a, (struct str){ r->marks.p, r->marks.n });
	if (m->unit) {
		row.first = arena_printf(a, "%llu", LLU(r->off / m->unit));
		row.last = empty ? NULL
				 : arena_printf(a, "%llu", LLU((r->end - 1) / m->unit));
	}
	row.from = arena_printf(a, "0x%llx", LLU(r->off));
	row.to = empty ? NULL : arena_printf(a, "0x%llx", LLU(r->end - 1));
	buf_extent(&b, empty ? 0 : r->end - r->off);
	row.size = arena_str(a, (struct str){ b.p, b.n });
	buf_clear(&b);
	if (r->align) {
		row.misaligned = r->align < MAP_ALIGN_LEAST;
		buf_extent(&b, r->align);
		if (row.misaligned)
			buf_char(&b, '!');
		row.align = arena_str(a, (struct str){ b.p, b.n });
	}
	buf_free(&b);
	return row;
}

/* ---- words that are wrapped ---- */

/* The columns of s, and its bytes that take no more than `room` (at least one character). */
static size_t columns_of_word(struct str s, size_t room, size_t *fits)
{
	struct view v = str_bytes(s);
	size_t sum = 0, at = 0;
	uint32_t c;

	*fits = 0;
	while (at < v.n) {
		size_t n = utf8_decode(view_cut(v, at, v.n - at), &c);

		sum += n ? utf8_width(c) : 1;
		at += n ? n : 1;
		if (sum <= room || *fits == 0)
			*fits = at;
	}
	return sum;
}

struct wrap {
	struct buf *out;
	size_t at, indent, width;
};

static void wrap_word(struct wrap *w, struct str word, bool first)
{
	size_t room = w->width - w->indent, fits;
	size_t columns = columns_of_word(word, room, &fits);

	if (!first && w->at + 1 + columns > w->width) {
		buf_char(w->out, '\n');
		buf_fill(w->out, ' ', w->indent);
		w->at = w->indent;
	} else if (!first) {
		buf_char(w->out, ' ');
		w->at++;
	}
	/* A word that no line has room for. */
	while (columns > room && w->at == w->indent) {
		buf_add(w->out, (struct str){ word.p, fits });
		buf_char(w->out, '\n');
		buf_fill(w->out, ' ', w->indent);
		word = (struct str){ word.p + fits, word.n - fits };
		columns = columns_of_word(word, room, &fits);
	}
	buf_add(w->out, word);
	w->at += columns;
}

void map_wrap(struct buf *out, const char *s, size_t at, size_t indent, size_t width)
{
	struct wrap w = { .out = out, .at = at, .indent = indent, .width = width };

	for (bool first = true; *s; first = false) {
		size_t n = strcspn(s, " ");

		wrap_word(&w, (struct str){ s, n }, first);
		s += n;
		s += strspn(s, " ");
	}
	buf_char(out, '\n');
}

/* ---- the list ---- */

struct map_row map_heads(const struct map *m, struct arena *a)
{
	struct map_row row = {
		.key = "", .from = "from", .to = "to byte", .size = "size"
	};

	if (m->unit) {
		row.first = "first";
		row.last =
			arena_printf(a, "last %s", m->unit_name ? m->unit_name : "LBA");
	}
	for (size_t i = 0; i < m->v.n; i++) {
		if (m->v.v[i].align)
			row.align = "aligned";
	}
	return row;
}

static void columns_of(const struct map_row *r, const char *v[COLUMNS])
{
	const char *all[COLUMNS] = { r->key,  r->marks, r->first, r->last,
				     r->from, r->to,    r->size,  r->align };

	for (size_t i = 0; i < COLUMNS; i++)
		v[i] = all[i] ? all[i] : "";
}

struct list {
	const struct term *t;
	unsigned width[COLUMNS];
	unsigned sum; /* where the words begin */
};

static void measure(struct list *l, const struct map_row *r)
{
	const char *v[COLUMNS];

	columns_of(r, v);
	for (size_t i = 0; i < COLUMNS; i++)
		l->width[i] = (unsigned)u64_max(l->width[i], strlen(v[i]));
}

static void print_row(struct buf *out, const struct list *l, const struct map_row *r,
		      const enum paint *key)
{
	const char *v[COLUMNS];
	size_t end = out->n;

	columns_of(r, v);
	for (size_t i = 0; i < COLUMNS; i++) {
		bool left = i < 2, hot = r->misaligned && i == COLUMNS - 1;
		size_t pad;

		if (l->width[i] == 0)
			continue;
		pad = l->width[i] - strlen(v[i]);
		buf_char(out, ' ');
		buf_fill(out, ' ', left ? 0 : pad + (i > 1));
		if (key && (i == 0 || hot))
			paint(out, l->t, hot ? PAINT_WARNING : *key);
		buf_add(out, str_of(v[i]));
		if (key && (i == 0 || hot))
			paint_end(out, l->t);
		if (v[i][0])
			end = out->n;
		buf_fill(out, ' ', left ? pad : 0);
	}
	if (!r->what || !*r->what) {
		out->n = end;
		buf_char(out, '\n');
	} else if (l->sum + WHAT_MIN <= l->t->width) {
		buf_fill(out, ' ', 2);
		map_wrap(out, r->what, l->sum, l->sum, l->t->width);
	} else {
		out->n = end;
		buf_char(out, '\n');
		buf_fill(out, ' ', INDENT);
		map_wrap(out, r->what, INDENT, INDENT, l->t->width);
	}
}

/* A narrow terminal has no room for all of it: what can be told from the rest goes first. */
static void settle(struct list *l)
{
	static const size_t spare[] = { 5, 4, 7, 3 };

	for (size_t k = 0;; k++) {
		l->sum = 2;
		for (size_t i = 0; i < COLUMNS; i++)
			l->sum += l->width[i] ? l->width[i] + 1 + (i > 1) : 0;
		if (l->sum - 2 <= l->t->width || k == sizeof(spare) / sizeof(spare[0]))
			return;
		l->width[spare[k]] = 0;
	}
}

static void print_list(struct buf *out, const struct map *m, const struct term *t,
		       struct arena *a)
{
	size_t n = u64_min(m->v.n, MAP_ROWS_MAX);
	struct map_row *row = arena_array(a, n + 1, struct map_row);
	struct map_row heads = map_heads(m, a);
	struct list l = { .t = t };

	measure(&l, &heads);
	for (size_t i = 0; i < n; i++) {
		row[i] = map_row(m, &m->v.v[i], a);
		measure(&l, &row[i]);
	}
	settle(&l);
	paint(out, t, PAINT_GUTTER);
	print_row(out, &l, &heads, NULL);
	paint_end(out, t);
	for (size_t i = 0; i < n; i++) {
		enum paint p = map_paint(m->v.v[i].kind);

		print_row(out, &l, &row[i], &p);
	}
	if (n < m->v.n)
		buf_printf(out, " and %zu more\n", m->v.n - n);
}

/* ---- findings ---- */

static void print_findings(struct buf *out, const struct map *m, const struct term *t,
			   struct arena *a)
{
	for (size_t i = 0; i < m->marks.n; i++) {
		const struct map_mark *k = &m->marks.v[i];
		const struct finding *f = k->f;
		const char *severity = severity_name(f->severity);

		paint(out, t, paint_of(f->severity));
		buf_printf(out, " %c %s", k->letter, severity);
		paint_end(out, t);
		map_wrap(out, arena_printf(a, "[%s] %s", f->rule->id, f->message),
			 3 + strlen(severity), 3, t->width);
	}
	if (m->unmarked)
		buf_printf(out, " and %llu more\n", LLU(m->unmarked));
	if (m->marks.n)
		buf_char(out, '\n');
}

/* ---- all of it ---- */

static void print_title(struct buf *out, const struct map *m, const char *path,
			const struct term *t, struct arena *a)
{
	struct buf b = { 0 };
	size_t at, fits;

	buf_safe(&b, str_of(path));
	at = columns_of_word((struct str){ b.p, b.n }, 0, &fits);
	paint(out, t, PAINT_PLACE);
	buf_add_bytes(out, b.p, b.n);
	paint_end(out, t);
	buf_clear(&b);
	buf_extent(&b, m->size);
	map_wrap(out,
		 arena_printf(a, ": %s (%llu bytes), %s", b.p, LLU(m->size), m->title),
		 at, 2, t->width);
	buf_free(&b);
	for (size_t i = 0; i < m->notes.n; i++) {
		buf_add(out, STR("  "));
		map_wrap(out, m->notes.v[i], 2, 4, t->width);
	}
}

void map_text(struct buf *out, const struct map *m, const char *path,
	      const struct term *t, bool utf8, struct arena *a)
{
	for (; m; m = m->next) {
		print_title(out, m, path, t, a);
		buf_char(out, '\n');
		map_bar(out, m, t, utf8, a);
		buf_char(out, '\n');
		print_list(out, m, t, a);
		buf_char(out, '\n');
		print_findings(out, m, t, a);
	}
}
