/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/map_file.h"
#include "cli/commands.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { LOOK = 1024 }; /* the root element begins in there, behind an XML declaration */

static bool begins_like_svg(int fd, bool *svg)
{
	char head[LOOK];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n < 0)
		return false;
	*svg = n == 0 || str_has((struct str){ head, (size_t)n }, "<svg");
	return true;
}

int map_file_check(const char *path, struct err *e)
{
	struct stat st;
	bool svg = false;
	int fd;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		err_sys(e, errno, "--svg: cannot look at the file");
		e->code = ERR_USAGE;
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "--svg: there is something that is no file");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || !begins_like_svg(fd, &svg)) {
		err_sys(e, errno, "--svg: cannot read what is there");
		e->code = ERR_USAGE;
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	if (!svg)
		return err_set(
			e, ERR_USAGE,
			"--svg: there is a file that is not an SVG document; it is "
			"not replaced");
	return 0;
}

static int fill(int fd, struct str svg, struct err *e)
{
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(fd, 0666 & ~mask) != 0 || write_all(fd, svg.p, svg.n) != 0 ||
	    fsync(fd) != 0)
		return err_sys(e, errno, "--svg: cannot write the picture");
	return 0;
}

int map_file_write(const char *path, struct str svg, struct err *e)
{
	struct buf temp = { 0 };
	sigset_t before;
	int fd, rc;

	buf_printf(&temp, "%s.XXXXXX", path);
	/* The temporary file does not stay behind. */
	signals_hold(&before);
	fd = mkstemp(temp.p);
	if (fd < 0) {
		rc = err_sys(e, errno, "--svg: cannot make a file beside it");
	} else {
		rc = fill(fd, svg, e);
		if (close(fd) != 0 && rc == 0)
			rc = err_sys(e, errno, "--svg: cannot write the picture");
		if (rc == 0 && rename(temp.p, path) != 0)
			rc = err_sys(e, errno, "--svg: cannot put the picture in place");
		if (rc != 0)
			unlink(temp.p);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	buf_free(&temp);
	return rc;
}
