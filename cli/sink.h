/* Where reports go: standard output and the files of --output, each in its own format.
 *
 * What an input adds is written by any thread, while the input is open, into pieces, one for
 * each sink. The thread that owns the sinks puts them together in the order of the inputs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include "cli/anchor.h"
#include "cli/report.h"
#include "cli/walk.h"

enum {
	SINKS_MAX = OUTPUTS_MAX + 1,
	PIECE_PARTS = 3, /* that stand in different places of a report */
};

/* A set of rules. */
struct rule_set {
	uint64_t bits[RULES_MAX / 64];
};

void rule_set_add(struct rule_set *s, const struct rule *r);
bool rule_set_has(const struct rule_set *s, const struct rule *r);

/* What one input adds to one sink. */
struct piece {
	struct buf part[PIECE_PARTS]; /* what each is for is the format's business */
	size_t n[PIECE_PARTS];        /* elements in it, where the format counts them */
	struct rule_set rules;        /* of the findings, where it asks */
	bool gap; /* text: what was done is above, findings keep a distance from it */
};

/* An input that was not looked into, or not to its end. */
struct skip {
	const char *path, *reason;
	bool stopped; /* the reason says so itself */
	bool trouble; /* the exit code tells */
};

struct sink {
	const struct report_kind *kind;
	int fd;
	const char *path; /* NULL: standard output */
	struct term term;
	bool live;      /* a person looks on: nothing waits */
	struct buf out; /* not yet written */
	/* What comes later in the report: the format's business, as in a piece. */
	struct buf later[PIECE_PARTS];
	size_t n[PIECE_PARTS];
	struct buf aside; /* what was skipped, where that stands by itself */
	struct rule_set rules;
	const struct team_rules *team;
	const struct anchors *anchors;
	bool has_some, trouble;
	int sys; /* errno of a write that failed, or 0 */
};

/* A format. What it has no function for it does not say. */
struct report_kind {
	bool shows_skips; /* to people: else they are told on standard error as well */
	bool needs_fingerprints;
	bool needs_anchors; /* and the hashes of lines */
	bool shows_suppressed;
	bool shows_known; /* what a baseline has */
	void (*begin)(struct sink *k);
	/* By any thread. */
	void (*exhibit)(struct piece *p, const struct term *t, const struct examined *x,
			const struct exhibit *e);
	void (*mended)(struct piece *p, const struct term *t, const char *path,
		       const struct mended *m);
	/* By the owner; NULL: the first part goes out as it stands. */
	void (*input)(struct sink *k, const char *path, struct piece *p);
	void (*skipped)(struct sink *k, const struct skip *s);
	void (*end)(struct sink *k, const struct summary *sum);
};

#define X(name, word) extern const struct report_kind report_##name;
REPORTS(X)
#undef X

struct sinks {
	struct sink v[SINKS_MAX];
	size_t n;
	bool quiet;
	bool is_diff;           /* standard output has a diff and nothing else */
	struct team_rules team; /* set before all else: of all policies */
	struct anchors anchors;
};

/* ERR_USAGE when an output cannot be made, or would replace an input. */
int sinks_open(struct sinks *s, const struct options *o, const struct inputs *in,
	       const struct host *host, struct err *e)
	__attribute__((warn_unused_result));

/* By any thread: what was done to one input (NULL: nothing was tried) and its findings, in
 * the format of each sink. Counts in x->tally. */
void sinks_render(const struct sinks *s, struct piece *pieces, struct examined *x,
		  const struct findings *found, const struct mended *m);

/* By the one that owns the sinks, in order; pieces are freed. */
void sinks_put(struct sinks *s, const char *path, struct piece *pieces);
void sinks_skip(struct sinks *s, const struct skip *what);
/* Text as it stands, to standard output only: a diff. */
void sinks_print(struct sinks *s, struct str text);
/* Writes what there is so far. */
void sinks_flush(struct sinks *s);

/* Writes the rest and closes. ERR_IO when a report could not be written. */
int sinks_close(struct sinks *s, const struct summary *sum, struct err *e)
	__attribute__((warn_unused_result));

/* ---- for formats ---- */

/* Adds a part to what goes out; its memory is taken over or freed. */
void sink_put(struct sink *k, struct buf *part);
/* Adds elements of an array, each input's on a line of its own. */
void buf_elements(struct buf *out, bool *has_some, struct buf *elements);

#endif
