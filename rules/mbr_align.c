/* Where the partitions of a DOS label begin, and their repair: data and entries, with the
 * CHS addresses that old boot code goes by. UEFI 2.10, section 5.2.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/relocate.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { ALIGN = 4096 };

/* Something that fills the disk, and has a label only drawn upon it, has its own places; and
 * beside (the rest of) a GPT it is not certain which table is meant. */
static bool has_own_label(const struct mbr *m)
{
	return mbr_is_label(m) && !m->image->gpt && !m->image->filesystem;
}

static struct finding *report_unaligned(struct scan *s, const struct mbr_entry *e,
					const char *to)
{
	return report(
		s, e->lba.at,
		"partition %u begins at sector %llu (byte %llu), not at a multiple of %s",
		e->number, LLU(e->lba.v), LLU(e->lba.v * MBR_SIZE), to);
}

static void each_partition(struct scan *s, const struct mbr *m,
			   void (*ask)(struct scan *s, const struct mbr_entry *e))
{
	if (!has_own_label(m))
		return;
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].used && !m->entry[i].extended)
			ask(s, &m->entry[i]);
	}
	/* Links that come back would list the same partition many times. */
	for (size_t i = 0; m->ebr_end != EBR_LOOP && i < m->nlogical; i++)
		ask(s, &m->logical[i]);
}

static void ask_4k(struct scan *s, const struct mbr_entry *e)
{
	if (e->lba.v * MBR_SIZE % ALIGN != 0)
		report_unaligned(s, e, "4096 bytes");
}

static void check_align_4k(struct scan *s, const struct mbr *m)
{
	each_partition(s, m, ask_4k);
}

static void ask_1m(struct scan *s, const struct mbr_entry *e)
{
	uint64_t off = e->lba.v * MBR_SIZE;

	if (off % ALIGN == 0 && off % REALIGN_TO != 0)
		report_unaligned(s, e, "1 MiB");
}

static void check_align_1m(struct scan *s, const struct mbr *m)
{
	each_partition(s, m, ask_1m);
}

/* ---- CHS ---- */

enum { CHS_SIZE = 3, CYLINDERS = 1024 };

static void chs_bytes(uint64_t lba, unsigned heads, unsigned sectors, uint8_t out[3])
{
	uint64_t cylinder = lba / (heads * sectors);
	unsigned head = (unsigned)(lba / sectors % heads);
	unsigned sector = (unsigned)(lba % sectors) + 1;

	if (cylinder >= CYLINDERS) {
		cylinder = CYLINDERS - 1;
		head = heads - 1;
		sector = sectors;
	}
	out[0] = (uint8_t)head;
	out[1] = (uint8_t)(sector | (cylinder >> 8 << 6));
	out[2] = (uint8_t)cylinder;
}

static bool put_chs(struct plan *p, const struct mbr_entry *e, uint64_t to,
		    unsigned heads, unsigned sectors)
{
	uint8_t first[CHS_SIZE], last[CHS_SIZE];

	chs_bytes(to, heads, sectors, first);
	chs_bytes(to + e->sectors.v - 1, heads, sectors, last);
	return plan_bytes(p, STAGE_COMMIT, e->at.off + MBR_ENT_CHS_FIRST,
			  (struct view){ first, CHS_SIZE }) &&
	       plan_bytes(p, STAGE_COMMIT, e->at.off + MBR_ENT_CHS_LAST,
			  (struct view){ last, CHS_SIZE });
}

/* CHS addresses follow in the geometry in which both were right. Where there is none, they
 * said nothing before. */
static bool chs_follows(struct plan *p, const struct mbr *m, const struct mbr_entry *e,
			uint64_t to)
{
	static const uint8_t geometry[][2] = {
		{ 255, 63 }, { 16, 63 }, { 240, 63 }, { 128, 63 }, { 64, 63 },
		{ 32, 63 },  { 64, 32 }, { 16, 32 },  { 4, 16 },
	};
	struct view entry = view_cut(m->image->head, (size_t)e->at.off, MBR_ENTRY_SIZE);

	for (size_t i = 0; i < sizeof(geometry) / sizeof(geometry[0]); i++) {
		unsigned heads = geometry[i][0], sectors = geometry[i][1];
		uint8_t first[CHS_SIZE], last[CHS_SIZE];

		chs_bytes(e->lba.v, heads, sectors, first);
		chs_bytes(e->lba.v + e->sectors.v - 1, heads, sectors, last);
		if (view_eq(entry, MBR_ENT_CHS_FIRST, first, CHS_SIZE) &&
		    view_eq(entry, MBR_ENT_CHS_LAST, last, CHS_SIZE))
			return put_chs(p, e, to, heads, sectors);
	}
	return true;
}

/* ---- the repair ---- */

static bool label_is_plain(struct plan *p, const struct mbr *m)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && e->extended)
			return plan_refuse(
				p,
				"partition %u is an extended one: its chain of logical "
				"partitions would have to follow",
				e->number);
		if (e->used && e->lba.v == 0)
			return plan_refuse(
				p, "partition %u begins at sector 0, where the table is",
				e->number);
	}
	return true;
}

static bool list_partitions(struct plan *p, const struct mbr *m, struct realign *r)
{
	*r = (struct realign){ .need = ALIGN,
			       .end = m->image->size / MBR_SIZE * MBR_SIZE };
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && !realign_add(r, e->number, e->lba.v * MBR_SIZE,
					    e->sectors.v * MBR_SIZE, false))
			return !relocate_impossible(p, r, REALIGN_TOO_MANY);
	}
	return !relocate_impossible(p, r, realign_plan(r));
}

static bool put_entry(struct plan *p, const struct mbr *m,
		      const struct realign_part *part)
{
	const struct mbr_entry *e = &m->entry[part->number - 1];
	uint64_t to = part->to / MBR_SIZE;

	if (part->to == part->off)
		return true;
	if (to > UINT32_MAX)
		return plan_refuse(p,
				   "partition %u would begin at sector %llu, which a DOS "
				   "label has no room for",
				   part->number, LLU(to));
	return plan_le32(p, STAGE_COMMIT, e->lba.at, (uint32_t)to) &&
	       chs_follows(p, m, e, to);
}

static bool fix_align(struct plan *p, const struct finding *f, const struct mbr *m)
{
	struct realign r;

	(void)f;
	if (!label_is_plain(p, m) || !list_partitions(p, m, &r) ||
	    !relocate(p, m->image, &r, MBR_SIZE))
		return false;
	for (size_t i = 0; i < r.n; i++) {
		if (!put_entry(p, m, &r.part[i]))
			return false;
	}
	relocate_title(p, &r);
	return true;
}

const struct rule rules_mbr_align[] = {
	{ .id = "mbr-align-1m",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_MANUAL,
	  .title = "a partition does not begin at a whole MiB",
	  .why = ALIGN_1M_WHY,
	  .steps = ALIGN_1M_STEPS,
	  .source = "fdisk(8) and parted(8) align to 1 MiB",
	  .since = "0.1.0",
	  CHECK(mbr, check_align_1m) },
	{ .id = "mbr-align-4k",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "a partition does not begin at a multiple of 4096 bytes",
	  .why = ALIGN_4K_WHY,
	  .steps = ALIGN_4K_STEPS
	  " So it does where Windows starts by the MBR: its boot entries have the places of "
	  "partitions, and so have its drive letters on other disks.",
	  .source = "libblkid(3), topology: physical sector size and minimum I/O size",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_align_4k, fix_align) },
};

RULES_END(mbr_align);
