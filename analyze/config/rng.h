/* RELAX NG patterns, and what is left of one when a part of a document has been read: its
 * derivative (J. Clark, "An algorithm for RELAX NG validation", 2002). Where nothing is
 * left, there is the fault.
 * ISO/IEC 19757-2:2008, without externalRef, parentRef and grammars within grammars.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_RNG_H
#define ANALYZE_CONFIG_RNG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

enum rng_kind {
	RNG_EMPTY,
	RNG_NONE, /* nothing fits: notAllowed */
	RNG_TEXT,
	RNG_CHOICE,
	RNG_INTERLEAVE,
	RNG_GROUP,
	RNG_MORE, /* oneOrMore */
	RNG_LIST, /* words between blanks */
	RNG_DATA,
	RNG_VALUE,
	RNG_ATTRIBUTE,
	RNG_ELEMENT,
	RNG_AFTER, /* a until the element's end, b behind it */
};

struct rng_qname {
	struct str ns, local;
};

/* Which names; NULL as a pointer: any. */
struct rng_name {
	enum { RNG_NAME_ONE, RNG_NAME_ANY, RNG_NAME_NS, RNG_NAME_CHOICE } kind;
	struct rng_qname name;         /* ONE; of NS only the namespace */
	const struct rng_name *a, *b;  /* CHOICE */
	const struct rng_name *except; /* ANY, NS; or NULL */
};

struct rng {
	enum rng_kind kind;
	bool nullable;
	bool has_attributes;     /* not those of elements within */
	const struct rng *a, *b; /* AFTER, CHOICE ...; of an element, attribute: a */
	const struct rng_name *name;
	const struct rng_type *type; /* DATA; its exception is a, or NULL */
	struct str value;            /* VALUE */
	bool exact;                  /* blanks count */
	const struct rng *chain;
};

/* Patterns that are made of the same are the same. What a run over a document makes looks
 * into the grammar's, and leaves it alone. */
struct rng_pool {
	struct arena *arena;
	const struct rng_pool *base;
	const struct rng **bucket;
	size_t steps, max; /* how much is done at most */
	bool over;         /* that was not enough: what came after is not known */
};

struct rng_grammar {
	struct arena arena;
	struct rng_pool pool;
	const struct rng *start;
	VEC(const struct rng *) elements; /* each that it has, in the order of the text */
	struct rng_type *types;
};

/* The text of an attribute or element; p NULL: whatever would fit. */
struct rng_text {
	const char *p;
	size_t n;
};

extern const struct rng rng_empty, rng_none, rng_text;

/* 0; -1: it cannot be read. Free it in both cases. */
int rng_read(struct rng_grammar *g, const char *path, struct err *e)
	__attribute__((warn_unused_result));
void rng_free(struct rng_grammar *g);

/* False: no memory. */
bool rng_pool_init(struct rng_pool *p, struct arena *a, const struct rng_pool *base,
		   size_t max);
const struct rng *rng_make(struct rng_pool *p, enum rng_kind kind, const struct rng *a,
			   const struct rng *b);
bool rng_name_has(const struct rng_name *n, struct rng_qname name);

/* ---- derivatives: RNG_NONE when it does not fit ---- */

/* By the beginning of an element, by one of its attributes, by the end of its start tag. */
const struct rng *rng_open(struct rng_pool *p, const struct rng *r,
			   struct rng_qname name);
const struct rng *rng_attribute(struct rng_pool *p, const struct rng *r,
				struct rng_qname name, struct rng_text value);
const struct rng *rng_close(struct rng_pool *p, const struct rng *r);
/* The same, whatever attributes are missing. */
const struct rng *rng_close_any(struct rng_pool *p, const struct rng *r);
/* By the only text in an element; by text between elements. */
const struct rng *rng_only_text(struct rng_pool *p, const struct rng *r,
				struct rng_text text);
const struct rng *rng_text_of(struct rng_pool *p, const struct rng *r,
			      struct rng_text text);
/* By the end of the element; the same, whatever is missing in it. */
const struct rng *rng_end(struct rng_pool *p, const struct rng *r);
const struct rng *rng_end_any(struct rng_pool *p, const struct rng *r);

/* ---- data types (rng_type.c): of XML Schema, part 2, as libxml2 knows them ---- */

/* NULL: there is none of that name. It has to be freed. */
struct rng_type *rng_type_new(struct arena *a, struct str name);
/* False: the type has no such parameter, or not that value. */
bool rng_type_param(struct rng_type *t, struct arena *a, struct str name,
		    struct str value);
bool rng_type_has(const struct rng_type *t, struct rng_text text, struct arena *scratch);
/* "a number from 1 to 16"; NULL: there is no short word for it. */
const char *rng_type_says(const struct rng_type *t, struct arena *a);
/* The next one in the list that the grammar keeps. */
struct rng_type **rng_type_next(struct rng_type *t);
void rng_type_free(struct rng_type *t);

#endif
