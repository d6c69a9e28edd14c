/* From the paths of the command line to the inputs: folders are walked, in byte order of
 * names, everything else is an input as it stands.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include "base/arena.h"
#include "base/vec.h"

#include <sys/stat.h>

struct policy;

struct input {
	const char *path; /* as it is named in reports */
	const char
		*trouble; /* why it cannot even be tried (a folder that cannot be read);
				or NULL */
	bool named;       /* on the command line, not found in a folder */
	bool is_stdin;
	const struct policy *policy; /* the one that counts for it; NULL: none */
	dev_t dev; /* 0, 0: there is no such file, or it is standard input */
	ino_t ino;
};

struct inputs {
	VEC(struct input) v;
	struct arena *arena;
};

/* Strings and memory are a's; paths are borrowed. No paths: the current folder.
 *
 * A walk follows no symbolic links, and leaves out `.git`, what .gitignore files and
 * .git/info/exclude say, and what is neither file nor folder. A folder that is one of its
 * own ancestors (a bind mount) is not entered again. A file that is there twice (same
 * device and inode) is taken once, under its first name. */
void walk(struct inputs *out, const char *const *paths, size_t n, struct arena *a);

#endif
