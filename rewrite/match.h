/* Which finding is which, before and after an edit. Spans shift in texts and numbers in
 * messages change, so the same finding is looked for three times: by rule, place and
 * message, then by rule and message, then by rule and place. The place is an offset in
 * images, and the path of the node in texts.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_MATCH_H
#define REWRITE_MATCH_H

#include "analyze/unit.h"
#include "rules/rule.h"

struct seen {
	const struct finding *finding;
	const char *place;
	bool last; /* is matched only when nothing else is left: it should be gone */
	struct seen *same; /* in the other list; NULL: none */
};

struct seen_list {
	struct seen *v; /* in the order of the findings */
	size_t n;
};

struct seen_list seen_in(const struct unit *u, const struct findings *found,
			 struct arena *a);

/* Sets `same` in both. */
void seen_match(struct seen_list *before, struct seen_list *after, struct arena *a);

#endif
