/* Packer templates in three syntaxes: what a template says with the files beside it, builder
 * by builder.
 * Packer, "Templates"; required_plugins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer.h"
#include "analyze/beside.h"
#include "analyze/config/hcl.h"
#include "analyze/config/json.h"
#include "analyze/config/packer_fields.h"
#include "analyze/config/packer_lower.h"

#include "base/banned.h"

/* ---- builders ---- */

static bool takes_type(struct str plugin, struct str type)
{
	return plugin.n && type.n >= plugin.n &&
	       memcmp(type.p, plugin.p, plugin.n) == 0 &&
	       (type.n == plugin.n || type.p[plugin.n] == '-');
}

/* hashicorp's own, and those of Tart, whose home has moved. */
static bool is_known_source(struct str source)
{
	return source.n == 0 || str_starts(source, "github.com/hashicorp/") ||
	       str_is(source, "github.com/cirruslabs/tart") ||
	       str_is(source, "github.com/openai/tart");
}

/* Something runs in the guest once it is there. */
static bool has_provisioners(const struct packer_module *m)
{
	for (size_t i = 0; i < m->files.n; i++) {
		const struct packer_file *f = m->files.v[i];

		if (f->syntax == PACKER_LEGACY && node_child(f->root, "provisioners"))
			return true;
	}
	return m->provisioned;
}

static void read_plugin(const struct lowering *l, struct builder *b)
{
	struct version told;

	for (size_t i = 0; i < l->m->plugins.n; i++) {
		const struct packer_plugin *p = &l->m->plugins.v[i];

		if (!takes_type(p->name, b->type))
			continue;
		plugin_constrain(&b->plugin, p->version);
		b->foreign = !is_known_source(p->source);
	}
	if (!str_is(b->type, "tart-cli"))
		return;
	told = host_version(l->unit->host, "packer-plugin-tart");
	if (told.known) {
		b->plugin.from = b->plugin.below = told;
		b->plugin.below.part[2]++;
	}
}

static void add_members(struct lowering *l, struct builder *b, const struct node *map)
{
	bool fold = b->syntax == PACKER_LEGACY;

	for_each_node (c, map) {
		if (node_is_content(c))
			*vec_add(&b->members, &l->unit->arena) =
				(struct packer_member){ c, packer_field(b->kind, c->key,
									fold) };
	}
}

/* Which members it has, when it is known which it may have. */
static void read_members(struct lowering *l, struct builder *b)
{
	b->kind = b->foreign ? 0 : packer_kind_of(b->type);
	if (b->kind)
		add_members(l, b, b->node);
	if (b->kind && b->added)
		add_members(l, b, b->added);
}

static bool is_use(const struct lowering *l, const struct packer_use *u)
{
	return str_eq(u->type, l->source->labels[0]) &&
	       str_eq(u->name, l->source->labels[1]);
}

static void find_uses(struct lowering *l)
{
	const struct packer_use *only;
	size_t own = 0;

	l->uses.n = 0;
	for (size_t i = 0; i < l->m->uses.n; i++) {
		const struct packer_use *u = &l->m->uses.v[i];

		if (!is_use(l, u))
			continue;
		*vec_add(&l->uses, l->scope.a) = u;
		own += u->file->name == NULL;
	}
	only = l->uses.n == 1 ? l->uses.v[0] : NULL;
	l->added = only && own && only->body ? only : NULL;
	l->unseen = l->m->partial && own == 0;
}

static bool is_complete(const struct lowering *l)
{
	return l->source->file->syntax == PACKER_LEGACY || (l->m->whole && l->uses.n > 0);
}

static void lower(struct lowering *l, struct vm *vm, struct builder *b)
{
	const struct packer_block *s = l->source;

	if (s->file->syntax != PACKER_LEGACY)
		find_uses(l);
	packer_resolve(&l->scope, s->body, s->file->syntax, 3);
	if (l->added)
		packer_resolve(&l->scope, l->added->body, s->file->syntax, 3);
	*b = (struct builder){ .vm = vm,
			       .node = s->body,
			       .type = s->labels[0],
			       .type_at = s->label_at[0],
			       .name = s->labels[1],
			       .complete = is_complete(l),
			       .syntax = s->file->syntax,
			       .module = l->m,
			       .added = l->added ? l->added->body : NULL,
			       .provisioned = has_provisioners(l->m) };
	read_plugin(l, b);
	read_members(l, b);
	packer_lower(l, vm, b);
}

