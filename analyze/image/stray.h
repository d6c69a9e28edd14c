/* Files that have the name of a disk image, or are said to be one, and hold something else: an
 * archive that nobody has unpacked, the page that a server sent instead, a pointer of Git LFS; or
 * nothing yet.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_STRAY_H
#define ANALYZE_IMAGE_STRAY_H

#include "analyze/model.h"
#include "base/view.h"

struct unit;

enum stray_kind {
	STRAY_ARCHIVE,
	STRAY_PAGE,
	STRAY_LFS,
	STRAY_NO_ISO, /* it is called .iso, and where a volume's descriptors are there is nothing */
};

/* What the shortest ISO has: the system area, and a descriptor. */
enum { STRAY_ISO_FIRST = 32 << 10, STRAY_ISO_MIN = STRAY_ISO_FIRST + 2048 };

struct stray {
	enum stray_kind kind;
	const char *what;   /* "gzip data", "an HTML page"; NULL of NO_ISO */
	const char *unpack; /* an archive: what unpacks it */
	struct span at;     /* what shows it */
};

/* Is it such, by its first bytes? out->at has no source. Strings are constants. */
bool stray_find(struct view head, struct stray *out);

/* Fills u->stray when u's first bytes are such, whatever its name is. */
void stray_read(struct unit *u);

#endif
