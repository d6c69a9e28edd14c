/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/linehash.h"

#include "base/utf8.h"
#include "base/vec.h"

#include <inttypes.h>

#include "base/banned.h"

enum { BLOCK = 100, FACTOR = 37, END_OF_FILE = 0xffff };

struct rolling {
	uint16_t unit[BLOCK]; /* the last ones, in a ring */
	bool begins[BLOCK];   /* a line begins with it */
	size_t at;
	uint64_t hash, first; /* first: FACTOR to the power of BLOCK */
	VEC(uint64_t) lines;
	struct arena *a;
	bool begin; /* the next one begins a line */
};

/* A line's hash is complete when what it began with leaves the ring. */
static void push(struct rolling *r, uint16_t unit, bool begins)
{
	if (r->begins[r->at] && r->lines.n <= LINE_HASHES_MAX)
		*vec_add(&r->lines, r->a) = r->hash;
	r->hash = FACTOR * r->hash + unit - r->first * r->unit[r->at];
	r->unit[r->at] = unit;
	r->begins[r->at] = begins;
	r->at = (r->at + 1) % BLOCK;
}

static void take_unit(struct rolling *r, uint16_t unit)
{
	push(r, unit, r->begin);
	r->begin = unit == '\n';
}

/* As UTF-16, which is what its inventor counts in. */
static void take_character(struct rolling *r, uint32_t c)
{
	if (c > 0xffff) {
		take_unit(r, (uint16_t)(0xd800 + ((c - 0x10000) >> 10)));
		take_unit(r, (uint16_t)(0xdc00 + ((c - 0x10000) & 0x3ff)));
	} else {
		take_unit(r, (uint16_t)c);
	}
}

static void take_text(struct rolling *r, struct view text)
{
	bool after_cr = false;

	for (size_t i = 0, n; i < text.n; i += n) {
		uint32_t c = 0;
		bool cr;

		n = utf8_decode(view_cut(text, i, text.n - i), &c);
		if (n == 0) {
			n = 1;
			c = 0xfffd;
		}
		cr = c == '\r';
		if (c != ' ' && c != '\t' && !(c == '\n' && after_cr))
			take_character(r, cr ? '\n' : c);
		after_cr = cr;
	}
}

struct counted {
	uint64_t hash;
	size_t line;
};

static int by_hash(const void *x, const void *y)
{
	const struct counted *a = x, *b = y;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

static const uint32_t *count(const uint64_t *hash, size_t n, struct arena *a)
{
	struct counted *v = arena_array(a, n, struct counted);
	uint32_t *nth = arena_array(a, n, uint32_t);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct counted){ hash[i], i };
	sort_stable(v, n, sizeof(*v), by_hash);
	for (size_t i = 0; i < n; i++) {
		bool same = i > 0 && v[i - 1].hash == v[i].hash;

		nth[v[i].line] = same ? nth[v[i - 1].line] + 1 : 1;
	}
	return nth;
}

struct line_hashes line_hashes(struct view text, struct arena *a)
{
	struct rolling *r = arena_new(a, struct rolling);

	r->a = a;
	r->begin = true;
	r->first = 1;
	for (size_t i = 0; i < BLOCK; i++)
		r->first *= FACTOR;
	take_text(r, text);
	take_unit(r, END_OF_FILE);
	for (size_t i = 0; i < BLOCK; i++)
		push(r, 0, false);
	if (r->lines.n > LINE_HASHES_MAX)
		return (struct line_hashes){ 0 };
	return (struct line_hashes){ r->lines.v, count(r->lines.v, r->lines.n, a),
				     r->lines.n };
}

void line_hash_text(const struct line_hashes *h, uint64_t line, char out[LINE_HASH_TEXT])
{
	out[0] = '\0';
	if (line > 0 && line <= h->n)
		snprintf(out, LINE_HASH_TEXT, "%" PRIx64 ":%" PRIu32, h->hash[line - 1],
			 h->nth[line - 1]);
}
