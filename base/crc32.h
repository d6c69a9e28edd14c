/* CRC-32 as in IEEE 802.3, UEFI 2.10 section 5.3.2 and our journal: zlib's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include "base/view.h"

uint32_t crc32_of(struct view v);

/* Goes on from an earlier result; start with 0. */
uint32_t crc32_more(uint32_t crc, struct view v);

#endif
