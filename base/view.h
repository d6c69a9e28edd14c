/* Bytes that somebody else owns, and how numbers are read from them. The only decoder: no
 * struct is ever laid over a buffer, so neither alignment nor byte order can go wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VIEW_H
#define BASE_VIEW_H

#include "base/bug.h"
#include "base/num.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const uint8_t *p; /* borrowed; may be NULL when n is 0 */
	size_t n;
};

static inline bool view_has(struct view v, size_t off, size_t len)
{
	return range_within(off, len, v.n);
}

/* The part [off, off + len), which the caller has checked with view_has(). */
static inline struct view view_cut(struct view v, size_t off, size_t len)
{
	BUG_ON(!view_has(v, off, len));
	return (struct view){ .p = v.p + off, .n = len };
}

/* Readers: asking for bytes that are not there is a bug, check with view_has() once per
 * record. */
static inline uint8_t view_u8(struct view v, size_t off)
{
	BUG_ON(!view_has(v, off, 1));
	return v.p[off];
}

static inline uint16_t view_le16(struct view v, size_t off)
{
	BUG_ON(!view_has(v, off, 2));
	return (uint16_t)(v.p[off] | v.p[off + 1] << 8);
}

static inline uint32_t view_le32(struct view v, size_t off)
{
	return (uint32_t)view_le16(v, off) | (uint32_t)view_le16(v, off + 2) << 16;
}

static inline uint64_t view_le64(struct view v, size_t off)
{
	return (uint64_t)view_le32(v, off) | (uint64_t)view_le32(v, off + 4) << 32;
}

static inline uint16_t view_be16(struct view v, size_t off)
{
	BUG_ON(!view_has(v, off, 2));
	return (uint16_t)(v.p[off] << 8 | v.p[off + 1]);
}

static inline uint32_t view_be32(struct view v, size_t off)
{
	return (uint32_t)view_be16(v, off) << 16 | (uint32_t)view_be16(v, off + 2);
}

static inline uint64_t view_be64(struct view v, size_t off)
{
	return (uint64_t)view_be32(v, off) << 32 | (uint64_t)view_be32(v, off + 4);
}

static inline bool view_eq(struct view v, size_t off, const void *bytes, size_t n)
{
	return view_has(v, off, n) && memcmp(v.p + off, bytes, n) == 0;
}

/* Each byte equals the next one, and the first is zero: memcmp() is as fast as it gets. */
static inline bool view_is_zero(struct view v)
{
	return v.n == 0 || (v.p[0] == 0 && memcmp(v.p, v.p + 1, v.n - 1) == 0);
}

/* Writers, for the bytes of an edit. */
static inline void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, (uint16_t)v);
	put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_le32(p, __builtin_bswap32(v));
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	put_le64(p, __builtin_bswap64(v));
}

/* The number, from 1, of the line that holds byte off of a text. */
static inline size_t view_line(struct view v, uint64_t off)
{
	size_t line = 1;

	for (size_t i = 0; i < v.n && i < off; i++)
		line += v.p[i] == '\n';
	return line;
}

#endif
