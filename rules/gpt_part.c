/* Rules on the partitions of a GPT: where they lie, and their names to the system.
 * UEFI 2.10, section 5.3.3. They go by the copy that is right.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/relocate.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	ALIGN_4K = 4096,
	ALIGN_1M = 1 << 20,
	/* Findings of one rule; a table with more of a kind is wrecked or made up. */
	LISTED_MAX = 64,
};

static bool is_backwards(const struct gpt_entry *e)
{
	return e->last.v < e->first.v;
}

/* ask: looks at the i-th entry in use, and reports it or returns NULL. */
static void each_entry(struct scan *s, const struct gpt *g,
		       struct finding *(*ask)(struct scan *s, const struct gpt *g,
					      size_t i))
{
	struct gpt_state st = gpt_state(g);
	size_t listed = 0;

	if (!gpt_state_has_table(&st))
		return;
	for (size_t i = 0; i < g->good->nentries && listed < LISTED_MAX; i++) {
		if (!ask(s, g, i) || ++listed < LISTED_MAX || i + 1 == g->good->nentries)
			continue;
		report(s, g->good->entry[i + 1].at,
		       "%zu partitions have this; those from %u on are not looked at for it",
		       listed, g->good->entry[i + 1].number);
	}
}

/* ---- places ---- */

static struct finding *ask_backwards(struct scan *s, const struct gpt *g, size_t i)
{
	const struct gpt_entry *e = &g->good->entry[i];

	if (!is_backwards(e))
		return NULL;
	return report(s, e->last.at,
		      "partition %u ends at LBA %llu, before it begins at LBA %llu",
		      e->number, LLU(e->last.v), LLU(e->first.v));
}

static void check_backwards(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_backwards);
}

static struct finding *ask_past_eof(struct scan *s, const struct gpt *g, size_t i)
{
	const struct gpt_entry *e = &g->good->entry[i];

	if (e->last.v < g->sectors || is_backwards(e))
		return NULL;
	return report(s, e->last.at,
		      "partition %u ends at LBA %llu, the disk at LBA %llu", e->number,
		      LLU(e->last.v), LLU(g->sectors - 1));
}

static void check_past_eof(struct scan *s, const struct gpt *g)
{
	/* Of a truncated disk, gpt-truncated lists them. */
	if (gpt_state(g).verdict != GPT_TRUNCATED)
		each_entry(s, g, ask_past_eof);
}

/* The entries of a copy, where a partition has them, too. */
static void label_table(struct scan *s, struct finding *f, const struct gpt *g,
			const struct gpt_entry *e)
{
	const struct gpt_table *copies[] = { &g->primary, &g->backup };

	for (size_t i = 0; i < 2; i++) {
		const struct gpt_table *t = copies[i];
		uint64_t n;

		if (!gpt_table_ok(t))
			continue;
		n = gpt_entries_sectors(t->entry_count.v, t->entry_size.v,
					g->sector_size);
		if (e->first.v < t->entries_lba.v + n && t->entries_lba.v <= e->last.v)
			report_label(s, f, "the %s table is at LBA %llu to %llu",
				     i == 0 ? "primary" : "backup", LLU(t->entries_lba.v),
				     LLU(t->entries_lba.v + n - 1));
	}
}

static struct finding *ask_outside(struct scan *s, const struct gpt *g, size_t i)
{
	const struct gpt_table *t = g->good;
	const struct gpt_entry *e = &t->entry[i];
	struct finding *f = NULL;

	if (is_backwards(e))
		return NULL;
	if (e->first.v < t->first_usable.v) {
		f = report(
			s, e->first.at,
			"partition %u begins at LBA %llu, the first usable one is %llu",
			e->number, LLU(e->first.v), LLU(t->first_usable.v));
		label_table(s, f, g, e);
	}
	if (e->last.v > t->last_usable.v && e->last.v < g->sectors) {
		f = report(s, e->last.at,
			   "partition %u ends at LBA %llu, the last usable one is %llu",
			   e->number, LLU(e->last.v), LLU(t->last_usable.v));
		label_table(s, f, g, e);
	}
	return f;
}

static void check_outside(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_outside);
}

