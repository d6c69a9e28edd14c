/* Text as pointer and length, never NUL-terminated by promise, and a growable buffer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/view.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct arena;

struct str {
	const char *p; /* borrowed; may be NULL when n is 0 */
	size_t n;
};

#define STR(literal) ((struct str){ .p = "" literal, .n = sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

static inline struct str str_of(const char *cstr)
{
	return (struct str){ .p = cstr, .n = strlen(cstr) };
}

static inline struct str str_view(struct view v)
{
	return (struct str){ .p = (const char *)v.p, .n = v.n };
}

static inline struct view str_bytes(struct str s)
{
	return (struct view){ .p = (const uint8_t *)s.p, .n = s.n };
}

/* Most words that are compared differ in their first byte: a call is made for the others. */
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n &&
	       (a.n == 0 || (a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0));
}

static inline bool str_is(struct str s, const char *cstr)
{
	return s.n == 0 ? cstr[0] == '\0' : s.p[0] == cstr[0] && str_eq(s, str_of(cstr));
}

static inline bool str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return n == 0 || (s.n >= n && s.p[0] == prefix[0] && memcmp(s.p, prefix, n) == 0);
}

static inline bool str_ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return n == 0 || (s.n >= n && memcmp(s.p + s.n - n, suffix, n) == 0);
}

bool str_has(struct str s, const char *part); /* anywhere; "" is in every text */
/* A list of words is a text with single blanks between them. Is s one of them? */
bool str_among(struct str s, const char *words);
/* The first word of a list, taken off it; n 0: the list is empty. */
struct str str_word(struct str *words);
struct str str_trim(struct str s); /* without leading and trailing blanks and line ends */
/* Decimal, the whole of s, no sign, no blanks. False: not a number, or too large. */
bool str_u64(struct str s, uint64_t *out);

/* s as it may be shown to a person or a log: control bytes, bytes that are no UTF-8, bidi
 * controls and backslashes come out as \x.. or \u...., and more than 120 bytes are cut
 * with "...". For every piece of input text in a message. */
const char *str_shown(struct arena *a, struct str s);

/* A buffer that grows, for text that is being written. Starts as { 0 }. */
struct buf {
	char *p; /* NUL-terminated after the first buf_* call */
	size_t n, cap;
};

void buf_add(struct buf *b, struct str s);
void buf_add_bytes(struct buf *b, const void *p, size_t n);
void buf_char(struct buf *b, char c);
void buf_fill(struct buf *b, char c, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *b); /* empty, keeps its memory */
void buf_free(struct buf *b);

#endif
