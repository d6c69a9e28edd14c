/* Expressions: what means itself becomes nodes, what must be evaluated is checked and
 * becomes one opaque node.
 * HCL native syntax specification, "Expressions".
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/hcl_reader.h"

#include "base/banned.h"

static bool expression(struct hcl_reader *r, struct node *n);

static void value_spans(const struct hcl_reader *r, struct node *n, size_t from)
{
	n->open_at = n->text_at = hcl_span(r, from, r->end);
	n->text = hcl_str(r, n->text_at);
}

static void make_opaque(const struct hcl_reader *r, struct node *n, size_t from)
{
	n->kind = NODE_OPAQUE;
	n->type = SCALAR_STRING;
	n->style = STYLE_PLAIN;
	n->flow = false;
	n->first = n->last = NULL;
	value_spans(r, n, from);
}

/* An operand that only has to be right. */
static bool pass(struct hcl_reader *r)
{
	struct node scratch = { .syntax = SYNTAX_HCL };

	return expression(r, &scratch);
}

static bool expect(struct hcl_reader *r, unsigned op, const char *wanted)
{
	if (!hcl_sees(r, op))
		return hcl_unexpected(r, wanted);
	hcl_take(r);
	return true;
}

/* ---- brackets ---- */

/* [for ...] and {for ...}, to the closing bracket: only balanced. */
static bool pass_for(struct hcl_reader *r, size_t from)
{
	unsigned open = 1;

	while (open) {
		const struct hcl_token *t = hcl_next(r);

		if (t->kind == HCL_END)
			return hcl_bad(r, hcl_span(r, from, from + 1),
				       "this bracket is not closed");
		if (t->kind == HCL_BAD)
			return hcl_unexpected(r, "a value");
		if (t->kind == HCL_MARK && strchr("([{", (int)t->op))
			open++;
		if (t->kind == HCL_MARK && strchr(")]}", (int)t->op))
			open--;
		hcl_take(r);
	}
	return true;
}

static bool is_for(struct hcl_reader *r)
{
	const struct hcl_token *t = hcl_next(r);

	return t->kind == HCL_NAME &&
	       str_is(hcl_str(r, hcl_span(r, t->at, t->end)), "for");
}

static bool tuple(struct hcl_reader *r, struct node *n, size_t from)
{
	struct node *item;

	if (is_for(r)) {
		if (!pass_for(r, from))
			return false;
		make_opaque(r, n, from);
		return true;
	}
	n->kind = NODE_LIST;
	n->flow = true;
	n->open_at = hcl_span(r, from, from + 1);
	while (!hcl_sees(r, ']')) {
		item = hcl_node(r, n);
		if (!item || !hcl_value(r, item))
			return false;
		item->key_at = hcl_span(r, item->open_at.off, item->open_at.off);
		if (hcl_sees(r, ','))
			hcl_take(r);
		else if (!hcl_sees(r, ']'))
			return hcl_unexpected(r, "',' or ']'");
	}
	n->text_at = hcl_span(r, from + 1, hcl_next(r)->at);
	return true;
}

/* The name of a member of an object. *known: the text itself decides it. */
static bool object_key(struct hcl_reader *r, struct node *item, bool *known)
{
	struct hcl_token t = *hcl_next(r);
	struct node key = { .syntax = SYNTAX_HCL };
	size_t from = t.at;

	if (!expression(r, &key))
		return false;
	item->key_at = hcl_span(r, from, r->end);
	*known = key.kind == NODE_SCALAR || (t.kind == HCL_NAME && r->end == t.end);
	if (*known)
		item->key = key.text;
	return true;
}

static bool object_item(struct hcl_reader *r, struct node *n, bool *known)
{
	struct node *item = hcl_node(r, n);
	bool plain = false;

	if (!item || !object_key(r, item, &plain))
		return false;
	*known = *known && plain;
	if (!hcl_sees(r, '=') && !hcl_sees(r, ':'))
		return hcl_unexpected(r, "'=' or ':' behind the name");
	hcl_take(r);
	if (!hcl_value(r, item))
		return false;
	if (hcl_sees(r, ','))
		hcl_take(r);
	else if (hcl_next(r)->kind != HCL_NEWLINE && !hcl_sees(r, '}'))
		return hcl_unexpected(r, "',', a new line or '}'");
	return true;
}

