/* Which system a config says that its VM is for, against what its disks and media hold, and
 * what that system needs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/boot_survey.h"
#include "rules/rules.h"
#include "base/banned.h"

enum guest_os { SYSTEM_UNKNOWN, SYSTEM_WINDOWS, SYSTEM_LINUX };

/* ---- what is there ---- */

static bool is_cdrom(const struct disk *d)
{
	return fact_is(&d->device, "cdrom");
}

static bool is_disk(const struct disk *d)
{
	return fact_is(&d->device, "disk") || fact_absent(&d->device);
}

/* Windows' own medium to install from: its boot image for a BIOS says so. */
static bool is_setup(const struct disk *d)
{
	const struct medium_boot *b = boot_seen(d);

	return b && is_cdrom(d) && b->windows.state == ANSWER_YES &&
	       b->code == BOOT_CODE_WINDOWS;
}

static const struct disk *setup_of(const struct vm *vm)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		if (is_setup(&vm->disks[i]))
			return &vm->disks[i];
	}
	return NULL;
}

/* Another medium may have drivers, or answers, on it. */
static bool has_other_medium(const struct vm *vm, const struct disk *setup)
{
	static const char *const members[] = { "floppy_files", "floppy_dirs",
					       "floppy_content", "cd_files",
					       "cd_content" };

	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		if (d != setup && !is_disk(d) && !fact_absent(&d->source) &&
		    !fact_is(&d->device, "pflash"))
			return true;
	}
	for (size_t i = 0; vm->builder && i < sizeof(members) / sizeof(members[0]); i++) {
		if (node_child(vm->builder->node, members[i]))
			return true;
	}
	return false;
}

/* Nothing is on it: it is to be installed on. Packer makes it. */
static bool is_new(const struct disk *d)
{
	if (d->vm->builder && fact_absent(&d->made_from) && fact_absent(&d->source))
		return true;
	return d->medium && d->medium->blank;
}

/* ---- guest-setup-virtio ---- */

static bool is_virtio(const struct disk *d)
{
	return fact_is(&d->bus, "virtio") || (d->vm->builder && fact_absent(&d->bus));
}

static void check_virtio(struct scan *s, const struct vm *vm)
{
	const struct disk *setup = is_all_seen(vm) ? setup_of(vm) : NULL, *target = NULL;
	struct finding *f;

	if (!setup || has_other_medium(vm, setup))
		return;
	for (size_t i = 0; i < vm->ndisks; i++) {
		const struct disk *d = &vm->disks[i];

		if (!is_disk(d))
			continue;
		if (!is_virtio(d) || !is_new(d))
			return;
		target = target ? target : d;
	}
	if (!target)
		return;
	f = report(s, fact_known(&target->bus) ? target->bus.at : setup->source.at,
		   "'%s' installs Windows, the disk is on virtio, and no medium with "
		   "drivers for it is attached",
		   shown(s, setup->source.v));
	report_label(s, f, "Windows has none of its own: its setup finds no disk");
	if (fact_known(&target->bus))
		report_related(s, f, setup->source.at, "the medium");
}

/* ---- guest-windows-11 ---- */

enum { MISSING_MAX = 4 };

static const uint64_t disk_min = UINT64_C(64000000000), memory_min = UINT64_C(4) << 30;

static const char *missing_in(struct scan *s, const struct vm *vm)
{
	const char *what[MISSING_MAX], *text = "";
	size_t n = 0;

	if (fact_absent(&vm->tpm))
		what[n++] = "no TPM";
	if (firmware_of(vm).kind == FIRMWARE_BIOS)
		what[n++] = "a BIOS, expected UEFI";
	if (vm->memory_size && vm->memory_size < memory_min)
		what[n++] = scan_printf(s, "%llu MiB of memory, expected 4096",
					(unsigned long long)(vm->memory_size >> 20));
	for (size_t i = 0; i < vm->ndisks && n < MISSING_MAX; i++) {
		const struct disk *d = &vm->disks[i];

		if (is_disk(d) && d->medium && d->medium->disk_size &&
		    d->medium->disk_size < disk_min) {
			what[n++] = scan_printf(
				s, "a disk of %llu GB, expected 64",
				(unsigned long long)(d->medium->disk_size / 1000000000));
			break;
		}
	}
	for (size_t i = 0; i < n; i++)
		text = scan_printf(s, "%s%s%s", text, i ? "; " : "", what[i]);
	return n ? text : NULL;
}

