/* How far the moves of a transaction are. Two slots, written in turn, so that a torn one
 * leaves the other: the valid one with the higher number counts. SPEC.md section 6.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_JOURNAL_SLOT_H
#define REWRITE_JOURNAL_SLOT_H

#include "base/err.h"
#include "rewrite/journal.h"

enum slot_flight {
	SLOT_REST,  /* nothing is being written */
	SLOT_FORTH, /* chunk number `applied` may be half written */
	SLOT_BACK,  /* so may the old bytes of chunk number `applied` - 1 */
};

struct journal_slot {
	uint64_t number;
	uint64_t applied; /* chunks that are done, and on the disk */
	enum slot_flight flight;
	uint32_t saved; /* bytes of the chunk in flight; 0: its source is still there */
};

enum {
	SLOT_HEADER = 4096,
	SLOT_CHUNK = 4 << 20, /* what we write; any power of two in between is read */
	SLOT_CHUNK_MIN = 512,
	SLOT_CHUNK_MAX = 64 << 20,
};

/* The slots before the first chunk: put into a new transaction. */
void slot_first(uint8_t header[SLOT_HEADER]);

/* The one that counts. ERR_PARSE when neither is valid. */
int slot_read(const struct journal *j, struct journal_slot *s, struct err *e)
	__attribute__((warn_unused_result));
/* Its saved bytes, s->saved of them; proven by their checksum. */
int slot_bytes(const struct journal *j, const struct journal_slot *s, uint8_t *buf,
	       struct err *e) __attribute__((warn_unused_result));
/* Durable when it returns. */
int slot_write(const struct journal *j, const struct journal_slot *s, const uint8_t *buf,
	       struct err *e) __attribute__((warn_unused_result));

#endif
