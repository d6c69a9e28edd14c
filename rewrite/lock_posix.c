/* A system without open file description locks: an image cannot be locked as QEMU does,
 * and it is said. POSIX.1-2008, fcntl().
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

int lock_image(const struct source *src, bool force, struct err *e)
{
	(void)src;
	if (force)
		return 0;
	return err_set(
		e, ERR_REFUSED,
		"this build cannot take the locks that QEMU takes, so a VM that uses "
		"the image would not be noticed");
}

int lock_journal(int fd, struct err *e)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &l) != 0 && (errno == EAGAIN || errno == EACCES))
		return err_set(e, ERR_BUSY, "is in use by another vmend");
	return 0;
}
