/* libxml2 as the judge of a text and of our tree of it, through its SAX2 interface: no
 * second tree is built, and its events are compared with ours as they come.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/xml_judge.h"
#include "analyze/config/xml.h"
#include "analyze/config/xml_lex.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/banned.h"

#if LIBXML_VERSION >= 21200
#define XML_ERROR const xmlError
#else
#define XML_ERROR xmlError
#endif

struct judge {
	struct xml_verdict *v;
	const struct node *root; /* NULL: nothing to compare with */
	const struct node *open; /* the innermost element whose end has not come */
	const struct node
		*next; /* the node that must come next within it; NULL: its end */
	size_t depth;
	size_t seen[XML_DEPTH_MAX + 1]; /* bytes of text compared, per open element */
	bool compare;
};

static struct str str_xml(const xmlChar *s)
{
	return s ? str_of((const char *)s) : (struct str){ 0 };
}

static void differs(struct judge *j, const struct node *n)
{
	j->compare = false;
	j->v->differs = n ? n : j->root;
}

/* Is qname "prefix:local"? */
static bool is_qname(struct str qname, struct str prefix, struct str local)
{
	return qname.n == prefix.n + 1 + local.n && qname.p[prefix.n] == ':' &&
	       str_eq((struct str){ qname.p, prefix.n }, prefix) &&
	       str_eq((struct str){ qname.p + prefix.n + 1, local.n }, local);
}

static bool same_name(const struct node *n, const xmlChar *local, const xmlChar *prefix,
		      const xmlChar *uri)
{
	if (!str_eq(n->ns, str_xml(uri)))
		return false;
	/* A prefix that nobody declared is part of the name: that is what a DOM shows. */
	if (prefix && !uri)
		return is_qname(n->key, str_xml(prefix), str_xml(local));
	return str_eq(n->key, str_xml(local));
}

/* Declarations come as pairs of prefix and URI. "xml" may be declared and is not told. */
static const struct node *skip_xml_prefix(const struct node *n)
{
	while (n && str_is(n->ns, XML_NS_DECLARATION) && str_is(n->key, "xml"))
		n = n->next;
	return n;
}

static bool same_declaration(const struct node *n, const xmlChar *prefix,
			     const xmlChar *uri)
{
	return n->kind == NODE_ATTRIBUTE && str_is(n->ns, XML_NS_DECLARATION) &&
	       (prefix ? str_eq(n->key, str_xml(prefix)) : str_is(n->key, "xmlns")) &&
	       str_eq(n->text, str_xml(uri));
}

static bool same_attribute(const struct node *n, const xmlChar *const a[5])
{
	struct str value = { (const char *)a[3], (size_t)(a[4] - a[3]) };

	return n->kind == NODE_ATTRIBUTE && same_name(n, a[0], a[1], a[2]) &&
	       str_eq(n->text, value);
}

/* Both lists are in file order, but libxml2 tells declarations and attributes apart. */
static bool same_attributes(const struct node *element, int ndeclared,
			    const xmlChar **declared, int nattributes,
			    const xmlChar **attributes)
{
	const struct node *n;

	for (n = skip_xml_prefix(element->first); n && n->kind == NODE_ATTRIBUTE;
	     n = skip_xml_prefix(n->next)) {
		if (str_is(n->ns, XML_NS_DECLARATION)) {
			if (ndeclared-- == 0 ||
			    !same_declaration(n, declared[0], declared[1]))
				return false;
			declared += 2;
		} else {
			if (nattributes-- == 0 || !same_attribute(n, attributes))
				return false;
			attributes += 5;
		}
	}
	return ndeclared == 0 && nattributes == 0;
}

/* NOLINTNEXTLINE(readability-function-size): libxml2's signature */
static void on_start(void *data, const xmlChar *local, const xmlChar *prefix,
		     const xmlChar *uri, int ndeclared, const xmlChar **declared,
		     int nattributes, int ndefaulted, const xmlChar **attributes)
{
	struct judge *j = data;
	const struct node *n = j->next;

	if (!j->compare)
		return;
	if (!n || j->depth == XML_DEPTH_MAX || ndefaulted != 0) {
		differs(j, j->open);
		return;
	}
	if (!same_name(n, local, prefix, uri) ||
	    !same_attributes(n, ndeclared, declared, nattributes, attributes)) {
		differs(j, n);
		return;
	}
	j->seen[++j->depth] = 0;
	j->open = n;
	j->next = n->first;
	while (j->next && j->next->kind == NODE_ATTRIBUTE)
		j->next = j->next->next;
}

