/* Properties that are set beside the device that has them: -set, -global, and libvirt's
 * <qemu:override>.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_QEMU_OVERRIDE_H
#define ANALYZE_CONFIG_QEMU_OVERRIDE_H

#include "analyze/config/qemu.h"

struct qemu_override {
	bool any;             /* nobody knows which property of what */
	struct str driver;    /* -global: of all such devices; else empty, and */
	struct str group, id; /* drive or device, and which */
	struct str property;
	struct fact value; /* nothing can set it */
};

/* What an option of a command line sets. False: it sets nothing. */
bool qemu_override_of(struct qemu_override *o, const struct qemu_option *option);

/* Writes it over the facts of an object whose lens names the property. */
void qemu_override_facts(const struct lens *table, size_t n, void *object,
			 const struct qemu_override *o);

/* The facts of vm that it may decide are unknown: which device has the name that it speaks
 * of, and whether QEMU takes -set for it, depends on the program that starts QEMU. count: how
 * many there were before. False: there are so many that nothing is known any more. */
bool qemu_override_vm(struct vm *vm, size_t count, const struct qemu_override *o);

#endif
