/* What an empty GPT for sectors of 4096 bytes was written over: the accident of tools that
 * run on a host's disk of such sectors, and of a guest's disk upon it that has 512.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_PAST_H
#define ANALYZE_IMAGE_GPT_PAST_H

#include "analyze/image/gpt.h"

enum {
	GPT_PAST_SECTOR = 512,
	/* What the accident zeroes or overwrites: a header and 16 KiB of entries behind a
	 * sector of 4096 bytes, and the same at the end. */
	GPT_PAST_HEAD = 4096 + 4096 + GPT_ENTRIES_MIN_BYTES,
	GPT_PAST_TAIL = 4096 + GPT_ENTRIES_MIN_BYTES,
};

struct gpt_past {
	/* A table for sectors of 512 bytes, of which only a backup is left, where the image
	 * ended that was copied here. NULL: none was found. */
	const struct gpt *table;
	bool several; /* such backups, and they differ: which is the last is not known */
	/* A file system where partitions usually begin; NULL: none was seen. */
	const char *filesystem;
	struct span filesystem_at;
};

/* Looks for a right backup that says it stands where it does: where disks of whole GiB end,
 * up to 64 GiB, and where those of whole MiB do, as far as GPT_PAST_PLACES reads of one
 * sector go; holes of the file cost none. *table is the backup, or NULL; all of it in a. */
enum { GPT_PAST_PLACES = 8192 };

int gpt_past_search(const struct gpt_table **backup, struct gpt_past *past,
		    const struct image *img, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* Looks for what past->filesystem is. */
int gpt_past_content(struct gpt_past *past, const struct image *img, struct arena *a,
		     struct err *e) __attribute__((warn_unused_result));

/* Is there such a header where a disk of whole GiB ends? Less than gpt_past_search(), which may
 * be asked of any file. */
bool gpt_past_probe(const struct source *s);

#endif
