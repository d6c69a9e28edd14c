/* The backup of a disk that was grown, when nothing is left that says where it stands: a disk
 * grows by a hole, and in front of it the last thing that was written is that header.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_END_H
#define ANALYZE_IMAGE_GPT_END_H

#include "analyze/image/gpt.h"

struct source;

/* The right header in the last page of s that is not zero, if there is a hole behind it: *off
 * in bytes. False: there is none, or it cannot be read. */
bool gpt_end_find(const struct source *s, uint64_t *off, uint32_t *sector_size);

#endif
