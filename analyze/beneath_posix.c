/* Without a kernel that stays below a folder when it is told to.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

int beneath_open(const char *root, const char *rel, struct stat *st, int *why)
{
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0) {
		*why = errno;
		return -1;
	}
	fd = beneath_walk(dir, rel, st, why);
	close(dir);
	return fd;
}

int beneath_look(const char *root, const char *rel, struct stat *st, int *why)
{
	int fd = beneath_open(root, rel, st, why);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}
