/* Seeded damage to XML texts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_XML_MUTATE_H
#define TESTS_LIB_XML_MUTATE_H

#include "base/str.h"

static uint32_t dice(uint64_t *state, uint32_t sides)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % sides;
}

/* text with a few of its bytes deleted, doubled, replaced, or tokens thrown in. */
static void mutate(struct buf *out, struct str text, uint64_t *state)
{
	static const char *const tokens[] = {
		"<",
		">",
		"/>",
		"</a>",
		"<a>",
		"<a/>",
		"&",
		"&amp;",
		"&#10;",
		"&#x0;",
		"'",
		"\"",
		"=",
		" ",
		"\n",
		"\r",
		"\r\n",
		"\t",
		"<!--",
		"-->",
		"--",
		"<![CDATA[",
		"]]>",
		"<?a",
		"?>",
		"<?xml version='1.0'?>",
		"xmlns=''",
		" xmlns:q='u'",
		"q:",
		":",
		" a='1'",
		"\xc3\xa9",
		"\xe2\x80",
		"\x01",
		"\xef\xbb\xbf",
		"<!DOCTYPE a>",
		"]",
	};
	uint32_t edits = 1 + dice(state, 3);
	struct buf from = { 0 };

	buf_clear(out);
	buf_add(out, text);
	for (uint32_t i = 0; i < edits; i++) {
		size_t at = dice(state, (uint32_t)out->n + 1), n, what = dice(state, 4);

		buf_clear(&from);
		buf_add_bytes(&from, out->p, out->n);
		n = dice(state, 1 + (uint32_t)(from.n - at < 12 ? from.n - at : 12));
		buf_clear(out);
		buf_add_bytes(out, from.p, at);
		if (what == 1)
			buf_add_bytes(out, from.p + at, n);
		if (what == 2)
			buf_char(out, (char)dice(state, 256));
		if (what == 3)
			buf_add(out,
				str_of(tokens[dice(state,
						   sizeof(tokens) / sizeof(tokens[0]))]));
		buf_add_bytes(out, from.p + at + (what == 0 || what == 2 ? n : 0),
			      from.n - at - (what == 0 || what == 2 ? n : 0));
	}
	buf_free(&from);
}

#endif
