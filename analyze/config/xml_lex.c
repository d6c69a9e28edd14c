/* The small pieces of XML. XML 1.0 (5th ed.) 2.2, 2.3, 2.11, 3.3.3, 4.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml_lex.h"
#include "base/utf8.h"
#include "base/banned.h"

/* [2] Char */
static bool is_char(uint32_t c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c < 0xd800 || (c >= 0xe000 && c <= 0xfffd) ||
	       (c >= 0x10000 && c <= 0x10ffff);
}

enum { STRIDE = 32 };

/* Branch-free, so that a compiler can do it with vectors. */
static bool all_plain(const uint8_t *p)
{
	unsigned odd = 0;

	for (size_t i = 0; i < STRIDE; i++)
		odd |= (unsigned)(p[i] >= 0x80) |
		       ((unsigned)(p[i] < 0x20) & (unsigned)(p[i] != '\t') &
			(unsigned)(p[i] != '\n') & (unsigned)(p[i] != '\r'));
	return odd == 0;
}

size_t xml_chars_upto(struct view v)
{
	size_t i = 0;

	while (i < v.n) {
		uint32_t c = v.p[i];
		size_t n = 1;

		if (c < 0x80 && v.n - i >= STRIDE && all_plain(v.p + i)) {
			i += STRIDE;
			continue;
		}
		if (c >= 0x80)
			n = utf8_decode((struct view){ v.p + i, v.n - i }, &c);
		if (n == 0 || !is_char(c))
			break;
		i += n;
	}
	return i;
}

/* Bits of the ASCII characters from 0 and from 64. */
static bool in_set(uint32_t c, uint64_t low, uint64_t high)
{
	return ((c < 64 ? low : high) >> (c & 63) & 1) != 0;
}

/* A-Z, a-z, _; and -, ., 0-9 */
#define ASCII_STARTS    UINT64_C(0x07fffffe87fffffe)
#define ASCII_CONTINUES UINT64_C(0x03ff600000000000)

/* [4] NameStartChar without the colon */
static bool starts_name(uint32_t c)
{
	if (c < 0x80)
		return in_set(c, 0, ASCII_STARTS);
	return (c >= 0xc0 && c <= 0x2ff && c != 0xd7 && c != 0xf7) ||
	       (c >= 0x370 && c <= 0x1fff && c != 0x37e) || c == 0x200c || c == 0x200d ||
	       (c >= 0x2070 && c <= 0x218f) || (c >= 0x2c00 && c <= 0x2fef) ||
	       (c >= 0x3001 && c <= 0xd7ff) || (c >= 0xf900 && c <= 0xfdcf) ||
	       (c >= 0xfdf0 && c <= 0xfffd) || (c >= 0x10000 && c <= 0xeffff);
}

/* [4a] NameChar without the colon */
static bool continues_name(uint32_t c)
{
	if (c < 0x80)
		return in_set(c, ASCII_CONTINUES, ASCII_STARTS);
	return starts_name(c) || c == 0xb7 || (c >= 0x300 && c <= 0x36f) || c == 0x203f ||
	       c == 0x2040;
}

size_t xml_ncname(struct view v)
{
	size_t i = 0;

	while (i < v.n) {
		uint32_t c = v.p[i];
		size_t n = 1;

		if (c >= 0x80)
			n = utf8_decode((struct view){ v.p + i, v.n - i }, &c);
		if (n == 0 || !(i == 0 ? starts_name(c) : continues_name(c)))
			break;
		i += n;
	}
	return i;
}

