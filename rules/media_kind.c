/* What a config says that an image is, against what it is, where QEMU then refuses to start: its
 * format, encryption, and whether it is a device; and cards and floppies that it cannot be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu.h"
#include "analyze/image/container.h"
#include "rules/media_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- media-other-format ---- */

static bool is_raw(const struct medium *m)
{
	return medium_is(m, "raw") || medium_is(m, "iso9660");
}

/* Raw as QCOW2 has a rule of its own, and so has LUKS. */
static bool is_other(const struct disk *d, const char *declared)
{
	if (strcmp(declared, "luks") == 0 || strcmp(declared, "raw") == 0 ||
	    (strcmp(declared, "qcow2") == 0 && is_raw(d->medium)))
		return false;
	return container_contradicts(declared,
				     is_raw(d->medium) ? "raw" : d->medium->format);
}

static void check_other(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	const char *declared;
	struct finding *f;

	if (!is_opened(d) || is_made(d) || !fact_known(&d->format) || m->is_stray)
		return;
	declared = shown(s, d->format.v);
	if (!is_other(d, declared))
		return;
	f = report(s, d->format.at, "'%s' is attached as %s, and is %s",
		   shown(s, d->source.v), declared,
		   is_raw(m) ? "none" : scan_printf(s, "a %s image", m->format));
	report_label(s, f, "%s: it has not the signature of %s", it_fails(d), declared);
	if (m->format_at.len)
		report_related(s, f, m->format_at, "its signature");
	else if (m->table_at.len)
		report_related(s, f, m->table_at, "a partition table of a raw disk");
}

static bool fix_other(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct medium *m = d->medium;
	const char *is;

	(void)f;
	if (!m || !d->format.lens)
		return plan_refuse(p, "this guest's disk is always opened as qcow2");
	if (m->has_backing || m->has_data_file)
		return plan_refuse(p,
				   "the image names other files, which would be opened "
				   "then: look at them first (vmend inspect)");
	if (medium_is(m, "raw") && m->table_at.len == 0 && !m->filesystem)
		return plan_refuse(p, "nothing in the file shows that it is a disk");
	is = is_raw(m) ? "raw" : m->format;
	plan_title(p, "%s in place of %.*s", is, STR_ARG(d->format.v));
	return plan_set(p, &d->format, is);
}

/* ---- media-not-encrypted ---- */

static const struct node *key_in_libvirt(const struct disk *d)
{
	const struct node *source = node_child(d->node, "source");
	const struct node *n = node_child(d->node, "encryption");

	return n || !source ? n : node_child(source, "encryption");
}

static const struct node *key_in_words(const struct disk *d)
{
	if (d->node->kind != NODE_MAP)
		return NULL;
	for_each_node (n, d->node) {
		if (str_is(n->key, "encrypt.format") || str_is(n->key, "encrypt"))
			return n;
	}
	return NULL;
}

/* What asks for a key; NULL: nothing does. */
static const struct node *key_of(const struct disk *d)
{
	if (d->vm->flavour == FLAVOUR_LIBVIRT)
		return key_in_libvirt(d);
	return says_qemu(d->vm) ? key_in_words(d) : NULL;
}

static void check_plain(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	bool luks = fact_is(&d->format, "luks") && says_qemu(d->vm);
	const struct node *key;
	struct finding *f;

	if (!is_opened(d) || m->is_stray)
		return;
	key = key_of(d);
	if (key && d->vm->flavour == FLAVOUR_LIBVIRT && declares_format(d, "raw"))
		luks = true;
	if (luks ? medium_is(m, "luks") || m->file.size == 0
		 : !key || !opens_qcow2(d) || m->encrypted)
		return;
	f = report(s, key ? key->whole : d->format.at,
		   "'%s' is to be opened with a key, and is not encrypted%s",
		   shown(s, d->source.v), luks ? " with LUKS" : "");
	report_label(s, f, "%s: %s", it_fails(d),
		     luks ? "Volume is not in LUKS format"
			  : "No encryption in image header");
	report_related(s, f, luks ? d->source.at : m->encrypted_at, "%s",
		       luks ? "the image"
			    : "the method of encryption in its header: none");
}

/* ---- media-device-kind ---- */

static const struct node *member(const struct node *n, const char *key)
{
	return n && n->kind == NODE_MAP ? node_child(n, key) : NULL;
}

static bool is_text(const struct node *n, const char *text)
{
	return n && n->kind == NODE_SCALAR && str_is(n->text, text);
}

/* What says that it is a device of the host; len 0: nothing. */
static struct span says_device(const struct disk *d)
{
	const struct node *n;

	if (d->vm->flavour == FLAVOUR_LIBVIRT)
		return fact_is(&d->type, "block") ? d->type.at : (struct span){ 0 };
	if (!says_qemu(d->vm))
		return (struct span){ 0 };
	if (fact_is(&d->format, "host_device"))
		return d->format.at;
	n = member(d->node, "file.driver");
	if (!n)
		n = member(member(d->node, "file"), "driver");
	return is_text(n, "host_device") ? n->text_at : (struct span){ 0 };
}

