/* QEMU's image locks (block/file-posix.c, raw_apply_lock_bytes and raw_check_lock_bytes):
 * fcntl(2), F_OFD_SETLK.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/lock.h"

#include "analyze/users.h"
#include "base/arena.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

/* ---- words ---- */

/* "by qemu-nbd, process 1234", or nothing. */
static const char *by_whom(const struct file_user *u, struct arena *a)
{
	return u->pid ? arena_printf(a, " by %s, process %ld", u->name, u->pid) : "";
}

/* ---- locks ---- */

static int set_lock(int fd, short type, off_t off, off_t len)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = off, .l_len = len
	};

	return fcntl(fd, F_OFD_SETLK, &l);
}

/* We use consistent read, write and resize, and share nothing: not even with a reader that
 * asks for no more than consistent read (QEMU's -U). Not 102: we do use write. */
static int take_locks(int fd)
{
	static const off_t bytes[] = { 100, 101, 103, 200, 201, 202, 203 };

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		if (set_lock(fd, F_RDLCK, bytes[i], 1) != 0)
			return -1;
	}
	return 0;
}

static void drop_locks(int fd)
{
	set_lock(fd, F_UNLCK, QEMU_LOCK_USED, QEMU_LOCK_PERMS);
	set_lock(fd, F_UNLCK, QEMU_LOCK_UNSHARED, QEMU_LOCK_PERMS);
}

static const char *perms_of(unsigned mask, struct arena *a)
{
	static const char *const names[QEMU_LOCK_PERMS] = { "consistent read", "write",
							    "write unchanged", "resize",
							    "graph modification" };
	const char *list = "";

	for (int i = 0; i < QEMU_LOCK_PERMS; i++) {
		if (mask & 1u << i)
			list = arena_printf(a, "%s%s%s", list, *list ? ", " : "",
					    names[i]);
	}
	return list;
}

static int refuse_holder(const struct source *src, const struct lock_state *s,
			 struct arena *a, struct err *e)
{
	const struct file_user u = file_user(&src->st, USER_LOCKS);
	/* One that merely has it open is not named as the one who holds the lock. */
	const char *who = u.locks ? by_whom(&u, a) : "";

	if (s->whole_file)
		return err_set(e, ERR_BUSY, "is in use%s: locked as a whole", who);
	if (lock_has_writer(s))
		return err_set(e, ERR_BUSY, "is in use for writing%s: QEMU's lock on %s",
			       who, perms_of(s->used, a));
	if (s->used)
		return err_set(e, ERR_BUSY, "is in use for reading%s: QEMU's lock on %s",
			       who, perms_of(s->used, a));
	if (s->unshared)
		return err_set(e, ERR_BUSY, "is in use%s: QEMU's lock against %s", who,
			       perms_of(s->unshared, a));
	if (s->whole_shared)
		return err_set(e, ERR_BUSY,
			       "is in use for reading%s: locked as a whole, shared", who);
	return err_set(e, ERR_BUSY, "is in use%s: locked by libvirt (byte 0 or 1)", who);
}

static int check_mount(const struct source *src, const struct host *now, struct arena *a,
		       struct err *e)
{
	char *path = realpath(src->path, NULL);
	const struct mount *m = path ? host_mount_of(now, str_of(path)) : NULL;

	free(path);
	if (!m || !mount_locks_are_local(m))
		return 0;
	return err_set(
		e, ERR_REFUSED,
		"is on '%s', where locks are not seen by other hosts (%s, mounted with "
		"%s): a VM on one of them would not be noticed",
		str_shown(a, str_of(m->dir)), m->fstype,
		mount_has_option(m, "nobrl")    ? "nobrl"
		: mount_has_option(m, "nolock") ? "nolock"
						: "local_lock");
}

/* errno of a question or a lock that failed. */
static int refuse_lockless(int sys, struct err *e)
{
	err_sys(e, sys,
		"cannot be locked here, so a VM that uses it would not be noticed");
	e->code = ERR_REFUSED;
	return -1;
}

static int take_and_test(const struct source *src, bool force, struct arena *a,
			 struct err *e)
{
	int taken = take_locks(src->fd) == 0 ? 0 : errno;
	struct lock_state s;

	if (taken != 0 && taken != EAGAIN && taken != EACCES)
		return force ? 0 : refuse_lockless(taken, e);
	/* Our own locks are not in this answer: they are on the descriptor that asks. */
	s = host_locks(src->fd);
	if (s.known && lock_forbids_writing(&s))
		return refuse_holder(src, &s, a, e);
	if (taken != 0)
		return err_set(e, ERR_BUSY, "was locked by somebody else just now");
	return s.known || force ? 0 : refuse_lockless(s.sys, e);
}

/* ---- users that do not lock ---- */

static int refuse_loop(const struct loop_device *l, const struct host *now,
		       struct arena *a, struct err *e)
{
	const struct mount *m = host_mount_of_device(now, l->name);

	if (m)
		return err_set(e, ERR_BUSY,
			       "is in use by loop device %s, mounted at '%s'", l->name,
			       str_shown(a, str_of(m->dir)));
	return err_set(e, ERR_BUSY, "is in use by loop device %s", l->name);
}

/* The path and the size may have changed between open() and the lock. */
static int check_unchanged(const struct source *src, struct err *e)
{
	struct stat st, named;

	if (fstat(src->fd, &st) != 0 || stat(src->path, &named) != 0)
		return err_sys(e, errno, "cannot stat it");
	if (named.st_dev != st.st_dev || named.st_ino != st.st_ino)
		return err_set(e, ERR_BUSY, "was replaced by another file just now");
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size != src->size)
		return err_set(
			e, ERR_BUSY, "changed its size just now, from %llu to %llu bytes",
			(unsigned long long)src->size, (unsigned long long)st.st_size);
	return 0;
}

/* VirtualBox, Incus and dd take no locks. */
static int check_writers(const struct source *src, struct arena *a, struct err *e)
{
	const struct file_user u = file_user(&src->st, USER_WRITES);

	if (!u.writes)
		return 0;
	return err_set(e, ERR_BUSY,
		       "is open for writing%s, without the locks that QEMU takes",
		       by_whom(&u, a));
}

static int lock(const struct source *src, bool force, struct arena *a, struct err *e)
{
	const struct loop_device *loop;
	struct host now;

	if (host_read(&now, a, NULL, e) != 0)
		return -1;
	loop = host_loop_of(&now, &src->st);
	if (loop)
		return refuse_loop(loop, &now, a, e);
	if (!force && check_mount(src, &now, a, e) != 0)
		return -1;
	if (take_and_test(src, force, a, e) != 0 || check_writers(src, a, e) != 0)
		return -1;
	return check_unchanged(src, e);
}

int lock_image(const struct source *src, bool force, struct err *e)
{
	struct arena a;
	int rc;

	BUG_ON(src->fd < 0);
	arena_init(&a, ARENA_BUDGET);
	rc = lock(src, force, &a, e);
	arena_free(&a);
	if (rc != 0)
		drop_locks(src->fd);
	return rc;
}

int lock_journal(int fd, struct err *e)
{
	if (set_lock(fd, F_WRLCK, 0, 0) != 0 && (errno == EAGAIN || errno == EACCES))
		return err_set(e, ERR_BUSY, "is in use by another vmend");
	return 0;
}
