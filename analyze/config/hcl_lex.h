/* The tokens of HCL native syntax.
 * HCL native syntax specification, "Lexical Elements", "Templates".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_HCL_LEX_H
#define ANALYZE_CONFIG_HCL_LEX_H

#include "base/str.h"

enum hcl_kind {
	HCL_END,
	HCL_NEWLINE, /* also that of a comment to the end of its line */
	HCL_COMMENT, /* without its newline */
	HCL_NAME,
	HCL_NUMBER,
	HCL_STRING,  /* "...", with all that is interpolated in it */
	HCL_HEREDOC, /* from << to the end marker */
	HCL_MARK,    /* an operator or a bracket; op says which */
	HCL_BAD,     /* why says what is wrong with it */
};

/* Up to three characters as a number: HCL_OP2('=', '>'). */
#define HCL_OP2(a, b)    ((unsigned)(a) | (unsigned)(b) << 8)
#define HCL_OP3(a, b, c) (HCL_OP2(a, b) | (unsigned)(c) << 16)

struct hcl_token {
	enum hcl_kind kind;
	size_t at, end;
	unsigned op;
	bool templated; /* string, heredoc: ${ or %{ is in it */
	bool escaped;   /* the same: it does not mean itself, byte for byte */
	size_t body;    /* heredoc: where its first line begins */
	size_t lines; /* heredoc: where its last line ends, which the marker's follows */
	const char *why;
};

/* The token that begins at or behind `at`, without blanks before it. text is UTF-8. */
struct hcl_token hcl_lex(struct view text, size_t at);

/* A string's content, and a heredoc's lines, as a reader sees them; not templated, known to
 * be good. out has room for as many bytes; returns the length. */
size_t hcl_decode_string(struct view inside, uint8_t *out);
size_t hcl_decode_heredoc(struct view lines, bool indented, uint8_t *out);

/* A piece of a template: text that means itself once decoded, or the code of ${...}. */
struct hcl_piece {
	bool is_code;
	bool strange;   /* %{...}, or ~ at an end of the code: more than a value */
	struct view at; /* the text, or what is within the braces */
};
/* The first piece at *from, which is moved behind it. False: there are no more. heredoc: a
 * backslash is nothing special. */
bool hcl_piece(struct view inside, bool heredoc, size_t *from, struct hcl_piece *out);

#endif
