/* What the file behind a disk is: no image at all, one that QEMU has to guess at, one that the
 * QEMU of the target cannot read, or the file of another disk as well.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/qcow2.h"
#include "rules/media_words.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- media-no-image ---- */

enum { SECTOR = 512 };

/* Packer unpacks what it fetches; and files are handed to a guest in a tar, as they are. */
static bool may_be_meant(const struct disk *d)
{
	const struct medium *m = d->medium;

	if (m->stray.kind != STRAY_ARCHIVE)
		return false;
	return d->vm->builder || (strcmp(m->stray.what, "a tar archive") == 0 &&
				  d->vm->ndisks > 1 && declares_format(d, "raw"));
}

static const char *what_it_is(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;

	if (m->is_stray)
		return may_be_meant(d) ? NULL : m->stray.what;
	if (m->file.size >= SECTOR || strcmp(m->format, "raw") != 0 ||
	    declares_format(d, "qcow2"))
		return NULL;
	return m->file.size == 0 ? "empty"
				 : scan_printf(s, "%llu bytes long", LLU(m->file.size));
}

static void check_no_image(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	const char *what;

	/* Of an input it is said there: img-compressed-archive, img-is-html. */
	if (!is_opened(d) || fact_is(&d->device, "pflash") || m->judged)
		return;
	what = what_it_is(s, d);
	if (!what)
		return;
	f = report(s, image_name(d)->at, "'%s' is %s, expected a disk image",
		   shown(s, image_name(d)->v), what);
	if (fact_known(&d->format) && !fact_is(&d->format, "raw") && !is_made(d))
		report_label(s, f, "%s: it is no %s image", it_fails(d),
			     shown(s, d->format.v));
	else if (d->vm->builder)
		report_label(s, f, "the build cannot start anything from it");
	else if (m->is_stray && m->stray.kind == STRAY_ARCHIVE)
		report_label(s, f,
			     "the guest sees the packed bytes as its disk; `%s` unpacks "
			     "it",
			     m->stray.unpack);
	else
		report_label(s, f, "the VM starts, and there is nothing on its disk");
	if (m->is_stray)
		report_related(s, f, m->stray.at, "what shows it");
}

/* ---- media-format-guessed ---- */

static bool leaves_it_open(const struct disk *d)
{
	if (!fact_absent(&d->format))
		return false;
	return says_qemu(d->vm) || (d->vm->utm && vm_runs_qemu(d->vm));
}

static void check_guessed(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_opened(d) || !leaves_it_open(d) || !is_disk(d) || !is_written_to(d) ||
	    m->is_stray || !medium_is(m, "raw") || m->file.size < SECTOR)
		return;
	f = report(s, image_name(d)->at,
		   "'%s' is a raw disk, and %s: QEMU guesses it at each start",
		   shown(s, d->source.v),
		   d->vm->utm ? "UTM names no format" : "no format is named");
	report_label(s, f,
		     "QEMU refuses a guest's write of another format's signature to the "
		     "first sector, and a guest that gets one there reads files of the "
		     "host");
	if (m->table_at.len)
		report_related(s, f, m->table_at, "a partition table of a raw disk");
	/* Its user has no setting for it. */
	if (d->vm->utm)
		report_lower(f);
}

static bool fix_guessed(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	if (d->vm->utm)
		return plan_refuse(p,
				   "qemu-img convert -f raw -O qcow2 makes an image of "
				   "it that says what it is");
	if (!d->format.lens)
		return plan_refuse(p, "its option has no place for a format: make it a "
				      "-drive file=...,format=raw");
	plan_title(p, "format=raw");
	return plan_set(p, &d->format, "raw");
}

/* ---- media-feature-newer ---- */

struct feature {
	uint64_t bit;
	const char *what;
	uint32_t major, minor;
};

/* QEMU, docs/about and ChangeLog of these versions; docs/interop/qcow2.txt. */
static const struct feature features[] = {
	{ QCOW2_INCOMPAT_EXTL2, "extended L2 entries", 5, 2 },
	{ QCOW2_INCOMPAT_COMPRESSION, "a compression other than deflate", 5, 1 },
	{ QCOW2_INCOMPAT_DATA_FILE, "an external data file", 4, 0 },
};

static void check_feature(struct scan *s, const struct disk *d)
{
	struct version v = target_version(s, "qemu");
	const struct medium *m = d->medium;
	struct finding *f;

	if (!v.known || !opens_qcow2(d))
		return;
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct feature *x = &features[i];

		if (!(m->incompatible & x->bit) ||
		    version_cmp(&v, x->major, x->minor, 0) >= 0)
			continue;
		f = report(s, image_name(d)->at,
			   "'%s' has %s, which QEMU reads from %u.%u on, and the target "
			   "is %u.%u.%u",
			   shown(s, image_name(d)->v), x->what, x->major, x->minor,
			   v.part[0], v.part[1], v.part[2]);
		report_label(s, f, "%s: Unsupported qcow2 feature(s)", it_fails(d));
		report_related(s, f, m->incompatible_at, "the features in its header");
		return;
	}
}

/* ---- media-same-image ---- */

enum { SAME_MAX = 256 }; /* disks that are compared with each other */

static bool may_be_shared(const struct disk *d)
{
	return !fact_absent(&d->shareable) || !fact_absent(&d->transient) ||
	       d->readonly.state == FACT_UNKNOWN || d->device.state == FACT_UNKNOWN;
}

static bool is_only_read(const struct disk *d)
{
	return !fact_absent(&d->readonly) || fact_is(&d->device, "cdrom");
}