static void check_windows_11(struct scan *s, const struct vm *vm)
{
	const struct disk *setup = is_all_seen(vm) ? setup_of(vm) : NULL;
	const char *missing;
	struct finding *f;

	if (!setup || !fact_is(&vm->guest, "http://microsoft.com/win/11") ||
	    has_other_medium(vm, setup))
		return;
	for (size_t i = 0; i < vm->ndisks; i++) {
		if (is_disk(&vm->disks[i]) && !is_new(&vm->disks[i]))
			return;
	}
	missing = missing_in(s, vm);
	if (!missing)
		return;
	f = report(s, vm->guest.at, "the VM is to become Windows 11, and has %s",
		   missing);
	report_label(s, f, "its setup says: This PC can't run Windows 11");
	report_related(s, f, setup->source.at, "the setup");
}

/* ---- guest-os-other ---- */

static enum guest_os by_libosinfo(struct str id)
{
	static const char *const linuxes[] = {
		"alpinelinux.org", "almalinux.org",
		"archlinux.org",   "centos.org",
		"debian.org",      "fedoraproject.",
		"gentoo.org",      "libosinfo.org/linux",
		"nixos.org",       "opensuse.org",
		"oracle.com/ol",   "redhat.com",
		"rockylinux.org",  "suse.com",
		"ubuntu.com",
	};

	if (str_starts(id, "http://microsoft.com/win"))
		return SYSTEM_WINDOWS;
	for (size_t i = 0; i < sizeof(linuxes) / sizeof(linuxes[0]); i++) {
		if (str_starts(id, "http://") && str_has(id, linuxes[i]))
			return SYSTEM_LINUX;
	}
	return SYSTEM_UNKNOWN;
}

static enum guest_os declared_of(const struct vm *vm)
{
	if (!fact_known(&vm->guest))
		return SYSTEM_UNKNOWN;
	if (vm->flavour == FLAVOUR_LIBVIRT)
		return by_libosinfo(vm->guest.v);
	if (vm->flavour != FLAVOUR_QUICKEMU)
		return SYSTEM_UNKNOWN;
	if (fact_is(&vm->guest, "windows") || fact_is(&vm->guest, "windows-server"))
		return SYSTEM_WINDOWS;
	return fact_is(&vm->guest, "linux") ? SYSTEM_LINUX : SYSTEM_UNKNOWN;
}

static bool is_linux_filesystem(const char *name)
{
	return name && (strncmp(name, "ext", 3) == 0 || strcmp(name, "XFS") == 0 ||
			strcmp(name, "btrfs") == 0 || strcmp(name, "F2FS") == 0);
}

static const struct medium_part *linux_part(const struct medium *m)
{
	for (size_t i = 0; m && i < m->nparts; i++) {
		if (is_linux_filesystem(m->part[i].filesystem))
			return &m->part[i];
	}
	return NULL;
}

struct finds {
	const struct disk *windows, *linux;
	bool unknown; /* there is more */
	bool other;   /* an installer, not of Windows */
};

