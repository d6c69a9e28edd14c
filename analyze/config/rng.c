/* Patterns of RELAX NG and their derivatives.
 * J. Clark, "An algorithm for RELAX NG validation", 2002; ISO/IEC 19757-2:2008.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/rng.h"
#include "analyze/config/xml_lex.h"

#include "base/banned.h"

enum { BUCKETS = 1 << 13 };

const struct rng rng_empty = { .kind = RNG_EMPTY, .nullable = true };
const struct rng rng_none = { .kind = RNG_NONE };
const struct rng rng_text = { .kind = RNG_TEXT, .nullable = true };

/* ---- making them ---- */

bool rng_pool_init(struct rng_pool *p, struct arena *a, const struct rng_pool *base,
		   size_t max)
{
	*p = (struct rng_pool){ .arena = a, .base = base, .max = max };
	p->bucket = arena_try_array(a, BUCKETS, const struct rng *);
	return p->bucket != NULL;
}

static size_t bucket_of(enum rng_kind kind, const struct rng *a, const struct rng *b)
{
	uint64_t h = (uint64_t)(uintptr_t)a * UINT64_C(0x9e3779b97f4a7c15);

	h ^= ((uint64_t)(uintptr_t)b + (uint64_t)kind) * UINT64_C(0xc2b2ae3d27d4eb4f);
	return (size_t)(h >> 40) % BUCKETS;
}

static const struct rng *lookup(const struct rng_pool *p, size_t bucket,
				enum rng_kind kind, const struct rng *a,
				const struct rng *b)
{
	for (; p; p = p->base) {
		for (const struct rng *r = p->bucket[bucket]; r; r = r->chain) {
			if (r->kind == kind && r->a == a && r->b == b)
				return r;
		}
	}
	return NULL;
}

static bool is_nullable(enum rng_kind kind, const struct rng *a, const struct rng *b)
{
	if (kind == RNG_CHOICE)
		return a->nullable || b->nullable;
	if (kind == RNG_MORE)
		return a->nullable;
	return (kind == RNG_GROUP || kind == RNG_INTERLEAVE) && a->nullable &&
	       b->nullable;
}

/* One that is as it stands. */
static const struct rng *cons(struct rng_pool *p, enum rng_kind kind, const struct rng *a,
			      const struct rng *b)
{
	size_t bucket = bucket_of(kind, a, b);
	const struct rng *there = lookup(p, bucket, kind, a, b);
	struct rng *r;

	if (there)
		return there;
	r = p->over ? NULL : arena_try_new(p->arena, struct rng);
	if (!r) {
		p->over = true;
		return &rng_none;
	}
	*r = (struct rng){ .kind = kind,
			   .a = a,
			   .b = b,
			   .nullable = is_nullable(kind, a, b),
			   .has_attributes =
				   a->has_attributes ||
				   (b && kind != RNG_AFTER && b->has_attributes),
			   .chain = p->bucket[bucket] };
	p->bucket[bucket] = r;
	return r;
}

/* b is a chain of choices to the right, in which nothing stands twice. */
static const struct rng *add_choice(struct rng_pool *p, const struct rng *a,
				    const struct rng *b)
{
	for (const struct rng *r = b;; r = r->b) {
		const struct rng *one = r->kind == RNG_CHOICE ? r->a : r;

		if (one == a || (a->kind == RNG_EMPTY && one->nullable))
			return b;
		if (r->kind != RNG_CHOICE)
			break;
	}
	return cons(p, RNG_CHOICE, a, b);
}

static const struct rng *choice(struct rng_pool *p, const struct rng *a,
				const struct rng *b)
{
	if (a->kind == RNG_NONE || a == b)
		return b;
	if (b->kind == RNG_NONE)
		return a;
	/* What is the same up to the end of an element is read once. */
	if (a->kind == RNG_AFTER && b->kind == RNG_AFTER && a->a == b->a)
		return rng_make(p, RNG_AFTER, a->a, choice(p, a->b, b->b));
	if (a->kind != RNG_CHOICE)
		return add_choice(p, a, b);
	b = choice(p, a->b, b);
	return b->kind == RNG_NONE ? a->a : add_choice(p, a->a, b);
}

