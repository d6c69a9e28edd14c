/* A search for what entries pointed at that lead nowhere: qcow2_lost.c makes stretches of them,
 * qcow2_lost_prove.c finds their clusters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_LOST_H
#define ANALYZE_IMAGE_QCOW2_LOST_H

#include "analyze/image/qcow2_tally.h"

/* Entries of a table that follow each other and are all of a kind, empty or stray. */
struct qcow2_stretch {
	const struct qcow2_l2 *l2;
	uint64_t index, n;
	uint64_t word;          /* of the first */
	uint64_t before, after; /* host clusters of the entries around them; 0: none */
	bool empty;
	bool zeros;       /* one reads as zeros all the same */
	bool plain;       /* by their flags, they are of data that is not compressed */
	bool accident;    /* it may well have been an empty one */
	bool torn;        /* two claim the same cluster, or one claims two */
	uint64_t cluster; /* that the first one pointed at; 0: not known */
	enum qcow2_lost_why why;
};

struct qcow2_search {
	struct qcow2_tally *t;
	VEC(uint32_t) slots;
	VEC(struct qcow2_stretch) stretch;
	VEC(struct qcow2_lost) found, offered;
	struct qcow2_refs claimed; /* clusters */
	uint8_t *raw;              /* a table, */
	uint8_t *is;               /* and what its entries are */
	uint64_t read;             /* bytes of tables */
	uint64_t strays;           /* entries, all of them */
	bool partly;               /* not all were looked at */
	bool failed;
};

/* COPIED, where it has to be. */
static inline uint64_t qcow2_flags_for(const struct qcow2_l2 *l2)
{
	return l2->active && l2->weight == 1 ? QCOW2_COPIED : 0;
}

/* The first of the clusters between those of the entries around s, when nothing refers to
 * them; 0: it is not so. */
uint64_t qcow2_in_sequence(const struct qcow2_search *o, const struct qcow2_stretch *s);

/* Gives each stretch its clusters, where they are certain. */
void qcow2_prove(struct qcow2_search *o);

#endif
