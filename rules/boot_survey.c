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

static bool is_all_seen(const struct vm *vm)
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
