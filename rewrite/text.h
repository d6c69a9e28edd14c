/* Edits of text by meaning, one set of functions per syntax. plan_set() and plan_remove()
 * (edit.h) choose by the node's syntax.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_TEXT_H
#define REWRITE_TEXT_H

#include "rewrite/edit.h"

bool xml_set(struct plan *p, const struct fact *f, const char *value)
	__attribute__((warn_unused_result));
bool xml_remove(struct plan *p, const struct fact *f) __attribute__((warn_unused_result));
bool xml_remove_node(struct plan *p, const struct node *n)
	__attribute__((warn_unused_result));

#endif