/* The first entry before the i-th that shares sectors with it. */
static const struct gpt_entry *overlapped(const struct gpt_table *t, size_t i)
{
	const struct gpt_entry *e = &t->entry[i];

	for (size_t k = 0; k < i; k++) {
		const struct gpt_entry *o = &t->entry[k];

		if (o->first.v <= e->last.v && e->first.v <= o->last.v &&
		    !is_backwards(o))
			return o;
	}
	return NULL;
}

static struct finding *ask_overlap(struct scan *s, const struct gpt *g, size_t i)
{
	const struct gpt_entry *e = &g->good->entry[i], *o;
	struct finding *f;

	o = is_backwards(e) ? NULL : overlapped(g->good, i);
	if (!o)
		return NULL;
	f = report(s, e->first.at,
		   "partitions %u and %u overlap: both have LBA %llu to %llu", o->number,
		   e->number, LLU(u64_max(o->first.v, e->first.v)),
		   LLU(u64_min(o->last.v, e->last.v)));
	report_related(s, f, o->first.at, "partition %u: LBA %llu to %llu", o->number,
		       LLU(o->first.v), LLU(o->last.v));
	return f;
}

static void check_overlap(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_overlap);
}

/* ---- alignment ---- */

/* Raw code that a boot loader reads once: nobody writes there in blocks. */
static bool is_bios_boot(const struct gpt_entry *e)
{
	const char *name = gpt_type_name(e->type);

	return name && strcmp(name, "BIOS boot") == 0;
}

/* Where a partition begins, in bytes; 0, which is aligned, when that does not matter. */
static uint64_t begin_of(const struct gpt *g, const struct gpt_entry *e)
{
	uint64_t off;

	if (is_backwards(e) || is_bios_boot(e) ||
	    !u64_mul(e->first.v, g->sector_size, &off))
		return 0;
	return off;
}

static struct finding *report_unaligned(struct scan *s, const struct gpt_entry *e,
					uint64_t off, const char *to)
{
	return report(
		s, e->first.at,
		"partition %u begins at LBA %llu (byte %llu), not at a multiple of %s",
		e->number, LLU(e->first.v), LLU(off), to);
}

static struct finding *ask_align_4k(struct scan *s, const struct gpt *g, size_t i)
{
	uint64_t off = begin_of(g, &g->good->entry[i]);

	if (off % ALIGN_4K == 0)
		return NULL;
	return report_unaligned(s, &g->good->entry[i], off, "4096 bytes");
}

static void check_align_4k(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_align_4k);
}

static struct finding *ask_align_1m(struct scan *s, const struct gpt *g, size_t i)
{
	uint64_t off = begin_of(g, &g->good->entry[i]);

	if (off % ALIGN_4K != 0 || off % ALIGN_1M == 0)
		return NULL;
	return report_unaligned(s, &g->good->entry[i], off, "1 MiB");
}

static void check_align_1m(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_align_1m);
}

/* ---- unique GUIDs ---- */

static struct span guid_at(const struct gpt_entry *e)
{
	struct span at = e->at;

	at.off += GPT_ENT_GUID;
	at.len = GPT_GUID_SIZE;
	return at;
}

static struct finding *ask_guid_dup(struct scan *s, const struct gpt *g, size_t i)
{
	const struct gpt_entry *e = &g->good->entry[i], *o;
	struct finding *f;
	char text[37];

	o = guid_is_zero(e->guid) ? NULL : gpt_same_guid_before(g->good, i);
	if (!o)
		return NULL;
	guid_text(e->guid, text);
	f = report(s, guid_at(e), "partition %u has the unique GUID of partition %u, %s",
		   e->number, o->number, text);
	f->arg = e->number;
	report_related(s, f, guid_at(o), "partition %u", o->number);
	return f;
}

static void check_guid_dup(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_guid_dup);
}

static struct finding *ask_guid_zero(struct scan *s, const struct gpt *g, size_t i)
{
	const struct gpt_entry *e = &g->good->entry[i];
	struct finding *f;

	if (!guid_is_zero(e->guid))
		return NULL;
	f = report(s, guid_at(e), "the unique GUID of partition %u is zero", e->number);
	f->arg = e->number;
	return f;
}

