/* Edits of a QCOW2 image by meaning, for rules that mend its tables. They read what they
 * change, and write no byte that stays the same but to join edits that are close.
 *
 * All return false when it is not possible: an edit overlaps another one, or the plan says
 * why (plan_refuse). Numbers are big-endian.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_EDIT_H
#define REWRITE_QCOW2_EDIT_H

#include "analyze/image/qcow2.h"
#include "analyze/image/qcow2_scan.h"
#include "rewrite/edit.h"

bool qcow2_plan_be64(struct plan *p, enum stage stage, uint64_t off, uint64_t v)
	__attribute__((warn_unused_result));

/* The cluster at off, which is read as an L2 table, is one: nobody uses it as anything else,
 * and no entry of it points where it cannot. What is read by mistake may be the guest's
 * data. */
bool qcow2_is_table(const struct qcow2 *q, uint64_t off);
/* To all who use the cluster at off, it is the same thing: an L2 table may have two slots. */
bool qcow2_is_one_thing(const struct qcow2 *q, uint64_t off);
/* A cluster that is read as an L2 table, and is none: most of its entries, and not just a few,
 * cannot be any. */
bool qcow2_is_no_table(const struct qcow2 *q, struct view raw);
/* No flaw of owners is about the cluster at off. */
bool qcow2_is_alone(const struct qcow2 *q, uint64_t off);

/* 64-bit words that follow each other, `stride` bytes apart. */
struct qcow2_words {
	uint64_t off, n;
	unsigned stride;
};
/* Clears bits of each, then sets some. */
bool qcow2_plan_bits(struct plan *p, const struct qcow2 *q, enum stage stage,
		     const struct qcow2_words *w, uint64_t clear, uint64_t set)
	__attribute__((warn_unused_result));

/* Refcounts that are made what was counted. */
enum qcow2_counts {
	QCOW2_RAISE = 1,    /* those that are too low, 0 as well */
	QCOW2_LOWER = 2,    /* too high, of clusters in use */
	QCOW2_BLANK = 4,    /* leaked, and nothing but zeros */
	QCOW2_DATA = 8,     /* leaked, whatever is in them, except of tables */
	QCOW2_PAST_EOF = 16 /* of clusters that the file does not have */
};
bool qcow2_plan_counts(struct plan *p, const struct qcow2 *q, unsigned which)
	__attribute__((warn_unused_result));

/* Whether each refcount block is one, so that qcow2_plan_counts() may write to it. False: it
 * could not be found out. */
bool qcow2_has_blocks(struct plan *p, const struct qcow2 *q, bool *yes)
	__attribute__((warn_unused_result));

/* COPIED of all entries of the active tables. Cleared where the refcount is not 1, or will
 * not be when it is raised to what was counted; set where it is 1 and stays so. */
bool qcow2_plan_copied(struct plan *p, const struct qcow2 *q, bool set)
	__attribute__((warn_unused_result));

/* Refcount blocks to which no entry of the refcount table leads any more, and the table
 * itself when the header does not, back where they were: only those that can be told from
 * what they say, and no two of them. */
bool qcow2_plan_blocks_back(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));
bool qcow2_plan_table_back(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));
/* These, or else new ones. */
bool qcow2_plan_refcounts(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));

/* A refcount table and refcount blocks from what was counted, behind the end of the file,
 * and the header's two fields for them.
 *
 * Nothing that holds something becomes free. A cluster that nothing refers to keeps the
 * refcount that it has in a block that can be read; else it gets 1 when it holds anything
 * but zeros, or when what looks like a lost table points at it. The old table and blocks are
 * free where it is certain that they are that. */
bool qcow2_plan_new_refcounts(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));

/* Refcount 0 for the clusters of its bitmaps, as far as they are certainly theirs and
 * nobody else's. For who takes the bitmaps out of the header; no byte of them changes. */
bool qcow2_plan_free_bitmaps(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));

/* A table that nothing refers to, back where it can only belong: an L2 table into the one
 * slot of the active L1 table that it fits, an L1 table or a snapshot table to what names
 * none that is one. Refuses when that is not certain. */
bool qcow2_plan_relink(struct plan *p, const struct qcow2 *q,
		       const struct qcow2_orphan *x) __attribute__((warn_unused_result));

/* Clusters that several places of the disk use (n flaws, QCOW2_FLAW_DATA_DATA or
 * _DATA_METADATA), taken apart by copying: every place but one gets a cluster of its own
 * behind the end of the file, with the same bytes. Nothing that can be read changes, and
 * a later write to one place no longer shows at another. Where a table is one of the owners
 * it keeps the cluster, provided that it is a table by all that can be seen. */
bool qcow2_plan_apart(struct plan *p, const struct qcow2 *q, const struct qcow2_flaw *v,
		      size_t n) __attribute__((warn_unused_result));

/* The L2 tables of n flaws, QCOW2_FLAW_L2_SHARED, and all clusters that they point to. */
bool qcow2_plan_own_tables(struct plan *p, const struct qcow2 *q,
			   const struct qcow2_flaw *v, size_t n)
	__attribute__((warn_unused_result));

/* The same for entries of the active L1 table that pointed at an L2 table which a snapshot
 * has, too: where it, and all that it maps, have a refcount for one reference more. */
bool qcow2_plan_shared_back(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));

/* L2 tables that only a part of the L1 tables that had them still has, the active one or
 * those of snapshots, into the slots of the others. False with *none: no slot has lost one. */
bool qcow2_plan_slots(struct plan *p, const struct qcow2 *q, bool *none)
	__attribute__((warn_unused_result));

/* Entries of the active L1 table that point into the middle of an L2 table, to its begin. */
bool qcow2_plan_aligned(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));

/* L2 entries point at what they pointed at. */
bool qcow2_plan_pointers(struct plan *p, const struct qcow2 *q,
			 const struct qcow2_lost *x) __attribute__((warn_unused_result));
/* L2 entries that lead nowhere (n flaws of entries): zeros, but for those that pointed at
 * something that is known. */
bool qcow2_plan_zeros(struct plan *p, const struct qcow2 *q, const struct qcow2_flaw *v,
		      size_t n) __attribute__((warn_unused_result));
/* Subclusters of the extended entry at off that are said to be allocated, and zeros: they are
 * allocated. */
bool qcow2_plan_one_state(struct plan *p, const struct qcow2 *q, uint64_t off)
	__attribute__((warn_unused_result));
/* L1 entries that lead nowhere: empty. */
bool qcow2_plan_no_tables(struct plan *p, const struct qcow2 *q,
			  const struct qcow2_flaw *v, size_t n)
	__attribute__((warn_unused_result));

/* As long a file as the L2 entries need that point beyond its end to clusters with a
 * refcount: the file was cut, they are not wrong. Refuses when one of these clusters has
 * none all the same. */
bool qcow2_plan_longer(struct plan *p, const struct qcow2 *q)
	__attribute__((warn_unused_result));

#endif
