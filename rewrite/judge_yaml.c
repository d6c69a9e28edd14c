/* libyaml as the judge of an edited text: it accepts the text, and every value that no edit
 * touches stands where it must now, says what it said, and belongs to the same keys. What
 * is compared are libyaml's events for both texts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/yaml_tree.h"
#include "base/banned.h"

struct leaves;

/* By offset. */
struct edits {
	const struct edit *v;
	size_t n;
};

/* A collection that is open, as far as its members' paths go. */
struct level {
	uint64_t path, member;
	bool map, value_next;
};

/* One text, as the values in it: scalars, aliases, and empty collections. */
struct leaves {
	yaml_parser_t parser;
	struct yaml_index index;
	struct level open[YAML_DEPTH_MAX + 1];
	size_t depth;
	yaml_event_t event; /* the value's, when there is one */
	bool held, ended;
	struct span at; /* of the value, without a source, and without blanks behind it */
	struct span raw; /* the same with them */
	bool (*edited)(const struct edits *, const struct leaves *);
	const struct edits *edits;
	uint64_t path; /* of keys and lists that lead to it, as a number */
	const char *failed;
};

/* ---- edits ---- */

static int by_offset(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	return x->at.len == 0 ? -1 : y->at.len == 0;
}

static struct edits sorted_edits(const struct plan *p, struct arena *a)
{
	struct edit *v = arena_array(a, p->edits.n, struct edit);

	for (size_t i = 0; i < p->edits.n; i++)
		v[i] = p->edits.v[i];
	sort_stable(v, p->edits.n, sizeof(*v), by_offset);
	return (struct edits){ v, p->edits.n };
}

/* In the text before: an edit changes it. */
static bool is_touched(const struct edits *e, const struct leaves *l)
{
	struct span at = l->at;

	for (size_t i = 0; i < e->n; i++) {
		if (e->v[i].at.off < span_end(at) && span_end(e->v[i].at) > at.off)
			return true;
	}
	return false;
}

/* Where untouched bytes are afterwards. */
static uint64_t moved(const struct edits *e, uint64_t off)
{
	uint64_t to = off;

	for (size_t i = 0; i < e->n && span_end(e->v[i].at) <= off; i++)
		to += e->v[i].bytes.n - e->v[i].at.len;
	return to;
}

/* In the text after: does [from, to) have bytes that an edit brought, or (widely: at its ends
 * as well) the place where one took some away? */
static bool has_edit(const struct edits *e, uint64_t from, uint64_t to, bool widely)
{
	uint64_t shift = 0;

	for (size_t i = 0; i < e->n; i++) {
		uint64_t at = e->v[i].at.off + shift, end = at + e->v[i].bytes.n;

		if (at == end && widely ? at <= to && end >= from : at < to && end > from)
			return true;
		shift += e->v[i].bytes.n - e->v[i].at.len;
	}
	return false;
}

static bool is_new(const struct edits *e, const struct leaves *l)
{
	return has_edit(e, l->at.off, span_end(l->raw), true);
}

static bool is_renamed(const struct edits *e, const struct leaves *l)
{
	return has_edit(e, l->at.off, span_end(l->at), false);
}

/* ---- values ---- */

/* FNV-1a */
static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
	return (h ^ n) * UINT64_C(0x100000001b3);
}

static uint64_t mix_name(uint64_t h, const yaml_char_t *name)
{
	return name ? mix(h, name, strlen((const char *)name)) : mix(h, "", 0);
}

static void drop(struct leaves *l)
{
	if (l->held)
		yaml_event_delete(&l->event);
	l->held = false;
}

static bool take_event(struct leaves *l)
{
	drop(l);
	if (!yaml_parser_parse(&l->parser, &l->event)) {
		l->failed = l->parser.problem ? l->parser.problem : "no reason given";
		l->ended = true;
		return false;
	}
	l->held = true;
	l->at.off = yaml_byte_of(&l->index, &l->event.start_mark);
	l->at.len = yaml_byte_of(&l->index, &l->event.end_mark);
	l->at.len = l->at.len > l->at.off ? l->at.len - l->at.off : 0;
	l->raw = l->at;
	/* A block of text ends with its last line that says something. */
	if (l->event.type == YAML_SCALAR_EVENT) {
		while (l->at.len > 1 &&
		       strchr(" \t\r\n", l->index.text.p[span_end(l->at) - 1]))
			l->at.len--;
	}
	return true;
}

/* The path of what comes now, and the step to what comes next. key: a scalar's value. */
static uint64_t step(struct leaves *l, struct str key)
{
	struct level *v = &l->open[l->depth];
	uint64_t path = v->path;

	if (v->map && !v->value_next) {
		/* What is below a key that was edited has another one now. */
		if (l->edited(l->edits, l))
			key = STR("\1edited");
		v->member = mix(path, key.p, key.n);
		path = mix(path, "key", 3);
	} else if (v->map) {
		path = v->member;
	}
	v->value_next = v->map && !v->value_next;
	return path;
}

