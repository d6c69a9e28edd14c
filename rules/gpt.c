/* Rules on a GPT as a whole: its two copies, their headers, and the disk around them. Which
 * of them speaks is decided once, in gpt_state(). UEFI 2.10, section 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_pieces.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static const char *copy_name(const struct gpt_table *t)
{
	return t->which == GPT_PRIMARY ? "primary" : "backup";
}

static const char *size_text(struct scan *s, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB",
					     "TiB",   "PiB", "EiB" };
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		v /= 1024;
	return scan_printf(s, i ? "%.1f %s" : "%.0f %s", v, units[i]);
}

/* ---- what is wrong with one copy ---- */

struct damage {
	struct span at;
	const char *what;
};

static struct damage array_damage(struct scan *s, const struct gpt_table *t)
{
	struct damage d = { .at = t->entries_crc.at };

	switch (t->array) {
	case GPT_ARRAY_SIZE:
		d.at = t->entry_size.at;
		d.what =
			scan_printf(s,
				    "it has %llu entries of %llu bytes, expected entries "
				    "of 128 bytes",
				    LLU(t->entry_count.v), LLU(t->entry_size.v));
		break;
	case GPT_ARRAY_TOO_LARGE:
		d.at = t->entry_count.at;
		d.what = scan_printf(
			s, "it has %llu entries of %llu bytes, too many to read",
			LLU(t->entry_count.v), LLU(t->entry_size.v));
		break;
	case GPT_ARRAY_OUTSIDE:
		d.at = t->entries_lba.at;
		d.what = scan_printf(s,
				     "its entries at LBA %llu do not lie within the disk",
				     LLU(t->entries_lba.v));
		break;
	case GPT_ARRAY_NO_HEADER:
	case GPT_ARRAY_READ:
		if (t->entries_crc.v != t->entries_crc_actual) {
			d.what =
				scan_printf(s,
					    "the checksum of its entries is %08llx, but "
					    "they sum to %08x",
					    LLU(t->entries_crc.v), t->entries_crc_actual);
			break;
		}
		d.at = t->entry_size.at;
		d.what = scan_printf(
			s,
			"its entries have %llu bytes, expected 128 or a power "
			"of two times that",
			LLU(t->entry_size.v));
		break;
	}
	return d;
}

static struct span signature_of(const struct gpt_table *t)
{
	struct span at = t->at;

	at.len = sizeof(GPT_SIGNATURE) - 1;
	return at;
}

static struct damage damage_of(struct scan *s, const struct gpt *g,
			       const struct gpt_table *t)
{
	struct damage d = { .at = signature_of(t) };

	if (!t->present) {
		d.what =
			t->raw.n == 0 ? "its place lies behind the end of the disk"
			: view_is_zero(t->raw) ? "its header is all zeros"
			: gpt_header_wiped(t->raw, t->lba)
				? "only the 'EFI PART' of its header is missing, as wipefs "
				  "leaves it"
				: "its header does not begin with 'EFI PART'";
	} else if (!t->size_ok) {
		d.at = t->header_size.at;
		d.what = scan_printf(s, "its header size is %llu, expected 92 to %u",
				     LLU(t->header_size.v), g->sector_size);
	} else if (t->header_crc.v != t->crc_actual) {
		d.at = t->header_crc.at;
		d.what = scan_printf(
			s,
			"the checksum of its header is %08llx, but the header "
			"sums to %08x",
			LLU(t->header_crc.v), t->crc_actual);
	} else if (t->my_lba.v != t->lba) {
		d.at = t->my_lba.at;
		d.what = scan_printf(
			s,
			"its header says that it is at LBA %llu, but it is at "
			"LBA %llu",
			LLU(t->my_lba.v), LLU(t->lba));
	} else {
		d = array_damage(s, t);
	}
	return d;
}

/* ---- one copy is bad ---- */

static struct finding *report_bad(struct scan *s, const struct gpt_state *st,
				  const struct gpt_table *bad)
{
	const struct gpt *g = st->g;
	struct damage d = damage_of(s, g, bad);
	const struct gpt_table *good = st->from;

	return report(s, d.at, "the %s GPT is damaged: %s; the %s at LBA %llu is intact",
		      copy_name(bad), d.what, copy_name(good), LLU(good->lba));
}

