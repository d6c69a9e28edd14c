/* libxml2 as the judge of a text and of our tree of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_XML_JUDGE_H
#define ANALYZE_CONFIG_XML_JUDGE_H

#include "analyze/config/node.h"

struct xml_verdict {
	bool accepted;              /* the text is well-formed */
	const struct node *differs; /* accepted: where it sees something else than we */
	unsigned line, column;      /* refused: from 1; 0: it does not say */
	char why[160];  /* refused: libxml2's own words, not yet fit to show */
	bool no_memory; /* no verdict */
};

/* Parses the text and compares what it sees with the tree, on the fly. root NULL: there
 * is no tree to compare with. */
void xml_judge(struct view text, const struct node *root, struct xml_verdict *v);

#endif
