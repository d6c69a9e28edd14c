/* The files of a VM's firmware against each other and against the machine: EDK2's code and its
 * variables, as QEMU's, Debian's and Fedora's packages name them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/firmware.h"
#include "analyze/config/qemu.h"
#include "analyze/medium.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

enum {
	/* OvmfPkg, OvmfPkgDefines.fdf.inc: what is in one flash of 2 or 4 MiB. */
	CODE_2M = 1966080,
	VARS_2M = 131072,
	CODE_4M = 3653632,
	VARS_4M = 540672,
};

static bool is_x86(const struct firmware *w)
{
	return w->arch == EFI_X64 || w->arch == EFI_IA32;
}

static bool is_code(struct str path)
{
	return firmware_named(path) == FIRMWARE_UEFI &&
	       (str_has(path, "CODE") || str_has(path, "-code"));
}

/* ---- firmware-code-as-bios ---- */

/* Without its variables it does not end where a PC begins, at a multiple of 64 KiB. */
static bool is_half(struct str path)
{
	return is_code(path) && (str_has(path, "_4M") || str_has(path, "edk2-x86_64-") ||
				 str_has(path, "edk2-i386-"));
}

static void check_bios(struct scan *s, const struct vm *vm)
{
	struct firmware w = firmware_of(vm);
	struct finding *f;

	if (!vm_runs_qemu(vm) || !is_x86(&w) || !fact_known(&vm->loader) ||
	    !is_half(vm->loader.v))
		return;
	if (vm->flavour == FLAVOUR_LIBVIRT
		    ? !fact_absent(&vm->loader_type) && !fact_is(&vm->loader_type, "rom")
		    : !fact_is(&vm->loader_type, "rom"))
		return;
	f = report(s, vm->loader.at,
		   "'%s' is the code of a firmware for flash, and %s as a BIOS",
		   shown(s, vm->loader.v),
		   vm->flavour == FLAVOUR_LIBVIRT ? "loaded" : "given");
	report_label(s, f, "QEMU exits at start: could not load PC BIOS");
}

static bool flash_in_words(struct plan *p, const struct vm *vm)
{
	const struct qemu_option *o = qemu_option(vm->qemu, "bios");

	if (!o || !o->value || str_has(o->value->text, ",") || !may_be_added(vm, "drive"))
		return plan_refuse(p, "it is to be -drive if=pflash,format=raw,"
				      "readonly=on,file=...");
	plan_title(p, "-drive if=pflash,format=raw,readonly=on,file=...");
	return plan_word(p, o->word, 0, o->word->text.n, STR("-drive")) &&
	       plan_word(p, o->value, 0, 0,
			 STR("if=pflash,format=raw,readonly=on,file="));
}

static bool fix_bios(struct plan *p, const struct finding *f, const struct vm *vm)
{
	(void)f;
	if (vm->flavour == FLAVOUR_QEMU)
		return flash_in_words(p, vm);
	if (vm->flavour != FLAVOUR_LIBVIRT)
		return plan_refuse(p, "name it as efi_firmware_code, and its variables "
				      "as efi_firmware_vars");
	/* firmware-code-writable sees to the rest. */
	plan_title(p, "<loader type='pflash'>");
	return plan_set(p, &vm->loader_type, "pflash");
}

/* ---- firmware-secure-machine ---- */

static bool needs_smm(struct str path)
{
	return is_code(path) && (str_has(path, "secboot") || str_has(path, "secure") ||
				 str_has(path, ".ms.fd") || str_has(path, "snakeoil"));
}

static bool is_i440fx(const struct vm *vm)
{
	if (fact_absent(&vm->machine))
		return vm->flavour == FLAVOUR_QEMU || vm->flavour == FLAVOUR_PACKER;
	return fact_is(&vm->machine, "pc") ||
	       (fact_known(&vm->machine) && str_starts(vm->machine.v, "pc-i440fx"));
}

