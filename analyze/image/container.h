/* Formats that hold a disk in a file, by what QEMU knows them by: their signatures alone.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_CONTAINER_H
#define ANALYZE_IMAGE_CONTAINER_H

#include "base/view.h"

enum { CONTAINER_FOOTER = 512 }; /* bytes that a footer has */

/* A signature, and where it stands in the bytes that were looked at. */
struct container {
	const char *format; /* QEMU's name for it; NULL: none is known */
	size_t off, len;
};

/* By the first bytes. */
struct container container_of_head(struct view head);
/* By the last CONTAINER_FOOTER bytes: a fixed VHD ("vpc"), or a DMG. QEMU never takes a file
 * for the first by itself. */
struct container container_of_footer(struct view tail);

/* A file that is declared to be of one format, and by its content is of the other: one of
 * them says a disk's own bytes, the other a file that holds a disk; or both are such. */
bool container_contradicts(const char *declared, const char *found);

#endif
