/* Where a report goes: colour or not, how wide, and text that cannot harm a terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include "cli/options.h"

struct term {
	bool color;
	unsigned width; /* columns that an excerpt may take */
};

enum paint {
	PAINT_PLACE, /* path and position */
	PAINT_ERROR,
	PAINT_WARNING,
	PAINT_NOTE,
	PAINT_GUTTER, /* line numbers, offsets, bars */
	PAINT_FIX,    /* and what comes */
	PAINT_GONE,   /* what goes, in a diff */
	PAINT_HUNK,
};

/* By --color, NO_COLOR, CLICOLOR_FORCE, TERM and whether fd is a terminal. */
struct term term_of(int fd, enum color_when when);
/* How wide the terminal is now; 80 where nobody can say. */
unsigned term_columns(int fd);
/* For files: no colour, and a width that does not depend on who looks. */
struct term term_plain(void);

void paint(struct buf *out, const struct term *t, enum paint p);
void paint_end(struct buf *out, const struct term *t);

enum paint paint_of(enum severity s);

/* Input text for a person: control characters, bytes that are no UTF-8 and characters that
 * hide or reorder others come out as \x.. or \u....; nothing is cut, and a backslash stays
 * as it is (paths are for copying). */
void buf_safe(struct buf *out, struct str s);
/* One character of it, at the head of v (not empty): its bytes in the input, and the columns
 * that its safe form takes. */
size_t safe_char(struct buf *out, struct view v, unsigned *columns);

/* "1 error", "2 errors". */
void buf_count(struct buf *out, uint64_t n, const char *one);

/* "1 MiB", "3.7 GiB": for people, rounded to a tenth. */
void buf_about(struct buf *out, uint64_t bytes);

/* Writes it all to fd. -1 with errno set. */
int write_all(int fd, const void *p, size_t n) __attribute__((warn_unused_result));

#endif
