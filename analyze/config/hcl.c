/* Bodies of HCL: arguments and blocks.
 * HCL native syntax specification, "Structural Elements".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/hcl.h"
#include "analyze/config/hcl_reader.h"
#include "base/utf8.h"

#include "base/banned.h"

/* ---- tokens ---- */

void hcl_at(struct hcl_reader *r, size_t at)
{
	do {
		r->next = hcl_lex(r->text, at);
		at = r->next.end;
	} while (r->next.kind == HCL_COMMENT);
}

void hcl_take(struct hcl_reader *r)
{
	r->end = r->next.end;
	hcl_at(r, r->end);
}

bool hcl_enter(struct hcl_reader *r)
{
	if (r->depth++ < HCL_DEPTH_MAX)
		return true;
	err_set(r->e, ERR_LIMIT, "is nested more than %d deep at byte %zu", HCL_DEPTH_MAX,
		r->next.at);
	return false;
}

/* ---- saying no ---- */

bool hcl_bad(struct hcl_reader *r, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->bad = arena_new(r->a, struct syntax_error);
	*r->bad = (struct syntax_error){ .at = at, .what = arena_vprintf(r->a, fmt, ap) };
	va_end(ap);
	return false;
}

bool hcl_over(struct hcl_reader *r, const char *what)
{
	err_set(r->e, ERR_LIMIT, "%s", what);
	return false;
}

bool hcl_unexpected(struct hcl_reader *r, const char *wanted)
{
	const struct hcl_token *t = hcl_next(r);
	struct span at = hcl_span(r, t->at, t->end);

	switch (t->kind) {
	case HCL_BAD:
		return hcl_bad(r, at, "%s", t->why);
	case HCL_END:
		return hcl_bad(r, at, "%s was expected, and the text ends", wanted);
	case HCL_NEWLINE:
		return hcl_bad(r, at, "%s was expected before the end of the line",
			       wanted);
	case HCL_COMMENT:
	case HCL_NAME:
	case HCL_NUMBER:
	case HCL_STRING:
	case HCL_HEREDOC:
	case HCL_MARK:
		break;
	}
	return hcl_bad(r, at, "%s was expected, not '%s'", wanted,
		       str_shown(r->a, hcl_str(r, at)));
}

/* ---- nodes ---- */

struct node *hcl_node(struct hcl_reader *r, struct node *up)
{
	struct node *n = NULL;

	if (r->nodes++ < HCL_NODES_MAX)
		n = node_try_new(r->a, up);
	if (!n) {
		hcl_over(r, "the tree of this text needs more memory than is allowed");
		return NULL;
	}
	n->syntax = SYNTAX_HCL;
	n->key_at = hcl_span(r, r->next.at, r->next.at);
	return n;
}

bool hcl_text(struct hcl_reader *r, const struct hcl_token *t, struct span *inside,
	      struct str *value)
{
	bool heredoc = t->kind == HCL_HEREDOC;
	bool indented = heredoc && r->text.p[t->at + 2] == '-';
	struct view raw;
	uint8_t *out;

	*inside = heredoc ? hcl_span(r, t->body, t->lines)
			  : hcl_span(r, t->at + 1, t->end - 1);
	*value = hcl_str(r, *inside);
	if (!t->escaped && !indented)
		return true;
	out = arena_try(r->a, inside->len, 1);
	if (!out)
		return hcl_over(
			r, "the values of this text need more memory than is allowed");
	raw = str_bytes(*value);
	value->n = heredoc ? hcl_decode_heredoc(raw, indented, out)
			   : hcl_decode_string(raw, out);
	value->p = (const char *)out;
	return true;
}

/* ---- bodies ---- */

static bool body(struct hcl_reader *r, struct node *n);

static bool line_ends(struct hcl_reader *r)
{
	const struct hcl_token *t = hcl_next(r);

	if (t->kind == HCL_END || t->kind == HCL_NEWLINE)
		return true;
	return hcl_unexpected(r, "the end of the line");
}

