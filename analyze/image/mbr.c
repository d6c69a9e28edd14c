/* The master boot record and the chains of extended boot records behind it. UEFI 2.10
 * section 5.2; logical partitions as Linux finds them, block/partitions/msdos.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/mbr.h"
#include "analyze/image/image.h"
#include "analyze/image/layout.h"
#include "base/vec.h"
#include "base/banned.h"

enum { MBR_MAGIC = 0xaa55 };

static bool has_magic(struct view sector)
{
	return view_has(sector, 0, MBR_SIZE) &&
	       view_le16(sector, MBR_OFF_MAGIC) == MBR_MAGIC;
}

static bool type_is_extended(uint64_t type)
{
	return type == MBR_TYPE_EXTENDED_CHS || type == MBR_TYPE_EXTENDED_LBA ||
	       type == MBR_TYPE_EXTENDED_LINUX;
}

static struct view entry_bytes(struct view sector, unsigned i)
{
	return view_cut(sector, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE, MBR_ENTRY_SIZE);
}

static bool boot_flag_ok(struct view entry)
{
	return (view_u8(entry, MBR_ENT_BOOT) & ~MBR_BOOT_ACTIVE) == 0;
}

/* Entry i of the partition sector that stands at base. */
static struct mbr_entry entry_of(const struct image *img, struct view sector,
				 uint64_t base, unsigned i)
{
	size_t off = MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE;
	struct mbr_entry ent = {
		.at = { .src = img->src, .off = base + off, .len = MBR_ENTRY_SIZE },
	};

#define NUMBER(member, name, o, n)                                                       \
	ent.member = image_field(img, sector, base, off + (o), n);
#define OTHER(name, o, n)
	MBR_ENTRY_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	memcpy(ent.chs_first, sector.p + off + MBR_ENT_CHS_FIRST, sizeof(ent.chs_first));
	memcpy(ent.chs_last, sector.p + off + MBR_ENT_CHS_LAST, sizeof(ent.chs_last));
	ent.used = ent.type.v == MBR_TYPE_PROTECTIVE ||
		   (ent.type.v != MBR_TYPE_EMPTY && ent.sectors.v != 0);
	ent.extended = type_is_extended(ent.type.v);
	return ent;
}

/* ---- the chain of extended boot records ---- */

struct chain {
	struct mbr *mbr;
	const struct image *img;
	struct arena *arena;
	VEC(struct ebr) ebr;
	VEC(struct mbr_entry) logical;
};

static void chain_ends(struct chain *c, enum ebr_end end, struct span at, uint64_t lba)
{
	struct mbr *m = c->mbr;

	if (m->ebr_end != EBR_NONE && m->ebr_end != EBR_COMPLETE)
		return;
	m->ebr_end = end;
	if (end != EBR_COMPLETE) {
		m->ebr_at = at;
		m->ebr_lba = lba;
	}
}

/* May the chain go on to lba? EBR_NONE: yes. */
static enum ebr_end chain_check(const struct chain *c, const struct mbr_entry *ext,
				uint64_t lba)
{
	if (lba < ext->lba.v || lba - ext->lba.v >= ext->sectors.v ||
	    lba >= c->mbr->sectors)
		return EBR_OUTSIDE;
	for (size_t i = 0; i < c->ebr.n; i++) {
		if (c->ebr.v[i].lba == lba)
			return EBR_LOOP;
	}
	return c->ebr.n == EBR_CHAIN_MAX ? EBR_TOO_LONG : EBR_NONE;
}

/* The third and fourth entry of an EBR often hold remains. Linux counts them as
 * partitions only when they lie within the extended one. */
static bool is_logical(const struct mbr_entry *ent, unsigned slot,
		       const struct mbr_entry *ext)
{
	if (!ent->used || ent->extended)
		return false;
	return slot < 2 || (ent->lba.v >= ext->lba.v &&
			    ent->lba.v + ent->sectors.v <= ext->lba.v + ext->sectors.v);
}

/* Reads the sector at lba, collects its logical partitions, and finds its link, which is
 * NULL at the end of the chain. */
