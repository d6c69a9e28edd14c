/* What Packer, Quickemu and UTM do with an image by its name, ending or size, against what it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer.h"
#include "analyze/media.h"
#include "analyze/sum.h"
#include "rules/media_words.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- packer-copied-by-name ---- */

static bool is_true(const struct fact *f)
{
	return fact_is(f, "true");
}

static const char *format_of(const struct builder *b)
{
	return fact_is(&b->format, "raw") ? "raw" : "qcow2";
}

static bool is_qemu_build(const struct disk *d)
{
	const struct builder *b = d->vm->builder;

	return is_made(d) && d->medium && str_is(b->type, "qemu") &&
	       is_true(&b->disk_image) && !d->medium->is_stray &&
	       b->format.state != FACT_UNKNOWN;
}

/* A raw disk, or one of those that QEMU tells apart. */
static bool is_of_format(const struct medium *m, const char *format)
{
	return medium_is(m, format) ||
	       (strcmp(format, "raw") == 0 && medium_is(m, "iso9660"));
}

static bool ends_like(struct str name, const char *format)
{
	size_t n = strlen(format);

	return str_ends(name, format) && name.n > n && name.p[name.n - n - 1] == '.';
}

static void check_copied(struct scan *s, const struct disk *d)
{
	const struct builder *b = d->vm->builder;
	const struct medium *m = d->medium;
	const char *format;
	struct finding *f;

	if (!is_qemu_build(d) || !fact_is_not(&b->use_backing_file, "true") ||
	    node_child(b->node, "qemu_img_args"))
		return;
	format = format_of(b);
	if (!ends_like(d->made_from.v, format) || is_of_format(m, format))
		return;
	f = report(
		s, d->made_from.at,
		"'%s' is a %s image, and Packer takes it for %s by its name: it copies "
		"it as it is",
		shown(s, d->made_from.v), m->format, format);
	if (strcmp(format, "raw") == 0)
		report_label(s, f,
			     "the guest sees the %s file itself as its disk, and nothing "
			     "boots",
			     m->format);
	else
		report_label(s, f, "the build fails: Image is not in %s format", format);
	if (m->format_at.len)
		report_related(s, f, m->format_at, "the signature of %s", m->format);
	else if (m->table_at.len)
		report_related(s, f, m->table_at, "a partition table of a raw disk");
}

/* ---- packer-base-not-qcow2 ---- */

static void check_base(struct scan *s, const struct disk *d)
{
	const struct builder *b = d->vm->builder;
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_qemu_build(d) || !is_true(&b->use_backing_file) ||
	    medium_is(m, "qcow2") || fact_is(&b->format, "raw"))
		return;
	f = report(s, d->made_from.at,
		   "'%s' is a %s image, and use_backing_file has the disk stand on it as "
		   "qcow2",
		   shown(s, d->made_from.v),
		   medium_is(m, "iso9660") ? "raw ISO 9660" : m->format);
	report_label(s, f,
		     "the build fails: qemu-img create, Could not open backing image: "
		     "Image is not in qcow2 format");
	report_related(s, f, b->use_backing_file.at, "use_backing_file");
}

static bool fix_base(struct plan *p, const struct finding *f, const struct disk *d)
{
	(void)f;
	plan_title(p, "without use_backing_file: the image is copied and converted");
	return plan_remove(p, &d->vm->builder->use_backing_file);
}

/* ---- packer-checksum ---- */

static void check_sum(struct scan *s, const struct builder *b)
{
	const struct sum *sum = b->sum;
	bool listed = sum && sum->at.src != b->iso_checksum.at.src;
	struct finding *f;

	if (!sum || sum_agrees(sum))
		return;
	f = report(s, b->iso_checksum.at, "'%s' has the %s %s, and %s says %s",
		   shown(s, b->iso_url.v), sum_name(sum->kind), sum->actual,
		   listed ? scan_printf(s, "'%s'", shown(s, b->iso_checksum.v))
			  : "iso_checksum",
		   shown(s, sum->stated));
	report_label(s, f, "the build fails before it begins: Checksums did not match");
	report_related(s, f, b->iso_url.at, "the file");
	if (listed)
		report_related(s, f, sum->at, "its checksum");
}

/* ---- quickemu-looks-unused ---- */

enum { QUICKEMU_UNUSED = 197632 * 8 }; /* bytes: its DISK_MIN_SIZE */

static const struct node *setting(const struct vm *vm, const char *key)
{
	const struct node *found = NULL;

	for_each_node (n, vm->node) {
		if (str_is(n->key, key))
			found = n;
	}
	return found && (found->kind != NODE_SCALAR || found->text.n > 0) ? found : NULL;
}

static bool holds_something(const struct medium *m)
{
	return m->filled || m->filesystem || (m->nchain && m->chain[0].opened) ||
	       (m->boot && m->boot->bios.state == ANSWER_YES);
}

