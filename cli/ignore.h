/* .gitignore: which paths of a folder walk are left out. gitignore(5).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_IGNORE_H
#define CLI_IGNORE_H

#include "base/arena.h"
#include "base/vec.h"

struct ignore_pattern;

/* The patterns of one file, over those of the folders above it. */
struct ignore {
	const struct ignore *up; /* NULL: none above. Asked when this one has no answer */
	size_t base;             /* bytes of a path that name this file's folder, with its
				    slash: patterns see what comes behind */
	VEC(struct ignore_pattern) patterns;
};

/* Parses one file's text, which must live as long as the result. */
const struct ignore *ignore_parse(struct str text, size_t base, const struct ignore *up,
				  struct arena *a);

/* path: relative to the folder of the outermost file, without a leading slash. The folders
 * above it were asked before: what is in an ignored folder stays ignored, whatever later
 * patterns say. top may be NULL. */
bool ignore_match(const struct ignore *top, struct str path, bool is_folder);

/* One pattern, one path. '*' and '?' do not match a slash, "**" between slashes matches any
 * number of folders. Time is bounded by the product of both lengths, squared at most. */
bool wild_match(struct str pattern, struct str path);

#endif
