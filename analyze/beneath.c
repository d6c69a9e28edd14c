/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/banned.h"

/* Cuts the next component off *rel into name; false: there is none, or it is too long. */
static bool next_name(const char **rel, char *name, size_t size)
{
	size_t n;

	*rel += strspn(*rel, "/");
	n = strcspn(*rel, "/");
	if (n == 0 || n >= size)
		return false;
	memcpy(name, *rel, n);
	name[n] = '\0';
	*rel += n;
	return true;
}

static int open_last(int dir, const char *name, struct stat *st, int *why)
{
	struct stat before;
	int fd;

	/* Looked at before it is opened: to open some devices is to do something. */
	if (fstatat(dir, name, &before, AT_SYMLINK_NOFOLLOW) != 0) {
		*why = errno;
		return -1;
	}
	*why = S_ISLNK(before.st_mode) ? ELOOP : EINVAL;
	if (!S_ISREG(before.st_mode) && !S_ISBLK(before.st_mode))
		return -1;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, st) != 0) {
		*why = errno;
	} else if (st->st_dev == before.st_dev && st->st_ino == before.st_ino) {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_folder(int dir, const char *name, int *why)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);

	if (fd >= 0)
		return fd;
	*why = errno;
	/* Systems differ in what they say of a link. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		*why = ELOOP;
	return -1;
}

int beneath_walk(int root, const char *rel, struct stat *st, int *why)
{
	char name[NAME_MAX + 1];
	int dir = dup(root), fd;

	*why = dir < 0 ? errno : ENAMETOOLONG;
	while (dir >= 0 && next_name(&rel, name, sizeof(name))) {
		bool last = rel[strspn(rel, "/")] == '\0';

		*why = EXDEV;
		if (strcmp(name, "..") == 0)
			break;
		fd = last ? open_last(dir, name, st, why) : open_folder(dir, name, why);
		close(dir);
		if (fd < 0 || last)
			return fd;
		dir = fd;
		*why = ENAMETOOLONG;
	}
	if (dir >= 0)
		close(dir);
	return -1;
}
