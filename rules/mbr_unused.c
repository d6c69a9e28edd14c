/* Entries of a DOS label that are not in use, and are not empty.
 * Linux, block/partitions/msdos.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

static void check_unused(struct scan *s, const struct mbr *m)
{
	if (!mbr_is_label(m) || m->image->filesystem)
		return;
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];
		struct finding *f;

		if (e->type.v != MBR_TYPE_EMPTY || e->sectors.v == 0)
			continue;
		f = report(
			s, e->type.at,
			"entry %u has type 00, not in use, but %llu sectors from LBA %llu",
			i, (unsigned long long)e->sectors.v,
			(unsigned long long)e->lba.v);
		report_label(s, f, "Linux makes a partition of it, other systems do not");
	}
}

/* Can it not have been a partition: from sector 0, past the end, or over one that is? */
static bool is_nothing(const struct mbr *m, const struct mbr_entry *e)
{
	const struct mbr_entry *o = mbr_entry_in(m, e->lba.v, e->sectors.v);

	return e->lba.v == 0 || (o && o != e) ||
	       !range_within(e->lba.v, e->sectors.v, m->image->size / MBR_SIZE);
}

static bool fix_unused(struct plan *p, const struct finding *f, const struct mbr *m)
{
	const struct mbr_entry *e = &m->entry[0];

	while (e->type.at.off != f->at.off)
		e++;
	if (!is_nothing(m, e))
		return plan_refuse(p, "it may have been a partition");
	plan_title(p, "clear the entry, which cannot be a partition");
	return plan_zero(p, STAGE_COMMIT, e->at.off, MBR_ENTRY_SIZE);
}

const struct rule rules_mbr_unused[] = {
	{ .id = "mbr-type-zero",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_UNSAFE,
	  .title = "an entry that is not in use has sectors",
	  .why = "Linux asks for the sectors and others for the type, so that they disagree on "
		 "whether there is a partition. It was deleted by half, or its type is damaged.",
	  .steps =
		  "Look what is there (`blkid -p -O OFFSET DISK`). Give the partition its type "
		  "back with `sfdisk --part-type DISK NUMBER TYPE`, or delete it with `sfdisk "
		  "--delete DISK NUMBER`. `vmend fix --unsafe-fixes` clears one that "
		  "cannot have been "
		  "a partition.",
	  .source =
		  "Linux, block/partitions/msdos.c, msdos_partition(): if (!size) continue",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_unused, fix_unused) },
};

RULES_END(mbr_unused);
