/* Shell scripts, as far as a reader that runs nothing can go: simple commands, assignments
 * and the words of both. POSIX.1-2017 XCU 2, bash(1). What is expanded is opaque, bodies of
 * here-documents are passed over, and compound commands only tell what is conditional.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_SHELL_H
#define ANALYZE_CONFIG_SHELL_H

#include "analyze/config/node.h"
#include "analyze/config/word.h"
#include "base/vec.h"

enum {
	SHELL_SIZE_MAX = 1 << 20, /* bytes of a script */
	SHELL_WORDS_MAX = 32768,  /* that are kept */
	SHELL_PARTS_MAX = 4096,   /* quotes, escapes and expansions of a word */
	SHELL_DEPTH_MAX = 64,     /* $( within $(, commands within commands */
};

struct shell_assign {
	struct str name;
	struct span name_at, whole;
	bool append, array;
	/* Not always done, or done several times: in a branch, a loop, a function, behind &&. */
	bool sometimes;
	bool chained;      /* behind && or || */
	unsigned block;    /* the compound command it is in; 0: none */
	size_t from, n;    /* its words in shell.words; n is 1 when it is no array */
	struct span items; /* between an array's parentheses */
};

struct shell_command {
	size_t from, n; /* its words: without assignments before it, and redirections */
	unsigned block;
	bool sometimes;
};

struct shell {
	VEC(struct word) words;
	VEC(struct shell_assign) assigns;
	VEC(struct shell_command) commands;
	/* Names that commands write to in other ways: read, for, unset, mapfile ... */
	VEC(struct str) written;
	struct span end; /* where reading ended before the text did ... */
	const char
		*why; /* ... and why: "a quote that does not close"; NULL: it did not */
};

/* Which commands are kept: those that the caller knows by their words. */
typedef bool shell_wants(const struct word *words, size_t n);

/* Reads all of text. *s is always filled, up to where s->why says. Memory is a's. */
void shell_read(struct shell *s, const struct source *src, struct view text,
		shell_wants *wants, struct arena *a);

/* A script says so in its first line: #!/bin/sh, #!/usr/bin/env bash. */
bool shell_has_shebang(struct view head);

/* The one assignment of that name, when there is but one, nothing else writes it, and it is
 * no array; NULL: none, or it cannot be told. */
const struct shell_assign *shell_once(const struct shell *s, struct str name);

/* A member of that name: a scalar, opaque when it is expanded or not always assigned; of an
 * array a list, without its items. NULL: memory is gone. */
struct node *shell_node(const struct shell *s, const struct shell_assign *as,
			struct arena *a);

/* "x" for a word that is $x, ${x}, "$x" or "${x}", "x" with *all for "${x[@]}"; else n is
 * 0. */
struct str shell_variable(const struct word *w, bool *all);

#endif
