/* Images in places that are not theirs: a disk in a CD-ROM drive, an installer to be written
 * to, a base beside its overlay, and images that QEMU will not open as the config wants it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/boot_survey.h"
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

/* Only these words say how a file is attached. */
static bool is_written_out(const struct disk *d)
{
	return (d->vm->flavour == FLAVOUR_LIBVIRT || d->vm->flavour == FLAVOUR_QEMU) &&
	       vm_runs_qemu(d->vm);
}

static bool is_disk(const struct disk *d)
{
	return fact_absent(&d->device) || fact_is(&d->device, "disk");
}

/* The guest's writes go to the file itself. */
static bool is_written_to(const struct disk *d)
{
	return fact_absent(&d->readonly) && fact_absent(&d->transient);
}

/* IDE and SATA have no disks that cannot be written to: hw/ide/qdev.c. */
static bool set_readonly(struct plan *p, const struct disk *d)
{
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
	struct finding *f;

	if (!is_written_out(d) || !fact_is(&d->device, "cdrom") || !m || m->is_stray ||
	    medium_is(m, "iso9660") || m->table_at.len == 0)
		return;
	f = report(s, fact_known(&d->device) ? d->device.at : d->source.at,
		   "'%s' is a disk with a %s, and attached as a CD-ROM",
		   shown(s, d->source.v),
		   m->table == TABLE_GPT ? "GPT" : "DOS partition table");
	report_label(s, f,
		     "sectors of a CD-ROM have 2048 bytes: nothing on it is found, and "
		     "it does not boot");
	report_related(s, f, m->table_at, "the table");
}

static bool fix_cdrom(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	if (!d->device.lens)
		return plan_refuse(p, "its option or device is one of a CD-ROM: use "
				      "-drive file=...,format=... without media=cdrom");
	if (fact_known(&d->readonly) && !plan_remove(p, &d->readonly))
		return false;
	plan_title(p, says_qemu(d->vm) ? "media=disk" : "device='disk'");
	return plan_set(p, &d->device, "disk");
}

/* ---- media-iso-as-disk ---- */

static void check_iso(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_written_out(d) || !is_disk(d) || !is_written_to(d) ||
	    !medium_is(m, "iso9660") || m->file.size <= SEED_MAX ||
	    declares_format(d, "qcow2"))
		return;
	f = report(s, d->source.at,
		   "'%s' is an ISO 9660 image, and attached as a disk that is written to",
		   shown(s, d->source.v));
	report_label(s, f,
		     "an installer offers it as the disk to install on, and what is "
		     "written to it destroys it");
	report_related(s, f, m->format_at, "the signature of ISO 9660");
}

