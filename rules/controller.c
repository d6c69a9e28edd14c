/* Controllers of libvirt domains: indexes, models that a type, a machine or QEMU does not
 * have, and options of virtio-scsi on others.
 * libvirt 9.0, src/conf/domain_postparse.c, src/qemu/qemu_validate.c
 * (qemuValidateDomainDeviceDefController())
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/device_words.h"
#include "base/banned.h"

/* ---- controller-index-twice ---- */

enum { LOOK_BACK = 256 };

/* An earlier controller of c's type with c's index; NULL: none near. */
static const struct device *same_index(const struct device *c, struct str type,
				       uint64_t index)
{
	const struct device *first =
		c->domain->devices + c->domain->first[DEVICE_controller];

	for (unsigned i = 0; i < LOOK_BACK && c > first; i++) {
		const struct node *t, *n;
		uint64_t v;

		c--;
		t = node_attr(c->node, "type");
		n = node_attr(c->node, "index");
		if (n && str_eq(t ? t->text : str_of("ide"), type) &&
		    domain_number(n->text, &v) && v == index)
			return c;
	}
	return NULL;
}

static void check_index(struct scan *s, const struct device *c)
{
	struct fact type = ASK(c->node, "@type"), index = ASK(c->node, "@index");
	const struct device *other;
	struct finding *f;
	uint64_t v;

	/* Companions of one USB controller have its index. */
	if (c->kind != DEVICE_controller || c->domain->varies ||
	    type.state == FACT_UNKNOWN || fact_is(&type, "usb") ||
	    !fact_number(&index, &v))
		return;
	/* Without a type it is IDE. */
	if (fact_absent(&type))
		type.v = str_of("ide");
	other = same_index(c, type.v, v);
	if (!other)
		return;
	f = report(s, index.at, "multiple '%s' controllers with index '%s'",
		   shown(s, type.v), shown(s, index.v));
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, other->node->open_at, "the first one");
}

/* ---- controller-model ---- */

static void check_model(struct scan *s, const struct device *c)
{
	struct fact type = ASK(c->node, "@type"), model = ASK(c->node, "@model");

	if (c->kind != DEVICE_controller)
		return;
	if (fact_known(&type) && fact_known(&model) &&
	    str_among(type.v, "fdc sata ccid xenbus isa"))
		report_label(s,
			     report(s, model.at,
				    "unknown model type '%s': controllers of type '%s' "
				    "have no models",
				    shown(s, model.v), shown(s, type.v)),
			     DOMAIN_REFUSES);
	else if (c->domain->qemu && fact_is(&type, "pci") && fact_absent(&model))
		report_label(
			s,
			report(s, c->node->open_at, "a pci controller without a model"),
			DOMAIN_REFUSES ": PCI controller model was not set correctly");
}

static bool fix_model(struct plan *p, const struct finding *f, const struct device *c)
{
	const struct node *model = node_attr(c->node, "model");

	(void)f;
	if (!model)
		return plan_refuse(p, "which one was meant is not said anywhere");
	plan_title(p, "remove model='...'");
	return plan_remove_node(p, model);
}

/* ---- controller-scsi-model ---- */

/* qemuDomainHasBuiltinESP() knows none but boards of SPARC. */
static bool lacks_esp(const struct device *c)
{
	return c->domain->machine != MACHINE_UNKNOWN &&
	       c->domain->machine != MACHINE_OTHER;
}

static void check_scsi(struct scan *s, const struct device *c)
{
	struct fact model = ASK(c->node, "@model"), index = ASK(c->node, "@index");
	const char *why = NULL;
	uint64_t i;

	if (!c->domain->qemu || !is_controller(c, "scsi"))
		return;
	if (fact_is(&model, "auto") || fact_is(&model, "buslogic"))
		why = "which QEMU does not have";
	else if (fact_is(&model, "ncr53c90") && fact_number(&index, &i) && i != 0)
		why = "which can only be the first SCSI controller";
	else if (fact_is(&model, "ncr53c90") && lacks_esp(c))
		why = "which is not built into this machine";
	if (why)
		report_label(s,
			     report(s, model.at, "a SCSI controller of model '%s', %s",
				    shown(s, model.v), why),
			     DOMAIN_REFUSES);
}

/* ---- controller-ide ---- */

static bool machine_lacks_ide(enum machine_family m)
{
	return m == MACHINE_Q35 || m == MACHINE_ISAPC || m == MACHINE_MICROVM ||
	       m == MACHINE_VIRT || m == MACHINE_PSERIES || m == MACHINE_S390_CCW;
}

