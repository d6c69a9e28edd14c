/* BUG: our own mistake. Aborts in every build; never the answer to bad input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUG_H
#define BASE_BUG_H

_Noreturn void bug_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                     \
	do {                                                                             \
		if (cond)                                                                \
			BUG("%s", #cond);                                                \
	} while (0)

#endif
