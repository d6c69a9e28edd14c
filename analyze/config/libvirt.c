/* libvirt domain XML: how a <domain> tells the model's facts.
 * https://libvirt.org/formatdomain.html
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/libvirt.h"
#include "analyze/config/domain.h"
#include "analyze/config/lens.h"
#include "analyze/config/node.h"
#include "analyze/config/qemu_args.h"
#include "analyze/config/qemu_override.h"
#include "analyze/config/schema.h"
#include "analyze/config/xml.h"

#include "base/banned.h"

#define NS_QEMU   "http://libvirt.org/schemas/domain/qemu/1.0"
#define NS_OSINFO "http://libosinfo.org/xmlns/libvirt/domain/1.0"

static const struct lens vm_lenses[] = {
	LENS(vm, name, "name"),
	LENS(vm, uuid, "uuid"),
	LENS(vm, type, "@type"),
	LENS(vm, arch, "os/type@arch"),
	LENS(vm, machine, "os/type@machine"),
	LENS(vm, emulator, "devices/emulator"),
	LENS(vm, firmware, "os@firmware"),
	LENS(vm, loader, "os/loader"),
	LENS(vm, loader_type, "os/loader@type"),
	LENS(vm, loader_readonly, "os/loader@readonly"),
	LENS(vm, nvram, "os/nvram"),
	LENS(vm, nvram_template, "os/nvram@template"),
	LENS(vm, kernel, "os/kernel"),
	LENS(vm, initrd, "os/initrd"),
	LENS(vm, tpm, "devices/tpm?"),
	LENS(vm, memory, "memory"),
	LENS(vm, acpi, "features/acpi?"),
	LENS(vm, ioapic, "features/ioapic@driver"),
};

static const struct lens disk_lenses[] = {
	LENS(disk, device, "@device"),
	LENS(disk, type, "@type"),
	LENS(disk, source, "source@file|source@dev|source@volume|source@name|source@dir"),
	LENS(disk, format, "driver@type"),
	LENS(disk, target, "target@dev"),
	LENS(disk, bus, "target@bus"),
	LENS(disk, cache, "driver@cache"),
	LENS(disk, io, "driver@io"),
	LENS(disk, discard, "driver@discard"),
	LENS(disk, readonly, "readonly?"),
	LENS(disk, shareable, "shareable?"),
	LENS(disk, transient, "transient?"),
	LENS(disk, logical_block_size, "blockio@logical_block_size"),
	LENS(disk, physical_block_size, "blockio@physical_block_size"),
	LENS(disk, boot_index, "boot@order"),
	LENS(disk, backing, "backingStore/source@file"),
	LENS(disk, backing_format, "backingStore/format@type"),
};

static const struct lens iommu_lenses[] = {
	LENS(iommu, model, "@model"),
	LENS(iommu, intremap, "driver@intremap"),
	LENS(iommu, caching_mode, "driver@caching_mode"),
	LENS(iommu, eim, "driver@eim"),
	LENS(iommu, iotlb, "driver@iotlb"),
	LENS(iommu, aw_bits, "driver@aw_bits"),
	LENS(iommu, dma_translation, "driver@dma_translation"),
};

static const struct lens hostdev_lenses[] = {
	LENS(hostdev, mode, "@mode"),
	LENS(hostdev, type, "@type"),
	LENS(hostdev, managed, "@managed"),
	LENS(hostdev, driver, "driver@name"),
};

/* <interface type='hostdev'>: the same device, told another way. */
static const struct lens interface_lenses[] = {
	LENS(hostdev, mode, "@mode"),
	LENS(hostdev, type, "source/address@type"),
	LENS(hostdev, managed, "@managed"),
	LENS(hostdev, driver, "driver@name"),
};

#define READ(table, owner, object)                                                       \
	lens_read((table), sizeof(table) / sizeof((table)[0]), (owner), (object))

static bool is_hostdev(const struct node *n)
{
	const struct node *type = node_attr(n, "type");

	return str_is(n->key, "hostdev") ||
	       (str_is(n->key, "interface") && type && str_is(type->text, "hostdev"));
}

