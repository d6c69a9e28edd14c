/* Builders whose VM runs under another hypervisor, or on another machine.
 * packer-plugin-proxmox, -virtualbox, -vmware and -vsphere, Prepare() of their configs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_lower.h"

#include "base/banned.h"

static const struct lens vm_lenses[] = {
	LENS(vm, name, "vm_name"),
};

static const struct lens firmware_lenses[] = {
	LENS(vm, name, "vm_name"),
	LENS(vm, firmware, "firmware"),
};

/* ---- blocks of disks ---- */

/* A member that is a block, or in JSON an object or an array of such. */
static size_t maps_of(const struct node *n, const struct node **to)
{
	size_t count = 0;

	if (n->kind == NODE_LIST) {
		for_each_node (c, n)
			count += maps_of(c, to ? to + count : NULL);
		return count;
	}
	if (n->kind != NODE_MAP)
		return 0;
	if (to)
		*to = n;
	return 1;
}

static size_t maps_named(const struct node *body, const char *name,
			 const struct node **to)
{
	size_t count = 0;

	for_each_node (c, body) {
		if (str_is(c->key, name))
			count += maps_of(c, to ? to + count : NULL);
	}
	return count;
}

static void read_disks(struct lowering *l, struct vm *vm, const char *name,
		       const struct lens *table, size_t n)
{
	const struct node *body = l->source->body;
	size_t count = maps_named(body, name, NULL);
	const struct node **maps = arena_array(l->scope.a, count, const struct node *);
	struct disk *disks = arena_array(l->scope.a, count, struct disk);

	maps_named(body, name, maps);
	for (size_t i = 0; i < count; i++) {
		packer_read_map(table, n, maps[i], &disks[i]);
		packer_complete_disk(&disks[i], vm, maps[i]);
	}
	vm->disks = disks;
	vm->ndisks = count;
}

/* The disk that is installed on, and the drive of the medium, of which the source itself
 * speaks. */
static void read_pair(struct lowering *l, struct vm *vm, const struct lens *disk,
		      size_t ndisk, const struct lens *cdrom, size_t ncdrom)
{
	const struct node *body = l->source->body;
	struct disk *disks = arena_array(l->scope.a, 2, struct disk);

	packer_read(l, disk, ndisk, &disks[0]);
	packer_read(l, cdrom, ncdrom, &disks[1]);
	disks[0].device = packer_stated(body, l->source->label_at[0], "disk");
	disks[1].device = packer_stated(body, l->source->label_at[0], "cdrom");
	for (size_t i = 0; i < 2; i++)
		packer_complete_disk(&disks[i], vm, body);
	vm->disks = disks;
	vm->ndisks = 2;
}

/* ---- VirtualBox ---- */

static const struct lens vbox_disk[] = {
	LENS(disk, bus, "hard_drive_interface"),
	LENS(disk, size, "disk_size"),
};

static const struct lens vbox_cdrom[] = {
	LENS(disk, bus, "iso_interface"),
};

void packer_lower_virtualbox(struct lowering *l, struct vm *vm)
{
	READ(l, firmware_lenses, vm);
	vm->type = packer_stated(l->source->body, l->source->label_at[0], "vbox");
	read_pair(l, vm, vbox_disk, COUNT(vbox_disk), vbox_cdrom, COUNT(vbox_cdrom));
}

/* ---- VMware ---- */

static const struct lens vmware_disk[] = {
	LENS(disk, bus, "disk_adapter_type"),
	LENS(disk, size, "disk_size"),
};

static const struct lens vmware_cdrom[] = {
	LENS(disk, bus, "cdrom_adapter_type"),
};

void packer_lower_vmware(struct lowering *l, struct vm *vm)
{
	READ(l, firmware_lenses, vm);
	vm->type = packer_stated(l->source->body, l->source->label_at[0], "vmware");
	read_pair(l, vm, vmware_disk, COUNT(vmware_disk), vmware_cdrom,
		  COUNT(vmware_cdrom));
}

static const struct lens vsphere_disk[] = {
	LENS(disk, size, "disk_size"),
	LENS(disk, controller, "disk_controller_index"),
};

void packer_lower_vsphere(struct lowering *l, struct vm *vm)
{
	READ(l, firmware_lenses, vm);
	vm->type = packer_stated(l->source->body, l->source->label_at[0], "esx");
	read_disks(l, vm, "storage", vsphere_disk, COUNT(vsphere_disk));
}

/* ---- Proxmox VE: QEMU on another machine ---- */

static const struct lens proxmox_vm[] = {
	LENS(vm, name, "vm_name"),
	LENS(vm, machine, "machine"),
	LENS(vm, firmware, "bios"),
};

static const struct lens proxmox_disk[] = {
	LENS(disk, format, "format"),  LENS(disk, bus, "type"),
	LENS(disk, size, "disk_size"), LENS(disk, cache, "cache_mode"),
	LENS(disk, io, "asyncio"),     LENS(disk, iothread, "io_thread"),
};

/* A part of a fact's value, at its own place where the text stands there as it is. */
static struct fact part_of(const struct fact *f, struct str part)
{
	struct fact out = {
		.state = FACT_KNOWN, .v = part, .at = f->at, .owner = f->owner
	};

	if (f->at.len == f->v.n) {
		out.at.off += (uint64_t)(part.p - f->v.p);
		out.at.len = part.n;
	}
	return out;
}

/* q35,viommu=intel: the type with or without its name, then options. */
static void read_machine(struct lowering *l, struct vm *vm)
{
	struct fact all = vm->machine;
	struct str rest = all.v, word;
	struct iommu *iommu;

	if (!fact_known(&all))
		return;
	vm->machine = (struct fact){ .at = all.at, .owner = all.owner };
	while (rest.n) {
		const char *comma = memchr(rest.p, ',', rest.n);

		word = (struct str){ rest.p, comma ? (size_t)(comma - rest.p) : rest.n };
		rest = (struct str){ word.p + word.n, rest.n - word.n };
		if (rest.n)
			rest = (struct str){ rest.p + 1, rest.n - 1 };
		if (str_starts(word, "viommu=")) {
			iommu = arena_new(l->scope.a, struct iommu);
			word = (struct str){ word.p + 7, word.n - 7 };
			*iommu = (struct iommu){ .vm = vm, .node = l->source->body };
			iommu->model = part_of(&all, word);
			/* Which Proxmox VE itself says to QEMU. */
			iommu->caching_mode = packer_stated(all.owner, all.at, "on");
			vm->iommus = iommu;
			vm->niommus = 1;
			continue;
		}
		if (str_starts(word, "type="))
			word = (struct str){ word.p + 5, word.n - 5 };
		if (!memchr(word.p, '=', word.n))
			vm->machine = part_of(&all, word);
	}
}

void packer_lower_proxmox(struct lowering *l, struct vm *vm)
{
	READ(l, proxmox_vm, vm);
	vm->type = packer_stated(l->source->body, l->source->label_at[0], "kvm");
	read_machine(l, vm);
	read_disks(l, vm, "disks", proxmox_disk, COUNT(proxmox_disk));
}

/* ---- others ---- */

void packer_lower_other(struct lowering *l, struct vm *vm)
{
	READ(l, vm_lenses, vm);
}
