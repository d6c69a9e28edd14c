/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/prove.h"
#include "rewrite/iso_sum.h"
#include "rewrite/match.h"
#include "rewrite/qcow2_write.h"
#include "rewrite/trial.h"
#include "rewrite/trial_qcow2.h"
#include "base/banned.h"

enum { COMPARE_PIECE = 64 << 10 };

/* One way through the rounds. */
struct mending {
	struct mend *m;
	const struct unit *input;
	const struct mend_policy *policy;
	bool strict;
	struct draft *first; /* the input itself */
	struct draft *now;   /* with what was proven so far */
	/* What `now` reads, for as long as the arena lives; NULL: not needed so far. */
	const struct source *src;
	unsigned round, trials;
	bool moved; /* this round has proven something */
};

bool mend_allows(const struct mend_policy *policy, const struct rule *r)
{
	enum fix_class class = r->fix_class;

	if (policy->class_of && class >= FIX_SAFE)
		class = policy->class_of(r, policy->ctx);
	return class >= FIX_SAFE && class <= policy->level &&
	       (!policy->wanted || policy->wanted(r, policy->ctx));
}

/* ---- items ---- */

static const char *keep_str(struct arena *a, const char *s)
{
	return s ? arena_str(a, str_of(s)) : NULL;
}

static const struct source *lasting_source(struct mending *w)
{
	struct arena *a = w->m->arena;
	struct patch_move *moves;
	struct patch_run *runs;
	struct view last = { 0 };
	struct patch *patch;
	struct source *src;

	if (w->now == w->first)
		return &w->input->src;
	if (w->src)
		return w->src;
	src = arena_new(a, struct source);
	*src = w->now->unit->src;
	if (src->patch) {
		runs = arena_array(a, src->patch->n, struct patch_run);
		for (size_t i = 0; i < src->patch->n; i++) {
			last = arena_copy_once(a, src->patch->v[i].bytes, last);
			runs[i] = (struct patch_run){ src->patch->v[i].off, last };
		}
		patch = arena_new(a, struct patch);
		*patch = *src->patch;
		patch->v = runs;
		moves = arena_array(a, patch->nmoves, struct patch_move);
		for (size_t i = 0; i < patch->nmoves; i++)
			moves[i] = patch->moves[i];
		patch->moves = moves;
		src->patch = patch;
	} else {
		src->mem = arena_copy(a, src->mem);
	}
	w->src = src;
	return src;
}

/* A container's disk is gone with its unit: what stays is the place's number. */
static const struct source *lasting(struct mending *w, const struct source *was)
{
	struct source *src;

	if (w->now == w->first)
		return was;
	if (!was->is_guest)
		return lasting_source(w);
	src = arena_new(w->m->arena, struct source);
	*src = (struct source){ .path = was->path, .fd = -1, .is_guest = true };
	return src;
}

static const struct finding *keep(struct mending *w, const struct finding *f)
{
	struct arena *a = w->m->arena;
	struct finding *kept = arena_new(a, struct finding);

	*kept = (struct finding){
		.rule = f->rule, .severity = f->severity, .at = f->at, .arg = f->arg
	};
	kept->at.src = lasting(w, f->at.src);
	kept->message = keep_str(a, f->message);
	kept->label = keep_str(a, f->label);
	for (size_t i = 0; i < f->related.n; i++) {
		struct related *r = vec_add(&kept->related, a);

		*r = f->related.v[i];
		r->at.src = lasting(w, f->related.v[i].at.src);
		r->message = keep_str(a, r->message);
	}
	return kept;
}

static size_t add_item(struct mending *w, const struct finding *f, unsigned round)
{
	struct mend_item *item = vec_add(&w->m->items, w->m->arena);
	bool may = mend_allows(w->policy, f->rule);

	*item = (struct mend_item){
		.rule = f->rule,
		.finding = keep(w, f),
		.round = round,
		/* Until a trial says more. */
		.outcome = may ? OUTCOME_UNPROVEN : OUTCOME_NO_FIX,
		.reason = may ? "the repair takes more rounds or trials than are allowed"
			      : NULL,
	};
	return w->m->items.n - 1;
}

