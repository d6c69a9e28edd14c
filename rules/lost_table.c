/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/lost_table.h"

#include "analyze/image/image.h"
#include "analyze/image/mbr.h"
#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

enum {
	MIB = 1 << 20,
	PAGE = 4096,
	SECTOR = 512,
	TRACK = 63 * SECTOR,
	CYLINDER = 255 * TRACK
};

static void refuse(struct lost_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The first reason stays. */
static void refuse(struct lost_table *t, const char *fmt, ...)
{
	va_list ap;

	if (t->refused[0])
		return;
	va_start(ap, fmt);
	vsnprintf(t->refused, sizeof(t->refused), fmt, ap);
	va_end(ap);
}

/* ---- types ---- */

#define LINUX_DATA  "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
#define BASIC_DATA  "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
#define EFI_SYSTEM  "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define LINUX_LUKS  "CA7D7CCB-63ED-4C53-861C-1742536059CC"
#define FREEBSD_UFS "516E7CB6-6ECF-11D6-8FF8-00022D09712B"

/* What is in a partition of which type. opaque: content that we cannot tell the end of, and
 * in which whole file systems may stand in plain. */
static const struct content {
	const char *name, *guid;
	uint8_t mbr;
	bool opaque;
} contents[] = {
	{ "FAT", BASIC_DATA, 0x0c, false },
	{ "NTFS", BASIC_DATA, 0x07, false },
	{ "exFAT", BASIC_DATA, 0x07, false },
	{ "BitLocker", BASIC_DATA, 0x07, false },
	{ "ReFS", BASIC_DATA, 0x07, true },
	{ "swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", 0x82, false },
	{ "LVM2 PV", "E6D6D379-F507-44C2-A23C-238F2A3DF928", 0x8e, true },
	{ "md RAID", "A19D880F-05FC-4D3B-A006-743F0F84911E", 0xfd, true },
	{ "LUKS", LINUX_LUKS, 0x83, false },
	{ "LUKS1", LINUX_LUKS, 0x83, false },
	{ "LUKS2", LINUX_LUKS, 0x83, false },
	{ "APFS", "7C3457EF-0000-11AA-AA11-00306543ECAC", 0xaf, true },
	{ "HFS+", "48465300-0000-11AA-AA11-00306543ECAC", 0xaf, true },
	{ "UFS2", FREEBSD_UFS, 0xa5, true },
	{ "GRUB", "21686148-6449-6E6F-744E-656564454649", 0xda, false },
};

static const struct content linux_data = { "", LINUX_DATA, 0x83, true };

static const struct content *content_of(const struct lost_part *p)
{
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		if (strcmp(contents[i].name, p->fs->name) == 0)
			return &contents[i];
	}
	return &linux_data;
}

static bool is_opaque(const struct lost_part *p)
{
	return !p->end && content_of(p)->opaque;
}

static void set_type(struct lost_slot *s)
{
	const struct content *c = content_of(s->part);

	s->mbr_type = c->mbr;
	if (!guid_parse(str_of(s->part->boots ? EFI_SYSTEM : c->guid), &s->type))
		BUG("a type that is no GUID");
}

const char *lost_type_name(const struct lost_table *t, const struct lost_slot *s)
{
	if (t->restored)
		return "as sector 0 says";
	if (!t->mbr)
		return gpt_type_name(s->type);
	switch (s->mbr_type) {
	case 0x07:
		return "07 (NTFS, exFAT)";
	case 0x0c:
		return "0C (FAT, LBA)";
	case 0x82:
		return "82 (Linux swap)";
	case 0x83:
		return "83 (Linux)";
	case 0x8e:
		return "8E (Linux LVM)";
	case 0xa5:
		return "A5 (FreeBSD)";
	case 0xaf:
		return "AF (HFS+, APFS)";
	case 0xfd:
		return "FD (Linux RAID)";
	default:
		return "DA (no file system)";
	}
}

const char *lost_end_words(enum lost_end end)
{
	switch (end) {
	case LOST_END_OWN:
		return "where its content ends";
	case LOST_END_GRID:
		return "where its content ends, rounded up over zeros";
	case LOST_END_NEXT:
		return "up to the next one: its content does not say";
	case LOST_END_ENTRY:
		return "as its entry in sector 0 says";
	case LOST_END_SPACE:
		return "up to the end of the disk: its content does not say";
	}
	BUG("end %u", end);
}

/* ---- GPT or MBR ---- */