static void look_at(struct finds *f, const struct disk *d)
{
	const struct medium_boot *b = boot_seen(d);

	if (fact_is(&d->device, "pflash") || (is_cdrom(d) && fact_absent(&d->source)))
		return;
	if (!b) {
		f->unknown = true;
	} else if (is_cdrom(d)) {
		if (is_setup(d))
			f->windows = f->windows ? f->windows : d;
		else if (!d->medium->iso || d->medium->iso->catalog)
			f->other = true;
	} else if (!d->medium->blank) {
		const struct medium_part *part = linux_part(d->medium);

		if (b->windows.state == ANSWER_YES)
			f->windows = f->windows ? f->windows : d;
		if (part)
			f->linux = f->linux ? f->linux : d;
		if (b->windows.state == ANSWER_UNKNOWN ||
		    (b->windows.state == ANSWER_NO && !part))
			f->unknown = true;
	}
}

static void check_other(struct scan *s, const struct vm *vm)
{
	enum guest_os declared = declared_of(vm);
	struct finds all = { 0 };
	const struct disk *d;
	struct finding *f;

	if (declared == SYSTEM_UNKNOWN || !is_all_seen(vm))
		return;
	for (size_t i = 0; i < vm->ndisks; i++)
		look_at(&all, &vm->disks[i]);
	d = declared == SYSTEM_WINDOWS ? all.linux : all.windows;
	if (all.unknown || !d ||
	    (declared == SYSTEM_WINDOWS ? all.windows != NULL : all.linux || all.other))
		return;
	f = report(s, vm->guest.at, "the VM is said to be for '%s', and '%s' %s",
		   shown(s, vm->guest.v), shown(s, image_name(d)->v),
		   declared == SYSTEM_LINUX
			   ? (is_cdrom(d) ? "installs Windows" : "has Windows on it")
			   : "has a Linux file system and no Windows on it");
	report_label(s, f, "%s",
		     vm->flavour == FLAVOUR_LIBVIRT
			     ? "virt-manager chooses devices for the wrong system"
			     : "Quickemu gives it the machine and the devices of the "
			       "wrong system");
	report_related(s, f, image_name(d)->at, "%s",
		       is_cdrom(d) ? "the medium" : "the disk");
	if (declared == SYSTEM_WINDOWS)
		report_related(s, f, linux_part(d->medium)->at, "the partition");
	if (vm->flavour == FLAVOUR_LIBVIRT)
		report_lower(f);
}

const struct rule rules_guest[] = {
	{ .id = "guest-os-other",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM that is said to be for another system than the one it has",
	  .why = "Quickemu makes the machine by guest_os: clock, CPU flags, disk bus, "
		 "network card. virt-install and virt-manager choose defaults by the id "
		 "in the metadata, also for what is added later.",
	  .steps =
		  "Say what it is: guest_os=\"linux\" or \"windows\"; virt-xml VM --edit "
		  "--os-variant NAME, or osinfo-query os for the id.",
	  .source = "quickemu, configure_os_quirks(); libosinfo; virtinst, guest.py",
	  .since = "0.1.0",
	  CHECK(vm, check_other) },
	{ .id = "guest-setup-virtio",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "Windows to be installed on virtio, without its drivers",
	  .why = "Windows brings no drivers for virtio. Its setup shows an empty list of "
		 "disks, unless the drivers were put into the medium.",
	  .steps =
		  "Attach virtio-win.iso as a second CD-ROM and load the driver (viostor) "
		  "in setup, or put the disk on SATA or NVMe.",
	  .source = "virtio-win; quickemu-project/quickemu#27; "
		    "virtio-win/kvm-guest-drivers-windows#520",
	  .since = "0.1.0",
	  CHECK(vm, check_virtio) },
	{ .id = "guest-windows-11",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM for Windows 11 that its setup refuses",
	  .why = "Its setup wants a TPM 2.0, UEFI, 4 GiB of memory and a disk of 64 GB.",
	  .steps =
		  "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>, "
		  "firmware='efi', memory and a disk that are large enough; or an answer "
		  "file that leaves the checks out.",
	  .source = "Microsoft, Windows 11 requirements; virtinst, guest.py",
	  .since = "0.1.0",
	  CHECK(vm, check_windows_11) },
};
RULES_END(guest);
