/* HCL native syntax with exact places, as Packer has it. There is no C library that could
 * judge: the reader is our own, and a second tokenizer judges edits (rewrite/judge_hcl.c).
 * HCL native syntax specification, version 2.
 *
 * What means itself becomes a scalar, list or map; what has to be evaluated (a reference, a
 * template with ${...}, an operation, a call, a for-expression) becomes opaque, checked and
 * with its place.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_HCL_H
#define ANALYZE_CONFIG_HCL_H

#include "analyze/config/node.h"
#include "analyze/unit.h"

enum {
	HCL_DEPTH_MAX = 128,     /* blocks, brackets and operands within each other */
	HCL_SIZE_MAX = 8 << 20,  /* bytes of text */
	HCL_NODES_MAX = 1 << 16, /* the largest template seen has 2,000 */
};

/* Parses src's whole text. 0 with *root set, a map without a name, or *root NULL and *bad
 * set: the text is broken. -1: could not do the work (limits). Memory is a's, budgeted;
 * names and values borrow from text where there is nothing to decode. */
int hcl_read(const struct source *src, struct view text, struct arena *a,
	     struct node **root, const struct syntax_error **bad, struct err *e)
	__attribute__((warn_unused_result));

/* A cheap look at the first bytes of what may be HCL: calls `see` for each block and
 * attribute outside of any block, until it says true or head ends. label: of a block with
 * labels the first, else empty. False also as soon as it cannot be HCL. */
struct hcl_glance {
	struct str name, label;
	bool block;
};
bool hcl_skim(struct view head, bool (*see)(const struct hcl_glance *g, void *data),
	      void *data);

#endif
