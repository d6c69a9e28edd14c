/* What rules on a QCOW2 ask first: whether its words mean what they seem to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_QCOW2_STATE_H
#define RULES_QCOW2_STATE_H

#include "analyze/image/qcow2.h"
#include "analyze/unit.h"

/* Extended L2 entries divide clusters into 32 parts, which are sectors at least. */
static inline bool qcow2_no_subclusters(const struct qcow2 *q)
{
	return q->extended_l2 && q->cluster_bits.v < 14;
}

/* There is a geometry, and no feature that we do not know changes its meaning. */
static inline bool qcow2_understood(const struct qcow2 *q)
{
	return q->geometry && !(q->incompatible.v & ~QCOW2_INCOMPAT_KNOWN) &&
	       !qcow2_no_subclusters(q);
}

/* Somebody writes to it at this moment: what it says of a clean end is still to come. */
static inline bool qcow2_live(const struct qcow2 *q)
{
	const struct lock_state *l = q->unit ? &q->unit->locks : NULL;

	return l && l->known && lock_has_writer(l);
}

/* A place reaches behind the file's last cluster. A file may end within that: what is
 * missing of it reads as zeros. */
static inline bool qcow2_beyond(const struct qcow2 *q, struct span at)
{
	return at.off > UINT64_MAX - at.len ||
	       span_end(at) > q->host_clusters * q->cluster_size;
}

/* The whole file, for what is at no place of it. */
static inline struct span qcow2_whole(const struct qcow2 *q)
{
	return (struct span){ .src = q->src };
}

/* What QEMU takes a name for: up to its first NUL. n 0: there is none that can be read. */
struct str qcow2_name_effective(const struct qcow2_name *n);

/* How many header extensions there are when they begin at off; 0 unless all are of types
 * that are known, and end as they should. */
size_t qcow2_extensions_from(const struct qcow2 *q, uint64_t off);

/* The backing file's name is said to begin within the header: what is there is none, and
 * no extension is looked for. */
static inline bool qcow2_name_in_header(const struct qcow2 *q)
{
	return q->backing_offset.v && q->backing_offset.v < q->header_length.v;
}

#endif