static uint64_t last_end(const struct lost *l)
{
	return l->part[l->nparts - 1].end;
}

static void choose_kind(struct lost_table *t)
{
	const struct lost *l = t->lost;
	const struct image *img = l->image;
	uint64_t behind = (t->sectors - 1 - t->array) * t->sector_size;

	if (img->gpt) {
		t->why = "there are remains of a GPT";
		return;
	}
	t->mbr = true;
	if (img->mbr && img->mbr->boot_code)
		t->why = "sector 0 has boot code, and nothing is left of a GPT";
	else if (is_grub_core(view_cut(l->head, SECTOR, SECTOR)))
		t->why = "GRUB stands where a GPT would";
	else if (l->part[0].off < (2 + t->array) * t->sector_size)
		t->why = "the first partition begins where a GPT would stand";
	else if (last_end(l) > behind)
		t->why = "the last partition ends where the backup of a GPT would stand";
	else
		t->mbr = false;
	if (!t->mbr)
		t->why = "nothing says what kind it was";
}

/* ---- partitions ---- */

static uint64_t round_up(uint64_t v, uint64_t unit)
{
	return div_up(v, unit) * unit;
}

/* Partitions end where others could begin: a file system that is a few blocks shorter than
 * its partition leaves zeros up to there. */
static uint64_t grid_of(const struct lost_part *p)
{
	bool cylinders = p->off % CYLINDER == 0 || p->off % CYLINDER == TRACK;

	/* Who does not begin at a whole MiB has no reason to end at one. */
	return p->off % MIB == 0 ? MIB : cylinders ? CYLINDER : PAGE;
}

/* The byte behind the partition. limit: the next one's first, or the end of the space. */
static uint64_t end_of(const struct lost_table *t, struct lost_slot *s, uint64_t limit,
		       bool is_last)
{
	const struct lost_part *p = s->part;
	uint64_t own, whole;

	if (!p->end) {
		s->end = is_last ? LOST_END_SPACE : LOST_END_NEXT;
		return limit;
	}
	own = round_up(p->end, t->sector_size);
	whole = u64_min(round_up(p->end, grid_of(p)), limit);
	s->end = whole > own && p->zeros >= whole ? LOST_END_GRID : LOST_END_OWN;
	return s->end == LOST_END_GRID ? whole : own;
}

static void add_slot(struct lost_table *t, size_t i)
{
	const struct lost *l = t->lost;
	struct lost_slot *s = &t->slot[t->nslots];
	uint64_t space = (t->last_usable + 1) * t->sector_size;
	bool is_last = i + 1 == l->nparts;
	uint64_t limit = is_last ? space : u64_min(space, l->part[i + 1].off), end;

	*s = (struct lost_slot){ .part = &l->part[i], .number = (unsigned)i + 1 };
	set_type(s);
	end = end_of(t, s, limit, is_last);
	s->first = s->part->off / t->sector_size;
	s->last = end / t->sector_size - 1;
	t->nslots++;
	if (s->part->off % t->sector_size != 0 || limit % t->sector_size != 0)
		refuse(t, "%s at byte %llu does not begin with a sector of %u bytes",
		       s->part->fs->name, LLU(s->part->off), t->sector_size);
	else if (s->first < t->first_usable || end > limit || s->last < s->first)
		refuse(t, "%s at LBA %llu has no room between %s", s->part->fs->name,
		       LLU(s->first),
		       t->mbr ? "sector 0 and what follows it"
			      : "the places of the GPT, or before what follows it");
	if (t->mbr && (s->last > UINT32_MAX || s->last - s->first >= UINT32_MAX))
		refuse(t, "an MBR cannot say LBA %llu", LLU(s->last));
}

/* ---- what speaks against it ---- */

static bool is_ours(const struct lost_part *p, uint64_t off)
{
	return off >= p->off && off < p->end;
}

/* Something that is known, in what would be overwritten. A boot sector's spare copy may be
 * the end of a file system whose begin is lost. */
static const char *known_in(const struct lost_table *t, struct view v, uint64_t from)
{
	const struct lost *l = t->lost;

	for (size_t i = 0; i + SECTOR <= v.n; i += SECTOR) {
		struct view sector = view_cut(v, i, v.n - i);
		size_t off, len;

		if (is_grub_core(sector))
			return "GRUB";
		if (filesystem_of(sector, &off, &len) && off < SECTOR)
			return filesystem_of(sector, &off, &len);
	}
	for (size_t i = 0; i < l->nparts; i++) {
		if (is_ours(&l->part[i], from) || is_ours(&l->part[i], from + v.n - 1))
			return l->part[i].fs->name;
	}
	return NULL;
}

