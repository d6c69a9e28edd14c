/* proc(5), /proc/pid/fdinfo.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/users.h"

#include "base/arena.h"
#include "base/str.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

/* "flags:\t0100002" and "lock:\t1: OFDLCK ADVISORY READ -1 fe:00:12 100 101", or POSIX for
 * OFDLCK. FLOCK is of flock(2), which QEMU does not use. */
static void parse_fdinfo(struct str text, uint64_t *ino, bool *writes, bool *locks)
{
	*ino = 0;
	*writes = *locks = false;
	while (text.n) {
		const char *nl = memchr(text.p, '\n', text.n);
		struct str line = { text.p, nl ? (size_t)(nl - text.p) : text.n };
		uint64_t v;

		text.p += line.n + (nl ? 1 : 0);
		text.n -= line.n + (nl ? 1 : 0);
		if (str_starts(line, "lock:"))
			*locks |= !memmem(line.p, line.n, "FLOCK", 5);
		else if (str_starts(line, "flags:") && line.n > 6)
			/* octal: its last digit has the access mode */
			*writes = ((line.p[line.n - 1] - '0') & O_ACCMODE) != O_RDONLY;
		else if (str_starts(line, "ino:") &&
			 str_u64(str_trim((struct str){ line.p + 4, line.n - 4 }), &v))
			*ino = v;
	}
}

static bool read_small(int dir, const char *name, char *buf, size_t size, struct str *out)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, size);
	close(fd);
	if (n < 0)
		return false;
	*out = (struct str){ buf, (size_t)n };
	return true;
}

/* Is descriptor `name` of the process this file? The number of the inode is asked first:
 * fstatat() may hang on a file of a server that is gone. */
static bool is_this_file(int proc, const char *name, uint64_t ino, const struct stat *st)
{
	struct stat other;
	char link[3 + 256]; /* a dirent's name has at most 255 bytes */

	if (ino != 0 && ino != st->st_ino)
		return false;
	snprintf(link, sizeof(link), "fd/%s", name);
	return fstatat(proc, link, &other, 0) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

static bool is_number(const char *s)
{
	return isdigit((unsigned char)s[0]) && strlen(s) < 12;
}

/* Does the process have the file open, and how? */
static bool look_at_process(int proc, const struct stat *st, struct file_user *u)
{
	int dir = openat(proc, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	const struct dirent *de;
	bool has = false;

	if (!d) {
		if (dir >= 0)
			close(dir);
		return false;
	}
	while ((de = readdir(d))) {
		char buf[2048];
		struct str text;
		uint64_t ino;
		bool writes, locks;

		if (!is_number(de->d_name) ||
		    !read_small(dirfd(d), de->d_name, buf, sizeof(buf), &text))
			continue;
		parse_fdinfo(text, &ino, &writes, &locks);
		if (!is_this_file(proc, de->d_name, ino, st))
			continue;
		has = true;
		u->writes |= writes;
		u->locks |= locks;
	}
	closedir(d);
	return has;
}

static void name_process(int proc, struct file_user *u)
{
	char buf[32];
	struct str name;
	struct arena a;

	arena_init(&a, ARENA_BUDGET);
	if (!read_small(proc, "comm", buf, sizeof(buf) - 1, &name))
		name = STR("?");
	snprintf(u->name, sizeof(u->name), "%s", str_shown(&a, str_trim(name)));
	arena_free(&a);
}

static int weight(const struct file_user *u, enum user_kind first)
{
	if (!u->pid)
		return -1;
	return first == USER_LOCKS ? 2 * u->locks + u->writes : 2 * u->writes + u->locks;
}

struct file_user file_user(const struct stat *st, enum user_kind first)
{
	DIR *d = opendir("/proc");
	struct file_user best = { 0 };
	const struct dirent *de;

	while (d && (de = readdir(d))) {
		struct file_user u = { 0 };
		int proc;

		if (!is_number(de->d_name))
			continue;
		u.pid = strtol(de->d_name, NULL, 10);
		if (u.pid == (long)getpid())
			continue;
		proc = openat(dirfd(d), de->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (proc < 0)
			continue;
		if (look_at_process(proc, st, &u) &&
		    weight(&u, first) > weight(&best, first)) {
			name_process(proc, &u);
			best = u;
		}
		close(proc);
	}
	if (d)
		closedir(d);
	return best;
}
