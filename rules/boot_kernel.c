/* What QEMU is told to start directly: is it a kernel, for this kind of machine, and an initial
 * RAM disk?
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/firmware.h"
#include "analyze/medium.h"
#include "rules/rules.h"
#include "base/banned.h"

/* What a file is that is neither; NULL: that is not known. */
static const char *other_file(struct scan *s, const struct medium *m)
{
	if (m->file.size == 0)
		return "empty";
	if (m->is_stray && m->stray.kind != STRAY_ARCHIVE)
		return m->stray.what;
	if (medium_is(m, "iso9660"))
		return "an ISO 9660 image";
	if (!medium_is(m, "raw"))
		return scan_printf(s, "a %s image", m->format);
	if (m->program.kind == PROGRAM_FIRMWARE || m->program.kind == PROGRAM_VARIABLES)
		return m->program.what;
	if (m->program.kind == PROGRAM_UNKNOWN && m->table == TABLE_GPT)
		return "a disk with a GPT";
	return NULL;
}

static void show_sign(struct scan *s, struct finding *f, const struct medium *m)
{
	if (m->program.kind != PROGRAM_UNKNOWN)
		report_related(s, f, m->program.at, "what shows it");
}

/* ---- boot-kernel ---- */

static const char *no_kernel(struct scan *s, const struct medium *m, enum efi_arch arch)
{
	const struct program *p = &m->program;

	switch (p->kind) {
	case PROGRAM_KERNEL:
	case PROGRAM_ELF:
	case PROGRAM_PE:
		return NULL;
	case PROGRAM_ARCHIVE:
		return p->what;
	case PROGRAM_PACKED:
		/* Those of ARM come packed, and QEMU unpacks them. */
		return arch == EFI_X64 || arch == EFI_IA32 ? p->what : NULL;
	case PROGRAM_UNKNOWN:
	case PROGRAM_FIRMWARE:
	case PROGRAM_VARIABLES:
		break;
	}
	return other_file(s, m);
}

static void check_kernel(struct scan *s, const struct vm *vm)
{
	const struct medium *m = vm->kernel_medium;
	enum efi_arch arch = firmware_of(vm).arch;
	struct finding *f;
	const char *is;

	if (!vm_runs_qemu(vm) || !m || arch == EFI_ARCHES)
		return;
	if (!program_runs_on(&m->program, arch)) {
		f = report(s, vm->kernel.at, "'%s' is %s, and the VM is one of %s",
			   shown(s, vm->kernel.v),
			   m->program.kind == PROGRAM_KERNEL
				   ? m->program.what
				   : scan_printf(s, "%s for %s", m->program.what,
						 efi_arch_name(m->program.arch)),
			   efi_arch_name(arch));
		if (fact_known(&vm->arch))
			report_related(s, f, vm->arch.at, "the machine");
	} else {
		is = no_kernel(s, m, arch);
		if (!is)
			return;
		f = report(s, vm->kernel.at, "'%s' is %s, expected a kernel for %s",
			   shown(s, vm->kernel.v), is, efi_arch_name(arch));
	}
	report_label(s, f, "QEMU exits at start, or the VM shows nothing");
	show_sign(s, f, m);
}

/* ---- boot-initrd ---- */

static void check_initrd(struct scan *s, const struct vm *vm)
{
	const struct medium *m = vm->initrd_medium;
	struct finding *f;
	const char *is;

	/* A list of several, for kernels of Multiboot. */
	if (!vm_runs_qemu(vm) || !m || str_has(vm->initrd.v, ","))
		return;
	is = m->program.kind == PROGRAM_KERNEL || m->program.kind == PROGRAM_PE
		     ? m->program.what
		     : other_file(s, m);
	if (!is)
		return;
	f = report(s, vm->initrd.at, "'%s' is %s, expected an initial RAM disk",
		   shown(s, vm->initrd.v), is);
	report_label(s, f, "the kernel cannot unpack it, and finds no root file system");
	show_sign(s, f, m);
}

const struct rule rules_boot_kernel[] = {
	{ .id = "boot-initrd",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an initial RAM disk that is none",
	  .why = "The kernel unpacks a cpio archive, packed or not, or mounts a file "
		 "system. Anything else it drops with \"Initramfs unpacking failed\", "
		 "and stops when it looks for its root.",
	  .steps = "Name the initial RAM disk that was made for this kernel: initrd.img, "
		   "initramfs. Kernel and initrd are easily swapped.",
	  .source = "Linux, init/initramfs.c; Documentation/admin-guide/initrd.rst",
	  .since = "0.1.0",
	  CHECK(vm, check_initrd) },
	{ .id = "boot-kernel",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a kernel that is none, or is for another kind of machine",
	  .why = "QEMU loads the file itself: on x86 it wants the header of Linux's boot "
		 "protocol, on others an image with that machine's header. What has "
		 "neither is refused, or run as it is, to no end.",
	  .steps = "Name the kernel for this machine: vmlinuz or bzImage on x86, Image "
		   "on arm64 and riscv64. Kernel and initrd are easily swapped.",
	  .source = "Linux, Documentation/arch/x86/boot.rst, arch/arm64/booting.rst; "
		    "QEMU, hw/i386/x86.c, hw/arm/boot.c",
	  .since = "0.1.0",
	  CHECK(vm, check_kernel) },
};
RULES_END(boot_kernel);