static int lower_all(struct unit *u, struct packer_module *m, struct err *e)
{
	struct lowering l = {
		.unit = u,
		.m = m,
		.scope = { .m = m, .a = &u->arena, .left = PACKER_STEPS_MAX },
	};
	struct builder *builders =
		arena_try_array(&u->arena, m->sources.n, struct builder);
	struct vm *vms = arena_try_array(&u->arena, m->sources.n, struct vm);

	if (!builders || !vms)
		return err_set(e, ERR_LIMIT,
			       "has more builders than memory is allowed for");
	u->vms = vms;
	u->builders = builders;
	for (size_t i = 0; i < m->sources.n; i++) {
		l.source = &m->sources.v[i];
		if (!packer_is_builder(l.source->labels[0]))
			continue;
		lower(&l, &vms[u->nvms], &builders[u->nbuilders]);
		u->nvms++;
		u->nbuilders++;
	}
	if (l.full)
		return err_set(e, ERR_LIMIT,
			       "has more qemuargs than memory is allowed for");
	return 0;
}

/* ---- the format ---- */

/* "builders": [{"type": "qemu" ... and "source": {"qemu": ... */
static bool tells_packer(const struct json_glance *g, void *data)
{
	enum packer_syntax *syntax = data;
	size_t named = 0;

	if (g->depth == 3 && str_is(g->names[0], "builders") &&
	    str_is(g->names[2], "type") && packer_is_builder(g->text)) {
		*syntax = PACKER_LEGACY;
		return true;
	}
	if (!str_is(g->names[0], "source") || g->begins == '"')
		return false;
	for (size_t i = 1; i < g->depth; i++)
		named += g->names[i].n > 0;
	if (named != 1 || !packer_is_builder(g->names[g->depth - 1]))
		return false;
	*syntax = PACKER_JSON;
	return true;
}

static bool tells_hcl(const struct hcl_glance *g, void *data)
{
	(void)data;
	return g->block &&
	       (g->label.n ? str_is(g->name, "source")
			   : str_is(g->name, "build") || str_is(g->name, "packer"));
}

static bool probe(struct view head, enum packer_syntax *syntax)
{
	if (json_skim(head, 4, tells_packer, syntax))
		return true;
	*syntax = PACKER_HCL;
	return hcl_skim(head, tells_hcl, NULL);
}

static bool probe_packer(struct view head, const struct source *s)
{
	enum packer_syntax syntax;

	(void)s;
	return probe(head, &syntax);
}

/* A folder is one template, of the files that have such names. */
static void look_beside(struct unit *u)
{
	static const char *const endings[] = { ".pkr.hcl", ".pkr.json",
					       ".auto.pkrvars.hcl", ".auto.pkrvars.json",
					       NULL };
	struct str name = str_of(u->src.path);

	if (!u->src.beside && u->src.fd >= 0 &&
	    (str_ends(name, endings[0]) || str_ends(name, endings[1])))
		u->src.beside =
			beside_read(&u->src, endings, u->host->listings, &u->arena);
}

static int read_tree(struct unit *u, enum packer_syntax syntax, struct node **root,
		     struct err *e)
{
	switch (syntax) {
	case PACKER_HCL:
		return hcl_read(&u->src, u->text, &u->arena, root, &u->syntax, e);
	case PACKER_JSON:
		return json_read(&u->src, u->text, &u->arena, JSON_DOUBLES_ALLOWED, root,
				 &u->syntax, e);
	case PACKER_LEGACY:
		return json_read(&u->src, u->text, &u->arena, JSON_DOUBLES_REFUSED, root,
				 &u->syntax, e);
	}
	BUG("syntax %u", syntax);
}

static int read_packer(struct unit *u, struct err *e)
{
	enum packer_syntax syntax = PACKER_HCL;
	struct packer_module *m = arena_new(&u->arena, struct packer_module);
	struct node *root;

	if (u->src.size > HCL_SIZE_MAX)
		return err_set(e, ERR_LIMIT,
			       "has %llu bytes, templates of up to %d are read",
			       (unsigned long long)u->src.size, HCL_SIZE_MAX);
	if (unit_read_text(u, e) != 0)
		return -1;
	probe(u->head, &syntax);
	if (read_tree(u, syntax, &root, e) != 0)
		return -1;
	u->doc = root;
	if (!root)
		return 0;
	if (syntax != PACKER_LEGACY)
		look_beside(u);
	packer_module(m, u, root, syntax, &u->arena);
	u->packer = m;
	return lower_all(u, m, e);
}

const struct format format_packer = {
	.name = "packer",
	.title = "Packer template",
	.kind = FORMAT_TEXT,
	.probe = probe_packer,
	.read = read_packer,
};