static void check_ide(struct scan *s, const struct device *c)
{
	enum machine_family m = c->domain->machine;
	struct fact index = ASK(c->node, "@index");
	struct finding *f;
	uint64_t i;

	if (!c->domain->qemu || !is_controller(c, "ide"))
		return;
	if (machine_lacks_ide(m))
		f = report(s, c->node->open_at,
			   "IDE controllers are unsupported for this machine type%s",
			   m == MACHINE_Q35 ? ", expected sata" : "");
	else if (m == MACHINE_I440FX && fact_number(&index, &i) && i > 0)
		f = report(s, index.at,
			   "an IDE controller with index '%s', and only a single one is "
			   "supported for this machine type",
			   shown(s, index.v));
	else
		return;
	report_label(s, f, DOMAIN_REFUSES);
	if (fact_known(&c->domain->vm->machine))
		report_related(s, f, c->domain->vm->machine.at, "the machine type");
}

static bool fix_ide(struct plan *p, const struct finding *f, const struct device *c)
{
	(void)f;
	plan_title(p, "remove the IDE controller");
	return plan_remove_node(p, c->node);
}

/* ---- controller-driver-option, controller-iothread ---- */

/* Which SCSI controller QEMU gets where none is named depends on what it has. */
static bool is_no_virtio_scsi(const struct device *c)
{
	struct fact type = ASK(c->node, "@type"), model = ASK(c->node, "@model");

	/* Versions since 11.5 know NVMe, which has queues too. */
	if (!fact_known(&type) || fact_is(&type, "nvme"))
		return false;
	if (!fact_is(&type, "scsi"))
		return true;
	return fact_known(&model) &&
	       !str_among(model.v,
			  "virtio-scsi virtio-transitional virtio-non-transitional");
}

static void check_option(struct scan *s, const struct device *c)
{
	static const char *const names[] = { "queues", "cmd_per_lun", "max_sectors",
					     "ioeventfd", "iothread" };
	const struct node *driver = node_child(c->node, "driver");

	if (c->kind != DEVICE_controller || !c->domain->qemu || !driver ||
	    !is_no_virtio_scsi(c))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct node *n = node_attr(driver, names[i]);
		uint64_t v;

		/* Zero is as if it were not there. */
		if (!n || (domain_number(n->text, &v) && v == 0))
			continue;
		report_label(s,
			     report(s, n->whole,
				    "'%s' is only supported by virtio-scsi controllers, "
				    "and this is a %s",
				    names[i], device_words(s, c)),
			     DOMAIN_REFUSES);
	}
}

static bool is_driver_option(const struct node *n)
{
	return str_among(n->key, "queues cmd_per_lun max_sectors ioeventfd iothread");
}

static bool fix_option(struct plan *p, const struct finding *f, const struct device *c)
{
	const struct node *driver = node_child(c->node, "driver");
	bool others = false;

	(void)f;
	for_each_node (n, driver)
		others |= !is_driver_option(n);
	plan_title(p, others ? "remove what <driver> says of virtio-scsi"
			     : "remove <driver>");
	if (!others)
		return plan_remove_node(p, driver);
	for_each_node (n, driver) {
		if (is_driver_option(n) && !plan_remove_node(p, n))
			return false;
	}
	return true;
}

/* Has the domain an I/O thread of that number? Those of <iothreadids> have theirs, and the
 * rest of <iothreads> the lowest ones that are left. False as well where it is not known. */
static bool lacks_iothread(const struct domain *d, uint64_t id)
{
	const struct node *ids = node_child(d->node, "iothreadids");
	struct fact count = ASK(d->node, "iothreads");
	uint64_t n = 0, listed = 0, below = 0;

	if (count.state == FACT_UNKNOWN ||
	    (fact_known(&count) && !fact_number(&count, &n)))
		return false;
	for (const struct node *t = ids ? node_child(ids, "iothread") : NULL; t;
	     t = node_again(t)) {
		struct fact f = ASK(t, "@id");
		uint64_t v;

		if (!fact_number(&f, &v) || v == id)
			return false;
		listed++;
		below += v < id;
	}
	return n <= listed || id - below > n - listed;
}

