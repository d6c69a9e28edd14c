/* The undo journal of a repair: old and new bytes of every range, on disk before the first
 * byte of the target is written. SPEC.md, "Journal", has the byte layout.
 *
 * Images: NAME.vmend-undo beside the image. Texts: in $XDG_STATE_HOME/vmend/undo (default
 * ~/.local/state), so that no repository is littered.
 * A journal is a stack of transactions; undo takes the last one off.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_JOURNAL_H
#define REWRITE_JOURNAL_H

#include "analyze/unit.h"
#include "base/arena.h"
#include "base/err.h"
#include "rewrite/edit.h"

#define JOURNAL_SUFFIX ".vmend-undo"

struct journal_record {
	uint64_t off;
	struct view old, new;
	enum stage stage;
};

/* One transaction, as read back or about to be written. */
struct journal_entry {
	uint64_t size_before, size_after; /* of the target */
	int64_t time;                     /* seconds since the epoch */
	bool done;
	uint64_t at;                      /* its offset in the journal */
	const struct journal_record *records; /* sorted by stage, then offset */
	size_t n;
};

struct journal {
	char *path;
	int fd;
	uint64_t size;              /* of the journal file */
	uint64_t target_dev, target_ino;
	struct journal_entry last;  /* the newest transaction, when has_last */
	bool has_last;
	struct arena *arena;
};

/* The journal that belongs to a target path (symlinks resolved). Memory is a's. NULL with e
 * set when there can be none (a text, and no state directory). */
char *journal_path(const char *target, enum format_kind kind, struct arena *a,
		   struct err *e);

/* Looks, without locking: is there one, and is a repair half-way? */
enum journal_state journal_look(const char *target, enum format_kind kind);

/* Opens it for writing (create: makes it when absent), locked against other vmends.
 * -1 and ERR_PARSE when the file is not a journal of ours or is damaged before its last
 * complete transaction. A torn last transaction was never armed and is ignored. */
int journal_open(struct journal *j, const char *target, enum format_kind kind, bool create,
		 struct arena *a, struct err *e) __attribute__((warn_unused_result));
void journal_close(struct journal *j);

/* Appends a transaction, armed, and makes it durable: file, then folder. */
int journal_arm(struct journal *j, const struct journal_entry *t, struct err *e)
	__attribute__((warn_unused_result));
/* Marks the last one done, durably. */
int journal_done(struct journal *j, struct err *e) __attribute__((warn_unused_result));
/* Takes the last one off after its undo; removes the file when it was the only one. */
int journal_pop(struct journal *j, struct err *e) __attribute__((warn_unused_result));

#endif
