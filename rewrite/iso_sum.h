/* The sum that is implanted in an ISO 9660 image, when a repair of the image would make it
 * wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_ISO_SUM_H
#define REWRITE_ISO_SUM_H

#include "rewrite/prove.h"

/* Reads all of the image, if m changes bytes that the sum is of. Was it right before, the new
 * one is added to the plan; was it not, it stays as it is, since it may be that of what the
 * image should be. input: m's. */
int iso_sum_follow(struct mend *m, const struct unit *input, struct err *e)
	__attribute__((warn_unused_result));

/* Is it that the sum is wrong? What a repair does to it follows at the end. */
bool iso_sum_says(const struct finding *f);

#endif
