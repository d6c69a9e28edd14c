/* Sets of CPUs and of NUMA nodes.
 * libvirt, src/util/virbitmap.c (virBitmapParseInternal)
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/cpuset.h"

#include <string.h>

#include "base/banned.h"

static void skip_blanks(struct str *s)
{
	while (s->n && strchr(" \t\n\r\f\v", s->p[0]))
		*s = (struct str){ s->p + 1, s->n - 1 };
}

/* A decimal number below CPUSET_BITS, taken off. */
static bool number(struct str *s, unsigned *out)
{
	unsigned v = 0;
	bool any = false;

	while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
		v = v * 10 + (unsigned)(s->p[0] - '0');
		if (v >= CPUSET_BITS)
			return false;
		*s = (struct str){ s->p + 1, s->n - 1 };
		any = true;
	}
	*out = v;
	return any;
}

static bool take(struct str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = (struct str){ s->p + 1, s->n - 1 };
	return true;
}

bool cpuset_read(struct cpuset *c, struct str text)
{
	*c = (struct cpuset){ { 0 } };
	skip_blanks(&text);
	if (text.n == 0)
		return false;
	while (text.n) {
		bool without = take(&text, '^');
		unsigned first, last;

		if (!number(&text, &first))
			return false;
		skip_blanks(&text);
		last = first;
		if (take(&text, '-')) {
			skip_blanks(&text);
			if (without || !number(&text, &last) || last < first)
				return false;
			skip_blanks(&text);
		}
		for (unsigned i = first; i <= last; i++) {
			if (without)
				c->words[i / 64] &= ~(UINT64_C(1) << i % 64);
			else
				cpuset_add(c, i);
		}
		if (text.n && !take(&text, ','))
			return false;
		skip_blanks(&text);
	}
	return true;
}

bool cpuset_has(const struct cpuset *c, unsigned bit)
{
	return bit < CPUSET_BITS && c->words[bit / 64] >> bit % 64 & 1;
}

void cpuset_add(struct cpuset *c, unsigned bit)
{
	if (bit < CPUSET_BITS)
		c->words[bit / 64] |= UINT64_C(1) << bit % 64;
}

bool cpuset_empty(const struct cpuset *c)
{
	return cpuset_next(c, 0) == CPUSET_BITS;
}

bool cpuset_same(const struct cpuset *a, const struct cpuset *b)
{
	return memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

bool cpuset_meet(const struct cpuset *a, const struct cpuset *b)
{
	for (size_t i = 0; i < CPUSET_WORDS; i++) {
		if (a->words[i] & b->words[i])
			return true;
	}
	return false;
}

bool cpuset_within(const struct cpuset *a, const struct cpuset *b)
{
	for (size_t i = 0; i < CPUSET_WORDS; i++) {
		if (a->words[i] & ~b->words[i])
			return false;
	}
	return true;
}

unsigned cpuset_next(const struct cpuset *c, unsigned from)
{
	while (from < CPUSET_BITS && !cpuset_has(c, from))
		from = c->words[from / 64] >> from % 64 ? from + 1 : (from / 64 + 1) * 64;
	return from < CPUSET_BITS ? from : CPUSET_BITS;
}

void cpuset_shrink(struct cpuset *c, uint64_t bits)
{
	for (unsigned i = 0; i < CPUSET_WORDS; i++) {
		if (bits <= i * UINT64_C(64))
			c->words[i] = 0;
		else if (bits < (i + 1) * UINT64_C(64))
			c->words[i] &= (UINT64_C(1) << bits % 64) - 1;
	}
}

unsigned cpuset_count(const struct cpuset *c)
{
	unsigned n = 0;

	for (unsigned i = cpuset_next(c, 0); i < CPUSET_BITS; i = cpuset_next(c, i + 1))
		n++;
	return n;
}
