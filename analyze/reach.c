/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/reach.h"
#include "analyze/beneath.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

/* ---- paths ---- */

char *path_folder(const char *path, struct arena *a)
{
	const char *end = strrchr(path, '/');

	if (!end)
		return arena_str(a, STR("."));
	return arena_str(a, (struct str){ path, end == path ? 1 : (size_t)(end - path) });
}

/* With all links resolved; NULL: there is no such path. */
static const char *real_path(const char *path, struct arena *a)
{
	char *p = realpath(path, NULL);
	const char *copy = p ? arena_str(a, str_of(p)) : NULL;

	free(p);
	return copy;
}

struct reach reach_of(const struct source *s, const struct host *host, struct arena *a)
{
	struct reach r = { .host = host };

	const char *real = s->fd >= 0 ? real_path(s->path, a) : NULL;

	if (!real)
		return r;
	r.root = path_folder(real, a);
	r.given = path_folder(s->path, a);
	r.folder = real_path(r.given, a);
	if (!r.folder)
		r.folder = r.given = r.root;
	return r;
}

/* dir is resolved: so ".." at the begin of a name can be taken from it without asking. */
static const char *join_resolved(const char *dir, const char *name, struct arena *a)
{
	size_t n = strlen(dir);

	for (;; name += strspn(name, "/")) {
		if (strncmp(name, "./", 2) == 0) {
			name += 2;
		} else if (strncmp(name, "../", 3) == 0) {
			name += 3;
			while (n > 0 && dir[n - 1] != '/')
				n--;
			while (n > 0 && dir[n - 1] == '/')
				n--;
		} else {
			break;
		}
	}
	while (n > 0 && dir[n - 1] == '/')
		n--;
	return arena_printf(a, "%.*s/%s", (int)n, dir, name);
}

/* What path is below root; NULL: nothing. */
static const char *below(const char *root, const char *path)
{
	size_t n = strlen(root);

	while (n > 0 && root[n - 1] == '/')
		n--;
	if (strncmp(path, root, n) != 0 || path[n] != '/')
		return NULL;
	return path + n + strspn(path + n, "/");
}

/* The longest one that fits decides. */
static const char *mapped(const struct host *h, const char *name, struct arena *a)
{
	const struct path_map *best = NULL;

	for (size_t i = 0; i < h->nmaps; i++) {
		const struct path_map *m = &h->maps[i];

		if (below(m->from, name) &&
		    (!best || strlen(m->from) > strlen(best->from)))
			best = m;
	}
	return best ? arena_printf(a, "%s/%s", best->to, below(best->from, name)) : name;
}

const char *reach_path(const struct reach *r, const char *name, struct arena *a)
{
	return *name == '/' ? mapped(r->host, name, a)
			    : join_resolved(r->folder, name, a);
}

const char *reach_shown(const struct reach *r, const char *path, struct arena *a)
{
	const char *rest = r->folder ? below(r->folder, path) : NULL;

	if (!rest)
		return path;
	return strcmp(r->given, ".") == 0 ? rest
					  : arena_printf(a, "%s/%s", r->given, rest);
}

/* ---- files ---- */

typedef int beneath_fn(const char *root, const char *rel, struct stat *st, int *why);

/* Below root it is, by its text; whether it really is, the system says. */
static bool try_root(beneath_fn *fn, const char *root, const char *path, int *out,
		     struct stat *st, int *why)
{
	const char *rel = root ? below(root, path) : NULL;

	if (!rel)
		return false;
	*out = fn(root, rel, st, why);
	return *out >= 0 || (*why != EXDEV && *why != ELOOP);
}

static int within(beneath_fn *fn, const struct reach *r, const char *path,
		  struct stat *st, int *why)
{
	const struct host *h = r->host;
	bool done;
	int out = -1;

	*why = EXDEV;
	done = try_root(fn, r->root, path, &out, st, why);
	for (size_t i = 0; !done && i < h->nroots; i++)
		done = try_root(fn, h->roots[i].real, path, &out, st, why) ||
		       try_root(fn, h->roots[i].given, path, &out, st, why);
	return out;
}

int reach_open(const struct reach *r, const char *path, struct stat *st, int *why)
{
	return within(beneath_open, r, path, st, why);
}

int reach_look(const struct reach *r, const char *path, struct stat *st, int *why)
{
	return within(beneath_look, r, path, st, why);
}
