/* The line of a config that names an image: where somebody who looks at text finds it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_ANCHOR_H
#define CLI_ANCHOR_H

#include "analyze/unit.h"
#include "base/vec.h"
#include "cli/linehash.h"
#include "cli/lines.h"

struct anchor {
	dev_t dev; /* the image */
	ino_t ino;
	const char *path; /* the config */
	struct text_pos from, to;
	char hash[LINE_HASH_TEXT]; /* of the line */
};

struct anchors {
	bool wanted;
	VEC(struct anchor) v;
};

/* Those of a config that is open, one behind the other; without paths, which whoever takes them
 * knows. */
void anchors_read(struct buf *out, const struct unit *u);
/* In the order of the inputs; frees the buffer. */
void anchors_take(struct anchors *all, const char *path, struct buf *read,
		  struct arena *a);
/* The first one of an image; NULL: none. */
const struct anchor *anchors_find(const struct anchors *all, dev_t dev, ino_t ino);

#endif