static bool object(struct hcl_reader *r, struct node *n, size_t from)
{
	bool known = true, lines = !r->across;

	if (is_for(r)) {
		if (!pass_for(r, from))
			return false;
		make_opaque(r, n, from);
		return true;
	}
	n->kind = NODE_MAP;
	n->flow = true;
	n->open_at = hcl_span(r, from, from + 1);
	r->across = false;
	for (;;) {
		while (hcl_next(r)->kind == HCL_NEWLINE)
			hcl_take(r);
		if (hcl_sees(r, '}'))
			break;
		if (hcl_next(r)->kind == HCL_END)
			return hcl_bad(r, n->open_at,
				       "this object has no '}' at its end");
		if (!object_item(r, n, &known))
			return false;
	}
	n->text_at = hcl_span(r, from + 1, hcl_next(r)->at);
	r->across = !lines;
	hcl_take(r);
	if (!known)
		make_opaque(r, n, from);
	return true;
}

/* What opens with op at `from`, to what closes it; line ends within mean nothing. */
static bool bracketed(struct hcl_reader *r, struct node *n, size_t from, unsigned op)
{
	bool across = r->across, ok;

	r->across = true;
	hcl_take(r);
	if (op == '{') {
		/* The first token may have been a line end. */
		if (is_for(r)) {
			ok = object(r, n, from);
			r->across = across;
			return ok;
		}
		r->across = across;
		return object(r, n, from);
	}
	ok = op == '[' ? tuple(r, n, from) : pass(r);
	if (ok && n->kind != NODE_OPAQUE && op == '[')
		ok = hcl_sees(r, ']') || hcl_unexpected(r, "']'");
	else if (ok && op == '(')
		ok = hcl_sees(r, ')') || hcl_unexpected(r, "')'");
	r->across = across;
	if (ok && !(op == '[' && n->kind == NODE_OPAQUE))
		hcl_take(r);
	if (ok && op == '(')
		make_opaque(r, n, from);
	return ok;
}

/* ---- templates ---- */

/* The code of one ${...} is an expression. */
static bool pass_code(struct hcl_reader *r, struct view code)
{
	struct hcl_token next = r->next;
	struct view text = r->text;
	bool across = r->across, ok;
	size_t end = r->end;

	r->text.n = (size_t)(code.p + code.n - text.p);
	r->across = true;
	hcl_at(r, (size_t)(code.p - text.p));
	ok = pass(r);
	if (ok && hcl_next(r)->kind != HCL_END)
		ok = hcl_unexpected(r, "'}' of the template");
	r->text = text;
	r->next = next;
	r->across = across;
	r->end = end;
	return ok;
}

static bool pass_template(struct hcl_reader *r, const struct hcl_token *t)
{
	bool heredoc = t->kind == HCL_HEREDOC;
	struct view inside = heredoc ? view_cut(r->text, t->body, t->lines - t->body)
				     : view_cut(r->text, t->at + 1, t->end - t->at - 2);
	struct hcl_piece piece;
	size_t from = 0;

	/* %{...} is another language: its brackets are balanced, and that is all. */
	while (hcl_piece(inside, heredoc, &from, &piece)) {
		if (piece.is_code && !piece.strange && !pass_code(r, piece.at))
			return false;
	}
	return true;
}

/* ---- operands ---- */

static bool literal(struct hcl_reader *r, struct node *n)
{
	struct hcl_token t = *hcl_next(r);
	bool templated = t.templated;

	if (templated && !pass_template(r, &t))
		return false;
	n->kind = NODE_SCALAR;
	n->style = t.kind == HCL_STRING    ? STYLE_DOUBLE
		   : t.kind == HCL_HEREDOC ? STYLE_LITERAL
					   : STYLE_PLAIN;
	if (t.kind != HCL_NUMBER && !templated && !hcl_text(r, &t, &n->text_at, &n->text))
		return false;
	hcl_take(r);
	if (templated) {
		make_opaque(r, n, t.at);
	} else if (t.kind == HCL_NUMBER) {
		n->type = SCALAR_NUMBER;
		value_spans(r, n, t.at);
	} else {
		n->type = SCALAR_STRING;
		n->open_at = hcl_span(r, t.at, t.end);
	}
	return true;
}

/* The arguments of a call, behind its '('. */
static bool arguments(struct hcl_reader *r)
{
	bool across = r->across;

	r->across = true;
	hcl_take(r);
	while (!hcl_sees(r, ')')) {
		if (!pass(r))
			return false;
		if (hcl_sees(r, HCL_OP3('.', '.', '.')))
			hcl_take(r);
		if (hcl_sees(r, ','))
			hcl_take(r);
		else if (!hcl_sees(r, ')'))
			return hcl_unexpected(r, "',' or ')'");
	}
	r->across = across;
	hcl_take(r);
	return true;
}

