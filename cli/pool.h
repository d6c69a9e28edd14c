/* Work on numbered items by several threads, with results taken in order.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_POOL_H
#define CLI_POOL_H

#include <stddef.h>

/* How far work may be ahead of what was taken: item i and item i + POOL_WINDOW are never in
 * memory together, so a ring of POOL_WINDOW results is enough. */
enum { POOL_WINDOW = 256 };

struct pool_job {
	size_t n;         /* items */
	unsigned threads; /* the calling one included */
	void *ctx;
	/* Any thread, in any order, each item once. */
	void (*work)(void *ctx, size_t item);
	/* The calling thread, in order, each item once, after its work. */
	void (*take)(void *ctx, size_t item);
};

/* Returns when everything was taken. Other threads block all signals, so that they reach
 * the calling one. With threads that cannot be started it is done with those that can. */
void pool_run(const struct pool_job *job);

#endif
