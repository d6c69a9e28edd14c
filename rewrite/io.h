/* Every call that changes bytes, sizes or names on disk. Nothing else in vmend does, so the
 * crash tests replace this one file: they count its calls, stop at each, and lose what was
 * not yet synced.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_IO_H
#define REWRITE_IO_H

#include "base/err.h"
#include "base/view.h"

/* All of the bytes, or an error; which of them then got there is not known. */
int io_write(int fd, uint64_t off, struct view bytes, struct err *e)
	__attribute__((warn_unused_result));

/* Waits until the file's bytes and size are on the medium. */
int io_sync(int fd, struct err *e) __attribute__((warn_unused_result));

/* The same for the names in a folder. A file system that cannot sync a folder says so, and
 * that is no error: it has no such promise to give. */
int io_sync_dir(int dir, struct err *e) __attribute__((warn_unused_result));

int io_resize(int fd, uint64_t size, struct err *e) __attribute__((warn_unused_result));

/* Makes [off, off + len) of a file, all of it below its end, a hole. *punched is false, and
 * nothing is done, where there are none. */
int io_punch(int fd, uint64_t off, uint64_t len, bool *punched, struct err *e)
	__attribute__((warn_unused_result));

/* A new file, open for reading and writing, mode 0600. ERR_IO with EEXIST when the name is
 * taken, by whatever. */
int io_create(int dir, const char *name, int *fd, struct err *e)
	__attribute__((warn_unused_result));

/* A new folder, mode 0700. */
int io_mkdir(const char *path, struct err *e) __attribute__((warn_unused_result));

int io_rename(int dir, const char *from, const char *to, struct err *e)
	__attribute__((warn_unused_result));

int io_unlink(int dir, const char *name, struct err *e)
	__attribute__((warn_unused_result));

/* ---- and the reading that goes with it; changes nothing ---- */

/* Bytes past the end of the file are zeros. */
int io_read_padded(int fd, uint64_t off, uint8_t *buf, size_t n, struct err *e)
	__attribute__((warn_unused_result));

/* The next byte at or after off that is not in a hole, or that is; end when there is none
 * before it. Where holes cannot be told from zeros, there are none. */
uint64_t io_next_data(int fd, uint64_t off, uint64_t end);
uint64_t io_next_hole(int fd, uint64_t off, uint64_t end);

#endif
