/* Rules on the protective MBR, which makes a GPT disk look used to those that know no GPT,
 * and makes those that know it look for one. UEFI 2.10, section 5.2.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_fix.h"
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

/* The type that sgdisk and fdisk give to what GRUB needs on a BIOS. */
static const char bios_boot[] = "BIOS boot";

enum { ATTRIBUTE_LEGACY_BOOT = 1 << 2 };

/* Does a GPT rule this disk, and is there a copy to go by? *st is filled. */
static bool under_gpt(const struct mbr *m, struct gpt_state *st)
{
	if (!m->image->gpt)
		return false;
	*st = gpt_state(m->image->gpt);
	return gpt_state_has_table(st);
}

/* Is the size of the disk, as its GPT has it, the size of the disk? Else that is the
 * finding, and mending it mends sector 0. */
static bool size_is_settled(const struct gpt_state *st)
{
	return st->verdict != GPT_GROWN && st->verdict != GPT_TRUNCATED &&
	       (st->verdict != GPT_PRIMARY_BAD || st->g->backup_at_end);
}

/* ---- pmbr-overwritten ---- */

/* Without 55 AA, something that is not empty and no table either: not as a tool writes one. */
static bool is_overwritten(const struct mbr *m)
{
	bool used = false;

	if (m->boot_sector || mbr_lacks_magic_only(m))
		return false;
	if (m->magic_ok)
		return mbr_is_label(m) && !mbr_can_be_meant(m);
	for (unsigned i = 0; i < MBR_ENTRIES; i++)
		used |= m->entry[i].type.v != MBR_TYPE_EMPTY;
	return used;
}

static void check_overwritten(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;
	struct finding *f;

	if (!under_gpt(m, &st) || st.protective || st.verdict == GPT_PRIMARY_BAD ||
	    !is_overwritten(m))
		return;
	if (m->magic_ok)
		f = report(
			s, m->entry[0].at,
			"no entry of sector 0 can be a partition's, expected a protective "
			"MBR for the GPT");
	else
		f = report(
			s, m->magic.at,
			"sector 0 has no signature 55 AA, and no partition table stands "
			"there, expected a protective MBR for the GPT");
	report_label(s, f, "Linux and UEFI firmware do not look for the GPT");
}

/* Over all four entries, whatever they are. */
static bool put_protective(struct plan *p, const struct mbr *m,
			   const struct gpt_state *st)
{
	uint8_t table[MBR_SIZE - MBR_OFF_ENTRIES] = { 0 };

	mbr_protective_bytes(gpt_sectors_meant(st), table);
	put_le16(table + (MBR_OFF_MAGIC - MBR_OFF_ENTRIES), 0xaa55);
	return plan_bytes(p, STAGE_COMMIT, m->at.off + MBR_OFF_ENTRIES,
			  (struct view){ table, sizeof(table) });
}

static bool fix_overwritten(struct plan *p, const struct finding *f, const struct mbr *m)
{
	struct gpt_state st;

	(void)f;
	if (!under_gpt(m, &st))
		return false;
	if (m->image->filesystem)
		return plan_refuse(p, "the disk begins like one without partitions: %s",
				   m->image->filesystem);
	plan_title(p, "write a protective MBR over what stands at its entries");
	return m->magic_ok ? put_protective(p, m, &st) : gpt_put_protective(p, &st);
}

/* ---- pmbr-missing ---- */

static void check_missing(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;
	struct span at = m->entry[0].at;
	struct finding *f;

	/* Without the primary as well, gpt-primary-overwritten has it. */
	if (!under_gpt(m, &st) || st.protective || st.verdict == GPT_PRIMARY_BAD ||
	    is_overwritten(m))
		return;
	f = report(
		s, at,
		"sector 0 has no entry of type EE%s, expected a protective MBR for the "
		"GPT",
		m->magic_ok ? "" : " and no signature 55 AA");
	report_label(s, f, "Linux and UEFI firmware do not look for the GPT");
}

