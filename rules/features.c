/* <features>: which of them there are, where, and with which values.
 * libvirt formatdomain, "Hypervisor features"; libvirt, src/conf/domain_conf.c
 * (virDomainFeaturesDefParse), src/qemu/qemu_validate.c (qemuValidateDomainDefFeatures).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/domain_table.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

enum { MIB = 1 << 20 };

/* ---- features-unknown ---- */

static void report_unknown(struct scan *s, const struct node *of, const char *path,
			   const char *what)
{
	for_each_node (n, of) {
		struct finding *f;

		if (n->kind != NODE_ELEMENT || n->ns.n || domain_has_child(path, n->key))
			continue;
		f = report(s, n->key_at, "%s '%s'", what, shown(s, n->key));
		report_label(s, f, DOMAIN_REFUSES);
	}
}

static void check_unknown(struct scan *s, const struct domain *d)
{
	static const struct {
		const char *name, *path, *what;
	} groups[] = {
		{ "hyperv", "features/hyperv",
		  "unsupported HyperV Enlightenment feature" },
		{ "kvm", "features/kvm", "unsupported KVM feature" },
		{ "xen", "features/xen", "unsupported Xen feature" },
		{ "capabilities", "features/capabilities",
		  "unexpected capability feature" },
	};

	for (const struct node *all = node_child(d->node, "features"); all;
	     all = node_again(all)) {
		report_unknown(s, all, "features", "unexpected feature");
		for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
			const struct node *n = node_child(all, groups[i].name);

			for (; n; n = node_again(n))
				report_unknown(s, n, groups[i].path, groups[i].what);
		}
	}
}

/* ---- features-platform ---- */

static const struct node *feature(const struct domain *d, const char *name)
{
	const struct node *all = node_child(d->node, "features");

	return all ? node_child(all, name) : NULL;
}

static void report_platform(struct scan *s, const struct domain *d, const struct node *n,
			    const char *where)
{
	struct finding *f;

	f = report(s, n->open_at, "the '%s' feature is not supported for %s",
		   shown(s, n->key), domain_platform(s, d));
	report_label(s, f, DOMAIN_REFUSES "; %s", where);
}

static bool is_not_pc(const struct domain *d)
{
	return domain_is_not_x86(d) ||
	       (d->machine != MACHINE_UNKNOWN && d->machine != MACHINE_I440FX &&
		d->machine != MACHINE_Q35);
}

static void check_pmu(struct scan *s, const struct domain *d)
{
	struct fact pmu = ASK(d->node, "features/pmu@state");
	struct finding *f;

	if (!fact_is(&pmu, "off") || !domain_is_ppc64(d))
		return;
	f = report(s, pmu.at, "PMU is always enabled for architecture '%s'",
		   shown(s, d->vm->arch.v));
	report_label(s, f, DOMAIN_REFUSES);
}

/* VMware's port is the PS/2 controller's. */
static void check_vmport(struct scan *s, const struct domain *d,
			 const struct node *vmport)
{
	struct fact on = ASK(vmport, "@state"),
		    state = ASK(d->node, "features/ps2@state");
	struct finding *f;

	if (!fact_is(&on, "on") || !fact_is(&state, "off"))
		return;
	f = report(s, on.at,
		   "vmport feature requires the ps2 feature not to be disabled");
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, state.at, "disabled here");
}

