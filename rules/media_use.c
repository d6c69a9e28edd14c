/* Images in places that are not theirs: a disk in a CD-ROM drive, an installer to be written
 * to, a base beside its overlay, and images that QEMU will not open as the config wants it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/media_words.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "analyze/config/qemu.h"
#include "analyze/image/qcow2.h"
#include "base/banned.h"

enum {
	/* Seeds of cloud-init and the like are ISO images, and are attached as disks. */
	SEED_MAX = 16 << 20,
};

/* Of a place where it is said how the file itself is attached. */
static bool is_attached(const struct disk *d)
{
	return is_opened(d) && !fact_known(&d->made_from);
}

/* What to do where there is no option for it. */
static const char *how_else(const struct disk *d)
{
	bool iso = medium_is(d->medium, "iso9660");

	switch (d->vm->flavour) {
	case FLAVOUR_QUICKEMU:
		return iso ? "name it in iso" : "name it in disk_img, or raw ones in img";
	case FLAVOUR_INCUS:
		return iso ? "give the file a name that ends with .iso"
			   : "give the file a name that does not end with .iso";
	case FLAVOUR_UTM:
		return iso ? "make it a drive with the image type CD/DVD"
			   : "make it a drive with the image type Disk";
	case FLAVOUR_LIBVIRT:
	case FLAVOUR_QEMU:
	case FLAVOUR_PACKER:
		break;
	}
	return "its option or device is one of a CD-ROM: use -drive file=...,format=... "
	       "without media=cdrom";
}

/* IDE and SATA have no disks that cannot be written to: hw/ide/qdev.c. */
static bool set_readonly(struct plan *p, const struct disk *d)
{
	if (d->vm->flavour != FLAVOUR_LIBVIRT && !says_qemu(d->vm))
		return plan_refuse(p, "%s", how_else(d));
	if (!d->readonly.lens)
		return plan_refuse(p, "its option has no place for readonly: make it a "
				      "-drive");
	if (!fact_is(&d->bus, "virtio") && !fact_is(&d->bus, "scsi"))
		return plan_refuse(p, "only disks on virtio and SCSI can be read-only");
	plan_title(p, says_qemu(d->vm) ? "readonly=on" : "<readonly/>");
	return plan_set(p, &d->readonly, says_qemu(d->vm) ? "on" : "yes");
}

/* ---- media-disk-as-cdrom ---- */

static void check_cdrom(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	bool packer = d->vm->builder != NULL;
	struct finding *f;

	if (!is_attached(d) || !fact_is(&d->device, "cdrom") || m->is_stray ||
	    medium_is(m, "iso9660") || m->table_at.len == 0)
		return;
	f = report(s, d->device.at,
		   "'%s' is a disk with a %s, and attached as a CD-ROM%s",
		   shown(s, d->source.v),
		   m->table == TABLE_GPT ? "GPT" : "DOS partition table",
		   packer ? ", as disk_image is not true" : "");
	report_label(s, f,
		     "sectors of a CD-ROM have 2048 bytes: nothing on it is found, and "
		     "it does not boot");
	report_related(s, f, m->table_at, "the table");
}

static bool fix_cdrom(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	if (d->vm->builder) {
		plan_title(p, "disk_image = true");
		return plan_set(p, &d->vm->builder->disk_image, "true");
	}
	if (!d->device.lens || (d->vm->flavour != FLAVOUR_LIBVIRT && !says_qemu(d->vm)))
		return plan_refuse(p, "%s", how_else(d));
	if (fact_known(&d->readonly) && !plan_remove(p, &d->readonly))
		return false;
	plan_title(p, says_qemu(d->vm) ? "media=disk" : "device='disk'");
	return plan_set(p, &d->device, "disk");
}

/* ---- media-iso-as-disk ---- */

