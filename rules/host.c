/* Disks of VMs, and the machine that they run on: who else uses an image here, and what its place
 * cannot give. Most of it is known only where the user says that this is the machine (--host).
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/host.h"
#include "analyze/medium.h"

#include <errno.h>

#include "base/banned.h"

static bool is_written(const struct disk *d)
{
	return (fact_is(&d->device, "disk") || fact_is(&d->device, "lun") ||
		fact_absent(&d->device)) &&
	       fact_absent(&d->readonly) && fact_absent(&d->transient) &&
	       !fact_known(&d->made_from);
}

/* ---- host-image-mounted ---- */

static void check_loop(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	const struct mount *at = m ? m->loop_mount : NULL;
	struct finding *f;

	if (!m || !m->loop || !is_written(d))
		return;
	f = report(s, d->source.at, "'%s' is attached to /dev/%s of this machine%s%s%s",
		   shown(s, d->source.v), shown(s, str_of(m->loop->name)),
		   at ? ", mounted at '" : "", at ? shown(s, str_of(at->dir)) : "",
		   at ? "'" : "");
	report_label(s, f,
		     "a VM that starts now writes to it beneath the mount: both damage "
		     "it, and no lock is in the way");
}

/* ---- host-device-mounted ---- */

static void check_device(struct scan *s, const struct disk *d)
{
	const struct mount *m = d->mounted;
	struct finding *f;

	if (!m || !is_written(d))
		return;
	f = report(s, d->source.at,
		   "the VM writes to '%s', and '%s' is mounted at '%s' of this machine",
		   shown(s, d->source.v), shown(s, str_of(m->source)),
		   shown(s, str_of(m->dir)));
	report_label(s, f, "two that write to one file system destroy it");
}

/* ---- host-locks-refused ---- */

static void check_lockless(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!m || m->locks.known || !vm_runs_qemu(d->vm) ||
	    !fact_is_not(&d->locking, "off") || d->vm->flavour == FLAVOUR_INCUS)
		return;
	if (m->locks.sys != ENOLCK && m->locks.sys != EOPNOTSUPP)
		return;
	f = report(s, d->source.at, "the file system of '%s' has no locks: %s",
		   shown(s, d->source.v),
		   m->locks.sys == ENOLCK ? "No locks available"
					  : "Operation not supported");
	report_label(s, f, "QEMU exits: Failed to lock byte 100");
}

/* ---- host-direct-refused ---- */

static bool is_direct(const struct disk *d)
{
	return fact_is(&d->cache, "none") || fact_is(&d->cache, "directsync");
}

static void check_direct(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!m || !m->place.refuses_direct || !is_direct(d) || !vm_runs_qemu(d->vm))
		return;
	f = report(s, d->cache.at,
		   "cache=%s, and the file system of '%s'%s%s does not support O_DIRECT",
		   shown(s, d->cache.v), shown(s, d->source.v),
		   m->place.fstype ? ", " : "",
		   m->place.fstype ? shown(s, str_of(m->place.fstype)) : "");
	report_label(s, f, "QEMU exits: Could not open ...: Invalid argument");
}

static bool fix_direct(struct plan *p, const struct finding *f, const struct disk *d)
{
	const char *to = fact_is(&d->cache, "none") ? "writeback" : "writethrough";

	(void)f;
	plan_title(p, "cache=%s", to);
	return plan_set(p, &d->cache, to);
}

/* ---- host-folder-barred ---- */

static void check_barred(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!m || !m->place.barred || d->vm->flavour != FLAVOUR_LIBVIRT ||
	    !vm_runs_qemu(d->vm))
		return;
	f = report(s, d->source.at, "'%s' is in '%s', which user %s may not enter",
		   shown(s, d->source.v), shown(s, str_of(m->place.barred)),
		   shown(s, str_of(m->place.user)));
	report_label(s, f,
		     "under qemu:///system the domain does not start: Permission "
		     "denied");
}

/* ---- host-firmware-missing ---- */

static void say_missing(struct scan *s, const struct vm *vm, const struct fact *file,
			const char *what)
{
	struct finding *f = report(
		s, file->at,
		"'%s' is named as the firmware's %s, and this machine does not have it",
		shown(s, file->v), what);

	report_label(s, f,
		     vm->builder ? "the build fails before the VM starts"
				 : "the VM does not start: No such file or directory");
}

static void check_firmware(struct scan *s, const struct vm *vm)
{
	if (!vm_runs_qemu(vm))
		return;
	if (vm->loader_gone)
		say_missing(s, vm, &vm->loader, "code");
	if (vm->template_gone)
		say_missing(s, vm, &vm->nvram_template, "variables");
}

/* ---- host-space ---- */