static bool fix_missing(struct plan *p, const struct finding *f, const struct mbr *m)
{
	struct gpt_state st;

	(void)f;
	if (!under_gpt(m, &st))
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].type.v != MBR_TYPE_EMPTY)
			return plan_refuse(p,
					   "sector 0 holds something else than an empty "
					   "partition table: entry %u is of type %02llx",
					   i, LLU(m->entry[i].type.v));
	}
	if (m->boot_sector)
		return plan_refuse(p, "sector 0 is the boot sector of a file system");
	plan_title(p, "write a protective MBR; boot code and disk signature stay");
	return put_protective(p, m, &st);
}

/* ---- pmbr-start ---- */

static void check_start(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	struct gpt_state st;
	struct finding *f;

	if (!e || !under_gpt(m, &st) || e->lba.v == 1)
		return;
	f = report(s, e->lba.at, "the protective entry begins at LBA %llu, expected 1",
		   LLU(e->lba.v));
	report_label(s, f, "Linux and UEFI firmware do not take it for one");
}

/* Of a hybrid MBR, where the protective entry ends before the others begin: it has what the
 * table takes. */
static bool start_hybrid(struct plan *p, const struct mbr *m, const struct mbr_entry *e)
{
	uint64_t next = UINT64_MAX, n;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (m->entry[i].used && &m->entry[i] != e)
			next = u64_min(next, m->entry[i].lba.v);
	}
	if (m->nprotective != 1 || next < 2)
		return plan_refuse(
			p, "there are other entries beside the protective one, and "
			   "they leave no room for it");
	n = e->sectors.v == 0 ? next - 1 : u64_min(e->sectors.v, next - 1);
	plan_title(p, "let the protective entry begin at LBA 1, before the other ones");
	return plan_le32(p, STAGE_COMMIT, e->lba.at, 1) &&
	       (e->sectors.v == n || plan_le32(p, STAGE_COMMIT, e->sectors.at,
					       (uint32_t)u64_min(n, UINT32_MAX)));
}

static bool fix_start(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	struct gpt_state st;
	uint32_t right;

	(void)f;
	if (!e || !under_gpt(m, &st))
		return false;
	if (!mbr_purely_protective(m))
		return start_hybrid(p, m, e);
	right = mbr_protective_sectors(gpt_sectors_meant(&st));
	plan_title(p, "let the protective entry begin at LBA 1");
	return plan_le32(p, STAGE_COMMIT, e->lba.at, 1) &&
	       (e->sectors.v == right || e->sectors.v == UINT32_MAX ||
		plan_le32(p, STAGE_COMMIT, e->sectors.at, right));
}

/* ---- pmbr-size ---- */

/* QEMU shows a file that ends within a sector as one sector longer. */
static bool is_right_size(const struct mbr *m, uint64_t sectors)
{
	uint64_t more = m->sectors + (m->image->size % m->sector_size != 0);

	return sectors == mbr_protective_sectors(m->sectors) ||
	       sectors == mbr_protective_sectors(more) || sectors == UINT32_MAX;
}

static void check_size(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	uint8_t right[4];
	struct gpt_state st;
	struct finding *f;

	/* A hybrid MBR's protective entry ends where the other entries begin. */
	if (!under_gpt(m, &st) || !mbr_purely_protective(m) || e->lba.v != 1 ||
	    !size_is_settled(&st) || is_right_size(m, e->sectors.v))
		return;
	f = report(s, e->sectors.at,
		   "the protective MBR covers %llu sectors, the disk has %llu after it",
		   LLU(e->sectors.v), LLU(m->sectors - 1));
	put_le32(right, mbr_protective_sectors(m->sectors));
	report_label(s, f, "expected %02x %02x %02x %02x", right[0], right[1], right[2],
		     right[3]);
}

