/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/fat.h"

#include "base/banned.h"

enum {
	BPB_SECTOR_SIZE = 11,     /* u16 */
	BPB_CLUSTER_SECTORS = 13, /* u8 */
	BPB_RESERVED = 14,        /* u16, sectors */
	BPB_FATS = 16,            /* u8 */
	BPB_ROOT_ENTRIES = 17,    /* u16; FAT32: 0 */
	BPB_SECTORS_16 = 19,      /* u16; 0: see the 32-bit one */
	BPB_MEDIA = 21,           /* u8 */
	BPB_FAT_SECTORS_16 = 22,  /* u16; 0: FAT32, and the fields behind it are its */
	BPB_SECTORS_32 = 32,      /* u32 */
	BPB_FAT_SECTORS_32 = 36,  /* u32 */
	BPB_FLAGS = 40,           /* u16: which copy is in use */
	BPB_VERSION = 42,         /* u16 */
	BPB_ROOT_CLUSTER = 44,    /* u32 */
	BOOT_SECTOR = 512,

	FLAGS_ONE_FAT = 0x80, /* and its number in the lowest four bits */
	ENTRY_SIZE = 32,
	/* How many clusters make a FAT16 of it, and a FAT32: as Linux and EDK2 count. */
	FAT16_CLUSTERS = 4085,
	FAT32_CLUSTERS = 65525,
};

/* What the boot sector says of itself, before any of it is believed. */
struct bpb {
	struct view v;
	uint32_t sector_size, cluster_sectors, reserved, fats, root_entries;
	uint32_t sectors, fat_sectors;
	bool large; /* FAT32 */
};

static struct bpb decode(struct view v)
{
	struct bpb b = { .v = v };

	b.sector_size = view_le16(v, BPB_SECTOR_SIZE);
	b.cluster_sectors = view_u8(v, BPB_CLUSTER_SECTORS);
	b.reserved = view_le16(v, BPB_RESERVED);
	b.fats = view_u8(v, BPB_FATS);
	b.root_entries = view_le16(v, BPB_ROOT_ENTRIES);
	b.sectors = view_le16(v, BPB_SECTORS_16);
	if (b.sectors == 0)
		b.sectors = view_le32(v, BPB_SECTORS_32);
	b.fat_sectors = view_le16(v, BPB_FAT_SECTORS_16);
	b.large = b.fat_sectors == 0;
	if (b.large)
		b.fat_sectors = view_le32(v, BPB_FAT_SECTORS_32);
	return b;
}

static bool plausible(const struct bpb *b)
{
	uint8_t media = view_u8(b->v, BPB_MEDIA);

	return b->sector_size >= 512 && b->sector_size <= 4096 &&
	       is_pow2(b->sector_size) && is_pow2(b->cluster_sectors) &&
	       b->reserved != 0 && (b->fats == 1 || b->fats == 2) &&
	       (media == 0xf0 || media >= 0xf8) && b->sectors != 0 &&
	       b->fat_sectors != 0 && (b->large || b->root_entries != 0);
}

static struct span field_at(const struct fat *f, uint64_t off, uint64_t len)
{
	return look_span(f->look, f->off + off, len);
}

/* What FatPkg refuses that Linux takes. */
static void judge(struct fat *f, const struct bpb *b)
{
	if (!b->large)
		return;
	if (f->clusters < FAT32_CLUSTERS) {
		f->refused = "a FAT32 of so few clusters that UEFI calls it damaged";
		f->refused_at = field_at(f, BPB_SECTORS_32, 4);
	} else if (view_le16(b->v, BPB_FLAGS) & FLAGS_ONE_FAT) {
		f->refused =
			"one of its two FATs is not in use, which UEFI does not take";
		f->refused_at = field_at(f, BPB_FLAGS, 2);
	} else if (view_le16(b->v, BPB_VERSION) != 0) {
		f->refused = "a FAT32 of a version that there is not";
		f->refused_at = field_at(f, BPB_VERSION, 2);
	}
}

