/* A map: what takes which bytes of a disk (or of a file), for `vmend map` to draw. Who fills
 * it knows formats, who draws it knows none.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_MAP_H
#define CLI_MAP_H

#include "base/arena.h"
#include "base/vec.h"
#include "rules/rule.h"

enum map_kind {
	MAP_BOOT,      /* the partition sector */
	MAP_TABLE,     /* a table that is in force, and right */
	MAP_BROKEN,    /* one that cannot be believed, or is missing where it should be */
	MAP_STALE,     /* one that nobody goes by: a left-over */
	MAP_PART,      /* a partition */
	MAP_CONTAINER, /* an extended partition: others lie in it */
	MAP_ALIAS,     /* what a second table says: the entries of a hybrid MBR */
	MAP_LOST,      /* a partition of a table that is no longer in force */
	MAP_FREE,      /* belongs to nothing */
	MAP_UNKNOWN,   /* nobody can say what it belongs to: a table cannot be read */
};

/* Strings are safe for a terminal, and the arena's of who fills the map. */
struct map_range {
	uint64_t off,
		end; /* bytes, end exclusive. Empty ranges are listed, not drawn; the
			      end may lie past that of the map */
	enum map_kind kind;
	unsigned rank;    /* of ranges that overlap, the lower one is drawn above */
	bool inner;       /* it belongs in the containers that it overlaps: below them */
	const char *key;  /* for the drawing: "1", "M" */
	const char *name; /* for the drawing, where there is room; or NULL */
	const char *what; /* for the list */
	uint64_t align;   /* bytes that its start is a multiple of; 0: does not matter */
	struct span record; /* what says that it is there; len 0: nothing does */
	unsigned number;    /* the partition's; 0: none */
	struct buf marks;   /* those of its findings, one letter each */
};

/* A finding, and the letter that it has in the drawing. */
struct map_mark {
	char letter;
	const struct finding *f;
	bool has_range; /* else it is about all of it */
};

struct map {
	uint64_t size;         /* bytes */
	uint32_t unit;         /* bytes of a sector, for the list; 0: it has none */
	const char *unit_name; /* "cluster"; NULL: "LBA" */
	bool guest;        /* of a disk in a container: only findings in it are its own */
	const char *title; /* what it is a map of: "GPT for sectors of 512 bytes" */
	VEC(struct map_range) v;
	VEC(const char *) notes; /* what the drawing cannot show */
	VEC(struct map_mark) marks;
	uint64_t unmarked;      /* findings for which there was no letter */
	const struct map *next; /* what is drawn below it; or NULL */
};

enum {
	MAP_MARKS_MAX = 26, /* a to z; keys are capitals and digits */
	MAP_ALIGN_MAX = 1 << 20,
	MAP_ALIGN_LEAST = 4096, /* below it, a partition is worth a word */
};

/* A range of len bytes at off; both are clipped at 2^64 - 1. */
struct map_range *map_add(struct map *m, struct arena *a, uint64_t off, uint64_t len);

/* Calls gap() for each stretch of [off, end) that no range covers. Containers count as
 * cover, or not: what is free within one is asked for by that. */
typedef void (*map_gap)(void *ctx, uint64_t off, uint64_t end);
void map_gaps(const struct map *m, struct arena *a, uint64_t off, uint64_t end,
	      bool containers, map_gap gap, void *ctx);

/* In the order of their offsets, the larger first: that of the list. */
void map_sort(struct map *m);

/* The largest power of two up to MAP_ALIGN_MAX that divides off. */
uint64_t map_alignment(uint64_t off);

/* "9.5 MiB": one digit behind the point, cut off and not rounded; none when it is exact. */
void buf_extent(struct buf *out, uint64_t bytes);

void map_free(struct map *m); /* the marks; all else is the arena's */

/* ---- who fills it ---- */

/* The disk that an image is. */
void map_disk(struct map *m, const struct image *img, struct arena *a);
/* The file that a QCOW2 is. */
void map_host(struct map *m, const struct qcow2 *q, struct arena *a);
/* Marks the ranges that findings are about. img: the disk that is drawn; NULL: a file. */
void map_findings(struct map *m, const struct image *img, const struct findings *found,
		  struct arena *a);

#endif
