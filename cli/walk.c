/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/walk.h"
#include "base/err.h"
#include "cli/ignore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/banned.h"

enum { IGNORE_FILE_MAX = 1 << 20 }; /* bytes; a larger one is not read */

struct identity {
	dev_t dev;
	ino_t ino;
	size_t input; /* its index, plus 1; 0: the slot is free */
};

struct names {
	const char **v;
	size_t n, cap;
};

/* A set of files: open addressing, at most half full. */
struct identity_set {
	struct identity *v;
	size_t n, cap; /* cap: 0 or a power of two */
};

struct walker {
	struct inputs *out;
	struct arena *a;
	struct identity_set seen;
	struct buf path; /* of the folder that is walked, "" or with a slash at its end */
	struct buf relative; /* the same, from the folder of the outermost .gitignore */
};

/* The folders that we are in, innermost first. */
struct level {
	const struct level *up;
	const struct ignore *ignore;
	dev_t dev;
	ino_t ino;
};

/* ---- seen before? ---- */

static struct identity *slot_of(const struct identity_set *s, dev_t dev, ino_t ino)
{
	uint64_t h = ((uint64_t)ino + (uint64_t)dev * 31) * 0x9e3779b97f4a7c15u;
	size_t i = (size_t)(h >> 20) & (s->cap - 1);

	while (s->v[i].input && (s->v[i].dev != dev || s->v[i].ino != ino))
		i = (i + 1) & (s->cap - 1);
	return &s->v[i];
}

static void grow(struct identity_set *s, struct arena *a)
{
	struct identity_set bigger = { .n = s->n, .cap = s->cap ? s->cap * 2 : 256 };

	bigger.v = arena_array(a, bigger.cap, struct identity);
	for (size_t i = 0; i < s->cap; i++) {
		if (s->v[i].input)
			*slot_of(&bigger, s->v[i].dev, s->v[i].ino) = s->v[i];
	}
	*s = bigger;
}

/* ---- inputs ---- */

static struct input *add_input(struct walker *w, const char *path)
{
	struct input *in = vec_add(&w->out->v, w->a);

	*in = (struct input){ .path = path };
	return in;
}

static void add_file(struct walker *w, const char *path, const struct stat *st,
		     bool named)
{
	struct identity *slot;
	struct input *in;

	if (w->seen.n * 2 >= w->seen.cap)
		grow(&w->seen, w->a);
	slot = slot_of(&w->seen, st->st_dev, st->st_ino);
	if (slot->input) {
		w->out->v.v[slot->input - 1].named |= named;
		return;
	}
	in = add_input(w, path);
	in->named = named;
	in->dev = st->st_dev;
	in->ino = st->st_ino;
	*slot = (struct identity){ st->st_dev, st->st_ino, w->out->v.n };
	w->seen.n++;
}

static void add_trouble(struct walker *w, const char *what, int sys)
{
	struct str path = { w->path.p, w->path.n };
	struct err e;

	err_sys(&e, sys, "%s", what);
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	add_input(w, path.n ? arena_str(w->a, path) : ".")->trouble =
		arena_str(w->a, str_of(e.msg));
}

/* ---- .gitignore ---- */

/* The text of a small regular file; empty when there is none that we may read. git does not
 * follow a link here either. */
static struct str read_patterns(int folder, const char *name, struct arena *a)
{
	int fd = openat(folder, name,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct str text = { 0 };
	struct stat st;
	ssize_t n = 0;
	char *p;

	if (fd < 0)
		return text;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= IGNORE_FILE_MAX) {
		p = arena_array(a, (size_t)st.st_size + 1, char);
		do {
			n = pread(fd, p + text.n, (size_t)st.st_size - text.n,
				  (off_t)text.n);
			text = (struct str){ p, text.n + (n > 0 ? (size_t)n : 0) };
		} while (n > 0 || (n < 0 && errno == EINTR));
	}
	close(fd);
	return text;
}

/* The patterns that hold in a folder: its own over those above. base: length of its name
 * in relative paths. The root of a repository starts anew. */
static const struct ignore *patterns_in(int folder, size_t base, const struct ignore *up,
					struct arena *a)
{
	struct str text;

	if (faccessat(folder, ".git", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		text = read_patterns(folder, ".git/info/exclude", a);
		up = text.n ? ignore_parse(text, base, NULL, a) : NULL;
	}
	text = read_patterns(folder, ".gitignore", a);
	return text.n ? ignore_parse(text, base, up, a) : up;
}

/* The length of the repository's folder within an absolute path; 0: not in a repository. */
static size_t repository_of(const char *path)
{
	struct buf name = { 0 };
	size_t n = strlen(path);
	bool found = false;

	while (n > 0 && !found) {
		buf_clear(&name);
		buf_add(&name, (struct str){ path, n });
		buf_add(&name, STR("/.git"));
		found = access(name.p, F_OK) == 0;
		if (found)
			break;
		while (n > 0 && path[n - 1] != '/')
			n--;
		n -= n > 0;
	}
	buf_free(&name);
	return found ? n : 0;
}

/* Patterns of the folders above a walk's root, from its repository down, and the root's
 * name in relative paths. */
static const struct ignore *patterns_above(struct walker *w, const char *root)
{
	const struct ignore *ig = NULL;
	char *path = realpath(root, NULL);
	size_t top;

	buf_clear(&w->relative);
	buf_add(&w->relative, STR(""));
	if (!path)
		return NULL;
	top = repository_of(path);
	for (size_t at = top; top && path[at]; at += 1 + strcspn(path + at + 1, "/")) {
		char *folder = arena_str(w->a, (struct str){ path, at });
		int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			continue;
		ig = patterns_in(fd, at == top ? 0 : at - top, ig, w->a);
		close(fd);
	}
	if (top && path[top])
		buf_printf(&w->relative, "%s/", path + top + 1);
	free(path);
	return ig;
}

/* ---- folders ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Names of a folder, sorted. Returns 0, or the errno that kept us from reading it to its end. */
static int list_folder(DIR *dir, struct names *names, struct arena *a)
{
	struct dirent *d;
	int sys;

	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			break;
		if (!is_dots(d->d_name) && strcmp(d->d_name, ".git") != 0)
			*vec_add(names, a) = arena_str(a, str_of(d->d_name));
	}
	sys = errno;
	vec_sort(names, by_name);
	return sys;
}

