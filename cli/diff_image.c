/* A hex diff with the words for each record, as it is and as it will be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "cli/diff.h"
#include "cli/excerpt.h"
#include "cli/moves.h"
#include "cli/report.h"
#include "rules/rule.h"
#include "base/banned.h"

enum { ROW = 16, PLACES_MAX = 6 };

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	return x->at.off < y->at.off ? -1 : x->at.off > y->at.off;
}

/* QCOW2 is big-endian. Its bits and entries of tables say more as they stand. */
static void big_endian_out(struct buf *out, struct view bytes, struct str locus)
{
	if (str_ends(locus, "features") || str_ends(locus, "flags") ||
	    str_ends(locus, "]"))
		return;
	if (bytes.n == 4)
		buf_printf(out, "   = %u", view_be32(bytes, 0));
	else if (bytes.n == 8)
		buf_printf(out, "   = %llu", (unsigned long long)view_be64(bytes, 0));
}

/* What the bytes of a whole field say; checksums in hex. */
static void number_out(struct buf *out, struct view bytes, const struct place *place)
{
	struct str locus = str_of(place->locus);
	bool crc = str_ends(locus, "crc"), big = place->order == PLACE_BIG;
	unsigned long long v;

	if (str_starts(locus, "qcow2/")) {
		big_endian_out(out, bytes, locus);
		return;
	}
	if (place->order == PLACE_BOTH)
		bytes = view_cut(bytes, 0, bytes.n / 2);
	if (bytes.n == 2 && big)
		v = view_be16(bytes, 0);
	else if (bytes.n == 4 && big)
		v = view_be32(bytes, 0);
	else if (bytes.n == 2)
		v = view_le16(bytes, 0);
	else if (bytes.n == 4)
		v = view_le32(bytes, 0);
	else if (bytes.n == 8)
		v = view_le64(bytes, 0);
	else
		return;
	buf_printf(out, crc ? "   = %08llx" : "   = %llu", v);
}

/* place: NULL unless the bytes are all of an edit. */
static void row_out(struct buf *out, const struct term *t, char sign, struct span at,
		    struct view bytes, const struct place *place)
{
	paint(out, t, sign == '+' ? PAINT_FIX : PAINT_GONE);
	buf_char(out, sign);
	buf_offset(out, at);
	buf_add(out, STR(" | "));
	buf_hex(out, bytes);
	if (place)
		number_out(out, bytes, place);
	paint_end(out, t);
	buf_char(out, '\n');
}

/* What stands there now, or once the moves are done; zeros past the end, as they will be
 * read once it has grown. */
static struct view old_bytes(const struct source *src, const struct edit *e,
			     struct arena *a)
{
	uint8_t *old = arena_array(a, e->bytes.n + 1, uint8_t);
	uint64_t there = src->size > e->at.off ? src->size - e->at.off : 0;
	size_t n = (size_t)u64_min(there, e->bytes.n);
	struct err err;

	if (source_read(src, e->at.off, old, n, &err) != 0)
		return (struct view){ 0 };
	return (struct view){ old, e->bytes.n };
}

/* The rows that change, on the side that a sign stands for or (' ') on both, one below the
 * other. */
static void rows_out(struct buf *out, const struct term *t, const struct edit *e,
		     struct view old, char side)
{
	for (size_t i = 0; i < e->bytes.n; i += ROW) {
		size_t n = e->bytes.n - i < ROW ? e->bytes.n - i : ROW;
		struct span at = { e->at.src, e->at.off + i, n };

		if (old.n && memcmp(old.p + i, e->bytes.p + i, n) == 0)
			continue;
		if (old.n && side != '+')
			row_out(out, t, '-', at, view_cut(old, i, n), NULL);
		if (side != '-')
			row_out(out, t, '+', at, view_cut(e->bytes, i, n), NULL);
	}
}

static void zeros_out(struct buf *out, const struct term *t, char sign,
		      const struct edit *e)
{
	paint(out, t, sign == '+' ? PAINT_FIX : PAINT_GONE);
	buf_char(out, sign);
	buf_offset(out, e->at);
	buf_printf(out, " | %zu bytes of zeros", e->bytes.n);
	paint_end(out, t);
	buf_char(out, '\n');
}

