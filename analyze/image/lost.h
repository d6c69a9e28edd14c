/* A disk whose partition table is gone: file systems, and other content that is known, where
 * partitions may have begun.
 *
 * A file system tells how long it is, so the search goes on behind its end: images within its
 * files are its own business. Only where nothing but its first sectors speak for one, it is
 * searched as well, and gives way to one for which more speaks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_LOST_H
#define ANALYZE_IMAGE_LOST_H

#include "analyze/image/volume.h"
#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/view.h"

struct image;
struct source;

enum {
	LOST_PARTS_MAX = 64,  /* more is not a lost table, but a disk full of images */
	LOST_PASSED_MAX = 16, /* what was not taken is remembered so often */
	LOST_PLACES = 8192,   /* places of a disk that are read, 12 KiB each */
	/* The same, only to tell whether a file is such a disk: each page of the first MiB, and
	 * those beyond. */
	LOST_PLACES_PROBE = 320,
	/* The same, up to the first file system of a disk whose first sectors were written over:
	 * so many are read of every large file that is nothing else. */
	LOST_PLACES_OVERWRITTEN = 16,
	LOST_PARTS_PROBE = 6,     /* among which two have to agree */
	LOST_PLACES_WITHIN = 512, /* the same, within a part that is weak */
	LOST_LOOKS = 1 << 16,     /* questions where the file has data */
	/* What a GPT of 128 entries takes at either end, of sectors of 4096 bytes too. */
	LOST_EDGE = 24 << 10,
};

struct lost_part {
	const struct filesystem *fs;
	uint64_t off; /* bytes */
	uint64_t end; /* the byte behind it; 0: it does not say */
	/* Up to here there are zeros behind the end: at most to a whole MiB (or a page, if
	 * that is more), the next part or the end of the disk. */
	uint64_t zeros;
	bool weak;        /* what it must have far behind its begin is not there */
	bool boots;       /* a FAT that firmware starts from: its root has a folder EFI */
	struct str label; /* bytes of the input */
};

/* It looks like content, but was not taken for a partition's. */
struct lost_passed {
	struct span at; /* the magic */
	uint64_t off;
	const char *name, *why;
};

struct lost {
	const struct image *image;
	const struct lost_part *part; /* by offset; none overlap */
	size_t nparts;
	const struct lost_passed *passed;
	size_t npassed, more; /* further ones that were not remembered */
	unsigned places;      /* that were read */
	bool stopped;         /* before the end of the disk, */
	uint64_t stopped_at;  /* here */
	/* Sector 0 has entries that could be a table's, and only the 55 AA is missing. */
	bool entries_left;
	/* The first and the last LOST_EDGE bytes: a repair must know what it overwrites. */
	struct view head, tail;
};

/* *out is NULL when the disk is not one that has lost its table (there is a table of some
 * kind, or a file system without one), and when nothing was found. img->mbr and img->gpt are
 * there already. What cannot be read is passed over. */
int lost_read(const struct lost **out, const struct image *img, struct arena *a,
	      struct err *e) __attribute__((warn_unused_result));

/* What stands on a disk whose GPT is in doubt (gpt_is_doubtful()), found in the same way, and
 * looked for where the entries that are left say that partitions begin, too. Without head and
 * tail. NULL: its GPT, if it has one, is not in doubt. */
const struct lost *lost_contents(const struct image *img, struct arena *a)
	__attribute__((warn_unused_result));

/* Could a file without any trace of a table be such a disk? Its first sectors are empty, or
 * have no more than boot code, and behind them there is a file system where partitions
 * begin; or they have anything, and there are two file systems, one where the other ends. */
bool lost_probe(struct view head, const struct source *s);

/* Does the disk begin with a table of a kind that is not read here (BSD, Apple, Sun, ZFS, ...)? */
bool has_other_label(struct view head);

/* Does GRUB's core image begin in this sector? */
bool is_grub_core(struct view sector);

#endif
