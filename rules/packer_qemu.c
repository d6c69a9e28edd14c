/* The qemu builder: what rows of qemuargs take away without a word, and settings that are at
 * odds with each other or with the machine.
 * packer-plugin-qemu, builder/qemu/step_run.go, applyUserOverrides(), getDefaultArgs();
 * config.go; step_convert_disk.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/packer_rules.h"
#include "rules/rules.h"
#include "base/banned.h"

static bool is_true(const struct fact *f)
{
	return fact_is(f, "true") || fact_is(f, "1");
}

/* ---- rows of qemuargs ---- */

struct rows {
	const struct node *first; /* value of the first row of that option; NULL: none */
	size_t n;
	bool known; /* all rows are there to be read, and the values of these */
};

static bool is_known(const struct node *value)
{
	return value && !value->next &&
	       (value->kind == NODE_SCALAR ||
		(value->kind == NODE_OPAQUE && str_has(value->text, "{{") &&
		 !str_has(value->text, "user")));
}

static struct rows rows_of(const struct builder *b, const char *option)
{
	const struct node *list = builder_member(b, "qemuargs");
	struct rows rows = { .known = list && list->kind == NODE_LIST };

	for (const struct node *row = rows.known ? list->first : NULL; row;
	     row = row->next) {
		const struct node *name = row->first;

		if (row->kind != NODE_LIST || !name || name->kind != NODE_SCALAR) {
			rows.known = false;
			break;
		}
		if (!str_is(name->text, option))
			continue;
		rows.known = rows.known && is_known(name->next);
		rows.first = rows.first ? rows.first : name->next;
		rows.n++;
	}
	return rows;
}

/* Does the value of a row of that option have this in it? */
static bool rows_have(const struct builder *b, const char *option, const char *part)
{
	const struct node *list = builder_member(b, "qemuargs");

	for (const struct node *row = list ? list->first : NULL; row; row = row->next) {
		if (row->kind != NODE_LIST || !row->first || !row->first->next ||
		    !str_is(row->first->text, option))
			continue;
		if (str_has(row->first->next->text, part))
			return true;
	}
	return false;
}

static bool has_rows(const struct builder *b, const char *option)
{
	return rows_of(b, option).n > 0;
}

/* ---- packer-firmware-replaced ---- */

static const struct fact *efi(const struct builder *b)
{
	if (is_true(&b->efi_boot))
		return &b->efi_boot;
	if (fact_known(&b->efi_firmware_code))
		return &b->efi_firmware_code;
	return fact_known(&b->efi_firmware_vars) ? &b->efi_firmware_vars : NULL;
}

static void check_firmware(struct scan *s, const struct builder *b)
{
	struct rows drives = rows_of(b, "-drive");
	const struct fact *uefi = efi(b);
	struct finding *f;

	if (!is_packer_qemu(b) || !uefi || !drives.known || drives.n == 0 ||
	    rows_have(b, "-drive", "pflash") || has_rows(b, "-bios") ||
	    has_rows(b, "-pflash") || has_rows(b, "-blockdev") ||
	    has_rows(b, "-readconfig"))
		return;
	f = report(s, drives.first->text_at,
		   "qemuargs has -drive, and none of the rows is the firmware's flash");
	report_label(s, f,
		     "the VM starts with a BIOS: rows take the place of all drives");
	report_related(s, f, uefi->at, "UEFI is wanted here");
}

/* ---- packer-devices-replaced ---- */

struct lost {
	const struct fact *by;
	const char *part, *what;
};

static bool find_lost(const struct builder *b, struct lost *out)
{
	const struct node *tpm = builder_member(b, "vtpm");

	if (fact_is(&b->disk_interface, "virtio-scsi") && !has_rows(b, "-drive") &&
	    !rows_have(b, "-device", "scsi-hd") && !rows_have(b, "-device", "drive=")) {
		*out = (struct lost){ &b->disk_interface, "scsi-hd", "its disk" };
		return true;
	}
	if (fact_is(&b->cdrom_interface, "virtio-scsi") && !has_rows(b, "-drive") &&
	    !rows_have(b, "-device", "scsi-cd") && !rows_have(b, "-device", "drive=")) {
		*out = (struct lost){ &b->cdrom_interface, "scsi-cd", "its medium" };
		return true;
	}
	*out = (struct lost){ NULL, "tpm", "its TPM" };
	return tpm && tpm->kind == NODE_SCALAR && str_is(tpm->text, "true") &&
	       !rows_have(b, "-device", "tpm");
}

