/* Parts of a file system that stand far behind its first sectors, and say which of them they
 * are: by them, what a range of the disk holds is known to be there and nowhere else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_SPARE_H
#define ANALYZE_IMAGE_SPARE_H

#include "analyze/image/volume.h"

/* ext: the spare superblock of a block group. XFS: the headers of an allocation group. btrfs:
 * a spare superblock. NTFS: the spare boot sector. */
struct spare {
	const struct volume *volume;
	uint64_t off;    /* of the disk, bytes */
	uint64_t number; /* what it calls itself; NTFS: nothing */
};

enum { SPARES_MAX = 128 }; /* of one volume */

/* Those of v in order; at most SPARES_MAX, the first ones. */
size_t spares_of(const struct volume *v, struct spare *out, struct arena *a);

/* Does it stand in its place of img, which may be another one than v's? What cannot be read
 * does not. */
bool spare_stands(const struct spare *s, const struct image *img, struct arena *a);

#endif
