/* Findings made ready: filtered, counted, placed, and with the fix that there would be.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/config/node.h"
#include "analyze/image/image.h"
#include "cli/report.h"
#include "rewrite/qcow2_write.h"
#include "rewrite/seal.h"
#include "base/banned.h"

/* ---- which rules ---- */

int rules_named(const struct words *ids, const char *option,
		const struct team_rules *team, struct arena *a, const struct rule ***out,
		size_t *n, struct err *e)
{
	*out = arena_array(a, ids->n, const struct rule *);
	*n = ids->n;
	for (size_t i = 0; i < ids->n; i++) {
		const char *id = str_shown(a, str_of(ids->v[i]));
		const struct rule *meant;

		(*out)[i] = rule_of(team, ids->v[i], &meant);
		if ((*out)[i])
			continue;
		if (meant)
			return err_set(e, ERR_USAGE,
				       "%s: there is no rule '%s'; did you mean '%s'?",
				       option, id, meant->id);
		return err_set(e, ERR_USAGE,
			       "%s: there is no rule '%s'; `vmend rules` lists them",
			       option, id);
	}
	return 0;
}

int rule_filter_init(struct rule_filter *f, const struct options *o,
		     const struct team_rules *team, struct arena *a, struct err *e)
{
	*f = (struct rule_filter){ .min_severity = o->min_severity,
				   .fail_on = o->fail_on,
				   .never_fail = o->never_fail };
	if (rules_named(&o->select, "--select", team, a, &f->select.v, &f->select.n, e) !=
	    0)
		return -1;
	return rules_named(&o->ignore, "--ignore", team, a, &f->ignore.v, &f->ignore.n,
			   e);
}

/* By name: two policies may each have a rule of it. */
static bool has_rule(const struct rule *const *v, size_t n, const struct rule *r)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i] == r || strcmp(v[i]->id, r->id) == 0)
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

/* By a rule that knows more of the same place. */
static bool is_said_better(const struct findings *f, const struct finding *x)
{
	for (size_t i = 0; x->rule->yields && i < f->v.n; i++) {
		const struct finding *y = f->v.v[i];

		if (!y->rule->yields && y->severity >= x->severity &&
		    y->at.src == x->at.src && y->at.off == x->at.off &&
		    y->at.len == x->at.len)
			return true;
	}
	return false;
}

void findings_yield(struct findings *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->v.n; i++) {
		if (!is_said_better(f, f->v.v[i]))
			f->v.v[kept++] = f->v.v[i];
	}
	f->v.n = kept;
}

/* ---- numbers ---- */

void tally_add(struct tally *sum, const struct tally *t)
{
	for (size_t i = 0; i <= SEV_ERROR; i++)
		sum->n[i] += t->n[i];
	for (size_t i = 0; i <= FIX_LOSSY; i++)
		sum->fixable[i] += t->fixable[i];
	sum->hidden += t->hidden;
	sum->suppressed += t->suppressed;
	sum->known += t->known;
	sum->failing += t->failing;
	sum->fixed += t->fixed;
}

uint64_t tally_total(const struct tally *t)
{
	return t->n[SEV_ERROR] + t->n[SEV_WARNING] + t->n[SEV_NOTE];
}

static void count(struct tally *t, const struct finding *f, const struct proposal *fix,
		  const struct rule_filter *filter)
{
	t->n[f->severity]++;
	if (fix->possible)
		t->fixable[fix->class]++;
	if (f->severity < filter->min_severity)
		t->hidden++;
	if (!filter->never_fail && f->severity >= filter->fail_on)
		t->failing++;
}

/* ---- one finding ---- */

static struct proposal propose(const struct examined *x, const struct finding *f,
			       struct arena *a)
{
	const struct unit *u = x->unit;
	bool inside = f->at.src->is_guest;
	struct proposal p = { .plan = plan_on(inside ? u->image->src : &x->src, a) };
	struct plan host = plan_on(&x->src, a);

	p.class = policy_fix_class(x->policy, f->rule, x->path);
	if (p.class < FIX_SAFE)
		return p;
	p.possible = qcow2_rule_fix(u, f, &p.plan) && (!u->image || seal(&p.plan, u));
	if (!p.possible)
		p.refused = p.plan.refused;
	else if (inside && !qcow2_write(&host, &p.plan, u))
		p = (struct proposal){ .plan = p.plan,
				       .class = p.class,
				       .refused = host.refused };
	return p;
}

static void locate(struct exhibit *e, struct examined *x, struct arena *a)
{
	const struct unit *u = x->unit;
	struct span at = e->f->at;

	if (unit_has_lines(u)) {
		e->from = lines_pos(&x->lines, at.off);
		e->to = lines_pos(&x->lines, span_end(at));
	} else {
		e->has_place = unit_place(u, at, a, &e->place);
	}
	if (u->doc && x->fingerprints)
		e->place.locus = node_locus(&x->loci, at, a);
}

static void name(struct exhibit *e, struct examined *x, struct arena *a)
{
	const struct unit *u = x->unit;
	struct span at = e->f->at;
	struct fingerprint_of of = { .rule = e->f->rule->id,
				     .path = x->path,
				     .locus = e->place.locus };

	if (!x->fingerprints)
		return;
	if (u->format->kind == FORMAT_TEXT && !is_elsewhere(x, at))
		of.text = str_view(view_cut(u->text, at.off, at.len));
	/* What has no name is told by where it is: offsets of an image do not move. */
	else if (!of.locus)
		of.locus = arena_printf(a, "0x%llx", (unsigned long long)at.off);
	fingerprint(&x->prints, &of, x->arena, e->fingerprint);
}

