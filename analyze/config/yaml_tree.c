/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/yaml_tree.h"
#include "base/utf8.h"
#include "base/banned.h"

/* Columns that the collection around a block scalar is looked for at. */
enum { PARENT_MAX = 256 };

/* ---- places ---- */

static size_t bom_of(struct view text)
{
	return view_eq(text, 0, "\xef\xbb\xbf", 3) ? 3 : 0;
}

static bool is_continuation(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

struct yaml_index yaml_index(struct view text)
{
	struct yaml_index x = { .text = text, .byte = bom_of(text), .ascii = true };

	for (size_t i = x.byte; x.ascii && i < text.n; i++)
		x.ascii = text.p[i] < 0x80;
	return x;
}

size_t yaml_byte_of(struct yaml_index *x, const yaml_mark_t *mark)
{
	size_t bom = bom_of(x->text);

	if (x->ascii)
		return (size_t)u64_min(mark->index + bom, x->text.n);
	while (x->character < mark->index && x->byte < x->text.n) {
		x->byte++;
		while (x->byte < x->text.n && is_continuation(x->text.p[x->byte]))
			x->byte++;
		x->character++;
	}
	while (x->character > mark->index && x->byte > bom) {
		x->byte--;
		while (x->byte > bom && is_continuation(x->text.p[x->byte]))
			x->byte--;
		x->character--;
	}
	return x->byte;
}

static struct span span_of(const struct yaml_tree *t, size_t from, size_t to)
{
	return (struct span){ .src = t->src, .off = from, .len = to - from };
}

static struct span event_span(struct yaml_tree *t, const yaml_event_t *ev)
{
	size_t from = yaml_byte_of(&t->index, &ev->start_mark);
	size_t to = yaml_byte_of(&t->index, &ev->end_mark);

	return span_of(t, from, to < from ? from : to);
}

bool yaml_tree_bad(struct yaml_tree *t, struct span at, const char *fmt, ...)
{
	struct syntax_error *bad = arena_new(t->a, struct syntax_error);
	va_list ap;

	bad->at = at;
	va_start(ap, fmt);
	bad->what = arena_vprintf(t->a, fmt, ap);
	va_end(ap);
	t->bad = bad;
	return false;
}

static bool over(struct yaml_tree *t, struct span at, const char *what)
{
	err_set(t->e, ERR_LIMIT, "%s (line %zu)", what, view_line(t->text, at.off));
	return false;
}

static bool differs(struct yaml_tree *t, struct span at)
{
	return yaml_tree_bad(
		t, at, "read differently by libyaml and by vmend: not judged further");
}

/* ---- putting nodes together ---- */

static struct node *new_node(struct yaml_tree *t, enum node_kind kind, struct span at)
{
	struct node *n = arena_try_new(t->a, struct node);

	if (!n) {
		over(t, at, "has more values than memory is allowed for");
		return NULL;
	}
	n->kind = kind;
	n->syntax = SYNTAX_YAML;
	n->open_at = n->text_at = n->whole = at;
	return n;
}

static void link_node(struct node *up, struct node *n)
{
	n->up = up;
	if (up->last)
		up->last->next = n;
	else
		up->first = n;
	up->last = n;
}

static void make_opaque(const struct yaml_tree *t, struct node *n)
{
	bool block = !n->flow && (n->kind == NODE_MAP || n->kind == NODE_LIST);
	size_t from = (size_t)(block ? n->text_at.off : n->open_at.off);

	n->kind = NODE_OPAQUE;
	n->first = n->last = NULL;
	n->from = NULL;
	n->open_at = n->text_at = span_of(t, from, (size_t)span_end(n->whole));
	n->text = str_view(view_cut(t->text, from, (size_t)n->text_at.len));
}

static bool is_merge(const struct node *key)
{
	return key->kind == NODE_SCALAR && key->style == STYLE_PLAIN && !key->from &&
	       str_is(key->text, "<<");
}

/* A value that the text does not have: where libyaml says the next thing begins, it is
 * rather behind its key, and the colon if there is one. */
static void place_nothing(const struct yaml_tree *t, struct node *n,
			  const struct node *key)
{
	size_t at = (size_t)span_end(key->whole), colon = at;

	if (n->kind != NODE_SCALAR || n->whole.len > 0)
		return;
	while (colon < n->whole.off && strchr(" \t\r\n", t->text.p[colon]))
		colon++;
	if (colon < n->whole.off && t->text.p[colon] == ':')
		at = colon + 1;
	n->open_at = n->text_at = n->whole = span_of(t, at, at);
}

static void take_key(struct yaml_open *o, const struct node *n)
{
	o->key = n;
	o->value_next = true;
	o->complex = n->kind != NODE_SCALAR || n->from;
}

static void take_value(const struct yaml_tree *t, struct yaml_open *o, struct node *n)
{
	const struct node *key = o->key;

	o->value_next = false;
	place_nothing(t, n, key);
	n->key_at = key->whole;
	n->whole = span_of(t, (size_t)key->whole.off, (size_t)span_end(n->whole));
	/* What has no key, and is opaque, may bring members of any name: node_is_open(). */
	if (!o->complex && !is_merge(key))
		n->key = key->text;
	link_node(o->node, n);
}

/* Is it the value of a key that we cannot name, or of a merge? */
static bool is_beyond_us(const struct yaml_open *o)
{
	return o->key && !o->value_next && (o->complex || is_merge(o->key));
}

/* Puts a node where it belongs. A collection is not complete then. */
static bool place(struct yaml_tree *t, struct node *n)
{
	struct yaml_open *o = t->depth ? &t->open[t->depth - 1] : NULL;

	if (!o) {
		t->documents++;
		link_node(t->stream, n);
	} else if (o->node->kind != NODE_MAP) {
		link_node(o->node, n);
	} else if (o->value_next) {
		take_value(t, o, n);
		if (is_beyond_us(o) && n->kind == NODE_SCALAR)
			make_opaque(t, n);
	} else {
		take_key(o, n);
	}
	return true;
}

/* ---- scalars ---- */

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(s, words[i]))
			return true;
	}
	return false;
}

