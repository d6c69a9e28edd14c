/* Rules on the master boot record and the partitions of a DOS label.
 * UEFI 2.10, section 5.2.1; the kernel's block/partitions/msdos.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/mbr_mend.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* Primary entries first, then the logical ones, if they were looked for in the sectors that
 * the label counts in. NULL: no more. */
static const struct mbr_entry *entry_at(const struct mbr *m, size_t i)
{
	if (i < MBR_ENTRIES)
		return &m->entry[i];
	if (m->sector_size != MBR_SIZE || i - MBR_ENTRIES >= m->nlogical)
		return NULL;
	return &m->logical[i - MBR_ENTRIES];
}

static uint64_t end_of(const struct mbr_entry *e) /* both are 32 bits */
{
	return e->lba.v + e->sectors.v;
}

/* A left-over GPT for larger sectors says nothing about those of a DOS label. With sectors of
 * 512 bytes the disk has the most, so that nothing is called cut off that may not be. */
static uint64_t disk_sectors(const struct mbr *m)
{
	return m->image->size / MBR_SIZE;
}

/* ---- mbr-no-signature ---- */

static void check_signature(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;
	struct finding *f;

	if (m->magic_ok || !m->image->gpt)
		return;
	st = gpt_state(m->image->gpt);
	/* Where the protective entry is gone as well, pmbr-missing has it. */
	if (!gpt_state_has_table(&st) || !st.protective)
		return;
	f = report(s, m->magic.at,
		   "sector 0 ends with %02x %02x, expected the signature 55 aa",
		   (unsigned)(m->magic.v & 0xff), (unsigned)(m->magic.v >> 8));
	report_label(s, f, "Linux then does not look for the GPT");
}

static bool fix_signature(struct plan *p, const struct finding *f, const struct mbr *m)
{
	(void)m;
	plan_title(p, "write the signature 55 aa");
	return plan_le16(p, STAGE_COMMIT, f->at, 0xaa55);
}

/* ---- mbr-boot-flag ---- */

static void check_boot_flag(struct scan *s, const struct mbr *m)
{
	if (!mbr_is_label(m) || m->image->filesystem || !mbr_can_be_meant(m) ||
	    !mbr_plausible(m->image->head))
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];
		struct finding *f;

		if ((e->boot.v & ~(uint64_t)MBR_BOOT_ACTIVE) == 0)
			continue;
		f = report(s, e->boot.at,
			   "entry %u has the boot flag %02llx, expected 00 or 80", i,
			   LLU(e->boot.v));
		report_label(s, f, "Linux then finds no partition on this disk at all");
	}
}

/* ---- mbr-stale-gpt ---- */

static void check_stale_gpt(struct scan *s, const struct mbr *m)
{
	const struct gpt *g = m->image->gpt;
	struct finding *f;
	struct span at;

	if (!g || !mbr_is_label(m) || !gpt_table_ok(&g->primary) || !mbr_can_be_meant(m))
		return;
	at = g->primary.at;
	at.len = sizeof(GPT_SIGNATURE) - 1;
	f = report(
		s, at,
		"an intact GPT (partitions: %zu) under a DOS label without a protective "
		"entry",
		g->primary.nentries);
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used)
			report_related(s, f, e->at,
				       "DOS: type %02llX, LBA %llu, %llu sectors",
				       LLU(e->type.v), LLU(e->lba.v), LLU(e->sectors.v));
	}
}

/* ---- where partitions lie ---- */

static bool is_cut(const struct mbr *m, const struct mbr_entry *e)
{
	return e->used && end_of(e) > disk_sectors(m);
}

static struct finding *report_cut(struct scan *s, const struct mbr *m,
				  const struct mbr_entry *e)
{
	struct finding *f =
		report(s, e->sectors.at,
		       "partition %u ends with sector %llu, the disk with sector "
		       "%llu",
		       e->number, LLU(end_of(e) - 1), LLU(disk_sectors(m) - 1));

	report_label(s, f, "%llu of its %llu sectors are missing",
		     LLU(end_of(e) - u64_max(disk_sectors(m), e->lba.v)),
		     LLU(e->sectors.v));
	return f;
}

static void check_past_end(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *l;

	if (!mbr_is_label(m))
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];
		struct finding *f = is_cut(m, e) ? report_cut(s, m, e) : NULL;

		/* What is cut off of an extended partition is cut off of those in it. */
		for (size_t k = MBR_ENTRIES; e->extended && (l = entry_at(m, k)); k++) {
			if (!is_cut(m, l) || l->lba.v < e->lba.v || l->lba.v >= end_of(e))
				continue;
			if (f)
				report_related(s, f, l->at,
					       "partition %u in it ends with sector %llu",
					       l->number, LLU(end_of(l) - 1));
			else
				report_cut(s, m, l);
		}
	}
}

static void check_zero_start(struct scan *s, const struct mbr *m)
{
	/* Something that fills the disk and a partition over all of it: isohybrid does so. */
	if (!mbr_is_label(m) || m->image->filesystem)
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && e->lba.v == 0)
			report(s, e->lba.at,
			       "partition %u begins at sector 0, where the partition table is",
			       e->number);
	}
}

