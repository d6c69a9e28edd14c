/* USB of libvirt domains: controllers and their companions, devices without any, and the ports
 * that addresses name.
 * libvirt 9.0, src/conf/domain_conf.c (virDomainDefControllersParse()), src/conf/domain_addr.c,
 * src/qemu/qemu_domain_address.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/device_words.h"
#include <limits.h>

#include "base/banned.h"

enum { DEPTH = 4, HUB_PORTS = 8, LOOK_BACK = 256 };

static const struct usb_model {
	const char *name;
	unsigned ports;
} usb_models[] = {
#define USB_MODEL(name, ports) { (name), (ports) },
#include "rules/usb.def"
#undef USB_MODEL
};

static bool is_companion(const struct device *c)
{
	struct fact model = ASK(c->node, "@model");

	return node_child(c->node, "master") ||
	       (fact_known(&model) &&
		str_among(model.v, "ich9-uhci1 ich9-uhci2 ich9-uhci3"));
}

static bool is_xhci(const struct device *c)
{
	struct fact model = ASK(c->node, "@model");

	return fact_is(&model, "nec-xhci") || fact_is(&model, "qemu-xhci");
}

/* ---- devices of USB ---- */

static bool is_usb_device(const struct device *dev)
{
	struct fact bus = ASK(dev->node, "@bus"), type = ASK(dev->node, "@type"),
		    model = ASK(dev->node, "@model"),
		    target = ASK(dev->node, "target@bus"),
		    serial = ASK(dev->node, "target@type");

	switch (dev->kind) {
	case DEVICE_disk:
		return fact_is(&target, "usb");
	case DEVICE_input:
	case DEVICE_redirdev:
		return fact_is(&bus, "usb");
	case DEVICE_hub:
	case DEVICE_hostdev:
		return fact_is(&type, "usb");
	case DEVICE_controller:
		return fact_is(&type, "ccid");
	case DEVICE_sound:
		return fact_is(&model, "usb");
	case DEVICE_serial:
		return fact_is(&serial, "usb-serial") || fact_is(&serial, "usb");
	default:
		return false;
	}
}

/* ---- usb-none-but-used ---- */

static const struct device *usb_none(const struct domain *d)
{
	for_each_device(c, d, controller)
	{
		if (is_controller(c, "usb") && node_attr_is(c->node, "model", "none"))
			return c;
	}
	return NULL;
}

static bool has_usb_controller(const struct domain *d)
{
	for_each_device(c, d, controller)
	{
		struct fact type = ASK(c->node, "@type");

		if (type.state == FACT_UNKNOWN || fact_is(&type, "usb"))
			return true;
	}
	return false;
}

/* libvirt adds one for most machines, and none for these, whatever the board. */
static bool gets_no_usb(const struct domain *d)
{
	struct fact arch = ASK(d->node, "os/type@arch");

	if (!d->qemu || d->machine == MACHINE_UNKNOWN || has_usb_controller(d))
		return false;
	return d->machine == MACHINE_VIRT || d->machine == MACHINE_S390_CCW ||
	       d->machine == MACHINE_ISAPC ||
	       (fact_known(&arch) &&
		str_among(arch.v, "armv6l armv7l aarch64 riscv32 riscv64"));
}

/* The common parser refuses some, for all hypervisors. */
static bool counts(const struct device *dev)
{
	return dev->domain->qemu || dev->kind == DEVICE_input ||
	       dev->kind == DEVICE_hub || dev->kind == DEVICE_hostdev ||
	       dev->kind == DEVICE_redirdev;
}

static void check_none(struct scan *s, const struct domain *d)
{
	const struct device *none = usb_none(d);
	bool never = !none && gets_no_usb(d);

	if (d->varies || (!none && !never))
		return;
	for (size_t i = 0; i < d->ndevices; i++) {
		const struct device *dev = &d->devices[i];
		struct finding *f;

		if (!is_usb_device(dev) || !counts(dev))
			continue;
		f = report(s, dev->node->open_at,
			   none ? "USB is disabled for this domain, and the %s is a USB "
				  "device"
				: "the %s is a USB device, and the domain has no USB "
				  "controller",
			   device_words(s, dev));
		report_label(s, f, DOMAIN_REFUSES);
		if (none)
			report_related(s, f, none->node->open_at, "this disables USB");
	}
}

