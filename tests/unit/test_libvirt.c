/* What libvirt domain XML means, and how it is recognised.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/libvirt.h"
#include "analyze/format.h"
#include "analyze/host.h"
#include "tests/unit/xml_doc.h"

#include "base/banned.h"

static const struct host no_host = { 0 };

static const struct vm *read_vm(struct doc *d, const char *text, const struct host *host)
{
	const struct vm *vm;

	read_good(d, text);
	vm = libvirt_vm(d->root, host, &d->arena);
	assert_non_null(vm);
	return vm;
}

static void assert_known(const struct fact *f, const char *v)
{
	assert_int_equal(f->state, FACT_KNOWN);
	assert_str(f->v, v);
}

/* ---- facts ---- */

static void a_vm_s_own_facts_are_read(void **state)
{
	struct doc d;
	const struct vm *vm =
		read_vm(&d,
			"<domain type='kvm'><name>n</name><uuid>u</uuid>"
			"<os><type arch='x86_64' machine='q35'>hvm</type></os>"
			"<features><acpi/><ioapic driver='qemu'/></features>"
			"<devices><emulator>/usr/bin/qemu</emulator></devices></domain>",
			&no_host);

	(void)state;
	assert_int_equal(vm->flavour, FLAVOUR_LIBVIRT);
	assert_ptr_equal(vm->node, d.root);
	assert_known(&vm->type, "kvm");
	assert_known(&vm->name, "n");
	assert_known(&vm->uuid, "u");
	assert_known(&vm->arch, "x86_64");
	assert_known(&vm->machine, "q35");
	assert_known(&vm->acpi, "yes");
	assert_known(&vm->ioapic, "qemu");
	assert_known(&vm->emulator, "/usr/bin/qemu");
	assert_int_equal(vm->ndisks + vm->niommus + vm->nhostdevs, 0);
	done(&d);
}

static void a_disk_s_facts_are_read(void **state)
{
	struct doc d;
	const struct vm *vm =
		read_vm(&d,
			"<domain type='kvm'><devices><disk type='block' device='lun'>"
			"<driver type='raw' cache='none' io='native' discard='unmap'/>"
			"<source dev='/dev/sdz'/><target dev='sda' bus='scsi'/>"
			"<blockio logical_block_size='512' physical_block_size='4096'/>"
			"<readonly/><shareable/><transient/></disk></devices></domain>",
			&no_host);
	const struct disk *disk = vm->disks;

	(void)state;
	assert_int_equal(vm->ndisks, 1);
	assert_ptr_equal(disk->vm, vm);
	assert_str(disk->node->key, "disk");
	assert_known(&disk->type, "block");
	assert_known(&disk->device, "lun");
	assert_known(&disk->source, "/dev/sdz");
	assert_known(&disk->format, "raw");
	assert_known(&disk->cache, "none");
	assert_known(&disk->io, "native");
	assert_known(&disk->discard, "unmap");
	assert_known(&disk->target, "sda");
	assert_known(&disk->bus, "scsi");
	assert_known(&disk->logical_block_size, "512");
	assert_known(&disk->physical_block_size, "4096");
	assert_known(&disk->readonly, "yes");
	assert_known(&disk->shareable, "yes");
	assert_known(&disk->transient, "yes");
	done(&d);
}

static void what_is_not_set_is_absent_at_its_parent(void **state)
{
	struct doc d;
	const struct vm *vm = read_vm(
		&d,
		"<domain type='kvm'><devices><disk><driver/></disk></devices></domain>",
		&no_host);

	(void)state;
	assert_true(fact_absent(&vm->disks->cache));
	assert_span(&d, vm->disks->cache.at, "<driver/>");
	assert_true(fact_absent(&vm->disks->readonly));
	assert_span(&d, vm->disks->readonly.at, "<disk>");
	assert_true(fact_absent(&vm->machine));
	done(&d);
}

static void a_backing_store_s_source_is_not_the_disk_s(void **state)
{
	struct doc d;
	const struct vm *vm =
		read_vm(&d,
			"<domain type='kvm'><devices><disk><backingStore type='file'>"
			"<format type='raw'/><source file='/b'/></backingStore></disk>"
			"</devices></domain>",
			&no_host);

	(void)state;
	assert_true(fact_absent(&vm->disks->source));
	assert_true(fact_absent(&vm->disks->type));
	assert_true(fact_absent(&vm->disks->format));
	done(&d);
}

