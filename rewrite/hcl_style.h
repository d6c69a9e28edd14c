/* How an HCL file is laid out, as `packer fmt` (hclwrite.Format) does it: arguments on lines
 * that follow each other have their '=' in one column. For text_hcl.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_HCL_STYLE_H
#define REWRITE_HCL_STYLE_H

#include "rewrite/edit.h"
#include "rewrite/xml_style.h"

/* Arguments of one block on lines that follow each other. */
struct hcl_run {
	const struct xml_style *s;
	const struct node *first; /* NULL: none */
	const struct node *last;
	size_t wide;  /* columns of the longest name */
	bool aligned; /* their '=' are where the formatter would put them */
};

/* Where the line of `off` ends, before its line end, with a comment that is there. */
size_t hcl_line_end(const struct xml_style *s, uint64_t off);
/* The last child that is an argument; NULL: none. */
const struct node *hcl_last_argument(const struct node *n);

/* The argument itself, or, within lines that end with comments, the last of them: a line
 * without one between would part their column. */
const struct node *hcl_run_anchor(const struct xml_style *s, const struct node *arg);
/* The run that a line behind arg's last would join: arg is in it if it is on one line. */
void hcl_run_around(struct hcl_run *run, const struct xml_style *s,
		    const struct node *arg);

/* Blanks between a name that joins the run and its '='. */
size_t hcl_run_pad(const struct hcl_run *run, struct str name);
/* Moves the '=' of a run that is aligned, as the name that joins (or "") and the member
 * that goes (or NULL) make necessary. */
bool hcl_run_align(const struct hcl_run *run, struct plan *p, const struct node *gone,
		   struct str name) __attribute__((warn_unused_result));

/* Of a name. */
size_t utf8_columns(struct str s);

#endif