static bool fix_size(struct plan *p, const struct finding *f, const struct mbr *m)
{
	uint32_t right = mbr_protective_sectors(m->sectors);

	plan_title(p, "let the protective MBR cover the disk");
	return plan_le32(p, STAGE_COMMIT, f->at, right);
}

/* ---- pmbr-active ---- */

static void check_active(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	struct gpt_state st;

	if (!e || !under_gpt(m, &st) || e->boot.v == 0)
		return;
	report(s, e->boot.at, "the protective entry has boot flag %02llx, expected 00",
	       LLU(e->boot.v));
}

/* What hints that a BIOS starts from this disk, or NULL. Some need the flag for that. */
static const char *bios_hint(const struct mbr *m, const struct gpt_table *t)
{
	if (m->boot_code)
		return "sector 0 has boot code";
	for (size_t i = 0; i < t->nentries; i++) {
		const char *type = gpt_type_name(t->entry[i].type);

		if (t->entry[i].attributes.v & ATTRIBUTE_LEGACY_BOOT)
			return "a partition is marked for legacy BIOS boot";
		if (type && strcmp(type, bios_boot) == 0)
			return "there is a BIOS boot partition";
	}
	return NULL;
}

static bool fix_active(struct plan *p, const struct finding *f, const struct mbr *m)
{
	struct gpt_state st;
	const char *hint;

	if (!under_gpt(m, &st))
		return false;
	hint = bios_hint(m, st.g->good);
	if (hint)
		return plan_refuse(p, "a BIOS may need the flag: %s", hint);
	plan_title(p, "clear the boot flag of the protective entry");
	return plan_u8(p, STAGE_COMMIT, f->at, 0);
}

/* ---- pmbr-chs ---- */

/* Its address in cylinders, heads and sectors: that of LBA 1. */
static const uint8_t first_chs[3] = { 0x00, 0x02, 0x00 };

static struct span chs_at(const struct mbr_entry *e)
{
	return (struct span){ e->at.src, e->at.off + MBR_ENT_CHS_FIRST,
			      sizeof(first_chs) };
}

static void check_chs(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	struct gpt_state st;
	struct finding *f;

	if (!e || !under_gpt(m, &st) || e->lba.v != 1 ||
	    memcmp(e->chs_first, first_chs, sizeof(first_chs)) == 0)
		return;
	f = report(s, chs_at(e),
		   "the protective entry's first CHS address is %02x %02x %02x, expected "
		   "00 02 00",
		   e->chs_first[0], e->chs_first[1], e->chs_first[2]);
	report_label(s, f, "OpenStack calls the image unsafe");
}

static bool fix_chs(struct plan *p, const struct finding *f, const struct mbr *m)
{
	(void)m;
	plan_title(p, "let the protective entry's CHS address be that of LBA 1");
	return plan_bytes(p, STAGE_COMMIT, f->at.off,
			  (struct view){ first_chs, sizeof(first_chs) });
}

/* ---- pmbr-slot ---- */

static void check_slot(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	struct gpt_state st;
	struct finding *f;

	/* Where a hybrid MBR has it is up to who made it. */
	if (!e || !under_gpt(m, &st) || !mbr_purely_protective(m) || e->number == 1)
		return;
	f = report(s, e->at, "the protective entry is entry %u, expected 0",
		   e->number - 1);
	report_label(s, f, "OpenStack calls the image unsafe");
}

static bool fix_slot(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);
	const size_t n = MBR_ENTRIES * MBR_ENTRY_SIZE;
	uint8_t table[MBR_ENTRIES * MBR_ENTRY_SIZE] = { 0 };
	struct view old;

	(void)f;
	if (!e || !view_has(m->image->head, MBR_OFF_ENTRIES, n))
		return false;
	old = view_cut(m->image->head, MBR_OFF_ENTRIES, n);
	memcpy(table, old.p + (e->number - 1) * MBR_ENTRY_SIZE, MBR_ENTRY_SIZE);
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (i != e->number - 1 &&
		    !view_is_zero(view_cut(old, i * MBR_ENTRY_SIZE, MBR_ENTRY_SIZE)))
			return plan_refuse(
				p, "entry %u is not in use, but holds something", i);
	}
	plan_title(p, "let the protective entry be the first one");
	return plan_bytes(p, STAGE_COMMIT, m->entry[0].at.off, (struct view){ table, n });
}