static bool same_file(const struct disk *a, const struct disk *b)
{
	const struct source *x = &a->medium->file, *y = &b->medium->file;

	if (x->st.st_dev != y->st.st_dev || x->st.st_ino != y->st.st_ino)
		return false;
	/* locking-same-image knows them by name. */
	return !says_qemu(a->vm) || !str_eq(a->source.v, b->source.v);
}

static bool is_candidate(const struct disk *d)
{
	return is_opened(d) && !is_made(d) && !may_be_shared(d);
}

static void say_same(struct scan *s, const struct disk *d, const struct disk *other)
{
	struct finding *f;

	if (str_eq(d->source.v, other->source.v))
		f = report(s, d->source.at, "'%s' is a disk of this VM twice",
			   shown(s, d->source.v));
	else
		f = report(s, d->source.at,
			   "'%s' and '%s' are the same file, and two disks of this VM",
			   shown(s, other->source.v), shown(s, d->source.v));
	report_label(
		s, f, "%s",
		fact_is(&d->locking, "off")
			? "nothing keeps the two from writing over each other"
			: "QEMU exits: Failed to get \"write\" lock; with locks off, "
			  "both would damage it");
	report_related(s, f, other->source.at, "the other one");
}

static void check_same(struct scan *s, const struct vm *vm)
{
	if (vm->ndisks > SAME_MAX)
		return;
	for (size_t i = 1; i < vm->ndisks; i++) {
		for (size_t k = 0; k < i && is_candidate(&vm->disks[i]); k++) {
			const struct disk *d = &vm->disks[i], *other = &vm->disks[k];

			if (!is_candidate(other) || !same_file(d, other) ||
			    (is_only_read(d) && is_only_read(other)))
				continue;
			say_same(s, d, other);
			break;
		}
	}
}

/* ---- media-snapshot-blocked ---- */

/* What QEMU cannot take back to a snapshot, and the guest writes to. */
static bool has_no_snapshots(const struct disk *d)
{
	if (!d->medium || !fact_known(&d->source) || !is_written_to(d) ||
	    !(is_disk(d) || fact_is(&d->device, "pflash")) || d->medium->is_stray)
		return false;
	return fact_is(&d->format, "raw") ||
	       (fact_absent(&d->format) && medium_is(d->medium, "raw"));
}

static void check_snapshot(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if ((!says_qemu(d->vm) && !d->vm->utm) || d->vm->base || !opens_qcow2(d) ||
	    m->snapshots == 0 || !is_written_to(d))
		return;
	for (size_t i = 0; i < d->vm->ndisks; i++) {
		const struct disk *other = &d->vm->disks[i];

		if (!has_no_snapshots(other))
			continue;
		f = report(s, other->source.at,
			   "'%s' has %llu snapshot%s, and '%s' is raw and written to: "
			   "QEMU goes back to none of them",
			   shown(s, d->source.v), LLU(m->snapshots),
			   m->snapshots == 1 ? "" : "s", shown(s, other->source.v));
		report_label(s, f,
			     "loadvm and savevm fail: Device is writable but does not "
			     "support snapshots");
		report_related(s, f, m->snapshots_at, "the number of snapshots");
		return;
	}
}

const struct rule rules_media_what[] = {
	{ .id = "media-feature-newer",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an image with a feature that the target's QEMU does not have",
	  .why = "An incompatible feature that QEMU does not know is one without which "
		 "the image cannot be read: it is not opened.",
	  .steps = "qemu-img convert -O qcow2 -o extended_l2=off,compression_type=zlib "
		   "makes an image that older ones read; asked with --target "
		   "qemu=VERSION only.",
	  .source = "QEMU, docs/interop/qcow2.txt, incompatible features; news of 4.0, "
		    "5.1 and 5.2",
	  .since = "0.1.0",
	  CHECK(disk, check_feature) },
	{ .id = "media-format-guessed",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a raw disk whose format QEMU has to guess",
	  .why = "A guest may write anything to a raw disk, the header of a QCOW2 too, and "
		 "at the next start that would name files of the host. QEMU therefore "
		 "refuses such writes to the first sector, warns, and is to be told.",
	  .steps = "format=raw in the -drive. UTM has no setting for it.",
	  .source = "QEMU, block/raw-format.c, raw_co_pwritev(); CVE-2008-2004",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_guessed, fix_guessed) },
	{ .id = "media-no-image",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM whose disk is no disk image",
	  .why = "QEMU takes any bytes for a raw disk: a packed image, the page that a "
		 "server sent instead, a pointer of Git LFS, a download that never "
		 "began. The VM starts, and finds nothing.",
	  .steps = "Unpack it, fetch it again, or git lfs pull.",
	  .source = "QEMU, block/raw-format.c, raw_probe(); lxc/incus#2919",
	  .since = "0.1.0",
	  CHECK(disk, check_no_image) },
	{ .id = "media-same-image",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "one file as two disks of a VM, under two names",
	  .why = "QEMU opens the image for each of them, and its own locks are in the "
		 "way; where there are none, both write, and damage it.",
	  .steps = "Remove one of the two.",
	  .source = "QEMU, block/file-posix.c",
	  .since = "0.1.0",
	  CHECK(vm, check_same) },
	{ .id = "media-snapshot-blocked",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "snapshots that QEMU cannot go back to, as another disk is raw",
	  .why = "Before QEMU saves or loads a snapshot of the VM, it asks all that the "
		 "guest writes to whether they can: a raw disk, or raw variables of the "
		 "firmware, cannot, and it does nothing.",
	  .steps = "Attach the raw one read-only, or as QCOW2; or go back with the VM "
		   "shut down: qemu-img snapshot -a NAME IMAGE.",
	  .source = "QEMU, block/snapshot.c, bdrv_all_can_snapshot(); seen with QEMU 7.2",
	  .since = "0.1.0",
	  CHECK(disk, check_snapshot) },
};
RULES_END(media_what);