static void settle(struct mending *w, size_t item, enum outcome outcome,
		   const char *reason)
{
	struct mend_item *i = &w->m->items.v[item];

	i->outcome = outcome;
	/* Asked again in each round, it mostly says the same. */
	if (!reason || !i->reason || strcmp(i->reason, reason) != 0)
		i->reason = keep_str(w->m->arena, reason);
}

static void set_title(struct mending *w, size_t item, const char *title)
{
	struct mend_item *i = &w->m->items.v[item];

	if (!title || !i->title || strcmp(i->title, title) != 0)
		i->title = keep_str(w->m->arena, title);
}

/* ---- a trial's plan ---- */

/* Tables of a container are put right first: who writes to the disk in it goes by them. */
static bool has_to_wait(const struct trial *t, const struct finding *f)
{
	return f->at.src->is_guest && t->plan.edits.n + t->plan.moves.n > 0;
}

static void add_fix(struct mending *w, struct trial *t, size_t finding)
{
	const struct finding *f = w->now->found.v.v[finding];
	struct plan *p = trial_plan(t, f->at);
	size_t item = w->now->item[finding], before = p->edits.n, moves = p->moves.n;

	if (has_to_wait(t, f))
		return;
	if (qcow2_rule_fix(w->now->unit, f, p)) {
		t->fixes[finding] = true;
		t->nfixes++;
		set_title(w, item, p->title);
		/* What rule_fix() noted does not outlive the round. */
		for (size_t i = before; i < p->edits.n; i++)
			p->edits.v[i].because = w->m->items.v[item].finding;
		for (size_t i = moves; i < p->moves.n; i++)
			p->moves.v[i].because = w->m->items.v[item].finding;
	} else if (p->refused) {
		settle(w, item, OUTCOME_DECLINED, p->refused);
	} else if (before == 0) {
		settle(w, item, OUTCOME_DECLINED, "its fix does not apply here");
	} /* else it collides with another one's, and waits for the next round */
}

/* The fixes of all findings whose item is in the group. */
static void add_fixes(struct mending *w, struct trial *t, const size_t *group, size_t n)
{
	bool *in = arena_array(&t->next->arena, w->m->items.n, bool);

	for (size_t i = 0; i < n; i++)
		in[group[i]] = true;
	for (size_t i = 0; i < w->now->found.v.n; i++) {
		if (in[w->now->item[i]])
			add_fix(w, t, i);
	}
}

/* ---- what a trial proved ---- */

static const char *thanks_to(const struct trial *t)
{
	for (size_t i = 0; i < t->now->found.v.n; i++) {
		if (t->fixes[i])
			return t->now->found.v.v[i]->rule->id;
	}
	BUG("nothing was tried");
}

static void accept(struct mending *w, struct trial *t)
{
	struct draft *old = w->now, *next = t->next;
	size_t n = next->found.v.n;
	bool *stays = arena_array(&next->arena, old->found.v.n, bool);

	for (size_t i = 0; i < n; i++) {
		if (t->was[i] != TRIAL_NEW)
			stays[t->was[i]] = true;
	}
	for (size_t i = 0; i < old->found.v.n; i++) {
		if (stays[i])
			continue;
		settle(w, old->item[i], OUTCOME_FIXED,
		       t->fixes[i] ? NULL
				   : arena_printf(&next->arena, "gone with the fix of %s",
						  thanks_to(t)));
		if (!t->fixes[i])
			set_title(w, old->item[i], NULL);
	}
	w->now = next;
	w->src = NULL;
	w->moved = true;
	next->item = arena_array(&next->arena, n, size_t);
	for (size_t i = 0; i < n; i++)
		next->item[i] = t->was[i] != TRIAL_NEW
					? old->item[t->was[i]]
					: add_item(w, next->found.v.v[i], w->round + 1);
	if (old != w->first)
		draft_free(old);
}

