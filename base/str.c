/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "base/banned.h"

bool str_has(struct str s, const char *part)
{
	size_t n = strlen(part);
	const char *at;

	if (n == 0)
		return true;
	while (s.n >= n && (at = memchr(s.p, part[0], s.n - n + 1))) {
		if (memcmp(at, part, n) == 0)
			return true;
		s.n -= (size_t)(at + 1 - s.p);
		s.p = at + 1;
	}
	return false;
}

struct str str_word(struct str *words)
{
	const char *blank = words->n ? memchr(words->p, ' ', words->n) : NULL;
	struct str one = { words->p, blank ? (size_t)(blank - words->p) : words->n };
	size_t taken = one.n + (blank ? 1 : 0);

	words->p += taken;
	words->n -= taken;
	return one;
}

bool str_among(struct str s, const char *words)
{
	char first = s.n ? s.p[0] : ' ';
	const char *blank;

	for (; *words; words = blank + 1) {
		blank = strchr(words, ' ');
		if (*words == first &&
		    str_eq((struct str){ words, blank ? (size_t)(blank - words)
						      : strlen(words) },
			   s))
			return true;
		if (!blank)
			return false;
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool str_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (!u64_mul(v, 10, &v) || !u64_add(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

enum { SHOWN_MAX = 120 };

/* Bytes from i on that are shown as they are, and no more than there is room for. */
static size_t plain_at(struct str s, size_t i, size_t room)
{
	size_t n = 0;

	while (n < room && i + n < s.n && s.p[i + n] >= 0x20 && s.p[i + n] < 0x7f &&
	       s.p[i + n] != '\\')
		n++;
	return n;
}

const char *str_shown(struct arena *a, struct str s)
{
	struct buf b = { 0 };
	char *shown;
	size_t i = 0;

	while (i < s.n && b.n < SHOWN_MAX) {
		size_t n = plain_at(s, i, SHOWN_MAX - b.n);
		uint32_t c;

		if (n) {
			buf_add_bytes(&b, s.p + i, n);
			i += n;
			continue;
		}
		n = utf8_decode((struct view){ (const uint8_t *)s.p + i, s.n - i }, &c);
		if (n == 0) {
			buf_printf(&b, "\\x%02x", (unsigned)(uint8_t)s.p[i]);
			n = 1;
		} else if (c == '\\') {
			buf_add(&b, STR("\\\\"));
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			buf_printf(&b, "\\x%02x", (unsigned)c);
		} else if (utf8_is_invisible(c)) {
			buf_printf(&b, "\\u%04x", (unsigned)c);
		} else {
			buf_add_bytes(&b, s.p + i, n);
		}
		i += n;
	}
	if (i < s.n)
		buf_add(&b, STR("..."));
	shown = arena_str(a, (struct str){ b.p, b.n });
	buf_free(&b);
	return shown;
}

static void reserve(struct buf *b, size_t more)
{
	size_t need, cap;
	char *p;

	BUG_ON(__builtin_add_overflow(b->n, more, &need) || need == SIZE_MAX);
	if (b->p && need < b->cap)
		return;
	cap = b->cap < 256 ? 256 : b->cap;
	while (cap <= need)
		cap = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;
	p = realloc(b->p, cap);
	if (!p)
		out_of_memory();
	b->p = p;
	b->cap = cap;
}

void buf_add_bytes(struct buf *b, const void *p, size_t n)
{
	reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_add(struct buf *b, struct str s)
{
	buf_add_bytes(b, s.p, s.n);
}

void buf_char(struct buf *b, char c)
{
	buf_add_bytes(b, &c, 1);
}

void buf_fill(struct buf *b, char c, size_t n)
{
	reserve(b, n);
	memset(b->p + b->n, c, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->p)
		b->p[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}
