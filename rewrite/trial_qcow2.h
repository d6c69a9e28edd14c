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

/* A finding of `is` on clusters that nothing refers to, or not as often as they say, though
 * nothing that the repair did took a reference from them: in `was` it was so as well, and
 * could not be seen, or not in this way. */
bool qcow2_is_laid_open(const struct qcow2 *was, const struct qcow2 *is,
			const struct finding *f);

/* Whether data is lost by itself or was given up could not be seen in `was`, since its
 * refcounts could not be read. */
bool qcow2_is_hidden(const struct qcow2 *was, const struct finding *f);

#endif
