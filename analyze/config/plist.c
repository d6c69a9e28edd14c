/* Property lists in XML: which elements are a member, and what their values are.
 * PropertyList-1.0.dtd; CoreFoundation, CFPropertyList.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/plist.h"
#include "analyze/config/node.h"
#include "analyze/config/xml.h"
#include "analyze/config/xml_lex.h"

#include "base/banned.h"

struct lowering {
	const struct source *src;
	struct view text;
	struct arena *a;
	struct syntax_error *bad;
	bool full; /* no more memory */
};

bool plist_is_xml(struct view head)
{
	return str_is(xml_root_name(head), "plist");
}

/* ---- the first page ---- */

/* What begins with the '<' at i: *name is that of a start tag, else empty. Returns where it
 * ends, behind its '>'. */
static size_t skim_tag(struct view v, size_t i, struct str *name, int *depth)
{
	size_t end = xml_seek(v, i, ">"), n;

	*name = (struct str){ 0 };
	if (view_eq(v, i, "<!--", 4))
		return xml_seek(v, i + 4, "-->") + 3;
	if (view_eq(v, i, "<![CDATA[", 9))
		return xml_seek(v, i + 9, "]]>") + 3;
	if (view_eq(v, i, "<?", 2))
		return xml_seek(v, i + 2, "?>") + 2;
	if (view_eq(v, i, "</", 2)) {
		--*depth;
	} else if (end >= v.n || v.p[end - 1] != '/') {
		n = xml_ncname(view_cut(v, i + 1, v.n - i - 1));
		*name = str_view(view_cut(v, i + 1, n));
		++*depth;
	}
	return end + 1;
}

bool plist_root_has(struct view head, const char *name)
{
	struct str tag = xml_root_tag(head);
	size_t i = tag.p ? (size_t)((const uint8_t *)tag.p - head.p) - 1 : head.n;
	size_t n = strlen(name);
	int depth = 0;

	if (plist_is_binary(head))
		return bplist_root_has(head, name);
	while (i < head.n) {
		i = skim_tag(head, i, &tag, &depth);
		if (depth <= 0 || (depth == 2 && tag.n && !str_is(tag, "dict")))
			return false;
		/* <plist> <dict> <key> */
		if (depth == 3 && str_is(tag, "key") && view_eq(head, i, name, n) &&
		    view_eq(head, i + n, "</", 2))
			return true;
		i = xml_seek(head, i, "<");
	}
	return false;
}

static struct span between(const struct lowering *l, uint64_t from, uint64_t to)
{
	return (struct span){ .src = l->src, .off = from, .len = to - from };
}

