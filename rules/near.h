/* "Did you mean" of words in lists (str_among), which base/suggest.h takes one by one, with
 * their ends: for names and values of 3 to 63 bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_NEAR_H
#define RULES_NEAR_H

#include "base/str.h"
#include "base/suggest.h"

struct scan;

enum { NEAR_WORD_MAX = 64 };

struct nearest {
	struct suggestion best;
	char text[NEAR_WORD_MAX];
	struct str word; /* of a list; empty: none is near */
};

/* Looks for what `text` may be a typing mistake of. Too short or too long: nothing is near. */
struct nearest near_to(struct str text);
/* In the words of a list, blanks between them. */
void near_look(struct nearest *n, const char *words);
/* What it found, no further away than so many mistakes; empty: nothing. */
struct str near_word(const struct nearest *n, unsigned distance);
/* A list for a message: "none, writeback, unsafe". */
const char *near_list(struct scan *s, const char *words);
/* Of one list, as far away as suggest() goes. */
struct str near_among(struct str text, const char *words);

#endif
