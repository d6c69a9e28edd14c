/* Where the backup of a hybrid disk may be, once its primary is gone and the disk has grown:
 * the protective entry of a hybrid MBR does not say how long the disk was.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_HYBRID_H
#define ANALYZE_IMAGE_GPT_HYBRID_H

#include "analyze/image/gpt.h"

/* Does sector 0 have a protective entry, and copies beside it? */
bool gpt_is_hybrid(struct view sector0);

/* Looks for a right backup that has every partition that the MBR has copies of: where a
 * further protective entry ends, in the MiB behind the last copy, and where images of whole
 * MiB ended (gpt_past.h, for sectors of 512 bytes). *backup is NULL when there is none, when
 * several differ, or when the MBR has no copies. */
int gpt_hybrid_search(const struct gpt_table **backup, const struct image *img,
		      struct view sector0, uint32_t sector_size, struct arena *a,
		      struct err *e) __attribute__((warn_unused_result));

#endif
