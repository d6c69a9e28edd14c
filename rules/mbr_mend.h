/* How a DOS label is mended: the fixes of the rules in mbr.c, and what its CHS addresses, which
 * nobody reads a disk by any more, still know of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_MBR_MEND_H
#define RULES_MBR_MEND_H

#include "analyze/image/mbr.h"
#include "rules/rule.h"

/* 00, or 80 where boot code takes it for active and no other partition is. */
bool mbr_fix_boot_flag(struct plan *p, const struct finding *f, const struct mbr *m);
/* Of the sector that lacks it: it has all else of an extended boot record. */
bool mbr_fix_ebr_signature(struct plan *p, const struct finding *f, const struct mbr *m);
/* The file becomes as long as its partitions, with a hole. */
bool mbr_fix_past_end(struct plan *p, const struct finding *f, const struct mbr *m);
bool mbr_fix_two_active(struct plan *p, const struct finding *f, const struct mbr *m);

#endif
