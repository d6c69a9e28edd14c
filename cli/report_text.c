/* The report for people: location, what is wrong, the bytes it is about, the fix. DESIGN 11.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/excerpt.h"
#include "cli/moves.h"
#include "cli/sink.h"
#include "base/banned.h"

/* ---- the fix, in words ---- */

/* The lines that a plan touches, before and after. */
struct change {
	struct str old, new;
};

/* Takes equal lines off both heads (or, with tail, both ends). */
static void drop_equal_head(struct change *c)
{
	for (;;) {
		const char *o = c->old.n ? memchr(c->old.p, '\n', c->old.n) : NULL;
		size_t n = o ? (size_t)(o - c->old.p) + 1 : 0;

		if (n == 0 || n > c->new.n || memcmp(c->old.p, c->new.p, n) != 0)
			return;
		c->old = (struct str){ c->old.p + n, c->old.n - n };
		c->new = (struct str){ c->new.p + n, c->new.n - n };
	}
}

static void drop_equal_tail(struct change *c)
{
	size_t n = 0, line = 0;

	while (n < c->old.n && n < c->new.n &&
	       c->old.p[c->old.n - 1 - n] == c->new.p[c->new.n - 1 - n]) {
		n++;
		/* Whole lines only: what stands in front of it ends a line on both sides. */
		if ((n == c->old.n || c->old.p[c->old.n - 1 - n] == '\n') &&
		    (n == c->new.n || c->new.p[c->new.n - 1 - n] == '\n'))
			line = n;
	}
	c->old.n -= line;
	c->new.n -= line;
}

static size_t count_lines(struct str s)
{
	size_t n = s.n && s.p[s.n - 1] != '\n';

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\n';
	return n;
}

enum { CHANGE_MAX = 4096, FIX_COLUMNS = 160 };

/* An insertion comes before what is replaced at its place. */
static int by_place(const void *a, const void *b)
{
	const struct edit *x = a, *y = b;

	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	return (x->at.len != 0) - (y->at.len != 0);
}

/* The piece of the text that stands at `from`, with the edits done. */
static void edited(struct buf *out, const struct plan *p, struct str piece, uint64_t from)
{
	struct edit *v = arena_array(p->arena, p->edits.n, struct edit);
	size_t at = 0;

	memcpy(v, p->edits.v, p->edits.n * sizeof(*v));
	sort_stable(v, p->edits.n, sizeof(*v), by_place);
	for (size_t i = 0; i < p->edits.n; i++) {
		size_t begin = (size_t)(v[i].at.off - from);

		buf_add_bytes(out, piece.p + at, begin - at);
		buf_add_bytes(out, v[i].bytes.p, v[i].bytes.n);
		at = begin + (size_t)v[i].at.len;
	}
	buf_add_bytes(out, piece.p + at, piece.n - at);
}

/* The lines from the first edit to the last, as they are and as they will be. False when
 * they are too many to be told in one line. */
static bool find_change(const struct examined *x, const struct plan *p,
			struct buf *scratch, struct change *out)
{
	const struct lines *l = &x->lines;
	uint64_t first = UINT64_MAX, last = 0;
	size_t from, to, i;

	if (p->edits.n == 0)
		return false;
	for (i = 0; i < p->edits.n; i++) {
		first = u64_min(first, p->edits.v[i].at.off);
		last = u64_max(last, span_end(p->edits.v[i].at));
	}
	from = l->start[lines_index(l, first)];
	i = lines_index(l, last) + 1;
	to = i < l->n ? l->start[i] : l->text.n;
	if (to - from > CHANGE_MAX)
		return false;
	out->old = str_view(view_cut(l->text, from, to - from));
	edited(scratch, p, out->old, from);
	out->new = (struct str){ scratch->p, scratch->n };
	drop_equal_head(out);
	drop_equal_tail(out);
	return true;
}

static void short_line(struct buf *out, struct str line)
{
	struct view v = str_bytes(str_trim(line));
	unsigned columns, width = 0;

	while (v.n && width < FIX_COLUMNS) {
		size_t n = safe_char(out, v, &columns);

		width += columns;
		v = view_cut(v, n, v.n - n);
	}
	if (v.n)
		buf_add(out, STR("..."));
}