static const struct node *element_from(const struct node *n)
{
	while (n && (n->kind != NODE_ELEMENT || n->ns.n != 0))
		n = n->next;
	return n;
}

/* The first device, or the next one after n: libvirt sees those of every <devices>, and
 * none that is in a foreign namespace. */
static const struct node *next_device(const struct node *domain, const struct node *n)
{
	const struct node *devices = n ? n->up : node_child(domain, "devices");

	n = n ? n->next : devices ? devices->first : NULL;
	for (;;) {
		n = element_from(n);
		if (n || !devices)
			return n;
		devices = node_again(devices);
		n = devices ? devices->first : NULL;
	}
}

/* Only the name is compared with the mounts: what an input names is never touched.
 * A disk without a type is of type file. */
static const struct mount *mount_of(const struct disk *d, const struct host *host)
{
	if (!fact_absent(&d->type) && !fact_is(&d->type, "file"))
		return NULL;
	return fact_known(&d->source) ? host_mount_of(host, d->source.v) : NULL;
}

struct devices {
	struct disk *disks;
	struct iommu *iommus;
	struct hostdev *hostdevs;
};

static void read_devices(struct vm *vm, const struct devices *to, const struct host *host)
{
	for (const struct node *n = next_device(vm->node, NULL); n;
	     n = next_device(vm->node, n)) {
		if (str_is(n->key, "disk")) {
			struct disk *d = &to->disks[vm->ndisks++];

			READ(disk_lenses, n, d);
			d->vm = vm;
			d->node = n;
			d->mount = mount_of(d, host);
		} else if (str_is(n->key, "iommu")) {
			struct iommu *i = &to->iommus[vm->niommus++];

			READ(iommu_lenses, n, i);
			i->vm = vm;
			i->node = n;
		} else if (is_hostdev(n)) {
			struct hostdev *h = &to->hostdevs[vm->nhostdevs++];

			if (str_is(n->key, "hostdev"))
				READ(hostdev_lenses, n, h);
			else
				READ(interface_lenses, n, h);
			h->vm = vm;
			h->node = n;
		}
	}
}

/* <firmware><feature enabled='' name='enrolled-keys'/>: the file of variables has them. */
static void read_keys(struct vm *vm)
{
	const struct node *os = node_child(vm->node, "os");
	const struct node *firmware = os ? node_child(os, "firmware") : NULL;

	vm->secure_boot = (struct fact){ .at = vm->node->open_at, .owner = vm->node };
	if (!firmware)
		return;
	for_each_node (c, firmware) {
		const struct node *name = node_attr(c, "name");
		const struct node *enabled = node_attr(c, "enabled");

		if (c->kind != NODE_ELEMENT || !name || !enabled ||
		    !str_is(name->text, "enrolled-keys"))
			continue;
		vm->secure_boot = (struct fact){ .state = FACT_KNOWN,
						 .v = enabled->text,
						 .at = enabled->text_at,
						 .owner = c };
	}
}

/* <libosinfo:libosinfo><libosinfo:os id=''/>: what virt-install and virt-manager note. */
static void read_guest(struct vm *vm)
{
	const struct node *metadata = node_child(vm->node, "metadata");

	vm->guest = (struct fact){ .at = vm->node->open_at, .owner = vm->node };
	if (!metadata)
		return;
	for_each_node (c, metadata) {
		if (!str_is(c->ns, NS_OSINFO) || !str_is(c->key, "libosinfo"))
			continue;
		for_each_node (os, c) {
			const struct node *id = node_attr(os, "id");

			if (str_is(os->ns, NS_OSINFO) && str_is(os->key, "os") && id)
				vm->guest = (struct fact){ .state = FACT_KNOWN,
							   .v = id->text,
							   .at = id->text_at,
							   .owner = os };
		}
	}
}

