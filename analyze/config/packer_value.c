/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/packer_value.h"
#include "analyze/config/hcl_lex.h"

#include "base/banned.h"

enum {
	DEPTH_MAX = 32,
	TEXT_MAX = 4096, /* bytes of what is put together: nobody here asks for more */
};

enum value_kind {
	VALUE_UNKNOWN,
	VALUE_SCALAR,
	VALUE_NODE, /* a map or list that a text holds */
};

struct value {
	enum value_kind kind;
	enum scalar_type type;
	struct str text;
	const struct node *node;
	enum packer_syntax syntax; /* of the node */
};

static const struct value unknown;

/* A walk over the tokens of one expression. */
struct cursor {
	struct packer_scope *s;
	struct view text;
	struct hcl_token t; /* comes next */
};

static struct value eval_node(struct packer_scope *s, const struct node *n,
			      enum packer_syntax syntax);
static struct value condition(struct cursor *c);

static struct value scalar(enum scalar_type type, struct str text)
{
	return (struct value){ .kind = VALUE_SCALAR, .type = type, .text = text };
}

static struct value boolean(bool b)
{
	return scalar(SCALAR_BOOL, b ? STR("true") : STR("false"));
}

static bool is_bool(const struct value *v, bool *b)
{
	*b = str_is(v->text, "true");
	return v->kind == VALUE_SCALAR && (*b || str_is(v->text, "false"));
}

static bool is_null(const struct value *v)
{
	return v->kind == VALUE_SCALAR && v->type == SCALAR_NULL;
}

/* ---- names ---- */

static const struct packer_name *find(const struct packer_name *v, size_t n,
				      struct str name)
{
	for (size_t i = n; i-- > 0;) {
		if (str_eq(v[i].name, name))
			return &v[i];
	}
	return NULL;
}

/* Files in JSON come behind those in HCL. */
static const struct packer_name *find_given(const struct packer_module *m,
					    struct str name)
{
	const struct packer_name *found = find(m->given.v, m->given.n, name);

	for (size_t i = m->given.n; i-- > 0;) {
		if (m->given.v[i].file->syntax == PACKER_JSON &&
		    str_eq(m->given.v[i].name, name))
			return &m->given.v[i];
	}
	return found;
}

static struct value value_of_name(struct packer_scope *s, bool local, struct str name)
{
	const struct packer_module *m = s->m;
	const struct packer_name *found =
		local ? find(m->locals.v, m->locals.n, name)
		      : find(m->variables.v, m->variables.n, name);
	const struct packer_name *given = local || !found ? NULL : find_given(m, name);
	const struct packer_name *told =
		local || !found ? NULL : find(m->told.v, m->told.n, name);
	struct value v = unknown;

	if (told || given)
		found = told ? told : given;
	if (!s->first.name.p)
		s->first = (struct packer_asked){ local, name,
						  found ? found->file->name : NULL };
	if (!found || !found->value || s->depth == DEPTH_MAX)
		return unknown;
	s->depth++;
	v = eval_node(s, found->value, found->file->syntax);
	s->depth--;
	/* A variable without a value is one that must be given. */
	return !local && is_null(&v) && found->file->syntax == PACKER_LEGACY ? unknown
									     : v;
}

/* ---- templates ---- */

static struct value eval_text(struct packer_scope *s, struct str text)
{
	struct cursor c = { .s = s, .text = str_bytes(text) };
	struct value v;

	c.t = hcl_lex(c.text, 0);
	v = condition(&c);
	while (c.t.kind == HCL_NEWLINE || c.t.kind == HCL_COMMENT)
		c.t = hcl_lex(c.text, c.t.end);
	return c.t.kind == HCL_END ? v : unknown;
}

/* raw: as it stands in the text. */
static bool add_text(struct buf *b, struct view raw, bool heredoc, struct arena *a)
{
	uint8_t *out = raw.n <= TEXT_MAX ? arena_try(a, raw.n, 1) : NULL;

	if (!out)
		return false;
	buf_add(b, (struct str){ (const char *)out,
				 heredoc ? hcl_decode_heredoc(raw, false, out)
					 : hcl_decode_string(raw, out) });
	return true;
}

