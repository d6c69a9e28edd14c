/* What libvirt takes, and nobody means: sizes in the wrong unit, programs of another
 * architecture, a confidential guest that can be looked into.
 * libvirt formatdomain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/domain_is.h"
#include "rules/domain_table.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

/* ---- domain-memory-unit ---- */

#define MEMORY_LEAST (UINT64_C(4) << 20)
#define MEMORY_MOST  (UINT64_C(1) << 50)

static void check_unit(struct scan *s, const struct domain *d)
{
	const struct node *n = node_child(d->node, "memory"), *cpu, *unit;
	struct finding *f;
	uint64_t bytes;

	cpu = node_child(d->node, "cpu");
	if (!n || !d->qemu || (cpu && node_child(cpu, "numa")) ||
	    !domain_size(n, "KiB", &bytes) || bytes == 0 ||
	    (bytes >= MEMORY_LEAST && bytes < MEMORY_MOST))
		return;
	unit = node_attr(n, "unit");
	f = report(s, node_value_at(n), "memory of %s %s, %s", shown(s, n->text),
		   unit ? shown(s, unit->text) : "KiB",
		   bytes < MEMORY_LEAST ? "too little for any firmware"
					: "more than any machine has");
	report_label(s, f,
		     unit ? "the unit is another one, most likely"
			  : "without unit= it counts in KiB");
}

/* ---- domain-emulator-arch ---- */

/* The name of QEMU's program for an architecture of libvirt's. */
static const struct {
	const char *arch, *programs;
} emulators[] = {
	{ "x86_64", "x86_64" },
	{ "i686", "i386 x86_64" },
	{ "aarch64", "aarch64" },
	{ "armv7l", "arm aarch64" },
	{ "armv6l", "arm aarch64" },
	{ "ppc64", "ppc64" },
	{ "ppc64le", "ppc64 ppc64le" },
	{ "ppc", "ppc ppc64" },
	{ "s390x", "s390x" },
	{ "riscv64", "riscv64" },
	{ "riscv32", "riscv32 riscv64" },
	{ "loongarch64", "loongarch64" },
	{ "alpha", "alpha" },
	{ "m68k", "m68k" },
	{ "mips", "mips" },
	{ "mips64", "mips64" },
	{ "mips64el", "mips64el" },
	{ "mipsel", "mipsel" },
	{ "parisc", "hppa" },
	{ "sh4", "sh4" },
	{ "sparc", "sparc" },
	{ "sparc64", "sparc64" },
};

static void check_emulator(struct scan *s, const struct domain *d)
{
	static const char prefix[] = "qemu-system-";
	struct fact path = ASK(d->node, "devices/emulator");
	struct str name;
	struct finding *f;

	if (!d->qemu || !fact_known(&path) || !fact_known(&d->vm->arch))
		return;
	name = path.v;
	for (size_t i = 0; i < path.v.n; i++) {
		if (path.v.p[i] == '/')
			name = (struct str){ path.v.p + i + 1, path.v.n - i - 1 };
	}
	if (!str_starts(name, prefix))
		return;
	name = (struct str){ name.p + sizeof(prefix) - 1, name.n - (sizeof(prefix) - 1) };
	for (size_t i = 0; i < sizeof(emulators) / sizeof(emulators[0]); i++) {
		bool known = false;

		if (!str_is(d->vm->arch.v, emulators[i].arch) ||
		    str_among(name, emulators[i].programs))
			continue;
		for (size_t k = 0; k < sizeof(emulators) / sizeof(emulators[0]); k++)
			known = known || str_among(name, emulators[k].programs);
		if (!known)
			return;
		f = report(s, path.at, "emulator '%s' does not support arch '%s'",
			   shown(s, path.v), emulators[i].arch);
		report_label(s, f, DOMAIN_REFUSES);
		report_related(s, f, d->vm->arch.at, "the architecture");
		return;
	}
}

/* ---- domain-machine-arch ---- */

/* Does QEMU for the architecture have it? */
static bool has_machine(const struct vm *vm)
{
	struct machine m;

	for (size_t i = 0; i < sizeof(emulators) / sizeof(emulators[0]); i++) {
		struct str programs = str_of(emulators[i].programs);

		if (!str_is(vm->arch.v, emulators[i].arch))
			continue;
		while (programs.n) {
			if (machine_find(str_word(&programs), vm->machine.v, &m))
				return true;
		}
		return false;
	}
	return true;
}

static void check_machine(struct scan *s, const struct domain *d)
{
	const struct vm *vm = d->vm;
	struct machine elsewhere;
	struct finding *f;

	if (!d->qemu || !fact_known(&vm->arch) || !fact_known(&vm->machine) ||
	    has_machine(vm) || !machine_find(STR(""), vm->machine.v, &elsewhere) ||
	    !elsewhere.arches)
		return;
	f = report(s, vm->machine.at,
		   "machine type '%s' is not one of arch '%s': %s has it",
		   shown(s, vm->machine.v), shown(s, vm->arch.v), elsewhere.arches);
	report_label(s, f,
		     DOMAIN_REFUSES ": the emulator does not support the machine type");
}

