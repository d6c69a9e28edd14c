/* How often each host cluster of a QCOW2 image is referred to, and a few marks beside it.
 *
 * Sparse: clusters are kept in leaves of QCOW2_LEAF. A leaf has one bit for each cluster as
 * long as all its counts are 0 or 1 and no bits at all when all are 1; it is widened to
 * counters of 4, 8, 16 or 32 bits only where a second reference comes. Memory is bounded, and
 * reaching the bound is a fact (limit), not an error.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_REFS_H
#define ANALYZE_IMAGE_QCOW2_REFS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	QCOW2_LEAF_BITS = 15,
	QCOW2_LEAF = 1 << QCOW2_LEAF_BITS, /* clusters */
	QCOW2_LEAF_WORDS = QCOW2_LEAF / 64,
	QCOW2_REFS_CLASSES = 6, /* sizes of pieces: 4 KiB << class */
};

/* What is known of a cluster besides its count. */
enum qcow2_mark {
	QCOW2_MARK_COPIED, /* an entry of the active tables says: refcount is 1 */
	QCOW2_MARK_SHARED, /* an entry of the active tables says: it is not */
	QCOW2_MARK_PACKED, /* compressed entries refer to it, which may share a cluster */
	QCOW2_MARK_MEETS,  /* two references that should not meet, or seem so */
	QCOW2_MARK_LEAKED, /* has a refcount, and nothing refers to it */
	QCOW2_MARK_NOT_ONE, /* marked _COPIED, and its refcount is not 1 */
	QCOW2_MARK_IS_ONE,  /* marked _SHARED, and its refcount is 1 */
	QCOW2_MARK_WANTED,  /* who refers to it is to be found */
};
enum { QCOW2_MARKS = QCOW2_MARK_WANTED + 1 };

/* A bit for each cluster of a leaf. n of them are set; w is NULL for none and for all. */
struct qcow2_bits {
	uint64_t *w;
	uint32_t n;
};

struct qcow2_leaf {
	uint64_t index;         /* of the first cluster: index * QCOW2_LEAF */
	struct qcow2_bits once; /* clusters with count 1; unused when wide */
	void *wide;             /* counters of `width` bits, or NULL */
	unsigned width;
	struct qcow2_bits mark[QCOW2_MARKS];
};

/* References that wait to be counted, of one leaf. */
struct qcow2_later {
	struct qcow2_leaf *leaf;
	uint32_t at, n, weight, how;
};
enum {
	QCOW2_LATER = 64,     /* that wait at most */
	QCOW2_LATER_LEN = 16, /* clusters; a longer range is counted at once */
};

struct qcow2_refs {
	struct arena *a;
	size_t spent, budget;     /* bytes */
	bool limit;               /* the budget did not suffice: counts are too low */
	struct qcow2_leaf **slot; /* open addressing by index */
	size_t nslots, nleaves;
	struct qcow2_leaf *last; /* that was found */
	struct qcow2_leaf *spare_leaf;
	size_t spare_leaves;
	struct piece *spare[QCOW2_REFS_CLASSES];
	struct qcow2_later later[QCOW2_LATER];
	size_t nlater;
	uint64_t end; /* behind the last cluster that was added */
};

/* budget: bytes of a that may be used at most; a's own budget binds as well. */
void qcow2_refs_init(struct qcow2_refs *r, struct arena *a, size_t budget);

enum qcow2_ref_how {
	QCOW2_REF_COPIED = 1 << QCOW2_MARK_COPIED, /* set that mark */
	QCOW2_REF_SHARED = 1 << QCOW2_MARK_SHARED,
	QCOW2_REF_PACKED = 1 << QCOW2_MARK_PACKED, /* may share with others that are */
	QCOW2_REF_AGAIN = 8, /* of something that was added before: meets nothing */
};

/* Counts `weight` references to each of n clusters. A cluster that had some gets
 * QCOW2_MARK_MEETS, except as `how` says. Counts stop at UINT32_MAX. False: over the budget,
 * not all of it was counted. */
bool qcow2_refs_add(struct qcow2_refs *r, uint64_t cluster, uint64_t n, uint32_t weight,
		    unsigned how);

/* The same in its time, many at once: for few clusters that lie anywhere. Nothing may be
 * asked of r before qcow2_refs_flush(). */
bool qcow2_refs_later(struct qcow2_refs *r, uint64_t cluster, uint64_t n, uint32_t weight,
		      unsigned how);
bool qcow2_refs_flush(struct qcow2_refs *r);

bool qcow2_refs_mark(struct qcow2_refs *r, enum qcow2_mark m, uint64_t cluster,
		     uint64_t n);

uint32_t qcow2_refs_count(const struct qcow2_refs *r, uint64_t cluster);
bool qcow2_refs_marked(const struct qcow2_refs *r, enum qcow2_mark m, uint64_t cluster);
/* How many clusters have the mark. */
uint64_t qcow2_refs_marks(const struct qcow2_refs *r, enum qcow2_mark m);

/* The length of a run of clusters from `cluster` on, all of which have count *count; not
 * always the longest one. */
uint64_t qcow2_refs_run(const struct qcow2_refs *r, uint64_t cluster, uint32_t *count);

/* NULL: all counts are 0, and there are no marks. */
const struct qcow2_leaf *qcow2_refs_leaf(const struct qcow2_refs *r, uint64_t index);

/* All leaves by index, in a; NULL when a's budget does not allow it. */
const struct qcow2_leaf **qcow2_refs_sorted(const struct qcow2_refs *r, struct arena *a);

static inline uint64_t qcow2_bits_word(const struct qcow2_bits *b, size_t word)
{
	return b->w ? b->w[word] : b->n ? UINT64_MAX : 0;
}

static inline bool qcow2_bits_get(const struct qcow2_bits *b, size_t bit)
{
	return qcow2_bits_word(b, bit / 64) >> bit % 64 & 1;
}

static inline uint32_t qcow2_leaf_count(const struct qcow2_leaf *l, size_t i)
{
	switch (l->width) {
	case 4:
		return ((const uint8_t *)l->wide)[i / 2] >> i % 2 * 4 & 15;
	case 8:
		return ((const uint8_t *)l->wide)[i];
	case 16:
		return ((const uint16_t *)l->wide)[i];
	case 32:
		return ((const uint32_t *)l->wide)[i];
	default:
		return qcow2_bits_get(&l->once, i);
	}
}

#endif
