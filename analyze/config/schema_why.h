/* Within schema_*.c: what the patterns of a schema have, in words, and what would be if
 * something else were not so.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_SCHEMA_WHY_H
#define ANALYZE_CONFIG_SCHEMA_WHY_H

#include "analyze/config/schema_walk.h"

enum { SCHEMA_GATHER_MAX = 20000 }; /* patterns that are looked at for one question */

struct patterns {
	const struct rng **v;
	size_t n, cap;
	size_t seen;
};

/* Names or values, each once. */
struct words {
	const char **v;
	size_t n, cap;
};

/* What something does not go with; the attribute that is missing there, or NULL. */
struct rival {
	const struct node *node;
	const char *lacks;
};

static inline bool is_none(const struct rng *r)
{
	return r->kind == RNG_NONE;
}

/* ---- schema_words.c ---- */

/* Those of a kind, RNG_TEXT: all kinds of text; of what is open now, and not behind the
 * element. */
void schema_gather(struct walk *w, const struct rng *r, enum rng_kind kind,
		   struct patterns *out);
bool schema_is_text(const struct rng *r);
/* All elements that f's may be, whatever else stands around it. */
struct patterns schema_meanings(struct walk *w, const struct frame *f);
/* What is within those. */
struct patterns schema_within(struct walk *w, const struct patterns *p,
			      enum rng_kind kind);
/* Those of any name count, or do not. */
bool schema_has_name(const struct patterns *p, struct rng_qname name);
bool schema_is_named(const struct patterns *p, struct rng_qname name);

void schema_add_names(struct walk *w, struct words *words, const struct rng_name *n);
struct words schema_names_of(struct walk *w, const struct patterns *p);
/* Elements that may come now; attributes that may. */
struct words schema_openable(struct walk *w, const struct rng *now);
struct words schema_attributes(struct walk *w, const struct rng *now);
struct words schema_values_of(struct walk *w, const struct patterns *p);

/* ---- schema_rival.c ---- */

/* What is left before `upto` in `to`, or behind its start tag, when the attribute wild of
 * `from`, or of one between, may be any. */
const struct rng *schema_again(struct walk *w, const struct frame *to,
			       const struct frame *from, const struct node *wild,
			       const struct node *upto);
bool schema_fits(struct walk *w, const struct rng *now, const struct node *n);
/* What stands in `in`, or in an element around it, but for which n would fit: one attribute,
 * one that is missing, or several together. */
struct rival schema_rival(struct walk *w, const struct frame *in, const struct node *n);
/* The same for the text of in's element, when that is all it has. */
const struct node *schema_rival_of_text(struct walk *w, const struct frame *in);
/* The child before n but for which n could stand there. */
const struct node *schema_rival_child(struct walk *w, const struct frame *in,
				      const struct node *n, bool same_name);

/* ---- schema_why.c ---- */

struct schema_fault *schema_add(struct walk *w, enum schema_fault_kind kind,
				const struct node *n, const struct words *words);
/* Nobody listens, or what nothing is left of is only our patience. */
bool schema_is_deaf(const struct walk *w);

#endif
