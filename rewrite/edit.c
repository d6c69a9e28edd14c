/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/edit.h"
#include "analyze/config/lens.h"
#include "analyze/config/node.h"
#include "rewrite/text.h"
#include "base/banned.h"

#undef plan_refuse

struct plan plan_on(const struct source *src, struct arena *a)
{
	return (struct plan){ .arena = a, .src = src, .size = src->size };
}

static bool same_edit(const struct edit *e, struct span at, struct view bytes)
{
	return e->at.off == at.off && e->at.len == at.len && e->bytes.n == bytes.n &&
	       view_eq(e->bytes, 0, bytes.p, bytes.n);
}

/* Two insertions at one place have no order of their own, so they collide as well. */
static bool collides(const struct edit *e, struct span at)
{
	if (e->at.len == 0 && at.len == 0)
		return e->at.off == at.off;
	return e->at.off < span_end(at) && at.off < span_end(e->at);
}

/* Refcounts of a large image are the same in block after block: they are kept once. */
static struct view bytes_before(const struct plan *p)
{
	return p->edits.n ? p->edits.v[p->edits.n - 1].bytes : (struct view){ 0 };
}

static bool add(struct plan *p, enum stage stage, struct span at, struct view bytes)
{
	struct edit *e;

	bool behind = at.off > p->end || (at.len && at.off == p->end);

	/* Those that come by offset, as most do, meet none. */
	for (size_t i = behind ? p->edits.n : 0; i < p->edits.n; i++) {
		if (same_edit(&p->edits.v[i], at, bytes))
			return true;
		if (collides(&p->edits.v[i], at))
			return false;
	}
	bytes = arena_copy_once(p->arena, bytes, bytes_before(p));
	e = vec_add(&p->edits, p->arena);
	*e = (struct edit){
		.at = at, .bytes = bytes, .stage = stage, .because = p->because
	};
	p->end = u64_max(p->end, span_end(at));
	return true;
}

bool plan_bytes(struct plan *p, enum stage stage, uint64_t off, struct view bytes)
{
	struct span at = { .src = p->src, .off = off, .len = bytes.n };

	if (!range_within(off, bytes.n, p->size))
		return false;
	return bytes.n == 0 || add(p, stage, at, bytes);
}

bool plan_zero(struct plan *p, enum stage stage, uint64_t off, uint64_t len)
{
	struct view zeros = { .n = (size_t)len };

	if (!range_within(off, len, p->size) || len > PLAN_ZERO_MAX)
		return false;
	zeros.p = arena_alloc(p->arena, zeros.n, 1);
	return plan_bytes(p, stage, off, zeros);
}

bool plan_u8(struct plan *p, enum stage stage, struct span at, uint8_t v)
{
	return at.len == 1 && plan_bytes(p, stage, at.off, (struct view){ &v, 1 });
}

bool plan_le16(struct plan *p, enum stage stage, struct span at, uint16_t v)
{
	uint8_t b[2];

	put_le16(b, v);
	return at.len == 2 && plan_bytes(p, stage, at.off, (struct view){ b, 2 });
}

bool plan_le32(struct plan *p, enum stage stage, struct span at, uint32_t v)
{
	uint8_t b[4];

	put_le32(b, v);
	return at.len == 4 && plan_bytes(p, stage, at.off, (struct view){ b, 4 });
}

bool plan_le64(struct plan *p, enum stage stage, struct span at, uint64_t v)
{
	uint8_t b[8];

	put_le64(b, v);
	return at.len == 8 && plan_bytes(p, stage, at.off, (struct view){ b, 8 });
}

bool plan_be32(struct plan *p, enum stage stage, struct span at, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	return at.len == 4 && plan_bytes(p, stage, at.off, (struct view){ b, 4 });
}

bool plan_be64(struct plan *p, enum stage stage, struct span at, uint64_t v)
{
	uint8_t b[8];

	put_be64(b, v);
	return at.len == 8 && plan_bytes(p, stage, at.off, (struct view){ b, 8 });
}

bool plan_move(struct plan *p, uint64_t from, uint64_t to, uint64_t len)
{
	struct move *m;

	if (len == 0 || from >= to || !range_within(from, len, p->src->size) ||
	    !range_within(to, len, p->size) || (p->src->patch && p->src->patch->nmoves))
		return false;
	for (size_t i = 0; i < p->moves.n; i++) {
		m = &p->moves.v[i];
		if (m->from == from && m->to == to && m->len == len)
			return true;
		if (m->to < to + len && to < m->to + m->len)
			return false;
	}
	m = vec_add(&p->moves, p->arena);
	*m = (struct move){ .from = from, .to = to, .len = len, .because = p->because };
	return true;
}