static void an_iommu_s_facts_are_read(void **state)
{
	struct doc d;
	const struct vm *vm = read_vm(
		&d,
		"<domain type='kvm'><devices><iommu model='intel'><driver intremap='on' "
		"caching_mode='off' eim='on' iotlb='on' aw_bits='48' "
		"dma_translation='off'/>"
		"</iommu><iommu model='virtio'/></devices></domain>",
		&no_host);

	(void)state;
	assert_int_equal(vm->niommus, 2);
	assert_known(&vm->iommus[0].model, "intel");
	assert_known(&vm->iommus[0].intremap, "on");
	assert_known(&vm->iommus[0].caching_mode, "off");
	assert_known(&vm->iommus[0].eim, "on");
	assert_known(&vm->iommus[0].iotlb, "on");
	assert_known(&vm->iommus[0].aw_bits, "48");
	assert_known(&vm->iommus[0].dma_translation, "off");
	assert_known(&vm->iommus[1].model, "virtio");
	assert_ptr_equal(vm->iommus[1].vm, vm);
	done(&d);
}

static void host_devices_come_in_two_spellings(void **state)
{
	struct doc d;
	const struct vm *vm = read_vm(
		&d,
		"<domain type='kvm'><devices>"
		"<hostdev mode='subsystem' type='usb' managed='yes'><driver name='vfio'/>"
		"</hostdev><interface type='network'/>"
		"<interface type='hostdev' managed='no'>"
		"<source><address type='pci'/></source></interface></devices></domain>",
		&no_host);

	(void)state;
	assert_int_equal(vm->nhostdevs, 2);
	assert_known(&vm->hostdevs[0].mode, "subsystem");
	assert_known(&vm->hostdevs[0].type, "usb");
	assert_known(&vm->hostdevs[0].managed, "yes");
	assert_known(&vm->hostdevs[0].driver, "vfio");
	assert_known(&vm->hostdevs[1].type, "pci");
	assert_known(&vm->hostdevs[1].managed, "no");
	assert_true(fact_absent(&vm->hostdevs[1].mode));
	done(&d);
}

static void only_the_domain_s_own_devices_count(void **state)
{
	struct doc d;
	const struct vm *vm = read_vm(&d,
				      "<domain type='kvm' xmlns:q='u'>"
				      "<metadata><devices><disk/></devices>"
				      "<q:devices><disk/></q:devices></metadata>"
				      "<q:devices><disk/></q:devices>"
				      "<devices><q:disk/><disk xmlns='u'/>"
				      "<disk><target dev='a'/></disk></devices>"
				      "<name/>"
				      "<devices/>"
				      "<devices><!-- <disk/> -->"
				      "<disk><target dev='b'/></disk></devices></domain>",
				      &no_host);

	(void)state;
	assert_int_equal(vm->ndisks, 2);
	assert_known(&vm->disks[0].target, "a");
	assert_known(&vm->disks[1].target, "b");
	done(&d);
}

static void a_file_s_mount_is_found_by_name(void **state)
{
	static const struct mount mounts[] = {
		{ .dir = "/", .fstype = "ext4" },
		{ .dir = "/nas", .fstype = "nfs4" },
	};
	static const struct host host = { .mounts = mounts,
					  .nmounts = 2,
					  .mounts_known = true };
	struct doc d;
	const struct vm *vm =
		read_vm(&d,
			"<domain type='kvm'><devices>"
			"<disk type='file'><source file='/nas/a.iso'/></disk>"
			"<disk><source file='/a.iso'/></disk>"
			"<disk type='block'><source dev='/nas/b'/></disk>"
			"<disk type='file'><source file='/nas/${n}.iso'/></disk>"
			"<disk type='${t}'><source file='/nas/a.iso'/></disk>"
			"<disk type='file'/></devices></domain>",
			&host);

	(void)state;
	assert_ptr_equal(vm->disks[0].mount, &mounts[1]);
	assert_ptr_equal(vm->disks[1].mount, &mounts[0]);
	for (size_t i = 2; i < vm->ndisks; i++)
		assert_null(vm->disks[i].mount);
	done(&d);
}

static void more_devices_than_memory_is_allowed_for_are_refused(void **state)
{
	struct doc d;

	(void)state;
	read_good(&d, "<domain><devices><disk/></devices></domain>");
	d.arena.budget = d.arena.used + sizeof(struct vm);
	assert_null(libvirt_vm(d.root, &no_host, &d.arena));
	done(&d);
}

/* ---- recognition ---- */

