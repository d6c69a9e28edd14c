/* Addresses of libvirt domains' devices: types that a device cannot have, channel I/O, spapr-vio
 * and virtio-serial; and names of devices that two of them have.
 * libvirt 9.0, src/conf/device_conf.c, src/conf/domain_addr.c, src/qemu/qemu_validate.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/device_words.h"
#include "base/banned.h"

enum { LOOK_BACK = 256 };

/* ---- address-type ---- */

static const struct kind_row {
	enum device_kind kind;
	const char *path, *values, *types;
	bool qemu;
} kind_rows[] = {
#define ADDRESS_KIND(kind, path, values, types, qemu)                                    \
	{ DEVICE_##kind, (path), (values), (types), (qemu) },
#include "rules/address_kinds.def"
#undef ADDRESS_KIND
};

static bool row_is_of(const struct kind_row *r, const struct device *dev, struct fact *is)
{
	if (r->kind != dev->kind || (r->qemu && !dev->domain->qemu))
		return false;
	*is = lens_ask(dev->node,
		       &(const struct lens){ .field = r->path, .path = r->path });
	return !*r->path || (fact_known(is) && str_among(is->v, r->values));
}

/* Elements that have no place in the guest, and no <address> that libvirt reads. */
static bool has_address(const struct device *dev)
{
	switch (dev->kind) {
	case DEVICE_graphics:
	case DEVICE_audio:
	case DEVICE_redirfilter:
	case DEVICE_lease:
	case DEVICE_emulator:
	case DEVICE_crypto:
	case DEVICE_other:
		return false;
	default:
		return dev->address.node != NULL &&
		       !(is_controller(dev, "usb") &&
			 node_attr_is(dev->node, "model", "none"));
	}
}

static void say_kind(struct scan *s, const struct device *dev, const struct kind_row *r,
		     const struct fact *is)
{
	struct str type = str_of(address_type_name(dev->address.type));
	const char *what = device_words(s, dev);
	struct finding *f;

	if (str_among(type, r->types))
		return;
	if (*r->path)
		what = scan_printf(s, "%s with %s '%s'", what, strchr(r->path, '@') + 1,
				   shown(s, is->v));
	if (*r->types)
		f = report(s, node_attr(dev->address.node, "type")->text_at,
			   "invalid address type '%.*s' for the %s, expected '%s'",
			   STR_ARG(type), what, r->types);
	else
		f = report(s, dev->address.node->open_at,
			   "an address of type '%.*s' for the %s, which has none",
			   STR_ARG(type), what);
	report_label(s, f, DOMAIN_REFUSES);
}

/* The model that libvirt takes where none is said. */
static bool is_firmware_panic(const struct device *dev)
{
	return dev->kind == DEVICE_panic && dev->domain->qemu &&
	       !node_attr(dev->node, "model") &&
	       (dev->domain->machine == MACHINE_PSERIES ||
		dev->domain->machine == MACHINE_S390_CCW);
}

static void check_kind(struct scan *s, const struct device *dev)
{
	enum address_type type = dev->address.type;
	struct fact is;

	if (!has_address(dev))
		return;
	if (type == ADDRESS_virtio_s390) {
		report_label(s,
			     report(s, dev->address.node->open_at,
				    "virtio-s390 bus doesn't have an address"),
			     DOMAIN_REFUSES);
	} else if (type == ADDRESS_unassigned && dev->kind != DEVICE_hostdev) {
		report_label(s,
			     report(s, dev->address.node->open_at,
				    "address of type 'unassigned' is supported only for "
				    "hostdevs, and not for the %s",
				    device_words(s, dev)),
			     DOMAIN_REFUSES);
	} else if (is_firmware_panic(dev)) {
		report_label(
			s,
			report(s, dev->address.node->open_at,
			       "an address for the panic of a machine whose firmware "
			       "has it, expected none"),
			DOMAIN_REFUSES
			": setting the panic device address is not supported");
	} else if (type != ADDRESS_unknown) {
		for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++) {
			if (row_is_of(&kind_rows[i], dev, &is)) {
				say_kind(s, dev, &kind_rows[i], &is);
				return;
			}
		}
	}
}

/* ---- address-pci-only ---- */

