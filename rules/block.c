/* Block sizes of a disk's device. QEMU: hw/block/block.c, blkconf_blocksizes().
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/qemu_size.h"
#include "rules/qemu_words.h"
#include "rules/rules.h"
#include "rules/words.h"
#include "base/banned.h"

enum { BLOCK_MIN = 512, BLOCK_MAX = 2 << 20 };

/* QEMU takes 4k for 4096. */
static bool read_size(const struct fact *f, uint64_t *bytes)
{
	return fact_known(f) && qemu_size(f->v, 1, bytes);
}

static bool is_block_size(uint64_t bytes)
{
	return is_pow2(bytes) && bytes >= BLOCK_MIN && bytes <= BLOCK_MAX;
}

static const char *name_of(struct scan *s, const struct disk *d)
{
	return fact_known(&d->target) ? scan_printf(s, "disk '%s'", shown(s, d->target.v))
				      : "a disk";
}

/* What is in the way first is what is said. f->arg: 1 when the physical size is too small. */
static void check_sizes(struct scan *s, const struct disk *d, const struct fact *lbs)
{
	const struct fact *const both[] = { lbs, &d->physical_block_size };
	uint64_t logical, physical = BLOCK_MIN, bytes;
	struct finding *f;

	for (size_t i = 0; i < 2; i++) {
		/* 0 is what the device chooses. */
		if (!read_size(both[i], &bytes) || bytes == 0 || is_block_size(bytes))
			continue;
		f = report(s, both[i]->at,
			   "%s has blocks of %s bytes, expected a power of 2 from 512 to "
			   "2097152",
			   name_of(s, d), shown(s, both[i]->v));
		report_label(s, f, "QEMU exits at start");
		return;
	}
	if (!read_size(lbs, &logical) || logical == 0)
		return;
	if (logical != BLOCK_MIN && !fact_is(&d->device, "cdrom") &&
	    (fact_is(&d->bus, "ide") || fact_is(&d->bus, "sata"))) {
		f = report(s, lbs->at,
			   "%s is on an IDE or SATA bus and has blocks of %llu bytes, "
			   "expected 512",
			   name_of(s, d), (unsigned long long)logical);
		report_label(s, f, "QEMU exits at start: IDE has no others");
		return;
	}
	if (fact_known(&d->physical_block_size)) {
		if (!read_size(&d->physical_block_size, &physical) || physical == 0)
			return;
	} else if (!fact_absent(&d->physical_block_size)) {
		return;
	}
	if (logical <= physical)
		return;
	f = report(s, lbs->at,
		   "%s has logical blocks of %llu bytes, and physical ones of %llu",
		   name_of(s, d), (unsigned long long)logical,
		   (unsigned long long)physical);
	report_label(s, f,
		     "QEMU exits at start: logical_block_size > "
		     "physical_block_size not supported");
	if (fact_known(&d->physical_block_size))
		report_related(s, f, d->physical_block_size.at, "the physical size");
	f->arg = 1;
}

static const struct node *on_drive(const struct disk *d)
{
	static const char *const names[] = { "logical_block_size",
					     "physical_block_size" };
	const struct qemu_option *o = option_of_disk(d);
	const struct node *n = NULL;

	for (size_t i = 0; !n && o && str_is(o->name, "drive") && i < 2; i++)
		n = qemu_opt(o, names[i]);
	return n;
}

static void check_block_size(struct scan *s, const struct disk *d)
{
	const struct node *n = on_drive(d);
	struct finding *f;

	if (!vm_runs_qemu(d->vm))
		return;
	if (n) {
		f = report(s, n->whole,
			   "'%s' in a -drive: it is a property of the -device",
			   shown(s, n->key));
		report_label(s, f,
			     "QEMU exits at start: Block format does not support the "
			     "option");
	}
	check_sizes(s, d, &d->logical_block_size);
}

static bool fix_block_size(struct plan *p, const struct finding *f, const struct disk *d)
{
	const char *size = arena_str(p->arena, d->logical_block_size.v);

	if (f->arg != 1)
		return plan_refuse(p, "what was meant can only be guessed");
	plan_title(p, "physical_block_size=%s%s%s", quote_of(d->vm), size,
		   quote_of(d->vm));
	return plan_set(p, &d->physical_block_size, size);
}

const struct rule rules_block[] = {
	{ .id = "disk-block-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "block sizes of a disk that QEMU refuses",
	  .why = "QEMU does not start: a logical block must not be larger than a physical "
		 "one (512 bytes, unless something else is said), both must be powers of "
		 "2, and IDE and SATA disks have blocks of 512 bytes only.",
	  .steps = "The guest's sectors are the logical blocks. With 4096, set "
		   "physical_block_size to 4096 as well, on virtio-blk, scsi-hd or nvme. "
		   "A partition table that was written for sectors of 512 bytes is not "
		   "found in ones of 4096.",
	  .source =
		  "QEMU, hw/block/block.c; hw/ide/qdev.c; libvirt formatdomain, blockio",
	  .since = "0.1.0",
	  CHECK_FIX(disk, check_block_size, fix_block_size) },
};
RULES_END(block);
