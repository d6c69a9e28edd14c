/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pool.h"

#include "base/arena.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "base/banned.h"

struct pool {
	const struct pool_job *job;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t room;  /* the window moved: workers may go on */
	pthread_cond_t done;  /* the item that the caller waits for is worked */
	size_t next;          /* item that nobody has begun */
	size_t taken;         /* items below it were taken */
	size_t chunk;         /* items that are begun at once */
	bool waiting;         /* the caller sleeps until item `taken` is worked */
	bool worked[POOL_WINDOW];
};

static bool may_begin(const struct pool *p)
{
	return p->next < p->job->n && p->next - p->taken < POOL_WINDOW;
}

/* The next few items: most take less time than to ask for them. Called with the lock, which
 * is dropped while working. */
static void work_some(struct pool *p)
{
	size_t first = p->next, end = first + p->chunk;
	size_t bound = p->taken + POOL_WINDOW;

	end = end < bound ? end : bound;
	end = end < p->job->n ? end : p->job->n;
	p->next = end;
	pthread_mutex_unlock(&p->lock);
	for (size_t i = first; i < end; i++)
		p->job->work(p->job->ctx, i);
	pthread_mutex_lock(&p->lock);
	for (size_t i = first; i < end; i++)
		p->worked[i % POOL_WINDOW] = true;
	if (p->waiting && p->worked[p->taken % POOL_WINDOW])
		pthread_cond_signal(&p->done);
}

static void *worker(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	while (p->next < p->job->n) {
		if (may_begin(p))
			work_some(p);
		else
			pthread_cond_wait(&p->room, &p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Called with the lock, which is dropped while the caller looks at the result. */
static void take_one(struct pool *p)
{
	size_t item = p->taken;

	pthread_mutex_unlock(&p->lock);
	p->job->take(p->job->ctx, item);
	pthread_mutex_lock(&p->lock);
	p->worked[item % POOL_WINDOW] = false;
	p->taken++;
	pthread_cond_signal(&p->room);
}

/* The caller takes what is ready, works when nothing is, and sleeps when there is neither. */
static void lead(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->taken < p->job->n) {
		if (p->worked[p->taken % POOL_WINDOW]) {
			take_one(p);
		} else if (may_begin(p)) {
			work_some(p);
		} else {
			p->waiting = true;
			pthread_cond_wait(&p->done, &p->lock);
			p->waiting = false;
		}
	}
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
}

static void run_alone(const struct pool_job *job)
{
	for (size_t i = 0; i < job->n; i++) {
		job->work(job->ctx, i);
		job->take(job->ctx, i);
	}
}

/* Fewer than this for each thread, and starting the thread costs more than it saves. */
enum { ITEMS_PER_THREAD = 4, CHUNK_MAX = 8 };

static unsigned threads_worth(const struct pool_job *job)
{
	size_t useful = job->n / ITEMS_PER_THREAD;

	return useful < job->threads ? (unsigned)useful : job->threads;
}

void pool_run(const struct pool_job *job)
{
	struct pool p = { .job = job, .chunk = 1 };
	unsigned want = threads_worth(job), started = 0;
	struct arena a;
	pthread_t *ids;
	sigset_t all, before;

	if (want < 2) {
		run_alone(job);
		return;
	}
	/* Large ones only where there are many: a disk takes longer than a config. */
	if (job->n / want >= (size_t)CHUNK_MAX * ITEMS_PER_THREAD)
		p.chunk = CHUNK_MAX;
	arena_init(&a, 0);
	ids = arena_array(&a, want, pthread_t);
	pthread_mutex_init(&p.lock, NULL);
	pthread_cond_init(&p.room, NULL);
	pthread_cond_init(&p.done, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < want - 1 && pthread_create(&ids[started], NULL, worker, &p) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	lead(&p);
	for (unsigned i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	pthread_cond_destroy(&p.done);
	pthread_cond_destroy(&p.room);
	pthread_mutex_destroy(&p.lock);
	arena_free(&a);
}