static void a_domain_is_recognised_by_its_root(void **state)
{
	static const struct {
		const char *text;
		bool ours;
	} rows[] = {
		{ "<domain type='kvm'>", true },
		{ "<domain>", true },
		{ "<domain\n id='1'\n\ttype = 'kvm'", true },
		{ "<domain xmlns:qemu='u' type='kvm'/>", true },
		{ "\xef\xbb\xbf \n<?xml version='1.0'?>\n<!-- > -->\n<domain type='kvm'>",
		  true },
		{ "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>", true },
		{ "<!DOCTYPE domain [<!-- ]> --><?p ]> ?>\n<!ENTITY a ']>'>]>\n<domain>",
		  true },
		{ "<!DOCTYPE a SYSTEM '>[' >\n<domain type='kvm'>", true },
		{ "<!DOCTYPE domain PUBLIC \"-//Sun//DTD\" \"u\"><domain log-root='l'>",
		  false },
		{ "<!DOCTYPE domain [<domain>", false },
		{ "<domain type='kvm", true },
		{ "<domain xmlns='urn:jboss:domain:1.0' type='x'>", false },
		{ "<domain log-root='l' version='1'>", false },
		{ "<domain note='a type=b'>", false },
		{ "<domainsnapshot><domain type='kvm'/></domainsnapshot>", false },
		{ "<domstatus state='running'><domain type='kvm'/></domstatus>", false },
		{ "<q:domain type='kvm'>", false },
		{ "<network>", false },
		{ "<!-- <domain type='kvm'>", false },
		{ "domain", false },
		{ "\x7f"
		  "ELF",
		  false },
		{ "   ", false },
		{ "", false },
		{ "<", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view v = { (const uint8_t *)rows[i].text, strlen(rows[i].text) };
		struct source src = source_of_bytes("x", v);

		if (format_find("libvirt")->probe(v, &src) != rows[i].ours)
			fail_msg("%s", rows[i].text);
	}
}

static void utf16_is_recognised_to_be_refused_with_a_reason(void **state)
{
	static const char text[] =
		"\xff\xfe<\0d\0o\0m\0a\0i\0n\0 \0t\0y\0p\0e\0=\0'\0'\0/\0>";
	struct view v = { (const uint8_t *)text, sizeof(text) };
	struct unit u;
	struct source src = source_of_bytes("x", v);

	(void)state;
	unit_read(&u, &src, NULL, &no_host);
	assert_int_equal(u.state, UNIT_FAILED);
	assert_int_equal(u.why.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(u.why.msg, "UTF-16"));
	unit_close(&u);
}

/* ---- units ---- */

static void a_unit_has_the_document_and_the_vm(void **state)
{
	static const char text[] = "<domain type='kvm'><name>n</name></domain>\n";
	struct source src = source_of_bytes(
		"x", (struct view){ (const uint8_t *)text, strlen(text) });
	struct unit u;

	(void)state;
	unit_read(&u, &src, NULL, &no_host);
	assert_int_equal(u.state, UNIT_READ);
	assert_string_equal(u.format->name, "libvirt");
	assert_null(u.syntax);
	assert_ptr_equal(u.vms->node, u.doc);
	assert_int_equal(u.text.n, strlen(text));
	assert_ptr_equal(u.vms->name.at.src, &u.src);
	unit_close(&u);
}

static void a_broken_text_has_its_place_and_no_vm(void **state)
{
	static const char text[] = "<domain type='kvm'><name></domain>\n";
	struct source src = source_of_bytes(
		"x", (struct view){ (const uint8_t *)text, strlen(text) });
	struct unit u;

	(void)state;
	unit_read(&u, &src, NULL, &no_host);
	assert_int_equal(u.state, UNIT_READ);
	assert_non_null(u.syntax);
	assert_int_equal(u.syntax->at.off, 25);
	assert_null(u.doc);
	assert_null(u.vms);
	unit_close(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_s_own_facts_are_read),
		cmocka_unit_test(a_disk_s_facts_are_read),
		cmocka_unit_test(what_is_not_set_is_absent_at_its_parent),
		cmocka_unit_test(a_backing_store_s_source_is_not_the_disk_s),
		cmocka_unit_test(an_iommu_s_facts_are_read),
		cmocka_unit_test(host_devices_come_in_two_spellings),
		cmocka_unit_test(only_the_domain_s_own_devices_count),
		cmocka_unit_test(a_file_s_mount_is_found_by_name),
		cmocka_unit_test(more_devices_than_memory_is_allowed_for_are_refused),
		cmocka_unit_test(a_domain_is_recognised_by_its_root),
		cmocka_unit_test(utf16_is_recognised_to_be_refused_with_a_reason),
		cmocka_unit_test(a_unit_has_the_document_and_the_vm),
		cmocka_unit_test(a_broken_text_has_its_place_and_no_vm),
	};

	xml_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
