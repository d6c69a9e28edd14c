/* The IOMMU that Incus gives its VMs: by default in one release, on request since, and what
 * is left of the ways around it. lxc/incus#1712.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "base/banned.h"

#define QEMU_IOMMU "device \"qemu_iommu\""

static bool is_6_10_0(const struct incus *i)
{
	return i->version.known && version_cmp(&i->version, 6, 10, 0) == 0;
}

static bool is_windows(const struct incus *i)
{
	return fact_known(&i->all.image_os) && incus_is_windows(i->all.image_os.v);
}

/* "[device "qemu_iommu"]" without keys: the section goes. */
static const struct incus_section *removal(const struct incus *i)
{
	for (size_t k = 0; i->override && k < i->override->nsections; k++) {
		const struct incus_section *s = &i->override->sections[k];

		if (s->nkeys == 0 && str_is(s->name, QEMU_IOMMU))
			return s;
	}
	return NULL;
}

/* The header's line goes, and with the last header the whole key. */
static bool remove_section(struct plan *p, const struct incus *i,
			   const struct incus_section *s)
{
	if (i->override->nsections == 1 && !i->override->flaw)
		return plan_remove(p, &i->own.raw_conf);
	if (s->lines.len == 0)
		return plan_refuse(p, "it has no lines of its own in the file");
	return plan_replace(p, s->lines, STR(""));
}

/* ---- incus-iommu-default ---- */

static void check_default(struct scan *s, const struct incus *i)
{
	struct finding *f;

	if (i->kind != INCUS_INSTANCE || i->type != INCUS_VM || !is_6_10_0(i))
		return;
	/* Windows and the BIOS do without it. */
	if (is_windows(i) || !incus_not_true(&i->all.csm) ||
	    i->all.image_os.state == FACT_UNKNOWN)
		return;
	if (removal(i) || i->all.raw_conf.state == FACT_UNKNOWN ||
	    (fact_known(&i->all.raw_conf) && str_has(i->all.raw_conf.v, QEMU_IOMMU)))
		return;
	f = report(
		s, i->own.raw_conf.at,
		"Incus 6.10.0 gives every VM a virtio-iommu, and nothing takes it from "
		"this one");
	report_label(
		s, f,
		"a guest without its driver in the initramfs finds no disk, and does "
		"not boot");
	if (!i->complete)
		report_lower(f);
}

static bool fix_default(struct plan *p, const struct finding *f, const struct incus *i)
{
	(void)f;
	if (!fact_absent(&i->own.raw_conf))
		return plan_refuse(p, "raw.qemu.conf says something already: add the "
				      "line [" QEMU_IOMMU "] to it");
	plan_title(p, "raw.qemu.conf: '[" QEMU_IOMMU "]' removes it");
	return plan_set(p, &i->own.raw_conf, "[" QEMU_IOMMU "]");
}

/* ---- incus-iommu-override-stale ---- */

static void check_stale(struct scan *s, const struct incus *i)
{
	const struct incus_section *removed = removal(i);
	struct finding *f;

	if (i->type == INCUS_CONTAINER || !removed || is_6_10_0(i) ||
	    !incus_not_true(&i->all.iommu))
		return;
	f = report(s, removed->at,
		   "raw.qemu.conf removes " QEMU_IOMMU ", which is only there with "
		   "security.iommu");
	report_label(s, f,
		     "a way around Incus 6.10.0, which did not ask: without effect since "
		     "6.10.1");
	if (!i->version.known)
		report_lower(f);
}

static bool fix_stale(struct plan *p, const struct finding *f, const struct incus *i)
{
	(void)f;
	if (!i->version.known)
		return plan_refuse(p,
				   "Incus 6.10.0 needs it: say which version it is for, "
				   "such as --target incus=6.0.4");
	plan_title(p, i->override->nsections == 1 ? "remove raw.qemu.conf"
						  : "remove [" QEMU_IOMMU "]");
	return remove_section(p, i, removal(i));
}

/* ---- incus-iommu-override-conflict ---- */

