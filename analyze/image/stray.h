/* Files that have the name of a disk image, or are said to be one, and hold something else: an
 * archive that nobody has unpacked, the page that a server sent instead, a pointer of Git LFS.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_STRAY_H
#define ANALYZE_IMAGE_STRAY_H

#include "analyze/model.h"
#include "base/view.h"

struct unit;

enum stray_kind { STRAY_ARCHIVE, STRAY_PAGE, STRAY_LFS };

struct stray {
	enum stray_kind kind;
	const char *what;   /* "gzip data", "an HTML page" */
	const char *unpack; /* an archive: what unpacks it */
	struct span at;     /* what shows it */
};

/* Is it such, by its first bytes? out->at has no source. Strings are constants. */
bool stray_find(struct view head, struct stray *out);

/* Fills u->stray when u's first bytes are such, whatever its name is. */
void stray_read(struct unit *u);

#endif
