/* Which policy counts for a file, and what it says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

static const char file_name[] = ".vmend.yaml";

/* ---- which one ---- */

static bool is_there(const char *folder, const char *name, struct arena *a)
{
	return access(arena_printf(a, "%s%s", folder, name), F_OK) == 0;
}

/* Each is read once. */
static int load_policy(struct policies *all, const char *path, struct policy **out,
		       struct err *e)
{
	struct policy *p;

	for (size_t i = 0; i < all->all.n; i++) {
		if (strcmp(all->all.v[i]->path, path) == 0) {
			*out = all->all.v[i];
			return 0;
		}
	}
	p = arena_new(all->arena, struct policy);
	*p = (struct policy){ .path = path, .first = all->team.n };
	for (size_t i = 0; i < POLICY_HOSTS; i++)
		p->hosts[i] = *all->host;
	if (policy_read(p, all->arena, e) != 0)
		return -1;
	for (size_t i = 0; i < p->team.n; i++)
		*vec_add(&all->team, all->arena) = p->team.v[i];
	*vec_add(&all->all, all->arena) = p;
	*out = p;
	return 0;
}

/* Above a folder, whose path is absolute and ends with a slash. */
static int look_up(struct policies *p, const char *folder, struct policy **out,
		   struct err *e)
{
	const char *at = folder;

	*out = NULL;
	for (;;) {
		size_t n = strlen(at);

		if (is_there(at, file_name, p->arena))
			return load_policy(
				p, arena_printf(p->arena, "%s%s", at, file_name), out, e);
		/* What lies above a repository is nobody's decision about it. */
		if (n <= 1 || is_there(at, ".git", p->arena))
			return 0;
		for (n--; n > 0 && at[n - 1] != '/';)
			n--;
		at = arena_str(p->arena, (struct str){ at, n });
	}
}

static const char *folder_of_input(const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');
	const char *folder =
		slash ? arena_str(a, (struct str){ path, (size_t)(slash - path) + 1 })
		      : ".";
	char *real = realpath(folder, NULL);
	const char *out = real ? arena_printf(a, "%s%s", real, real[1] ? "/" : "") : NULL;

	free(real);
	return out;
}

int policy_of(struct policies *p, const char *path, struct policy **out, struct err *e)
{
	const char *slash = strrchr(path, '/'), *folder;
	struct str head = { path, slash ? (size_t)(slash - path) : 0 };
	struct policy_folder *row;

	*out = NULL;
	if (p->o->no_policy)
		return 0;
	if (p->o->policy)
		return load_policy(p, p->o->policy, out, e);
	for (size_t i = p->folders.n; i-- > 0;) {
		if (str_is(head, p->folders.v[i].path)) {
			*out = p->folders.v[i].policy;
			return 0;
		}
	}
	folder = folder_of_input(path, p->arena);
	if (folder && look_up(p, folder, out, e) != 0)
		return -1;
	row = vec_add(&p->folders, p->arena);
	*row = (struct policy_folder){ arena_str(p->arena, head), *out };
	return 0;
}

/* ---- what it says ---- */

/* A pattern may name a folder that the file is in. */
static bool matches(const struct ignore *files, struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] == '/' &&
		    ignore_match(files, (struct str){ path.p, i }, true))
			return true;
	}
	return ignore_match(files, path, false);
}

bool setting_is_about(const struct setting *s, const char *path)
{
	size_t n = strlen(s->folder);
	bool is = false;
	char *real;

	if (!s->files)
		return true;
	real = realpath(path, NULL);
	if (real && strncmp(real, s->folder, n) == 0)
		is = matches(s->files, str_of(real + n));
	free(real);
	return is;
}

const struct setting *policy_setting(const struct policy *p, enum setting_kind kind,
				     const struct rule *r, const char *path)
{
	for (size_t i = p ? p->settings.n : 0; i-- > 0;) {
		const struct setting *s = &p->settings.v[i];

		if (s->kind == kind && s->rule == r && setting_is_about(s, path))
			return s;
	}
	return NULL;
}

bool policy_has(const struct policy *p, const struct rule *r, const char *path)
{
	bool selects = false;

	for (size_t i = 0; p && i < p->settings.n; i++)
		selects |= p->settings.v[i].kind == SETTING_SELECT &&
			   setting_is_about(&p->settings.v[i], path);
	return (!selects || policy_setting(p, SETTING_SELECT, r, path)) &&
	       !policy_setting(p, SETTING_IGNORE, r, path);
}

enum severity policy_severity(const struct policy *p, const struct rule *r,
			      enum severity s, const char *path)
{
	const struct setting *x = policy_setting(p, SETTING_SEVERITY, r, path);

	return x ? (enum severity)x->value : s;
}

enum fix_class policy_fix_class(const struct policy *p, const struct rule *r,
				const char *path)
{
	const struct setting *x = policy_setting(p, SETTING_FIX, r, path);

	/* A rule without a fix gets none. */
	return x && r->fix_class >= FIX_SAFE ? (enum fix_class)x->value : r->fix_class;
}

/* What the command line says of all of them comes first: then the first host has it. */
const struct host *policy_host(const struct policy *p, const char *path)
{
	const struct setting *s = policy_setting(p, SETTING_SECTOR_SIZE, NULL, path);

	if (!s || p->hosts[0].sector_size)
		return &p->hosts[0];
	return &p->hosts[s->value == 512 ? 1 : 2];
}