static void check_conflict(struct scan *s, const struct incus *i)
{
	const struct incus_section *removed = removal(i);
	struct finding *f;

	/* Windows gets another one, of another name: incus-qemu-conf-section. */
	if (i->type == INCUS_CONTAINER || !removed || !incus_true(&i->all.iommu) ||
	    is_windows(i) || i->all.image_os.state == FACT_UNKNOWN)
		return;
	f = report(s, removed->at,
		   "raw.qemu.conf removes the IOMMU that security.iommu adds");
	report_label(s, f, "the guest has none, and QEMU runs as if it had one");
	if (fact_known(&i->own.iommu))
		report_related(s, f, i->own.iommu.at, "security.iommu");
}

static bool fix_conflict(struct plan *p, const struct finding *f, const struct incus *i)
{
	(void)f;
	if (!fact_known(&i->own.iommu))
		return plan_refuse(p, "a profile sets security.iommu: choose there");
	plan_title(p, "remove both: the guest keeps what it has, no IOMMU");
	return remove_section(p, i, removal(i)) && plan_remove(p, &i->own.iommu);
}

/* ---- incus-iommu-aarch64 ---- */

static void check_aarch64(struct scan *s, const struct incus *i)
{
	struct finding *f;

	if (i->type == INCUS_CONTAINER || !incus_true(&i->own.iommu) ||
	    !fact_is(&i->arch, "aarch64"))
		return;
	f = report(s, i->own.iommu.at,
		   "security.iommu on aarch64: Incus adds kernel-irqchip=split, expected "
		   "on x86_64 only");
	report_label(s, f, "QEMU exits: kernel_irqchip=split is not supported on ARM");
	report_related(s, f, i->arch.at, "the architecture");
}

static bool fix_remove_iommu(struct plan *p, const struct finding *f,
			     const struct incus *i)
{
	(void)f;
	plan_title(p, "remove security.iommu (the default is false)");
	return plan_remove(p, &i->own.iommu);
}

/* ---- incus-iommu-unused ---- */

/* A device of the host in the guest, or one that we cannot tell. */
static bool passes_through(const struct incus_device *d)
{
	if (!fact_known(&d->type) || fact_is(&d->type, "pci") || fact_is(&d->type, "gpu"))
		return true;
	return fact_is(&d->type, "nic") &&
	       (fact_is(&d->nictype, "physical") || fact_is(&d->nictype, "sriov") ||
		!fact_absent(&d->network));
}

static void check_unused(struct scan *s, const struct incus *i)
{
	struct finding *f;

	if (i->kind != INCUS_INSTANCE || i->type != INCUS_VM || !i->complete ||
	    !incus_true(&i->own.iommu))
		return;
	if (!incus_not_true(&i->all.nesting) || removal(i) ||
	    !fact_absent(&i->all.raw_qemu) || fact_is(&i->arch, "aarch64"))
		return;
	for (size_t k = 0; k < i->ndevices; k++) {
		if (passes_through(&i->devices[k]))
			return;
	}
	f = report(s, i->own.iommu.at,
		   "security.iommu is on, and the VM has no device of the host");
	report_label(s, f, "it costs speed, and guests without its driver do not boot");
}

/* ---- incus-os-windows ---- */

static void check_os(struct scan *s, const struct incus *i)
{
	const struct fact *about = &i->all.image_description;
	struct finding *f;

	if (i->type == INCUS_CONTAINER || !is_windows(i) || !fact_known(about) ||
	    incus_is_windows(about->v) || incus_distribution(about->v).n == 0)
		return;
	f = report(s, i->all.image_os.at, "image.os is '%s', and image.description '%s'",
		   shown(s, i->all.image_os.v), shown(s, about->v));
	report_label(s, f,
		     "the guest gets its clock in local time and no drive for the agent");
	report_related(s, f, about->at, "what the image says of itself");
}

