/* Where each piece of an XML text stands: one pass, no recursion, no look back.
 * XML 1.0 (5th ed.), Namespaces 1.0; no document type declarations but a property list's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml.h"
#include "analyze/config/xml_judge.h"
#include "analyze/config/xml_reader.h"
#include "base/utf8.h"

#include <strings.h>

#include "base/banned.h"

/* ---- content and end tags ---- */

/* An element's own text: the runs between its children, joined. */
static bool decode_text(struct reader *r, struct node *n)
{
	size_t from = n->text_at.off, end = span_end(n->text_at);
	uint64_t room = n->text_at.len;
	uint8_t *out;
	size_t len = 0;

	for_each_node (child, n) {
		if (child->kind == NODE_ELEMENT)
			room -= child->whole.len;
	}
	out = arena_try(r->a, room, 1);
	if (!out)
		return reader_over(
			r, "the values of this text need more memory than is allowed");
	for_each_node (child, n) {
		if (child->kind != NODE_ELEMENT)
			continue;
		len += xml_decode_content(
			view_cut(r->text, from, child->whole.off - from), out + len);
		from = span_end(child->whole);
	}
	len += xml_decode_content(view_cut(r->text, from, end - from), out + len);
	n->text = str_trim((struct str){ (const char *)out, len });
	return true;
}

static bool read_own_text(struct reader *r, const struct open *o)
{
	struct node *n = o->node;
	struct str raw = reader_str(r, n->text_at);
	struct str trimmed = str_trim(raw);

	n->lead = (uint32_t)(trimmed.p - raw.p);
	n->trail = (uint32_t)(raw.n - trimmed.n) - n->lead;
	n->text = trimmed;
	return o->plain ? true : decode_text(r, n);
}

static unsigned line_of(const struct reader *r, uint64_t off)
{
	unsigned line = 1;

	for (size_t i = 0; i < off; i++)
		line += r->text.p[i] == '\n';
	return line;
}

static bool read_end_tag(struct reader *r)
{
	struct open *o = r->depth ? &r->open[r->depth - 1] : NULL;
	size_t from = r->at, prefix;
	struct span name;
	struct node *n;

	r->at += 2;
	if (r->at == r->text.n)
		return reader_ended(r, from, "an end tag");
	if (!reader_qname(r, &name, &prefix)) {
		if (!r->bad)
			reader_bad(r, reader_span(r, from, r->at),
				   "'</' is followed by no name");
		return false;
	}
	reader_skip_blanks(r);
	if (r->at == r->text.n)
		return reader_ended(r, from, "an end tag");
	if (!o)
		return reader_bad(r, reader_span(r, from, r->at), "</%s> closes nothing",
				  reader_shown(r, name));
	n = o->node;
	if (!str_eq(reader_str(r, name), reader_str(r, n->key_at)))
		return reader_bad(r, reader_span(r, from, r->at),
				  "</%s> where </%s> was expected, for line %u",
				  reader_shown(r, name), reader_shown(r, n->key_at),
				  line_of(r, n->whole.off));
	if (r->text.p[r->at] != '>')
		return reader_bad(r, reader_span(r, r->at, r->at + 1),
				  "'>' was expected to end </%s>", reader_shown(r, name));
	r->at++;
	n->text_at = reader_span(r, span_end(n->open_at), from);
	n->whole = reader_span(r, n->whole.off, r->at);
	r->declarations = o->declarations;
	r->depth--;
	return o->says ? read_own_text(r, o) : true;
}

