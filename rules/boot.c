/* What a VM starts with against what its disks can boot. All of its disks are looked at; where
 * one is not here, or anything else may be booted, nothing is said.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/boot_survey.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/qemu.h"
#include "base/banned.h"

/* Nothing of what there is starts, and something is there. */
static bool is_dead(const struct survey *v)
{
	return !v->unknown && !v->doubt && !v->starts && v->first;
}

/* Others have no BIOS. */
static bool may_have_bios(const struct survey *v)
{
	return v->firmware.arch == EFI_X64 || v->firmware.arch == EFI_IA32 ||
	       v->firmware.arch == EFI_ARCHES;
}

/* Where the firmware is said; else where the disk is. */
static struct span place_of(const struct survey *v, const struct disk *d)
{
	return v->firmware.says && fact_known(v->firmware.says) &&
			       v->firmware.kind == FIRMWARE_UEFI
		       ? v->firmware.says->at
		       : image_name(d)->at;
}

/* A device of the host may be what is booted, and another medium is. */
static void lower_for_others(struct scan *s, struct finding *f, const struct vm *vm,
			     const struct survey *v)
{
	if (vm->nhostdevs || v->instead)
		report_lower(f);
	if (v->instead)
		report_label(s, f, "%s passes over it, and starts '%s'",
			     v->firmware.kind == FIRMWARE_BIOS ? "SeaBIOS"
							       : "the firmware",
			     shown(s, image_name(v->instead)->v));
}

/* ---- boot-bios-disk-on-uefi ---- */

static void check_bios_disk(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of_dead(vm);
	const struct medium_boot *b;
	struct finding *f;

	if (!is_dead(&v) || v.firmware.kind != FIRMWARE_UEFI || !v.bios ||
	    !may_have_bios(&v))
		return;
	b = boot_seen(v.bios);
	f = report(s, place_of(&v, v.bios),
		   "the VM starts with UEFI, and '%s' has a boot sector for a BIOS (%s) "
		   "and no loader for UEFI",
		   shown(s, image_name(v.bios)->v), boot_code_name(b->code));
	report_label(
		s, f,
		"the firmware finds nothing to start, and ends in its shell or menu");
	report_related(s, f, image_name(v.bios)->at, "%s",
		       fact_is(&v.bios->device, "cdrom") ? "the medium" : "the disk");
	report_related(s, f, b->bios.at, "what a BIOS starts");
	lower_for_others(s, f, vm, &v);
}

static bool remove_child(struct plan *p, const struct node *n, const char *name)
{
	const struct node *c = node_child(n, name);

	return !c || plan_remove_node(p, c);
}

/* <os firmware='efi'>, or <loader> and <nvram>, and what belongs to them. */
static bool bios_in_libvirt(struct plan *p, const struct vm *vm)
{
	const struct node *os = node_child(vm->node, "os");

	plan_title(p, "SeaBIOS, which is QEMU's default, in place of UEFI");
	if (!os || (fact_known(&vm->firmware) && !plan_remove(p, &vm->firmware)))
		return false;
	return remove_child(p, os, "firmware") && remove_child(p, os, "loader") &&
	       remove_child(p, os, "nvram");
}

static bool bios_in_words(struct plan *p, const struct vm *vm)
{
	const struct qemu_option *bios = qemu_option(vm->qemu, "bios"), *o;
	bool done = false;

	plan_title(p, "SeaBIOS, which is QEMU's default, in place of UEFI");
	if (fact_is(&vm->loader_type, "rom") && bios)
		return plan_remove_option(p, vm->qemu, bios);
	for (size_t i = 0; i < vm->ndisks; i++) {
		o = option_of_disk(&vm->disks[i]);
		if (!fact_is(&vm->disks[i].device, "pflash") || !o)
			continue;
		if (!plan_remove_option(p, vm->qemu, o))
			return false;
		done = true;
	}
	return done || plan_refuse(p, "-machine names its firmware: remove pflash0, "
				      "pflash1 and their -blockdev");
}

