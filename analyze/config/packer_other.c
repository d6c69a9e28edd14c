/* Builders whose VM runs under another hypervisor, or on another machine.
 * packer-plugin-proxmox, -virtualbox, -vmware and -vsphere, Prepare() of their configs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_lower.h"

#include "base/banned.h"

static const struct lens vm_lenses[] = {
	LENS(vm, name, "vm_name"),
};

static const struct lens proxmox_disk_lenses[] = {
	LENS(disk, format, "format"),
	LENS(disk, bus, "type"),
	LENS(disk, cache, "cache_mode"),
};

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
		packer_complete_disk(to, vm, n);
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

void packer_lower_proxmox(struct lowering *l, struct vm *vm)
{
	size_t n = each_proxmox(l, vm, NULL);
	struct disk *disks = arena_array(l->scope.a, n, struct disk);

	READ(l, vm_lenses, vm);
	vm->type = packer_stated(l->source->body, l->source->label_at[0], "kvm");
	vm->disks = disks;
	vm->ndisks = each_proxmox(l, vm, disks);
}

/* ---- others ---- */

void packer_lower_other(struct lowering *l, struct vm *vm)
{
	READ(l, vm_lenses, vm);
}
