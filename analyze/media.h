/* The files that configs name: each is opened and read once, whoever names it first, and what
 * came out is kept for all the others. Any thread may ask.
 *
 * A file that is an input of the run as well is read once for both: by who needs it first.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_MEDIA_H
#define ANALYZE_MEDIA_H

#include "analyze/medium.h"
#include "analyze/reach.h"

struct media;

/* Does with an image that is an input of the run what the run does with its inputs, from an
 * open source, and returns what medium_of() says of it. NULL: it is no input. */
typedef const struct medium *media_input(void *ctx, const struct source *src,
					 struct arena *a);

/* host is borrowed. input may be NULL: there are none. */
struct media *media_new(const struct host *host, media_input *input, void *ctx);
void media_free(struct media *m);

/* One of the reasons below, by its address: there is no such file. */
extern const char media_not_there[];

/* What a name in a config leads to. NULL: not known here, and *why says why: it is not there,
 * it is not in an allowed folder, or cannot be read. Never a reason for a finding. why is a
 * constant or the media's. */
const struct medium *media_find(struct media *m, const struct reach *from,
				const char *name, const char **why);

/* ---- for who works on inputs ---- */

/* Before an input is opened. False: somebody has worked on it, as one that a config names; its
 * work is done then. st: of the file; without a device and number nothing is known of it. */
bool media_begin(struct media *m, dev_t dev, ino_t ino);
/* The input is no image: who waits for it need not wait until it is read. */
void media_is_text(struct media *m, dev_t dev, ino_t ino);
/* When it was worked on, before it is closed. */
void media_end(struct media *m, dev_t dev, ino_t ino, const struct unit *u);
/* It was changed: who asks next reads it anew. */
void media_forget(struct media *m, dev_t dev, ino_t ino);

#endif
