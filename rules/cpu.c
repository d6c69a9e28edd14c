/* <cpu>: model, features, cache, address bits.
 * libvirt formatdomain, "CPU model and topology"; libvirt, src/conf/cpu_conf.c
 * (virCPUDefParseXML), src/qemu/qemu_validate.c (qemuValidateDomainDefCpu).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

enum { VENDOR_ID_BYTES = 12, CACHE_LEVELS = 3 };

static const struct node *cpu_of(const struct domain *d)
{
	return node_child(d->node, "cpu");
}

static bool is_host(const struct fact *mode)
{
	return fact_is(mode, "host-passthrough") || fact_is(mode, "maximum");
}

static void refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
}

/* ---- cpu-cache ---- */

static void check_cache(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d), *n = cpu ? node_child(cpu, "cache") : NULL;
	struct fact mode, level, cpu_mode;
	uint64_t v = 0;

	if (!n)
		return;
	if (node_again(n))
		refused(s, report(s, node_again(n)->open_at,
				  "at most one CPU cache element may be specified"));
	mode = ASK(n, "@mode");
	level = ASK(n, "@level");
	cpu_mode = ASK(cpu, "@mode");
	if (fact_number(&level, &v) && (v < 1 || v > CACHE_LEVELS)) {
		refused(s, report(s, level.at,
				  "invalid CPU cache level %llu, must be in range [1,3]",
				  (unsigned long long)v));
		return;
	}
	if (!d->qemu)
		return;
	if (domain_is_not_x86(d))
		refused(s, report(s, n->open_at,
				  "CPU cache specification is not supported for '%s' "
				  "architecture",
				  shown(s, d->vm->arch.v)));
	else if (fact_is(&mode, "emulate") &&
		 (fact_absent(&level) || (fact_known(&level) && v != CACHE_LEVELS)))
		refused(s, report(s, n->open_at,
				  "CPU cache mode 'emulate' can only be used with "
				  "level='3'"));
	else if (fact_is(&mode, "passthrough") && cpu_mode.state != FACT_UNKNOWN &&
		 !is_host(&cpu_mode))
		refused(s, report(s, n->open_at,
				  "CPU cache mode 'passthrough' can only be used with "
				  "'host-passthrough' / 'maximum' CPUs"));
	else if ((fact_is(&mode, "passthrough") || fact_is(&mode, "disable")) &&
		 fact_known(&level))
		refused(s,
			report(s, level.at, "unsupported CPU cache level for mode '%s'",
			       shown(s, mode.v)));
}

/* ---- cpu-address-bits ---- */

static void check_bits(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d),
			  *n = cpu ? node_child(cpu, "maxphysaddr") : NULL;
	struct fact mode, bits, limit;

	if (!n || !d->qemu)
		return;
	mode = ASK(n, "@mode");
	bits = ASK(n, "@bits");
	limit = ASK(n, "@limit");
	if (domain_is_not_x86(d))
		refused(s,
			report(s, n->open_at,
			       "CPU maximum physical address bits specification is not "
			       "supported for '%s' architecture",
			       shown(s, d->vm->arch.v)));
	else if (fact_is(&mode, "passthrough") && fact_known(&bits))
		refused(s,
			report(s, bits.at,
			       "CPU maximum physical address bits number specification "
			       "cannot be used with mode='passthrough'"));
	else if (fact_is(&mode, "emulate") && fact_absent(&bits))
		refused(s, report(s, n->open_at,
				  "if using CPU maximum physical address mode='emulate', "
				  "bits= must be specified too"));
	else if (fact_is(&mode, "emulate") && fact_known(&limit))
		refused(s,
			report(s, limit.at,
			       "CPU maximum physical address bits limit cannot be used "
			       "with mode='emulate'"));
}

/* ---- cpu-feature-twice ---- */

static void check_twice(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d);

	if (!cpu || domain_too_many(node_child(cpu, "feature")))
		return;
	for (const struct node *n = node_child(cpu, "feature"); n; n = node_again(n)) {
		struct fact name = ASK(n, "@name");

		for (const struct node *m = node_child(cpu, "feature"); m != n;
		     m = node_again(m)) {
			struct fact other = ASK(m, "@name");
			struct finding *f;

			if (!fact_known(&name) || !fact_known(&other) ||
			    !str_eq(name.v, other.v))
				continue;
			f = report(s, name.at,
				   "CPU feature '%s' specified more than once",
				   shown(s, name.v));
			refused(s, f);
			report_related(s, f, other.at, "the first time");
			break;
		}
	}
}

/* ---- cpu-without-model ---- */

static void check_model(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d), *n;
	struct fact mode, model, vendor;

	if (!cpu)
		return;
	mode = ASK(cpu, "@mode");
	model = ASK(cpu, "model");
	vendor = ASK(cpu, "vendor");
	if (!fact_absent(&model))
		return;
	if (fact_known(&vendor))
		refused(s,
			report(s, vendor.at, "CPU vendor specified without CPU model"));
	if (!fact_absent(&mode) && !fact_is(&mode, "custom"))
		return;
	n = node_child(cpu, "feature");
	if (n)
		refused(s, report(s, n->open_at,
				  "non-empty feature list specified without CPU model"));
}

/* ---- cpu-feature-arch ---- */

/* Features that every x86 has heard of, and no ARM. */
static const char x86_features[] = "vmx svm sse sse2 sse3 ssse3 sse4.1 sse4.2 avx avx2 "
				   "lm nx pae apic tsc pcid invtsc hypervisor topoext";

