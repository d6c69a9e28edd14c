/* Locks that QEMU takes on image files, and the file systems that cannot give them.
 * QEMU: block/file-posix.c, raw_apply_lock_bytes().
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/host.h"
#include "rules/qemu_words.h"
#include "rules/words.h"
#include "base/banned.h"

static bool has_any(const struct mount *m, const char *const *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (mount_has_option(m, options[i]))
			return true;
	}
	return false;
}

#define HAS_ANY(m, list) has_any((m), (list), sizeof(list) / sizeof((list)[0]))

/* Locks need a separate service of the server (NFS 2 and 3), or a server that has byte-range
 * locks at all; and the mount does not keep them on this host. Whether the server has them
 * cannot be seen from here. */
static bool locks_depend_on_server(const struct mount *m)
{
	static const char *const nfs_local[] = { "nolock", "local_lock=all",
						 "local_lock=posix" };
	static const char *const nfs4[] = { "vers=4", "vers=4.0", "vers=4.1",
					    "vers=4.2" };

	if (strcmp(m->fstype, "nfs") == 0)
		return !HAS_ANY(m, nfs_local) && !HAS_ANY(m, nfs4);
	if (strcmp(m->fstype, "cifs") == 0 || strcmp(m->fstype, "smb3") == 0)
		return !mount_has_option(m, "nobrl");
	return strcmp(m->fstype, "9p") == 0 || strcmp(m->fstype, "afs") == 0;
}

static void check_medium(struct scan *s, const struct disk *d)
{
	const struct mount *m = d->mount;
	bool cdrom = fact_is(&d->device, "cdrom");
	struct finding *f;

	/* Where a lock can be turned off, locking-off-for-medium does; Incus does so itself. */
	if (d->vm->flavour == FLAVOUR_QEMU || d->vm->flavour == FLAVOUR_INCUS ||
	    !vm_runs_qemu(d->vm))
		return;
	if (!fact_absent(&d->type) && !fact_is(&d->type, "file"))
		return;
	if (!cdrom && !fact_known(&d->readonly))
		return;
	if (!m || !locks_depend_on_server(m))
		return;
	f = report(s, d->source.at,
		   "%s '%s' is on '%s' (%s): QEMU must lock it there, although it is "
		   "read-only",
		   cdrom ? "CD-ROM image" : "read-only image", shown(s, d->source.v),
		   shown(s, str_of(m->source)), shown(s, str_of(m->fstype)));
	report_label(s, f,
		     "where the server cannot lock, QEMU exits: Failed to lock byte 100");
}

/* ---- locking-off-for-medium ---- */

static bool is_medium(const struct disk *d)
{
	return fact_is(&d->device, "cdrom") || fact_known(&d->readonly);
}

static void check_medium_qemu(struct scan *s, const struct disk *d)
{
	struct finding *f;

	if (!says_qemu(d->vm) || !fact_is(&d->type, "file") || !is_medium(d))
		return;
	if (!fact_is_not(&d->locking, "off") || !d->mount ||
	    !locks_depend_on_server(d->mount))
		return;
	f = report(s, d->source.at,
		   "read-only image '%s' is on '%s' (%s), and QEMU locks it there",
		   shown(s, d->source.v), shown(s, str_of(d->mount->source)),
		   shown(s, str_of(d->mount->fstype)));
	report_label(s, f,
		     "where the server cannot lock, QEMU exits: Failed to lock byte 100");
}

static bool fix_medium_qemu(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct qemu_option *o = option_of_disk(d);

	(void)f;
	if (o && str_is(o->name, "cdrom")) {
		plan_title(p, "-cdrom as a -drive with file.locking=off");
		return plan_cdrom_as_drive(p, d->vm->qemu, o, o->value->text.n);
	}
	plan_title(p, "%s=off", fact_absent(&d->locking) ? "file.locking" : "locking");
	return plan_set(p, &d->locking, "off");
}

/* ---- locking-in-backing-file ---- */

static void check_backing(struct scan *s, const struct disk *d)
{
	const struct mount *m = d->backing_mount;
	struct finding *f;

	if (!says_qemu(d->vm) || !fact_is(&d->locking, "off") ||
	    !fact_is_not(&d->backing_locking, "off"))
		return;
	if (!fact_known(&d->backing) || !m || !locks_depend_on_server(m))
		return;
	f = report(s, d->backing.at,
		   "the locks of '%s' are on, and off for the image above it only",
		   shown(s, d->backing.v));
	report_label(s, f, "it is on '%s' (%s), where QEMU may fail to lock byte 100",
		     shown(s, str_of(m->source)), shown(s, str_of(m->fstype)));
	report_related(s, f, d->locking.at, "off for this image");
}