static int chain_link(struct chain *c, const struct mbr_entry *ext, struct span from,
		      uint64_t lba, const struct mbr_entry **link, struct err *e)
{
	uint64_t base = lba * c->mbr->sector_size;
	struct view sector;
	struct ebr *ebr;

	*link = NULL;
	if (image_view(c->img, c->arena, base, MBR_SIZE, &sector, e) != 0)
		return -1;
	ebr = vec_add(&c->ebr, c->arena);
	ebr->at = (struct span){ .src = c->img->src, .off = base, .len = MBR_SIZE };
	ebr->link = from;
	ebr->lba = lba;
	ebr->magic = image_field(c->img, sector, base, MBR_OFF_MAGIC, 2);
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct mbr_entry *ent = &ebr->entry[i];

		*ent = entry_of(c->img, sector, base, i);
		/* Links count from the extended partition, the rest from this sector. */
		ent->lba.v += ent->extended ? ext->lba.v : lba;
		if (ebr->magic.v != MBR_MAGIC)
			continue;
		if (is_logical(ent, i, ext)) {
			ent->number = MBR_ENTRIES + 1 + (unsigned)c->logical.n;
			*vec_add(&c->logical, c->arena) = *ent;
		} else if (ent->extended && ent->used && !*link) {
			*link = ent;
		}
	}
	return 0;
}

static int chain_walk(struct chain *c, const struct mbr_entry *ext, struct err *e)
{
	struct span from = ext->at;
	uint64_t lba = ext->lba.v;

	for (;;) {
		enum ebr_end end = chain_check(c, ext, lba);
		const struct mbr_entry *link;

		if (end != EBR_NONE) {
			chain_ends(c, end, from, lba);
			return 0;
		}
		if (chain_link(c, ext, from, lba, &link, e) != 0)
			return -1;
		if (c->ebr.v[c->ebr.n - 1].magic.v != MBR_MAGIC) {
			chain_ends(c, EBR_NO_SIGNATURE, from, lba);
			return 0;
		}
		if (!link) {
			chain_ends(c, EBR_COMPLETE, from, lba);
			return 0;
		}
		from = link->at;
		lba = link->lba.v;
	}
}

/* ---- the record itself ---- */

static void count_protective(struct mbr *m)
{
	bool others = false;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *ent = &m->entry[i];

		if (ent->type.v == MBR_TYPE_PROTECTIVE) {
			m->nprotective++;
			if (!m->protective)
				m->protective = ent;
		} else if (ent->used) {
			others = true;
		}
	}
	m->hybrid = m->protective && others;
}

int mbr_read(struct mbr *m, const struct image *img, uint32_t sector_size,
	     struct arena *a, struct err *e)
{
	struct chain chain = { .mbr = m, .img = img, .arena = a };
	struct view sector;

	if (image_view(img, a, 0, MBR_SIZE, &sector, e) != 0)
		return -1;
	*m = (struct mbr){
		.image = img,
		.at = { .src = img->src, .off = 0, .len = MBR_SIZE },
		.magic = image_field(img, sector, 0, MBR_OFF_MAGIC, 2),
		.magic_ok = has_magic(sector),
		.boot_sector = mbr_is_boot_sector(sector),
		.boot_code = !view_is_zero(view_cut(sector, 0, MBR_OFF_DISK_SIGNATURE)),
		.disk_signature = view_le32(sector, MBR_OFF_DISK_SIGNATURE),
		.sector_size = sector_size,
		.sectors = img->size / sector_size,
	};
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		m->entry[i] = entry_of(img, sector, 0, i);
		m->entry[i].number = i + 1;
	}
	count_protective(m);
	for (unsigned i = 0; m->magic_ok && !m->boot_sector && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *ext = &m->entry[i];

		if (ext->extended && ext->used && chain_walk(&chain, ext, e) != 0)
			return -1;
	}
	m->ebr = chain.ebr.v;
	m->nebr = chain.ebr.n;
	m->logical = chain.logical.v;
	m->nlogical = chain.logical.n;
	return 0;
}

/* ---- CHS ---- */

enum { HEADS = 255, TRACK = 63, CYLINDERS = 1024 };

static bool chs_decode(const uint8_t chs[3], uint64_t *lba)
{
	uint64_t cylinder = chs[2] | (uint64_t)(chs[1] & 0xc0) << 2;
	uint64_t sector = chs[1] & 0x3f;

	if (sector == 0 || chs[0] >= HEADS || cylinder == CYLINDERS - 1)
		return false;
	*lba = (cylinder * HEADS + chs[0]) * TRACK + sector - 1;
	return true;
}

bool mbr_chs_range(const struct mbr_entry *e, uint64_t *first, uint64_t *last)
{
	return chs_decode(e->chs_first, first) && chs_decode(e->chs_last, last) &&
	       *first != 0 && *first <= *last;
}

bool mbr_chs_agrees(const struct mbr_entry *e)
{
	uint64_t first, last;

	return mbr_chs_range(e, &first, &last) && first == e->lba.v &&
	       last - first + 1 == e->sectors.v;
}

