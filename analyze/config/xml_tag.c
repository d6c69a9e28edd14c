/* Start tags, and the nodes that they make. XML 1.0 (5th ed.) 3.1, Namespaces 1.0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml_reader.h"
#include "base/banned.h"

#define NS_XML "http://www.w3.org/XML/1998/namespace"

static struct node *node_new(struct reader *r, enum node_kind kind, struct node *up)
{
	struct node *n = arena_try_new(r->a, struct node);

	if (!n) {
		reader_over(r, "the tree of this text needs more memory than is allowed");
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

	n->key = reader_str(r, reader_span(r, from, end));
	if (prefix || n->kind == NODE_ELEMENT)
		uri = uri_of(r, reader_str(r, reader_span(r, from, from + prefix)));
	if (!uri)
		return;
	n->ns = *uri;
	if (prefix)
		n->key = reader_str(r, reader_span(r, from + prefix + 1, end));
}

/* A declaration's node gets its name here, the other attributes only when all of them are
 * known. Namespaces 1.0, 3. */
static bool declare(struct reader *r, struct node *n, size_t prefix)
{
	struct declaration *d;

	n->ns = STR(XML_NS_DECLARATION);
	n->key = reader_str(r, reader_span(r, n->key_at.off + (prefix ? prefix + 1 : 0),
					   span_end(n->key_at)));
	if (str_is(n->text, XML_NS_DECLARATION) || (prefix && str_is(n->key, "xmlns")) ||
	    str_is(n->text, NS_XML) != (prefix && str_is(n->key, "xml")))
		return reader_bad(
			r, n->whole,
			"the prefixes xml and xmlns and their namespaces are reserved");
	if (prefix && n->text.n == 0)
		return reader_bad(r, n->whole,
				  "prefix '%s' is declared without a namespace",
				  str_shown(r->a, n->key));
	if (r->declarations == XML_DECLARATIONS_MAX)
		return reader_over(
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
			return reader_bad(
				r, reader_span(r, i, i + 1),
				"'<' in the value of attribute '%s': either its closing "
				"quote is missing, or &lt; was meant",
				reader_shown(r, n->key_at));
		if (c == '&' && !reader_reference(r, i, end, &len))
			return false;
		if (c == '&' || c == '\n' || c == '\r' || c == '\t')
			plain = false;
	}
	n->text = reader_str(r, reader_span(r, from, end));
	if (plain)
		return true;
	out = arena_try(r->a, end - from, 1);
	if (!out)
		return reader_over(
			r, "the values of this text need more memory than is allowed");
	n->text.n = xml_decode_value(view_cut(r->text, from, end - from), out);
	n->text.p = (const char *)out;
	return true;
}

/* = and the quotes behind an attribute's name. */
static bool read_assignment(struct reader *r, struct node *n)
{
	const uint8_t *close;
	size_t quote;

	reader_skip_blanks(r);
	if (r->at == r->text.n)
		return reader_ended(r, n->key_at.off, "a tag");
	if (r->text.p[r->at] != '=')
		return reader_bad(
			r, n->key_at,
			"attribute '%s' has no value: '=' was expected after its name",
			reader_shown(r, n->key_at));
	r->at++;
	reader_skip_blanks(r);
	if (r->at == r->text.n)
		return reader_ended(r, n->key_at.off, "a tag");
	quote = r->at;
	if (r->text.p[quote] != '"' && r->text.p[quote] != '\'')
		return reader_bad(r, reader_span(r, quote, quote + 1),
				  "the value of attribute '%s' is not in quotes",
				  reader_shown(r, n->key_at));
	close = memchr(r->text.p + quote + 1, r->text.p[quote], r->text.n - quote - 1);
	r->at = close ? (size_t)(close - r->text.p) : r->text.n;
	n->text_at = reader_span(r, quote + 1, r->at);
	if (!read_value(r, n))
		return false;
	if (!close && !r->broken_at)
		return reader_bad(r, reader_span(r, quote, quote + 1),
				  "the value of attribute '%s' has no closing quote",
				  reader_shown(r, n->key_at));
	if (!close)
		return reader_ended(r, quote, "a value");
	r->at++;
	return true;
}

