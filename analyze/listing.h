/* Which names a folder has that end so: each folder is listed once for all the files in it that
 * are read one after the other, as long as it stays as it was.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_LISTING_H
#define ANALYZE_LISTING_H

#include "base/arena.h"

#include <stdbool.h>

enum { LISTING_MAX = 33 };

struct listing {
	/* All that the folder has are here. Else there are too many, or it cannot be read to
	 * its end. */
	bool whole;
	const char *v[LISTING_MAX]; /* in byte order */
	size_t n;
};

/* The last few, for all workers of a run. */
struct listings;

struct listings *listings_new(void);
void listings_free(struct listings *l);

/* Of an open folder. endings: NULL at its end, and the same pointer for the same question.
 * l: those that are known; NULL: none. Memory is a's. */
struct listing listing_read(int folder, const char *const *endings, struct listings *l,
			    struct arena *a);

#endif
