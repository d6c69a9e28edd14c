/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_module.h"
#include "analyze/beside.h"
#include "analyze/config/hcl.h"
#include "analyze/config/json.h"

#include "base/banned.h"

/* ---- blocks of any syntax ---- */

typedef void (*block_fn)(struct packer_module *m, const struct packer_block *b);

struct walk {
	struct packer_module *m;
	unsigned labels;
	block_fn fn;
};

/* HCL in JSON: each level of labels, and the bodies, may be an object or an array of such. */
static void flatten(const struct walk *w, struct node *n, unsigned level,
		    struct packer_block *b)
{
	if (n->kind == NODE_LIST) {
		for (struct node *c = n->first; c; c = c->next) {
			if (c->kind == NODE_MAP)
				flatten(w, c, level, b);
		}
	} else if (n->kind == NODE_MAP && level == w->labels) {
		b->body = n;
		w->fn(w->m, b);
	} else if (n->kind == NODE_MAP) {
		for (struct node *c = n->first; c; c = c->next) {
			b->labels[level] = c->key;
			b->label_at[level] = c->key_at;
			if (!str_is(c->key, "//"))
				flatten(w, c, level + 1, b);
		}
	}
}

static void native(const struct walk *w, struct node *n, struct packer_block *b)
{
	unsigned labels = 0;

	for_each_node (c, n) {
		if (c->kind != NODE_LABEL)
			continue;
		if (labels < w->labels) {
			b->labels[labels] = c->text;
			b->label_at[labels] = c->text_at;
		}
		labels++;
	}
	b->body = n;
	if (n->is_block && labels == w->labels)
		w->fn(w->m, b);
}

static void each_block(const struct walk *w, const struct packer_file *file,
		       struct node *within, const char *name)
{
	for (struct node *n = within->first; n; n = n->next) {
		struct packer_block b = { .file = file };

		if (!node_is_content(n) || !str_is(n->key, name))
			continue;
		if (file->syntax == PACKER_HCL)
			native(w, n, &b);
		else
			flatten(w, n, 0, &b);
	}
}

/* ---- what they say ---- */

static void add_names(struct packer_name **v, size_t *n, size_t *cap, struct arena *a,
		      const struct packer_file *file, const struct node *map)
{
	for_each_node (c, map) {
		struct packer_name *name;

		if (c->is_block || !node_is_content(c) || str_is(c->key, "//"))
			continue;
		*v = vec_grow(*v, *n, cap, sizeof(**v), a);
		name = &(*v)[(*n)++];
		*name = (struct packer_name){ file, c->key, c->key_at, c, NULL };
	}
}

#define ADD_NAMES(m, member, file, map)                                                  \
	add_names(&(m)->member.v, &(m)->member.n, &(m)->member.cap, (m)->a, (file), (map))

static void on_variable(struct packer_module *m, const struct packer_block *b)
{
	*vec_add(&m->variables, m->a) =
		(struct packer_name){ b->file, b->labels[0], b->label_at[0],
				      node_child(b->body, "default"), b->body };
}

static void on_variables(struct packer_module *m, const struct packer_block *b)
{
	ADD_NAMES(m, variables, b->file, b->body);
}

static void on_local(struct packer_module *m, const struct packer_block *b)
{
	*vec_add(&m->locals, m->a) =
		(struct packer_name){ b->file, b->labels[0], b->label_at[0],
				      node_child(b->body, "expression"), b->body };
}

static void on_locals(struct packer_module *m, const struct packer_block *b)
{
	ADD_NAMES(m, locals, b->file, b->body);
}

static void on_source(struct packer_module *m, const struct packer_block *b)
{
	*vec_add(&m->sources, m->a) = *b;
}

/* "source.qemu.x", or the same without quotes. */
static bool add_use(struct packer_module *m, const struct packer_file *file,
		    struct str words, struct span at, struct node *body)
{
	const char *dot;
	struct packer_use u = { .file = file, .at = at, .body = body };

	if (str_starts(words, "source."))
		words = (struct str){ words.p + 7, words.n - 7 };
	dot = memchr(words.p, '.', words.n);
	if (!dot || memchr(words.p, '$', words.n) || memchr(words.p, '(', words.n))
		return false;
	u.type = (struct str){ words.p, (size_t)(dot - words.p) };
	u.name = (struct str){ dot + 1, words.n - u.type.n - 1 };
	*vec_add(&m->uses, m->a) = u;
	return true;
}

static void on_build_source(struct packer_module *m, const struct packer_block *b)
{
	if (!add_use(m, b->file, b->labels[0], b->label_at[0], b->body))
		m->open_uses = true;
}