static int try_group(struct mending *w, const size_t *group, size_t n, struct err *e)
{
	struct trial t = {
		.input = w->input, .policy = w->policy, .strict = w->strict, .now = w->now
	};
	int rc = 0;

	if (n == 0 || w->trials == MEND_TRIALS)
		return 0;
	trial_begin(&t, arena_new(w->m->arena, struct draft));
	add_fixes(w, &t, group, n);
	if (t.nfixes == 0) {
		trial_drop(&t);
		return 0;
	}
	w->trials++;
	rc = trial_run(&t, e);
	if (rc == 0 && !t.why) {
		accept(w, &t);
		return 0;
	}
	if (rc == 0 && n == 1)
		settle(w, group[0], OUTCOME_UNPROVEN, t.why);
	trial_drop(&t);
	if (rc != 0 || n == 1)
		return rc;
	if (try_group(w, group, n / 2, e) != 0)
		return -1;
	return try_group(w, group + n / 2, n - n / 2, e);
}

/* ---- rounds ---- */

/* What only mends the table that was laid open. */
static bool is_of_table(const struct rule *r)
{
	return (r->on == SUBJECT_gpt || r->on == SUBJECT_mbr) &&
	       !strstr(r->id, "-align-");
}

/* What this repair lays open is looked at by somebody before more is built on it: no data is
 * moved to where a guess says, and none is given up of which nobody knew. */
static bool is_premature(struct mending *w, size_t finding)
{
	const struct finding *f = w->now->found.v.v[finding];
	const char *why = NULL;

	if (f->rule->fix_class == FIX_SAFE)
		return false;
	if (table_lays_open(w->input, w->now->unit, f) && !is_of_table(f->rule))
		why = "the table that shows it is not on the disk yet: look at it first, and "
		      "repair again";
	else if (f->rule->fix_class == FIX_LOSSY && qcow2_is_hidden(w->input->qcow2, f))
		why = "the refcounts that show it are not in the file yet: look at it "
		      "first, and repair again";
	if (why)
		settle(w, w->now->item[finding], OUTCOME_DECLINED, why);
	return why != NULL;
}

/* Of a QCOW2, nothing is given up before all has been found that can be. */
static bool gives_up(const struct rule *r)
{
	return r->on == SUBJECT_qcow2 && r->fix_class == FIX_LOSSY;
}

/* All that may be fixed, of those that give something up or of the others. */
static int try_class(struct mending *w, bool last, struct err *e)
{
	size_t n = w->now->found.v.n, fixable = 0;
	size_t *group = arena_array(w->m->arena, n, size_t);

	for (size_t i = 0; i < n; i++) {
		const struct rule *r = w->now->found.v.v[i]->rule;

		if (gives_up(r) == last && mend_allows(w->policy, r) &&
		    !is_premature(w, i))
			group[fixable++] = w->now->item[i];
	}
	return try_group(w, group, fixable, e);
}

static int one_round(struct mending *w, struct err *e)
{
	w->moved = false;
	if (try_class(w, false, e) != 0)
		return -1;
	return w->moved ? 0 : try_class(w, true, e);
}

static int all_rounds(struct mending *w, struct err *e)
{
	size_t n = w->first->found.v.n;

	w->now = w->first;
	w->trials = 0;
	w->m->items.n = 0;
	w->first->item = arena_array(w->m->arena, n, size_t);
	for (size_t i = 0; i < n; i++)
		w->first->item[i] = add_item(w, w->first->found.v.v[i], 1);
	for (w->round = 1; w->round <= MEND_ROUNDS; w->round++) {
		if (one_round(w, e) != 0)
			return -1;
		if (!w->moved)
			break;
	}
	return 0;
}

