/* What a schema that libvirt has installed says of a domain. libxml2 decides whether it
 * fits; where it does not, the derivatives of the schema's patterns (rng.h) tell which
 * element, attribute or value is the first that nothing was left for, and why.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_SCHEMA_H
#define ANALYZE_CONFIG_SCHEMA_H

#include "analyze/unit.h"

enum {
	SCHEMA_TEXT_MAX = 384 << 10, /* bytes; the largest domain seen had 200 KiB */
	SCHEMA_TAGS_MAX = 16384,     /* and comments; the largest seen had 700 */
	SCHEMA_FAULTS_MAX = 20,      /* of one text */
	SCHEMA_WORDS_MAX = 12,       /* more than that nobody reads */
};

enum schema_fault_kind {
	SCHEMA_NO_ELEMENT,   /* of that name, wherever it stands in its parent */
	SCHEMA_NO_ATTRIBUTE, /* likewise */
	SCHEMA_ROOT,         /* another one is expected */
	SCHEMA_TWICE,        /* an element that stands there already: other */
	SCHEMA_CLASH, /* an element, attribute or value that does not go with other */
	SCHEMA_VALUE, /* of an attribute, or an element's text */
	SCHEMA_TEXT,  /* text in an element that has none */
	SCHEMA_LACKS_ATTRIBUTE,
	SCHEMA_LACKS_ELEMENT,
	SCHEMA_UNKNOWN, /* it does not fit, and what is the matter is not known */
};

struct schema_fault {
	enum schema_fault_kind kind;
	const struct node *node; /* of what is missing: the element that lacks it */
	/* With what it clashes, an attribute or element (its attributes, when it is around
	 * node); which one it repeats; NULL: that cannot be told in one word. */
	const struct node *other;
	const char *lacks; /* CLASH: the attribute that other would need; or NULL */
	/* What is expected there: names, or values and descriptions of such; of what is
	 * missing, one of these. Not all of them: more. */
	const char *const *words;
	size_t nwords;
	bool more;
	bool names; /* CLASH: they are names, of elements or attributes as node is */
	const char *meant; /* the one that may be meant; or NULL */
	const char *home;  /* the element that has such a child, elsewhere; or NULL */
};

struct schema;

/* path: the schema's file, or the folder that has it; NULL: where libvirt installs it. NULL
 * and e: there is none, or it cannot be read. */
struct schema *schema_open(const char *path, struct err *e);
void schema_close(struct schema *s); /* NULL is nothing */

/* Fills u's facts; doc is the tree of u->text. For any number of threads at once. */
void schema_read(struct schema *s, struct unit *u);

#endif