/* What b holds, as a value; b is freed. */
static struct value kept(struct buf *b, struct arena *a)
{
	uint8_t *out = b->n <= TEXT_MAX ? arena_try(a, b->n, 1) : NULL;
	struct value v = unknown;

	if (out) {
		if (b->n)
			memcpy(out, b->p, b->n);
		v = scalar(SCALAR_STRING, (struct str){ (const char *)out, b->n });
	}
	buf_free(b);
	return v;
}

/* A template that is nothing but one ${...} is that value; else it is a string. */
static struct value eval_template(struct packer_scope *s, struct view inside,
				  bool heredoc)
{
	struct hcl_piece p;
	struct buf b = { 0 };
	struct value v = unknown;
	size_t from = 0;

	while (hcl_piece(inside, heredoc, &from, &p)) {
		if (p.is_code) {
			v = p.strange ? unknown : eval_text(s, str_view(p.at));
			if (from == inside.n && p.at.p == inside.p + 2) {
				buf_free(&b);
				return v;
			}
		}
		if (p.is_code ? v.kind != VALUE_SCALAR || is_null(&v)
			      : !add_text(&b, p.at, heredoc, s->a)) {
			buf_free(&b);
			return unknown;
		}
		if (p.is_code)
			buf_add(&b, v.text);
		if (b.n > TEXT_MAX)
			break;
	}
	buf_add(&b, STR(""));
	return kept(&b, s->a);
}

/* ---- expressions ---- */

static void take(struct cursor *c)
{
	do {
		c->t = hcl_lex(c->text, c->t.end);
	} while (c->t.kind == HCL_NEWLINE || c->t.kind == HCL_COMMENT);
}

static bool sees(const struct cursor *c, unsigned op)
{
	return c->t.kind == HCL_MARK && c->t.op == op;
}

static struct str word(const struct cursor *c)
{
	return str_view(view_cut(c->text, c->t.at, c->t.end - c->t.at));
}

/* Behind all that is in brackets, whose opening one comes next. */
static void pass_brackets(struct cursor *c)
{
	unsigned open = 0;

	do {
		if (c->t.kind == HCL_END || c->t.kind == HCL_BAD)
			return;
		if (c->t.kind == HCL_MARK && strchr("([{", (int)c->t.op))
			open++;
		if (c->t.kind == HCL_MARK && strchr(")]}", (int)c->t.op))
			open--;
		take(c);
	} while (open);
}

static struct value string(struct cursor *c)
{
	struct view inside = view_cut(c->text, c->t.at + 1, c->t.end - c->t.at - 2);
	struct value v =
		c->t.kind == HCL_STRING ? eval_template(c->s, inside, false) : unknown;

	take(c);
	return v;
}

/* The member of a map, or the item of a list, that v holds. */
static struct value member(struct packer_scope *s, struct value v, struct str name)
{
	uint64_t index = 0, i = 0;

	if (v.kind != VALUE_NODE)
		return unknown;
	if (v.node->kind == NODE_LIST && !str_u64(name, &index))
		return unknown;
	for_each_node (c, v.node) {
		if (v.node->kind == NODE_LIST ? i++ == index : str_eq(c->key, name))
			return eval_node(s, c, v.syntax);
	}
	return unknown;
}

static struct value traversals(struct cursor *c, struct value v)
{
	for (;;) {
		if (sees(c, '.')) {
			take(c);
			v = c->t.kind == HCL_NAME || c->t.kind == HCL_NUMBER
				    ? member(c->s, v, word(c))
				    : unknown;
			take(c);
		} else if (sees(c, '[')) {
			struct value index;

			take(c);
			if (sees(c, '*')) {
				take(c);
				index = unknown;
			} else {
				index = condition(c);
			}
			v = index.kind == VALUE_SCALAR ? member(c->s, v, index.text)
						       : unknown;
			if (!sees(c, ']'))
				return unknown;
			take(c);
		} else {
			return v;
		}
	}
}

