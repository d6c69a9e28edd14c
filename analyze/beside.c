/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/beside.h"
#include "analyze/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

static int open_folder(const struct source *s)
{
	const char *slash = strrchr(s->path, '/');
	struct buf name = { 0 };
	int fd;

	if (slash)
		buf_add(&name, (struct str){ s->path, (size_t)(slash - s->path) + 1 });
	else
		buf_add(&name, STR("."));
	fd = open(name.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf_free(&name);
	return fd;
}

static bool read_all(int fd, uint8_t *to, size_t n)
{
	ssize_t got;

	for (size_t at = 0; at < n; at += (size_t)got) {
		got = pread(fd, to + at, n - at, (off_t)at);
		if (got < 0 && errno == EINTR)
			got = 0;
		else if (got <= 0)
			return false;
	}
	return true;
}

/* False: it is one that cannot be read here. *is_self: it is the input. */
static bool read_one(int fd, const struct source *s, size_t *room,
		     struct beside_file *out, bool *is_self, struct arena *a)
{
	struct stat st;
	uint8_t *p;

	*is_self = false;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0)
		return false;
	if (st.st_dev == s->st.st_dev && st.st_ino == s->st.st_ino) {
		*is_self = true;
		return true;
	}
	if ((uint64_t)st.st_size > *room)
		return false;
	p = arena_try(a, (uint64_t)st.st_size + 1, 1);
	if (!p || !read_all(fd, p, (size_t)st.st_size))
		return false;
	*room -= (size_t)st.st_size;
	out->text = (struct view){ p, (size_t)st.st_size };
	out->src = source_of_bytes(out->name, out->text);
	return true;
}

static void read_files(int folder, const struct source *s, const struct listing *names,
		       struct beside *b, struct arena *a)
{
	struct beside_file *files = arena_array(a, names->n, struct beside_file);
	size_t room = BESIDE_BYTES_MAX;
	bool is_self;

	b->files = files;
	for (size_t i = 0; i < names->n && b->whole; i++) {
		int fd =
			openat(folder, names->v[i],
			       O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

		files[b->n].name = names->v[i];
		b->whole = fd >= 0 && read_one(fd, s, &room, &files[b->n], &is_self, a);
		if (b->whole && !is_self)
			b->n++;
		if (fd >= 0)
			close(fd);
	}
}

const struct beside *beside_read(const struct source *s, const char *const *endings,
				 struct listings *known, struct arena *a)
{
	struct beside *b = arena_new(a, struct beside);
	int fd = open_folder(s);
	struct listing names;

	if (fd < 0)
		return b;
	names = listing_read(fd, endings, known, a);
	b->whole = names.whole;
	if (b->whole)
		read_files(fd, s, &names, b, a);
	close(fd);
	return b;
}
