/* The state of one reading of an HCL text, and what bodies (hcl.c) and expressions
 * (hcl_expr.c) share. For them alone.
 *
 * Every function that returns bool says with false that reading stops: for bad text (r->bad
 * is set) or because of a limit (r->e is set).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_HCL_READER_H
#define ANALYZE_CONFIG_HCL_READER_H

#include "analyze/config/hcl.h"
#include "analyze/config/hcl_lex.h"

struct hcl_reader {
	const struct source *src;
	struct arena *a;
	struct view text;
	struct hcl_token next; /* not taken yet; no comment */
	size_t end;            /* of what was taken last */
	bool across;           /* within ( or [: line ends mean nothing */
	struct syntax_error *bad;
	struct err *e;
	unsigned depth, nodes;
};

/* The first token at or behind `at` comes next. */
void hcl_at(struct hcl_reader *r, size_t at);
/* The token that comes next, past line ends where they mean nothing. */
static inline const struct hcl_token *hcl_next(struct hcl_reader *r)
{
	while (r->across && r->next.kind == HCL_NEWLINE)
		hcl_at(r, r->next.end);
	return &r->next;
}
/* Takes it. */
void hcl_take(struct hcl_reader *r);

static inline bool hcl_sees(struct hcl_reader *r, unsigned op)
{
	const struct hcl_token *t = hcl_next(r);

	return t->kind == HCL_MARK && t->op == op;
}

static inline struct span hcl_span(const struct hcl_reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->src, .off = from, .len = to - from };
}

static inline struct str hcl_str(const struct hcl_reader *r, struct span s)
{
	return (struct str){ (const char *)r->text.p + s.off, (size_t)s.len };
}

/* All return false. */
bool hcl_bad(struct hcl_reader *r, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool hcl_over(struct hcl_reader *r, const char *what);
/* Something else comes than what was wanted: "a value". */
bool hcl_unexpected(struct hcl_reader *r, const char *wanted);

/* One level deeper; false: too deep. hcl_leave() goes back. */
bool hcl_enter(struct hcl_reader *r);
static inline void hcl_leave(struct hcl_reader *r)
{
	r->depth--;
}

/* A new node, NULL: no more. */
struct node *hcl_node(struct hcl_reader *r, struct node *up);

/* What the string or heredoc that comes next means, and where that stands. */
bool hcl_text(struct hcl_reader *r, const struct hcl_token *t, struct span *inside,
	      struct str *value);

/* The expression that comes next, as the value of n: all of n but its name and whole. */
bool hcl_value(struct hcl_reader *r, struct node *n);

#endif
