/* What Packer's builders of other hypervisors refuse, and what does not start there.
 * packer-plugin-virtualbox, -vsphere, -proxmox: Prepare() of their configs; packer-plugin-sdk,
 * multistep/commonsteps/iso_config.go.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/config/lens.h"
#include "analyze/config/packer.h"
#include "base/banned.h"

#define REFUSES "Packer refuses the template"

static bool is_of(const struct builder *b, const char *plugin)
{
	return !b->foreign && str_starts(b->type, plugin);
}

/* ---- packer-disk-size-unit ---- */

/* Digits, and what is behind them. */
static struct str unit_of(struct str size)
{
	size_t n = 0;

	while (n < size.n && size.p[n] >= '0' && size.p[n] <= '9')
		n++;
	return n ? str_trim((struct str){ size.p + n, size.n - n }) : STR("");
}

static bool takes_number(const struct builder *b)
{
	static const char *const types[] = { "hyperv-iso", "parallels-iso",
					     "virtualbox-iso", "vmware-iso" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (str_is(b->type, types[i]))
			return !b->foreign;
	}
	return false;
}

/* Of the builder, or of a block of its own. */
static const struct fact *size_of(const struct builder *b, uint64_t i)
{
	if (takes_number(b))
		return i == 0 ? &b->disk_size : NULL;
	return is_of(b, "vsphere-") && i < b->vm->ndisks ? &b->vm->disks[i].size : NULL;
}

static void check_unit(struct scan *s, const struct builder *b)
{
	const struct fact *size;

	for (uint64_t i = 0; (size = size_of(b, i)); i++) {
		struct finding *f;

		if (!fact_known(size) || unit_of(size->v).n == 0)
			continue;
		f = report(s, size->at,
			   "disk_size is '%s', expected a number, which is of MiB",
			   shown(s, size->v));
		report_label(s, f, REFUSES);
		f->arg = i;
	}
}

/* 40G, 40GB and 40 GiB are 40960. */
static bool fix_unit(struct plan *p, const struct finding *f, const struct builder *b)
{
	const struct fact *size = size_of(b, f->arg);
	struct str unit = unit_of(size->v), digits = size->v;
	static const char letters[] = "mgt";
	const char *letter = strchr(letters, unit.p[0] | 0x20);
	const char *value;
	uint64_t mib;

	digits.n = 0;
	while (size->v.p[digits.n] >= '0' && size->v.p[digits.n] <= '9')
		digits.n++;
	if (!letter || !*letter || !str_u64(digits, &mib) || mib > UINT64_MAX >> 20 ||
	    !(unit.n == 1 || (unit.n == 2 && (unit.p[1] | 0x20) == 'b') ||
	      (unit.n == 3 && unit.p[1] == 'i' && (unit.p[2] | 0x20) == 'b')))
		return plan_refuse(p, "which size was meant cannot be told");
	mib <<= 10 * (letter - letters);
	value = arena_printf(p->arena, "%llu", (unsigned long long)mib);
	plan_title(p, "disk_size = %s", value);
	return plan_set(p, size, value);
}

/* ---- packer-vtpm-needs-efi ---- */

static void check_vtpm(struct scan *s, const struct builder *b)
{
	const struct fact *firmware = &b->vm->firmware;
	struct finding *f;

	if (!is_of(b, "vsphere-") || !fact_is(&b->vtpm, "true") ||
	    (!fact_absent(firmware) && !fact_is(firmware, "bios")))
		return;
	f = report(s, b->vtpm.at,
		   "vTPM is on, and firmware is %s; expected efi or efi-secure",
		   fact_known(firmware) ? "bios" : "not set");
	report_label(s, f, REFUSES);
	if (fact_known(firmware))
		report_related(s, f, firmware->at, "the firmware");
}

/* ---- packer-io-thread ---- */

