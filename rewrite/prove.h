/* Before one byte is written: the plan is laid over the source, everything is analysed and
 * judged again, and an independent judge is asked.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_PROVE_H
#define REWRITE_PROVE_H

#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rules/rule.h"

/* One finding's way through a repair. */
enum outcome {
	OUTCOME_FIXED,    /* its edits are in the repair */
	OUTCOME_NO_FIX,   /* its rule has none, or not of an allowed class */
	OUTCOME_DECLINED, /* the fix said no: reason */
	OUTCOME_UNPROVEN, /* tried on the overlay, and it did not hold: reason */
};

struct mend_item {
	const struct rule *rule;
	const char *message;       /* the finding's */
	struct span at;            /* in the input as it is on disk, or as of its round */
	enum outcome outcome;
	const char *reason;        /* or NULL */
	const char *title;         /* of the fix */
	unsigned round;            /* 1 for findings of the input itself */
};

/* What may be fixed. */
struct mend_policy {
	enum fix_class level;      /* FIX_SAFE, FIX_UNSAFE or FIX_LOSSY */
	/* NULL: all. Else only rules for which it says true. */
	bool (*wanted)(const struct rule *r, const void *ctx);
	const void *ctx;
};

/* The whole of a repair, worked out in memory: rounds of find, fix, seal, prove until
 * nothing changes (at most MEND_ROUNDS). */
enum { MEND_ROUNDS = 8 };

struct mend {
	struct arena *arena;       /* the caller's; everything below is in it */
	struct plan plan;          /* images: the composed edits, on the input's source */
	struct view text;          /* texts: the whole new text */
	bool changed;
	VEC(struct mend_item) items;
	struct findings remaining; /* what is left once the repair is written */
	struct unit *last;         /* the overlay's unit that `remaining` borrows from */
};

/* u was opened and is UNIT_READ. Never writes. -1: the work could not be done. */
int mend_plan(struct mend *m, const struct unit *u, const struct mend_policy *policy,
	      struct arena *a, struct err *e) __attribute__((warn_unused_result));
void mend_free(struct mend *m);

/* Judges that did not write this program. Each returns true when it has nothing against
 * `after`; else false with *why in a. */

/* libfdisk, on a sparse memory file with the head and tail of the disk: reads a GPT, finds
 * no problem, and lists the partitions that we list. */
bool judge_fdisk(const struct unit *after, struct arena *a, const char **why);
/* libxml2: the text is well-formed, and differs from the old tree only within the nodes
 * that the edits touched. */
bool judge_xml(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why);

#endif
