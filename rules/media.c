/* What a config says of an image against what the image is. The image is looked at where it is;
 * one that is not here, or may not be read, is unknown, and nothing is said of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/media_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

/* Only these words have a place for a format; for the sizes of blocks not even all of them. */
static bool is_written_out(const struct disk *d)
{
	return (d->vm->flavour == FLAVOUR_LIBVIRT || says_qemu(d->vm) ||
		d->vm->flavour == FLAVOUR_QUICKEMU) &&
	       vm_runs_qemu(d->vm);
}

static const char *format_word(const struct vm *vm)
{
	return says_qemu(vm)                     ? "format"
	       : vm->flavour == FLAVOUR_QUICKEMU ? "disk_format"
						 : "type";
}

/* UTM with Apple's framework. */
static bool has_raw_only(const struct vm *vm)
{
	return fact_is(&vm->type, "vz");
}

static struct span format_place(const struct disk *d)
{
	return fact_known(&d->format) ? d->format.at : d->source.at;
}

/* ---- media-container-as-raw ---- */

/* A LUKS header may well be the guest's own, and the others are what people attach. */
static bool is_container(const struct medium *m)
{
	static const char *const formats[] = { "qcow2", "qcow", "qed",      "vmdk",
					       "vdi",   "vhdx", "parallels" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (medium_is(m, formats[i]))
			return true;
	}
	return false;
}

static void check_container(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	if (!m || !is_container(m))
		return;
	if (!has_raw_only(d->vm) && (!is_written_out(d) || !declares_format(d, "raw")))
		return;
	f = report(s, format_place(d), "'%s' is a %s image, and attached as raw%s",
		   shown(s, d->source.v), m->format,
		   has_raw_only(d->vm) ? ", as Apple's framework has no other format"
		   : fact_absent(&d->format) ? ", as no type says otherwise"
					     : "");
	report_label(s, f,
		     "the guest sees the %s file itself as its disk: nothing boots, and "
		     "what it writes destroys the image",
		     m->format);
	report_related(s, f, m->format_at, "the signature of %s", m->format);
}

static bool fix_container(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct medium *m = d->medium;

	(void)f;
	if (!m)
		return plan_refuse(p, "the image is not here any more");
	/* With its real format QEMU would open the files that it names. */
	if (m->has_backing || m->has_data_file)
		return plan_refuse(p,
				   "the image names other files, which would be opened "
				   "then: look at them first (vmend inspect)");
	if (!d->format.lens)
		return plan_refuse(p, "qemu-img convert -O raw makes a raw one of it");
	plan_title(p, "%s=%s%s%s", format_word(d->vm), quote_of(d->vm), m->format,
		   quote_of(d->vm));
	return plan_set(p, &d->format, m->format);
}

/* ---- media-raw-as-qcow2 ---- */

static void check_raw(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	bool iso = medium_is(m, "iso9660");
	struct finding *f;

	if (!is_written_out(d) || !m || !declares_format(d, "qcow2"))
		return;
	/* What is packed, or a page of a server, is another matter. */
	if (m->is_stray || (!iso && !medium_is(m, "raw")))
		return;
	f = report(s, d->format.at, "'%s' is attached as qcow2%s, and is %s",
		   shown(s, d->source.v),
		   d->format.at.off == d->source.at.off ? ", as disk_format is not set"
							: "",
		   iso                   ? "an ISO 9660 image"
		   : m->file.size == 0   ? "empty"
		   : m->table_at.len > 0 ? "a raw disk"
					 : "none");
	report_label(s, f, "QEMU exits at start: Image is not in qcow2 format");
	if (m->table_at.len)
		report_related(s, f, m->table_at, "a partition table of a raw disk");
}

static bool fix_raw(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct medium *m = d->medium;

	(void)f;
	if (!m || (!medium_is(m, "iso9660") && m->table_at.len == 0 && !m->filesystem))
		return plan_refuse(p, "nothing in the file shows that it is a disk");
	if (!d->format.lens)
		return plan_refuse(p, "this guest's disk is always opened as qcow2: "
				      "qemu-img convert -O qcow2");
	plan_title(p, "%s=%sraw%s", format_word(d->vm), quote_of(d->vm), quote_of(d->vm));
	return plan_set(p, &d->format, "raw");
}

