/* The piece of an input that a finding is about, with carets under its span: a source line
 * of a text, a record's bytes of an image.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXCERPT_H
#define CLI_EXCERPT_H

#include "analyze/image/image.h"
#include "analyze/model.h"
#include "cli/lines.h"
#include "cli/term.h"

/* What is drawn under the span and beside it. */
struct marker {
	struct span at;
	enum paint paint;
	const char *label; /* or NULL */
};

/* The line that the span begins in, and the one before it when it says something. */
void excerpt_text(struct buf *out, const struct term *t, const struct lines *l,
		  const struct marker *m);

/* The rows of 16 bytes of the record around the span that the span touches; place: NULL
 * when the span is in no record. Bytes come from the span's source. Nothing for an empty
 * span: it is about the image as such. */
void excerpt_image(struct buf *out, const struct term *t, const struct place *place,
		   const struct marker *m);

/* "de ad be ef" */
void buf_hex(struct buf *out, struct view bytes);

#endif
