/* Where partitions go when those that begin at a bad place shall begin at a good one. Plain
 * arithmetic on bytes: no table, no image, no plan.
 *
 * The order on the disk and all sizes stay, and nothing goes down. What begins at a good
 * place stays there, unless something before it needs the room.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_REALIGN_H
#define RULES_REALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REALIGN_TO =
		1
		<< 20, /* what moves begins at a whole MiB, and the disk grows by them */
	REALIGN_MAX = 64, /* partitions */
};

struct realign_part {
	unsigned number;
	uint64_t off, len;
	bool anywhere; /* where it begins does not matter: it stays if it can */
	uint64_t to;   /* the answer; off: it stays */
};

enum realign_verdict {
	REALIGN_OK,
	REALIGN_IDLE,    /* nothing has to move */
	REALIGN_OVERLAP, /* culprit begins before the one before it ends, or has no bytes */
	REALIGN_OUTSIDE, /* culprit ends behind the room that there is */
	REALIGN_TOO_FAR, /* culprit would end where no number reaches */
	REALIGN_TOO_MANY,
};

struct realign {
	struct realign_part part[REALIGN_MAX]; /* in any order; sorted afterwards */
	size_t n;
	uint64_t need; /* a good place is a multiple of this, a divisor of REALIGN_TO */
	uint64_t end;  /* of the room for partitions, as the disk is */
	uint64_t grow; /* the answer: whole MiB that the disk has to become longer */
	unsigned culprit;
};

/* False: there are as many as can be. */
bool realign_add(struct realign *r, unsigned number, uint64_t off, uint64_t len,
		 bool anywhere);

enum realign_verdict realign_plan(struct realign *r);

/* Does [off, off + len) have bytes that a move takes away or puts down? */
bool realign_touches(const struct realign *r, uint64_t off, uint64_t len);
/* Or only those that it puts down? */
bool realign_covers(const struct realign *r, uint64_t off, uint64_t len);

/* How many move, and their bytes. */
size_t realign_moves(const struct realign *r, uint64_t *bytes);

#endif
