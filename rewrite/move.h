/* Bytes that go to a higher place of the same image, in place and reversibly.
 *
 * Destinations are written in chunks from the last to the first. What a chunk overwrites
 * was read by an earlier one, or is in the journal (a gap: a destination that no move
 * reads), so each state between two chunks can be continued and taken back. The chunk in
 * flight is what the journal's slots are for (journal_slot.h). SPEC.md section 6.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_MOVE_H
#define REWRITE_MOVE_H

#include "base/err.h"
#include "rewrite/journal.h"

enum move_way { MOVE_FORTH, MOVE_BACK };

/* go_on is asked before each chunk, unless it is NULL; done and total are bytes. False: stop
 * here, with a journal that can be continued. */
struct move_watch {
	bool (*go_on)(void *ctx, enum move_way way, uint64_t done, uint64_t total);
	void *ctx;
	uint32_t chunk; /* bytes that are moved at once, a power of two; 0: as is good */
};

enum moves_state {
	MOVES_BEFORE, /* nothing was moved */
	MOVES_AMID,
	MOVES_DONE, /* durably; only then edits may have been written. Or there are none */
};

/* Where j->last's moves are. */
int moves_look(const struct journal *j, enum moves_state *state, struct err *e)
	__attribute__((warn_unused_result));

/* Finishes the chunk in flight, if there is one, in its own direction; then all the rest.
 * Nothing to do is success. watch may be NULL. */
int moves_run(int fd, const struct journal *j, enum move_way way,
	      const struct move_watch *watch, struct err *e)
	__attribute__((warn_unused_result));

#endif
