/* A text that its own language refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"
#include "base/banned.h"

static void check_syntax(struct scan *s, const struct unit *u)
{
	if (u->syntax)
		report(s, u->syntax->at, "%s", u->syntax->what);
}

const struct rule rules_syntax[] = {
	{ .id = "config-syntax",
	  .severity = SEV_ERROR,
	  .fix_class = FIX_NONE,
	  .title = "the text is not well-formed",
	  .why = "Nothing that reads this format accepts the file, so nothing further "
		 "can be said about it.",
	  .steps = "Mend the place that is shown, and check again: what stands behind it "
		   "has not been read.",
	  .source = "XML 1.0 (5th edition), 2.1 and 3; YAML 1.1; RFC 8259; HCL native "
		    "syntax specification; plist(5) and CFBinaryPList.c",
	  .since = "0.1.0",
	  CHECK(unit, check_syntax) },
};
RULES_END(syntax);