static void fix_of_text(struct buf *out, const struct examined *x, const struct plan *p)
{
	struct buf scratch = { 0 };
	struct change c;
	bool small = find_change(x, p, &scratch, &c);
	size_t old = small ? count_lines(c.old) : 0, new = small ? count_lines(c.new) : 0;

	if (new == 1 && old == 0)
		buf_add(out, STR("add "));
	if (new == 1 && old <= 1)
		short_line(out, c.new);
	else if (p->title)
		buf_add(out, str_of(p->title));
	else if (new == 0 && old == 1)
		buf_add(out, STR("take the line out"));
	else
		buf_add(out, STR("several lines, see `vmend fix --diff`"));
	buf_free(&scratch);
}

/* "move 3.2 GiB, ": what takes its time. */
static void moved_words(struct buf *out, const struct plan *p)
{
	if (p->moves.n == 0)
		return;
	buf_add(out, STR("move "));
	buf_about(out, moves_bytes(p));
	buf_add(out, STR(", "));
}

/* Bytes and places of a plan; edits that touch count as one place. */
static void fix_of_image(struct buf *out, const struct plan *p)
{
	const char *where = p->src->is_guest ? "guest:" : "";
	uint64_t bytes = 0, first = UINT64_MAX;

	for (size_t i = 0; i < p->edits.n; i++) {
		bytes += p->edits.v[i].bytes.n;
		first = u64_min(first, p->edits.v[i].at.off);
	}
	if (p->title)
		buf_printf(out, "%s (", p->title);
	moved_words(out, p);
	if (!p->title || p->moves.n)
		buf_add(out, STR("write "));
	buf_count(out, bytes, "byte");
	if (p->edits.n == 1)
		buf_printf(out, " at %s0x%llx", where, (unsigned long long)first);
	else
		buf_printf(out, " in %zu places from %s0x%llx on", p->edits.n, where,
			   (unsigned long long)first);
	if (p->title)
		buf_char(out, ')');
}

static void fix_line(struct buf *out, const struct term *t, const struct examined *x,
		     const struct exhibit *e)
{
	const char *class = fix_class_name(e->fix.class);

	if (e->fix.refused)
		buf_printf(out, "   = fix (%s): not here: %s\n", class, e->fix.refused);
	if (!e->fix.possible)
		return;
	buf_add(out, STR("   = "));
	paint(out, t, PAINT_FIX);
	buf_printf(out, "fix (%s)", class);
	paint_end(out, t);
	buf_add(out, STR(": "));
	if (unit_has_lines(x->unit))
		fix_of_text(out, x, &e->fix.plan);
	else
		fix_of_image(out, &e->fix.plan);
	buf_char(out, '\n');
}

/* ---- a finding ---- */

static void head_line(struct buf *out, const struct term *t, const struct examined *x,
		      const struct exhibit *e)
{
	const struct finding *f = e->f;

	paint(out, t, PAINT_PLACE);
	buf_place_of(out, x, e);
	paint_end(out, t);
	buf_add(out, STR(": "));
	paint(out, t, paint_of(f->severity));
	buf_printf(out, "%s[%s]", severity_name(f->severity), f->rule->id);
	paint_end(out, t);
	buf_printf(out, ": %s\n", f->message);
}

/* "expected ff ff 03 00", where a safe fix writes exactly what is marked. */
static const char *expectation(const struct exhibit *e, struct buf *scratch)
{
	enum { BYTES_MAX = 8 };
	const struct span at = e->f->at;

	if (!e->fix.possible || e->f->rule->fix_class != FIX_SAFE || at.len > BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < e->fix.plan.edits.n; i++) {
		const struct edit *ed = &e->fix.plan.edits.v[i];

		if (ed->at.off > at.off || span_end(ed->at) < span_end(at) || at.len == 0)
			continue;
		buf_add(scratch, STR("expected "));
		buf_hex(scratch, view_cut(ed->bytes, (size_t)(at.off - ed->at.off),
					  (size_t)at.len));
		return scratch->p;
	}
	return NULL;
}

