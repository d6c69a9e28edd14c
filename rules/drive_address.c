/* Drive addresses of libvirt domains: what a controller does not have, and two drives in one
 * place, also where the place follows from the name of the target.
 * libvirt 9.0, src/conf/domain_conf.c, virDomainDiskDefAssignAddress();
 * src/conf/domain_validate.c, virDomainDefDuplicateDriveAddressesValidate();
 * src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefAddressDrive()
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/device_words.h"
#include "base/banned.h"

enum { LOOK_BACK = 256 };

enum bus { BUS_none, BUS_scsi, BUS_ide, BUS_sata, BUS_fdc };

struct drive_place {
	enum bus bus;
	uint64_t controller, channel, target, unit;
	bool implied; /* by the target's name */
	struct span at;
};

/* ---- where a drive is ---- */

static enum bus bus_named(struct str bus)
{
	return str_is(bus, "scsi")   ? BUS_scsi
	       : str_is(bus, "ide")  ? BUS_ide
	       : str_is(bus, "sata") ? BUS_sata
	       : str_is(bus, "fdc")  ? BUS_fdc
				     : BUS_none;
}

/* Without a bus the target's name says it. */
static enum bus bus_of(const struct device *dev)
{
	struct fact bus = ASK(dev->node, "target@bus"),
		    name = ASK(dev->node, "target@dev"),
		    device = ASK(dev->node, "@device"), type = ASK(dev->node, "@type");

	if (dev->kind == DEVICE_hostdev)
		return fact_is(&type, "scsi") ? BUS_scsi : BUS_none;
	if (dev->kind != DEVICE_disk)
		return BUS_none;
	if (fact_known(&bus))
		return bus_named(bus.v);
	if (!fact_absent(&bus) || !fact_known(&name))
		return BUS_none;
	if (fact_is(&device, "floppy"))
		return BUS_fdc;
	if (str_starts(name.v, "hd"))
		return BUS_ide;
	return str_starts(name.v, "sd") ? BUS_scsi : BUS_none;
}

/* "sda" is 0, "sdz" 25, "sdaa" 26: virDiskNameToIndex(). */
static bool name_index(struct str name, uint64_t *index)
{
	static const char *const prefixes[] = { "fd", "hd", "sd", "vd", "xvd", "ubd" };
	uint64_t v = 0;
	size_t i = 0;

	for (size_t k = 0; i == 0 && k < sizeof(prefixes) / sizeof(prefixes[0]); k++) {
		if (str_starts(name, prefixes[k]))
			i = strlen(prefixes[k]);
	}
	if (i == 0 || i == name.n || name.n - i > 3)
		return false;
	for (; i < name.n; i++) {
		if (name.p[i] < 'a' || name.p[i] > 'z')
			return false;
		v = v * 26 + (uint64_t)(name.p[i] - 'a') + 1;
	}
	*index = v - 1;
	return true;
}

static bool implied(const struct device *dev, struct drive_place *out)
{
	struct fact name = ASK(dev->node, "target@dev");
	uint64_t i;

	/* Wide SCSI buses of other hypervisors have other units. */
	if (!dev->domain->qemu || dev->kind != DEVICE_disk || !fact_known(&name) ||
	    !name_index(name.v, &i))
		return false;
	out->implied = true;
	out->at = name.at;
	switch (out->bus) {
	case BUS_none:
		return false;
	case BUS_scsi:
		out->controller = i / 7;
		out->unit = i % 7;
		return true;
	case BUS_ide:
		out->controller = i / 4;
		out->channel = i % 4 / 2;
		out->unit = i % 2;
		return true;
	case BUS_sata:
		out->controller = i / 6;
		out->unit = i % 6;
		return true;
	case BUS_fdc:
		out->controller = i / 2;
		out->unit = i % 2;
		return true;
	}
	return false;
}

static bool place_of(const struct device *dev, struct drive_place *out)
{
	const struct address *a = &dev->address;

	*out = (struct drive_place){ .bus = bus_of(dev) };
	if (out->bus == BUS_none)
		return false;
	if (a->type == ADDRESS_absent)
		return implied(dev, out);
	if (a->type != ADDRESS_drive || !a->whole)
		return false;
	out->at = a->node->open_at;
	out->controller = a->controller.v;
	out->channel = a->bus.v;
	out->target = a->target.v;
	out->unit = a->unit.v;
	return true;
}

static const char *place_words(struct scan *s, const struct drive_place *p)
{
	return scan_printf(s, "controller='%llu' bus='%llu' target='%llu' unit='%llu'",
			   (unsigned long long)p->controller,
			   (unsigned long long)p->channel, (unsigned long long)p->target,
			   (unsigned long long)p->unit);
}

/* ---- drive-address-twice ---- */

static bool same_place(const struct drive_place *a, const struct drive_place *b)
{
	return a->bus == b->bus && a->controller == b->controller &&
	       a->channel == b->channel && a->target == b->target && a->unit == b->unit;
}

static const struct device *rival_among(const struct device *first,
					const struct device *end,
					const struct drive_place *p)
{
	struct drive_place other;

	for (unsigned i = 0; i < LOOK_BACK && end > first; i++) {
		end--;
		if (place_of(end, &other) && same_place(p, &other))
			return end;
	}
	return NULL;
}

