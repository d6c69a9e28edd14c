/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"
#include "base/banned.h"

size_t utf8_decode(struct view v, uint32_t *c)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t r;
	size_t n;

	if (v.n == 0)
		return 0;
	if (v.p[0] < 0x80) {
		*c = v.p[0];
		return 1;
	}
	n = v.p[0] >= 0xf0 ? 4 : v.p[0] >= 0xe0 ? 3 : 2;
	if (v.p[0] < 0xc0 || v.p[0] >= 0xf8)
		return 0;
	r = v.p[0] & (0x7fu >> n);
	if (v.n < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((v.p[i] & 0xc0) != 0x80)
			return 0;
		r = r << 6 | (v.p[i] & 0x3fu);
	}
	if (r < least[n] || r > 0x10ffff || (r >= 0xd800 && r < 0xe000))
		return 0;
	*c = r;
	return n;
}

size_t utf8_put(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

bool utf8_is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff;
}

unsigned utf8_width(uint32_t c)
{
	if ((c >= 0x300 && c < 0x370) || utf8_is_invisible(c) ||
	    (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	    (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
	    (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	    (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
	    (c >= 0x20000 && c <= 0x3fffd))
		return 2;
	return 1;
}

size_t utf8_valid_upto(struct view v)
{
	size_t i = utf8_ascii_at(v, 0, v.n);

	while (i < v.n) {
		uint32_t c;
		size_t n = utf8_decode((struct view){ v.p + i, v.n - i }, &c);

		if (n == 0)
			break;
		i += n;
		i += utf8_ascii_at(v, i, v.n);
	}
	return i;
}