static void excerpt(struct buf *out, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct marker m = { .at = e->f->at,
			    .paint = paint_of(e->f->severity),
			    .label = e->f->label };
	struct buf scratch = { 0 };

	if (unit_has_lines(x->unit)) {
		excerpt_text(out, t, &x->lines, &m);
		return;
	}
	if (!m.label)
		m.label = expectation(e, &scratch);
	excerpt_image(out, t, e->has_place ? &e->place : NULL, &m);
	buf_free(&scratch);
}

static void related_lines(struct buf *out, const struct examined *x,
			  const struct exhibit *e)
{
	for (size_t i = 0; i < e->f->related.n; i++) {
		const struct related *r = &e->f->related.v[i];

		buf_add(out, STR("   = note: "));
		if (r->line)
			buf_line_elsewhere(out, r);
		else if (is_elsewhere(x, r->at))
			buf_elsewhere(out, r->at);
		else if (unit_has_lines(x->unit))
			buf_printf(out, "line %zu",
				   lines_index(&x->lines, r->at.off) + 1);
		else
			buf_offset(out, r->at);
		buf_printf(out, ": %s\n", r->message);
	}
}

/* A team's rule stands in a file, which the reader can open. */
static void more_line(struct buf *out, const struct rule *r)
{
	if (r->team) {
		buf_add(out, STR("   = rule: "));
		buf_safe(out, str_of(r->source));
		buf_char(out, '\n');
	} else {
		buf_printf(out, "   = more: vmend explain %s\n", r->id);
	}
}

static void exhibit(struct piece *p, const struct term *t, const struct examined *x,
		    const struct exhibit *e)
{
	struct buf *out = &p->part[0];

	if (p->gap)
		buf_char(out, '\n');
	p->gap = false;
	head_line(out, t, x, e);
	excerpt(out, t, x, e);
	related_lines(out, x, e);
	fix_line(out, t, x, e);
	if (e->explain)
		more_line(out, e->f->rule);
	buf_char(out, '\n');
}

/* ---- what was done ---- */

static void item_line(struct buf *out, const struct term *t, const char *path,
		      const struct mended *m, const struct mend_item *item)
{
	bool fixed = item->outcome == OUTCOME_FIXED;

	paint(out, t, PAINT_PLACE);
	buf_mended_place(out, path, m, item);
	paint_end(out, t);
	buf_add(out, STR(": "));
	paint(out, t, fixed ? PAINT_FIX : PAINT_WARNING);
	buf_printf(out, "%s[%s]", fixed ? "fixed" : "not fixed", item->rule->id);
	paint_end(out, t);
	buf_printf(out, ": %s",
		   fixed && item->title ? item->title
		   : item->reason       ? item->reason
					: item->finding->message);
	if (item->round > 1)
		buf_printf(out, " (round %u)", item->round);
	buf_char(out, '\n');
}

static void mended(struct piece *p, const struct term *t, const char *path,
		   const struct mended *m)
{
	struct buf *out = &p->part[0];

	if (m->resumed) {
		buf_safe(out, str_of(path));
		buf_add(out, STR(": an interrupted repair was completed first\n"));
	}
	for (size_t i = 0; i < m->n; i++) {
		if (m->items[i].outcome != OUTCOME_NO_FIX)
			item_line(out, t, path, m, &m->items[i]);
	}
	p->gap = out->n > 0;
}

void text_not_mended(struct buf *out, const struct term *t, const char *path,
		     const struct mended *m)
{
	for (size_t i = 0; i < m->n; i++) {
		enum outcome o = m->items[i].outcome;

		if (o == OUTCOME_DECLINED || o == OUTCOME_UNPROVEN)
			item_line(out, t, path, m, &m->items[i]);
	}
}

void text_skipped(struct buf *out, const struct term *t, const struct skip *s)
{
	paint(out, t, PAINT_PLACE);
	buf_safe(out, str_of(s->path));
	paint_end(out, t);
	buf_printf(out, s->stopped ? ": %s\n" : ": skipped: %s\n", s->reason);
}