static struct str change_case(struct str text, bool upper, struct arena *a)
{
	char *out = arena_str(a, text);

	for (size_t i = 0; i < text.n; i++) {
		if (upper && out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - 'a' + 'A');
		if (!upper && out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] - 'A' + 'a');
	}
	return (struct str){ out, text.n };
}

enum { ARGUMENTS_MAX = 8 };

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((uint8_t)s.p[i] >= 0x80)
			return false;
	}
	return true;
}

/* The few that templates use where it matters here. Others are unknown. */
static struct value call(struct cursor *c, struct str name, const struct value *v,
			 size_t n)
{
	struct value found;

	if (n == 1 && v[0].kind == VALUE_SCALAR && !is_null(&v[0]) &&
	    v[0].text.n <= TEXT_MAX) {
		if ((str_is(name, "lower") || str_is(name, "upper")) &&
		    is_ascii(v[0].text))
			return scalar(
				SCALAR_STRING,
				change_case(v[0].text, str_is(name, "upper"), c->s->a));
		if (str_is(name, "trimspace"))
			return scalar(SCALAR_STRING, str_trim(v[0].text));
		if (str_is(name, "tostring"))
			return scalar(SCALAR_STRING, v[0].text);
	}
	if (str_is(name, "coalesce")) {
		for (size_t i = 0; i < n && v[i].kind == VALUE_SCALAR; i++) {
			if (!is_null(&v[i]) && v[i].text.n)
				return v[i];
		}
	}
	if (str_is(name, "lookup") && n >= 2 && v[1].kind == VALUE_SCALAR &&
	    v[0].kind == VALUE_NODE && v[0].node->kind == NODE_MAP) {
		if (!node_child(v[0].node, arena_str(c->s->a, v[1].text)))
			return n == 3 ? v[2] : unknown;
		found = member(c->s, v[0], v[1].text);
		return found;
	}
	return unknown;
}

static struct value arguments(struct cursor *c, struct str name)
{
	struct value v[ARGUMENTS_MAX];
	size_t n = 0;
	bool known = true;

	take(c);
	while (!sees(c, ')')) {
		struct value arg = condition(c);

		if (n < ARGUMENTS_MAX)
			v[n++] = arg;
		else
			known = false;
		if (sees(c, HCL_OP3('.', '.', '.'))) {
			known = false;
			take(c);
		}
		if (sees(c, ','))
			take(c);
		else if (!sees(c, ')'))
			return unknown;
	}
	take(c);
	return known ? call(c, name, v, n) : unknown;
}

static struct value named(struct cursor *c)
{
	struct str first = word(c), second;
	bool variable = str_is(first, "var");

	take(c);
	if (str_is(first, "true") || str_is(first, "false"))
		return scalar(SCALAR_BOOL, first);
	if (str_is(first, "null"))
		return scalar(SCALAR_NULL, first);
	if (sees(c, '('))
		return arguments(c, first);
	if ((!variable && !str_is(first, "local")) || !sees(c, '.'))
		return unknown;
	take(c);
	if (c->t.kind != HCL_NAME)
		return unknown;
	second = word(c);
	take(c);
	return value_of_name(c->s, !variable, second);
}

static struct value operand(struct cursor *c)
{
	struct value v = unknown;

	switch (c->t.kind) {
	case HCL_NUMBER:
		v = scalar(SCALAR_NUMBER, word(c));
		take(c);
		return v;
	case HCL_STRING:
	case HCL_HEREDOC:
		return string(c);
	case HCL_NAME:
		return named(c);
	case HCL_MARK:
		if (sees(c, '(')) {
			take(c);
			v = condition(c);
			if (!sees(c, ')'))
				return unknown;
			take(c);
			return v;
		}
		if (sees(c, '[') || sees(c, '{'))
			pass_brackets(c);
		return v;
	case HCL_END:
	case HCL_NEWLINE:
	case HCL_COMMENT:
	case HCL_BAD:
		break;
	}
	return v;
}