static const char *gib(struct scan *s, uint64_t bytes)
{
	return scan_printf(s, "%.1f GiB", (double)bytes / (1 << 30));
}

static void check_space(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint64_t grows;

	if (!m || !m->place.known || !is_written(d) || m->disk_size <= m->place.stored)
		return;
	grows = m->disk_size - m->place.stored;
	if (grows <= m->place.free)
		return;
	f = report(s, d->source.at,
		   "'%s' may still grow by %s, and its file system has %s left",
		   shown(s, d->source.v), gib(s, grows), gib(s, m->place.free));
	report_label(s, f,
		     "when it is full the VM is paused, or its file systems see errors");
}

const struct rule rules_host[] = {
	{ .id = "host-device-mounted",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM writes to a block device that is mounted here",
	  .why = "The host keeps parts of a mounted file system in memory, and writes them "
		 "back over what the VM has written. No lock keeps them apart.",
	  .steps =
		  "Unmount it, for ever (/etc/fstab), or give the VM another device. Seen "
		  "only with --host.",
	  .source = "mount(8); QEMU, docs/system/images.rst, \"Using host drives\"",
	  .since = "0.1.0",
	  CHECK(disk, check_device) },
	{ .id = "host-direct-refused",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a disk is to be opened with O_DIRECT where that is not possible",
	  .why = "cache=none and cache=directsync open the image with O_DIRECT. This file "
		 "system refuses it, and QEMU does not start. Asked of the file itself, with "
		 "--host.",
	  .source = "QEMU, block/file-posix.c; open(2), O_DIRECT; "
		    "quickemu-project/quickemu#30",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_direct, fix_direct) },
	{ .id = "host-firmware-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a firmware that this machine does not have",
	  .why = "Distributions name the files of OVMF each in its way, and have dropped "
		 "some: the builds of 2 MiB, OVMF_CODE.fd, are gone from Debian and Ubuntu "
		 "since edk2 2023.11, and are Packer's default all the same.",
	  .steps =
		  "Install it (ovmf, edk2-ovmf); or name what is there, code and variables "
		  "of one build: /usr/share/OVMF/OVMF_CODE_4M.fd and OVMF_VARS_4M.fd. "
		  "libvirt finds both by itself with <os firmware='efi'>.",
	  .source =
		  "canonical/packer-maas#216; libvirt formatdomain, loader; edk2 in Debian, "
		  "changelog 2023.11-2",
	  .since = "0.1.0",
	  CHECK(vm, check_firmware) },
	{ .id = "host-folder-barred",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "an image is in a folder that the VMs' user may not enter",
	  .why = "libvirt gives the image itself to the user that QEMU runs as, and none of "
		 "the folders above it. Seen only with --host; the user is --host-user, or "
		 "libvirt-qemu or qemu.",
	  .steps =
		  "Move the image to a storage pool (/var/lib/libvirt/images), or `setfacl "
		  "-m u:libvirt-qemu:x` each folder on the way. qemu:///session runs as its "
		  "own user, and needs neither.",
	  .source =
		  "libvirt, drvqemu, \"POSIX users/groups\"; virt-manager/virt-manager#266",
	  .since = "0.1.0",
	  CHECK(disk, check_barred) },
	{ .id = "host-image-mounted",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "the image of a disk is attached to a loop device",
	  .why = "Neither QEMU nor the loop device keeps the other from writing to it. What "
		 "a mounted file system has not written yet is written over what the VM "
		 "did.",
	  .steps = "Unmount it, then `losetup -d` the device, before the VM is started.",
	  .source = "losetup(8); Linux, drivers/block/loop.c takes no locks",
	  .since = "0.1.0",
	  CHECK(disk, check_loop) },
	{ .id = "host-locks-refused",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an image is on a file system that has no locks",
	  .why = "QEMU locks every image that it opens, and exits where it cannot. The "
		 "file was asked about its locks, none was taken.",
	  .steps =
		  "Move the image to a file system with locks. With QEMU's own options "
		  "file.locking=off is possible, for an image that only one VM ever opens.",
	  .source = "QEMU, block/file-posix.c, raw_apply_lock_bytes(); utmapp/UTM#6564",
	  .since = "0.1.0",
	  CHECK(disk, check_lockless) },
	{ .id = "host-space",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "an image may outgrow its file system",
	  .why = "A sparse image takes up more of its file system whenever the guest writes "
		 "where it did not write before. Seen only with --host.",
	  .steps =
		  "Leave room, or watch it (virsh domblkinfo). That an image can grow is "
		  "often meant so.",
	  .source = "QEMU, werror=enospc; libvirt, formatdomain, error_policy",
	  .since = "0.1.0",
	  CHECK(disk, check_space) },
};
RULES_END(host);
