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
