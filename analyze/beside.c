/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/beside.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

struct names {
	const char **v;
	size_t n, cap;
};

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

static bool ends_so(const char *name, const char *const *endings)
{
	for (; *endings; endings++) {
		if (str_ends(str_of(name), *endings))
			return true;
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* False: there are too many, or the folder cannot be read to its end. */
static bool list(DIR *dir, const char *const *endings, struct names *names,
		 struct arena *a)
{
	struct dirent *d;

	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			break;
		if (!ends_so(d->d_name, endings))
			continue;
		/* One of them may be the input itself. */
		if (names->n > BESIDE_FILES_MAX)
			return false;
		*vec_add(names, a) = arena_str(a, str_of(d->d_name));
	}
	vec_sort(names, by_name);
	return errno == 0;
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

static void read_files(int folder, const struct source *s, const struct names *names,
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
				 struct arena *a)
{
	struct beside *b = arena_new(a, struct beside);
	struct names names = { 0 };
	int fd = open_folder(s);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return b;
	}
	b->whole = list(dir, endings, &names, a);
	if (b->whole)
		read_files(fd, s, &names, b, a);
	closedir(dir);
	return b;
}