void examined_init(struct examined *x, const struct unit *u, const struct input *in,
		   const struct rule_filter *filter, struct arena *a)
{
	*x = (struct examined){ .unit = u,
				.path = in->path,
				.policy = in->policy,
				.filter = filter,
				.arena = a,
				.loci = { .root = u->doc },
				.src = u->src };
}

static bool first_of_rule(struct examined *x, const struct rule *r)
{
	if (has_rule(x->explained.v, x->explained.n, r))
		return false;
	*vec_add(&x->explained, x->arena) = r;
	return true;
}

static void record(const struct examined *x, const struct exhibit *e, struct arena *a)
{
	const char *path = path_from_here(x->path, a);

	if (!x->record || e->suppressed)
		return;
	buf_add_bytes(x->record, path, strlen(path) + 1);
	buf_add_bytes(x->record, e->f->rule->id, strlen(e->f->rule->id) + 1);
	buf_add_bytes(x->record, e->fingerprint, sizeof(e->fingerprint));
}

/* Is it new? Then it counts. */
static bool weigh(struct exhibit *e, struct examined *x, struct arena *a)
{
	if (e->suppressed) {
		x->tally.suppressed++;
		return false;
	}
	e->known = x->baseline && baseline_has(x->baseline, e->fingerprint);
	x->tally.known += e->known;
	if (e->known)
		return false;
	e->fix = propose(x, e->f, a);
	count(&x->tally, e->f, &e->fix, x->filter);
	return true;
}

static void examine_one(struct examined *x, const struct finding *f, exhibit_show show,
			void *ctx)
{
	struct exhibit e = { .f = f, .suppressed = f->suppressed != NULL };
	struct arena a;
	bool new;

	arena_init(&a, ARENA_BUDGET);
	if (show || x->fingerprints) {
		locate(&e, x, &a);
		name(&e, x, &a);
	}
	record(x, &e, &a);
	new = weigh(&e, x, &a);
	if (show && f->severity >= x->filter->min_severity) {
		e.explain = new &&first_of_rule(x, f->rule);
		show(ctx, x, &e);
	}
	arena_free(&a);
}

void examine(struct examined *x, const struct findings *found, exhibit_show show,
	     void *ctx)
{
	const struct unit *u = x->unit;

	if (found->v.n == 0 && found->suppressed.n == 0)
		return;
	/* Fixes of a text look at all of it: better at what is in memory anyway. */
	if (unit_has_lines(u)) {
		x->lines = lines_of(u->text, x->arena);
		if (x->wants_line_hashes)
			x->line_hashes = line_hashes(u->text, x->arena);
		x->src = source_of_bytes(u->src.path, u->text);
	}
	for (size_t i = 0; i < found->v.n; i++) {
		if (rule_filter_has(x->filter, found->v.v[i]->rule))
			examine_one(x, found->v.v[i], show, ctx);
	}
	for (size_t i = 0; i < found->suppressed.n; i++) {
		if (rule_filter_has(x->filter, found->suppressed.v[i]->rule))
			examine_one(x, found->suppressed.v[i], show, ctx);
	}
}

/* ---- places ---- */

void buf_offset(struct buf *out, struct span at)
{
	buf_printf(out, "%s0x%llx", at.src->is_guest ? "guest:" : "",
		   (unsigned long long)at.off);
}

bool is_elsewhere(const struct examined *x, struct span at)
{
	return strcmp(at.src->path, x->unit->src.path) != 0;
}

void buf_elsewhere(struct buf *out, struct span at)
{
	buf_safe(out, str_of(at.src->path));
	if (at.len) {
		buf_char(out, '@');
		buf_offset(out, at);
	}
}

void buf_line_elsewhere(struct buf *out, const struct related *r)
{
	buf_safe(out, str_of(r->at.src->path));
	buf_printf(out, ":%llu", (unsigned long long)r->line);
}

static void buf_at(struct buf *out, const char *path, const struct text_pos *pos,
		   struct span at)
{
	buf_safe(out, str_of(path));
	if (pos) {
		buf_printf(out, ":%llu:%llu", (unsigned long long)pos->line,
			   (unsigned long long)pos->column);
	} else {
		buf_char(out, '@');
		buf_offset(out, at);
	}
}

void buf_place_of(struct buf *out, const struct examined *x, const struct exhibit *e)
{
	bool text = unit_has_lines(x->unit);

	buf_at(out, x->path, text ? &e->from : NULL, e->f->at);
}

/* Later rounds see a text that nobody else has seen: its lines would mislead. */
void buf_mended_place(struct buf *out, const char *path, const struct mended *m,
		      const struct mend_item *item)
{
	struct text_pos pos;

	if (!unit_has_lines(m->before)) {
		buf_at(out, path, NULL, item->finding->at);
	} else if (item->round > 1) {
		buf_safe(out, str_of(path));
	} else {
		pos = lines_pos(&m->lines, item->finding->at.off);
		buf_at(out, path, &pos, item->finding->at);
	}
}
