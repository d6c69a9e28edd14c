/* The small pieces of XML: characters, blanks, names, references, values.
 * XML 1.0 (5th ed.) 2.2, 2.3, 2.11, 3.3.3, 4.1; Namespaces 1.0, 4.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_XML_LEX_H
#define ANALYZE_CONFIG_XML_LEX_H

#include "base/str.h"

static inline bool xml_is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The first byte that is not UTF-8 or begins a character that XML forbids; v.n: none. */
size_t xml_chars_upto(struct view v);

/* The length of the name without a colon that v begins with; 0: none. v is UTF-8. */
size_t xml_ncname(struct view v);

/* The length of the reference that v begins with ("&lt;", "&#10;") and its character.
 * 0: it is none, and *why says in words what is wrong with its first *len bytes. */
size_t xml_reference(struct view v, uint32_t *c, size_t *len, const char **why);

/* What a reader sees of a value between quotes (3.3.3), and of a run of character data,
 * CDATA sections, comments and processing instructions without elements. All references
 * in raw are known to be good. out has room for raw.n bytes; returns the length. */
size_t xml_decode_value(struct view raw, uint8_t *out);
size_t xml_decode_content(struct view raw, uint8_t *out);

/* Where `what` first stands in v at or behind `from`; v.n: nowhere. */
size_t xml_seek(struct view v, size_t from, const char *what);

#endif