static void check_unused(struct scan *s, const struct disk *d)
{
	const struct node *prealloc, *installer;
	const struct medium *m = d->medium;
	struct finding *f;

	if (d->vm->flavour != FLAVOUR_QUICKEMU || !m || !is_disk(d) ||
	    fact_is(&d->format, "raw") || m->is_stray || m->file.size > QUICKEMU_UNUSED ||
	    !holds_something(m))
		return;
	installer = setting(d->vm, "iso");
	installer = installer ? installer : setting(d->vm, "img");
	prealloc = setting(d->vm, "preallocation");
	if (prealloc && (prealloc->kind != NODE_SCALAR || !str_is(prealloc->text, "off")))
		return;
	f = report(s, d->source.at,
		   "'%s' has %llu bytes, and %s: Quickemu takes a disk of up to %d for "
		   "unused",
		   shown(s, d->source.v), LLU(m->file.size),
		   m->nchain ? "stands on another image" : "is not empty",
		   QUICKEMU_UNUSED);
	report_label(s, f, "%s",
		     installer ? "it boots the installer each time, until something has "
				 "been written to the disk"
			       : "it exits: it wants an iso or img to boot from");
	if (installer)
		report_related(s, f, installer->text_at, "the installer");
}

/* ---- utm-image-missing ---- */

/* Another drive's is there: so this is the bundle, and not its settings alone. */
static bool has_images(const struct vm *vm)
{
	for (size_t i = 0; i < vm->ndisks; i++) {
		if (vm->disks[i].medium)
			return true;
	}
	return false;
}

static void check_missing(struct scan *s, const struct disk *d)
{
	struct finding *f;

	if (d->vm->flavour != FLAVOUR_UTM || !fact_known(&d->source) || d->medium ||
	    d->medium_why != media_not_there || !has_images(d->vm))
		return;
	f = report(s, d->source.at, "there is no '%s' in the bundle's folder %s",
		   shown(s, d->source.v), d->vm->folder);
	report_label(s, f, "UTM does not start the VM: it cannot find the drive's image");
}

const struct rule rules_media_made[] = {
	{ .id = "packer-base-not-qcow2",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a backing file that is no QCOW2, for Packer",
	  .why = "With use_backing_file Packer has qemu-img make an overlay, and always "
		 "says that what is below is QCOW2.",
	  .steps = "qemu-img convert -O qcow2 the image; or leave use_backing_file out: "
		   "then it is copied, and converted.",
	  .source = "packer-plugin-qemu, builder/qemu/step_create_disk.go; seen with "
		    "qemu-img 7.2",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_base, fix_base) },
	{ .id = "packer-checksum",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a file that does not have the checksum that the template states",
	  .why = "Packer reads the file and compares before it does anything else. Either "
		 "the file is not what it was, or the template is of another release.",
	  .steps = "Fetch the file again, and compare with what its publisher states. "
		   "Only if the file is right, state its checksum. Asked only with "
		   "--deep.",
	  .source =
		  "packer-plugin-sdk, multistep/commonsteps/step_download.go; go-getter, "
		  "checksum.go",
	  .since = "0.1.0",
	  CHECK(builder, check_sum) },
	{ .id = "packer-copied-by-name",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title =
		  "an image that Packer does not convert, as its name ends like the format",
	  .why = "Where the name of iso_url ends like format, Packer leaves qemu-img "
		 "convert out and copies the bytes, whatever they are; then it goes on as "
		 "if they were of that format.",
	  .steps = "Give the file a name that says what it is, or convert it: qemu-img "
		   "convert -O FORMAT.",
	  .source = "packer-plugin-qemu, builder/qemu/step_copy_disk.go; seen with "
		    "qemu-img 7.2",
	  .since = "0.1.0",
	  CHECK(disk, check_copied) },
	{ .id = "quickemu-looks-unused",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a disk that Quickemu takes for unused, and that is not",
	  .why = "Quickemu tells by the size of the file whether something is installed. "
		 "An overlay over an installed system is small, and so is a disk with "
		 "little on it.",
	  .steps =
		  "Make an image of its own of an overlay: qemu-img convert -O qcow2; or "
		  "preallocation=\"metadata\", with which Quickemu does not ask.",
	  .source = "quickemu 4.9.9, configure_storage(), DISK_MIN_SIZE",
	  .since = "0.1.0",
	  CHECK(disk, check_unused) },
	{ .id = "utm-image-missing",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a drive whose image is not in UTM's bundle",
	  .why = "UTM looks for the images of its drives in the bundle's own folder. "
		 "Others of this VM are there, and this one is not.",
	  .steps = "Copy the image there, or remove the drive.",
	  .source = "UTM, Configuration/UTMQemuConfigurationDrive.swift",
	  .since = "0.1.0",
	  CHECK(disk, check_missing) },
};
RULES_END(media_made);
