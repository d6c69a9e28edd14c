/* The PCI controllers of libvirt domains: roots, expander buses and the hosts of pSeries, and
 * what may be said of each model.
 * libvirt 9.0, src/conf/domain_validate.c, virDomainControllerDefValidate();
 * src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefControllerPCI(); src/qemu/qemu_domain.c
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/domain_pci.h"
#include "rules/device_words.h"
#include "rules/domain_is.h"
#include "rules/near.h"
#include "base/banned.h"

/* none: it is no PCI controller, or of no known model. */
static enum pci_model model_of(const struct device *c)
{
	struct fact model = ASK(c->node, "@model");

	if (!is_controller(c, "pci") || !fact_known(&model))
		return PCI_MODEL_none;
	return pci_model_named(model.v);
}

static bool is_root(enum pci_model m)
{
	return m == PCI_MODEL_root || m == PCI_MODEL_pcie_root;
}

static const char *index_words(struct scan *s, const struct device *c)
{
	struct fact index = ASK(c->node, "@index");

	return fact_known(&index) ? shown(s, index.v) : "0";
}

/* ---- pci-root-address ---- */

static void check_address(struct scan *s, const struct device *c)
{
	enum pci_model m = model_of(c);

	if (!is_root(m) || !c->address.node)
		return;
	report_label(s,
		     report(s, c->address.node->whole,
			    "a %s controller with an address, expected none",
			    pci_model_row(m)->name),
		     "libvirt refuses the domain: all others are behind it");
}

/* ---- pci-root-index ---- */

/* One without an index gets the next that is free, and 0 is taken. */
static void check_second_root(struct scan *s, const struct device *c)
{
	const struct device *first =
		&c->domain->devices[c->domain->first[DEVICE_controller]];
	struct finding *f;

	for (unsigned i = 0; i < 64 && first < c; i++, first++) {
		if (is_root(model_of(first)))
			break;
	}
	if (first == c || !is_root(model_of(first)))
		return;
	f = report(s, c->node->open_at,
		   "a second %s controller, which gets an index of its own, expected one",
		   pci_model_row(model_of(c))->name);
	report_label(s, f, "libvirt refuses the domain: PCI roots have index 0");
	report_related(s, f, first->node->open_at, "the first one");
}

static void check_root_index(struct scan *s, const struct device *c)
{
	enum pci_model m = model_of(c);
	struct fact index = ASK(c->node, "@index");
	uint64_t i;

	if (!c->domain->qemu || !is_root(m) ||
	    (m == PCI_MODEL_root && (c->domain->machine == MACHINE_PSERIES ||
				     c->domain->machine == MACHINE_UNKNOWN)))
		return;
	if (fact_absent(&index)) {
		check_second_root(s, c);
		return;
	}
	if (!fact_number(&index, &i) || i == 0)
		return;
	report_label(s,
		     report(s, index.at, "a %s controller with index '%s', expected 0",
			    pci_model_row(m)->name, shown(s, index.v)),
		     DOMAIN_REFUSES);
}

/* ---- pci-root-model ---- */

/* The controller that has index 0, or gets it: the first one without an index. */
static const struct device *at_index_0(const struct domain *d)
{
	const struct device *first = NULL;

	for_each_device(c, d, controller)
	{
		struct fact type = ASK(c->node, "@type"), index = ASK(c->node, "@index");
		uint64_t i;

		if (fact_is(&type, "pci") && fact_number(&index, &i) && i == 0)
			return c;
		if (index.state == FACT_UNKNOWN || type.state == FACT_UNKNOWN)
			return NULL;
		if (!first && fact_is(&type, "pci") && fact_absent(&index))
			first = c;
	}
	return first;
}

static void check_root(struct scan *s, const struct domain *d)
{
	const struct device *c = d->qemu && !d->varies ? at_index_0(d) : NULL;
	enum pci_model m = c ? model_of(c) : PCI_MODEL_none,
		       root = pci_machine_root(d->machine);
	struct finding *f;
	struct fact index;

	if (m == PCI_MODEL_none || m == root || (root == PCI_MODEL_none && is_root(m)))
		return;
	index = ASK(c->node, "@index");
	f = report(s, c->node->open_at,
		   "the PCI controller with index 0%s has model '%s', expected '%s'",
		   fact_absent(&index) ? ", the first one without one," : "",
		   pci_model_row(m)->name,
		   root == PCI_MODEL_none ? "pci-root' or 'pcie-root"
					  : pci_model_row(root)->name);
	f->arg = (uint64_t)(c - d->devices);
	report_label(s, f,
		     "libvirt refuses the domain: the bus with number 0 is the root's");
	if (fact_known(&d->vm->machine))
		report_related(s, f, d->vm->machine.at, "the machine type");
}

