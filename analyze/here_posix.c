/* Elsewhere nothing is known.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/medium.h"

#include <pwd.h>

#include "base/banned.h"

bool host_find_user(struct vm_user *u, const char *name, struct arena *a)
{
	const struct passwd *p = getpwnam(name);

	(void)a;
	if (p)
		*u = (struct vm_user){ .name = name, .uid = p->pw_uid };
	return p != NULL;
}

void here_look(const struct source *s, const struct host *host, struct arena *a,
	       struct medium_place *out)
{
	(void)s;
	(void)host;
	(void)a;
	*out = (struct medium_place){ 0 };
}
