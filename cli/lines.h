/* Lines and columns of a text. Built only for texts that something is said about.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "base/arena.h"

/* Both from 1. Columns count characters (a byte that is no UTF-8 is one as well), and a
 * byte order mark is not one. */
struct text_pos {
	uint64_t line, column;
};

struct lines {
	struct view text;
	const size_t *start; /* of each line */
	size_t n;            /* at least 1 */
	/* Characters are counted once: where the first one of each block of bytes begins,
	 * and how many are before it. A text of one long line is as quick as any. */
	const struct lines_mark *mark;
};

struct lines lines_of(struct view text, struct arena *a);

/* The line that an offset is in: its index, from 0. Past the end: the last one. */
size_t lines_index(const struct lines *l, uint64_t off);

/* Bytes of line i, without its line end. */
struct str lines_get(const struct lines *l, size_t i);

struct text_pos lines_pos(const struct lines *l, uint64_t off);

#endif
