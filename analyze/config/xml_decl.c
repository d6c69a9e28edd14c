/* <?xml version='1.0' encoding='UTF-8' standalone='yes'?>, and the one document type
 * declaration that is read: XML 1.0 (5th ed.) 2.8, 4.2.2, 4.3.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml_reader.h"

#include <strings.h>

#include "base/banned.h"

/* One name="value" of the XML declaration. False without a word, and r->at where it was:
 * it is not there. */
static bool pseudo_attribute(struct reader *r, const char *name, struct span *value)
{
	const uint8_t *p = r->text.p, *close = NULL;
	size_t start = r->at, from = 0;

	if (!reader_sees(r, name))
		return false;
	r->at += strlen(name);
	reader_skip_blanks(r);
	if (reader_sees(r, "=")) {
		r->at++;
		reader_skip_blanks(r);
		if (reader_sees(r, "'") || reader_sees(r, "\"")) {
			from = r->at + 1;
			close = memchr(p + from, p[r->at], r->text.n - from);
		}
	}
	if (!close) {
		r->at = start;
		return false;
	}
	*value = reader_span(r, from, (size_t)(close - p));
	r->at = span_end(*value) + 1;
	return true;
}

static bool is_version(struct str s)
{
	if (s.n < 3 || !str_starts(s, "1."))
		return false;
	for (size_t i = 2; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return true;
}

static bool str_is_nocase(struct str s, const char *what)
{
	return s.n == strlen(what) && strncasecmp(s.p, what, s.n) == 0;
}

/* Only UTF-8 and its subset are read: an edit must know what each byte means. */
static bool check_encoding(struct reader *r, struct span at)
{
	struct str name = reader_str(r, at);
	size_t i = r->at;

	if (str_is_nocase(name, "UTF-8"))
		return true;
	if (!str_is_nocase(name, "US-ASCII") && !str_is_nocase(name, "ASCII"))
		return reader_bad(
			r, at,
			"the declared encoding is '%s': only UTF-8 and US-ASCII are read",
			str_shown(r->a, name));
	while (i < r->text.n && r->text.p[i] < 0x80)
		i++;
	if (i == r->text.n && !(r->broken_at && r->text.p[i] >= 0x80))
		return true;
	r->text.n = i;
	r->broken_at = "a byte that is no US-ASCII, which is the declared encoding";
	return true;
}

static bool check_part(struct reader *r, const char *name, struct span v)
{
	if (strcmp(name, "encoding") == 0)
		return check_encoding(r, v);
	if (strcmp(name, "version") == 0)
		return is_version(reader_str(r, v)) ||
		       reader_bad(r, v, "XML version '%s': 1.0 was expected",
				  reader_shown(r, v));
	return str_is(reader_str(r, v), "yes") || str_is(reader_str(r, v), "no") ||
	       reader_bad(r, v, "standalone is '%s': yes or no was expected",
			  reader_shown(r, v));
}

bool reader_xml_declaration(struct reader *r)
{
	static const char *const parts[] = { "version", "encoding", "standalone" };
	size_t from = r->at, at;
	struct span v;
	bool blank = false;

	if (!reader_sees(r, "<?xml") || r->at + 5 == r->text.n ||
	    !xml_is_blank(r->text.p[r->at + 5]))
		return true;
	r->at += 5;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		blank = reader_skip_blanks(r) || blank;
		at = r->at;
		if (!pseudo_attribute(r, parts[i], &v)) {
			if (i > 0)
				continue;
			return reader_bad(r, reader_span(r, from, from + 5),
					  "an XML declaration must state its version");
		}
		if (!blank)
			return reader_bad(r, reader_span(r, at, at + 1),
					  "a blank is missing in the XML declaration");
		if (!check_part(r, parts[i], v))
			return false;
		blank = false;
	}
	reader_skip_blanks(r);
	if (!reader_sees(r, "?>"))
		return reader_bad(r, reader_span(r, from, r->at),
				  "the XML declaration is not as it must be: "
				  "<?xml version=\"1.0\" encoding=\"UTF-8\" "
				  "standalone=\"yes\"?>, the last two optional");
	r->at += 2;
	return true;
}

/* ---- <!DOCTYPE plist PUBLIC "..." "..."> ---- */

/* [13] */
static bool is_public_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("0123456789 \r\n-'()+,./:=?;!*#@$_%", c));
}

/* A blank, then "..." or '...', which a public one has rules for. False without a word: it
 * is not there. */
static bool skip_literal(struct reader *r, bool is_public)
{
	size_t from;

	if (!reader_skip_blanks(r) || (!reader_sees(r, "'") && !reader_sees(r, "\"")))
		return false;
	from = r->at++;
	while (r->at < r->text.n && r->text.p[r->at] != r->text.p[from]) {
		if (is_public && !is_public_char(r->text.p[r->at]))
			return false;
		r->at++;
	}
	if (r->at == r->text.n)
		return false;
	r->at++;
	return true;
}

/* [75] ExternalID, if there is one. */
static bool skip_names(struct reader *r)
{
	bool is_public = reader_sees(r, "PUBLIC");

	if (!is_public && !reader_sees(r, "SYSTEM"))
		return true;
	r->at += 6;
	return (!is_public || skip_literal(r, true)) && skip_literal(r, false);
}

bool reader_doctype(struct reader *r)
{
	static const char start[] = "<!DOCTYPE";
	size_t from = r->at, n = sizeof(start) - 1, prefix;
	struct span name;
	bool whole;

	r->at += n;
	if (!reader_skip_blanks(r) || !reader_qname(r, &name, &prefix) ||
	    !str_is(reader_str(r, name), "plist"))
		return r->bad ? false
			      : reader_bad(r, reader_span(r, from, from + n),
					   "document type declarations are not accepted, "
					   "but for that of a property list");
	reader_skip_blanks(r);
	whole = skip_names(r);
	reader_skip_blanks(r);
	if (r->at == r->text.n)
		return reader_ended(r, from, "a document type declaration");
	if (!whole || !reader_sees(r, ">"))
		return reader_bad(r, reader_span(r, from, r->at + 1),
				  "a document type declaration that holds more than the "
				  "names of a property list's");
	if (r->root || r->doctype)
		return reader_bad(
			r, reader_span(r, from, r->at + 1),
			"a document type declaration behind the root element, or "
			"a second one");
	r->doctype = true;
	r->at++;
	return true;
}