static void check_machine(struct scan *s, const struct vm *vm)
{
	struct firmware w = firmware_of(vm);
	struct finding *f;

	if (!vm_runs_qemu(vm) || vm->base || !is_x86(&w) || !fact_known(&vm->loader) ||
	    !needs_smm(vm->loader.v) || !is_i440fx(vm))
		return;
	f = report(s, fact_known(&vm->machine) ? vm->machine.at : vm->loader.at,
		   "'%s' needs SMM, and the machine is %s, expected q35",
		   shown(s, vm->loader.v),
		   fact_known(&vm->machine) ? shown(s, vm->machine.v)
					    : "pc, as none is named");
	report_label(s, f, "the VM runs, and shows nothing at all");
	if (fact_known(&vm->machine))
		report_related(s, f, vm->loader.at, "the firmware");
}

static bool fix_machine(struct plan *p, const struct finding *f, const struct vm *vm)
{
	(void)f;
	if (vm->flavour == FLAVOUR_LIBVIRT)
		return plan_refuse(p, "the addresses of its devices are those of i440fx: "
				      "take a firmware without Secure Boot, or move the "
				      "VM to q35");
	if (!vm->machine.lens)
		return plan_refuse(p, "-machine q35 is to be added");
	plan_title(p, "machine q35");
	return plan_set(p, &vm->machine, "q35");
}

/* ---- firmware-code-writable ---- */

/* The flash of that number; NULL: it is none of the VM's disks. */
static const struct disk *flash_of(const struct vm *vm, const struct fact *file)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		if (fact_known(file) && fact_known(&d->source) &&
		    d->source.at.off == file->at.off)
			return d;
	}
	return NULL;
}

static const struct fact *readonly_of(const struct vm *vm)
{
	const struct disk *d;

	if (vm->flavour == FLAVOUR_LIBVIRT)
		return &vm->loader_readonly;
	d = vm->flavour == FLAVOUR_QEMU ? flash_of(vm, &vm->loader) : NULL;
	return d ? &d->readonly : NULL;
}

static void check_writable(struct scan *s, const struct vm *vm)
{
	const struct fact *readonly = readonly_of(vm);
	struct finding *f;

	if (!vm_runs_qemu(vm) || !readonly || !fact_is(&vm->loader_type, "pflash") ||
	    !fact_known(&vm->loader) || !is_code(vm->loader.v))
		return;
	if (!fact_absent(readonly) && !fact_is(readonly, "no"))
		return;
	/* A copy of its own beside the config is the VM's own business. */
	if (vm->loader.v.p[0] != '/' || !str_starts(vm->loader.v, "/usr/"))
		return;
	f = report(s, vm->loader.at,
		   "the guest may write to '%s', which other VMs start with as well",
		   shown(s, vm->loader.v));
	report_label(s, f,
		     "QEMU takes no lock on it; or cannot open it, when it is not "
		     "root");
}

static bool fix_writable(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct fact *readonly = readonly_of(vm);

	(void)f;
	if (!readonly || !readonly->lens)
		return plan_refuse(p, "-pflash has no place for it: -drive if=pflash,"
				      "format=raw,readonly=on,file=...");
	plan_title(p, says_qemu(vm) ? "readonly=on" : "readonly='yes'");
	return plan_set(p, readonly, says_qemu(vm) ? "on" : "yes");
}

/* ---- firmware-pair ---- */

enum build { BUILD_UNKNOWN, BUILD_2M, BUILD_4M };

static enum build by_size(const struct medium *m, uint64_t two, uint64_t four)
{
	if (!m)
		return BUILD_UNKNOWN;
	return m->disk_size == two    ? BUILD_2M
	       : m->disk_size == four ? BUILD_4M
				      : BUILD_UNKNOWN;
}

/* As Debian and Ubuntu name them: OVMF_CODE.fd, OVMF_CODE_4M.fd, OVMF_VARS_4M.ms.fd. */
static enum build by_name(struct str path, const char *word)
{
	if (!str_has(path, word) || !str_ends(path, ".fd"))
		return BUILD_UNKNOWN;
	return str_has(path, "_4M") ? BUILD_4M : BUILD_2M;
}

static const struct medium *medium_of_file(const struct vm *vm, const struct fact *file)
{
	const struct disk *d = flash_of(vm, file);

	if (d && d->medium)
		return d->medium;
	return file == &vm->loader  ? vm->loader_medium
	       : file == &vm->nvram ? vm->nvram_medium
				    : NULL;
}

