/* The whole content of a text file, changed as one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_REPLACE_H
#define REWRITE_REPLACE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct text_file {
	const char *path; /* symlinks resolved */
	const char *name; /* the last part of it */
	int fd;           /* open for reading */
	int dir;          /* its folder; -1 when that cannot be opened */
	struct stat st;   /* when it was opened */
	struct arena *arena;
};

int text_open(struct text_file *f, const char *path, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
void text_close(struct text_file *f);

/* All of it; memory is the arena's, budgeted. */
int text_read(const struct text_file *f, struct view *content, struct err *e)
	__attribute__((warn_unused_result));

enum text_touch {
	TEXT_UNTOUCHED, /* the file is as it was */
	TEXT_REPLACED,  /* a new file has its place */
	TEXT_REWRITTEN, /* the same file, with other bytes; some of them after an error */
};

/* Tries a new file in its place: the name leads to one whole content or the other at every
 * moment. id makes the temporary name, ".NAME.vmend-ID". Succeeds and leaves it untouched
 * when only a change in place keeps all: several names, a folder that we cannot write,
 * owner or attributes that a new file could not have. */
int text_replace(const struct text_file *f, struct view content, uint64_t id,
		 enum text_touch *touch, struct err *e)
	__attribute__((warn_unused_result));

/* The same file with other bytes. Stopped in the middle it is a mixture, so a journal must
 * be armed. */
int text_rewrite(const struct text_file *f, struct view content, struct err *e)
	__attribute__((warn_unused_result));

/* text_replace(), and text_rewrite() where that left it untouched. A journal is armed. */
int text_put(const struct text_file *f, struct view content, uint64_t id,
	     enum text_touch *touch, struct err *e) __attribute__((warn_unused_result));

/* Removes the temporary file that an interrupted text_replace() left. */
void text_clean_up(const struct text_file *f, uint64_t id);

/* Gives `to` the extended attributes and access lists of `from`, no more and no less, as
 * far as this system has them. False: it could not. keep_linux.c, keep_posix.c */
bool keep_attributes(int from, int to, struct arena *a);

#endif
