/* libxml2 as the judge of an edited text: it accepts the text, and sees what it saw before
 * everywhere but in the nodes that the edits touch. Our own tree only tells which nodes
 * those are; what is compared are libxml2's two trees.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/node.h"
#include "analyze/config/xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/banned.h"

#if LIBXML_VERSION >= 21200
#define XML_ERROR const xmlError
#else
#define XML_ERROR xmlError
#endif

struct judge {
	const struct plan *plan;
	struct view text; /* before the edits */
	struct arena *arena;
	const char *why;
};

static bool object(struct judge *j, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool object(struct judge *j, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	j->why = arena_vprintf(j->arena, fmt, ap);
	va_end(ap);
	return false;
}

/* ---- libxml2's trees ---- */

static const char *shown_name(struct judge *j, const xmlNode *n)
{
	return str_shown(j->arena, str_of((const char *)n->name));
}

static bool is_element(const xmlNode *n)
{
	return n->type == XML_ELEMENT_NODE;
}

/* n or the first behind it that is an element. */
static xmlNode *element_from(xmlNode *n)
{
	while (n && !is_element(n))
		n = n->next;
	return n;
}

static bool same_text(const xmlChar *a, const xmlChar *b)
{
	static const xmlChar none[] = "";

	return xmlStrEqual(a ? a : none, b ? b : none);
}

static bool same_ns(const xmlNs *a, const xmlNs *b)
{
	return same_text(a ? a->href : NULL, b ? b->href : NULL) &&
	       same_text(a ? a->prefix : NULL, b ? b->prefix : NULL);
}

static bool same_name(const xmlNode *a, const xmlNode *b)
{
	return a->type == b->type && same_text(a->name, b->name) && same_ns(a->ns, b->ns);
}

static bool same_value(const xmlAttr *a, const xmlAttr *b)
{
	xmlChar *x = xmlNodeListGetString(a->doc, a->children, 1);
	xmlChar *y = xmlNodeListGetString(b->doc, b->children, 1);
	bool same = same_text(x, y);

	xmlFree(x);
	xmlFree(y);
	return same;
}

static bool same_declarations(const xmlNode *a, const xmlNode *b)
{
	const xmlNs *x = a->nsDef, *y = b->nsDef;

	for (; x && y && same_ns(x, y); x = x->next)
		y = y->next;
	return !x && !y;
}

static bool same_attributes(const xmlNode *a, const xmlNode *b)
{
	const xmlAttr *x = a->properties, *y = b->properties;

	for (; x && y; x = x->next, y = y->next) {
		if (!same_text(x->name, y->name) || !same_ns(x->ns, y->ns) ||
		    !same_value(x, y))
			break;
	}
	return !x && !y && same_declarations(a, b);
}

/* A document type declaration, which is no xmlNode behind its first members. */
static bool same_dtd(const xmlDoc *a, const xmlDoc *b)
{
	const xmlDtd *x = xmlGetIntSubset(a), *y = xmlGetIntSubset(b);

	return x && y && same_text(x->name, y->name) &&
	       same_text(x->ExternalID, y->ExternalID) &&
	       same_text(x->SystemID, y->SystemID);
}

/* Equal in everything. The parser has bounded the depth. */
static bool same(const xmlNode *a, const xmlNode *b)
{
	const xmlNode *x, *y;

	if (a->type == XML_DTD_NODE || b->type == XML_DTD_NODE)
		return a->type == b->type && same_dtd(a->doc, b->doc);
	if (!same_name(a, b))
		return false;
	if (!is_element(a))
		return same_text(a->content, b->content);
	if (!same_attributes(a, b))
		return false;
	x = a->children;
	y = b->children;
	for (; x && y && same(x, y); x = x->next)
		y = y->next;
	return !x && !y;
}

/* ---- where the edits are ---- */

static bool touches_inside(const struct edit *e, struct span whole)
{
	return e->at.off > whole.off && span_end(e->at) <= span_end(whole) &&
	       (e->at.len > 0 || e->at.off < span_end(whole));
}

static bool edited_inside(const struct judge *j, struct span whole)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		if (touches_inside(&j->plan->edits.v[i], whole))
			return true;
	}
	return false;
}

/* An edit takes all of it away. */
static bool taken_away(const struct judge *j, struct span whole)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		struct span at = j->plan->edits.v[i].at;

		if (at.off <= whole.off && span_end(at) >= span_end(whole))
			return true;
	}
	return false;
}

/* An edit overlaps [from, to], or inserts at one of its ends. */
static bool edited_between(const struct judge *j, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		struct span at = j->plan->edits.v[i].at;

		if (at.off <= to && span_end(at) >= from)
			return true;
	}
	return false;
}

/* ---- the nodes that edits touch ---- */

static const xmlAttr *attribute_like(const xmlNode *n, const xmlAttr *like)
{
	for (const xmlAttr *x = n->properties; x; x = x->next) {
		if (same_text(x->name, like->name) && same_ns(x->ns, like->ns))
			return x;
	}
	return NULL;
}