static void check_thread(struct scan *s, const struct builder *b)
{
	const struct vm *vm = b->vm;

	for (size_t i = 0; is_of(b, "proxmox") && i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];
		struct finding *f;

		if (!fact_is(&d->iothread, "true"))
			continue;
		if (fact_is_not(&b->scsi_controller, "virtio-scsi-single")) {
			f = report(s, d->iothread.at,
				   "io_thread is on, and scsi_controller is %s; expected "
				   "virtio-scsi-single",
				   fact_known(&b->scsi_controller)
					   ? scan_printf(s, "'%s'",
							 shown(s, b->scsi_controller.v))
					   : "not set, which means lsi");
		} else if (fact_known(&d->bus) && !fact_is(&d->bus, "scsi") &&
			   !fact_is(&d->bus, "virtio")) {
			f = report(s, d->iothread.at,
				   "io_thread is on, and the disk's type is '%s'; "
				   "expected scsi or virtio",
				   shown(s, d->bus.v));
		} else {
			continue;
		}
		report_label(s, f, REFUSES);
	}
}

static bool fix_thread(struct plan *p, const struct finding *f, const struct builder *b)
{
	(void)f;
	if (!fact_is_not(&b->scsi_controller, "virtio-scsi-single"))
		return plan_refuse(p, "the disk's type decides");
	plan_title(p, "scsi_controller = \"virtio-scsi-single\"");
	return plan_set(p, &b->scsi_controller, "virtio-scsi-single");
}

/* ---- packer-efi-disk ---- */

static void check_efi_disk(struct scan *s, const struct builder *b)
{
	struct finding *f;

	/* A clone has that of its template. */
	if ((!str_is(b->type, "proxmox-iso") && !str_is(b->type, "proxmox")) ||
	    b->foreign || !fact_is(&b->vm->firmware, "ovmf") ||
	    !fact_absent(&b->efi_config) || node_child(b->node, "efidisk"))
		return;
	f = report(s, b->vm->firmware.at, "bios is ovmf, and there is no efi_config");
	report_label(s, f,
		     "without a disk for its variables the firmware forgets what the "
		     "installer told it to boot");
}

/* ---- packer-disk-controller ---- */

/* 0: nobody knows. Without a list there is one. */
static uint64_t controllers(const struct builder *b)
{
	const struct fact *list = &b->disk_controller_type;
	const struct node *n;
	uint64_t count = 0;

	if (fact_absent(list))
		return 1;
	n = fact_known(list) ? lens_find(list->lens, list->owner) : NULL;
	if (!n || n->kind != NODE_LIST)
		return 0;
	for_each_node (c, n)
		count++;
	return count;
}

static void check_controller(struct scan *s, const struct builder *b)
{
	uint64_t count = controllers(b), index;

	for (size_t i = 0; is_of(b, "vsphere-") && count && i < b->vm->ndisks; i++) {
		const struct disk *d = &b->vm->disks[i];
		struct finding *f;

		if (!fact_known(&d->controller) || !str_u64(d->controller.v, &index) ||
		    index < count || node_child(d->node, "disk_controller_unit"))
			continue;
		f = report(s, d->controller.at,
			   "disk_controller_index is %llu, and the VM has %llu "
			   "controller%s: expected at most %llu",
			   (unsigned long long)index, (unsigned long long)count,
			   count == 1 ? "" : "s", (unsigned long long)count - 1);
		report_label(s, f, REFUSES);
	}
}

/* ---- packer-nvme-bios ---- */

/* VBoxManage may set the firmware as well. */
static bool sets_firmware(const struct node *n)
{
	if (!n)
		return false;
	if (n->kind == NODE_OPAQUE || str_has(n->text, "firmware"))
		return true;
	for_each_node (c, n) {
		if (sets_firmware(c))
			return true;
	}
	return false;
}

static void check_nvme(struct scan *s, const struct builder *b)
{
	const struct vm *vm = b->vm;
	struct finding *f;

	if (b->foreign || !str_is(b->type, "virtualbox-iso") || vm->ndisks == 0 ||
	    !fact_is(&vm->disks[0].bus, "pcie"))
		return;
	if (!fact_absent(&vm->firmware) && !fact_is(&vm->firmware, "bios"))
		return;
	if (sets_firmware(node_child(b->node, "vboxmanage")))
		return;
	f = report(s, vm->disks[0].bus.at,
		   "hard_drive_interface is pcie, which is NVMe, and firmware is %s; "
		   "expected efi",
		   fact_known(&vm->firmware) ? "bios" : "not set, which means bios");
	report_label(s, f,
		     "VirtualBox's BIOS does not start from NVMe: what is installed "
		     "does not boot");
}

