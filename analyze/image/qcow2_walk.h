/* A way through all L1 and L2 tables of a QCOW2 image: every table once, however many L1
 * tables refer to it, and of its entries only those that differ from the table before for
 * the same part of the disk.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_WALK_H
#define ANALYZE_IMAGE_QCOW2_WALK_H

#include "analyze/image/qcow2.h"

/* An L1 table; those of snapshots that are the very same bytes are one, with a weight. */
struct qcow2_l1 {
	uint64_t off, n;   /* bytes, entries */
	uint32_t weight;   /* L1 tables that this is */
	uint32_t snapshot; /* the first of them; QCOW2_ACTIVE when it is the active one */
};

/* An L2 table as a slot refers to it. */
struct qcow2_l2 {
	uint64_t entry; /* of the L1 table, the active one's if that is among them */
	uint32_t slot;
	uint32_t l1;     /* whose entry that is */
	uint32_t weight; /* L1 tables that have it in this slot */
	bool active;     /* the active one has it in this slot */
	bool again;      /* another slot has it, too, and came first */
};

static inline uint64_t qcow2_l2_offset(const struct qcow2_l2 *t)
{
	return t->entry & QCOW2_OFFSET_MASK;
}

/* Entries of an L2 table that follow each other: value, value + step, value + 2 * step ...
 * all with the same bitmap (0 without extended L2). Compressed ones are alone. */
struct qcow2_run {
	uint64_t at, guest; /* of the first: in the file, and what it maps */
	uint64_t entry, bitmap, step;
	size_t n;
	uint32_t weight; /* of references to each of the clusters */
	const struct qcow2_l2 *l2;
	bool active;
	bool again; /* it was shown before, with another weight */
};

struct qcow2_walk {
	const struct qcow2 *q;
	struct arena *a; /* scratch */
	struct err *e;
	const char *limit; /* not all was seen: what was not */

	/* Every entry of every L1 table that is not 0. May be NULL. */
	void (*l1_entry)(void *arg, const struct qcow2_l1 *l1, uint64_t slot,
			 uint64_t entry);
	/* Every L2 table of every slot, but for those that are not aligned. May be NULL. */
	bool (*l2)(void *arg, const struct qcow2_l2 *l2);
	/* False: enough. */
	bool (*run)(void *arg, const struct qcow2_run *r);
	void *arg;

	struct qcow2_l1 *l1;
	size_t nl1;
	struct qcow2_l2 *t; /* by slot, then offset */
	size_t nt, cap;
	bool enough;
	uint64_t hole, hole_end; /* of the file */
};

/* Finds all tables; calls l1_entry. */
int qcow2_walk_l1(struct qcow2_walk *w) __attribute__((warn_unused_result));

/* Calls l2 for each table of qcow2_walk_l1(), then reads them and calls run. May be called
 * again with other functions. */
int qcow2_walk_l2(struct qcow2_walk *w) __attribute__((warn_unused_result));

/* Calls f for each 64-bit entry that is not 0 of [off, off + n * 8), as far as it lies
 * within the file. False from f: enough. */
int qcow2_each_entry(const struct qcow2 *q, uint64_t off, uint64_t n,
		     bool (*f)(void *arg, uint64_t i, uint64_t entry), void *arg,
		     struct err *e) __attribute__((warn_unused_result));

/* Reads len bytes at off; zeros behind the end of the file. */
int qcow2_read_padded(const struct qcow2 *q, uint64_t off, uint8_t *p, size_t len,
		      struct err *e) __attribute__((warn_unused_result));

static inline uint64_t qcow2_be64(const uint8_t *p)
{
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
	       (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
	       (uint64_t)p[6] << 8 | p[7];
}

#endif
