/* What is said about the inputs: findings made ready for people and machines, and one file
 * per format (report_*.c).
 *
 * Findings are written while their unit is open, by any thread, into a buffer; head and
 * tail of a report are written by the thread that owns the output.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "analyze/config/node.h"
#include "cli/baseline.h"
#include "cli/jsonw.h"
#include "cli/linehash.h"
#include "cli/lines.h"
#include "cli/options.h"
#include "cli/policy.h"
#include "cli/term.h"
#include "cli/walk.h"
#include "rewrite/prove.h"
#include "rules/rule.h"

/* What `vmend fix` would do about one finding. */
struct proposal {
	bool possible;
	enum fix_class class; /* here: a policy may have another than the rule */
	const char *refused;  /* why not, where the fix says so; or NULL */
	struct plan plan;     /* when possible: the edits, checksums included */
};

/* A finding with all that its reader wants to know. */
struct exhibit {
	const struct finding *f;
	struct text_pos from, to; /* texts */
	struct place place;       /* images, when has_place */
	bool has_place;
	bool explain; /* the first of its rule here */
	/* The text says that it is not to be reported: only formats that have a place for
	 * that get it. */
	bool suppressed;
	bool known; /* the baseline has it: likewise */
	/* 32 hexadecimal digits that stay when other lines change: "" when nobody asked. */
	char fingerprint[33];
	struct proposal fix;
};

/* Numbers of findings, of one input or of many. */
struct tally {
	uint64_t n[SEV_ERROR + 1];       /* by severity */
	uint64_t fixable[FIX_LOSSY + 1]; /* by class, where the fix is possible */
	uint64_t hidden;                 /* below --min-severity */
	uint64_t suppressed;             /* by the text that they are in; not in n */
	uint64_t known;                  /* by the baseline; not in n */
	uint64_t failing;                /* at or above --fail-on */
	uint64_t fixed;                  /* by this run */
};

void tally_add(struct tally *sum, const struct tally *t);
uint64_t tally_total(const struct tally *t);

/* Which rules count. */
struct rule_filter {
	VEC(const struct rule *) select, ignore; /* select empty: all */
	enum severity min_severity, fail_on;
	bool never_fail;
};

int rule_filter_init(struct rule_filter *f, const struct options *o,
		     const struct team_rules *team, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
/* Looks ids up: ERR_USAGE with a suggestion when there is no such rule. */
int rules_named(const struct words *ids, const char *option,
		const struct team_rules *team, struct arena *a, const struct rule ***out,
		size_t *n, struct err *e) __attribute__((warn_unused_result));
bool rule_filter_has(const struct rule_filter *f, const struct rule *r);
/* Drops what a rule that yields (rule.h) has found, where another one says it as well. */
void findings_yield(struct findings *f);

/* One input, open, and what was found in it. */
struct examined {
	const struct unit *unit;
	const char *path;
	const struct rule_filter *filter;
	const struct policy *policy; /* NULL: none */
	struct arena *arena;         /* lives as long as the unit is open */
	struct source src;           /* what fixes are planned on */
	struct lines lines;          /* of a text that has findings */
	struct loci loci;            /* of its tree */
	struct tally tally;
	VEC(const struct rule *) explained; /* those whose `vmend explain` was named */
	bool fingerprints;                  /* are wanted */
	bool wants_line_hashes;
	struct line_hashes line_hashes; /* of a text that has findings */
	struct fingerprints prints;
	const struct baseline *baseline; /* NULL: none */
	/* For a new baseline: path, rule and fingerprint of each finding, each with a NUL
	 * behind it; NULL: there will be none. */
	struct buf *record;
};

void examined_init(struct examined *x, const struct unit *u, const struct input *in,
		   const struct rule_filter *filter, struct arena *a);

/* Counts findings, and hands those that are to be shown to show(), one after the other:
 * what an exhibit needs is gone when the next one comes. */
typedef void (*exhibit_show)(void *ctx, const struct examined *x,
			     const struct exhibit *e);
void examine(struct examined *x, const struct findings *found, exhibit_show show,
	     void *ctx);

/* What `vmend fix` did, or declined to do, about one finding of one input. */
struct mended {
	const struct mend_item *items;
	size_t n;
	const struct unit *before; /* the input as it was: places of the first round */
	struct lines lines;        /* of it, for texts */
	const struct plan *plan;   /* of an image: all edits */
	bool resumed;              /* an interrupted repair was completed first */
};

/* The whole run, for the last line. */
struct summary {
	uint64_t checked, skipped;
	uint64_t unknown; /* named, and nothing of ours */
	uint64_t left;    /* images with something to mend that were not named */
	struct tally tally;
	bool is_fix, is_diff;
	int exit; /* the code that the program will end with, if the report can be written */
	double seconds;
};

struct skip;

void text_skipped(struct buf *out, const struct term *t, const struct skip *s);
/* Only what was declined, or did not hold. */
void text_not_mended(struct buf *out, const struct term *t, const char *path,
		     const struct mended *m);
void text_summary(struct buf *out, const struct term *t, const struct summary *s);

/* "PATH:LINE:COLUMN" of a text, "PATH@0xOFFSET" of an image; what cannot be shown in a path
 * is escaped. */
/* "0x1be"; "guest:0x1be" in the disk that a container holds. */
void buf_offset(struct buf *out, struct span at);
/* A place in another file than the input, which a finding is about as well. */
bool is_elsewhere(const struct examined *x, struct span at);
void buf_elsewhere(struct buf *out, struct span at);
/* "path:line" of a text that is another input. */
void buf_line_elsewhere(struct buf *out, const struct related *r);
void buf_place_of(struct buf *out, const struct examined *x, const struct exhibit *e);
void buf_mended_place(struct buf *out, const char *path, const struct mended *m,
		      const struct mend_item *item);

#endif
