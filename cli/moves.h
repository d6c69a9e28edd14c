/* What a plan moves, for reports: which partition it is, and how much is copied.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MOVES_H
#define CLI_MOVES_H

#include "cli/term.h"
#include "rewrite/edit.h"

struct image;
struct volume;

/* Of all moves. */
uint64_t moves_bytes(const struct plan *p);

/* The partition whose bytes a move takes along, as the image is now. NULL: none, or img is
 * not known. */
const struct volume *move_volume(const struct image *img, const struct move *m);

/* "partition 2, ext": nothing when it is not known. */
void buf_move_what(struct buf *out, const struct image *img, const struct move *m);

#endif