static void skipped(struct sink *k, const struct skip *s)
{
	text_skipped(&k->out, &k->term, s);
}

/* ---- the last line ---- */

/* ", both fixable with `vmend fix`", ", 1 more with --unsafe-fixes" */
static void fixable_words(struct buf *out, const struct tally *t)
{
	static const struct {
		enum fix_class class;
		const char *option;
	} classes[] = {
		{ FIX_SAFE, "" },
		{ FIX_UNSAFE, " --unsafe-fixes" },
		{ FIX_LOSSY, " --lossy-fixes" },
	};
	uint64_t total = tally_total(t);
	bool said = false;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		uint64_t n = t->fixable[classes[i].class];

		if (n == 0)
			continue;
		if (said)
			buf_printf(out, ", %llu more with%s", (unsigned long long)n,
				   classes[i].option);
		else if (n == total)
			buf_printf(out, ", %sfixable with `vmend fix%s`",
				   n == 1   ? ""
				   : n == 2 ? "both "
					    : "all ",
				   classes[i].option);
		else
			buf_printf(out, ", %llu fixable with `vmend fix%s`",
				   (unsigned long long)n, classes[i].option);
		said = true;
	}
}

static void severity_words(struct buf *out, const struct tally *t)
{
	const char *comma = "";

	for (int s = SEV_ERROR; s >= SEV_NOTE; s--) {
		if (t->n[s] == 0)
			continue;
		buf_add(out, str_of(comma));
		buf_count(out, t->n[s], severity_name((enum severity)s));
		comma = ", ";
	}
}

static void verdict(struct buf *out, const struct summary *s)
{
	uint64_t total = tally_total(&s->tally);

	if (s->tally.fixed)
		buf_printf(out, "%llu %s, ", (unsigned long long)s->tally.fixed,
			   s->is_diff ? "would be fixed" : "fixed");
	if (total) {
		severity_words(out, &s->tally);
		if (s->is_fix)
			buf_printf(out, " %s",
				   s->is_diff   ? "would remain"
				   : total == 1 ? "remains"
						: "remain");
		fixable_words(out, &s->tally);
	} else if (s->tally.fixed) {
		buf_add(out, s->is_diff ? STR("nothing would remain")
					: STR("nothing remains"));
	} else if (s->checked) {
		buf_add(out, STR("no findings"));
	} else {
		buf_add(out, STR("nothing was checked"));
	}
	if (s->tally.suppressed)
		buf_printf(out, ", %llu suppressed",
			   (unsigned long long)s->tally.suppressed);
	if (s->tally.known)
		buf_printf(out, ", %llu in the baseline",
			   (unsigned long long)s->tally.known);
	if (s->tally.hidden)
		buf_printf(out, ", %llu below --min-severity",
			   (unsigned long long)s->tally.hidden);
}

void text_summary(struct buf *out, const struct term *t, const struct summary *s)
{
	(void)t;
	buf_count(out, s->checked, "input");
	buf_printf(out, " checked, %llu skipped", (unsigned long long)s->skipped);
	if (s->unknown)
		buf_printf(out, ", %llu not a VM image or config",
			   (unsigned long long)s->unknown);
	buf_add(out, STR(": "));
	verdict(out, s);
	if (s->left) {
		buf_add(out, STR(", "));
		buf_count(out, s->left, "image");
		buf_printf(out, " left alone: name %s to mend %s",
			   s->left == 1 ? "it" : "them", s->left == 1 ? "it" : "them");
	}
	if (s->seconds < 10)
		buf_printf(out, " (%.0f ms)\n", s->seconds * 1000);
	else
		buf_printf(out, " (%.1f s)\n", s->seconds);
}

static void end(struct sink *k, const struct summary *sum)
{
	text_summary(&k->out, &k->term, sum);
}

const struct report_kind report_text = {
	.shows_skips = true,
	.exhibit = exhibit,
	.mended = mended,
	.skipped = skipped,
	.end = end,
};
