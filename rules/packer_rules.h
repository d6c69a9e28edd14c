/* What the rules about builders of Packer and their members have in common.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_PACKER_RULES_H
#define RULES_PACKER_RULES_H

#include "analyze/config/lens.h"
#include "analyze/config/packer_fields.h"
#include "rules/rule.h"

#define PACKER_REFUSES "Packer refuses the template"

/* b's type begins so, and its plugin is the one that is known. */
static inline bool is_packer(const struct builder *b, const char *type)
{
	return !b->foreign && str_starts(b->type, type);
}

static inline bool is_packer_qemu(const struct builder *b)
{
	return b->kind & QEMU;
}

/* Nobody says it. What is "" in the text, or comes out as that, may be told elsewhere. */
static inline bool is_missing(const struct builder *b, const struct fact *f)
{
	return b->complete && fact_absent(f) && !builder_member(b, f->lens->field);
}

/* Of an older version: it has another name now, or is gone (packer_old.def). */
bool packer_is_old(const struct builder *b, struct str name);

/* As Go's time.ParseDuration() reads it. */
bool go_duration(struct str s, double *seconds);

#endif
