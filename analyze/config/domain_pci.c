/* The PCI buses of a libvirt domain, in the steps of libvirt's own: buses of the controllers,
 * devices whose address is given, what the machine has at a place of its own, and last the
 * controllers for which libvirt has to find a place.
 * libvirt 9.0, src/conf/domain_addr.c; src/qemu/qemu_domain_address.c,
 * qemuDomainAssignPCIAddresses()
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/domain_pci.h"
#include "base/banned.h"

static const struct pci_model_row models[] = {
	{ "", 0, 0, 0, 0, "", "" },
#define PCI_MODEL(member, name, first, last, takes, needs, devices, options)             \
	{ (name), (first), (last), (takes), (needs), (devices), (options) },
#include "analyze/config/pci_models.def"
#undef PCI_MODEL
};

const struct pci_model_row *pci_model_row(enum pci_model m)
{
	return &models[m];
}

enum pci_model pci_model_named(struct str name)
{
	for (unsigned m = 1; m < sizeof(models) / sizeof(models[0]); m++) {
		if (str_is(name, models[m].name))
			return m;
	}
	return PCI_MODEL_none;
}

enum pci_model pci_machine_root(enum machine_family machine)
{
	switch (machine) {
	case MACHINE_I440FX:
	case MACHINE_PSERIES:
	case MACHINE_S390_CCW:
		return PCI_MODEL_root;
	case MACHINE_Q35:
	case MACHINE_VIRT:
		return PCI_MODEL_pcie_root;
	case MACHINE_UNKNOWN:
	case MACHINE_ISAPC:
	case MACHINE_MICROVM:
	case MACHINE_XEN:
	case MACHINE_OTHER:
		return PCI_MODEL_none;
	}
	return PCI_MODEL_none;
}

/* One layout that is being made. */
struct work {
	const struct domain *d;
	struct arena *a;
	struct pci_layout *l;
	struct pci_fault *last;
	bool certain; /* each device that says where it is has been understood */
	bool full;    /* a's bound */
};

static void add_fault(struct work *w, struct pci_fault fault)
{
	struct pci_fault *f = arena_try_new(w->a, struct pci_fault);

	if (!f) {
		w->full = true;
		return;
	}
	*f = fault;
	if (w->last)
		w->last->next = f;
	else
		w->l->faults = f;
	w->last = f;
}

/* ---- the buses of controllers ---- */

static bool add_bus(struct work *w, uint64_t index, enum pci_model model,
		    const struct device *controller)
{
	struct pci_bus *b;

	if (index >= PCI_BUSES)
		return false;
	b = &w->l->buses[index];
	if (b->model != PCI_MODEL_none)
		return false;
	b->model = model;
	b->controller = controller;
	if (w->l->nbuses <= index)
		w->l->nbuses = (size_t)index + 1;
	return true;
}

/* Those without an index get the lowest ones that are left, in their order. */
static bool add_controllers(struct work *w, bool indexed)
{
	uint64_t next = 0;

	for_each_device(c, w->d, controller)
	{
		struct fact type = ASK(c->node, "@type"), model = ASK(c->node, "@model"),
			    index = ASK(c->node, "@index");
		uint64_t i;

		if (type.state == FACT_UNKNOWN)
			return false;
		if (!fact_is(&type, "pci") || fact_absent(&index) == indexed)
			continue;
		if (!indexed) {
			while (next < PCI_BUSES &&
			       w->l->buses[next].model != PCI_MODEL_none)
				next++;
			i = next;
		} else if (!fact_number(&index, &i)) {
			return false;
		}
		if (!fact_known(&model) || !add_bus(w, i, pci_model_named(model.v), c) ||
		    w->l->buses[i].model == PCI_MODEL_none)
			return false;
	}
	return true;
}

