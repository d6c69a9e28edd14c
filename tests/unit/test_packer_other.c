/* Packer's builders of other hypervisors: what each of them says of its VM.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/packer_doc.h"

#include "base/banned.h"

/* The first VM of a template that is one source of this type with these settings. */
static const struct vm *one_vm(struct doc *d, const char *type, const char *body)
{
	static char text[2000];

	snprintf(text, sizeof(text), "source \"%s\" \"x\" {\n%s}\n", type, body);
	read_text(d, text);
	assert_int_equal(d->unit.nvms, 1);
	return &d->unit.vms[0];
}

static void virtualbox_and_vmware_speak_of_a_disk_and_a_drive(void **state)
{
	static const struct {
		const char *builder, *type, *body;
	} all[] = {
		{ "virtualbox-iso", "vbox",
		  "  firmware = \"efi\"\n  disk_size = 40000\n"
		  "  hard_drive_interface = \"sata\"\n  iso_interface = \"ide\"\n" },
		{ "vmware-iso", "vmware",
		  "  firmware = \"efi\"\n  disk_size = 40000\n"
		  "  disk_adapter_type = \"sata\"\n  cdrom_adapter_type = \"ide\"\n" },
	};
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct vm *vm = one_vm(&d, all[i].builder, all[i].body);

		assert_fact(&vm->type, all[i].type);
		assert_false(vm_runs_qemu(vm));
		assert_fact(&vm->firmware, "efi");
		assert_int_equal(vm->ndisks, 2);
		assert_fact(&vm->disks[0].device, "disk");
		assert_fact(&vm->disks[0].bus, "sata");
		assert_fact(&vm->disks[0].size, "40000");
		assert_fact(&vm->disks[1].device, "cdrom");
		assert_fact(&vm->disks[1].bus, "ide");
		assert_true(fact_absent(&vm->disks[1].size));
		unit_close(&d.unit);
	}
}

static void each_block_of_storage_is_a_disk_of_vsphere(void **state)
{
	struct doc d;
	const struct vm *vm;

	(void)state;
	vm = one_vm(
		&d, "vsphere-iso",
		"  storage {\n    disk_size = 100\n  }\n"
		"  storage {\n    disk_size = var.x\n    disk_controller_index = 1\n  }\n");
	assert_fact(&vm->type, "esx");
	assert_int_equal(vm->ndisks, 2);
	assert_fact(&vm->disks[0].size, "100");
	assert_true(fact_absent(&vm->disks[0].controller));
	assert_int_equal(vm->disks[1].size.state, FACT_UNKNOWN);
	assert_fact(&vm->disks[1].controller, "1");
	assert_ptr_equal(vm->disks[1].vm, vm);
	unit_close(&d.unit);
	vm = one_vm(&d, "vsphere-clone", "  vm_name = \"a\"\n");
	assert_int_equal(vm->ndisks, 0);
	unit_close(&d.unit);
	read_text(&d, "{\"builders\": [{\"type\": \"vsphere-iso\", \"storage\": "
		      "[{\"disk_size\": 1}, {\"disk_size\": 2}, 3]}]}");
	assert_int_equal(d.unit.vms[0].ndisks, 2);
	assert_fact(&d.unit.vms[0].disks[1].size, "2");
	unit_close(&d.unit);
}

static void proxmox_names_an_iommu_within_the_machine(void **state)
{
	static const struct {
		const char *text, *machine, *model;
	} all[] = {
		{ "q35", "q35", NULL },
		{ "q35,viommu=intel", "q35", "intel" },
		{ "viommu=virtio,type=pc-q35-9.0", "pc-q35-9.0", "virtio" },
		{ "viommu=intel", NULL, "intel" },
		{ "q35,", "q35", NULL },
	};
	char body[100];
	struct doc d;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct vm *vm;

		snprintf(body, sizeof(body), "  machine = \"%s\"\n", all[i].text);
		vm = one_vm(&d, "proxmox-iso", body);
		assert_true(vm_runs_qemu(vm));
		if (all[i].machine)
			assert_fact(&vm->machine, all[i].machine);
		else
			assert_true(fact_absent(&vm->machine));
		assert_int_equal(vm->niommus, all[i].model != NULL);
		if (all[i].model) {
			assert_fact(&vm->iommus[0].model, all[i].model);
			assert_int_equal(vm->iommus[0].model.at.len,
					 strlen(all[i].model));
			assert_fact(&vm->iommus[0].caching_mode, "on");
		}
		unit_close(&d.unit);
	}
	assert_int_equal(one_vm(&d, "proxmox", "  machine = var.m\n")->machine.state,
			 FACT_UNKNOWN);
	assert_int_equal(d.unit.vms[0].niommus, 0);
	unit_close(&d.unit);
}

static void disks_of_proxmox_are_those_of_qemu(void **state)
{
	struct doc d;
	const struct vm *vm = one_vm(
		&d, "proxmox-clone",
		"  bios = \"ovmf\"\n  disks {\n    type = \"scsi\"\n    format = \"raw\"\n"
		"    cache_mode = \"none\"\n    asyncio = \"native\"\n    io_thread = true\n"
		"    disk_size = \"8G\"\n  }\n");

	(void)state;
	assert_fact(&vm->firmware, "ovmf");
	assert_int_equal(vm->ndisks, 1);
	assert_fact(&vm->disks[0].bus, "scsi");
	assert_fact(&vm->disks[0].format, "raw");
	assert_fact(&vm->disks[0].cache, "none");
	assert_fact(&vm->disks[0].io, "native");
	assert_fact(&vm->disks[0].iothread, "true");
	assert_fact(&vm->disks[0].size, "8G");
	assert_ptr_equal(vm->disks[0].readonly.owner, vm->disks[0].node);
	unit_close(&d.unit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtualbox_and_vmware_speak_of_a_disk_and_a_drive),
		cmocka_unit_test(each_block_of_storage_is_a_disk_of_vsphere),
		cmocka_unit_test(proxmox_names_an_iommu_within_the_machine),
		cmocka_unit_test(disks_of_proxmox_are_those_of_qemu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