static void check_devices(struct scan *s, const struct builder *b)
{
	struct rows devices = rows_of(b, "-device");
	struct finding *f;
	struct lost lost;

	if (!is_packer_qemu(b) || !devices.known || devices.n == 0 ||
	    has_rows(b, "-readconfig") || !find_lost(b, &lost))
		return;
	f = report(s, devices.first->text_at,
		   "qemuargs has -device, and no row of it with %s", lost.part);
	report_label(s, f,
		     "the VM is without %s: rows take the place of all devices but the "
		     "network's",
		     lost.what);
	if (lost.by)
		report_related(s, f, lost.by->at, "which is attached as a device");
}

/* ---- packer-forward-lost ---- */

static void check_forward(struct scan *s, const struct builder *b)
{
	struct rows nets = rows_of(b, "-netdev");

	if (!is_packer_qemu(b) || !nets.known || nets.n != 1 ||
	    !str_starts(nets.first->text, "user,") ||
	    str_has(nets.first->text, "hostfwd") || !fact_absent(&b->net_bridge) ||
	    !fact_absent(&b->skip_nat_mapping) || !fact_absent(&b->ssh_host) ||
	    (!fact_absent(&b->communicator) && !fact_is(&b->communicator, "ssh") &&
	     !fact_is(&b->communicator, "winrm")))
		return;
	report_label(s,
		     report(s, nets.first->text_at,
			    "qemuargs has -netdev without hostfwd, expected "
			    "hostfwd=tcp::{{ .SSHHostPort }}-:22"),
		     "Packer never reaches the guest: it logs in through that port");
}

/* ---- packer-accel-lost ---- */

static void check_accel(struct scan *s, const struct builder *b)
{
	struct rows machines = rows_of(b, "-machine");

	if (!is_packer_qemu(b) || !machines.known || machines.n != 1 ||
	    str_has(machines.first->text, "accel=") || has_rows(b, "-accel") ||
	    has_rows(b, "-enable-kvm") || has_rows(b, "--enable-kvm") ||
	    has_rows(b, "--accel") || rows_have(b, "-cpu", "host") ||
	    (!fact_absent(&b->accelerator) &&
	     (!fact_known(&b->accelerator) || fact_is(&b->accelerator, "none") ||
	      fact_is(&b->accelerator, "tcg"))))
		return;
	report_label(s,
		     report(s, machines.first->text_at,
			    "qemuargs has -machine without accel=, expected machine_type "
			    "instead, or accel=kvm in it"),
		     "the VM is emulated, and slow: the row takes the place of the "
		     "accelerator, too");
}

static bool fix_accel(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct node *n = rows_of(b, "-machine").first;
	const char *accel = fact_known(&b->accelerator)
				    ? arena_str(p->arena, b->accelerator.v)
				    : "kvm:tcg";
	struct span end = { n->text_at.src, span_end(n->text_at), 0 };

	(void)f;
	if (n->from || n->text_at.len != n->text.n)
		return plan_refuse(p, "what it is is said elsewhere");
	plan_title(p, "-machine %s,accel=%s", str_shown(p->arena, n->text), accel);
	return plan_replace(p, end, str_of(arena_printf(p->arena, ",accel=%s", accel)));
}

/* ---- packer-cdrom-interface ---- */

static void check_cdrom(struct scan *s, const struct builder *b)
{
	static const char *const buses[] = { "ide",         "scsi", "virtio",
					     "virtio-scsi", "sd",   "none" };
	const struct fact *bus = &b->cdrom_interface;

	if (!is_packer_qemu(b) || !fact_known(bus) || has_rows(b, "-drive"))
		return;
	for (size_t i = 0; i < sizeof(buses) / sizeof(buses[0]); i++) {
		if (fact_is(bus, buses[i]))
			return;
	}
	report_label(s,
		     report(s, bus->at,
			    "cdrom_interface is '%s', expected ide, scsi, virtio or "
			    "virtio-scsi",
			    shown(s, bus->v)),
		     "packer validate takes it, and QEMU exits at start");
}

/* ---- packer-two-firmwares ---- */

static void check_two(struct scan *s, const struct builder *b)
{
	const struct fact *uefi = efi(b);
	struct finding *f;

	if (!is_packer_qemu(b) || !uefi || !fact_known(&b->firmware))
		return;
	f = report(s, b->firmware.at,
		   "firmware and %s are both set, expected one of them",
		   uefi->lens->field);
	report_label(s, f, "QEMU gets two firmwares");
	report_related(s, f, uefi->at, "%s", uefi->lens->field);
}