static struct value term(struct cursor *c)
{
	struct value v;
	bool b;

	if (sees(c, '!')) {
		take(c);
		v = term(c);
		return is_bool(&v, &b) ? boolean(!b) : unknown;
	}
	if (sees(c, '-')) {
		take(c);
		(void)traversals(c, operand(c));
		return unknown;
	}
	return traversals(c, operand(c));
}

/* ||, &&, then == and !=, then all others, whose results nobody here asks for. */
static int strength(const struct cursor *c)
{
	if (c->t.kind != HCL_MARK)
		return 0;
	switch (c->t.op) {
	case HCL_OP2('|', '|'):
		return 1;
	case HCL_OP2('&', '&'):
		return 2;
	case HCL_OP2('=', '='):
	case HCL_OP2('!', '='):
		return 3;
	case '<':
	case '>':
	case HCL_OP2('<', '='):
	case HCL_OP2('>', '='):
		return 4;
	case '+':
	case '-':
	case '*':
	case '/':
	case '%':
		return 5;
	default:
		return 0;
	}
}

/* Of different types they are never equal; numbers may be written in many ways. */
static bool comparable(const struct value *a, const struct value *b)
{
	if (a->kind != VALUE_SCALAR || b->kind != VALUE_SCALAR)
		return false;
	return is_null(a) || is_null(b) ||
	       (a->type == b->type && a->type != SCALAR_NUMBER);
}

static struct value operation(unsigned op, const struct value *a, const struct value *b)
{
	bool x, y, same;

	if (op == HCL_OP2('=', '=') || op == HCL_OP2('!', '=')) {
		if (!comparable(a, b))
			return unknown;
		same = a->type == b->type && str_eq(a->text, b->text);
		return boolean(same == (op == HCL_OP2('=', '=')));
	}
	if (op != HCL_OP2('&', '&') && op != HCL_OP2('|', '|'))
		return unknown;
	/* One side may decide alone. */
	if (is_bool(a, &x) && x == (op == HCL_OP2('|', '|')))
		return boolean(x);
	if (is_bool(b, &y) && y == (op == HCL_OP2('|', '|')))
		return boolean(y);
	return is_bool(a, &x) && is_bool(b, &y) ? boolean(y) : unknown;
}

static struct value operations(struct cursor *c, int least)
{
	struct value v = term(c), right;
	int strong = strength(c);

	while (strong && strong >= least) {
		unsigned op = c->t.op;

		take(c);
		right = operations(c, strong + 1);
		v = operation(op, &v, &right);
		strong = strength(c);
	}
	return v;
}

static struct value either(const struct value *a, const struct value *b)
{
	bool same = a->kind == VALUE_SCALAR && b->kind == VALUE_SCALAR &&
		    a->type == b->type && str_eq(a->text, b->text);

	return same ? *a : unknown;
}

static struct value condition(struct cursor *c)
{
	struct value v, yes, no;
	bool b;

	if (c->s->left == 0 || c->s->depth == DEPTH_MAX) {
		c->t.kind = HCL_BAD;
		return unknown;
	}
	c->s->left--;
	c->s->depth++;
	v = operations(c, 1);
	if (sees(c, '?')) {
		take(c);
		yes = condition(c);
		if (sees(c, ':'))
			take(c);
		no = condition(c);
		v = is_bool(&v, &b) ? (b ? yes : no) : either(&yes, &no);
	}
	c->s->depth--;
	return v;
}

/* ---- legacy templates ---- */

/* The name in {{user `x`}}; false: it is something else. */
static bool user_variable(struct str code, struct str *name)
{
	code = str_trim(code);
	if (!str_starts(code, "user"))
		return false;
	code = str_trim((struct str){ code.p + 4, code.n - 4 });
	if (code.n < 2 || code.p[0] != code.p[code.n - 1] ||
	    (code.p[0] != '`' && code.p[0] != '"'))
		return false;
	*name = (struct str){ code.p + 1, code.n - 2 };
	return !memchr(name->p, code.p[0], name->n);
}

