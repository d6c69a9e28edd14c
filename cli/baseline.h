/* What a project lives with for now: findings that are known and not reported, so that new
 * ones are seen. SPEC.md, 3.7.
 *
 * A JSON file, sorted, one finding a line, so that changes of it can be reviewed. Findings are
 * known by their fingerprints; rule and path are for those who read it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_BASELINE_H
#define CLI_BASELINE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"
#include "cli/fingerprint.h"

struct known {
	const char *fingerprint, *rule, *path;
};

struct baseline {
	VEC(struct known) v; /* by fingerprint */
};

/* ERR_USAGE when there is none, or it is something else. */
int baseline_read(struct baseline *b, const char *path, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
bool baseline_has(const struct baseline *b, const char *fingerprint);

/* Sorts b by path, and replaces the file, which must be a baseline if it is there. */
int baseline_write(struct baseline *b, const char *path, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

#endif
