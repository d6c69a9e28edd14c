/* Edits of text by meaning, and who judges the result: one struct text_syntax per syntax.
 * plan_set(), plan_remove() and plan_remove_node() (edit.h) choose by the node's syntax.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_TEXT_H
#define REWRITE_TEXT_H

#include "analyze/config/lens.h"
#include "analyze/config/node.h"
#include "base/str.h"
#include "rewrite/edit.h"

struct text_syntax {
	/* The contracts are those of plan_set(), plan_remove() and plan_remove_node(); the
	 * fact is not unknown, has an owner and a lens, and is there when it is removed. */
	bool (*set)(struct plan *p, const struct fact *f, const char *value);
	bool (*remove)(struct plan *p, const struct fact *f);
	bool (*remove_node)(struct plan *p, const struct node *n);
	/* Of a member; NULL: there is none that anybody needed. */
	bool (*rename)(struct plan *p, const struct node *n, const char *name);
	/* A parser that did not write this program: the text is well-formed, and differs from
	 * the old one only within what the edits touched. Else false, with *why in a. */
	bool (*judge)(struct view before, struct view after, const struct plan *p,
		      struct arena *a, const char **why);
};

extern const struct text_syntax text_xml;
extern const struct text_syntax text_qemu;
extern const struct text_syntax text_json;
extern const struct text_syntax text_hcl;
extern const struct text_syntax text_shell;
extern const struct text_syntax text_yaml;
extern const struct text_syntax text_plist;
extern const struct text_syntax text_ini;
extern const struct text_syntax text_qemu_json;

/* NULL: it is read, and not written. */
/* Words [from, to) of a shell's command: with their line when they are alone on it. */
bool text_remove_words(struct plan *p, uint64_t from, uint64_t to)
	__attribute__((warn_unused_result));

const struct text_syntax *text_syntax(enum syntax syntax);

/* ---- for those who write one ---- */

/* The text that the plan is about, p->text, read when first needed. */
bool text_load(struct plan *p) __attribute__((warn_unused_result));
/* What a fact's lens means in the tree: the alternative of its path that is there, else the
 * first. */
struct target {
	struct lens_path path;
	const struct node *found;   /* what holds the value; NULL: nothing does */
	const struct node *deepest; /* the last element on the way that is there */
	size_t walked;              /* steps of the path that lead to it */
};
struct target text_target(const struct fact *f);
struct span text_span(const struct plan *p, uint64_t from, uint64_t to);
bool text_insert(struct plan *p, uint64_t at, struct str text)
	__attribute__((warn_unused_result));
/* What b holds, in the plan's arena; b is freed. */
struct str text_kept(struct plan *p, struct buf *b);

/* true, false, or a number: what may stand without quotes where a syntax has types. */
bool text_is_bare(const char *value);
/* Removes with `one` every place that the fact's path leads to: else the next one would come
 * to light. Of a fact that is there. */
bool text_remove_each(struct plan *p, const struct fact *f,
		      bool (*one)(struct plan *p, const struct node *n))
	__attribute__((warn_unused_result));

/* Of words: they stand in documents of other syntaxes, whose judges see the whole. */
bool judge_none(struct view before, struct view after, const struct plan *p,
		struct arena *a, const char **why);
/* A second tokenizer of HCL, and our reader. */
bool judge_hcl(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why);
/* scanf, as QEMU itself asks it. For files of text_ini. */
bool judge_ini(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why);
/* jansson. */
bool judge_json(struct view before, struct view after, const struct plan *p,
		struct arena *a, const char **why);
/* For text_shell, and for what else is words on lines (systemd units). */
bool judge_shell(struct view before, struct view after, const struct plan *p,
		 struct arena *a, const char **why);

/* libxml2. For text_xml, and for what else is XML (property lists). */
bool judge_xml(struct view before, struct view after, const struct plan *p,
	       struct arena *a, const char **why);

/* libyaml. */
bool judge_yaml(struct view before, struct view after, const struct plan *p,
		struct arena *a, const char **why);

#endif