/* False: the root is wrong or not known, and with it all else. */
static bool add_buses(struct work *w)
{
	enum pci_model root = pci_machine_root(w->d->machine), fill;
	bool many = w->d->machine == MACHINE_PSERIES;

	if (!add_controllers(w, true) || !add_controllers(w, false))
		return false;
	if (w->l->buses[0].model == PCI_MODEL_none) {
		if (root == PCI_MODEL_none || !add_bus(w, 0, root, NULL))
			return false;
	}
	if (w->l->buses[0].model != PCI_MODEL_root &&
	    w->l->buses[0].model != PCI_MODEL_pcie_root)
		return false;
	if (root != PCI_MODEL_none && w->l->buses[0].model != root)
		return false;
	fill = many                                     ? PCI_MODEL_root
	       : w->l->buses[0].model == PCI_MODEL_root ? PCI_MODEL_bridge
							: PCI_MODEL_root_port;
	for (size_t i = 1; i < w->l->nbuses; i++) {
		enum pci_model m = w->l->buses[i].model;

		if (m == PCI_MODEL_pcie_root || (m == PCI_MODEL_root && !many))
			return false;
		if (m == PCI_MODEL_none)
			w->l->buses[i].model = fill;
	}
	return true;
}

/* ---- what the machine has at a place of its own ---- */

struct place {
	uint8_t slot, function;
	const char *what;
};

/* A controller without a type is IDE. */
static bool type_is(const struct node *n, const char *type)
{
	return node_attr_is(n, "type", type) ||
	       (strcmp(type, "ide") == 0 && !node_attr(n, "type"));
}

/* Is it number 0 of its type? One without a number gets the lowest that is free. */
static bool is_first(const struct device *c, const char *type)
{
	const struct node *index = node_attr(c->node, "index");
	const struct device *unnumbered = NULL;
	uint64_t i;

	if (c->kind != DEVICE_controller || !type_is(c->node, type))
		return false;
	if (index)
		return domain_number(index->text, &i) && i == 0;
	for_each_device(other, c->domain, controller)
	{
		if (!type_is(other->node, type))
			continue;
		index = node_attr(other->node, "index");
		if (!index && !unnumbered)
			unnumbered = other;
		if (index && (!domain_number(index->text, &i) || i == 0))
			return false;
	}
	return unnumbered == c;
}

static bool is_piix_usb(const struct device *c)
{
	const struct node *model = node_attr(c->node, "model");

	return is_first(c, "usb") && (!model || str_is(model->text, "piix3-uhci"));
}

/* The machine's USB controller is libvirt's first one, also when none is said. */
static bool has_piix_usb(const struct domain *d)
{
	bool any = false;

	for_each_device(c, d, controller)
	{
		if (is_piix_usb(c))
			return true;
		any |= !node_attr_is(c->node, "type", "pci") &&
		       !node_attr_is(c->node, "type", "scsi") &&
		       !node_attr_is(c->node, "type", "ide") &&
		       !node_attr_is(c->node, "type", "fdc") &&
		       !node_attr_is(c->node, "type", "virtio-serial");
	}
	return !any;
}

static const struct place piix[] = {
	{ 1, 0, "the PIIX3's ISA bridge" },
	{ 1, 1, "the PIIX3's IDE controller" },
	{ 1, 2, "the PIIX3's USB controller" },
	{ 1, 3, "the PIIX4's power management" },
};

static const struct place ich9[] = {
	{ 31, 0, "the ICH9's ISA bridge" },
	{ 31, 2, "the ICH9's SATA controller" },
	{ 31, 3, "the ICH9's SMBus" },
};

static const struct place *places(enum machine_family machine, size_t *n)
{
	*n = machine == MACHINE_I440FX ? sizeof(piix) / sizeof(piix[0])
	     : machine == MACHINE_Q35  ? sizeof(ich9) / sizeof(ich9[0])
				       : 0;
	return machine == MACHINE_I440FX ? piix : ich9;
}

/* What stands by itself where a says; NULL: nothing. */
static const struct place *place_at(const struct domain *d, const struct address *a)
{
	size_t n;
	const struct place *p = places(d->machine, &n);

	for (size_t i = 0; a->bus.v == 0 && i < n; i++) {
		if (a->slot.v != p[i].slot || a->function.v != p[i].function)
			continue;
		if (d->machine == MACHINE_I440FX && p[i].function == 2 &&
		    !has_piix_usb(d))
			return NULL;
		return &p[i];
	}
	return NULL;
}

