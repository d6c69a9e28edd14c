/* Versions of programs, as their releases are numbered: up to three parts, "6.10.0".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#include "base/str.h"

struct version {
	bool known;
	uint32_t part[3]; /* "6.10" is 6.10.0 */
};

/* A "v" before it is allowed, and what a packager put behind a '-', '+' or '~'. False: no
 * version. */
bool version_parse(struct str s, struct version *out);

/* Less than, equal to or greater than 0, as v is older than, is, or is newer than that one.
 * v is known. */
int version_cmp(const struct version *v, uint32_t major, uint32_t minor, uint32_t patch);

#endif
