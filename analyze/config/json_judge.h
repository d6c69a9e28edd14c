/* jansson as the judge of a text and of our tree of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_JSON_JUDGE_H
#define ANALYZE_CONFIG_JSON_JUDGE_H

#include "analyze/config/node.h"

struct json_verdict {
	bool accepted;              /* the text is JSON */
	const struct node *differs; /* accepted: where it sees something else than we */
	unsigned line, column;      /* refused: from 1; 0: it does not say */
	char why[160];  /* refused: jansson's own words, not yet fit to show */
	bool no_memory; /* no verdict */
};

/* Parses the text and compares what it sees with the tree. Of members of one name it keeps
 * the last. Memory for that is a's. */
void json_judge(struct view text, const struct node *root, struct arena *a,
		struct json_verdict *v);

/* Which jansson that is. Its names and those of our own writer of JSON collide, so that not
 * everybody can ask it. */
const char *json_judge_version(void);

#endif