static void check_arm(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d), *off = NULL, *length = NULL;
	struct finding *f;

	if (!d->qemu || !cpu || !domain_arch_is(d, "aarch64"))
		return;
	for (const struct node *n = node_child(cpu, "feature"); n; n = node_again(n)) {
		struct fact name = ASK(n, "@name"), policy = ASK(n, "@policy");

		if (!fact_known(&name))
			continue;
		if (str_among(name.v, x86_features))
			refused(s, report(s, name.at, "unknown CPU feature: %s is x86's",
					  shown(s, name.v)));
		else if (str_is(name.v, "sve"))
			off = fact_is(&policy, "disable") || fact_is(&policy, "forbid")
				      ? n
				      : NULL;
		else if (str_starts(name.v, "sve"))
			length = n;
	}
	if (!off || !length)
		return;
	f = report(s, length->open_at, "SVE disabled, but SVE vector lengths provided");
	refused(s, f);
	report_related(s, f, off->open_at, "disabled here");
}

/* ---- cpu-host-emulated ---- */

static void check_emulated(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d);
	struct fact mode, type = ASK(d->node, "@type");

	if (!cpu || !fact_is(&type, "qemu"))
		return;
	mode = ASK(cpu, "@mode");
	if (fact_is(&mode, "host-passthrough"))
		report_label(
			s,
			report(s, mode.at,
			       "CPU mode 'host-passthrough' of a domain of type 'qemu': "
			       "an emulated CPU is none of the host's"),
			"libvirt defines the domain, and does not start it");
}

static bool fix_emulated(struct plan *p, const struct finding *f, const struct domain *d)
{
	struct fact mode = ASK(d->node, "cpu@mode");

	(void)f;
	plan_title(p, "mode='maximum'");
	return plan_set(p, &mode, "maximum");
}

/* ---- cpu-attribute ---- */

static void check_attribute(struct scan *s, const struct domain *d)
{
	const struct node *cpu = cpu_of(d);
	struct fact mode, migratable, vendor;

	if (!cpu)
		return;
	mode = ASK(cpu, "@mode");
	migratable = ASK(cpu, "@migratable");
	vendor = ASK(cpu, "model@vendor_id");
	if (mode.state == FACT_UNKNOWN || is_host(&mode))
		return;
	if (fact_known(&migratable))
		refused(s, report(s, migratable.at,
				  "attribute migratable is only allowed for "
				  "'host-passthrough' / 'maximum' CPU mode"));
	/* libvirt takes an empty one for none. */
	if (!fact_known(&vendor) || vendor.v.n == 0)
		return;
	if (vendor.v.n != VENDOR_ID_BYTES)
		refused(s, report(s, vendor.at,
				  "vendor_id has %zu characters, must be exactly 12 "
				  "characters long",
				  vendor.v.n));
	else if (str_has(vendor.v, ","))
		refused(s, report(s, vendor.at, "vendor_id '%s' is invalid: a comma",
				  shown(s, vendor.v)));
}

const struct rule rules_cpu[] = {
	{ .id = "cpu-address-bits",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "physical address bits of a CPU that do not fit their mode",
	  .why = "libvirt refuses the domain: mode='emulate' needs bits=, "
		 "mode='passthrough' takes the host's, and only x86 has either.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefCpu)",
	  .since = "0.1.0",
	  CHECK(domain, check_bits) },
	{ .id = "cpu-attribute",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an attribute of a CPU that its mode does not have",
	  .why = "libvirt refuses the domain: migratable is for host-passthrough and "
		 "maximum, and a vendor_id has 12 characters.",
	  .source = "libvirt, src/conf/cpu_conf.c (virCPUDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_attribute) },
	{ .id = "cpu-cache",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a CPU cache that does not fit its mode or its CPU",
	  .why = "libvirt refuses the domain: a cache is emulated at level 3 only, and "
		 "passed through with host-passthrough or maximum only, without a level.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefCpu), "
		    "src/conf/cpu_conf.c (virCPUDefParseXMLCache)",
	  .since = "0.1.0",
	  CHECK(domain, check_cache) },
	{ .id = "cpu-feature-arch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "features of a CPU that an ARM does not have, or has without SVE",
	  .why = "libvirt refuses the domain, or does not start it: it knows the features of "
		 "each architecture, and vector lengths are SVE's.",
	  .source = "libvirt, src/cpu/cpu_arm.c (virCPUarmValidateFeatures), "
		    "src/qemu/qemu_domain.c (qemuDomainDefCPUPostParse)",
	  .since = "0.1.0",
	  CHECK(domain, check_arm) },
	{ .id = "cpu-feature-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a CPU feature that is named twice",
	  .why = "libvirt refuses the domain.",
	  .steps = "Leave the one that is meant.",
	  .source = "libvirt, src/conf/cpu_conf.c (virCPUDefParseXML)",
	  .since = "0.1.0",
	  CHECK(domain, check_twice) },
	{ .id = "cpu-host-emulated",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the host's CPU for a guest that is emulated",
	  .why = "libvirt does not start the domain: type='qemu' means that QEMU translates "
		 "each instruction, and has no CPU of the host to hand on. mode='maximum' is "
		 "all that it can translate; type='kvm' is what runs on the host's.",
	  .source =
		  "libvirt, src/qemu/qemu_capabilities.c (virQEMUCapsIsCPUModeSupported)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_emulated, fix_emulated) },
	{ .id = "cpu-without-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "features or a vendor of a CPU without a model",
	  .why = "libvirt refuses the domain: in mode custom, which is the default, they "
		 "say something about a model.",
	  .steps = "mode='host-model' or 'host-passthrough', or a <model>.",
	  .source =
		  "libvirt, src/conf/cpu_conf.c (virCPUDefParseXML), domain_postparse.c "
		  "(virDomainDefPostParseCPU)",
	  .since = "0.1.0",
	  CHECK(domain, check_model) },
};
RULES_END(cpu);
