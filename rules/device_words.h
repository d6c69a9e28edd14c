/* How messages call a libvirt domain's devices, and what the rules about their addresses share.
 * device_name() of clash.h is for sentences about one device: "an interface" where it has no
 * name, and a network card by its MAC address.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_DEVICE_WORDS_H
#define RULES_DEVICE_WORDS_H

#include "rules/rule.h"

/* "disk 'vda'", "pci controller with index '3'", "interface". */
const char *device_words(struct scan *s, const struct device *dev);

/* "the disk 'vda', and the interface", "two interface elements". */
const char *device_pair_words(struct scan *s, const struct device *a,
			      const struct device *b);

/* "0000:00:01.1", as libvirt writes it. */
const char *pci_words(struct scan *s, uint64_t domain, uint64_t bus, uint64_t slot,
		      uint64_t function);
const char *pci_address_words(struct scan *s, const struct address *a);

/* It is a controller of that type. */
bool is_controller(const struct device *dev, const char *type);

/* <address> goes, and libvirt chooses one. Of a domain: that of device f->arg. */
bool fix_address(struct plan *p, const struct finding *f, const struct device *dev);
bool fix_address_of(struct plan *p, const struct finding *f, const struct domain *d);

#endif
