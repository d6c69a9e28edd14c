/* PCI of libvirt domains that QEMU refuses at start, or that the guest does not see:
 * functions, chassis, machines without PCI; and the zPCI of s390x.
 * QEMU, hw/pci/pci.c, hw/pci/pcie_port.c; libvirt 9.0, src/qemu/qemu_domain_address.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/domain_pci.h"
#include "rules/device_words.h"
#include "base/banned.h"

/* ---- functions of one slot ---- */

struct slot {
	const struct pci_bus *bus;
	unsigned bus_number, number;
};

/* The first device of the slot's functions 1 to 7; NULL: none that stands in the file. */
static const struct device *beside(const struct slot *at)
{
	for (unsigned f = 1; at->bus->at && f < PCI_FUNCTIONS; f++) {
		const struct device *dev = at->bus->at[at->number * PCI_FUNCTIONS + f];

		if (dev && dev->address.type == ADDRESS_pci)
			return dev;
	}
	return NULL;
}

static void say_single(struct scan *s, const struct domain *d, const struct slot *at)
{
	const struct device *zero = at->bus->at[at->number * PCI_FUNCTIONS];
	const struct device *other = beside(at);
	const struct node *multi;
	struct finding *f;

	if (!zero || !other || !zero->address.node)
		return;
	multi = node_attr(zero->address.node, "multifunction");
	if (!multi || !str_is(multi->text, "off"))
		return;
	f = report(s, multi->whole,
		   "the %s at PCI address %s has multifunction='off', and the %s is at "
		   "function %llu of that slot",
		   device_words(s, zero), pci_address_words(s, &zero->address),
		   device_words(s, other), (unsigned long long)other->address.function.v);
	f->arg = (uint64_t)(zero - d->devices);
	report_label(s, f,
		     "QEMU exits at start: single function device can't be populated");
	report_related(s, f, other->address.node->open_at, "the other function");
}

#define for_each_slot(slot_, d)                                                          \
	for (struct slot slot_ = { .bus_number = 0 };                                    \
	     (d)->pci && slot_.bus_number < (d)->pci->nbuses &&                          \
	     (slot_.bus = &(d)->pci->buses[slot_.bus_number], true);                     \
	     slot_.bus_number += ++slot_.number == PCI_SLOTS, slot_.number %= PCI_SLOTS)

static void check_single(struct scan *s, const struct domain *d)
{
	for_each_slot(at, d)
	{
		if (at.bus->used[at.number] & 1 && at.bus->used[at.number] != 1)
			say_single(s, d, &at);
	}
}

static bool fix_single(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct node *address = d->devices[f->arg].address.node;
	const struct fact multi = ASK(address, "@multifunction");

	plan_title(p, "multifunction='on'");
	return plan_set(p, &multi, "on");
}

static void check_zero(struct scan *s, const struct domain *d)
{
	/* On others each function is found by itself. */
	if (!d->pci || !d->pci->certain ||
	    (d->machine != MACHINE_I440FX && d->machine != MACHINE_Q35))
		return;
	for_each_slot(at, d)
	{
		const struct device *dev = beside(&at);

		if (!dev || at.bus->used[at.number] & 1)
			continue;
		report_label(
			s,
			report(s, dev->address.node->open_at,
			       "the %s is at PCI address %s, and function 0 of that slot "
			       "is empty",
			       device_words(s, dev), pci_address_words(s, &dev->address)),
			"guests look at function 0 first, and skip the slot without it");
	}
}

/* ---- pci-chassis-twice ---- */

static bool has_chassis(const struct device *c, uint64_t *chassis)
{
	struct fact model = ASK(c->node, "@model"), f = ASK(c->node, "target@chassis");

	return is_controller(c, "pci") &&
	       (fact_is(&model, "pcie-root-port") ||
		fact_is(&model, "pcie-switch-downstream-port")) &&
	       fact_number(&f, chassis) && *chassis <= 255;
}

/* libvirt takes a controller's index where no chassis is said, so only said ones are
 * compared. */
static void check_chassis(struct scan *s, const struct domain *d)
{
	const struct device *first[256] = { 0 };

	if (!d->qemu || d->varies)
		return;
	for_each_device(c, d, controller)
	{
		uint64_t chassis;
		struct finding *f;

		if (!has_chassis(c, &chassis))
			continue;
		if (!first[chassis]) {
			first[chassis] = c;
			continue;
		}
		f = report(
			s, node_attr(node_child(c->node, "target"), "chassis")->text_at,
			"two PCI Express ports have chassis '%llu', expected another for "
			"each",
			(unsigned long long)chassis);
		report_label(s, f, "QEMU exits at start: Can't add chassis slot");
		report_related(s, f, first[chassis]->node->open_at, "the other port");
	}
}