static void judge_places(struct lost_table *t)
{
	const struct lost *l = t->lost;
	size_t head = (size_t)(2 + t->array) * t->sector_size;
	size_t tail = (size_t)(1 + t->array) * t->sector_size;
	struct view h = view_cut(l->head, t->sector_size, head - t->sector_size);
	struct view b = view_cut(l->tail, l->tail.n - tail, tail);
	const char *name = known_in(t, h, t->sector_size);

	if (!name)
		name = known_in(t, b, l->image->size - tail);
	if (name)
		refuse(t, "%s stands where a copy of the GPT would go", name);
}

/* ---- a table that only lacks the 55 AA ---- */

static struct view entry_at(const struct lost *l, unsigned i)
{
	return view_cut(l->head, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE, MBR_ENTRY_SIZE);
}

/* The entry that has all of the part, with the part at its very begin unless it is an extended
 * one; or MBR_ENTRIES. */
static unsigned entry_around(const struct lost *l, const struct lost_part *p)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct view e = entry_at(l, i);
		uint64_t from = (uint64_t)view_le32(e, MBR_ENT_LBA) * SECTOR;
		uint64_t to = from + (uint64_t)view_le32(e, MBR_ENT_SECTORS) * SECTOR;
		uint8_t type = view_u8(e, MBR_ENT_TYPE);
		bool extended = type == MBR_TYPE_EXTENDED_CHS ||
				type == MBR_TYPE_EXTENDED_LBA ||
				type == MBR_TYPE_EXTENDED_LINUX;

		if (p->off < to && (extended ? p->off > from : p->off == from) &&
		    (!p->end || p->end <= to))
			return i;
	}
	return MBR_ENTRIES;
}

static bool entries_overlap(const struct lost *l)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		for (unsigned k = 0; k < i; k++) {
			struct view a = entry_at(l, i), b = entry_at(l, k);
			uint64_t x = view_le32(a, MBR_ENT_LBA);
			uint64_t y = view_le32(b, MBR_ENT_LBA);

			if (x < y + view_le32(b, MBR_ENT_SECTORS) &&
			    y < x + view_le32(a, MBR_ENT_SECTORS))
				return true;
		}
	}
	return false;
}

/* What was found says that the entries are right, each of them that is seen; what is within an
 * extended one has its place from there. */
static void restore(struct lost_table *t)
{
	const struct lost *l = t->lost;

	t->mbr = t->restored = true;
	t->why = "sector 0 has its entries, and only lacks the 55 AA";
	if (entries_overlap(l))
		refuse(t, "the entries of sector 0 overlap");
	for (size_t i = 0; i < l->nparts; i++) {
		const struct lost_part *p = &l->part[i];
		struct lost_slot *s = &t->slot[t->nslots++];
		unsigned entry = entry_around(l, p);
		struct view e;

		*s = (struct lost_slot){ .part = p, .number = (unsigned)i + 1 };
		s->first = p->off / SECTOR;
		s->last = (p->end ? round_up(p->end, SECTOR) : p->off + SECTOR) / SECTOR -
			  1;
		s->end = LOST_END_ENTRY;
		if (entry == MBR_ENTRIES) {
			refuse(t,
			       "%s at LBA %llu does not begin or end as the entries of "
			       "sector 0 say, which lack the 55 AA",
			       p->fs->name, LLU(s->first));
			continue;
		}
		e = entry_at(l, entry);
		s->mbr_type = view_u8(e, MBR_ENT_TYPE);
		if (view_le32(e, MBR_ENT_LBA) != s->first)
			continue; /* a logical one */
		s->number = entry + 1;
		s->last = s->first + view_le32(e, MBR_ENT_SECTORS) - 1;
	}
}

/* Of a sector 0 without 55 AA: could it be an entry, or is it what was written over it? */
static bool may_be_entry(const struct lost *l, struct view e)
{
	uint64_t lba = view_le32(e, MBR_ENT_LBA), n = view_le32(e, MBR_ENT_SECTORS);

	return view_le16(l->head, MBR_OFF_MAGIC) == 0xaa55 ||
	       ((view_u8(e, MBR_ENT_BOOT) & 0x7f) == 0 &&
		lba * MBR_SIZE < l->image->size && n * MBR_SIZE <= l->image->size);
}

