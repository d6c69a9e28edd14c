/* Extended attributes: access lists, security labels, and people's own. xattr(7).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/replace.h"

#include "base/str.h"

#include <errno.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "base/banned.h"

enum { TRIES = 8 };

/* Names, each with its NUL. False: they cannot be asked for. */
static bool list(int fd, struct arena *a, struct str *names)
{
	for (int i = 0; i < TRIES; i++) {
		ssize_t n = flistxattr(fd, NULL, 0);
		char *p;

		if (n < 0)
			break;
		p = arena_alloc(a, (size_t)n + 1, 1);
		n = flistxattr(fd, p, (size_t)n);
		*names = (struct str){ p, n < 0 ? 0 : (size_t)n };
		if (n >= 0)
			return true;
		if (errno != ERANGE) /* it grew meanwhile */
			break;
	}
	*names = (struct str){ 0 };
	return errno == ENOTSUP; /* a file system that has none */
}

static bool get(int fd, const char *name, struct arena *a, struct view *value)
{
	for (int i = 0; i < TRIES; i++) {
		ssize_t n = fgetxattr(fd, name, NULL, 0);
		uint8_t *p;

		if (n < 0)
			return false;
		p = arena_alloc(a, (size_t)n + 1, 1);
		n = fgetxattr(fd, name, p, (size_t)n);
		*value = (struct view){ p, n < 0 ? 0 : (size_t)n };
		if (n >= 0 || errno != ERANGE)
			return n >= 0;
	}
	return false;
}

/* The kernel computes these two from the content. */
static bool is_computed(const char *name)
{
	return strcmp(name, "security.ima") == 0 || strcmp(name, "security.evm") == 0;
}

static bool give(int from, int to, const char *name, struct arena *a)
{
	struct view want, has;

	if (is_computed(name))
		return true;
	if (!get(from, name, a, &want))
		return false;
	/* A label may be right already, and not be ours to set. */
	if (get(to, name, a, &has) && has.n == want.n && view_eq(has, 0, want.p, want.n))
		return true;
	return fsetxattr(to, name, want.p, want.n, 0) == 0;
}

static bool is_listed(struct str names, const char *name)
{
	for (size_t i = 0; i < names.n; i += strlen(names.p + i) + 1) {
		if (strcmp(names.p + i, name) == 0)
			return true;
	}
	return false;
}

bool keep_attributes(int from, int to, struct arena *a)
{
	struct str want, has;

	if (!list(from, a, &want) || !list(to, a, &has))
		return false;
	for (size_t i = 0; i < want.n; i += strlen(want.p + i) + 1) {
		if (!give(from, to, want.p + i, a))
			return false;
	}
	/* What the new file inherited, such as its folder's default access list. */
	for (size_t i = 0; i < has.n; i += strlen(has.p + i) + 1) {
		const char *name = has.p + i;

		if (!is_listed(want, name) && !is_computed(name) &&
		    fremovexattr(to, name) != 0)
			return false;
	}
	return true;
}
