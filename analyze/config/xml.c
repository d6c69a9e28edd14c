/* Where each piece of an XML text stands: one pass, no recursion, no look back.
 * XML 1.0 (5th ed.), Namespaces 1.0; no document type declarations.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml.h"
#include "analyze/config/node.h"
#include "analyze/config/xml_judge.h"
#include "analyze/config/xml_lex.h"
#include "base/utf8.h"

#include <strings.h>

#include "base/banned.h"

#define NS_XML "http://www.w3.org/XML/1998/namespace"

/* An element whose end tag has not come. */
struct open {
	struct node *node;
	unsigned declarations; /* in scope outside of it */
	bool plain;            /* its content means itself, byte for byte */
	bool says;             /* has text of its own that is more than blanks */
};

struct declaration {
	struct str prefix, uri; /* prefix empty: the default namespace */
};

struct reader {
	const struct source *src;
	struct arena *a;
	struct view text; /* the part that can be read: see broken_at */
	size_t at;
	const char *broken_at; /* why text ends before the input does, or NULL */
	struct node *root;
	struct syntax_error *bad;
	struct err *e;
	unsigned depth, declarations;
	struct open open[XML_DEPTH_MAX];
	struct declaration declared[XML_DECLARATIONS_MAX];
};

/* Every function below returns false when reading stopped: for bad text (r->bad is set)
 * or because of a limit (r->e is set). */

/* ---- places and messages ---- */

static struct span span_of(const struct reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->src, .off = from, .len = to - from };
}

static struct str str_at(const struct reader *r, size_t from, size_t to)
{
	return (struct str){ (const char *)r->text.p + from, to - from };
}

static const char *shown_at(const struct reader *r, struct span s)
{
	return str_shown(r->a, str_at(r, s.off, span_end(s)));
}

