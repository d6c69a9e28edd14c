/* The partition table that a disk which has lost its own is given back, worked out from what
 * was found on it. The finding, the fix and `vmend fix --diff` show the same one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_LOST_TABLE_H
#define RULES_LOST_TABLE_H

#include "analyze/image/gpt.h"
#include "analyze/image/lost.h"

enum { LOST_GPT_ENTRIES = 128, LOST_WHY_MAX = 200 };

/* How a partition's end was decided. */
enum lost_end {
	LOST_END_OWN,  /* where its content ends, rounded up to a sector */
	LOST_END_GRID, /* that, and zeros up to where another could begin: a whole MiB, or
			    a cylinder for one that begins on one */
	LOST_END_NEXT, /* up to the next partition */
	LOST_END_ENTRY, /* what its entry in sector 0 says */
	LOST_END_SPACE, /* up to the end of the space for partitions */
};

struct lost_slot {
	const struct lost_part *part;
	unsigned number;
	uint64_t first, last; /* LBA */
	struct guid type, guid;
	uint8_t mbr_type;
	enum lost_end end;
};

struct lost_table {
	const struct lost *lost;
	bool mbr;        /* an MBR; else a GPT */
	bool restored;   /* the MBR's own entries, which only lack the 55 AA */
	const char *why; /* which of the two, in words */
	uint32_t sector_size;
	uint64_t sectors;
	uint64_t array;                     /* sectors of a GPT's entries */
	uint64_t first_usable, last_usable; /* LBA */
	struct guid disk_guid;
	bool guid_kept; /* it is the one that the disk had */
	struct lost_slot slot[LOST_PARTS_MAX];
	size_t nslots;
	/* Why it cannot be written, or empty. The slots are there all the same, as far as
	 * they could be worked out. */
	char refused[LOST_WHY_MAX];
};

void lost_table_of(struct lost_table *t, const struct lost *l);

const char *lost_end_words(enum lost_end end);
/* Of the table's kind: "EFI System", "type 83". */
const char *lost_type_name(const struct lost_table *t, const struct lost_slot *s);

#endif
