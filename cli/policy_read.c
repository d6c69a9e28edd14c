/* Reads a policy: keys and values into settings, those of what it extends first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/policy_load.h"
#include "analyze/config/yaml.h"
#include "cli/lines.h"

#include <stdlib.h>

#include "base/banned.h"

/* ---- complaints ---- */

static struct text_pos pos_of(struct loading *l, struct span at)
{
	struct lines lines = lines_of(l->text, l->a);

	return lines_pos(&lines, at.off);
}

int load_complain(struct loading *l, const struct node *n, const char *fmt, ...)
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

const char *load_text(struct loading *l, const struct node *n)
{
	return arena_str(l->a, n->text);
}

const char *load_shown(struct loading *l, struct str s)
{
	return str_shown(l->a, s);
}

/* ---- values ---- */

struct setting *load_setting(struct loading *l, enum setting_kind kind,
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

int load_unknown(struct loading *l, const struct node *n, const char *kind,
		 const struct suggestion *near, const char * or)
{
	const char *word = load_shown(l, str_of(near->word));

	if (near->best)
		return load_complain(l, n, "there is no %s '%s'; did you mean '%s'?",
				     kind, word, near->best);
	return load_complain(l, n, "there is no %s '%s'%s", kind, word, or);
}

static int find_rule(struct loading *l, const struct node *n, struct str id,
		     const struct rule **out)
{
	const struct team_rules team = { l->policy->team.v, l->policy->team.n };
	struct suggestion near = { .word = arena_str(l->a, id) };
	const struct rule *meant;

	*out = rule_of(&team, near.word, &meant);
	if (*out)
		return 0;
	near.best = meant ? meant->id : NULL;
	return load_unknown(l, n, "rule", &near, "; `vmend rules` lists them");
}

const struct word_value load_severities[] = { { "error", SEV_ERROR },
					      { "warning", SEV_WARNING },
					      { "note", SEV_NOTE },
					      { NULL, 0 } };
static const struct word_value levels[] = { { "error", SEV_ERROR },
					    { "warning", SEV_WARNING },
					    { "note", SEV_NOTE },
					    { "never", FAIL_NEVER },
					    { NULL, 0 } };
const struct word_value load_classes[] = { { "safe", FIX_SAFE },
					   { "unsafe", FIX_UNSAFE },
					   { "lossy", FIX_LOSSY },
					   { "never", FIX_NONE },
					   { NULL, 0 } };

int load_word(struct loading *l, const struct node *n, const struct word_value *words,
	      unsigned *out)
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
	rc = load_complain(l, n, "this takes %s", names.p);
	buf_free(&names);
	return rc;
}

int load_need(struct loading *l, const struct node *n, enum node_kind kind,
	      const char *what)
{
	return n->kind == kind ? 0 : load_complain(l, n, "this takes %s", what);
}

/* ---- keys ---- */

static int read_ids(struct loading *l, const struct node *n, enum setting_kind kind,
		    const char *key)
{
	const struct rule *r;

	if (load_need(l, n, NODE_LIST, "a list of rules") != 0)
		return -1;
	for_each_node (item, n) {
		if (load_need(l, item, NODE_SCALAR, "a rule") != 0 ||
		    find_rule(l, item, item->text, &r) != 0)
			return -1;
		load_setting(l, kind, item, key)->rule = r;
	}
	return 0;
}

static int read_levels(struct loading *l, const struct node *n, enum setting_kind kind,
		       const char *key, const struct word_value *words)
{
	const struct rule *r;
	unsigned v;

	if (load_need(l, n, NODE_MAP, "a map from rules to words") != 0)
		return -1;
	for_each_node (m, n) {
		struct setting *s;

		if (find_rule(l, m, m->key, &r) != 0 || load_word(l, m, words, &v) != 0)
			return -1;
		s = load_setting(l, kind, m, key);
		s->rule = r;
		s->value = v;
		s->word = load_text(l, m);
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
	return read_levels(l, n, SETTING_SEVERITY, "severity", load_severities);
}

static int read_fix(struct loading *l, const struct node *n)
{
	return read_levels(l, n, SETTING_FIX, "fix", load_classes);
}

static int read_fail_on(struct loading *l, const struct node *n)
{
	struct setting *s;
	unsigned v;

	if (load_word(l, n, levels, &v) != 0)
		return -1;
	s = load_setting(l, SETTING_FAIL_ON, n, "fail-on");
	s->value = v;
	s->word = load_text(l, n);
	return 0;
}

static int read_require_reason(struct loading *l, const struct node *n)
{
	static const struct word_value words[] = { { "true", true },
						   { "false", false },
						   { NULL, 0 } };
	struct setting *s;
	unsigned v;

	if (load_word(l, n, words, &v) != 0)
		return -1;
	s = load_setting(l, SETTING_REASONS, n, "require-reason");
	s->value = v;
	s->word = load_text(l, n);
	return 0;
}

static int load(struct loading *l);

static int read_extends(struct loading *l, const struct node *n)
{
	struct loading base = *l;
	if (load_need(l, n, NODE_SCALAR, "the path of another policy") != 0)
		return -1;
	if (l->depth == POLICY_EXTENDS_MAX)
		return load_complain(l, n, "more than %d policies extend each other",
				     POLICY_EXTENDS_MAX);
	base.path = load_path(l, n);
	base.depth++;
	return load(&base);
}

static int read_paths(struct loading *l, const struct node *n);

struct key_row {
	const char *name;
	int (*read)(struct loading *l, const struct node *n);
	bool in_paths;
};

static const struct key_row keys[] = {
#define KEY(name, read, in_paths, value, help) { name, read, in_paths },
#include "cli/policy.def"
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
		return load_unknown(l, m, "key", &near, in_paths ? " here" : "");
	}
	return 0;
}

static int read_keys(struct loading *l, const struct node *n, bool in_paths)
{
	if (load_need(l, n, NODE_MAP, "keys and values") != 0 ||
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
		buf_printf(&lines, "%s\n", load_text(l, n));
	else if (n->kind == NODE_LIST) {
		for_each_node (item, n)
			buf_printf(&lines, "%s\n", load_text(l, item));
	}
	if (lines.n <= 1) {
		buf_free(&lines);
		return load_complain(l, n,
				     "this takes a pattern as in .gitignore, or a list");
	}
	text = arena_str(l->a, (struct str){ lines.p, lines.n });
	buf_free(&lines);
	*out = ignore_parse(str_of(text), 0, NULL, l->a);
	return 0;
}

static int read_paths(struct loading *l, const struct node *n)
{
	if (load_need(l, n, NODE_LIST, "a list of entries with `files`") != 0)
		return -1;
	for_each_node (item, n) {
		const struct node *files = node_child(item, "files");
		struct loading inner = *l;

		if (!files)
			return load_complain(l, item,
					     "`files` is missing: which are meant?");
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

const char *load_path(struct loading *l, const struct node *n)
{
	const char *path = load_text(l, n);

	return *path == '/' ? path : arena_printf(l->a, "%s%s", l->folder, path);
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

int policy_read(struct policy *p, struct arena *a, struct err *e)
{
	struct loading l = { .policy = p, .a = a, .path = p->path, .within = "", .e = e };

	if (load(&l) != 0)
		return -1;
	policy_fill_hosts(p, a);
	return 0;
}