/* ---- usb-none-but-more, usb-no-master ---- */

static void check_more(struct scan *s, const struct domain *d)
{
	const struct device *none = usb_none(d);
	bool seen = false;

	for_each_device(c, d, controller)
	{
		struct finding *f;

		if (!none || d->varies || !is_controller(c, "usb"))
			continue;
		if (c == none || (node_attr_is(c->node, "model", "none") && !seen)) {
			seen = true;
			continue;
		}
		f = report(s, c->node->open_at,
			   "can't add another USB controller: USB is disabled for this "
			   "domain");
		f->arg = (uint64_t)(c - d->devices);
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, none->node->open_at, "this disables USB");
	}
}

static bool fix_more(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct device *none = usb_none(d);

	(void)f;
	if (!none)
		return false;
	plan_title(p, "remove <controller type='usb' model='none'/>");
	return plan_remove_node(p, none->node);
}

/* The index that a USB controller has; false: libvirt chooses it, or it is not known. */
static bool index_of(const struct device *c, uint64_t *index)
{
	struct fact f = ASK(c->node, "@index");

	return fact_number(&f, index);
}

static const struct device *master_of(const struct device *c, uint64_t index)
{
	const struct domain *d = c->domain;
	unsigned looked = 0;

	for_each_device(m, d, controller)
	{
		struct fact type = ASK(m->node, "@type");
		uint64_t i;

		if (type.state == FACT_UNKNOWN)
			return m;
		if (!is_controller(m, "usb") || is_companion(m))
			continue;
		if (++looked > LOOK_BACK || !index_of(m, &i) || i == index)
			return m;
	}
	return NULL;
}

static void check_master(struct scan *s, const struct device *c)
{
	uint64_t index;

	/* One without an index may be the companion of any. */
	if (c->domain->varies || !is_controller(c, "usb") || !is_companion(c) ||
	    !index_of(c, &index) || (!c->domain->qemu && index != 0))
		return;
	if (!master_of(c, index))
		report_label(
			s,
			report(s, c->node->open_at,
			       "no master USB controller specified: a companion with "
			       "index '%llu', and no ich9-ehci1 with that index",
			       (unsigned long long)index),
			DOMAIN_REFUSES ", or does not start it: masterbus not found");
}

/* ---- usb-controller-twice ---- */

static bool is_master(const struct device *c)
{
	struct fact model = ASK(c->node, "@model");

	return c->domain->qemu && is_controller(c, "usb") && !is_companion(c) &&
	       model.state != FACT_UNKNOWN && !fact_is(&model, "none");
}

static void check_twice(struct scan *s, const struct device *c)
{
	const struct device *first =
		c->domain->devices + c->domain->first[DEVICE_controller];
	const struct device *other = c;
	uint64_t index, i;
	struct finding *f;

	if (c->domain->varies || !is_master(c) || !index_of(c, &index))
		return;
	for (unsigned n = 0; n < LOOK_BACK && other > first; n++) {
		other--;
		if (!is_master(other) || !index_of(other, &i) || i != index)
			continue;
		f = report(s, node_attr(c->node, "index")->text_at,
			   "duplicate USB controllers with index %llu",
			   (unsigned long long)index);
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, other->node->open_at, "the first one");
		return;
	}
}

/* ---- usb-controller-ports ---- */

