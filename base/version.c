/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"
#include "base/banned.h"

static struct str cut_suffix(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (strchr("-+~", s.p[i]))
			return (struct str){ s.p, i };
	}
	return s;
}

bool version_parse(struct str s, struct version *out)
{
	struct version v = { .known = true };
	size_t parts = 0;
	uint64_t n;

	if (str_starts(s, "v"))
		s = (struct str){ s.p + 1, s.n - 1 };
	s = cut_suffix(s);
	for (;;) {
		const char *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
		struct str part = { s.p, dot ? (size_t)(dot - s.p) : s.n };

		if (parts == 3 || !str_u64(part, &n) || n > UINT32_MAX)
			return false;
		v.part[parts++] = (uint32_t)n;
		if (!dot)
			break;
		s.p = dot + 1;
		s.n -= part.n + 1;
	}
	*out = v;
	return true;
}

int version_cmp(const struct version *v, uint32_t major, uint32_t minor, uint32_t patch)
{
	const uint32_t to[3] = { major, minor, patch };

	BUG_ON(!v->known);
	for (size_t i = 0; i < 3; i++) {
		if (v->part[i] != to[i])
			return v->part[i] < to[i] ? -1 : 1;
	}
	return 0;
}
