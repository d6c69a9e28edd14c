/* Mounts as Linux lists them (proc(5), /proc/pid/mountinfo), and what image locks mean.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/host.h"

#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { MOUNTINFO_MAX = 16 << 20 }; /* 100 000 mounts; a file named by mistake is larger */

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Blanks, line ends and backslashes stand in a field as \ and three octal digits. */
static char *unescape(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && s.n - i >= 4 && is_octal(s.p[i + 1]) &&
		    is_octal(s.p[i + 2]) && is_octal(s.p[i + 3])) {
			out[n++] = (char)((s.p[i + 1] - '0') << 6 |
					  (s.p[i + 2] - '0') << 3 | (s.p[i + 3] - '0'));
			i += 3;
		} else {
			out[n++] = s.p[i];
		}
	}
	out[n] = '\0';
	return out;
}

/* Cuts the part before the first sep off *rest. Empty parts count: a mount's source may
 * be the empty string. */
static struct str next_part(struct str *rest, char sep)
{
	const char *end = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct str part = { rest->p, end ? (size_t)(end - rest->p) : rest->n };

	rest->p += part.n + (end ? 1 : 0);
	rest->n -= part.n + (end ? 1 : 0);
	return part;
}

static bool next_number(struct str *rest, char sep, unsigned *out)
{
	uint64_t v;

	if (!str_u64(next_part(rest, sep), &v) || v > UINT32_MAX)
		return false;
	*out = (unsigned)v;
	return true;
}

/* "36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue" */
static bool parse_mount(struct str line, struct arena *a, struct mount *m)
{
	struct str dir, opts, type, source;

	if (!next_number(&line, ' ', &m->id) || !next_number(&line, ' ', &m->parent) ||
	    !next_number(&line, ':', &m->major) || !next_number(&line, ' ', &m->minor))
		return false;
	next_part(&line, ' '); /* which folder of the file system it is */
	dir = next_part(&line, ' ');
	opts = next_part(&line, ' ');
	while (line.n && !str_is(next_part(&line, ' '), "-"))
		; /* optional fields, any number */
	type = next_part(&line, ' ');
	source = next_part(&line, ' ');
	if (dir.n == 0 || dir.p[0] != '/' || type.n == 0)
		return false;
	m->dir = unescape(a, dir);
	m->fstype = unescape(a, type);
	m->source = unescape(a, source);
	m->options = unescape(a, opts);
	if (line.n)
		m->options = arena_printf(a, "%s,%s", m->options, unescape(a, line));
	return true;
}

static int parse_mounts(struct host *h, struct arena *a, struct str text, bool strict,
			struct err *e)
{
	VEC(struct mount) mounts = { 0 };

	for (size_t line_no = 1; text.n; line_no++) {
		struct str line = next_part(&text, '\n');
		struct mount m = { 0 };

		if (line.n == 0)
			continue;
		if (parse_mount(line, a, &m))
			*vec_add(&mounts, a) = m;
		else if (strict)
			return err_set(e, ERR_PARSE,
				       "line %zu is not a line of a mountinfo file",
				       line_no);
	}
	h->mounts = mounts.v;
	h->nmounts = mounts.n;
	h->mounts_known = true;
	return 0;
}

/* Files in /proc have no size: read until the end. */
static int read_all(int fd, struct buf *b, struct err *e)
{
	char chunk[8192];

	for (;;) {
		ssize_t r = read(fd, chunk, sizeof(chunk));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, errno, "cannot read it");
		if (r == 0)
			return 0;
		if (b->n + (size_t)r > MOUNTINFO_MAX)
			return err_set(e, ERR_LIMIT,
				       "is larger than %d bytes, too large for "
				       "a mountinfo file",
				       MOUNTINFO_MAX);
		buf_add_bytes(b, chunk, (size_t)r);
	}
}

static int read_mounts(struct host *h, struct arena *a, const char *path, bool strict,
		       struct err *e)
{
	struct buf text = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	if (fd < 0)
		return err_sys(e, errno, "cannot open it");
	rc = read_all(fd, &text, e);
	close(fd);
	if (rc == 0)
		rc = parse_mounts(h, a, (struct str){ text.p, text.n }, strict, e);
	buf_free(&text);
	return rc;
}

int host_read(struct host *h, struct arena *a, const char *mountinfo, struct err *e)
{
	struct err ignored;

	*h = (struct host){ 0 };
	if (mountinfo)
		return read_mounts(h, a, mountinfo, true, e);
	/* Where there is no such file, mounts stay unknown. */
	(void)read_mounts(h, a, "/proc/self/mountinfo", false, &ignored);
	host_find_loops(h, a);
	return 0;
}

