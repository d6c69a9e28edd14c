/* What a policy says about the machine: folders, mounts, sectors, versions, variables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/jsonw.h"
#include "cli/policy_load.h"

#include <stdlib.h>

#include "base/banned.h"

/* ---- keys ---- */

/* Relative to the policy's own folder. */
static int read_folder(struct loading *l, const struct node *n, const char **out)
{
	char *real;

	if (load_need(l, n, NODE_SCALAR, "a folder") != 0)
		return -1;
	real = realpath(load_path(l, n), NULL);
	if (!real)
		return load_complain(l, n, "there is no folder '%s'",
				     load_shown(l, n->text));
	*out = arena_str(l->a, str_of(real));
	free(real);
	return 0;
}

int load_roots(struct loading *l, const struct node *n)
{
	const char *folder;

	if (load_need(l, n, NODE_LIST, "a list of folders") != 0)
		return -1;
	for_each_node (item, n) {
		if (read_folder(l, item, &folder) != 0)
			return -1;
		load_setting(l, SETTING_ROOT, item, "allow-root")->word = folder;
	}
	return 0;
}

static int need_absolute(struct loading *l, const struct node *m)
{
	return str_starts(m->key, "/")
		       ? 0
		       : load_complain(l, m, "an absolute path stands here, not '%s'",
				       load_shown(l, m->key));
}

int load_maps(struct loading *l, const struct node *n)
{
	const char *folder;

	if (load_need(l, n, NODE_MAP, "a map from absolute paths to folders") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s;

		if (need_absolute(l, m) != 0 || read_folder(l, m, &folder) != 0)
			return -1;
		s = load_setting(l, SETTING_MAP, m, "path-map");
		s->name = arena_str(l->a, m->key);
		s->word = folder;
	}
	return 0;
}

int load_targets(struct loading *l, const struct node *n)
{
	if (load_need(l, n, NODE_MAP, "a map from programs to versions") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s = load_setting(l, SETTING_TARGET, m, "target");

		s->name = arena_str(l->a, m->key);
		s->word = load_text(l, m);
		if (m->kind != NODE_SCALAR || !version_parse(m->text, &s->version))
			return load_complain(l, m,
					     "a version looks like 6.10.0, not like '%s'",
					     load_shown(l, m->text));
	}
	return 0;
}

/* "nfs", "nfs vers=3 nolock": what a mount says of itself. */
int load_networks(struct loading *l, const struct node *n)
{
	if (load_need(l, n, NODE_MAP, "a map from absolute paths to file systems") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s;

		if (need_absolute(l, m) != 0 ||
		    load_need(l, m, NODE_SCALAR, "a file system such as nfs or cifs") !=
			    0)
			return -1;
		s = load_setting(l, SETTING_NETWORK, m, "network-path");
		s->name = arena_str(l->a, m->key);
		s->word = load_text(l, m);
	}
	return 0;
}

int load_sector_size(struct loading *l, const struct node *n)
{
	static const struct word_value sizes[] = { { "512", 512 },
						   { "4096", 4096 },
						   { NULL, 0 } };
	struct setting *s;
	unsigned v;

	if (load_word(l, n, sizes, &v) != 0)
		return -1;
	s = load_setting(l, SETTING_SECTOR_SIZE, n, "sector-size");
	s->value = v;
	s->word = load_text(l, n);
	return 0;
}

int load_vars(struct loading *l, const struct node *n)
{
	if (load_need(l, n, NODE_MAP, "a map from names to values") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s;

		if (load_need(l, m, NODE_SCALAR,
			      "a value; lists and objects come from a var-file") != 0)
			return -1;
		s = load_setting(l, SETTING_VAR, m, "var");
		s->name = arena_str(l->a, m->key);
		s->word = load_text(l, m);
		s->value = m->type;
	}
	return 0;
}

int load_var_files(struct loading *l, const struct node *n)
{
	if (load_need(l, n, NODE_LIST, "a list of files") != 0)
		return -1;
	for_each_node (item, n) {
		struct given_file f = { 0 };
		struct setting *s;
		const char *what;

		if (load_need(l, item, NODE_SCALAR, "a file") != 0)
			return -1;
		f.path = load_path(l, item);
		if (!var_file_read(&f, l->a, &what))
			return load_complain(l, item, "'%s': %s",
					     load_shown(l, item->text), what);
		s = load_setting(l, SETTING_VAR_FILE, item, "var-file");
		s->word = f.path;
		s->file = f;
	}
	return 0;
}

/* ---- the machine ---- */

/* Of maps and roots the first one counts, of all else the last: what the command line says
 * comes first. */