const struct rng *rng_make(struct rng_pool *p, enum rng_kind kind, const struct rng *a,
			   const struct rng *b)
{
	if (p->steps++ >= p->max)
		p->over = true;
	if (p->over)
		return &rng_none;
	if (kind == RNG_CHOICE)
		return choice(p, a, b);
	if (a->kind == RNG_NONE || (b && b->kind == RNG_NONE))
		return &rng_none;
	if (kind == RNG_GROUP || kind == RNG_INTERLEAVE) {
		if (a->kind == RNG_EMPTY)
			return b;
		if (b->kind == RNG_EMPTY)
			return a;
	}
	if (kind == RNG_MORE && (a->kind == RNG_EMPTY || a->kind == RNG_MORE))
		return a;
	return cons(p, kind, a, b);
}

/* ---- names ---- */

/* As deep as the text of the schema. NOLINTNEXTLINE(misc-no-recursion) */
bool rng_name_has(const struct rng_name *n, struct rng_qname name)
{
	if (!n)
		return true;
	switch (n->kind) {
	case RNG_NAME_ONE:
		return str_eq(n->name.local, name.local) && str_eq(n->name.ns, name.ns);
	case RNG_NAME_ANY:
		return !n->except || !rng_name_has(n->except, name);
	case RNG_NAME_NS:
		return str_eq(n->name.ns, name.ns) &&
		       (!n->except || !rng_name_has(n->except, name));
	case RNG_NAME_CHOICE:
		return rng_name_has(n->a, name) || rng_name_has(n->b, name);
	}
	return false;
}

/* ---- derivatives ----
 * By a start tag, an attribute, an end of attributes, a text and an end tag: one function each,
 * alike as they are, so that every line can be held against the paper's.
 * All of them go as deep as patterns are nested, which the schema decides.
 * NOLINTBEGIN(misc-no-recursion) */

enum behind { BEHIND_GROUP, BEHIND_BEFORE, BEHIND_AROUND, BEHIND_AFTER };

static const struct rng *put(struct rng_pool *p, enum behind how, const struct rng *r,
			     const struct rng *with)
{
	switch (how) {
	case BEHIND_GROUP:
		return rng_make(p, RNG_GROUP, r, with);
	case BEHIND_BEFORE:
		return rng_make(p, RNG_INTERLEAVE, r, with);
	case BEHIND_AROUND:
		return rng_make(p, RNG_INTERLEAVE, with, r);
	case BEHIND_AFTER:
		return rng_make(p, RNG_AFTER, r, with);
	}
	return &rng_none;
}

/* What comes behind the element that was opened gets something more. */
static const struct rng *behind(struct rng_pool *p, enum behind how, const struct rng *r,
				const struct rng *with)
{
	if (r->kind == RNG_AFTER)
		return rng_make(p, RNG_AFTER, r->a, put(p, how, r->b, with));
	if (r->kind == RNG_CHOICE)
		return rng_make(p, RNG_CHOICE, behind(p, how, r->a, with),
				behind(p, how, r->b, with));
	return &rng_none;
}

static const struct rng *maybe(struct rng_pool *p, const struct rng *r)
{
	return rng_make(p, RNG_CHOICE, r, &rng_empty);
}

