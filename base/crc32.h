/* CRC-32 as in IEEE 802.3, UEFI 2.10 section 5.3.2 and our journal: zlib's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CRC32_H
#define BASE_CRC32_H

#include "base/view.h"

uint32_t crc32_of(struct view v);

/* Goes on from an earlier result; start with 0. */
uint32_t crc32_more(uint32_t crc, struct view v);

/* What of a sum changes when `was`, of which the summed bytes hold a part, becomes `is`, of
 * the same length, with so many bytes behind it: crc ^ crc32_change(was, is, behind). */
uint32_t crc32_change(struct view was, struct view is, uint64_t behind);

#endif
