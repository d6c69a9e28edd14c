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

/* `now`, which stands at `at`, as it will be once p is written. */
static uint8_t *as_planned(const struct plan *p, struct span at, struct view now)
{
	uint8_t *b = arena_array(p->arena, now.n, uint8_t);

	memcpy(b, now.p, now.n);
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];
		uint64_t from = u64_max(e->at.off, at.off);
		uint64_t to = u64_min(span_end(e->at), at.off + now.n);

		if (from < to)
			memcpy(b + (from - at.off), e->bytes.p + (from - e->at.off),
			       (size_t)(to - from));
	}
	return b;
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
	struct span header_at = { .src = t->at.src, .off = t->at.off };
	const struct edit *in_header, *in_entries;
	struct view header, entries;
	enum stage stage;
	uint32_t crc;
	uint8_t *b;

	if (!gpt_table_ok(t))
		return true;
	header_at.len = t->header_size.v;
	in_header = edit_in(p, header_at);
	in_entries = edit_in(p, t->entries_at);
	if ((!in_header && !in_entries) || written_whole(p, header_at))
		return true;
	if (array_moves(p, t))
		return false;
	/* The sums are there because of what they follow from. */
	p->because = in_entries ? in_entries->because : in_header->because;
	stage = last_stage(p, header_at, t->entries_at);
	entries.p = as_planned(p, t->entries_at, t->entries_raw);
	entries.n = t->entries_raw.n;
	crc = crc32_of(entries);
	if (!put_crc(p, stage, &t->entries_crc, crc))
		return false;

	header = view_cut(t->raw, 0, (size_t)header_at.len);
	b = as_planned(p, header_at, header);
	put_le32(b + GPT_OFF_HEADER_CRC, 0);
	return put_crc(p, stage, &t->header_crc, crc32_of((struct view){ b, header.n }));
}

bool seal(struct plan *p, const struct unit *u)
{
	const struct gpt *gpt = u->image ? u->image->gpt : NULL;
	bool sealed;

	if (!gpt)
		return true;
	sealed = seal_table(p, &gpt->primary) && seal_table(p, &gpt->backup);
	p->because = NULL;
	return sealed;
}
