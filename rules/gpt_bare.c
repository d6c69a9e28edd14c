/* What speaks for entries of a GPT that have lost both headers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_bare.h"
#include "analyze/image/image.h"
#include "analyze/image/lost.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

enum { SLOT = GPT_ENTRY_SIZE };

/* Does content that is known begin where one of the bare entries says? */
static bool has_bare_content(const struct gpt *g)
{
	const struct lost *l = g->image->contents;

	for (size_t i = 0; l && i < l->nparts; i++) {
		for (size_t at = 0; at + SLOT <= g->bare->array.n; at += SLOT) {
			uint64_t first = view_le64(g->bare->array, at + GPT_ENT_FIRST);

			if (first && l->part[i].off == first * g->sector_size)
				return true;
		}
	}
	return false;
}

bool gpt_bare_is_live(const struct gpt_state *st)
{
	const struct gpt *g = st->g;
	struct view head = g->image->head;
	size_t from = st->mbr && st->mbr->magic_ok ? MBR_SIZE : 0;
	size_t to = g->sector_size * (size_t)2;

	if (g->bare->which == GPT_BACKUP)
		to += GPT_ENTRIES_MIN_BYTES;
	return (view_has(head, 0, to) && view_is_zero(view_cut(head, from, to - from))) ||
	       has_bare_content(g);
}

bool gpt_bare_is_known(const struct gpt *g)
{
	return g->bare && (g->bare->begins || has_bare_content(g));
}
