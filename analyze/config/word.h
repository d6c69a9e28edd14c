/* One word of a command line, whatever it is written in: a shell word with its quotes and
 * escapes, a JSON string, an XML attribute, a YAML scalar. The interface between the outer
 * syntax, which knows the quotes, and the inner one (qemu_opts.h), which does not.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_WORD_H
#define ANALYZE_CONFIG_WORD_H

#include "analyze/model.h"
#include "base/arena.h"

struct node;

/* A run of the word's text, and the bytes it is written with. */
struct word_part {
	size_t from, n; /* within the text */
	struct span at; /* without quotes */
	/* Parts between the same quotes have the same number, and all of it, with the quotes.
	 * 0: none, and all is at. */
	unsigned quote;
	struct span all;
	bool exact; /* byte for byte; else nothing within it has a place of its own */
	/* Decided elsewhere: $x, ${x}, $(x), `x`, {{x}}, %i. The text is then the source's. */
	bool opaque;
};

/* How text has to be written to be a part of a word: what rewrite/word.c knows. */
enum word_code {
	WORD_BARE,   /* only what needs no quotes anywhere */
	WORD_FLOW,   /* and no comma: a plain scalar between YAML's brackets */
	WORD_SHELL,  /* quotes and backslashes */
	WORD_BLANKS, /* bytes as they are; blanks end a word, and quotes are not its own */
	WORD_SYSTEMD,     /* quotes, backslashes, %% and $$ */
	WORD_LINE,        /* bytes as they are, to the end of a line */
	WORD_XML,         /* entities */
	WORD_JSON,        /* backslashes */
	WORD_HCL,         /* backslashes, $${ and %%{ */
	WORD_YAML_SINGLE, /* '' */
};

struct word {
	struct str text;               /* decoded */
	struct span at;                /* all of it, with its quotes */
	const struct word_part *parts; /* one behind the other, all of the text */
	size_t nparts;
	/* Why its bytes must not be changed ("it is folded over several lines"); NULL: they
	 * may. Spans are then those of the whole word. */
	const char *fixed;
	bool open;         /* may be several words, or none: $x without quotes, "$@" */
	struct node *list; /* whose item it is to become; NULL: it needs no node */
	enum word_code code;
	/* What has to go for the word to be gone, where it is one item of several: "x" of a
	 * list, <qemu:arg value='x'/>, a row of Packer's qemuargs. len 0: at. */
	struct span item;
	/* One of the words in the text of another: its places in outer's text. NULL: none. */
	const struct word *outer, *inner;
};

/* A word that is written as it is read, one that cannot be taken apart, and none. */
bool word_plain(struct word *w, struct span at, struct str text, struct arena *a)
	__attribute__((warn_unused_result));
struct word word_opaque(struct span at, struct str source);

/* What parts the words of one text. */
enum word_split {
	SPLIT_NONE, /* nothing: it is one word (libvirt's <qemu:arg>, Packer's qemuargs) */
	SPLIT_BLANKS, /* blanks; quotes are bytes (Quickemu's extra_args) */
	SPLIT_SHELL,  /* blanks outside of quotes, backslashes escape, nothing expands
			 (Incus' raw.qemu, go-shellquote) */
	SPLIT_SYSTEMD, /* the same with %x and $x, which are decided elsewhere, and C's escapes
			  (ExecStart=) */
	SPLIT_UTM, /* blanks outside of "..."; quotes around a whole word go */
};
/* The words in w's text, whose places are those of w's bytes; *n of them, empty ones only
 * where quotes say so. NULL: memory is gone. *flaw: what does not end, NULL: nothing. */
struct word *word_split(const struct word *w, enum word_split how, size_t *n,
			const char **flaw, struct arena *a);

/* The value of a scalar or an attribute, of any syntax. text: the whole file's. What is
 * escaped there in the manner of XML, JSON, YAML or HCL has places, and ${...}, {{...}},
 * {%...%} and @...@ are opaque. false: memory is gone. */
bool word_of_node(struct word *w, const struct node *n, struct view text, struct arena *a)
	__attribute__((warn_unused_result));

bool word_is(const struct word *w, const char *text); /* known, and that */
/* Some of [from, to) is decided elsewhere. */
bool word_unknown(const struct word *w, size_t from, size_t to);
/* The end of the opaque part that begins at or reaches over `from`; `from`: none does. */
size_t word_skip(const struct word *w, size_t from);
/* Where [from, to) of the text stands; with a part that is not exact, all of that part. */
struct span word_span(const struct word *w, size_t from, size_t to);
/* The bytes that are [from, to) and no more: what may be replaced, or taken away, without a
 * change to the rest of the text. False: there are no such. *in: the part between whose
 * quotes they are; NULL: none. Of one that has an inner word, see there. */
bool word_cut(const struct word *w, size_t from, size_t to, struct span *out,
	      const struct word_part **in) __attribute__((warn_unused_result));

#endif
