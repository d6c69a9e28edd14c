/* Fingerprints of lines, as GitHub's code scanning makes them (github/codeql-action,
 * "primaryLocationLineHash"): the 100 characters from a line's begin on without blanks, line ends
 * being LF, as a polynomial of 37 modulo 2^64; and how many lines have had the same so far.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LINEHASH_H
#define CLI_LINEHASH_H

#include "base/arena.h"

/* Of longer texts GitHub makes them itself. */
enum { LINE_HASHES_MAX = 1 << 16, LINE_HASH_TEXT = 40 };

struct line_hashes {
	const uint64_t *hash; /* of each line */
	const uint32_t *nth;  /* from 1 */
	size_t n;
};

/* n is 0 when there are more lines than that. */
struct line_hashes line_hashes(struct view text, struct arena *a);

/* Of a line, from 1, as text: "271789c17abda88f:1"; "" when it is not known. */
void line_hash_text(const struct line_hashes *h, uint64_t line, char out[LINE_HASH_TEXT]);

#endif