static int digit_of(uint8_t c, uint32_t base)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (base == 16 && c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (base == 16 && c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* [66] CharRef; v begins with "&#" */
static size_t char_reference(struct view v, uint32_t *c, size_t *len, const char **why)
{
	uint32_t base = v.n > 2 && v.p[2] == 'x' ? 16 : 10;
	size_t first = base == 16 ? 3 : 2, i = first;

	for (*c = 0; i < v.n; i++) {
		int d = digit_of(v.p[i], base);

		if (d < 0)
			break;
		if (*c <= 0x10ffff) /* once too large it stays so */
			*c = *c * base + (uint32_t)d;
	}
	*len = i;
	*why = "is no character reference: digits and a ';' were expected";
	if (i == first || i == v.n || v.p[i] != ';')
		return 0;
	*len = i + 1;
	*why = "names no character that XML allows";
	return is_char(*c) ? i + 1 : 0;
}

size_t xml_reference(struct view v, uint32_t *c, size_t *len, const char **why)
{
	static const struct {
		const char *text;
		uint8_t c;
	} known[] = {
		{ "&lt;", '<' },   { "&gt;", '>' },    { "&amp;", '&' },
		{ "&quot;", '"' }, { "&apos;", '\'' },
	};
	size_t name;

	if (v.n > 1 && v.p[1] == '#')
		return char_reference(v, c, len, why);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].text);

		if (!view_eq(v, 0, known[i].text, n))
			continue;
		*c = known[i].c;
		*len = n;
		return n;
	}
	name = xml_ncname(view_cut(v, 1, v.n - 1));
	*len = 1 + name;
	*why = "begins no reference: &amp; was expected for the character itself";
	if (name > 0 && v.n > 1 + name && v.p[1 + name] == ';') {
		++*len;
		*why = "is no entity of XML: amp, lt, gt, quot and apos are";
	}
	return 0;
}

size_t xml_seek(struct view v, size_t from, const char *what)
{
	size_t n = strlen(what);

	while (from < v.n) {
		const uint8_t *first = memchr(v.p + from, what[0], v.n - from);

		if (!first)
			break;
		from = (size_t)(first - v.p);
		if (view_eq(v, from, what, n))
			return from;
		from++;
	}
	return v.n;
}

/* One character of raw at i, line ends made '\n' (2.11). Returns how far it reaches. */
static size_t decode_one(struct view raw, size_t i, uint8_t *out, size_t *n)
{
	const char *why;
	uint32_t c;
	size_t len;

	if (raw.p[i] == '&' &&
	    xml_reference(view_cut(raw, i, raw.n - i), &c, &len, &why)) {
		*n += utf8_put(c, out + *n);
		return len;
	}
	if (raw.p[i] == '\r') {
		out[(*n)++] = '\n';
		return i + 1 < raw.n && raw.p[i + 1] == '\n' ? 2 : 1;
	}
	out[(*n)++] = raw.p[i];
	return 1;
}

size_t xml_decode_value(struct view raw, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.n;) {
		bool literal = raw.p[i] != '&';

		i += decode_one(raw, i, out, &n);
		/* A blank that was written as a reference stays what it is. */
		if (literal && (out[n - 1] == '\n' || out[n - 1] == '\t'))
			out[n - 1] = ' ';
	}
	return n;
}

/* A CDATA section's text; returns its end. */
static size_t decode_cdata(struct view raw, size_t i, uint8_t *out, size_t *n)
{
	size_t end = xml_seek(raw, i, "]]>");

	for (i += strlen("<![CDATA["); i < end; i++) {
		if (raw.p[i] == '\r' && raw.p[i + 1] == '\n')
			continue;
		out[(*n)++] = raw.p[i] == '\r' ? '\n' : raw.p[i];
	}
	return end + strlen("]]>");
}

size_t xml_decode_content(struct view raw, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.n;) {
		if (raw.p[i] != '<')
			i += decode_one(raw, i, out, &n);
		else if (view_eq(raw, i, "<![", 3))
			i = decode_cdata(raw, i, out, &n);
		else if (view_eq(raw, i, "<!--", 4))
			i = xml_seek(raw, i + 4, "-->") + strlen("-->");
		else
			i = xml_seek(raw, i, "?>") + strlen("?>");
	}
	return n;
}
