/* Edits of YAML by meaning: which bytes a fact is, and which bytes a new one would be, in
 * the file's own style. Everything else of the file stays as it is, byte for byte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/text.h"
#include "analyze/config/lens.h"
#include "analyze/config/node.h"
#include "analyze/config/yaml.h"
#include "base/utf8.h"
#include "rewrite/yaml_style.h"
#include "base/banned.h"

static struct str bytes_of(const struct plan *p, struct span at)
{
	return str_view(view_cut(p->text, (size_t)at.off, (size_t)at.len));
}

static struct span between(const struct plan *p, uint64_t from, uint64_t to)
{
	return text_span(p, from, to);
}

/* Its tag or anchor is part of what it is to others. */
static bool has_properties(const struct plan *p, const struct node *n)
{
	struct str open = bytes_of(p, n->open_at);

	return str_starts(open, "&") || str_starts(open, "!");
}

static bool is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->type == SCALAR_NULL;
}

/* ---- set what is there ---- */

static bool set_scalar(struct plan *p, const struct node *n, const char *value)
{
	struct buf b = { 0 };

	if (n->kind != NODE_SCALAR || n->from)
		return plan_refuse(p, "'%.*s' is an alias, or no single value",
				   STR_ARG(n->key));
	if (has_properties(p, n))
		return plan_refuse(p, "'%.*s' has an anchor or a tag", STR_ARG(n->key));
	if (n->style == STYLE_LITERAL || n->style == STYLE_FOLDED)
		return plan_refuse(p, "'%.*s' is a block of text", STR_ARG(n->key));
	if (n->open_at.len == 0) {
		if (n->open_at.off == 0 || p->text.p[n->open_at.off - 1] != ':')
			return plan_refuse(p, "'%.*s' is a key of its own",
					   STR_ARG(n->key));
		buf_char(&b, ' ');
	}
	yaml_add_value(&b, str_of(value), n->style, yaml_in_flow(n));
	return plan_replace(p, n->open_at, text_kept(p, &b));
}

/* ---- insert ---- */

/* What a new member looks like: key: value, or key: and further maps around the last. */
static void add_member(struct buf *b, const struct target *t, const struct node *parent,
		       const struct yaml_layout *l, const char *value)
{
	for (size_t i = t->walked; i < t->path.n; i++) {
		bool last = i + 1 == t->path.n;

		if (i > t->walked && l->flow) {
			buf_char(b, '{');
		} else if (i > t->walked) {
			buf_add(b, l->eol);
			buf_fill(b, ' ', l->column + (i - t->walked) * l->step);
		}
		yaml_add_key(b, t->path.steps[i], parent);
		buf_add(b, last || l->flow ? STR(": ") : STR(":"));
		if (last)
			yaml_add_value(b, str_of(value), yaml_value_style(parent, value),
				       l->flow);
	}
	if (l->flow)
		buf_fill(b, '}', t->path.n - t->walked - 1);
}

/* A member behind or before another one of a map by indentation. */
static bool insert_line(struct plan *p, const struct target *t, const char *value)
{
	const struct node *parent = t->deepest, *before;
	const struct node *after = yaml_predecessor(parent, t->path.steps[t->walked]);
	struct yaml_layout l = yaml_layout(p->text, parent);
	struct buf b = { 0 };
	uint64_t at;

	if (!after) {
		before = parent->first;
		add_member(&b, t, parent, &l, value);
		buf_add(&b, l.eol);
		buf_fill(&b, ' ', l.column);
		return text_insert(p, before->whole.off, text_kept(p, &b));
	}
	at = yaml_line_end(p->text, span_end(after->whole));
	if (!at)
		return plan_refuse(p, "'%.*s' shares its line with something else",
				   STR_ARG(after->key));
	buf_add(&b, l.eol);
	buf_fill(&b, ' ', l.column);
	add_member(&b, t, parent, &l, value);
	return text_insert(p, at, text_kept(p, &b));
}