static bool read_attribute(struct reader *r, struct node *element)
{
	struct node *n = node_new(r, NODE_ATTRIBUTE, element);
	struct span here = reader_span(r, r->at, r->at + 1);
	size_t from = r->at, prefix;

	if (!n)
		return false;
	if (!reader_qname(r, &n->key_at, &prefix)) {
		if (!r->bad)
			reader_bad(
				r, here,
				"'%s' in the tag of <%s>: an attribute, '>' or '/>' was "
				"expected",
				reader_shown(r, here), reader_shown(r, element->key_at));
		return false;
	}
	if (!read_assignment(r, n))
		return false;
	n->whole = n->open_at = reader_span(r, from, r->at);
	/* The prefix, or the name that has none. */
	if (prefix == 0)
		here = n->key_at;
	else
		here.len = prefix;
	return str_is(reader_str(r, here), "xmlns") ? declare(r, n, prefix) : true;
}

/* Names of attributes mean something only when the whole tag is known. */
static bool resolve_attributes(struct reader *r, struct node *element)
{
	for (struct node *n = element->first; n; n = n->next) {
		struct str raw = reader_str(r, n->key_at);
		const char *colon = memchr(raw.p, ':', raw.n);

		if (n->ns.n == 0)
			resolve_name(r, n, colon ? (size_t)(colon - raw.p) : 0);
		for (const struct node *o = element->first; o != n; o = o->next) {
			if (str_eq(o->key, n->key) && str_eq(o->ns, n->ns))
				return reader_bad(r, n->key_at,
						  "attribute '%s' appears twice",
						  reader_shown(r, n->key_at));
		}
	}
	return true;
}

/* To the '>' or '/>' of a start tag. */
static bool read_attributes(struct reader *r, struct node *n)
{
	for (unsigned count = 0;; count++) {
		bool blank = reader_skip_blanks(r);
		size_t from = r->at;

		if (from == r->text.n ||
		    (r->text.p[from] == '/' && from + 1 == r->text.n))
			return reader_ended(r, n->whole.off, "a tag");
		n->self_closing = reader_sees(r, "/>");
		if (n->self_closing || r->text.p[from] == '>') {
			r->at += n->self_closing ? 2 : 1;
			return resolve_attributes(r, n);
		}
		if (!blank && xml_ncname(view_cut(r->text, from, r->text.n - from)) > 0)
			return reader_bad(r, reader_span(r, from, from + 1),
					  "a blank is missing before this attribute");
		if (count == XML_ATTRIBUTES_MAX)
			return reader_over(
				r, "more than %d attributes in one tag at byte %llu",
				XML_ATTRIBUTES_MAX, (unsigned long long)n->whole.off);
		if (!read_attribute(r, n))
			return false;
	}
}

static bool begin_content(struct reader *r, struct node *n, unsigned declarations)
{
	struct open *o;

	n->open_at = n->whole = reader_span(r, n->whole.off, r->at);
	n->text_at = reader_span(r, r->at, r->at);
	if (n->self_closing) {
		r->declarations = declarations;
		return true;
	}
	if (r->depth == XML_DEPTH_MAX)
		return reader_over(r,
				   "elements are nested more than %d deep at byte %llu",
				   XML_DEPTH_MAX, (unsigned long long)n->whole.off);
	o = &r->open[r->depth++];
	*o = (struct open){ .node = n, .declarations = declarations, .plain = true };
	return true;
}

bool reader_start_tag(struct reader *r)
{
	struct node *up = r->depth ? r->open[r->depth - 1].node : NULL, *n;
	unsigned declarations = r->declarations;
	size_t from = r->at++, prefix;
	struct span name;

	if (!reader_qname(r, &name, &prefix)) {
		if (!r->bad)
			reader_bad(r, reader_span(r, from, from + 1),
				   "'<' begins no tag: &lt; was expected for the "
				   "character itself");
		return false;
	}
	if (!up && r->root)
		return reader_bad(r, reader_span(r, from, r->at),
				  "<%s> is a second root element", reader_shown(r, name));
	if (up)
		r->open[r->depth - 1].plain = false;
	n = node_new(r, NODE_ELEMENT, up);
	if (!n)
		return false;
	if (!up)
		r->root = n;
	n->key_at = name;
	n->whole = reader_span(r, from, r->at);
	if (!read_attributes(r, n))
		return false;
	resolve_name(r, n, prefix);
	return begin_content(r, n, declarations);
}