static void bytes_out(struct buf *out, const struct term *t, const struct edit *e,
		      struct view old, const struct place *place)
{
	if (e->bytes.n <= ROW && old.n) {
		row_out(out, t, '-', e->at, old, place);
		row_out(out, t, '+', e->at, e->bytes, place);
	} else if (old.n && view_is_zero(old)) {
		zeros_out(out, t, '-', e);
		rows_out(out, t, e, old, '+');
	} else if (old.n && view_is_zero(e->bytes)) {
		rows_out(out, t, e, old, '-');
		zeros_out(out, t, '+', e);
	} else {
		rows_out(out, t, e, old, ' ');
	}
}

/* The same place of u, which has its own source for the disk in it. */
static bool place_in(const struct unit *u, struct span at, struct arena *a,
		     struct place *out)
{
	if (!u || (at.src->is_guest && !u->image))
		return false;
	at.src = at.src->is_guest ? u->image->src : &u->src;
	return unit_place(u, at, a, out);
}

static const char *words_of(const struct unit *u, struct span at, struct arena *a)
{
	struct place place = { 0 };

	return place_in(u, at, a, &place) ? place.summary : NULL;
}

/* The record in words, where they change. */
static void words_out(struct buf *out, const struct term *t, const char *before,
		      const char *after)
{
	if (before && after && strcmp(before, after) == 0)
		return;
	if (before) {
		paint(out, t, PAINT_GONE);
		buf_printf(out, "- %s", before);
		paint_end(out, t);
		buf_char(out, '\n');
	}
	if (after) {
		paint(out, t, PAINT_FIX);
		buf_printf(out, "+ %s", after);
		paint_end(out, t);
		buf_char(out, '\n');
	}
}

struct image_diff {
	struct buf *out;
	const struct term *term;
	const struct source *src;          /* with the plan's moves */
	const struct unit *before, *after; /* or NULL */
	struct arena *arena;
};

static bool place_of(const struct image_diff *d, struct span at, struct place *out)
{
	return place_in(d->after, at, d->arena, out) ||
	       place_in(d->before, at, d->arena, out);
}

static void edit_out(const struct image_diff *d, const struct edit *e)
{
	struct place place = { 0 };
	bool named = place_of(d, e->at, &place);
	struct buf *out = d->out;

	paint(out, d->term, PAINT_HUNK);
	buf_add(out, STR("@@ "));
	buf_offset(out, e->at);
	buf_add(out, STR(", "));
	buf_count(out, e->bytes.n, "byte");
	if (named)
		buf_printf(out, ": %s", place.locus);
	buf_add(out, STR(" @@"));
	paint_end(out, d->term);
	if (e->because)
		buf_printf(out, " %s", e->because->rule->id);
	buf_char(out, '\n');
	words_out(out, d->term, words_of(d->before, e->at, d->arena),
		  words_of(d->after, e->at, d->arena));
	bytes_out(out, d->term, e, old_bytes(d->src, e, d->arena), named ? &place : NULL);
}

static void names_out(struct buf *out, const struct term *t, const char *path)
{
	paint(out, t, PAINT_PLACE);
	buf_add(out, STR("--- "));
	buf_safe(out, str_of(path));
	buf_add(out, STR("\n+++ "));
	buf_safe(out, str_of(path));
	paint_end(out, t);
	buf_char(out, '\n');
}

static int by_destination(const void *a, const void *b)
{
	const struct move *x = a, *y = b;

	return x->to < y->to ? -1 : x->to > y->to;
}

static void move_out(const struct image_diff *d, const struct move *m)
{
	struct buf *out = d->out, what = { 0 };

	paint(out, d->term, PAINT_HUNK);
	buf_printf(out, "@@ 0x%llx to 0x%llx, ", (unsigned long long)m->from,
		   (unsigned long long)m->to);
	buf_count(out, m->len, "byte");
	buf_move_what(&what, d->before ? d->before->image : NULL, m);
	if (what.n)
		buf_printf(out, ": %s", what.p);
	buf_free(&what);
	buf_add(out, STR(" @@"));
	paint_end(out, d->term);
	if (m->because)
		buf_printf(out, " %s", m->because->rule->id);
	buf_char(out, '\n');
}

