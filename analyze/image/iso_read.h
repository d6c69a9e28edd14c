/* How the parts of the ISO 9660 reader meet.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_ISO_READ_H
#define ANALYZE_IMAGE_ISO_READ_H

#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/image/look.h"
#include "base/vec.h"

enum { ISO_MAYBE_MAX = 256, ISO_EXTENTS_MAX = 1 << 17 };

struct iso_reader {
	struct iso *iso;
	const struct image *img;
	struct look look, tree; /* the latter of directories, within the former */
	struct arena *a;
	/* The catalog's, for the tree to name their files. */
	struct iso_boot_entry *entry;
	size_t nentries;
	/* Blocks of files that may be a catalog, when there is none where it should be. */
	uint32_t maybe[ISO_MAYBE_MAX];
	size_t nmaybe; /* of them all, of which so many are kept */
	VEC(struct iso_extent) extents;
	bool extents_more; /* than are kept */
};

/* len: of one of its halves, 2 or 4. */
struct iso_pair iso_pair_read(const struct iso_reader *r, struct view v, uint64_t base,
			      size_t off, size_t len);

/* n bytes into memory; empty: look.why. */
struct view iso_look(struct iso_reader *r, uint64_t off, size_t n);

/* Blocks that there are, the last one perhaps not whole. */
static inline uint64_t iso_blocks(const struct iso_reader *r)
{
	return div_up(r->img->size, ISO_SECTOR);
}

/* Directories and files of a volume; proves what it can of its root. */
void iso_tree_read(struct iso_reader *r, struct iso_volume *v);
/* Both path tables of one whose tree was read. */
void iso_paths_read(struct iso_reader *r, struct iso_volume *v);

/* A file of n bytes. */
void iso_use_add(struct iso_reader *r, uint64_t lba, uint64_t n);
/* When all trees were read. */
void iso_use_end(struct iso_reader *r);

/* El Torito: the boot record at `record`. What is in the images comes last. */
void iso_catalog_read(struct iso_reader *r, struct view record, uint64_t off);
/* After the tree: looks for one that is not where the boot record says. */
void iso_catalog_search(struct iso_reader *r);
void iso_boot_images_read(struct iso_reader *r);
/* Is it a FAT that UEFI mounts, with a program that it starts? */
bool iso_efi_starts(const struct efi_volume *v);
/* When all else was read: what shows where boot images are that are not where they should be. */
void iso_boot_seek(struct iso_reader *r);

int iso_disk_read(struct iso_reader *r, struct err *e)
	__attribute__((warn_unused_result));
void iso_md5_find(struct iso_reader *r);
/* --deep. */
int iso_md5_check(struct iso_reader *r, struct err *e)
	__attribute__((warn_unused_result));

#endif
