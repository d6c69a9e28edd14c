/* The undo journal of a repair: old and new bytes of every range, on disk before the first
 * byte of the target is written. SPEC.md section 6 has the byte layout.
 *
 * Images: NAME.vmend-undo beside the image. Texts and block devices: in
 * $XDG_STATE_HOME/vmend/undo (default ~/.local/state), so that no repository is littered.
 * A journal is a stack of transactions; undo takes the last one off.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_JOURNAL_H
#define REWRITE_JOURNAL_H

#include "analyze/unit.h"
#include "base/arena.h"
#include "base/err.h"
#include "rewrite/edit.h"

#define JOURNAL_SUFFIX ".vmend-undo"

/* One range of the target. An image's ranges are as long before as after, but for what lies
 * past the old end; a text is one range of two lengths. */
struct journal_record {
	uint64_t off;
	uint64_t old_len, new_len;
	enum stage stage;
	struct view old, new; /* to be written; NULL when read back: journal_bytes() */
	uint32_t crc_old, crc_new; /* set by journal_arm() and by reading */
	uint64_t at; /* in the journal: the old bytes, and behind them the new */
};

/* One transaction, as read back or about to be written. */
struct journal_entry {
	uint64_t size_before, size_after; /* of the target */
	int64_t time;                     /* seconds since the epoch */
	uint64_t id;                      /* names the temporary file of a text */
	uint32_t head_crc; /* of an image's first bytes: journal_head_crc() */
	bool done;         /* false: the target may hold any mixture */
	uint64_t at;       /* its offset in the journal */
	struct journal_record *records; /* sorted by stage, then offset; none overlap */
	size_t n;
	/* Images: bytes that go to a higher place before the records are written, whose old
	 * bytes are those of the time between. Sorted by `to`, destinations disjoint. */
	struct patch_move *moves;
	size_t nmoves;
	/* With moves: what they overwrite and none of them reads, old bytes only. */
	struct journal_record *gaps;
	size_t ngaps;
	uint32_t chunk;    /* bytes that are moved at once */
	uint64_t slots_at; /* in the journal: how far they are (journal_slot.h) */
};

struct journal {
	const char *path; /* of the journal */
	const char *name; /* the last part of it */
	int fd, dir;      /* the journal, and the folder that it is in */
	enum format_kind kind;
	uint64_t end;              /* where the next transaction goes */
	struct journal_entry last; /* the newest transaction, when count is not 0 */
	size_t count;              /* transactions, all armed or done */
	uint32_t version;          /* of the file */
	struct arena *arena;
};

/* The journal that belongs to a target path (symlinks resolved). Memory is a's. NULL with e
 * set when there can be none (no such target, or no state directory). */
const char *journal_path(const char *target, enum format_kind kind, struct arena *a,
			 struct err *e);

/* Looks, without locking: is there one, and is a repair half-way? */
enum journal_state journal_look(const char *target, enum format_kind kind);

/* Opens it for writing, locked against other vmends. Absent: made when create, else
 * *found is false and there is nothing to close. found may be NULL when create.
 * One without a transaction counts as found.
 * -1 and ERR_PARSE when the file is no journal of ours, or damaged. A last transaction that
 * was never armed is ignored, and its place is used again. */
int journal_open(struct journal *j, const char *target, enum format_kind kind,
		 bool create, bool *found, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
void journal_close(struct journal *j);

/* The gaps of t's moves, without their bytes, sorted by offset; t->size_before is set.
 * False: no memory. */
bool journal_gaps(struct journal_entry *t, struct arena *a);

/* For a new entry. */
uint64_t journal_new_id(void);

/* Appends a transaction and arms it, durably. Its records' bytes are in memory. It becomes
 * j->last. */
int journal_arm(struct journal *j, struct journal_entry *t, struct err *e)
	__attribute__((warn_unused_result));
/* Marks the last one done, durably; or armed again, for the time of its undo. */
int journal_mark(struct journal *j, bool done, struct err *e)
	__attribute__((warn_unused_result));
/* Takes the last one off after its undo; removes the file when it was the only one. */
int journal_pop(struct journal *j, struct err *e) __attribute__((warn_unused_result));
/* Removes it if it has no transaction: a repair stopped before it was armed. */
void journal_remove_empty(struct journal *j);

/* Proves every old and new byte of the last one by its checksums: ERR_PARSE. */
int journal_verify(const struct journal *j, struct err *e)
	__attribute__((warn_unused_result));

enum journal_side { JOURNAL_OLD, JOURNAL_NEW };

/* Bytes [off, off + n) of one side of r; past that side's end zeros. */
int journal_bytes(const struct journal *j, const struct journal_record *r,
		  enum journal_side side, uint64_t off, uint8_t *buf, size_t n,
		  struct err *e) __attribute__((warn_unused_result));

/* All bytes of one side. Memory is j->arena's, budgeted. */
int journal_view(const struct journal *j, const struct journal_record *r,
		 enum journal_side side, struct view *out, struct err *e)
	__attribute__((warn_unused_result));

#endif
