/* What is known of a VM, as its config tells it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/node.h"
#include "analyze/firmware.h"
#include "analyze/medium.h"
#include "cli/facts.h"
#include "base/banned.h"

#define SHOW(object, member) facts_fact(f, #member, &(object)->member)

static void disk(struct facts *f, const struct disk *d, size_t i)
{
	facts_item(f, arena_printf(f->arena, "disk %zu", i + 1));
	SHOW(d, device);
	SHOW(d, type);
	SHOW(d, source);
	SHOW(d, made_from);
	SHOW(d, format);
	SHOW(d, target);
	SHOW(d, bus);
	SHOW(d, cache);
	SHOW(d, io);
	SHOW(d, discard);
	SHOW(d, readonly);
	SHOW(d, shareable);
	SHOW(d, transient);
	SHOW(d, logical_block_size);
	SHOW(d, physical_block_size);
	SHOW(d, boot_index);
	SHOW(d, locking);
	facts_word(f, "file_system", d->mount ? d->mount->fstype : NULL);
	if (d->medium)
		facts_of_medium(f, d->medium);
	else
		facts_word(f, "medium", d->medium_why);
	facts_group_end(f);
}

static void iommu(struct facts *f, const struct iommu *m)
{
	facts_item(f, "iommu");
	SHOW(m, model);
	SHOW(m, intremap);
	SHOW(m, caching_mode);
	SHOW(m, eim);
	SHOW(m, iotlb);
	SHOW(m, aw_bits);
	SHOW(m, dma_translation);
	facts_group_end(f);
}

static void hostdev(struct facts *f, const struct hostdev *h, size_t i)
{
	facts_item(f, arena_printf(f->arena, "host device %zu", i + 1));
	SHOW(h, mode);
	SHOW(h, type);
	SHOW(h, managed);
	SHOW(h, driver);
	facts_group_end(f);
}

static const char *firmware_word(enum firmware_kind k)
{
	switch (k) {
	case FIRMWARE_UNKNOWN:
		return NULL;
	case FIRMWARE_BIOS:
		return "BIOS";
	case FIRMWARE_UEFI:
		return "UEFI";
	}
	BUG("firmware %u", k);
}

/* What one of them is that is no disk. */
static void file(struct facts *f, const char *key, const struct medium *m)
{
	if (!m)
		return;
	facts_word(f, key,
		   m->program.what ? m->program.what
		   : m->is_stray   ? m->stray.what
				   : m->format);
	if (m->nvram)
		facts_of_nvram(f, m->nvram);
}

static void firmware(struct facts *f, const struct vm *vm)
{
	struct firmware w = firmware_of(vm);

	SHOW(vm, firmware);
	SHOW(vm, loader);
	SHOW(vm, nvram);
	SHOW(vm, nvram_template);
	SHOW(vm, secure_boot);
	SHOW(vm, kernel);
	SHOW(vm, initrd);
	facts_word(f, "starts_with", firmware_word(w.kind));
	file(f, "loader_file", vm->loader_medium);
	file(f, "nvram_file", vm->nvram_medium);
	file(f, "kernel_file", vm->kernel_medium);
	file(f, "initrd_file", vm->initrd_medium);
}

static void facts_of_vm(struct facts *f, const struct vm *vm, const char *title)
{
	facts_item(f, title);
	SHOW(vm, name);
	SHOW(vm, uuid);
	SHOW(vm, type);
	SHOW(vm, arch);
	SHOW(vm, machine);
	SHOW(vm, emulator);
	firmware(f, vm);
	SHOW(vm, acpi);
	SHOW(vm, ioapic);
	SHOW(vm, tpm);
	SHOW(vm, memory);
	SHOW(vm, guest);
	facts_list(f, "disks");
	for (size_t i = 0; i < vm->ndisks; i++)
		disk(f, &vm->disks[i], i);
	facts_list_end(f);
	facts_list(f, "iommus");
	for (size_t i = 0; i < vm->niommus; i++)
		iommu(f, &vm->iommus[i]);
	facts_list_end(f);
	facts_list(f, "hostdevs");
	for (size_t i = 0; i < vm->nhostdevs; i++) {
		if (vm->hostdevs[i].vm == vm)
			hostdev(f, &vm->hostdevs[i], i);
	}
	facts_list_end(f);
	facts_group_end(f);
}

void facts_of_vms(struct facts *f, const struct unit *u)
{
	if (u->nvms == 0)
		return;
	facts_list(f, "vms");
	for (size_t i = 0; i < u->nvms; i++)
		facts_of_vm(f, &u->vms[i],
			    u->nvms == 1 ? "vm"
					 : arena_printf(f->arena, "vm %zu", i + 1));
	for (size_t i = 0; i < u->nvms; i++) {
		if (u->vms[i].args)
			facts_of_vm(f, u->vms[i].args,
				    arena_printf(f->arena, "words of vm %zu", i + 1));
	}
	facts_list_end(f);
}
