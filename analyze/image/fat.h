/* What is in a FAT12, FAT16 or FAT32 volume: directories, names, the first bytes of files.
 * Microsoft, "FAT: General Overview of On-Disk Format" 1.03; what firmware makes of it is
 * EDK2's FatPkg.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_FAT_H
#define ANALYZE_IMAGE_FAT_H

#include "analyze/image/answer.h"
#include "analyze/image/look.h"

enum {
	/* What is read of a directory: 2048 entries, some 700 files with long names. */
	FAT_DIR_MAX = 64 << 10,
	/* How far into a file is read. */
	FAT_FILE_MAX = 1 << 20,
	FAT_BLOCK = 4096, /* what is kept of the allocation table */
};

struct fat {
	struct look *look;
	uint64_t off, len;    /* of the volume in look->src */
	unsigned bits;        /* 12, 16, 32 */
	uint32_t sector_size; /* as it says itself */
	uint32_t cluster_size;
	uint32_t clusters;          /* they are numbered from 2 */
	uint64_t table, table_size; /* the allocation table in use */
	uint64_t root, root_size;   /* FAT12, FAT16: where the root directory is */
	uint32_t root_cluster;      /* FAT32: where it begins */
	uint64_t data;              /* of cluster 2 */
	/* Why EDK2 does not mount it, although Linux does; NULL: it does. */
	const char *refused;
	struct span refused_at;

	uint8_t block[FAT_BLOCK];
	uint64_t block_off;
	size_t block_n; /* 0: empty */
};

struct fat_file {
	struct span at;  /* its entry of 32 bytes */
	struct str name; /* the long one, else the short one; UTF-8 */
	char alias[13];  /* the short one */
	bool dir;
	uint32_t cluster; /* the first; 0: none */
	uint32_t size;    /* of a file, as its entry says */
};

struct fat_dir {
	struct fat_file *file;
	size_t n;
	const char *why; /* what is in it besides may be more, and why that is not known;
			    NULL: this is all */
};

/* Is it one? Both block and table stay unread; f is good for the rest only after a yes. */
struct answer fat_open(struct fat *f, struct look *l, uint64_t off, uint64_t len);

/* Lists a directory; of NULL, the root. Deleted entries, "." and ".." and the label are left
 * out. Memory is a's. */
void fat_list(struct fat *f, const struct fat_file *dir, struct arena *a,
	      struct fat_dir *out);

/* As firmware finds it: by its long name or its short one, in either case. NULL: not there,
 * as far as it was read. */
const struct fat_file *fat_find(const struct fat_dir *d, const char *name);

/* Its long name ends with this, in either case. */
bool fat_name_ends(const struct fat_file *f, const char *ending);

/* n bytes of a file, or false: look->why. All must lie within its size. */
bool fat_file_read(struct fat *f, const struct fat_file *file, uint64_t off, void *buf,
		   size_t n) __attribute__((warn_unused_result));

/* look_read() of what lies within the volume. */
bool fat_look(struct fat *f, uint64_t off, void *buf, size_t n)
	__attribute__((warn_unused_result));

/* The place of a cluster in look->src, or false: there is no such cluster. */
bool fat_cluster_at(const struct fat *f, uint32_t cluster, uint64_t *off);

/* What follows a cluster in its chain; 0: it is the last one. False: look->why. */
bool fat_next(struct fat *f, uint32_t cluster, uint32_t *next)
	__attribute__((warn_unused_result));

#endif
