/* Bytes to disk, and back. Every write and fsync goes through rewrite/io.h, so that the
 * crash tests can stop at each of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_APPLY_H
#define REWRITE_APPLY_H

#include "analyze/source.h"
#include "base/err.h"
#include "rewrite/edit.h"
#include "rewrite/move.h"

/* An image, in place: journal armed, then stage by stage with an fsync after each, then
 * journal done. src is open for writing and locked (lock.h). When a write fails, what was
 * written is put back at once; when that fails too, the journal stays armed, and the
 * message says so. */
int apply_image(const struct source *src, const struct plan *p, struct err *e)
	__attribute__((warn_unused_result));

/* The same, with somebody who watches the moves of the plan and may stop them: ERR_STOPPED,
 * with the journal armed. NULL: nobody. */
int apply_image_watched(const struct source *src, const struct plan *p,
			const struct move_watch *watch, struct err *e)
	__attribute__((warn_unused_result));

/* A text, whole: temporary file in the same folder, same mode, owner and extended
 * attributes; fsync, rename, fsync of the folder. A file with several hard links, whose
 * folder cannot be written, or whose owner or attributes a new file could not have, is
 * rewritten in place under the journal. text is what the file should hold; ERR_BUSY when it
 * no longer holds what was analysed (before). */
int apply_text(const char *path, struct view before, struct view text, bool keep_undo,
	       struct err *e) __attribute__((warn_unused_result));

struct undo_result {
	size_t ranges;       /* that were put back */
	uint64_t bytes;      /* in them */
	bool was_unfinished; /* the repair, or an earlier undo of it, had been interrupted */
	size_t left;         /* older repairs that can still be taken back */
};

/* Takes the last repair of path back, finished or not. Refuses when a range holds neither
 * what the repair found nor what it wrote: somebody else changed it since (ERR_REFUSED).
 * Images are locked as for a repair; force as for lock_image(). watch may be NULL; when it
 * stops the moves (ERR_STOPPED), the next undo goes on. */
int undo_last(const char *path, bool force, const struct move_watch *watch,
	      struct undo_result *r, struct err *e) __attribute__((warn_unused_result));

/* Finishes an interrupted repair: writes the new bytes again. src as for apply_image, watch
 * as for apply_image_watched. */
int resume_image(const struct source *src, const struct move_watch *watch, struct err *e)
	__attribute__((warn_unused_result));
int resume_text(const char *path, struct err *e) __attribute__((warn_unused_result));

#endif
