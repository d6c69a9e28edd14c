/* A DOS label whose numbers cannot be, and whose CHS addresses can: tools write both, and
 * readers of today go by the LBA alone. Layout: UEFI 2.10, table 5-2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "analyze/image/image.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum { OF_EBR = MBR_ENTRIES }; /* f->arg from here on: four for each record */

static uint64_t end_of(const struct mbr_entry *e) /* both are 32 bits */
{
	return e->lba.v + e->sectors.v;
}

static const struct mbr_entry *extended_around(const struct mbr *m, uint64_t lba)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && e->extended && lba >= e->lba.v && lba < end_of(e))
			return e;
	}
	return NULL;
}

/* Does any other entry prove that CHS addresses here count in this geometry? */
static bool geometry_is_known(const struct mbr *m, const struct mbr_entry *but)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (&m->entry[i] != but && m->entry[i].used &&
		    mbr_chs_agrees(&m->entry[i]))
			return true;
	}
	return false;
}

/* Would a primary entry for these sectors be within the disk, and in nobody's way? */
static bool is_free(const struct mbr *m, const struct mbr_entry *but, uint64_t first,
		    uint64_t last)
{
	if (first == 0 || last >= m->sectors)
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e != but && e->used && e->lba.v <= last && first < end_of(e))
			return false;
	}
	return true;
}

/* A primary entry that cannot be as its numbers are, and can as its CHS addresses are. */
static bool is_refuted(const struct mbr *m, const struct mbr_entry *e)
{
	uint64_t first, last;

	return e->used && mbr_chs_range(e, &first, &last) && !mbr_chs_agrees(e) &&
	       (first == e->lba.v || last - first + 1 == e->sectors.v ||
		geometry_is_known(m, e)) &&
	       (e->sectors.v == 0 || !is_free(m, e, e->lba.v, end_of(e) - 1)) &&
	       is_free(m, e, first, last);
}

/* The link that leads the chain astray, or NULL. */
static const struct mbr_entry *bad_link(const struct mbr *m, const struct ebr **in)
{
	for (size_t i = 0; i < m->nebr; i++) {
		for (unsigned k = 0; k < MBR_ENTRIES; k++) {
			const struct mbr_entry *e = &m->ebr[i].entry[k];

			if (e->at.off != m->ebr_at.off || !e->extended)
				continue;
			*in = &m->ebr[i];
			return e;
		}
	}
	return NULL;
}

static bool has_no_chs(const struct mbr_entry *e)
{
	return view_is_zero((struct view){ e->chs_first, sizeof(e->chs_first) }) &&
	       view_is_zero((struct view){ e->chs_last, sizeof(e->chs_last) });
}

/* Where the CHS address of a link leads: on from its record, within the extended partition. */
static bool link_by_chs(const struct mbr *m, const struct mbr_entry *link,
			const struct ebr *in, uint64_t *first, uint64_t *last)
{
	const struct mbr_entry *ext = extended_around(m, in->lba);

	return ext && mbr_chs_range(link, first, last) && *first > in->lba &&
	       *last < end_of(ext) && *first != link->lba.v;
}

/* ---- the finding ---- */

static void report_entry(struct scan *s, const struct mbr_entry *e, uint64_t arg)
{
	uint64_t first, last;
	struct finding *f;

	if (!mbr_chs_range(e, &first, &last))
		return;
	f = report(
		s, e->lba.at,
		"partition %u has sectors %llu to %llu by its LBA, which cannot be, and "
		"%llu to %llu by its CHS addresses",
		e->number, LLU(e->lba.v), LLU(e->sectors.v ? end_of(e) - 1 : e->lba.v),
		LLU(first), LLU(last));
	f->arg = arg;
}

static void check_chs(struct scan *s, const struct mbr *m)
{
	const struct mbr_entry *link;
	const struct ebr *in;
	uint64_t first, last;
	struct finding *f;

	if (!mbr_is_label(m) || m->image->filesystem || m->sector_size != MBR_SIZE)
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (is_refuted(m, &m->entry[i]))
			report_entry(s, &m->entry[i], i);
	}
	if (m->ebr_end == EBR_NONE || m->ebr_end == EBR_COMPLETE)
		return;
	link = bad_link(m, &in);
	if (!link || !geometry_is_known(m, NULL))
		return;
	if (link_by_chs(m, link, in, &first, &last)) {
		f = report(
			s, link->lba.at,
			"the extended boot record in sector %llu is followed by none in "
			"sector %llu; by its CHS address, by one in sector %llu",
			LLU(in->lba), LLU(link->lba.v), LLU(first));
		f->arg = OF_EBR;
	} else if (has_no_chs(link)) {
		f = report(
			s, link->lba.at,
			"the extended boot record in sector %llu is followed by none in "
			"sector %llu; by its CHS address, by none at all",
			LLU(in->lba), LLU(link->lba.v));
		f->arg = OF_EBR;
	}
}