static bool fix_bios_disk(struct plan *p, const struct finding *f, const struct vm *vm)
{
	(void)f;
	switch (vm->flavour) {
	case FLAVOUR_LIBVIRT:
		return bios_in_libvirt(p, vm);
	case FLAVOUR_QEMU:
		return bios_in_words(p, vm);
	case FLAVOUR_QUICKEMU:
		plan_title(p, "boot=\"legacy\"");
		return plan_set(p, &vm->firmware, "legacy");
	case FLAVOUR_PACKER:
		if (!fact_absent(&vm->nvram_template) || !fact_absent(&vm->loader))
			return plan_refuse(p, "the files of its firmware are named: "
					      "remove them, too");
		plan_title(p, "remove efi_boot (the default is a BIOS)");
		return plan_remove(p, &vm->firmware);
	case FLAVOUR_UTM:
		if (!fact_absent(&vm->loader))
			return plan_refuse(p, "a drive of type BIOS is its firmware");
		plan_title(p, "no UEFI: UTM's QEMU starts SeaBIOS then");
		return plan_set(p, &vm->firmware, "false");
	case FLAVOUR_INCUS:
		break;
	}
	return plan_refuse(p,
			   "security.csm=true needs security.secureboot=false as well");
}

/* ---- boot-uefi-disk-on-bios ---- */

static void check_uefi_disk(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of_dead(vm);
	const struct medium_boot *b;
	struct finding *f;

	if (!is_dead(&v) || v.firmware.kind != FIRMWARE_BIOS || !v.uefi)
		return;
	b = boot_seen(v.uefi);
	f = report(s, place_of(&v, v.uefi),
		   "the VM starts with a BIOS, and '%s' has a loader for UEFI only",
		   shown(s, image_name(v.uefi)->v));
	report_label(s, f, "%s",
		     fact_is(&v.uefi->device, "cdrom")
			     ? "SeaBIOS says: Boot failed: Could not read from CDROM"
			     : "SeaBIOS says \"Booting from Hard Disk...\", and that is "
			       "all");
	report_related(s, f, b->uefi[v.firmware.arch].at, "the loader, %s",
		       efi_arch_fallback(v.firmware.arch));
	if (b->bios.why)
		report_related(s, f, b->bios.at, "for a BIOS: %s", b->bios.why);
	lower_for_others(s, f, vm, &v);
}

static bool uefi_in_libvirt(struct plan *p, const struct vm *vm)
{
	if (!fact_absent(&vm->loader))
		return plan_refuse(p, "<loader> names the BIOS: remove it, and say "
				      "firmware='efi'");
	plan_title(p, "firmware='efi'");
	/* libvirt refuses UEFI without ACPI on a PC. */
	if (fact_absent(&vm->acpi) && !plan_set(p, &vm->acpi, "yes"))
		return false;
	return plan_set(p, &vm->firmware, "efi");
}

static bool fix_uefi_disk(struct plan *p, const struct finding *f, const struct vm *vm)
{
	(void)f;
	switch (vm->flavour) {
	case FLAVOUR_LIBVIRT:
		return uefi_in_libvirt(p, vm);
	case FLAVOUR_QEMU:
		return plan_refuse(p, "where UEFI's files are, only that machine knows: "
				      "-drive if=pflash,format=raw,readonly=on,"
				      "file=OVMF_CODE_4M.fd and a copy of "
				      "OVMF_VARS_4M.fd");
	case FLAVOUR_QUICKEMU:
		plan_title(p, "boot=\"efi\"");
		return plan_set(p, &vm->firmware, "efi");
	case FLAVOUR_PACKER:
		if (!fact_absent(&vm->loader))
			return plan_refuse(p, "firmware names the BIOS: remove it, and "
					      "say efi_boot = true");
		plan_title(p, "efi_boot = true");
		return plan_set(p, &vm->firmware, "true");
	case FLAVOUR_UTM:
		if (!fact_absent(&vm->loader))
			return plan_refuse(p, "a drive of type BIOS is its firmware");
		plan_title(p, "UEFI");
		return plan_set(p, &vm->firmware, "true");
	case FLAVOUR_INCUS:
		plan_title(p, "remove security.csm");
		return plan_remove(p, &vm->firmware);
	}
	return false;
}

/* ---- boot-loader-arch ---- */

static void check_arch(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of_dead(vm);
	struct finding *f;

	if (!is_dead(&v) || (may_have_bios(&v) && (v.bios || v.large)) || v.uefi ||
	    !v.alien || v.firmware.arch == EFI_ARCHES)
		return;
	f = report(s, image_name(v.alien)->at,
		   "'%s' has a loader for %s machines, and the VM is one of %s",
		   shown(s, image_name(v.alien)->v), efi_arch_name(v.alien_arch),
		   efi_arch_name(v.firmware.arch));
	report_label(s, f, "nothing on it starts");
	report_related(s, f, boot_seen(v.alien)->uefi[v.alien_arch].at, "the loader, %s",
		       efi_arch_fallback(v.alien_arch));
	if (fact_known(&vm->arch))
		report_related(s, f, vm->arch.at, "the machine");
	lower_for_others(s, f, vm, &v);
}

