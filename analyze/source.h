/* The bytes of one input: bounded reads of a file, with planned edits shown on top as if
 * they were already written. What analysis and rules see after a fix is what a reader of
 * the fixed file will see, before a byte of it is written.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_SOURCE_H
#define ANALYZE_SOURCE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Byte runs that replace what the file holds: sorted by offset, not overlapping. */
struct patch_run {
	uint64_t off;
	struct view bytes;
};

/* Bytes [to, to + len) come from where the file itself holds them: at `from`. */
struct patch_move {
	uint64_t from, to, len;
};

struct patch {
	const struct patch_run *v;
	size_t n;
	uint64_t size; /* of the patched input; bytes past the file's end read as zeros */
	/* Sorted by `to`, destinations not overlapping. Runs lie on top of them. */
	const struct patch_move *moves;
	size_t nmoves;
};

struct beside;
struct guest;
struct reach;

struct source {
	const char *path;    /* as the user named it; borrowed */
	int fd;              /* -1: the bytes are in mem, or what guest shows */
	struct view mem;     /* the whole content, when fd is -1 and guest NULL */
	struct guest *guest; /* analyze/image/guest.h: the disk in a container. Its cache
			      changes with reads: one thread at a time */
	bool is_guest; /* offsets are those of a disk in a container, not the file's */
	const struct patch *patch; /* NULL: as it is on disk. Borrowed */
	/* What else its folder says (beside.h), for a config that means nothing alone; NULL:
	 * not asked for. A rewritten text keeps that of the file. */
	const struct beside *beside;
	/* Where names in it may lead (reach.h); NULL: not asked. The same holds for it. */
	const struct reach *reach;
	/* A config that is no text: why no fix changes it; NULL: it may. */
	const char *read_only;
	uint64_t size;  /* bytes that can be read */
	struct stat st; /* of the file, when it was opened */
};

enum source_mode {
	SOURCE_READ,  /* O_RDONLY */
	SOURCE_WRITE, /* O_RDWR, and O_EXCL for a block device: for a repair in place */
};

/* Opens a regular file or a block device, whole or not at all; never blocks on a FIFO,
 * never follows into a directory. path is borrowed for the life of the source. */
int source_open(struct source *s, const char *path, enum source_mode mode, struct err *e)
	__attribute__((warn_unused_result));

/* Asks the system again for st and size: after a repair that made the file longer. */
int source_stat(struct source *s, struct err *e) __attribute__((warn_unused_result));

/* Bytes that are in memory already (stdin, a rewritten text). Borrowed. */
struct source source_of_bytes(const char *path, struct view bytes);

/* The same file with a patch on top. Shares base's descriptor: close base only. */
struct source source_overlay(const struct source *base, const struct patch *patch);

void source_close(struct source *s);

/* The first offset from off on that may hold data, as opposed to a hole of the file; s->size
 * when there is none, and off itself where nobody can say. */
uint64_t source_next_data(const struct source *s, uint64_t off);

/* The offset behind the last data: from here to s->size there is a hole, as far as the system
 * says. */
uint64_t source_data_end(const struct source *s);

/* Bytes that it takes up where it is kept: without holes, as far as the system says. What
 * an input may ask for is bounded by this where its size says nothing. */
uint64_t source_stored(const struct source *s);

/* Reads exactly n bytes at off. ERR_SHORT when the source ends first: asked for more than
 * s->size, or the file shrank while we read. */
int source_read(const struct source *s, uint64_t off, void *buf, size_t n, struct err *e)
	__attribute__((warn_unused_result));

/* The same into memory of a, budgeted: ERR_LIMIT past it. */
int source_view(const struct source *s, struct arena *a, uint64_t off, uint64_t n,
		struct view *out, struct err *e) __attribute__((warn_unused_result));

#endif
