/* A firmware's variables, as EDK2 keeps them in flash: what it starts by name, and from which
 * partition. EDK2, MdeModulePkg/Include/Guid/VariableFormat.h; UEFI 2.10, 3.1.3 and 10.3.5.1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_NVRAM_H
#define ANALYZE_IMAGE_NVRAM_H

#include "analyze/image/gpt.h"
#include "analyze/image/look.h"

enum {
	NVRAM_STORE_MAX = 1 << 20, /* bytes of one; a larger one is not read */
	NVRAM_ENTRIES_MAX = 64,
};

/* A variable Boot####. */
struct nvram_entry {
	unsigned number;
	struct span at;  /* the variable's data */
	struct str name; /* its description, UTF-8 */
	bool active;
	/* The partition of a GPT that it starts from; without one: a device, a program of the
	 * firmware's own, or something that is not known here. */
	bool has_partition;
	struct guid partition;
	struct span partition_at;
};

struct nvram {
	struct span at;    /* the volume's header */
	struct field size; /* of the volume, as its header says */
	bool complete;     /* all variables were read: entries are all that there are */
	struct nvram_entry *entry;
	size_t nentries;
};

/* Of a file that begins with the header of such a volume (program.h). NULL: l->why; its header
 * is damaged, or what it leads to is not there. */
struct nvram *nvram_read(struct look *l, struct view head, struct arena *scratch);

#endif