static void walk_folder(struct walker *w, int fd, const struct level *up);

static bool is_own_ancestor(const struct level *l, const struct stat *st)
{
	for (; l; l = l->up) {
		if (l->dev == st->st_dev && l->ino == st->st_ino)
			return true;
	}
	return false;
}

static void enter_folder(struct walker *w, int folder, const char *name,
			 const struct level *l)
{
	size_t path_n = w->path.n, relative_n = w->relative.n;
	/* Longer names cannot be opened by path, and the bound keeps recursion shallow. */
	bool fits = path_n + strlen(name) + 2 < PATH_MAX;
	int fd = -1, sys = ENAMETOOLONG;

	if (fits) {
		fd = openat(folder, name,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		sys = errno;
	}
	buf_printf(&w->path, "%s/", name);
	buf_printf(&w->relative, "%s/", name);
	if (fd < 0)
		add_trouble(w, "cannot open the folder", sys);
	else
		walk_folder(w, fd, l);
	w->path.n = path_n;
	w->relative.n = relative_n;
}

static void visit(struct walker *w, int folder, const char *name, const struct level *l)
{
	struct stat st;
	struct str relative;
	bool ignored;

	/* Gone since it was listed: nothing is there to be looked at. */
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return;
	buf_add(&w->relative, str_of(name));
	relative = (struct str){ w->relative.p, w->relative.n };
	ignored = ignore_match(l->ignore, relative, S_ISDIR(st.st_mode));
	w->relative.n -= strlen(name);
	if (ignored)
		return;
	if (S_ISREG(st.st_mode)) {
		add_file(w, arena_printf(w->a, "%.*s%s", (int)w->path.n, w->path.p, name),
			 &st, false);
	} else if (!is_own_ancestor(l, &st)) {
		enter_folder(w, folder, name, l);
	}
}

/* Takes fd over. */
static void walk_folder(struct walker *w, int fd, const struct level *up)
{
	struct level here = { .up = up };
	struct names names = { 0 };
	struct stat st;
	DIR *dir = fdopendir(fd);
	int sys;

	if (!dir || fstat(fd, &st) != 0) {
		add_trouble(w, "cannot read the folder", errno);
		if (dir)
			closedir(dir);
		else
			close(fd);
		return;
	}
	here.dev = st.st_dev;
	here.ino = st.st_ino;
	here.ignore = patterns_in(fd, w->relative.n, up ? up->ignore : NULL, w->a);
	sys = list_folder(dir, &names, w->a);
	if (sys)
		add_trouble(w, "cannot read the folder", sys);
	for (size_t i = 0; i < names.n; i++)
		visit(w, fd, names.v[i], &here);
	closedir(dir);
}

static void walk_root(struct walker *w, const char *path)
{
	const struct ignore *above = patterns_above(w, path);
	struct level top = { .ignore = above };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int sys = errno;

	buf_clear(&w->path);
	buf_add(&w->path, str_of(path));
	if (fd < 0) {
		add_trouble(w, "cannot open the folder", sys);
		return;
	}
	if (strcmp(path, ".") == 0)
		buf_clear(&w->path);
	else if (path[strlen(path) - 1] != '/')
		buf_char(&w->path, '/');
	walk_folder(w, fd, &top);
}

static void add_named(struct walker *w, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") == 0) {
		for (size_t i = 0; i < w->out->v.n; i++) {
			if (w->out->v.v[i].is_stdin)
				return;
		}
		*add_input(w, path) =
			(struct input){ .path = path, .named = true, .is_stdin = true };
	} else if (stat(path, &st) != 0) {
		add_input(w, path)->named = true; /* opening it will say why */
	} else if (S_ISDIR(st.st_mode)) {
		walk_root(w, path);
	} else {
		add_file(w, path, &st, true);
	}
}

void walk(struct inputs *out, const char *const *paths, size_t n, struct arena *a)
{
	struct walker w = { .out = out, .a = a };

	*out = (struct inputs){ .arena = a };
	if (n == 0)
		add_named(&w, ".");
	for (size_t i = 0; i < n; i++)
		add_named(&w, paths[i]);
	buf_free(&w.path);
	buf_free(&w.relative);
}
