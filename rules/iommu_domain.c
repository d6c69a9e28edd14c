/* The IOMMU that a guest sees, and the machine, the firmware tables and the devices that it
 * needs: what libvirt refuses, QEMU exits at, or nobody uses.
 * libvirt 9.0, src/qemu/qemu_validate.c, qemuValidateDomainDeviceDefIOMMU(); formatdomain,
 * Virtio-related options
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/domain.h"
#include "rules/device_words.h"
#include "rules/words.h"
#include "base/banned.h"

/* ---- iommu-machine ---- */

static void check_machine(struct scan *s, const struct device *dev)
{
	struct fact model = ASK(dev->node, "@model"),
		    arch = ASK(dev->domain->node, "os/type@arch");
	enum machine_family m = dev->domain->machine;
	const char *only = NULL;
	struct finding *f;

	if (dev->kind != DEVICE_iommu || !dev->domain->qemu || m == MACHINE_UNKNOWN)
		return;
	if (fact_is(&model, "virtio") && m != MACHINE_Q35 && m != MACHINE_VIRT)
		only = "Q35 and ARM Virt";
	else if (fact_is(&model, "smmuv3") &&
		 (m != MACHINE_VIRT ||
		  (fact_known(&arch) && str_starts(arch.v, "riscv"))))
		only = "ARM Virt";
	else if (fact_is(&model, "amd") && m != MACHINE_Q35)
		only = "Q35";
	if (!only)
		return;
	f = report(s, model.at, "IOMMU device '%s' is only supported with %s machines",
		   shown(s, model.v), only);
	report_label(s, f, DOMAIN_REFUSES);
	if (fact_known(&dev->domain->vm->machine))
		report_related(s, f, dev->domain->vm->machine.at, "the machine type");
}

/* ---- iommu-virtio-needs-acpi ---- */

static void check_acpi(struct scan *s, const struct device *dev)
{
	struct fact model = ASK(dev->node, "@model");
	enum machine_family m = dev->domain->machine;

	if (dev->kind != DEVICE_iommu || !dev->domain->qemu ||
	    !fact_is(&model, "virtio") || (m != MACHINE_Q35 && m != MACHINE_VIRT) ||
	    !fact_absent(&dev->domain->vm->acpi))
		return;
	report_label(
		s,
		report(s, model.at,
		       "IOMMU device 'virtio' requires ACPI, and <features> has no "
		       "<acpi/>"),
		"libvirt refuses the domain: the guest finds it in ACPI's tables only");
}

static bool fix_acpi(struct plan *p, const struct finding *f, const struct device *dev)
{
	(void)f;
	/* There ACPI needs UEFI, which has a condition of its own. */
	if (dev->domain->machine != MACHINE_Q35)
		return plan_refuse(p, "on this architecture ACPI requires UEFI");
	plan_title(p, "<acpi/> in <features>");
	return plan_set(p, &dev->domain->vm->acpi, "yes");
}

/* ---- iommu-aw-bits ---- */

static void check_bits(struct scan *s, const struct iommu *i)
{
	/* 57 is of newer versions of QEMU, with scalable mode. */
	if (!vm_runs_qemu(i->vm) || !fact_is(&i->model, "intel") ||
	    !fact_known(&i->aw_bits) || str_among(i->aw_bits.v, "39 48 57"))
		return;
	report_label(s,
		     report(s, i->aw_bits.at,
			    "address width of %s bits, expected 39 or 48",
			    shown(s, i->aw_bits.v)),
		     "QEMU exits at start: supported values for aw-bits are 39 and 48");
}

/* ---- iommu-platform-alone, iommu-ats-alone ---- */

static bool driver_says(const struct device *dev, const char *name)
{
	const struct node *driver = node_child(dev->node, "driver");

	return dev->kind != DEVICE_iommu && driver && node_attr_is(driver, name, "on");
}

/* It is on, or a template's variable decides. */
static bool driver_may_say(const struct device *dev, const char *name)
{
	const struct node *driver = node_child(dev->node, "driver");
	const struct node *n = driver ? node_attr(driver, name) : NULL;

	return dev->kind != DEVICE_iommu && n && !str_is(n->text, "off");
}

