/* What Packer refuses of a template as a whole: names that nobody declared, blocks that it does
 * not know, calls where they may not stand.
 * Packer, hcl2template/; packer-plugin-sdk, template/parse.go; asked of Packer 1.6.6.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "analyze/config/hcl_lex.h"
#include "base/suggest.h"
#include "base/banned.h"

enum { WORDS_MAX = 12 };

static const struct node *own_root(const struct unit *u)
{
	return u->packer && u->doc && u->doc->kind == NODE_MAP ? u->doc : NULL;
}

static enum packer_syntax syntax_of(const struct unit *u)
{
	return u->packer->files.v[0]->syntax;
}

static const char *near_of(const char *word, const char *const *words)
{
	struct suggestion s = { .word = word };

	for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
		suggest(&s, words[i]);
	return s.best;
}

static bool is_word(struct str s, const char *const *words)
{
	for (size_t i = 0; i < WORDS_MAX && words[i]; i++) {
		if (str_is(s, words[i]))
			return true;
	}
	return false;
}

/* ---- packer-block-unknown ---- */

static const char *const hcl_root[WORDS_MAX] = {
	"packer", "source", "variable", "variables",           "local",
	"locals", "data",   "build",    "hcp_packer_registry", "communicator",
};
static const char *const legacy_root[WORDS_MAX] = {
	"builders",           "provisioners", "post-processors",
	"variables",          "description",  "sensitive-variables",
	"min_packer_version", "push",         "error-cleanup-provisioner",
};
static const char *const in_build[WORDS_MAX] = {
	"name",           "description",
	"sources",        "source",
	"provisioner",    "error-cleanup-provisioner",
	"post-processor", "post-processors",
	"from",           "hcp_packer_registry",
};
static const char *const in_variable[WORDS_MAX] = {
	"type", "default", "description", "sensitive", "validation", "ephemeral",
};

static bool is_remark(const struct unit *u, const struct node *n)
{
	if (!node_is_content(n) || node_is_open(n) || n->key.n == 0 ||
	    str_is(n->key, "dynamic"))
		return true;
	return syntax_of(u) == PACKER_LEGACY
		       ? n->key.p[0] == '_' && n->kind == NODE_SCALAR
		       : str_is(n->key, "//");
}

static void check_within(struct scan *s, const struct unit *u, const struct node *map,
			 const char *const *words, const char *where)
{
	for_each_node (n, map) {
		const char *near;
		struct finding *f;

		if (is_remark(u, n) || is_word(n->key, words))
			continue;
		near = near_of(scan_printf(s, "%.*s", STR_ARG(n->key)), words);
		f = report(s, n->key_at, "Packer knows no '%s' in %s%s%s",
			   shown(s, n->key), where, near ? ", expected " : "",
			   near ? near : "");
		report_label(s, f, PACKER_REFUSES);
		/* Packer has learned new blocks before. */
		if (!near && syntax_of(u) != PACKER_LEGACY)
			report_lower(f);
	}
}

static void check_blocks(struct scan *s, const struct unit *u)
{
	const struct node *root = own_root(u);
	bool legacy = root && syntax_of(u) == PACKER_LEGACY;

	if (!root)
		return;
	check_within(s, u, root, legacy ? legacy_root : hcl_root, "a template");
	if (syntax_of(u) != PACKER_HCL)
		return;
	for_each_node (n, root) {
		if (n->is_block && str_is(n->key, "build"))
			check_within(s, u, n, in_build, "a build");
		else if (n->is_block && str_is(n->key, "variable"))
			check_within(s, u, n, in_variable, "a variable");
	}
}

/* ---- names within expressions ---- */

/* var.name, or another root: which place of the text has the name. */
struct reference {
	struct str root, name;
	size_t at; /* of the name */
};

struct reader {
	void (*see)(const struct reference *r, void *data);
	void *data;
	unsigned depth;
};

static void read_code(const struct reader *r, struct view text, size_t base);