/* ---- media-sector-size ---- */

static void check_sectors(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint32_t bytes;

	if (!is_opened(d) || !is_disk(d))
		return;
	if (m->table != TABLE_GPT || m->table_both || !block_size_of(d, &bytes) ||
	    bytes == m->table_sector_size)
		return;
	/* Attached as something else, its table is not what the guest sees. */
	if (!is_seen_through(d))
		return;
	f = report(s,
		   fact_known(&d->logical_block_size) ? d->logical_block_size.at
						      : image_name(d)->at,
		   "the GPT of '%s' is for sectors of %u bytes, and the disk has logical "
		   "blocks of %u",
		   shown(s, image_name(d)->v), (unsigned)m->table_sector_size,
		   (unsigned)bytes);
	report_label(s, f, "firmware and guest see no partition on it");
	report_related(s, f, m->table_at, "the GPT");
}

static bool fix_sectors(struct plan *p, const struct finding *f, const struct disk *d)
{
	const struct medium *m = d->medium;

	(void)f;
	if (!m || (m->table_sector_size != 512 && m->table_sector_size != 4096))
		return plan_refuse(p, "QEMU has no disks with such sectors that boot");
	if (m->table_sector_size == 512) {
		plan_title(p, "logical blocks of 512 bytes");
		return plan_set(p, &d->logical_block_size, "512");
	}
	if (!d->logical_block_size.lens)
		return plan_refuse(p,
				   "there is no setting for blocks of other sizes: "
				   "vmend fix --convert-sector-size=512 IMAGE converts "
				   "the table");
	/* Both sizes are set, or QEMU does not start. */
	if (!fact_known(&d->physical_block_size) || fact_is(&d->bus, "ide") ||
	    fact_is(&d->bus, "sata"))
		return plan_refuse(p, "it needs logical_block_size and "
				      "physical_block_size of 4096, on virtio-blk, "
				      "scsi-hd or nvme");
	plan_title(p, "logical blocks of 4096 bytes");
	return plan_set(p, &d->logical_block_size, "4096");
}

const struct rule rules_media[] = {
	{ .id = "media-container-as-raw",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an image in a container format is attached as raw",
	  .why = "The VM starts, and its disk is the container's own bytes: header and "
		 "tables instead of what is in the image. The firmware finds nothing to "
		 "boot; a guest that partitions or formats this disk destroys the image.",
	  .steps = "Declare the image's own format. Leave it only where the guest is "
		   "meant to get such a file as its disk.",
	  .source = "QEMU, docs/system/images; libvirt formatdomain, driver type; "
		    "cockpit-project/cockpit-machines#826",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_container, fix_container) },
	{ .id = "media-raw-as-qcow2",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a file that is no QCOW2 image is attached as one",
	  .why = "QEMU looks for the header of the format that is declared, and exits "
		 "when it is not there: Image is not in qcow2 format.",
	  .steps =
		  "Declare raw for a raw disk or an ISO, or make a QCOW2 of it: qemu-img "
		  "convert -f raw -O qcow2.",
	  .source = "QEMU, block/qcow2.c, qcow2_do_open(); quickemu#1895; "
		    "dmacvicar/terraform-provider-libvirt#287",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_raw, fix_raw) },
	{ .id = "media-sector-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk's logical blocks are not the sectors that its GPT is for",
	  .why = "A GPT counts in sectors, and its header is in the second one. On a disk "
		 "with others there is no table where it is looked for: OVMF drops to its "
		 "shell, and Linux shows no partitions.",
	  .steps =
		  "Give the disk the blocks that its table is for, or convert the table: "
		  "vmend fix --convert-sector-size.",
	  .source = "UEFI 2.10, 5.3; QubesOS/qubes-issues#4974; kairos-io/kairos#2964",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_sectors, fix_sectors) },
};
RULES_END(media);
