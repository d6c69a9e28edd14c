/* The rules about configs: for whom they speak, and when they keep silent.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/config/libvirt.h"
#include "analyze/config/node.h"
#include "analyze/config/xml.h"
#include "rules/rule.h"

#include "base/banned.h"

/* How many findings of this rule a domain has, on a host with this mount (or NULL). */
static size_t count(const char *rule, const struct mount *mount, const char *text)
{
	struct host host = { .mounts = mount,
			     .nmounts = mount != NULL,
			     .mounts_known = mount != NULL };
	struct unit u = { .host = &host, .text = str_bytes(str_of(text)) };
	struct findings found = { 0 };
	struct node *root;
	struct err e = { 0 };
	size_t n = 0;

	assert_non_null(rule_find(rule));
	arena_init(&u.arena, ARENA_BUDGET);
	u.src = source_of_bytes("test.xml", u.text);
	assert_int_equal(xml_read(&u.src, u.text, &u.arena, &root, &u.syntax, &e), 0);
	u.doc = root;
	u.vms = root ? libvirt_vm(root, &host, &u.arena) : NULL;
	u.nvms = u.vms != NULL;
	rules_run(&u, &u.arena, &found);
	for (size_t i = 0; i < found.v.n; i++)
		n += strcmp(found.v.v[i]->rule->id, rule) == 0;
	arena_free(&u.arena);
	return n;
}

/* The text of a domain: printf's fmt within <domain type='TYPE'> ... */
static const char *domain(char *buf, size_t size, const char *type, const char *machine,
			  const char *devices)
{
	int n = snprintf(buf, size,
			 "<domain type='%s'><os><type arch='x86_64'%s>hvm</type></os>"
			 "<devices>%s</devices></domain>",
			 type, machine, devices);

	assert_in_range(n, 1, size - 1);
	return buf;
}

#define Q35 " machine='q35'"

static void fires(const char *rule, const char *machine, const char *devices)
{
	char buf[2048];

	assert_int_equal(
		count(rule, NULL, domain(buf, sizeof(buf), "kvm", machine, devices)), 1);
}

static void silent(const char *rule, const char *machine, const char *devices)
{
	char buf[2048];

	assert_int_equal(
		count(rule, NULL, domain(buf, sizeof(buf), "kvm", machine, devices)), 0);
}

/* ---- every rule ---- */

/* One domain on which each rule about QEMU has something to say. */
static const char all_wrong[] =
	"<iommu model='intel'><driver eim='on'/></iommu>"
	"<iommu model='intel'><driver intremap='on'/></iommu>"
	"<iommu model='virtio'><driver intremap='on'/></iommu>"
	"<hostdev mode='subsystem' type='pci'/>"
	"<disk type='file'><source file='/a.img'/></disk>"
	"<disk type='file'><driver type='raw' cache='unsafe' io='native'/>"
	"<source file='/b'/></disk>"
	"<disk type='file' device='cdrom'><source file='/nas/c.iso'/></disk>";

static const char *const qemu_rules[] = {
	"disk-cache-unsafe",           "disk-format-undeclared",
	"disk-io-native-needs-direct", "iommu-driver-attrs-on-virtio",
	"iommu-eim-needs-intremap",    "iommu-intel-needs-q35",
	"iommu-intremap-needs-ioapic", "iommu-vfio-needs-caching-mode",
	"locking-network-medium",
};

static const struct mount nas = { .dir = "/nas",
				  .fstype = "nfs",
				  .source = "nas:/",
				  .options = "rw,vers=3,local_lock=none" };

enum { NQEMU = sizeof(qemu_rules) / sizeof(qemu_rules[0]) };

static void qemu_domains_are_judged(void **state)
{
	static const char *const types[] = { "kvm", "qemu", "hvf" };
	char buf[4096];

	(void)state;
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		domain(buf, sizeof(buf), types[t], " machine='pc'", all_wrong);
		for (size_t i = 0; i < NQEMU; i++) {
			if (count(qemu_rules[i], &nas, buf) == 0)
				fail_msg("%s is silent for type %s", qemu_rules[i],
					 types[t]);
		}
	}
}

static void other_hypervisors_are_left_alone(void **state)
{
	static const char *const types[] = { "xen",  "lxc",    "bhyve",  "vmware",
					     "test", "hyperv", "${hyp}", "" };
	char buf[4096];

	(void)state;
	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
		domain(buf, sizeof(buf), types[t], " machine='pc'", all_wrong);
		for (size_t i = 0; i < NQEMU; i++) {
			if (count(qemu_rules[i], &nas, buf) != 0)
				fail_msg("%s speaks about type '%s'", qemu_rules[i],
					 types[t]);
		}
	}
}