/* One target twice is disk-target-twice, and has its own place for each. */
static bool same_target(const struct device *a, const struct device *b)
{
	struct fact one = ASK(a->node, "target@dev"), two = ASK(b->node, "target@dev");

	return a->kind == DEVICE_disk && b->kind == DEVICE_disk && fact_known(&one) &&
	       fact_known(&two) && str_eq(one.v, two.v);
}

static void check_twice(struct scan *s, const struct device *dev)
{
	const struct domain *d = dev->domain;
	const struct device *disks = d->devices + d->first[DEVICE_disk],
			    *hosts = d->devices + d->first[DEVICE_hostdev], *other;
	struct drive_place p, its;
	struct finding *f;

	if (d->varies || !place_of(dev, &p))
		return;
	if (dev->kind == DEVICE_hostdev) {
		other = rival_among(hosts, dev, &p);
		if (!other)
			other = rival_among(disks, d->devices + d->first[DEVICE_disk + 1],
					    &p);
	} else {
		other = rival_among(disks, dev, &p);
	}
	if (!other || same_target(other, dev) || !place_of(other, &its))
		return;
	f = report(s, p.at, "found duplicate drive address %s: %s", place_words(s, &p),
		   device_pair_words(s, other, dev));
	report_label(s, f,
		     p.implied ? DOMAIN_REFUSES ": it follows from the target's name"
			       : DOMAIN_REFUSES);
	report_related(s, f, its.at,
		       its.implied ? "the other one, by the target's name"
				   : "the other one");
}

static bool fix_twice(struct plan *p, const struct finding *f, const struct device *dev)
{
	struct fact name = ASK(dev->node, "target@dev");
	struct drive_place at = { .bus = bus_of(dev) };
	const struct domain *d = dev->domain;

	if (dev->address.type != ADDRESS_drive)
		return plan_refuse(p, "the place follows from the name of the target");
	if (dev->kind == DEVICE_disk &&
	    (!fact_known(&name) || !implied(dev, &at) ||
	     rival_among(d->devices, d->devices + d->first[DEVICE_disk + 1], &at)))
		return plan_refuse(
			p, "the place that the target's name stands for is taken");
	return fix_address(p, f, dev);
}

/* ---- drive-address-range ---- */

static bool is_lsilogic(const struct domain *d, uint64_t index)
{
	unsigned looked = 0;

	for_each_device(c, d, controller)
	{
		struct fact i = ASK(c->node, "@index");
		uint64_t v;

		if (++looked > LOOK_BACK)
			return false;
		if (is_controller(c, "scsi") && fact_number(&i, &v) && v == index)
			return node_attr_is(c->node, "model", "lsilogic");
	}
	return false;
}

/* What is wrong with it; NULL: nothing. */
static const char *out_of_range(const struct device *dev, const struct drive_place *p)
{
	switch (p->bus) {
	case BUS_none:
		return NULL;
	case BUS_scsi:
		if (p->channel != 0)
			return "a SCSI controller only supports 1 bus";
		if (p->target != 0 && is_lsilogic(dev->domain, p->controller))
			return "target must be 0 for controller model 'lsilogic'";
		return NULL;
	case BUS_ide:
		return p->controller
			       ? "only 1 IDE controller is supported, with four drives"
		       : p->target ? "target must be 0 for an IDE controller"
				   : NULL;
	case BUS_sata:
		return p->channel  ? "bus must be 0 for a SATA controller"
		       : p->target ? "target must be 0 for a SATA controller"
				   : NULL;
	case BUS_fdc:
		return p->controller
			       ? "only 1 fdc controller is supported, with two drives"
		       : p->channel ? "only 1 fdc bus is supported"
		       : p->target  ? "target must be 0 for controller fdc"
				    : NULL;
	}
	return NULL;
}

static void check_range(struct scan *s, const struct device *dev)
{
	struct drive_place p;
	const char *why;

	if (!dev->domain->qemu || !place_of(dev, &p))
		return;
	why = out_of_range(dev, &p);
	if (!why)
		return;
	report_label(s,
		     report(s, p.at, "the %s is at %s%s; %s", device_words(s, dev),
			    place_words(s, &p), p.implied ? " by its target's name" : "",
			    why),
		     DOMAIN_REFUSES);
}

static bool fix_range(struct plan *p, const struct finding *f, const struct device *dev)
{
	struct drive_place at = { .bus = bus_of(dev) };

	if (dev->address.type != ADDRESS_drive || !implied(dev, &at) ||
	    out_of_range(dev, &at))
		return plan_refuse(p,
				   "the target's name stands for such a place as well");
	return fix_address(p, f, dev);
}

const struct rule rules_drive_address[] = {
	{ .id = "drive-address-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a drive at a place that its controller does not have",
	  .why = "libvirt refuses to define the domain: IDE has one controller with four "
		 "drives, a floppy controller two, and none of them has targets; SCSI has one "
		 "bus. Without an <address> the target's name decides: hde is on a second IDE "
		 "controller.",
	  .source = "libvirt, qemuValidateDomainDeviceDefAddressDrive(), "
		    "virDomainDiskDefAssignAddress()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_range, fix_range) },
	{ .id = "drive-address-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two drives at one place of a controller",
	  .why = "libvirt refuses to define the domain: Found duplicate drive address. A drive "
		 "without <address> is where its target's name says, sdb at unit 1.",
	  .source = "libvirt, virDomainDefDuplicateDriveAddressesValidate(), "
		    "virDomainDiskDefAssignAddress(), virDomainHostdevDefPostParse()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_twice, fix_twice) },
};
RULES_END(drive_address);
