/* What only Linux tells: loop devices (loop(4)) and open file description locks
 * (fcntl(2)). SPDX-License-Identifier: Apache-2.0 */
#include "analyze/host.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/banned.h"

/* ---- loop devices ---- */

/* What the kernel holds, whatever stands at the path today. Needs the right to open the
 * device; opening it changes nothing. */
static bool ask_device(struct loop_device *l, struct arena *a)
{
	const char *dev = arena_printf(a, "/dev/%s", l->name);
	int fd = open(dev, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct loop_info64 info;
	bool ok;

	if (fd < 0)
		return false;
	ok = ioctl(fd, LOOP_GET_STATUS64, &info) == 0;
	close(fd);
	if (ok) {
		l->dev = (dev_t)info.lo_device;
		l->ino = (ino_t)info.lo_inode;
	}
	return ok;
}

static bool ask_path(struct loop_device *l)
{
	struct stat st;

	if (stat(l->path, &st) != 0)
		return false;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return true;
}

/* False: the device has no file behind it now. */
static bool read_loop(struct loop_device *l, const char *name, struct arena *a)
{
	const char *attr = arena_printf(a, "/sys/block/%s/loop/backing_file", name);
	int fd = open(attr, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0)
		return false;
	if (text[n - 1] == '\n')
		n--;
	l->name = arena_str(a, str_of(name));
	l->path = arena_str(a, (struct str){ text, (size_t)n });
	l->known = ask_device(l, a) || ask_path(l);
	return true;
}

void host_find_loops(struct host *h, struct arena *a)
{
	VEC(struct loop_device) loops = { 0 };
	const struct dirent *d;
	DIR *dir = opendir("/sys/block");

	if (!dir)
		return;
	while ((d = readdir(dir))) {
		struct loop_device l = { 0 };

		if (str_starts(str_of(d->d_name), "loop") && read_loop(&l, d->d_name, a))
			*vec_add(&loops, a) = l;
	}
	closedir(dir);
	h->loops = loops.v;
	h->nloops = loops.n;
}

/* ---- locks ---- */

/* The lock of somebody else that one of type would meet in [off, off + len); len 0 is to
 * the end. l_type of the answer is F_UNLCK when there is none. */
static bool ask_lock(int fd, short type, off_t off, off_t len, struct flock *answer)
{
	*answer = (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = off, .l_len = len
	};
	return fcntl(fd, F_OFD_GETLK, answer) == 0;
}

/* Adjacent locks of one owner are reported as one, so QEMU's are those that lie within
 * its five bytes. Anything wider is of somebody who locks files as a whole. */
static bool is_qemus(const struct flock *l, off_t base)
{
	return l->l_type == F_RDLCK && l->l_start >= base && l->l_len > 0 &&
	       l->l_start + l->l_len <= base + QEMU_LOCK_PERMS;
}

static bool ask_bytes(int fd, off_t base, struct lock_state *s, unsigned *mask)
{
	for (int i = 0; i < QEMU_LOCK_PERMS; i++) {
		struct flock l;

		if (!ask_lock(fd, F_WRLCK, base + i, 1, &l))
			return false;
		if (l.l_type == F_UNLCK)
			continue;
		if (is_qemus(&l, base))
			*mask |= 1u << i;
		else if (l.l_type == F_WRLCK)
			s->whole_file = true;
		else
			s->whole_shared = true;
	}
	return true;
}

struct lock_state host_locks(int fd)
{
	const off_t past_qemu = QEMU_LOCK_UNSHARED + QEMU_LOCK_PERMS;
	struct lock_state s = { 0 };
	struct flock l;

	if (!ask_bytes(fd, QEMU_LOCK_USED, &s, &s.used) ||
	    !ask_bytes(fd, QEMU_LOCK_UNSHARED, &s, &s.unshared) ||
	    !ask_lock(fd, F_WRLCK, past_qemu, 0, &l))
		return (struct lock_state){ .sys = errno };
	if (l.l_type == F_RDLCK)
		s.whole_shared = true;
	/* A reader may hide a writer from the question above. */
	if (!ask_lock(fd, F_RDLCK, past_qemu, 0, &l))
		return (struct lock_state){ .sys = errno };
	if (l.l_type != F_UNLCK)
		s.whole_file = true;
	/* Byte 1 is libvirt's too, while it prepares a disk for a VM. */
	if (!ask_lock(fd, F_WRLCK, 0, 2, &l))
		return (struct lock_state){ .sys = errno };
	s.virtlockd = l.l_type != F_UNLCK && l.l_len > 0 &&
		      l.l_start + l.l_len <= QEMU_LOCK_USED;
	s.known = true;
	return s;
}
