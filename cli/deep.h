/* --deep takes long: a bar for one input at a time, whichever comes first, and the way to
 * stop all of them. Signals that would end the program have to wait meanwhile
 * (run_hold_signals()).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_DEEP_H
#define CLI_DEEP_H

#include "analyze/host.h"
#include "cli/progress.h"

#include <pthread.h>

struct deep_bar {
	struct deep_watch watch; /* for struct host; borrows all of this */
	pthread_mutex_t lock;
	struct progress bar;
	const char *path; /* whose it is now; NULL: nobody's */
	bool quiet;
};

void deep_init(struct deep_bar *d, bool quiet);
/* Takes the bar off the terminal, for what is written now; it comes again. */
void deep_clear(struct deep_bar *d);

#endif