/* <os><boot dev=''/>, in its order. */
static void read_boot_devs(struct vm *vm)
{
	const struct node *os = node_child(vm->node, "os");

	for (const struct node *c = os ? os->first : NULL; c; c = c->next) {
		const struct node *dev = node_attr(c, "dev");

		if (c->kind == NODE_ELEMENT && str_is(c->key, "boot") && dev &&
		    vm->nboot_devs < BOOT_DEVS_MAX)
			vm->boot_devs[vm->nboot_devs++] =
				(struct fact){ .state = FACT_KNOWN,
					       .v = dev->text,
					       .at = dev->text_at,
					       .owner = c };
	}
}

/* <memory unit='GiB'>8</memory>; without a unit KiB. */
static void read_memory(struct vm *vm)
{
	if (!domain_size(node_child(vm->node, "memory"), "KiB", &vm->memory_size))
		vm->memory_size = 0;
}

/* The network, or a device that is no disk, is among what is to be booted. */
static bool boots_elsewhere(const struct node *domain)
{
	const struct node *os = node_child(domain, "os");

	if (os) {
		for_each_node (c, os) {
			const struct node *dev = node_attr(c, "dev");

			if (c->kind == NODE_ELEMENT && str_is(c->key, "boot") && dev &&
			    str_is(dev->text, "network"))
				return true;
		}
	}
	for (const struct node *n = next_device(domain, NULL); n;
	     n = next_device(domain, n)) {
		if (!str_is(n->key, "disk") && node_child(n, "boot"))
			return true;
	}
	return false;
}

/* The values of all attributes below n, which are what <qemu:arg value=''/> and the like
 * say. to: NULL to count them. */
static size_t read_values(const struct node *n, struct str *to)
{
	size_t count = 0;

	for_each_node (c, n) {
		if (c->kind == NODE_ELEMENT) {
			count += read_values(c, to ? to + count : NULL);
			continue;
		}
		if (to)
			to[count] = c->text;
		count++;
	}
	return count;
}

static size_t read_raw(const struct node *domain, struct str *to)
{
	size_t count = 0;

	for_each_node (c, domain) {
		if (c->kind == NODE_ELEMENT && str_is(c->ns, NS_QEMU))
			count += read_values(c, to ? to + count : NULL);
	}
	return count;
}

/* <qemu:commandline> with <qemu:arg value=''/>. */
static bool read_args(struct vm *vm, struct view text, const struct host *host,
		      struct arena *a)
{
	struct qemu_args args = qemu_args_in(text, a);

	for_each_node (c, vm->node) {
		if (c->kind != NODE_ELEMENT || !str_is(c->ns, NS_QEMU) ||
		    !str_is(c->key, "commandline"))
			continue;
		for_each_node (arg, c) {
			const struct node *value = node_attr(arg, "value");

			if (arg->kind == NODE_ELEMENT && str_is(arg->key, "arg") && value)
				qemu_args_add(&args, value, arg->whole, SPLIT_NONE);
		}
	}
	return qemu_args_vm(&args, vm, host);
}

/* <qemu:property name='x' value='1'/> of a device's frontend. */
static void read_property(struct vm *vm, const struct node *alias, const struct node *n,
			  size_t *count)
{
	const struct node *name = node_attr(n, "name");
	struct qemu_override o = { .group = STR("device"), .id = alias->text };

	if (!name)
		return;
	o.property = name->text;
	o.value.at = n->whole;
	if (qemu_override_vm(vm, *count, &o))
		++*count;
}

/* <qemu:override>: properties of devices that libvirt makes, by their alias. */
static void read_overrides(struct vm *vm)
{
	size_t count = 0;

	for_each_node (c, vm->node) {
		if (c->kind != NODE_ELEMENT || !str_is(c->ns, NS_QEMU) ||
		    !str_is(c->key, "override"))
			continue;
		for_each_node (device, c) {
			const struct node *alias = node_attr(device, "alias");
			const struct node *front = alias ? device->first : NULL;

			for (; front; front = front->next) {
				for_each_node (n, front)
					read_property(vm, alias, n, &count);
			}
		}
	}
}