static bool fix_backing(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	plan_title(p, "backing.file.locking=off");
	return plan_set(p, &d->backing_locking, "off");
}

/* ---- locking-off-writable ---- */

static bool is_writable(const struct disk *d)
{
	if (!fact_absent(&d->readonly) || !fact_absent(&d->transient))
		return false;
	return fact_absent(&d->device) || fact_is(&d->device, "disk") ||
	       fact_is(&d->device, "lun");
}

static void check_writable(struct scan *s, const struct disk *d)
{
	struct finding *f;

	if (!says_qemu(d->vm) || !fact_is(&d->locking, "off") || !is_writable(d) ||
	    fact_absent(&d->source))
		return;
	/* Where they do not work there is no other way to start. */
	if (d->mount && locks_depend_on_server(d->mount))
		return;
	f = report(s, d->locking.at, "locks are off for a disk that the VM writes to%s",
		   fact_known(&d->source)
			   ? scan_printf(s, ", '%s'", shown(s, d->source.v))
			   : "");
	report_label(s, f,
		     "a second QEMU or qemu-img can open it, and both would damage it");
}

static bool fix_writable(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	plan_title(p, "remove file.locking=off");
	return plan_remove(p, &d->locking);
}

/* ---- locking-not-shared ---- */

static void check_local(struct scan *s, const struct disk *d)
{
	const struct mount *m = d->mount;
	struct finding *f;

	if (!m || !mount_locks_are_local(m) || !vm_runs_qemu(d->vm) || !is_writable(d) ||
	    !fact_known(&d->source) || d->locking.state == FACT_UNKNOWN ||
	    fact_is(&d->locking, "off"))
		return;
	f = report(
		s, d->source.at,
		"'%s' is on '%s' (%s), mounted with %s: no other host sees a lock on it",
		shown(s, d->source.v), shown(s, str_of(m->source)),
		shown(s, str_of(m->fstype)),
		mount_has_option(m, "nobrl")    ? "nobrl"
		: mount_has_option(m, "nolock") ? "nolock"
						: "local_lock");
	report_label(s, f,
		     "a VM on another host can open it as well, and both would damage "
		     "it");
}

/* ---- locking-same-image ---- */

/* By name only; links and the like are not followed. */
static bool same_source(const struct disk *a, const struct disk *b)
{
	if (a->source.v.n == 0 || !str_eq(a->source.v, b->source.v))
		return false;
	if (fact_known(&a->source) && fact_known(&b->source))
		return !fact_is(&a->type, "network") && !fact_is(&a->type, "dir");
	return false;
}

static bool may_be_shared(const struct disk *d)
{
	return !fact_absent(&d->shareable) || !fact_absent(&d->transient) ||
	       (!fact_absent(&d->readonly) && !fact_known(&d->readonly));
}

/* Of two, one that is written to is enough. */
static bool conflict(const struct disk *a, const struct disk *b)
{
	if (!same_source(a, b) || may_be_shared(a) || may_be_shared(b))
		return false;
	if (str_is(a->source.v, "/dev/null") || a->device.state == FACT_UNKNOWN ||
	    b->device.state == FACT_UNKNOWN)
		return false;
	return (fact_absent(&a->readonly) && !fact_is(&a->device, "cdrom")) ||
	       (fact_absent(&b->readonly) && !fact_is(&b->device, "cdrom"));
}

enum { SAME_MAX = 256 }; /* disks that are compared with each other */

static void check_same(struct scan *s, const struct vm *vm)
{
	if (!says_qemu(vm) || vm->ndisks > SAME_MAX)
		return;
	for (size_t i = 1; i < vm->ndisks; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct disk *d = &vm->disks[i];
			struct finding *f;

			if (!conflict(d, &vm->disks[k]))
				continue;
			f = report(s, d->source.at, "'%s' is a disk of this VM twice",
				   shown(s, d->source.v));
			report_label(s, f,
				     "QEMU exits: Failed to get \"write\" lock; with "
				     "locks off, both would damage it");
			report_related(s, f, vm->disks[k].source.at, "the other one");
			break;
		}
	}
}

