/* What this machine is like, as far as the command line says so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "analyze/config/hcl.h"
#include "analyze/config/packer_module.h"
#include "analyze/config/schema.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

/* A folder that must be there: a mistyped one would allow nothing. */
static int read_root(struct root *r, const char *option, const char *given,
		     const char *here, struct arena *a, struct err *e)
{
	char *real = realpath(given, NULL);
	struct stat st;

	if (!real || stat(real, &st) != 0 || !S_ISDIR(st.st_mode)) {
		free(real);
		return err_set(e, ERR_USAGE, "--%s %s: is not a folder", option,
			       str_shown(a, str_of(given)));
	}
	r->real = arena_str(a, str_of(real));
	r->given = *given == '/' || !here ? given : arena_printf(a, "%s/%s", here, given);
	free(real);
	return 0;
}

/* --allow-root, and where --path-map leads to. */
static int read_roots(struct host *h, const struct options *o, struct arena *a,
		      struct err *e)
{
	struct root *v = arena_array(a, o->allow_root.n + o->maps.n, struct root);
	struct path_map *maps = arena_array(a, o->maps.n, struct path_map);
	char *here = getcwd(NULL, 0);
	int rc = 0;

	h->roots = v;
	h->maps = maps;
	for (size_t i = 0; i < o->allow_root.n && rc == 0; i++)
		rc = read_root(&v[h->nroots++], "allow-root", o->allow_root.v[i], here, a,
			       e);
	for (size_t i = 0; i < o->maps.n && rc == 0; i++) {
		struct root *r = &v[h->nroots++];

		rc = read_root(r, "path-map", o->maps.v[i].to, here, a, e);
		maps[h->nmaps++] = (struct path_map){ o->maps.v[i].from, r->real };
	}
	free(here);
	return rc;
}

bool var_file_read(struct given_file *f, struct arena *a, const char **what)
{
	struct source s;
	struct err why;
	bool ok = false;

	*what = NULL;
	if (source_open(&s, f->path, SOURCE_READ, &why) == 0) {
		if (s.size > HCL_SIZE_MAX)
			*what = "is too large";
		else
			ok = source_view(&s, a, 0, s.size, &f->text, &why) == 0;
		source_close(&s);
	}
	if (!ok && !*what)
		*what = arena_str(a, str_of(why.msg));
	return ok && packer_var_file(f, a, what);
}

/* Each must be one: a mistyped name would leave variables as they are. */
static int read_var_file(struct given_file *f, struct arena *a, struct err *e)
{
	const char *what;

	if (var_file_read(f, a, &what))
		return 0;
	return err_set(e, ERR_USAGE, "--var-file %s: %s", str_shown(a, str_of(f->path)),
		       what);
}

static int read_vars(struct host *h, const struct options *o, struct arena *a,
		     struct err *e)
{
	struct given_file *v = arena_array(a, o->var_files.n, struct given_file);

	h->vars = o->vars.v;
	h->nvars = o->vars.n;
	h->var_files = v;
	for (size_t i = 0; i < o->var_files.n; i++) {
		v[i].path = o->var_files.v[i];
		if (read_var_file(&v[i], a, e) != 0)
			return -1;
		h->nvar_files++;
	}
	return 0;
}

/* ---- who runs the VMs ---- */

/* A named one has to be there; of the usual ones, which are of distributions, one may be. */
static int read_user(struct host *h, const struct options *o, struct arena *a,
		     struct err *e)
{
	static const char *const usual[] = { "libvirt-qemu", "qemu" };
	struct vm_user *u = arena_new(a, struct vm_user);

	h->here = o->host || o->host_user;
	if (o->host_user && !host_find_user(u, o->host_user, a))
		return err_set(e, ERR_USAGE, "--host-user %s: there is no such user",
			       str_shown(a, str_of(o->host_user)));
	for (size_t i = 0; h->here && !u->name && i < sizeof(usual) / sizeof(usual[0]);
	     i++)
		host_find_user(u, usual[i], a);
	h->user = u->name ? u : NULL;
	return 0;
}

/* Asked for, it has to be there: else all would seem to be well. */
static int read_schema(struct host *h, const struct options *o, struct arena *a,
		       struct err *e)
{
	struct err why;

	if (!o->schema && !o->schema_path)
		return 0;
	h->schema = schema_open(o->schema_path, &why);
	if (h->schema)
		return 0;
	if (!o->schema_path)
		return err_set(e, ERR_USAGE, "--schema: %s", why.msg);
	return err_set(e, ERR_USAGE, "--schema-path %s: %s",
		       str_shown(a, str_of(o->schema_path)), why.msg);
}

int read_host(struct host *h, const struct options *o, struct arena *a, struct err *e)
{
	struct err why;

	if (host_read(h, a, o->host_mounts, &why) == 0) {
		h->sector_size = o->sector_size;
		h->targets = o->targets.v;
		h->ntargets = o->targets.n;
		h->places = o->places.v;
		h->nplaces = o->places.n;
		if (read_user(h, o, a, e) != 0 || read_vars(h, o, a, e) != 0 ||
		    read_schema(h, o, a, e) != 0)
			return -1;
		return read_roots(h, o, a, e);
	}
	return err_set(e, ERR_USAGE, "--host-mounts %s: %s",
		       str_shown(a, str_of(o->host_mounts ? o->host_mounts : "")),
		       why.msg);
}
