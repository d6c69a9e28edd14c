/* Which rules there are, and how they meet the facts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"
#include "rules/rules.h"
#include "rules/team.h"
#include "base/banned.h"

struct scan {
	const struct unit *unit;
	const struct rule *rule;
	const void *subject;
	struct arena *arena;
	struct findings *out;
	const void *memo_of;
	void *memo;
};

/* The sizes are constants of other files, so each row points at its own. */
struct family_row {
	const char *name;
	const struct rule *rules;
	const size_t *n;
};

static const struct family_row families[] = {
#define FAMILY(family) { #family, rules_##family, &rules_##family##_n },
#include "rules/families.def"
#undef FAMILY
};

enum { NFAMILIES = sizeof(families) / sizeof(families[0]) };

const char *severity_name(enum severity s)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[s];
}

const char *fix_class_name(enum fix_class c)
{
	static const char *const names[] = { "none", "manual", "safe", "unsafe",
					     "lossy" };

	return names[c];
}

size_t rule_index(const struct rule *r)
{
	size_t before = 0;

	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++, before++) {
			if (&families[f].rules[i] == r)
				return before;
		}
	}
	if (r->team && before + r->team->number < RULES_MAX)
		return before + r->team->number;
	BUG("rule %s is in no family", r->id);
}

const struct rule *rule_next(const struct rule *after)
{
	const struct rule *best = NULL;

	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			const struct rule *r = &families[f].rules[i];

			if (after && strcmp(r->id, after->id) <= 0)
				continue;
			if (!best || strcmp(r->id, best->id) < 0)
				best = r;
		}
	}
	return best;
}

const struct rule *rule_find(const char *id)
{
	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			if (strcmp(families[f].rules[i].id, id) == 0)
				return &families[f].rules[i];
		}
	}
	return NULL;
}

const struct rule *rule_of(const struct team_rules *team, const char *id,
			   const struct rule **near)
{
	const struct rule *found = rule_find(id);
	struct suggestion s = { .word = id };

	*near = NULL;
	for (size_t i = 0; !found && i < team->n; i++) {
		if (strcmp(team->v[i]->id, id) == 0)
			return team->v[i];
	}
	for (const struct rule *r = found ? NULL : rule_next(NULL); r; r = rule_next(r))
		suggest(&s, r->id);
	for (size_t i = 0; !found && i < team->n; i++)
		suggest(&s, team->v[i]->id);
	if (s.best)
		*near = rule_of(team, s.best, &(const struct rule *){ NULL });
	return found;
}

/* ---- reporting ---- */

struct finding *report(struct scan *s, struct span at, const char *fmt, ...)
{
	struct finding **slot, *f = arena_new(s->arena, struct finding);
	va_list ap;

	*f = (struct finding){ .rule = s->rule,
			       .severity = s->rule->severity,
			       .subject = s->subject,
			       .at = at };
	va_start(ap, fmt);
	f->message = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
	slot = vec_add(&s->out->v, s->arena);
	*slot = f;
	return f;
}

void report_label(struct scan *s, struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->label = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
}

void report_related(struct scan *s, struct finding *f, struct span at, const char *fmt,
		    ...)
{
	struct related *r = vec_add(&f->related, s->arena);
	va_list ap;

	r->at = at;
	va_start(ap, fmt);
	r->message = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
}

void report_rival(struct scan *s, struct finding *f, const struct rival *r,
		  const char *fmt, ...)
{
	struct related *to = vec_add(&f->related, s->arena);
	va_list ap;

	to->at = r->at;
	to->line = r->line;
	va_start(ap, fmt);
	to->message = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
}

void report_lower(struct finding *f)
{
	if (f->severity > SEV_NOTE)
		f->severity--;
}

struct version target_version(const struct scan *s, const char *program)
{
	return host_version(s->unit->host, program);
}

const char *shown(struct scan *s, struct str text)
{
	return str_shown(s->arena, text);
}

const char *scan_printf(struct scan *s, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(s->arena, fmt, ap);
	va_end(ap);
	return text;
}

