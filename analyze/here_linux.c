/* What a file's place is like for VMs of this machine: open(2), O_DIRECT; path_resolution(7).
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/banned.h"

enum { PATH_BYTES = 4096, GROUPS_MAX = 256 };

bool host_find_user(struct vm_user *u, const char *name, struct arena *a)
{
	const struct passwd *p = getpwnam(name);
	gid_t *groups = arena_array(a, GROUPS_MAX, gid_t);
	int n = GROUPS_MAX;

	if (!p || getgrouplist(name, p->pw_gid, groups, &n) < 0)
		return false;
	*u = (struct vm_user){
		.name = name, .uid = p->pw_uid, .groups = groups, .ngroups = (size_t)n
	};
	return true;
}

/* Asked of the file itself: no table knows all file systems and versions. */
static bool refuses_direct(const char *link)
{
	int fd = open(link, O_RDONLY | O_DIRECT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return error == EINVAL;
}

static bool in_group(const struct vm_user *u, gid_t g)
{
	for (size_t i = 0; i < u->ngroups; i++) {
		if (u->groups[i] == g)
			return true;
	}
	return false;
}

enum entry { MAY_ENTER, MAY_NOT, NOT_KNOWN };

/* With an ACL nobody knows without reading it. */
static enum entry may_enter(const char *dir, const struct vm_user *u)
{
	struct stat st;
	mode_t bit;

	if (u->uid == 0)
		return MAY_ENTER;
	if (stat(dir, &st) != 0)
		return NOT_KNOWN;
	bit = u->uid == st.st_uid ? S_IXUSR : in_group(u, st.st_gid) ? S_IXGRP : S_IXOTH;
	if (st.st_mode & bit)
		return MAY_ENTER;
	return getxattr(dir, "system.posix_acl_access", NULL, 0) > 0 ? NOT_KNOWN
								     : MAY_NOT;
}

/* The outermost folder above path that the user may not enter; NULL: none, or not known. */
static const char *barred_by(const char *path, const struct vm_user *u, struct arena *a)
{
	for (size_t i = 0; path[i]; i++) {
		const char *dir;

		if (path[i] != '/')
			continue;
		dir = arena_str(a, (struct str){ path, i ? i : 1 });
		switch (may_enter(dir, u)) {
		case MAY_NOT:
			return dir;
		case NOT_KNOWN:
			return NULL;
		case MAY_ENTER:
			break;
		}
	}
	return NULL;
}

void here_look(const struct source *s, const struct host *host, struct arena *a,
	       struct medium_place *out)
{
	const struct mount *m;
	struct statvfs fs;
	char link[64], path[PATH_BYTES];
	ssize_t n;

	if (!S_ISREG(s->st.st_mode) || fstatvfs(s->fd, &fs) != 0)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", s->fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || path[0] != '/')
		return;
	path[n] = '\0';
	out->known = true;
	out->stored = source_stored(s);
	out->free = (uint64_t)fs.f_bavail * fs.f_frsize;
	out->refuses_direct = refuses_direct(link);
	m = host_mount_of(host, str_of(path));
	out->fstype = m ? m->fstype : NULL;
	if (!host->user)
		return;
	out->user = host->user->name;
	out->barred = barred_by(path, host->user, a);
}
