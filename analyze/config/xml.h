/* XML with exact places. libxml2 decides whether the text is well-formed and what it
 * means; our tokenizer says where each piece stands; both must see the same tree.
 * XML 1.0 (5th ed.) and Namespaces 1.0, UTF-8 only, no document type declaration but the one
 * that every property list has, without an internal subset. What it names is never read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_XML_H
#define ANALYZE_CONFIG_XML_H

#include "analyze/unit.h"

enum {
	XML_DEPTH_MAX = 256,      /* nested elements; libxml2's own limit too */
	XML_SIZE_MAX = 8 << 20,   /* bytes of text; the largest domain seen had 200 KiB */
	XML_ATTRIBUTES_MAX = 256, /* of one element: checks for doubles are quadratic */
	XML_DECLARATIONS_MAX = 64, /* namespace declarations in scope at once */
};

/* The namespace (node.ns) of the declarations "xmlns" and "xmlns:a", key "xmlns" and "a":
 * they are attributes of their element, and node_attr() does not find them. */
#define XML_NS_DECLARATION "http://www.w3.org/2000/xmlns/"

/* Once, before threads are started. */
void xml_init(void);

/* Parses src's whole text. 0 with *root set, or *root NULL and *bad set: the text is
 * broken. -1: could not do the work (limits). Memory is a's, budgeted; names and values
 * borrow from text where there is nothing to decode.
 *
 * Stricter than libxml2 where the two recommendations are and it is not, mostly about
 * namespaces, with one exception, because libvirt and every DOM live with it: a prefix
 * that nobody declared is part of the name ("qemu:arg" is then the key, without a
 * namespace). */
int xml_read(const struct source *src, struct view text, struct arena *a,
	     struct node **root, const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

/* Does libxml2 alone accept it? For the proof of an edit. */
bool xml_accepts(struct view text);

/* The start tag of the root element in the first bytes of a text, from behind its '<' to
 * before its '>', or as far as head reaches; empty: this is no XML. Sees through a BOM,
 * the XML declaration, a document type declaration, comments and processing instructions.
 * It recognises, and judges nothing. */
struct str xml_root_tag(struct view head);

/* The name in such a tag, prefix included, and whether it has that attribute. */
struct str xml_root_name(struct view head);
bool xml_tag_has(struct str tag, const char *attribute);

#endif