static void open_level(struct leaves *l, bool map, const yaml_char_t *anchor,
		       const yaml_char_t *tag)
{
	uint64_t path = step(l, STR("[]"));

	path = mix_name(mix_name(mix(path, map ? "{" : "[", 1), anchor), tag);
	if (l->depth == YAML_DEPTH_MAX) {
		l->failed = "it has too many levels";
		l->ended = true;
		return;
	}
	l->open[++l->depth] = (struct level){ .path = path, .map = map };
}

/* To the next value. False: there are no more. */
static bool next_leaf(struct leaves *l)
{
	const yaml_event_t *ev = &l->event;

	while (!l->ended && take_event(l)) {
		switch (ev->type) {
		case YAML_SCALAR_EVENT:
			l->path =
				step(l, (struct str){ (const char *)ev->data.scalar.value,
						      ev->data.scalar.length });
			/* "key:" says nothing, and has no place of its own. */
			if (l->at.len > 0)
				return true;
			break;
		case YAML_ALIAS_EVENT:
			l->path = step(l, STR("*"));
			return true;
		case YAML_MAPPING_START_EVENT:
			open_level(l, true, ev->data.mapping_start.anchor,
				   ev->data.mapping_start.tag);
			break;
		case YAML_SEQUENCE_START_EVENT:
			open_level(l, false, ev->data.sequence_start.anchor,
				   ev->data.sequence_start.tag);
			break;
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			l->depth--;
			break;
		case YAML_DOCUMENT_START_EVENT:
			l->open[0].path = mix(l->open[0].path, "---", 3);
			break;
		case YAML_STREAM_END_EVENT:
			l->ended = true;
			break;
		case YAML_NO_EVENT:
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		}
	}
	return false;
}

static bool begin(struct leaves *l, struct view text, const struct edits *e,
		  bool (*edited)(const struct edits *, const struct leaves *))
{
	*l = (struct leaves){ .index = yaml_index(text), .edits = e, .edited = edited };
	if (!yaml_parser_initialize(&l->parser))
		return false;
	yaml_parser_set_input_string(&l->parser, text.p ? text.p : (const uint8_t *)"",
				     text.n);
	return true;
}

static bool same_name(const yaml_char_t *a, const yaml_char_t *b)
{
	return a && b ? strcmp((const char *)a, (const char *)b) == 0 : a == b;
}

static bool same_leaf(const struct leaves *x, const struct leaves *y)
{
	const yaml_event_t *a = &x->event, *b = &y->event;

	if (a->type != b->type || x->path != y->path)
		return false;
	if (a->type == YAML_ALIAS_EVENT)
		return same_name(a->data.alias.anchor, b->data.alias.anchor);
	return a->data.scalar.length == b->data.scalar.length &&
	       memcmp(a->data.scalar.value, b->data.scalar.value,
		      a->data.scalar.length) == 0 &&
	       a->data.scalar.style == b->data.scalar.style &&
	       same_name(a->data.scalar.tag, b->data.scalar.tag) &&
	       same_name(a->data.scalar.anchor, b->data.scalar.anchor);
}

/* ---- both ---- */

static const char *shown_leaf(const struct leaves *l, struct arena *a)
{
	if (l->event.type == YAML_ALIAS_EVENT)
		return str_shown(a, str_of((const char *)l->event.data.alias.anchor));
	return str_shown(a, (struct str){ (const char *)l->event.data.scalar.value,
					  l->event.data.scalar.length });
}

static bool compare(struct leaves *x, struct leaves *y, const struct edits *e,
		    struct arena *a, const char **why)
{
	bool more = next_leaf(y);

	while (next_leaf(x)) {
		uint64_t to;

		if (is_touched(e, x))
			continue;
		to = moved(e, x->at.off);
		while (more && y->at.off < to && is_new(e, y))
			more = next_leaf(y);
		if (!more || y->at.off != to || !same_leaf(x, y)) {
			*why = arena_printf(a,
					    "'%s' would not be what it was, and no edit "
					    "touches it",
					    shown_leaf(x, a));
			return false;
		}
		more = next_leaf(y);
	}
	while (more && is_new(e, y))
		more = next_leaf(y);
	if (more)
		*why = arena_printf(a, "'%s' would appear where no edit inserts",
				    shown_leaf(y, a));
	return !more;
}

bool judge_yaml(struct view before, struct view after, const struct plan *p,
		struct arena *a, const char **why)
{
	struct leaves *x = arena_new(a, struct leaves), *y = arena_new(a, struct leaves);
	struct edits e = sorted_edits(p, a);
	bool good;

	*why = "libyaml has no memory for this text";
	if (before.n > YAML_SIZE_MAX || after.n > YAML_SIZE_MAX ||
	    !begin(x, before, &e, is_touched))
		return false;
	if (!begin(y, after, &e, is_renamed)) {
		yaml_parser_delete(&x->parser);
		return false;
	}
	good = compare(x, y, &e, a, why);
	if (x->failed || y->failed) {
		good = false;
		*why = arena_printf(a, "libyaml refuses the text %s the edits: %s",
				    x->failed ? "before" : "after",
				    x->failed ? x->failed : y->failed);
	}
	if (good)
		*why = NULL;
	drop(x);
	drop(y);
	yaml_parser_delete(&x->parser);
	yaml_parser_delete(&y->parser);
	return good;
}