static void check_two_active(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *first = NULL;

	if (!mbr_is_label(m) || m->image->filesystem)
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];
		struct finding *f;

		if (!e->used || e->boot.v != 0x80)
			continue;
		if (!first) {
			first = e;
			continue;
		}
		f = report(s, e->boot.at, "partition %u is active, as partition %u is",
			   e->number, first->number);
		report_related(s, f, first->boot.at, "partition %u", first->number);
	}
}

static void check_two_extended(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *first = NULL;

	if (!mbr_is_label(m))
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];
		struct finding *f;

		/* Linux hides a second chain as type 85 from DOS on purpose. */
		if (!e->extended || e->type.v == MBR_TYPE_EXTENDED_LINUX)
			continue;
		if (!first) {
			first = e;
			continue;
		}
		f = report(s, e->type.at,
			   "partition %u is an extended one, as partition %u is",
			   e->number, first->number);
		report_related(s, f, first->type.at, "partition %u", first->number);
	}
}

/* An extended partition holds the logical ones, and meets only primary ones. */
static bool may_share(const struct mbr_entry *a, const struct mbr_entry *b)
{
	return (a->extended && b->number > MBR_ENTRIES) ||
	       (b->extended && a->number > MBR_ENTRIES);
}

/* The first of the entries before e, which is number i, that it overlaps. */
static const struct mbr_entry *overlapped(const struct mbr *m, size_t i,
					  const struct mbr_entry *e)
{
	const struct mbr_entry *o;

	for (size_t k = 0; k < i; k++) {
		o = entry_at(m, k);
		if (o && o->used && !may_share(o, e) && o->lba.v < end_of(e) &&
		    e->lba.v < end_of(o))
			return o;
	}
	return NULL;
}

static void check_overlap(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *e, *o;
	struct finding *f;

	/* Links that come back would list the same partition many times. */
	if (!mbr_is_label(m) || m->ebr_end == EBR_LOOP)
		return;
	for (size_t i = 0; (e = entry_at(m, i)); i++) {
		o = e->used ? overlapped(m, i, e) : NULL;
		if (!o)
			continue;
		f = report(s, e->lba.at,
			   "partitions %u and %u overlap: both have sectors %llu to %llu",
			   o->number, e->number, LLU(u64_max(o->lba.v, e->lba.v)),
			   LLU(u64_min(end_of(o), end_of(e)) - 1));
		report_related(s, f, o->at, "partition %u: sectors %llu to %llu",
			       o->number, LLU(o->lba.v), LLU(end_of(o) - 1));
	}
}

/* ---- the chain of extended boot records ---- */

/* One that was followed in the sectors that the label counts in. */
static bool has_chain(const struct mbr *m)
{
	return mbr_is_label(m) && m->sector_size == MBR_SIZE;
}

static void check_ebr_loop(struct scan *s, const struct mbr *m)
{
	if (!has_chain(m))
		return;
	if (m->ebr_end == EBR_LOOP)
		report(s, m->ebr_at,
		       "the chain of logical partitions comes back to sector %llu",
		       LLU(m->ebr_lba));
	else if (m->ebr_end == EBR_TOO_LONG)
		report(s, m->ebr_at,
		       "the chain of logical partitions has more than %d links",
		       EBR_CHAIN_MAX);
}

static void check_ebr_outside(struct scan *s, const struct mbr *m)
{
	/* An extended partition that is cut off loses its links as well: mbr-past-end. */
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].extended && m->entry[i].used &&
		    end_of(&m->entry[i]) > disk_sectors(m))
			return;
	}
	if (has_chain(m) && m->ebr_end == EBR_OUTSIDE)
		report(s, m->ebr_at,
		       "the chain of logical partitions leads to sector %llu, which is not "
		       "within the extended partition",
		       LLU(m->ebr_lba));
}

static void check_ebr_signature(struct scan *s, const struct mbr *m)
{
	if (has_chain(m) && m->ebr_end == EBR_NO_SIGNATURE)
		report(s, m->ebr_at,
		       "the chain of logical partitions leads to sector %llu, which does not "
		       "end with 55 aa",
		       LLU(m->ebr_lba));
}

#define MSDOS "Linux, block/partitions/msdos.c"