static void check_ports(struct scan *s, const struct device *c)
{
	struct fact ports = ASK(c->node, "@ports"), model = ASK(c->node, "@model");
	uint64_t n;

	if (!c->domain->qemu || !is_controller(c, "usb"))
		return;
	if (fact_is(&model, "qusb1") || fact_is(&model, "qusb2"))
		report_label(s,
			     report(s, model.at,
				    "USB controller model type '%s' is Xen's only",
				    shown(s, model.v)),
			     DOMAIN_REFUSES);
	else if (fact_number(&ports, &n) && is_xhci(c) && n > 15)
		report_label(s,
			     report(s, ports.at,
				    "'%s' controller with '%s' ports, expected up to 15",
				    shown(s, model.v), shown(s, ports.v)),
			     DOMAIN_REFUSES);
	else if (fact_known(&ports) && fact_known(&model) && !is_xhci(c) &&
		 !fact_is(&model, "none"))
		report_label(s,
			     report(s, ports.at,
				    "USB controller type '%s' doesn't support 'ports'",
				    shown(s, model.v)),
			     "libvirt does not start the domain");
}

/* ---- usb-controller-machine ---- */

static void check_s390(struct scan *s, const struct device *c)
{
	struct fact model = ASK(c->node, "@model");

	if (!c->domain->qemu || c->domain->machine != MACHINE_S390_CCW ||
	    !is_controller(c, "usb") || !fact_known(&model))
		return;
	for (size_t m = 0; m < sizeof(usb_models) / sizeof(usb_models[0]); m++) {
		struct finding *f;

		if (!fact_is(&model, usb_models[m].name))
			continue;
		f = report(s, model.at,
			   "USB controller model '%s' on an s390-ccw-virtio machine, "
			   "expected none",
			   shown(s, model.v));
		report_label(s, f,
			     "libvirt does not start the domain: not supported in this "
			     "QEMU binary");
		/* Where it has PCI, newer versions of libvirt and QEMU take this one. */
		if (fact_is(&model, "qemu-xhci"))
			report_lower(f);
	}
}

/* ---- usb-port ---- */

struct port {
	unsigned v[DEPTH], n;
};

/* "1.2.3": up to four numbers. */
static bool parse_port(struct str s, struct port *out)
{
	*out = (struct port){ .n = 0 };
	while (out->n < DEPTH) {
		uint64_t v = 0;
		size_t i = 0;

		for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i < 6; i++)
			v = v * 10 + (uint64_t)(s.p[i] - '0');
		if (i == 0)
			return false;
		out->v[out->n++] = (unsigned)v;
		if (i == s.n)
			return true;
		if (s.p[i] != '.')
			return false;
		s = (struct str){ s.p + i + 1, s.n - i - 1 };
	}
	return false;
}

static bool port_of(const struct device *dev, struct port *out)
{
	return dev->address.type == ADDRESS_usb && dev->address.whole &&
	       dev->address.usb_port.n && parse_port(dev->address.usb_port, out) &&
	       out->v[0] != 0;
}

static bool is_variable(struct str s)
{
	return str_has(s, "{") || str_has(s, "@") || str_has(s, "<%");
}

static void check_port(struct scan *s, const struct device *dev)
{
	const struct address *a = &dev->address;
	struct port port;

	if (a->type != ADDRESS_usb || a->usb_port.n == 0 || is_variable(a->usb_port) ||
	    parse_port(a->usb_port, &port))
		return;
	report_label(
		s,
		report(s, node_attr(a->node, "port")->text_at,
		       "USB port '%s', expected up to four numbers with dots between "
		       "them",
		       shown(s, a->usb_port)),
		DOMAIN_REFUSES ": cannot parse <address> 'port' attribute");
}

/* ---- usb-port-missing ---- */

