/* Packer templates in three syntaxes: how a builder tells the model's facts.
 * packer-plugin-qemu, builder/qemu/config.go; packer-plugin-tart, builder/tart/builder.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer.h"
#include "analyze/beside.h"
#include "analyze/config/hcl.h"
#include "analyze/config/json.h"
#include "analyze/config/lens.h"
#include "analyze/config/packer_value.h"

#include "base/banned.h"

/* ---- lenses ---- */

static const struct lens vm_lenses[] = {
	LENS(vm, name, "vm_name"),
};

static const struct lens qemu_vm_lenses[] = {
	LENS(vm, name, "vm_name"),
	LENS(vm, machine, "machine_type"),
	LENS(vm, emulator, "qemu_binary"),
};

static const struct lens qemu_disk_lenses[] = {
	LENS(disk, format, "format"),
	LENS(disk, bus, "disk_interface"),
	LENS(disk, cache, "disk_cache"),
	LENS(disk, discard, "disk_discard"),
};

static const struct lens cdrom_lenses[] = {
	LENS(disk, source, "iso_url"),
	LENS(disk, bus, "cdrom_interface"),
};

static const struct lens proxmox_disk_lenses[] = {
	LENS(disk, format, "format"),
	LENS(disk, bus, "type"),
	LENS(disk, cache, "cache_mode"),
};

static const struct lens builder_lenses[] = {
	LENS(builder, vm_name, "vm_name"),
	LENS(builder, communicator, "communicator"),
	LENS(builder, disable_vnc, "disable_vnc"),
	LENS(builder, shutdown_command, "shutdown_command"),
	LENS(builder, format, "format"),
	LENS(builder, disk_image, "disk_image"),
	LENS(builder, use_backing_file, "use_backing_file"),
	LENS(builder, disk_size, "disk_size"),
	LENS(builder, from_ipsw, "from_ipsw"),
	LENS(builder, vm_base_name, "vm_base_name"),
	{ "create_grace_time", offsetof(struct builder, create_grace_time),
	  "create_grace_time", "from_ipsw" },
	LENS(builder, disk_format, "disk_format"),
	{ "recovery_partition", offsetof(struct builder, recovery_partition),
	  "recovery_partition", "disk_format" },
	LENS(builder, disk_size_gb, "disk_size_gb"),
	LENS(builder, allow_insecure, "allow_insecure"),
};

