/* Where the ranges of a map go in a drawing of so many columns: characters of a terminal,
 * or pixels. To scale where that leaves a range wide enough to be seen.
 *
 * Pure: no I/O, no formats, no printing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAP_LAYOUT_H
#define CLI_MAP_LAYOUT_H

#include "cli/map.h"

struct map_grid {
	unsigned cols; /* there are: at least twice min and past, at most MAP_COLS_MAX */
	unsigned min;  /* of the narrowest range */
	unsigned
		per_char; /* more for each further character of a key, where there is room */
	unsigned past;    /* for what lies past the end: as wide, however much it is */
};

enum { MAP_COLS_MAX = 1 << 14, MAP_LANES_MAX = 4 };

struct map_box {
	unsigned lane, col, cols; /* cols 0: it is not drawn by itself */
	bool to_scale;            /* to within a column or a tenth */
};

/* Neighbours that are too narrow and too many to be drawn one by one. */
struct map_crowd {
	unsigned lane, col, cols;
	size_t n; /* ranges of it that have no box */
};

struct map_layout {
	struct map_box *box; /* one for each range, in their order */
	VEC(struct map_crowd) crowds;
	unsigned lanes, cols; /* in use */
	unsigned end;         /* the column where the map's last byte has been */
	uint64_t per_col;     /* bytes of a column where it is to scale; 0: nowhere */
	bool to_scale;        /* all of it */
};

/* Ranges of one lane never overlap; those of different lanes begin and end in the same
 * column when they do at the same byte. */
void map_lay(struct map_layout *out, const struct map *m, const struct map_grid *g,
	     struct arena *a);

#endif
