/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/source.h"
#include "analyze/image/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a FIFO";
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISCHR(mode))
		return "a character device";
	return "of an unknown kind";
}

static int find_size(struct source *s, struct err *e)
{
	off_t end;

	if (S_ISREG(s->st.st_mode)) {
		s->size = (uint64_t)s->st.st_size;
		return 0;
	}
	if (!S_ISBLK(s->st.st_mode))
		return err_set(e, ERR_UNSUPPORTED, "is %s, not a file",
			       kind_of(s->st.st_mode));
	end = lseek(s->fd, 0, SEEK_END);
	if (end < 0)
		return err_sys(e, errno, "cannot find the size of the device");
	s->size = (uint64_t)end;
	return 0;
}

int source_open(struct source *s, const char *path, enum source_mode mode, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO without a writer must not hang. It has no effect on
	 * regular files and block devices. */
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	*s = (struct source){ .path = path, .fd = -1 };
	flags |= mode == SOURCE_WRITE ? O_RDWR : O_RDONLY;
	if (mode == SOURCE_WRITE && stat(path, &s->st) == 0 && S_ISBLK(s->st.st_mode))
		flags |= O_EXCL; /* the kernel's own "is it mounted" */
	s->fd = open(path, flags);
	if (s->fd < 0)
		return err_sys(e, errno, "cannot open it%s",
			       mode == SOURCE_WRITE ? " for writing" : "");
	if (source_stat(s, e) != 0) {
		source_close(s);
		return -1;
	}
	return 0;
}

int source_stat(struct source *s, struct err *e)
{
	if (fstat(s->fd, &s->st) != 0)
		return err_sys(e, errno, "cannot stat it");
	return find_size(s, e);
}

struct source source_of_bytes(const char *path, struct view bytes)
{
	return (struct source){ .path = path, .fd = -1, .mem = bytes, .size = bytes.n };
}

struct source source_overlay(const struct source *base, const struct patch *patch)
{
	struct source s = *base;

	BUG_ON(base->patch != NULL);
	s.patch = patch;
	s.size = patch->size;
	return s;
}

void source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static uint64_t next_below(const struct source *s, uint64_t off)
{
	if (s->guest) {
		uint64_t data = guest_next_data(s->guest, off);

		return data < s->guest->size ? data : u64_max(off, s->size);
	}
	if (s->fd < 0)
		return off;
#ifdef SEEK_DATA
	off_t data = lseek(s->fd, (off_t)off, SEEK_DATA);

	if (data >= 0)
		return u64_max(off, (uint64_t)data);
	if (errno == ENXIO)
		return u64_max(off, s->size);
#endif
	return off;
}

uint64_t source_next_data(const struct source *s, uint64_t off)
{
	uint64_t next = off <= INT64_MAX ? next_below(s, off) : off;

	for (size_t i = 0; s->patch && i < s->patch->n; i++) {
		const struct patch_run *r = &s->patch->v[i];

		if (r->off + r->bytes.n > off)
			next = u64_min(next, u64_max(off, r->off));
	}
	return next;
}

uint64_t source_data_end(const struct source *s)
{
	/* There is data before from, if that is not 0, and none from to on. */
	uint64_t from = 0, to = s->size;

	if (to == 0 || source_next_data(s, to - 1) < to)
		return to;
	while (from < to) {
		uint64_t mid = from + (to - from) / 2;
		uint64_t data = source_next_data(s, mid);

		if (data < to)
			from = data + 1;
		else
			to = mid;
	}
	return to;
}

uint64_t source_stored(const struct source *s)
{
	uint64_t bytes;

	if (s->guest)
		return 0;
	if (s->fd < 0)
		return s->mem.n;
	if (!S_ISREG(s->st.st_mode))
		return s->size;
	/* In units of 512 wherever vmend is known to run. */
	if (s->st.st_blocks < 0 || !u64_mul((uint64_t)s->st.st_blocks, 512, &bytes))
		return 0;
	return u64_min(bytes, s->size);
}