/* ---- pci-machine-without ---- */

/* What libvirt puts on PCI when the device does not say where it is. */
static bool is_pci_by_default(const struct device *dev)
{
	struct fact bus = ASK(dev->node,
			      dev->kind == DEVICE_disk ? "target@bus" : "@bus"),
		    type = ASK(dev->node, "@type"), model = ASK(dev->node, "@model"),
		    video = ASK(dev->node, "model@type");

	switch (dev->kind) {
	case DEVICE_disk:
	case DEVICE_input:
		return fact_is(&bus, "virtio");
	case DEVICE_video:
		return fact_known(&video) &&
		       str_among(video.v, "vga cirrus vmvga qxl virtio bochs");
	case DEVICE_hostdev:
		return fact_is(&type, "pci");
	case DEVICE_memballoon:
		return fact_known(&model) && str_starts(model.v, "virtio");
	case DEVICE_controller:
		return (fact_is(&type, "usb") && fact_is_not(&model, "none")) ||
		       fact_is(&type, "sata") || fact_is(&type, "virtio-serial") ||
		       (fact_is(&type, "scsi") && fact_known(&model));
	default:
		return false;
	}
}

static const struct device *first_on_pci(const struct domain *d)
{
	for (size_t i = 0; i < d->ndevices; i++) {
		const struct device *dev = &d->devices[i];

		if (dev->address.type == ADDRESS_pci || is_controller(dev, "pci") ||
		    (dev->address.type == ADDRESS_absent && is_pci_by_default(dev)))
			return dev;
	}
	return NULL;
}

static void check_without(struct scan *s, const struct domain *d)
{
	const struct device *dev;
	struct finding *f;

	/* Who adds words for QEMU may have asked its microvm for PCI Express. */
	if (!d->qemu || d->vm->nraw > 0 || d->varies ||
	    (d->machine != MACHINE_ISAPC && d->machine != MACHINE_MICROVM))
		return;
	dev = first_on_pci(d);
	if (dev) {
		f = report(s, dev->node->open_at,
			   "the %s needs PCI, and machine '%s' has none",
			   device_words(s, dev), shown(s, d->vm->machine.v));
	} else if (domain_count(d, DEVICE_memballoon) == 0) {
		f = report(s, d->vm->machine.at,
			   "machine '%s' has no PCI, and the memory balloon that libvirt "
			   "adds needs it; expected <memballoon model='none'/>",
			   shown(s, d->vm->machine.v));
	} else {
		return;
	}
	report_label(s, f, "libvirt refuses the domain: No PCI buses available");
	if (dev)
		report_related(s, f, d->vm->machine.at, "the machine type");
}

/* ---- zpci ---- */

static const struct node *zpci_of(const struct device *dev)
{
	return dev->domain->qemu && dev->address.type == ADDRESS_pci
		       ? node_child(dev->address.node, "zpci")
		       : NULL;
}

static void check_zpci(struct scan *s, const struct device *dev)
{
	const struct node *zpci = zpci_of(dev);
	struct fact uid, fid;
	uint64_t v;

	if (!zpci)
		return;
	uid = ASK(zpci, "@uid");
	fid = ASK(zpci, "@fid");
	if (fact_number(&uid, &v) && (v == 0 || v > 0xffff))
		report_label(s,
			     report(s, uid.at,
				    "invalid PCI address uid='%s', expected 0x0001 to "
				    "0xffff",
				    shown(s, uid.v)),
			     DOMAIN_REFUSES);
	else if ((fact_known(&uid) || fact_known(&fid)) &&
		 dev->domain->machine != MACHINE_UNKNOWN &&
		 dev->domain->machine != MACHINE_S390_CCW)
		report_label(
			s,
			report(s, zpci->whole,
			       "zPCI ids on a machine that is no s390-ccw-virtio"),
			"libvirt refuses the domain: This QEMU binary doesn't support "
			"zPCI");
}

enum { LOOK_BACK = 64 };

/* Another device, of those before it, whose zPCI has the same number; NULL: none near. */
static const struct device *same_zpci(const struct device *dev, const char *name,
				      uint64_t v)
{
	const struct device *first = dev->domain->devices;

	for (unsigned i = 0; i < LOOK_BACK && dev > first; i++) {
		const struct node *zpci = zpci_of(--dev);
		const struct node *n = zpci ? node_attr(zpci, name) : NULL;
		uint64_t other;

		if (n && domain_number(n->text, &other) && other == v)
			return dev;
	}
	return NULL;
}

