/* Looks into an image for facts that only some callers need: so many reads and bytes, and not
 * one more, whatever the image says. What cannot be read is not known, and why.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_LOOK_H
#define ANALYZE_IMAGE_LOOK_H

#include "analyze/model.h"
#include "analyze/source.h"
#include "base/arena.h"
#include "base/err.h"

struct look {
	const struct source *src;
	struct arena *a; /* of what is found */
	unsigned reads;  /* that may still be made, */
	uint64_t bytes;  /* and what they may bring */
	const char *why; /* why the last one that failed did */
	struct look *of; /* whose reads and bytes they are, too; NULL */
	bool broken;     /* by an I/O error, which is in *e: no more reads */
	struct err *e;
};

/* All n bytes at off, or false. */
bool look_read(struct look *l, uint64_t off, void *buf, size_t n)
	__attribute__((warn_unused_result));

static inline struct span look_span(const struct look *l, uint64_t off, uint64_t len)
{
	return (struct span){ .src = l->src, .off = off, .len = len };
}

#endif
