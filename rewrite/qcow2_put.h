/* What the edits of QCOW2 images share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_PUT_H
#define REWRITE_QCOW2_PUT_H

#include "rewrite/qcow2_edit.h"

enum { QCOW2_EDITS_MAX = 256 << 10 }; /* of one plan */

static inline void qcow2_put64(uint8_t *p, uint64_t v)
{
	for (unsigned i = 8; i > 0; i--, v >>= 8)
		p[i - 1] = (uint8_t)v;
}

/* The i-th refcount of a block; those below 8 bits fill a byte from its low end. */
uint64_t qcow2_get_refcount(const uint8_t *p, uint64_t i, unsigned bits);
void qcow2_put_refcount(uint8_t *p, uint64_t i, unsigned bits, uint64_t v);
uint64_t qcow2_most_refcount(const struct qcow2 *q);

/* Bytes at off that are `was` become `is`. */
bool qcow2_plan_change(struct plan *p, enum stage stage, uint64_t off, const uint8_t *was,
		       const uint8_t *is, size_t n) __attribute__((warn_unused_result));

#endif
