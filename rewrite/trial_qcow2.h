/* What a repair of a QCOW2 image must not take away.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_TRIAL_QCOW2_H
#define REWRITE_TRIAL_QCOW2_H

#include "analyze/unit.h"
#include "rules/rule.h"

/* NULL: all that could be read still can, and nothing new is wrong. Else why not, in a.
 * reach: the most far-reaching class of the fixes that are tried. */
const char *qcow2_keeps(const struct qcow2 *was, const struct qcow2 *is,
			enum fix_class reach, struct arena *a);

#endif
