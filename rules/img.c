/* Rules on an image as a file: who uses it, and whether a repair of it was interrupted.
 * QEMU's locks: block/file-posix.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/qcow2_flaw.h"
#include "rules/rules.h"
#include "base/banned.h"

static bool is_image(const struct unit *u)
{
	return u->format && u->format->kind == FORMAT_IMAGE;
}

static struct span whole_of(const struct unit *u)
{
	return (struct span){ .src = &u->src };
}

/* Who writes, as far as locks tell: they carry no names. */
static const char *holder_of(const struct lock_state *l)
{
	if (l->whole_file)
		return "a lock over the whole file, as Cloud Hypervisor takes it";
	if (l->virtlockd)
		return "libvirt's lock daemon holds its lock";
	return "QEMU's lock for writing is held";
}

static void check_writer(struct scan *s, const struct unit *u)
{
	const struct lock_state *l = &u->locks;
	const char *held;

	if (!is_image(u) || !l->known || !lock_has_writer(l))
		return;
	held = u->qcow2 ? qcow2_held_back(s, u->qcow2) : NULL;
	report(s, whole_of(u),
	       "the image is in use: %s%s; what was read may be half of a change%s%s",
	       holder_of(l),
	       l->pid ? scan_printf(s, " by %s, process %ld", l->holder, l->pid) : "",
	       held ? "; not reported, since it may be so while somebody writes: " : "",
	       held ? held : "");
}

static void check_loop(struct scan *s, const struct unit *u)
{
	const struct loop_device *l = u->loop;
	const struct mount *m = l ? host_mount_of_device(u->host, l->name) : NULL;

	if (is_image(u) && l)
		report(s, whole_of(u), "the image is attached to /dev/%s%s%s%s",
		       shown(s, str_of(l->name)), m ? ", mounted at '" : "",
		       m ? shown(s, str_of(m->dir)) : "", m ? "'" : "");
}

static void check_unfinished(struct scan *s, const struct unit *u)
{
	if (is_image(u) && u->journal == JOURNAL_ARMED)
		report(s, whole_of(u),
		       "a repair of this image was interrupted: it is partly written");
}

static void check_size(struct scan *s, const struct image *img)
{
	uint64_t over = img->size % 512;
	struct finding *f;

	/* Of an ISO that has not come whole that is no surprise. */
	if (over == 0 || (img->iso && img->iso->volume_end > img->size))
		return;
	f = report(s, (struct span){ img->src, img->size - over, over },
		   "the image has %llu bytes, %llu more than whole sectors of 512",
		   (unsigned long long)img->size, (unsigned long long)over);
	report_label(s, f, "a part of a sector");
}

const struct rule rules_img[] = {
	{ .id = "img-locked-writer",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "the image is in use by a program that writes to it",
	  .why = "Findings may be about a moment that has passed, and vmend does not change an "
		 "image that somebody uses.",
	  .steps =
		  "Shut the VM down, or stop the qemu-nbd that serves the image, and check it "
		  "again.",
	  .source = "QEMU, block/file-posix.c, raw_check_lock_bytes()",
	  .since = "0.1.0",
	  CHECK(unit, check_writer) },
	{ .id = "img-loop-attached",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "the image is attached to a loop device",
	  .why = "What a mounted file system has not written yet is not in the image, and "
		 "neither QEMU nor the loop device keeps the other from writing to it.",
	  .steps =
		  "Unmount what is mounted from it, then `losetup -d` the device, before the "
		  "image is repaired or used by a VM.",
	  .source = "losetup(8); Linux, drivers/block/loop.c takes no locks",
	  .since = "0.1.0",
	  CHECK(unit, check_loop) },
	{ .id = "img-repair-unfinished",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a repair of the image was interrupted",
	  .why = "Some of its changes are written and some are not; the journal beside the image "
		 "has them all.",
	  .steps =
		  "`vmend undo IMAGE` takes the repair back, byte for byte; `vmend fix IMAGE` "
		  "completes it.",
	  .source = "SPEC.md, \"Journal\"",
	  .since = "0.1.0",
	  CHECK(unit, check_unfinished) },
	{ .id = "img-size-512",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "the image does not end with a whole sector",
	  .why = "QEMU shows it one sector longer, other programs one shorter: the backup GPT is "
		 "at the end for one of them only. Something was cut off, or appended.",
	  .steps =
		  "If it was cut off, copy it again. Else compare its size with the disk that it "
		  "was made from, and `truncate -s` a copy to that.",
	  .source =
		  "qemu: block/file-posix.c, raw_getlength(), rounded up by bdrv_nb_sectors()",
	  .since = "0.1.0",
	  CHECK(image, check_size) },
};

RULES_END(img);
