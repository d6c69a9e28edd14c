/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

int io_write(int fd, uint64_t off, struct view bytes, struct err *e)
{
	size_t done = 0;

	if (!range_within(off, bytes.n, INT64_MAX))
		return err_sys(e, EFBIG, "cannot write at byte %llu",
			       (unsigned long long)off);
	while (done < bytes.n) {
		ssize_t r =
			pwrite(fd, bytes.p + done, bytes.n - done, (off_t)(off + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return err_sys(e, r < 0 ? errno : EIO,
				       "cannot write %zu bytes at %llu", bytes.n,
				       (unsigned long long)off);
		done += (size_t)r;
	}
	return 0;
}

static int sync_fd(int fd)
{
	int rc;

#ifdef F_FULLFSYNC
	/* Where fsync() stops at the drive's cache. */
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
#endif
	do
		rc = fsync(fd);
	while (rc != 0 && errno == EINTR);
	return rc;
}

int io_sync(int fd, struct err *e)
{
	if (sync_fd(fd) != 0)
		return err_sys(e, errno, "cannot write it through to the disk");
	return 0;
}

int io_sync_dir(int dir, struct err *e)
{
	if (sync_fd(dir) != 0 && errno != EINVAL)
		return err_sys(e, errno, "cannot write its folder through to the disk");
	return 0;
}

int io_resize(int fd, uint64_t size, struct err *e)
{
	int rc = -1;

	errno = EFBIG;
	if (size <= INT64_MAX) {
		do
			rc = ftruncate(fd, (off_t)size);
		while (rc != 0 && errno == EINTR);
	}
	if (rc != 0)
		return err_sys(e, errno, "cannot make it %llu bytes long",
			       (unsigned long long)size);
	return 0;
}

int io_punch(int fd, uint64_t off, uint64_t len, bool *punched, struct err *e)
{
	int rc = -1;

	*punched = false;
	if (!range_within(off, len, INT64_MAX))
		return err_sys(e, EFBIG, "cannot make a hole at byte %llu",
			       (unsigned long long)off);
	errno = EOPNOTSUPP;
#ifdef FALLOC_FL_PUNCH_HOLE
	do
		rc = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
			       (off_t)len);
	while (rc != 0 && errno == EINTR);
#else
	(void)fd;
#endif
	*punched = rc == 0;
	if (rc != 0 && errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return err_sys(e, errno, "cannot make a hole at byte %llu",
			       (unsigned long long)off);
	return 0;
}

int io_create(int dir, const char *name, int *fd, struct err *e)
{
	*fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return err_sys(e, errno, "cannot create it");
	return 0;
}

int io_mkdir(const char *path, struct err *e)
{
	if (mkdir(path, 0700) != 0)
		return err_sys(e, errno, "cannot make the folder");
	return 0;
}

int io_rename(int dir, const char *from, const char *to, struct err *e)
{
	if (renameat(dir, from, dir, to) != 0)
		return err_sys(e, errno, "cannot put the new file in its place");
	return 0;
}

int io_unlink(int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) != 0)
		return err_sys(e, errno, "cannot remove it");
	return 0;
}

int io_read_padded(int fd, uint64_t off, uint8_t *buf, size_t n, struct err *e)
{
	size_t done = 0;

	if (!range_within(off, n, INT64_MAX))
		return err_sys(e, EOVERFLOW, "cannot read at byte %llu",
			       (unsigned long long)off);
	while (done < n) {
		ssize_t r = pread(fd, buf + done, n - done, (off_t)(off + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, errno, "cannot read %zu bytes at %llu", n,
				       (unsigned long long)off);
		if (r == 0)
			break;
		done += (size_t)r;
	}
	memset(buf + done, 0, n - done);
	return 0;
}

uint64_t io_next_data(int fd, uint64_t off, uint64_t end)
{
#ifdef SEEK_DATA
	off_t data = lseek(fd, (off_t)off, SEEK_DATA);

	if (data >= 0)
		return u64_min(end, u64_max(off, (uint64_t)data));
	if (errno == ENXIO)
		return end;
#else
	(void)fd;
#endif
	return u64_min(off, end);
}

uint64_t io_next_hole(int fd, uint64_t off, uint64_t end)
{
#ifdef SEEK_HOLE
	off_t hole = lseek(fd, (off_t)off, SEEK_HOLE);

	if (hole >= 0)
		return u64_min(end, u64_max(off, (uint64_t)hole));
#else
	(void)fd;
	(void)off;
#endif
	return end;
}