static bool fix_iso(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	return set_readonly(p, d);
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

	if (!is_written_out(d) || !is_written_to(d) || !m)
		return;
	for (size_t i = 0; i < d->vm->ndisks; i++) {
		const struct disk *other = &d->vm->disks[i];

		if (other == d || !other->medium || !stands_on(other->medium, &m->file))
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

	if (!vm_runs_qemu(d->vm) || fact_known(&d->made_from) || !medium_is(m, "qcow2") ||
	    declares_format(d, "raw"))
		return;
	unknown = m->incompatible & ~QCOW2_INCOMPAT_KNOWN;
	if (unknown) {
		f = report(s, d->source.at,
			   "'%s' has incompatible features %#llx, which no QEMU knows",
			   shown(s, d->source.v), (unsigned long long)unknown);
		report_label(s, f, "QEMU exits at start: Unsupported qcow2 feature(s)");
	} else if (m->incompatible & QCOW2_INCOMPAT_CORRUPT && is_written_to(d)) {
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

static void check_key(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_written_out(d) || !medium_is(m, "qcow2") || !m->encrypted ||
	    declares_format(d, "raw"))
		return;
	/* -blockdev and -set have further ways to say it. */
	if (says_qemu(d->vm) ? has_key_in_words(d) || d->vm->qemu->open ||
				       qemu_option(d->vm->qemu, "set")
			     : has_key_in_libvirt(d))
		return;
	f = report(s, d->source.at, "'%s' is encrypted, and no key is named for it",
		   shown(s, d->source.v));
	report_label(s, f,
		     "QEMU exits at start: Parameter 'encrypt.key-secret' is "
		     "required for cipher");
	report_related(s, f, m->encrypted_at, "the method of encryption");
}

/* ---- media-chain-cut ---- */

/* <backingStore/> says that there is nothing below. */
static const struct node *end_of_chain(const struct disk *d)
{
	const struct node *n = d->vm->flavour == FLAVOUR_LIBVIRT
				       ? node_child(d->node, "backingStore")
				       : NULL;

	if (!n)
		return NULL;
	for_each_node (c, n) {
		if (node_is_content(c))
			return NULL;
	}
	return n;
}

static void check_chain(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	const struct node *end = end_of_chain(d);
	struct finding *f;

	if (!vm_runs_qemu(d->vm) || !end || !medium_is(m, "qcow2") || !m->has_backing ||
	    !m->chain[0].opened || !fact_is(&d->format, "qcow2"))
		return;
	f = report(s, end->whole,
		   "<backingStore/> says that '%s' stands on nothing, and it stands on "
		   "'%s'",
		   shown(s, d->source.v), shown(s, m->chain[0].name));
	report_label(s, f,
		     "libvirt believes it: what is only in the base reads as zeros");
	report_related(s, f, m->format_at, "the overlay");
}

static bool fix_chain(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct node *end = end_of_chain(d);

	(void)f;
	plan_title(p, "remove <backingStore/>: libvirt finds the base by itself");
	return end && plan_remove_node(p, end);
}

/* ---- media-size-blocks ---- */

static void check_blocks(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint32_t bytes;

	if (!is_written_out(d) || !is_disk(d) || !m || m->is_stray || m->disk_size == 0 ||
	    !fact_known(&d->logical_block_size) || !block_size_of(d, &bytes) ||
	    bytes == 512 || m->disk_size % bytes == 0)
		return;
	/* Opened as something else, it has another size. */
	if (!declares_format(d, m->format))
		return;
	f = report(s, d->logical_block_size.at,
		   "'%s' has %llu bytes, expected a multiple of its blocks' %u",
		   shown(s, d->source.v), (unsigned long long)m->disk_size,
		   (unsigned)bytes);
	report_label(s, f, "the guest does not see the last %llu bytes",
		     (unsigned long long)(m->disk_size % bytes));
}

/* ---- media-size-below ---- */

/* Digits and b, k, m, g or t; without a letter they are MiB. */
static bool read_size(const struct fact *f, uint64_t *bytes)
{
	static const char letters[] = "bkmgt";
	struct str digits = f->v;
	const char *letter = letters + 2;

	if (!fact_known(f) || f->v.n == 0)
		return false;
	if (digits.p[digits.n - 1] < '0' || digits.p[digits.n - 1] > '9') {
		letter = memchr(letters, digits.p[digits.n - 1] | 0x20, 5);
		digits.n--;
	}
	if (!letter || !str_u64(digits, bytes))
		return false;
	return u64_mul(*bytes, UINT64_C(1) << (10 * (letter - letters)), bytes);
}

static void check_below(struct scan *s, const struct disk *d)
{
	const struct builder *b = d->vm->builder;
	const struct node *skip = b ? node_child(b->node, "skip_resize_disk") : NULL;
	const struct medium *m = d->medium;
	uint64_t bytes = UINT64_C(40) << 30;
	struct finding *f;

	if (!b || !str_is(b->type, "qemu") || b->foreign || !fact_known(&d->made_from) ||
	    !m || m->is_stray || m->disk_size == 0)
		return;
	if (skip && (skip->kind != NODE_SCALAR || !str_is(skip->text, "false")))
		return;
	if (!fact_absent(&d->size) && !read_size(&d->size, &bytes))
		return;
	if (bytes >= m->disk_size)
		return;
	f = report(s, fact_known(&d->size) ? d->size.at : d->made_from.at,
		   "the disk is to have %llu bytes%s, and '%s' has %llu",
		   (unsigned long long)bytes,
		   fact_known(&d->size) ? "" : " (disk_size is 40G unless it is set)",
		   shown(s, d->made_from.v), (unsigned long long)m->disk_size);
	report_label(s, f,
		     "the build fails: qemu-img resize, Use the --shrink option to "
		     "perform a shrink operation");
	report_related(s, f, d->made_from.at, "the image that it begins with");
}

static bool fix_below(struct plan *p, const struct finding *f, const struct disk *d)
{
	uint64_t mib;

	(void)f;
	if (!d->medium)
		return plan_refuse(p, "the image is not here any more");
	mib = div_up(d->medium->disk_size, 1 << 20);
	plan_title(p, "disk_size = \"%lluM\", the image's own", (unsigned long long)mib);
	return plan_set(p, &d->size,
			arena_printf(p->arena, "%lluM", (unsigned long long)mib));
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
	{ .id = "media-chain-cut",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a backing chain that ends in the config and goes on in the image",
	  .why = "<backingStore/> without content is the end of the chain, and libvirt "
		 "does not look into the image then. QEMU opens the overlay without its "
		 "base: the guest's disk is mostly zeros, and what it writes makes that "
		 "worse.",
	  .steps = "Remove the element, or name the base in it, with its format.",
	  .source = "libvirt formatdomain, backingStore; libvirt's kbase, backing_chains",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_chain, fix_chain) },
	{ .id = "media-disk-as-cdrom",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk image in a CD-ROM drive",
	  .why = "A CD-ROM has sectors of 2048 bytes, and is started by what ISO 9660 "
		 "has a place for. A partition table counts in sectors of 512: neither "
		 "firmware nor guest find anything.",
	  .steps = "Attach it as a disk.",
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
		   "-object secret,id=s0,file=... and encrypt.key-secret=s0.",
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
	  .steps = "Attach it as a CD-ROM, or at least read-only.",
	  .source = "QEMU, docs/system/images",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_iso, fix_iso) },
	{ .id = "media-size-below",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk that is to be smaller than the image that it begins with",
	  .why = "Packer copies the image, and then has qemu-img make it as large as "
		 "disk_size says. qemu-img does not make an image smaller unless it is "
		 "told to, and Packer does not tell it.",
	  .steps = "Raise disk_size to the image's size or more, or set skip_resize_disk "
		   "= true.",
	  .source = "packer-plugin-qemu, builder/qemu/step_resize_disk.go; "
		    "hashicorp/packer#6081; canonical/packer-maas#322",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_below, fix_below) },
	{ .id = "media-size-blocks",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk that ends within one of its blocks",
	  .why = "QEMU shows whole blocks only: what is behind the last of them is not "
		 "there for the guest, and a backup GPT would be in it.",
	  .steps = "qemu-img resize -f FORMAT IMAGE to the next multiple, or blocks of "
		   "512 bytes.",
	  .source = "QEMU, hw/block/block.c",
	  .since = "0.1.0",
	  CHECK(disk, check_blocks) },
};
RULES_END(media_use);