void **scan_memo(struct scan *s, const void *subject)
{
	if (s->memo_of != subject) {
		s->memo_of = subject;
		s->memo = NULL;
	}
	return &s->memo;
}

struct arena *scan_arena(struct scan *s)
{
	return s->arena;
}

const struct rule *scan_rule(const struct scan *s)
{
	return s->rule;
}

const struct unit *scan_unit(const struct scan *s)
{
	return s->unit;
}

/* ---- running ---- */

#define RUN(s, member, object)                                                           \
	do {                                                                             \
		if ((object) && (s)->rule->on == SUBJECT_##member) {                     \
			(s)->subject = (object);                                         \
			(s)->rule->check.member((s), (object));                          \
		}                                                                        \
	} while (0)

static void run_on_domain(struct scan *s, const struct domain *d)
{
	RUN(s, domain, d);
	for (size_t i = 0; i < d->ndevices; i++)
		RUN(s, device, &d->devices[i]);
}

static void run_on_vm(struct scan *s, const struct vm *vm)
{
	RUN(s, vm, vm);
	for (size_t i = 0; i < vm->ndisks; i++)
		RUN(s, disk, &vm->disks[i]);
	for (size_t i = 0; i < vm->niommus; i++)
		RUN(s, iommu, &vm->iommus[i]);
	if (vm->domain)
		run_on_domain(s, vm->domain);
}

/* NOLINTNEXTLINE(readability-function-cognitive-complexity): RUN() makes a list */
static void run_rule(struct scan *s)
{
	const struct unit *u = s->unit;

	RUN(s, unit, u);
	RUN(s, qcow2, u->qcow2);
	if (u->image) {
		RUN(s, image, u->image);
		RUN(s, mbr, u->image->mbr);
		RUN(s, gpt, u->image->gpt);
		for (size_t i = 0; i < u->image->nvolumes; i++)
			RUN(s, volume, &u->image->volumes[i]);
		RUN(s, volume, u->image->whole);
		RUN(s, iso, u->image->iso);
		for (size_t i = 0; u->image->iso && i < u->image->iso->nvolumes; i++)
			RUN(s, iso_volume, &u->image->iso->volume[i]);
	}
	for (size_t i = 0; i < u->nvms; i++) {
		run_on_vm(s, &u->vms[i]);
		if (u->vms[i].args)
			run_on_vm(s, u->vms[i].args);
		RUN(s, incus, u->incus ? &u->incus[i] : NULL);
		RUN(s, utm, u->vms[i].utm);
	}
	for (size_t i = 0; i < u->npools; i++)
		RUN(s, incus_pool, &u->pools[i]);
	for (size_t i = 0; i < u->nbuilders; i++)
		RUN(s, builder, &u->builders[i]);
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = *(struct finding *const *)a;
	const struct finding *y = *(struct finding *const *)b;

	/* A container first, then the disk in it. */
	if (x->at.src->is_guest != y->at.src->is_guest)
		return x->at.src->is_guest ? 1 : -1;
	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	return strcmp(x->rule->id, y->rule->id);
}

/* ---- what the text suppresses ---- */

struct ignorance {
	VEC(struct ignored) v;
};

static void read_ignored(struct ignorance *all, const struct unit *u, struct arena *a)
{
	const struct team_rules team = { u->host->team, u->host->nteam };

	for (size_t i = 0; i < u->nsuppressions; i++) {
		const struct suppression *s = &u->suppressions[i];

		for (size_t k = 0; k < s->nrules; k++) {
			const char *id = arena_str(a, s->rules[k].id);
			struct ignored *g = vec_add(&all->v, a);

			*g = (struct ignored){ .by = s, .named = &s->rules[k] };
			g->rule = rule_of(&team, id, &g->meant);
			/* Without its policy, nobody knows what rules a team has. */
			g->unknown = !g->rule && (u->host->has_policy ||
						  !str_starts(str_of(id), TEAM_PREFIX));
			g->needs_reason = u->host->needs_reasons;
		}
	}
}