/* A run of character data up to the next '<'. */
static bool read_text(struct reader *r)
{
	const uint8_t *lt = memchr(r->text.p + r->at, '<', r->text.n - r->at);
	size_t end = lt ? (size_t)(lt - r->text.p) : r->text.n, len;
	struct open *o = r->depth ? &r->open[r->depth - 1] : NULL;

	for (; r->at < end; r->at += len) {
		uint8_t c = r->text.p[r->at];

		len = 1;
		if (xml_is_blank(c)) {
			if (o && c == '\r')
				o->plain = false;
			continue;
		}
		if (!o)
			return reader_bad(r, reader_span(r, r->at, r->at + 1),
					  "text outside of the root element");
		o->says = true;
		if (c == '&' && !reader_reference(r, r->at, end, &len))
			return false;
		if (c == '&')
			o->plain = false;
		else if (c == ']' && reader_sees(r, "]]>"))
			return reader_bad(r, reader_span(r, r->at, r->at + 3),
					  "']]>' ends no CDATA section");
	}
	return true;
}

static bool read_cdata(struct reader *r)
{
	size_t from = r->at, end = xml_seek(r->text, from, "]]>");

	if (r->depth == 0)
		return reader_bad(r, reader_span(r, from, from + 9),
				  "text outside of the root element");
	if (end == r->text.n)
		return reader_ended(r, from, "a CDATA section");
	r->open[r->depth - 1].plain = false;
	r->open[r->depth - 1].says = true;
	r->at = end + 3;
	return true;
}

static bool read_comment(struct reader *r)
{
	size_t from = r->at, end = xml_seek(r->text, from + 4, "--");

	if (end + 2 >= r->text.n)
		return reader_ended(r, from, "a comment");
	if (!view_eq(r->text, end, "-->", 3))
		return reader_bad(r, reader_span(r, end, end + 2),
				  "'--' within a comment: '-->' ends it");
	if (r->depth)
		r->open[r->depth - 1].plain = false;
	r->at = end + 3;
	return true;
}

/* The name behind "<?". */
static bool read_target(struct reader *r, size_t from)
{
	struct span name;
	size_t prefix;

	r->at += 2;
	if (!reader_qname(r, &name, &prefix)) {
		if (!r->bad)
			reader_bad(r, reader_span(r, from, r->at),
				   "'<?' is followed by no name");
		return false;
	}
	if (prefix)
		return reader_bad(r, name,
				  "'%s' is no name for an instruction: it has a colon",
				  reader_shown(r, name));
	if (name.len == 3 && strncasecmp(reader_str(r, name).p, "xml", 3) == 0)
		return reader_bad(r, reader_span(r, from, r->at),
				  "an XML declaration may only stand at the very start");
	return true;
}

static bool read_instruction(struct reader *r)
{
	size_t from = r->at, end;

	if (from + 2 == r->text.n)
		return reader_ended(r, from, "a processing instruction");
	if (!read_target(r, from))
		return false;
	end = xml_seek(r->text, r->at, "?>");
	if (end == r->text.n)
		return reader_ended(r, from, "a processing instruction");
	if (end > r->at && !xml_is_blank(r->text.p[r->at]))
		return reader_bad(
			r, reader_span(r, r->at, r->at + 1),
			"a blank or '?>' was expected after the instruction's name");
	if (r->depth)
		r->open[r->depth - 1].plain = false;
	r->at = end + 2;
	return true;
}

/* Is the rest of the text a beginning of `what`? */
static bool ends_within(const struct reader *r, const char *what)
{
	size_t rest = r->text.n - r->at;

	return rest < strlen(what) && memcmp(r->text.p + r->at, what, rest) == 0;
}

/* What begins with "<!". */
static bool read_markup(struct reader *r)
{
	if (reader_sees(r, "<!--"))
		return read_comment(r);
	if (reader_sees(r, "<![CDATA["))
		return read_cdata(r);
	if (reader_sees(r, "<!DOCTYPE"))
		return reader_doctype(r);
	if (ends_within(r, "<!--") || ends_within(r, "<![CDATA["))
		return reader_ended(r, r->at, "a comment or CDATA section");
	return reader_bad(r, reader_span(r, r->at, r->at + 2),
			  "'<!' begins neither a comment nor a CDATA section");
}

