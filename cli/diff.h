/* What a repair changes, to be read before it is done.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "cli/term.h"
#include "rewrite/edit.h"

struct lost;
struct unit;

/* Unified diff with three lines of context, as `git apply` and patch(1) take it. Nothing
 * when both are equal. */
void diff_text(struct buf *out, const struct term *t, const char *path, struct view old,
	       struct view new);

/* How much the image grows, what is moved from where to where, and then for each edit, in the
 * order of the image: where it is, in numbers and words, and the rows of bytes that change,
 * from what will be there once all is moved. before, after: NULL where the image could not be
 * described. guest: what p writes to the disk in a container, which is then shown instead of
 * the edits of the file that it takes; or NULL. */
void diff_image(struct buf *out, const struct term *t, const struct plan *p,
		const struct plan *guest, const struct unit *before,
		const struct unit *after, struct arena *a);

/* The partitions that a lost table is given back. */
void diff_lost(struct buf *out, const struct term *t, const struct lost *l,
	       struct arena *a);

#endif
