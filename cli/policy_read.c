/* Reads a policy: keys and values into settings, those of what it extends first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy.h"
#include "analyze/config/yaml.h"
#include "cli/lines.h"

#include <stdlib.h>

#include "base/banned.h"

struct loading {
	struct policy *policy;
	struct arena *a;
	struct view text;
	const char *path;          /* of the file that is read */
	const char *folder;        /* of it */
	const struct ignore *only; /* `files` of the entry that is read */
	const char *within;        /* "" or "paths." : for names of keys */
	unsigned depth;
	struct err *e;
};

/* ---- complaints ---- */

static int complain(struct loading *l, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static struct text_pos pos_of(struct loading *l, struct span at)
{
	struct lines lines = lines_of(l->text, l->a);

	return lines_pos(&lines, at.off);
}

static int complain(struct loading *l, const struct node *n, const char *fmt, ...)
{
	struct text_pos at = pos_of(l, n->key_at.len ? n->key_at : n->whole);
	const char *what;
	va_list ap;

	va_start(ap, fmt);
	what = arena_vprintf(l->a, fmt, ap);
	va_end(ap);
	return err_set(l->e, ERR_USAGE, "%s:%llu:%llu: %s", l->path,
		       (unsigned long long)at.line, (unsigned long long)at.column, what);
}

static const char *text_of(struct loading *l, const struct node *n)
{
	return arena_str(l->a, n->text);
}

static const char *shown_text(struct loading *l, struct str s)
{
	return str_shown(l->a, s);
}

/* ---- values ---- */

static struct setting *add(struct loading *l, enum setting_kind kind,
			   const struct node *n, const char *key)
{
	struct setting *s = vec_add(&l->policy->settings, l->a);

	*s = (struct setting){ .kind = kind,
			       .files = l->only,
			       .folder = l->folder,
			       .path = l->path,
			       .key = arena_printf(l->a, "%s%s", l->within, key),
			       .line = pos_of(l, n->whole).line };
	return s;
}

static int find_rule(struct loading *l, const struct node *n, struct str id,
		     const struct rule **out)
{
	struct suggestion near = { .word = arena_str(l->a, id) };

	*out = rule_find(near.word);
	if (*out)
		return 0;
	for (const struct rule *r = rule_next(NULL); r; r = rule_next(r))
		suggest(&near, r->id);
	if (near.best)
		return complain(l, n, "there is no rule '%s'; did you mean '%s'?",
				shown_text(l, id), near.best);
	return complain(l, n, "there is no rule '%s'; `vmend rules` lists them",
			shown_text(l, id));
}

struct word_value {
	const char *word;
	unsigned value;
};

static const struct word_value severities[] = { { "error", SEV_ERROR },
						{ "warning", SEV_WARNING },
						{ "note", SEV_NOTE },
						{ NULL, 0 } };
static const struct word_value levels[] = { { "error", SEV_ERROR },
					    { "warning", SEV_WARNING },
					    { "note", SEV_NOTE },
					    { "never", FAIL_NEVER },
					    { NULL, 0 } };
static const struct word_value classes[] = { { "safe", FIX_SAFE },
					     { "unsafe", FIX_UNSAFE },
					     { "lossy", FIX_LOSSY },
					     { "never", FIX_NONE },
					     { NULL, 0 } };

static int read_word(struct loading *l, const struct node *n,
		     const struct word_value *words, unsigned *out)
{
	struct buf names = { 0 };
	int rc;

	for (const struct word_value *w = words; w->word; w++) {
		if (n->kind == NODE_SCALAR && str_is(n->text, w->word)) {
			*out = w->value;
			buf_free(&names);
			return 0;
		}
		buf_printf(&names, "%s%s",
			   w == words  ? ""
			   : w[1].word ? ", "
				       : " or ",
			   w->word);
	}
	rc = complain(l, n, "this takes %s", names.p);
	buf_free(&names);
	return rc;
}

static int need(struct loading *l, const struct node *n, enum node_kind kind,
		const char *what)
{
	return n->kind == kind ? 0 : complain(l, n, "this takes %s", what);
}

/* ---- keys ---- */

static int read_ids(struct loading *l, const struct node *n, enum setting_kind kind,
		    const char *key)
{
	const struct rule *r;

	if (need(l, n, NODE_LIST, "a list of rules") != 0)
		return -1;
	for_each_node (item, n) {
		if (need(l, item, NODE_SCALAR, "a rule") != 0 ||
		    find_rule(l, item, item->text, &r) != 0)
			return -1;
		add(l, kind, item, key)->rule = r;
	}
	return 0;
}

static int read_levels(struct loading *l, const struct node *n, enum setting_kind kind,
		       const char *key, const struct word_value *words)
{
	const struct rule *r;
	unsigned v;

	if (need(l, n, NODE_MAP, "a map from rules to words") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s;

		if (find_rule(l, m, m->key, &r) != 0 || read_word(l, m, words, &v) != 0)
			return -1;
		s = add(l, kind, m, key);
		s->rule = r;
		s->value = v;
		s->word = text_of(l, m);
	}
	return 0;
}

/* What it extended selected counts no more. */
static int read_select(struct loading *l, const struct node *n)
{
	struct policy *p = l->policy;
	size_t kept = 0;

	for (size_t i = 0; i < p->settings.n; i++) {
		if (l->only || p->settings.v[i].kind != SETTING_SELECT)
			p->settings.v[kept++] = p->settings.v[i];
	}
	p->settings.n = kept;
	return read_ids(l, n, SETTING_SELECT, "select");
}

static int read_ignore(struct loading *l, const struct node *n)
{
	return read_ids(l, n, SETTING_IGNORE, "ignore");
}

static int read_unsuppressable(struct loading *l, const struct node *n)
{
	return read_ids(l, n, SETTING_UNSUPPRESSABLE, "unsuppressable");
}

static int read_severity(struct loading *l, const struct node *n)
{
	return read_levels(l, n, SETTING_SEVERITY, "severity", severities);
}

static int read_fix(struct loading *l, const struct node *n)
{
	return read_levels(l, n, SETTING_FIX, "fix", classes);
}

static int read_fail_on(struct loading *l, const struct node *n)
{
	struct setting *s;
	unsigned v;

	if (read_word(l, n, levels, &v) != 0)
		return -1;
	s = add(l, SETTING_FAIL_ON, n, "fail-on");
	s->value = v;
	s->word = text_of(l, n);
	return 0;
}

/* Relative to the policy's own folder. */
static int read_folder(struct loading *l, const struct node *n, const char **out)
{
	const char *path;
	char *real;

	if (need(l, n, NODE_SCALAR, "a folder") != 0)
		return -1;
	path = text_of(l, n);
	if (*path != '/')
		path = arena_printf(l->a, "%s%s", l->folder, path);
	real = realpath(path, NULL);
	if (!real)
		return complain(l, n, "there is no folder '%s'", shown_text(l, n->text));
	*out = arena_str(l->a, str_of(real));
	free(real);
	return 0;
}

static int read_roots(struct loading *l, const struct node *n)
{
	const char *folder;

	if (need(l, n, NODE_LIST, "a list of folders") != 0)
		return -1;
	for_each_node (item, n) {
		if (read_folder(l, item, &folder) != 0)
			return -1;
		add(l, SETTING_ROOT, item, "allow-root")->word = folder;
	}
	return 0;
}

static int read_maps(struct loading *l, const struct node *n)
{
	const char *folder;

	if (need(l, n, NODE_MAP, "a map from absolute paths to folders") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s;

		if (!str_starts(m->key, "/"))
			return complain(l, m, "an absolute path stands here, not '%s'",
					shown_text(l, m->key));
		if (read_folder(l, m, &folder) != 0)
			return -1;
		s = add(l, SETTING_MAP, m, "path-map");
		s->name = arena_str(l->a, m->key);
		s->word = folder;
	}
	return 0;
}

static int read_targets(struct loading *l, const struct node *n)
{
	if (need(l, n, NODE_MAP, "a map from programs to versions") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s = add(l, SETTING_TARGET, m, "target");

		s->name = arena_str(l->a, m->key);
		s->word = text_of(l, m);
		if (m->kind != NODE_SCALAR || !version_parse(m->text, &s->version))
			return complain(l, m,
					"a version looks like 6.10.0, not like '%s'",
					shown_text(l, m->text));
	}
	return 0;
}

static int load(struct loading *l);

static int read_extends(struct loading *l, const struct node *n)
{
	struct loading base = *l;
	const char *path;

	if (need(l, n, NODE_SCALAR, "the path of another policy") != 0)
		return -1;
	if (l->depth == POLICY_EXTENDS_MAX)
		return complain(l, n, "more than %d policies extend each other",
				POLICY_EXTENDS_MAX);
	path = text_of(l, n);
	base.path = *path == '/' ? path : arena_printf(l->a, "%s%s", l->folder, path);
	base.depth++;
	return load(&base);
}

static int read_paths(struct loading *l, const struct node *n);

struct key_row {
	const char *name;
	int (*read)(struct loading *l, const struct node *n);
	bool in_paths;
};

/* In the order in which they are read, which is not that of the file: what is extended comes
 * first, what is about some files last. */
static const struct key_row keys[] = {
	{ "extends", read_extends, false },
	{ "select", read_select, true },
	{ "ignore", read_ignore, true },
	{ "severity", read_severity, true },
	{ "fix", read_fix, true },
	{ "unsuppressable", read_unsuppressable, true },
	{ "fail-on", read_fail_on, false },
	{ "allow-root", read_roots, false },
	{ "path-map", read_maps, false },
	{ "target", read_targets, false },
	{ "paths", read_paths, false },
};

enum { NKEYS = sizeof(keys) / sizeof(keys[0]) };

static int check_keys(struct loading *l, const struct node *n, bool in_paths)
{
	for_each_node (m, n) {
		struct suggestion near = { .word = arena_str(l->a, m->key) };
		bool known = in_paths && str_is(m->key, "files");

		for (size_t i = 0; i < NKEYS; i++) {
			if (in_paths && !keys[i].in_paths)
				continue;
			known |= str_is(m->key, keys[i].name);
			suggest(&near, keys[i].name);
		}
		if (known)
			continue;
		if (near.best)
			return complain(l, m,
					"there is no key '%s'%s; did you mean '%s'?",
					shown_text(l, m->key), in_paths ? " here" : "",
					near.best);
		return complain(l, m, "there is no key '%s'%s", shown_text(l, m->key),
				in_paths ? " here" : "");
	}
	return 0;
}

static int read_keys(struct loading *l, const struct node *n, bool in_paths)
{
	if (need(l, n, NODE_MAP, "keys and values") != 0 ||
	    check_keys(l, n, in_paths) != 0)
		return -1;
	for (size_t i = 0; i < NKEYS; i++) {
		const struct node *m = node_child(n, keys[i].name);

		if (m && (!in_paths || keys[i].in_paths) && keys[i].read(l, m) != 0)
			return -1;
	}
	return 0;
}

/* Patterns as in .gitignore, one a line for its parser. */
static int read_files(struct loading *l, const struct node *n, const struct ignore **out)
{
	struct buf lines = { 0 };
	char *text;

	if (n->kind == NODE_SCALAR)
		buf_printf(&lines, "%s\n", text_of(l, n));
	else if (n->kind == NODE_LIST) {
		for_each_node (item, n)
			buf_printf(&lines, "%s\n", text_of(l, item));
	}
	if (lines.n <= 1) {
		buf_free(&lines);
		return complain(l, n, "this takes a pattern as in .gitignore, or a list");
	}
	text = arena_str(l->a, (struct str){ lines.p, lines.n });
	buf_free(&lines);
	*out = ignore_parse(str_of(text), 0, NULL, l->a);
	return 0;
}

static int read_paths(struct loading *l, const struct node *n)
{
	if (need(l, n, NODE_LIST, "a list of entries with `files`") != 0)
		return -1;
	for_each_node (item, n) {
		const struct node *files = node_child(item, "files");
		struct loading inner = *l;

		if (!files)
			return complain(l, item, "`files` is missing: which are meant?");
		inner.within = "paths.";
		if (read_files(l, files, &inner.only) != 0 ||
		    read_keys(&inner, item, true) != 0)
			return -1;
	}
	return 0;
}

/* ---- a file ---- */

static int read_text(struct loading *l)
{
	struct source src;
	struct err e = { 0 };
	int rc = -1;

	if (source_open(&src, l->path, SOURCE_READ, &e) == 0) {
		rc = src.size <= POLICY_SIZE_MAX
			     ? source_view(&src, l->a, 0, src.size, &l->text, &e)
			     : err_set(&e, ERR_LIMIT, "it has more than 1 MiB");
		source_close(&src);
	}
	return rc == 0 ? 0 : err_set(l->e, ERR_USAGE, "%s: %s", l->path, e.msg);
}

static const char *folder_of(const char *path, struct arena *a)
{
	char *real = realpath(path, NULL);
	const char *slash = real ? strrchr(real, '/') : NULL, *folder = "/";

	if (slash)
		folder = arena_str(a, (struct str){ real, (size_t)(slash - real) + 1 });
	free(real);
	return folder;
}

static int load(struct loading *l)
{
	const struct syntax_error *bad = NULL;
	struct node *root = NULL;
	struct source src;

	if (read_text(l) != 0)
		return -1;
	l->folder = folder_of(l->path, l->a);
	src = source_of_bytes(l->path, l->text);
	if (yaml_read(&src, l->text, l->a, &root, &bad, l->e) != 0) {
		l->e->code = ERR_USAGE;
		return -1;
	}
	if (bad)
		return err_set(l->e, ERR_USAGE, "%s:%llu: %s", l->path,
			       (unsigned long long)pos_of(l, bad->at).line, bad->what);
	/* An empty file decides nothing. */
	if (root->kind == NODE_STREAM && !root->first)
		return 0;
	return read_keys(l, root, false);
}

static void add_to_host(struct policy *p, struct arena *a)
{
	size_t n = p->settings.n;
	struct root *roots = arena_array(a, p->host.nroots + n, struct root);
	struct path_map *maps = arena_array(a, p->host.nmaps + n, struct path_map);
	struct target_program *targets =
		arena_array(a, p->host.ntargets + n, struct target_program);
	size_t nroots = 0, nmaps = 0, ntargets = 0;

	/* What the command line says counts more: of maps and roots the first does, of
	 * targets the last. */
	for (; nmaps < p->host.nmaps; nmaps++)
		maps[nmaps] = p->host.maps[nmaps];
	for (; nroots < p->host.nroots; nroots++)
		roots[nroots] = p->host.roots[nroots];
	for (size_t i = 0; i < n; i++) {
		const struct setting *s = &p->settings.v[i];

		if (s->kind == SETTING_TARGET)
			targets[ntargets++] =
				(struct target_program){ s->name, s->version };
	}
	for (size_t i = 0; i < p->host.ntargets; i++)
		targets[ntargets++] = p->host.targets[i];
	while (n-- > 0) {
		const struct setting *s = &p->settings.v[n];

		if (s->kind == SETTING_MAP)
			maps[nmaps++] = (struct path_map){ s->name, s->word };
		if (s->kind == SETTING_ROOT || s->kind == SETTING_MAP)
			roots[nroots++] = (struct root){ s->word, s->word };
	}
	p->host.roots = roots;
	p->host.nroots = nroots;
	p->host.maps = maps;
	p->host.nmaps = nmaps;
	p->host.targets = targets;
	p->host.ntargets = ntargets;
}

static void forbid_suppressing(struct policy *p, struct arena *a)
{
	const struct rule **v = arena_array(a, p->settings.n, const struct rule *);

	for (size_t i = 0; i < p->settings.n; i++) {
		if (p->settings.v[i].kind == SETTING_UNSUPPRESSABLE)
			v[p->host.nunsuppressable++] = p->settings.v[i].rule;
	}
	p->host.unsuppressable = v;
}

int policy_read(struct policy *p, struct arena *a, struct err *e)
{
	struct loading l = { .policy = p, .a = a, .path = p->path, .within = "", .e = e };

	if (load(&l) != 0)
		return -1;
	add_to_host(p, a);
	forbid_suppressing(p, a);
	return 0;
}
