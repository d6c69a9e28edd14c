/* Is what the copies of a GPT say in doubt, so that what is in the partitions has to speak?
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_DOUBT_H
#define ANALYZE_IMAGE_GPT_DOUBT_H

#include "analyze/image/gpt.h"

enum { GPT_BEGINS_MAX = 256 };

/* No copy is right, or each of them has a partition that cannot be, or they differ. */
bool gpt_is_doubtful(const struct gpt *g);

/* Bytes where any entry that is left says that a partition begins, sorted: of both copies, and
 * of what stands where their arrays belong. Returns how many, at most GPT_BEGINS_MAX. */
size_t gpt_begins(const struct gpt *g, uint64_t *out);

#endif