static void read_string(const struct reader *r, struct view inside, size_t base,
			bool heredoc)
{
	struct hcl_piece piece;
	size_t from = 0;

	while (hcl_piece(inside, heredoc, &from, &piece)) {
		if (piece.is_code)
			read_code(r, piece.at, base + (size_t)(piece.at.p - inside.p));
	}
}

static void read_code(const struct reader *r, struct view text, size_t base)
{
	struct reader deeper = { r->see, r->data, r->depth + 1 };
	struct reference ref = { 0 };
	bool member = false;

	for (struct hcl_token t = hcl_lex(text, 0);
	     t.kind != HCL_END && t.kind != HCL_BAD; t = hcl_lex(text, t.end)) {
		struct str word = str_view(view_cut(text, t.at, t.end - t.at));

		if (t.kind == HCL_STRING && t.templated && r->depth < 16)
			read_string(&deeper, view_cut(text, t.at + 1, t.end - t.at - 2),
				    base + t.at + 1, false);
		if (t.kind == HCL_HEREDOC && t.templated && r->depth < 16)
			read_string(&deeper, view_cut(text, t.body, t.lines - t.body),
				    base + t.body, true);
		if (t.kind == HCL_NAME && member && ref.root.n) {
			ref.name = word;
			ref.at = base + t.at;
			r->see(&ref, r->data);
		}
		if (t.kind == HCL_NAME)
			ref.root = member ? STR("") : word;
		else if (t.kind != HCL_MARK || t.op != '.')
			ref.root = STR("");
		member = t.kind == HCL_MARK && t.op == '.';
	}
}

/* ---- packer-undeclared ---- */

struct undeclared {
	struct scan *s;
	const struct unit *u;
	size_t known, unknown;
};

static const char *declared(const struct packer_module *m, struct scan *s, bool local,
			    struct str name, bool *is)
{
	const struct packer_name *v = local ? m->locals.v : m->variables.v;
	size_t n = local ? m->locals.n : m->variables.n;
	struct suggestion near = { .word = scan_printf(s, "%.*s", STR_ARG(name)) };

	*is = false;
	for (size_t i = 0; i < n; i++) {
		*is = *is || str_eq(v[i].name, name);
		suggest(&near, scan_printf(s, "%.*s", STR_ARG(v[i].name)));
	}
	return near.best;
}

static void count_undeclared(const struct reference *r, void *data)
{
	struct undeclared *d = data;
	bool local = str_is(r->root, "local"), is;

	if (!local && !str_is(r->root, "var"))
		return;
	declared(d->u->packer, d->s, local, r->name, &is);
	d->known += is;
	d->unknown += !is;
}

static void see_undeclared(const struct reference *r, void *data)
{
	const struct undeclared *d = data;
	bool local = str_is(r->root, "local"), is;
	const char *near;
	struct finding *f;

	if (!local && !str_is(r->root, "var"))
		return;
	near = declared(d->u->packer, d->s, local, r->name, &is);
	if (is)
		return;
	f = report(d->s, (struct span){ d->u->doc->open_at.src, r->at, r->name.n },
		   "%.*s.%s is declared nowhere in the template%s%s", STR_ARG(r->root),
		   shown(d->s, r->name), near ? ", expected " : "", near ? near : "");
	report_label(d->s, f, PACKER_REFUSES ": there is no such attribute");
}

static void check_undeclared(struct scan *s, const struct unit *u)
{
	struct undeclared d = { s, u, 0, 0 };
	const struct reader count = { count_undeclared, &d, 0 };
	const struct reader r = { see_undeclared, &d, 0 };

	/* [for var in list : var.name] */
	if (!own_root(u) || !u->packer->whole || syntax_of(u) != PACKER_HCL ||
	    str_has(str_view(u->text), "for var") ||
	    str_has(str_view(u->text), "for local"))
		return;
	read_code(&count, u->text, 0);
	/* A piece of a template, away from the rest. */
	if (d.unknown < d.known)
		read_code(&r, u->text, 0);
}

/* ---- packer-source-unknown ---- */

