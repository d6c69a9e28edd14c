/* check and fix: all inputs, from reading to the report. DESIGN 3.
 *
 * Each unit goes through its phases (read, judge, report) in one go and is closed before the
 * next: memory is bounded by the number of threads, not of inputs. Of an image stays what
 * configs ask of it (analyze/media.h); one that a config names is worked on at once, and its
 * result waits for its turn. Of each input stays what its VMs claim (analyze/fleet.h); those that
 * are in each other's way are read once more, when all were.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "analyze/fleet.h"
#include "analyze/media.h"
#include "analyze/unit.h"
#include "cli/commands.h"
#include "cli/deep.h"
#include "cli/pool.h"
#include "cli/sink.h"
#include "cli/walk.h"

#include <signal.h>

/* What came out for one input. */
struct result {
	enum { RESULT_PASSED_OVER, RESULT_UNKNOWN, RESULT_CHECKED, RESULT_SKIPPED } state;
	bool trouble; /* the exit code is to say so */
	bool mend;    /* there is something that fix may do, not done yet */
	bool left;    /* the same, but it is an image that nobody named */
	bool stopped; /* by a signal, in the middle of its repair */
	struct buf reason;
	struct buf diff;
	struct buf record;  /* of its findings, for a new baseline */
	struct buf anchors; /* of the images that it names */
	struct tally tally;
	struct piece pieces[SINKS_MAX];
	struct claims claims; /* of one that is not mended */
};

struct run {
	const struct options *o;
	struct arena arena;
	struct host host;
	struct deep_bar deep;
	struct rule_filter filter;
	const struct rule **fix_only; /* --rule */
	size_t nfix_only;
	struct policies policies;
	struct baseline known; /* --baseline */
	struct baseline next;  /* --write-baseline, so far */
	struct inputs inputs;
	struct early *early; /* results of inputs that configs name */
	struct media *media;
	struct fleet *fleet;
	const uint32_t *asked; /* inputs, once all were read */
	struct view stdin_text;
	struct err stdin_err; /* code ERR_NONE: it was read */
	struct sinks sinks;
	struct summary sum;
	struct result *ring; /* POOL_WINDOW of them */
	enum exit_code exit;
	bool holding;     /* signals wait until what was written is also reported, */
	bool stopped;     /* or, if one of them stopped a repair, until the end */
	sigset_t signals; /* the mask before that */
};

/* The phases, for mend.c. */
/* What the user says that it is; NULL: to be recognised. */
const struct format *run_format(const struct run *r, const struct input *in);

void run_read(const struct run *r, const struct input *in, struct unit *u);
/* Judged by the rules that count: findings in u's arena. */
void run_judge(const struct run *r, const struct input *in, struct unit *u,
	       struct findings *out);
/* Leaves those that count for an input, as severe as its policy has them. */
void run_keep(const struct run *r, const struct input *in, struct findings *f);
/* The machine, with what the input's policy adds. */
const struct host *run_host(const struct run *r, const struct input *in);
/* What was found becomes a part of the report, or is only counted. */
void run_render(const struct run *r, const struct input *in, struct unit *u,
		const struct findings *found, struct result *res);
/* By who owns the report, in order; frees what res has for it. */
void run_put(struct run *r, const struct input *in, struct result *res);
/* x, with what the command line says about baselines. res: NULL where nothing is recorded. */
void run_set_baseline(const struct run *r, struct examined *x, struct result *res);
struct rule_filter run_filter(const struct run *r, const struct input *in);

/* What may be mended in an input. */
struct mend_scope {
	const struct run *run;
	const struct input *in;
};
struct mend_policy run_mend_policy(const struct mend_scope *s);

/* From the first byte that is written to the report of it, signals that would end the
 * program wait. */
void run_hold_signals(struct run *r);

/* What the inputs are to each other, in together.c: adds one, in order; then asks. */
void together_add(struct run *r, const struct input *in, struct result *res);
void together_run(struct run *r, unsigned threads);

/* Repairs one input (or plans it, for --diff), and fills in what remains. */
void mend_input(struct run *r, const struct input *in, struct result *res);

#endif