static void check_platform(struct scan *s, const struct domain *d)
{
	static const char pseries[] = "hpt htm nested-hv ccf-assist cfpc sbbc ibs",
			  x86[] = "pvspinlock ps2";
	const struct node *all = node_child(d->node, "features"), *hyperv;
	struct fact eoi = ASK(d->node, "features/apic@eoi"),
		    ioapic = ASK(d->node, "features/ioapic@driver");

	if (!all || !d->qemu)
		return;
	for_each_node (n, all) {
		if (n->kind != NODE_ELEMENT || n->ns.n)
			continue;
		if (str_among(n->key, pseries) && domain_is_not_pseries(d))
			report_platform(s, d, n, "only pSeries has it");
		else if (str_among(n->key, x86) && domain_is_not_x86(d))
			report_platform(s, d, n, "only x86 has it");
		else if (str_is(n->key, "gic") && domain_is_not_arm_virt(d))
			report_platform(s, d, n, "only ARM's virt has it");
		else if (str_is(n->key, "ras") && domain_is_not_arm_virt(d))
			report_platform(s, d, n, "only ARM's virt has it");
		else if (str_is(n->key, "vmport") && is_not_pc(d))
			report_platform(s, d, n, "only pc and q35 have it");
		else if (str_is(n->key, "vmport"))
			check_vmport(s, d, n);
	}
	if (fact_known(&ioapic) && domain_is_not_x86(d))
		report_platform(s, d, node_child(all, "ioapic"), "only x86 has it");
	if (fact_known(&eoi) && domain_is_not_x86(d))
		report_platform(s, d, node_child(all, "apic"),
				"its attribute eoi is x86's");
	hyperv = node_child(all, "hyperv");
	if (hyperv && domain_is_not_x86(d) && domain_is_not_arm_virt(d))
		report_platform(s, d, hyperv, "x86 and ARM's virt have it");
	check_pmu(s, d);
}

/* ---- features-hyperv-value ---- */

enum { SPINLOCKS_MIN = 0xfff, VENDOR_ID_MAX = 12 };

