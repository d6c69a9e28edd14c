/* A disk as its user sees it: a raw image's bytes, or what a container shows a guest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_IMAGE_H
#define ANALYZE_IMAGE_IMAGE_H

#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"

struct unit;
struct mbr;
struct gpt;
struct iso;
struct lost;
struct volume;

struct image {
	const struct unit *unit;
	const struct source *src; /* offset 0 is the disk's first byte */
	uint64_t size;            /* bytes, as the disk's user sees them */
	struct view head;         /* the first and the last bytes, read once: what */
	struct view tail;         /* image_view() cuts from. May be empty */
	uint64_t tail_off;
	/* A file system ("ext", "FAT", "LUKS", ...) that begins with the disk itself, by
	 * its magic; NULL: none seen. Beside a valid table it is a left-over. Where the
	 * partition sector or the primary GPT is missing, it may be what the disk really
	 * holds, and writing to the first 34 sectors would destroy it. */
	const char *filesystem;
	struct span filesystem_at; /* the magic */
	const struct mbr *mbr; /* NULL: no partition sector (neither 55 AA nor a GPT) */
	const struct gpt *gpt; /* NULL: not a trace of a GPT */
	const struct volume
		*volumes; /* what the partitions of the table to believe hold */
	size_t nvolumes;
	const struct volume *whole; /* a disk that is all file system; NULL: it is not */
	const struct lost
		*lost; /* NULL, unless the table is gone and its partitions' content
				    is not */
	const struct lost
		*contents; /* NULL, unless the GPT is in doubt: what is on the disk */
	/* An ISO 9660 image: then all of the above is NULL, and what makes a disk of it as
	 * well is in iso->disk. */
	const struct iso *iso;
};

/* The bytes [off, off + n): cut from head or tail, else read into a, budgeted. */
int image_view(const struct image *img, struct arena *a, uint64_t off, uint64_t n,
	       struct view *out, struct err *e) __attribute__((warn_unused_result));

/* A little-endian number of 1, 2, 4 or 8 bytes at v[off]; v stands at `base`. */
struct field image_field(const struct image *img, struct view v, uint64_t base,
			 size_t off, size_t len);

/* Names the file system that a disk's first bytes belong to, and where its magic is;
 * NULL: none. What it looks for ends below PROBE_HEAD. */
const char *filesystem_of(struct view head, size_t *off, size_t *len);

enum place_order {
	PLACE_LITTLE,
	PLACE_BIG,
	PLACE_BOTH, /* little-endian, and the same number big-endian behind it */
};

/* What stands at an offset, for messages, hex dumps and `vmend inspect`. */
struct place {
	const char *locus;  /* "gpt/primary/header/last-usable", "mbr/entry[0]/sectors" */
	struct span record; /* around it: an MBR entry, a GPT header, an entry */
	const char *summary;    /* of the record: "entry 0: type EE, first LBA 1, ..." */
	enum place_order order; /* of the bytes there, if they are a number */
};

/* False when the offset belongs to no structure that was read. Strings are a's. */
bool image_place(const struct image *img, struct span at, struct arena *a,
		 struct place *out);

#endif
