/* One copy of a GPT by itself. For gpt.c, which knows where copies are looked for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_COPY_H
#define ANALYZE_IMAGE_GPT_COPY_H

#include "analyze/image/gpt.h"

/* Describes the header at lba and checks its array, but does not decode the entries. Past
 * the end of the disk, or without a signature, the copy is not present. */
int gpt_copy_read(struct gpt_table *t, const struct image *img, uint32_t sector_size,
		  uint64_t lba, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* Where only the signature is missing of a header that is right with it (`wipefs` takes just
 * that), the copy is read as if it was there. */
int gpt_copy_unwipe(struct gpt_table *t, const struct image *img, uint32_t sector_size,
		    struct arena *a, struct err *e) __attribute__((warn_unused_result));

/* Reads t's array as if it stood at lba: entries_ok says whether its CRC fits there. */
int gpt_copy_array(struct gpt_table *t, const struct image *img, uint32_t sector_size,
		   uint64_t lba, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* Fills t->entry from the array that was read. */
int gpt_copy_decode(struct gpt_table *t, const struct image *img, struct arena *a,
		    struct err *e) __attribute__((warn_unused_result));

#endif
