/* The map of a disk while it is made: for map_disk.c and map_gpt.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAP_SURVEY_H
#define CLI_MAP_SURVEY_H

#include "analyze/image/gpt.h"
#include "analyze/image/mbr.h"
#include "cli/map.h"

struct survey {
	struct map *m;
	const struct image *img;
	struct arena *a;
	uint32_t ss;
	bool known;         /* there is a table that says what is free, */
	bool chain_known;   /* and within extended partitions */
	const char *unsure; /* why not */
	unsigned looks;     /* at gaps, so far */
	/* Bytes in which a GPT has room for partitions. */
	uint64_t usable, usable_end;
	/* Gaps are of this container; NULL: of the disk. */
	const struct map_range *within;
};

#define LLU(v) ((unsigned long long)(v))

/* A range, with the rank of its kind. */
struct map_range *survey_put(struct survey *s, enum map_kind kind, uint64_t off,
			     uint64_t len);
void survey_note(struct survey *s, const char *text);

/* LBA times sector size, as far as 64 bits go. */
uint64_t survey_bytes(uint64_t lba, uint32_t sector_size);
/* " 'NAME'", or nothing. */
const char *survey_quoted(struct survey *s, struct str name);
/* What the list says of a partition: "Linux filesystem 'root', ext". */
void survey_describe(struct survey *s, struct map_range *r, const char *type,
		     const char *name);

/* Sector 0, what its entries say, and the chain of logical partitions. */
void survey_sector_0(struct survey *s, const struct mbr *m, bool gpt_counts);
void survey_mbr_parts(struct survey *s, const struct mbr *m, enum map_kind kind);
void survey_ebrs(struct survey *s, const struct mbr *m);

/* All of an ISO 9660 image; what is left over is for the caller. */
void survey_iso(struct survey *s, const struct iso *iso);

/* All of a GPT, and of sector 0 with it. */
void survey_gpt(struct survey *s, const struct gpt *g);

#endif
