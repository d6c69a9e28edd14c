/* PCI addresses of libvirt domains: what no bus has, what two devices share, and what the
 * controller of a bus does not take.
 * libvirt 9.0, src/conf/domain_addr.c, device_conf.c, src/util/virpci.c;
 * src/qemu/qemu_domain_address.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/domain_pci.h"
#include "rules/device_words.h"
#include "base/banned.h"

/* ---- pci-address-range ---- */

static const struct limit {
	const char *name;
	uint64_t max;
} limits[] = { { "bus", 0xff }, { "slot", 0x1f }, { "function", 7 } };

static bool out_of_range(const struct node *address, const char *name, uint64_t max,
			 const struct node **found)
{
	uint64_t v;

	*found = node_attr(address, name);
	return *found && domain_number((*found)->text, &v) && v > max;
}

/* All zeros, whatever the function, are no address to libvirt. */
static bool is_place(const struct node *address)
{
	static const char *const names[] = { "domain", "bus", "slot" };
	bool any = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct node *n = node_attr(address, names[i]);
		uint64_t v = 0;

		if (n && !domain_number(n->text, &v))
			return false;
		any |= v != 0;
	}
	return any;
}

static void say_range(struct scan *s, const struct node *address)
{
	const struct node *n;

	if (!is_place(address))
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (!out_of_range(address, limits[i].name, limits[i].max, &n))
			continue;
		report_label(
			s,
			report(s, n->text_at,
			       "invalid PCI address: %s='%s', expected at most 0x%llx",
			       limits[i].name, shown(s, n->text),
			       (unsigned long long)limits[i].max),
			DOMAIN_REFUSES);
		return;
	}
}

/* The device of the host that <source> names. */
static const struct node *source_address(const struct device *dev)
{
	const struct node *source = node_child(dev->node, "source");
	const struct node *address = source ? node_child(source, "address") : NULL;

	if (!address)
		return NULL;
	if (dev->kind == DEVICE_hostdev && node_attr_is(dev->node, "type", "pci"))
		return address;
	if (dev->kind == DEVICE_interface && node_attr_is(dev->node, "type", "hostdev") &&
	    node_attr_is(address, "type", "pci"))
		return address;
	return NULL;
}

static void check_range(struct scan *s, const struct device *dev)
{
	const struct address *a = &dev->address;
	const struct node *source = source_address(dev);

	if (source)
		say_range(s, source);
	if (a->type != ADDRESS_pci)
		return;
	say_range(s, a->node);
	if (dev->domain->qemu && a->domain.given && a->domain.v > 0 && a->whole)
		report_label(s,
			     report(s, node_attr(a->node, "domain")->text_at,
				    "invalid PCI address %s: only PCI domain 0 is "
				    "available in a guest",
				    pci_address_words(s, a)),
			     DOMAIN_REFUSES);
}

static bool fix_range(struct plan *p, const struct finding *f, const struct device *dev)
{
	if (dev->address.type != ADDRESS_pci ||
	    f->at.off < dev->address.node->whole.off ||
	    f->at.off >= span_end(dev->address.node->whole))
		return plan_refuse(p, "it is the address of a device of the host");
	return fix_address(p, f, dev);
}

/* ---- what does not fit on the buses ---- */

static struct finding *fault_at(struct scan *s, const struct domain *d,
				const struct pci_fault *f, const char *message)
{
	const struct address *a = &f->device->address;
	struct finding *out = report(
		s, a->node ? a->node->open_at : f->device->node->open_at, "%s", message);

	out->arg = (uint64_t)(f->device - d->devices);
	return out;
}

static const char *model_of(const struct pci_bus *b)
{
	return pci_model_row(b->model)->name;
}

static void relate_bus(struct scan *s, struct finding *out, const struct pci_fault *f)
{
	if (f->bus && f->bus->controller)
		report_related(s, out, f->bus->controller->node->open_at,
			       "the controller of that bus");
}

#define for_each_fault(f, d)                                                             \
	for (const struct pci_fault *f = (d)->pci ? (d)->pci->faults : NULL; f;          \
	     f = f->next)

static const char *pair_words(struct scan *s, const struct pci_fault *f)
{
	if (f->other)
		return device_pair_words(s, f->device, f->other);
	return scan_printf(s, "the %s, and %s", device_words(s, f->device),
			   f->fixed.what);
}

