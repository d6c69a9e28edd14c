/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/hcl_style.h"
#include "analyze/config/hcl_lex.h"
#include "base/utf8.h"
#include "base/banned.h"

size_t utf8_columns(struct str s)
{
	struct view v = str_bytes(s);
	size_t columns = 0, n;
	uint32_t c;

	for (; v.n; v = view_cut(v, n, v.n - n)) {
		n = utf8_decode(v, &c);
		if (n == 0)
			n = 1;
		columns += n > 1 ? utf8_width(c) : 1;
	}
	return columns;
}

/* ---- lines ---- */

static struct hcl_token behind(const struct xml_style *s, uint64_t off)
{
	return hcl_lex(s->text, (size_t)off);
}

size_t hcl_line_end(const struct xml_style *s, uint64_t off)
{
	struct hcl_token t = behind(s, off);

	/* Blanks at the end stay behind what is inserted. */
	while (t.kind == HCL_COMMENT) {
		off = t.end;
		t = behind(s, off);
	}
	if (off > 0 && s->text.p[off - 1] == '\r')
		off--;
	return (size_t)off;
}

static bool has_comment(const struct xml_style *s, const struct node *arg)
{
	return behind(s, span_end(arg->whole)).kind == HCL_COMMENT;
}

static bool on_one_line(const struct xml_style *s, const struct node *n)
{
	return !memchr(s->text.p + n->whole.off, '\n', (size_t)n->whole.len);
}

/* Does b begin on the line behind the one on which a ends? */
static bool follows(const struct xml_style *s, const struct node *a, const struct node *b)
{
	size_t eol = hcl_line_end(s, span_end(a->whole));
	size_t from = (size_t)b->whole.off - style_indent(s, b).n;

	if (!style_leads_line(s, b))
		return false;
	while (eol < from && memchr(" \t\r", s->text.p[eol], 3))
		eol++;
	return eol + 1 == from && s->text.p[eol] == '\n';
}

static bool is_argument(const struct node *n)
{
	return n->kind != NODE_LABEL && !n->is_block;
}

const struct node *hcl_last_argument(const struct node *n)
{
	const struct node *last = NULL;

	for_each_node (c, n) {
		if (is_argument(c))
			last = c;
	}
	return last;
}

static const struct node *before(const struct node *n)
{
	const struct node *found = NULL;

	for (const struct node *c = n->up->first; c != n; c = c->next)
		found = c;
	return found;
}

/* ---- runs ---- */

static bool joins(const struct xml_style *s, const struct node *n)
{
	return n && is_argument(n) && on_one_line(s, n);
}

static bool begins_heredoc(const struct xml_style *s, const struct node *n)
{
	return n && is_argument(n) && view_eq(s->text, (size_t)n->open_at.off, "<<", 2);
}

const struct node *hcl_run_anchor(const struct xml_style *s, const struct node *arg)
{
	while (joins(s, arg) && has_comment(s, arg) && joins(s, arg->next) &&
	       follows(s, arg, arg->next) && has_comment(s, arg->next))
		arg = arg->next;
	return arg;
}

/* The blanks between its name and its '='; SIZE_MAX: something else is there as well. */
static size_t pad_of(const struct xml_style *s, const struct node *n)
{
	struct hcl_token t = behind(s, span_end(n->key_at));
	struct str gap;

	if (t.kind != HCL_MARK || t.op != '=')
		return SIZE_MAX;
	gap = str_view(view_cut(s->text, (size_t)span_end(n->key_at),
				t.at - (size_t)span_end(n->key_at)));
	return memchr(gap.p, '\t', gap.n) ? SIZE_MAX : gap.n;
}

static void measure(struct hcl_run *run)
{
	const struct node *n;

	run->aligned = run->first != NULL;
	for (n = run->first; n; n = n == run->last ? NULL : n->next) {
		size_t wide = utf8_columns(n->key);

		run->wide = wide > run->wide ? wide : run->wide;
	}
	for (n = run->first; n; n = n == run->last ? NULL : n->next) {
		if (pad_of(run->s, n) != run->wide - utf8_columns(n->key) + 1 ||
		    !str_eq(style_indent(run->s, n), style_indent(run->s, run->first)))
			run->aligned = false;
	}
}

static void extend_down(struct hcl_run *run, const struct node *from)
{
	const struct xml_style *s = run->s;

	for (const struct node *n = from->next; joins(s, n) && follows(s, from, n);
	     from = n, n = n->next) {
		if (!run->first)
			run->first = n;
		run->last = n;
	}
	/* The first line of a heredoc may be the last of a run. */
	if (begins_heredoc(s, from->next) && follows(s, from, from->next)) {
		if (!run->first)
			run->first = from->next;
		run->last = from->next;
	}
}

void hcl_run_around(struct hcl_run *run, const struct xml_style *s,
		    const struct node *arg)
{
	const struct node *up;

	*run = (struct hcl_run){ .s = s };
	if (joins(s, arg)) {
		run->first = run->last = arg;
		for (up = before(arg); joins(s, up) && follows(s, up, run->first);
		     up = before(up))
			run->first = up;
	}
	extend_down(run, arg);
	measure(run);
}

size_t hcl_run_pad(const struct hcl_run *run, struct str name)
{
	size_t columns = utf8_columns(name);

	return run->aligned && run->wide > columns ? run->wide - columns + 1 : 1;
}

bool hcl_run_align(const struct hcl_run *run, struct plan *p, const struct node *gone,
		   struct str name)
{
	size_t wide = utf8_columns(name);
	const struct node *n;

	if (!run->aligned)
		return true;
	for (n = run->first; n; n = n == run->last ? NULL : n->next) {
		size_t its = utf8_columns(n->key);

		if (n != gone && its > wide)
			wide = its;
	}
	for (n = run->first; n && wide != run->wide;
	     n = n == run->last ? NULL : n->next) {
		size_t pad = wide - utf8_columns(n->key) + 1;
		struct buf b = { 0 };
		struct span at = { .src = p->src,
				   .off = span_end(n->key_at),
				   .len = pad_of(run->s, n) };
		bool ok;

		if (n == gone)
			continue;
		buf_fill(&b, ' ', pad);
		ok = plan_replace(p, at, (struct str){ b.p, b.n });
		buf_free(&b);
		if (!ok)
			return false;
	}
	return true;
}