static void check_iothread(struct scan *s, const struct device *c)
{
	struct fact iothread = ASK(c->node, "driver@iothread");
	const char *type = address_type_name(c->address.type);
	uint64_t id;

	if (!c->domain->qemu || !is_controller(c, "scsi") || is_no_virtio_scsi(c) ||
	    !fact_number(&iothread, &id) || id == 0)
		return;
	if (*type && c->address.type != ADDRESS_pci && c->address.type != ADDRESS_ccw)
		report_label(s,
			     report(s, iothread.at,
				    "an IOThread of a controller with an address of type "
				    "'%s', expected pci or ccw",
				    type),
			     DOMAIN_REFUSES);
	else if (lacks_iothread(c->domain, id))
		report_label(s,
			     report(s, iothread.at,
				    "controller iothread '%s' is not defined in "
				    "<iothreads> or <iothreadids>",
				    shown(s, iothread.v)),
			     DOMAIN_REFUSES);
}

/* ---- controller-element-twice ---- */

static void check_elements(struct scan *s, const struct device *c)
{
	static const char *const names[] = { "model", "target" };

	for (size_t i = 0; c->kind == DEVICE_controller && i < 2; i++) {
		const struct node *n = node_child(c->node, names[i]);
		const struct node *again = n ? node_again(n) : NULL;

		if (!again)
			continue;
		report_label(s,
			     report(s, again->whole,
				    "multiple <%s> elements in the definition of a "
				    "controller",
				    names[i]),
			     DOMAIN_REFUSES);
	}
}

const struct rule rules_controller[] = {
	{ .id = "controller-driver-option",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an option of virtio-scsi on another controller",
	  .why = "libvirt refuses to define the domain: 'queues', 'cmd_per_lun', "
		 "'max_sectors', 'ioeventfd' and 'iothread' are only supported by virtio-scsi "
		 "controllers.",
	  .source = "libvirt, qemuValidateDomainDeviceDefControllerAttributes()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_option, fix_option) },
	{ .id = "controller-element-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a controller with two <model> or two <target> elements",
	  .why = "libvirt refuses to define the domain: Multiple elements in controller "
		 "definition not allowed.",
	  .steps = "Put the attributes of both into one element.",
	  .source = "libvirt, virDomainControllerDefParseXML()",
	  .since = "0.1.0",
	  CHECK(device, check_elements) },
	{ .id = "controller-ide",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an IDE controller that the machine does not have",
	  .why = "libvirt refuses to define the domain: IDE controllers are unsupported for "
		 "this QEMU binary or machine type. pc has one, with four disks; q35 has "
		 "SATA, and virt, pseries and s390-ccw-virtio have neither.",
	  .source = "libvirt, qemuValidateDomainDeviceDefControllerIDE()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_ide, fix_ide) },
	{ .id = "controller-index-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "two controllers of one type with one index",
	  .why = "libvirt refuses to define the domain: Multiple controllers with index. The "
		 "index is what addresses of devices mean by bus or controller.",
	  .steps =
		  "Remove one, or remove the index of one that no address refers to: libvirt "
		  "gives it the lowest one that is left.",
	  .source = "libvirt, virDomainDefRejectDuplicateControllers()",
	  .since = "0.1.0",
	  CHECK(device, check_index) },
	{ .id = "controller-iothread",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a controller with an I/O thread that the domain does not have",
	  .why = "libvirt refuses to define the domain: controller iothread is not defined in "
		 "iothreadid. <iothreads>N</iothreads> makes threads 1 to N.",
	  .steps =
		  "Add the thread to <iothreads> or <iothreadids>, or change the number.",
	  .source = "libvirt, qemuValidateCheckSCSIControllerIOThreads(), "
		    "virDomainDefIOThreadIDsPostParse()",
	  .since = "0.1.0",
	  CHECK(device, check_iothread) },
	{ .id = "controller-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a controller of a model that cannot be, or a PCI one without a model",
	  .why = "libvirt refuses to define the domain. Controllers of type fdc, sata and ccid "
		 "have no models, and what a PCI controller is, is its model.",
	  .steps =
		  "PCI: write model='pcie-root-port' on q35 and virt, 'pci-bridge' on pc.",
	  .source = "libvirt, virDomainControllerModelTypeFromString(), "
		    "virDomainPCIAddressBusSetModel()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_model, fix_model) },
	{ .id = "controller-scsi-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a SCSI controller that QEMU or the machine does not have",
	  .why = "libvirt refuses to define the domain: Unsupported controller model. "
		 "buslogic and auto are of other hypervisors; ncr53c90 is part of some "
		 "boards, and nothing that could be added.",
	  .steps =
		  "Take model='virtio-scsi' where the guest has its driver, else 'lsilogic' or "
		  "'lsisas1068'.",
	  .source = "libvirt, qemuValidateCheckSCSIControllerModel(), "
		    "qemuValidateDomainDeviceDefControllerSCSI()",
	  .since = "0.1.0",
	  CHECK(device, check_scsi) },
};
RULES_END(controller);
