/* The shortest edit script of two texts, line by line: Myers, "An O(ND) Difference
 * Algorithm and Its Variations", 1986; printed as in POSIX diff -u.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/diff.h"
#include "base/banned.h"

enum {
	CONTEXT = 3,
	/* Lines that may differ; beyond it one hunk replaces all. Our repairs touch a few. */
	DISTANCE_MAX = 1000,
};

struct text_lines {
	struct str *v; /* each with its line end, if it has one */
	size_t n;
};

/* A run of lines that differ; between two changes lines are equal. */
struct change {
	size_t old, old_n, new, new_n;
};

struct diff {
	struct arena *a;
	struct text_lines old, new;
	VEC(struct change) changes;
	size_t head; /* equal lines in front of what the search looks at */
};

static struct text_lines split(struct view text, struct arena *a)
{
	struct text_lines l = { 0 };
	struct str rest = str_view(text);
	size_t n = 0;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == '\n';
	l.v = arena_array(a, n + 1, struct str);
	while (rest.n) {
		const char *nl = memchr(rest.p, '\n', rest.n);
		size_t len = nl ? (size_t)(nl - rest.p) + 1 : rest.n;

		l.v[l.n++] = (struct str){ rest.p, len };
		rest = (struct str){ rest.p + len, rest.n - len };
	}
	return l;
}

/* ---- the search ---- */

/* The middle part, without equal heads and tails. v[k]: how far x came on diagonal k =
 * x - y; trace[d] is v before step d. */
struct search {
	const struct str *old, *new;
	int n, m;
	int *v; /* indexed from -DISTANCE_MAX - 1 */
	int **trace;
};

static bool same(const struct search *s, int x, int y)
{
	return str_eq(s->old[x], s->new[y]);
}

/* Comes to (x, y) on diagonal k from above (an inserted line) or from the left? */
static bool from_above(const int *v, int d, int k)
{
	return k == -d || (k != d && v[k - 1] < v[k + 1]);
}

/* The number of lines to insert and delete; -1 when it is more than DISTANCE_MAX. */
static int search(struct search *s, struct arena *a)
{
	for (int d = 0; d <= DISTANCE_MAX && d <= s->n + s->m; d++) {
		int *copy = arena_array(a, (size_t)(2 * d + 3), int);

		memcpy(copy, s->v - d - 1, (size_t)(2 * d + 3) * sizeof(int));
		s->trace[d] = copy + d + 1;
		for (int k = -d; k <= d; k += 2) {
			int x = from_above(s->v, d, k) ? s->v[k + 1] : s->v[k - 1] + 1;

			while (x < s->n && x - k < s->m && same(s, x, x - k))
				x++;
			s->v[k] = x;
			if (x >= s->n && x - k >= s->m)
				return d;
		}
	}
	return -1;
}

static void add_change(struct diff *df, size_t old, size_t old_n, size_t new,
		       size_t new_n)
{
	struct change *last = df->changes.n ? &df->changes.v[df->changes.n - 1] : NULL;

	/* Found from the end to the start: this one may touch the one behind it. */
	if (last && last->old == old + old_n && last->new == new + new_n) {
		*last = (struct change){ old, last->old_n + old_n, new,
					 last->new_n + new_n };
		return;
	}
	*vec_add(&df->changes, df->a) = (struct change){ old, old_n, new, new_n };
}

static void walk_back(struct diff *df, const struct search *s, int d)
{
	int x = s->n, y = s->m;

	for (; d > 0; d--) {
		int k = x - y;
		bool above = from_above(s->trace[d], d, k);

		k = above ? k + 1 : k - 1;
		x = s->trace[d][k];
		y = x - k;
		add_change(df, df->head + (size_t)x, !above, df->head + (size_t)y, above);
	}
}

static void compare(struct diff *df)
{
	size_t tail = 0, n = df->old.n, m = df->new.n;
	struct search s = { 0 };
	int d;

	while (df->head < n && df->head < m &&
	       str_eq(df->old.v[df->head], df->new.v[df->head]))
		df->head++;
	while (tail < n - df->head && tail < m - df->head &&
	       str_eq(df->old.v[n - 1 - tail], df->new.v[m - 1 - tail]))
		tail++;
	n -= df->head + tail;
	m -= df->head + tail;
	if (n == 0 && m == 0)
		return;
	s = (struct search){ df->old.v + df->head,
			     df->new.v + df->head,
			     (int)n,
			     (int)m,
			     arena_array(df->a, 2 * DISTANCE_MAX + 5, int) +
				     DISTANCE_MAX + 2,
			     arena_array(df->a, DISTANCE_MAX + 1, int *) };
	d = search(&s, df->a);
	if (d < 0)
		add_change(df, df->head, n, df->head, m);
	else
		walk_back(df, &s, d);
}