static void add_folders(struct policy *p, struct host *h, struct arena *a)
{
	size_t n = p->settings.n, nmaps = h->nmaps, nroots = h->nroots;
	struct root *roots = arena_array(a, nroots + n, struct root);
	struct path_map *maps = arena_array(a, nmaps + n, struct path_map);

	for (size_t i = 0; i < nmaps; i++)
		maps[i] = h->maps[i];
	for (size_t i = 0; i < nroots; i++)
		roots[i] = h->roots[i];
	while (n-- > 0) {
		const struct setting *s = &p->settings.v[n];

		if (s->kind == SETTING_MAP)
			maps[nmaps++] = (struct path_map){ s->name, s->word };
		if (s->kind == SETTING_ROOT || s->kind == SETTING_MAP)
			roots[nroots++] = (struct root){ s->word, s->word };
	}
	h->roots = roots;
	h->nroots = nroots;
	h->maps = maps;
	h->nmaps = nmaps;
}

static void add_targets(struct policy *p, struct host *h, struct arena *a)
{
	size_t n = 0;
	struct target_program *v =
		arena_array(a, p->settings.n + h->ntargets, struct target_program);

	for (size_t i = 0; i < p->settings.n; i++) {
		const struct setting *s = &p->settings.v[i];

		if (s->kind == SETTING_TARGET)
			v[n++] = (struct target_program){ s->name, s->version };
	}
	for (size_t i = 0; i < h->ntargets; i++)
		v[n++] = h->targets[i];
	h->targets = v;
	h->ntargets = n;
}

/* A mount that is there on the machines which the configs are for. */
static struct mount mount_of(const struct setting *s, size_t number, struct arena *a)
{
	char *words = arena_str(a, str_of(s->word));
	char *options = words + strcspn(words, " ,");

	if (*options)
		*options++ = '\0';
	for (char *c = options; *c; c++) {
		if (*c == ' ')
			*c = ',';
	}
	return (struct mount){ .dir = s->name,
			       .fstype = words,
			       .source = s->name,
			       .options = options,
			       .id = UINT32_MAX - (unsigned)number };
}

static void add_mounts(struct policy *p, struct host *h, struct arena *a)
{
	struct mount *v = arena_array(a, p->settings.n + h->nmounts, struct mount);
	size_t n = h->nmounts;

	for (size_t i = 0; i < n; i++)
		v[i] = h->mounts[i];
	for (size_t i = 0; i < p->settings.n; i++) {
		if (p->settings.v[i].kind == SETTING_NETWORK)
			v[n++] = mount_of(&p->settings.v[i], i, a);
	}
	h->mounts_known |= n > h->nmounts;
	h->mounts = v;
	h->nmounts = n;
}

/* The policy's own variables, as a file of them: it comes behind its files, and before what the
 * command line names. */
static struct given_file var_text(struct policy *p, struct arena *a)
{
	struct given_file f = { .path = p->path };
	struct buf text = { 0 };
	struct jsonw j = { .out = &text };

	jsonw_object(&j, NULL);
	for (size_t i = 0; i < p->settings.n; i++) {
		const struct setting *s = &p->settings.v[i];
		uint64_t number;

		if (s->kind != SETTING_VAR)
			continue;
		if (s->value == SCALAR_BOOL)
			jsonw_bool(&j, s->name, strcmp(s->word, "true") == 0);
		else if (s->value == SCALAR_NUMBER && str_u64(str_of(s->word), &number))
			jsonw_u64(&j, s->name, number);
		else
			jsonw_cstr(&j, s->name, s->word);
	}
	jsonw_object_end(&j);
	f.text = arena_copy(a, str_bytes((struct str){ text.p, text.n }));
	buf_free(&text);
	return f;
}

static void add_vars(struct policy *p, struct host *h, struct arena *a)
{
	struct given_file *v =
		arena_array(a, p->settings.n + h->nvar_files + 1, struct given_file);
	size_t n = 0;

	for (size_t i = 0; i < p->settings.n; i++) {
		if (p->settings.v[i].kind == SETTING_VAR_FILE)
			v[n++] = p->settings.v[i].file;
	}
	v[n++] = var_text(p, a);
	for (size_t i = 0; i < h->nvar_files; i++)
		v[n++] = h->var_files[i];
	h->var_files = v;
	h->nvar_files = n;
}

static void add_rules(struct policy *p, struct host *h, struct arena *a)
{
	const struct setting *reasons = policy_setting(p, SETTING_REASONS, NULL, p->path);
	const struct rule **v = arena_array(a, p->settings.n, const struct rule *);

	for (size_t i = 0; i < p->settings.n; i++) {
		if (p->settings.v[i].kind == SETTING_UNSUPPRESSABLE)
			v[h->nunsuppressable++] = p->settings.v[i].rule;
	}
	h->unsuppressable = v;
	h->team = p->team.v;
	h->nteam = p->team.n;
	h->has_policy = true;
	h->needs_reasons = reasons && reasons->value;
}

void policy_fill_hosts(struct policy *p, struct arena *a)
{
	struct host *h = &p->hosts[0];

	add_folders(p, h, a);
	add_targets(p, h, a);
	add_mounts(p, h, a);
	add_vars(p, h, a);
	add_rules(p, h, a);
	for (size_t i = 1; i < POLICY_HOSTS; i++) {
		p->hosts[i] = *h;
		p->hosts[i].sector_size = i == 1 ? 512 : 4096;
	}
}
