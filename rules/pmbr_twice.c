/* Two protective entries for the same sectors. A hybrid MBR may have a second one, for what lies
 * behind its other entries (gdisk(8)); none needs one over another.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "rules/rules.h"
#include "base/banned.h"

static bool is_twin(const struct mbr *m, const struct mbr_entry *e)
{
	const struct mbr_entry *first = mbr_protective_of(m);

	return first && e != first && e->type.v == MBR_TYPE_PROTECTIVE && e->lba.v == 1 &&
	       first->lba.v == 1;
}

static void check_twice(struct scan *s, const struct mbr *m)
{
	struct gpt_state st;

	if (!m->image->gpt)
		return;
	st = gpt_state(m->image->gpt);
	for (unsigned i = 0; gpt_state_has_table(&st) && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];
		struct finding *f;

		if (!is_twin(m, e))
			continue;
		f = report(
			s, e->at,
			"entry %u is a second protective one from LBA 1 on: %llu sectors",
			i, (unsigned long long)e->sectors.v);
		report_related(s, f, mbr_protective_of(m)->at, "the first: %llu sectors",
			       (unsigned long long)mbr_protective_of(m)->sectors.v);
	}
}

static bool fix_twice(struct plan *p, const struct finding *f, const struct mbr *m)
{
	(void)m;
	plan_title(p, "remove the second protective entry");
	return plan_zero(p, STAGE_COMMIT, f->at.off, MBR_ENTRY_SIZE);
}

const struct rule rules_pmbr_twice[] = {
	{ .id = "pmbr-twice",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "two protective entries for the same sectors",
	  .why = "Partitioning tools call them overlapping, and gdisk warns of operating systems "
		 "that have trouble with more than one. One says all that there is to say.",
	  .source = "UEFI 2.10, section 5.2.3: one protective partition record; gdisk, "
		    "basicmbr.cc: More than one 0xEE MBR partition found",
	  .since = "0.1.0",
	  CHECK_FIX(mbr, check_twice, fix_twice) },
};

RULES_END(pmbr_twice);