#define IS_ONE_OF(s, list) is_one_of((s), (list), sizeof(list) / sizeof((list)[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Integers in any base, with '_' between digits; decimal fractions, infinities. */
static bool is_number(struct str s)
{
	static const char *const words[] = { ".inf", ".Inf", ".INF",
					     ".nan", ".NaN", ".NAN" };
	bool digits = false, radix;
	size_t i = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		i++;
	if (IS_ONE_OF(((struct str){ s.p + i, s.n - i }), words))
		return true;
	radix = i + 2 < s.n && s.p[i] == '0' && strchr("xob", s.p[i + 1]);
	if (radix) {
		for (i += 2; i < s.n; i++) {
			if (!strchr("0123456789abcdefABCDEF_", s.p[i]) || !s.p[i])
				return false;
		}
		return true;
	}
	for (; i < s.n; i++) {
		char c = s.p[i];

		if (is_digit(c))
			digits = true;
		else if ((c == '-' || c == '+') &&
			 !(s.p[i - 1] == 'e' || s.p[i - 1] == 'E'))
			return false;
		else if ((c == 'e' || c == 'E' || c == '_') && !digits)
			return false;
		else if (!strchr("._eE+-", c) || !c)
			return false;
	}
	return digits;
}

enum scalar_type yaml_plain_type(struct str s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const bools[] = {
		"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes",
		"YES",  "no",   "No",   "NO",    "on",    "On",    "ON",  "off",
		"Off",  "OFF",  "y",    "Y",     "n",     "N",
	};

	if (IS_ONE_OF(s, nulls))
		return SCALAR_NULL;
	if (IS_ONE_OF(s, bools))
		return SCALAR_BOOL;
	return is_number(s) ? SCALAR_NUMBER : SCALAR_STRING;
}