static void check_guid_zero(struct scan *s, const struct gpt *g)
{
	each_entry(s, g, ask_guid_zero);
}

/* ---- the rows ---- */

const struct rule rules_gpt_part[] = {
	{ .id = "gpt-align-1m",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a partition does not begin at a whole MiB",
	  .why = ALIGN_1M_WHY,
	  .steps = ALIGN_1M_STEPS,
	  .source = "fdisk(8), sgdisk(8) and parted(8) align to 1 MiB",
	  .since = "0.1.0",
	  CHECK(gpt, check_align_1m) },
	{ .id = "gpt-align-4k",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a partition does not begin at a multiple of 4096 bytes",
	  .why = ALIGN_4K_WHY,
	  .steps = ALIGN_4K_STEPS,
	  .source = "libblkid(3), topology: physical sector size and minimum I/O size",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_align_4k, gpt_fix_align) },
	{ .id = "gpt-end-before-start",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a partition ends before it begins",
	  .why = "Nobody can use it, and parted then refuses the whole table.",
	  .steps =
		  "If its true end is known, set it with `sfdisk -N NUMBER DISK`; else delete "
		  "it with `sfdisk --delete DISK NUMBER`, which leaves its data alone.",
	  .source = "UEFI 2.10, table 5-6, EndingLBA",
	  .since = "0.1.0",
	  CHECK(gpt, check_backwards) },
	{ .id = "gpt-outside-usable",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a partition lies outside of the usable range",
	  .why = "It reaches into space that the table keeps for itself: what is written there "
		 "may be the table, and UEFI firmware does not offer such a partition.",
	  .steps =
		  "Shrink its file system, then the partition, or move it; `vmend inspect` "
		  "shows the usable range.",
	  .source = "UEFI 2.10, table 5-5; tianocore/edk2, PartitionCheckGptEntry()",
	  .since = "0.1.0",
	  CHECK(gpt, check_outside) },
	{ .id = "gpt-overlap",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "two partitions overlap",
	  .why = "What is written to one of them destroys the other.",
	  .steps =
		  "Do not write to either. Find out which one's file system is whole (`fsck -n` "
		  "on a copy), and delete or shorten the other one's entry.",
	  .source = "UEFI 2.10, section 5.3.3",
	  .since = "0.1.0",
	  CHECK(gpt, check_overlap) },
	{ .id = "gpt-part-guid-dup",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "two partitions have the same unique GUID",
	  .why = "Which of them /dev/disk/by-partuuid, root=PARTUUID= or a boot entry of the "
		 "firmware means is left to chance.",
	  .steps =
		  "`vmend fix --unsafe-fixes` gives the later one a new GUID, made from the "
		  "disk's GUID, the partition's number and its old GUID, so that it is the same "
		  "in every run. Whatever means the later one by its PARTUUID (fstab, the "
		  "kernel's command line, boot entries) must then be told.",
	  .source = "UEFI 2.10, table 5-6, UniquePartitionGUID",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_guid_dup, gpt_fix_guid_dup) },
	{ .id = "gpt-part-guid-zero",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a partition without a unique GUID",
	  .why = "It has no PARTUUID that could mean it alone, and boot entries of UEFI "
		 "firmware cannot name it.",
	  .steps =
		  "`vmend fix --unsafe-fixes` gives it a GUID, made from the disk's GUID and "
		  "the partition's number, so that it is the same in every run.",
	  .source =
		  "UEFI 2.10, table 5-6: the GUID is generated when the entry is created",
	  .since = "0.1.0",
	  CHECK_FIX(gpt, check_guid_zero, gpt_fix_guid_zero) },
	{ .id = "gpt-past-eof",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "a partition reaches past the end of the disk",
	  .why = "Linux leaves the partition out; what should stand behind the end cannot be "
		 "read or written.",
	  .steps =
		  "If the disk was cut off, copy it again from where it is whole. If the table "
		  "is wrong, shorten the partition after its file system.",
	  .source = "Linux, block/partitions/efi.c, is_pte_valid()",
	  .since = "0.1.0",
	  CHECK(gpt, check_past_eof) },
};

RULES_END(gpt_part);