/* ---- packer-compression ---- */

static void check_compression(struct scan *s, const struct builder *b)
{
	const struct fact *with = NULL;
	const char *then;
	struct finding *f;

	if (!is_packer_qemu(b) || !is_true(&b->disk_compression))
		return;
	if (is_true(&b->use_backing_file)) {
		with = &b->use_backing_file;
		then = "the disk is written anew with all that its base has";
	} else if (fact_is(&b->format, "raw")) {
		with = &b->format;
		then = "a raw image is not compressed";
	} else if (is_true(&b->skip_compaction)) {
		with = &b->skip_compaction;
		then = "the disk is converted nevertheless";
	} else {
		return;
	}
	f = report(s, b->disk_compression.at,
		   "disk_compression is true, and %s is %s; expected one of them",
		   with->lens->field, shown(s, with->v));
	report_label(s, f, "%s", then);
	report_related(s, f, with->at, "%s", with->lens->field);
	if (with != &b->use_backing_file)
		report_lower(f);
}

/* ---- packer-arch-machine, packer-arch-firmware ---- */

/* Of another architecture than Packer's defaults are for; NULL: not known. */
static const char *arch_of(const struct builder *b)
{
	static const char *const arches[] = { "aarch64", "arm",   "riscv64",    "riscv32",
					      "ppc64",   "s390x", "loongarch64" };

	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]); i++) {
		struct str name = b->qemu_binary.v;
		size_t n = strlen(arches[i]);

		if (fact_known(&b->qemu_binary) && str_ends(name, arches[i]) &&
		    name.n > n && name.p[name.n - n - 1] == '-')
			return arches[i];
	}
	return NULL;
}

static void check_machine(struct scan *s, const struct builder *b)
{
	const struct fact *machine = &b->machine_type;
	const char *arch = is_packer_qemu(b) ? arch_of(b) : NULL;
	struct finding *f;

	if (!arch || has_rows(b, "-machine") || has_rows(b, "-M") ||
	    (builder_member(b, "qemuargs") && !rows_of(b, "-machine").known) ||
	    (!fact_absent(machine) && !fact_is(machine, "pc") &&
	     !fact_is(machine, "q35")))
		return;
	f = report(s, fact_absent(machine) ? b->qemu_binary.at : machine->at,
		   "the machine is %s, which %s does not have",
		   fact_absent(machine) ? "pc, as machine_type is not set"
					: shown(s, machine->v),
		   arch);
	report_label(s, f, "QEMU exits at start: unsupported machine type");
}

static bool fix_machine(struct plan *p, const struct finding *f, const struct builder *b)
{
	const char *arch = arch_of(b);

	(void)f;
	if (!arch || (strcmp(arch, "aarch64") != 0 && strcmp(arch, "riscv64") != 0))
		return plan_refuse(p, "which machine is wanted cannot be told");
	plan_title(p, "machine_type = \"virt\"");
	return plan_set(p, &b->machine_type, "virt");
}

static void check_arch_firmware(struct scan *s, const struct builder *b)
{
	const char *arch = is_packer_qemu(b) ? arch_of(b) : NULL;

	if (!arch || !is_true(&b->efi_boot) || !fact_absent(&b->efi_firmware_code) ||
	    has_rows(b, "-drive") || has_rows(b, "-bios") || has_rows(b, "-pflash"))
		return;
	report_label(s,
		     report(s, b->efi_boot.at,
			    "efi_boot without efi_firmware_code, and the VM is of %s",
			    arch),
		     "the builder takes /usr/share/OVMF/OVMF_CODE.fd, which is for x86");
}

/* ---- packer-hax ---- */

static void check_hax(struct scan *s, const struct builder *b)
{
	if (!is_packer_qemu(b) || !fact_is(&b->accelerator, "hax"))
		return;
	report_label(
		s,
		report(s, b->accelerator.at, "accelerator is hax, expected hvf or whpx"),
		"QEMU 8.2 and later do not have it");
}

#define RUN "packer-plugin-qemu, step_run.go"

