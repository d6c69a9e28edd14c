/* Partitions on the move: who on the disk would still look for them where they were, and
 * what inside of them says where they are. The same for every kind of table.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_RELOCATE_H
#define RULES_RELOCATE_H

#include "rules/realign.h"
#include "rules/rule.h"

/* Adds the moves of r to p, with the growth and the boot sectors that follow; for sectors of
 * so many bytes. False, with the reason, where somebody holds on to a place. The volumes of
 * img must be those of r. */
bool relocate(struct plan *p, const struct image *img, const struct realign *r,
	      uint32_t sector_size);

/* Says why not; false for REALIGN_OK. */
bool relocate_impossible(struct plan *p, const struct realign *r, enum realign_verdict v);

/* "move 2 partitions (12 MiB) ..." */
void relocate_title(struct plan *p, const struct realign *r);

/* ---- the words of the rules about it ---- */

#define ALIGN_1M_WHY                                                                     \
	"Storage works in blocks of up to 1 MiB (RAID stripes, thin pools, flash); a "   \
	"partition that begins within one touches two where one would do."

#define ALIGN_1M_STEPS                                                                   \
	"Not worth moving data for where the storage has small blocks. When the image "  \
	"is built by a script, align there. Else, on a copy: note the table (`sfdisk "   \
	"-d`), make a new image with aligned partitions of the same types and "          \
	"identifiers, and copy each one with `dd` or `partclone`."

#define ALIGN_4K_WHY                                                                      \
	"Each block that the file system writes covers two of the storage: both are "     \
	"read, changed and written. The image cannot be moved to a disk with sectors of " \
	"4096 bytes either."

/* What an image shows of the risks makes the fix decline; the others are named here. */
#define ALIGN_4K_STEPS                                                                    \
	"Shut the guest down, neither suspended, hibernated nor saved, and keep no "      \
	"snapshot of its memory: it must read the table anew. No overlay may be based "   \
	"upon the image. Then `vmend fix --unsafe-fixes --diff` shows, and without "      \
	"--diff does: each such partition moves up to a whole MiB, data and all, others " \
	"only as they must; sizes and order stay; the disk becomes some MiB longer when " \
	"it is full. What says in FAT, exFAT and NTFS where they begin follows. All of "  \
	"the data is read and written; stopped, it goes on with `vmend fix`, or back "    \
	"with `vmend undo`. It declines where boot code, a hybrid MBR or a partition "    \
	"has places of its own. Entries of UEFI firmware name a partition by its GUID, "  \
	"and have its place as well: firmware that looks at that needs a new one."

#endif