static void check_pci_only(struct scan *s, const struct device *dev)
{
	const struct node *rom = node_child(dev->node, "rom"),
			  *acpi = node_child(dev->node, "acpi");
	enum address_type type = dev->address.type;
	bool tuned = rom && (node_attr(rom, "bar") || node_attr(rom, "file"));

	if (dev->kind != DEVICE_interface && dev->kind != DEVICE_hostdev)
		rom = NULL;
	if (rom && tuned && node_attr_is(rom, "enabled", "no"))
		report_label(
			s, report(s, rom->open_at, "ROM tuning, and the ROM is disabled"),
			DOMAIN_REFUSES
			": ROM tuning is not supported when ROM is disabled");
	if (!dev->domain->qemu || type == ADDRESS_absent || type == ADDRESS_unknown ||
	    type == ADDRESS_pci)
		return;
	if (rom && (tuned || node_attr(rom, "enabled")) && type != ADDRESS_unassigned)
		report_label(
			s,
			report(s, rom->open_at,
			       "ROM tuning is only supported for PCI devices, and the "
			       "%s has an address of type '%s'",
			       device_words(s, dev), address_type_name(type)),
			DOMAIN_REFUSES);
	if (acpi && node_attr(acpi, "index"))
		report_label(
			s,
			report(s, acpi->open_at,
			       "ACPI index is only supported for PCI devices, and the "
			       "%s has an address of type '%s'",
			       device_words(s, dev), address_type_name(type)),
			DOMAIN_REFUSES);
}

static bool fix_pci_only(struct plan *p, const struct finding *f,
			 const struct device *dev)
{
	static const char *const names[] = { "rom", "acpi" };

	for (size_t i = 0; i < 2; i++) {
		const struct node *n = node_child(dev->node, names[i]);

		if (!n || n->open_at.off != f->at.off)
			continue;
		plan_title(p, "remove <%s>", names[i]);
		return plan_remove_node(p, n);
	}
	return false;
}

/* ---- address-ccw ---- */

static const struct node *part_of(const struct device *dev, const char *name, uint64_t *v)
{
	const struct node *n = node_attr(dev->address.node, name);

	return n && domain_number(n->text, v) ? n : NULL;
}

/* A first controller that the machine has by itself: its address goes nowhere. */
static bool is_built_in(const struct device *dev)
{
	struct fact type = ASK(dev->node, "@type"), index = ASK(dev->node, "@index");
	uint64_t i;

	return dev->kind == DEVICE_controller && !fact_is(&type, "scsi") &&
	       !fact_is(&type, "virtio-serial") &&
	       (fact_absent(&index) || (fact_number(&index, &i) && i == 0));
}

static void check_ccw(struct scan *s, const struct device *dev)
{
	static const struct {
		const char *name;
		uint64_t max;
	} parts[] = { { "cssid", 254 }, { "ssid", 3 }, { "devno", 65535 } };
	enum machine_family m = dev->domain->machine;
	unsigned there = 0;

	if (dev->address.type != ADDRESS_ccw || !has_address(dev))
		return;
	for (size_t i = 0; i < 3; i++) {
		uint64_t v;
		const struct node *n = part_of(dev, parts[i].name, &v);

		there += node_attr(dev->address.node, parts[i].name) != NULL;
		if (n && v > parts[i].max)
			report_label(s,
				     report(s, n->text_at,
					    "invalid specification for a virtio ccw "
					    "address: %s='%s', expected at most 0x%llx",
					    parts[i].name, shown(s, n->text),
					    (unsigned long long)parts[i].max),
				     DOMAIN_REFUSES);
	}
	if (there == 1 || there == 2)
		report_label(
			s,
			report(s, dev->address.node->open_at,
			       "partial specification for a virtio ccw address: %u of "
			       "cssid, ssid and devno, expected all or none",
			       there),
			DOMAIN_REFUSES);
	else if (dev->domain->qemu && m != MACHINE_S390_CCW && m != MACHINE_UNKNOWN &&
		 !is_built_in(dev))
		report_label(s,
			     report(s, dev->address.node->open_at,
				    "cannot use CCW address type for the %s: the machine "
				    "is no s390-ccw-virtio",
				    device_words(s, dev)),
			     DOMAIN_REFUSES);
}

/* ---- address-twice ---- */