static void say_made_of_iso(struct scan *s, const struct disk *d)
{
	struct finding *f =
		report(s, d->made_from.at,
		       "'%s' is an ISO 9660 image, and the VM's disk begins as a copy of "
		       "it, as disk_image is true",
		       shown(s, d->made_from.v));

	report_label(s, f,
		     "there is no installation medium then, and no empty disk to install "
		     "on");
	report_related(s, f, d->vm->builder->disk_image.at, "disk_image");
	report_related(s, f, d->medium->format_at, "the signature of ISO 9660");
}

static void check_iso(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_opened(d) || !is_disk(d) || !medium_is(m, "iso9660"))
		return;
	if (is_made(d)) {
		say_made_of_iso(s, d);
		return;
	}
	if (!is_written_to(d) || m->file.size <= SEED_MAX || declares_format(d, "qcow2"))
		return;
	f = report(s, d->source.at,
		   "'%s' is an ISO 9660 image, and attached as a disk that is written "
		   "to%s",
		   shown(s, d->source.v),
		   d->vm->flavour == FLAVOUR_INCUS
			   ? ", as its name does not end with .iso"
			   : "");
	report_label(s, f,
		     "an installer offers it as the disk to install on, and what is "
		     "written to it destroys it");
	report_related(s, f, m->format_at, "the signature of ISO 9660");
}

static bool fix_iso(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	if (!is_made(d))
		return set_readonly(p, d);
	plan_title(p, "without disk_image: the ISO is a CD-ROM, and the disk empty");
	return plan_remove(p, &d->vm->builder->disk_image);
}

/* ---- media-base-beside-overlay ---- */

static bool stands_on(const struct medium *m, const struct source *file)
{
	for (size_t i = 0; i < m->nchain; i++) {
		if (m->chain[i].opened && m->chain[i].dev == file->st.st_dev &&
		    m->chain[i].ino == file->st.st_ino)
			return true;
	}
	return false;
}

static void check_base(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_attached(d) || !is_written_to(d))
		return;
	for (size_t i = 0; i < d->vm->ndisks; i++) {
		const struct disk *other = &d->vm->disks[i];

		if (other == d || !opens_qcow2(other) ||
		    !stands_on(other->medium, &m->file))
			continue;
		f = report(s, d->source.at,
			   "'%s' is attached to be written to, and '%s' of the same VM "
			   "stands on it",
			   shown(s, d->source.v), shown(s, other->source.v));
		report_label(s, f,
			     "QEMU does not start: Failed to get \"write\" lock; and "
			     "without locks the overlay's disk becomes garbage");
		report_related(s, f, other->source.at, "the overlay");
		return;
	}
}

static bool fix_base(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	return set_readonly(p, d);
}

/* ---- media-image-refused ---- */

static void check_refused(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint64_t unknown;

	if (!opens_qcow2(d) || m->judged)
		return;
	unknown = m->incompatible & ~QCOW2_INCOMPAT_KNOWN;
	if (unknown) {
		f = report(s, image_name(d)->at,
			   "'%s' has incompatible features %#llx, which no QEMU knows",
			   shown(s, image_name(d)->v), (unsigned long long)unknown);
		report_label(s, f, "%s: Unsupported qcow2 feature(s)", it_fails(d));
	} else if (m->incompatible & QCOW2_INCOMPAT_CORRUPT && is_written_to(d) &&
		   !is_made(d)) {
		f = report(s, d->source.at,
			   "'%s' is marked corrupt, and is to be written to",
			   shown(s, d->source.v));
		report_label(s, f,
			     "QEMU exits at start: Image is corrupt; cannot be opened "
			     "read/write");
	} else {
		return;
	}
	report_related(s, f, m->incompatible_at, "the features in its header");
}

/* ---- media-encrypted-without-key ---- */

static bool has_key_in_libvirt(const struct disk *d)
{
	const struct node *source = node_child(d->node, "source");

	return node_child(d->node, "encryption") ||
	       (source && node_child(source, "encryption"));
}

