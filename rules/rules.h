/* What registry.c must know of the families. A family file includes it, so that the
 * compiler sees both ends.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "rules/rule.h"

#define FAMILY(name)                                                                     \
	extern const struct rule rules_##name[];                                         \
	extern const size_t rules_##name##_n;
#include "rules/families.def"
#undef FAMILY

/* At the end of a family file, behind its array. */
#define RULES_END(name)                                                                  \
	const size_t rules_##name##_n = sizeof(rules_##name) / sizeof(struct rule)

#endif