static enum scalar_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return STYLE_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return STYLE_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
		return STYLE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return STYLE_FOLDED;
	case YAML_ANY_SCALAR_STYLE:
	case YAML_PLAIN_SCALAR_STYLE:
		break;
	}
	return STYLE_PLAIN;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* As libyaml has it, an anchor's name ends before anything else. */
static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/* Bytes of one blank, line break, comment, or byte order mark (which libyaml passes over
 * where a line begins); 0: none. */
static size_t separator_at(struct view v, size_t i, bool line_start)
{
	size_t n = 0;

	if (is_blank(v.p[i]))
		return 1;
	if (line_start && view_eq(v, i, "\xef\xbb\xbf", 3))
		return 3;
	if (v.p[i] != '#')
		return yaml_break(v, i);
	while (i + n < v.n && !yaml_break(v, i + n))
		n++;
	return n;
}

/* Behind tag and anchor, and what separates them from the value. */
static size_t skip_properties(struct view text, size_t i, size_t end)
{
	struct view v = { text.p, end };
	size_t n;

	while (i < end && (text.p[i] == '&' || text.p[i] == '!')) {
		bool anchor = text.p[i++] == '&';

		while (i < end && (anchor ? is_word(text.p[i])
					  : !is_blank(text.p[i]) && !yaml_break(v, i)))
			i++;
		for (bool start = false; i < end; i += n) {
			n = separator_at(v, i, start);
			if (!n)
				break;
			start = yaml_break(v, i) > 0;
		}
	}
	return i;
}

static bool same_value(const struct yaml_tree *t, const yaml_event_t *ev)
{
	struct str said = { (const char *)ev->data.scalar.value, ev->data.scalar.length };

	return str_eq(said, (struct str){ t->scratch.p, t->scratch.n });
}

/* The bytes must say what libyaml says. The indentation of a block scalar follows from where
 * it stands, which properties and explicit keys can hide: other columns are tried then. */
static bool locate_value(struct yaml_tree *t, const yaml_event_t *ev,
			 struct yaml_scalar *s)
{
	int parent = t->depth ? t->open[t->depth - 1].column : -1;
	bool block = s->style == STYLE_LITERAL || s->style == STYLE_FOLDED;

	s->parent = parent;
	for (;;) {
		buf_clear(&t->scratch);
		if (yaml_decode(s, &t->scratch, NULL) && same_value(t, ev))
			return true;
		if (!block)
			return false;
		s->parent = s->parent == parent ? -1 : s->parent + 1;
		if (s->parent == parent)
			s->parent++;
		if (s->parent > PARENT_MAX)
			return false;
	}
}

static struct str own_text(struct yaml_tree *t, const struct yaml_scalar *s, bool *ok)
{
	struct view raw = view_cut(t->text, s->content, s->content_end - s->content);
	struct str said = { t->scratch.p, t->scratch.n };
	char *copy;

	*ok = true;
	if (str_eq(str_view(raw), said))
		return str_view(raw);
	copy = arena_try(t->a, said.n + 1, 1);
	if (!copy) {
		*ok = over(t, span_of(t, s->content, s->content_end),
			   "the values of this text need more memory than is allowed");
		return (struct str){ 0 };
	}
	if (said.n)
		memcpy(copy, said.p, said.n);
	return (struct str){ copy, said.n };
}

#define TAG(name) "tag:yaml.org,2002:" name

static void set_type(struct yaml_tree *t, struct node *n, const yaml_event_t *ev)
{
	static const char *const own[] = { TAG("str"),  TAG("int"),  TAG("float"),
					   TAG("bool"), TAG("null"), TAG("timestamp"),
					   "!" };
	const char *tag = (const char *)ev->data.scalar.tag;

	n->type = SCALAR_STRING;
	if (!tag) {
		if (n->style == STYLE_PLAIN)
			n->type = yaml_plain_type(n->text);
	} else if (!IS_ONE_OF(str_of(tag), own)) {
		make_opaque(t, n);
	} else if (strcmp(tag, TAG("bool")) == 0) {
		n->type = SCALAR_BOOL;
	} else if (strcmp(tag, TAG("int")) == 0 || strcmp(tag, TAG("float")) == 0) {
		n->type = SCALAR_NUMBER;
	} else if (strcmp(tag, TAG("null")) == 0) {
		n->type = SCALAR_NULL;
	}
}

