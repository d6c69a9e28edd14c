/* How a GPT is mended: the fixes of the rules in gpt.c and gpt_part.c (single fields:
 * gpt_fix_field.c; a table in pieces: gpt_piece.c).
 *
 * Every one of them starts from a copy that is right, writes only where no partition is,
 * and keeps the other copy readable until it is done: array, then header, then what points
 * at them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_GPT_FIX_H
#define RULES_GPT_FIX_H

#include "analyze/image/gpt.h"
#include "rules/rule.h"

struct gpt_state;

/* Each returns false where it must not touch this disk, and says why (plan_refuse). */
bool gpt_fix_primary(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_backup(struct plan *p, const struct finding *f, const struct gpt *g);
/* Of one bad copy and a right one: would gpt_fix_primary() or gpt_fix_backup() write it? True
 * of other verdicts. */
bool gpt_can_rebuild(const struct gpt_state *st);
/* Of a table in pieces: would gpt_fix_pieced()? */
bool gpt_can_piece(const struct gpt_state *st);
/* Do the entries stand in both of their usual places, and the headers lead elsewhere? */
bool gpt_is_misread(const struct gpt *g);
/* Of a primary that was changed by half: has the backup all that it shows? */
bool gpt_torn_is_older(const struct gpt *g);
bool gpt_fix_pieced(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_choose(struct plan *p, const struct finding *f, const struct gpt *g);
/* Would it find a reason? */
bool gpt_can_choose(const struct gpt *g);
bool gpt_fix_revision(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_grown(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_truncated(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_alternate(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_usable(struct plan *p, const struct finding *f, const struct gpt *g);
/* f->arg: the number of the entry that gets a new unique GUID. 0: all that lack one of their
 * own, from f->at on, where the findings end. */
bool gpt_fix_guid_zero(struct plan *p, const struct finding *f, const struct gpt *g);
bool gpt_fix_guid_dup(struct plan *p, const struct finding *f, const struct gpt *g);

/* Moves all partitions that begin at no multiple of 4096 bytes (gpt_align.c). */
bool gpt_fix_align(struct plan *p, const struct finding *f, const struct gpt *g);

/* ---- the parts that they are made of ---- */

/* Only the sectors that change; what was not there (old ends before) was zeros. */
bool gpt_put_sectors(struct plan *p, enum stage stage, uint64_t off, struct view now,
		     struct view old, uint32_t ss);
/* What the copy that st rebuilds says: as st->from, of its own place. */
struct gpt_header gpt_header_from(const struct gpt_state *st);
/* st->from's array at its place, then the header that points at it. */
bool gpt_put_copy(struct plan *p, const struct gpt_state *st, const struct gpt_header *h);
/* The protective entry's size, where it is the only entry and says something else. */
bool gpt_put_protective_size(struct plan *p, const struct mbr *m, uint64_t sectors);
/* Sector 0 is without entries and becomes a protective MBR; boot code and disk signature
 * stay. */
bool gpt_put_protective(struct plan *p, const struct gpt_state *st);
/* The primary from the backup, where there is no doubt and room for it. */
bool gpt_put_primary(struct plan *p, const struct gpt_state *st);
/* Is t what no disk can be, although its checksums are right? Refuses, then. */
bool gpt_is_absurd(struct plan *p, const struct gpt *g, const struct gpt_table *t);
/* No partition has the sectors that st's repair writes, and no table for another sector size
 * is there. */
bool gpt_place_is_free(struct plan *p, const struct gpt_state *st);
/* True, with the refusal, when the disk ends with a part of a sector. */
bool gpt_odd_size(struct plan *p, const struct gpt *g);

/* A GUID of version 4's form that is the same in every run: made from the disk's GUID, the
 * entry's number and its old GUID, and none that the table has. */
struct guid gpt_fresh_guid(const struct gpt_table *t, const struct gpt_entry *e);
/* The first entry before the i-th that has its unique GUID, or NULL. */
const struct gpt_entry *gpt_same_guid_before(const struct gpt_table *t, size_t i);

#endif
