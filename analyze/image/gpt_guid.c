/* GUIDs as GPT stores them: the first three groups little-endian, the last two as they
 * are written. UEFI 2.10 appendix A. Names of partition types are in gpt_types.def.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "base/banned.h"

/* The byte behind each pair of digits, in the order in which a GUID is written. */
static const uint8_t order[GPT_GUID_SIZE] = { 3, 2, 1,  0,  5,  4,  7,  6,
					      8, 9, 10, 11, 12, 13, 14, 15 };

enum { GUID_TEXT = 36 };

bool guid_is_zero(struct guid g)
{
	return view_is_zero((struct view){ g.b, sizeof(g.b) });
}

bool guid_eq(struct guid a, struct guid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void guid_text(struct guid g, char out[37])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < GPT_GUID_SIZE; i++) {
		uint8_t b = g.b[order[i]];

		if (dash_before(i))
			*out++ = '-';
		*out++ = digits[b >> 4];
		*out++ = digits[b & 15];
	}
	*out = '\0';
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool guid_parse(struct str s, struct guid *out)
{
	struct guid g = { { 0 } };
	size_t at = 0;

	if (s.n != GUID_TEXT)
		return false;
	for (size_t i = 0; i < GPT_GUID_SIZE; i++) {
		int hi, lo;

		if (dash_before(i) && s.p[at++] != '-')
			return false;
		hi = digit_of(s.p[at]);
		lo = digit_of(s.p[at + 1]);
		if (hi < 0 || lo < 0)
			return false;
		g.b[order[i]] = (uint8_t)(hi << 4 | lo);
		at += 2;
	}
	*out = g;
	return true;
}

const char *gpt_type_name(struct guid type)
{
	static const struct {
		const char *guid, *name;
	} types[] = {
#define GPT_TYPE(guid, name) { guid, name },
#include "analyze/image/gpt_types.def"
#undef GPT_TYPE
	};
	char text[GUID_TEXT + 1];

	guid_text(type, text);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].guid, text) == 0)
			return types[i].name;
	}
	return NULL;
}
