/* The IOMMU that a guest sees: what libvirt refuses to define and QEMU refuses to start.
 * libvirt: src/conf/domain_validate.c, src/qemu/qemu_validate.c. QEMU: hw/i386/.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/qemu.h"
#include "analyze/machine.h"
#include "rules/words.h"
#include "base/banned.h"

/* ---- iommu-intel-needs-q35 ---- */

/* A machine type that is known to be another one. */
static bool is_other_machine(struct str machine)
{
	enum machine_family family = machine_family(STR(""), machine);

	return family != MACHINE_UNKNOWN && family != MACHINE_Q35;
}

static void check_q35(struct scan *s, const struct iommu *i)
{
	const struct fact *machine = &i->vm->machine;
	struct finding *f;

	if (!vm_runs_qemu(i->vm) || !fact_is(&i->model, "intel"))
		return;
	if (fact_absent(machine)) {
		f = report(s, i->model.at,
			   "intel IOMMU without a machine type, which means pc; expected "
			   "q35");
	} else if (fact_known(machine) && is_other_machine(machine->v)) {
		f = report(s, i->model.at, "intel IOMMU on machine '%s', expected q35",
			   shown(s, machine->v));
		report_related(s, f, machine->at, "the machine type");
	} else {
		return;
	}
	report_label(s, f, "%s: only Q35 machines have it", refuses(i->vm));
}

/* ---- iommu-eim-needs-intremap ---- */

static void check_eim(struct scan *s, const struct iommu *i)
{
	struct finding *f;

	if (!vm_runs_qemu(i->vm) || !fact_is(&i->model, "intel"))
		return;
	if (!fact_is(&i->eim, "on") || !fact_is_not(&i->intremap, "on"))
		return;
	/* QEMU alone chooses where nothing is said. */
	if (says_qemu(i->vm) && !fact_is(&i->intremap, "off"))
		return;
	f = report(s, i->eim.at, "eim=%son%s %s, expected intremap=%son%s",
		   quote_of(i->vm), quote_of(i->vm),
		   fact_absent(&i->intremap) ? "without interrupt remapping"
					     : "with interrupt remapping off",
		   quote_of(i->vm), quote_of(i->vm));
	report_label(s, f, "%s: eim is a mode of interrupt remapping", refuses(i->vm));
	if (fact_known(&i->intremap))
		report_related(s, f, i->intremap.at, "interrupt remapping");
}

static bool fix_eim(struct plan *p, const struct finding *f, const struct iommu *i)
{
	(void)f;
	/* Interrupt remapping has its own condition, which this must not break. */
	if (says_qemu(i->vm)) {
		if (!fact_is(&i->vm->ioapic, "qemu") &&
		    (!fact_is(&i->vm->type, "qemu") || i->vm->qemu->open))
			return plan_refuse(p, "the machine has no kernel_irqchip=split");
		plan_title(p, "intremap=on");
	} else if (fact_is(&i->vm->ioapic, "qemu")) {
		plan_title(p, "intremap='on'");
	} else {
		plan_title(p, "intremap='on', and <ioapic driver='qemu'/> in <features>");
		if (!plan_set(p, &i->vm->ioapic, "qemu"))
			return false;
	}
	return plan_set(p, &i->intremap, "on");
}

/* ---- iommu-intremap-needs-ioapic ---- */

static bool may_be_x86(const struct vm *vm)
{
	return fact_absent(&vm->arch) || fact_is(&vm->arch, "x86_64") ||
	       fact_is(&vm->arch, "i686");
}

/* QEMU's own words, and only KVM has a choice. */
static void say_intremap_qemu(struct scan *s, const struct iommu *i)
{
	const struct fact *ioapic = &i->vm->ioapic;
	struct finding *f;

	if (!fact_is(&i->vm->type, "kvm"))
		return;
	f = report(s, i->intremap.at,
		   "interrupt remapping is on, and all interrupt controllers are KVM's; "
		   "expected kernel_irqchip=split");
	report_label(s, f,
		     "QEMU exits at start: this cannot work with kernel-irqchip=on");
	if (fact_known(ioapic))
		report_related(s, f, ioapic->at, "kernel_irqchip");
}

