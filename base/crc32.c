/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32.h"

#include <zlib.h>

#include "base/banned.h"

uint32_t crc32_more(uint32_t crc, struct view v)
{
	if (v.n == 0)
		return crc;
	return (uint32_t)crc32_z(crc, v.p, v.n);
}

uint32_t crc32_of(struct view v)
{
	return crc32_more(0, v);
}

/* A CRC is linear: the sums of two texts of one length differ by a sum of their difference,
 * which zeros before it do not touch, and zeros behind it shift. */
uint32_t crc32_change(struct view was, struct view is, uint64_t behind)
{
	uint32_t d = crc32_of(was) ^ crc32_of(is);

	BUG_ON(was.n != is.n || behind > INT64_MAX);
	return (uint32_t)crc32_combine(d, 0, (z_off_t)behind);
}
