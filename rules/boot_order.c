/* What the boot order leaves out, although it is all that the VM could start; and a loader in a
 * partition that does not say that it holds one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/boot_survey.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

/* ---- boot-unlisted ---- */

/* That it is another hard disk is all that keeps a BIOS from it. */
static const struct disk *before(const struct survey *v)
{
	const struct disk *first = first_hard_disk(v->starts->vm);

	if (v->firmware.kind != FIRMWARE_BIOS || !first || first == v->starts ||
	    fact_is(&v->starts->device, "cdrom") || fact_is(&v->starts->device, "floppy"))
		return NULL;
	return first;
}

static const char *order_of(struct scan *s, const struct survey *v)
{
	const struct vm *vm = v->starts->vm;

	if (before(v))
		return scan_printf(s, "begins with another hard disk, '%s'",
				   shown(s, image_name(before(v))->v));
	if (has_boot_indexes(vm))
		return says_qemu(vm) ? "is that of other devices, by their bootindex"
				     : "is that of other devices, by <boot order=''/>";
	if (vm->nboot_devs == 0)
		return "is the first disk alone, as no <boot> says otherwise";
	return scan_printf(s, "names %s only", shown(s, vm->boot_devs[0].v));
}

/* Where the order is said. */
static struct span order_at(const struct vm *vm)
{
	if (has_boot_indexes(vm)) {
		for (size_t i = 0; i < vm->ndisks; i++) {
			if (fact_known(&vm->disks[i].boot_index))
				return vm->disks[i].boot_index.at;
		}
	}
	return vm->nboot_devs ? vm->boot_devs[0].at : (struct span){ 0 };
}

static void check_unlisted(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of(vm);
	struct span at = order_at(vm);
	struct finding *f;

	if (v.unknown || v.doubt || !v.starts || v.listed || vm->nhostdevs)
		return;
	/* What comes first should start, and does not: that is what is wrong. */
	if (!survey_of_dead(vm).starts)
		return;
	f = report(s, image_name(v.starts)->at,
		   "the VM can start from '%s' only, and its boot order %s",
		   shown(s, image_name(v.starts)->v), order_of(s, &v));
	report_label(s, f, "%s",
		     before(&v) ? "SeaBIOS tries no second one: No bootable device"
		     : v.firmware.kind == FIRMWARE_BIOS
			     ? "SeaBIOS finds nothing in its list: No bootable device"
			     : "the firmware finds nothing in its list, and ends in its "
			       "shell or menu");
	if (at.len)
		report_related(s, f, at, "the boot order");
	f->arg = (uint64_t)(v.starts - vm->disks);
}

/* One behind the largest number there is. */
static bool next_index(const struct vm *vm, uint64_t *next)
{
	uint64_t n;

	*next = 1;
	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct fact *f = &vm->disks[i].boot_index;

		if (fact_absent(f))
			continue;
		if (!fact_known(f) || !str_u64(f->v, &n) || n >= 1000)
			return false;
		*next = n >= *next ? n + 1 : *next;
	}
	return true;
}

static bool set_index(struct plan *p, const struct disk *d, uint64_t n)
{
	return plan_set(p, &d->boot_index,
			arena_printf(p->arena, "%llu", (unsigned long long)n));
}

static bool fix_unlisted(struct plan *p, const struct finding *f, const struct vm *vm)
{
	const struct disk *d = &vm->disks[f->arg];
	uint64_t next;

	if (vm->nboot_devs)
		return plan_refuse(p, "add <boot dev='%s'/> behind the others of <os>",
				   fact_is(&d->device, "cdrom") ? "cdrom" : "hd");
	if (!has_boot_indexes(vm))
		return plan_refuse(p, "whether the disk or the medium comes first is to "
				      "be said: <boot order='1'/> and '2', or <boot "
				      "dev='hd'/> and <boot dev='cdrom'/> in <os>");
	if (!d->boot_index.lens || !next_index(vm, &next))
		return plan_refuse(p, "it needs a -device of its own with bootindex=");
	if (firmware_of(vm).kind == FIRMWARE_BIOS && !fact_is(&d->device, "cdrom") &&
	    first_hard_disk(vm)) {
		const struct disk *first = first_hard_disk(vm);
		uint64_t least;

		plan_title(p, "this disk before '%s'",
			   str_shown(p->arena, image_name(first)->v));
		return str_u64(first->boot_index.v, &least) && set_index(p, d, least) &&
		       set_index(p, first, next);
	}
	plan_title(p, says_qemu(vm) ? "bootindex=%llu" : "<boot order='%llu'/>",
		   (unsigned long long)next);
	return set_index(p, d, next);
}

/* ---- boot-esp-type ---- */

static void check_esp(struct scan *s, const struct vm *vm)
{
	struct survey v = survey_of(vm);

	if (v.unknown || v.firmware.kind != FIRMWARE_UEFI ||
	    v.firmware.arch == EFI_ARCHES)
		return;
	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];
		const struct medium_boot *b = boot_seen(d);
		struct finding *f;

		if (!b || b->uefi[v.firmware.arch].state != ANSWER_YES ||
		    b->untyped_at.len == 0)
			continue;
		f = report(
			s, image_name(d)->at,
			"the VM starts from partition %u of '%s', whose type is not that of "
			"an EFI system partition",
			b->untyped, shown(s, image_name(d)->v));
		report_label(s, f,
			     "OVMF starts it; systemd, grub-install and Windows do not "
			     "find it");
		report_related(s, f, b->untyped_at, "the type");
	}
}

const struct rule rules_boot_order[] = {
	{ .id = "boot-esp-type",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a loader in a partition that is no EFI system partition by its type",
	  .why = "UEFI firmware looks into every FAT volume. What updates the loader "
		 "looks for the type, finds nothing, and leaves an old one behind.",
	  .steps = "sgdisk --typecode=N:ef00 DISK, or sfdisk --part-type DISK N "
		   "C12A7328-F81F-11D2-BA4B-00A0C93EC93B.",
	  .source = "UEFI 2.10, 13.3.3; systemd-gpt-auto-generator(8)",
	  .since = "0.1.0",
	  CHECK(vm, check_esp) },
	{ .id = "boot-unlisted",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the only thing that starts is not in the boot order",
	  .why = "What has no place in the order is not started: libvirt runs QEMU with "
		 "strict=on, OVMF keeps to any order there is, and SeaBIOS tries one hard "
		 "disk, the first. Of <boot dev='hd'/> only the first disk is listed; "
		 "without any <boot> that is the whole list, and an installation medium "
		 "is passed over.",
	  .steps = "List it: <boot order='N'/> in its <disk>, or <boot dev='cdrom'/> in "
		   "<os>; with QEMU bootindex=N of its -device.",
	  .source =
		  "libvirt, qemuBuildBootCommandLine(); SeaBIOS, src/boot.c, add_bev(); "
		  "edk2, QemuBootOrderLib; seen with QEMU 7.2, OVMF 2022.11 and SeaBIOS "
		  "1.16.2 (make check-boot)",
	  .since = "0.1.0",
	  CHECK_FIX(vm, check_unlisted, fix_unlisted) },
};
RULES_END(boot_order);