static bool fix_root(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct device *c = &d->devices[f->arg];
	struct fact model = ASK(c->node, "@model");

	if (!is_root(model_of(c)))
		return plan_refuse(p, "other controllers may count on its index");
	plan_title(p, "model='%s'", pci_model_row(pci_machine_root(d->machine))->name);
	return plan_set(p, &model, pci_model_row(pci_machine_root(d->machine))->name);
}

/* ---- pci-controller-machine ---- */

static void check_machine(struct scan *s, const struct device *c)
{
	enum machine_family m = c->domain->machine;
	const char *only = NULL;
	struct finding *f;

	if (!c->domain->qemu || m == MACHINE_UNKNOWN)
		return;
	if (model_of(c) == PCI_MODEL_expander && m != MACHINE_I440FX)
		only = "440fx-based machine types";
	if (model_of(c) == PCI_MODEL_pcie_expander && m != MACHINE_Q35 &&
	    m != MACHINE_VIRT)
		only = "q35 and ARM's virt";
	if (!only)
		return;
	f = report(s, c->node->open_at, "a %s controller, which only %s have",
		   pci_model_row(model_of(c))->name, only);
	report_label(s, f, DOMAIN_REFUSES);
	if (fact_known(&c->domain->vm->machine))
		report_related(s, f, c->domain->vm->machine.at, "the machine type");
}

/* ---- pci-numa-node ---- */

/* Cells of <cpu><numa>; false: a template's. */
static bool count_cells(const struct domain *d, uint64_t *n)
{
	const struct node *cpu = node_child(d->node, "cpu");
	const struct node *numa = cpu ? node_child(cpu, "numa") : NULL;
	struct fact any = ASK(numa ? numa : d->node, "any");

	*n = 0;
	if (any.state == FACT_UNKNOWN)
		return false;
	for (const struct node *c = numa ? node_child(numa, "cell") : NULL; c;
	     c = node_again(c))
		++*n;
	return true;
}

static void check_numa(struct scan *s, const struct device *c)
{
	struct fact node = ASK(c->node, "target/node"), index = ASK(c->node, "@index");
	uint64_t v, cells, i;

	if (!is_controller(c, "pci") || !fact_number(&node, &v))
		return;
	if (fact_number(&index, &i) && i == 0)
		report_label(s,
			     report(s, node.at,
				    "the PCI controller with index 0 can't be associated "
				    "with a NUMA node, and has node '%s'",
				    shown(s, node.v)),
			     DOMAIN_REFUSES);
	else if (c->domain->qemu && count_cells(c->domain, &cells) && v >= cells)
		report_label(
			s,
			report(s, node.at,
			       "the PCI controller is configured for NUMA node %llu, "
			       "and <cpu><numa> has %llu cells",
			       (unsigned long long)v, (unsigned long long)cells),
			"libvirt refuses the domain: the node is not present");
}

/* ---- pci-target-range ---- */

static void check_target(struct scan *s, const struct device *c)
{
	static const struct {
		const char *name;
		uint64_t min, max;
	} rows[] = { { "chassisNr", 1, 255 },
		     { "chassis", 0, 255 },
		     { "port", 0, 255 },
		     { "busNr", 1, 254 },
		     { "index", 0, 30 } };
	const struct node *target =
		is_controller(c, "pci") ? node_child(c->node, "target") : NULL;
	struct fact index = ASK(c->node, "@index");
	uint64_t v;

	for (size_t i = 0; target && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct node *n = node_attr(target, rows[i].name);

		if (!n || !domain_number(n->text, &v) ||
		    (v >= rows[i].min && v <= rows[i].max))
			continue;
		report_label(
			s,
			report(s, n->text_at,
			       "PCI controller target %s '%s' out of range, expected "
			       "%llu to %llu",
			       rows[i].name, shown(s, n->text),
			       (unsigned long long)rows[i].min,
			       (unsigned long long)rows[i].max),
			DOMAIN_REFUSES);
	}
	if (is_controller(c, "pci") && fact_number(&index, &v) && v > 255)
		report_label(s,
			     report(s, index.at,
				    "PCI controller index %s is too high, expected at "
				    "most 255",
				    shown(s, index.v)),
			     DOMAIN_REFUSES);
}

/* ---- pci-phb-index ---- */