static bool argument(struct hcl_reader *r, struct node *n)
{
	hcl_take(r);
	return hcl_value(r, n);
}

static bool label(struct hcl_reader *r, struct node *block)
{
	struct hcl_token t = *hcl_next(r);
	struct node *n;

	if (t.templated)
		return hcl_bad(r, hcl_span(r, t.at, t.end),
			       "a block's label cannot be a template");
	n = hcl_node(r, block);
	if (!n)
		return false;
	n->kind = NODE_LABEL;
	n->whole = n->open_at = n->text_at = hcl_span(r, t.at, t.end);
	n->text = hcl_str(r, n->text_at);
	if (t.kind == HCL_STRING) {
		n->style = STYLE_DOUBLE;
		if (!hcl_text(r, &t, &n->text_at, &n->text))
			return false;
	}
	hcl_take(r);
	return true;
}

/* { name = value } on one line. */
static bool single_line(struct hcl_reader *r, struct node *block)
{
	struct node *n;

	if (hcl_sees(r, '}'))
		return true;
	if (hcl_next(r)->kind != HCL_NAME)
		return hcl_unexpected(r, "an argument or '}'");
	n = hcl_node(r, block);
	if (!n)
		return false;
	n->key_at = hcl_span(r, r->next.at, r->next.end);
	n->key = hcl_str(r, n->key_at);
	hcl_take(r);
	if (!hcl_sees(r, '='))
		return hcl_unexpected(r, "'=' (on the line of its block's name there is "
					 "one argument, and no block)");
	if (!argument(r, n))
		return false;
	return hcl_sees(r, '}') || hcl_unexpected(r, "'}'");
}

static bool block(struct hcl_reader *r, struct node *n)
{
	n->kind = NODE_MAP;
	n->is_block = true;
	n->flow = true;
	while (hcl_next(r)->kind == HCL_STRING || hcl_next(r)->kind == HCL_NAME) {
		if (!label(r, n))
			return false;
	}
	if (!hcl_sees(r, '{'))
		return hcl_unexpected(r, n->first ? "'{', or a label,"
						  : "'=', or '{', or a label,");
	n->open_at = hcl_span(r, r->next.at, r->next.end);
	hcl_take(r);
	if (!hcl_enter(r))
		return false;
	if (hcl_next(r)->kind == HCL_NEWLINE ? !body(r, n) : !single_line(r, n))
		return false;
	hcl_leave(r);
	n->text_at = hcl_span(r, span_end(n->open_at), r->next.at);
	hcl_take(r);
	n->whole = hcl_span(r, n->key_at.off, r->end);
	return true;
}

static bool item(struct hcl_reader *r, struct node *up)
{
	struct node *n = hcl_node(r, up);

	if (!n)
		return false;
	n->key_at = hcl_span(r, r->next.at, r->next.end);
	n->key = hcl_str(r, n->key_at);
	hcl_take(r);
	if (!(hcl_sees(r, '=') ? argument(r, n) : block(r, n)))
		return false;
	return line_ends(r);
}

static bool no_doubles(struct hcl_reader *r, const struct node *n)
{
	const struct node *later, *earlier = NULL;
	unsigned line = 1;

	if (!n->first)
		return true;
	if (!node_double(n, r->a, &later, &earlier))
		return hcl_over(
			r, "the tree of this text needs more memory than is allowed");
	if (!later)
		return true;
	for (size_t i = 0; i < earlier->whole.off; i++)
		line += r->text.p[i] == '\n';
	return hcl_bad(r, later->key_at,
		       "'%s' is set a second time in this block, first in line %u",
		       str_shown(r->a, later->key), line);
}

