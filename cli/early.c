/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/early.h"

#include <pthread.h>

#include "base/banned.h"

struct by_file {
	dev_t dev;
	ino_t ino;
	size_t i;
};

struct early {
	const struct inputs *inputs;
	pthread_mutex_t lock; /* guards all below; results belong to who works on them */
	struct arena arena;
	struct by_file *file; /* sorted. NULL: nobody has asked yet */
	size_t n;
	struct result **result; /* by input */
};

struct early *early_new(const struct inputs *inputs)
{
	struct early *e = calloc(1, sizeof(*e));

	if (!e)
		out_of_memory();
	e->inputs = inputs;
	pthread_mutex_init(&e->lock, NULL);
	arena_init(&e->arena, SIZE_MAX);
	return e;
}

void early_free(struct early *e)
{
	pthread_mutex_destroy(&e->lock);
	arena_free(&e->arena);
	free(e);
}

static int by_file(const void *x, const void *y)
{
	const struct by_file *a = x, *b = y;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

/* Most runs never need it. With the lock. */
static void sort_inputs(struct early *e)
{
	size_t n = e->inputs->v.n;

	e->file = arena_array(&e->arena, n, struct by_file);
	e->result = arena_array(&e->arena, n, struct result *);
	for (size_t i = 0; i < n; i++) {
		const struct input *in = &e->inputs->v.v[i];

		if (!in->trouble && !in->is_stdin && (in->dev || in->ino))
			e->file[e->n++] = (struct by_file){ in->dev, in->ino, i };
	}
	sort_stable(e->file, e->n, sizeof(*e->file), by_file);
}

bool early_find(struct early *e, dev_t dev, ino_t ino, size_t *i)
{
	const struct by_file key = { .dev = dev, .ino = ino };
	size_t at;
	bool found;

	pthread_mutex_lock(&e->lock);
	if (!e->file)
		sort_inputs(e);
	at = sorted_find(e->file, e->n, sizeof(*e->file), &key, by_file);
	found = at < e->n && by_file(&e->file[at], &key) == 0;
	if (found)
		*i = e->file[at].i;
	pthread_mutex_unlock(&e->lock);
	return found;
}

struct result *early_of(struct early *e, size_t i)
{
	struct result *r;

	pthread_mutex_lock(&e->lock);
	if (!e->result[i])
		e->result[i] = arena_new(&e->arena, struct result);
	r = e->result[i];
	pthread_mutex_unlock(&e->lock);
	return r;
}
