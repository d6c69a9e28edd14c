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

const struct rule rules_mbr_unused[] = {
	{ .id = "mbr-type-zero",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_MANUAL,
	  .title = "an entry that is not in use has sectors",
	  .why = "Linux asks for the sectors and others for the type, so that they disagree on "
		 "whether there is a partition. It was deleted by half, or its type is damaged.",
	  .steps =
		  "Look what is there (`blkid -p -O OFFSET DISK`). Give the partition its type "
		  "back with `sfdisk --part-type DISK NUMBER TYPE`, or delete it with `sfdisk "
		  "--delete DISK NUMBER`.",
	  .source =
		  "Linux, block/partitions/msdos.c, msdos_partition(): if (!size) continue",
	  .since = "0.1.0",
	  CHECK(mbr, check_unused) },
};

RULES_END(mbr_unused);