static void check_phb(struct scan *s, const struct device *c)
{
	struct fact target = ASK(c->node, "target@index"), index = ASK(c->node, "@index");
	uint64_t t, i;

	if (!is_controller(c, "pci") || !fact_number(&target, &t) ||
	    !fact_number(&index, &i) || (t == 0) == (i == 0) || t > 30)
		return;
	report_label(s,
		     report(s, target.at,
			    "PCI controller index '%s' with target index '%s': only the "
			    "one with index 0 can have target index 0, and vice versa",
			    shown(s, index.v), shown(s, target.v)),
		     DOMAIN_REFUSES);
}

/* ---- pci-controller-option ---- */

static void say_option(struct scan *s, const struct device *c, struct span at,
		       const char *option)
{
	report_label(s,
		     report(s, at,
			    "option '%s' is not valid for the PCI controller with index "
			    "'%s' and model '%s'",
			    option, index_words(s, c), pci_model_row(model_of(c))->name),
		     DOMAIN_REFUSES);
}

/* The host bridges of pSeries are pci-root too, and have options of their own. */
static bool has_option(const struct device *c, const char *name)
{
	bool phb = c->domain->machine == MACHINE_PSERIES ||
		   c->domain->machine == MACHINE_UNKNOWN;

	if (model_of(c) == PCI_MODEL_root && !phb)
		return strcmp(name, "hotplug") == 0;
	return str_among(str_of(name), pci_model_row(model_of(c))->options);
}

static void check_option(struct scan *s, const struct device *c)
{
	static const char *const names[] = { "chassisNr", "chassis", "port",
					     "busNr",     "hotplug", "index" };
	enum pci_model m = model_of(c);
	const struct node *target = node_child(c->node, "target"), *node, *hole;
	struct finding *f;

	if (!c->domain->qemu || m == PCI_MODEL_none)
		return;
	for (size_t i = 0; target && i < sizeof(names) / sizeof(names[0]); i++) {
		const struct node *n = node_attr(target, names[i]);

		if (n && !has_option(c, names[i]))
			say_option(s, c, n->whole, names[i]);
	}
	node = target ? node_child(target, "node") : NULL;
	if (node && !has_option(c, "node"))
		say_option(s, c, node->whole, "numaNode");
	hole = is_root(m) ? node_child(c->node, "pcihole64") : NULL;
	if (!hole || c->domain->machine == MACHINE_UNKNOWN ||
	    c->domain->machine == (m == PCI_MODEL_root ? MACHINE_I440FX : MACHINE_Q35))
		return;
	f = report(s, hole->whole, "<pcihole64> on a machine that is no pc and no q35");
	if (c->domain->machine == MACHINE_VIRT && domain_is_arm(c->domain)) {
		report_label(s, f, "not every version of libvirt knows it of ARM's virt");
		report_lower(f);
	} else {
		report_label(s, f,
			     "libvirt refuses the domain: setting the 64-bit PCI hole "
			     "size is not supported");
	}
}

/* ---- pci-model-name ---- */

static void check_name(struct scan *s, const struct device *c)
{
	enum pci_model m = model_of(c);
	struct fact name = ASK(c->node, "model@name");
	const char *names = pci_model_row(m)->devices;
	struct finding *f;

	if (!c->domain->qemu || m == PCI_MODEL_none || !fact_known(&name) ||
	    fact_is(&name, "none"))
		return;
	if (m == PCI_MODEL_root && c->domain->machine == MACHINE_UNKNOWN)
		return;
	if (m == PCI_MODEL_root && c->domain->machine != MACHINE_PSERIES)
		names = "";
	if (str_among(name.v, names))
		return;
	f = report(s, name.at,
		   "PCI controller model '%s' with model name '%s', expected %s%s",
		   pci_model_row(m)->name, shown(s, name.v),
		   strchr(names, ' ') ? "one of: " : "",
		   *names ? near_list(s, names) : "none");
	report_label(s, f, "libvirt refuses the domain: option 'modelName' is not valid");
}

static bool fix_name(struct plan *p, const struct finding *f, const struct device *c)
{
	const struct node *model = node_child(c->node, "model");

	(void)f;
	plan_title(p, "remove <model>, and libvirt chooses the device");
	return model && plan_remove_node(p, model);
}

/* ---- pci-bridge-order ---- */

static void check_order(struct scan *s, const struct device *c)
{
	struct fact index = ASK(c->node, "@index");
	uint64_t i;

	if (!c->domain->qemu || model_of(c) != PCI_MODEL_bridge ||
	    c->address.type != ADDRESS_pci || !c->address.whole ||
	    !fact_number(&index, &i) || i == 0 || i > c->address.bus.v)
		return;
	report_label(
		s,
		report(s, c->address.node->open_at,
		       "the PCI controller at index %llu is on bus %llu, expected an "
		       "index that is larger than the bus",
		       (unsigned long long)i, (unsigned long long)c->address.bus.v),
		DOMAIN_REFUSES);
}