static bool is_source(const struct packer_module *m, const struct packer_use *use)
{
	for (size_t i = 0; i < m->sources.n; i++) {
		if (str_eq(m->sources.v[i].labels[0], use->type) &&
		    str_eq(m->sources.v[i].labels[1], use->name))
			return true;
	}
	for (size_t i = 0; i < m->elsewhere.n; i++) {
		if (str_eq(m->elsewhere.v[i].labels[0], use->type) &&
		    str_eq(m->elsewhere.v[i].labels[1], use->name))
			return true;
	}
	return false;
}

static void check_uses(struct scan *s, const struct unit *u)
{
	const struct packer_module *m = u->packer;

	for (size_t i = 0; own_root(u) && m->whole && i < m->uses.n; i++) {
		const struct packer_use *use = &m->uses.v[i];

		if (use->file->name || is_source(m, use) ||
		    memchr(use->name.p, '*', use->name.n))
			continue;
		report_label(s,
			     report(s, use->at,
				    "a build takes the source %s.%s, and the template "
				    "has none of that name",
				    shown(s, use->type), shown(s, use->name)),
			     PACKER_REFUSES ": unknown source");
	}
}

/* ---- packer-source-twice ---- */

static struct str name_of(const struct packer_block *b)
{
	const struct node *name = node_child(b->body, "name");

	if (b->file->syntax != PACKER_LEGACY)
		return b->labels[1];
	if (!name)
		return b->labels[0];
	return name->kind == NODE_SCALAR && !name->from ? name->text : STR("");
}

static bool same_source(const struct packer_block *a, const struct packer_block *b)
{
	bool legacy = a->file->syntax == PACKER_LEGACY;

	return name_of(a).n > 0 && str_eq(name_of(a), name_of(b)) &&
	       (legacy || str_eq(a->labels[0], b->labels[0]));
}

static void check_twice(struct scan *s, const struct unit *u)
{
	const struct packer_module *m = u->packer;

	for (size_t i = 1; own_root(u) && i < m->sources.n && i < 256; i++) {
		const struct packer_block *b = &m->sources.v[i];
		bool legacy = b->file->syntax == PACKER_LEGACY;

		for (size_t k = 0; k < i; k++) {
			const struct packer_block *first = &m->sources.v[k];
			struct finding *f;

			if (!same_source(b, first))
				continue;
			f = report(s, b->label_at[legacy ? 0 : 1],
				   legacy ? "a second builder '%s', expected another name"
					  : "a second source '%s' of that type, expected "
					    "another name",
				   shown(s, name_of(b)));
			report_label(s, f, PACKER_REFUSES);
			report_related(s, f, first->label_at[legacy ? 0 : 1],
				       "the first one");
			break;
		}
	}
}

/* ---- packer-plugin-source, packer-plugin-missing ---- */

static size_t slashes(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '/';
	return n;
}

/* NULL: nothing is wrong with it; else where, and what to say of it. */
static const char *plugin_fault(struct scan *s, const struct packer_plugin *p,
				struct span *at)
{
	const struct node *source = node_child(p->node, "source");
	const char *name = shown(s, p->name);

	*at = p->node->key_at;
	if (p->node->kind == NODE_SCALAR)
		return scan_printf(
			s,
			"the plugin %s is '%s', expected an object with source "
			"and version",
			name, shown(s, p->node->text));
	if (p->node->kind != NODE_MAP)
		return NULL;
	if (!node_child(p->node, "version"))
		return scan_printf(s,
				   "the plugin %s has no version, expected one such as "
				   "\">= 1.0.0\"",
				   name);
	if (!source)
		return scan_printf(s,
				   "the plugin %s has no source, expected a host, a "
				   "folder and a name",
				   name);
	if (source->kind != NODE_SCALAR ||
	    (slashes(source->text) >= 2 && !str_has(source->text, "://")))
		return NULL;
	*at = source->text_at;
	return scan_printf(s,
			   "the plugin's source is '%s', expected a host, a folder and a "
			   "name, as github.com/hashicorp/qemu",
			   shown(s, source->text));
}

