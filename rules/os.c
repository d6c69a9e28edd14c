/* <os>: firmware, how it is found, and what it needs.
 * libvirt formatdomain, "Operating system booting"; libvirt, src/conf/domain_validate.c
 * (virDomainDefOSValidate), src/qemu/qemu_validate.c (qemuValidateDomainDefBoot).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

enum { TIMEOUT_MAX = 65535 };

static struct finding *refused(struct scan *s, struct finding *f)
{
	report_label(s, f, DOMAIN_REFUSES);
	return f;
}

static const struct node *os_child(const struct domain *d, const char *name)
{
	const struct node *os = node_child(d->node, "os");

	return os ? node_child(os, name) : NULL;
}

/* ---- os-acpi-uefi ---- */

/* virDomainDefHasOldStyleUEFI(); efi: of any style. */
static bool is_efi(const struct vm *vm)
{
	return fact_is(&vm->firmware, "efi") ||
	       (!fact_absent(&vm->loader) && fact_is(&vm->loader_type, "pflash"));
}

static bool is_not_efi(const struct vm *vm)
{
	return fact_is_not(&vm->firmware, "efi") &&
	       fact_is_not(&vm->loader_type, "pflash");
}

static void check_acpi(struct scan *s, const struct domain *d)
{
	const struct vm *vm = d->vm;
	struct fact acpi = ASK(d->node, "features/acpi?");

	if (!d->qemu || node_is_open(d->node))
		return;
	if (domain_is_x86(d) && is_efi(vm) && fact_absent(&acpi)) {
		refused(s,
			report(s,
			       fact_known(&vm->firmware) ? vm->firmware.at
							 : vm->loader.at,
			       "UEFI requires ACPI on this architecture, and there is no "
			       "<acpi/>"));
	} else if (domain_arch_is(d, "aarch64") && fact_known(&acpi) && is_not_efi(vm)) {
		refused(s, report(s, acpi.at,
				  "ACPI requires UEFI on this architecture, and there is "
				  "none"));
	}
}

static bool fix_acpi(struct plan *p, const struct finding *f, const struct domain *d)
{
	struct fact acpi = ASK(d->node, "features/acpi?");

	(void)f;
	if (!fact_absent(&acpi))
		return plan_refuse(p,
				   "give the guest UEFI (<os firmware='efi'>), or remove "
				   "<acpi/>");
	plan_title(p, "<acpi/>");
	return plan_set(p, &acpi, "yes");
}

/* ---- os-bios ---- */

static void check_bios(struct scan *s, const struct domain *d)
{
	struct fact menu = ASK(d->node, "os/bootmenu@timeout"),
		    reboot = ASK(d->node, "os/bios@rebootTimeout"),
		    serial = ASK(d->node, "os/bios@useserial");
	uint64_t v;

	if (fact_number(&menu, &v) && v > TIMEOUT_MAX)
		refused(s, report(s, menu.at,
				  "invalid value %llu for boot menu timeout, must be in "
				  "range [0,65535]",
				  (unsigned long long)v));
	if (fact_known(&reboot) && !str_is(reboot.v, "-1") &&
	    (str_starts(reboot.v, "-") || (fact_number(&reboot, &v) && v > TIMEOUT_MAX)))
		refused(s, report(s, reboot.at,
				  "invalid value %s for rebootTimeout, must be in range "
				  "[-1,65535]",
				  shown(s, reboot.v)));
	if (!d->qemu || !fact_is(&serial, "yes"))
		return;
	if (domain_is_not_x86(d))
		refused(s, report(s, serial.at,
				  "BIOS serial console only supported on x86 "
				  "architectures"));
	else if (domain_count(d, DEVICE_serial) == 0 &&
		 domain_count(d, DEVICE_console) == 0)
		refused(s, report(s, serial.at,
				  "need at least one serial port to use BIOS serial "
				  "output"));
}

/* ---- os-firmware-auto ---- */

static bool before(const struct scan *s, uint32_t major, uint32_t minor)
{
	struct version v = target_version(s, "libvirt");

	return v.known && version_cmp(&v, major, minor, 0) < 0;
}

/* Versions from 9.2 on take what they have chosen themselves; those before refuse it. */
static void check_older(struct scan *s, const struct vm *vm)
{
	const struct fact *both[] = { &vm->loader, &vm->loader_type, &vm->loader_readonly,
				      &vm->nvram_template };
	static const char *const names[] = { "loader path", "loader attribute 'type'",
					     "loader attribute 'readonly'",
					     "nvram attribute 'template'" };

	for (size_t i = 0; before(s, 9, 2) && i < sizeof(both) / sizeof(both[0]); i++) {
		if (fact_known(both[i]))
			refused(s, report(s, both[i]->at,
					  "%s cannot be specified when firmware "
					  "autoselection is enabled",
					  names[i]));
	}
}