/* How many ports the controller of that bus has; 0: there is none, UINT_MAX: not known. */
static unsigned ports_of(const struct domain *d, uint64_t bus)
{
	unsigned usb = 0;

	for_each_device(c, d, controller)
	{
		struct fact model = ASK(c->node, "@model"),
			    ports = ASK(c->node, "@ports");
		uint64_t i, n;

		if (!is_controller(c, "usb"))
			continue;
		usb++;
		if (!index_of(c, &i) || usb > LOOK_BACK)
			return UINT_MAX;
		if (i != bus || is_companion(c))
			continue;
		if (!fact_known(&model))
			return UINT_MAX;
		if (is_xhci(c) && !fact_absent(&ports))
			return fact_number(&ports, &n) && n <= 15 ? (unsigned)n
								  : UINT_MAX;
		for (size_t m = 0; m < sizeof(usb_models) / sizeof(usb_models[0]); m++) {
			if (fact_is(&model, usb_models[m].name))
				return usb_models[m].ports;
		}
		return UINT_MAX;
	}
	/* Where there is none with index 0, libvirt adds one for most machines. */
	return bus == 0 ? UINT_MAX : 0;
}

static bool has_path(const struct device *dev, uint64_t bus, const struct port *p,
		     unsigned n)
{
	struct port own;

	if (dev->address.bus.v != bus || !port_of(dev, &own) || own.n != n)
		return false;
	return memcmp(own.v, p->v, n * sizeof(p->v[0])) == 0;
}

static bool has_hub(const struct domain *d, uint64_t bus, const struct port *p,
		    unsigned n)
{
	unsigned looked = 0;

	for_each_device(h, d, hub)
	{
		if (has_path(h, bus, p, n) || ++looked > LOOK_BACK)
			return true;
	}
	return false;
}

static const char *port_words(struct scan *s, const struct device *dev)
{
	return shown(s, dev->address.usb_port);
}

static void check_missing(struct scan *s, const struct device *dev)
{
	const struct address *a = &dev->address;
	unsigned ports;
	struct port p = { .n = 0 };
	struct finding *f = NULL;

	if (!dev->domain->qemu || dev->domain->varies || !is_usb_device(dev) ||
	    a->type != ADDRESS_usb || !a->whole || usb_none(dev->domain) ||
	    gets_no_usb(dev->domain) || (a->usb_port.n && !port_of(dev, &p)))
		return;
	ports = ports_of(dev->domain, a->bus.v);
	if (ports == 0)
		f = report(s, a->node->open_at,
			   "USB bus %llu requested, and no controller with that index is "
			   "present",
			   (unsigned long long)a->bus.v);
	for (unsigned i = 0; !f && i < p.n; i++) {
		if (p.v[i] == 0 || (ports != UINT_MAX && p.v[i] > ports))
			f = report(s, a->node->open_at,
				   "requested USB port %s not present on USB bus %llu: "
				   "%u ports there, and no number %u",
				   port_words(s, dev), (unsigned long long)a->bus.v,
				   ports, p.v[i]);
		else if (i + 1 < p.n && !has_hub(dev->domain, a->bus.v, &p, i + 1))
			f = report(s, a->node->open_at,
				   "there is no hub at port %u in USB address bus: %llu "
				   "port: %s",
				   p.v[i], (unsigned long long)a->bus.v,
				   port_words(s, dev));
		ports = HUB_PORTS;
	}
	if (f)
		report_label(s, f, DOMAIN_REFUSES);
}

/* ---- usb-port-twice ---- */

static void check_clash(struct scan *s, const struct device *dev)
{
	const struct device *other = dev;
	struct port p;
	struct finding *f;

	if (!dev->domain->qemu || dev->domain->varies || !is_usb_device(dev) ||
	    !port_of(dev, &p))
		return;
	for (unsigned i = 0; i < LOOK_BACK && other > dev->domain->devices; i++) {
		other--;
		if (!is_usb_device(other) ||
		    !has_path(other, dev->address.bus.v, &p, p.n))
			continue;
		f = report(s, dev->address.node->open_at,
			   "duplicate USB address bus %llu port %s: %s",
			   (unsigned long long)dev->address.bus.v, port_words(s, dev),
			   device_pair_words(s, other, dev));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, other->address.node->open_at, "the same port");
		return;
	}
}