static void add_anchor(struct yaml_tree *t, const yaml_char_t *name, const struct node *n)
{
	if (!name || t->nanchors == YAML_ANCHORS_MAX)
		return;
	t->anchors[t->nanchors++] = (struct yaml_anchor){
		.name = str_of(arena_str(t->a, str_of((const char *)name))),
		.node = n && n->kind == NODE_SCALAR ? n : NULL,
	};
}

static bool on_scalar(struct yaml_tree *t, const yaml_event_t *ev)
{
	struct span at = event_span(t, ev);
	struct yaml_scalar s = {
		.text = t->text,
		.from = skip_properties(t->text, (size_t)at.off, (size_t)span_end(at)),
		.to = (size_t)span_end(at),
		.style = style_of(ev->data.scalar.style),
	};
	struct node *n;
	bool ok;

	if (!locate_value(t, ev, &s))
		return differs(t, at);
	if (s.style == STYLE_LITERAL || s.style == STYLE_FOLDED)
		at = span_of(t, (size_t)at.off, s.content_end);
	n = new_node(t, NODE_SCALAR, at);
	if (!n)
		return false;
	n->style = s.style;
	n->text_at = span_of(t, s.content, s.content_end);
	n->text = own_text(t, &s, &ok);
	if (!ok)
		return false;
	/* The indentation of a block's first line is no part of what it says. */
	while ((s.style == STYLE_LITERAL || s.style == STYLE_FOLDED) &&
	       n->lead < n->text_at.len && t->text.p[s.content + n->lead] == ' ')
		n->lead++;
	set_type(t, n, ev);
	add_anchor(t, ev->data.scalar.anchor, n);
	return place(t, n);
}

static bool on_alias(struct yaml_tree *t, const yaml_event_t *ev)
{
	struct str name = str_of((const char *)ev->data.alias.anchor);
	const struct yaml_anchor *anchor = NULL;
	struct node *n = new_node(t, NODE_OPAQUE, event_span(t, ev));

	if (!n)
		return false;
	for (size_t i = t->nanchors; !anchor && i-- > 0;) {
		if (str_eq(t->anchors[i].name, name))
			anchor = &t->anchors[i];
	}
	if (!anchor && t->nanchors < YAML_ANCHORS_MAX)
		return yaml_tree_bad(t, n->whole,
				     "alias '*%s' has no anchor '&%s' before it",
				     str_shown(t->a, name), str_shown(t->a, name));
	n->text = str_view(view_cut(t->text, (size_t)n->whole.off, (size_t)n->whole.len));
	if (anchor && anchor->node) {
		n->kind = NODE_SCALAR;
		n->type = anchor->node->type;
		n->style = anchor->node->style;
		n->from = arena_str(t->a, n->text);
		n->text = anchor->node->text;
	}
	return place(t, n);
}

/* ---- collections ---- */

static bool on_start(struct yaml_tree *t, const yaml_event_t *ev)
{
	bool map = ev->type == YAML_MAPPING_START_EVENT;
	bool flow = map ? ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
			: ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	const yaml_char_t *anchor =
		map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
	struct node *n = new_node(t, map ? NODE_MAP : NODE_LIST, event_span(t, ev));
	bool pair;
	size_t end;

	if (!n)
		return false;
	if (t->depth == YAML_DEPTH_MAX)
		return over(t, n->whole,
			    "has more levels of lists and maps than are read");
	end = (size_t)span_end(n->whole);
	/* "[a: b]" holds a map without brackets. */
	pair = flow && (n->whole.len == 0 || t->text.p[end - 1] != (map ? '{' : '['));
	n->flow = flow && !pair;
	if (n->flow)
		n->open_at = span_of(t, end - 1, end);
	if (!place(t, n))
		return false;
	t->open[t->depth++] = (struct yaml_open){
		.node = n,
		.column = flow ? -1 : (int)ev->start_mark.column,
		.pair = pair,
	};
	add_anchor(t, anchor, NULL);
	return true;
}