const struct rule rules_mbr[] = {
	{ .id = "mbr-boot-flag",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an entry of a DOS label has a boot flag that is none",
	  .why = "Linux, blkid and parted take sector 0 for no partition table then, and find none "
		 "of its partitions, even if the entry is not in use. Boot code of DOS and Windows "
		 "says \"Invalid partition table\".",
	  .steps =
		  "Look at the entries (`vmend inspect`). `vmend fix --unsafe-fixes` writes 00, or "
		  "80 where the highest bit is set and no other partition is active; `vmend "
		  "undo` takes that back.",
	  .source = MSDOS
	  ", msdos_partition(): boot_ind; UEFI 2.10, table 5-2, BootIndicator",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_boot_flag, mbr_fix_boot_flag) },
	{ .id = "mbr-ebr-loop",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the chain of logical partitions goes in a circle",
	  .why = "Tools show dozens of partitions that are not there, refuse the disk, or hang; "
		 "the partitions behind the bad link are lost.",
	  .steps =
		  "Search the extended partition for its other boot records (testdisk), or "
		  "restore the table from a dump of `sfdisk -d`.",
	  .source = MSDOS ", parse_extended()",
	  .since = "0.1.0",
	  CHECK(mbr, check_ebr_loop) },
	{ .id = "mbr-ebr-outside",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the chain of logical partitions leaves the extended partition",
	  .why = "The partitions behind the bad link cannot be found.",
	  .steps =
		  "Search the extended partition for its other boot records (testdisk), or "
		  "restore the table from a dump of `sfdisk -d`.",
	  .source = MSDOS ", parse_extended()",
	  .since = "0.1.0",
	  CHECK(mbr, check_ebr_outside) },
	{ .id = "mbr-ebr-signature",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "an extended boot record without its signature",
	  .why = "Linux ends the chain there: the logical partitions behind it are not found. "
		 "parted refuses the whole table.",
	  .steps = "If the sector otherwise is an extended boot record, `vmend fix "
		   "--unsafe-fixes` writes its signature; else restore the table from a "
		   "dump of `sfdisk -d`.",
	  .source = MSDOS ", parse_extended(): msdos_magic_present()",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_ebr_signature, mbr_fix_ebr_signature) },
	{ .id = "mbr-no-signature",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "sector 0 of a GPT disk lacks the signature 55 AA",
	  .why = "Linux does not take the protective MBR for one, does not look for the GPT, and "
		 "finds no partitions.",
	  .source = "UEFI 2.10, table 5-3, Signature; Linux, block/partitions/efi.c, "
		    "is_pmbr_valid()",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_signature, fix_signature) },
	{ .id = "mbr-overlap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two partitions overlap",
	  .why = "What is written to one of them destroys the other.",
	  .steps =
		  "Do not write to either. Find out which one's file system is whole (`fsck -n` "
		  "on a copy), and delete or shorten the other one's entry.",
	  .source = MSDOS "; sfdisk(8), --verify",
	  .since = "0.1.0",
	  CHECK(mbr, check_overlap) },
	{ .id = "mbr-past-end",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a partition reaches past the end of the disk",
	  .why = "What should stand behind the end cannot be read or written: the file system "
		 "in it fails when it gets there, or is not mounted at all.",
	  .steps =
		  "If the disk was cut off, copy it again from where it is whole; or `vmend "
		  "fix --unsafe-fixes` makes the file as long as the partition has it, with a "
		  "hole, where its CHS address says the same. If the table is wrong, shorten "
		  "the partition after its file system.",
	  .source =
		  "Linux, block/partitions/core.c: partition extends beyond end of device",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_past_end, mbr_fix_past_end) },
	{ .id = "mbr-stale-gpt",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "an intact GPT under a DOS label",
	  .why = "The disk has two tables. Systems go by the DOS label; gdisk and parted stumble "
		 "over the other one, and if a boot sector was written over the protective MBR, "
		 "the GPT is the true one and its partitions are out of sight.",
	  .steps =
		  "Find out which one fits the data (`vmend inspect`). If it is the DOS label, "
		  "remove the rest of the GPT: `wipefs -t gpt -a DISK`. If it is the GPT, write "
		  "a protective MBR: gdisk DISK, then x, n, w.",
	  .source = "UEFI 2.10, section 5.2; wipefs(8)",
	  .since = "0.1.0",
	  CHECK(mbr, check_stale_gpt) },
	{ .id = "mbr-two-active",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "more than one partition is active",
	  .why = "Boot code that looks for the active partition says \"Invalid partition "
		 "table\" and stops, or takes the first one.",
	  .steps =
		  "`sfdisk --activate DISK NUMBER` leaves just that one active; `vmend fix "
		  "--unsafe-fixes` leaves the first.",
	  .source = "the standard boot code of DOS and Windows; UEFI 2.10, table 5-4",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_two_active, mbr_fix_two_active) },
	{ .id = "mbr-two-extended",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "more than one extended partition",
	  .why = "Linux and Windows follow one of the chains: what is in the other one is not "
		 "found, or numbered differently by each.",
	  .steps =
		  "Find out with `vmend inspect` which logical partitions are in use; the other "
		  "extended partition's entry can be deleted with `sfdisk --delete`.",
	  .source = MSDOS ", parse_extended()",
	  .since = "0.1.0",
	  CHECK(mbr, check_two_extended) },
	{ .id = "mbr-zero-start",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a partition begins at sector 0",
	  .why = "It contains the partition table itself: a file system made in it destroys the "
		 "table. parted refuses the disk.",
	  .steps =
		  "Restore the true first sector with `sfdisk -N NUMBER DISK`, if it is known.",
	  .source = MSDOS "; UEFI 2.10, table 5-2, StartingLBA",
	  .since = "0.1.0",
	  CHECK(mbr, check_zero_start) },
};

RULES_END(mbr);
