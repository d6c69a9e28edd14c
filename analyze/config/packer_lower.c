/* What builders of all kinds have in common, and which kinds there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_lower.h"
#include "analyze/config/packer_fields.h"

#include "base/banned.h"

static const struct lens builder_lenses[] = {
#define SCALAR(name) LENS(builder, name, #name),
#include "analyze/config/packer_facts.def"
	LENS(builder, vtpm, "vTPM"),
	{ "create_grace_time", offsetof(struct builder, create_grace_time),
	  "create_grace_time", "from_ipsw" },
	{ "recovery_partition", offsetof(struct builder, recovery_partition),
	  "recovery_partition", "disk_format" },
};

static const struct lens list_lenses[] = {
#define LIST(name) LENS(builder, name, #name "?"),
#include "analyze/config/packer_facts.def"
};

const struct node *builder_member(const struct builder *b, const char *name)
{
	const struct node *n = node_child(b->node, name);

	return n || !b->added ? n : node_child(b->added, name);
}

struct str builder_text(const struct builder *b, struct span at)
{
	return str_view(view_cut(b->module->text, (size_t)at.off, (size_t)at.len));
}

/* ---- facts ---- */

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

/* The source itself does not say it: a build may. What one says twice Packer refuses. */
static void read_added(struct lowering *l, const struct lens *lens, void *object)
{
	struct fact *f = fact_at(object, lens);

	for (size_t i = 0; i < l->uses.n; i++) {
		const struct packer_use *u = l->uses.v[i];

		if (!u->body || !lens_find(lens, u->body))
			continue;
		if (u == l->added)
			lens_read(lens, 1, u->body, object);
		else
			f->state = FACT_UNKNOWN;
	}
	if (f->state == FACT_ABSENT && l->unseen)
		f->state = FACT_UNKNOWN;
}

void packer_read(struct lowering *l, const struct lens *table, size_t n, void *object)
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

void packer_read_map(const struct lens *table, size_t n, const struct node *map,
		     void *object)
{
	lens_read(table, n, map, object);
	for (size_t i = 0; i < n; i++)
		take_empty_for_absent(fact_at(object, &table[i]));
}

struct fact packer_stated(const struct node *owner, struct span at, const char *value)
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

void packer_complete_disk(struct disk *d, const struct vm *vm, const struct node *node)
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
		&d->size,
		&d->made_from,
		&d->iothread,
		&d->controller,
	};

	for (size_t i = 0; i < COUNT(facts); i++)
		place_absent(facts[i], node);
	d->vm = vm;
	d->node = node;
}

static void complete_vm(struct vm *vm, const struct node *node)
{
	struct fact *const facts[] = {
		&vm->name,    &vm->uuid,           &vm->type,        &vm->arch,
		&vm->machine, &vm->emulator,       &vm->firmware,    &vm->acpi,
		&vm->ioapic,  &vm->loader,         &vm->loader_type, &vm->loader_readonly,
		&vm->nvram,   &vm->nvram_template, &vm->secure_boot, &vm->kernel,
	};

	for (size_t i = 0; i < COUNT(facts); i++)
		place_absent(facts[i], node);
	vm->flavour = FLAVOUR_PACKER;
	vm->node = node;
}

/* ---- kinds of builders ---- */

static const struct {
	const char *type;
	unsigned kind;
	void (*lower)(struct lowering *l, struct vm *vm);
} kinds[] = {
	{ "qemu", QEMU, packer_lower_qemu },
	{ "tart-cli", TART, packer_lower_other },
	{ "virtualbox", VBOX_ISO, packer_lower_virtualbox }, /* what -iso was once */
	{ "virtualbox-iso", VBOX_ISO, packer_lower_virtualbox },
	{ "virtualbox-ovf", VBOX_OVF, packer_lower_other },
	{ "virtualbox-vm", VBOX_VM, packer_lower_other },
	{ "vmware", VMWARE_ISO, packer_lower_vmware },
	{ "vmware-iso", VMWARE_ISO, packer_lower_vmware },
	{ "vmware-vmx", VMWARE_VMX, packer_lower_other },
	{ "proxmox", PROXMOX_ISO, packer_lower_proxmox },
	{ "proxmox-iso", PROXMOX_ISO, packer_lower_proxmox },
	{ "proxmox-clone", PROXMOX_CLONE, packer_lower_proxmox },
	{ "vsphere-iso", VSPHERE_ISO, packer_lower_vsphere },
	{ "vsphere-clone", VSPHERE_CLONE, packer_lower_vsphere },
	{ "parallels-iso", PARALLELS_ISO, packer_lower_other },
	{ "parallels-pvm", PARALLELS_PVM, packer_lower_other },
	{ "hyperv-iso", HYPERV_ISO, packer_lower_other },
	{ "hyperv-vmcx", HYPERV_VMCX, packer_lower_other },
	{ "utm-iso", UTM, packer_lower_other },
	{ "libvirt", 0, packer_lower_other },
};

static size_t row_of(struct str type)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (str_is(type, kinds[i].type))
			return i;
	}
	return COUNT(kinds);
}

bool packer_is_builder(struct str type)
{
	return row_of(type) < COUNT(kinds);
}

unsigned packer_kind_of(struct str type)
{
	size_t i = row_of(type);

	return i < COUNT(kinds) ? kinds[i].kind : 0;
}

void packer_lower(struct lowering *l, struct vm *vm, struct builder *b)
{
	kinds[row_of(l->source->labels[0])].lower(l, vm);
	vm->builder = b;
	complete_vm(vm, l->source->body);
	packer_args(l, vm);
	READ(l, builder_lenses, b);
	READ(l, list_lenses, b);
	packer_sum(l, b);
}