/* Where all of it is. False: the regions do not fit into what it says its size is. */
static bool lay_out(struct fat *f, const struct bpb *b)
{
	uint64_t root_sectors =
		div_up((uint64_t)b->root_entries * ENTRY_SIZE, b->sector_size);
	uint64_t tables = (uint64_t)b->fats * b->fat_sectors;
	uint64_t first = b->reserved + tables + (b->large ? 0 : root_sectors);
	uint32_t active = 0;

	if (first >= b->sectors)
		return false;
	f->clusters = (uint32_t)((b->sectors - first) / b->cluster_sectors);
	f->bits = b->large ? 32 : f->clusters < FAT16_CLUSTERS ? 12 : 16;
	if (f->bits == 16 && f->clusters >= FAT32_CLUSTERS)
		return false;
	if (b->large && view_le16(b->v, BPB_FLAGS) & FLAGS_ONE_FAT)
		active = view_le16(b->v, BPB_FLAGS) & 0xf;
	if (active >= b->fats)
		return false;
	f->sector_size = b->sector_size;
	f->cluster_size = b->sector_size * b->cluster_sectors;
	f->table_size = (uint64_t)b->fat_sectors * b->sector_size;
	f->table =
		f->off + (uint64_t)b->reserved * b->sector_size + active * f->table_size;
	f->root = f->off + (b->reserved + tables) * b->sector_size;
	f->root_size = b->large ? 0 : (uint64_t)b->root_entries * ENTRY_SIZE;
	f->root_cluster = b->large ? view_le32(b->v, BPB_ROOT_CLUSTER) & 0x0fffffff : 0;
	f->data = f->off + first * b->sector_size;
	return true;
}

struct answer fat_open(struct fat *f, struct look *l, uint64_t off, uint64_t len)
{
	uint8_t sector[BOOT_SECTOR];
	struct view v = { sector, sizeof(sector) };
	struct bpb b;

	*f = (struct fat){ .look = l, .off = off, .len = len };
	if (len < sizeof(sector))
		return answer_no(NULL, look_span(l, off, len));
	if (!look_read(l, off, sector, sizeof(sector)))
		return answer_unknown(l->why, look_span(l, off, sizeof(sector)));
	b = decode(v);
	if (!plausible(&b) || !lay_out(f, &b))
		return answer_no(NULL, look_span(l, off, sizeof(sector)));
	judge(f, &b);
	return answer_yes(field_at(f, BPB_SECTOR_SIZE, 25));
}

bool fat_cluster_at(const struct fat *f, uint32_t cluster, uint64_t *off)
{
	if (cluster < 2 || cluster - 2 >= f->clusters)
		return false;
	*off = f->data + (uint64_t)(cluster - 2) * f->cluster_size;
	return range_within(*off - f->off, f->cluster_size, f->len);
}

bool fat_look(struct fat *f, uint64_t off, void *buf, size_t n)
{
	if (off >= f->off && range_within(off - f->off, n, f->len))
		return look_read(f->look, off, buf, n);
	f->look->why = "it leads past the end of the volume";
	return false;
}

/* n bytes of the table, n at most 4. */
static bool table_bytes(struct fat *f, uint64_t off, size_t n, struct view *out)
{
	uint64_t from = off - off % (FAT_BLOCK / 2);

	if (!range_within(off, n, f->table_size)) {
		f->look->why = "its file allocation table is too short";
		return false;
	}
	if (f->block_n == 0 || off < f->block_off ||
	    !range_within(off - f->block_off, n, f->block_n)) {
		f->block_n = 0;
		if (!fat_look(f, f->table + from, f->block,
			      (size_t)u64_min(FAT_BLOCK, f->table_size - from)))
			return false;
		f->block_off = from;
		f->block_n = (size_t)u64_min(FAT_BLOCK, f->table_size - from);
	}
	*out = view_cut((struct view){ f->block, f->block_n },
			(size_t)(off - f->block_off), n);
	return true;
}

static bool table_entry(struct fat *f, uint32_t cluster, uint32_t *out)
{
	size_t n = f->bits == 32 ? 4 : 2;
	struct view v;

	if (!table_bytes(f, (uint64_t)cluster * f->bits / 8, n, &v))
		return false;
	switch (f->bits) {
	case 12:
		*out = cluster % 2 ? view_le16(v, 0) >> 4 : view_le16(v, 0) & 0xfff;
		return true;
	case 16:
		*out = view_le16(v, 0);
		return true;
	case 32:
		*out = view_le32(v, 0) & 0x0fffffff;
		return true;
	}
	BUG("a FAT of %u bits", f->bits);
}

bool fat_next(struct fat *f, uint32_t cluster, uint32_t *next)
{
	uint32_t ones = f->bits == 32 ? 0x0fffffff : (1u << f->bits) - 1;
	uint64_t off;

	if (!table_entry(f, cluster, next))
		return false;
	if (*next >= (ones & ~7u)) {
		*next = 0;
		return true;
	}
	if (fat_cluster_at(f, *next, &off))
		return true;
	f->look->why = *next == 0 ? "its chain leads to a cluster that is free"
		       : *next == ones - 8
			       ? "its chain leads to a cluster that is marked bad"
			       : "its chain leads to a cluster that there is not";
	return false;
}
