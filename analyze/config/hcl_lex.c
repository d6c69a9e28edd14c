/* The tokens of HCL native syntax: one function, no state.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/hcl_lex.h"
#include "base/utf8.h"

#include "base/banned.h"

enum { TEMPLATE_DEPTH_MAX = 32 }; /* strings in code in strings ... */

static bool starts_name(uint8_t c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c >= 0x80;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static size_t name_end(struct view v, size_t at)
{
	while (at < v.n && (starts_name(v.p[at]) || is_digit(v.p[at]) || v.p[at] == '-'))
		at++;
	return at;
}

static size_t line_end(struct view v, size_t at)
{
	const uint8_t *nl = at < v.n ? memchr(v.p + at, '\n', v.n - at) : NULL;

	return nl ? (size_t)(nl - v.p) : v.n;
}

/* ---- templates ---- */

/* What goes wrong within a string or heredoc, and where. */
struct trouble {
	const char *why;
	size_t at;
};

/* Does "${" or "%{" begin at `at`? */
static bool begins_code(struct view v, size_t at)
{
	return view_has(v, at, 2) && (v.p[at] == '$' || v.p[at] == '%') &&
	       v.p[at + 1] == '{';
}

/* "$${" and "%%{" mean "${" and "%{". */
static bool begins_escape(struct view v, size_t at)
{
	return view_has(v, at, 3) && (v.p[at] == '$' || v.p[at] == '%') &&
	       v.p[at + 1] == v.p[at] && v.p[at + 2] == '{';
}

static size_t code_end(struct view v, size_t at, unsigned depth, struct trouble *t);
static struct hcl_token lex_heredoc(struct view v, size_t at, unsigned depth,
				    struct trouble *t);

static size_t trouble(struct trouble *t, size_t at, const char *why)
{
	t->why = why;
	t->at = at;
	return 0;
}

/* The length of the escape that begins with the backslash at `at`; 0: it is none. */
static size_t escape_length(struct view v, size_t at)
{
	size_t digits = 0;

	if (!view_has(v, at, 2))
		return 0;
	if (v.p[at + 1] && strchr("nrt\"\\", v.p[at + 1]))
		return 2;
	if (v.p[at + 1] == 'u')
		digits = 4;
	else if (v.p[at + 1] == 'U')
		digits = 8;
	if (digits == 0 || !view_has(v, at + 2, digits))
		return 0;
	for (size_t i = at + 2; i < at + 2 + digits; i++) {
		if (!is_digit(v.p[i]) && !memchr("abcdefABCDEF", v.p[i], 12))
			return 0;
	}
	return 2 + digits;
}

/* Behind the '$' or '%' at `at`, and what it begins; 0: trouble. */
static size_t template_step(struct view v, size_t at, unsigned depth,
			    struct hcl_token *out, struct trouble *t)
{
	if (begins_escape(v, at)) {
		out->escaped = true;
		return at + 3;
	}
	if (!begins_code(v, at))
		return at + 1;
	out->templated = true;
	return code_end(v, at + 2, depth, t);
}

/* Behind the closing quote of the string whose content begins at `at`; 0: trouble. */
static size_t string_end(struct view v, size_t at, unsigned depth, struct hcl_token *out,
			 struct trouble *t)
{
	size_t from = at - 1, len;

	while (at < v.n && v.p[at] != '"') {
		switch (v.p[at]) {
		case '\n':
			return trouble(
				t, from,
				"this string has no '\"' at its end: one of several "
				"lines is written as a heredoc");
		case '\\':
			len = escape_length(v, at);
			if (len == 0)
				return trouble(t, at, "this is no escape of HCL");
			out->escaped = true;
			at += len;
			break;
		case '$':
		case '%':
			at = template_step(v, at, depth, out, t);
			if (at == 0)
				return 0;
			break;
		default:
			at++;
		}
	}
	return at < v.n ? at + 1 : trouble(t, from, "this string has no '\"' at its end");
}

/* Behind what is neither code nor bracket at `at`: a string, a comment, a heredoc, a byte. */
static size_t code_step(struct view v, size_t at, unsigned depth, struct trouble *t)
{
	struct hcl_token inner = { 0 };

	switch (v.p[at]) {
	case '"':
		return string_end(v, at + 1, depth + 1, &inner, t);
	case '#':
		return line_end(v, at);
	case '<':
		if (!view_eq(v, at, "<<", 2))
			return at + 1;
		inner = lex_heredoc(v, at, depth + 1, t);
		if (inner.kind == HCL_MARK)
			return at + 1;
		return inner.kind == HCL_BAD ? 0 : inner.end;
	case '/':
		break;
	default:
		return at + 1;
	}
	if (view_eq(v, at, "//", 2))
		return line_end(v, at);
	if (view_eq(v, at, "/*", 2)) {
		for (at += 2; at + 1 < v.n; at++) {
			if (v.p[at] == '*' && v.p[at + 1] == '/')
				return at + 2;
		}
		return v.n;
	}
	return at + 1;
}

/* Behind the brace that closes the code that begins at `at`; 0: trouble. */
static size_t code_end(struct view v, size_t at, unsigned depth, struct trouble *t)
{
	size_t from = at - 2, open = 1;

	if (depth == TEMPLATE_DEPTH_MAX)
		return trouble(t, from, "templates are nested too deep");
	while (at < v.n) {
		if (v.p[at] == '}' && --open == 0)
			return at + 1;
		if (v.p[at] == '{')
			open++;
		at = code_step(v, at, depth, t);
		if (at == 0)
			return 0;
	}
	return trouble(t, from, "this template has no '}' at its end");
}

/* ---- heredocs ---- */

/* Is it alone on the line? */
static bool is_marker(struct view v, size_t from, size_t to, struct view marker)
{
	struct str line = { (const char *)v.p + from, to - from };

	return str_eq(str_trim(line), str_view(marker));
}

static size_t blanks_at(struct view v, size_t at)
{
	size_t n = 0;

	while (at + n < v.n && (v.p[at + n] == ' ' || v.p[at + n] == '\t'))
		n++;
	return n;
}

/* Behind the line that begins at `at`, or behind the last of several, where code of a
 * template goes over line ends; 0: trouble. */
static size_t heredoc_line(struct view v, size_t at, unsigned depth,
			   struct hcl_token *out, struct trouble *t)
{
	while (at < v.n && v.p[at] != '\n') {
		if (v.p[at] != '$' && v.p[at] != '%') {
			at++;
			continue;
		}
		at = template_step(v, at, depth, out, t);
		if (at == 0)
			return 0;
	}
	return at + 1;
}

/* What "<<" at `at` begins: a heredoc, or HCL_MARK: none. */
static struct hcl_token lex_heredoc(struct view v, size_t at, unsigned depth,
				    struct trouble *t)
{
	struct hcl_token out = { .kind = HCL_MARK, .at = at };
	size_t name = at + 2, eol;
	struct view marker;

	if (view_eq(v, name, "-", 1))
		name++;
	marker = view_cut(v, name, name_end(v, name) - name);
	eol = line_end(v, name);
	if (marker.n == 0 || !starts_name(marker.p[0]) ||
	    !(view_eq(v, name + marker.n, "\n", 1) ||
	      view_eq(v, name + marker.n, "\r\n", 2)))
		return out;
	out.kind = HCL_BAD;
	for (at = out.body = eol + 1; at < v.n;) {
		eol = line_end(v, at);
		if (is_marker(v, at, eol, marker)) {
			out.kind = HCL_HEREDOC;
			out.lines = at;
			out.end = at + blanks_at(v, at) + marker.n;
			return out;
		}
		at = heredoc_line(v, at, depth, &out, t);
		if (at == 0)
			return out;
	}
	trouble(t, out.at, "this heredoc has no line with its marker at its end");
	return out;
}

/* ---- the rest ---- */

static struct hcl_token bad(size_t at, size_t end, const char *why)
{
	return (struct hcl_token){ .kind = HCL_BAD, .at = at, .end = end, .why = why };
}

static struct hcl_token lex_number(struct view v, size_t at)
{
	struct hcl_token out = { .kind = HCL_NUMBER, .at = at };
	size_t exponent;

	while (at < v.n && is_digit(v.p[at]))
		at++;
	if (view_has(v, at, 2) && v.p[at] == '.' && is_digit(v.p[at + 1])) {
		at++;
		while (at < v.n && is_digit(v.p[at]))
			at++;
	}
	if (at < v.n && (v.p[at] == 'e' || v.p[at] == 'E')) {
		exponent = at + 1;
		if (exponent < v.n && (v.p[exponent] == '+' || v.p[exponent] == '-'))
			exponent++;
		if (exponent < v.n && is_digit(v.p[exponent])) {
			at = exponent;
			while (at < v.n && is_digit(v.p[at]))
				at++;
		}
	}
	out.end = at;
	return out;
}

/* The operator or bracket at `at`, the longest; 0: none. */
static unsigned op_at(struct view v, size_t at)
{
	unsigned c = v.p[at], next = at + 1 < v.n ? v.p[at + 1] : 0;

	switch (c) {
	case '=':
		return next == '=' || next == '>' ? HCL_OP2(c, next) : c;
	case '!':
	case '<':
	case '>':
		return next == '=' ? HCL_OP2(c, next) : c;
	case '&':
	case '|':
		return next == c ? HCL_OP2(c, c) : 0;
	case ':':
		return next == c ? HCL_OP2(c, c) : c;
	case '.':
		return view_eq(v, at, "...", 3) ? HCL_OP3(c, c, c) : c;
	case '{':
	case '}':
	case '[':
	case ']':
	case '(':
	case ')':
	case ',':
	case '?':
	case '+':
	case '-':
	case '*':
	case '/':
	case '%':
		return c;
	default:
		return 0;
	}
}

static struct hcl_token lex_mark(struct view v, size_t at)
{
	unsigned op = op_at(v, at);

	if (op)
		return (struct hcl_token){ .kind = HCL_MARK,
					   .at = at,
					   .end = at + 1 + (op > 0xff) + (op > 0xffff),
					   .op = op };
	if (v.p[at] == '\'')
		return bad(at, at + 1, "HCL quotes with '\"', not with \"'\"");
	if (v.p[at] == ';')
		return bad(at, at + 1, "HCL has no ';': an argument ends with its line");
	return bad(at, at + 1, "this character means nothing in HCL");
}

static struct hcl_token lex_comment(struct view v, size_t at)
{
	struct hcl_token out = { .kind = HCL_COMMENT, .at = at, .end = line_end(v, at) };

	if (v.p[at] == '#' || v.p[at + 1] == '/')
		return out;
	for (size_t i = at + 2; i + 1 < v.n; i++) {
		if (v.p[i] == '*' && v.p[i + 1] == '/') {
			out.end = i + 2;
			return out;
		}
	}
	return bad(at, at + 2, "this comment has no '*/' at its end");
}

static struct hcl_token lex_long(struct view v, size_t at)
{
	struct hcl_token out = { .kind = HCL_STRING, .at = at };
	struct trouble t = { 0 };

	if (v.p[at] == '"') {
		out.end = string_end(v, at + 1, 0, &out, &t);
		if (t.why)
			out = bad(t.at, t.at < v.n ? t.at + 1 : v.n, t.why);
		return out;
	}
	out = lex_heredoc(v, at, 0, &t);
	if (out.kind == HCL_BAD)
		return bad(t.at, v.n - t.at < 2 ? v.n : t.at + 2, t.why);
	return out.kind == HCL_MARK ? lex_mark(v, at) : out;
}

struct hcl_token hcl_lex(struct view v, size_t at)
{
	uint8_t c;

	while (at < v.n && (v.p[at] == ' ' || v.p[at] == '\t' ||
			    (v.p[at] == '\r' && view_eq(v, at + 1, "\n", 1))))
		at++;
	if (at == v.n)
		return (struct hcl_token){ .kind = HCL_END, .at = at, .end = at };
	c = v.p[at];
	if (starts_name(c))
		return (struct hcl_token){ .kind = HCL_NAME,
					   .at = at,
					   .end = name_end(v, at) };
	if (c == '\n')
		return (struct hcl_token){ .kind = HCL_NEWLINE, .at = at, .end = at + 1 };
	if (c == '#' ||
	    (c == '/' && (view_eq(v, at, "//", 2) || view_eq(v, at, "/*", 2))))
		return lex_comment(v, at);
	if (is_digit(c))
		return lex_number(v, at);
	if (c == '"' || (c == '<' && view_eq(v, at, "<<", 2)))
		return lex_long(v, at);
	return lex_mark(v, at);
}

/* ---- what they mean ---- */

static size_t decode_escape(struct view v, size_t at, uint8_t *out, size_t *n)
{
	size_t len = escape_length(v, at);
	uint32_t c = 0;

	switch (v.p[at + 1]) {
	case 'n':
		out[(*n)++] = '\n';
		return len;
	case 'r':
		out[(*n)++] = '\r';
		return len;
	case 't':
		out[(*n)++] = '\t';
		return len;
	case 'u':
	case 'U':
		break;
	default:
		out[(*n)++] = v.p[at + 1];
		return len;
	}
	for (size_t i = at + 2; i < at + len; i++) {
		uint8_t d = v.p[i];

		c = c << 4 | (uint32_t)(is_digit(d) ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	/* As Go has it: what is no character is the replacement character. */
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	*n += utf8_put(c, out + *n);
	return len;
}

size_t hcl_decode_string(struct view v, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n;) {
		if (v.p[i] == '\\') {
			i += decode_escape(v, i, out, &n);
		} else {
			i += begins_escape(v, i);
			out[n++] = v.p[i++];
		}
	}
	return n;
}

size_t hcl_decode_heredoc(struct view v, bool indented, uint8_t *out)
{
	size_t indent = SIZE_MAX, n = 0;

	for (size_t i = 0; i < v.n && indented; i = line_end(v, i) + 1) {
		size_t blanks = blanks_at(v, i);

		/* Lines of nothing but blanks do not count. */
		if (i + blanks < v.n && v.p[i + blanks] != '\n' &&
		    v.p[i + blanks] != '\r' && blanks < indent)
			indent = blanks;
	}
	if (!indented || indent == SIZE_MAX)
		indent = 0;
	for (size_t i = 0; i < v.n;) {
		size_t end = line_end(v, i), blanks = blanks_at(v, i);

		i += blanks < indent ? blanks : indent;
		while (i < end) {
			i += begins_escape(v, i);
			out[n++] = v.p[i++];
		}
		if (i < v.n)
			out[n++] = v.p[i++];
	}
	return n;
}

bool hcl_piece(struct view inside, bool heredoc, size_t *from, struct hcl_piece *out)
{
	struct trouble t = { 0 };
	size_t at = *from, start = at, end;

	if (at >= inside.n)
		return false;
	*out = (struct hcl_piece){ 0 };
	if (begins_code(inside, at)) {
		end = code_end(inside, at + 2, 0, &t);
		if (end == 0)
			end = inside.n;
		out->is_code = true;
		out->at = view_cut(inside, at + 2, end - at - 2 - (end > at + 2));
		out->strange = inside.p[at] == '%' || t.why ||
			       (out->at.n &&
				(out->at.p[0] == '~' || out->at.p[out->at.n - 1] == '~'));
		*from = end;
		return true;
	}
	while (at < inside.n && !begins_code(inside, at)) {
		if (inside.p[at] == '\\' && !heredoc)
			at += 2;
		else
			at += begins_escape(inside, at) ? 3 : 1;
	}
	*from = at < inside.n ? at : inside.n;
	out->at = view_cut(inside, start, *from - start);
	return true;
}