/* ---- boot-nothing ---- */

/* The image itself has a finding that says why: pmbr-missing, or gpt-type-content. */
static bool is_said(const struct medium *m)
{
	static const struct guid esp = { { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					   0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9,
					   0x3b } };

	if (!m->judged || m->table != TABLE_GPT)
		return false;
	for (size_t i = 0; i < m->nparts; i++) {
		if (guid_eq(m->part[i].type, esp) && m->part[i].filesystem &&
		    strcmp(m->part[i].filesystem, "FAT") != 0)
			return true;
	}
	return !m->boot->marked;
}

static void check_nothing(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of_dead(vm);
	const struct medium_boot *b;
	struct finding *f;
	bool bios = v.firmware.kind == FIRMWARE_BIOS;

	if (!is_dead(&v) || v.bios || v.large || v.uefi || v.alien || vm->nhostdevs)
		return;
	/* Without a table it is data; with empty partitions it is yet to be installed on. */
	if (v.first->medium->table == TABLE_NONE || !v.first->medium->filled ||
	    is_said(v.first->medium))
		return;
	b = boot_seen(v.first);
	f = report(s, image_name(v.first)->at,
		   "'%s' has partitions, and neither a boot sector nor a loader for UEFI",
		   shown(s, image_name(v.first)->v));
	report_label(s, f, "%s finds nothing to start",
		     bios ? "SeaBIOS" : "the firmware");
	if (bios && b->bios.why)
		report_related(s, f, b->bios.at, "%s", b->bios.why);
	else if (!bios && v.firmware.arch != EFI_ARCHES && b->uefi[v.firmware.arch].why)
		report_related(s, f, b->uefi[v.firmware.arch].at, "%s",
			       b->uefi[v.firmware.arch].why);
	lower_for_others(s, f, vm, &v);
}

/* ---- boot-bios-4k ---- */

static void check_4k(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of_dead(vm);
	struct finding *f;

	if (!is_dead(&v) || v.firmware.kind != FIRMWARE_BIOS || !v.large || v.bios ||
	    v.uefi)
		return;
	f = report(s, v.large->logical_block_size.at,
		   "the VM starts with a BIOS, and the disk to boot from has logical "
		   "blocks of %s bytes, expected 512",
		   shown(s, v.large->logical_block_size.v));
	report_label(s, f, "SeaBIOS does not offer it: No bootable device");
	f->arg = (uint64_t)(v.large - vm->disks);
	lower_for_others(s, f, vm, &v);
}

static bool fix_4k(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct disk *d = &vm->disks[f->arg];

	if (!d->medium || d->medium->table == TABLE_GPT)
		return plan_refuse(p, "its GPT is for such blocks: UEFI boots it, or "
				      "vmend fix --convert-sector-size 512 on the image");
	plan_title(p, "logical blocks of 512 bytes");
	return plan_set(p, &d->logical_block_size, "512");
}

/* ---- boot-secure-unsigned ---- */

static bool is_unsigned(const struct disk *d, enum efi_arch arch)
{
	const struct medium_boot *b = boot_seen(d);

	return b && b->uefi[arch].state == ANSWER_YES &&
	       b->is_signed[arch].state == ANSWER_NO && b->other.state == ANSWER_NO;
}

static void check_secure(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of(vm);
	const struct medium_boot *b;
	struct finding *f;
	size_t n = 0;

	if (v.unknown || v.doubt || !v.starts || v.firmware.secure != ANSWER_YES)
		return;
	for (size_t i = 0; i < vm->ndisks; i++)
		n += is_unsigned(&vm->disks[i], v.firmware.arch);
	if (n != v.nstarts)
		return;
	b = boot_seen(v.starts);
	f = report(s,
		   fact_known(v.firmware.says_secure) ? v.firmware.says_secure->at
						      : image_name(v.starts)->at,
		   "Secure Boot has its keys enrolled, and the loader on '%s' is not "
		   "signed",
		   shown(s, image_name(v.starts)->v));
	report_label(s, f, "the firmware refuses it: Access Denied, Security Violation");
	report_related(s, f, b->uefi[v.firmware.arch].at, "the loader, %s",
		       efi_arch_fallback(v.firmware.arch));
}