static void on_build(struct packer_module *m, const struct packer_block *b)
{
	const struct node *sources = node_child(b->body, "sources");
	const struct walk w = { m, 1, on_build_source };
	size_t first = m->uses.n;

	if (sources && sources->kind != NODE_LIST)
		m->open_uses = true;
	for (const struct node *c = sources ? sources->first : NULL; c; c = c->next) {
		/* local.all is no source; source.qemu.x was one without quotes once. */
		if ((c->kind != NODE_SCALAR && !str_starts(c->text, "source.")) ||
		    !add_use(m, b->file, c->text, c->text_at, NULL))
			m->open_uses = true;
	}
	each_block(&w, b->file, b->body, "source");
	for (size_t i = first; i < m->uses.n; i++)
		m->uses.v[i].build = b->body;
	if (node_child(b->body, "provisioner"))
		m->provisioned = true;
}

static struct str text_of(const struct node *n)
{
	return n && n->kind == NODE_SCALAR ? n->text : (struct str){ 0 };
}

static void on_plugins(struct packer_module *m, const struct packer_block *b)
{
	for_each_node (c, b->body) {
		struct packer_plugin p = { .file = b->file, .node = c, .name = c->key };

		if (!node_is_content(c))
			continue;
		if (c->kind == NODE_MAP) {
			p.version = text_of(node_child(c, "version"));
			p.source = text_of(node_child(c, "source"));
		}
		*vec_add(&m->plugins, m->a) = p;
	}
}

static void on_packer(struct packer_module *m, const struct packer_block *b)
{
	const struct walk w = { m, 0, on_plugins };

	each_block(&w, b->file, b->body, "required_plugins");
}

/* Of a legacy template; its builders have their type within. */
static void take_legacy(struct packer_module *m, const struct packer_file *file)
{
	const struct node *list = node_child(file->root, "builders");
	const struct node *variables = node_child(file->root, "variables");

	for (struct node *c = list ? list->first : NULL; c; c = c->next) {
		const struct node *type = node_child(c, "type");
		struct packer_block b = { .file = file, .body = c };

		if (c->kind != NODE_MAP || !type || type->kind != NODE_SCALAR)
			continue;
		b.labels[0] = type->text;
		b.label_at[0] = type->text_at;
		*vec_add(&m->sources, m->a) = b;
	}
	if (variables && variables->kind == NODE_MAP)
		ADD_NAMES(m, variables, file, variables);
}

static void take_file(struct packer_module *m, const struct packer_file *file)
{
	static const struct {
		const char *name;
		unsigned labels;
		block_fn fn;
	} known[] = {
		{ "variable", 1, on_variable }, { "variables", 0, on_variables },
		{ "local", 1, on_local },       { "locals", 0, on_locals },
		{ "source", 2, on_source },     { "build", 0, on_build },
		{ "packer", 0, on_packer },
	};

	*vec_add(&m->files, m->a) = file;
	if (file->syntax == PACKER_LEGACY) {
		take_legacy(m, file);
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct walk w = { m, known[i].labels, known[i].fn };

		each_block(&w, file, file->root, known[i].name);
	}
}

/* ---- the folder ---- */

static int by_text(const void *a, const void *b)
{
	const struct packer_name *x = a, *y = b;
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int order = n ? memcmp(x->name.p, y->name.p, n) : 0;

	return order ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static bool has_double(const struct packer_name *v, size_t n, struct arena *a)
{
	struct packer_name *sorted = arena_array(a, n, struct packer_name);

	if (n)
		memcpy(sorted, v, n * sizeof(*v));
	sort_stable(sorted, n, sizeof(*sorted), by_text);
	for (size_t i = 1; i < n; i++) {
		if (str_eq(sorted[i].name, sorted[i - 1].name))
			return true;
	}
	return false;
}

static bool source_twice(const struct packer_module *m)
{
	for (size_t i = 0; i < m->sources.n; i++) {
		for (size_t k = 0; k < i && i < 256; k++) {
			const struct packer_block *x = &m->sources.v[i];
			const struct packer_block *y = &m->sources.v[k];

			if (str_eq(x->labels[0], y->labels[0]) &&
			    str_eq(x->labels[1], y->labels[1]))
				return true;
		}
	}
	return false;
}

/* Packer refuses a folder that says a name twice: its files are templates of their own. */
static bool is_one(const struct packer_module *m)
{
	return !has_double(m->variables.v, m->variables.n, m->a) &&
	       !has_double(m->locals.v, m->locals.n, m->a) && !source_twice(m);
}

/* False: it is not what Packer would accept. */
static bool take_beside(struct packer_module *m, const struct beside_file *f)
{
	struct packer_file *file = arena_new(m->a, struct packer_file);
	const struct syntax_error *bad;
	struct err e = { 0 };
	bool json = str_ends(str_of(f->name), ".json");
	int rc;

	file->name = f->name;
	file->syntax = json ? PACKER_JSON : PACKER_HCL;
	rc = json ? json_read(&f->src, f->text, m->a, JSON_DOUBLES_ALLOWED, &file->root,
			      &bad, &e)
		  : hcl_read(&f->src, f->text, m->a, &file->root, &bad, &e);
	if (rc != 0 || !file->root || file->root->kind != NODE_MAP)
		return false;
	if (str_ends(str_of(f->name), ".auto.pkrvars.hcl") ||
	    str_ends(str_of(f->name), ".auto.pkrvars.json"))
		ADD_NAMES(m, given, file, file->root);
	else
		take_file(m, file);
	return true;
}

static bool take_folder(struct packer_module *m, const struct beside *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (!take_beside(m, &b->files[i]))
			return false;
	}
	return is_one(m);
}