static bool read_piece(struct reader *r)
{
	if (r->text.p[r->at] != '<')
		return read_text(r);
	if (r->at + 1 == r->text.n)
		return reader_ended(r, r->at, "a tag");
	switch (r->text.p[r->at + 1]) {
	case '/':
		return read_end_tag(r);
	case '?':
		return read_instruction(r);
	case '!':
		return read_markup(r);
	default:
		return reader_start_tag(r);
	}
}

/* ---- the whole document ---- */

static bool read_document(struct reader *r)
{
	const struct node *n;

	if (reader_sees(r, "\xef\xbb\xbf"))
		r->at += 3;
	if (!reader_xml_declaration(r))
		return false;
	while (r->at < r->text.n) {
		if (!read_piece(r))
			return false;
	}
	if (r->broken_at)
		return reader_bad(r, reader_span(r, r->text.n, r->text.n + 1), "%s",
				  r->broken_at);
	if (!r->root)
		return reader_bad(r, reader_span(r, r->text.n, r->text.n),
				  "the text has no root element");
	if (r->depth == 0)
		return true;
	n = r->open[r->depth - 1].node;
	return reader_bad(r, n->open_at, "<%s> has no end tag",
			  reader_shown(r, n->key_at));
}

static bool is_utf16(struct view v)
{
	return v.n >= 2 &&
	       ((v.p[0] == 0xff && v.p[1] == 0xfe) ||
		(v.p[0] == 0xfe && v.p[1] == 0xff) || (v.p[0] == '<' && v.p[1] == 0) ||
		(v.p[0] == 0 && v.p[1] == '<'));
}

/* The text ends for us where it stops being characters. */
static void cut_at_bad_byte(struct reader *r)
{
	size_t n = xml_chars_upto(r->text);
	uint32_t c;

	if (n == r->text.n)
		return;
	if (utf8_decode(view_cut(r->text, n, r->text.n - n), &c))
		r->broken_at = arena_printf(
			r->a, "character U+%04X, which XML does not allow", (unsigned)c);
	else
		r->broken_at =
			arena_printf(r->a, "byte 0x%02x is not UTF-8", r->text.p[n]);
	r->text.n = n;
}

/* libxml2 has the last word. */
static int judge(struct reader *r, struct view text)
{
	struct xml_verdict v;
	size_t from = 0, to;

	xml_judge(text, r->root, &v);
	if (v.no_memory)
		return err_set(r->e, ERR_LIMIT, "libxml2 has no memory for this text");
	if (v.accepted && !v.differs)
		return 0;
	if (v.accepted) {
		reader_bad(
			r, v.differs->open_at,
			"read differently by libxml2 and by vmend: not judged further");
		return 0;
	}
	for (unsigned line = 1; line < v.line && from < text.n; from++)
		line += text.p[from] == '\n';
	to = from;
	while (to < text.n && text.p[to] != '\n' && text.p[to] != '\r')
		to++;
	reader_bad(r, reader_span(r, from, to), "libxml2 refuses it: %s",
		   str_shown(r->a, str_trim(str_of(v.why))));
	return 0;
}

int xml_read(const struct source *src, struct view text, struct arena *a,
	     struct node **root, const struct syntax_error **bad_text, struct err *e)
{
	struct reader r = { .src = src, .a = a, .text = text, .e = e };

	*root = NULL;
	*bad_text = NULL;
	if (text.n > XML_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "has %zu bytes, texts of up to %d are read",
			       text.n, XML_SIZE_MAX);
	if (is_utf16(text))
		return err_set(
			e, ERR_UNSUPPORTED,
			"is text in UTF-16, only UTF-8 is read: convert it with iconv");
	cut_at_bad_byte(&r);
	if (read_document(&r)) {
		if (judge(&r, text) != 0)
			return -1;
	} else if (!r.bad) {
		return -1;
	}
	*bad_text = r.bad;
	if (!r.bad) {
		node_index(r.root);
		*root = r.root;
	}
	return 0;
}
