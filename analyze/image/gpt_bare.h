/* An array of GPT entries of which no header is left. UEFI 2.10 section 5.3.3. Nothing names its
 * checksum, so every slot is asked whether it can be meant: two GUIDs, a range of this disk
 * that no other one has, attributes that are defined, and a name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_GPT_BARE_H
#define ANALYZE_IMAGE_GPT_BARE_H

#include "analyze/image/gpt.h"

struct source;

enum {
	/* At either end of the disk: 480 entries at least, and what stands before them. */
	GPT_BARE_EDGE = 68 << 10,
	GPT_BARE_SLOTS = (GPT_BARE_EDGE - 2 * 4096) / GPT_ENTRY_SIZE,
	GPT_BARE_USUAL = GPT_ENTRIES_MIN_BYTES / GPT_ENTRY_SIZE,
};

struct gpt_bare {
	enum gpt_which which; /* the copy whose place it has */
	uint32_t sector_size;
	uint64_t lba;      /* where it begins: an entry of its first sector is in use, */
	struct view array; /* up to where the first partition or the header belongs */
	bool begins; /* where one of its partitions does, something begins behind zeros */
};

/* head, tail: the first and the last GPT_BARE_EDGE bytes of a disk of size bytes. Of both
 * copies, and of several sector sizes, the one at its usual place that begins with its array.
 * Without begins, for which gpt_bare_begins() reads. */
bool gpt_bare_find(struct gpt_bare *out, struct view head, struct view tail,
		   uint64_t size);

/* Does something begin where the first partition does, or one of those behind it? What cannot
 * be read does not. */
bool gpt_bare_begins(const struct gpt_bare *b, const struct source *s);

#endif
