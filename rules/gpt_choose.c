/* Two copies of a GPT that are right and say different things: which one is meant.
 *
 * Nothing in the copies says which is newer, so a choice needs a witness: one of them
 * describes what no tool leaves behind, and the other one does not. Systems go by the primary, so
 * that more is asked for against it: only what is at fault may differ. Where only the usable
 * range differs, the partitions are the same either way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fault.h"
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "base/banned.h"

struct choice {
	const struct gpt_table *from, *bad;
	const char *why;
	struct gpt_fault fault[2]; /* of the primary, of the backup */
};

static bool same_partitions(const struct gpt *g)
{
	const struct gpt_table *p = &g->primary, *b = &g->backup;

	return guid_eq(p->disk_guid, b->disk_guid) &&
	       p->entries_crc.v == b->entries_crc.v &&
	       p->entry_count.v == b->entry_count.v && p->entry_size.v == b->entry_size.v;
}

static bool take_primary(struct choice *c, const struct gpt *g, const char *why)
{
	c->from = &g->primary;
	c->bad = &g->backup;
	c->why = why;
	return true;
}

static bool choose(struct plan *p, const struct gpt *g, struct choice *c)
{
	bool primary = gpt_fault(g, &g->primary, &c->fault[0]);
	bool backup = gpt_fault(g, &g->backup, &c->fault[1]);

	if (primary && backup)
		return plan_refuse(
			p, "neither can be right: in the primary %s, in the backup %s",
			c->fault[0].what, c->fault[1].what);
	if (backup)
		return take_primary(c, g, c->fault[1].what);
	if (primary && !gpt_fault_explains(g, &g->primary, &g->backup))
		return plan_refuse(
			p,
			"in the primary %s, but the backup differs in more than "
			"that, and may be the older one",
			c->fault[0].what);
	if (primary) {
		c->from = &g->backup;
		c->bad = &g->primary;
		c->why = c->fault[0].what;
		return true;
	}
	if (same_partitions(g))
		return take_primary(c, g, "systems go by the primary");
	return plan_refuse(
		p, "each of them could be right: which one is newer cannot be told");
}

/* A primary that stands elsewhere than at LBA 2 was put there for the sake of what is at
 * LBA 2. */
static bool is_in_place(struct plan *p, const struct gpt_state *st,
			const struct choice *c)
{
	if (!st->g->backup_at_end)
		return plan_refuse(p, "the backup is not at the end of the disk");
	if (c->from->first_usable.v < 2 + st->array || st->room == ROOM_FOREIGN)
		return plan_refuse(
			p, "LBA %llu to %llu, where the %s belongs, are not free",
			(unsigned long long)u64_min(st->array_lba, st->header_lba),
			(unsigned long long)u64_max(st->array_lba + st->array - 1,
						    st->header_lba),
			c->bad == &st->g->primary ? "primary" : "backup");
	return gpt_place_is_free(p, st);
}

bool gpt_fix_choose(struct plan *p, const struct finding *f, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct choice c = { 0 };
	struct gpt_header h;

	(void)f;
	if (st.verdict != GPT_DIFFER || gpt_odd_size(p, g) || !choose(p, g, &c))
		return false;
	/* Its header has to follow as well, however right it is. */
	st = gpt_state_rebuild(&st, &(struct gpt_table){ .which = c.bad->which }, c.from);
	if (!is_in_place(p, &st, &c))
		return false;
	h = gpt_header_from(&st);
	if (!gpt_put_copy(p, &st, &h))
		return false;
	plan_title(p, "make the %s a copy of the %s: %s",
		   c.bad == &g->primary ? "primary" : "backup",
		   c.from == &g->primary ? "primary" : "backup", c.why);
	/* The other header may name another place for this copy. */
	return c.from->alternate_lba.v == st.header_lba ||
	       plan_le64(p, STAGE_COMMIT, c.from->alternate_lba.at, st.header_lba);
}
