/* TPMs and random numbers of a libvirt domain: devices with a <backend>.
 * libvirt, src/conf/domain_conf.c (virDomainTPMDefParseXML, virDomainRNGDefParseXML),
 * domain_validate.c (virDomainTPMDevValidate), src/qemu/qemu_validate.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "rules/words.h"
#include "rules/clash.h"
#include "base/banned.h"

#define VALIDATE_QEMU "libvirt, src/qemu/qemu_validate.c"

/* ---- rng-backend, tpm-backend ---- */

static void check_count(struct scan *s, const struct device *d, const char *none,
			const char *more)
{
	size_t n = 0;

	for (const struct node *b = node_child(d->node, "backend"); b;
	     b = node_again(b)) {
		if (n++ == 1)
			report_label(s, report(s, b->open_at, "%s", more),
				     DOMAIN_REFUSES);
	}
	if (n == 0)
		report_label(s, report(s, d->node->open_at, "%s", none), DOMAIN_REFUSES);
}

static void check_rng(struct scan *s, const struct device *d)
{
	if (d->kind == DEVICE_rng)
		check_count(s, d, "only one RNG backend is supported, and there is none",
			    "only one RNG backend is supported, and this is another one");
}

static const struct clash backend_clashes[] = {
	{ CLASH(ON(tpm), "backend/source@type", "missing external TPM backend type",
		{ "backend@type", "external" }, { "backend/source@type", "" }),
	  .common = true },
	{ CLASH(ON(tpm), "backend/source@type",
		"only source type 'unix' is supported for external TPM device, and this is "
		"'{backend/source@type}'",
		{ "backend@type", "external" }, { "backend/source@type", "!unix|" }),
	  .common = true },
	{ CLASH(ON(tpm), "backend/source@mode",
		"only 'client' mode is supported for external TPM device, and this is "
		"'{backend/source@mode}'",
		{ "backend@type", "external" }, { "backend/source@mode", "bind" }),
	  .common = true },
	{ CLASH(ON(tpm), "backend/source@path",
		"missing socket path for external TPM device",
		{ "backend@type", "external" }, { "backend/source@type", "unix" },
		{ "backend/source@path", "" }),
	  .common = true },
};

static void check_backend(struct scan *s, const struct device *d)
{
	clash_check(s, d, d->node, backend_clashes,
		    sizeof(backend_clashes) / sizeof(backend_clashes[0]));
	if (d->kind == DEVICE_tpm)
		check_count(s, d, "missing TPM device backend",
			    "only one TPM backend is supported, and this is another one");
}

/* ---- tpm-model ---- */

static bool is_arm_virt(const struct device *d)
{
	const struct fact *arch = &d->domain->vm->arch;

	return d->domain->machine == MACHINE_VIRT &&
	       (fact_is(arch, "aarch64") || fact_is(arch, "armv7l") ||
		fact_is(arch, "armv6l"));
}

#define EMULATED                                                                         \
	{                                                                                \
		"backend@type", "emulator"                                               \
	}

static const struct clash model_clashes[] = {
	{ CLASH(ON(tpm), "backend@version", "TPM 1.2 is not supported on ARM", EMULATED,
		{ "backend@version", "1.2" }),
	  .also = is_arm_virt, .set = "2.0" },
	{ CLASH(ON(tpm), "backend@version", "unsupported interface 'tpm-crb' for TPM 1.2",
		EMULATED, { "backend@version", "1.2" }, { "@model", "tpm-crb" }),
	  .set = "2.0" },
	{ CLASH(ON(tpm), "backend@version",
		"TPM 1.2 is not supported with the SPAPR device model", EMULATED,
		{ "backend@version", "1.2" }, { "@model", "tpm-spapr" }),
	  .set = "2.0" },
	{ CLASH(ON(tpm), "backend@version",
		"<active_pcr_banks/> requires TPM version '2.0', and this is 1.2",
		EMULATED, { "backend@version", "1.2" },
		{ "backend/active_pcr_banks?", "!" }),
	  .common = true, .set = "2.0" },
	{ CLASH(ON(tpm), "backend@type",
		"TPM Proxy model spapr-tpm-proxy requires 'Passthrough' backend",
		{ "@model", "spapr-tpm-proxy" }, { "backend@type", "!passthrough|" }),
	  .no_fix = true },
	{ CLASH(ON(tpm), "@model", "QEMU does not support TPM model {@model} on {%arch}",
		{ "@model", "tpm-crb" }, { "%arch", "!x86_64|i686|" }),
	  .no_fix = true },
	{ CLASH(ON(tpm), "@model", "QEMU does not support TPM model {@model} on {%arch}",
		{ "@model", "tpm-spapr|spapr-tpm-proxy" },
		{ "%arch", "!ppc64|ppc64le|" }),
	  .no_fix = true },
};
CLASHES(model, ON(tpm))

/* ---- tpm-twice ---- */

static void check_twice(struct scan *s, const struct device *d)
{
	struct fact model;
	struct finding *f;
	bool proxy;

	if (d->kind != DEVICE_tpm || !d->domain->qemu)
		return;
	model = ASK(d->node, "@model");
	proxy = fact_is(&model, "spapr-tpm-proxy");
	for_each_device(before, d->domain, tpm)
	{
		struct fact other = ASK(before->node, "@model");

		if (before == d || model.state == FACT_UNKNOWN)
			return;
		if (other.state == FACT_UNKNOWN ||
		    fact_is(&other, "spapr-tpm-proxy") != proxy)
			continue;
		f = report(
			s, d->node->open_at,
			"only a single TPM %s device is supported, and this is another "
			"one",
			proxy ? "Proxy" : "non-proxy");
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, before->node->open_at, "the other one");
		return;
	}
}

const struct rule rules_devices_tpm[] = {
	{ .id = "rng-backend",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a source of random numbers that draws from none, or from two",
	  .why = "A virtio-rng has one backend: libvirt refuses the domain.",
	  .steps =
		  "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>.",
	  .source = "libvirt, src/conf/domain_conf.c, virDomainRNGDefParseXML()",
	  .since = "0.1.0",
	  CHECK(device, check_rng) },
	{ .id = "tpm-backend",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a TPM without a backend, or with one that is not whole",
	  .why = "A TPM is emulated, the host's own, or a program's that listens on a UNIX "
		 "socket. libvirt refuses the domain when that is not said.",
	  .steps = "<backend type='emulator' version='2.0'/>.",
	  .source = "libvirt, src/conf/domain_conf.c, virDomainTPMDefParseXML(); "
		    "domain_validate.c, virDomainTPMDevValidate()",
	  .since = "0.1.0",
	  CHECK(device, check_backend) },
	{ .id = "tpm-model",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a TPM of a version or model that this machine does not have",
	  .why = "CRB, SPAPR and ARM speak TPM 2.0 only, and each model is of one "
		 "architecture: libvirt refuses the domain.",
	  .steps = "version='2.0'; a state that was made as 1.2 is not read as 2.0.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDeviceDefTPM()",
	  .since = "0.1.0",
	  CHECK_FIX(device, check_model, fix_model) },
	{ .id = "tpm-twice",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a second TPM",
	  .why = "A guest has one TPM, and on pseries a proxy besides: libvirt refuses more.",
	  .steps =
		  "Remove one of them. Each has its own state: keep the one that sealed the "
		  "guest's keys.",
	  .source = VALIDATE_QEMU ", qemuValidateDomainDefTPMs()",
	  .since = "0.1.0",
	  CHECK(device, check_twice) },
};
RULES_END(devices_tpm);