static void check_kind(struct scan *s, const struct disk *d)
{
	struct span at = says_device(d);
	struct finding *f;

	if (!at.len || !is_opened(d) || !S_ISREG(d->medium->file.st.st_mode))
		return;
	f = report(s, at, "'%s' is said to be a device of the host, and is a file",
		   shown(s, d->source.v));
	report_label(s, f,
		     "%s: 'host_device' driver requires it to be either a character or "
		     "block device",
		     it_fails(d));
	report_related(s, f, d->source.at, "the file");
}

/* ---- media-floppy-size ---- */

enum { FLOPPY_MAX = 48 * 80 * 2 * 512 }; /* QEMU, hw/block/fdc.c, fd_formats */

static void check_floppy(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!is_opened(d) || !fact_is(&d->device, "floppy") || m->is_stray ||
	    m->disk_size <= FLOPPY_MAX)
		return;
	f = report(s, image_name(d)->at,
		   "'%s' has %llu bytes, and is attached as a floppy, of which none has "
		   "more than %d",
		   shown(s, d->source.v), LLU(m->disk_size), FLOPPY_MAX);
	report_label(s, f, "the guest sees the begin of it only, as a floppy of 2.88 MB");
	if (m->table_at.len)
		report_related(s, f, m->table_at, "the partition table of a disk");
	else if (m->format_at.len)
		report_related(s, f, m->format_at, "its signature");
}

/* ---- media-sd-size ---- */

static void check_sd(struct scan *s, const struct disk *d)
{
	struct version v = target_version(s, "qemu");
	const struct medium *m = d->medium;
	uint64_t next = UINT64_C(1) << 20;
	struct finding *f;

	if (!is_opened(d) || !fact_is(&d->bus, "sd") || m->is_stray || !m->disk_size ||
	    is_pow2(m->disk_size) || (v.known && version_cmp(&v, 5, 1, 0) < 0))
		return;
	while (next < m->disk_size && next < UINT64_C(1) << 62)
		next *= 2;
	f = report(s, image_name(d)->at,
		   "'%s' has %llu bytes, and is an SD card, whose size has to be a power "
		   "of 2",
		   shown(s, d->source.v), LLU(m->disk_size));
	report_label(s, f,
		     "%s: Invalid SD card size; `qemu-img resize` to %llu MiB makes it "
		     "one",
		     it_fails(d), LLU(next >> 20));
	if (m->table_at.len)
		report_related(s, f, m->table_at, "its partition table");
}

#define SEEN "seen with QEMU 7.2"

const struct rule rules_media_kind[] = {
	{ .id = "media-device-kind",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a file that is attached as a device of the host",
	  .why = "What is said to be a block device QEMU opens as one, and refuses when "
		 "it is a regular file.",
	  .steps = "libvirt: <disk type='file'> and <source file='...'/>. QEMU: driver "
		   "file in place of host_device.",
	  .source = "QEMU, block/file-posix.c, raw_open_common(); " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_kind) },
	{ .id = "media-floppy-size",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "an image that is too large for a floppy",
	  .why = "QEMU looks for a kind of floppy that has the image's size, and takes "
		 "one of 2.88 MB when there is none: what is behind that is not there.",
	  .steps = "Attach it as a disk or a CD-ROM.",
	  .source = "QEMU, hw/block/fdc.c, pick_geometry()",
	  .since = "0.1.0",
	  CHECK(disk, check_floppy) },
	{ .id = "media-not-encrypted",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a key for an image that is not encrypted",
	  .why = "QEMU opens the image as what is said, and stops when its header says "
		 "nothing of encryption. Often the image was made anew, or replaced by "
		 "a copy in clear.",
	  .steps = "If it is to be encrypted: qemu-img convert -O qcow2 -o "
		   "encrypt.format=luks,encrypt.key-secret=... Else take the key out of "
		   "the config.",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open(); crypto/block-luks.c; " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_plain) },
	{ .id = "media-other-format",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an image of another format than it is attached as",
	  .why = "QEMU looks for the header of the format that is declared, and exits "
		 "when it is not there.",
	  .steps = "Declare the image's own format, or convert it: qemu-img convert.",
	  .source = "QEMU, block/vmdk.c, vdi.c, vhdx.c, qed.c, qcow2.c; " SEEN,
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_other, fix_other) },
	{ .id = "media-sd-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "an SD card of a size that no card has",
	  .why = "Since version 5.1 QEMU refuses SD cards whose size is no power of 2: "
		 "guests would compute other addresses than it.",
	  .steps = "qemu-img resize -f raw IMAGE to the next power of 2. Making it "
		   "smaller would cut the guest's data off.",
	  .source = "QEMU, hw/sd/sd.c, sd_realize(); CVE-2020-13253; " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_sd) },
};
RULES_END(media_kind);