static void check_auto(struct scan *s, const struct domain *d)
{
	const struct vm *vm = d->vm;
	const struct node *nvram = os_child(d, "nvram");
	struct fact format = ASK(d->node, "os/loader@format");
	struct finding *f;

	if (!fact_known(&vm->firmware) || !d->qemu)
		return;
	if (fact_is(&vm->firmware, "bios") && nvram)
		f = report(s, nvram->open_at,
			   "firmware type 'bios' does not support nvram");
	else if (fact_is(&vm->firmware, "bios") && fact_is(&vm->loader_readonly, "no"))
		f = report(s, vm->loader_readonly.at,
			   "firmware type 'bios' cannot be read/write");
	else if (fact_is(&vm->loader_type, "rom") && fact_known(&format) &&
		 fact_is_not(&format, "raw"))
		f = report(s, format.at,
			   "unable to find '%s' firmware that is compatible: loader type "
			   "'rom' has no format '%s'",
			   shown(s, vm->firmware.v), shown(s, format.v));
	else
		f = NULL;
	if (f)
		report_related(s, refused(s, f), vm->firmware.at, "the autoselection");
	else
		check_older(s, vm);
}

/* ---- os-loader ---- */

static void check_loader(struct scan *s, const struct domain *d)
{
	const struct vm *vm = d->vm;
	const struct node *loader = os_child(d, "loader"), *nvram = os_child(d, "nvram"),
			  *features = os_child(d, "firmware");
	bool rom = fact_absent(&vm->loader_type) || fact_is(&vm->loader_type, "rom");
	struct finding *f;

	if (!fact_absent(&vm->firmware))
		return;
	if (features && node_child(features, "feature")) {
		f = report(s, features->open_at,
			   "cannot use feature-based firmware autoselection when "
			   "firmware autoselection is disabled");
		refused(s, f);
		/* The features of what is named already: not every version minds. */
		report_lower(f);
	}
	if (!loader && !nvram)
		return;
	if (fact_absent(&vm->loader)) {
		refused(s, report(s, (loader ? loader : nvram)->open_at,
				  "no loader path specified and firmware auto selection "
				  "disabled"));
		return;
	}
	if (!d->qemu || !fact_is(&vm->loader_readonly, "no"))
		return;
	/* libvirt 9.0 and before let both pass. */
	if (rom)
		refused(s, report(s, vm->loader_readonly.at,
				  "a loader of type 'rom' cannot be read/write"));
	else if (nvram && fact_is(&vm->loader_type, "pflash"))
		refused(s, report(s, nvram->open_at,
				  "NVRAM is not permitted when loader is read/write"));
}

/* ---- os-loader-stateless ---- */

static void check_stateless(struct scan *s, const struct domain *d)
{
	const struct vm *vm = d->vm;
	const struct node *nvram = os_child(d, "nvram");
	struct fact stateless = ASK(d->node, "os/loader@stateless");
	struct finding *f;

	if (fact_is(&stateless, "yes") && nvram)
		f = report(s, nvram->open_at,
			   "%s is not permitted when loader is stateless",
			   fact_known(&vm->nvram_template) ? "NVRAM template" : "NVRAM");
	else if (fact_is(&stateless, "no") && fact_absent(&vm->firmware) &&
		 !fact_absent(&vm->loader) && fact_is_not(&vm->loader_type, "pflash"))
		f = report(s, stateless.at,
			   "only pflash loader type permits NVRAM, which "
			   "stateless='no' asks for");
	else if (fact_is(&stateless, "no") && fact_is(&vm->firmware, "bios"))
		f = report(
			s, stateless.at,
			"only EFI firmware permits NVRAM, which stateless='no' asks for");
	else
		return;
	refused(s, f);
	if (fact_is(&stateless, "yes"))
		report_related(s, f, stateless.at, "stateless");
}

/* ---- os-secure-boot ---- */

static void check_secure(struct scan *s, const struct domain *d)
{
	struct fact secure = ASK(d->node, "os/loader@secure"),
		    smm = ASK(d->node, "features/smm?"),
		    state = ASK(d->node, "features/smm@state");
	bool off = fact_absent(&smm) ||
		   (fact_known(&smm) && fact_known(&state) && fact_is_not(&state, "on"));

	if (!d->qemu || !fact_is(&secure, "yes"))
		return;
	if (domain_family_is_not(d, MACHINE_Q35) ||
	    (fact_absent(&d->vm->machine) && domain_is_x86(d)))
		refused(s,
			report(s, secure.at,
			       "secure boot is supported with q35 machine types only"));
	else if (fact_known(&d->vm->arch) && !domain_arch_is(d, "x86_64"))
		refused(s,
			report(s, secure.at,
			       "secure boot is supported for x86_64 architecture only"));
	else if (fact_absent(&d->vm->firmware) && off)
		refused(s,
			report(s, secure.at, "secure boot requires SMM feature enabled"));
}

