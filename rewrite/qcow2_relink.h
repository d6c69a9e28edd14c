/* What finds the place of a table of a QCOW2 image that nothing refers to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_RELINK_H
#define REWRITE_QCOW2_RELINK_H

#include "rewrite/qcow2_content.h"
#include "rewrite/qcow2_edit.h"

#define QCOW2_NO_SLOT UINT64_MAX

/* An L2 table back into its slot of the active L1 table, or of a snapshot's. */
bool qcow2_relink_l2(struct plan *p, const struct qcow2 *q, const struct qcow2_orphan *x)
	__attribute__((warn_unused_result));

/* ---- between the parts of that ---- */

enum { QCOW2_BAD_SLOTS_MAX = 64 };

struct qcow2_relink {
	struct plan *plan;
	const struct qcow2 *q;
	const struct qcow2_orphan *x;
	const uint8_t *raw; /* the table */
	uint64_t slot;      /* that a snapshot's table has it in */
	uint64_t votes;     /* entries that say so */
	bool torn;          /* others say something else */
	/* Slots of the active L1 table that point at what cannot be an L2 table. */
	uint64_t bad[QCOW2_BAD_SLOTS_MAX];
	size_t nbad;
	bool many; /* there are more */
	const struct qcow2_content *content;
	enum qcow2_told least; /* that it has to tell */
};

/* The slot has no table, or what cannot be one, and nothing that the table maps would lie
 * behind the disk. */
bool qcow2_slot_fits(const struct qcow2_relink *r, uint64_t slot);

/* The one slot that is proven, once the snapshots were asked; else QCOW2_NO_SLOT. */
uint64_t qcow2_slot_proven(struct qcow2_relink *r);

#endif