/* ---- packer-iso-urls ---- */

static void check_urls(struct scan *s, const struct builder *b)
{
	struct finding *f;

	if (b->foreign || str_starts(b->type, "tart") || !fact_known(&b->iso_url) ||
	    !fact_known(&b->iso_urls))
		return;
	f = report(s, b->iso_urls.at, "iso_urls beside iso_url, expected one of them");
	report_label(s, f, REFUSES);
	report_related(s, f, b->iso_url.at, "iso_url");
}

const struct rule rules_packer_other[] = {
	{ .id = "packer-disk-controller",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a disk of vSphere on a controller that the VM does not have",
	  .why = "Packer refuses it: disk_controller_index references an unknown disk "
		 "controller. It counts the entries of disk_controller_type from 0.",
	  .steps = "Name one more controller in disk_controller_type, or use one that is "
		   "there.",
	  .source = "packer-plugin-vsphere, builder/vsphere/common/storage_config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_controller) },
	{ .id = "packer-disk-size-unit",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a unit in a disk size that is a number of MiB",
	  .why = "The builders of VirtualBox, VMware, vSphere, Hyper-V and Parallels "
		 "take a number, which is of MiB, and Packer refuses anything else; "
		 "only that of QEMU knows 40G.",
	  .source = "packer-plugin-virtualbox, -vmware, -vsphere, -hyperv, -parallels: "
		    "disk_size",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_unit, fix_unit) },
	{ .id = "packer-efi-disk",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "OVMF on Proxmox VE without a disk for its variables",
	  .why = "Proxmox VE then starts it with variables that last as long as the VM "
		 "runs: boot entries that an installer makes, and keys of Secure Boot, "
		 "are gone.",
	  .steps = "Add a block: efi_config { efi_storage_pool = \"POOL\" }, and in it "
		   "pre_enrolled_keys = true where Secure Boot is wanted.",
	  .source = "packer-plugin-proxmox, efi_config; Proxmox VE, qm(1), efidisk0",
	  .since = "0.1.0",
	  CHECK(builder, check_efi_disk) },
	{ .id = "packer-io-thread",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "io_thread on Proxmox VE where the builder does not take it",
	  .why = "Packer refuses it: io thread option requires virtio-scsi-single "
		 "controller, and a scsi or virtio disk.",
	  .steps = "Set scsi_controller to virtio-scsi-single, or leave io_thread out.",
	  .source = "packer-plugin-proxmox, builder/proxmox/common/config.go",
	  .since = "0.1.0",
	  CHECK_FIX(builder, check_thread, fix_thread) },
	{ .id = "packer-iso-urls",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "iso_url and iso_urls in one builder",
	  .why = "Packer refuses it: only one of iso_url or iso_urls must be specified.",
	  .steps = "Put all of them in iso_urls, in the order in which they are to be "
		   "tried.",
	  .source = "packer-plugin-sdk, multistep/commonsteps/iso_config.go",
	  .since = "0.1.0",
	  CHECK(builder, check_urls) },
	{ .id = "packer-nvme-bios",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk on NVMe in a VirtualBox VM that starts with the BIOS",
	  .why = "VirtualBox's BIOS has no driver for NVMe: the installation runs, and "
		 "what is installed does not start. Its EFI has one.",
	  .steps = "Set firmware = \"efi\", if the guest can start from it; else "
		   "hard_drive_interface = \"sata\".",
	  .source = "Oracle VirtualBox, User Guide, Hard Disk Controllers; "
		    "packer-plugin-virtualbox, hard_drive_interface",
	  .since = "0.1.0",
	  CHECK(builder, check_nvme) },
	{ .id = "packer-vtpm-needs-efi",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a virtual TPM on vSphere without EFI",
	  .why = "Packer refuses it: vTPM could be enabled only when firmware is set to "
		 "efi or efi-secure. What the guest's type would choose does not count.",
	  .steps =
		  "Set firmware to efi-secure, or to efi where the guest's loader is not "
		  "signed; or leave vTPM out.",
	  .source = "packer-plugin-vsphere, builder/vsphere/common/step_hardware.go",
	  .since = "0.1.0",
	  CHECK(builder, check_vtpm) },
};
RULES_END(packer_other);