static bool fix_secure(struct plan *p, const struct finding *f, const struct domain *d)
{
	struct fact smm = ASK(d->node, "features/smm@state");

	(void)f;
	if (d->machine != MACHINE_Q35 || !domain_arch_is(d, "x86_64"))
		return plan_refuse(
			p, "the addresses of its devices are those of the machine "
			   "that it is");
	plan_title(p, "<smm state='on'/>");
	return plan_set(p, &smm, "on");
}

/* ---- os-firmware-features ---- */

static void check_features(struct scan *s, const struct domain *d)
{
	const struct node *list = os_child(d, "firmware"), *keys = NULL, *secure = NULL;
	struct finding *f;

	for (const struct node *n = list ? node_child(list, "feature") : NULL; n;
	     n = node_again(n)) {
		struct fact name = ASK(n, "@name"), on = ASK(n, "@enabled");

		if (fact_is(&name, "enrolled-keys"))
			keys = fact_is(&on, "yes") ? n : NULL;
		else if (fact_is(&name, "secure-boot"))
			secure = fact_is(&on, "no") ? n : NULL;
	}
	if (!keys || !secure)
		return;
	f = report(s, keys->open_at,
		   "firmware feature 'enrolled-keys' cannot be enabled when firmware "
		   "feature 'secure-boot' is disabled");
	report_related(s, refused(s, f), secure->open_at, "disabled here");
}

/* ---- os-nvram-type ---- */

static void check_nvram(struct scan *s, const struct domain *d)
{
	struct fact type = ASK(d->node, "os/nvram@type");

	if (!d->qemu || !fact_known(&type) || fact_is(&type, "file") ||
	    fact_is(&type, "block") || fact_is(&type, "network"))
		return;
	refused(s,
		report(s, type.at, "unsupported nvram disk type '%s'", shown(s, type.v)));
}

const struct rule rules_os[] = {
	{ .id = "os-acpi-uefi",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "UEFI without ACPI on x86, or ACPI without UEFI on ARM",
	  .why = "libvirt refuses the domain: EDK2 does not come up without ACPI on x86, "
		 "and on aarch64 only UEFI hands ACPI's tables to the guest.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_acpi, fix_acpi) },
	{ .id = "os-bios",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "settings of the BIOS that cannot be",
	  .why = "libvirt refuses the domain: timeouts are milliseconds up to 65535, and "
		 "output on a serial port needs one, on x86.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefBootValidate), "
		    "src/qemu/qemu_validate.c (qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK(domain, check_bios) },
	{ .id = "os-firmware-auto",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a firmware that libvirt is to choose, and cannot",
	  .why = "libvirt refuses the domain: a BIOS has neither variables nor a flash to "
		 "write to. Before 9.2 it takes no <loader> beside firmware= either "
		 "(--target libvirt=9.0).",
	  .steps = "firmware= alone is enough: libvirt finds the files.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefOSValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_auto) },
	{ .id = "os-firmware-features",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "enrolled keys, and no Secure Boot that would use them",
	  .why = "libvirt refuses the domain.",
	  .source = "libvirt, src/conf/domain_postparse.c (virDomainDefPostParseOs)",
	  .since = "0.1.0",
	  CHECK(domain, check_features) },
	{ .id = "os-loader",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a firmware that is neither named nor to be chosen, or is written to",
	  .why = "libvirt refuses the domain: without firmware= the loader has a path, a "
		 "ROM is read-only, and flash that is written to has its variables in "
		 "itself. libvirt 9.0 and before let the latter two pass.",
	  .steps = "<os firmware='efi'> lets libvirt choose.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefOSValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_loader) },
	{ .id = "os-loader-stateless",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "variables for a firmware without, or none for one that keeps them",
	  .why = "libvirt refuses the domain: a stateless firmware has no NVRAM, and only "
		 "flash has any.",
	  .source = "libvirt, src/conf/domain_validate.c (virDomainDefOSValidate)",
	  .since = "0.1.0",
	  CHECK(domain, check_stateless) },
	{ .id = "os-nvram-type",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "variables of the firmware where QEMU's driver cannot keep them",
	  .why = "libvirt refuses the domain: they are in a file, on a block device or on "
		 "the network.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefNvram)",
	  .since = "0.1.0",
	  CHECK(domain, check_nvram) },
	{ .id = "os-secure-boot",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "Secure Boot without what it needs",
	  .why = "libvirt refuses the domain: a loader with secure='yes' needs q35, x86_64 "
		 "and SMM, which keeps the guest from the firmware's variables.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDefBoot)",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_secure, fix_secure) },
};
RULES_END(os);
