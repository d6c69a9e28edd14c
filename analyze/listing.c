/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/listing.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* As many folders as workers may be in at once; a walk does not come back to one. */
enum { KEPT = 16, BLOCK = 1 << 10 };

struct kept {
	const char *const *endings; /* NULL: nothing is kept here yet */
	struct stat folder;         /* from before it was listed */
	struct listing is;
	struct arena arena;
};

struct listings {
	pthread_mutex_t lock; /* guards all below */
	struct kept v[KEPT];
	size_t next; /* the oldest */
};

struct listings *listings_new(void)
{
	struct listings *l = calloc(1, sizeof(*l));

	if (!l)
		out_of_memory();
	pthread_mutex_init(&l->lock, NULL);
	for (size_t i = 0; i < KEPT; i++) {
		arena_init(&l->v[i].arena, SIZE_MAX);
		l->v[i].arena.block = BLOCK;
	}
	return l;
}

void listings_free(struct listings *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < KEPT; i++)
		arena_free(&l->v[i].arena);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* ---- what is remembered ---- */

static struct listing copy(const struct listing *l, struct arena *a)
{
	struct listing out = *l;

	for (size_t i = 0; i < out.n; i++)
		out.v[i] = arena_str(a, str_of(l->v[i]));
	return out;
}

/* A name that came or went since has changed the folder's times. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool recall(struct listings *l, const struct stat *folder,
		   const char *const *endings, struct listing *out, struct arena *a)
{
	bool found = false;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < KEPT && !found; i++) {
		const struct kept *k = &l->v[i];

		found = k->endings == endings && is_same(&k->folder, folder);
		if (found)
			*out = copy(&k->is, a);
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

static void keep(struct listings *l, const struct stat *folder,
		 const char *const *endings, const struct listing *is)
{
	struct kept *k;

	pthread_mutex_lock(&l->lock);
	k = &l->v[l->next++ % KEPT];
	arena_free(&k->arena);
	k->endings = endings;
	k->folder = *folder;
	k->is = copy(is, &k->arena);
	pthread_mutex_unlock(&l->lock);
}

/* ---- what is read ---- */

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
static bool list(DIR *dir, const char *const *endings, struct listing *out,
		 struct arena *a)
{
	struct dirent *d;

	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (!d)
			return errno == 0;
		if (!ends_so(d->d_name, endings))
			continue;
		if (out->n == LISTING_MAX)
			return false;
		out->v[out->n++] = arena_str(a, str_of(d->d_name));
	}
}

struct listing listing_read(int folder, const char *const *endings, struct listings *l,
			    struct arena *a)
{
	struct listing out = { 0 };
	struct stat st;
	DIR *dir;
	int fd;

	if (fstat(folder, &st) != 0 || (l && recall(l, &st, endings, &out, a)))
		return out;
	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return out;
	}
	out.whole = list(dir, endings, &out, a);
	sort_stable(out.v, out.n, sizeof(out.v[0]), by_name);
	closedir(dir);
	if (l)
		keep(l, &st, endings, &out);
	return out;
}
