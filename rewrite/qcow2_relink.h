/* What finds the place of a table of a QCOW2 image that nothing refers to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_RELINK_H
#define REWRITE_QCOW2_RELINK_H

#include "rewrite/qcow2_edit.h"

#define QCOW2_NO_SLOT UINT64_MAX

/* An L2 table back into its slot of the active L1 table, or of a snapshot's. */
bool qcow2_relink_l2(struct plan *p, const struct qcow2 *q, const struct qcow2_orphan *x)
	__attribute__((warn_unused_result));

#endif