static int by_key(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
	int c = memcmp(x->key.p ? x->key.p : "", y->key.p ? y->key.p : "",
		       x->key.n < y->key.n ? x->key.n : y->key.n);

	return c ? c : x->key.n < y->key.n ? -1 : x->key.n > y->key.n;
}

/* Two members of one name: which of them counts, and whether that is an error, is up to the
 * reader. */
static bool drop_doubles(struct yaml_tree *t, struct node *map)
{
	struct node **sorted;
	size_t n = 0;

	for_each_node (c, map)
		n++;
	if (n < 2)
		return true;
	sorted = arena_try_array(t->a, n, struct node *);
	if (!sorted)
		return over(t, map->whole, "has more values than memory is allowed for");
	n = 0;
	for (struct node *c = map->first; c; c = c->next)
		sorted[n++] = c;
	sort_stable(sorted, n, sizeof(*sorted), by_key);
	for (size_t i = 1; i < n; i++) {
		if (sorted[i]->key.n && str_eq(sorted[i]->key, sorted[i - 1]->key)) {
			make_opaque(t, sorted[i - 1]);
			make_opaque(t, sorted[i]);
		}
	}
	return true;
}

/* Where a collection ends, and what it holds, is known with its last member. */
static void close_places(const struct yaml_tree *t, struct node *n, struct span end,
			 bool has_key)
{
	size_t from = (size_t)n->whole.off, to = (size_t)span_end(end);

	if (n->flow) {
		n->text_at = span_of(t, (size_t)span_end(n->open_at), to - 1);
	} else {
		size_t first = n->first ? (size_t)n->first->whole.off : from;

		to = n->last ? (size_t)span_end(n->last->whole)
			     : (size_t)span_end(n->whole);
		n->text_at = span_of(t, first, to);
		n->open_at = has_key               ? n->key_at
			     : !n->first           ? span_of(t, from, to)
			     : n->kind == NODE_MAP ? n->first->key_at
						   : n->first->open_at;
	}
	n->whole = span_of(t, from, to);
}

static bool on_end(struct yaml_tree *t, const yaml_event_t *ev)
{
	struct yaml_open *o = &t->open[--t->depth];
	const struct yaml_open *up = t->depth ? o - 1 : NULL;
	struct node *n = o->node;

	if (n->kind == NODE_MAP && !drop_doubles(t, n))
		return false;
	close_places(t, n, event_span(t, ev), n->key_at.len > 0);
	if (o->pair || (up && up->node == n->up && is_beyond_us(up)))
		make_opaque(t, n);
	return true;
}

bool yaml_tree_event(struct yaml_tree *t, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(t, ev);
	case YAML_ALIAS_EVENT:
		return on_alias(t, ev);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_start(t, ev);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(t, ev);
	case YAML_DOCUMENT_START_EVENT:
		t->nanchors = 0;
		return true;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return true;
}

bool yaml_places(struct view text, const struct node *n, struct buf *out, uint32_t *at)
{
	bool quoted = n->style == STYLE_SINGLE || n->style == STYLE_DOUBLE;
	size_t end = (size_t)span_end(n->text_at) + quoted;
	struct yaml_scalar s = {
		.text = text,
		.from = skip_properties(text, (size_t)n->open_at.off, end),
		.to = end,
		.style = n->style,
	};

	if (n->kind != NODE_SCALAR || n->from)
		return false;
	for (s.parent = -1; s.parent < PARENT_MAX; s.parent++) {
		buf_clear(out);
		if (yaml_decode(&s, out, at) &&
		    str_eq((struct str){ out->p, out->n }, n->text))
			return true;
	}
	return false;
}
