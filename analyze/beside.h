/* Files of the same folder that say what a config means: those that its own tool would read
 * with it. Read once per unit, bounded, and never out of the folder: links are not followed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_BESIDE_H
#define ANALYZE_BESIDE_H

#include "analyze/listing.h"
#include "analyze/source.h"

enum {
	BESIDE_FILES_MAX = LISTING_MAX - 1, /* one of the names is the input's own */
	BESIDE_BYTES_MAX = 1 << 20,         /* of all of them */
};

struct beside_file {
	const char *name; /* without the folder */
	struct source src;
	struct view text;
};

struct beside {
	/* All that the folder has was read. Else some of it is not there: too much, a link, or
	 * what cannot be opened. */
	bool whole;
	const struct beside_file *files; /* in byte order of their names */
	size_t n;
};

/* The regular files in s's folder whose names end so (NULL ends the list), without s itself.
 * known: listing_read()'s. Never fails: a folder that cannot be read is not whole. Memory is
 * a's. */
const struct beside *beside_read(const struct source *s, const char *const *endings,
				 struct listings *known, struct arena *a);

#endif