void plan_grow(struct plan *p, uint64_t size)
{
	p->size = u64_max(p->size, size);
}

bool plan_replace(struct plan *p, struct span at, struct str text)
{
	if (!range_within(at.off, at.len, p->src->size))
		return false;
	return add(p, STAGE_TABLES, at, str_bytes(text));
}

/* What stands there is a name for something else, which others may use as well. */
static bool is_elsewhere(struct plan *p, const struct fact *f)
{
	const struct node *n = lens_find(f->lens, f->owner);

	if (n && n->from)
		(void)plan_refuse(p, "its value is that of %s: change it there", n->from);
	return n && n->from;
}

bool plan_set(struct plan *p, const struct fact *f, const char *value)
{
	const struct text_syntax *syntax;

	if (f->state == FACT_UNKNOWN || !f->lens || !f->owner || is_elsewhere(p, f))
		return false;
	syntax = text_syntax(f->owner->syntax);
	return syntax && syntax->set(p, f, value);
}

bool plan_remove(struct plan *p, const struct fact *f)
{
	const struct text_syntax *syntax;

	if (f->state == FACT_ABSENT)
		return true;
	if (!f->lens || !f->owner)
		return false;
	syntax = text_syntax(f->owner->syntax);
	return syntax && syntax->remove(p, f);
}

bool plan_remove_node(struct plan *p, const struct node *n)
{
	const struct text_syntax *syntax = text_syntax(n->syntax);

	return syntax && syntax->remove_node(p, n);
}

bool plan_rename(struct plan *p, const struct node *n, const char *name)
{
	const struct text_syntax *syntax = text_syntax(n->syntax);

	return syntax && syntax->rename && syntax->rename(p, n, name);
}

void plan_title(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	p->title = arena_vprintf(p->arena, fmt, ap);
	va_end(ap);
}

bool plan_refuse(struct plan *p, const char *fmt, ...)
{
	va_list ap;

	if (!p)
		return false; /* a check asks whether a fix would apply */
	va_start(ap, fmt);
	p->refused = arena_vprintf(p->arena, fmt, ap);
	va_end(ap);
	return false;
}

struct plan_mark plan_mark(const struct plan *p)
{
	return (struct plan_mark){ p->edits.n, p->moves.n, p->size };
}

void plan_cut(struct plan *p, struct plan_mark to)
{
	BUG_ON(to.edits > p->edits.n || to.moves > p->moves.n);
	p->edits.n = to.edits;
	p->moves.n = to.moves;
	p->size = to.size;
}

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	/* An insertion comes before what it is inserted in front of. */
	return x->at.len == 0 ? -1 : y->at.len == 0 ? 1 : 0;
}

static struct edit *sorted_edits(const struct plan *p, struct arena *a)
{
	struct edit *v = arena_array(a, p->edits.n, struct edit);

	if (p->edits.n)
		memcpy(v, p->edits.v, p->edits.n * sizeof(*v));
	sort_stable(v, p->edits.n, sizeof(*v), by_offset);
	return v;
}

