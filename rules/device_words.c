/* How messages call a libvirt domain's devices, and what the rules about their places share.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/device_words.h"
#include "base/banned.h"

bool is_controller(const struct device *dev, const char *type)
{
	return dev->kind == DEVICE_controller && node_attr_is(dev->node, "type", type);
}

const char *device_words(struct scan *s, const struct device *dev)
{
	struct fact target = ASK(dev->node, "target@dev"), type = ASK(dev->node, "@type"),
		    index = ASK(dev->node, "@index");

	if (dev->kind == DEVICE_disk && fact_known(&target))
		return scan_printf(s, "disk '%s'", shown(s, target.v));
	if (dev->kind == DEVICE_controller && fact_known(&type) && fact_known(&index))
		return scan_printf(s, "%s controller with index '%s'", shown(s, type.v),
				   shown(s, index.v));
	if (dev->kind == DEVICE_controller && fact_known(&type))
		return scan_printf(s, "%s controller", shown(s, type.v));
	return scan_printf(s, "%s", shown(s, dev->node->key));
}

const char *device_pair_words(struct scan *s, const struct device *a,
			      const struct device *b)
{
	const char *one = device_words(s, a), *two = device_words(s, b);

	if (strcmp(one, two) == 0)
		return scan_printf(s, "two %s elements", one);
	return scan_printf(s, "the %s, and the %s", one, two);
}

const char *pci_words(struct scan *s, uint64_t domain, uint64_t bus, uint64_t slot,
		      uint64_t function)
{
	return scan_printf(s, "%04llx:%02llx:%02llx.%llu", (unsigned long long)domain,
			   (unsigned long long)bus, (unsigned long long)slot,
			   (unsigned long long)function);
}

const char *pci_address_words(struct scan *s, const struct address *a)
{
	return pci_words(s, a->domain.v, a->bus.v, a->slot.v, a->function.v);
}

bool fix_address(struct plan *p, const struct finding *f, const struct device *dev)
{
	(void)f;
	if (!dev->address.node)
		return false;
	plan_title(p, "remove <address>, and libvirt chooses a place");
	return plan_remove_node(p, dev->address.node);
}

bool fix_address_of(struct plan *p, const struct finding *f, const struct domain *d)
{
	return fix_address(p, f, &d->devices[f->arg]);
}
