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

/* What a unit has of each subject, in the order of its text. */
struct subjects {
	VEC(const void *) of[SUBJECTS_N];
};

static void add(struct subjects *all, enum subject which, const void *object,
		struct arena *a)
{
	if (object)
		*vec_add(&all->of[which], a) = object;
}

#define ADD(member, object) add(all, SUBJECT_##member, (object), a)
#define ADD_ALL(member, objects, n)                                                      \
	for (size_t i_ = 0; i_ < (n); i_++)                                              \
	ADD(member, &(objects)[i_])

static void add_vm(struct subjects *all, const struct vm *vm, struct arena *a)
{
	ADD(vm, vm);
	ADD_ALL(disk, vm->disks, vm->ndisks);
	ADD_ALL(iommu, vm->iommus, vm->niommus);
	ADD(domain, vm->domain);
	if (vm->domain)
		ADD_ALL(device, vm->domain->devices, vm->domain->ndevices);
}

static void add_image(struct subjects *all, const struct image *image, struct arena *a)
{
	ADD(image, image);
	ADD(mbr, image->mbr);
	ADD(gpt, image->gpt);
	ADD_ALL(volume, image->volumes, image->nvolumes);
	ADD(volume, image->whole);
	ADD(iso, image->iso);
	if (image->iso)
		ADD_ALL(iso_volume, image->iso->volume, image->iso->nvolumes);
}

static void add_unit(struct subjects *all, const struct unit *u, struct arena *a)
{
	ADD(unit, u);
	ADD(qcow2, u->qcow2);
	if (u->image)
		add_image(all, u->image, a);
	for (size_t i = 0; i < u->nvms; i++) {
		add_vm(all, &u->vms[i], a);
		if (u->vms[i].args)
			add_vm(all, u->vms[i].args, a);
		ADD(incus, u->incus ? &u->incus[i] : NULL);
		ADD(utm, u->vms[i].utm);
	}
	ADD_ALL(incus_pool, u->pools, u->npools);
	ADD_ALL(builder, u->builders, u->nbuilders);
}

static void run_on(struct scan *s, const void *subject)
{
	s->subject = subject;
	switch (s->rule->on) {
#define X(member, type)                                                                  \
	case SUBJECT_##member:                                                           \
		s->rule->check.member(s, subject);                                       \
		break;
		SUBJECTS(X)
#undef X
	}
}

static void run_rule(struct scan *s, const struct subjects *all)
{
	for (size_t i = 0; i < all->of[s->rule->on].n; i++)
		run_on(s, all->of[s->rule->on].v[i]);
}

static void run_rules(struct scan *s, const struct subjects *all)
{
	for (size_t f = 0; f < NFAMILIES; f++) {
		for (size_t i = 0; i < *families[f].n; i++) {
			s->rule = &families[f].rules[i];
			run_rule(s, all);
		}
	}
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

static void judge_suppressions(struct scan *s)
{
	struct ignorance all = { 0 };
	struct subjects judged = { 0 };

	read_ignored(&all, s->unit, s->arena);
	suppress(s->unit, &all, s->out, s->arena);
	for (size_t i = 0; i < all.v.n; i++)
		add(&judged, SUBJECT_ignored, &all.v.v[i], s->arena);
	run_rules(s, &judged);
}

void rules_run(const struct unit *u, struct arena *a, struct findings *out)
{
	struct scan s = { .unit = u, .arena = a, .out = out };
	struct subjects all = { 0 };

	add_unit(&all, u, a);
	run_rules(&s, &all);
	for (size_t i = 0; i < u->host->nteam; i++) {
		s.rule = u->host->team[i];
		run_rule(&s, &all);
	}
	if (u->nsuppressions)
		judge_suppressions(&s);
	vec_sort(&out->v, by_place);
}

void rules_run_on_claims(const struct unit *u, const struct claims *c, struct arena *a,
			 struct findings *out)
{
	struct scan s = { .unit = u, .arena = a, .out = out };
	struct ignorance ignored = { 0 };
	struct subjects all = { 0 };

	for (size_t i = 0; i < c->v.n; i++)
		add(&all, SUBJECT_claim, c->v.v[i], a);
	run_rules(&s, &all);
	read_ignored(&ignored, u, a);
	suppress(u, &ignored, out, a);
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