const struct rng *rng_open(struct rng_pool *p, const struct rng *r, struct rng_qname name)
{
	const struct rng *x;

	if (p->over)
		return &rng_none;
	switch (r->kind) {
	case RNG_CHOICE:
		return rng_make(p, RNG_CHOICE, rng_open(p, r->a, name),
				rng_open(p, r->b, name));
	case RNG_ELEMENT:
		return rng_name_has(r->name, name)
			       ? rng_make(p, RNG_AFTER, r->a, &rng_empty)
			       : &rng_none;
	case RNG_INTERLEAVE:
		x = behind(p, BEHIND_BEFORE, rng_open(p, r->a, name), r->b);
		return rng_make(p, RNG_CHOICE, x,
				behind(p, BEHIND_AROUND, rng_open(p, r->b, name), r->a));
	case RNG_MORE:
		return behind(p, BEHIND_GROUP, rng_open(p, r->a, name), maybe(p, r));
	case RNG_GROUP:
		x = behind(p, BEHIND_GROUP, rng_open(p, r->a, name), r->b);
		return r->a->nullable
			       ? rng_make(p, RNG_CHOICE, x, rng_open(p, r->b, name))
			       : x;
	case RNG_AFTER:
		return behind(p, BEHIND_AFTER, rng_open(p, r->a, name), r->b);
	case RNG_EMPTY:
	case RNG_NONE:
	case RNG_TEXT:
	case RNG_LIST:
	case RNG_DATA:
	case RNG_VALUE:
	case RNG_ATTRIBUTE:
		break;
	}
	return &rng_none;
}

static bool is_blank(struct rng_text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (!xml_is_blank((uint8_t)t.p[i]))
			return false;
	}
	return true;
}

static bool content_has(struct rng_pool *p, const struct rng *r, struct rng_text t)
{
	if (r->nullable && (!t.p || is_blank(t)))
		return true;
	return rng_text_of(p, r, t)->nullable;
}

const struct rng *rng_attribute(struct rng_pool *p, const struct rng *r,
				struct rng_qname name, struct rng_text value)
{
	if (p->over || !r->has_attributes)
		return &rng_none;
	switch (r->kind) {
	case RNG_AFTER:
		return rng_make(p, RNG_AFTER, rng_attribute(p, r->a, name, value), r->b);
	case RNG_CHOICE:
		return rng_make(p, RNG_CHOICE, rng_attribute(p, r->a, name, value),
				rng_attribute(p, r->b, name, value));
	case RNG_GROUP:
	case RNG_INTERLEAVE:
		return rng_make(
			p, RNG_CHOICE,
			rng_make(p, r->kind, rng_attribute(p, r->a, name, value), r->b),
			rng_make(p, r->kind, r->a, rng_attribute(p, r->b, name, value)));
	case RNG_MORE:
		return rng_make(p, RNG_GROUP, rng_attribute(p, r->a, name, value),
				maybe(p, r));
	case RNG_ATTRIBUTE:
		return rng_name_has(r->name, name) && content_has(p, r->a, value)
			       ? &rng_empty
			       : &rng_none;
	case RNG_EMPTY:
	case RNG_NONE:
	case RNG_TEXT:
	case RNG_LIST:
	case RNG_DATA:
	case RNG_VALUE:
	case RNG_ELEMENT:
		break;
	}
	return &rng_none;
}

static const struct rng *close_tag(struct rng_pool *p, const struct rng *r,
				   const struct rng *attribute)
{
	if (!r->has_attributes)
		return r;
	if (r->kind == RNG_ATTRIBUTE)
		return attribute;
	if (r->kind == RNG_AFTER)
		return rng_make(p, r->kind, close_tag(p, r->a, attribute), r->b);
	return rng_make(p, r->kind, close_tag(p, r->a, attribute),
			r->b ? close_tag(p, r->b, attribute) : NULL);
}

const struct rng *rng_close(struct rng_pool *p, const struct rng *r)
{
	return close_tag(p, r, &rng_none);
}

const struct rng *rng_close_any(struct rng_pool *p, const struct rng *r)
{
	return close_tag(p, r, &rng_empty);
}

static struct rng_text next_word(struct rng_text *t)
{
	struct rng_text word;