static void variables_are_no_findings(void **state)
{
	char buf[4096];

	(void)state;
	domain(buf, sizeof(buf), "kvm", " machine='${m}'",
	       "<iommu model='${x}'><driver intremap='${x}' eim='${x}'/></iommu>"
	       "<iommu model='intel'><driver caching_mode='${x}' intremap='${x}' eim='on'/>"
	       "</iommu><hostdev mode='subsystem' type='pci'/>"
	       "<disk type='file'><driver type='${f}' cache='${c}' io='native'/>"
	       "<source file='/nas/${a}'/></disk>"
	       "<disk type='file'><source file='${a}'/></disk>"
	       "<disk type='${t}' device='cdrom'><source file='/nas/c'/></disk>");
	for (size_t i = 0; i < NQEMU; i++) {
		if (count(qemu_rules[i], &nas, buf) != 0)
			fail_msg("%s took a variable for a value", qemu_rules[i]);
	}
}

static void rows_are_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < NQEMU; i++) {
		const struct rule *r = rule_find(qemu_rules[i]);

		assert_non_null(r);
		assert_true(strlen(r->title) < 72);
		assert_non_null(r->why);
		assert_non_null(r->source);
		assert_true(r->steps || r->fix_class == FIX_SAFE);
	}
}

/* ---- iommu ---- */

static void names_of_q35_are_known(void **state)
{
	static const char rule[] = "iommu-intel-needs-q35",
			  dev[] = "<iommu model='intel'/>";

	(void)state;
	silent(rule, " machine='q35'", dev);
	silent(rule, " machine='pc-q35-9.0'", dev);
	silent(rule, " machine='pc-q35-rhel9.4.0'", dev);
	silent(rule, " machine='ubuntu-q35'", dev);
	silent(rule, " machine='something-new'", dev);
	fires(rule, " machine='pc'", dev);
	fires(rule, " machine='pc-i440fx-noble'", dev);
	fires(rule, " machine='pc-0.12'", dev);
	fires(rule, " machine='rhel6.6.0'", dev);
	fires(rule, " machine='microvm'", dev);
	fires(rule, " machine='virt-8.0'", dev);
	fires(rule, "", dev);
}

static void only_vfio_devices_need_caching_mode(void **state)
{
	static const char rule[] = "iommu-vfio-needs-caching-mode";

	(void)state;
	fires(rule, Q35, "<iommu model='intel'/><hostdev type='pci'/>");
	fires(rule, Q35,
	      "<iommu model='intel'/><hostdev type='pci'><driver name='vfio'/>"
	      "</hostdev>");
	fires(rule, Q35, "<iommu model='intel'/><hostdev mode='subsystem' type='mdev'/>");
	silent(rule, Q35, "<iommu model='intel'/><hostdev mode='subsystem' type='usb'/>");
	silent(rule, Q35,
	       "<iommu model='intel'/><hostdev mode='subsystem' type='scsi'/>");
	silent(rule, Q35,
	       "<iommu model='intel'/><hostdev mode='capabilities' type='pci'/>");
	silent(rule, Q35,
	       "<iommu model='intel'/><hostdev type='pci'><driver name='xen'/>"
	       "</hostdev>");
	silent(rule, Q35, "<iommu model='virtio'/><hostdev type='pci'/>");
	silent(rule, Q35, "<hostdev type='pci'/>");
}

static void raw_arguments_may_set_caching_mode(void **state)
{
	static const char text[] =
		"<domain type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
		"<os><type machine='q35'>hvm</type></os><devices><iommu model='intel'/>"
		"<hostdev type='pci'/></devices><q:override><q:device alias='%s'><q:frontend>"
		"<q:property name='x' type='bool' value='true'/></q:frontend></q:device>"
		"</q:override></domain>";
	char buf[1024];

	(void)state;
	snprintf(buf, sizeof(buf), text, "iommu0");
	assert_int_equal(count("iommu-vfio-needs-caching-mode", NULL, buf), 0);
	snprintf(buf, sizeof(buf), text, "net0");
	assert_int_equal(count("iommu-vfio-needs-caching-mode", NULL, buf), 1);
}

static void arm_has_no_ioapic(void **state)
{
	(void)state;
	assert_int_equal(
		count("iommu-intremap-needs-ioapic", NULL,
		      "<domain type='kvm'><os><type arch='aarch64' machine='virt'>hvm"
		      "</type></os><devices><iommu model='intel'><driver intremap='on'/>"
		      "</iommu></devices></domain>"),
		0);
}

/* ---- disks ---- */

static void raw_by_nature_needs_no_format(void **state)
{
	static const char rule[] = "disk-format-undeclared";

	(void)state;
	fires(rule, Q35, "<disk><source file='/a.img'/></disk>");
	fires(rule, Q35, "<disk type='file' device='disk'><source file='/a'/></disk>");
	fires(rule, Q35,
	      "<disk type='file'><driver name='qemu'/><source file='/a'/></disk>");
	silent(rule, Q35,
	       "<disk type='file'><driver type='raw'/><source file='/a'/></disk>");
	silent(rule, Q35, "<disk type='file'><source file='/a.raw'/></disk>");
	silent(rule, Q35, "<disk type='file'><source file='/dev/vg/a'/></disk>");
	silent(rule, Q35, "<disk type='file'><source file=''/></disk>");
	silent(rule, Q35, "<disk type='file'/>");
	silent(rule, Q35, "<disk type='block'><source dev='/dev/sdb'/></disk>");
	silent(rule, Q35,
	       "<disk type='network'><source protocol='rbd' name='a'/></disk>");
	silent(rule, Q35, "<disk type='file' device='cdrom'><source file='/a'/></disk>");
	silent(rule, Q35, "<disk type='file' device='floppy'><source file='/a'/></disk>");
}

