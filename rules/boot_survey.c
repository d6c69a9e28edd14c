/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/boot_survey.h"
#include "analyze/config/qemu.h"
#include "base/banned.h"

/* ---- a disk, as the guest sees it ---- */

bool block_size_of(const struct disk *d, uint32_t *bytes)
{
	if (fact_absent(&d->logical_block_size) ||
	    fact_is(&d->logical_block_size, "512") ||
	    fact_is(&d->logical_block_size, "0"))
		*bytes = 512;
	else if (fact_is(&d->logical_block_size, "4096"))
		*bytes = 4096;
	else
		return false;
	return true;
}

bool declares_format(const struct disk *d, const char *format)
{
	if (fact_absent(&d->format))
		return d->vm->flavour == FLAVOUR_LIBVIRT && strcmp(format, "raw") == 0;
	return fact_is(&d->format, format);
}

static bool is_cdrom(const struct disk *d)
{
	return fact_is(&d->device, "cdrom");
}

/* A copy is made in the format that is wanted; of the others QEMU may find it out. */
bool is_seen_through(const struct disk *d)
{
	const struct medium *m = d->medium;

	if (!m || fact_known(&d->made_from))
		return m != NULL;
	/* Of a file of the host its version decides what else it is. */
	if (d->vm->flavour == FLAVOUR_INCUS)
		return medium_is(m, "raw") || medium_is(m, "iso9660");
	if (fact_absent(&d->format) && d->vm->flavour != FLAVOUR_LIBVIRT)
		return true;
	return declares_format(d, medium_is(m, "iso9660") ? "raw" : m->format);
}

const struct medium_boot *boot_seen(const struct disk *d)
{
	const struct medium *m = d->medium;
	uint32_t bytes;

	if (!m || !m->boot || m->is_stray || !is_seen_through(d) ||
	    !block_size_of(d, &bytes))
		return NULL;
	/* What is read of an ISO is what a CD drive would start; of a disk, what a disk does. */
	if (is_cdrom(d) || medium_is(m, "iso9660"))
		return is_cdrom(d) && medium_is(m, "iso9660") ? m->boot : NULL;
	/* What is wrong with its sectors, or with another table, is another rule's. */
	if (m->table == TABLE_UNKNOWN ||
	    (m->table == TABLE_GPT && (m->table_both || m->table_sector_size != bytes)))
		return NULL;
	return m->boot;
}

/* ---- the VM ---- */

/* Words that are added to the command line, and may change what is booted. */
static bool may_change(const struct vm *args)
{
	static const char *const options[] = { "bios", "pflash",  "kernel",    "boot",
					       "M",    "machine", "option-rom" };

	if (args->ndisks || args->qemu->unknown || args->boots_elsewhere)
		return true;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (qemu_option(args->qemu, options[i]))
			return true;
	}
	return false;
}

/* ---- the boot order ---- */

const struct fact *image_name(const struct disk *d)
{
	return fact_known(&d->made_from) ? &d->made_from : &d->source;
}

bool has_boot_indexes(const struct vm *vm)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		if (!fact_absent(&vm->disks[i].boot_index))
			return true;
	}
	return false;
}

/* libvirt's word for the kind of device. */
static const char *boot_word(const struct disk *d)
{
	if (fact_is(&d->device, "cdrom"))
		return "cdrom";
	return fact_is(&d->device, "floppy") ? "fd" : "hd";
}

/* Of each kind libvirt lists the first: in the order of the names on a bus. */
static bool is_first(const struct disk *d)
{
	for (size_t i = 0; i < d->vm->ndisks; i++) {
		const struct disk *o = &d->vm->disks[i];

		if (o != d && strcmp(boot_word(o), boot_word(d)) == 0)
			return false;
	}
	return true;
}

/* Always with -boot strict=on: qemuBuildBootCommandLine(), qemuProcessPrepareDeviceBootorder().
 * Without a word about it the first disk is what is booted. */
static enum answer_state is_listed_in_libvirt(const struct disk *d)
{
	const struct vm *vm = d->vm;

	if (has_boot_indexes(vm))
		return fact_absent(&d->boot_index) ? ANSWER_NO : ANSWER_YES;
	if (vm->nboot_devs == 0 && strcmp(boot_word(d), "hd") == 0)
		return is_first(d) ? ANSWER_YES : ANSWER_UNKNOWN;
	for (size_t i = 0; i < vm->nboot_devs; i++) {
		if (fact_is(&vm->boot_devs[i], boot_word(d)))
			return is_first(d) ? ANSWER_YES : ANSWER_UNKNOWN;
	}
	return ANSWER_NO;
}

