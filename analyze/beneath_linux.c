/* openat2(2): the kernel itself sees to it that a name stays below a folder, links included.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

static int open_below(int root, const char *rel, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, root, rel, &how, sizeof(how));
}

/* Looked at before it is opened: to open some devices is to do something. */
static int open_looked_at(int root, const char *rel, int seen, struct stat *st, int *why)
{
	struct stat before;
	int fd;

	if (fstat(seen, &before) != 0) {
		*why = errno;
		return -1;
	}
	*why = EINVAL;
	if (!S_ISREG(before.st_mode) && !S_ISBLK(before.st_mode))
		return -1;
	fd = open_below(root, rel, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, st) != 0) {
		*why = errno;
	} else if (st->st_dev == before.st_dev && st->st_ino == before.st_ino) {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int beneath_open(const char *root, const char *rel, struct stat *st, int *why)
{
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), seen, fd = -1;

	if (dir < 0) {
		*why = errno;
		return -1;
	}
	seen = open_below(dir, rel, O_PATH);
	*why = errno;
	if (seen >= 0)
		fd = open_looked_at(dir, rel, seen, st, why);
	else if (*why == ENOSYS || *why == EPERM)
		/* Before Linux 5.6, or where a sandbox does not know the call. */
		fd = beneath_walk(dir, rel, st, why);
	if (seen >= 0)
		close(seen);
	close(dir);
	return fd;
}

int beneath_look(const char *root, const char *rel, struct stat *st, int *why)
{
	int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), seen, rc;

	if (dir < 0) {
		*why = errno;
		return -1;
	}
	seen = open_below(dir, rel, O_PATH);
	*why = errno;
	if (seen < 0 && (*why == ENOSYS || *why == EPERM))
		seen = beneath_walk(dir, rel, st, why);
	close(dir);
	if (seen < 0)
		return -1;
	rc = fstat(seen, st);
	*why = errno;
	close(seen);
	return rc;
}