static bool has_key_in_words(const struct disk *d)
{
	if (d->node->kind != NODE_MAP)
		return false;
	for_each_node (n, d->node) {
		if (str_starts(n->key, "encrypt") || str_is(n->key, "key-secret") ||
		    node_is_open(n))
			return true;
	}
	return false;
}

/* It may be named where nobody sees it. */
static bool has_key(const struct disk *d)
{
	const struct builder *b = d->vm->builder;

	/* -blockdev and -set have further ways to say it. */
	if (says_qemu(d->vm))
		return has_key_in_words(d) || d->vm->qemu->open ||
		       qemu_option(d->vm->qemu, "set");
	if (d->vm->flavour == FLAVOUR_LIBVIRT)
		return has_key_in_libvirt(d);
	return d->vm->args || (b && node_child(b->node, "qemu_img_args"));
}

static void check_key(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!opens_qcow2(d) || !m->encrypted || has_key(d))
		return;
	f = report(s, image_name(d)->at, "'%s' is encrypted, and no key is named for it",
		   shown(s, image_name(d)->v));
	report_label(s, f, "%s: Parameter 'encrypt.key-secret' is required for cipher",
		     it_fails(d));
	report_related(s, f, m->encrypted_at, "the method of encryption");
}

#define SEEN "seen with QEMU 7.2 (make check-boot)"

const struct rule rules_media_use[] = {
	{ .id = "media-base-beside-overlay",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an overlay and the image below it, writable, in one VM",
	  .why = "What an overlay does not have itself it reads from its base. Once the "
		 "guest writes to the base, the overlay's disk changes under its file "
		 "system. QEMU's locks keep such a VM from starting.",
	  .steps = "Attach the base read-only, or leave it out; a copy of it can be "
		   "written to.",
	  .source = "QEMU, docs/system/images; block.c, permissions; " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_base, fix_base) },
	{ .id = "media-disk-as-cdrom",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk image in a CD-ROM drive",
	  .why = "A CD-ROM has sectors of 2048 bytes, and is started by what ISO 9660 "
		 "has a place for. A partition table counts in sectors of 512: neither "
		 "firmware nor guest find anything.",
	  .steps = "Attach it as a disk. Packer: disk_image = true; Incus: a name that "
		   "does not end with .iso.",
	  .source = "El Torito 1.0; UEFI 2.10, 13.3.2; " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_cdrom, fix_cdrom) },
	{ .id = "media-encrypted-without-key",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an encrypted QCOW2 image for which no key is named",
	  .why = "QEMU does not open it without the secret.",
	  .steps = "libvirt: virsh secret-define, and <encryption format='luks'><secret "
		   "type='passphrase' uuid='...'/></encryption> in <source>. QEMU: "
		   "-object secret,id=s0,file=... and encrypt.key-secret=s0. Packer, UTM "
		   "and Quickemu have no place for one: qemu-img convert to an image "
		   "without encryption.",
	  .source = "QEMU, docs/system/secrets; libvirt formatstorageencryption; " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_key) },
	{ .id = "media-image-refused",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an image that QEMU will not open",
	  .why = "A QCOW2 that is marked corrupt can only be read, and one with an "
		 "incompatible feature that is not known cannot be opened at all.",
	  .steps = "vmend check IMAGE says what is wrong with it, vmend fix IMAGE mends "
		   "it; not while the VM runs.",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open(); " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_refused) },
	{ .id = "media-iso-as-disk",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "an installation medium as a disk that is written to",
	  .why = "The guest sees a second disk like any other. An installer that is told "
		 "to take all of it overwrites the ISO file; and with a BIOS only those "
		 "start that have a boot sector as well.",
	  .steps = "Attach it as a CD-ROM, or at least read-only. Incus does so when the "
		   "name ends with .iso, Packer without disk_image.",
	  .source = "QEMU, docs/system/images; incus, internal/server/device/disk.go; "
		    "packer-plugin-qemu, builder/qemu/step_copy_disk.go",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_iso, fix_iso) },
};
RULES_END(media_use);
