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

#endif
