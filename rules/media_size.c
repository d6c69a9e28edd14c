/* How large a disk is said to be, and how its sectors count, against the image that it is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer.h"
#include "analyze/config/qemu.h"
#include "analyze/config/qemu_size.h"
#include "rules/media_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* ---- what Packer makes of disk_size ---- */

/* A setting of the qemu builder that turns something on; unknown counts as on. */
static bool is_on(const struct builder *b, const char *name)
{
	const struct node *n = node_child(b->node, name);

	return n && (n->kind != NODE_SCALAR || !str_is(n->text, "false"));
}

/* As large as the disk is to be made of an image; false: as large as that one, or unknown. */
static bool made_size(const struct disk *d, uint64_t *bytes)
{
	const struct builder *b = d->vm->builder;

	*bytes = UINT64_C(40) << 30;
	if (!is_made(d) || !str_is(b->type, "qemu") || is_on(b, "skip_resize_disk") ||
	    node_child(b->node, "qemu_img_args"))
		return false;
	/* Without a letter they are MiB. */
	return fact_absent(&d->size) ||
	       (fact_known(&d->size) && qemu_size(d->size.v, 1 << 20, bytes));
}

/* ---- media-size-below ---- */

static void check_below(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint64_t bytes;

	if (!m || m->is_stray || m->disk_size == 0 || !made_size(d, &bytes) ||
	    bytes >= m->disk_size)
		return;
	f = report(s, fact_known(&d->size) ? d->size.at : d->made_from.at,
		   "the disk is to have %llu bytes%s, and '%s' has %llu", LLU(bytes),
		   fact_known(&d->size) ? "" : " (disk_size is 40G unless it is set)",
		   shown(s, d->made_from.v), LLU(m->disk_size));
	/* An overlay is made as large as is said, whatever is below it. */
	if (is_on(d->vm->builder, "use_backing_file"))
		report_label(
			s, f,
			"the VM sees the first %llu bytes of it only: a backup GPT and "
			"what else is behind them is missing",
			LLU(bytes));
	else
		report_label(s, f,
			     "the build fails: qemu-img resize, Use the --shrink option "
			     "to perform a shrink operation");
	report_related(s, f, d->made_from.at, "the image that it begins with");
}

static bool fix_below(struct plan *p, const struct finding *f, const struct disk *d)
{
	uint64_t mib;

	(void)f;
	if (!d->medium)
		return plan_refuse(p, "the image is not here any more");
	mib = div_up(d->medium->disk_size, 1 << 20);
	plan_title(p, "disk_size = \"%lluM\", the image's own", LLU(mib));
	return plan_set(p, &d->size, arena_printf(p->arena, "%lluM", LLU(mib)));
}

/* ---- media-size-blocks ---- */

static void check_blocks(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint32_t bytes;

	if (!is_opened(d) || !is_disk(d) || m->is_stray || m->disk_size == 0 ||
	    !fact_known(&d->logical_block_size) || !block_size_of(d, &bytes) ||
	    bytes == 512 || m->disk_size % bytes == 0)
		return;
	/* Opened as something else, it has another size. */
	if (!declares_format(d, m->format))
		return;
	f = report(s, d->logical_block_size.at,
		   "'%s' has %llu bytes, expected a multiple of its blocks' %u",
		   shown(s, d->source.v), LLU(m->disk_size), (unsigned)bytes);
	report_label(s, f, "the guest does not see the last %llu bytes",
		     LLU(m->disk_size % bytes));
}

/* ---- media-disk-cut ---- */

static void check_cut(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;

	/* Of an input it is said there: gpt-truncated, mbr-past-end. */
	if (!is_opened(d) || !is_disk(d) || m->disk_size == 0 || m->judged ||
	    m->table_end <= m->disk_size || !is_seen_through(d))
		return;
	f = report(s, image_name(d)->at,
		   "the partitions of '%s' reach up to byte %llu, and its disk ends at "
		   "%llu",
		   shown(s, image_name(d)->v), LLU(m->table_end), LLU(m->disk_size));
	report_label(s, f,
		     "it may start, and fails where it reads behind the end: %llu bytes "
		     "are missing",
		     LLU(m->table_end - m->disk_size));
	report_related(s, f, m->table_at, "the partition table");
	if (m->nchain && m->chain[0].disk_size >= m->table_end)
		report_related(s, f, m->backing_at,
			       "the base, whose disk has %llu bytes: qemu-img resize "
			       "makes the overlay as large",
			       LLU(m->chain[0].disk_size));
}

/* ---- media-mbr-size ---- */

/* An entry has 32 bits for the first sector. */
static uint64_t mbr_reach(uint32_t sector)
{
	return (UINT64_C(1) << 32) * sector;
}

static void check_mbr(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	uint64_t bytes, reach;
	struct finding *f;
	uint32_t sector;
	bool made;

	if (!is_opened(d) || !is_disk(d) || m->table != TABLE_MBR || m->disk_size == 0 ||
	    !is_seen_through(d) || !block_size_of(d, &sector))
		return;
	made = made_size(d, &bytes);
	bytes = made ? bytes : m->disk_size;
	reach = mbr_reach(sector);
	/* There is one partition that crosses it: somebody knows how to. */
	if (bytes <= reach || m->table_end > reach)
		return;
	f = report(s, made && fact_known(&d->size) ? d->size.at : image_name(d)->at,
		   "'%s' has a DOS partition table, and the disk %llu bytes: expected a "
		   "GPT, or no more than %llu",
		   shown(s, image_name(d)->v), LLU(bytes), LLU(reach));
	report_label(s, f,
		     "no partition can begin in the last %llu bytes, and few tools let "
		     "one reach into them",
		     LLU(bytes - reach));
	report_related(s, f, m->table_at, "the partition table");
}

