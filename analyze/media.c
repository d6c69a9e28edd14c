/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/media.h"
#include "analyze/unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

enum {
	MEDIA_MAX = 1 << 16, /* files; more are as if they were not known */
	BUCKETS = 1 << 12,
	BLOCK = 1 << 10, /* bytes: most media need less */
};

struct entry {
	struct entry *next; /* of its bucket */
	struct entry *made; /* before it: all that there are */
	dev_t dev;
	ino_t ino;
	bool busy; /* its owner reads it */
	pthread_t owner;
	bool worked; /* as an input of the run */
	bool read;   /* medium, or why there is none, is known */
	const struct medium *medium;
	const char *why;
	struct arena arena;
};

struct media {
	struct host host; /* the run's, for files that are no inputs */
	media_input *input;
	void *ctx;
	pthread_mutex_t
		lock; /* guards all below, and entries that nobody has made busy */
	pthread_cond_t done;
	struct arena arena;
	size_t n;
	struct entry *bucket[BUCKETS];
	struct entry *last; /* made */
};

struct media *media_new(const struct host *host, media_input *input, void *ctx)
{
	struct media *m = calloc(1, sizeof(*m));

	if (!m)
		out_of_memory();
	m->host = *host;
	m->host.media = NULL;
	m->host.deep = NULL;
	m->host.shallow = true;
	m->input = input;
	m->ctx = ctx;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->done, NULL);
	arena_init(&m->arena, SIZE_MAX);
	return m;
}