static void report_foreign(struct scan *s, const struct gpt_state *st,
			   const struct gpt_table *bad)
{
	struct damage d = damage_of(s, st->g, bad);
	uint64_t first = st->array_lba, last = st->array_lba + st->array - 1;
	struct finding *f;

	if (!st->header_right) {
		first = u64_min(first, st->header_lba);
		last = u64_max(last, st->header_lba);
	}

	f = report(
		s, d.at,
		"LBA %llu to %llu hold something else than the %s GPT: %s; the %s at LBA "
		"%llu is intact",
		LLU(first), LLU(last), copy_name(bad), d.what, copy_name(st->from),
		LLU(st->from->lba));
	report_label(s, f, "who put that there cannot be told");
}

static void report_unprotected(struct scan *s, const struct gpt_state *st)
{
	const struct gpt *g = st->g;
	struct damage d = damage_of(s, g, &g->primary);

	report(s, d.at,
	       "there is no protective MBR, and the primary GPT is damaged: %s; the backup "
	       "at LBA %llu is intact (partitions: %zu)",
	       d.what, LLU(g->backup.lba), g->backup.nentries);
}

static void check_primary(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct finding *f;

	if (st.verdict != GPT_PRIMARY_BAD || gpt_is_overwritten(&st) || gpt_is_torn(&st))
		return;
	f = report_bad(s, &st, &g->primary);
	report_label(s, f, "Linux does not look at the backup, and finds no partitions");
}

static void check_primary_overwritten(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (st.verdict != GPT_PRIMARY_BAD || !gpt_is_overwritten(&st) || gpt_is_torn(&st))
		return;
	if (st.protective)
		report_foreign(s, &st, &g->primary);
	else if (g->primary.present)
		report_unprotected(s, &st);
	else
		report(s, signature_of(&g->primary),
		       "there is neither a protective MBR nor a primary GPT, only the backup at "
		       "LBA %llu (partitions: %zu)",
		       LLU(g->backup.lba), g->backup.nentries);
}

static void check_backup(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct field *alternate = &g->primary.alternate_lba;
	struct finding *f;

	if (st.verdict != GPT_BACKUP_BAD || st.room == ROOM_FOREIGN)
		return;
	f = report_bad(s, &st, &g->backup);
	if (alternate->v != g->backup.lba)
		report_related(s, f, alternate->at,
			       "the primary says that it is at LBA %llu, expected %llu",
			       LLU(alternate->v), LLU(g->backup.lba));
}

static void check_backup_overwritten(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (st.verdict == GPT_BACKUP_BAD && st.room == ROOM_FOREIGN)
		report_foreign(s, &st, &g->backup);
}

/* ---- none is good, or both are ---- */

static void check_lost(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct damage p, b;
	struct finding *f;

	/* With what was in its partitions, it is a finding of img-table-lost. */
	if (st.verdict == GPT_IDLE
		    ? g->bare || !gpt_has_pieces(g)
		    : st.verdict != GPT_LOST || (g->image->lost && !gpt_has_pieces(g)))
		return;
	p = damage_of(s, g, &g->primary);
	b = damage_of(s, g, &g->backup);
	f = report(s, p.at,
		   "no copy of the GPT is intact: primary (LBA 1): %s; backup (LBA "
		   "%llu): %s",
		   p.what, LLU(g->backup.lba), b.what);
	report_label(s, f, "no system finds a partition on this disk");
	if (g->pieced)
		report_related(
			s, f, g->pieced->entries_at,
			"these entries have the checksum that the header of the %s "
			"names (partitions: %zu)",
			copy_name(g->pieced), g->pieced->nentries);
}

static const char *entry_text(struct scan *s, const struct gpt_table *t, unsigned number)
{
	for (size_t i = 0; i < t->nentries; i++) {
		const struct gpt_entry *e = &t->entry[i];
		char guid[37];

		if (e->number != number)
			continue;
		guid_text(e->guid, guid);
		return scan_printf(s, "LBA %llu to %llu, '%s', %s", LLU(e->first.v),
				   LLU(e->last.v), shown(s, e->name), guid);
	}
	return "not in use";
}

