/* Builders whose VM runs under QEMU on the machine that runs Packer.
 * packer-plugin-qemu, builder/qemu/config.go, step_run.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_lower.h"
#include "analyze/config/qemu_args.h"
#include "analyze/unit.h"

#include "base/banned.h"

static const struct lens qemu_vm_lenses[] = {
	LENS(vm, name, "vm_name"),
	LENS(vm, machine, "machine_type"),
	LENS(vm, emulator, "qemu_binary"),
	LENS(vm, firmware, "efi_boot"),
	LENS(vm, loader, "efi_firmware_code|firmware"),
	LENS(vm, nvram_template, "efi_firmware_vars"),
};

static const struct lens qemu_disk_lenses[] = {
	LENS(disk, format, "format"),    LENS(disk, bus, "disk_interface"),
	LENS(disk, cache, "disk_cache"), LENS(disk, discard, "disk_discard"),
	LENS(disk, size, "disk_size"),
};

static const struct lens image_lenses[] = {
	LENS(disk, made_from, "iso_url"),
};

static const struct lens cdrom_lenses[] = {
	LENS(disk, source, "iso_url"),
	LENS(disk, bus, "cdrom_interface"),
};

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
	return packer_stated(s->body, s->label_at[0], type);
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

/* The program that runs it: packer's own default where nothing is said. */
static struct fact arch_of(const struct vm *vm)
{
	struct fact f = vm->emulator;
	size_t at = f.v.n;

	if (f.state == FACT_ABSENT)
		return packer_stated(vm->node, f.at, "x86_64");
	if (at == 0) {
		f.state = FACT_UNKNOWN;
		return f;
	}
	while (at > 0 && f.v.p[at - 1] != '-' && f.v.p[at - 1] != '/')
		at--;
	f.v = (struct str){ f.v.p + at, f.v.n - at };
	if (!qemu_is_program(vm->emulator.v) || f.lens == NULL)
		f.state = FACT_UNKNOWN;
	return f;
}

/* Rows are an option and its value. What has more is joined to one word, and not read. */
void packer_args(struct lowering *l, struct vm *vm)
{
	const struct node *list = node_child(l->source->body, "qemuargs");
	struct qemu_args args = qemu_args_in(l->unit->text, l->scope.a);
	struct vm *base = arena_new(l->scope.a, struct vm);

	if (!str_is(l->source->labels[0], "qemu") || !list || list->kind != NODE_LIST)
		return;
	for_each_node (row, list) {
		if (row->kind != NODE_LIST || !row->first ||
		    (row->first->next && row->first->next->next))
			continue;
		for_each_node (n, row)
			qemu_args_add(&args, n, row->whole, SPLIT_NONE);
	}
	*base = *vm;
	base->arch = arch_of(base);
	/* A row takes the place of the builder's own: type, and accelerator. */
	if (overrides(l->source->body, "-machine")) {
		base->machine.state = FACT_ABSENT;
		base->type = packer_stated(l->source->body, base->machine.at, "qemu");
	}
	l->full = l->full || !qemu_args_vm(&args, base, l->unit->host);
	vm->args = base->args;
}

/* Code for flash, else what -bios takes. Rows of qemuargs may say otherwise. */
static void read_firmware(const struct lowering *l, struct vm *vm)
{
	static const char *const rows[] = { "-bios",     "-pflash",  "-drive",
					    "-blockdev", "-machine", "-kernel" };
	const struct node *body = l->source->body;
	struct fact *const facts[] = { &vm->firmware, &vm->loader, &vm->nvram_template };
	bool flash = node_child(body, "efi_firmware_code");

	vm->arch = arch_of(vm);
	vm->loader_type =
		packer_stated(body, l->source->label_at[0], flash ? "pflash" : "rom");
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t k = 0; overrides(body, rows[i]) && k < COUNT(facts); k++)
			facts[k]->state = FACT_UNKNOWN;
	}
}

/* A path of this machine; false: it is fetched from elsewhere. */
static bool local_path(struct str url, struct str *path)
{
	*path = url;
	if (str_starts(url, "file://"))
		*path = (struct str){ url.p + 7, url.n - 7 };
	return path->n && !str_has(*path, "://") && !str_has(*path, "?");
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
	d->device = packer_stated(body, d->source.at, "cdrom");
	d->type = packer_stated(body, d->source.at, "file");
	d->readonly = packer_stated(body, d->source.at, "yes");
	d->mount = host_mount_of(l->unit->host, path);
	packer_complete_disk(d, vm, body);
	vm->ndisks++;
}

/* The image that the disk begins as a copy of; one that is fetched is not known here. */
static void read_image(struct lowering *l, struct disk *d)
{
	READ(l, image_lenses, d);
	if (!fact_known(&d->made_from))
		return;
	if (str_starts(d->made_from.v, "file://"))
		d->made_from.v =
			(struct str){ d->made_from.v.p + 7, d->made_from.v.n - 7 };
	if (str_has(d->made_from.v, "://") || str_has(d->made_from.v, "?"))
		d->made_from.state = FACT_UNKNOWN;
}

void packer_lower_qemu(struct lowering *l, struct vm *vm)
{
	const struct node *body = l->source->body, *image;
	struct disk *disks = arena_array(l->scope.a, 2, struct disk);

	READ(l, qemu_vm_lenses, vm);
	vm->type = qemu_type(l);
	read_raw(l, vm);
	read_firmware(l, vm);
	vm->disks = disks;
	if (overrides(body, "-drive") || l->unseen)
		return;
	READ(l, qemu_disk_lenses, &disks[0]);
	disks[0].device = packer_stated(body, l->source->label_at[0], "disk");
	/* An image to start from is copied, a CD-ROM is not. */
	image = node_child(body, "disk_image");
	if (image && image->kind == NODE_SCALAR && str_is(image->text, "true"))
		read_image(l, &disks[0]);
	packer_complete_disk(&disks[0], vm, body);
	vm->ndisks = 1;
	if (!image || (image->kind == NODE_SCALAR && !str_is(image->text, "true")))
		read_cdrom(l, vm, &disks[1]);
}
