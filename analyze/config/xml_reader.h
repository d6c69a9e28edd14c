/* The state of one reading of an XML text, and what the parts of the reader share: tags
 * (xml_tag.c), the XML declaration (xml_decl.c), content (xml.c). For them alone.
 *
 * Every function that returns bool and takes a reader that is not const says with false
 * that reading stops: for bad text (r->bad is set) or because of a limit (r->e is set).
 * Those that may return false "without a word" say so.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_XML_READER_H
#define ANALYZE_CONFIG_XML_READER_H

#include "analyze/config/node.h"
#include "analyze/config/xml.h"
#include "analyze/config/xml_lex.h"

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
	struct view text;      /* the part that can be read: see broken_at */
	size_t at;             /* the next byte to read */
	const char *broken_at; /* why text ends before the input does, or NULL */
	struct node *root;
	struct syntax_error *bad;
	struct err *e;
	bool doctype; /* it has come */
	unsigned depth, declarations;
	struct open open[XML_DEPTH_MAX];
	struct declaration declared[XML_DECLARATIONS_MAX];
};

static inline struct span reader_span(const struct reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->src, .off = from, .len = to - from };
}

static inline struct str reader_str(const struct reader *r, struct span s)
{
	return (struct str){ (const char *)r->text.p + s.off, (size_t)s.len };
}

/* The text there, as it may stand in a message. */
const char *reader_shown(const struct reader *r, struct span s);

/* Both return false. */
bool reader_bad(struct reader *r, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool reader_over(struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The text ends within `what`, which began at `from`. Returns false. */
bool reader_ended(struct reader *r, size_t from, const char *what);

/* Does `what` come next? */
static inline bool reader_sees(const struct reader *r, const char *what)
{
	return view_eq(r->text, r->at, what, strlen(what));
}

/* True when there were some. */
bool reader_skip_blanks(struct reader *r);

/* A name with at most one colon, not at an end of it: Namespaces 1.0, 4. *prefix: bytes
 * before the colon. False without a word when there is no name here. */
bool reader_qname(struct reader *r, struct span *at, size_t *prefix);

/* The reference at `at`; *len: its length. */
bool reader_reference(struct reader *r, size_t at, size_t end, size_t *len);

/* [23] XMLDecl, if there is one. */
bool reader_xml_declaration(struct reader *r);

/* A document type declaration, which comes next. */
bool reader_doctype(struct reader *r);

/* A start tag, whose '<' comes next, and the node of its element. */
bool reader_start_tag(struct reader *r);

#endif
