/* Fields that follow from others. Rules edit what is wrong; checksums are put right once,
 * at the end of a plan. UEFI 2.10 section 5.3.2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_SEAL_H
#define REWRITE_SEAL_H

#include "analyze/unit.h"
#include "rewrite/edit.h"

/* For each GPT copy of u that is valid and has edits in its header or entries: adds the
 * edits for its entries CRC and header CRC. A copy that is not valid is not sealed: that
 * would bless damage. Nor is one whose header is written whole: it carries its own sums.
 * False when an edit collides, or moves or resizes the array of a copy field by field. */
bool seal(struct plan *p, const struct unit *u) __attribute__((warn_unused_result));

#endif