/* ---- printing ---- */

static void line_out(struct buf *out, const struct term *t, char sign, struct str line)
{
	bool ends = str_ends(line, "\n");

	if (sign != ' ')
		paint(out, t, sign == '+' ? PAINT_FIX : PAINT_GONE);
	buf_char(out, sign);
	buf_add(out, (struct str){ line.p, line.n - ends });
	if (sign != ' ')
		paint_end(out, t);
	buf_char(out, '\n');
	if (!ends)
		buf_add(out, STR("\\ No newline at end of file\n"));
}

/* Of an empty range, diff -u names the line before it. */
static void range_out(struct buf *out, size_t from, size_t n)
{
	buf_printf(out, "%zu", n ? from + 1 : from);
	if (n != 1)
		buf_printf(out, ",%zu", n);
}

/* Changes first to last - 1 (in the vector's order, which is from the end): one hunk. */
static void hunk_out(struct buf *out, const struct term *t, const struct diff *df,
		     size_t first, size_t last)
{
	const struct change *a = &df->changes.v[first], *z = &df->changes.v[last];
	size_t lead = a->old < CONTEXT ? a->old : CONTEXT;
	size_t behind = df->old.n - (z->old + z->old_n);
	size_t trail = behind < CONTEXT ? behind : CONTEXT;
	size_t at = a->old - lead;

	paint(out, t, PAINT_HUNK);
	buf_add(out, STR("@@ -"));
	range_out(out, at, z->old + z->old_n + trail - at);
	buf_add(out, STR(" +"));
	range_out(out, a->new - lead, z->new + z->new_n + trail - (a->new - lead));
	buf_add(out, STR(" @@"));
	paint_end(out, t);
	buf_char(out, '\n');
	for (size_t i = first + 1; i-- > last;) {
		const struct change *c = &df->changes.v[i];

		while (at < c->old)
			line_out(out, t, ' ', df->old.v[at++]);
		for (; at < c->old + c->old_n; at++)
			line_out(out, t, '-', df->old.v[at]);
		for (size_t k = 0; k < c->new_n; k++)
			line_out(out, t, '+', df->new.v[c->new + k]);
	}
	for (size_t i = 0; i < trail; i++)
		line_out(out, t, ' ', df->old.v[at++]);
}

/* git's way of naming a file in a diff: quoted when a byte of it would not survive. */
static void name_out(struct buf *out, const char *prefix, const char *path)
{
	struct str s = str_of(path);
	bool quote = false;

	for (size_t i = 0; i < s.n; i++)
		quote |= (unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] >= 0x7f ||
			 s.p[i] == '"' || s.p[i] == '\\';
	if (quote)
		buf_char(out, '"');
	buf_add(out, str_of(prefix));
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			buf_printf(out, "\\%03o", c);
		else
			buf_char(out, (char)c);
	}
	if (quote)
		buf_char(out, '"');
	buf_char(out, '\n');
}

static void names_out(struct buf *out, const struct term *t, const char *path)
{
	bool absolute = path[0] == '/';

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	paint(out, t, PAINT_PLACE);
	buf_add(out, STR("--- "));
	name_out(out, absolute ? "" : "a/", path);
	buf_add(out, STR("+++ "));
	name_out(out, absolute ? "" : "b/", path);
	paint_end(out, t);
}

void diff_text(struct buf *out, const struct term *t, const char *path, struct view old,
	       struct view new)
{
	struct arena a;
	struct diff df = { .a = &a };

	arena_init(&a, 0);
	df.old = split(old, &a);
	df.new = split(new, &a);
	compare(&df);
	if (df.changes.n)
		names_out(out, t, path);
	for (size_t first = df.changes.n; first-- > 0;) {
		size_t last = first;

		/* Changes whose contexts touch share a hunk. */
		while (last > 0 && df.changes.v[last - 1].old - df.changes.v[last].old -
						   df.changes.v[last].old_n <=
					   (size_t)2 * CONTEXT)
			last--;
		hunk_out(out, t, &df, first, last);
		first = last;
	}
	arena_free(&a);
}
