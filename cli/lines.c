/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lines.h"
#include "base/utf8.h"
#include "base/banned.h"

static size_t bom_of(struct view text)
{
	return view_eq(text, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
}

struct lines lines_of(struct view text, struct arena *a)
{
	size_t n = 1, *start;
	const uint8_t *p = text.p, *end = text.n ? text.p + text.n : text.p;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		n++;
	}
	start = arena_array(a, n, size_t);
	start[0] = bom_of(text);
	p = text.p;
	for (size_t i = 1; i < n; i++) {
		p = (const uint8_t *)memchr(p, '\n', (size_t)(end - p)) + 1;
		start[i] = (size_t)(p - text.p);
	}
	return (struct lines){ .text = text, .start = start, .n = n };
}

size_t lines_index(const struct lines *l, uint64_t off)
{
	size_t lo = 0, hi = l->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->start[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

struct str lines_get(const struct lines *l, size_t i)
{
	size_t from = l->start[i];
	size_t to = i + 1 < l->n ? l->start[i + 1] - 1 : l->text.n;
	struct str s = str_view(view_cut(l->text, from, to - from));

	if (str_ends(s, "\r"))
		s.n--;
	return s;
}

struct text_pos lines_pos(const struct lines *l, uint64_t off)
{
	size_t i = lines_index(l, off), at = l->start[i];
	size_t end = off < l->text.n ? (size_t)off : l->text.n;
	struct text_pos pos = { .line = i + 1, .column = 1 };

	while (at < end) {
		uint32_t c;
		size_t n = utf8_decode(view_cut(l->text, at, l->text.n - at), &c);

		at += n ? n : 1;
		pos.column++;
	}
	return pos;
}
