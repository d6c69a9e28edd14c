/* One plan, laid over the input as it is by then, read again and judged.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_TRIAL_H
#define REWRITE_TRIAL_H

#include "analyze/unit.h"
#include "rewrite/edit.h"
#include "rewrite/partitions.h"
#include "rewrite/prove.h"
#include "rules/rule.h"

/* The input with all edits of the rounds so far laid over it, and what was found there. */
struct draft {
	struct arena arena;      /* its edits, and the patch or text that they make */
	struct unit own;         /* closed with the draft */
	const struct unit *unit; /* &own, or the input's */
	struct findings found;
	size_t *item;      /* per finding, for prove.c */
	struct plan whole; /* images: all edits, on the input's source */
	/* And what they write to the disk in a container that the input shows; src NULL: it
	 * shows none. */
	struct plan guest;
	struct patch patch;
};

/* The input itself. Its findings live in the draft's arena. */
void draft_init(struct draft *d, const struct unit *input);
void draft_free(struct draft *d);

/* By trial_begin(): plan to fill. By the caller: plan, fixes. By trial_run(): the rest. */
struct trial {
	const struct unit *input;
	const struct mend_policy *policy;
	bool strict; /* nothing new at all may appear */
	const struct draft *now;
	struct draft *next;
	struct plan plan; /* on now's source */
	/* On the disk in now's container, which trial_run() makes edits of `plan`; that must
	 * have no others then. src NULL: there is none. */
	struct plan guest;
	bool *fixes; /* per finding of now: should be gone */
	size_t nfixes;
	const char *why;         /* NULL: proven. In next's arena */
	struct partitions parts; /* of now, with where the plan moves them */
	size_t *was;             /* per finding of next: its index in now, or TRIAL_NEW */
};

#define TRIAL_NEW SIZE_MAX

/* The plan for what stands at a place. */
struct plan *trial_plan(struct trial *t, struct span at);

/* next: memory for a draft. trial_drop() frees what is in it; not done, it is the
 * caller's, who owes it draft_free(). */
void trial_begin(struct trial *t, struct draft *next);
void trial_drop(struct trial *t);

/* -1: the work could not be done. */
int trial_run(struct trial *t, struct err *e) __attribute__((warn_unused_result));

/* A finding on what a partition or its content has always had, and nobody could see in `was`
 * for want of a table. */
bool table_lays_open(const struct unit *was, const struct unit *is,
		     const struct finding *f);
/* That, or one on clusters of a QCOW2: see trial_qcow2.h. */
bool is_laid_open(const struct unit *was, const struct unit *is, const struct finding *f);

#endif
