/* Names of other files that stand in a file, and where they may lead: into the file's own
 * folder, and into those that the user has named. Nothing else is opened, however it is named.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_REACH_H
#define ANALYZE_REACH_H

#include "analyze/host.h"
#include "analyze/source.h"

struct reach {
	const struct host *host;
	/* The folder of the file itself, and that of the path by which it was opened, both
	 * with all links resolved; NULL: it has none. Names are meant in the second. */
	const char *root, *folder;
	const char *given; /* folder, as it stood in the path that the user gave */
};

/* From a file that is open. Memory is a's. */
struct reach reach_of(const struct source *s, const struct host *host, struct arena *a);

/* The folder part of a path: "." for a name alone. */
char *path_folder(const char *path, struct arena *a);
/* The path that a name means. r->folder is there. */
const char *reach_path(const struct reach *r, const char *name, struct arena *a);
/* Such a path as the user would write it: with the folder as it was given. */
const char *reach_shown(const struct reach *r, const char *path, struct arena *a);

/* A regular file or a block device at such a path, for reading: a descriptor. Else -1, and
 * *why is an errno: as beneath_open(), and EXDEV when it is not within an allowed folder. */
int reach_open(const struct reach *r, const char *path, struct stat *st, int *why);
/* The same without opening it for reading, and of any kind: 0 or -1. */
int reach_look(const struct reach *r, const char *path, struct stat *st, int *why);

#endif
