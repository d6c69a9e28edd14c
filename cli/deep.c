/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deep.h"
#include "base/banned.h"

static bool go_on(void *ctx, const char *path, uint64_t done, uint64_t total)
{
	struct deep_bar *d = ctx;
	bool on;

	pthread_mutex_lock(&d->lock);
	if (!d->path) {
		progress_init(&d->bar, path, d->quiet);
		d->bar.now.words = "reading ";
		d->path = path;
	}
	on = d->path == path ? progress_step(&d->bar, done, total)
			     : !progress_is_to_stop();
	if (d->path == path && (!on || done == total)) {
		progress_end(&d->bar);
		d->path = NULL;
	}
	pthread_mutex_unlock(&d->lock);
	return on;
}

void deep_init(struct deep_bar *d, bool quiet)
{
	*d = (struct deep_bar){ .quiet = quiet };
	d->watch = (struct deep_watch){ .go_on = go_on, .ctx = d };
	pthread_mutex_init(&d->lock, NULL);
}

void deep_clear(struct deep_bar *d)
{
	pthread_mutex_lock(&d->lock);
	if (d->path)
		progress_end(&d->bar);
	pthread_mutex_unlock(&d->lock);
}
