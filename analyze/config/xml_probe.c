/* What the first page of a text tells: is it XML, and of which root element?
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml.h"
#include "analyze/config/xml_lex.h"

#include "base/banned.h"

static size_t skip_blanks(struct view v, size_t i)
{
	while (i < v.n && xml_is_blank(v.p[i]))
		i++;
	return i;
}

/* Behind the declaration that begins at i, with what it may have between [ and ]. */
static size_t skip_doctype(struct view v, size_t i)
{
	bool subset = false;
	uint8_t quote = 0;

	for (; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (view_eq(v, i, "<!--", 4)) {
			i = xml_seek(v, i + 4, "-->");
		} else if (view_eq(v, i, "<?", 2)) {
			i = xml_seek(v, i + 2, "?>");
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '[' || c == ']') {
			subset = c == '[';
		} else if (c == '>' && !subset) {
			return i + 1;
		}
	}
	return v.n;
}

/* Behind everything that may stand before the root element. */
static size_t skip_prolog(struct view v)
{
	size_t i = skip_blanks(v, view_eq(v, 0, "\xef\xbb\xbf", 3) ? 3 : 0);

	for (;;) {
		if (view_eq(v, i, "<?", 2))
			i = xml_seek(v, i + 2, "?>") + 2;
		else if (view_eq(v, i, "<!--", 4))
			i = xml_seek(v, i + 4, "-->") + 3;
		else if (view_eq(v, i, "<!DOCTYPE", 9))
			i = skip_doctype(v, i);
		else
			return i;
		i = skip_blanks(v, i);
	}
}

struct str xml_root_tag(struct view head)
{
	size_t i = skip_prolog(head), end;
	uint8_t quote = 0;

	if (!view_eq(head, i, "<", 1))
		return (struct str){ 0 };
	i++;
	for (end = i; end < head.n && (quote || head.p[end] != '>'); end++) {
		if (quote && head.p[end] == quote)
			quote = 0;
		else if (!quote && (head.p[end] == '"' || head.p[end] == '\''))
			quote = head.p[end];
	}
	return str_view(view_cut(head, i, end - i));
}

struct str xml_root_name(struct view head)
{
	struct str tag = xml_root_tag(head);
	struct view v = str_bytes(tag);
	size_t n = xml_ncname(v);

	if (n > 0 && n < v.n && v.p[n] == ':')
		n += 1 + xml_ncname(view_cut(v, n + 1, v.n - n - 1));
	return (struct str){ tag.p, n };
}

bool xml_tag_has(struct str tag, const char *attribute)
{
	struct view v = str_bytes(tag);
	size_t n = strlen(attribute), end;
	uint8_t quote = 0;

	for (size_t i = 0; i < v.n; i++) {
		if (quote) {
			quote = v.p[i] == quote ? 0 : quote;
			continue;
		}
		if (v.p[i] == '"' || v.p[i] == '\'')
			quote = v.p[i];
		if (!xml_is_blank(v.p[i]) || !view_eq(v, i + 1, attribute, n))
			continue;
		end = skip_blanks(v, i + 1 + n);
		if (end < v.n && v.p[end] == '=')
			return true;
	}
	return false;
}