static const struct node *our_attribute(const struct node *n, const xmlAttr *attr)
{
	struct str name = str_of((const char *)attr->name);
	struct str uri = attr->ns ? str_of((const char *)attr->ns->href) : STR("");

	for_each_node (c, n) {
		if (c->kind == NODE_ATTRIBUTE && str_eq(c->key, name) &&
		    str_eq(c->ns, uri))
			return c;
	}
	return NULL;
}

/* An edit lies in the start tag, and not in the value of an attribute that is there. */
static bool adds_to_tag(const struct judge *j, const struct node *n)
{
	for (size_t i = 0; i < j->plan->edits.n; i++) {
		const struct edit *e = &j->plan->edits.v[i];
		bool elsewhere = e->at.off < span_end(n->key_at) ||
				 span_end(e->at) > span_end(n->open_at);

		for_each_node (c, n) {
			if (c->kind == NODE_ATTRIBUTE)
				elsewhere = elsewhere || touches_inside(e, c->whole);
		}
		if (!elsewhere)
			return true;
	}
	return false;
}

/* Attributes that no edit touches are there as before; others come only by an edit. */
static bool judge_attributes(struct judge *j, const struct node *n, const xmlNode *before,
			     const xmlNode *after)
{
	for (const xmlAttr *x = before->properties; x; x = x->next) {
		const struct node *ours = our_attribute(n, x);
		const xmlAttr *y = attribute_like(after, x);
		bool edited = ours && (taken_away(j, ours->whole) ||
				       edited_inside(j, ours->whole));

		if (!edited && (!y || !same_value(x, y)))
			return object(
				j,
				"<%s> would lose or change attribute '%s', which no "
				"edit touches",
				shown_name(j, before),
				str_shown(j->arena, str_of((const char *)x->name)));
	}
	for (const xmlAttr *y = after->properties; y; y = y->next) {
		if (!attribute_like(before, y) && !adds_to_tag(j, n))
			return object(j, "<%s> would get attribute '%s' from nowhere",
				      shown_name(j, after),
				      str_shown(j->arena, str_of((const char *)y->name)));
	}
	return true;
}

/* n or the first behind it that is a comment, an instruction or a CDATA section. */
static const xmlNode *other_from(const xmlNode *n)
{
	while (n && (is_element(n) || n->type == XML_TEXT_NODE))
		n = n->next;
	return n;
}

/* A comment that speaks to us (analyze/config/suppress.h). */
static bool is_ours(const xmlNode *n)
{
	return n && n->type == XML_COMMENT_NODE && n->content &&
	       str_starts(str_trim(str_of((const char *)n->content)), "vmend:");
}

/* Of these only comments that are ours are ever edited, or taken out. */
static bool judge_others(struct judge *j, const xmlNode *before, const xmlNode *after)
{
	const xmlNode *x = other_from(before->children);
	const xmlNode *y = other_from(after->children);

	while (x) {
		bool kept = y && (same(x, y) || (is_ours(x) && is_ours(y)));

		if (!kept && !is_ours(x))
			break;
		x = other_from(x->next);
		if (kept)
			y = other_from(y->next);
	}
	return (!x && !y) ||
	       object(j, "a comment in <%s> would change", shown_name(j, before));
}

static struct str solid_text(struct judge *j, const xmlNode *n)
{
	struct buf b = { 0 };
	struct str all;

	for (n = n->children; n; n = n->next) {
		if (n->type != XML_TEXT_NODE)
			continue;
		for (const char *c = (const char *)n->content; *c; c++) {
			if (!strchr(" \t\r\n", *c))
				buf_char(&b, *c);
		}
	}
	all = (struct str){ .p = arena_str(j->arena, (struct str){ b.p, b.n }),
			    .n = b.n };
	buf_free(&b);
	return all;
}

static bool judge_node(struct judge *j, const struct node *n, xmlNode *before,
		       xmlNode *after);

/* The element that `before` has become, among `after` and (if an edit may have inserted
 * some) those behind it; judged. */
static bool judge_child(struct judge *j, const struct node *n, xmlNode *before,
			xmlNode **after, bool inserted)
{
	bool inside = edited_inside(j, n->whole);

	while (inserted && *after &&
	       !(inside ? same_name(before, *after) : same(before, *after)))
		*after = element_from((*after)->next);
	if (!*after)
		return object(j, "<%s> would be gone", shown_name(j, before));
	if (inside)
		return judge_node(j, n, before, *after);
	return same(before, *after) ||
	       object(j, "<%s> would change, and no edit touches it",
		      shown_name(j, before));
}