/* What makes the address of such a type its own; false: incomplete, or of another type. */
static bool identity(const struct device *dev, uint64_t out[3])
{
	static const char *const ccw[] = { "cssid", "ssid", "devno" };
	const struct address *a = &dev->address;

	if (!has_address(dev))
		return false;
	if (a->type == ADDRESS_virtio_serial) {
		out[0] = a->controller.v;
		out[1] = a->port.v;
		out[2] = 0;
		return a->whole && a->port.v != 0;
	}
	for (size_t i = 0; a->type == ADDRESS_ccw && i < 3; i++) {
		if (!part_of(dev, ccw[i], &out[i]))
			return false;
	}
	return a->type == ADDRESS_ccw;
}

static void check_twice(struct scan *s, const struct device *dev)
{
	uint64_t own[3], others[3];
	const struct device *other = dev;
	struct finding *f;

	if (!dev->domain->qemu || dev->domain->varies || !identity(dev, own))
		return;
	for (unsigned i = 0; i < LOOK_BACK && other > dev->domain->devices; i++) {
		other--;
		if (other->address.type != dev->address.type ||
		    !identity(other, others) || memcmp(own, others, sizeof(own)) != 0)
			continue;
		f = report(s, dev->address.node->open_at,
			   dev->address.type == ADDRESS_ccw
				   ? "the CCW devno is in use already: %s"
				   : "virtio serial port is already occupied: %s",
			   device_pair_words(s, other, dev));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, other->address.node->open_at, "the same address");
		return;
	}
}

/* ---- address-serial-port ---- */

static void check_serial_port(struct scan *s, const struct device *dev)
{
	const struct address *a = &dev->address;
	uint64_t ports = 31, index;
	unsigned looked = 0;

	if (!dev->domain->qemu || a->type != ADDRESS_virtio_serial || !a->whole ||
	    a->port.v == 0)
		return;
	for_each_device(c, dev->domain, controller)
	{
		struct fact i = ASK(c->node, "@index"), n = ASK(c->node, "@ports"),
			    type = ASK(c->node, "@type");

		if (++looked > LOOK_BACK || type.state == FACT_UNKNOWN)
			return;
		if (!is_controller(c, "virtio-serial"))
			continue;
		if (!fact_number(&i, &index))
			return;
		if (index != a->controller.v || fact_absent(&n))
			continue;
		if (!fact_number(&n, &ports))
			return;
	}
	if (a->port.v >= ports)
		report_label(s,
			     report(s, a->node->open_at,
				    "virtio serial controller %llu does not have port "
				    "%llu: it has %llu, from 0",
				    (unsigned long long)a->controller.v,
				    (unsigned long long)a->port.v,
				    (unsigned long long)ports),
			     DOMAIN_REFUSES);
}

/* ---- address-spapr-vio ---- */

static bool reg_of(const struct device *dev, uint64_t *reg, const struct node **at)
{
	struct str text;

	*at = dev->address.type == ADDRESS_spapr_vio && has_address(dev) &&
			      dev->kind != DEVICE_console
		      ? node_attr(dev->address.node, "reg")
		      : NULL;
	if (!*at)
		return false;
	text = (*at)->text;
	*reg = 0;
	if (str_starts(text, "0x") || str_starts(text, "0X"))
		return domain_number(text, reg);
	/* Without 0x it is hexadecimal as well. */
	for (size_t i = 0; i < text.n && i < 15; i++) {
		char c = text.p[i];
		unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
			     : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
						    : 16;

		if (d == 16)
			return false;
		*reg = *reg * 16 + d;
	}
	return text.n > 0;
}

static void check_spapr(struct scan *s, const struct device *dev)
{
	const struct device *other = dev;
	const struct node *at, *its;
	struct finding *f;
	uint64_t reg, v;

	if (!dev->domain->qemu || dev->domain->varies || !reg_of(dev, &reg, &at))
		return;
	if (reg > 0xffffffff) {
		report_label(
			s,
			report(s, at->text_at,
			       "spapr-vio reg='%s' exceeds the maximum possible value, "
			       "0xffffffff",
			       shown(s, at->text)),
			DOMAIN_REFUSES);
		return;
	}
	for (unsigned i = 0; i < LOOK_BACK && other > dev->domain->devices; i++) {
		other--;
		if (!reg_of(other, &v, &its) || v != reg)
			continue;
		f = report(s, at->text_at, "spapr-vio address 0x%llx already in use: %s",
			   (unsigned long long)reg, device_pair_words(s, other, dev));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, its->text_at, "the same address");
		return;
	}
}

