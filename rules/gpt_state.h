/* What is the matter with a GPT as a whole: one verdict, so that one cause makes one
 * finding, and what a repair would have to overwrite. No rules here, only what they share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_GPT_STATE_H
#define RULES_GPT_STATE_H

#include "analyze/image/gpt.h"
#include "analyze/image/mbr.h"

enum gpt_verdict {
	GPT_IDLE,  /* the disk's readers do not go by it: a DOS label, or a file system
			    over the whole disk, or too little is left to believe in one */
	GPT_ALONE, /* nothing but a right backup: of this disk, or of an earlier life */
	GPT_TWO_SIZES,   /* right tables for two sector sizes */
	GPT_UNREAD,      /* an array larger than we read: nothing can be said */
	GPT_LOST,        /* no copy is right */
	GPT_PRIMARY_BAD, /* and the backup is right */
	GPT_BACKUP_BAD,  /* and the primary is right */
	GPT_DIFFER,      /* both are right, and say different things */
	GPT_GROWN,       /* the disk is larger than its GPT believes */
	GPT_TRUNCATED,   /* the disk is smaller */
	GPT_ASTRAY, /* both right and alike, but one does not name the other's place */
	GPT_SOUND,
};

/* What stands where a copy is to be rebuilt. */
enum gpt_room {
	ROOM_EMPTY,   /* zeros */
	ROOM_OURS,    /* remains of this table, damaged or out of date */
	ROOM_FOREIGN, /* something else, which may be somebody's */
};

struct gpt_state {
	const struct gpt *g;
	const struct mbr *mbr; /* NULL: none */
	enum gpt_verdict verdict;
	bool protective; /* sector 0 has an entry that makes readers look for a GPT */

	/* PRIMARY_BAD, BACKUP_BAD, ALONE: the repair. GROWN, TRUNCATED: of the new backup. */
	const struct gpt_table *from; /* the copy that is right */
	uint64_t array;               /* sectors of the entry array */
	uint64_t array_lba;           /* where the repair puts it */
	struct view array_old;        /* what stands there, as far as the file goes */
	uint64_t header_lba;
	struct view header_old;
	bool header_right; /* the damaged copy's header is right: only its array goes */
	enum gpt_room room;
};

struct gpt_state gpt_state(const struct gpt *g);

/* The same disk, with what a new backup at its very end is made from and of. */
struct gpt_state gpt_state_new_end(const struct gpt_state *st,
				   const struct gpt_table *from);

/* The same disk, with what the bad copy is rebuilt of when `from` is right. */
struct gpt_state gpt_state_rebuild(const struct gpt_state *st,
				   const struct gpt_table *bad,
				   const struct gpt_table *from);

/* Is the primary bad in a way that leaves doubt whether its place is the table's? */
bool gpt_is_overwritten(const struct gpt_state *st);

/* Is the primary bad because its header, which is right, is that of other entries: of newer or
 * of older ones than both what stands there and what the backup has? */
bool gpt_is_torn(const struct gpt_state *st);

/* gpt_bare.c. Entries without a header (g->bare) are no left-over where nothing was put in place of
 * the table, or where they know what is on the disk. */
bool gpt_bare_is_live(const struct gpt_state *st);
/* Does something begin where they say? */
bool gpt_bare_is_known(const struct gpt *g);

/* May rules on partitions go by g->good? */
bool gpt_state_has_table(const struct gpt_state *st);

/* Does the DOS label of sector 0 stand for itself? (Not protective, no boot sector.) */
bool mbr_is_label(const struct mbr *m);

/* Can one of its entries be a partition of this disk, which has a right GPT? One that begins
 * behind that, and ends with the disk or before. */
bool mbr_can_be_meant(const struct mbr *m);

/* The protective entry that readers take: at LBA 1 if there is one. NULL: none. */
const struct mbr_entry *mbr_protective_of(const struct mbr *m);

/* Are there entries as a tool writes them, although the 55 AA is gone? */
bool mbr_lacks_magic_only(const struct mbr *m);

/* Only one protective entry and nothing beside it, as UEFI wants it. */
bool mbr_purely_protective(const struct mbr *m);

/* The sectors of the disk, or of the longer one that a truncated disk was cut from. */
uint64_t gpt_sectors_meant(const struct gpt_state *st);

/* gpt_size.c. Do two of those that say how long the disk is agree: the protective MBR, and in a
 * header the other copy's place and the last usable LBA? On its size, if any do, else on the
 * longest that they say. */
bool gpt_size_agreed(const struct gpt *g, uint64_t *sectors);

/* The first partition of good (or of the pieced table) that has sectors in [lba, lba + n), or
 * NULL. */
const struct gpt_entry *gpt_entry_in(const struct gpt *g, uint64_t lba, uint64_t n);
/* The same for entries of the MBR other than the protective one. */
const struct mbr_entry *mbr_entry_in(const struct mbr *m, uint64_t lba, uint64_t n);

/* A difference between two right copies; false when there is none. */
struct gpt_difference {
	const char *what; /* "the disk GUID", "the first usable LBA", "entry" */
	unsigned number;  /* of the entry, from 1; 0: it is a field of the header */
	unsigned more;    /* further entries that differ */
	bool is_number;   /* a field, with these values */
	uint64_t primary_value, backup_value;
	struct span primary, backup;
};

bool gpt_differ(const struct gpt *g, struct gpt_difference *d);

#endif