/* The sources of other files are known now to be no doubles, and are not of this unit. */
static void drop_others(struct packer_module *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->sources.n; i++) {
		if (!m->sources.v[i].file->name)
			m->sources.v[kept++] = m->sources.v[i];
		else
			*vec_add(&m->elsewhere, m->a) = m->sources.v[i];
	}
	m->sources.n = kept;
}

static void read_folder(struct packer_module *m, const struct unit *u, struct node *root,
			enum packer_syntax syntax, struct arena *a)
{
	struct packer_file *own = arena_new(a, struct packer_file);
	const struct beside *b = u->src.beside;
	struct packer_module alone;

	*own = (struct packer_file){ .syntax = syntax, .root = root };
	*m = (struct packer_module){ .a = a, .text = u->text };
	take_file(m, own);
	alone = *m;
	if (syntax == PACKER_LEGACY || !b)
		return;
	if (!b->whole) {
		m->partial = true;
	} else if (take_folder(m, b)) {
		m->whole = true;
		drop_others(m);
	} else {
		/* The arrays may have grown in place behind what alone has of them. */
		*m = alone;
	}
}

/* ---- what the user gives ---- */

static bool begins_object(struct view text)
{
	struct str s = str_trim(str_view(text));

	return s.n > 0 && s.p[0] == '{';
}

struct packer_file *packer_var_file(const struct given_file *f, struct arena *a,
				    const char **why)
{
	struct packer_file *file = arena_new(a, struct packer_file);
	struct source *src = arena_new(a, struct source);
	const struct syntax_error *bad = NULL;
	bool json = begins_object(f->text);
	struct err e = { 0 };
	int rc;

	*src = source_of_bytes(f->path, f->text);
	file->name = f->path;
	file->syntax = json ? PACKER_JSON : PACKER_HCL;
	rc = json ? json_read(src, f->text, a, JSON_DOUBLES_REFUSED, &file->root, &bad,
			      &e)
		  : hcl_read(src, f->text, a, &file->root, &bad, &e);
	if (rc == 0 && file->root && file->root->kind == NODE_MAP)
		return file;
	*why = rc != 0 ? arena_str(a, str_of(e.msg))
	       : bad   ? bad->what
		       : "is no map of names and values";
	return NULL;
}

/* The text is the value, of the type that the variable's default has. */
static struct node *value_node(const struct packer_module *m, const struct given_var *v)
{
	struct node *n = arena_new(m->a, struct node);

	n->kind = NODE_SCALAR;
	n->text = str_of(v->value);
	for (size_t i = 0; i < m->variables.n; i++) {
		const struct packer_name *name = &m->variables.v[i];

		if (str_is(name->name, v->name) && name->value &&
		    name->value->kind == NODE_SCALAR && name->value->type != SCALAR_NULL)
			n->type = name->value->type;
	}
	/* A list, an object: whatever the variable's type makes of it. */
	if (strchr("[{", *v->value) && *v->value)
		n->kind = NODE_OPAQUE;
	return n;
}

/* What is given last counts, and --var more than any file. */
static void take_given(struct packer_module *m, const struct host *host)
{
	struct packer_file *line = arena_new(m->a, struct packer_file);
	const char *why;

	for (size_t i = 0; i < host->nvar_files; i++) {
		const struct packer_file *f =
			packer_var_file(&host->var_files[i], m->a, &why);

		if (f)
			ADD_NAMES(m, told, f, f->root);
	}
	/* No templates of HCL in it. */
	*line = (struct packer_file){ .name = "--var", .syntax = PACKER_LEGACY };
	for (size_t i = 0; i < host->nvars; i++)
		*vec_add(&m->told, m->a) =
			(struct packer_name){ .file = line,
					      .name = str_of(host->vars[i].name),
					      .value = value_node(m, &host->vars[i]) };
}

void packer_module(struct packer_module *m, const struct unit *u, struct node *root,
		   enum packer_syntax syntax, struct arena *a)
{
	read_folder(m, u, root, syntax, a);
	take_given(m, u->host);
}