/* A member of a map between brackets. */
static bool insert_flow(struct plan *p, const struct target *t, const char *value)
{
	const struct node *parent = t->deepest;
	const struct node *after = yaml_predecessor(parent, t->path.steps[t->walked]);
	struct yaml_layout l = yaml_layout(p->text, parent);
	struct buf b = { 0 };

	if (!parent->first) {
		add_member(&b, t, parent, &l, value);
		return plan_replace(p, parent->text_at, text_kept(p, &b));
	}
	if (after) {
		buf_char(&b, ',');
		if (l.eol.n && yaml_leads_line(p->text, after->whole.off)) {
			buf_add(&b, l.eol);
			buf_fill(&b, ' ', l.column);
		} else {
			buf_char(&b, ' ');
		}
		add_member(&b, t, parent, &l, value);
		return text_insert(p, span_end(after->whole), text_kept(p, &b));
	}
	add_member(&b, t, parent, &l, value);
	buf_add(&b, STR(", "));
	return text_insert(p, parent->first->whole.off, text_kept(p, &b));
}

/* The first member of what was "key:" so far. */
static bool insert_below(struct plan *p, const struct target *t, const char *value)
{
	const struct node *key = t->deepest;
	struct yaml_layout l;
	uint64_t at;
	struct buf b = { 0 };

	if (!key->up || key->up->kind != NODE_MAP || has_properties(p, key))
		return plan_refuse(p, "'%.*s' cannot hold members", STR_ARG(key->key));
	l = yaml_layout(p->text, key->up);
	if (key->open_at.len || l.flow) {
		buf_add(&b, key->open_at.len ? STR("{") : STR(" {"));
		l.flow = true;
		add_member(&b, t, key, &l, value);
		buf_char(&b, '}');
		return plan_replace(p, key->open_at, text_kept(p, &b));
	}
	at = yaml_line_end(p->text, span_end(key->whole));
	if (!at)
		return plan_refuse(p, "'%.*s' shares its line with something else",
				   STR_ARG(key->key));
	l.column += l.step;
	buf_add(&b, l.eol);
	buf_fill(&b, ' ', l.column);
	add_member(&b, t, key, &l, value);
	return text_insert(p, at, text_kept(p, &b));
}

static bool yaml_set(struct plan *p, const struct fact *f, const char *value)
{
	struct target t = text_target(f);
	struct view v = str_bytes(str_of(value));

	if (t.path.presence || t.path.attribute.n || !text_load(p) ||
	    utf8_valid_upto(v) != v.n)
		return false;
	if (t.found && str_is(t.found->text, value) && !is_null(t.found))
		return true;
	if (t.found)
		return set_scalar(p, t.found, value);
	if (t.walked == t.path.n || node_is_open(t.deepest))
		return false;
	if (is_null(t.deepest))
		return insert_below(p, &t, value);
	if (t.deepest->kind != NODE_MAP)
		return plan_refuse(p, "'%.*s' is no map", STR_ARG(t.deepest->key));
	return t.deepest->flow ? insert_flow(p, &t, value) : insert_line(p, &t, value);
}

/* ---- remove ---- */

/* A map or list that becomes empty says so: "key: {}". */
static bool empty_out(struct plan *p, const struct node *n)
{
	const struct node *up = n->up;
	struct str empty = up->kind == NODE_MAP ? STR("{}") : STR("[]");
	uint64_t from = n->whole.off, to = span_end(n->whole);
	uint64_t line = yaml_line_end(p->text, to);

	if (up->flow)
		return plan_replace(p, up->text_at, STR(""));
	if (!up->up || node_is_item(up))
		return plan_replace(p, between(p, from, to), empty);
	/* The lines go, and behind its key is what remains of it. */
	if (!line || !yaml_leads_line(p->text, from) || n->kind == NODE_OPAQUE)
		return plan_refuse(p, "'%.*s' is all there is on its line",
				   STR_ARG(n->key));
	to = yaml_next_line(p->text, line);
	from = yaml_line_start(p->text, from);
	if (to == p->text.n && yaml_break_before(p->text, from) && line == p->text.n)
		from -= yaml_break_before(p->text, from);
	if (p->text.p[span_end(up->key_at)] != ':')
		return plan_refuse(p, "'%.*s' is all there is in '%.*s'", STR_ARG(n->key),
				   STR_ARG(up->key));
	return text_insert(p, span_end(up->key_at) + 1,
			   up->kind == NODE_MAP ? STR(" {}") : STR(" []")) &&
	       plan_replace(p, between(p, from, to), STR(""));
}

static const struct node *previous(const struct node *n)
{
	for_each_node (c, n->up) {
		if (c->next == n)
			return c;
	}
	return NULL;
}

