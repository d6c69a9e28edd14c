/* The PCI buses of a libvirt domain as its QEMU driver lays them out: which controller makes
 * which bus, what stands at which place, and what does not fit.
 * libvirt 9.0, src/conf/domain_addr.c and src/qemu/qemu_domain_address.c
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_DOMAIN_PCI_H
#define ANALYZE_CONFIG_DOMAIN_PCI_H

#include "analyze/config/domain.h"

enum pci_kind {
	PCI_ENDPOINT = 1 << 0,
	PCI_BRIDGE = 1 << 1,
	PCI_DMI = 1 << 2,
	PCI_PCIE_TO_PCI = 1 << 3,
	PCI_ROOT_PORT = 1 << 4,
	PCI_UPSTREAM = 1 << 5,
	PCI_DOWNSTREAM = 1 << 6,
	PCI_EXPANDER = 1 << 7,
	PCI_PCIE_EXPANDER = 1 << 8,
};

enum pci_model {
	PCI_MODEL_none, /* not said, or no such model */
#define PCI_MODEL(member, name, first, last, takes, needs, devices, options)             \
	PCI_MODEL_##member,
#include "analyze/config/pci_models.def"
#undef PCI_MODEL
};

struct pci_model_row {
	const char *name;
	uint8_t first, last;   /* slots */
	unsigned takes, needs; /* enum pci_kind */
	const char *devices;   /* what <model name=''> may say: words */
	const char *options;   /* what <target> may have: words */
};
const struct pci_model_row *pci_model_row(enum pci_model m);
enum pci_model pci_model_named(struct str name);
/* The root that libvirt adds for a machine; none: not known, or it has no PCI. */
enum pci_model pci_machine_root(enum machine_family machine);

enum { PCI_BUSES = 256, PCI_SLOTS = 32, PCI_FUNCTIONS = 8 };

struct pci_bus {
	enum pci_model model;            /* none: there is no such bus */
	const struct device *controller; /* NULL: libvirt adds it */
	uint8_t used[PCI_SLOTS];         /* a bit for each function */
	uint32_t ports;                  /* slots whose functions are root ports' only */
	const struct device **at; /* [slot * PCI_FUNCTIONS + function]; NULL: none */
};

enum pci_fault_kind {
	PCI_TWICE, /* other, or what has its place there by itself, is there as well */
	PCI_NOT_TAKEN, /* the bus's controller does not take such a device */
	PCI_NOT_BUS_0, /* it is one of those that can only be on bus 0 */
	PCI_NO_SLOT,   /* the bus has no such slot */
	PCI_PLACE,     /* the machine has this controller at another place: place */
	PCI_FULL, /* nothing is left that takes it, and libvirt adds no such controller */
	PCI_NO_BUS, /* no controller makes its bus, and libvirt adds none for such a device */
};

/* What the machine has on bus 0 by itself; what: "the PIIX3's ISA bridge", or NULL. */
struct pci_fixed {
	const char *what;
	unsigned slot, function;
};

struct pci_fault {
	enum pci_fault_kind kind;
	const struct device *device, *other; /* other: PCI_TWICE, or NULL */
	struct pci_fixed fixed;              /* PCI_TWICE, PCI_PLACE */
	const struct pci_bus *bus;           /* the one that its address names; or NULL */
	const struct pci_fault *next;
};

struct pci_layout {
	struct pci_bus *buses; /* PCI_BUSES */
	size_t nbuses;
	const struct pci_fault *faults; /* in the order of devices */
	bool certain;                   /* every place that is taken is known to be */
};

/* NULL: not known, or none of QEMU's, or past a's bound. */
const struct pci_layout *pci_layout_read(const struct domain *d, struct arena *a);

#endif