static const struct lens list_lenses[] = {
	LENS(builder, boot_command, "boot_command?"),
	LENS(builder, qemuargs, "qemuargs?"),
	LENS(builder, from_iso, "from_iso?"),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- facts ---- */

/* What is being lowered: one source, with what builds add to it. */
struct lowering {
	struct unit *unit;
	struct packer_module *m;
	struct packer_scope scope;
	const struct packer_block *source;
	const struct packer_use *added; /* the only use, and it adds something; or NULL */
	bool unseen;                    /* something may be said where we cannot see it */
};

static struct fact *fact_at(void *object, const struct lens *l)
{
	return (void *)((char *)object + l->offset);
}

/* Known and empty is what Packer's plugins take for not set; so is null. */
static void take_empty_for_absent(struct fact *f)
{
	const struct node *n =
		f->state == FACT_KNOWN ? lens_find(f->lens, f->owner) : NULL;

	if (n && n->kind == NODE_SCALAR &&
	    (n->type == SCALAR_NULL || (n->type == SCALAR_STRING && n->text.n == 0)))
		f->state = FACT_ABSENT;
}

/* The value of a "list?" fact: is there something in it? */
static void look_into_list(struct fact *f)
{
	const struct node *n =
		f->state == FACT_KNOWN ? lens_find(f->lens, f->owner) : NULL;

	if (!n)
		return;
	if (n->kind == NODE_OPAQUE)
		f->state = FACT_UNKNOWN;
	else if ((n->kind == NODE_LIST && !n->first) ||
		 (n->kind == NODE_SCALAR && (n->type == SCALAR_NULL || n->text.n == 0)))
		f->state = FACT_ABSENT;
}

static bool is_use(const struct lowering *l, const struct packer_use *u)
{
	return str_eq(u->type, l->source->labels[0]) &&
	       str_eq(u->name, l->source->labels[1]);
}

/* The source itself does not say it: a build may. What one says twice Packer refuses. */
static void read_added(struct lowering *l, const struct lens *lens, void *object)
{
	struct fact *f = fact_at(object, lens);

	for (size_t i = 0; i < l->m->uses.n; i++) {
		const struct packer_use *u = &l->m->uses.v[i];

		if (!u->body || !is_use(l, u) || !lens_find(lens, u->body))
			continue;
		if (u == l->added)
			lens_read(lens, 1, u->body, object);
		else
			f->state = FACT_UNKNOWN;
	}
	if (f->state == FACT_ABSENT && l->unseen)
		f->state = FACT_UNKNOWN;
}

static void read_facts(struct lowering *l, const struct lens *table, size_t n,
		       void *object)
{
	lens_read(table, n, l->source->body, object);
	for (size_t i = 0; i < n; i++) {
		struct fact *f = fact_at(object, &table[i]);

		if (f->state == FACT_ABSENT)
			read_added(l, &table[i], object);
		if (str_ends(str_of(table[i].path), "?"))
			look_into_list(f);
		else
			take_empty_for_absent(f);
	}
}

#define READ(l, table, object) read_facts((l), (table), COUNT(table), (object))

/* What the flavour implies: there is no word for it, and so it cannot be set. */
static struct fact stated(const struct node *owner, struct span at, const char *value)
{
	return (struct fact){
		.state = FACT_KNOWN, .v = str_of(value), .at = at, .owner = owner
	};
}

static void place_absent(struct fact *f, const struct node *owner)
{
	if (!f->owner)
		*f = (struct fact){ .at = owner->open_at, .owner = owner };
}

static void complete_disk(struct disk *d, const struct vm *vm, const struct node *node)
{
	struct fact *const facts[] = {
		&d->device,
		&d->type,
		&d->source,
		&d->format,
		&d->target,
		&d->bus,
		&d->cache,
		&d->io,
		&d->discard,
		&d->readonly,
		&d->shareable,
		&d->transient,
		&d->logical_block_size,
		&d->physical_block_size,
	};

	for (size_t i = 0; i < COUNT(facts); i++)
		place_absent(facts[i], node);
	d->vm = vm;
	d->node = node;
}

static void complete_vm(struct vm *vm, const struct node *node)
{
	struct fact *const facts[] = {
		&vm->name,    &vm->uuid,     &vm->type, &vm->arch,
		&vm->machine, &vm->emulator, &vm->acpi, &vm->ioapic,
	};

	for (size_t i = 0; i < COUNT(facts); i++)
		place_absent(facts[i], node);
	vm->flavour = FLAVOUR_PACKER;
	vm->node = node;
}

/* ---- qemu ---- */

/* kvm where it is there, else tcg. */
static struct fact qemu_type(const struct lowering *l)
{
	const struct packer_block *s = l->source;
	const struct node *n = node_child(s->body, "accelerator");
	const char *type = "qemu";

	if (n && n->kind != NODE_SCALAR)
		return (struct fact){ .state = FACT_UNKNOWN,
				      .v = n->text,
				      .at = n->whole,
				      .owner = s->body };
	if (n &&
	    (str_is(n->text, "kvm") || str_is(n->text, "hvf") || str_is(n->text, "xen")))
		type = arena_str(l->scope.a, n->text);
	return stated(s->body, s->label_at[0], type);
}

/* Rows of qemuargs take the place of all that the builder says with that option; nobody
 * knows what an expression says. */
static bool overrides(const struct node *body, const char *option)
{
	const struct node *args = node_child(body, "qemuargs");

	if (args && args->kind != NODE_LIST)
		return args->type != SCALAR_NULL || args->kind != NODE_SCALAR;
	for (const struct node *row = args ? args->first : NULL; row; row = row->next) {
		if (row->kind != NODE_LIST || !row->first ||
		    row->first->kind != NODE_SCALAR)
			return true;
		if (str_is(row->first->text, option))
			return true;
	}
	return false;
}

static size_t words_of(const struct node *n, struct str *to)
{
	size_t count = 0;

	for_each_node (c, n) {
		if (c->kind == NODE_LIST) {
			count += words_of(c, to ? to + count : NULL);
		} else {
			if (to)
				to[count] = c->text;
			count++;
		}
	}
	return count;
}

static void read_raw(struct lowering *l, struct vm *vm)
{
	const struct node *args = node_child(l->source->body, "qemuargs");
	struct str *raw;

	if (!args)
		return;
	if (args->kind != NODE_LIST) {
		raw = arena_new(l->scope.a, struct str);
		*raw = args->text;
		vm->nraw = 1;
	} else {
		raw = arena_array(l->scope.a, words_of(args, NULL), struct str);
		vm->nraw = words_of(args, raw);
	}
	vm->raw = raw;
}

/* A path of this machine; false: it is fetched from elsewhere. */
static bool local_path(struct str url, struct str *path)
{
	*path = url;
	if (str_starts(url, "file://"))
		*path = (struct str){ url.p + 7, url.n - 7 };
	return path->n && path->p[0] == '/' && !str_has(*path, "://") &&
	       !str_has(*path, "?");
}

/* The installation medium, where QEMU opens the very file that is named. */
static void read_cdrom(struct lowering *l, struct vm *vm, struct disk *d)
{
	const struct node *body = l->source->body;
	struct str path;

	READ(l, cdrom_lenses, d);
	if (!fact_known(&d->source) || !local_path(d->source.v, &path))
		return;
	d->source.v = path;
	d->device = stated(body, d->source.at, "cdrom");
	d->type = stated(body, d->source.at, "file");
	d->readonly = stated(body, d->source.at, "yes");
	d->mount = host_mount_of(l->unit->host, path);
	complete_disk(d, vm, body);
	vm->ndisks++;
}

static void lower_qemu(struct lowering *l, struct vm *vm)
{
	const struct node *body = l->source->body, *image;
	struct disk *disks = arena_array(l->scope.a, 2, struct disk);

	READ(l, qemu_vm_lenses, vm);
	vm->type = qemu_type(l);
	read_raw(l, vm);
	vm->disks = disks;
	if (overrides(body, "-drive") || l->unseen)
		return;
	READ(l, qemu_disk_lenses, &disks[0]);
	disks[0].device = stated(body, l->source->label_at[0], "disk");
	complete_disk(&disks[0], vm, body);
	vm->ndisks = 1;
	/* An image to start from is copied, a CD-ROM is not. */
	image = node_child(body, "disk_image");
	if (!image || (image->kind == NODE_SCALAR && !str_is(image->text, "true")))
		read_cdrom(l, vm, &disks[1]);
}

/* ---- proxmox ---- */

/* disks blocks; in JSON an object or an array of such. */
static size_t proxmox_disks(struct lowering *l, const struct node *n, struct vm *vm,
			    struct disk *to)
{
	size_t count = 0;

	if (n->kind == NODE_LIST) {
		for_each_node (c, n)
			count += proxmox_disks(l, c, vm, to ? to + count : NULL);
		return count;
	}
	if (n->kind != NODE_MAP)
		return 0;
	if (to) {
		lens_read(proxmox_disk_lenses, COUNT(proxmox_disk_lenses), n, to);
		complete_disk(to, vm, n);
	}
	return 1;
}

static size_t each_proxmox(struct lowering *l, struct vm *vm, struct disk *to)
{
	size_t count = 0;

	for_each_node (c, l->source->body) {
		if (str_is(c->key, "disks"))
			count += proxmox_disks(l, c, vm, to ? to + count : NULL);
	}
	return count;
}

static void lower_proxmox(struct lowering *l, struct vm *vm)
{
	size_t n = each_proxmox(l, vm, NULL);
	struct disk *disks = arena_array(l->scope.a, n, struct disk);

	READ(l, vm_lenses, vm);
	vm->type = stated(l->source->body, l->source->label_at[0], "kvm");
	vm->disks = disks;
	vm->ndisks = each_proxmox(l, vm, disks);
}

/* ---- all of them ---- */

static void lower_other(struct lowering *l, struct vm *vm)
{
	READ(l, vm_lenses, vm);
}

static const struct {
	const char *type;
	void (*lower)(struct lowering *l, struct vm *vm);
} kinds[] = {
	{ "qemu", lower_qemu },
	{ "tart-cli", lower_other },
	{ "virtualbox-iso", lower_other },
	{ "virtualbox-ovf", lower_other },
	{ "virtualbox-vm", lower_other },
	{ "vmware-iso", lower_other },
	{ "vmware-vmx", lower_other },
	{ "proxmox", lower_proxmox },
	{ "proxmox-iso", lower_proxmox },
	{ "proxmox-clone", lower_proxmox },
	{ "vsphere-iso", lower_other },
	{ "vsphere-clone", lower_other },
	{ "parallels-iso", lower_other },
	{ "parallels-pvm", lower_other },
	{ "hyperv-iso", lower_other },
	{ "hyperv-vmcx", lower_other },
	{ "utm-iso", lower_other },
	{ "libvirt", lower_other },
};

static size_t kind_of(struct str type)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (str_is(type, kinds[i].type))
			return i;
	}
	return COUNT(kinds);
}

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

