/* Within schema*.c: the verdict, and a walk through a document with what the schema leaves
 * open at each step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_SCHEMA_WALK_H
#define ANALYZE_CONFIG_SCHEMA_WALK_H

#include "analyze/config/node.h"
#include "analyze/config/rng.h"
#include "analyze/config/schema.h"

struct _xmlRelaxNG; /* libxml2's compiled schema */

/* NULL: e. */
struct _xmlRelaxNG *schema_compile(const char *path, struct err *e);
void schema_compiled_free(struct _xmlRelaxNG *r);
/* 1: valid, 0: not, -1: no verdict. */
int schema_accepts(struct _xmlRelaxNG *r, struct view text);

/* An element that is being read. */
struct frame {
	const struct node *node;
	const struct rng *before; /* what may come where it begins */
	const struct rng *inside; /* behind its start tag */
	const struct frame *up;
	bool faulty; /* something of it is reported already */
};

struct walk {
	const struct rng_grammar *g;
	const struct unit *u;
	struct rng_pool pool;
	struct arena scratch; /* of patterns, and what is thought along the way */
	struct arena *a;      /* of the faults */
	VEC(struct schema_fault) faults;
	bool quiet; /* try only */
	/* What would be if this element had that attribute as well; NULL: it does not. */
	const struct node *given;
	struct rng_qname given_name;
};

struct rng_qname schema_name(const struct node *n);
struct rng_text schema_text(struct walk *w, const struct node *n);
/* A declaration of a namespace is none to a schema. */
bool schema_is_attribute(const struct node *n);

/* What is left behind a start tag. wild: an attribute whose value may be any, or the element:
 * all of them. upto: where to
 * stop, before the tag's end; NULL: do not. */
const struct rng *schema_enter(struct walk *w, const struct rng *before,
			       const struct node *n, const struct node *wild,
			       const struct node *upto);
/* What is left behind the child n, without a report. */
const struct rng *schema_pass(struct walk *w, const struct rng *before,
			      const struct node *n);
/* The same for all content of f's element. */
const struct rng *schema_content(struct walk *w, struct frame *f,
				 const struct rng *inside);

/* ---- reports ---- */

void schema_why_element(struct walk *w, const struct frame *in, const struct node *n,
			const struct rng *now);
/* Returns what is left when it is taken for the one that may be meant. */
const struct rng *schema_why_attribute(struct walk *w, const struct frame *in,
				       const struct node *n, const struct rng *now);
void schema_why_value(struct walk *w, const struct frame *in, const struct node *n,
		      const struct rng *now);
/* What is missing at the end of the start tag; at the end of the element. */
void schema_lacks_attribute(struct walk *w, const struct frame *in,
			    const struct rng *now);
void schema_lacks_element(struct walk *w, const struct frame *in, const struct rng *now);

#endif
