/* How a YAML file is written: line ends, indentation, quotes, the order of its keys. What an
 * edit adds should look as if it had always been there.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_YAML_STYLE_H
#define REWRITE_YAML_STYLE_H

#include "analyze/config/node.h"

/* How members of a map are laid out. */
struct yaml_layout {
	struct str eol; /* "\n" or "\r\n"; a flow map on one line: "" */
	size_t column;  /* of its keys */
	size_t step;    /* that the members of a member are indented by */
	bool flow;
};

struct yaml_layout yaml_layout(struct view text, const struct node *map);

/* The member behind which a key goes: the last one that sorts before it when the keys of
 * this map are sorted, else the last one. NULL: it goes first. */
const struct node *yaml_predecessor(const struct node *map, struct str key);

/* As other values of that kind are written around here. */
enum scalar_style yaml_value_style(const struct node *map, const char *value);

bool yaml_in_flow(const struct node *n);

/* A value in that style, or in one that can hold it. */
void yaml_add_value(struct buf *b, struct str value, enum scalar_style style, bool flow);
/* A key, in quotes where its neighbours have them. */
void yaml_add_key(struct buf *b, struct str key, const struct node *map);

/* ---- lines ---- */

/* Nothing but blanks is before it on its line (nor a byte order mark). */
bool yaml_leads_line(struct view text, uint64_t off);
uint64_t yaml_line_start(struct view text, uint64_t off);
/* The end of the line (before its line end) when at most a comment stands between; else 0. */
uint64_t yaml_line_end(struct view text, uint64_t off);
/* Behind the line end that stands at off. */
uint64_t yaml_next_line(struct view text, uint64_t off);
/* Bytes of the line end before off; 0: none. */
uint64_t yaml_break_before(struct view text, uint64_t off);
/* Behind the dash that only blanks separate from off, on the same line; 0: none. */
uint64_t yaml_dash_before(struct view text, uint64_t off);

#endif
