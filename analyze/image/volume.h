/* What partitions hold: the file system, or other content, that begins with a partition's
 * first byte, as far as its superblock tells.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_VOLUME_H
#define ANALYZE_IMAGE_VOLUME_H

#include "analyze/model.h"
#include "base/arena.h"
#include "base/err.h"

struct gpt_entry;
struct image;
struct mbr_entry;

enum {
	/* What is read of a volume: all superblocks that we know begin in there. */
	VOLUME_HEAD = 68 << 10,
	/* A disk with more is no disk that boots; the rest is not looked into. */
	VOLUMES_MAX = 64,
};

/* Content by its superblock. Which ones are known: filesystems.def. */
struct filesystem {
	const char *name;    /* "ext", "FAT", "NTFS", "swap", "LUKS", ... */
	struct span at;      /* the magic; or, without one, the BIOS parameter block */
	struct field size;   /* bytes that it says it takes; at.len 0: it does not say, or
				 we do not know how */
	uint32_t block_size; /* bytes of its own unit; 0 unknown */
	uint32_t sector_size; /* of a disk that it can be mounted on at most: 0 any */
	struct span label; /* the name that people gave it, padded; len 0: none, or none
			      in the superblock */
	struct field
		hidden; /* FAT, exFAT, NTFS: the sectors before it on the disk, by which
				 boot code finds it; at.len 0: none */
};

/* A partition, or a whole disk without a table. */
/* A boot sector, or its backup, that says where the volume begins on the disk. */
struct boot_place {
	struct field start; /* in sectors, whatever it says */
	/* exFAT: the sectors of the region that are summed, and the one that repeats the sum
	 * (len 0: there is none). Right as they are? */
	struct view summed;
	struct span sum;
	bool sum_ok;
};

/* The backup of FAT32 or exFAT; of NTFS where it says that it ends, and where the partition
 * does. */
enum { BOOT_PLACES_MAX = 3 };

struct volume {
	const struct image *image;
	unsigned number; /* the partition's, as tools count; 0: the whole disk */
	const struct gpt_entry
		*gpt; /* the entry that made it; of gpt and mbr one is set, */
	const struct mbr_entry *mbr; /* neither for a whole disk */
	uint64_t off, len;           /* bytes. All of it lies within the image */
	bool member; /* a whole disk that ends with the superblock of an array */
	bool looked; /* its head was read; else fs and blank say nothing */
	bool blank;  /* what was read is zeros */
	/* Behind the first MiB, at no multiple of 4096 bytes: from such a multiple on up to its
	 * begin, not all bytes are zero, or known content begins there. */
	bool crumbs_before;
	/* Of a table of which only the backup is left: zeros stand right before it, and something
	 * in its first sector. */
	bool begins;
	const struct filesystem *fs; /* NULL: nothing that we know */
	struct view sector; /* its first 512 bytes, when looked. Boot code may be there */
	/* FAT, exFAT, NTFS: the first is fs->hidden. Only what is one of that kind */
	struct boot_place boot[BOOT_PLACES_MAX];
	size_t nboot;
};

/* Fills img->volumes from the table to believe: a GPT's good copy; without any GPT the MBR's
 * partitions, logical ones included. img->mbr and img->gpt are there already. */
int volumes_read(struct image *img, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* Fills img->whole: a disk without a table that is all file system. img->filesystem, mbr and
 * gpt are there already. */
int volume_whole_read(struct image *img, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* Finds v->boot, by reading on. v->fs is there already; head: the volume's first bytes. */
int volume_boot_read(struct volume *v, struct view head, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* The sum over an exFAT boot region's first eleven sectors. */
uint32_t exfat_boot_sum(struct view sectors, uint32_t sector_size);

/* Recognises content by a volume's first bytes, which stand at `off` of img. NULL: nothing
 * that we know. Memory is a's. */
const struct filesystem *filesystem_read(const struct image *img, struct view head,
					 uint64_t off, struct arena *a);

#endif
