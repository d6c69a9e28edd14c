/* The boot order of libvirt domains, by device and by kind of device.
 * libvirt 9.0, src/conf/domain_postparse.c, virDomainDefBootOrderPostParse()
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "rules/device_words.h"
#include "base/banned.h"

static bool boots_by_order(const struct domain *d)
{
	struct fact type = ASK(d->node, "os/type");

	return d->qemu && !d->varies && fact_is(&type, "hvm");
}

/* <boot order=''/> of a device that libvirt asks for it. */
static bool order_of(const struct device *dev, struct fact *order, uint64_t *v)
{
	if (dev->kind != DEVICE_disk && dev->kind != DEVICE_interface &&
	    dev->kind != DEVICE_hostdev && dev->kind != DEVICE_redirdev)
		return false;
	*order = ASK(dev->node, "boot@order");
	return fact_number(order, v) && *v != 0;
}

/* ---- boot-order-twice ---- */

enum { ORDERS = 512 };

static void check_twice(struct scan *s, const struct domain *d)
{
	const struct device *first[ORDERS] = { 0 };

	if (!boots_by_order(d))
		return;
	for (size_t i = 0; i < d->ndevices; i++) {
		const struct device *dev = &d->devices[i];
		struct fact order;
		struct finding *f;
		uint64_t v;

		if (!order_of(dev, &order, &v) || v >= ORDERS)
			continue;
		if (!first[v]) {
			first[v] = dev;
			continue;
		}
		f = report(s, order.at,
			   "boot order %llu used for more than one device: %s",
			   (unsigned long long)v, device_pair_words(s, first[v], dev));
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, first[v]->node->open_at, "the first one");
	}
}

/* ---- boot-order-mixed ---- */

static const struct node *boot_dev(const struct domain *d)
{
	const struct node *os = node_child(d->node, "os");
	const struct node *boot = os ? node_child(os, "boot") : NULL;

	while (boot && !node_attr(boot, "dev"))
		boot = node_again(boot);
	return boot;
}

static void check_mixed(struct scan *s, const struct domain *d)
{
	const struct node *boot = boot_dev(d);

	if (!boot || !boots_by_order(d))
		return;
	for (size_t i = 0; i < d->ndevices; i++) {
		struct fact order;
		struct finding *f;
		uint64_t v;

		if (!order_of(&d->devices[i], &order, &v))
			continue;
		f = report(s, boot->open_at,
			   "<boot dev=''/> in <os>, and <boot order=''/> in the %s: "
			   "expected only one of them",
			   device_words(s, &d->devices[i]));
		report_label(s, f,
			     DOMAIN_REFUSES
			     ": per-device boot elements cannot be used together "
			     "with os/boot elements");
		report_related(s, f, order.at, "the order of a device");
		return;
	}
}

static bool fix_mixed(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct node *boot = boot_dev(d);

	(void)f;
	plan_title(p, "remove <boot dev=''/>, and the order of the devices counts");
	for (; boot; boot = node_again(boot)) {
		if (node_attr(boot, "dev") && !plan_remove_node(p, boot))
			return false;
	}
	return true;
}

/* ---- device-loadparm ---- */

#define BOOTED         (ON(disk) | ON(interface) | ON(hostdev) | ON(redirdev) | ON(filesystem))
#define LOADPARM_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789. "

static const struct clash loadparm_clashes[] = {
	{ CLASH(BOOTED, "boot@loadparm",
		"loadparm value '{boot@loadparm}' must be between 1 and 8 characters",
		{ "boot@loadparm", "~>8" }),
	  .common = true },
	{ CLASH(BOOTED, "boot@loadparm",
		"invalid loadparm value '{boot@loadparm}', expecting chars in set of "
		"[a-zA-Z0-9.] and blank spaces",
		{ "boot@loadparm", "~-" LOADPARM_CHARS }),
	  .common = true },
};
CLASHES_ONLY(loadparm, BOOTED)

const struct rule rules_boot_devices[] = {
	{ .id = "boot-order-mixed",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a boot order by device, and another by kind of device",
	  .why = "libvirt refuses to define the domain: per-device boot elements cannot be used "
		 "together with os/boot elements.",
	  .source =
		  "libvirt, virDomainDefBootOrderPostParse(); formatdomain, BIOS bootloader",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_mixed, fix_mixed) },
	{ .id = "boot-order-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two devices with one number in the boot order",
	  .why = "libvirt refuses to define the domain: boot order used for more than one "
		 "device. Disks, interfaces, host devices and redirected ones share the "
		 "numbers.",
	  .steps =
		  "Give each <boot order='N'/> a number of its own; the lowest is tried first.",
	  .source = "libvirt, virDomainDefCollectBootOrder()",
	  .since = "0.1.0",
	  CHECK(domain, check_twice) },
	{ .id = "device-loadparm",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a parameter for the boot loader of s390x that cannot be",
	  .why = "libvirt refuses the domain: loadparm has up to eight letters, digits, dots "
		 "and blanks.",
	  .source = "libvirt, src/conf/domain_conf.c, virDomainDeviceLoadparmIsValid()",
	  .since = "0.1.0",
	  CHECK(device, check_loadparm) },
};
RULES_END(boot_devices);