/* ---- alias-twice ---- */

/* Names that users give begin with ua-; libvirt chooses others anew at each start. */
static const struct node *user_alias(const struct device *dev)
{
	const struct node *alias = node_child(dev->node, "alias");
	const struct node *name = alias ? node_attr(alias, "name") : NULL;

	if (!name || !str_starts(name->text, "ua-"))
		return NULL;
	for (size_t i = 0; i < name->text.n; i++) {
		char c = name->text.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return NULL;
	}
	return name;
}

static void check_alias(struct scan *s, const struct device *dev)
{
	const struct node *name = user_alias(dev), *its;
	const struct device *other = dev;
	struct finding *f;

	/* A console is another name for the first serial device. */
	if (!dev->domain->qemu || dev->domain->varies || !name ||
	    dev->kind == DEVICE_console || dev->kind == DEVICE_other)
		return;
	for (unsigned i = 0; i < LOOK_BACK && other > dev->domain->devices; i++) {
		other--;
		its = other->kind == DEVICE_console ? NULL : user_alias(other);
		if (!its || !str_eq(its->text, name->text))
			continue;
		f = report(s, name->text_at, "non unique alias detected: '%s', of %s",
			   shown(s, name->text), device_pair_words(s, other, dev));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, its->text_at, "the same alias");
		return;
	}
}

const struct rule rules_address[] = {
	{ .id = "address-ccw",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a channel I/O address that cannot be",
	  .why = "libvirt refuses to define the domain: a CCW address has cssid up to 0xfe, "
		 "ssid up to 3 and devno up to 0xffff, all three or none, and only "
		 "s390-ccw-virtio machines have such addresses.",
	  .source = "libvirt, virCCWDeviceAddressParseXML(), "
		    "qemuValidateDomainDeviceDefAddress()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_ccw, fix_address) },
	{ .id = "address-pci-only",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a ROM or an ACPI index on a device that is not on PCI",
	  .why = "libvirt refuses to define the domain: ROM tuning and ACPI index are only "
		 "supported for PCI devices, and a ROM that is disabled has no file.",
	  .source =
		  "libvirt, qemuValidateDomainDeviceInfo(), virDomainDeviceInfoParseXML()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_pci_only, fix_pci_only) },
	{ .id = "address-serial-port",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a virtio serial port that the controller does not have",
	  .why = "libvirt refuses to define the domain: virtio serial controller does not have "
		 "port. Without the ports attribute a controller has ports 0 to 30.",
	  .source = "libvirt, virDomainVirtioSerialAddrReserve()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_serial_port, fix_address) },
	{ .id = "address-spapr-vio",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a spapr-vio address that cannot be, or that two devices have",
	  .why = "libvirt refuses to define the domain: spapr-vio address already in use, or "
		 "above 0xffffffff.",
	  .source = "libvirt, qemuDomainAssignSpaprVIOAddress(), "
		    "qemuValidateDomainDeviceDefAddress()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_spapr, fix_address) },
	{ .id = "address-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two devices at one CCW or virtio serial address",
	  .why = "libvirt refuses to define the domain: The CCW devno is in use already, or "
		 "virtio serial port is already occupied.",
	  .source =
		  "libvirt, virDomainCCWAddressAssign(), virDomainVirtioSerialAddrReserve()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_twice, fix_address) },
	{ .id = "address-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a type of address that the device cannot have",
	  .why = "libvirt refuses to define the domain, or to start it: a disk on SATA has a "
		 "drive address and not one on PCI, which is its controller's, and so each "
		 "device has its own.",
	  .source = "libvirt, virDomainDeviceAddressParseXML(), "
		    "virDomainDiskAddressDiskBusCompatibility() and others",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_kind, fix_address) },
	{ .id = "alias-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two devices with one alias of the user's",
	  .why = "libvirt refuses to define the domain: non unique alias detected. Only "
		 "aliases that begin with ua- are kept, and each names one device.",
	  .steps = "Rename one of them.",
	  .source = "libvirt, virDomainDefValidateAliases()",
	  .since = "0.1.0",
	  CHECK(device, check_alias) },
};
RULES_END(address);