static bool name(struct hcl_reader *r, struct node *n)
{
	struct hcl_token t = *hcl_next(r);
	struct str word = hcl_str(r, hcl_span(r, t.at, t.end));
	bool is_bool = str_is(word, "true") || str_is(word, "false");

	hcl_take(r);
	if (is_bool || str_is(word, "null")) {
		n->kind = NODE_SCALAR;
		n->type = is_bool ? SCALAR_BOOL : SCALAR_NULL;
		n->style = STYLE_PLAIN;
		value_spans(r, n, t.at);
		return true;
	}
	while (hcl_sees(r, HCL_OP2(':', ':'))) {
		hcl_take(r);
		if (hcl_next(r)->kind != HCL_NAME)
			return hcl_unexpected(r, "a name");
		hcl_take(r);
	}
	if (hcl_sees(r, '(') && !arguments(r))
		return false;
	make_opaque(r, n, t.at);
	return true;
}

static bool operand(struct hcl_reader *r, struct node *n)
{
	struct hcl_token t = *hcl_next(r);

	switch (t.kind) {
	case HCL_NUMBER:
	case HCL_STRING:
	case HCL_HEREDOC:
		return literal(r, n);
	case HCL_NAME:
		return name(r, n);
	case HCL_MARK:
		if (t.op == '(' || t.op == '[' || t.op == '{')
			return bracketed(r, n, t.at, t.op);
		break;
	case HCL_END:
	case HCL_NEWLINE:
	case HCL_COMMENT:
	case HCL_BAD:
		break;
	}
	return hcl_unexpected(r, "a value");
}

/* .name, .0, .*, [index], [*] */
static bool traversal(struct hcl_reader *r)
{
	bool across = r->across, ok;

	if (hcl_sees(r, '.')) {
		hcl_take(r);
		if (hcl_next(r)->kind != HCL_NAME && hcl_next(r)->kind != HCL_NUMBER &&
		    !hcl_sees(r, '*'))
			return hcl_unexpected(r, "a name behind '.'");
		hcl_take(r);
		return true;
	}
	r->across = true;
	hcl_take(r);
	if (hcl_sees(r, '*')) {
		hcl_take(r);
		ok = true;
	} else {
		ok = pass(r);
	}
	if (ok && !hcl_sees(r, ']'))
		ok = hcl_unexpected(r, "']'");
	r->across = across;
	if (ok)
		hcl_take(r);
	return ok;
}

/* Signs, the operand, and what is taken out of it. *plain: nothing but a literal. */
static bool term(struct hcl_reader *r, struct node *n, bool *plain)
{
	size_t from = hcl_next(r)->at;
	unsigned signs = 0;
	bool minus = false;

	while (hcl_sees(r, '-') || hcl_sees(r, '!')) {
		minus = hcl_sees(r, '-') && signs++ == 0;
		signs += !minus;
		hcl_take(r);
	}
	if (!operand(r, n))
		return false;
	*plain = signs == 0;
	if (minus && n->kind == NODE_SCALAR && n->type == SCALAR_NUMBER) {
		value_spans(r, n, from);
		*plain = true;
	}
	while (hcl_sees(r, '.') || hcl_sees(r, '[')) {
		*plain = false;
		if (!traversal(r))
			return false;
	}
	return true;
}

static bool is_operator(struct hcl_reader *r)
{
	const struct hcl_token *t = hcl_next(r);

	if (t->kind != HCL_MARK)
		return false;
	switch (t->op) {
	case '+':
	case '-':
	case '*':
	case '/':
	case '%':
	case '<':
	case '>':
	case HCL_OP2('=', '='):
	case HCL_OP2('!', '='):
	case HCL_OP2('<', '='):
	case HCL_OP2('>', '='):
	case HCL_OP2('&', '&'):
	case HCL_OP2('|', '|'):
		return true;
	default:
		return false;
	}
}

static bool expression(struct hcl_reader *r, struct node *n)
{
	size_t from = hcl_next(r)->at;
	bool plain, ignored;

	if (!hcl_enter(r) || !term(r, n, &plain))
		return false;
	while (is_operator(r)) {
		struct node scratch = { .syntax = SYNTAX_HCL };

		plain = false;
		hcl_take(r);
		if (!term(r, &scratch, &ignored))
			return false;
	}
	if (hcl_sees(r, '?')) {
		plain = false;
		hcl_take(r);
		if (!pass(r) || !expect(r, ':', "':' of a conditional") || !pass(r))
			return false;
	}
	if (!plain)
		make_opaque(r, n, from);
	hcl_leave(r);
	return true;
}

bool hcl_value(struct hcl_reader *r, struct node *n)
{
	size_t from = hcl_next(r)->at;

	if (n->whole.len == 0)
		n->whole = hcl_span(r, from, from);
	if (!expression(r, n))
		return false;
	n->whole = hcl_span(r, n->key_at.len ? n->key_at.off : from, r->end);
	return true;
}
