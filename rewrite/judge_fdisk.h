/* What libfdisk makes of a disk: a second opinion by people who did not write this program.
 * It refuses, or repairs in silence, much of what our readers describe; so its words are
 * compared with what it said before the repair and with what we say ourselves.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_JUDGE_FDISK_H
#define REWRITE_JUDGE_FDISK_H

#include "analyze/image/image.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

enum fdisk_about {
	FDISK_LABEL,   /* it sees no GPT at all */
	FDISK_PMBR,    /* the protective MBR */
	FDISK_PRIMARY, /* the primary header or its entries */
	FDISK_BACKUP,  /* the backup */
	FDISK_TABLE,   /* partitions, or anything else */
};

struct fdisk_complaint {
	enum fdisk_about about;
	const char *text;
};

struct fdisk_opinion {
	bool asked; /* false: this build has no libfdisk */
	VEC(struct fdisk_complaint) said;
};

/* Asks about a disk whose GPT facts are there (img->gpt is not NULL). Strings are a's.
 * -1: it could not be asked. */
int fdisk_ask(const struct image *img, struct arena *a, struct fdisk_opinion *out,
	      struct err *e) __attribute__((warn_unused_result));

#endif
