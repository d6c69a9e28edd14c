/* UTF-8, RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/view.h"

/* Decodes the first character. Returns its length in bytes, 0 when v is empty or does not
 * begin with a valid one. */
size_t utf8_decode(struct view v, uint32_t *c);

/* Encodes c (a valid scalar value); out has room for 4. Returns the length. (jansson has an
 * utf8_encode of its own, which a static program would meet.) */
size_t utf8_put(uint32_t c, uint8_t out[4]);

/* Characters that change how a terminal shows their neighbours without being seen:
 * zero-width and bidirectional controls, line and paragraph separators, BOM. */
bool utf8_is_invisible(uint32_t c);

/* Terminal columns of a character: 0 combining, 2 wide, else 1. */
unsigned utf8_width(uint32_t c);

/* How many bytes from `at` on are ASCII, which nearly all are; none at or behind `end` is
 * looked at. In steps of eight. */
static inline size_t utf8_ascii_at(struct view v, size_t at, size_t end)
{
	size_t from = at;
	uint64_t eight;

	BUG_ON(at > end || end > v.n);
	for (; end - at >= sizeof(eight); at += sizeof(eight)) {
		memcpy(&eight, v.p + at, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (at < end && v.p[at] < 0x80)
		at++;
	return at - from;
}

/* The first byte that does not begin a valid character, or v.n. */
size_t utf8_valid_upto(struct view v);

#endif