const struct rule rules_usb[] = {
	{ .id = "usb-controller-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a USB controller on a mainframe",
	  .why = "libvirt does not start the domain: USB controller model not supported in this "
		 "QEMU binary. QEMU's s390x is built without USB controllers.",
	  .steps =
		  "Write <controller type='usb' model='none'/>, and remove the devices on USB.",
	  .source =
		  "libvirt, qemuValidateDomainDeviceDefControllerUSB(); the capabilities of "
		  "qemu-system-s390x 4.2 to 6.0 in libvirt's tests",
	  .since = "0.1.0",
	  CHECK(device, check_s390) },
	{ .id = "usb-controller-ports",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a USB controller with ports, or of a model, that QEMU does not have",
	  .why = "libvirt refuses to define the domain, or to start it: an xHCI controller has "
		 "up to 15 ports, the others a fixed number; qusb1 and qusb2 are Xen's.",
	  .steps = "Remove the ports attribute, or take model='qemu-xhci' with up to 15.",
	  .source = "libvirt, qemuDomainControllerDefPostParse(), "
		    "qemuValidateDomainDeviceDefControllerUSB()",
	  .since = "0.1.0",
	  CHECK(device, check_ports) },
	{ .id = "usb-controller-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two USB controllers with one index",
	  .why = "libvirt refuses to define the domain: Duplicate USB controllers with index. "
		 "Only the companions ich9-uhci1 to 3 share the index of their ich9-ehci1.",
	  .steps = "Remove one, or give it another index.",
	  .source = "libvirt, virDomainUSBAddressSetAddController()",
	  .since = "0.1.0",
	  CHECK(device, check_twice) },
	{ .id = "usb-no-master",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a companion USB controller without its master",
	  .why = "libvirt refuses to define the domain: No master USB controller specified. "
		 "ich9-uhci1 to 3 share the ports of an ich9-ehci1 with their index.",
	  .steps =
		  "Add <controller type='usb' index='N' model='ich9-ehci1'/>, or replace all by "
		  "one controller of model qemu-xhci.",
	  .source = "libvirt, virDomainDefControllersParse(), "
		    "qemuBuildUSBControllerFindMasterAlias()",
	  .since = "0.1.0",
	  CHECK(device, check_master) },
	{ .id = "usb-none-but-more",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "USB is disabled, and there is another USB controller",
	  .why = "libvirt refuses to define the domain: Can't add another USB controller: USB "
		 "is disabled for this domain.",
	  .source = "libvirt, virDomainDefControllersParse()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_more, fix_more) },
	{ .id = "usb-none-but-used",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a USB device, and no USB in the domain",
	  .why = "libvirt refuses to define the domain: USB is disabled for this domain, but "
		 "USB devices are present. On virt and s390-ccw-virtio it adds no USB "
		 "controller by itself.",
	  .steps =
		  "Remove <controller type='usb' model='none'/> or add a controller of model "
		  "qemu-xhci; or remove the device, or move it to another bus.",
	  .source = "libvirt, virDomainDefParseXML(), qemuDomainUSBAddressAddHubs()",
	  .since = "0.1.0",
	  CHECK(domain, check_none) },
	{ .id = "usb-port",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a USB port that is not written as one",
	  .why = "libvirt refuses to define the domain: Cannot parse <address> 'port' "
		 "attribute. A port is a number, or up to four with dots between them: the "
		 "ports of the hubs on the way.",
	  .source = "libvirt, virDomainDeviceUSBAddressParsePort()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_port, fix_address) },
	{ .id = "usb-port-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a USB port that no controller and no hub has",
	  .why = "libvirt refuses to define the domain. A bus is the index of a USB controller, "
		 "a hub has eight ports, and every hub on the way must be in the file with its "
		 "own address.",
	  .source = "libvirt, virDomainUSBAddressFindPort(), virDomainUSBAddressAssign()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_missing, fix_address) },
	{ .id = "usb-port-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two USB devices at one port",
	  .why = "libvirt refuses to define the domain: Duplicate USB address.",
	  .source = "libvirt, virDomainUSBAddressReserve()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_clash, fix_address) },
};
RULES_END(usb);
