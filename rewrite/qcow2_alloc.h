/* Clusters of a QCOW2 for a plan that writes to its disk: new ones behind the end of the
 * file, and old ones that it no longer refers to. docs/interop/qcow2.txt of QEMU,
 * "Host cluster management".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_ALLOC_H
#define REWRITE_QCOW2_ALLOC_H

#include "analyze/image/qcow2.h"
#include "rewrite/edit.h"

/* A refcount block that is needed. Its refcounts as they are, once clusters were taken, and
 * once others were dropped as well. */
struct alloc_block {
	uint64_t index; /* of its entry in the refcount table */
	uint64_t off;   /* byte offset in the file */
	bool fresh;     /* it is a new one */
	uint8_t *was, *taken, *is;
};

struct qcow2_alloc {
	struct plan *plan;
	const struct qcow2 *q;
	uint64_t next, most; /* clusters: the next new one, and which is too many */
	/* Something that was taken is counted by a block that the refcount table does not
	 * have yet: what points to it has to come after its entry. */
	bool grown;
	VEC(struct alloc_block) blocks;
};

/* All return false when the plan says why not. room: bytes of new clusters, at most. */
bool qcow2_alloc_begin(struct qcow2_alloc *x, struct plan *p, const struct qcow2 *q,
		       uint64_t room) __attribute__((warn_unused_result));
/* A new cluster, with refcount 1. off: in bytes. */
bool qcow2_alloc_take(struct qcow2_alloc *x, uint64_t *off)
	__attribute__((warn_unused_result));
/* As many references, of a cluster that was just taken. */
bool qcow2_alloc_set(struct qcow2_alloc *x, uint64_t cluster, uint64_t count)
	__attribute__((warn_unused_result));
/* Fewer references: so many. */
bool qcow2_alloc_lower(struct qcow2_alloc *x, uint64_t cluster, uint64_t count)
	__attribute__((warn_unused_result));
/* One reference less. */
bool qcow2_alloc_drop(struct qcow2_alloc *x, uint64_t cluster)
	__attribute__((warn_unused_result));
/* The refcount as it is so far. */
bool qcow2_alloc_get(struct qcow2_alloc *x, uint64_t cluster, uint64_t *count)
	__attribute__((warn_unused_result));
/* The refcounts, as edits: of what was taken before, of what was dropped behind all else. */
bool qcow2_alloc_write(struct qcow2_alloc *x) __attribute__((warn_unused_result));

static inline void alloc_put64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 8; i > 0; i--, v >>= 8)
		p[i - 1] = (uint8_t)v;
}

#endif