static void only_what_can_be_lost_needs_flushes(void **state)
{
	static const char rule[] = "disk-cache-unsafe";

	(void)state;
	fires(rule, Q35, "<disk><driver cache='unsafe'/><source file='/a'/></disk>");
	fires(rule, Q35, "<disk device='lun'><driver cache='unsafe'/></disk>");
	silent(rule, Q35, "<disk device='cdrom'><driver cache='unsafe'/></disk>");
	silent(rule, Q35, "<disk><driver cache='unsafe'/><readonly/></disk>");
	silent(rule, Q35, "<disk><driver cache='unsafe'/><transient/></disk>");
	silent(rule, Q35, "<disk><driver cache='unsafe'/><source file='/tmp/a'/></disk>");
	silent(rule, Q35, "<disk><driver cache='none'/></disk>");
}

/* ---- locks ---- */

struct share {
	const char *fstype, *options;
	size_t findings;
};

static void only_servers_that_must_lock_are_reported(void **state)
{
	static const struct share places[] = {
		{ "nfs", "rw,vers=3,local_lock=none", 1 },
		{ "nfs", "rw,vers=2", 1 },
		{ "nfs", "rw,vers=3,local_lock=flock", 1 },
		{ "nfs", "rw,vers=3,local_lock=posix", 0 },
		{ "nfs", "rw,vers=3,local_lock=all", 0 },
		{ "nfs", "rw,vers=3,nolock,local_lock=all", 0 },
		{ "nfs", "rw,vers=4.1", 0 },
		{ "nfs4", "rw,vers=4.2,local_lock=none", 0 },
		{ "cifs", "rw,vers=3.0", 1 },
		{ "cifs", "rw,nobrl", 0 },
		{ "smb3", "rw", 1 },
		{ "9p", "rw,trans=virtio", 1 },
		{ "afs", "rw", 1 },
		{ "ext4", "rw", 0 },
		{ "fuse.sshfs", "rw", 0 },
		{ "fuse.glusterfs", "rw", 0 },
		{ "ceph", "rw", 0 },
		{ "virtiofs", "rw", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct mount m = { .dir = "/nas",
					 .fstype = places[i].fstype,
					 .source = "server:/x",
					 .options = places[i].options };
		size_t n = count("locking-network-medium", &m,
				 "<domain type='kvm'><devices><disk device='cdrom'>"
				 "<source file='/nas/a.iso'/></disk></devices></domain>");

		if (n != places[i].findings)
			fail_msg("%s with %s: %zu findings", m.fstype, m.options, n);
	}
}

static void only_read_only_files_are_reported(void **state)
{
	static const char rule[] = "locking-network-medium";
	char buf[1024];

	(void)state;
	assert_int_equal(count(rule, &nas,
			       domain(buf, sizeof(buf), "kvm", Q35,
				      "<disk><source file='/nas/a'/><readonly/></disk>")),
			 1);
	assert_int_equal(
		count(rule, &nas,
		      domain(buf, sizeof(buf), "kvm", Q35,
			     "<disk><source file='/nas/a'/></disk>"
			     "<disk device='cdrom'/>"
			     "<disk device='cdrom'><source file='/nas2/a'/></disk>"
			     "<disk device='cdrom'><source file='nas/a'/></disk>"
			     "<disk type='block' device='cdrom'><source dev='/nas/a'/>"
			     "</disk>")),
		0);
	assert_int_equal(
		count(rule, NULL,
		      domain(buf, sizeof(buf), "kvm", Q35,
			     "<disk device='cdrom'><source file='/nas/a'/></disk>")),
		0);
}

/* ---- syntax ---- */

static void broken_text_is_one_finding(void **state)
{
	(void)state;
	assert_int_equal(count("config-syntax", NULL, "<domain><a></domain>"), 1);
	assert_int_equal(count("config-syntax", NULL, "<domain><a/></domain>"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qemu_domains_are_judged),
		cmocka_unit_test(other_hypervisors_are_left_alone),
		cmocka_unit_test(variables_are_no_findings),
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(names_of_q35_are_known),
		cmocka_unit_test(only_vfio_devices_need_caching_mode),
		cmocka_unit_test(raw_arguments_may_set_caching_mode),
		cmocka_unit_test(arm_has_no_ioapic),
		cmocka_unit_test(raw_by_nature_needs_no_format),
		cmocka_unit_test(only_what_can_be_lost_needs_flushes),
		cmocka_unit_test(only_servers_that_must_lock_are_reported),
		cmocka_unit_test(only_read_only_files_are_reported),
		cmocka_unit_test(broken_text_is_one_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