/* The controller that is at a place of its own, if c is it: libvirt's own first one. */
static const struct place *place_of(const struct device *c)
{
	enum machine_family m = c->domain->machine;

	if (m == MACHINE_I440FX && is_first(c, "ide"))
		return &piix[1];
	if (m == MACHINE_I440FX && is_piix_usb(c))
		return &piix[2];
	if (m == MACHINE_Q35 && is_first(c, "sata"))
		return &ich9[1];
	return NULL;
}

/* ---- devices whose address is given ---- */

static const enum device_kind kinds[] = {
	DEVICE_disk,       DEVICE_interface,  DEVICE_sound,      DEVICE_hostdev,
	DEVICE_video,      DEVICE_controller, DEVICE_smartcard,  DEVICE_serial,
	DEVICE_parallel,   DEVICE_channel,    DEVICE_console,    DEVICE_input,
	DEVICE_filesystem, DEVICE_watchdog,   DEVICE_memballoon, DEVICE_rng,
	DEVICE_nvram,      DEVICE_hub,        DEVICE_shmem,      DEVICE_tpm,
	DEVICE_panic,      DEVICE_memory,     DEVICE_redirdev,   DEVICE_iommu,
	DEVICE_vsock,
};

static unsigned needs_of(const struct device *dev)
{
	const struct node *model = node_attr(dev->node, "model");

	if (dev->kind != DEVICE_controller || !node_attr_is(dev->node, "type", "pci"))
		return PCI_ENDPOINT;
	return model ? pci_model_row(pci_model_named(model->text))->needs : 0;
}

/* The bus that a says, made if libvirt makes it for such a device: all up to that one. */
static struct pci_bus *bus_for(struct work *w, const struct device *dev, unsigned needs)
{
	uint64_t bus = dev->address.bus.v;
	bool pcie = w->l->buses[0].model == PCI_MODEL_pcie_root;
	enum pci_model added = PCI_MODEL_root_port;

	if (bus < w->l->nbuses)
		return &w->l->buses[bus];
	if (needs != PCI_UPSTREAM && needs != PCI_ENDPOINT) {
		add_fault(w, (struct pci_fault){ .kind = PCI_NO_BUS, .device = dev });
		return NULL;
	}
	/* What libvirt adds then depends on the device and on the version of QEMU. */
	if (needs == PCI_ENDPOINT && pcie) {
		w->certain = false;
		return NULL;
	}
	if (needs == PCI_ENDPOINT && !pcie)
		added = w->d->machine == MACHINE_PSERIES ? PCI_MODEL_root
							 : PCI_MODEL_bridge;
	while (w->l->nbuses <= bus)
		(void)add_bus(w, w->l->nbuses, added, NULL);
	return &w->l->buses[bus];
}

/* False: it cannot be on that bus, and that was added to the faults. */
static bool accepts(struct work *w, const struct device *dev, unsigned needs,
		    const struct pci_bus *b)
{
	const struct pci_model_row *row = pci_model_row(b->model);
	struct pci_fault f = { .device = dev, .bus = b };

	if (!(row->takes & needs) &&
	    !(needs == PCI_BRIDGE && (row->takes & PCI_ENDPOINT)))
		f.kind = PCI_NOT_TAKEN;
	else if (dev->address.slot.v < row->first || dev->address.slot.v > row->last)
		f.kind = PCI_NO_SLOT;
	else
		return true;
	add_fault(w, f);
	return false;
}

static void take(struct work *w, struct pci_bus *b, const struct device *dev,
		 uint64_t slot, uint64_t function, bool port)
{
	if (!b->at)
		b->at = arena_try_array(w->a, PCI_SLOTS * PCI_FUNCTIONS,
					const struct device *);
	if (!b->at) {
		w->full = true;
		return;
	}
	if (b->used[slot] == 0 && port)
		b->ports |= UINT32_C(1) << slot;
	b->used[slot] |= (uint8_t)(1u << function);
	b->at[slot * PCI_FUNCTIONS + function] = dev;
}