/* ---- domain-sev-debug ---- */

static void check_debug(struct scan *s, const struct domain *d)
{
	const struct node *sec = node_child(d->node, "launchSecurity"), *n;
	struct fact type;
	struct finding *f;
	uint64_t policy;

	if (!sec || !d->qemu)
		return;
	type = ASK(sec, "@type");
	n = node_child(sec, "policy");
	if (!fact_is(&type, "sev") || !n || !str_starts(n->text, "0x") ||
	    !domain_number(n->text, &policy) || policy & 1)
		return;
	f = report(s, node_value_at(n), "SEV policy %s allows debugging (bit 0 is clear)",
		   shown(s, n->text));
	report_label(s, f, "the host may decrypt the guest's memory");
}

static bool fix_debug(struct plan *p, const struct finding *f, const struct domain *d)
{
	const struct node *sec = node_child(d->node, "launchSecurity"),
			  *n = node_child(sec, "policy");
	char text[24];
	uint64_t policy;
	int len;

	if (!domain_number(n->text, &policy))
		return plan_refuse(p, "the policy is no number");
	len = snprintf(text, sizeof(text), "0x%04llx", (unsigned long long)(policy | 1));
	plan_title(p, "<policy>%s</policy>", text);
	return plan_replace(p, f->at, (struct str){ text, (size_t)len });
}

/* ---- os-kernel-options ---- */

static void check_kernel(struct scan *s, const struct domain *d)
{
	struct fact kernel = ASK(d->node, "os/kernel"),
		    initrd = ASK(d->node, "os/initrd"),
		    cmdline = ASK(d->node, "os/cmdline"), dtb = ASK(d->node, "os/dtb");
	const struct fact *f = fact_known(&initrd)    ? &initrd
			       : fact_known(&cmdline) ? &cmdline
						      : NULL;
	struct finding *found;

	(void)dtb;
	if (!d->qemu || !fact_absent(&kernel) || !f ||
	    node_is_open(node_child(d->node, "os")))
		return;
	found = report(s, f->at, "%s without a <kernel>",
		       f == &initrd ? "an <initrd>" : "a <cmdline>");
	report_label(s, found, "QEMU exits at start: %s only allowed with -kernel option",
		     f == &initrd ? "-initrd" : "-append");
}

const struct rule rules_domain_sense[] = {
	{ .id = "domain-emulator-arch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an emulator for another architecture",
	  .why = "libvirt refuses the domain: the program cannot run such a guest. Mostly "
		 "the domain was made from one of another architecture.",
	  .steps = "Without <emulator> libvirt takes the one for the architecture.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK(domain, check_emulator) },
	{ .id = "domain-machine-arch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a machine type of another architecture",
	  .why = "libvirt refuses the domain: QEMU for this architecture has no such "
		 "machine.",
	  .steps = "`virsh capabilities` lists them; without machine= libvirt takes the "
		   "architecture's own.",
	  .source = "libvirt, src/qemu/qemu_validate.c (qemuValidateDomainDef)",
	  .since = "0.1.0",
	  CHECK(domain, check_machine) },
	{ .id = "domain-memory-unit",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "memory in a unit that was not meant",
	  .why = "libvirt counts in KiB where no unit is said: <memory>4</memory> is "
		 "4 KiB, and the guest does not come up.",
	  .steps = "<memory unit='GiB'>4</memory>",
	  .source = "libvirt formatdomain, memory",
	  .since = "0.1.0",
	  CHECK(domain, check_unit) },
	{ .id = "domain-sev-debug",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a confidential guest that its host may debug",
	  .why = "Without bit 0 of the policy the host's owner may read the guest's memory "
		 "through the firmware, which SEV is there to prevent.",
	  .source = "AMD SEV API, guest policy; libvirt, launch_security_sev",
	  .since = "0.1.0",
	  CHECK_FIX(domain, check_debug, fix_debug) },
	{ .id = "os-kernel-options",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "an initial RAM disk or a command line, and no kernel",
	  .why = "libvirt defines the domain, and QEMU exits when it is started.",
	  .steps = "Name the <kernel>, or remove them: a kernel on the disk has its own.",
	  .source = "QEMU, hw/core/machine.c and softmmu/vl.c; libvirt, "
		    "src/qemu/qemu_command.c (qemuBuildBootCommandLine)",
	  .since = "0.1.0",
	  CHECK(domain, check_kernel) },
};
RULES_END(domain_sense);