static void check_intremap(struct scan *s, const struct iommu *i)
{
	const struct fact *ioapic = &i->vm->ioapic;
	struct finding *f;

	/* Models without interrupt remapping are iommu-driver-attrs-on-virtio. */
	if (!fact_is(&i->model, "intel") && !fact_is(&i->model, "amd"))
		return;
	if (!vm_runs_qemu(i->vm) || !may_be_x86(i->vm))
		return;
	if (!fact_is(&i->intremap, "on") || !fact_is_not(ioapic, "qemu"))
		return;
	if (says_qemu(i->vm)) {
		say_intremap_qemu(s, i);
		return;
	}
	f = report(
		s, i->intremap.at,
		"interrupt remapping is on, but %s; expected <ioapic driver='qemu'/> in "
		"<features>",
		fact_known(ioapic) ? scan_printf(s, "the I/O APIC's driver is '%s'",
						 shown(s, ioapic->v))
				   : "no I/O APIC driver is set");
	report_label(s, f, "libvirt refuses the domain: this requires a split I/O APIC");
	if (fact_known(ioapic))
		report_related(s, f, ioapic->at, "the I/O APIC's driver");
}

static bool fix_intremap(struct plan *p, const struct finding *f, const struct iommu *i)
{
	(void)f;
	if (says_qemu(i->vm) && (!i->vm->base || fact_known(&i->vm->irqchip))) {
		plan_title(p, "kernel_irqchip=split");
		return plan_set(p, &i->vm->irqchip, "split");
	}
	plan_title(p, "<ioapic driver='qemu'/> in <features>");
	return plan_set(p, &i->vm->ioapic, "qemu");
}

/* ---- iommu-vfio-needs-caching-mode ---- */

/* A device that QEMU sees as vfio-pci. */
static const struct hostdev *vfio_device(const struct vm *vm)
{
	for (size_t i = 0; i < vm->nhostdevs; i++) {
		const struct hostdev *d = &vm->hostdevs[i];

		if (!fact_absent(&d->mode) && !fact_is(&d->mode, "subsystem"))
			continue;
		if (!fact_absent(&d->driver) && !fact_is(&d->driver, "vfio"))
			continue;
		if (fact_is(&d->type, "pci") || fact_is(&d->type, "mdev"))
			return d;
	}
	return NULL;
}

/* -global intel-iommu.caching-mode=on and an override of the device's properties are other
 * ways to set it. */
static bool set_elsewhere(const struct vm *vm)
{
	for (size_t i = 0; i < vm->nraw; i++) {
		if (str_has(vm->raw[i], "iommu"))
			return true;
	}
	return false;
}

static void check_vfio(struct scan *s, const struct iommu *i)
{
	const struct hostdev *d = vfio_device(i->vm);
	struct finding *f;

	if (!vm_runs_qemu(i->vm) || !d || !fact_is(&i->model, "intel") ||
	    !fact_is_not(&i->caching_mode, "on") || set_elsewhere(i->vm))
		return;
	f = report(s, i->caching_mode.at,
		   "intel IOMMU and a VFIO device, but caching%cmode is not on",
		   says_qemu(i->vm) ? '-' : '_');
	report_label(s, f,
		     "QEMU exits at start: device assignment needs caching-mode=on");
	report_related(s, f, d->node->open_at, "the VFIO device");
}

static bool fix_vfio(struct plan *p, const struct finding *f, const struct iommu *i)
{
	(void)f;
	plan_title(p, says_qemu(i->vm) ? "caching-mode=on" : "caching_mode='on'");
	return plan_set(p, &i->caching_mode, "on");
}

/* ---- iommu-driver-attrs-on-virtio ---- */

/* aw_bits is not among them: newer versions of libvirt take it for virtio as well. */
enum { NVTD = 5 };

static const char *const vtd_names[NVTD] = { "intremap", "caching_mode", "eim", "iotlb",
					     "dma_translation" };
static const char *const vtd_options[NVTD] = { "intremap", "caching-mode", "eim",
					       "device-iotlb", "dma-translation" };

static const struct fact *vtd_fact(const struct iommu *i, size_t k)
{
	const struct fact *const facts[NVTD] = { &i->intremap, &i->caching_mode, &i->eim,
						 &i->iotlb, &i->dma_translation };

	return facts[k];
}

static void check_attrs(struct scan *s, const struct iommu *i)
{
	const struct fact *first = NULL;
	const char *names = "";
	struct finding *f;

	if (!vm_runs_qemu(i->vm))
		return;
	if (!fact_is(&i->model, "virtio") && !fact_is(&i->model, "smmuv3"))
		return;
	for (size_t k = 0; k < NVTD; k++) {
		if (fact_absent(vtd_fact(i, k)))
			continue;
		names = scan_printf(s, "%s%s%s", names, first ? " and " : "",
				    says_qemu(i->vm) ? vtd_options[k] : vtd_names[k]);
		if (!first)
			first = vtd_fact(i, k);
	}
	if (!first)
		return;
	f = report(s, first->at, "IOMMU model '%s' with %s, expected no %s of VT-d",
		   shown(s, i->model.v), names,
		   says_qemu(i->vm) ? "property" : "attribute");
	report_label(s, f, "%s: the model has no such %s", refuses(i->vm),
		     says_qemu(i->vm) ? "property" : "attribute");
	report_related(s, f, i->model.at, "the IOMMU's model");
}