static bool judge_children(struct judge *j, const struct node *n, xmlNode *before,
			   xmlNode *after)
{
	xmlNode *x = element_from(before->children), *y = element_from(after->children);
	uint64_t from = n->self_closing ? span_end(n->key_at) : span_end(n->open_at);
	bool inserted = false;

	for_each_node (c, n) {
		if (c->kind != NODE_ELEMENT)
			continue;
		if (!x)
			return object(j, "<%s> is seen by one reader only",
				      str_shown(j->arena, c->key));
		inserted = inserted || edited_between(j, from, c->whole.off);
		if (!taken_away(j, c->whole)) {
			if (!judge_child(j, c, x, &y, inserted))
				return false;
			y = element_from(y->next);
			inserted = false;
		}
		from = span_end(c->whole);
		x = element_from(x->next);
	}
	inserted = inserted || edited_between(j, from,
					      n->self_closing ? span_end(n->whole)
							      : span_end(n->text_at));
	return !y || inserted ||
	       object(j, "<%s> would appear where no edit inserts", shown_name(j, y));
}

/* An edit is in the text of an element that has no children: in its value. */
static bool edits_value(const struct judge *j, const struct node *n,
			const xmlNode *before)
{
	uint64_t from = n->self_closing ? span_end(n->open_at) - 2 : n->text_at.off;

	return !element_from(before->children) &&
	       edited_between(j, from, span_end(n->text_at));
}

/* An element with edits inside. */
static bool judge_node(struct judge *j, const struct node *n, xmlNode *before,
		       xmlNode *after)
{
	if (!same_name(before, after))
		return object(j, "<%s> would become <%s>", shown_name(j, before),
			      shown_name(j, after));
	if (!same_declarations(before, after))
		return object(j, "the namespaces of <%s> would change",
			      shown_name(j, before));
	if (!edits_value(j, n, before) &&
	    !str_eq(solid_text(j, before), solid_text(j, after)))
		return object(j, "the text of <%s> would change, and no edit touches it",
			      shown_name(j, before));
	return judge_attributes(j, n, before, after) && judge_others(j, before, after) &&
	       judge_children(j, n, before, after);
}

/* ---- whole texts ---- */

static xmlDoc *parse(struct judge *j, struct view text, const char *what)
{
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	xmlDoc *doc = NULL;
	XML_ERROR *err;

	if (!ctxt || text.n > XML_SIZE_MAX) {
		object(j, "libxml2 cannot read the text %s the edits", what);
	} else {
		doc = xmlCtxtReadMemory(
			ctxt, (const char *)text.p, (int)text.n, NULL, NULL,
			XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
		err = xmlCtxtGetLastError(ctxt);
		if (!doc)
			object(j, "libxml2 refuses the text %s the edits: %s", what,
			       err && err->message
				       ? str_shown(j->arena,
						   str_trim(str_of(err->message)))
				       : "no reason given");
	}
	xmlFreeParserCtxt(ctxt);
	return doc;
}

/* A comment outside of the root, which an edit takes out and puts nothing in its place. */
static bool comment_goes(const struct judge *j, const struct node *root, const xmlNode *x)
{
	const char *content = x->content ? (const char *)x->content : "";

	for (size_t i = 0; x->type == XML_COMMENT_NODE && i < j->plan->edits.n; i++) {
		const struct edit *e = &j->plan->edits.v[i];
		struct str gone =
			str_view(view_cut(j->text, (size_t)e->at.off, (size_t)e->at.len));

		gone = str_trim(gone);
		if (e->bytes.n == 0 &&
		    (span_end(e->at) <= root->whole.off ||
		     e->at.off >= span_end(root->whole)) &&
		    gone.n == strlen(content) + 7 && str_starts(gone, "<!--") &&
		    str_has(gone, content))
			return true;
	}
	return false;
}

static bool judge_docs(struct judge *j, const struct node *root, xmlDoc *before,
		       xmlDoc *after)
{
	xmlNode *x = before->children, *y = after->children;

	if (!same_text(before->version, after->version) ||
	    !same_text(before->encoding, after->encoding) ||
	    before->standalone != after->standalone)
		return object(j, "the XML declaration would change");
	while (x) {
		if (comment_goes(j, root, x)) {
			x = x->next;
			continue;
		}
		if (y && is_element(x) && is_element(y) &&
		    edited_inside(j, root->whole)) {
			if (!judge_node(j, root, x, y))
				return false;
		} else if (!y || !same(x, y)) {
			return object(j, "the text outside of <%s> would change",
				      str_shown(j->arena, root->key));
		}
		x = x->next;
		y = y->next;
	}
	return !y || object(j, "the text outside of <%s> would change",
			    str_shown(j->arena, root->key));
}

bool judge_xml(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why)
{
	struct judge j = { .plan = p, .text = before, .arena = a };
	const struct syntax_error *bad = NULL;
	struct node *root = NULL;
	struct err e = { 0 };
	xmlDoc *x, *y = NULL;
	bool ok = false;

	*why = NULL;
	if (xml_read(p->src, before, a, &root, &bad, &e) != 0 || !root) {
		*why = bad ? bad->what : arena_printf(a, "%s", e.msg);
		return false;
	}
	x = parse(&j, before, "before");
	if (x)
		y = parse(&j, after, "after");
	if (y)
		ok = judge_docs(&j, root, x, y);
	xmlFreeDoc(x);
	xmlFreeDoc(y);
	*why = ok ? NULL : j.why;
	return ok;
}