static void check_twice(struct scan *s, const struct domain *d)
{
	for_each_fault(f, d)
	{
		const char *where = pci_address_words(s, &f->device->address);
		struct finding *out;

		if (f->kind != PCI_TWICE)
			continue;
		out = fault_at(s, d, f,
			       scan_printf(s, "double use of PCI address %s: %s", where,
					   pair_words(s, f)));
		report_label(s, out, DOMAIN_REFUSES);
		if (f->other)
			report_related(s, out, f->other->address.node->open_at,
				       "the same address");
	}
}

/* What a model takes besides common devices, and what a controller needs. */
static const char *kind_words(unsigned kind)
{
	switch (kind) {
	case PCI_BRIDGE:
		return "a pci-bridge";
	case PCI_DMI:
		return "a dmi-to-pci-bridge";
	case PCI_PCIE_TO_PCI:
		return "a pcie-to-pci-bridge";
	case PCI_ROOT_PORT:
		return "a pcie-root-port";
	case PCI_UPSTREAM:
		return "a pcie-switch-upstream-port";
	case PCI_DOWNSTREAM:
		return "a pcie-switch-downstream-port";
	case PCI_EXPANDER:
		return "a pci-expander-bus";
	case PCI_PCIE_EXPANDER:
		return "a pcie-expander-bus";
	default:
		return "a PCI device";
	}
}

static unsigned needs_of(const struct device *dev)
{
	struct fact model = ASK(dev->node, "@model");

	if (!is_controller(dev, "pci") || !fact_known(&model))
		return PCI_ENDPOINT;
	return pci_model_row(pci_model_named(model.v))->needs;
}

static void say_bus(struct scan *s, const struct domain *d, const struct pci_fault *f)
{
	const struct address *a = &f->device->address;
	const char *where = pci_address_words(s, a), *what = device_words(s, f->device);
	const char *needs = kind_words(needs_of(f->device));
	struct finding *out;

	if (f->kind == PCI_NOT_BUS_0)
		out = fault_at(s, d, f,
			       scan_printf(s,
					   "the virtio IOMMU is at PCI address %s, it "
					   "needs to be an integrated device on bus 0",
					   where));
	else if (f->kind == PCI_NO_BUS)
		out = fault_at(
			s, d, f,
			scan_printf(s,
				    "the %s is at PCI address %s, and no controller "
				    "makes that bus; libvirt adds none for %s",
				    what, where, needs));
	else
		out = fault_at(
			s, d, f,
			scan_printf(s,
				    "the %s at PCI address %s cannot be plugged into a "
				    "%s, expected a controller that accepts %s",
				    what, where, model_of(f->bus), needs));
	report_label(s, out, DOMAIN_REFUSES);
	relate_bus(s, out, f);
}

static void check_bus(struct scan *s, const struct domain *d)
{
	for_each_fault(f, d)
	{
		if (f->kind == PCI_NOT_TAKEN || f->kind == PCI_NOT_BUS_0 ||
		    f->kind == PCI_NO_BUS)
			say_bus(s, d, f);
	}
}

static void check_slot(struct scan *s, const struct domain *d)
{
	for_each_fault(f, d)
	{
		const struct pci_model_row *row;
		struct finding *out;
		bool high;

		if (f->kind != PCI_NO_SLOT)
			continue;
		row = pci_model_row(f->bus->model);
		high = f->device->address.slot.v > row->last;
		out = fault_at(
			s, d, f,
			scan_printf(s, "invalid PCI address %s: a %s has slot%s 0x%02x%s",
				    pci_address_words(s, &f->device->address), row->name,
				    row->first == row->last ? "" : "s", row->first,
				    row->first == row->last ? " only" : " to 0x1f"));
		report_label(
			s, out, "libvirt refuses the domain: slot must be %s %u",
			high ? "<=" : ">=", (unsigned)(high ? row->last : row->first));
		relate_bus(s, out, f);
	}
}

