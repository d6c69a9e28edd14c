/* Clusters of a QCOW2 image that nothing refers to, whatever their refcounts say: what a
 * repair of the refcounts has to look at before it calls one of them free.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_LOOSE_H
#define REWRITE_QCOW2_LOOSE_H

#include "rewrite/qcow2_edit.h"

struct qcow2_loose {
	const struct qcow2 *q;
	const struct qcow2_refs *but; /* references that do not count; NULL: all do */
	uint64_t next;                /* cluster */
	uint8_t *buf;                 /* of a cluster */
	/* Not looked at any more, once reached: clusters, and bytes of those whose begin
	 * says too little. */
	uint64_t seen, read;
};

enum qcow2_loose_state {
	QCOW2_LOOSE_END,
	QCOW2_LOOSE_ZEROS,  /* all of it */
	QCOW2_LOOSE_HOLDS,  /* something else: its first bytes are in buf */
	QCOW2_LOOSE_UNSEEN, /* not looked at, for a bound of ours */
	QCOW2_LOOSE_FAILED, /* e says why */
};

enum { QCOW2_LOOSE_HEAD = 512 };

/* False: no memory. */
bool qcow2_loose_begin(struct qcow2_loose *l, const struct qcow2 *q,
		       const struct qcow2_refs *but, struct arena *a);
/* The next one that is not a hole of the file. */
enum qcow2_loose_state qcow2_loose_next(struct qcow2_loose *l, uint64_t *cluster,
					struct err *e);
/* All of the last one into buf. False: over a bound, or (e->code) it could not be read. */
bool qcow2_loose_read(struct qcow2_loose *l, uint64_t cluster, struct err *e);

/* What the refcounts in a cluster say of those clusters that block `index` is for. */
struct qcow2_match {
	uint64_t used; /* clusters that more than refcounts (`users`) refers to, */
	uint64_t low;  /* and those of them that have a lower refcount */
	uint64_t set;  /* refcounts that are not 0, */
	uint64_t even; /* those of them that are what was counted, */
	uint64_t near; /* or differ from it by a few, of what is used, */
	uint64_t odd;  /* and that are far higher than they can be */
	uint64_t past; /* refcounts for what the file does not have */
	bool last;     /* it is for more than the file has */
	bool itself;   /* its own cluster is not among them, or has a refcount there */
};
struct qcow2_match qcow2_match_block(const struct qcow2 *q,
				     const struct qcow2_refs *users, const uint8_t *p,
				     uint64_t index, uint64_t cluster);
/* A block that is pointed at as such, and as nothing else, is one. */
bool qcow2_match_named(const struct qcow2_match *m);
/* The same where most of them may have been lost, or were never written: nothing else is
 * there. */
bool qcow2_match_blank(const struct qcow2_match *m);
/* Whoever points at it: it is one. */
bool qcow2_match_found(const struct qcow2 *q, const struct qcow2_match *m);

/* References of the present refcount table and blocks, as they were counted. False: no
 * memory. */
bool qcow2_refcount_users(const struct qcow2 *q, struct qcow2_refs *out, struct arena *a);
/* References of its bitmaps, whether they are stale or not: of those whose tables are whole,
 * and of `all` of them that can be read. */
bool qcow2_bitmap_users(const struct qcow2 *q, bool all, struct qcow2_refs *out,
			struct arena *a, struct err *e);

#endif