static void place(struct work *w, const struct device *dev)
{
	const struct address *a = &dev->address;
	const struct place *own = place_of(dev), *there = place_at(w->d, a);
	unsigned needs = needs_of(dev);
	struct pci_bus *b;
	struct pci_fault f = { .device = dev };

	if (own && (there != own)) {
		f.kind = PCI_PLACE;
		f.fixed = (struct pci_fixed){ own->what, own->slot, own->function };
		add_fault(w, f);
		return;
	}
	if (own || needs == 0)
		return;
	/* The virtio IOMMU is integrated, and libvirt has no other on PCI. */
	if (dev->kind == DEVICE_iommu && a->bus.v != 0) {
		f.kind = PCI_NOT_BUS_0;
		add_fault(w, f);
		return;
	}
	b = bus_for(w, dev, needs);
	if (!b || !accepts(w, dev, needs, b))
		return;
	f.kind = PCI_TWICE;
	f.bus = b;
	if (there) {
		f.fixed = (struct pci_fixed){ there->what, there->slot, there->function };
		add_fault(w, f);
	} else if (b->used[a->slot.v] & (1u << a->function.v)) {
		f.other = b->at[a->slot.v * PCI_FUNCTIONS + a->function.v];
		/* Of two the one that stands further down in the file is in the way. */
		if (f.other->node->open_at.off > dev->node->open_at.off) {
			f.device = f.other;
			f.other = dev;
		}
		add_fault(w, f);
	} else {
		take(w, b, dev, a->slot.v, a->function.v, needs == PCI_ROOT_PORT);
	}
}

/* A console's address is that of the serial device that it is another name for. */
static bool is_another_name(const struct device *dev)
{
	struct fact target = ASK(dev->node, "target@type");

	return dev->kind == DEVICE_console &&
	       dev == dev->domain->devices + dev->domain->first[DEVICE_console] &&
	       !fact_is(&target, "virtio");
}

/* A disk of another bus has no place on PCI, whatever its address says. */
static bool is_elsewhere(const struct device *dev)
{
	struct fact bus = ASK(dev->node, "target@bus");

	return dev->kind == DEVICE_disk && fact_known(&bus) && !fact_is(&bus, "virtio");
}

static bool is_no_pci_iommu(const struct device *dev)
{
	return dev->kind == DEVICE_iommu && !node_attr_is(dev->node, "model", "virtio");
}

static bool is_placed(const struct address *a)
{
	return a->type == ADDRESS_pci &&
	       (!a->whole || a->domain.v || a->bus.v || a->slot.v);
}

static void place_all(struct work *w)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct device *dev = w->d->devices + w->d->first[kinds[k]],
				    *end = w->d->devices + w->d->first[kinds[k] + 1];

		for (; dev < end && !w->full; dev++) {
			const struct address *a = &dev->address;

			if (a->type == ADDRESS_unknown)
				w->certain = false;
			if (!is_placed(a) || is_another_name(dev) || is_elsewhere(dev) ||
			    node_attr_is(dev->node, "model", "none") ||
			    is_no_pci_iommu(dev))
				continue;
			if (!a->whole || a->domain.v != 0 || a->bus.v >= PCI_BUSES ||
			    a->slot.v >= PCI_SLOTS || a->function.v >= PCI_FUNCTIONS)
				w->certain = false;
			else
				place(w, dev);
		}
	}
}

/* ---- controllers for which libvirt finds a place ---- */

static bool slot_is_free(const struct work *w, unsigned slot)
{
	return w->l->buses[0].used[slot] == 0;
}

static bool wants_place(const struct device *dev)
{
	return dev->address.type == ADDRESS_absent ||
	       (dev->address.type == ADDRESS_pci && !is_placed(&dev->address));
}

