/* The way back, by kind of target; undo_last() (apply.h) chooses.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_UNDO_H
#define REWRITE_UNDO_H

#include "base/arena.h"
#include "rewrite/apply.h"

int undo_image(const char *path, bool force, const struct move_watch *watch,
	       struct undo_result *r, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
int undo_text(const char *path, struct undo_result *r, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* There is nothing to take back. Returns -1. */
int undo_nothing(struct err *e);

#endif
