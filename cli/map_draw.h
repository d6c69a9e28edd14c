/* A map drawn.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAP_DRAW_H
#define CLI_MAP_DRAW_H

#include "cli/map.h"
#include "cli/term.h"

enum { MAP_ROWS_MAX = 64 }; /* of the list below a drawing */

/* In characters, as wide as t says. utf8: more than ASCII can be shown. */
void map_text(struct buf *out, const struct map *m, const char *path,
	      const struct term *t, bool utf8, struct arena *a);

/* Its bar alone. */
void map_bar(struct buf *out, const struct map *m, const struct term *t, bool utf8,
	     struct arena *a);
enum paint map_paint(enum map_kind k);
/* Writes s, and a line end, from column `at` on, in lines of `width` that begin at `indent`. */
void map_wrap(struct buf *out, const char *s, size_t at, size_t indent, size_t width);

/* The words of a row of the list, for both; NULL where there is nothing to say. */
struct map_row {
	const char *key, *marks, *first, *last, *from, *to, *size, *align, *what;
	bool misaligned;
};

/* The row above them. */
struct map_row map_heads(const struct map *m, struct arena *a);
struct map_row map_row(const struct map *m, const struct map_range *r, struct arena *a);

/* Both draw m, and what follows it, below each other. As a picture: an SVG document. */
void map_svg(struct buf *out, const struct map *m, const char *path, struct arena *a);
/* What such a document begins with. */
extern const char map_style[], map_patterns[];

#endif
