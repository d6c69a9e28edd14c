/* Where each piece of a JSON text stands: one pass, no recursion, no look back.
 * RFC 8259.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/json.h"
#include "analyze/config/json_judge.h"
#include "base/utf8.h"

#include "base/banned.h"

/* An object or array whose end has not come. */
struct open {
	struct node *node;
	bool comma;  /* one has come, and nothing behind it */
	bool filled; /* something has come, and no comma behind it */
};

struct reader {
	const struct source *src;
	struct arena *a;
	struct view text;
	size_t at; /* the next byte to read */
	enum json_doubles doubles;
	struct node *root;
	struct syntax_error *bad;
	struct err *e;
	unsigned depth, nodes;
	struct open open[JSON_DEPTH_MAX];
};

/* ---- saying no; all of these return false ---- */

static struct span span(const struct reader *r, size_t from, size_t to)
{
	return (struct span){ .src = r->src, .off = from, .len = to - from };
}

static struct str str_at(const struct reader *r, struct span s)
{
	return (struct str){ (const char *)r->text.p + s.off, (size_t)s.len };
}

static bool bad(struct reader *r, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool bad(struct reader *r, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->bad = arena_new(r->a, struct syntax_error);
	*r->bad = (struct syntax_error){ .at = at, .what = arena_vprintf(r->a, fmt, ap) };
	va_end(ap);
	return false;
}

static bool no_memory(struct reader *r)
{
	err_set(r->e, ERR_LIMIT,
		"the tree of this text needs more memory than is allowed");
	return false;
}

static const char *line_words(const struct reader *r, uint64_t off)
{
	unsigned line = 1;

	for (size_t i = 0; i < off; i++)
		line += r->text.p[i] == '\n';
	return arena_printf(r->a, "line %u", line);
}

static bool ended(struct reader *r)
{
	const struct node *n = r->depth ? r->open[r->depth - 1].node : NULL;
	size_t end = r->text.n;

	if (!n)
		return bad(r, span(r, end, end), "the text has no value");
	return bad(r, n->open_at, "this %s has no '%c' at its end",
		   n->kind == NODE_MAP ? "object" : "array",
		   n->kind == NODE_MAP ? '}' : ']');
}

static bool unexpected(struct reader *r, const char *wanted)
{
	struct span here = span(r, r->at, r->at + 1);
	uint8_t c = r->text.p[r->at];

	if (c == '#' || c == '/')
		return bad(r, here, "JSON has no comments: %s was expected", wanted);
	if (c == '\'')
		return bad(r, here, "%s was expected; JSON quotes with '\"'", wanted);
	return bad(r, here, "%s was expected, not '%s'", wanted,
		   str_shown(r->a, str_at(r, here)));
}

/* ---- pieces ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool skip_blanks(struct reader *r)
{
	while (r->at < r->text.n && is_blank(r->text.p[r->at]))
		r->at++;
	return r->at < r->text.n;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind "\u" at `at`. */
static bool four_digits(struct view v, size_t at, uint32_t *c)
{
	*c = 0;
	if (!view_has(v, at, 6) || v.p[at] != '\\' || v.p[at + 1] != 'u')
		return false;
	for (size_t i = at + 2; i < at + 6; i++) {
		int d = hex_digit(v.p[i]);

		if (d < 0)
			return false;
		*c = *c << 4 | (uint32_t)d;
	}
	return true;
}

/* The escape that begins at `at`: its length and its character. 0: none. */
static size_t read_escape(struct view v, size_t at, uint32_t *c)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *simple;
	uint32_t low;

	if (!view_has(v, at, 2))
		return 0;
	simple = v.p[at + 1] ? strchr(from, v.p[at + 1]) : NULL;
	if (simple) {
		*c = (uint8_t)to[simple - from];
		return 2;
	}
	if (!four_digits(v, at, c) || (*c >= 0xdc00 && *c <= 0xdfff))
		return 0;
	if (*c < 0xd800 || *c > 0xdbff)
		return 6;
	if (!four_digits(v, at + 6, &low) || low < 0xdc00 || low > 0xdfff)
		return 0;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

/* What escapes in a string's content mean. It was checked. */
static bool decode(struct reader *r, struct span at, struct str *out)
{
	size_t i = at.off, end = span_end(at), n = 0;
	uint8_t *to = arena_try(r->a, at.len, 1);
	uint32_t c;

	if (!to)
		return no_memory(r);
	while (i < end) {
		if (r->text.p[i] != '\\') {
			to[n++] = r->text.p[i++];
			continue;
		}
		i += read_escape(r->text, i, &c);
		n += utf8_put(c, to + n);
	}
	*out = (struct str){ (const char *)to, n };
	return true;
}

/* The string whose quote comes next. *inside: between its quotes. */
static bool read_string(struct reader *r, struct span *inside, struct str *value)
{
	size_t from = r->at++, len;
	bool plain = true;
	uint32_t c;

	for (; r->at < r->text.n && r->text.p[r->at] != '"'; r->at += len) {
		uint8_t b = r->text.p[r->at];

		len = 1;
		if (b == '\n' || b == '\r')
			return bad(r, span(r, from, r->at),
				   "this string has no '\"' at its end");
		if (b < 0x20)
			return bad(r, span(r, r->at, r->at + 1),
				   "byte 0x%02x in a string: \\u%04x was expected", b, b);
		if (b != '\\')
			continue;
		plain = false;
		len = read_escape(r->text, r->at, &c);
		if (len == 0)
			return bad(r, span(r, r->at, u64_min(r->at + 2, r->text.n)),
				   "this is no escape of JSON");
	}
	if (r->at == r->text.n)
		return bad(r, span(r, from, from + 1),
			   "this string has no '\"' at its end");
	*inside = span(r, from + 1, r->at++);
	*value = str_at(r, *inside);
	return plain ? true : decode(r, *inside, value);
}

static size_t digits_from(const struct reader *r, size_t at)
{
	while (at < r->text.n && r->text.p[at] >= '0' && r->text.p[at] <= '9')
		at++;
	return at;
}

static bool is_at(const struct reader *r, size_t at, const char *any)
{
	return at < r->text.n && r->text.p[at] && strchr(any, r->text.p[at]);
}

/* The length of the number that comes next; 0: it is none. RFC 8259, 6. */
static size_t number_length(const struct reader *r)
{
	size_t at = r->at + is_at(r, r->at, "-"), end = digits_from(r, at);

	if (end == at || (r->text.p[at] == '0' && end > at + 1))
		return 0;
	if (is_at(r, end, ".")) {
		at = end + 1;
		end = digits_from(r, at);
		if (end == at)
			return 0;
	}
	if (is_at(r, end, "eE")) {
		at = end + 1 + is_at(r, end + 1, "+-");
		end = digits_from(r, at);
		if (end == at)
			return 0;
	}
	return end - r->at;
}

/* ---- values ---- */

static bool read_bare(struct reader *r, struct node *n)
{
	static const struct {
		const char *word;
		enum scalar_type type;
	} words[] = {
		{ "true", SCALAR_BOOL },
		{ "false", SCALAR_BOOL },
		{ "null", SCALAR_NULL },
	};
	size_t len = number_length(r), from = r->at;

	n->type = SCALAR_NUMBER;
	for (size_t i = 0; len == 0 && i < sizeof(words) / sizeof(words[0]); i++) {
		if (!view_eq(r->text, from, words[i].word, strlen(words[i].word)))
			continue;
		len = strlen(words[i].word);
		n->type = words[i].type;
	}
	if (len == 0)
		return unexpected(r, "a value");
	r->at += len;
	if (is_at(r, r->at,
		  "0123456789abcdefghijklmnopqrstuvwxyz"
		  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-\""))
		return bad(r, span(r, from, r->at + 1), "'%s' begins no value of JSON",
			   str_shown(r->a, str_at(r, span(r, from, r->at + 1))));
	n->text_at = span(r, from, r->at);
	n->text = str_at(r, n->text_at);
	return true;
}

/* The value that comes next, as one of n, whose name is known. */
static bool read_value(struct reader *r, struct node *n)
{
	size_t from = r->at;
	uint8_t c = r->text.p[from];

	if (c == '{' || c == '[') {
		n->kind = c == '{' ? NODE_MAP : NODE_LIST;
		n->flow = true;
		n->open_at = span(r, from, ++r->at);
		n->text_at = span(r, r->at, r->at);
		if (r->depth == JSON_DEPTH_MAX) {
			err_set(r->e, ERR_LIMIT,
				"values are nested more than %d deep at byte %zu",
				JSON_DEPTH_MAX, from);
			return false;
		}
		r->open[r->depth++] = (struct open){ .node = n };
		return true;
	}
	n->kind = NODE_SCALAR;
	if (c == '"') {
		n->style = STYLE_DOUBLE;
		n->type = SCALAR_STRING;
		if (!read_string(r, &n->text_at, &n->text))
			return false;
	} else if (!read_bare(r, n)) {
		return false;
	}
	n->open_at = span(r, from, r->at);
	n->whole = span(r, n->whole.off, r->at);
	return true;
}

static struct node *new_node(struct reader *r)
{
	struct node *up = r->depth ? r->open[r->depth - 1].node : NULL, *n;

	if (r->nodes++ == JSON_NODES_MAX) {
		err_set(r->e, ERR_LIMIT, "has more than %d values", JSON_NODES_MAX);
		return NULL;
	}
	n = node_try_new(r->a, up);
	if (!n) {
		no_memory(r);
		return NULL;
	}
	n->syntax = SYNTAX_JSON;
	n->key_at = n->whole = span(r, r->at, r->at);
	return n;
}

static bool read_member(struct reader *r)
{
	struct node *n;
	struct span inside;

	if (r->text.p[r->at] != '"')
		return unexpected(r, "a name in quotes");
	n = new_node(r);
	if (!n || !read_string(r, &inside, &n->key))
		return false;
	n->key_at = span(r, n->whole.off, r->at);
	if (!skip_blanks(r))
		return ended(r);
	if (r->text.p[r->at] != ':')
		return unexpected(r, "a ':' behind the name");
	r->at++;
	return skip_blanks(r) ? read_value(r, n) : ended(r);
}

static bool close_value(struct reader *r)
{
	struct node *n = r->open[--r->depth].node;
	const struct node *twice, *earlier;

	n->text_at = span(r, n->text_at.off, r->at++);
	n->whole = span(r, n->whole.off, r->at);
	if (n->kind != NODE_MAP || r->doubles == JSON_DOUBLES_ALLOWED || !n->first)
		return true;
	if (!node_double(n, r->a, &twice, &earlier))
		return no_memory(r);
	return !twice ||
	       bad(r, twice->key_at, "'%s' is in this object a second time, first in %s",
		   str_shown(r->a, twice->key), line_words(r, earlier->whole.off));
}

/* One step within the innermost object or array. */
static bool read_inside(struct reader *r)
{
	struct open *o = &r->open[r->depth - 1];
	bool map = o->node->kind == NODE_MAP;
	struct node *n;
	uint8_t c;

	if (!skip_blanks(r))
		return ended(r);
	c = r->text.p[r->at];
	if (c == (map ? '}' : ']')) {
		if (o->comma)
			return bad(r, span(r, r->at, r->at + 1),
				   "a ',' stands before this '%c', and nothing between "
				   "them",
				   c);
		return close_value(r);
	}
	if (o->filled) {
		if (c != ',')
			return unexpected(r, map ? "',' or '}'" : "',' or ']'");
		*o = (struct open){ .node = o->node, .comma = true };
		r->at++;
		return true;
	}
	o->comma = false;
	o->filled = true;
	if (map)
		return read_member(r);
	n = new_node(r);
	return n && read_value(r, n);
}

static bool read_document(struct reader *r)
{
	if (!skip_blanks(r))
		return ended(r);
	r->root = new_node(r);
	if (!r->root || !read_value(r, r->root))
		return false;
	while (r->depth) {
		if (!read_inside(r))
			return false;
	}
	if (!skip_blanks(r))
		return true;
	return bad(r, span(r, r->at, r->at + 1),
		   "the text goes on behind its value, whose end is before this");
}

/* ---- the whole text ---- */

/* jansson has the last word. */
static int judge(struct reader *r)
{
	struct json_verdict v;
	size_t from = 0, to;

	json_judge(r->text, r->root, r->a, &v);
	if (v.no_memory)
		return err_set(r->e, ERR_LIMIT, "jansson has no memory for this text");
	if (v.accepted && !v.differs)
		return 0;
	if (v.accepted) {
		bad(r, v.differs->whole,
		    "read differently by jansson and by vmend: not judged further");
		return 0;
	}
	for (unsigned line = 1; line < v.line && from < r->text.n; from++)
		line += r->text.p[from] == '\n';
	to = from;
	while (to < r->text.n && r->text.p[to] != '\n' && r->text.p[to] != '\r')
		to++;
	bad(r, span(r, from, to), "jansson refuses it: %s",
	    str_shown(r->a, str_of(v.why)));
	return 0;
}

int json_read(const struct source *src, struct view text, struct arena *a,
	      enum json_doubles doubles, struct node **root,
	      const struct syntax_error **bad_text, struct err *e)
{
	struct reader r = {
		.src = src, .a = a, .text = text, .e = e, .doubles = doubles
	};
	size_t good = utf8_valid_upto(text);

	*root = NULL;
	*bad_text = NULL;
	if (text.n > JSON_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "has %zu bytes, texts of up to %d are read",
			       text.n, JSON_SIZE_MAX);
	if (good < text.n) {
		bad(&r, span(&r, good, good + 1), "byte 0x%02x is not UTF-8",
		    text.p[good]);
	} else if (view_eq(text, 0, "\xef\xbb\xbf", 3)) {
		bad(&r, span(&r, 0, 3),
		    "a byte order mark begins the text, where JSON has a value");
	} else if (read_document(&r)) {
		if (judge(&r) != 0)
			return -1;
	} else if (!r.bad) {
		return -1;
	}
	*bad_text = r.bad;
	if (!r.bad) {
		node_index(r.root);
		*root = r.root;
	}
	return 0;
}
