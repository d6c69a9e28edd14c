/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf16.h"

#include "base/utf8.h"
#include "base/banned.h"

enum { REPLACEMENT = 0xfffd };

static uint32_t unit(struct view v, size_t i, bool big_endian)
{
	if (!view_has(v, i * 2, 2))
		return 0;
	return big_endian ? view_be16(v, i * 2) : view_le16(v, i * 2);
}

/* Encodes into out, or only counts when that is NULL. */
static size_t encode(struct view v, bool big_endian, uint8_t *out)
{
	uint8_t text[4];
	size_t n = 0;

	for (size_t i = 0;; i++) {
		uint32_t c = unit(v, i, big_endian), low;
		size_t len;

		if (c == 0)
			return n;
		if (c >= 0xd800 && c < 0xe000) {
			low = unit(v, i + 1, big_endian);
			if (c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			} else {
				c = REPLACEMENT;
			}
		}
		len = utf8_put(c, text);
		if (out)
			memcpy(out + n, text, len);
		n += len;
	}
}

struct str utf16_text(struct arena *a, struct view v, bool big_endian)
{
	size_t n = encode(v, big_endian, NULL);
	uint8_t *text = n ? arena_try_array(a, n, uint8_t) : NULL;

	if (!text)
		return (struct str){ 0 };
	encode(v, big_endian, text);
	return (struct str){ .p = (const char *)text, .n = n };
}