/* OVMF keeps to the list when there is one; SeaBIOS when -boot says strict. */
static enum answer_state is_listed_in_words(const struct disk *d, enum firmware_kind kind)
{
	const struct vm *vm = d->vm;
	const struct qemu_option *boot = qemu_option(vm->qemu, "boot");
	const struct node *strict = boot ? qemu_opt(boot, "strict") : NULL;

	if (!has_boot_indexes(vm) || vm->qemu->open || qemu_option(vm->qemu, "set"))
		return ANSWER_UNKNOWN;
	if (!fact_absent(&d->boot_index))
		return ANSWER_YES;
	return kind == FIRMWARE_UEFI || (strict && str_is(strict->text, "on"))
		       ? ANSWER_NO
		       : ANSWER_UNKNOWN;
}

static bool is_hard_disk(const struct disk *d)
{
	return strcmp(boot_word(d), "hd") == 0 && !fact_is(&d->device, "pflash") &&
	       d->device.state != FACT_UNKNOWN;
}

const struct disk *first_hard_disk(const struct vm *vm)
{
	const struct disk *first = NULL;
	uint64_t n, least = UINT64_MAX;

	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		if (!is_hard_disk(d) || fact_absent(&d->boot_index))
			continue;
		if (!fact_known(&d->boot_index) || !str_u64(d->boot_index.v, &n))
			return NULL;
		if (n < least) {
			least = n;
			first = d;
		}
	}
	return first;
}

/* Is it in the boot order? Unknown where that does not matter: what is not in it is started
 * all the same, behind all that is. */
static enum answer_state is_listed(const struct disk *d)
{
	enum firmware_kind kind = firmware_of(d->vm).kind;
	const struct disk *first = first_hard_disk(d->vm);

	/* Others are not tried when that one does not start: SeaBIOS, src/boot.c, add_bev(). */
	if (kind == FIRMWARE_BIOS && is_hard_disk(d) && first && first != d &&
	    (d->vm->flavour == FLAVOUR_LIBVIRT || d->vm->flavour == FLAVOUR_QEMU))
		return ANSWER_NO;
	if (d->vm->flavour == FLAVOUR_LIBVIRT)
		return is_listed_in_libvirt(d);
	return d->vm->flavour == FLAVOUR_QEMU && d->vm->qemu ? is_listed_in_words(d, kind)
							     : ANSWER_UNKNOWN;
}

/* ---- all of it ---- */

bool is_all_seen(const struct vm *vm)
{
	if (!vm_runs_qemu(vm) || vm->base || vm->boots_elsewhere)
		return false;
	if (vm->flavour == FLAVOUR_QEMU)
		return vm->qemu && !vm->qemu->open;
	return !vm->args || !may_change(vm->args);
}

static bool is_empty_drive(const struct disk *d)
{
	return (is_cdrom(d) || fact_is(&d->device, "floppy")) && fact_absent(&d->source);
}

/* Would the firmware start it? */
static enum answer_state starts(const struct survey *s, const struct disk *d,
				const struct medium_boot *b)
{
	uint32_t bytes;

	if (s->firmware.kind == FIRMWARE_BIOS) {
		/* SeaBIOS offers no others: src/hw/virtio-blk.c, src/hw/blockcmd.c. */
		return block_size_of(d, &bytes) && bytes != 512 ? ANSWER_NO
								: b->bios.state;
	}
	if (s->firmware.arch == EFI_ARCHES)
		return ANSWER_UNKNOWN;
	if (b->uefi[s->firmware.arch].state != ANSWER_NO)
		return b->uefi[s->firmware.arch].state;
	/* A boot entry, which is in its variables, may name them. */
	return b->other.state == ANSWER_NO ? ANSWER_NO : ANSWER_UNKNOWN;
}

static bool starts_nothing(const struct medium_boot *b)
{
	enum answer_state any = answer_or(b->bios, b->other).state;

	for (unsigned i = 0; i < EFI_ARCHES && any == ANSWER_NO; i++)
		any = b->uefi[i].state;
	return any == ANSWER_NO;
}

