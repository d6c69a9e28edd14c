/* What a finding is known by when lines move: the rule, the file, the place in the format's
 * own terms (which of several siblings does not count) and the text that stands there; no line,
 * no offset, no wording of a message. One that has all of it in common with an earlier one
 * of its file is told apart by its number: of what is the same, how many there are counts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_FINGERPRINT_H
#define CLI_FINGERPRINT_H

#include "base/arena.h"
#include "base/vec.h"

enum { FINGERPRINT_DIGITS = 32 };

/* Those of one input so far. */
struct fingerprints {
	VEC(uint64_t) seen;
};

struct fingerprint_of {
	const char *rule;
	const char *path;  /* one below the current folder counts from there */
	const char *locus; /* NULL: unknown */
	struct str text;   /* blanks around it do not count */
};

/* Writes FINGERPRINT_DIGITS and a NUL. */
void fingerprint(struct fingerprints *v, const struct fingerprint_of *of, struct arena *a,
		 char out[FINGERPRINT_DIGITS + 1]);

/* A path as it is from the current folder, where it is below that; else as it is. */
const char *path_from_here(const char *path, struct arena *a);

#endif
