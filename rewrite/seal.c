/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/seal.h"
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "base/crc32.h"
#include "base/banned.h"

static bool overlap(struct span a, struct span b)
{
	return a.off < span_end(b) && b.off < span_end(a);
}

/* The first edit that writes into `at`, or NULL. */
static const struct edit *edit_in(const struct plan *p, struct span at)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (overlap(e->at, at))
			return e;
	}
	return NULL;
}

static bool written_whole(const struct plan *p, struct span at)
{
	const struct edit *e = edit_in(p, at);

	return e && e->at.off <= at.off && span_end(e->at) >= span_end(at);
}

/* What the sum of a copy's header or array becomes once p is written: crc is the sum now,
 * over `part`, which stands at off, and over `behind` more bytes. */
static uint32_t crc_planned(const struct plan *p, uint32_t crc, uint64_t off,
			    struct view part, uint64_t behind)
{
	uint64_t end = off + part.n;

	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];
		uint64_t from = u64_max(e->at.off, off);
		uint64_t to = u64_min(span_end(e->at), end);
		size_t n = (size_t)(to - from);

		if (from < to)
			crc ^= crc32_change(
				view_cut(part, (size_t)(from - off), n),
				view_cut(e->bytes, (size_t)(from - e->at.off), n),
				end - to + behind);
	}
	return crc;
}

/* Its own field counts as zero, whatever is there. */
static uint32_t header_crc_planned(const struct plan *p, const struct gpt_table *t)
{
	struct view h = view_cut(t->raw, 0, (size_t)t->header_size.v);
	size_t field = GPT_OFF_HEADER_CRC, behind = field + 4;
	uint32_t crc = (uint32_t)t->header_crc.v;

	crc = crc_planned(p, crc, t->at.off, view_cut(h, 0, field), h.n - field);
	return crc_planned(p, crc, t->at.off + behind, view_cut(h, behind, h.n - behind),
			   0);
}

/* Which bytes are the array follows from these; a seal computes over the old ones. */
static bool array_moves(const struct plan *p, const struct gpt_table *t)
{
	return edit_in(p, t->entries_lba.at) || edit_in(p, t->entry_count.at) ||
	       edit_in(p, t->entry_size.at) || edit_in(p, t->header_size.at);
}

/* A copy's sums go with the last of its edits: it is right until then, and a fix that edits
 * one copy after the other leaves one of them right at any moment. */
static enum stage last_stage(const struct plan *p, struct span header,
			     struct span entries)
{
	enum stage last = STAGE_HEADERS;

	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (e->stage > last &&
		    (overlap(e->at, header) || overlap(e->at, entries)))
			last = e->stage;
	}
	return last;
}

/* An edit that would change nothing is left out; a sum that a fix wrote must be this. */
static bool put_crc(struct plan *p, enum stage stage, const struct field *f, uint32_t crc)
{
	if (f->v == crc && !edit_in(p, f->at))
		return true;
	return plan_le32(p, stage, f->at, crc);
}

static bool seal_table(struct plan *p, const struct gpt_table *t)
{
	struct span header_at = { t->at.src, t->at.off, t->header_size.v };
	const struct edit *in_header, *in_entries;
	enum stage stage;
	uint32_t crc;

	if (!gpt_table_ok(t))
		return true;
	in_header = edit_in(p, header_at);
	in_entries = edit_in(p, t->entries_at);
	if ((!in_header && !in_entries) || written_whole(p, header_at))
		return true;
	if (array_moves(p, t))
		return false;
	/* The sums are there because of what they follow from. */
	p->because = in_entries ? in_entries->because : in_header->because;
	stage = last_stage(p, header_at, t->entries_at);
	crc = crc_planned(p, (uint32_t)t->entries_crc.v, t->entries_at.off,
			  t->entries_raw, 0);
	return put_crc(p, stage, &t->entries_crc, crc) &&
	       put_crc(p, stage, &t->header_crc, header_crc_planned(p, t));
}

bool seal(struct plan *p, const struct unit *u)
{
	const struct gpt *gpt = u->image ? u->image->gpt : NULL;
	bool sealed;

	/* A plan for a container's file writes none of the tables in it. */
	if (!gpt || u->image->src->is_guest != p->src->is_guest)
		return true;
	sealed = seal_table(p, &gpt->primary) && seal_table(p, &gpt->backup);
	p->because = NULL;
	return sealed;
}