/* To the end of the text, or to the '}' of n's block, which is left. */
static bool body(struct hcl_reader *r, struct node *n)
{
	for (;;) {
		const struct hcl_token *t = hcl_next(r);
		struct span at = hcl_span(r, t->at, t->end);

		if (t->kind == HCL_NEWLINE) {
			hcl_take(r);
		} else if (t->kind == HCL_NAME) {
			if (!item(r, n))
				return false;
		} else if (t->kind == HCL_END) {
			return n->up ? hcl_bad(r, n->open_at,
					       "this block has no '}' at its end")
				     : no_doubles(r, n);
		} else if (hcl_sees(r, '}')) {
			return n->up ? no_doubles(r, n)
				     : hcl_bad(r, at, "this '}' closes nothing");
		} else if (t->kind == HCL_STRING) {
			return hcl_bad(r, at,
				       "the name of an argument or block stands without "
				       "quotes");
		} else {
			return hcl_unexpected(r, "an argument or a block");
		}
	}
}

/* ---- the whole text ---- */

/* Behind a byte order mark, which HCL passes over. */
static size_t behind_mark(struct view text)
{
	return view_eq(text, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
}

static bool read_document(struct hcl_reader *r, struct node **root)
{
	size_t good = utf8_valid_upto(r->text);

	if (good < r->text.n)
		return hcl_bad(r, hcl_span(r, good, good + 1), "byte 0x%02x is not UTF-8",
			       r->text.p[good]);
	hcl_at(r, behind_mark(r->text));
	*root = hcl_node(r, NULL);
	if (!*root)
		return false;
	(*root)->kind = NODE_MAP;
	(*root)->key_at = (*root)->open_at = hcl_span(r, 0, 0);
	(*root)->whole = (*root)->text_at = hcl_span(r, 0, r->text.n);
	return body(r, *root);
}

int hcl_read(const struct source *src, struct view text, struct arena *a,
	     struct node **root, const struct syntax_error **bad, struct err *e)
{
	struct hcl_reader r = { .src = src, .a = a, .text = text, .e = e };
	bool ok;

	*root = NULL;
	*bad = NULL;
	if (text.n > HCL_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "has %zu bytes, texts of up to %d are read",
			       text.n, HCL_SIZE_MAX);
	ok = read_document(&r, root);
	*bad = r.bad;
	if (ok)
		node_index(*root);
	else
		*root = NULL;
	return ok || r.bad ? 0 : -1;
}

/* ---- a look at the beginning ---- */

/* Behind what opens with the token t, or to the end of the line of an argument. */
static struct hcl_token skip(struct view head, struct hcl_token t, bool line)
{
	unsigned open = 0;

	for (; t.kind != HCL_END && t.kind != HCL_BAD; t = hcl_lex(head, t.end)) {
		if (t.kind == HCL_MARK && strchr("([{", (int)t.op))
			open++;
		if (t.kind == HCL_MARK && strchr(")]}", (int)t.op) && open-- <= 1 &&
		    !line)
			break;
		if (t.kind == HCL_NEWLINE && line && (int)open <= 0)
			break;
	}
	return t;
}

static struct str text_of(struct view head, const struct hcl_token *t)
{
	size_t quote = t->kind == HCL_STRING;

	return str_view(view_cut(head, t->at + quote, t->end - t->at - 2 * quote));
}

bool hcl_skim(struct view head, bool (*see)(const struct hcl_glance *g, void *data),
	      void *data)
{
	struct hcl_token t = hcl_lex(head, behind_mark(head));

	for (; t.kind != HCL_END && t.kind != HCL_BAD; t = hcl_lex(head, t.end)) {
		struct hcl_glance g = { 0 };

		if (t.kind == HCL_NEWLINE || t.kind == HCL_COMMENT)
			continue;
		if (t.kind != HCL_NAME)
			return false;
		g.name = text_of(head, &t);
		t = hcl_lex(head, t.end);
		while (t.kind == HCL_STRING || t.kind == HCL_NAME) {
			if (g.label.n == 0)
				g.label = text_of(head, &t);
			t = hcl_lex(head, t.end);
		}
		g.block = t.kind == HCL_MARK && t.op == '{';
		if (!g.block && !(t.kind == HCL_MARK && t.op == '=' && g.label.n == 0))
			return false;
		if (see(&g, data))
			return true;
		t = skip(head, t, !g.block);
		if (t.kind == HCL_END || t.kind == HCL_BAD)
			return false;
	}
	return false;
}
