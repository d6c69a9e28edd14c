/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/replace.h"

#include "base/str.h"
#include "rewrite/io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { TEMP_NAME_MAX = 200 }; /* of the file's own name; the rest must fit into 255 */

void text_close(struct text_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir >= 0)
		close(f->dir);
	f->fd = f->dir = -1;
}

static int open_both(struct text_file *f, struct err *e)
{
	const char *slash = strrchr(f->path, '/');
	struct str above = { f->path, slash == f->path ? 1 : (size_t)(slash - f->path) };

	f->name = slash + 1;
	f->dir = open(arena_str(f->arena, above), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0)
		return err_sys(e, errno, "cannot open it");
	if (fstat(f->fd, &f->st) != 0)
		return err_sys(e, errno, "cannot stat it");
	if (!S_ISREG(f->st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "is not a regular file");
	/* rename() would not ask. */
	if (faccessat(AT_FDCWD, f->path, W_OK, AT_EACCESS) != 0)
		return err_sys(e, errno, "cannot write to it");
	return 0;
}

int text_open(struct text_file *f, const char *path, struct arena *a, struct err *e)
{
	char *resolved = realpath(path, NULL);

	*f = (struct text_file){ .fd = -1, .dir = -1, .arena = a };
	if (!resolved)
		return err_sys(e, errno, "cannot resolve its path");
	f->path = arena_str(a, str_of(resolved));
	free(resolved);
	if (open_both(f, e) == 0)
		return 0;
	text_close(f);
	return -1;
}

int text_read(const struct text_file *f, struct view *content, struct err *e)
{
	struct stat st;
	uint8_t *p;

	if (fstat(f->fd, &st) != 0)
		return err_sys(e, errno, "cannot stat it");
	p = arena_try(f->arena, (uint64_t)st.st_size + 1, 1);
	if (!p)
		return err_set(e, ERR_LIMIT, "has %llu bytes, too many for memory",
			       (unsigned long long)st.st_size);
	*content = (struct view){ p, (size_t)st.st_size };
	return io_read_padded(f->fd, 0, p, content->n, e);
}

/* Several names, or a folder that we cannot write. */
static bool only_in_place(const struct text_file *f)
{
	return f->st.st_nlink > 1 || f->dir < 0 ||
	       faccessat(f->dir, ".", W_OK | X_OK, AT_EACCESS) != 0;
}

/* ---- by another file ---- */

static const char *temp_name(const struct text_file *f, uint64_t id)
{
	return arena_printf(f->arena, ".%.*s.vmend-%016llx", TEMP_NAME_MAX, f->name,
			    (unsigned long long)id);
}

/* Mode last: chown() clears bits of it. */
static bool keep_all(const struct text_file *f, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if ((st.st_uid != f->st.st_uid || st.st_gid != f->st.st_gid) &&
	    fchown(fd, f->st.st_uid, f->st.st_gid) != 0)
		return false;
	return keep_attributes(f->fd, fd, f->arena) &&
	       fchmod(fd, f->st.st_mode & 07777) == 0;
}

/* Somebody may have saved the file while we wrote ours. */
static int check_unchanged(const struct text_file *f, struct err *e)
{
	const struct stat *was = &f->st;
	struct stat is;

	if (lstat(f->path, &is) != 0)
		return err_sys(e, errno, "cannot stat it");
	if (is.st_dev != was->st_dev || is.st_ino != was->st_ino ||
	    is.st_size != was->st_size || is.st_mtim.tv_sec != was->st_mtim.tv_sec ||
	    is.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		return err_set(e, ERR_BUSY, "was changed by somebody else just now");
	return 0;
}

/* On success kept says whether the new file may take the place. */
static int fill(const struct text_file *f, int fd, struct view content, bool *kept,
		struct err *e)
{
	if (io_write(fd, 0, content, e) != 0)
		return -1;
	*kept = keep_all(f, fd);
	return *kept ? io_sync(fd, e) : 0;
}

static int replace(const struct text_file *f, struct view content, const char *temp,
		   enum text_touch *touch, struct err *e)
{
	bool kept = false;
	int fd, rc;

	if (io_create(f->dir, temp, &fd, e) != 0)
		return -1;
	rc = fill(f, fd, content, &kept, e);
	close(fd);
	if (rc == 0 && kept)
		rc = check_unchanged(f, e);
	if (rc == 0 && kept)
		rc = io_rename(f->dir, temp, f->name, e);
	if (rc != 0 || !kept) {
		struct err ignored;
		int gone = io_unlink(f->dir, temp, &ignored);

		(void)gone;
		return rc;
	}
	*touch = TEXT_REPLACED;
	return io_sync_dir(f->dir, e);
}

int text_replace(const struct text_file *f, struct view content, uint64_t id,
		 enum text_touch *touch, struct err *e)
{
	*touch = TEXT_UNTOUCHED;
	return only_in_place(f) ? 0 : replace(f, content, temp_name(f, id), touch, e);
}

void text_clean_up(const struct text_file *f, uint64_t id)
{
	struct err ignored;
	int rc = f->dir < 0 ? 0 : io_unlink(f->dir, temp_name(f, id), &ignored);

	(void)rc;
}

/* ---- in place ---- */

static int rewrite(int fd, uint64_t size, struct view content, struct err *e)
{
	/* Cut last, and after a sync: what is cut off must not be lost before the rest is
	 * there. */
	if (io_write(fd, 0, content, e) != 0 || io_sync(fd, e) != 0)
		return -1;
	if (size <= content.n)
		return 0;
	if (io_resize(fd, content.n, e) != 0)
		return -1;
	return io_sync(fd, e);
}

int text_rewrite(const struct text_file *f, struct view content, struct err *e)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_sys(e, errno, "cannot open it for writing");
	if (fstat(fd, &st) != 0)
		rc = err_sys(e, errno, "cannot stat it");
	else if (st.st_dev != f->st.st_dev || st.st_ino != f->st.st_ino)
		rc = err_set(e, ERR_BUSY, "was replaced by somebody else just now");
	else
		rc = rewrite(fd, (uint64_t)st.st_size, content, e);
	close(fd);
	return rc;
}

int text_put(const struct text_file *f, struct view content, uint64_t id,
	     enum text_touch *touch, struct err *e)
{
	if (text_replace(f, content, id, touch, e) != 0)
		return -1;
	if (*touch == TEXT_REPLACED)
		return 0;
	*touch = TEXT_REWRITTEN;
	return text_rewrite(f, content, e);
}
