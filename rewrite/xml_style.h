/* How an XML file is written: line ends, indentation, quotes, and the order in which
 * libvirt prints elements. What an edit adds should look as if it had always been there.
 * Lines and indentation serve every syntax.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_XML_STYLE_H
#define REWRITE_XML_STYLE_H

#include "analyze/config/node.h"

/* The tree of a text and the text itself, whose bytes the nodes' spans name. */
struct xml_style {
	struct view text;
};

/* Only blanks and tabs stand before it on its line (a byte order mark does not count). */
bool style_leads_line(const struct xml_style *s, const struct node *n);

/* Whitespace at the start of the line on which n begins. */
struct str style_indent(const struct xml_style *s, const struct node *n);

/* What a child is indented by, beyond its parent n: as n is beyond its own parent, else as
 * any element of the file is; "" in a file that never indents. */
struct str style_step(const struct xml_style *s, const struct node *n);

/* "\n" or "\r\n", as the line around off ends; "" when the file has no line end at all. */
struct str style_eol(const struct xml_style *s, uint64_t off);

/* Where the line ends (before its line end) when nothing but blanks and comments stands
 * between off and there; else UINT64_MAX. */
uint64_t style_line_rest(const struct xml_style *s, uint64_t off);

/* Where the whitespace that ends at off begins; off when there is none. */
uint64_t style_space_before(const struct xml_style *s, uint64_t off);

/* Of the attributes around n: '\'' when there are none. */
char style_quote(const struct xml_style *s, const struct node *n);

/* "/>" or " />", as the elements around n are closed. */
const char *style_close(const struct xml_style *s, const struct node *n);

/* The last child element that libvirt prints before an element of this name, so that the
 * new one goes behind it. NULL: the new one goes first. An element that libvirt does not
 * print there goes behind the last one. */
const struct node *style_anchor(const struct node *parent, struct str name);

#endif