/* What one copy says, where they differ. */
static const char *side_text(struct scan *s, const struct gpt_table *t,
			     const struct gpt_difference *d)
{
	char guid[37];

	if (d->number)
		return entry_text(s, t, d->number);
	if (d->is_number)
		return scan_printf(s, "%llu",
				   LLU(t->which == GPT_PRIMARY ? d->primary_value
							       : d->backup_value));
	guid_text(t->disk_guid, guid);
	return scan_printf(s, "%s", guid);
}

static void check_disagree(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct gpt_difference d;
	const char *what;
	struct finding *f;

	if (st.verdict != GPT_DIFFER || !gpt_differ(g, &d))
		return;
	what = d.what;
	if (d.number)
		what = scan_printf(s, d.more ? "entry %u and %u more" : "entry %u",
				   d.number, d.more);
	f = report(s, d.primary,
		   "both copies of the GPT are intact, but they differ in %s", what);
	report_label(s, f, "primary: %s", side_text(s, &g->primary, &d));
	report_related(s, f, d.backup, "backup: %s", side_text(s, &g->backup, &d));
}

/* ---- the disk has another size ---- */

static void check_grown(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	bool behind = st.verdict == GPT_PRIMARY_BAD && !g->backup_at_end;
	const struct gpt_table *t = behind ? &g->backup : &g->primary;
	uint64_t end = (behind ? t->my_lba.v : t->alternate_lba.v) + 1;

	if (st.verdict != GPT_GROWN && !behind)
		return;
	report(s, behind ? t->my_lba.at : t->alternate_lba.at,
	       "the GPT ends with sector %llu, the disk has %llu: %s behind it are out of reach",
	       LLU(end - 1), LLU(g->sectors),
	       size_text(s, (g->sectors - end) * g->sector_size));
}

static void relate_loss(struct scan *s, struct finding *f, const struct gpt *g,
			const struct gpt_entry *e)
{
	uint64_t lost;

	if (e->last.v < g->sectors || e->first.v > e->last.v)
		return;
	if (e->first.v >= g->sectors)
		report_related(s, f, e->first.at,
			       "partition %u (LBA %llu to %llu) lies behind the end",
			       e->number, LLU(e->first.v), LLU(e->last.v));
	else if (u64_mul(e->last.v - g->sectors + 1, g->sector_size, &lost))
		report_related(s, f, e->last.at,
			       "partition %u (LBA %llu to %llu) lacks its last %s",
			       e->number, LLU(e->first.v), LLU(e->last.v),
			       size_text(s, lost));
}

static void check_truncated(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	uint64_t missing, sectors;
	struct finding *f;

	if (st.verdict != GPT_TRUNCATED)
		return;
	sectors = gpt_sectors_meant(&st);
	if (!u64_mul(sectors - g->sectors, g->sector_size, &missing) || missing == 0) {
		report(s, g->primary.alternate_lba.at,
		       "the GPT expects its backup at LBA %llu, the disk has %llu sectors",
		       LLU(g->primary.alternate_lba.v), LLU(g->sectors));
		return;
	}
	missing -= g->image->size % g->sector_size;
	f = report(s, g->primary.alternate_lba.at,
		   "the disk has %llu sectors, its GPT is made for %llu: the last %s are "
		   "missing",
		   LLU(g->sectors), LLU(sectors), size_text(s, missing));
	for (size_t i = 0; i < g->primary.nentries; i++)
		relate_loss(s, f, g, &g->primary.entry[i]);
}

/* ---- fields ---- */

static void check_alternate(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *p = &g->primary, *b = &g->backup;
	struct finding *f;

	if (st.verdict != GPT_ASTRAY)
		return;
	if (p->alternate_lba.v == b->lba) {
		report(s, b->alternate_lba.at,
		       "the backup GPT names LBA %llu as the primary's place, expected %llu",
		       LLU(b->alternate_lba.v), LLU(p->lba));
		return;
	}
	f = report(s, p->alternate_lba.at,
		   "the primary GPT names LBA %llu as the backup's place, expected %llu",
		   LLU(p->alternate_lba.v), LLU(b->lba));
	report_label(s, f, "UEFI firmware that finds no backup there writes one there");
}

