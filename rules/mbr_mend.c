/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/mbr_mend.h"
#include "analyze/image/image.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static uint64_t end_of(const struct mbr_entry *e) /* both are 32 bits */
{
	return e->lba.v + e->sectors.v;
}

/* ---- mbr-ebr-signature ---- */

static const struct mbr_entry *extended_around(const struct mbr *m, uint64_t lba)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->used && e->extended && lba >= e->lba.v && lba < end_of(e))
			return e;
	}
	return NULL;
}

static bool is_empty(const struct mbr_entry *e)
{
	return e->type.v == MBR_TYPE_EMPTY && e->sectors.v == 0;
}

/* A logical partition behind the record, then the link to the next one or nothing. */
static bool is_record(const struct ebr *b, const struct mbr_entry *ext)
{
	const struct mbr_entry *e = &b->entry[0], *link = &b->entry[1];

	return e->used && !e->extended && (e->boot.v & 0x7f) == 0 && e->lba.v > b->lba &&
	       end_of(e) <= end_of(ext) &&
	       (is_empty(link) || (link->used && link->extended && link->lba.v > b->lba &&
				   link->lba.v < end_of(ext))) &&
	       is_empty(&b->entry[2]) && is_empty(&b->entry[3]);
}

bool mbr_fix_ebr_signature(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct ebr *b = m->nebr ? &m->ebr[m->nebr - 1] : NULL;
	const struct mbr_entry *ext = b ? extended_around(m, b->lba) : NULL;

	(void)f;
	if (!ext || m->ebr_end != EBR_NO_SIGNATURE || b->lba != m->ebr_lba)
		return false;
	if (!is_record(b, ext))
		return plan_refuse(
			p, "what else stands in sector %llu is no extended boot record",
			LLU(b->lba));
	plan_title(p,
		   "write the signature 55 aa of the extended boot record in sector %llu",
		   LLU(b->lba));
	return plan_le16(p, STAGE_COMMIT, b->magic.at, 0xaa55);
}

/* ---- mbr-past-end ---- */

bool mbr_fix_past_end(struct plan *p, const struct finding *f, const struct mbr *m)
{
	uint64_t end = 0, size = m->image->size;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (!e->used || e->sectors.at.off != f->at.off)
			continue;
		if (!mbr_chs_agrees(e))
			return plan_refuse(
				p, "nothing but this number says that the disk was "
				   "longer");
		end = end_of(e) * MBR_SIZE;
	}
	if (end <= size)
		return plan_refuse(p, "its extended partition has to be right first");
	if (S_ISBLK(m->image->src->st.st_mode))
		return plan_refuse(p, "a block device cannot be made longer here");
	plan_title(p,
		   "extend the file with a hole to %llu bytes, as its partitions have it",
		   LLU(end));
	plan_grow(p, end);
	return true;
}

/* ---- mbr-boot-flag ---- */

bool mbr_fix_boot_flag(struct plan *p, const struct finding *f, const struct mbr *m)
{
	bool active = false, other = false;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (!e->used || !(e->boot.v & MBR_BOOT_ACTIVE))
			continue;
		/* Boot code looks at this bit alone. */
		if (e->boot.at.off == f->at.off)
			active = true;
		else
			other = true;
	}
	active &= !other;
	plan_title(p, "write the boot flag %s", active ? "80, active" : "00, not active");
	return plan_u8(p, STAGE_COMMIT, f->at, active ? MBR_BOOT_ACTIVE : 0);
}

/* ---- mbr-two-active ---- */

bool mbr_fix_two_active(struct plan *p, const struct finding *f, const struct mbr *m)
{
	(void)m;
	plan_title(p, "leave only the first of them active");
	return plan_u8(p, STAGE_COMMIT, f->at, 0);
}
