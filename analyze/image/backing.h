/* The other files that a QCOW2 is made of: its backing file, that one's, and so on, and the
 * external data file of each.
 *
 * A name that stands in an image is not to be trusted. It is only opened when it leads to a
 * regular file or block device within an allowed folder (the image's own, or one that the
 * user has named), and never when it means a protocol.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_BACKING_H
#define ANALYZE_IMAGE_BACKING_H

#include "analyze/image/guest.h"
#include "analyze/image/qcow2.h"
#include "analyze/source.h"

struct unit;

enum { BACKING_DEPTH_MAX = 64 };

enum backing_state {
	BACKING_OPENED,
	BACKING_NO_NAME,  /* there is one, but its name cannot be read, or is empty */
	BACKING_PROTOCOL, /* json:, nbd:, ssh: ... : not followed, whatever it says */
	BACKING_OUTSIDE,  /* not within an allowed folder */
	BACKING_MISSING,  /* there is no such file */
	BACKING_SPECIAL,  /* neither a regular file nor a block device */
	BACKING_FAILED,   /* the system does not let us open or read it */
	BACKING_LOOP,     /* the image itself, or one of the chain before */
	BACKING_DEEP,     /* behind BACKING_DEPTH_MAX others */
	BACKING_FORMAT, /* opened; a format that is not read here, or not what is declared */
	BACKING_DAMAGED,  /* opened; a QCOW2 whose disk cannot be seen: why */
	BACKING_DETACHED, /* not looked for: the image has no place in a folder */
};

struct backing {
	enum backing_state state;
	const char *why;     /* in words, when it cannot be read; else NULL */
	struct str name;     /* as it stands, up to a NUL; n 0: none */
	struct str declared; /* its format by the one that names it; n 0: not said */
	const char *found;   /* its format by its content; NULL: not opened */
	/* Of one that is found to be raw: the format that its end is of, and, where none is
	 * declared, what shows that it is a disk. NULL: nothing. */
	const char *footer, *content;
	const char *path;    /* where it was looked for; NULL: it was not */
	struct source file;  /* fd -1: not open */
	struct qcow2 *qcow2; /* of one that is read as a QCOW2 */
	struct guest *guest;
	struct source disk;
	/* What one that reads from it sees: the file, or the disk in it. NULL: why. */
	const struct source *source;
	/* A data file that ends before a cluster that the disk has there: at which of its
	 * bytes. */
	bool cut;
	uint64_t cut_at;
	/* Its own. NULL: it has none. */
	struct backing *backing, *data_file;
};

/* Shows the guest's disk of the QCOW2 that u is: fills u->guest, u->backing and u->data_file,
 * or says in u->guest_why why not. */
void backing_show(struct unit *u);

/* Closes what was opened. */
void backing_close(struct backing *b);

#endif
