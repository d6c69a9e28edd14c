/* GUID partition tables. UEFI 2.10 section 5.3.
 *
 * Both copies are described on their own, damage and all; which of them can be trusted is
 * stated as facts (header_ok, entries_ok), what to do about it is for the rules.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_H
#define ANALYZE_IMAGE_GPT_H

#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"

struct gpt_bare;
struct gpt_past;
struct image;

enum {
	/* the header, all little-endian */
	GPT_OFF_SIGNATURE = 0, /* "EFI PART" */
	GPT_OFF_REVISION = 8,
	GPT_OFF_HEADER_SIZE = 12,
	GPT_OFF_HEADER_CRC = 16, /* counts as zero in its own sum */
	GPT_OFF_RESERVED = 20,
	GPT_OFF_MY_LBA = 24,
	GPT_OFF_ALTERNATE_LBA = 32,
	GPT_OFF_FIRST_USABLE = 40,
	GPT_OFF_LAST_USABLE = 48,
	GPT_OFF_DISK_GUID = 56,
	GPT_OFF_ENTRIES_LBA = 72,
	GPT_OFF_ENTRY_COUNT = 80,
	GPT_OFF_ENTRY_SIZE = 84,
	GPT_OFF_ENTRIES_CRC = 88,
	GPT_HEADER_SIZE = 92,
	GPT_REVISION_1_0 = 0x00010000,

	/* an entry */
	GPT_ENT_TYPE = 0,
	GPT_ENT_GUID = 16,
	GPT_ENT_FIRST = 32,
	GPT_ENT_LAST = 40, /* inclusive */
	GPT_ENT_ATTRIBUTES = 48,
	GPT_ENT_NAME = 56, /* 36 UTF-16LE units */
	GPT_ENT_NAME_SIZE = 72,
	GPT_ENTRY_SIZE = 128,

	GPT_GUID_SIZE = 16,
	GPT_ENTRIES_MIN_BYTES = 16384,   /* UEFI 5.3.1: room that the array always has */
	GPT_ENTRIES_MAX_BYTES = 1 << 20, /* what we read: 8192 entries of 128 bytes */
};

#define GPT_SIGNATURE "EFI PART"

struct guid {
	uint8_t b[GPT_GUID_SIZE]; /* as on disk: mixed-endian */
};

bool guid_is_zero(struct guid g);
bool guid_eq(struct guid a, struct guid b);
/* "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" */
void guid_text(struct guid g, char out[37]);
/* The reverse; false when s is no GUID. */
bool guid_parse(struct str s, struct guid *out);

struct gpt_entry {
	unsigned number; /* 1-based, as partition tools count */
	struct span at;  /* GPT_ENTRY_SIZE bytes */
	struct guid type, guid;
	struct field first, last, attributes;
	struct str name; /* UTF-8 of the name up to its NUL; lone surrogates U+FFFD */
};

enum gpt_which { GPT_PRIMARY, GPT_BACKUP };

/* What became of an entry array. */
enum gpt_array {
	GPT_ARRAY_NO_HEADER, /* nothing says where it is */
	GPT_ARRAY_READ,
	GPT_ARRAY_SIZE, /* no entries, or smaller ones than GPT_ENTRY_SIZE: not read */
	GPT_ARRAY_TOO_LARGE, /* over GPT_ENTRIES_MAX_BYTES: not read, may be right */
	GPT_ARRAY_OUTSIDE,   /* it does not lie within the disk */
};

/* One copy: a header and its entry array. */
struct gpt_table {
	enum gpt_which which;
	bool present;    /* "EFI PART" stands at `at` */
	struct span at;  /* the header's sector, there or where it was looked for */
	uint64_t lba;    /* of that sector */
	struct view raw; /* the sector's bytes; empty when it lies past the end */

	/* valid when present */
	struct field revision, header_size, header_crc, reserved, my_lba, alternate_lba,
		first_usable, last_usable, entries_lba, entry_count, entry_size,
		entries_crc;
	struct guid disk_guid;
	struct span disk_guid_at;
	bool size_ok;        /* header size 92 to the sector size */
	uint32_t crc_actual; /* of the header, when size_ok */
	bool header_ok;      /* signature, size_ok, CRC, MyLBA == lba */

