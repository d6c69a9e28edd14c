/* Where reports go: standard output and the files of --output, each in its own format.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SINK_H
#define CLI_SINK_H

#include "cli/report.h"
#include "cli/walk.h"

enum { SINKS_MAX = OUTPUTS_MAX + 1 };

struct sink {
	enum report_format format;
	int fd;
	const char *path; /* NULL: standard output */
	struct term term;
	bool live;                 /* a person looks on: nothing waits */
	struct buf out;            /* not yet written */
	struct buf fixed, skipped; /* JSON: elements of arrays that come later */
	bool has_findings;
	int sys; /* errno of a write that failed, or 0 */
};

struct sinks {
	struct sink v[SINKS_MAX];
	size_t n;
	bool quiet;
	bool is_diff; /* standard output has a diff and nothing else */
};

/* What one input adds to one sink. */
struct piece {
	struct buf findings; /* JSON: elements with commas between them */
	struct buf fixed;    /* JSON only */
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
void sinks_put(struct sinks *s, struct piece *pieces);
void sinks_skip(struct sinks *s, const char *path, const char *reason, bool stopped);
/* Text as it stands, to standard output only: a diff. */
void sinks_print(struct sinks *s, struct str text);
/* Writes what there is so far. */
void sinks_flush(struct sinks *s);

/* Writes the rest and closes. ERR_IO when a report could not be written. */
int sinks_close(struct sinks *s, const struct summary *sum, struct err *e)
	__attribute__((warn_unused_result));

#endif