static bool is_vtd_attribute(const struct node *n)
{
	for (size_t k = 0; k < NVTD; k++) {
		if (n->kind == NODE_ATTRIBUTE && str_is(n->key, vtd_names[k]))
			return true;
	}
	return false;
}

static bool says_only_vtd(const struct node *driver)
{
	for_each_node (c, driver) {
		if (!is_vtd_attribute(c))
			return false;
	}
	return true;
}

static bool fix_attrs(struct plan *p, const struct finding *f, const struct iommu *i)
{
	const struct node *driver =
		says_qemu(i->vm) ? NULL : node_child(i->node, "driver");

	(void)f;
	if (driver && says_only_vtd(driver)) {
		plan_title(p, "remove <driver>");
		return plan_remove_node(p, driver);
	}
	plan_title(p, says_qemu(i->vm) ? "remove VT-d's properties"
				       : "remove VT-d's attributes from <driver>");
	for (size_t k = 0; k < NVTD; k++) {
		if (!plan_remove(p, vtd_fact(i, k)))
			return false;
	}
	return true;
}

const struct rule rules_iommu[] = {
	{ .id = "iommu-driver-attrs-on-virtio",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a virtio or SMMUv3 IOMMU has attributes of Intel's VT-d",
	  .why = "libvirt refuses to define the domain: iommu model 'virtio' doesn't "
		 "support additional attributes. intremap, caching_mode, eim and iotlb "
		 "are parts of VT-d.",
	  .source = "libvirt, virDomainIOMMUDefValidate(); formatdomain, IOMMU devices",
	  .since = "0.1.0",
	  CHECK_FIX(iommu, check_attrs, fix_attrs) },
	{ .id = "iommu-eim-needs-intremap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "extended interrupt mode without interrupt remapping",
	  .why = "libvirt refuses to define the domain: IOMMU eim requires interrupt "
		 "remapping to be enabled.",
	  .source = "libvirt, virDomainDefIOMMUValidate(); formatdomain, IOMMU devices",
	  .since = "0.1.0",
	  CHECK_FIX(iommu, check_eim, fix_eim) },
	{ .id = "iommu-intel-needs-q35",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an intel IOMMU on a machine that is not q35",
	  .why = "libvirt refuses to define the domain: IOMMU device: 'intel' is only "
		 "supported with Q35 machines. The i440fx has no PCI Express, on which "
		 "VT-d rests.",
	  .steps = "If the guest does not need the IOMMU: remove the <iommu> element, "
		   "and iommu='on' from the <driver> of virtio devices. If it does: set "
		   "machine='q35' in <os><type>, move disks and CD-ROMs from bus='ide' "
		   "to bus='sata', remove the PCI <controller> and <address type='pci'> "
		   "elements so that libvirt makes new ones, and boot once with a copy: "
		   "for the guest this is another mainboard. On a command line of "
		   "QEMU: -machine q35, with the same care.",
	  .source = "libvirt, qemuValidateDomainDeviceDefIOMMU(); formatdomain, IOMMU "
		    "devices",
	  .since = "0.1.0",
	  CHECK(iommu, check_q35) },
	{ .id = "iommu-intremap-needs-ioapic",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "interrupt remapping without a split I/O APIC",
	  .why = "libvirt refuses to define the domain: IOMMU interrupt remapping "
		 "requires split I/O APIC (ioapic driver='qemu').",
	  .source = "libvirt, virDomainDefIOMMUValidate(); formatdomain, IOMMU devices",
	  .since = "0.1.0",
	  CHECK_FIX(iommu, check_intremap, fix_intremap) },
	{ .id = "iommu-vfio-needs-caching-mode",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a VFIO device behind an intel IOMMU without caching mode",
	  .why = "libvirt defines the domain, and QEMU exits when it starts: We need to "
		 "set caching-mode=on for intel-iommu to enable device assignment with "
		 "IOMMU protection.",
	  .source = "QEMU, hw/i386/intel_iommu.c, vtd_machine_done_hook()",
	  .since = "0.1.0",
	  CHECK_FIX(iommu, check_vfio, fix_vfio) },
};
RULES_END(iommu);