static enum build build_of(const struct vm *vm, const struct fact *file, const char *word,
			   uint64_t two, uint64_t four)
{
	const struct medium *m = medium_of_file(vm, file);
	enum build b = by_size(m, two, four);

	if (b != BUILD_UNKNOWN || !fact_known(file) || m)
		return b;
	/* Only there these are the names of what is in it. */
	return str_starts(file->v, "/usr/share/OVMF/") ? by_name(file->v, word) : b;
}

static void check_pair(struct scan *s, const struct vm *vm)
{
	/* The file itself, where it is there; else it is made from the template. */
	const struct fact *vars = fact_known(&vm->nvram_template) && !vm->nvram_medium
					  ? &vm->nvram_template
					  : &vm->nvram;
	struct firmware w = firmware_of(vm);
	enum build code, data;
	struct finding *f;

	if (!vm_runs_qemu(vm) || vm->base || !is_x86(&w) ||
	    !fact_is(&vm->loader_type, "pflash"))
		return;
	code = build_of(vm, &vm->loader, "/OVMF_CODE", CODE_2M, CODE_4M);
	data = build_of(vm, vars, "/OVMF_VARS", VARS_2M, VARS_4M);
	if (code == BUILD_UNKNOWN || data == BUILD_UNKNOWN || code == data)
		return;
	f = report(s, vars->at,
		   "'%s' are variables for a firmware of %s MiB, and '%s' "
		   "is one of %s",
		   shown(s, vars->v), data == BUILD_4M ? "4" : "2",
		   shown(s, vm->loader.v), code == BUILD_4M ? "4" : "2");
	report_label(s, f, "%s",
		     code == BUILD_2M ? "the firmware stops with an exception"
				      : "it cannot keep them: boot entries are gone "
					"after each start");
	report_related(s, f, vm->loader.at, "the firmware's code");
}

#define SEEN "seen with QEMU 7.2 and OVMF 2022.11 (make check-boot)"

const struct rule rules_firmware[] = {
	{ .id = "firmware-code-as-bios",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a firmware's code for flash, given as a BIOS",
	  .why = "OVMF comes as one file for -bios, or as two for flash: code and "
		 "variables. The code of 4 MiB builds alone has a size that no BIOS can "
		 "have, and QEMU does not start.",
	  .steps = "QEMU: -drive if=pflash,format=raw,readonly=on,file=CODE and a second "
		   "-drive if=pflash,format=raw with a copy of the variables. Packer: "
		   "efi_firmware_code and efi_firmware_vars. Or OVMF.fd with -bios.",
	  .source = "QEMU, hw/i386/x86.c, x86_bios_rom_init(); "
		    "hashicorp/packer-plugin-qemu#97; " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_bios, fix_bios) },
	{ .id = "firmware-code-writable",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a guest that may write to the firmware of all VMs",
	  .why = "Flash that is not read-only is written through to the file. It is the "
		 "host's, other VMs start with it, and QEMU takes no lock on it.",
	  .source = "QEMU, hw/block/pflash_cfi01.c; libvirt formatdomain, loader",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_writable, fix_writable) },
	{ .id = "firmware-pair",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "code and variables of two builds of OVMF",
	  .why = "The code knows at which place of the flash its variables are; those of "
		 "the build with 2 MiB are shorter. With code for 2 and variables for 4 MiB "
		 "it does not start; the other way round it forgets its boot entries.",
	  .steps = "Take both with _4M in their names, or both without. A VM's own file "
		   "of variables is made anew from the right one: boot entries are lost.",
	  .source = "edk2, OvmfPkg/OvmfPkgDefines.fdf.inc; kholia/OSX-KVM#278; " SEEN,
	  .since = "0.1.0",
	  CHECK(vm, check_pair) },
	{ .id = "firmware-secure-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a firmware with Secure Boot on a machine without SMM",
	  .why = "OVMF with Secure Boot keeps its variables in system management mode, "
		 "which only q35 has. On i440fx it stops before it can say so.",
	  .steps = "Use q35 (the guest sees other PCI devices), or firmware without "
		   "Secure Boot: OVMF_CODE_4M.fd.",
	  .source = "edk2, OvmfPkg/README, SMM support; tianocore/edk2#9139; " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_machine, fix_machine) },
};
RULES_END(firmware);