/* What the file itself holds; zeros past its end, where only an overlay can ask. */
static int read_below(const struct source *s, uint64_t off, uint8_t *buf, size_t n,
		      struct err *e)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(s->fd, buf + done, n - done, (off_t)(off + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_sys(e, errno, "cannot read %zu bytes at %llu", n,
				       (unsigned long long)off);
		if (r == 0)
			break;
		done += (size_t)r;
	}
	if (done < n && !s->patch)
		return err_set(
			e, ERR_SHORT,
			"ends at byte %llu, %llu were expected: it changed while it "
			"was read",
			(unsigned long long)(off + done), (unsigned long long)s->size);
	memset(buf + done, 0, n - done);
	return 0;
}

static void lay_over(const struct patch *p, uint64_t off, uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct patch_run *r = &p->v[i];
		uint64_t from = u64_max(off, r->off);
		uint64_t to = u64_min(off + n, r->off + r->bytes.n);

		if (from < to)
			memcpy(buf + (from - off), r->bytes.p + (from - r->off),
			       (size_t)(to - from));
	}
}

/* The same for bytes in memory: an overlay may be longer than they are. */
static void copy_below(const struct source *s, uint64_t off, uint8_t *buf, size_t n)
{
	size_t have = off < s->mem.n ? (size_t)u64_min(n, s->mem.n - off) : 0;

	if (have)
		memcpy(buf, s->mem.p + off, have);
	memset(buf + have, 0, n - have);
}

/* And in a container. */
static int guest_below(const struct source *s, uint64_t off, uint8_t *buf, size_t n,
		       struct err *e)
{
	uint64_t size = s->guest->size;
	size_t have = off < size ? (size_t)u64_min(n, size - off) : 0;

	memset(buf + have, 0, n - have);
	return have ? guest_read(s->guest, off, buf, have, e) : 0;
}

/* Where the file holds what the patched input has at off; *n is cut to what lies there in
 * one piece. */
static uint64_t place_below(const struct source *s, uint64_t off, size_t *n)
{
	for (size_t i = 0; s->patch && i < s->patch->nmoves; i++) {
		const struct patch_move *m = &s->patch->moves[i];

		if (off < m->to) {
			*n = (size_t)u64_min(*n, m->to - off);
			break;
		}
		if (off - m->to < m->len) {
			*n = (size_t)u64_min(*n, m->to + m->len - off);
			return m->from + (off - m->to);
		}
	}
	return off;
}

int source_read(const struct source *s, uint64_t off, void *buf, size_t n, struct err *e)
{
	uint8_t *p = buf;
	if (!range_within(off, n, s->size))
		return err_set(e, ERR_SHORT, "has %llu bytes, %zu at %llu were asked for",
			       (unsigned long long)s->size, n, (unsigned long long)off);
	for (size_t done = 0, k; done < n; done += k) {
		uint64_t at;

		k = n - done;
		at = place_below(s, off + done, &k);
		if (s->guest) {
			if (guest_below(s, at, p + done, k, e) != 0)
				return -1;
		} else if (s->fd < 0) {
			copy_below(s, at, p + done, k);
		} else if (read_below(s, at, p + done, k, e) != 0) {
			return -1;
		}
	}
	if (s->patch)
		lay_over(s->patch, off, buf, n);
	return 0;
}

int source_view(const struct source *s, struct arena *a, uint64_t off, uint64_t n,
		struct view *out, struct err *e)
{
	uint8_t *p;

	if (s->fd < 0 && !s->guest && !s->patch && range_within(off, n, s->size)) {
		*out = view_cut(s->mem, (size_t)off, (size_t)n);
		return 0;
	}
	p = arena_try(a, n, 1);
	if (!p)
		return err_set(e, ERR_LIMIT,
			       "needs %llu bytes of memory, more than is allowed",
			       (unsigned long long)n);
	if (source_read(s, off, p, (size_t)n, e) != 0)
		return -1;
	*out = (struct view){ .p = p, .n = (size_t)n };
	return 0;
}
