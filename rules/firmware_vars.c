/* What is in a firmware's variables, against its code and against the VM's disks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/nvram.h"
#include "analyze/firmware.h"
#include "rules/boot_survey.h"
#include "rules/rules.h"
#include "base/banned.h"

/* And nothing else: one file may have both, and the code is behind them then. */
static bool holds_variables(const struct medium *m)
{
	return m && m->nvram && m->file.size <= m->nvram->size.v;
}

/* ---- firmware-vars-content, firmware-code-content ---- */

/* OVMF takes a volume as it is, or does without; that of ARM makes one in empty flash. */
static bool runs_ovmf(const struct vm *vm)
{
	struct firmware w = firmware_of(vm);

	return w.kind == FIRMWARE_UEFI && (w.arch == EFI_X64 || w.arch == EFI_IA32);
}

static void check_vars(struct scan *s, const struct vm *vm)
{
	const struct medium *m = vm->nvram_medium;
	struct finding *f;

	/* Both are swapped: check_code() says so. */
	if (!vm_runs_qemu(vm) || vm->base || !m || holds_variables(vm->loader_medium))
		return;
	if (m->program.kind == PROGRAM_FIRMWARE) {
		f = report(s, vm->nvram.at,
			   "'%s' is a firmware's code, expected variables",
			   shown(s, vm->nvram.v));
		report_label(s, f, "the firmware stops with an exception");
		report_related(s, f, m->program.at, "whose volume it is");
		return;
	}
	if (m->nvram && m->file.size < m->nvram->size.v) {
		f = report(s, vm->nvram.at,
			   "'%s' has %llu bytes, and the variables in it take %llu",
			   shown(s, vm->nvram.v), (unsigned long long)m->file.size,
			   (unsigned long long)m->nvram->size.v);
		report_related(s, f, m->nvram->size.at, "their size");
	} else if (m->blank && m->file.size > 0 && runs_ovmf(vm)) {
		f = report(
			s, vm->nvram.at,
			"'%s' is all zeros, expected a copy of the variables that come with "
			"the firmware's code",
			shown(s, vm->nvram.v));
	} else {
		return;
	}
	report_label(s, f, "it cannot keep any: boot entries are gone after each start");
	report_lower(f);
}

static void check_code(struct scan *s, const struct vm *vm)
{
	const struct medium *m = vm->loader_medium;
	struct finding *f;

	if (!vm_runs_qemu(vm) || vm->base || !holds_variables(m))
		return;
	f = report(s, vm->loader.at,
		   "'%s' holds a firmware's variables, expected its code",
		   shown(s, vm->loader.v));
	report_label(s, f, "there is nothing in it that could run: the VM shows nothing");
	report_related(s, f, m->program.at, "whose volume it is");
	m = vm->nvram_medium;
	if (m && m->program.kind == PROGRAM_FIRMWARE)
		report_related(s, f, vm->nvram.at, "this is the code: they are swapped");
}

/* ---- firmware-boot-entry ---- */

static bool has_part(const struct disk *d, struct guid guid)
{
	for (size_t i = 0; d->medium && i < d->medium->nparts; i++) {
		if (guid_eq(d->medium->part[i].guid, guid))
			return true;
	}
	return false;
}

static bool is_anywhere(const struct vm *vm, struct guid guid)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		if (has_part(&vm->disks[i], guid))
			return true;
	}
	return false;
}

/* The first entry that leads to a partition; NULL: one leads to a partition that is there, or
 * none to any. */
static const struct nvram_entry *lost_entry(const struct vm *vm, const struct nvram *n)
{
	const struct nvram_entry *first = NULL;

	for (size_t i = 0; i < n->nentries; i++) {
		const struct nvram_entry *e = &n->entry[i];

		if (!e->active || !e->has_partition)
			continue;
		if (is_anywhere(vm, e->partition))
			return NULL;
		first = first ? first : e;
	}
	return first;
}

/* All disks are known, with their tables, and one has a GPT. */
static bool all_known(const struct vm *vm)
{
	bool gpt = false;

	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		if (fact_is(&d->device, "pflash") || fact_is(&d->device, "cdrom") ||
		    fact_is(&d->device, "floppy"))
			continue;
		if (!boot_seen(d) || (d->medium->table != TABLE_GPT && !d->medium->blank))
			return false;
		gpt = gpt || d->medium->table == TABLE_GPT;
	}
	return gpt;
}

static void check_entry(struct scan *s, const struct vm *vm)
{
	const struct medium *m = vm->nvram_medium;
	const struct nvram_entry *e =
		m && m->nvram && m->nvram->complete ? lost_entry(vm, m->nvram) : NULL;
	struct survey v = survey_of(vm);
	struct finding *f;
	char guid[37];

	if (!e || v.unknown || v.firmware.kind != FIRMWARE_UEFI || !all_known(vm))
		return;
	guid_text(e->partition, guid);
	f = report(s, vm->nvram.at,
		   "boot entry '%s' in '%s' starts from partition %s, and no disk of the "
		   "VM has it",
		   shown(s, e->name), shown(s, vm->nvram.v), guid);
	report_label(s, f, "%s",
		     v.starts
			     ? "the firmware passes over it, and starts what it finds by "
			       "itself"
			     : "the firmware finds nothing to start, and ends in its "
			       "shell or menu");
	report_related(s, f, e->partition_at, "Boot%04X", e->number);
	if (v.starts)
		report_lower(f);
}

const struct rule rules_firmware_vars[] = {
	{ .id = "firmware-boot-entry",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a boot entry for a partition that no disk has",
	  .why = "The firmware's variables belong to another disk: it was replaced, or "
		 "its partitions were given new GUIDs. What the entry would start is not "
		 "there, and without \\EFI\\BOOT\\BOOTX64.EFI nothing is.",
	  .steps =
		  "Attach the disk that the entry is for; or let the firmware begin with "
		  "fresh variables (virsh start --reset-nvram), and reinstall the boot "
		  "loader with its fallback: grub-install --removable.",
	  .source = "UEFI 2.10, 3.1.3, 10.3.5.1; edk2, BdsDxe",
	  .since = "0.1.0",
	  CHECK(vm, check_entry) },
	{ .id = "firmware-code-content",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a firmware's variables in the place of its code",
	  .why = "The first flash holds the program that starts the machine. A file of "
		 "variables has none.",
	  .steps = "Swap the two files: code is the larger one, OVMF_CODE_4M.fd, and "
		   "read-only; variables are a copy of OVMF_VARS_4M.fd.",
	  .source =
		  "edk2, OvmfPkg/README; QEMU, hw/i386/pc_sysfw.c; seen with QEMU 7.2 and "
		  "OVMF 2022.11",
	  .since = "0.1.0",
	  CHECK(vm, check_code) },
	{ .id = "firmware-vars-content",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a file of variables that has none in it, or not all of them",
	  .why = "The second flash holds a firmware's variables, in a volume whose header "
		 "says how large it is. The firmware looks for it at a fixed place.",
	  .steps = "Make it anew, as a copy of the file of variables that belongs to the "
		   "code (OVMF_VARS_4M.fd to OVMF_CODE_4M.fd). Boot entries are lost.",
	  .source =
		  "edk2, OvmfPkg/QemuFlashFvbServicesRuntimeDxe; UEFI PI 1.8, volume 3; "
		  "seen with QEMU 7.2 and OVMF 2022.11",
	  .since = "0.1.0",
	  CHECK(vm, check_vars) },
};
RULES_END(firmware_vars);
