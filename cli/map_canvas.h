/* Characters on a grid: boxes whose borders join where they meet, and text within them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAP_CANVAS_H
#define CLI_MAP_CANVAS_H

#include "base/arena.h"
#include "cli/term.h"

struct cell {
	uint8_t lines; /* directions that a border goes from here */
	bool dashed;
	uint8_t n;    /* bytes of the glyph; 0: a blank, or a border */
	bool covered; /* by the wide character before it */
	char glyph[4];
	bool painted;
	enum paint paint;
};

struct canvas {
	struct cell *cell; /* w * h */
	unsigned w, h;
	bool utf8;
};

void canvas_init(struct canvas *c, unsigned w, unsigned h, bool utf8, struct arena *a);

/* Borders from column x to x + w and row y to y + h, both included. */
struct canvas_box {
	unsigned x, y, w, h;
	bool dashed;
};

void canvas_border(struct canvas *c, const struct canvas_box *b);

/* Text from (x, y) on, as far as `room` columns go: cut off with an ellipsis. Returns the
 * columns that it took. */
unsigned canvas_text(struct canvas *c, unsigned x, unsigned y, unsigned room,
		     struct str s, enum paint p);
/* Fills n columns with one of " .?/#|", which look better where UTF-8 can be shown. */
void canvas_fill(struct canvas *c, unsigned x, unsigned y, unsigned n, char fill,
		 enum paint p);
/* Are there n columns without anything? */
bool canvas_is_free(const struct canvas *c, unsigned x, unsigned y, unsigned n);

/* All rows, without blanks at their ends. */
void canvas_print(struct buf *out, const struct canvas *c, const struct term *t);

/* What a fill, or the dash of a border ('~'), looks like. */
const char *canvas_glyph(const struct canvas *c, char fill);

#endif
