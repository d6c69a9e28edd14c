/* The places that the data of a guest's disk name themselves, for L2 tables that lost theirs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_CONTENT_H
#define REWRITE_QCOW2_CONTENT_H

#include "analyze/image/qcow2.h"
#include "base/arena.h"

struct qcow2_content;

/* NULL: nothing can be said (encryption, a data file). Memory is a's, and more
 * until qcow2_content_free(). */
struct qcow2_content *qcow2_content_new(const struct qcow2 *q, struct arena *a);
void qcow2_content_free(struct qcow2_content *c);

/* With the L2 table in `cluster` in that slot of the active L1 table, more of what the disk has
 * is where it says that it is, and nothing is not. */
enum qcow2_told {
	QCOW2_TOLD_NOTHING,
	QCOW2_TOLD_CONTENT, /* of partitions: another one may be just as large */
	QCOW2_TOLD_TABLE,   /* a partition table, of which there is one */
};
enum qcow2_told qcow2_content_tells(const struct qcow2_content *c, uint64_t cluster,
				    uint64_t slot);

#endif
