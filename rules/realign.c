/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/realign.h"
#include "base/num.h"
#include "base/vec.h"
#include "base/banned.h"

bool realign_add(struct realign *r, unsigned number, uint64_t off, uint64_t len,
		 bool anywhere)
{
	if (r->n == REALIGN_MAX)
		return false;
	r->part[r->n++] = (struct realign_part){
		.number = number, .off = off, .len = len, .anywhere = anywhere, .to = off
	};
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct realign_part *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

/* The next whole MiB at or above v. */
static bool round_up(uint64_t v, uint64_t *out)
{
	return u64_mul(div_up(v, REALIGN_TO), REALIGN_TO, out);
}

static enum realign_verdict blame(struct realign *r, const struct realign_part *p,
				  enum realign_verdict v)
{
	r->culprit = p->number;
	return v;
}

/* *from: where the one before it ends by now, and from there on where this one does. */
static enum realign_verdict place(struct realign *r, struct realign_part *p,
				  uint64_t *from)
{
	bool good = p->anywhere || p->off % r->need == 0;

	p->to = p->off;
	if ((!good || p->off < *from) && !round_up(u64_max(p->off, *from), &p->to))
		return blame(r, p, REALIGN_TOO_FAR);
	if (!u64_add(p->to, p->len, from))
		return blame(r, p, REALIGN_TOO_FAR);
	return REALIGN_OK;
}

/* As they are: one behind the other, and all within the room. */
static enum realign_verdict look(struct realign *r)
{
	uint64_t end = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct realign_part *p = &r->part[i];

		if (p->off < end || p->len == 0)
			return blame(r, p, REALIGN_OVERLAP);
		if (!range_within(p->off, p->len, r->end))
			return blame(r, p, REALIGN_OUTSIDE);
		end = p->off + p->len;
	}
	return REALIGN_OK;
}

enum realign_verdict realign_plan(struct realign *r)
{
	enum realign_verdict v;
	uint64_t from = 0, bytes;

	r->grow = 0;
	r->culprit = 0;
	sort_stable(r->part, r->n, sizeof(r->part[0]), by_place);
	v = look(r);
	for (size_t i = 0; v == REALIGN_OK && i < r->n; i++)
		v = place(r, &r->part[i], &from);
	if (v != REALIGN_OK)
		return v;
	if (from > r->end && !round_up(from - r->end, &r->grow))
		return blame(r, &r->part[r->n - 1], REALIGN_TOO_FAR);
	return realign_moves(r, &bytes) ? REALIGN_OK : REALIGN_IDLE;
}

static bool meet(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b ? b - a < a_len : a - b < b_len;
}

bool realign_covers(const struct realign *r, uint64_t off, uint64_t len)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct realign_part *p = &r->part[i];

		if (p->to != p->off && meet(p->to, p->len, off, len))
			return true;
	}
	return false;
}

bool realign_touches(const struct realign *r, uint64_t off, uint64_t len)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct realign_part *p = &r->part[i];

		if (p->to != p->off && meet(p->off, p->len, off, len))
			return true;
	}
	return realign_covers(r, off, len);
}

size_t realign_moves(const struct realign *r, uint64_t *bytes)
{
	size_t n = 0;

	*bytes = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (r->part[i].to == r->part[i].off)
			continue;
		n++;
		*bytes +=
			r->part[i].len; /* they do not overlap: no more than a disk has */
	}
	return n;
}