static void check_entry_count(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	const struct gpt_table *t = &g->primary;

	if (st.verdict != GPT_UNREAD)
		return;
	if (!t->header_ok || t->array != GPT_ARRAY_TOO_LARGE)
		t = &g->backup;
	report(s, t->entry_count.at,
	       "the %s GPT has %llu entries of %llu bytes: more than %s is not read, so its "
	       "partitions are not checked",
	       copy_name(t), LLU(t->entry_count.v), LLU(t->entry_size.v),
	       size_text(s, GPT_ENTRIES_MAX_BYTES));
}

static void check_entry_size(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);

	if (gpt_state_has_table(&st) && g->good->entry_size.v != GPT_ENTRY_SIZE)
		report(s, g->good->entry_size.at,
		       "the entries of the GPT have %llu bytes, expected 128",
		       LLU(g->good->entry_size.v));
}

static void check_two_sizes(struct scan *s, const struct gpt *g)
{
	struct gpt_state st = gpt_state(g);
	struct finding *f;

	if (st.verdict != GPT_TWO_SIZES)
		return;
	f = report(
		s, signature_of(g->good),
		"there is an intact GPT for sectors of %u bytes and one for %u: which of "
		"them is read depends on the device",
		g->sector_size, g->other->sector_size);
	report_label(s, f, "partitions: %zu", g->good->nentries);
	report_related(s, f, signature_of(g->other->good), "partitions: %zu",
		       g->other->good->nentries);
}

/* ---- the rows ---- */

#define EDK2  "tianocore/edk2, MdeModulePkg/Universal/Disk/PartitionDxe/Gpt.c"
#define LINUX "Linux, block/partitions/efi.c"