void media_free(struct media *m)
{
	if (!m)
		return;
	for (struct entry *e = m->last; e; e = e->made)
		arena_free(&e->arena);
	arena_free(&m->arena);
	pthread_cond_destroy(&m->done);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* ---- entries. All with the lock ---- */

static struct entry **bucket_of(struct media *m, dev_t dev, ino_t ino)
{
	uint64_t h =
		((uint64_t)ino ^ ((uint64_t)dev << 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return &m->bucket[h >> 52];
}

static struct entry *find(struct media *m, dev_t dev, ino_t ino)
{
	struct entry *e = *bucket_of(m, dev, ino);

	while (e && (e->dev != dev || e->ino != ino))
		e = e->next;
	return e;
}

/* When nobody is busy with it any more; NULL: there is none. */
static struct entry *find_idle(struct media *m, dev_t dev, ino_t ino)
{
	struct entry *e;

	while ((e = find(m, dev, ino)) && e->busy)
		pthread_cond_wait(&m->done, &m->lock);
	return e;
}

/* NULL: there are too many. */
static struct entry *add(struct media *m, dev_t dev, ino_t ino)
{
	struct entry **at = bucket_of(m, dev, ino), *e;

	if (m->n >= MEDIA_MAX)
		return NULL;
	m->n++;
	e = arena_new(&m->arena, struct entry);
	*e = (struct entry){ .next = *at, .dev = dev, .ino = ino };
	arena_init(&e->arena, ARENA_BUDGET);
	e->arena.block = BLOCK;
	*at = e;
	e->made = m->last;
	m->last = e;
	return e;
}

static void take(struct entry *e)
{
	e->busy = true;
	e->owner = pthread_self();
}

static bool is_ours(const struct entry *e)
{
	return e && e->busy && pthread_equal(e->owner, pthread_self());
}

static void finish(struct media *m, struct entry *e)
{
	pthread_mutex_lock(&m->lock);
	e->busy = false;
	pthread_cond_broadcast(&m->done);
	pthread_mutex_unlock(&m->lock);
}

/* ---- reading ---- */

const char media_not_there[] = "it is not there";

static const char *why_of(int why)
{
	switch (why) {
	case ENOENT:
	case ENOTDIR:
		return media_not_there;
	case EXDEV:
	case ELOOP:
		return "it is not in a folder that may be read (--allow-root)";
	case EINVAL:
		return "it is neither a regular file nor a block device";
	}
	return "it cannot be opened";
}

static void read_shallow(const struct media *m, struct entry *e, const struct source *src)
{
	struct unit u;

	unit_read(&u, src, NULL, &m->host);
	if (u.state == UNIT_FAILED)
		e->why = arena_str(&e->arena, str_of(u.why.msg));
	else if (u.format && u.format->kind == FORMAT_TEXT)
		e->why = "it is no image";
	else
		e->medium = medium_of(&u, &e->arena);
	unit_close(&u);
}

/* A config is not read as one: that one may name this one. */
static bool is_image(const struct source *src)
{
	const struct format *f;
	struct arena a;
	struct view head;
	struct err e;

	arena_init(&a, ARENA_BUDGET);
	f = source_view(src, &a, 0, u64_min(src->size, PROBE_HEAD), &head, &e) == 0
		    ? format_probe(head, src)
		    : NULL;
	arena_free(&a);
	return f && f->kind == FORMAT_IMAGE;
}

/* e is busy, and ours. */
static void read_entry(struct media *m, struct entry *e, const struct reach *from,
		       const char *path)
{
	struct source src = { .path = reach_shown(from, path, &e->arena), .fd = -1 };
	struct err err;
	int why;

	src.fd = reach_open(from, path, &src.st, &why);
	if (src.fd < 0 || source_stat(&src, &err) != 0) {
		e->why = src.fd < 0 ? why_of(why) : "it cannot be read";
		source_close(&src);
		return;
	}
	if (m->input && is_image(&src))
		e->medium = m->input(m->ctx, &src, &e->arena);
	e->worked = e->medium != NULL;
	if (!e->medium)
		read_shallow(m, e, &src);
	e->read = true;
	source_close(&src);
}

/* The entry of such a file, read; NULL: there are too many. */
static struct entry *obtain(struct media *m, const struct reach *from, const char *path,
			    const struct stat *st)
{
	struct entry *e;

	pthread_mutex_lock(&m->lock);
	e = find_idle(m, st->st_dev, st->st_ino);
	if (!e)
		e = add(m, st->st_dev, st->st_ino);
	if (!e || e->read) {
		pthread_mutex_unlock(&m->lock);
		return e;
	}
	take(e);
	pthread_mutex_unlock(&m->lock);
	read_entry(m, e, from, path);
	finish(m, e);
	return e;
}

const struct medium *media_find(struct media *m, const struct reach *from,
				const char *name, const char **why)
{
	const struct medium *found = NULL;
	struct arena a;
	const char *path;
	struct entry *e;
	struct stat st;
	int error;

	arena_init(&a, ARENA_BUDGET);
	path = reach_path(from, name, &a);
	if (reach_look(from, path, &st, &error) != 0) {
		*why = why_of(error);
	} else if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		*why = why_of(EINVAL);
	} else {
		e = obtain(m, from, path, &st);
		found = e ? e->medium : NULL;
		*why = e ? e->why : "there are too many images to keep";
	}
	arena_free(&a);
	return found;
}

/* ---- inputs ---- */

bool media_begin(struct media *m, dev_t dev, ino_t ino)
{
	struct entry *e;
	bool mine;

	if (!m || (!dev && !ino))
		return true;
	pthread_mutex_lock(&m->lock);
	e = find_idle(m, dev, ino);
	mine = !e || !e->worked;
	if (!e)
		e = add(m, dev, ino);
	if (e && mine)
		take(e);
	pthread_mutex_unlock(&m->lock);
	return mine;
}

void media_is_text(struct media *m, dev_t dev, ino_t ino)
{
	struct entry *e;

	if (!m || (!dev && !ino))
		return;
	pthread_mutex_lock(&m->lock);
	e = find(m, dev, ino);
	if (is_ours(e)) {
		e->read = true;
		e->why = "it is no image";
		e->busy = false;
		pthread_cond_broadcast(&m->done);
	}
	pthread_mutex_unlock(&m->lock);
}

void media_end(struct media *m, dev_t dev, ino_t ino, const struct unit *u)
{
	struct entry *e;
	bool ours;

	if (!m || (!dev && !ino))
		return;
	pthread_mutex_lock(&m->lock);
	e = find(m, dev, ino);
	ours = is_ours(e);
	pthread_mutex_unlock(&m->lock);
	if (!ours)
		return;
	if (!e->read && u->state == UNIT_READ) {
		e->medium = medium_of(u, &e->arena);
		e->read = true;
	}
	finish(m, e);
}

void media_forget(struct media *m, dev_t dev, ino_t ino)
{
	struct entry **at, *e;

	if (!m || (!dev && !ino))
		return;
	pthread_mutex_lock(&m->lock);
	e = find_idle(m, dev, ino);
	/* Who has its medium keeps it; it is only not found any more. */
	if (e) {
		for (at = bucket_of(m, dev, ino); *at != e; at = &(*at)->next)
			;
		*at = e->next;
	}
	pthread_mutex_unlock(&m->lock);
}
