/* A disk as its user sees it: a raw image's bytes, or what a container shows a guest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_IMAGE_H
#define ANALYZE_IMAGE_IMAGE_H

#include "analyze/model.h"
#include "base/err.h"

struct unit;
struct mbr;
struct gpt;

struct image {
	const struct unit *unit;
	const struct source *src; /* offset 0 is the disk's first byte */
	uint64_t size;            /* bytes, as the disk's user sees them */
	const struct mbr *mbr;    /* NULL: no partition sector (neither 55 AA nor a GPT) */
	const struct gpt *gpt;    /* NULL: not a trace of a GPT */
};

/* What stands at an offset, for messages, hex dumps and `vmend inspect`. */
struct place {
	const char *locus;   /* "gpt/primary/header/last-usable", "mbr/entry[0]/sectors" */
	struct span record;  /* the record around it: an MBR entry, a GPT header, an entry */
	const char *summary; /* the record in words: "entry 0: type EE, first LBA 1, ..." */
};

/* False when the offset belongs to no structure that was read. Strings are a's. */
bool image_place(const struct image *img, struct span at, struct arena *a,
		 struct place *out);

#endif