static struct vm *read_domain(const struct node *domain, const struct host *host,
			      struct arena *a)
{
	struct vm *vm = arena_try_new(a, struct vm);
	size_t disks = 0, iommus = 0, hostdevs = 0;
	struct str *raw = arena_try_array(a, read_raw(domain, NULL), struct str);
	struct devices to;

	for (const struct node *n = next_device(domain, NULL); n;
	     n = next_device(domain, n)) {
		disks += str_is(n->key, "disk");
		iommus += str_is(n->key, "iommu");
		hostdevs += is_hostdev(n);
	}
	to.disks = arena_try_array(a, disks, struct disk);
	to.iommus = arena_try_array(a, iommus, struct iommu);
	to.hostdevs = arena_try_array(a, hostdevs, struct hostdev);
	if (!vm || !raw || !to.disks || !to.iommus || !to.hostdevs)
		return NULL;
	vm->flavour = FLAVOUR_LIBVIRT;
	vm->node = domain;
	READ(vm_lenses, domain, vm);
	read_keys(vm);
	read_guest(vm);
	read_boot_devs(vm);
	read_memory(vm);
	vm->boots_elsewhere = boots_elsewhere(domain);
	vm->disks = to.disks;
	vm->iommus = to.iommus;
	vm->hostdevs = to.hostdevs;
	vm->raw = raw;
	vm->nraw = read_raw(domain, raw);
	read_devices(vm, &to, host);
	read_overrides(vm);
	vm->domain = domain_read(vm, a);
	return vm->domain ? vm : NULL;
}

struct vm *libvirt_vm(const struct node *domain, const struct host *host, struct arena *a)
{
	return read_domain(domain, host, a);
}

/* ---- the format ---- */

/* <domain> is also the root of other people's files (GlassFish, JBoss, WebLogic): theirs
 * have a namespace, or attributes, but no type. */
static bool is_domain(struct view head)
{
	struct str tag = xml_root_tag(head);

	if (!str_is(xml_root_name(head), "domain") || xml_tag_has(tag, "xmlns"))
		return false;
	return xml_tag_has(tag, "type") || !memchr(tag.p, '=', tag.n);
}

/* UTF-16 is recognised so that it can be refused with a reason. */
static bool is_utf16_domain(struct view head)
{
	uint8_t narrow[512];
	size_t n = 0, odd = 0;

	if (head.n < 4 ||
	    !(view_eq(head, 0, "\xff\xfe", 2) || view_eq(head, 0, "\xfe\xff", 2)))
		return false;
	odd = head.p[0] == 0xfe;
	for (size_t i = 2; i + 1 < head.n && n < sizeof(narrow); i += 2) {
		if (head.p[i + !odd] != 0)
			return false;
		narrow[n++] = head.p[i + odd];
	}
	return is_domain((struct view){ narrow, n });
}

static bool probe_libvirt(struct view head, const struct source *s)
{
	(void)s;
	return is_domain(head) || is_utf16_domain(head);
}

static int read_libvirt(struct unit *u, struct err *e)
{
	struct node *root;
	struct vm *vm;

	if (u->src.size > XML_SIZE_MAX)
		return err_set(e, ERR_LIMIT,
			       "has %llu bytes, domain XML of up to %d is read",
			       (unsigned long long)u->src.size, XML_SIZE_MAX);
	if (unit_read_text(u, e) != 0 ||
	    xml_read(&u->src, u->text, &u->arena, &root, &u->syntax, e) != 0)
		return -1;
	u->doc = root;
	if (!root)
		return 0;
	vm = read_domain(root, u->host, &u->arena);
	u->vms = vm;
	u->nvms = vm != NULL;
	if (!vm || !read_args(vm, u->text, u->host, &u->arena))
		return err_set(e, ERR_LIMIT,
			       "has more devices than memory is allowed for");
	if (u->host->schema)
		schema_read(u->host->schema, u);
	return 0;
}

const struct format format_libvirt = {
	.name = "libvirt",
	.title = "libvirt domain XML",
	.kind = FORMAT_TEXT,
	.probe = probe_libvirt,
	.read = read_libvirt,
};