/* What libvirt puts where real machines have it, if nothing is there. */
static void take_usual(struct work *w)
{
	bool q35 = w->d->machine == MACHINE_Q35;
	const struct device *video = w->d->devices + w->d->first[DEVICE_video];
	bool any = domain_count(w->d, DEVICE_video) > 0;
	size_t n;
	const struct place *fixed = places(w->d->machine, &n);

	for (size_t i = 0; i < n; i++)
		take(w, &w->l->buses[0], NULL, fixed[i].slot, fixed[i].function, false);
	if (n == 0)
		return;
	for_each_device(c, w->d, controller)
	{
		if (q35 && node_attr_is(c->node, "model", "ich9-uhci1") &&
		    wants_place(c) && (slot_is_free(w, 0x1d) || slot_is_free(w, 0x1a)))
			take(w, &w->l->buses[0], c, slot_is_free(w, 0x1d) ? 0x1d : 0x1a,
			     0, false);
	}
	if ((any ? wants_place(video) : domain_count(w->d, DEVICE_graphics) > 0) &&
	    slot_is_free(w, q35 ? 1 : 2))
		take(w, &w->l->buses[0], any ? video : NULL, q35 ? 1 : 2, 0, false);
	for_each_device(s, w->d, sound)
	{
		if (q35 && node_attr_is(s->node, "model", "ich9") && wants_place(s) &&
		    slot_is_free(w, 0x1b))
			take(w, &w->l->buses[0], s, 0x1b, 0, false);
	}
}

static bool take_on(struct work *w, struct pci_bus *b, const struct device *dev,
		    unsigned needs)
{
	const struct pci_model_row *row = pci_model_row(b->model);

	if (!(row->takes & needs))
		return false;
	for (unsigned slot = row->first; slot <= row->last; slot++) {
		unsigned function = 0;

		/* Root ports share slots with each other. */
		if (needs == PCI_ROOT_PORT && (b->ports & (UINT32_C(1) << slot))) {
			while (function < PCI_FUNCTIONS &&
			       (b->used[slot] & (1u << function)))
				function++;
		} else if (b->used[slot]) {
			continue;
		}
		if (function < PCI_FUNCTIONS) {
			take(w, b, dev, slot, function, needs == PCI_ROOT_PORT);
			return true;
		}
	}
	return false;
}

static bool take_next(struct work *w, const struct device *dev, unsigned needs)
{
	for (size_t i = 0; i < w->l->nbuses; i++) {
		if (take_on(w, &w->l->buses[i], dev, needs))
			return true;
	}
	if (needs != PCI_UPSTREAM || w->l->nbuses == PCI_BUSES)
		return false;
	(void)add_bus(w, w->l->nbuses, PCI_MODEL_root_port, NULL);
	return take_on(w, &w->l->buses[w->l->nbuses - 1], dev, needs);
}

static void find_places(struct work *w)
{
	size_t given = w->l->nbuses;

	take_usual(w);
	for (size_t i = 0; i < given && w->d->machine == MACHINE_Q35; i++) {
		const struct device *c = w->l->buses[i].controller;

		if (w->l->buses[i].model == PCI_MODEL_dmi && c && wants_place(c) &&
		    slot_is_free(w, 0x1e))
			take(w, &w->l->buses[0], c, 0x1e, 0, false);
	}
	/* One slot is kept for later. */
	if (w->l->buses[0].model == PCI_MODEL_root)
		(void)take_next(w, NULL, PCI_ENDPOINT);
	for (size_t i = 1; i < given && !w->full; i++) {
		const struct device *c = w->l->buses[i].controller;

		if (!c || !wants_place(c) || needs_of(c) == 0 ||
		    (needs_of(c) == PCI_DMI && w->l->buses[0].at &&
		     w->l->buses[0].at[0x1e * PCI_FUNCTIONS] == c))
			continue;
		if (!take_next(w, c, needs_of(c))) {
			add_fault(w, (struct pci_fault){ .kind = PCI_FULL, .device = c });
			return;
		}
	}
}

const struct pci_layout *pci_layout_read(const struct domain *d, struct arena *a)
{
	struct pci_layout *l;
	struct work w = { .d = d, .a = a, .certain = true };

	if (!d->qemu || d->varies)
		return NULL;
	w.l = l = arena_try_new(a, struct pci_layout);
	if (!l)
		return NULL;
	l->buses = arena_try_array(a, PCI_BUSES, struct pci_bus);
	if (!l->buses || !add_buses(&w))
		return NULL;
	place_all(&w);
	l->certain = w.certain && !l->faults;
	if (l->certain && !w.full)
		find_places(&w);
	return w.full ? NULL : l;
}
