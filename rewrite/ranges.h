/* A transaction's ranges on the target itself: what they hold, and writing one side of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_RANGES_H
#define REWRITE_RANGES_H

#include "base/err.h"
#include "rewrite/journal.h"

/* A disk writes a sector whole or not at all, so a write that was cut off leaves each
 * sector as it was or as it was to be. No disk has smaller ones. */
enum { RANGE_SECTOR = 512 };

enum range_state {
	RANGE_OLD,     /* what the repair found */
	RANGE_NEW,     /* what it wrote (also when that is the same) */
	RANGE_MIXED,   /* each sector is one or the other */
	RANGE_FOREIGN, /* at least one sector is neither */
};

/* Compares one record's range of the target. Past the end of the target, and of the shorter
 * side, zeros count. */
int range_look(int fd, const struct journal *j, const struct journal_record *r,
	       enum range_state *state, struct err *e)
	__attribute__((warn_unused_result));

struct range_count {
	size_t ranges;  /* that do not hold the old bytes */
	uint64_t bytes; /* in them */
};

/* Is this the image of j->last, and as long as it may be? ERR_REFUSED. */
int ranges_identify(int fd, uint64_t size, const struct journal *j, struct err *e)
	__attribute__((warn_unused_result));

/* May j->last be undone, or finished, on this image? Refuses (ERR_REFUSED) another image,
 * another size, and ranges that somebody else changed: of a repair that is done each range
 * holds one side, of an unfinished one each sector. n may be NULL. */
int ranges_check(int fd, uint64_t size, const struct journal *j, struct range_count *n,
		 struct err *e) __attribute__((warn_unused_result));

/* Writes one side of all ranges, with an io_sync() after each stage: new bytes in the order
 * of the stages, old ones backwards. */
int ranges_write(int fd, const struct journal *j, enum journal_side side, struct err *e)
	__attribute__((warn_unused_result));

/* True when what grew, outside of ranges and moves, still holds zeros up to the target's end. */
int ranges_grown_is_zero(int fd, uint64_t size, const struct journal *j, bool *zero,
			 struct err *e) __attribute__((warn_unused_result));

/* Which image is it? Checksum of its first bytes, where boot code, disk GUID and tables
 * are, ranges and moves counting as zeros: so it is the same before, during and after a repair. */
enum { RANGES_HEAD = 8192 };
int ranges_head_crc(int fd, const struct journal_entry *t, uint32_t *crc, struct err *e)
	__attribute__((warn_unused_result));

#endif