static bool is_ignored(const struct unit *u, struct ignorance *all, struct finding *f)
{
	bool is = false;

	/* Places in other files are not what the text is about. */
	if (f->at.src != &u->src && strcmp(f->at.src->path, u->src.path) != 0)
		return false;
	for (size_t i = 0; i < u->host->nunsuppressable; i++) {
		if (u->host->unsuppressable[i] == f->rule)
			return false;
	}
	for (size_t i = 0; i < all->v.n; i++) {
		struct ignored *g = &all->v.v[i];

		if (g->rule != f->rule || f->at.off < g->by->covers.off ||
		    f->at.off > span_end(g->by->covers))
			continue;
		g->used = true;
		f->suppressed = g->by;
		is = true;
	}
	return is;
}

static void suppress(const struct unit *u, struct ignorance *all, struct findings *out,
		     struct arena *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < out->v.n; i++) {
		if (is_ignored(u, all, out->v.v[i]))
			*vec_add(&out->suppressed, a) = out->v.v[i];
		else
			out->v.v[kept++] = out->v.v[i];
	}
	out->v.n = kept;
}

static void run_on_ignored(struct scan *s, const struct ignorance *all)
{
	for (size_t i = 0; i < all->v.n; i++)
		RUN(s, ignored, &all->v.v[i]);
}

static void judge_suppressions(struct scan *s)
{
	struct ignorance all = { 0 };

	read_ignored(&all, s->unit, s->arena);
	suppress(s->unit, &all, s->out, s->arena);
	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			s->rule = &families[f].rules[i];
			run_on_ignored(s, &all);
		}
	}
}

void rules_run(const struct unit *u, struct arena *a, struct findings *out)
{
	struct scan s = { .unit = u, .arena = a, .out = out };

	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			s.rule = &families[f].rules[i];
			run_rule(&s);
		}
	}
	for (size_t i = 0; i < u->host->nteam; i++) {
		s.rule = u->host->team[i];
		run_rule(&s);
	}
	if (u->nsuppressions)
		judge_suppressions(&s);
	vec_sort(&out->v, by_place);
}

void rules_run_on_claims(const struct unit *u, const struct claims *c, struct arena *a,
			 struct findings *out)
{
	struct scan s = { .unit = u, .arena = a, .out = out };
	struct ignorance all = { 0 };

	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			s.rule = &families[f].rules[i];
			for (size_t k = 0; rule_compares(s.rule) && k < c->v.n; k++)
				RUN(&s, claim, c->v.v[k]);
		}
	}
	read_ignored(&all, u, a);
	suppress(u, &all, out, a);
	vec_sort(&out->v, by_place);
}

/* Of an ISO in a container: what follows a repair of the ISO is written in a file of its own
 * only (rewrite/iso_sum.h). */
static bool has_sum_within(const struct finding *f, const struct plan *p)
{
	const struct iso_volume *v;
	const struct iso *iso = NULL;

	if (f->rule->on == SUBJECT_iso) {
		iso = f->subject;
	} else if (f->rule->on == SUBJECT_iso_volume) {
		v = f->subject;
		iso = v->image->iso;
	}
	return iso && p->src->is_guest && iso->md5.at.len;
}

bool rule_fix(const struct finding *f, struct plan *p)
{
	struct plan_mark before = plan_mark(p);
	bool fixed = false;

	p->because = f;
	p->title = NULL;
	p->refused = NULL;
	/* A plan is about the bytes of a file, or about those of the disk in it. */
	BUG_ON(f->at.src->is_guest != p->src->is_guest);
	if (p->src->read_only)
		return plan_refuse(p, "%s", p->src->read_only);
	if (has_sum_within(f, p))
		return plan_refuse(
			p, "its implanted MD5 would be wrong, and is not made anew "
			   "in a container: convert it to raw first");
	switch (f->rule->on) {
#define X(member, type)                                                                  \
	case SUBJECT_##member:                                                           \
		fixed = f->rule->fix.member && f->rule->fix.member(p, f, f->subject);    \
		break;
		SUBJECTS(X)
#undef X
	}
	if (!fixed)
		plan_cut(p, before);
	p->because = NULL;
	return fixed;
}
