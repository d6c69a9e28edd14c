/* What an image bears besides what it is taken for: signatures of other formats, where other
 * programs look for them, and bytes behind its end.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_SIGNS_H
#define ANALYZE_IMAGE_SIGNS_H

#include "analyze/model.h"
#include "base/err.h"

struct unit;

enum { SIGNS_MAX = 8 };

struct sign {
	const char *
		format; /* "iso9660", "vmdk", "vpc", "dmg", "zip", "tar", "an MBR", ... */
	struct span at;
};

struct signs {
	/* Of other formats. In a QCOW2 only where no table and nothing of the disk is: what
	 * the guest has on its disk is its own. */
	struct sign v[SIGNS_MAX];
	size_t n;
	/* A QCOW2 that is in all else a raw disk of just its length: the GPT that says so. */
	struct span disk;
	/* Of a QCOW2, bytes behind its last cluster: from the first that is not zero on. */
	struct span tail;
	bool tail_stopped; /* not all of them were read */
};

/* Fills u->signs, of u that is read as a QCOW2 or as a raw disk. */
int signs_read(struct unit *u, struct err *e) __attribute__((warn_unused_result));

#endif
