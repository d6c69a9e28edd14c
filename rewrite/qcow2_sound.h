/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_SOUND_H
#define REWRITE_QCOW2_SOUND_H

#include "rewrite/qcow2_edit.h"

/* Wild bytes that are read as a table have entries that point nowhere: no L1 table has, nor has
 * the L2 table at off one that leads nowhere, or to what nobody gave away. */
bool qcow2_is_sound_l1(const struct qcow2 *q);
bool qcow2_is_sound_l2(const struct qcow2 *q, uint64_t off, uint8_t *buf);

/* All tables among the owners of the flaw's clusters are tables by all that can be seen. buf: a
 * cluster. False: the plan says which is not. */
bool qcow2_tables_are_sound(struct plan *p, const struct qcow2 *q,
			    const struct qcow2_flaw *f, uint8_t *buf)
	__attribute__((warn_unused_result));

#endif