const struct rule rules_packer_qemu[] = {
	{ .id = "packer-accel-lost",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a machine in qemuargs that has no accelerator",
	  .why = "The builder says type and accelerator in one -machine, and a row of "
		 "qemuargs takes its place: KVM is not used, and the build takes many "
		 "times as long.",
	  .steps = "Use machine_type, or write accel= into the row.",
	  .source = RUN ", applyUserOverrides()",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_accel, fix_accel) },
	{ .id = "packer-arch-firmware",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "UEFI on another architecture with the firmware of x86",
	  .why = "Without efi_firmware_code the builder takes OVMF of x86_64, whatever "
		 "qemu_binary is. The VM shows nothing at all.",
	  .steps = "efi_firmware_code = \"/usr/share/AAVMF/AAVMF_CODE.fd\", and "
		   "efi_firmware_vars beside it.",
	  .source = "packer-plugin-qemu, builder/qemu/config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_arch_firmware) },
	{ .id = "packer-arch-machine",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a machine that the architecture does not have",
	  .why = "machine_type is pc where nothing is said, and pc and q35 are machines "
		 "of x86 only.",
	  .steps = "machine_type = \"virt\" on ARM and RISC-V.",
	  .source = "packer-plugin-qemu, builder/qemu/config.go; QEMU, -machine help",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_machine, fix_machine) },
	{ .id = "packer-cdrom-interface",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a bus for CD-ROMs that QEMU does not have",
	  .why = "The builder does not look at cdrom_interface, and hands it to QEMU as "
		 "if=: unsupported bus type.",
	  .steps = "Leave it out, or use virtio-scsi.",
	  .source = RUN ", getDeviceAndDriveArgs(); QEMU, -drive if=",
	  .since = "0.1.0",
	  CHECK(builder, check_cdrom) },
	{ .id = "packer-compression",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "compression that undoes something else, or is not done",
	  .why = "To compress is to convert the disk: what it has from its backing file "
		 "is written into it as well, and skip_compaction does not keep it from "
		 "that. A raw image cannot be compressed.",
	  .steps = "Keep one of them.",
	  .source = "packer-plugin-qemu, step_convert_disk.go",
	  .since = "0.1.0",
	  CHECK(builder, check_compression) },
	{ .id = "packer-devices-replaced",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "devices in qemuargs, and the VM's disk is not attached",
	  .why = "A row of qemuargs takes the place of everything that the builder "
		 "itself says with that option; only the network card is added again. "
		 "With virtio-scsi the disk has no device, and the installer finds none.",
	  .steps = "Add rows: [\"-device\", \"virtio-scsi-pci,id=scsi0\"] and "
		   "[\"-device\", \"scsi-hd,bus=scsi0.0,drive=drive0\"]. Or use "
		   "disk_interface = \"virtio\".",
	  .source = RUN ", applyUserOverrides(); hashicorp/packer#3348",
	  .since = "0.1.0",
	  CHECK(builder, check_devices) },
	{ .id = "packer-firmware-replaced",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "drives in qemuargs, and the firmware is not among them",
	  .why = "The firmware of UEFI and its variables are drives, too, and rows of "
		 "-drive take their place: the VM starts with a BIOS.",
	  .steps = "Add rows: [\"-drive\", "
		   "\"if=pflash,format=raw,unit=0,readonly=on,file=CODE\"] and "
		   "[\"-drive\", \"if=pflash,format=raw,unit=1,file={{ .OutputDir "
		   "}}/efivars.fd\"].",
	  .source = RUN ", applyUserOverrides(); hashicorp/packer-plugin-qemu#177",
	  .since = "0.1.0",
	  CHECK(builder, check_firmware) },
	{ .id = "packer-forward-lost",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a network in qemuargs without the port that Packer logs in through",
	  .why = "The builder forwards a port of this machine to the guest, in the "
		 "-netdev that a row of qemuargs replaces.",
	  .steps = "Append hostfwd=tcp::{{ .SSHHostPort }}-:22 to the row, and keep "
		   "id=user.0.",
	  .source = RUN ", getDefaultArgs(); hashicorp/packer#3935, #4988",
	  .since = "0.1.0",
	  CHECK(builder, check_forward) },
	{ .id = "packer-hax",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "an accelerator that QEMU has given up",
	  .why = "HAXM is not developed any more, and QEMU removed it in 8.2.",
	  .steps = "hvf on macOS, whpx on Windows.",
	  .source = "QEMU, removed-features: HAXM",
	  .since = "0.1.0",
	  CHECK(builder, check_hax) },
	{ .id = "packer-two-firmwares",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a firmware beside UEFI's",
	  .why = "firmware goes to -bios or to a flash of its own, efi_firmware_code to "
		 "the first flash: QEMU refuses the second, or starts the wrong one.",
	  .steps = "Remove firmware and use_pflash.",
	  .source = RUN,
	  .since = "0.1.0",
	  CHECK(builder, check_two) },
};
RULES_END(packer_qemu);