/* Did it come to rest, with nothing at or above warning that the input did not have? */
static bool ended_well(struct mending *w)
{
	struct arena *a = &w->now->arena;
	struct seen_list was, is;

	if (w->moved)
		return false;
	was = seen_in(w->first->unit, &w->first->found, a);
	is = seen_in(w->now->unit, &w->now->found, a);
	seen_match(&was, &is, a);
	for (size_t i = 0; i < is.n; i++) {
		if (!is.v[i].same && is.v[i].finding->severity >= SEV_WARNING &&
		    !iso_sum_says(is.v[i].finding) &&
		    !is_laid_open(w->input, w->now->unit, is.v[i].finding))
			return false;
	}
	return true;
}

static void start_over(struct mending *w)
{
	if (w->now != w->first)
		draft_free(w->now);
	w->now = w->first;
	w->src = NULL;
	w->strict = true;
}

/* ---- the result ---- */

/* -1: an ERROR. Else whether what stands in src is other than what the edit has. */
static int changes(const struct edit *d, const struct source *src, uint8_t *buf,
		   struct err *e)
{
	for (uint64_t i = 0, n; i < d->at.len; i += n) {
		n = u64_min(d->at.len - i, COMPARE_PIECE);
		if (source_read(src, d->at.off + i, buf, (size_t)n, e) != 0)
			return -1;
		if (memcmp(buf, d->bytes.p + i, (size_t)n) != 0)
			return 1;
	}
	return 0;
}

/* The composed plan on the input, without edits that change nothing. */
static int compose(struct mending *w, struct err *e)
{
	const struct plan *whole = &w->now->whole;
	struct patch below = plan_patch(whole, &w->now->arena);
	struct source input;
	struct mend *m = w->m;
	uint8_t *buf = arena_alloc(m->arena, COMPARE_PIECE, 1);
	struct view last = { 0 };
	int differs;

	below.n = 0; /* as the edits find it: longer, and moved */
	input = source_overlay(&w->input->src, &below);
	m->plan.size = whole->size;
	for (size_t i = 0; i < whole->moves.n; i++)
		*vec_add(&m->plan.moves, m->arena) = whole->moves.v[i];
	for (size_t i = 0; i < whole->edits.n; i++) {
		struct edit *edit, *from = &whole->edits.v[i];

		differs = changes(from, &input, buf, e);
		if (differs < 0)
			return -1;
		if (!differs)
			continue;
		last = arena_copy_once(m->arena, from->bytes, last);
		edit = vec_add(&m->plan.edits, m->arena);
		*edit = *from;
		edit->at.src = &w->input->src;
		edit->bytes = last;
	}
	m->changed = m->plan.edits.n > 0 || m->plan.moves.n > 0 ||
		     whole->size != w->input->src.size;
	m->guest = w->now->guest.edits.n ? &w->now->guest : NULL;
	return iso_sum_follow(m, w->input, e);
}

static int conclude(struct mending *w, struct err *e)
{
	struct mend *m = w->m;
	struct view text = w->now->unit->text;

	m->remaining = w->now->found;
	m->last = w->now->unit;
	m->draft = w->now;
	if (w->now != w->first)
		draft_free(w->first);
	if (w->input->format->kind == FORMAT_IMAGE)
		return compose(w, e);
	m->text = arena_copy(m->arena, text);
	m->changed =
		text.n != w->input->text.n || !view_eq(text, 0, w->input->text.p, text.n);
	return 0;
}

int mend_plan(struct mend *m, const struct unit *u, const struct mend_policy *policy,
	      struct arena *a, struct err *e)
{
	struct mending w = { .m = m, .input = u, .policy = policy };

	BUG_ON(u->state != UNIT_READ);
	*m = (struct mend){ .arena = a, .last = u };
	m->plan = plan_on(&u->src, a);
	w.first = arena_new(a, struct draft);
	draft_init(w.first, u);
	if (all_rounds(&w, e) != 0)
		goto fail;
	if (!ended_well(&w)) {
		start_over(&w);
		if (all_rounds(&w, e) != 0)
			goto fail;
	}
	return conclude(&w, e);
fail:
	if (w.now != w.first)
		draft_free(w.now);
	draft_free(w.first);
	return -1;
}

void mend_free(struct mend *m)
{
	if (m->draft)
		draft_free(m->draft);
	m->draft = NULL;
}