	for (; t->n && xml_is_blank((uint8_t)*t->p); t->n--)
		t->p++;
	word = (struct rng_text){ t->p, 0 };
	while (word.n < t->n && !xml_is_blank((uint8_t)word.p[word.n]))
		word.n++;
	t->p += word.n;
	t->n -= word.n;
	return word;
}

static bool list_has(struct rng_pool *p, const struct rng *r, struct rng_text t)
{
	if (!t.p)
		return true;
	for (;;) {
		struct rng_text word = next_word(&t);

		if (!word.n)
			return r->nullable;
		r = rng_text_of(p, r, word);
	}
}

/* Without `exact`, words and one blank between them. */
static bool is_value(const struct rng *r, struct rng_text t)
{
	struct rng_text value = { r->value.p, r->value.n };

	if (!t.p)
		return true;
	if (r->exact)
		return str_eq(r->value, (struct str){ t.p, t.n });
	for (;;) {
		struct rng_text a = next_word(&value), b = next_word(&t);

		if (!str_eq((struct str){ a.p, a.n }, (struct str){ b.p, b.n }))
			return false;
		if (!a.n)
			return true;
	}
}

static bool is_data(struct rng_pool *p, const struct rng *r, struct rng_text t)
{
	return !t.p || (rng_type_has(r->type, t, p->arena) &&
			(!r->a || !content_has(p, r->a, t)));
}

const struct rng *rng_text_of(struct rng_pool *p, const struct rng *r, struct rng_text t)
{
	const struct rng *x;

	if (p->over)
		return &rng_none;
	switch (r->kind) {
	case RNG_CHOICE:
		return rng_make(p, RNG_CHOICE, rng_text_of(p, r->a, t),
				rng_text_of(p, r->b, t));
	case RNG_INTERLEAVE:
		x = rng_make(p, RNG_INTERLEAVE, rng_text_of(p, r->a, t), r->b);
		return rng_make(
			p, RNG_CHOICE, x,
			rng_make(p, RNG_INTERLEAVE, r->a, rng_text_of(p, r->b, t)));
	case RNG_GROUP:
		x = rng_make(p, RNG_GROUP, rng_text_of(p, r->a, t), r->b);
		return r->a->nullable
			       ? rng_make(p, RNG_CHOICE, x, rng_text_of(p, r->b, t))
			       : x;
	case RNG_MORE:
		return rng_make(p, RNG_GROUP, rng_text_of(p, r->a, t), maybe(p, r));
	case RNG_AFTER:
		return rng_make(p, RNG_AFTER, rng_text_of(p, r->a, t), r->b);
	case RNG_TEXT:
		return r;
	case RNG_VALUE:
		return is_value(r, t) ? &rng_empty : &rng_none;
	case RNG_DATA:
		return is_data(p, r, t) ? &rng_empty : &rng_none;
	case RNG_LIST:
		return list_has(p, r->a, t) ? &rng_empty : &rng_none;
	case RNG_EMPTY:
	case RNG_NONE:
	case RNG_ATTRIBUTE:
	case RNG_ELEMENT:
		break;
	}
	return &rng_none;
}

const struct rng *rng_only_text(struct rng_pool *p, const struct rng *r,
				struct rng_text t)
{
	const struct rng *x = rng_text_of(p, r, t);

	return t.p && is_blank(t) ? rng_make(p, RNG_CHOICE, r, x) : x;
}

static const struct rng *end_tag(struct rng_pool *p, const struct rng *r, bool any)
{
	if (r->kind == RNG_CHOICE)
		return rng_make(p, RNG_CHOICE, end_tag(p, r->a, any),
				end_tag(p, r->b, any));
	return r->kind == RNG_AFTER && (any || r->a->nullable) ? r->b : &rng_none;
}
/* NOLINTEND(misc-no-recursion) */

const struct rng *rng_end(struct rng_pool *p, const struct rng *r)
{
	return end_tag(p, r, false);
}

const struct rng *rng_end_any(struct rng_pool *p, const struct rng *r)
{
	return end_tag(p, r, true);
}
