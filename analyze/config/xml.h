/* XML with exact places. libxml2 decides whether the text is well-formed and what it means;
 * our tokenizer says where each piece stands; both must see the same tree.
 * XML 1.0 (5th ed.) and Namespaces 1.0, UTF-8 only, no document type declaration.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_XML_H
#define ANALYZE_CONFIG_XML_H

#include "analyze/unit.h"

enum {
	XML_DEPTH_MAX = 256,        /* nested elements; libxml2's own limit too */
	XML_SIZE_MAX = 8 << 20,     /* bytes of text; the largest domain seen had 200 KiB */
};

/* Parses src's whole text. 0 with *root set, or *root NULL and *bad set: the text is
 * broken. -1: could not do the work (limits). Memory is a's, budgeted. */
int xml_read(const struct source *src, struct view text, struct arena *a,
	     struct node **root, const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

/* Does libxml2 alone accept it? For the proof of an edit. */
bool xml_accepts(struct view text);

/* The name of the root element in the first bytes of a text, or "": for recognition.
 * Sees through a BOM, the XML declaration, comments and processing instructions. */
struct str xml_root_name(struct view head);

#endif