static void check_place(struct scan *s, const struct domain *d)
{
	for_each_fault(f, d)
	{
		struct finding *out;

		if (f->kind != PCI_PLACE)
			continue;
		out = fault_at(s, d, f,
			       scan_printf(s, "the %s is at PCI address %s, expected %s",
					   device_words(s, f->device),
					   pci_address_words(s, &f->device->address),
					   pci_words(s, 0, 0, f->fixed.slot,
						     f->fixed.function)));
		report_label(s, out, "libvirt refuses the domain: it is %s",
			     f->fixed.what);
	}
}

/* An expander bus that the machine does not have is pci-controller-machine. */
static bool is_foreign(const struct domain *d, const struct device *c)
{
	return (needs_of(c) == PCI_EXPANDER && d->machine != MACHINE_I440FX) ||
	       (needs_of(c) == PCI_PCIE_EXPANDER && d->machine != MACHINE_Q35 &&
		d->machine != MACHINE_VIRT);
}

static void check_full(struct scan *s, const struct domain *d)
{
	for_each_fault(f, d)
	{
		const char *model;

		if (f->kind != PCI_FULL || is_foreign(d, f->device))
			continue;
		model = kind_words(needs_of(f->device));
		report_label(
			s,
			fault_at(s, d, f,
				 scan_printf(s,
					     "a PCI slot is needed to connect the %s, "
					     "and no controller that accepts %s has "
					     "one left",
					     device_words(s, f->device), model)),
			"libvirt refuses the domain: it cannot be automatically added");
	}
}

const struct rule rules_pci[] = {
	{ .id = "pci-address-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a PCI address that no bus has",
	  .why = "libvirt refuses to define the domain: a PCI address has bus 0 to 0xff, "
		 "slot 0 to 0x1f and function 0 to 7, and a guest of QEMU has domain 0 only.",
	  .source =
		  "libvirt, virPCIDeviceAddressIsValid(), virDomainPCIAddressValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_range, fix_range) },
	{ .id = "pci-address-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two devices at one PCI address",
	  .why = "libvirt refuses to define the domain: Attempted double use of PCI Address. "
		 "Some places are the machine's own: its ISA bridge and its first disk "
		 "controller stand in no file.",
	  .source = "libvirt, virDomainPCIAddressReserveAddrInternal(), "
		    "qemuDomainValidateDevicePCISlotsChipsets()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_twice, fix_address_of) },
	{ .id = "pci-bus-kind",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a device on a PCI bus that does not take it",
	  .why = "libvirt refuses to define the domain: The device cannot be plugged into "
		 "the PCI controller. Root ports go on pcie-root or pcie-expander-bus, "
		 "downstream ports on an upstream port, bridges on conventional PCI.",
	  .source = "libvirt, virDomainPCIAddressFlagsCompatible(), "
		    "virDomainPCIAddressSetGrow()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_bus, fix_address_of) },
	{ .id = "pci-no-slot-left",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a PCI controller, and no slot that it could stand in",
	  .why = "libvirt refuses to define the domain: a PCI slot is needed to connect a PCI "
		 "controller, but none is available. It adds ports and bridges for devices, "
		 "and no roots, expander buses or switches for controllers.",
	  .steps =
		  "Remove controllers that no device is on, or add the one that has room for "
		  "them: a pcie-expander-bus for more root ports, an upstream port for "
		  "downstream ports.",
	  .source = "libvirt, virDomainPCIAddressSetGrow()",
	  .since = "0.1.0",
	  CHECK(domain, check_full) },
	{ .id = "pci-place",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the machine's own controller at another PCI address",
	  .why = "libvirt refuses to define the domain: the first IDE controller of a pc is "
		 "at 0:0:1.1, its USB controller at 0:0:1.2, and the first SATA controller of "
		 "a q35 at 0:0:1f.2.",
	  .source = "libvirt, qemuDomainValidateDevicePCISlotsPIIX3(), "
		    "qemuDomainValidateDevicePCISlotsQ35()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_place, fix_address_of) },
	{ .id = "pci-slot-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a slot that the controller of the PCI bus does not have",
	  .why = "libvirt refuses to define the domain. A root port and a downstream port have "
		 "slot 0 only; pci-root, pcie-root and pci-bridge have none with number 0.",
	  .source = "libvirt, virDomainPCIAddressBusSetModel(), "
		    "virDomainPCIAddressValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_slot, fix_address_of) },
};
RULES_END(pci);