static void judge_sector0(struct lost_table *t)
{
	const struct lost *l = t->lost;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		struct view e = view_cut(l->head, MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE,
					 MBR_ENTRY_SIZE);

		if (!view_is_zero(e) && view_u8(e, MBR_ENT_TYPE) != MBR_TYPE_PROTECTIVE &&
		    may_be_entry(l, e))
			refuse(t,
			       "entry %u of sector 0 is not empty: it has to be known "
			       "what that is",
			       i);
	}
}

/* Is it certain that nothing else began within what has no end of its own? */
static void judge_ends(struct lost_table *t)
{
	const struct lost *l = t->lost;
	const struct lost_part *last = &l->part[l->nparts - 1];

	for (size_t i = 0; i + 1 < l->nparts; i++) {
		if (is_opaque(&l->part[i]))
			refuse(t,
			       "%s at LBA %llu does not tell where it ends, so that what "
			       "follows may be within it",
			       l->part[i].fs->name, LLU(l->part[i].off / t->sector_size));
	}
	if (l->stopped && !last->end)
		refuse(t,
		       "%s at LBA %llu does not tell where it ends, and the search "
		       "stopped at LBA %llu",
		       last->fs->name, LLU(last->off / t->sector_size),
		       LLU(l->stopped_at / t->sector_size));
	if (l->nparts == LOST_PARTS_MAX && l->stopped)
		refuse(t, "there are %d and more: no disk has so many partitions",
		       LOST_PARTS_MAX);
}

/* ---- GUIDs ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v + UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
	h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
	return h ^ (h >> 31);
}

/* Of version 4's form; the same for the same disk in every run. */
static struct guid make_guid(uint64_t seed, uint64_t n)
{
	struct guid g;
	uint64_t h = mix(mix(UINT64_C(0x766d656e64), seed), n);

	put_le64(g.b, h);
	put_le64(g.b + 8, mix(h, n));
	g.b[7] = (uint8_t)((g.b[7] & 0x0f) | 0x40);
	g.b[8] = (uint8_t)((g.b[8] & 0x3f) | 0x80);
	return g;
}

static void set_guids(struct lost_table *t)
{
	const struct gpt *g = t->lost->image->gpt;
	const struct gpt_table *copies[] = { g ? &g->primary : NULL,
					     g ? &g->backup : NULL };
	uint64_t seed = t->sectors;

	for (size_t i = 0; i < t->nslots; i++)
		seed = mix(mix(seed, t->slot[i].first), t->slot[i].last);
	t->disk_guid = make_guid(seed, 0);
	for (size_t i = 0; i < t->nslots; i++)
		t->slot[i].guid = make_guid(seed, i + 1);
	/* A right header's before a damaged one's. */
	for (unsigned pass = 0; pass < 4 && g; pass++) {
		const struct gpt_table *c = copies[pass % 2];

		if (t->guid_kept || !c->present || (pass < 2 && !c->header_ok) ||
		    guid_is_zero(c->disk_guid))
			continue;
		t->disk_guid = c->disk_guid;
		t->guid_kept = true;
	}
}

void lost_table_of(struct lost_table *t, const struct lost *l)
{
	const struct image *img = l->image;
	uint32_t ss = img->gpt ? img->gpt->sector_size : SECTOR;

	*t = (struct lost_table){ .lost = l, .sector_size = ss };
	t->sectors = img->size / ss;
	t->array = gpt_entries_sectors(LOST_GPT_ENTRIES, GPT_ENTRY_SIZE, ss);
	if (!l->entries_left)
		choose_kind(t);
	t->first_usable = t->mbr || l->entries_left ? 1 : 2 + t->array;
	t->last_usable =
		t->mbr || l->entries_left ? t->sectors - 1 : t->sectors - 2 - t->array;
	if (img->size % ss != 0)
		refuse(t,
		       "the disk ends with a part of a sector (%llu of %u bytes), so that "
		       "its last sector is not where every reader sees it",
		       LLU(img->size % ss), ss);
	if (l->entries_left) {
		restore(t);
		return;
	}
	for (size_t i = 0; i < l->nparts; i++)
		add_slot(t, i);
	if (t->mbr && l->nparts > MBR_ENTRIES)
		refuse(t,
		       "%s: that was an MBR, and of its %zu partitions some were logical "
		       "ones",
		       t->why, l->nparts);
	judge_sector0(t);
	if (!t->mbr)
		judge_places(t);
	judge_ends(t);
	set_guids(t);
}