static const struct device *first_with(const struct domain *d, const char *name)
{
	for (size_t i = 0; i < d->ndevices; i++) {
		if (driver_says(&d->devices[i], name))
			return &d->devices[i];
	}
	return NULL;
}

static void check_platform(struct scan *s, const struct domain *d)
{
	const struct device *dev;

	/* Encrypted guests share memory with their devices this way, without any IOMMU. */
	if (!d->qemu || d->varies || domain_count(d, DEVICE_iommu) > 0 ||
	    d->vm->nraw > 0 || node_child(d->node, "launchSecurity") ||
	    d->machine == MACHINE_S390_CCW || d->machine == MACHINE_PSERIES)
		return;
	dev = first_with(d, "iommu");
	if (dev)
		report_label(s,
			     report(s, node_child(dev->node, "driver")->open_at,
				    "the %s has iommu='on', and the domain has no IOMMU",
				    device_words(s, dev)),
			     "it costs time, and nothing is translated");
}

static void check_ats(struct scan *s, const struct domain *d)
{
	const struct device *dev;

	if (!d->qemu || d->varies)
		return;
	for (size_t i = 0; i < d->ndevices; i++) {
		dev = &d->devices[i];
		if (!driver_says(dev, "ats") || driver_may_say(dev, "iommu"))
			continue;
		report_label(s,
			     report(s, node_child(dev->node, "driver")->open_at,
				    "the %s has ats='on' without iommu='on'",
				    device_words(s, dev)),
			     "address translation services need iommu='on' as well");
		return;
	}
}

const struct rule rules_iommu_domain[] = {
	{ .id = "iommu-ats-alone",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "address translation services without the IOMMU that they ask",
	  .why = "ats='on' lets a virtio device keep what the IOMMU told it, and counts only "
		 "with iommu='on'. Without it libvirt takes it, and nothing is kept.",
	  .steps =
		  "Write iommu='on' ats='on' in <driver>, and iotlb='on' in that of an Intel "
		  "<iommu>; or remove ats.",
	  .source = "formatdomain, Virtio-related options and IOMMU devices",
	  .since = "0.1.0",
	  CHECK(domain, check_ats) },
	{ .id = "iommu-aw-bits",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an intel IOMMU with a width that QEMU does not have",
	  .why = "libvirt defines the domain, and QEMU exits when it starts: Supported values "
		 "for aw-bits are: 39, 48.",
	  .steps =
		  "48 where a guest maps more than 512 GiB, else 39, which is what QEMU takes "
		  "by itself. With devices of the host it must not be more than the host's.",
	  .source =
		  "QEMU, hw/i386/intel_iommu.c, vtd_decide_config(); seen with QEMU 7.2",
	  .since = "0.1.0",
	  CHECK(iommu, check_bits) },
	{ .id = "iommu-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an IOMMU that the machine type does not have",
	  .why = "libvirt refuses to define the domain: virtio is for q35 and ARM's virt, smmuv3 "
		 "for virt, amd for q35.",
	  .steps =
		  "Choose the model of the machine type, or remove <iommu>, and iommu='on' from "
		  "the <driver> of virtio devices.",
	  .source = "libvirt, qemuValidateDomainDeviceDefIOMMU()",
	  .since = "0.1.0",
	  CHECK(device, check_machine) },
	{ .id = "iommu-platform-alone",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a virtio device that is to go through an IOMMU that is not there",
	  .why = "The guest's driver must know VIRTIO_F_ACCESS_PLATFORM, and each transfer goes "
		 "through its DMA interface, for nothing. Encrypted guests need it so, and say "
		 "<launchSecurity>.",
	  .steps =
		  "Remove iommu='on' from <driver>, or add <iommu model='intel'/> on q35, "
		  "<iommu model='virtio'/> on q35 and virt.",
	  .source = "formatdomain, Virtio-related options",
	  .since = "0.1.0",
	  CHECK(domain, check_platform) },
	{ .id = "iommu-virtio-needs-acpi",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a virtio IOMMU without ACPI",
	  .why = "libvirt refuses to define the domain: IOMMU device 'virtio' requires ACPI.",
	  .source = "libvirt, qemuValidateDomainDeviceDefIOMMU()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_acpi, fix_acpi) },
};
RULES_END(iommu_domain);
