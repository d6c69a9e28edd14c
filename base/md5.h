/* MD5, which tells what was changed by accident, and nothing else. RFC 1321.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_MD5_H
#define BASE_MD5_H

#include "base/view.h"

enum { MD5_SIZE = 16, MD5_BLOCK = 64 };

struct md5 {
	uint32_t state[4];
	uint64_t n; /* bytes so far */
	uint8_t part[MD5_BLOCK];
};

void md5_init(struct md5 *m);
void md5_add(struct md5 *m, struct view v);
/* m is as it was: more may be added. */
void md5_sum(const struct md5 *m, uint8_t out[MD5_SIZE]);

#endif