static void find_uses(struct lowering *l)
{
	size_t uses = 0, own = 0;

	l->added = NULL;
	for (size_t i = 0; i < l->m->uses.n; i++) {
		const struct packer_use *u = &l->m->uses.v[i];

		if (!is_use(l, u))
			continue;
		uses++;
		own += u->file->name == NULL;
		if (u->file->name == NULL && u->body)
			l->added = u;
	}
	if (uses != 1)
		l->added = NULL;
	l->unseen = l->m->partial && own == 0;
}

static void lower(struct lowering *l, size_t kind, struct vm *vm, struct builder *b)
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
			       .syntax = s->file->syntax,
			       .provisioned = has_provisioners(l->m) };
	kinds[kind].lower(l, vm);
	vm->builder = b;
	complete_vm(vm, s->body);
	READ(l, builder_lenses, b);
	READ(l, list_lenses, b);
	read_plugin(l, b);
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
		size_t kind = kind_of(m->sources.v[i].labels[0]);

		l.source = &m->sources.v[i];
		if (kind == COUNT(kinds))
			continue;
		lower(&l, kind, &vms[u->nvms], &builders[u->nbuilders]);
		u->nvms++;
		u->nbuilders++;
	}
	return 0;
}

/* ---- the format ---- */

/* "builders": [{"type": "qemu" ... and "source": {"qemu": ... */
static bool tells_packer(const struct json_glance *g, void *data)
{
	enum packer_syntax *syntax = data;
	size_t named = 0;

	if (g->depth == 3 && str_is(g->names[0], "builders") &&
	    str_is(g->names[2], "type") && kind_of(g->text) < COUNT(kinds)) {
		*syntax = PACKER_LEGACY;
		return true;
	}
	if (!str_is(g->names[0], "source") || g->begins == '"')
		return false;
	for (size_t i = 1; i < g->depth; i++)
		named += g->names[i].n > 0;
	if (named != 1 || kind_of(g->names[g->depth - 1]) == COUNT(kinds))
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
		u->src.beside = beside_read(&u->src, endings, &u->arena);
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
	struct packer_module m;
	struct node *root;

	if (u->src.size > HCL_SIZE_MAX)
		return err_set(e, ERR_LIMIT,
			       "has %llu bytes, templates of up to %d are read",
			       (unsigned long long)u->src.size, HCL_SIZE_MAX);
	if (source_view(&u->src, &u->arena, 0, u->src.size, &u->text, e) != 0)
		return -1;
	probe(u->head, &syntax);
	if (read_tree(u, syntax, &root, e) != 0)
		return -1;
	u->doc = root;
	if (!root)
		return 0;
	if (syntax != PACKER_LEGACY)
		look_beside(u);
	packer_module(&m, u, root, syntax, &u->arena);
	return lower_all(u, &m, e);
}

const struct format format_packer = {
	.name = "packer",
	.title = "Packer template",
	.kind = FORMAT_TEXT,
	.probe = probe_packer,
	.read = read_packer,
};