static bool remove_flow(struct plan *p, const struct node *n)
{
	const struct node *before = previous(n);
	uint64_t from = n->whole.off, to = span_end(n->whole);

	if (n->next)
		to = n->next->whole.off;
	else
		from = span_end(before->whole);
	if (memchr(p->text.p + from, '#', (size_t)(to - from)) &&
	    !memchr(p->text.p + n->whole.off, '#', (size_t)n->whole.len))
		return plan_refuse(p, "there is a comment beside '%.*s'",
				   STR_ARG(n->key));
	return plan_replace(p, between(p, from, to), STR(""));
}

/* The first of a map that begins behind a dash: the next one comes in its place. */
static bool remove_first(struct plan *p, const struct node *n)
{
	uint64_t line = yaml_line_end(p->text, span_end(n->whole));
	struct str gap;

	if (!n->next || !line)
		return plan_refuse(p, "'%.*s' shares its line with something else",
				   STR_ARG(n->key));
	gap = bytes_of(p, between(p, line, n->next->whole.off));
	if (str_trim(gap).n)
		return plan_refuse(p, "there is a comment behind '%.*s'",
				   STR_ARG(n->key));
	return plan_replace(p, between(p, n->whole.off, n->next->whole.off), STR(""));
}

/* What is removed from here on begins there, with lines that go already. */
static uint64_t removed_from(const struct plan *p, uint64_t from)
{
	for (size_t i = p->edits.n; i-- > 0;) {
		const struct edit *e = &p->edits.v[i];

		if (e->bytes.n == 0 && e->at.len > 0 && span_end(e->at) == from) {
			from = e->at.off;
			i = p->edits.n;
		}
	}
	return from;
}

static bool is_removed(const struct plan *p, uint64_t off)
{
	for (size_t i = 0; i < p->edits.n; i++) {
		const struct edit *e = &p->edits.v[i];

		if (e->bytes.n == 0 && e->at.off <= off && off < span_end(e->at))
			return true;
	}
	return false;
}

/* Lines from `from` on; the last one ends at `line`. Where the file ends without a line end it
 * is to end so afterwards: the end of the line before goes, of the last one that stays. */
static bool remove_whole_lines(struct plan *p, uint64_t from, uint64_t line)
{
	uint64_t to = yaml_next_line(p->text, line), first, brk;

	if (to > line && is_removed(p, line))
		to = line;
	if (to == line) {
		first = removed_from(p, from);
		brk = yaml_break_before(p->text, first);
		if (first == from)
			from -= brk;
		else if (brk && !plan_replace(p, between(p, first - brk, first), STR("")))
			return false;
	}
	return plan_replace(p, between(p, from, to), STR(""));
}

static bool remove_lines(struct plan *p, const struct node *n)
{
	uint64_t line = yaml_line_end(p->text, span_end(n->whole));
	uint64_t from = yaml_line_start(p->text, n->whole.off);
	uint64_t dash = yaml_dash_before(p->text, n->whole.off);

	if (!line)
		return plan_refuse(p, "'%.*s' shares its line with something else",
				   STR_ARG(n->key));
	if (node_is_item(n) && dash && yaml_leads_line(p->text, dash - 1))
		from = yaml_line_start(p->text, dash - 1);
	else if (!yaml_leads_line(p->text, n->whole.off))
		return n->up->kind == NODE_MAP ? remove_first(p, n)
					       : plan_refuse(p, "it shares its line");
	return remove_whole_lines(p, from, line);
}

static bool yaml_remove_node(struct plan *p, const struct node *n)
{
	if (!n->up || n->up->kind == NODE_STREAM)
		return plan_refuse(p, "it is a whole document");
	if (!text_load(p))
		return false;
	if (n->up->first == n && !n->next)
		return empty_out(p, n);
	return n->up->flow ? remove_flow(p, n) : remove_lines(p, n);
}

static bool yaml_remove(struct plan *p, const struct fact *f)
{
	const struct node *n;
	struct lens_path path;
	size_t found;

	/* Each alternative that is there. Members of one name are opaque, and no fact. */
	for (size_t i = 0; lens_path(f->lens, i, &path); i++) {
		n = lens_deepest(&path, f->owner, &found);
		if (found == path.n && path.n > 0 && !yaml_remove_node(p, n))
			return false;
	}
	return true;
}

const struct text_syntax text_yaml = {
	.set = yaml_set,
	.remove = yaml_remove,
	.remove_node = yaml_remove_node,
	.judge = judge_yaml,
};