const struct rule rules_gpt[] = {
	{ .id = "gpt-alt-lba",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a GPT copy does not say where the other one is",
	  .why = "EDK II, the firmware of most UEFI VMs, looks for the backup where the primary "
		 "says, and writes a new one to that place when there is none: into a "
		 "partition, if the number points there.",
	  .source = "UEFI 2.10, table 5-5, AlternateLBA; " EDK2
		    ", PartitionInstallGptChildHandles(); " LINUX ", compare_gpts()",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_alternate, gpt_fix_alternate) },
	{ .id = "gpt-backup-corrupt",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "the backup GPT is damaged or gone",
	  .why = "The disk works until the primary is damaged as well; then its partitions are "
		 "lost. UEFI firmware may write the backup again at each start.",
	  .source = "UEFI 2.10, section 5.3.2; " EDK2,
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_backup, gpt_fix_backup) },
	{ .id = "gpt-backup-overwritten",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "something else stands where the backup GPT belongs",
	  .why = "There is no second copy of the partition table. What stands in its place may "
		 "be damage, or may be wanted: RAID metadata lies at the end of a disk, too.",
	  .steps =
		  "Look at the last sectors (`xxd -s -17k DISK`). If nobody needs them, `vmend "
		  "fix --unsafe-fixes` writes the backup over them; `vmend undo` takes that "
		  "back.",
	  .source = "UEFI 2.10, section 5.3.2; md(4), superblock formats 0.90 and 1.0",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_backup_overwritten, gpt_fix_backup) },
	{ .id = "gpt-both-corrupt",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "neither copy of the GPT is right",
	  .why = "No operating system and no firmware finds a partition on this disk, although "
		 "their contents may be intact.",
	  .steps =
		  "Work on a copy. `vmend inspect` shows what is left of both copies. Where a "
		  "header is left and entries that fit its checksum, `vmend fix "
		  "--unsafe-fixes` makes both copies from them. Else, if the partitions' first "
		  "sectors are known (a dump of `sfdisk -d`, a sibling "
		  "image), write the table again with `sfdisk`; else search for file systems "
		  "with testdisk.",
	  .source = "UEFI 2.10, section 5.3.2",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_lost, gpt_fix_pieced) },
	{ .id = "gpt-disagree",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two intact GPT copies that say different things",
	  .why = "Systems go by the primary; a repair tool may bring the backup back, and with "
		 "it partitions as they were at another time. Which copy is right cannot be "
		 "told from the table.",
	  .steps =
		  "Compare them: `vmend inspect` shows both. Where one of them describes what "
		  "cannot be and the other does not, `vmend fix --unsafe-fixes` makes the other "
		  "copy from that one. Else find out which one fits the file "
		  "systems (blkid -p -O OFFSET DISK at each start). If it is the primary, let "
		  "`sfdisk` or `gdisk` write the table again; if it is the backup, load it "
		  "first (gdisk: r, then c).",
	  .source = "UEFI 2.10, section 5.3.2: the copies hold the same entries",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_disagree, gpt_fix_choose) },
	{ .id = "gpt-entry-count",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a GPT with more entries than anything reads",
	  .why = "Linux and libfdisk read at most 4 MiB of entries, other tools end for lack of "
		 "memory. Such a number is damage or an attack.",
	  .steps =
		  "Do not open the image with other tools before you know where it comes from.",
	  .source = LINUX ", is_gpt_valid(); libfdisk, gpt_read_header()",
	  .since = "0.1.0",
	  CHECK(gpt, check_entry_count) },
	{ .id = "gpt-entry-size",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a GPT whose entries are not 128 bytes long",
	  .why = "UEFI allows larger entries, but Linux reads only tables with entries of 128 "
		 "bytes, and finds no partitions.",
	  .steps =
		  "Write the table again with `sfdisk -d DISK | sfdisk COPY`, or with the tool "
		  "that made it.",
	  .source = LINUX ", is_gpt_valid(): sizeof_partition_entry",
	  .since = "0.1.0",
	  CHECK(gpt, check_entry_size) },
	{ .id = "gpt-grown",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "the disk is larger than its GPT",
	  .why = "The space that was added cannot be partitioned, and the backup GPT is not at "
		 "the end of the disk, where it is looked for when the primary is lost.",
	  .source = "UEFI 2.10, section 5.3.1: the backup is in the last logical block",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_grown, gpt_fix_grown) },
	{ .id = "gpt-primary-corrupt",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the primary GPT is damaged",
	  .why = "Linux does not use the backup unless it is started with the gpt option: it "
		 "finds no partitions, and the VM does not boot. UEFI firmware may repair it at "
		 "the next start.",
	  .source = LINUX ", find_valid_gpt(); " EDK2,
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_primary, gpt_fix_primary) },
	{ .id = "gpt-primary-overwritten",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "something else stands where the primary GPT belongs",
	  .why = "Only the backup at the end of the disk still knows the partitions, and Linux "
		 "does not look at it. What stands in the first sectors may be damage, or may "
		 "be wanted: some boards keep their boot loader there.",
	  .steps =
		  "If the disk is partitioned as the backup says (`vmend inspect`), `vmend fix "
		  "--unsafe-fixes` brings the primary back; `vmend undo` takes that back.",
	  .source = LINUX ", find_valid_gpt(); UEFI 2.10, section 5.3.2",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_primary_overwritten, gpt_fix_primary) },
	{ .id = "gpt-sector-size-both",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_MANUAL,
	  .title = "partition tables for two sector sizes on one disk",
	  .why = "A guest sees one set of partitions or the other, depending on the logical "
		 "block size of its virtual disk, and writes to one destroy the other.",
	  .steps =
		  "Find out which one the guest uses (`blockdev --getss` in it), and remove "
		  "the \"EFI PART\" of the other one's headers.",
	  .source =
		  "UEFI 2.10, section 5.3.1: LBA 1 is a place in units of logical blocks",
	  .since = "0.1.0",
	  CHECK(gpt, check_two_sizes) },
	{ .id = "gpt-truncated",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "the disk is shorter than its GPT",
	  .why = "The end of the disk is missing: an interrupted copy, or a file that was cut "
		 "off. Linux refuses a table whose last usable LBA is past the end, and finds "
		 "no partitions.",
	  .steps =
		  "Copy the image again from where it is whole. If there is no such place, "
		  "`vmend fix --unsafe-fixes` makes the file as long as its table says, with a "
		  "hole: the partitions can then be read, but what was cut off reads as zeros.",
	  .source = LINUX ", is_gpt_valid(): last_usable_lba; UEFI 2.10, section 5.3.1",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_truncated, gpt_fix_truncated) },
};

RULES_END(gpt);
