/* rewrite/io.c with a hook before and behind each of its calls. A test that includes this
 * has its own io_*(), so the library's io.o is never linked; what runs below the hooks is
 * still the real file, to the last line.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_LIB_SEAM_H
#define TESTS_LIB_SEAM_H

#include "rewrite/io.h"

#include <stdbool.h>

enum seam_kind {
	SEAM_WRITE,
	SEAM_SYNC,
	SEAM_SYNC_DIR,
	SEAM_RESIZE,
	SEAM_CREATE,
	SEAM_PUNCH,
	SEAM_MKDIR,
	SEAM_RENAME,
	SEAM_UNLINK,
};

struct seam_op {
	enum seam_kind kind;
	int fd; /* the file; of create its result, behind the call */
	int dir;
	const char *name, *to;
	uint64_t off; /* of a write; the size of a resize */
	uint64_t len; /* of a hole */
	struct view bytes;
};

/* Non-zero: the call fails with e, and nothing is done. NULL: no hook. */
static int (*seam_before)(const struct seam_op *op, struct err *e);
static void (*seam_behind)(const struct seam_op *op);

static int real_io_write(int fd, uint64_t off, struct view bytes, struct err *e);
static int real_io_sync(int fd, struct err *e);
static int real_io_sync_dir(int dir, struct err *e);
static int real_io_resize(int fd, uint64_t size, struct err *e);
static int real_io_punch(int fd, uint64_t off, uint64_t len, bool *punched,
			 struct err *e);
static int real_io_create(int dir, const char *name, int *fd, struct err *e);
static int real_io_mkdir(const char *path, struct err *e);
static int real_io_rename(int dir, const char *from, const char *to, struct err *e);
static int real_io_unlink(int dir, const char *name, struct err *e);

#define io_write    real_io_write
#define io_sync     real_io_sync
#define io_sync_dir real_io_sync_dir
#define io_resize   real_io_resize
#define io_punch    real_io_punch
#define io_create   real_io_create
#define io_mkdir    real_io_mkdir
#define io_rename   real_io_rename
#define io_unlink   real_io_unlink
#include "rewrite/io.c"
#undef io_write
#undef io_sync
#undef io_sync_dir
#undef io_resize
#undef io_punch
#undef io_create
#undef io_mkdir
#undef io_rename
#undef io_unlink

static bool seam_stops(const struct seam_op *op, struct err *e)
{
	return seam_before && seam_before(op, e) != 0;
}

static int seam_end(const struct seam_op *op, int rc)
{
	if (rc == 0 && seam_behind)
		seam_behind(op);
	return rc;
}

int io_write(int fd, uint64_t off, struct view bytes, struct err *e)
{
	struct seam_op op = { .kind = SEAM_WRITE, .fd = fd, .off = off, .bytes = bytes };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_write(fd, off, bytes, e));
}

int io_sync(int fd, struct err *e)
{
	struct seam_op op = { .kind = SEAM_SYNC, .fd = fd };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_sync(fd, e));
}

int io_sync_dir(int dir, struct err *e)
{
	struct seam_op op = { .kind = SEAM_SYNC_DIR, .dir = dir };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_sync_dir(dir, e));
}

int io_resize(int fd, uint64_t size, struct err *e)
{
	struct seam_op op = { .kind = SEAM_RESIZE, .fd = fd, .off = size };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_resize(fd, size, e));
}

int io_punch(int fd, uint64_t off, uint64_t len, bool *punched, struct err *e)
{
	struct seam_op op = { .kind = SEAM_PUNCH, .fd = fd, .off = off, .len = len };

	if (seam_stops(&op, e))
		return -1;
	return seam_end(&op, real_io_punch(fd, off, len, punched, e));
}

int io_create(int dir, const char *name, int *fd, struct err *e)
{
	struct seam_op op = { .kind = SEAM_CREATE, .fd = -1, .dir = dir, .name = name };
	int rc;

	*fd = -1;
	if (seam_stops(&op, e))
		return -1;
	rc = real_io_create(dir, name, fd, e);
	op.fd = *fd;
	return seam_end(&op, rc);
}

int io_mkdir(const char *path, struct err *e)
{
	struct seam_op op = { .kind = SEAM_MKDIR, .name = path };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_mkdir(path, e));
}

int io_rename(int dir, const char *from, const char *to, struct err *e)
{
	struct seam_op op = { .kind = SEAM_RENAME, .dir = dir, .name = from, .to = to };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_rename(dir, from, to, e));
}

int io_unlink(int dir, const char *name, struct err *e)
{
	struct seam_op op = { .kind = SEAM_UNLINK, .dir = dir, .name = name };

	return seam_stops(&op, e) ? -1 : seam_end(&op, real_io_unlink(dir, name, e));
}

#endif