/* Is dir the path itself or a folder above it? */
static bool is_above(const char *dir, struct str path)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	return path.n >= n && memcmp(path.p, dir, n) == 0 &&
	       (path.n == n || path.p[n] == '/');
}

/* Somebody mounted over a folder above m later on. Then both are mounted on the same one,
 * and the shorter is met first on the way down. */
static bool is_hidden(const struct host *h, const struct mount *m)
{
	bool parent_listed = false, covered = false;

	for (size_t i = 0; i < h->nmounts; i++) {
		const struct mount *o = &h->mounts[i];

		if (o->id == m->parent)
			parent_listed = true;
		else if (o->id != m->id && o->parent == m->parent &&
			 strlen(o->dir) < strlen(m->dir) &&
			 is_above(o->dir, str_of(m->dir)))
			covered = true;
	}
	return parent_listed && covered;
}

/* Without doubled slashes and "." parts. False for a relative path, and with ".." parts:
 * where those lead depends on symlinks. */
static bool normalise(struct str path, struct buf *out)
{
	if (path.n == 0 || path.p[0] != '/')
		return false;
	while (path.n) {
		struct str part = next_part(&path, '/');

		if (str_is(part, ".."))
			return false;
		if (part.n == 0 || str_is(part, "."))
			continue;
		buf_char(out, '/');
		buf_add(out, part);
	}
	if (out->n == 0)
		buf_char(out, '/');
	return true;
}

const struct mount *host_mount_of(const struct host *h, struct str path)
{
	const struct mount *best = NULL;
	struct buf clean = { 0 };

	if (h->mounts_known && normalise(path, &clean)) {
		for (size_t i = 0; i < h->nmounts; i++) {
			const struct mount *m = &h->mounts[i];

			if (is_above(m->dir, (struct str){ clean.p, clean.n }) &&
			    (!best || strlen(m->dir) >= strlen(best->dir)) &&
			    !is_hidden(h, m))
				best = m;
		}
	}
	buf_free(&clean);
	return best;
}

struct version host_version(const struct host *h, const char *program)
{
	struct version v = { 0 };

	for (size_t i = 0; i < h->ntargets; i++) {
		if (strcmp(h->targets[i].name, program) == 0)
			v = h->targets[i].version;
	}
	return v;
}

bool mount_has_option(const struct mount *m, const char *option)
{
	struct str rest = str_of(m->options);

	while (rest.n) {
		struct str part = next_part(&rest, ',');
		struct str whole = part;

		if (str_is(whole, option) || str_is(next_part(&part, '='), option))
			return true;
	}
	return false;
}

bool mount_locks_are_local(const struct mount *m)
{
	struct str type = str_of(m->fstype);

	if (str_starts(type, "nfs"))
		return mount_has_option(m, "nolock") ||
		       mount_has_option(m, "local_lock=all") ||
		       mount_has_option(m, "local_lock=posix");
	return (str_is(type, "cifs") || str_is(type, "smb3")) &&
	       mount_has_option(m, "nobrl");
}

/* Permissions 1 to 3, and 104 of QEMU up to 6.1, change the image or its size. */
bool lock_has_writer(const struct lock_state *l)
{
	return (l->used & ~1u) != 0 || l->whole_file;
}

bool lock_forbids_writing(const struct lock_state *l)
{
	return l->used || l->unshared || l->whole_file || l->whole_shared || l->virtlockd;
}

const struct loop_device *host_loop_of(const struct host *h, const struct stat *st)
{
	for (size_t i = 0; i < h->nloops; i++) {
		const struct loop_device *l = &h->loops[i];

		if (l->known && l->dev == st->st_dev && l->ino == st->st_ino)
			return l;
	}
	return NULL;
}

/* "sda" has sda1, "loop0" has loop0p1. */
static bool is_device_or_part(const char *s, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || strncmp(s, name, n) != 0)
		return false;
	s += n;
	if (*s && name[n - 1] >= '0' && name[n - 1] <= '9' && *s++ != 'p')
		return false;
	return s[strspn(s, "0123456789")] == '\0';
}

const struct mount *host_mount_of_device(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->nmounts; i++) {
		const char *s = h->mounts[i].source;

		if (strncmp(s, "/dev/", 5) == 0 && is_device_or_part(s + 5, name))
			return &h->mounts[i];
	}
	return NULL;
}
