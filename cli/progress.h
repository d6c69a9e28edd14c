/* What takes long: a bar on the terminal, and the way to stop it. The signals that would end
 * the program wait while an image is written (signals_hold()); one that waits is the wish
 * to stop.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/term.h"
#include "rewrite/move.h"

/* One line, as it is now. */
struct progress_now {
	const char *name; /* of the image: the last part of its path is shown */
	enum move_way way;
	const char *words;    /* instead of what the way says; NULL: that */
	uint64_t done, total; /* bytes */
	uint64_t rate;        /* bytes a second; 0: not known yet */
};

/* Fits into so many columns: what matters least is left out first. No line end. */
void progress_line(struct buf *out, const struct progress_now *p, unsigned columns);

enum { PROGRESS_PAST = 32 };

struct progress {
	struct progress_now now;
	bool shown;              /* standard error is a terminal */
	size_t drawn;            /* columns that the line on it takes */
	double next;             /* the time of the next one */
	struct progress_sample { /* the last few, for the rate: a ring */
		double at;
		uint64_t done;
	} past[PROGRESS_PAST];
	size_t npast; /* that ever were */
};

/* path is borrowed. quiet: no bar. */
void progress_init(struct progress *p, const char *path, bool quiet);
/* So far; draws it when it is time. False: a signal wants the program to stop. */
bool progress_step(struct progress *p, uint64_t done, uint64_t total);
bool progress_is_to_stop(void);
/* For rewrite/apply.h. Borrows p. */
struct move_watch progress_watch(struct progress *p);
/* Takes the bar off the terminal. */
void progress_end(struct progress *p);

#endif