static void check_zpci_twice(struct scan *s, const struct device *dev)
{
	static const char *const names[] = { "uid", "fid" };
	const struct node *zpci = zpci_of(dev);

	for (size_t i = 0; zpci && !dev->domain->varies && i < 2; i++) {
		const struct node *n = node_attr(zpci, names[i]);
		const struct device *other;
		struct finding *f;
		uint64_t v;

		if (!n || !domain_number(n->text, &v))
			continue;
		other = same_zpci(dev, names[i], v);
		if (!other)
			continue;
		f = report(s, n->text_at, "zPCI %s '%s' is the %s's already", names[i],
			   shown(s, n->text), device_words(s, other));
		report_label(s, f,
			     "libvirt refuses the domain: zPCI %s is already reserved",
			     names[i]);
		report_related(s, f, other->node->open_at, "the other one");
		return;
	}
}

const struct rule rules_pci_guest[] = {
	{ .id = "pci-chassis-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two PCI Express ports in one chassis",
	  .why = "libvirt defines the domain, and QEMU exits when it starts: Can't add chassis "
		 "slot, error -16. Every root port and downstream port of libvirt's has slot 0 "
		 "of its chassis.",
	  .steps =
		  "Give each <controller type='pci'> of a port its own number, or remove the "
		  "chassis attribute: libvirt then takes the controller's index.",
	  .source =
		  "QEMU, hw/pci/pcie_port.c, pcie_chassis_add_slot(); seen with QEMU 7.2",
	  .since = "0.1.0",
	  CHECK(domain, check_chassis) },
	{ .id = "pci-function-zero",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a PCI slot without its function 0",
	  .why = "The guest reads function 0 of a slot, and looks at the others only where it "
		 "is there. The device runs in QEMU, and the guest never sees it.",
	  .steps =
		  "Set function='0x0' in one <address> of that slot, or remove the address, "
		  "and libvirt chooses one.",
	  .source =
		  "PCI Local Bus 3.0, 3.2.2.3.4; Linux, drivers/pci/probe.c, pci_scan_slot()",
	  .since = "0.1.0",
	  CHECK(domain, check_zero) },
	{ .id = "pci-machine-without",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a PCI device on a machine without PCI",
	  .why = "libvirt refuses to define the domain: No PCI buses available. The machine "
		 "types isapc and microvm have no PCI, so nothing of it can be plugged in.",
	  .steps =
		  "isapc: ISA and IDE devices only. microvm: <address type='virtio-mmio'/> in "
		  "virtio devices. Both: <controller type='usb' model='none'/>, and "
		  "<memballoon model='none'/>. Or choose q35.",
	  .source =
		  "libvirt, virDomainPCIAddressValidate(), virDomainPCIAddressGetNextAddr()",
	  .since = "0.1.0",
	  CHECK(domain, check_without) },
	/* An error of QEMU's; libvirt's own tests define such a domain. */
	{ .id = "pci-single-function",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "functions beside a PCI device that says it is the only one",
	  .why = "libvirt defines the domain, and QEMU exits when it starts: single function "
		 "device can't be populated. Without the attribute libvirt says "
		 "multifunction='on' by itself.",
	  .source =
		  "QEMU, hw/pci/pci.c, pci_init_multifunction(); seen with QEMU 7.2; libvirt, "
		  "virDomainPCIAddressSetAllMulti()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_single, fix_single) },
	{ .id = "pci-zpci-id",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a zPCI id that cannot be",
	  .why = "libvirt refuses to define the domain: a zPCI uid is 1 to 0xffff, and only "
		 "s390x has zPCI.",
	  .steps = "Remove <zpci>: libvirt gives the device ids where it needs them.",
	  .source = "libvirt, qemuValidateDomainDeviceDefZPCIAddress()",
	  .since = "0.1.0",
	  CHECK(device, check_zpci) },
	{ .id = "pci-zpci-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two devices with one zPCI id",
	  .why = "libvirt refuses to define the domain: zPCI uid is already reserved. Each "
		 "device has a uid and a fid of its own.",
	  .steps = "Change one of them, or remove one <zpci>: libvirt then chooses.",
	  .source = "libvirt, virDomainZPCIAddressReserveId()",
	  .since = "0.1.0",
	  CHECK(device, check_zpci_twice) },
};
RULES_END(pci_guest);