const struct rule rules_pmbr[] = {
	{ .id = "pmbr-active",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "the protective MBR entry has a boot flag",
	  .why = "UEFI firmware from EDK II of before mid-2021 does not find the GPT then, and "
		 "nothing boots. Some BIOSes need the flag, so it stays where a BIOS may boot "
		 "from the disk.",
	  .source =
		  "UEFI 2.10, table 5-4, BootIndicator; tianocore/edk2 issue 8895, pull "
		  "request 1792",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_active, fix_active) },
	{ .id = "pmbr-chs",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "the protective MBR entry has another CHS address than LBA 1",
	  .why = "Nothing reads a disk by it, but OpenStack inspects images before it takes "
		 "them, and refuses one whose protective entry is not as UEFI has it.",
	  .source = "UEFI 2.10, table 5-4, StartingCHS: 0x000200; openstack/oslo.utils, "
		    "imageutils/format_inspector.py, check_mbr_partitions()",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_chs, fix_chs) },
	{ .id = "pmbr-missing",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "a GPT without a protective MBR",
	  .why = "Linux (unless started with the gpt option) and UEFI firmware look for a GPT "
		 "only behind a protective MBR: they find no partitions. Others take the disk "
		 "for empty and offer to format it.",
	  .source =
		  "UEFI 2.10, section 5.2.3; Linux, block/partitions/efi.c, is_pmbr_valid()",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_missing, fix_missing) },
	{ .id = "pmbr-overwritten",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "something else stands where the protective MBR belongs",
	  .why = "Linux (unless started with the gpt option) and UEFI firmware look for a GPT "
		 "only behind a protective MBR: they find no partitions. Here it was written "
		 "over: what stands there is neither a table nor empty.",
	  .steps =
		  "Look what stands there (`xxd -l 512 DISK`). If nobody needs it, `vmend fix "
		  "--unsafe-fixes` writes a protective MBR over the four entries and the "
		  "signature, and leaves the 446 bytes before them; `vmend undo` takes that back.",
	  .source =
		  "UEFI 2.10, section 5.2.3; Linux, block/partitions/efi.c, is_pmbr_valid()",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_overwritten, fix_overwritten) },
	{ .id = "pmbr-size",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "the protective MBR does not cover the disk",
	  .why = "What it leaves out looks free to tools that know no GPT, and partitioning "
		 "tools and firmware complain, or write it anew without asking.",
	  .source = "UEFI 2.10, table 5-4, SizeInLBA",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_size, fix_size) },
	{ .id = "pmbr-slot",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "the protective MBR entry is not the first one",
	  .why = "UEFI allows it, and Linux reads it. But OpenStack inspects images "
		 "before it takes them, and takes this for partitions beside the GPT.",
	  .source =
		  "openstack/oslo.utils, imageutils/format_inspector.py, "
		  "check_mbr_partitions(): \"GPT MBR defines invalid extra partitions\"",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_slot, fix_slot) },
	{ .id = "pmbr-start",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_SAFE,
	  .title = "the protective MBR entry does not begin at LBA 1",
	  .why = "Linux and UEFI firmware then do not take it for a protective entry, do not "
		 "look for the GPT, and find no partitions.",
	  .source = "UEFI 2.10, table 5-4, StartingLBA; Linux, block/partitions/efi.c, "
		    "pmbr_part_valid(); tianocore/edk2, "
		    "MdeModulePkg/Universal/Disk/PartitionDxe/Gpt.c",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_start, fix_start) },
};

RULES_END(pmbr);
