/* Fields that follow from others. Rules edit what is wrong; checksums are put right once,
 * at the end of a plan.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_SEAL_H
#define REWRITE_SEAL_H

#include "analyze/unit.h"
#include "rewrite/edit.h"

/* For each GPT copy of u that was valid before and has edits in its header or entries: adds
 * the edits for its entries CRC and header CRC. A copy that was not valid is not sealed:
 * that would bless damage. False when an edit collides. */
bool seal(struct plan *p, const struct unit *u) __attribute__((warn_unused_result));

#endif