/* ---- media-l2-cache ---- */

enum { L2_CACHE = 32 << 20 }; /* QEMU's on Linux, at most: block/qcow2.h */

static bool has_cache(const struct disk *d)
{
	const struct node *driver;

	if (d->vm->flavour == FLAVOUR_LIBVIRT) {
		driver = node_child(d->node, "driver");
		return driver && node_child(driver, "metadata_cache");
	}
	if (d->node->kind != NODE_MAP || d->vm->qemu->open)
		return true;
	for_each_node (n, d->node) {
		if (str_has(n->key, "cache-size") || str_has(n->key, "cache-entry") ||
		    node_is_open(n))
			return true;
	}
	return qemu_option(d->vm->qemu, "set") != NULL;
}

static void check_cache(struct scan *s, const struct disk *d)
{
	const struct medium *m = d->medium;
	struct finding *f;
	uint64_t reach;

	if ((d->vm->flavour != FLAVOUR_LIBVIRT && !says_qemu(d->vm)) || !opens_qcow2(d) ||
	    !is_disk(d) || m->cluster_size == 0 || has_cache(d))
		return;
	reach = L2_CACHE / m->l2_entry_size * m->cluster_size;
	if (m->disk_size <= reach)
		return;
	f = report(
		s, image_name(d)->at,
		"the disk of '%s' has %llu bytes, and QEMU keeps the L2 tables of %llu "
		"in memory",
		shown(s, image_name(d)->v), LLU(m->disk_size), LLU(reach));
	report_label(
		s, f,
		"where a guest reads all over it, each read may need a second one of "
		"a table: %s of %llu MiB holds them all",
		says_qemu(d->vm) ? "l2-cache-size" : "<metadata_cache><max_size>",
		LLU(div_up(div_up(m->disk_size, m->cluster_size) * m->l2_entry_size,
			   1 << 20)));
	report_related(s, f, m->format_at, "a QCOW2 with clusters of %llu bytes",
		       LLU(m->cluster_size));
}

#define SEEN "seen with QEMU 7.2"

const struct rule rules_media_size[] = {
	{ .id = "media-disk-cut",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "a VM whose disk ends before its partitions do",
	  .why = "A copy that was not finished, or an overlay that was made smaller than "
		 "its base: firmware starts what is at the begin, and the guest's file "
		 "system fails later.",
	  .steps = "An overlay: qemu-img resize IMAGE SIZE, to its base's size. A raw "
		   "image whose end was left out by a copy as it was zeros: truncate -s. "
		   "Else copy it again: what is missing is nowhere in it.",
	  .source = "UEFI 2.10, 5.3; Linux, block/partitions; " SEEN,
	  .since = "0.1.0",
	  CHECK(disk, check_cut) },
	{ .id = "media-l2-cache",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a QCOW2 whose L2 tables do not fit into QEMU's cache",
	  .why = "To find a cluster QEMU needs an entry of an L2 table, and keeps 32 MiB "
		 "of these tables in memory: enough for 256 GiB with clusters of 64 KiB. "
		 "Reads all over a larger disk have to read the tables again and again.",
	  .steps = "libvirt 7.0: <driver ...><metadata_cache><max_size unit='bytes'>...; "
		   "QEMU: l2-cache-size=...; or larger clusters (qemu-img convert -o "
		   "cluster_size=...). Not needed where reads follow each other.",
	  .source = "QEMU, docs/qcow2-cache.txt; libvirt formatdomain, metadata_cache",
	  .since = "0.1.0",
	  CHECK(disk, check_cache) },
	{ .id = "media-mbr-size",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "a DOS partition table on a disk that is too large for one",
	  .why = "It counts sectors with 32 bits: with sectors of 512 bytes that is 2 "
		 "TiB. No partition can begin behind that, and growing one up to the "
		 "disk's end fails.",
	  .steps = "sgdisk -g turns it into a GPT (a BIOS then needs a BIOS boot "
		   "partition); or leave the disk smaller.",
	  .source = "UEFI 2.10, 5.2.1",
	  .since = "0.1.0",
	  CHECK(disk, check_mbr) },
	{ .id = "media-size-below",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a disk that is to be smaller than the image that it begins with",
	  .why = "Packer copies the image, and then has qemu-img make it as large as "
		 "disk_size says. qemu-img does not make an image smaller unless it is "
		 "told to, and Packer does not tell it. With use_backing_file the new "
		 "disk stands on the image, and shows its begin only.",
	  .steps = "Raise disk_size to the image's size or more, or set skip_resize_disk "
		   "= true.",
	  .source = "packer-plugin-qemu, builder/qemu/step_resize_disk.go, "
		    "step_create_disk.go; hashicorp/packer#6081; "
		    "canonical/packer-maas#322",
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
RULES_END(media_size);
