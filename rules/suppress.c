/* Comments that suppress findings (analyze/config/suppress.h), and do not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/suppress.h"
#include "rules/rules.h"
#include "base/banned.h"

/* ---- a rule that there is not ---- */

static void check_unknown(struct scan *s, const struct ignored *i)
{
	if (!i->unknown)
		return;
	if (i->meant)
		report(s, i->named->at,
		       "there is no rule '%s', so nothing is suppressed; did you mean '%s'?",
		       shown(s, i->named->id), i->meant->id);
	else
		report(s, i->named->at,
		       "there is no rule '%s', so nothing is suppressed; `vmend rules` "
		       "lists them",
		       shown(s, i->named->id));
}

static bool fix_unknown(struct plan *p, const struct finding *f, const struct ignored *i)
{
	(void)f;
	return i->meant && plan_replace(p, i->named->at, str_of(i->meant->id));
}

/* ---- one without a reason ---- */

static void check_reason(struct scan *s, const struct ignored *i)
{
	/* Once for each comment. */
	if (i->needs_reason && i->by->reason.n == 0 && i->named == i->by->rules)
		report(s, i->by->at,
		       "%.*s is suppressed, and nothing says why: expected a reason",
		       STR_ARG(i->named->id));
}

/* ---- one that finds nothing ---- */

static void check_unused(struct scan *s, const struct ignored *i)
{
	if (i->rule && !i->used && !rule_compares(i->rule))
		report(s, i->named->at,
		       "there is nothing to suppress: %s finds nothing %s", i->rule->id,
		       i->by->covers.off == 0 ? "in this file" : "in what this is about");
}

/* With its comma. */
static struct span in_list(const struct ignored *i)
{
	const struct suppressed_rule *v = i->by->rules;
	size_t at = (size_t)(i->named - v);
	struct span gone = v[at].at;

	if (at == 0) {
		gone.len = v[1].at.off - gone.off;
		return gone;
	}
	gone.off = span_end(v[at - 1].at);
	gone.len = span_end(v[at].at) - gone.off;
	return gone;
}

static bool fix_unused(struct plan *p, const struct finding *f, const struct ignored *i)
{
	(void)f;
	if (i->by->nrules > 1)
		return plan_replace(p, in_list(i), (struct str){ 0 });
	if (i->by->node)
		return plan_remove_node(p, i->by->node);
	return plan_replace(p, i->by->goes, (struct str){ 0 });
}

const struct rule rules_suppress[] = {
	{ .id = "suppression-no-reason",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_NONE,
	  .title = "a comment suppresses a finding, and does not say why",
	  .why = "The policy wants a reason of each suppression (require-reason), so that "
		 "whoever comes later can tell whether it still holds.",
	  .steps = "Say it behind the bracket: `vmend: ignore[RULE] reason`.",
	  .source = "SPEC.md, 8",
	  .since = "0.1.0",
	  CHECK(ignored, check_reason) },
	{ .id = "suppression-unknown-rule",
	  .severity = SEV_WARNING,
	  .fix_class = FIX_SAFE,
	  .title = "a comment suppresses a rule that there is not",
	  .why = "A suppression that does nothing looks like one that works, until the "
		 "finding shows up in a build.",
	  .source = "SPEC.md, 4.1",
	  .since = "0.1.0",
	  CHECK_FIX(ignored, check_unknown, fix_unknown) },
	{ .id = "suppression-unused",
	  .severity = SEV_NOTE,
	  .fix_class = FIX_SAFE,
	  .title = "a comment suppresses a finding that there is not",
	  .why = "What was wrong has been mended, or the comment stands in the wrong place. It "
		 "would hide the next finding of its kind. Where a rule looks at images or at "
		 "the host, the finding may be there on another machine.",
	  .source = "SPEC.md, 4.1",
	  .since = "0.1.0",
	  CHECK_FIX(ignored, check_unused, fix_unused) },
};
RULES_END(suppress);