/* A cylinder that three bytes cannot say is written as the last one that they can. */
static bool chs_is_capped(const uint8_t chs[3], uint64_t lba)
{
	return lba >= (uint64_t)CYLINDERS * HEADS * TRACK && chs[0] == HEADS - 1 &&
	       chs[1] == 0xff && chs[2] == 0xff;
}

/* The bytes of an entry alone. Did a tool write its CHS addresses for the LBA that it has? */
static bool chs_fits(struct view v)
{
	uint64_t lba = view_le32(v, MBR_ENT_LBA), n = view_le32(v, MBR_ENT_SECTORS), at;
	const uint8_t *last = v.p + MBR_ENT_CHS_LAST;

	if (lba == 0 || n == 0 || view_u8(v, MBR_ENT_TYPE) == MBR_TYPE_EMPTY ||
	    !chs_decode(v.p + MBR_ENT_CHS_FIRST, &at) || at != lba)
		return false;
	return (chs_decode(last, &at) && at == lba + n - 1) ||
	       chs_is_capped(last, lba + n - 1);
}

bool mbr_signature_lost(struct view sector0, uint64_t size)
{
	bool fits = false;

	if (!view_has(sector0, 0, MBR_SIZE) || has_magic(sector0))
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct view v = entry_bytes(sector0, i);
		uint8_t type = view_u8(v, MBR_ENT_TYPE);

		if (type == MBR_TYPE_PROTECTIVE)
			return false;
		if (type == MBR_TYPE_EMPTY || view_le32(v, MBR_ENT_SECTORS) == 0)
			continue;
		if (view_le32(v, MBR_ENT_LBA) >= size / MBR_SIZE)
			return false;
		fits |= chs_fits(v);
	}
	return fits;
}

/* ---- looks at the bytes alone ---- */

static uint8_t raw_type(struct view sector, unsigned i)
{
	return view_u8(sector, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE + MBR_ENT_TYPE);
}

static uint32_t raw_le32(struct view sector, unsigned i, size_t off)
{
	return view_le32(sector, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE + off);
}

bool mbr_protective_end(struct view sector0, uint64_t *end)
{
	*end = 0;
	if (!view_has(sector0, 0, MBR_SIZE))
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		uint32_t lba = raw_le32(sector0, i, MBR_ENT_LBA);
		uint32_t n = raw_le32(sector0, i, MBR_ENT_SECTORS);

		if (raw_type(sector0, i) != MBR_TYPE_PROTECTIVE)
			continue;
		if (lba != 1 && !has_magic(sector0))
			continue;
		if (n != UINT32_MAX)
			*end = (uint64_t)lba + n;
		return true;
	}
	return false;
}

bool mbr_is_boot_sector(struct view sector0)
{
	size_t off, len;

	if (!has_magic(sector0))
		return false;
	/* GRUB keeps the parameter block of a FAT that was there before the table. */
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		if (raw_type(sector0, i) == MBR_TYPE_PROTECTIVE &&
		    raw_le32(sector0, i, MBR_ENT_LBA) == 1)
			return false;
	}
	return filesystem_of(view_cut(sector0, 0, MBR_SIZE), &off, &len) != NULL;
}

bool mbr_plausible(struct view sector0)
{
	bool used = false, flags = true, fits = false;

	if (!has_magic(sector0))
		return false;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct view v = entry_bytes(sector0, i);
		uint8_t type = raw_type(sector0, i);

		flags &= boot_flag_ok(v);
		fits |= chs_fits(v);
		if (type == MBR_TYPE_PROTECTIVE ||
		    (type != MBR_TYPE_EMPTY && view_le32(v, MBR_ENT_SECTORS) != 0))
			used = true;
	}
	return used && (flags || fits) && !mbr_is_boot_sector(sector0);
}

uint32_t mbr_protective_sectors(uint64_t sectors)
{
	return sectors == 0 ? 0 : (uint32_t)u64_min(sectors - 1, UINT32_MAX);
}

void mbr_protective_bytes(uint64_t sectors, uint8_t out[MBR_ENTRY_SIZE])
{
	static const uint8_t start[] = { 0x00, 0x00, 0x02, 0x00, MBR_TYPE_PROTECTIVE,
					 0xff, 0xff, 0xff };

	memcpy(out, start, sizeof(start));
	put_le32(out + MBR_ENT_LBA, 1);
	put_le32(out + MBR_ENT_SECTORS, mbr_protective_sectors(sectors));
}