static void check_plugins(struct scan *s, const struct unit *u)
{
	const struct packer_module *m = u->packer;

	for (size_t i = 0; own_root(u) && i < m->plugins.n; i++) {
		const struct packer_plugin *p = &m->plugins.v[i];
		const char *fault;
		struct span at;

		if (p->file->name)
			continue;
		fault = plugin_fault(s, p, &at);
		if (fault)
			report_label(s, report(s, at, "%s", fault),
				     "packer init refuses the template");
	}
}

static bool serves(struct str plugin, struct str type)
{
	return plugin.n && type.n >= plugin.n &&
	       memcmp(plugin.p, type.p, plugin.n) == 0 &&
	       (type.n == plugin.n || type.p[plugin.n] == '-');
}

static void check_missing(struct scan *s, const struct unit *u)
{
	const struct packer_module *m = u->packer;

	if (!own_root(u) || !m->whole || m->plugins.n == 0)
		return;
	for (size_t i = 0; i < u->nbuilders; i++) {
		const struct builder *b = &u->builders[i];
		size_t k = 0;

		while (k < m->plugins.n && !serves(m->plugins.v[k].name, b->type))
			k++;
		if (k < m->plugins.n || !b->complete || !b->kind)
			continue;
		report_label(
			s,
			report(s, b->type_at,
			       "required_plugins has others, and none for a source "
			       "of %s",
			       shown(s, b->type)),
			"packer init does not install it: Packer 1.10 and later have "
			"no builders of their own");
	}
}

const struct rule rules_packer_template[] = {
	{ .id = "packer-block-unknown",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a block or member of a template that Packer does not know",
	  .why = "Packer refuses it: blocks of this type are not expected here, or "
		 "unknown root level key. In JSON a name that begins with _ and has a "
		 "string is a remark.",
	  .steps = "Spell it as the documentation does, or remove it.",
	  .source = "Packer, hcl2template/; packer-plugin-sdk, template/parse.go",
	  .since = "0.1.0",
	  CHECK(unit, check_blocks) },
	{ .id = "packer-plugin-missing",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a source whose plugin is not required",
	  .why = "packer init installs what required_plugins names. The build then works "
		 "only where somebody has installed the plugin by hand.",
	  .steps = "Add the plugin to required_plugins, with its source and version.",
	  .source = "Packer 1.10, \"Plugin loading workflow\"",
	  .since = "0.1.0",
	  CHECK(unit, check_missing) },
	{ .id = "packer-plugin-source",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a plugin from a place that is no place",
	  .why = "A plugin's source is a host, a folder and a name, without https://. "
		 "packer init refuses others, and an entry without a version.",
	  .steps = "source = \"github.com/hashicorp/qemu\"",
	  .source = "Packer, hcl2template/addrs/plugin.go",
	  .since = "0.1.0",
	  CHECK(unit, check_plugins) },
	{ .id = "packer-source-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two builders of one name",
	  .why = "Packer refuses it: each source must have a unique name per type, and "
		 "each builder in JSON a name, which is its type where none is given.",
	  .steps = "Give one of them another name.",
	  .source = "Packer, hcl2template/types.source.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK(unit, check_twice) },
	{ .id = "packer-source-unknown",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a build of a source that is not there",
	  .why = "Packer refuses it: unknown source. The files of a folder are one "
		 "template, and none of them has it.",
	  .steps = "Name the source as it is declared: source.TYPE.NAME.",
	  .source = "Packer, hcl2template/types.build.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK(unit, check_uses) },
	{ .id = "packer-undeclared",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a variable or local that nobody declared",
	  .why = "Packer refuses it: this object does not have an attribute named so. "
		 "All files of the folder were read, and none declares it.",
	  .steps = "Declare it, or spell it as it is declared.",
	  .source = "Packer, hcl2template/parser.go; asked of Packer 1.6.6",
	  .since = "0.1.0",
	  CHECK(unit, check_undeclared) },
};
RULES_END(packer_template);
