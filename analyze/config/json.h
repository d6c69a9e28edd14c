/* JSON with exact places. jansson decides whether the text is JSON and what it means; our
 * tokenizer says where each piece stands; both must see the same tree.
 * RFC 8259, UTF-8 without a BOM, no comments, no trailing commas.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_JSON_H
#define ANALYZE_CONFIG_JSON_H

#include "analyze/config/node.h"
#include "analyze/unit.h"

enum {
	JSON_DEPTH_MAX = 256,     /* objects and arrays within each other */
	JSON_SIZE_MAX = 8 << 20,  /* bytes of text */
	JSON_NODES_MAX = 1 << 16, /* values; the largest template seen has 2,000 */
};

/* What a consumer makes of an object with two members of one name: RFC 8259 leaves it open. */
enum json_doubles {
	JSON_DOUBLES_ALLOWED, /* each counts, or the last one */
	JSON_DOUBLES_REFUSED,
};

/* Parses src's whole text. 0 with *root set, or *root NULL and *bad set: the text is broken.
 * -1: could not do the work (limits). Memory is a's, budgeted; names and values borrow from
 * text where there is nothing to decode. */
int json_read(const struct source *src, struct view text, struct arena *a,
	      enum json_doubles doubles, struct node **root,
	      const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

/* A cheap look at the first bytes of what may be a JSON object: calls `see` for each member
 * down to a depth of `levels`, until it says true, the text ends or is none. A name is given
 * as it stands between its quotes, and what its value begins with: '{', '[', '"', or any
 * other character; of a string (*text) what is between its quotes, else it is empty. Depth 1
 * is the outermost object's; arrays count as a level, and their items have no name. */
struct json_glance {
	const struct str *names; /* of the members that lead here, the outermost first */
	size_t depth;
	char begins;
	struct str text;
};
bool json_skim(struct view head, size_t levels,
	       bool (*see)(const struct json_glance *g, void *data), void *data);

#endif