static void check_hyperv(struct scan *s, const struct domain *d)
{
	const struct node *hyperv = feature(d, "hyperv"), *n;
	struct fact state, value;
	struct finding *f;
	uint64_t retries;

	n = hyperv ? node_child(hyperv, "spinlocks") : NULL;
	if (n) {
		state = ASK(n, "@state");
		value = ASK(n, "@retries");
		if (fact_is(&state, "on") && fact_number(&value, &retries) &&
		    retries < SPINLOCKS_MIN) {
			f = report(
				s, value.at,
				"HyperV spinlock retry count is %llu, must be at least "
				"4095",
				(unsigned long long)retries);
			report_label(s, f, DOMAIN_REFUSES);
		}
	}
	n = hyperv ? node_child(hyperv, "vendor_id") : NULL;
	if (!n)
		return;
	state = ASK(n, "@state");
	value = ASK(n, "@value");
	if (!fact_is(&state, "on") || !fact_known(&value))
		return;
	if (value.v.n > VENDOR_ID_MAX)
		f = report(s, value.at,
			   "HyperV vendor_id value has %zu characters, must not be more "
			   "than 12 characters",
			   value.v.n);
	else if (str_has(value.v, ","))
		f = report(s, value.at, "HyperV vendor_id value '%s' is invalid: a comma",
			   shown(s, value.v));
	else
		return;
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- features-dirty-ring ---- */

static void check_dirty_ring(struct scan *s, const struct domain *d)
{
	struct fact size = ASK(d->node, "features/kvm/dirty-ring@size"),
		    state = ASK(d->node, "features/kvm/dirty-ring@state");
	struct finding *f;
	uint64_t v;

	if (!fact_is(&state, "on") || !fact_number(&size, &v) ||
	    (is_pow2(v) && v >= 1024 && v <= 65536))
		return;
	f = report(s, size.at,
		   "dirty ring of %llu, must be power of 2 and ranges [1024, 65536]",
		   (unsigned long long)v);
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- features-tseg ---- */

static void check_tseg(struct scan *s, const struct domain *d)
{
	const struct node *smm = feature(d, "smm"),
			  *tseg = smm ? node_child(smm, "tseg") : NULL;
	struct finding *f;
	struct fact state;
	uint64_t bytes;

	if (!tseg || !d->qemu || tseg->text.n == 0)
		return;
	state = ASK(smm, "@state");
	if (!fact_absent(&state) && !fact_is(&state, "on"))
		return;
	if (domain_family_is_not(d, MACHINE_Q35) ||
	    (fact_absent(&d->vm->machine) && domain_is_x86(d))) {
		f = report(s, tseg->open_at,
			   "SMM TSEG is only supported with q35 machine type, and this "
			   "is %s",
			   fact_known(&d->vm->machine)
				   ? scan_printf(s, "'%s'", shown(s, d->vm->machine.v))
				   : "pc, as none is named");
		report_label(s, f, DOMAIN_REFUSES);
		return;
	}
	if (!domain_size(tseg, "MiB", &bytes) || bytes % MIB == 0)
		return;
	f = report(s, node_value_at(tseg),
		   "SMM TSEG size of %llu bytes, must be divisible by 1 MiB",
		   (unsigned long long)bytes);
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- features-tcg ---- */

static void check_tcg(struct scan *s, const struct domain *d)
{
	const struct node *tcg = feature(d, "tcg"),
			  *cache = tcg ? node_child(tcg, "tb-cache") : NULL;
	struct finding *f;
	uint64_t bytes;

	if (!tcg || !d->qemu)
		return;
	if (fact_is(&d->vm->type, "kvm") || fact_is(&d->vm->type, "hvf")) {
		f = report(s, tcg->open_at,
			   "TCG features are incompatible with domain type '%s'",
			   shown(s, d->vm->type.v));
		report_label(s, f, DOMAIN_REFUSES);
	}
	/* libvirt counts in KiB, rounded up. */
	if (!cache || !domain_size(cache, "KiB", &bytes) ||
	    (bytes / 1024 + (bytes % 1024 != 0)) % 1024 == 0)
		return;
	f = report(s, node_value_at(cache),
		   "tb-cache size of %llu bytes, must be an integer multiple of MiB",
		   (unsigned long long)bytes);
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- features-hyperv-needs ---- */

/* kvm_hyperv_properties[].dependencies of QEMU, target/i386/kvm/kvm.c. */
static const struct {
	const char *what, *needs;
} hyperv_needs[] = {
	{ "evmcs", "vapic" },           { "ipi", "vpindex" },
	{ "stimer", "synic" },          { "stimer", "" },
	{ "synic", "vpindex" },         { "tlbflush", "vpindex" },
	{ "tlbflush/direct", "vapic" },
};

/* <timer name='hypervclock' present='yes'/> */
static bool may_have_clock(const struct domain *d)
{
	const struct node *clock = node_child(d->node, "clock"), *n;

	for (n = clock ? node_child(clock, "timer") : NULL; n; n = node_again(n)) {
		struct fact name = ASK(n, "@name"), present = ASK(n, "@present");

		if (name.state == FACT_UNKNOWN ||
		    (fact_is(&name, "hypervclock") && !fact_is(&present, "no")))
			return true;
	}
	return clock && node_is_open(clock);
}

static struct fact hyperv_state(struct scan *s, const struct node *hyperv,
				const char *name)
{
	const char *path = scan_printf(s, "%s@state", name);

	return ASK(hyperv, path);
}

/* Machines of QEMU 3.0 and before go without a VP index. */
static bool is_old_machine(const struct vm *vm)
{
	return !fact_known(&vm->machine) || str_has(vm->machine.v, "-1.") ||
	       str_has(vm->machine.v, "-2.") || str_has(vm->machine.v, "-3.0") ||
	       str_has(vm->machine.v, "-rhel");
}

static void check_needs(struct scan *s, const struct domain *d)
{
	const struct node *hyperv = feature(d, "hyperv");
	struct fact type = ASK(d->node, "@type"), mode;

	if (!hyperv || !fact_is(&type, "kvm") || !domain_is_x86(d) ||
	    node_is_open(hyperv) || is_old_machine(d->vm))
		return;
	mode = ASK(hyperv, "@mode");
	if (!fact_absent(&mode) && !fact_is(&mode, "custom"))
		return;
	for (size_t i = 0; i < sizeof(hyperv_needs) / sizeof(hyperv_needs[0]); i++) {
		const char *what = hyperv_needs[i].what, *needs = hyperv_needs[i].needs;
		struct fact on = hyperv_state(s, hyperv, what), has;
		struct finding *f;

		if (!fact_is(&on, "on"))
			continue;
		if (!needs[0] && may_have_clock(d))
			continue;
		has = needs[0] ? hyperv_state(s, hyperv, needs) : (struct fact){ 0 };
		if (needs[0] && !fact_absent(&has) && !fact_is(&has, "off"))
			continue;
		f = needs[0] ? report(s, on.at,
				      "Hyper-V %s requires Hyper-V %s, which is not on",
				      what, needs)
			     : report(s, on.at,
				      "Hyper-V %s requires the reference clock, <timer "
				      "name='hypervclock' present='yes'/>",
				      what);
		report_label(s, f, "QEMU exits at start");
	}
}

/* ---- features-ps2-inputs ---- */

static void check_ps2(struct scan *s, const struct device *input)
{
	struct fact bus = ASK(input->node, "@bus"),
		    state = ASK(input->domain->node, "features/ps2@state");
	struct finding *f;

	if (input->kind != DEVICE_input || !input->domain->qemu ||
	    !fact_is(&state, "off") || !fact_is(&bus, "ps2"))
		return;
	f = report(s, input->node->open_at,
		   "an input device on bus 'ps2', and the ps2 feature is off");
	report_label(s, f, DOMAIN_REFUSES);
	report_related(s, f, state.at, "without a PS/2 controller");
}

const struct rule rules_features[] = {
	{ .id = "features-dirty-ring",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a dirty ring of an impossible size",
	  .why = "libvirt refuses the domain: KVM's ring has a power of two of entries, "
		 "from 1024 to 65536.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainFeaturesKVMDefParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_dirty_ring) },
	{ .id = "features-hyperv-needs",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a Hyper-V enlightenment without another that it builds on",
	  .why = "QEMU exits at start: synthetic timers need the synthetic interrupt "
		 "controller and the reference clock, this controller, IPIs and TLB flushes "
		 "the index of the virtual processor. libvirt refuses it since 11.9.",
	  .steps =
		  "Turn on what is named, or turn the other off: Windows does without each.",
	  .source = "QEMU, target/i386/kvm/kvm.c (kvm_hyperv_properties)",
	  .since = "0.1.0",
	  CHECK(domain, check_needs) },
	{ .id = "features-hyperv-value",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a Hyper-V enlightenment with an impossible value",
	  .why = "libvirt refuses the domain: spinlocks are retried 4095 times at least, "
		 "and a vendor_id has 12 characters at most, without a comma.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainFeaturesHyperVDefParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_hyperv) },
	{ .id = "features-platform",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a feature that this architecture or machine does not have",
	  .why = "libvirt refuses the domain: the feature is of another architecture, "
		 "often left over in a domain that was made from one of it.",
	  .steps = "Remove the element.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefFeatures)",
	  .since = "0.1.0",
	  CHECK(domain, check_platform) },
	{ .id = "features-ps2-inputs",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a PS/2 mouse or keyboard without the PS/2 controller",
	  .why = "libvirt refuses the domain: with <ps2 state='off'/> there is no i8042 "
		 "that the device could be attached to.",
	  .steps = "Remove the device, give it bus='usb' or bus='virtio', or leave the "
		   "controller on.",
	  .source = "libvirt formatdomain, features ps2",
	  .since = "0.1.0",
	  CHECK(device, check_ps2) },
	{ .id = "features-tcg",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "settings of TCG that do not fit",
	  .why = "libvirt refuses the domain: <tcg> is for type='qemu' only, and the size "
		 "of its cache is in whole MiB.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefFeatures)",
	  .since = "0.1.0",
	  CHECK(domain, check_tcg) },
	{ .id = "features-tseg",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "TSEG on a machine without it, or not in whole MiB",
	  .why = "libvirt refuses the domain: only q35 has an extended TSEG, and its size "
		 "is a number of MiB.",
	  .source = "libvirt, src/qemu/qemu_domain.c (qemuDomainDefTsegPostParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_tseg) },
	{ .id = "features-unknown",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a feature that no version of libvirt knows",
	  .why = "libvirt drops names that it does not know, but not here: of <features> "
		 "it takes its own list, and refuses the domain otherwise.",
	  .source = "libvirt, src/conf/domain_conf.c (virDomainFeaturesDefParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_unknown) },
};
RULES_END(features);
