/* QEMU, util/cutils.c, do_strtosz().
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_size.h"
#include "base/num.h"

#include "base/banned.h"

bool qemu_size(struct str s, uint64_t unit, uint64_t *bytes)
{
	static const char letters[] = "bkmgtpe";
	const char *letter = s.n ? memchr(letters, s.p[s.n - 1] | 0x20, 7) : NULL;

	if (letter) {
		unit = UINT64_C(1) << (10 * (letter - letters));
		s.n--;
	}
	return str_u64(s, bytes) && u64_mul(*bytes, unit, bytes);
}

size_t qemu_size_meant(struct str s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '.'))
		n++;
	if (n == 0 || n + 1 >= s.n || !memchr("kKmMgGtT", s.p[n], 8))
		return 0;
	s = (struct str){ s.p + n + 1, s.n - n - 1 };
	return str_among(s, "b B iB ib i") ? n + 1 : 0;
}
