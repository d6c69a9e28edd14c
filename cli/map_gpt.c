/* A GPT for the map of a disk: its copies where they really are, what is left of others, and
 * partitions. UEFI 2.10 section 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/gpt_past.h"
#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "cli/map_survey.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

/* whose: what the words begin with, where it is not the table in force; its first letter is
 * that of the key, too. */
static void put_gpt_part(struct survey *s, const struct gpt *g, const struct gpt_entry *e,
			 enum map_kind kind, const char *whose)
{
	uint64_t off = survey_bytes(e->first.v, g->sector_size), end = off;
	const char *type = gpt_type_name(e->type);
	struct map_range *r;
	char guid[37];

	if (e->last.v >= e->first.v && e->last.v < UINT64_MAX)
		end = survey_bytes(e->last.v + 1, g->sector_size);
	else if (e->last.v == UINT64_MAX)
		end = UINT64_MAX;
	r = survey_put(s, kind, off, end - off);
	r->number = e->number;
	r->key = arena_printf(s->a, "%.1s%u", whose, e->number);
	r->align = map_alignment(off);
	r->record = e->at;
	if (!type) {
		guid_text(e->type, guid);
		type = arena_printf(s->a, "type %s", guid);
	}
	r->name = e->name.n ? str_shown(s->a, e->name) : type;
	if (*whose)
		type = arena_printf(s->a, "%s: %s", whose, type);
	survey_describe(s, r, type, survey_quoted(s, e->name));
}

/* ---- copies ---- */

static bool has_table_at(const struct survey *s, uint64_t off)
{
	for (size_t i = 0; i < s->m->v.n; i++) {
		const struct map_range *r = &s->m->v.v[i];

		if (r->off == off && (r->kind == MAP_TABLE || r->kind == MAP_STALE ||
				      r->kind == MAP_BROKEN))
			return true;
	}
	return false;
}

static void put_header(struct survey *s, const struct gpt *g, const struct gpt_table *t,
		       enum map_kind kind, const char *word)
{
	struct map_range *r;

	if (t->raw.n == 0 || has_table_at(s, t->at.off))
		return;
	r = survey_put(s, kind, t->at.off,
		       u64_min(g->sector_size, s->img->size - t->at.off));
	r->key = kind == MAP_STALE ? "X" : kind == MAP_BROKEN ? "!" : "H";
	r->name = "GPT header";
	r->record = t->at;
	r->what = arena_printf(s->a, "%s GPT header%s", word,
			       !t->present     ? " is missing here"
			       : !t->header_ok ? ", damaged"
					       : "");
}

/* An array that is too large to be read has an end that nobody should believe. */
static uint64_t array_bytes(const struct survey *s, const struct gpt *g,
			    const struct gpt_table *t)
{
	uint64_t len =
		survey_bytes(div_up(t->entries_at.len, g->sector_size), g->sector_size);

	if (t->array == GPT_ARRAY_TOO_LARGE)
		return u64_min(len, g->sector_size);
	return u64_min(len, s->img->size - t->entries_at.off);
}

static void put_array(struct survey *s, const struct gpt *g, const struct gpt_table *t,
		      enum map_kind kind, const char *word)
{
	struct map_range *r;
	const char *state;

	if (t->entries_at.len == 0 || t->array == GPT_ARRAY_OUTSIDE ||
	    t->entries_at.off >= s->img->size || has_table_at(s, t->entries_at.off))
		return;
	r = survey_put(s, kind, t->entries_at.off, array_bytes(s, g, t));
	r->key = kind == MAP_STALE ? "X" : kind == MAP_BROKEN ? "!" : "A";
	r->name = "GPT entries";
	r->record = t->entries_at;
	state = t->entries_ok ? arena_printf(s->a, ", %zu in use", t->nentries)
		: t->array == GPT_ARRAY_TOO_LARGE ? ", more than are read"
						  : ", damaged";
	r->what = arena_printf(s->a, "%s GPT entries: %llu of %llu bytes%s", word,
			       LLU(t->entry_count.v), LLU(t->entry_size.v), state);
}

/* stale: nobody goes by it. What a damaged header says about its array is believed when
 * the array is right. */
static void put_copy(struct survey *s, const struct gpt *g, const struct gpt_table *t,
		     const char *word, bool stale)
{
	bool gone = !t->present || !t->header_ok;

	if (stale && !t->present)
		return;
	put_header(s, g, t, stale ? MAP_STALE : gone ? MAP_BROKEN : MAP_TABLE, word);
	if (t->present && (t->header_ok || t->entries_ok))
		put_array(s, g, t,
			  stale           ? MAP_STALE
			  : t->entries_ok ? MAP_TABLE
					  : MAP_BROKEN,
			  word);
}

static const char *backup_word(const struct gpt *g)
{
	return g->backup.present && !g->backup_at_end ? "backup (not at end)" : "backup";
}

/* Its partitions only where it is as right as the one that is taken. */
static void put_other(struct survey *s, const struct gpt *o)
{
	const char *word = arena_printf(s->a, "other (%u-byte sectors)", o->sector_size);

	put_copy(s, o, &o->primary, word, true);
	put_copy(s, o, &o->backup, word, true);
	for (size_t i = 0; o->good && i < o->good->nentries; i++)
		put_gpt_part(s, o, &o->good->entry[i], MAP_ALIAS, "other");
	survey_note(s, arena_printf(s->a, "there is %s GPT for sectors of %u bytes, too",
				    o->good ? "an intact" : "a damaged", o->sector_size));
}