const struct rule rules_pci_topology[] = {
	{ .id = "pci-bridge-order",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a pci-bridge on a bus with a higher number than its own",
	  .why = "libvirt refuses to define the domain: index must be larger than bus. A "
		 "bridge stands on a bus that is there before it.",
	  .steps =
		  "Give the bridge an index above that of the controller it is plugged into, "
		  "and change the bus of what is behind it.",
	  .source = "libvirt, qemuDomainAssignPCIAddresses()",
	  .since = "0.1.0",
	  CHECK(device, check_order) },
	{ .id = "pci-controller-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an expander bus on a machine that has none",
	  .why = "libvirt refuses to define the domain: pci-expander-bus is for pc, "
		 "pcie-expander-bus for q35 and virt.",
	  .steps =
		  "Choose the model of the machine type, or remove the controller and what is "
		  "behind it.",
	  .source = "libvirt, qemuDomainControllerDefPostParse()",
	  .since = "0.1.0",
	  CHECK(device, check_machine) },
	{ .id = "pci-controller-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a PCI controller with an option that its model does not have",
	  .why = "libvirt refuses to define the domain: Option is not valid for PCI "
		 "controller. chassisNr is of pci-bridge, chassis and port of root and "
		 "downstream ports, busNr and node of expander buses, index of pSeries.",
	  .steps = "Remove the option, or change the controller's model.",
	  .source = "libvirt, qemuValidateDomainDeviceDefControllerPCI()",
	  .since = "0.1.0",
	  CHECK(device, check_option) },
	{ .id = "pci-model-name",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a PCI controller with the device of another model",
	  .why = "libvirt refuses to define the domain: Option 'modelName' has invalid value. "
		 "Each model has one device or two in QEMU, and the roots have none.",
	  .source = "libvirt, qemuValidateDomainDeviceDefControllerPCI()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_name, fix_name) },
	{ .id = "pci-numa-node",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a PCI controller on a NUMA node that is not there",
	  .why = "libvirt refuses to define the domain: the controller is configured for a "
		 "NUMA node not present in the domain's <cpu><numa> array. The root with "
		 "index 0 belongs to none.",
	  .steps = "Add the <cell> to <cpu><numa>, or change <target><node>.",
	  .source = "libvirt, qemuDomainControllerDefPostParse(), "
		    "virDomainControllerDefValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_numa) },
	{ .id = "pci-phb-index",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a PCI controller with the target index of the first, or the reverse",
	  .why = "libvirt refuses to define the domain: Only the PCI controller with index 0 "
		 "can have target index 0, and vice versa. It is the host bridge that a "
		 "pSeries machine has by itself.",
	  .steps = "Remove the index from <target>: libvirt chooses one that is free.",
	  .source = "libvirt, virDomainControllerDefValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_phb) },
	{ .id = "pci-root-address",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a PCI root with an address",
	  .why = "libvirt refuses to define the domain: pci-root and pcie-root controllers "
		 "should not have an address.",
	  .source = "libvirt, virDomainControllerDefValidate()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_address, fix_address) },
	{ .id = "pci-root-index",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a second PCI root, or one with another index than 0",
	  .why = "libvirt refuses to define the domain: pci-root and pcie-root controllers "
		 "should have index 0. Only pSeries machines have more than one.",
	  .steps =
		  "Remove the controller: libvirt adds the root by itself. For more slots add "
		  "pci-bridge or pcie-root-port controllers.",
	  .source = "libvirt, qemuDomainControllerDefPostParse()",
	  .since = "0.1.0",
	  CHECK(device, check_root_index) },
	{ .id = "pci-root-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a PCI controller with index 0 that is not the machine's root",
	  .why = "libvirt refuses to define the domain: The PCI controller with index='0' must "
		 "be the root of the machine type. A controller without an index gets the "
		 "lowest one that is left, and that is 0 where no root is written down.",
	  .steps =
		  "Write the root, <controller type='pci' index='0' model='pcie-root'/> for "
		  "q35 and virt, 'pci-root' for pc, or give the controller an index.",
	  .source = "libvirt, qemuDomainDefAddDefaultDevices(), "
		    "virDomainAssignControllerIndexes()",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_root, fix_root) },
	{ .id = "pci-target-range",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a number of a PCI controller that is out of range",
	  .why = "libvirt refuses to define the domain: chassis, port and index go up to 255, "
		 "chassisNr from 1 to 255, busNr from 1 to 254, a target's index up to 30.",
	  .steps = "Remove the number: libvirt chooses one, for all but the index.",
	  .source = "libvirt, virDomainControllerDefValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_target) },
};
RULES_END(pci_topology);