static bool fix_os(struct plan *p, const struct finding *f, const struct incus *i)
{
	struct str name = incus_distribution(i->all.image_description.v);
	const char *value;

	(void)f;
	if (!fact_known(&i->own.image_os))
		return plan_refuse(p, "a profile sets image.os: remove it there");
	value = arena_str(p->arena, name);
	plan_title(p, "image.os: %s, as the description begins", value);
	return plan_set(p, &i->own.image_os, value);
}

const struct rule rules_incus_iommu[] = {
	{ .id = "incus-iommu-aarch64",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "security.iommu on an ARM machine",
	  .why = "Incus writes kernel-irqchip=split whenever security.iommu is true, and "
		 "QEMU exits on ARM: kernel_irqchip=split is not supported on ARM.",
	  .steps = "Remove security.iommu, unless your QEMU is known to start with it.",
	  .source = "lxc/incus, driver_qemu.go; QEMU 7.2, target/arm/kvm.c",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_aarch64, fix_remove_iommu) },
	{ .id = "incus-iommu-default",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "Incus 6.10.0 gives the VM an IOMMU that it did not ask for",
	  .why = "Incus 6.10.0 adds a virtio-iommu to every VM with UEFI. A guest whose "
		 "initramfs has no virtio_iommu driver does not see the devices behind "
		 "it: the root file system is not found. 6.10.1 and 6.0.4 made it an "
		 "option, security.iommu.",
	  .steps = "Upgrade Incus: nothing in a config has to change then. Until then, "
		   "raw.qemu.conf: '[device \"qemu_iommu\"]' removes the device. Do not "
		   "set image.os to windows: that also changes the clock and the agent.",
	  .source = "lxc/incus#1712; commits 83f210b1, c768f1e0",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_default, fix_default) },
	{ .id = "incus-iommu-override-conflict",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "raw.qemu.conf removes the IOMMU that security.iommu adds",
	  .why = "A header without keys removes the section: the guest has no IOMMU, "
		 "whatever security.iommu says, and QEMU's interrupt controller is split "
		 "for one all the same.",
	  .steps = "If the guest is to have an IOMMU, remove the header from "
		   "raw.qemu.conf, and see that its initramfs has virtio_iommu. If not, "
		   "remove both.",
	  .source = "lxc/incus, driver_qemu_config_override.go, driver_qemu.go",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_conflict, fix_conflict) },
	{ .id = "incus-iommu-override-stale",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a left-over of the way around Incus 6.10.0's IOMMU",
	  .why = "The section that it removes is no longer there by default. Should "
		 "security.iommu be turned on one day, it would take the IOMMU away "
		 "without a word.",
	  .steps = "Remove the header from raw.qemu.conf, or the whole key when nothing "
		   "else is in it, once Incus is 6.10.1, 6.0.4 or newer.",
	  .source = "lxc/incus#1712; driver_qemu_config_override.go",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_stale, fix_stale) },
	{ .id = "incus-iommu-unused",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_UNSAFE,
	  .title = "an IOMMU for a VM that has no device of the host",
	  .why = "A virtual IOMMU serves devices of the host that the guest hands on, or "
		 "drives from user space. Without them it only costs, and a guest "
		 "without its driver does not boot.",
	  .steps = "Remove security.iommu, unless programs in the guest use VFIO with "
		   "virtual devices (DPDK, nested VMs).",
	  .source = "Incus, instance options, security.iommu; lxc/incus#1643",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_unused, fix_remove_iommu) },
	{ .id = "incus-os-windows",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a Linux guest that is passed off as Windows",
	  .why = "image.os: windows kept Incus 6.10.0 from adding an IOMMU. It also sets "
		 "the clock to local time and takes away the drive from which the agent "
		 "loads: the guest's time is wrong, and incus exec does not work.",
	  .steps = "Give image.os back what the image had: `incus image show` says it. "
		   "The guest's clock jumps once, by the offset to UTC.",
	  .source = "lxc/incus#1712; shared/osinfo, driver_qemu.go",
	  .since = "0.1.0",
	  CHECK_FIX(incus, check_os, fix_os) },
};
RULES_END(incus_iommu);