static bool refuse(struct lowering *l, const struct node *x, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns false. */
static bool refuse(struct lowering *l, const struct node *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	l->bad = arena_new(l->a, struct syntax_error);
	*l->bad = (struct syntax_error){ .at = x->open_at,
					 .what = arena_vprintf(l->a, fmt, ap) };
	va_end(ap);
	return false;
}

static const char *name_of(const struct lowering *l, const struct node *x)
{
	return str_shown(l->a, x->key);
}

static const struct node *element_from(const struct node *x)
{
	while (x && x->kind != NODE_ELEMENT)
		x = x->next;
	return x;
}

/* ---- values ---- */

enum kind { OTHER, DICT, ARRAY, STRING, INTEGER, REAL, TRUE, FALSE, DATE, DATA };

static enum kind kind_of(const struct node *x)
{
	static const char *const names[] = {
		[DICT] = "dict",       [ARRAY] = "array", [STRING] = "string",
		[INTEGER] = "integer", [REAL] = "real",   [TRUE] = "true",
		[FALSE] = "false",     [DATE] = "date",   [DATA] = "data",
	};

	for (size_t i = DICT; i < sizeof(names) / sizeof(names[0]) && x->ns.n == 0; i++) {
		if (str_is(x->key, names[i]))
			return (enum kind)i;
	}
	return OTHER;
}

/* All of an element's text, blanks at its ends as well: they are a part of a string. */
static bool decode(struct lowering *l, const struct node *x, struct str *out)
{
	struct view raw =
		view_cut(l->text, (size_t)x->text_at.off, (size_t)x->text_at.len);
	uint8_t *bytes;

	*out = str_view(raw);
	if (element_from(x->first))
		return refuse(l, x, "<%s> holds an element, expected text only",
			      name_of(l, x));
	if (raw.n == 0 || (!memchr(raw.p, '&', raw.n) && !memchr(raw.p, '<', raw.n) &&
			   !memchr(raw.p, '\r', raw.n)))
		return true;
	bytes = arena_try(l->a, raw.n, 1);
	if (!bytes) {
		l->full = true;
		return false;
	}
	*out = (struct str){ (const char *)bytes, xml_decode_content(raw, bytes) };
	return true;
}

/* Digits, or hexadecimal ones behind 0x, with a sign. */
static bool is_integer(struct str s)
{
	bool hex = false;
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');

	if (i + 2 < s.n && s.p[i] == '0' && (s.p[i + 1] | 0x20) == 'x') {
		hex = true;
		i += 2;
	}
	for (size_t from = i; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') &&
		    !(hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
			return false;
		if (i + 1 == s.n)
			return i >= from;
	}
	return false;
}

static bool read_scalar(struct lowering *l, struct node *n, const struct node *x,
			enum kind kind)
{
	n->kind = NODE_SCALAR;
	n->type = SCALAR_STRING;
	if (!decode(l, x, &n->text))
		return false;
	if (kind == TRUE || kind == FALSE) {
		if (x->text.n)
			return refuse(l, x, "<%s> holds text, expected nothing in it",
				      name_of(l, x));
		n->type = SCALAR_BOOL;
		n->text = x->key;
	} else if (kind == INTEGER || kind == REAL) {
		n->type = SCALAR_NUMBER;
		n->text = x->text;
		n->lead = x->lead;
		n->trail = x->trail;
		if (kind == INTEGER && !is_integer(n->text))
			return refuse(l, x, "<integer> holds '%s', expected a number",
				      str_shown(l->a, n->text));
	}
	return true;
}

static struct node *new_value(struct lowering *l, const struct node *x, struct node *up,
			      const struct node *key)
{
	struct node *n = node_try_new(l->a, up);
	uint64_t from = key ? key->whole.off : x->whole.off;

	if (!n) {
		l->full = true;
		return NULL;
	}
	n->syntax = SYNTAX_PLIST;
	n->flow = true;
	n->self_closing = x->self_closing;
	n->open_at = x->open_at;
	n->text_at = x->text_at;
	n->whole = between(l, from, span_end(x->whole));
	n->key_at = key ? key->text_at : between(l, from, from);
	if (key && !decode(l, key, &n->key))
		return NULL;
	return n;
}

/* A container has none of its own. */
static bool has_no_text(struct lowering *l, const struct node *x)
{
	return x->text.n == 0 ||
	       refuse(l, x, "<%s> holds text, expected elements only", name_of(l, x));
}

static bool lower(struct lowering *l, const struct node *x, struct node *up,
		  const struct node *key, struct node **out);

static bool read_dict(struct lowering *l, struct node *n, const struct node *x)
{
	const struct node *key = element_from(x->first), *value;
	struct node *member;

	n->kind = NODE_MAP;
	for (; key; key = element_from(value->next)) {
		if (!str_is(key->key, "key") || key->ns.n)
			return refuse(l, key, "<%s> in a <dict>, expected <key>",
				      name_of(l, key));
		value = element_from(key->next);
		if (!value)
			return refuse(l, key, "a <key> without a value");
		if (!lower(l, value, n, key, &member))
			return false;
	}
	return has_no_text(l, x);
}

static bool read_array(struct lowering *l, struct node *n, const struct node *x)
{
	struct node *item;

	n->kind = NODE_LIST;
	for (const struct node *c = element_from(x->first); c;
	     c = element_from(c->next)) {
		if (!lower(l, c, n, NULL, &item))
			return false;
	}
	return has_no_text(l, x);
}

/* As deep as XML_DEPTH_MAX. NOLINTNEXTLINE(misc-no-recursion) */
static bool lower(struct lowering *l, const struct node *x, struct node *up,
		  const struct node *key, struct node **out)
{
	enum kind kind = kind_of(x);
	struct node *n;

	if (kind == OTHER)
		return refuse(l, x, "<%s> is no value of a property list", name_of(l, x));
	n = *out = new_value(l, x, up, key);
	if (!n)
		return false;
	if (kind == DICT)
		return read_dict(l, n, x);
	return kind == ARRAY ? read_array(l, n, x) : read_scalar(l, n, x, kind);
}

/* <plist> has one value. */
static bool lower_document(struct lowering *l, const struct node *x, struct node **root)
{
	const struct node *value = element_from(x->first), *more;

	if (!str_is(x->key, "plist") || x->ns.n)
		return refuse(l, x, "<%s> is the root element, expected <plist>",
			      name_of(l, x));
	if (!value)
		return refuse(l, x, "the property list has no value");
	more = element_from(value->next);
	if (more)
		return refuse(l, more, "<%s> is a second value of the property list",
			      name_of(l, more));
	return has_no_text(l, x) && lower(l, value, NULL, NULL, root);
}

int plist_read(const struct source *src, struct view text, struct arena *a,
	       struct node **root, const struct syntax_error **bad, struct err *e)
{
	struct lowering l = { .src = src, .text = text, .a = a };
	struct node *x, *value = NULL;

	*root = NULL;
	if (plist_is_binary(text))
		return bplist_read(src, text, a, root, bad, e);
	if (xml_read(src, text, a, &x, bad, e) != 0)
		return -1;
	if (!x)
		return 0;
	if (lower_document(&l, x, &value)) {
		node_index(value);
		*root = value;
	} else if (l.full) {
		return err_set(e, ERR_LIMIT,
			       "the tree of this text needs more memory than is allowed");
	}
	*bad = l.bad;
	return 0;
}
