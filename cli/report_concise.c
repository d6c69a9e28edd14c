/* One line for each finding, as compilers print them: for editors, grep and tests.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"
#include "base/banned.h"

void concise_exhibit(struct buf *out, const struct examined *x, const struct exhibit *e)
{
	const struct finding *f = e->f;

	buf_place_of(out, x, e);
	buf_printf(out, ": %s[%s] %s\n", severity_name(f->severity), f->rule->id,
		   f->message);
}

void concise_mended(struct buf *out, const char *path, const struct mended *m)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct mend_item *item = &m->items[i];
		bool fixed = item->outcome == OUTCOME_FIXED;

		if (item->outcome == OUTCOME_NO_FIX)
			continue;
		buf_mended_place(out, path, m, item);
		buf_printf(out, ": %s[%s] %s\n", fixed ? "fixed" : "not-fixed",
			   item->rule->id,
			   item->reason && !fixed ? item->reason
						  : item->finding->message);
	}
}