static void moves_out(const struct image_diff *d, const struct plan *p)
{
	struct move *v = arena_array(d->arena, p->moves.n, struct move);

	if (p->moves.n == 0)
		return;
	memcpy(v, p->moves.v, p->moves.n * sizeof(*v));
	sort_stable(v, p->moves.n, sizeof(*v), by_destination);
	buf_add(d->out, STR("@@ moves: "));
	buf_about(d->out, moves_bytes(p));
	buf_add(d->out, STR(" @@\n"));
	for (size_t i = 0; i < p->moves.n; i++)
		move_out(d, &v[i]);
}

static void size_out(struct buf *out, const struct plan *p)
{
	if (p->size == p->src->size)
		return;
	buf_printf(out, "@@ size: %llu bytes, will be %llu: ",
		   (unsigned long long)p->src->size, (unsigned long long)p->size);
	buf_about(out, p->size - p->src->size);
	buf_add(out, STR(" more @@\n"));
}

/* ---- a container ---- */

static bool is_lowered(const struct edit *e)
{
	return e->because && e->because->at.src->is_guest;
}

/* What it takes in the file that guest's bytes change: tables, and clusters of their own. */
static void lowered_out(const struct image_diff *d, const struct plan *p,
			const struct edit *v)
{
	size_t places = 0, bytes = 0;
	struct buf *out = d->out;

	paint(out, d->term, PAINT_HUNK);
	buf_add(out, STR("@@ in the file: "));
	for (size_t i = 0; i < p->edits.n; i++) {
		if (!is_lowered(&v[i]) || v[i].at.off >= p->src->size)
			continue;
		bytes += v[i].bytes.n;
		if (places++ < PLACES_MAX)
			buf_printf(out, "%s%zu at 0x%llx", places > 1 ? ", " : "",
				   v[i].bytes.n, (unsigned long long)v[i].at.off);
	}
	if (places > PLACES_MAX)
		buf_printf(out, ", ... (%zu places)", places);
	if (places)
		buf_printf(out, " (%zu bytes)", bytes);
	if (p->size > p->src->size)
		buf_printf(out, "%snew clusters up to 0x%llx", places ? ", " : "",
			   (unsigned long long)p->size);
	buf_add(out, STR(" @@"));
	paint_end(out, d->term);
	buf_char(out, '\n');
}

static const struct edit *by_place(const struct plan *p, struct arena *a)
{
	struct edit *v = arena_array(a, p->edits.n, struct edit);

	if (p->edits.n)
		memcpy(v, p->edits.v, p->edits.n * sizeof(*v));
	sort_stable(v, p->edits.n, sizeof(*v), by_offset);
	return v;
}

static void guest_out(const struct image_diff *d, const struct plan *host,
		      const struct plan *guest)
{
	const struct edit *v = by_place(guest, d->arena);
	struct image_diff inside = *d;

	inside.src = guest->src;
	for (size_t i = 0; i < guest->edits.n; i++)
		edit_out(&inside, &v[i]);
	lowered_out(d, host, by_place(host, d->arena));
}

void diff_image(struct buf *out, const struct term *t, const struct plan *p,
		const struct plan *guest, const struct unit *before,
		const struct unit *after, struct arena *a)
{
	const struct edit *v = by_place(p, a);
	struct patch moved = plan_patch(p, a);
	struct image_diff d = { out, t, p->src, before, after, a };
	struct source over;

	moved.n = 0;
	if (moved.nmoves) {
		over = source_overlay(p->src, &moved);
		d.src = &over;
	}
	names_out(out, t, p->src->path);
	size_out(out, p);
	moves_out(&d, p);
	if (before && before->image && before->image->lost && after && after->image &&
	    !after->image->lost)
		diff_lost(out, t, before->image->lost, a);
	for (size_t i = 0; i < p->edits.n; i++) {
		if (!guest || !is_lowered(&v[i]))
			edit_out(&d, &v[i]);
	}
	if (guest)
		guest_out(&d, p, guest);
}