static bool fix_secure(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct fact *says = firmware_of(vm).says_secure;

	(void)f;
	if (vm->flavour == FLAVOUR_INCUS) {
		plan_title(p, "security.secureboot: \"false\"");
		return plan_set(p, &vm->secure_boot, "false");
	}
	if (says != &vm->secure_boot || !fact_known(says))
		return plan_refuse(p, "which file of variables has no keys, only that "
				      "machine knows: on Debian OVMF_VARS_4M.fd");
	plan_title(p, "no keys enrolled");
	return plan_replace(p, says->at, STR("no"));
}

#define OVMF "seen with QEMU 7.2, OVMF 2022.11 and SeaBIOS 1.16.2 (make check-boot)"

const struct rule rules_boot[] = {
	{ .id = "boot-bios-4k",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a BIOS, and a disk to boot from that has blocks of 4096 bytes",
	  .why = "SeaBIOS takes disks with blocks of 512 bytes only, on virtio, SCSI and "
		 "NVMe alike: others are not in its list.",
	  .steps = "Give it blocks of 512 bytes, if its table was written for these, or "
		   "let UEFI start it.",
	  .source =
		  "SeaBIOS, src/hw/virtio-blk.c, src/hw/blockcmd.c, src/hw/nvme.c; " OVMF,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_4k, fix_4k) },
	{ .id = "boot-bios-disk-on-uefi",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "UEFI firmware, and a disk that only a BIOS can start",
	  .why = "UEFI does not run boot sectors. It looks for \\EFI\\BOOT\\BOOTX64.EFI "
		 "in a FAT volume, and for what its own boot entries name; there is no "
		 "loader of either kind on any of the VM's disks.",
	  .steps = "Start the VM with a BIOS, as the disk was installed, or install a "
		   "loader for UEFI: a FAT volume, and grub-install --removable.",
	  .source = "UEFI 2.10, 3.1.2 and 3.5.1.1; " OVMF,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_bios_disk, fix_bios_disk) },
	{ .id = "boot-loader-arch",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk with a loader for another kind of machine",
	  .why = "Each kind of machine has its own name for the loader, and its own "
		 "instructions: BOOTAA64.EFI does not start on x86_64. There is no other "
		 "one on the VM's disks.",
	  .steps = "Get the image for this kind of machine, or run it with the QEMU and "
		   "the firmware of the other one (slowly).",
	  .source = "UEFI 2.10, 3.5.1.1; utmapp/UTM#6683, #5122; " OVMF,
	  .since = "0.1.0",
	  CHECK(vm, check_arch) },
	{ .id = "boot-nothing",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM whose disks have nothing that could be started",
	  .why = "There are partitions on its disk, but neither boot code in the first "
		 "sector nor a FAT volume with a loader for UEFI, and nothing else that "
		 "this VM boots from.",
	  .steps =
		  "Attach the disk that has the loader, the installation medium, or a "
		  "kernel. Where the loader was lost: grub-install from a rescue system.",
	  .source = "UEFI 2.10, 3.5.1.1; SeaBIOS, src/boot.c; " OVMF,
	  .since = "0.1.0",
	  CHECK(vm, check_nothing) },
	{ .id = "boot-secure-unsigned",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "Secure Boot with keys, and a loader that nobody has signed",
	  .why = "With keys enrolled the firmware starts only programs that carry a "
		 "signature of one of them. The only loader on the VM's disk has no "
		 "signature at all.",
	  .steps = "Turn Secure Boot off: variables without keys (libvirt: enrolled-keys "
		   "no; OVMF_VARS_4M.fd; Incus: security.secureboot=false). Or sign the "
		   "loader, and enroll its key.",
	  .source = "UEFI 2.10, 32.5.1; rancher/k3os#792; lxc/incus#2173; " OVMF,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_secure, fix_secure) },
	{ .id = "boot-uefi-disk-on-bios",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a BIOS, and a disk that only UEFI can start",
	  .why = "There is no boot code in the disk's first sector, but a loader for UEFI "
		 "in a FAT volume. SeaBIOS jumps to the empty sector, and hangs.",
	  .steps = "Start the VM with UEFI: libvirt <os firmware='efi'>; QEMU two -drive "
		   "if=pflash with OVMF's code and a copy of its variables; Packer "
		   "efi_boot = true; Quickemu boot=\"efi\".",
	  .source = "SeaBIOS, src/boot.c, boot_disk(); " OVMF,
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_uefi_disk, fix_uefi_disk) },
};
RULES_END(boot);
