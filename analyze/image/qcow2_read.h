/* What the readers of QCOW2 structures share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_QCOW2_READ_H
#define ANALYZE_IMAGE_QCOW2_READ_H

#include "analyze/image/qcow2.h"

/* A big-endian number of 1, 2, 4 or 8 bytes at v[off]; v stands at `base` of the file.
 * Where v ends before it: v 0, at.len 0. */
struct field qcow2_field(const struct qcow2 *q, struct view v, uint64_t base, size_t off,
			 size_t len);

static inline struct span qcow2_span(const struct qcow2 *q, uint64_t off, uint64_t len)
{
	return (struct span){ .src = q->src, .off = off, .len = len };
}

/* Something is not read for a bound of ours; the first one is kept. */
void qcow2_limit(struct qcow2 *q, const char *what);

/* A list of records that each begin at a multiple of 8 behind the one before. */
struct qcow2_list {
	uint64_t off;  /* of the first record; a multiple of 8 */
	uint64_t most; /* bytes that it may take, wherever the file ends */
	uint64_t n;    /* records that there should be */
	size_t fixed;  /* bytes of a record's fixed part */
	/* The length of a record whose fixed part is v. */
	uint64_t (*length)(struct view v);

	/* what was found */
	enum qcow2_list_state state;
	struct view raw;
	size_t count; /* records that are whole in raw */
	size_t used;  /* bytes that these take, the last one without padding */
};

/* Reads l->raw and counts what is in it. The place and the number were looked at:
 * qcow2_list_state(). */
int qcow2_list_read(struct qcow2_list *l, const struct qcow2 *q, struct arena *a,
		    struct err *e) __attribute__((warn_unused_result));

/* Whether a list can be read at all; then it is QCOW2_LIST_WHOLE. */
enum qcow2_list_state qcow2_list_state(const struct qcow2 *q, uint64_t off, uint64_t n,
				       uint64_t max);

/* The extensions, the names, features and pointers in them, and what they leave over of
 * the first cluster. */
int qcow2_exts_read(struct qcow2 *q, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

int qcow2_bitmaps_read(struct qcow2 *q, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

#endif
