/* The table that all that is left of a GPT speaks for: of both copies, wherever their arrays
 * stand, slot by slot, and of what is known to be in the partitions. No rules here: the
 * finding, its fix and the rule on lost tables show the same one.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_GPT_MEANT_H
#define RULES_GPT_MEANT_H

#include "analyze/image/gpt.h"
#include "analyze/image/lost.h"

enum {
	MEANT_SLOTS = 64, /* in use; a table with more is not put together from pieces */
	MEANT_SOURCES = 5,
	MEANT_WHY_MAX = 120,
};

/* An array of entries, or what stands where one belongs. */
struct meant_source {
	const char *name; /* "the primary", "LBA 2" */
	uint64_t lba;     /* where it begins */
	struct view raw;
	bool verified; /* a header that is right names its checksum */
	bool primary;
};

/* How a partition's place was decided. */
enum meant_place {
	MEANT_SAID,    /* as an entry says */
	MEANT_JOINED,  /* one entry's begin, another one's end */
	MEANT_CONTENT, /* begin or end are those of what is in it */
	MEANT_GAP,     /* its end is the next one's begin, or the end of the space */
};

struct meant_slot {
	unsigned number;
	struct view raw;      /* GPT_ENTRY_SIZE bytes: all but its place is kept */
	uint64_t first, last; /* LBA */
	enum meant_place place;
	const struct meant_source *from;
	unsigned weight;                 /* how many have it so, right ones more */
	bool extra;                      /* a right copy does not have it */
	const struct lost_part *content; /* that begins with it, or NULL */
	char why[MEANT_WHY_MAX]; /* why not as another entry says; empty: none does */
};

struct gpt_meant {
	const struct gpt *g;
	uint64_t sectors; /* of the disk; more than it has: it was cut off */
	uint64_t count, array, entries_lba; /* of the primary's entries */
	uint64_t first_usable, last_usable;
	struct guid disk_guid;
	struct meant_source source[MEANT_SOURCES];
	size_t nsources;
	struct meant_slot slot[MEANT_SLOTS]; /* by number */
	size_t nslots;
	size_t damaged; /* slots in which no source has anything that can be meant */
	char refused[MEANT_WHY_MAX]; /* why there is no such table, or empty */
};

/* False, with a reason in m->refused, when it cannot be told. */
bool gpt_meant(struct gpt_meant *m, const struct gpt *g);

/* ---- between its files ---- */

void gpt_meant_refuse(struct gpt_meant *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void gpt_meant_explain(struct meant_slot *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* May a partition be there? */
bool gpt_meant_fits(const struct gpt_meant *m, uint64_t first, uint64_t last);

/* What is known to begin there, or NULL; the last LBA that it takes, 0: it does not say. */
const struct lost_part *gpt_meant_content(const struct gpt_meant *m, uint64_t lba);
uint64_t gpt_meant_content_last(const struct gpt_meant *m, const struct lost_part *p);
/* How well content speaks for a range: 3 when it is just as long, 2 when it fits, 1 when it
 * begins there, 0 when nothing known does. */
unsigned gpt_meant_content_level(const struct gpt_meant *m, uint64_t first,
				 uint64_t last);

/* The size of the disk, the number of entries, their places, and where they stand. */
void gpt_meant_frame(struct gpt_meant *m);
/* What the i-th slot has, if anything. */
void gpt_meant_decide(struct gpt_meant *m, size_t i);
/* Of partitions that only a damaged array has, keeps those that are in nobody's way. */
void gpt_meant_drop_extra(struct gpt_meant *m);
/* Where each slot's partition is, so that none overlap. */
void gpt_meant_place(struct gpt_meant *m);
/* The usable range and the disk's GUID, around the slots. */
void gpt_meant_header(struct gpt_meant *m);

#endif
