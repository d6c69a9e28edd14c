/* Locks that QEMU takes on image files, and the file systems that cannot give them.
 * QEMU: block/file-posix.c, raw_apply_lock_bytes().
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "analyze/host.h"
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

	/* Where a lock can be turned off, qemu-locking-medium says how. */
	if (d->vm->flavour == FLAVOUR_QEMU || !vm_runs_qemu(d->vm))
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

const struct rule rules_locking[] = {
	{ .id = "locking-network-medium",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title =
		  "a read-only image on a network share whose locks depend on the server",
	  .why = "QEMU locks every image file that it opens, read-only ones too. Where "
		 "the server does not answer (no lockd for NFS 2 and 3, an SMB or 9p "
		 "server without byte-range locks), the VM does not start: Failed to "
		 "lock byte 100.",
	  .steps = "Works: copy the image to a local disk and name the copy in <source "
		   "file=''/>; or mount the share with NFS 4; or let its locks stay on "
		   "this host (NFS: nolock or local_lock=posix, SMB: nobrl), if no other "
		   "host writes to the image. Does not help: <readonly/>, <shareable/>, "
		   "a read-only mount, another cache mode. libvirt has no attribute that "
		   "turns the lock off, and Packer has none for the medium that it "
		   "installs from: iso_url with a file of a local disk.",
	  .source = "QEMU, block/file-posix.c; utmapp/UTM#6564; nfs(5), local_lock; "
		    "mount.cifs(8), nobrl",
	  .since = "0.1.0",
	  CHECK(disk, check_medium) },
};
RULES_END(locking);