const struct rule rules_locking[] = {
	{ .id = "locking-in-backing-file",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "locks are off for an image, and on for its backing file",
	  .why = "file.locking=off is about one file. QEMU locks those below it as well: "
		 "an overlay with a base on a share that cannot lock does not start: "
		 "Could not open backing file: Failed to lock byte 100.",
	  .source = "QEMU, block/file-posix.c; qapi/block-core.json, BlockdevOptionsFile",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_backing, fix_backing) },
	{ .id = "locking-network-medium",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title =
		  "a read-only image on a network share whose locks depend on the server",
	  .why = "QEMU locks every image file that it opens, read-only ones too. Where "
		 "the server does not answer (no lockd for NFS 2 and 3, an SMB or 9p "
		 "server without byte-range locks), the VM does not start: Failed to "
		 "lock byte 100.",
	  .steps =
		  "Works: copy the image to a local disk and name the copy (<source "
		  "file=''/>, iso=, iso_url); or mount the share with NFS 4; or let its "
		  "locks stay on this host (NFS: nolock or local_lock=posix, SMB: nobrl), "
		  "if no other host writes to the image. Does not help: <readonly/>, "
		  "<shareable/>, a read-only mount, another cache mode. Neither libvirt "
		  "nor Quickemu has a setting that turns the lock off, nor has Packer for "
		  "the medium that it installs from.",
	  .source = "QEMU, block/file-posix.c; utmapp/UTM#6564; nfs(5), local_lock; "
		    "mount.cifs(8), nobrl",
	  .since = "0.1.0",
	  CHECK(disk, check_medium) },
	{ .id = "locking-not-shared",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk on a share whose locks stay on this host",
	  .why = "With nolock, local_lock or nobrl the kernel keeps QEMU's locks to itself. "
		 "They work among the VMs of this host, and nothing keeps another host from "
		 "opening the image too.",
	  .steps =
		  "Where only one host uses the share, it is right. Else mount it without "
		  "the option (NFS 4 has locks of its own), or have a lock manager: "
		  "lock_manager = \"sanlock\" in libvirt's qemu.conf.",
	  .source = "nfs(5), local_lock; mount.cifs(8), nobrl; QEMU, block/file-posix.c",
	  .since = "0.1.0",
	  CHECK(disk, check_local) },
	{ .id = "locking-off-for-medium",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "QEMU locks a read-only image on a share that may not have locks",
	  .why = "QEMU locks every image file that it opens, read-only ones too. Where "
		 "the server does not answer (no lockd for NFS 2 and 3, an SMB or 9p "
		 "server without byte-range locks), the VM does not start: Failed to "
		 "lock byte 100. Nobody writes to this image through this VM, so the "
		 "lock protects nothing here.",
	  .steps = "file.locking=off in the -drive (UTM does the same since 4.5.4). Does "
		   "not help: readonly=on, a read-only mount, another cache mode.",
	  .source = "QEMU, block/file-posix.c; utmapp/UTM#6564",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_medium_qemu, fix_medium_qemu) },
	{ .id = "locking-off-writable",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "locks are turned off for a disk that is written to",
	  .why = "The locks are all that keeps a second QEMU, or qemu-img, from opening "
		 "the image while the VM runs. Two writers damage it, and nobody says a "
		 "word.",
	  .steps = "Remove file.locking=off. Where QEMU then says Failed to lock byte "
		   "100 with a reason (Operation not supported), the file system has no "
		   "locks: move the image. Without a reason, or with Failed to get "
		   "\"write\" lock, somebody else has it open.",
	  .source = "QEMU, block/file-posix.c; qapi/block-core.json, locking",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_writable, fix_writable) },
	{ .id = "locking-same-image",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "one image is a disk of a VM twice, and is written to",
	  .why = "QEMU opens the image for each of them, and its own locks are in the "
		 "way: Failed to get \"write\" lock. Without locks, or where a file "
		 "system has none, both would write, and damage it.",
	  .steps = "Remove one of the two. It is often the option that a tool adds by "
		   "itself and that was written down a second time.",
	  .source = "QEMU, block/file-posix.c; hashicorp/packer#10223, #10300",
	  .since = "0.1.0",
	  CHECK(vm, check_same) },
};
RULES_END(locking);