static void on_end(void *data, const xmlChar *local, const xmlChar *prefix,
		   const xmlChar *uri)
{
	struct judge *j = data;

	if (!j->compare)
		return;
	if (!j->open || j->next || j->seen[j->depth] != j->open->text.n ||
	    !same_name(j->open, local, prefix, uri)) {
		differs(j, j->open);
		return;
	}
	j->next = j->open->next;
	j->open = j->open->up;
	j->depth--;
}

/* A piece of the innermost element's text, of which we keep no blanks at its ends. */
static void on_text(void *data, const xmlChar *text, int len)
{
	struct judge *j = data;
	struct str ours;
	size_t *seen;

	if (!j->compare || !j->open)
		return;
	ours = j->open->text;
	seen = &j->seen[j->depth];
	for (int i = 0; i < len; i++) {
		if (*seen < ours.n && (uint8_t)ours.p[*seen] == text[i]) {
			++*seen;
		} else if ((*seen != 0 && *seen < ours.n) || !xml_is_blank(text[i])) {
			differs(j, j->open);
			return;
		}
	}
}

/* The only one that comes here is a property list's, which declares nothing by itself. */
static void on_doctype(void *data, const xmlChar *name, const xmlChar *public_id,
		       const xmlChar *system_id)
{
	struct judge *j = data;

	(void)public_id;
	(void)system_id;
	if (j->compare && (j->next != j->root || !str_is(str_xml(name), "plist")))
		differs(j, j->next);
}

static void on_error(void *data, XML_ERROR *error)
{
	struct judge *j = data;
	struct xml_verdict *v = j->v;

	/* Lower levels are warnings, and namespaces of which nobody needs the names. */
	if (error->level != XML_ERR_FATAL || v->why[0])
		return;
	v->no_memory = error->code == XML_ERR_NO_MEMORY;
	v->line = error->line > 0 ? (unsigned)error->line : 0;
	v->column = error->int2 > 0 ? (unsigned)error->int2 : 0;
	snprintf(v->why, sizeof(v->why), "%s", error->message ? error->message : "?");
}

static void parse(struct view text, struct judge *j)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.serror = on_error,
	};
	xmlParserCtxtPtr ctxt = xmlNewParserCtxt();
	xmlDocPtr doc;

	if (!ctxt) {
		j->v->no_memory = true;
		return;
	}
	*ctxt->sax = sax;
	ctxt->userData = j;
	/* NOENT: else '&' in a value would be told as "&#38;". Nothing can declare an
	 * entity here, and nothing is ever loaded. */
	doc = xmlCtxtReadMemory(ctxt, (const char *)text.p, (int)text.n, NULL, NULL,
				XML_PARSE_NONET | XML_PARSE_NOENT);
	j->v->accepted = ctxt->wellFormed == 1 && !j->v->no_memory;
	if (doc)
		xmlFreeDoc(doc);
	xmlFreeParserCtxt(ctxt);
}

void xml_judge(struct view text, const struct node *root, struct xml_verdict *v)
{
	struct judge j = { .v = v, .root = root, .next = root, .compare = root != NULL };

	*v = (struct xml_verdict){ 0 };
	xmlInitParser();
	parse(text, &j);
	if (v->accepted && j.compare && (j.open || j.next))
		differs(&j, j.open);
}

bool xml_accepts(struct view text)
{
	struct xml_verdict v;

	if (text.n == 0 || text.n > XML_SIZE_MAX)
		return false;
	xml_judge(text, NULL, &v);
	return v.accepted;
}

void xml_init(void)
{
	xmlInitParser();
	/* A schema may name files, but none that would be fetched. */
	xmlSetExternalEntityLoader(xmlNoNetExternalEntityLoader);
}
