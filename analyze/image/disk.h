/* A disk's own structures, whatever holds the disk: a raw image, or a container that shows it
 * to a guest.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_DISK_H
#define ANALYZE_IMAGE_DISK_H

#include "analyze/image/image.h"

/* Is there a partition table on it, or was there one? A disk without may be all file system,
 * or what no program of today reads. head: its first PROBE_HEAD bytes, or all there are. */
bool disk_probe(struct view head, const struct source *s);

/* Tables, and what is in the partitions, of the disk with img's src, size and head. */
int disk_read(struct image *img, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
/* The same without what is looked for where a table is gone, or in doubt. */
int disk_read_table(struct image *img, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
/* Only img->filesystem: of a disk that has no table. */
void disk_read_filesystem(struct image *img);

#endif
