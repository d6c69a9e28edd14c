/* One line for each finding, as compilers print them: for editors, grep and tests.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/sink.h"
#include "base/banned.h"

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	const struct finding *f = e->f;
	struct buf *out = &p->part[0];

	(void)t;
	buf_place_of(out, x, e);
	buf_printf(out, ": %s[%s] %s\n", severity_name(f->severity), f->rule->id,
		   f->message);
}

static void mended(struct piece *p, const struct term *t, const char *path,
		   const struct mended *m)
{
	struct buf *out = &p->part[0];

	(void)t;
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

const struct report_kind report_concise = { .exhibit = exhibit, .mended = mended };