static size_t seek(struct str s, size_t from, const char *two)
{
	for (; from + 1 < s.n; from++) {
		if (s.p[from] == two[0] && s.p[from + 1] == two[1])
			return from;
	}
	return s.n;
}

static struct value eval_legacy(struct packer_scope *s, struct str text)
{
	struct buf b = { 0 };
	struct value v = scalar(SCALAR_STRING, text);
	size_t at = 0, open = seek(text, 0, "{{"), close;
	struct str name;

	if (open == text.n)
		return v;
	while (open < text.n) {
		close = seek(text, open + 2, "}}");
		v = unknown;
		if (close < text.n &&
		    user_variable((struct str){ text.p + open + 2, close - open - 2 },
				  &name))
			v = value_of_name(s, false, name);
		if (v.kind != VALUE_SCALAR) {
			buf_free(&b);
			return unknown;
		}
		buf_add(&b, (struct str){ text.p + at, open - at });
		buf_add(&b, v.text);
		if (b.n > TEXT_MAX)
			break;
		at = close + 2;
		open = seek(text, at, "{{");
	}
	buf_add(&b, (struct str){ text.p + at, text.n - at });
	return kept(&b, s->a);
}

/* ---- nodes ---- */

static bool is_template(struct str s)
{
	return str_has(s, "${") || str_has(s, "%{");
}

static struct value eval_node(struct packer_scope *s, const struct node *n,
			      enum packer_syntax syntax)
{
	struct value v = { .kind = VALUE_NODE, .node = n, .syntax = syntax };

	if (s->left == 0)
		return unknown;
	s->left--;
	if (n->kind == NODE_MAP || n->kind == NODE_LIST)
		return v;
	if (n->kind == NODE_OPAQUE)
		return eval_text(s, n->text);
	if (n->type == SCALAR_STRING && syntax == PACKER_LEGACY)
		return eval_legacy(s, n->text);
	if (n->type == SCALAR_STRING && syntax == PACKER_JSON && is_template(n->text))
		return eval_template(s, str_bytes(n->text), true);
	return scalar(n->type, n->text);
}

static bool is_literal(const struct node *n, enum packer_syntax syntax)
{
	if (n->kind != NODE_SCALAR)
		return false;
	if (n->type != SCALAR_STRING || syntax == PACKER_HCL)
		return true;
	return syntax == PACKER_JSON ? !is_template(n->text) : !str_has(n->text, "{{");
}

/* What a value that stands elsewhere is said to be from. */
static const char *from(const struct packer_asked *first, struct arena *a)
{
	const char *kind = first->local ? "local" : "var";

	if (!first->name.p)
		return "an expression";
	if (!first->file)
		return arena_printf(a, "%s.%s", kind, str_shown(a, first->name));
	return arena_printf(a, "%s.%s in %s", kind, str_shown(a, first->name),
			    str_shown(a, str_of(first->file)));
}

static void resolve(struct packer_scope *s, struct node *n, enum packer_syntax syntax)
{
	struct value v;

	s->first = (struct packer_asked){ 0 };
	v = eval_node(s, n, syntax);
	if (v.kind == VALUE_SCALAR) {
		/* "$${" in HCL's JSON: an escape of the place itself. */
		n->from = from(&s->first, s->a);
		n->kind = NODE_SCALAR;
		n->type = v.type;
		n->text = v.text;
	} else {
		n->kind = NODE_OPAQUE;
	}
	node_changed(n);
}

void packer_resolve(struct packer_scope *s, struct node *n, enum packer_syntax syntax,
		    unsigned levels)
{
	if (n->kind == NODE_MAP || n->kind == NODE_LIST) {
		for (struct node *c = n->first; c && levels; c = c->next) {
			if (node_is_content(c))
				packer_resolve(s, c, syntax, levels - 1);
		}
	} else if (n->kind != NODE_LABEL && !is_literal(n, syntax)) {
		resolve(s, n, syntax);
	}
}
