/* Words of shell: quotes, escapes, expansions. For shell.c and systemd.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_SHELL_LEX_H
#define ANALYZE_CONFIG_SHELL_LEX_H

#include "analyze/config/word.h"
#include "base/vec.h"

struct shell_lex {
	const struct source *src;
	struct view text;
	size_t at;
	struct arena *a;
	VEC(struct word_part) parts; /* of the word that is being read */
	struct buf out;              /* its decoded text */
	unsigned quotes;             /* how many it has had */
	const char *why;             /* what does not end; reading has stopped at `at` */
};

static inline bool lex_is(const struct shell_lex *l, const char *s)
{
	return view_eq(l->text, l->at, s, strlen(s));
}

static inline int lex_peek(const struct shell_lex *l, size_t ahead)
{
	return l->at + ahead < l->text.n ? l->text.p[l->at + ahead] : -1;
}

/* Ends a word: blanks, line ends, and the operators' characters. */
bool lex_is_meta(int c);
/* Blanks and continued lines (backslash, newline). */
void lex_blanks(struct shell_lex *l);
/* Over $(...), ${...}, $((...)), `...`, with what is quoted in it. False: no end. */
bool lex_expansion(struct shell_lex *l);
/* The word that begins here. False: l->why. */
bool lex_word(struct shell_lex *l, struct word *w);
/* At "<<": over it and its word, which ends the here-document. */
struct str lex_here_end(struct shell_lex *l);
/* At the begin of a line: over the body, and its end. */
void lex_here_body(struct shell_lex *l, struct str end);
void lex_free(struct shell_lex *l);

#endif