static bool over(struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool over(struct reader *r, const char *fmt, ...)
{
	char msg[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(r->e, ERR_LIMIT, "%s", msg);
	return false;
}

static bool bad(struct reader *r, size_t from, size_t to, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static bool bad(struct reader *r, size_t from, size_t to, const char *fmt, ...)
{
	va_list ap;

	r->bad = arena_new(r->a, struct syntax_error);
	r->bad->at = span_of(r, from, to);
	va_start(ap, fmt);
	r->bad->what = arena_vprintf(r->a, fmt, ap);
	va_end(ap);
	return false;
}

/* The text ends within something that began at `from`. */
static bool ended(struct reader *r, size_t from, const char *what)
{
	size_t to = from;

	if (r->broken_at)
		return bad(r, r->text.n, r->text.n + 1, "%s", r->broken_at);
	while (to < r->text.n && r->text.p[to] != '\n' && r->text.p[to] != '\r')
		to++;
	return bad(r, from, to, "%s that does not end", what);
}

static unsigned line_of(const struct reader *r, uint64_t off)
{
	unsigned line = 1;

	for (size_t i = 0; i < off; i++)
		line += r->text.p[i] == '\n';
	return line;
}

/* ---- small pieces ---- */

static bool looking_at(const struct reader *r, const char *what)
{
	return view_eq(r->text, r->at, what, strlen(what));
}

static bool skip_blanks(struct reader *r)
{
	size_t from = r->at;

	while (r->at < r->text.n && xml_is_blank(r->text.p[r->at]))
		r->at++;
	return r->at > from;
}

/* A name with at most one colon, not at an end of it: Namespaces 1.0, 4. *prefix: bytes
 * before the colon. False without a word when there is no name here. */
static bool qname(struct reader *r, struct span *at, size_t *prefix)
{
	struct view rest = view_cut(r->text, r->at, r->text.n - r->at);
	size_t n = xml_ncname(rest), local = 0;
	bool colon = n < rest.n && rest.p[n] == ':';

	*prefix = 0;
	if (colon) {
		*prefix = n++;
		local = xml_ncname(view_cut(rest, n, rest.n - n));
		n += local;
	}
	*at = span_of(r, r->at, r->at + n);
	if (n == 0)
		return false;
	if (colon && (*prefix == 0 || local == 0 || (n < rest.n && rest.p[n] == ':')))
		return bad(r, r->at, r->at + n,
			   "'%s' is no name: at most one colon, between two names, was expected",
			   shown_at(r, *at));
	r->at += n;
	return true;
}

static bool check_reference(struct reader *r, size_t at, size_t end, size_t *len)
{
	const char *why;
	uint32_t c;
	size_t n;

	*len = xml_reference(view_cut(r->text, at, end - at), &c, &n, &why);
	if (*len)
		return true;
	return bad(r, at, at + n, "'%s' %s", str_shown(r->a, str_at(r, at, at + n)), why);
}

/* ---- nodes ---- */

static struct node *node_new(struct reader *r, enum node_kind kind, struct node *up)
{
	struct node *n = arena_try_new(r->a, struct node);

	if (!n) {
		over(r, "the tree of this text needs more memory than is allowed");
		return NULL;
	}
	n->kind = kind;
	n->syntax = SYNTAX_XML;
	n->up = up;
	if (!up)
		return n;
	if (up->last)
		up->last->next = n;
	else
		up->first = n;
	up->last = n;
	return n;
}

static const struct str *uri_of(const struct reader *r, struct str prefix)
{
	static const struct str xml = { NS_XML, sizeof(NS_XML) - 1 };

	for (unsigned i = r->declarations; i-- > 0;) {
		if (str_eq(r->declared[i].prefix, prefix))
			return &r->declared[i].uri;
	}
	return str_is(prefix, "xml") ? &xml : NULL;
}

/* key and ns of a node whose key_at is known, once the declarations of its tag are. */
static void resolve_name(const struct reader *r, struct node *n, size_t prefix)
{
	size_t from = n->key_at.off, end = span_end(n->key_at);
	const struct str *uri = NULL;

	n->key = str_at(r, from, end);
	if (prefix || n->kind == NODE_ELEMENT)
		uri = uri_of(r, str_at(r, from, from + prefix));
	if (!uri)
		return;
	n->ns = *uri;
	if (prefix)
		n->key = str_at(r, from + prefix + 1, end);
}

/* A declaration's node gets its name here, the other attributes only when all of them are
 * known. Namespaces 1.0, 3. */
static bool declare(struct reader *r, struct node *n, size_t prefix)
{
	struct declaration *d;

	n->ns = STR(XML_NS_DECLARATION);
	n->key =
		str_at(r, n->key_at.off + (prefix ? prefix + 1 : 0), span_end(n->key_at));
	if (str_is(n->text, XML_NS_DECLARATION) || (prefix && str_is(n->key, "xmlns")) ||
	    str_is(n->text, NS_XML) != (prefix && str_is(n->key, "xml")))
		return bad(
			r, n->whole.off, span_end(n->whole),
			"the prefixes xml and xmlns and their namespaces are reserved");
	if (prefix && n->text.n == 0)
		return bad(r, n->whole.off, span_end(n->whole),
			   "prefix '%s' is declared without a namespace",
			   str_shown(r->a, n->key));
	if (r->declarations == XML_DECLARATIONS_MAX)
		return over(
			r,
			"more than %d namespace declarations are in scope at byte %llu",
			XML_DECLARATIONS_MAX, (unsigned long long)n->whole.off);
	d = &r->declared[r->declarations++];
	d->prefix = prefix ? n->key : (struct str){ 0 };
	d->uri = n->text;
	return true;
}

/* ---- start tags ---- */

/* Sets n->text from what stands between the quotes. */
static bool read_value(struct reader *r, struct node *n)
{
	size_t from = n->text_at.off, end = span_end(n->text_at), len;
	bool plain = true;
	uint8_t *out;

	for (size_t i = from; i < end; i += len) {
		uint8_t c = r->text.p[i];

		len = 1;
		if (c == '<')
			return bad(
				r, i, i + 1,
				"'<' in the value of attribute '%s': either its closing "
				"quote is missing, or &lt; was meant",
				shown_at(r, n->key_at));
		if (c == '&' && !check_reference(r, i, end, &len))
			return false;
		if (c == '&' || c == '\n' || c == '\r' || c == '\t')
			plain = false;
	}
	n->text = str_at(r, from, end);
	if (plain)
		return true;
	out = arena_try(r->a, end - from, 1);
	if (!out)
		return over(r,
			    "the values of this text need more memory than is allowed");
	n->text.n = xml_decode_value(view_cut(r->text, from, end - from), out);
	n->text.p = (const char *)out;
	return true;
}

/* = and the quotes behind an attribute's name. */
static bool read_assignment(struct reader *r, struct node *n)
{
	const uint8_t *close;
	size_t quote;

	skip_blanks(r);
	if (r->at == r->text.n)
		return ended(r, n->key_at.off, "a tag");
	if (r->text.p[r->at] != '=')
		return bad(r, n->key_at.off, span_end(n->key_at),
			   "attribute '%s' has no value: '=' was expected after its name",
			   shown_at(r, n->key_at));
	r->at++;
	skip_blanks(r);
	if (r->at == r->text.n)
		return ended(r, n->key_at.off, "a tag");
	quote = r->at;
	if (r->text.p[quote] != '"' && r->text.p[quote] != '\'')
		return bad(r, quote, quote + 1,
			   "the value of attribute '%s' is not in quotes",
			   shown_at(r, n->key_at));
	close = memchr(r->text.p + quote + 1, r->text.p[quote], r->text.n - quote - 1);
	r->at = close ? (size_t)(close - r->text.p) : r->text.n;
	n->text_at = span_of(r, quote + 1, r->at);
	if (!read_value(r, n))
		return false;
	if (!close && !r->broken_at)
		return bad(r, quote, quote + 1,
			   "the value of attribute '%s' has no closing quote",
			   shown_at(r, n->key_at));
	if (!close)
		return ended(r, quote, "a value");
	r->at++;
	return true;
}

static bool read_attribute(struct reader *r, struct node *element)
{
	struct node *n = node_new(r, NODE_ATTRIBUTE, element);
	size_t from = r->at, prefix;

	if (!n)
		return false;
	if (!qname(r, &n->key_at, &prefix)) {
		if (!r->bad)
			bad(r, from, from + 1,
			    "'%s' in the tag of <%s>: an attribute, '>' or '/>' was expected",
			    str_shown(r->a, str_at(r, from, from + 1)),
			    shown_at(r, element->key_at));
		return false;
	}
	if (!read_assignment(r, n))
		return false;
	n->whole = n->open_at = span_of(r, from, r->at);
	if (prefix ? str_is(str_at(r, from, from + prefix), "xmlns")
		   : str_is(str_at(r, from, span_end(n->key_at)), "xmlns"))
		return declare(r, n, prefix);
	return true;
}

/* Names of attributes mean something only when the whole tag is known. */
static bool resolve_attributes(struct reader *r, struct node *element)
{
	for (struct node *n = element->first; n; n = n->next) {
		struct str raw = str_at(r, n->key_at.off, span_end(n->key_at));
		const char *colon = memchr(raw.p, ':', raw.n);

		if (n->ns.n == 0)
			resolve_name(r, n, colon ? (size_t)(colon - raw.p) : 0);
		for (const struct node *o = element->first; o != n; o = o->next) {
			if (str_eq(o->key, n->key) && str_eq(o->ns, n->ns))
				return bad(r, n->key_at.off, span_end(n->key_at),
					   "attribute '%s' appears twice",
					   shown_at(r, n->key_at));
		}
	}
	return true;
}

/* To the '>' or '/>' of a start tag. */
static bool read_attributes(struct reader *r, struct node *n)
{
	for (unsigned count = 0;; count++) {
		bool blank = skip_blanks(r);
		size_t from = r->at;

		if (from == r->text.n ||
		    (r->text.p[from] == '/' && from + 1 == r->text.n))
			return ended(r, n->whole.off, "a tag");
		n->self_closing = looking_at(r, "/>");
		if (n->self_closing || r->text.p[from] == '>') {
			r->at += n->self_closing ? 2 : 1;
			return resolve_attributes(r, n);
		}
		if (!blank && xml_ncname(view_cut(r->text, from, r->text.n - from)) > 0)
			return bad(r, from, from + 1,
				   "a blank is missing before this attribute");
		if (count == XML_ATTRIBUTES_MAX)
			return over(r, "more than %d attributes in one tag at byte %llu",
				    XML_ATTRIBUTES_MAX, (unsigned long long)n->whole.off);
		if (!read_attribute(r, n))
			return false;
	}
}

static bool begin_content(struct reader *r, struct node *n, unsigned declarations)
{
	struct open *o;

	n->open_at = n->whole = span_of(r, n->whole.off, r->at);
	n->text_at = span_of(r, r->at, r->at);
	if (n->self_closing) {
		r->declarations = declarations;
		return true;
	}
	if (r->depth == XML_DEPTH_MAX)
		return over(r, "elements are nested more than %d deep at byte %llu",
			    XML_DEPTH_MAX, (unsigned long long)n->whole.off);
	o = &r->open[r->depth++];
	*o = (struct open){ .node = n, .declarations = declarations, .plain = true };
	return true;
}

static bool read_start_tag(struct reader *r)
{
	struct node *up = r->depth ? r->open[r->depth - 1].node : NULL, *n;
	unsigned declarations = r->declarations;
	size_t from = r->at++, prefix;
	struct span name;

	if (!qname(r, &name, &prefix))
		return r->bad ? false
			      : bad(r, from, from + 1,
				    "'<' begins no tag: &lt; was expected for the character itself");
	if (!up && r->root)
		return bad(r, from, r->at, "<%s> is a second root element",
			   shown_at(r, name));
	if (up)
		r->open[r->depth - 1].plain = false;
	n = node_new(r, NODE_ELEMENT, up);
	if (!n)
		return false;
	if (!up)
		r->root = n;
	n->key_at = name;
	n->whole = span_of(r, from, r->at);
	if (!read_attributes(r, n))
		return false;
	resolve_name(r, n, prefix);
	return begin_content(r, n, declarations);
}

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
		return over(r,
			    "the values of this text need more memory than is allowed");
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
	struct str raw = str_at(r, n->text_at.off, span_end(n->text_at));
	struct str trimmed = str_trim(raw);

	n->lead = (uint32_t)(trimmed.p - raw.p);
	n->trail = (uint32_t)(raw.n - trimmed.n) - n->lead;
	n->text = trimmed;
	return o->plain ? true : decode_text(r, n);
}

static bool read_end_tag(struct reader *r)
{
	struct open *o = r->depth ? &r->open[r->depth - 1] : NULL;
	size_t from = r->at, prefix;
	struct span name;
	struct node *n;

	r->at += 2;
	if (!qname(r, &name, &prefix))
		return r->bad ? false
			      : bad(r, from, r->at, "'</' is followed by no name");
	skip_blanks(r);
	if (r->at == r->text.n)
		return ended(r, from, "an end tag");
	if (!o)
		return bad(r, from, r->at, "</%s> closes nothing", shown_at(r, name));
	n = o->node;
	if (!str_eq(str_at(r, name.off, span_end(name)),
		    str_at(r, n->key_at.off, span_end(n->key_at))))
		return bad(r, from, r->at, "</%s> where </%s> was expected, for line %u",
			   shown_at(r, name), shown_at(r, n->key_at),
			   line_of(r, n->whole.off));
	if (r->text.p[r->at] != '>')
		return bad(r, r->at, r->at + 1, "'>' was expected to end </%s>",
			   shown_at(r, name));
	r->at++;
	n->text_at = span_of(r, span_end(n->open_at), from);
	n->whole = span_of(r, n->whole.off, r->at);
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
			return bad(r, r->at, r->at + 1,
				   "text outside of the root element");
		o->says = true;
		if (c == '&' && !check_reference(r, r->at, end, &len))
			return false;
		if (c == '&')
			o->plain = false;
		else if (c == ']' && looking_at(r, "]]>"))
			return bad(r, r->at, r->at + 3, "']]>' ends no CDATA section");
	}
	return true;
}

static bool read_cdata(struct reader *r)
{
	size_t from = r->at, end = xml_seek(r->text, from, "]]>");

	if (r->depth == 0)
		return bad(r, from, from + 9, "text outside of the root element");
	if (end == r->text.n)
		return ended(r, from, "a CDATA section");
	r->open[r->depth - 1].plain = false;
	r->open[r->depth - 1].says = true;
	r->at = end + 3;
	return true;
}

static bool read_comment(struct reader *r)
{
	size_t from = r->at, end = xml_seek(r->text, from + 4, "--");

	if (end + 2 >= r->text.n && !(end + 2 == r->text.n && !r->broken_at))
		return ended(r, from, "a comment");
	if (!view_eq(r->text, end, "-->", 3))
		return bad(r, end, end + 2, "'--' within a comment: '-->' ends it");
	if (r->depth)
		r->open[r->depth - 1].plain = false;
	r->at = end + 3;
	return true;
}

static bool read_instruction(struct reader *r)
{
	size_t from = r->at, name, end;
	struct str target;

	r->at += 2;
	name = xml_ncname(view_cut(r->text, r->at, r->text.n - r->at));
	target = str_at(r, r->at, r->at + name);
	if (r->at + name == r->text.n)
		return ended(r, from, "a processing instruction");
	if (name == 0)
		return bad(r, from, r->at, "'<?' is followed by no name");
	if (target.n == 3 && strncasecmp(target.p, "xml", 3) == 0)
		return bad(r, from, r->at + name,
			   "an XML declaration may only stand at the very start");
	r->at += name;
	if (!looking_at(r, "?>") && !xml_is_blank(r->text.p[r->at]) &&
	    !(r->at + 1 == r->text.n && r->text.p[r->at] == '?'))
		return bad(r, r->at, r->at + 1,
			   "a blank or '?>' was expected after the name '%s'",
			   str_shown(r->a, target));
	end = xml_seek(r->text, r->at, "?>");
	if (end == r->text.n)
		return ended(r, from, "a processing instruction");
	if (r->depth)
		r->open[r->depth - 1].plain = false;
	r->at = end + 2;
	return true;
}

static bool read_declaration_like(struct reader *r)
{
	if (looking_at(r, "<!--"))
		return read_comment(r);
	if (looking_at(r, "<![CDATA["))
		return read_cdata(r);
	if (looking_at(r, "<!DOCTYPE"))
		return bad(r, r->at, r->at + 9,
			   "document type declarations are not accepted");
	if (r->text.n - r->at < 9)
		return ended(r, r->at, "a comment or CDATA section");
	return bad(r, r->at, r->at + 2,
		   "'<!' begins neither a comment nor a CDATA section");
}

static bool read_piece(struct reader *r)
{
	if (r->text.p[r->at] != '<')
		return read_text(r);
	if (r->at + 1 == r->text.n)
		return ended(r, r->at, "a tag");
	switch (r->text.p[r->at + 1]) {
	case '/':
		return read_end_tag(r);
	case '?':
		return read_instruction(r);
	case '!':
		return read_declaration_like(r);
	default:
		return read_start_tag(r);
	}
}

/* ---- the whole document ---- */

/* One name="value" of the XML declaration, whose plain values need no decoding. False
 * without a word: it is not there. */
static bool pseudo_attribute(struct reader *r, const char *name, struct span *value)
{
	const uint8_t *p = r->text.p, *close;
	size_t from;

	if (!looking_at(r, name))
		return false;
	r->at += strlen(name);
	skip_blanks(r);
	if (!looking_at(r, "="))
		return false;
	r->at++;
	skip_blanks(r);
	if (!looking_at(r, "'") && !looking_at(r, "\""))
		return false;
	from = r->at + 1;
	close = memchr(p + from, p[from - 1], r->text.n - from);
	if (!close)
		return false;
	*value = span_of(r, from, (size_t)(close - p));
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
	struct str name = str_at(r, at.off, span_end(at));

	if (str_is_nocase(name, "UTF-8"))
		return true;
	if (!str_is_nocase(name, "US-ASCII") && !str_is_nocase(name, "ASCII"))
		return bad(
			r, at.off, span_end(at),
			"the declared encoding is '%s': only UTF-8 and US-ASCII are read",
			str_shown(r->a, name));
	for (size_t i = 0; i < r->text.n; i++) {
		if (r->text.p[i] < 0x80)
			continue;
		r->text.n = i;
		r->broken_at =
			"a byte that is no US-ASCII, which is the declared encoding";
	}
	return true;
}

/* [23] XMLDecl */
static bool read_xml_declaration(struct reader *r)
{
	size_t from = r->at;
	struct span v;
	bool blank;

	if (!looking_at(r, "<?xml") || r->at + 5 == r->text.n ||
	    !xml_is_blank(r->text.p[r->at + 5]))
		return true;
	r->at += 5;
	skip_blanks(r);
	if (!pseudo_attribute(r, "version", &v))
		return bad(r, from, from + 5,
			   "an XML declaration must state its version");
	if (!is_version(str_at(r, v.off, span_end(v))))
		return bad(r, v.off, span_end(v), "XML version '%s': 1.0 was expected",
			   shown_at(r, v));
	blank = skip_blanks(r);
	if (blank && pseudo_attribute(r, "encoding", &v)) {
		if (!check_encoding(r, v))
			return false;
		blank = skip_blanks(r);
	}
	if (blank && pseudo_attribute(r, "standalone", &v)) {
		if (!str_is(str_at(r, v.off, span_end(v)), "yes") &&
		    !str_is(str_at(r, v.off, span_end(v)), "no"))
			return bad(r, v.off, span_end(v),
				   "standalone is '%s': yes or no was expected",
				   shown_at(r, v));
		skip_blanks(r);
	}
	if (!looking_at(r, "?>"))
		return bad(
			r, from, r->at,
			"the XML declaration is not as it must be: <?xml version=\"1.0\" "
			"encoding=\"UTF-8\" standalone=\"yes\"?>, the last two optional");
	r->at += 2;
	return true;
}

static bool read_document(struct reader *r)
{
	const struct node *n;

	if (looking_at(r, "\xef\xbb\xbf"))
		r->at += 3;
	if (!read_xml_declaration(r))
		return false;
	while (r->at < r->text.n) {
		if (!read_piece(r))
			return false;
	}
	if (r->broken_at)
		return bad(r, r->text.n, r->text.n + 1, "%s", r->broken_at);
	if (!r->root)
		return bad(r, r->text.n, r->text.n, "the text has no root element");
	if (r->depth == 0)
		return true;
	n = r->open[r->depth - 1].node;
	return bad(r, n->open_at.off, span_end(n->open_at), "<%s> has no end tag",
		   shown_at(r, n->key_at));
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
		bad(r, v.differs->open_at.off, span_end(v.differs->open_at),
		    "read differently by libxml2 and by vmend, so it is not judged further");
		return 0;
	}
	for (unsigned line = 1; line < v.line && from < text.n; from++)
		line += text.p[from] == '\n';
	to = from;
	while (to < text.n && text.p[to] != '\n' && text.p[to] != '\r')
		to++;
	bad(r, from, to, "libxml2 refuses it: %s",
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
	if (!r.bad)
		*root = r.root;
	return 0;
}