	/* the array; read when it lies within the disk and GPT_ENTRIES_MAX_BYTES */
	enum gpt_array array;
	bool entries_read;      /* array == GPT_ARRAY_READ */
	struct span entries_at; /* count * entry size bytes; empty when no offset can
					say where */
	struct view entries_raw;
	uint32_t entries_crc_actual;
	bool entries_ok;               /* read, entry size 128 * 2^n, CRC right */
	const struct gpt_entry *entry; /* used ones (type not zero), in table order */
	size_t nentries;
};

struct gpt {
	const struct image *image;
	uint32_t sector_size; /* of the table: 512, 1024, 2048 or 4096 */
	uint64_t sectors;     /* of the disk: size / sector_size */
	struct gpt_table primary;
	/* Of the headers at the last sector, where the primary says and where the
	 * protective MBR says: the one of the primary's disk GUID (without a primary: the
	 * one where the protective MBR says), else the most intact, else the first. Without
	 * any, of a disk with a hybrid MBR: the one that gpt_hybrid_search() finds, and of
	 * one that begins with no label: the one that gpt_end_find() or gpt_past_search()
	 * does. Not present: `at` is the last sector. */
	struct gpt_table backup;
	bool backup_at_end; /* backup.lba is the last sector */
	/* Another header in one of those places, or NULL: a left-over of an earlier
	 * table. */
	const struct gpt_table *stray;
	/* The copy to believe: the primary if both its header and entries are right, else
	 * the backup under the same condition, else NULL. */
	const struct gpt_table *good;
	/* What stands where the copies belong: from LBA 1 (header, then array) and at the
	 * end of the disk (array, then header in the last sector). As long as the longest array
	 * that a right header has needs, GPT_ENTRIES_MIN_BYTES at least (four times that, when
	 * there is neither a good copy nor a pieced one); on a disk too small
	 * for that, as the good copy's (or the pieced one's) needs, or empty. A repair must
	 * know what it overwrites. */
	struct view head, tail;
	/* Only when good is NULL: a table of the right header of one copy (or one of which
	 * only the signature was wiped, and is in `raw`) and an array that was found
	 * elsewhere and fits its entries CRC; else a copy whose entries CRC fits its array
	 * although its header is damaged (header_ok is false); or NULL. Its entries_at
	 * says where. */
	const struct gpt_table *pieced;
	/* A table for another sector size, with a right header, or NULL. */
	const struct gpt *other;
	/* Only of an empty table for sectors of more than 512 bytes: what it may have been written
	 * over. Else NULL. */
	const struct gpt_past *past;
	/* Only where there is neither a header nor a label: entries that stand in the place of a
	 * copy's, and can be meant. Else NULL. */
	const struct gpt_bare *bare;
};

static inline bool gpt_table_ok(const struct gpt_table *t)
{
	return t->header_ok && t->entries_ok;
}

/* Looks for both copies at every sector size and describes what it finds. Of several
 * sizes the one with the most intact table is taken. *out is NULL when there is not a
 * trace of a GPT: no header, no protective entry and no array (with one of those alone,
 * neither copy is present). */
int gpt_read(const struct gpt **out, const struct image *img, struct arena *a,
	     struct err *e) __attribute__((warn_unused_result));

/* True when a sector holds a header with the right CRC that says it stands at lba. */
bool gpt_header_intact(struct view sector, uint64_t lba);

/* The same, but that zeros are in place of the signature: what `wipefs` leaves. */
bool gpt_header_wiped(struct view sector, uint64_t lba);

/* A header to be written. Encodes all fields with both CRCs into one sector (the rest of
 * it zero). entries: the array as it will stand on disk. */
struct gpt_header {
	uint64_t my_lba, alternate_lba, first_usable, last_usable, entries_lba;
	struct guid disk_guid;
	uint32_t entry_count, entry_size;
};

void gpt_header_bytes(const struct gpt_header *h, struct view entries, uint8_t *sector,
		      uint32_t sector_size);

/* Sectors that an array of count * size bytes takes. */
uint64_t gpt_entries_sectors(uint64_t count, uint64_t size, uint32_t sector_size);

/* A name for a type GUID ("EFI System"), or NULL: from gpt_types.def. */
const char *gpt_type_name(struct guid type);

#endif
