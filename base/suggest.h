/* "Did you mean": the distance between two words in single insertions, deletions,
 * replacements and swaps of neighbours (optimal string alignment).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

/* The candidate that a typing mistake may have meant: one edit away, or two or three for
 * longer words. Starts with .word set. */
struct suggestion {
	const char *word;
	const char *best; /* NULL: nothing is near */
	unsigned distance;
};

void suggest(struct suggestion *s, const char *candidate);

#endif
