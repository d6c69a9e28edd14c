/* One scan of a QCOW2 image while it runs: what its passes share.
 *
 *     qcow2_count     what refers to what: counts, flaws of entries
 *     qcow2_compare   stored refcounts against the counts
 *     qcow2_owners    who refers to the clusters that something is wrong with
 *     qcow2_orphans   what nobody refers to
 *     qcow2_lost      what pointed at that
 *     qcow2_deep      compressed data that does not inflate
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_TALLY_H
#define ANALYZE_IMAGE_QCOW2_TALLY_H

#include "analyze/image/qcow2_read.h"
#include "analyze/image/qcow2_scan.h"
#include "analyze/image/qcow2_walk.h"
#include "base/vec.h"

struct qcow2_tally {
	const struct qcow2 *q;
	struct qcow2_scan *scan;
	struct arena *a;       /* the unit's: of what stays */
	struct arena *scratch; /* of what does not */
	struct err *e;
	struct qcow2_walk walk;
	VEC(struct qcow2_flaw) flaws[QCOW2_FLAW_KINDS];
	size_t kept; /* of all kinds */
	VEC(struct qcow2_extent) extents;
	uint64_t vm_state; /* guest offset from which on it is kept */
	uint64_t packed;   /* compressed clusters of all tables */
	/* The refcounts that qcow2_tally_stored() read last. */
	uint8_t window[4 << 10];
	uint64_t window_at; /* UINT64_MAX: none */
};

/* The first reason is kept. */
void qcow2_tally_limit(struct qcow2_tally *t, const char *what);

/* Adds a flaw, or makes the last one of its kind longer when f goes on where that ends.
 * f->owner may be on the stack: it is copied when it is kept. Returns what was kept, or
 * NULL. */
struct qcow2_flaw *qcow2_tally_flaw(struct qcow2_tally *t, const struct qcow2_flaw *f);

/* qcow2_stored() for clusters that are near each other. 0 where it cannot be known. */
int qcow2_tally_stored(struct qcow2_tally *t, uint64_t cluster, uint64_t *stored)
	__attribute__((warn_unused_result));

int qcow2_count(struct qcow2_tally *t) __attribute__((warn_unused_result));
int qcow2_compare(struct qcow2_tally *t) __attribute__((warn_unused_result));
int qcow2_owners(struct qcow2_tally *t) __attribute__((warn_unused_result));
int qcow2_orphans(struct qcow2_tally *t) __attribute__((warn_unused_result));
int qcow2_lost(struct qcow2_tally *t) __attribute__((warn_unused_result));
/* Only when the unit's host wants it. */
int qcow2_deep(struct qcow2_tally *t) __attribute__((warn_unused_result));

/* Everything but L2 tables and what these refer to. False from f: enough. */
struct qcow2_range {
	struct qcow2_owner owner;
	uint64_t off, len; /* bytes; from the image, not looked at */
};
int qcow2_each_range(struct qcow2_tally *t,
		     bool (*f)(struct qcow2_tally *t, const struct qcow2_range *r))
	__attribute__((warn_unused_result));

/* Those of bitmaps, stale or not. */
int qcow2_each_bitmap(struct qcow2_tally *t,
		      bool (*f)(struct qcow2_tally *t, const struct qcow2_range *r))
	__attribute__((warn_unused_result));

/* Its clusters are in use, as far as anybody can say. */
bool qcow2_range_counts(const struct qcow2 *q, const struct qcow2_range *r);

/* A flaw of all entries of the run. */
void qcow2_tally_run_flaw(struct qcow2_tally *t, enum qcow2_flaw_kind k,
			  const struct qcow2_run *r);

/* The owner that an entry of an L2 table is. */
struct qcow2_owner qcow2_owner_of_run(const struct qcow2_tally *t,
				      const struct qcow2_run *r);
/* That an L2 table is. */
struct qcow2_owner qcow2_owner_of_l2(const struct qcow2_tally *t,
				     const struct qcow2_l2 *l2);

/* The bytes that a compressed entry refers to: whole sectors, the last one perhaps cut. */
void qcow2_compressed_at(const struct qcow2 *q, uint64_t entry, uint64_t *off,
			 uint64_t *len);

/* QEMU's rule: the end of a file may cut off less than one cluster. */
static inline bool qcow2_in_file(const struct qcow2 *q, uint64_t off, uint64_t len)
{
	uint64_t end;

	return u64_add(off, len, &end) &&
	       (end <= q->file_size || end - q->file_size < q->cluster_size);
}

#endif