static int by_destination(const void *a, const void *b)
{
	const struct patch_move *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

struct patch plan_patch(const struct plan *p, struct arena *a)
{
	struct patch_move *moves = arena_array(a, p->moves.n, struct patch_move);
	const struct edit *edits = sorted_edits(p, a);
	struct patch_run *runs = arena_array(a, p->edits.n, struct patch_run);

	for (size_t i = 0; i < p->edits.n; i++) {
		BUG_ON(edits[i].bytes.n != edits[i].at.len);
		runs[i] = (struct patch_run){ .off = edits[i].at.off,
					      .bytes = edits[i].bytes };
	}
	for (size_t i = 0; i < p->moves.n; i++)
		moves[i] = (struct patch_move){ .from = p->moves.v[i].from,
						.to = p->moves.v[i].to,
						.len = p->moves.v[i].len };
	sort_stable(moves, p->moves.n, sizeof(*moves), by_destination);
	return (struct patch){ .v = runs,
			       .n = p->edits.n,
			       .size = p->size,
			       .moves = moves,
			       .nmoves = p->moves.n };
}

/* ---- one plan over another ---- */

/* The bytes [from, to) of an edit, as an edit of their own; they are not copied. */
static void add_piece(struct plan *out, const struct edit *e, uint64_t from, uint64_t to,
		      enum stage stage)
{
	struct view part;
	struct edit *piece;

	if (from >= to)
		return;
	part = view_cut(e->bytes, (size_t)(from - e->at.off), (size_t)(to - from));
	piece = vec_add(&out->edits, out->arena);
	*piece = (struct edit){ .at = { .src = out->src, .off = from, .len = to - from },
				.bytes = part,
				.stage = stage,
				.because = e->because };
}

/* Adds e as `others` leave it: without what they cover, or, where e wins, whole and no
 * earlier than what it covers. others are sorted; *from is where to begin, for the next e
 * as well. */
static void add_against(struct plan *out, const struct edit *e, const struct plan *others,
			size_t *from, bool wins)
{
	uint64_t at = e->at.off, end = span_end(e->at);

	while (*from < others->edits.n && span_end(others->edits.v[*from].at) <= at)
		++*from;
	for (size_t i = *from; i < others->edits.n; i++) {
		const struct edit *o = &others->edits.v[i];
		uint64_t lo = u64_max(o->at.off, at), hi = u64_min(span_end(o->at), end);

		if (o->at.off >= end)
			break;
		add_piece(out, e, at, lo, e->stage);
		if (wins)
			add_piece(out, e, lo, hi,
				  e->stage > o->stage ? e->stage : o->stage);
		at = hi;
	}
	add_piece(out, e, at, end, e->stage);
}

/* The edits of a plan as the moves of the next one leave them: a piece goes along where
 * its bytes are moved from, is gone where bytes are moved to, else stays. */
static struct plan carried(const struct plan *p, const struct plan *by, struct arena *a)
{
	struct plan to = plan_on(p->src, a), out = to;
	size_t from;

	to.size = by->size;
	for (size_t i = 0; i < by->moves.n; i++) {
		struct edit *hole = vec_add(&to.edits, a);

		hole->at = (struct span){ p->src, by->moves.v[i].to, by->moves.v[i].len };
	}
	vec_sort(&to.edits, by_offset);
	for (size_t i = 0; i < p->edits.n; i++) {
		from = 0;
		add_against(&out, &p->edits.v[i], &to, &from, false);
	}
	for (size_t i = 0; i < p->edits.n * by->moves.n; i++) {
		const struct move *m = &by->moves.v[i % by->moves.n];
		struct edit e = p->edits.v[i / by->moves.n];
		size_t before = out.edits.n;

		add_piece(&out, &e, u64_max(e.at.off, m->from),
			  u64_min(span_end(e.at), m->from + m->len), e.stage);
		if (out.edits.n > before)
			out.edits.v[before].at.off += m->to - m->from;
	}
	return out;
}

static void add_moves(struct plan *out, const struct plan *p)
{
	for (size_t i = 0; i < p->moves.n; i++)
		*vec_add(&out->moves, out->arena) = p->moves.v[i];
}

static void copy_bytes(struct plan *p, size_t from)
{
	struct view last = { 0 };

	for (size_t i = from; i < p->edits.n; i++) {
		last = arena_copy_once(p->arena, p->edits.v[i].bytes, last);
		p->edits.v[i].bytes = last;
	}
}

struct plan plan_over(const struct plan *first, const struct plan *then, struct arena *a)
{
	struct plan moved = then->moves.n ? carried(first, then, a) : *first;
	struct plan below = moved, above = *then, out = plan_on(first->src, a);
	size_t from = 0, nbelow;

	BUG_ON(first->moves.n && then->moves.n);
	add_moves(&out, first);
	add_moves(&out, then);
	below.edits.v = sorted_edits(&moved, a);
	above.edits.v = sorted_edits(then, a);
	out.size = u64_max(first->size, then->size);
	for (size_t i = 0; i < below.edits.n; i++)
		add_against(&out, &below.edits.v[i], &above, &from, false);
	nbelow = out.edits.n;
	copy_bytes(&out, 0);
	from = 0;
	for (size_t i = 0; i < above.edits.n; i++)
		add_against(&out, &above.edits.v[i], &below, &from, true);
	if (then->arena != a)
		copy_bytes(&out, nbelow);
	vec_sort(&out.edits, by_offset);
	return out;
}

struct view plan_text(const struct plan *p, struct view text, struct arena *a)
{
	const struct edit *edits = sorted_edits(p, a);
	struct buf out = { 0 };
	struct view result;
	size_t from = 0;

	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &edits[i];

		BUG_ON(!range_within(e->at.off, e->at.len, text.n) || e->at.off < from);
		buf_add_bytes(&out, text.p + from, (size_t)e->at.off - from);
		buf_add_bytes(&out, e->bytes.p, e->bytes.n);
		from = (size_t)span_end(e->at);
	}
	buf_add_bytes(&out, text.p + from, text.n - from);
	result = arena_copy(a, (struct view){ (const uint8_t *)out.p, out.n });
	buf_free(&out);
	return result;
}
