/* Before one byte is written: the plan is laid over the source, everything is analysed
 * and judged again, and an independent judge is asked.
 *
 * A fix is proven when
 *   - its finding is gone;
 *   - a new finding at or above warning is one that this repair may fix as well, and does
 *     in a later round: one cause often hides another. The end of the repair has none that
 *     the input did not have, and only the end is ever written;
 *   - what was seen before still is: a partition table, its partitions, a VM. Fixes that
 *     are not lossy never write into a partition;
 *   - the judges have nothing against it.
 * Fixes of one round are tried together, and in ever smaller groups when that does not
 * hold; what does not hold on its own is left out, with the reason.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_PROVE_H
#define REWRITE_PROVE_H

#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rules/rule.h"

/* One finding's way through a repair. */
enum outcome {
	OUTCOME_FIXED,    /* gone, by its own fix or (title NULL) with those of others */
	OUTCOME_NO_FIX,   /* its rule has none, or not of an allowed class */
	OUTCOME_DECLINED, /* the fix said no: reason */
	OUTCOME_UNPROVEN, /* tried on the overlay, and it did not hold: reason */
};

struct mend_item {
	const struct rule *rule;
	/* The finding, for as long as the arena lives; its subject is NULL. The edits of a
	 * plan point at it (because). Its place is one of the input as it is on disk, or, in
	 * a later round, as it then was. */
	const struct finding *finding;
	enum outcome outcome;
	const char *reason; /* or NULL */
	const char *title;  /* of the fix, or NULL */
	unsigned round;     /* 1 for findings of the input itself */
};

/* What may be fixed. */
struct mend_policy {
	enum fix_class level; /* FIX_SAFE, FIX_UNSAFE or FIX_LOSSY */
	/* NULL: all. Else only rules for which it says true. */
	bool (*wanted)(const struct rule *r, const void *ctx);
	/* The class that a rule's fix has here; NULL: its own. */
	enum fix_class (*class_of)(const struct rule *r, const void *ctx);
	const void *ctx;
};

bool mend_allows(const struct mend_policy *policy, const struct rule *r);

enum {
	MEND_ROUNDS = 8,
	MEND_TRIALS = 512, /* overlays of one repair */
};

/* The whole of a repair, worked out in memory: rounds of find, fix, seal, prove until
 * nothing changes (at most MEND_ROUNDS). */
struct mend {
	struct arena *arena; /* the caller's; everything below is in it */
	struct plan plan;    /* images: the composed edits, on the input's source */
	/* Of a container: what `plan` writes to the disk in it, on the input's own; NULL:
	 * nothing, or the input showed none. Gone with mend_free(). */
	const struct plan *guest;
	struct view text; /* texts: the whole new text */
	bool changed;
	VEC(struct mend_item) items; /* in the order of the findings, round by round */
	struct findings remaining;   /* what is left once the repair is written */
	/* The overlay's unit that `remaining` borrows from; the input's when nothing has
	 * changed. */
	const struct unit *last;
	struct draft *draft; /* mend_free() closes it */
};

/* u was opened and is UNIT_READ. Never writes. -1: the work could not be done. To be
 * followed by mend_free() in either case. */
int mend_plan(struct mend *m, const struct unit *u, const struct mend_policy *policy,
	      struct arena *a, struct err *e) __attribute__((warn_unused_result));
void mend_free(struct mend *m);

/* ---- judges that did not write this program ---- */

/* One plan, and what is there before and after it. */
struct proof {
	const struct unit *before, *after;
	const struct plan *plan;     /* on before's source */
	const struct findings *left; /* of after */
	struct arena *arena;
};

/* libfdisk, on a sparse memory file with the head and tail of the disk: reads a GPT, finds
 * no problem, and lists the partitions that we list. What it says is held against the plan
 * unless one of the findings left says the same, or it said so before and the plan does
 * not touch what it is about. *why is NULL when it agrees. -1: it could not be asked. */
int judge_fdisk(const struct proof *p, const char **why, struct err *e)
	__attribute__((warn_unused_result));

#endif
