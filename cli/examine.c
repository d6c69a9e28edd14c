/* Findings made ready: filtered, counted, placed, and with the fix that there would be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/node.h"
#include "analyze/image/image.h"
#include "cli/report.h"
#include "rewrite/seal.h"
#include "base/banned.h"

/* ---- which rules ---- */

int rules_named(const struct words *ids, const char *option, struct arena *a,
		const struct rule ***out, size_t *n, struct err *e)
{
	*out = arena_array(a, ids->n, const struct rule *);
	*n = ids->n;
	for (size_t i = 0; i < ids->n; i++) {
		struct suggestion s = { .word = ids->v[i] };
		const char *id = str_shown(a, str_of(ids->v[i]));

		(*out)[i] = rule_find(ids->v[i]);
		if ((*out)[i])
			continue;
		for (const struct rule *r = rule_next(NULL); r; r = rule_next(r))
			suggest(&s, r->id);
		if (s.best)
			return err_set(e, ERR_USAGE,
				       "%s: there is no rule '%s'; did you mean '%s'?",
				       option, id, s.best);
		return err_set(e, ERR_USAGE,
			       "%s: there is no rule '%s'; `vmend rules` lists them",
			       option, id);
	}
	return 0;
}

int rule_filter_init(struct rule_filter *f, const struct options *o, struct arena *a,
		     struct err *e)
{
	*f = (struct rule_filter){ .min_severity = o->min_severity,
				   .fail_on = o->fail_on,
				   .never_fail = o->never_fail };
	if (rules_named(&o->select, "--select", a, &f->select.v, &f->select.n, e) != 0)
		return -1;
	return rules_named(&o->ignore, "--ignore", a, &f->ignore.v, &f->ignore.n, e);
}

static bool has_rule(const struct rule *const *v, size_t n, const struct rule *r)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == r)
			return true;
	}
	return false;
}

bool rule_filter_has(const struct rule_filter *f, const struct rule *r)
{
	if (f->select.n && !has_rule(f->select.v, f->select.n, r))
		return false;
	return !has_rule(f->ignore.v, f->ignore.n, r);
}

/* ---- numbers ---- */

void tally_add(struct tally *sum, const struct tally *t)
{
	for (size_t i = 0; i <= SEV_ERROR; i++)
		sum->n[i] += t->n[i];
	for (size_t i = 0; i <= FIX_LOSSY; i++)
		sum->fixable[i] += t->fixable[i];
	sum->hidden += t->hidden;
	sum->failing += t->failing;
	sum->fixed += t->fixed;
}

uint64_t tally_total(const struct tally *t)
{
	return t->n[SEV_ERROR] + t->n[SEV_WARNING] + t->n[SEV_NOTE];
}

static void count(struct tally *t, const struct rule *r, bool fixable,
		  const struct rule_filter *filter)
{
	t->n[r->severity]++;
	if (fixable)
		t->fixable[r->fix_class]++;
	if (r->severity < filter->min_severity)
		t->hidden++;
	if (!filter->never_fail && r->severity >= filter->fail_on)
		t->failing++;
}

/* ---- one finding ---- */

static struct proposal propose(const struct finding *f, const struct unit *u,
			       struct arena *a)
{
	struct proposal p = { .plan = plan_on(&u->src, a) };

	if (f->rule->fix_class < FIX_SAFE)
		return p;
	p.possible = rule_fix(f, &p.plan) && (!u->image || seal(&p.plan, u));
	if (!p.possible)
		p.refused = p.plan.refused;
	return p;
}

static void locate(struct exhibit *x, const struct unit *u, const struct lines *l,
		   struct arena *a)
{
	const struct finding *f = x->f;

	if (u->format->kind == FORMAT_TEXT) {
		x->from = lines_pos(l, f->at.off);
		x->to = lines_pos(l, span_end(f->at));
		if (u->doc)
			x->locus = node_locus(u->doc, f->at, a);
		return;
	}
	x->has_place = u->image && image_place(u->image, f->at, a, &x->place);
	if (x->has_place)
		x->locus = x->place.locus;
}

void examine(struct examined *x, const struct unit *u, const struct findings *found,
	     const struct rule_filter *filter, struct arena *a)
{
	*x = (struct examined){ .unit = u, .path = u->src.path };
	if (found->v.n == 0)
		return;
	x->v = arena_array(a, found->v.n, struct exhibit);
	if (u->format->kind == FORMAT_TEXT)
		x->lines = lines_of(u->text, a);
	for (size_t i = 0; i < found->v.n; i++) {
		const struct finding *f = found->v.v[i];
		struct exhibit *e = &x->v[x->n];

		if (!rule_filter_has(filter, f->rule))
			continue;
		*e = (struct exhibit){ .f = f, .fix = propose(f, u, a) };
		count(&x->tally, f->rule, e->fix.possible, filter);
		if (f->rule->severity < filter->min_severity)
			continue;
		locate(e, u, &x->lines, a);
		x->n++;
	}
}

/* ---- places ---- */

static void buf_at(struct buf *out, const char *path, const struct text_pos *pos,
		   uint64_t off)
{
	buf_safe(out, str_of(path));
	if (pos)
		buf_printf(out, ":%llu:%llu", (unsigned long long)pos->line,
			   (unsigned long long)pos->column);
	else
		buf_printf(out, "@0x%llx", (unsigned long long)off);
}

void buf_place_of(struct buf *out, const struct examined *x, const struct exhibit *e)
{
	bool text = x->unit->format->kind == FORMAT_TEXT;

	buf_at(out, x->path, text ? &e->from : NULL, e->f->at.off);
}

/* Later rounds see a text that nobody else has seen: its lines would mislead. */
void buf_mended_place(struct buf *out, const char *path, const struct mended *m,
		      const struct mend_item *item)
{
	struct text_pos pos;

	if (m->before->format->kind == FORMAT_IMAGE) {
		buf_at(out, path, NULL, item->finding->at.off);
	} else if (item->round > 1) {
		buf_safe(out, str_of(path));
	} else {
		pos = lines_pos(&m->lines, item->finding->at.off);
		buf_at(out, path, &pos, 0);
	}
}
