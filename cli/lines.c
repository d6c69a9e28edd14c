/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lines.h"
#include "base/utf8.h"
#include "base/banned.h"

enum { BLOCK = 4096 };

struct lines_mark {
	size_t off;
	uint64_t chars;
};

static size_t bom_of(struct view text)
{
	return view_eq(text, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
}

/* Over the ASCII that comes next, up to `end`; or over one character, which may end behind
 * it. What is no UTF-8 stands alone. */
static void pass(struct view text, struct lines_mark *now, size_t end)
{
	size_t n = utf8_ascii_at(text, now->off, end);
	uint32_t c;

	now->chars += n ? n : 1;
	if (n == 0)
		n = utf8_decode(view_cut(text, now->off, text.n - now->off), &c);
	now->off += n ? n : 1;
}

static const struct lines_mark *count_chars(struct view text, struct arena *a)
{
	struct lines_mark *mark = arena_array(a, text.n / BLOCK + 1, struct lines_mark);
	struct lines_mark now = { 0 };
	size_t next = 0;

	while (now.off < text.n) {
		if (now.off >= next * BLOCK)
			mark[next++] = now;
		pass(text, &now, u64_min(next * BLOCK, text.n));
	}
	/* The last character may reach over the start of the last block. */
	while (next < text.n / BLOCK + 1)
		mark[next++] = now;
	return mark;
}

/* Characters that begin before off. */
static uint64_t chars_before(const struct lines *l, size_t off)
{
	struct lines_mark now = l->mark[off / BLOCK];

	if (now.off > off)
		now = l->mark[off / BLOCK - 1];
	while (now.off < off)
		pass(l->text, &now, off);
	return now.chars;
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
	return (struct lines){
		.text = text, .start = start, .n = n, .mark = count_chars(text, a)
	};
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
	size_t i = lines_index(l, off), start = l->start[i];
	size_t at = off < l->text.n ? (size_t)off : l->text.n;
	uint64_t before = at > start ? chars_before(l, at) - chars_before(l, start) : 0;

	return (struct text_pos){ .line = i + 1, .column = before + 1 };
}