static void note_others(struct survey *s, const struct disk *d,
			const struct medium_boot *b)
{
	uint32_t bytes;

	if (!s->bios && b->bios.state == ANSWER_YES) {
		if (block_size_of(d, &bytes) && bytes != 512)
			s->large = s->large ? s->large : d;
		else
			s->bios = d;
	}
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		if (b->uefi[i].state != ANSWER_YES)
			continue;
		if (i == (unsigned)s->firmware.arch) {
			s->uefi = s->uefi ? s->uefi : d;
		} else if (!s->alien) {
			s->alien = d;
			s->alien_arch = (enum efi_arch)i;
		}
	}
}

static void add(struct survey *s, const struct disk *d)
{
	const struct medium_boot *b = boot_seen(d);

	if (fact_is(&d->device, "pflash") || is_empty_drive(d))
		return;
	if (!b || fact_is(&d->device, "floppy") || d->device.state == FACT_UNKNOWN) {
		s->unknown = true;
		return;
	}
	/* Nor does a medium count that is only to be read. */
	if (d->medium->blank || (is_cdrom(d) && starts_nothing(b)))
		return;
	s->first = s->first ? s->first : d;
	switch (starts(s, d, b)) {
	case ANSWER_UNKNOWN:
		s->doubt = true;
		break;
	case ANSWER_YES:
		s->starts = s->starts ? s->starts : d;
		if (!s->listed && is_listed(d) != ANSWER_NO)
			s->listed = d;
		s->nstarts++;
		break;
	case ANSWER_NO:
		break;
	}
	note_others(s, d, b);
}

struct survey survey_of(const struct vm *vm)
{
	struct survey s = { .firmware = firmware_of(vm) };

	s.unknown = s.firmware.kind == FIRMWARE_UNKNOWN || !is_all_seen(vm);
	for (size_t i = 0; i < vm->ndisks && !s.unknown; i++)
		add(&s, &vm->disks[i]);
	return s;
}

/* ---- what is tried first ---- */

static const struct disk *only_hard_disk(const struct vm *vm)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		if (is_hard_disk(&vm->disks[i]))
			return is_first(&vm->disks[i]) ? &vm->disks[i] : NULL;
	}
	return NULL;
}

/* Of the disks with a number; NULL: there is no telling. */
static const struct disk *lowest_index(const struct vm *vm)
{
	const struct disk *first = NULL;
	uint64_t n, least = UINT64_MAX;

	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct fact *f = &vm->disks[i].boot_index;

		if (fact_absent(f))
			continue;
		if (!fact_known(f) || !str_u64(f->v, &n))
			return NULL;
		if (n < least) {
			least = n;
			first = &vm->disks[i];
		}
	}
	return first;
}

/* Does -boot, or SeaBIOS' own order, begin with the hard disk? */
static bool begins_with_disk(const struct vm *vm, enum firmware_kind kind)
{
	const struct qemu_option *boot = qemu_option(vm->qemu, "boot");

	if (kind != FIRMWARE_BIOS || vm->qemu->open)
		return false;
	return !boot || !boot->opts ||
	       (!qemu_opt(boot, "order") && !qemu_opt(boot, "once"));
}

static const struct disk *tried_first(const struct vm *vm, enum firmware_kind kind)
{
	const struct disk *d = NULL;

	if (vm->flavour == FLAVOUR_LIBVIRT) {
		if (has_boot_indexes(vm))
			d = lowest_index(vm);
		else if (vm->nboot_devs == 0 || fact_is(&vm->boot_devs[0], "hd"))
			d = only_hard_disk(vm);
	} else if (vm->flavour == FLAVOUR_QEMU && vm->qemu && !vm->base &&
		   !qemu_option(vm->qemu, "set")) {
		if (has_boot_indexes(vm))
			d = lowest_index(vm);
		else if (begins_with_disk(vm, kind))
			d = only_hard_disk(vm);
	}
	return d && is_hard_disk(d) ? d : NULL;
}

struct survey survey_of_dead(const struct vm *vm)
{
	struct survey all = survey_of(vm), one = { .firmware = all.firmware };
	const struct disk *d;

	if (all.unknown || all.doubt || !all.starts)
		return all;
	d = tried_first(vm, all.firmware.kind);
	if (!d || !d->medium)
		return all;
	add(&one, d);
	/* Empty partitions are to be installed on. */
	if (one.unknown || one.doubt || one.starts || !one.first || !d->medium->filled)
		return all;
	/* SeaBIOS jumps into what is marked as a boot sector, and that is all. */
	one.instead = one.firmware.kind == FIRMWARE_BIOS && d->medium->boot->marked &&
				      d->medium->boot->code == BOOT_CODE_NONE
			      ? NULL
			      : all.starts;
	return one;
}