/* ---- the repair ---- */

static bool fix_link(struct plan *p, const struct mbr *m)
{
	const struct mbr_entry *link, *ext;
	const struct ebr *in;
	uint64_t first, last;

	link = bad_link(m, &in);
	if (!link)
		return false;
	if (has_no_chs(link)) {
		plan_title(p, "let the chain end with the record in sector %llu",
			   LLU(in->lba));
		return plan_zero(p, STAGE_COMMIT, link->at.off, MBR_ENTRY_SIZE);
	}
	ext = extended_around(m, in->lba);
	if (!ext || !link_by_chs(m, link, in, &first, &last))
		return false;
	plan_title(p, "let the chain go on with the record in sector %llu", LLU(first));
	return plan_le32(p, STAGE_COMMIT, link->lba.at, (uint32_t)(first - ext->lba.v)) &&
	       plan_le32(p, STAGE_COMMIT, link->sectors.at, (uint32_t)(last - first + 1));
}

static bool fix_chs(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct mbr_entry *e;
	uint64_t first, last;

	if (f->arg == OF_EBR)
		return fix_link(p, m);
	e = &m->entry[f->arg];
	if (!mbr_chs_range(e, &first, &last))
		return false;
	plan_title(p, "let partition %u have the sectors that its CHS addresses name",
		   e->number);
	return plan_le32(p, STAGE_COMMIT, e->lba.at, (uint32_t)first) &&
	       plan_le32(p, STAGE_COMMIT, e->sectors.at, (uint32_t)(last - first + 1));
}

/* ---- mbr-signature-lost ---- */

static void check_signature(struct scan *s, const struct mbr *m)
{
	struct finding *f;

	if (m->magic_ok || m->image->gpt || m->image->lost ||
	    !mbr_signature_lost(view_cut(m->image->head, 0, MBR_SIZE), m->image->size))
		return;
	f = report(
		s, m->magic.at,
		"sector 0 has the entries of a DOS label, and ends with %02x %02x, expected "
		"55 aa",
		(unsigned)(m->magic.v & 0xff), (unsigned)(m->magic.v >> 8));
	report_label(s, f, "no system finds a partition on this disk");
}

static bool fix_signature(struct plan *p, const struct finding *f, const struct mbr *m)
{
	(void)m;
	plan_title(p, "write the signature 55 aa");
	return plan_le16(p, STAGE_COMMIT, f->at, 0xaa55);
}

const struct rule rules_mbr_chs[] = {
	{ .id = "mbr-chs-knows",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_LOSSY,
	  .title = "a partition's CHS addresses can be right where its LBA cannot",
	  .why = "Tools write where a partition is twice, and systems read it once. Where what "
		 "they read is damaged, the other one may still be right.",
	  .steps =
		  "Compare the sectors with what the disk should have (`blkid -p -O OFFSET "
		  "DISK`). `vmend fix --lossy-fixes` puts them in; `vmend undo` takes that back.",
	  .source =
		  "UEFI 2.10, table 5-2: StartingCHS, EndingCHS, StartingLBA, SizeInLBA",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_chs, fix_chs) },
	{ .id = "mbr-signature-lost",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_UNSAFE,
	  .title = "a DOS label that only lacks its signature",
	  .why = "No system takes sector 0 for a partition table, although its entries are as a "
		 "tool wrote them: LBA and CHS addresses of a partition agree.",
	  .steps =
		  "Look at the entries (`vmend inspect`). `vmend fix --unsafe-fixes` writes the "
		  "signature; `vmend undo` takes that back.",
	  .source = "UEFI 2.10, table 5-1, Signature; Linux, block/partitions/msdos.c, "
		    "msdos_magic_present()",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_signature, fix_signature) },
};

RULES_END(mbr_chs);