static void put_past(struct survey *s, const struct gpt_past *p)
{
	const struct gpt_table *t = p->table ? p->table->good : NULL;

	if (p->table && t) {
		put_copy(s, p->table, t, "lost", true);
		for (size_t i = 0; i < t->nentries; i++)
			put_gpt_part(s, p->table, &t->entry[i], MAP_LOST, "lost");
		survey_note(s,
			    arena_printf(
				    s->a,
				    "the GPT is empty; the backup of an earlier one, for "
				    "sectors of %u bytes, is still there%s",
				    p->table->sector_size,
				    p->several ? ", and there are others" : ""));
	}
	if (p->filesystem)
		survey_note(s, arena_printf(s->a,
					    "%s begins at 0x%llx, where no partition is",
					    p->filesystem, LLU(p->filesystem_at.off)));
}

static void put_copies(struct survey *s, const struct gpt *g, bool counts)
{
	put_copy(s, g, &g->primary, "primary", !counts);
	put_copy(s, g, &g->backup, backup_word(g), !counts);
	if (g->pieced)
		put_array(s, g, g->pieced, MAP_TABLE, "believed");
	if (g->stray)
		put_copy(s, g, g->stray, "left-over", true);
	if (g->other)
		put_other(s, g->other);
}

/* ---- what is known of the whole ---- */

static const char *copy_state(const struct gpt_table *t)
{
	if (!t->present)
		return "missing";
	if (!t->header_ok)
		return "damaged";
	if (t->array == GPT_ARRAY_TOO_LARGE)
		return "with more entries than are read";
	return t->entries_ok ? "intact" : "with damaged entries";
}

static void title_gpt(struct survey *s, const struct gpt *g)
{
	const char *p = copy_state(&g->primary), *b = copy_state(&g->backup);

	if (strcmp(p, b) == 0)
		p = arena_printf(s->a, "both copies %s", p);
	else
		p = arena_printf(s->a, "primary %s, backup %s", p, b);
	s->m->title = arena_printf(s->a, "GPT, %u-byte sectors, %s%s", g->sector_size, p,
				   g->backup.present && !g->backup_at_end
					   ? ", the backup not at the end"
					   : "");
}

static bool has_same(const struct gpt_table *t, const struct gpt_entry *e)
{
	for (size_t i = 0; i < t->nentries; i++) {
		if (t->entry[i].number == e->number &&
		    t->entry[i].first.v == e->first.v && t->entry[i].last.v == e->last.v)
			return true;
	}
	return false;
}

/* Where the copies differ, the backup may be the one that is right. */
static void put_differences(struct survey *s, const struct gpt *g)
{
	for (size_t i = 0; i < g->backup.nentries; i++) {
		if (!has_same(&g->primary, &g->backup.entry[i]))
			put_gpt_part(s, g, &g->backup.entry[i], MAP_ALIAS, "backup");
	}
	survey_note(
		s,
		"the copies differ: drawn is the primary, and what only the backup has");
}

/* Which words there are for bytes that nothing claims. */
void survey_gpt(struct survey *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *t = g->good ? g->good : g->pieced;
	const struct mbr *m = s->img->mbr;
	bool label = m && mbr_is_label(m), counts = st.verdict != GPT_IDLE || !label;

	s->ss = counts ? g->sector_size : MBR_SIZE;
	if (m)
		survey_sector_0(s, m, counts);
	put_copies(s, g, counts);
	if (!counts) {
		s->m->title = "MBR; there is a GPT as well, which is not used";
		s->known = true;
		survey_mbr_parts(s, m, MAP_PART);
		survey_ebrs(s, m);
		for (size_t i = 0; g->good && i < g->good->nentries; i++)
			put_gpt_part(s, g, &g->good->entry[i], MAP_LOST, "gpt, unused");
		return;
	}
	title_gpt(s, g);
	if (m && !m->boot_sector && m->magic_ok)
		survey_mbr_parts(s, m, MAP_ALIAS);
	if (st.verdict == GPT_DIFFER)
		put_differences(s, g);
	if (st.verdict == GPT_UNREAD)
		t = NULL;
	for (size_t i = 0; t && i < t->nentries; i++)
		put_gpt_part(s, g, &t->entry[i], MAP_PART, "");
	if (t) {
		s->usable = survey_bytes(t->first_usable.v, g->sector_size);
		s->usable_end = survey_bytes(
			u64_min(t->last_usable.v, UINT64_MAX - 1) + 1, g->sector_size);
	}
	s->known = t != NULL;
	s->unsure = "not known: no copy of the GPT can be believed";
	if (st.verdict == GPT_UNREAD)
		s->unsure = "not known: the GPT has more entries than are read";
	if (g->past) {
		put_past(s, g->past);
		if (g->past->table || g->past->filesystem)
			s->known = false;
		s->unsure = "not known: the GPT is empty, and what was here may be lost";
	}
}
