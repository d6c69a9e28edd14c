/* The whole interface of a rule.
 *
 * A rule is one check function, an optional fix function, and one const row, together in
 * the file of its family. Checks see facts only: no I/O, no printing, no memory of their
 * own. Fixes add edits to a plan; they run later, on the facts of that moment.
 *
 *     static void check_size(struct scan *s, const struct mbr *m)
 *     {
 *             if (...)
 *                     report(s, m->protective->sectors.at, "the protective MBR covers ...");
 *     }
 *     const struct rule rules_pmbr[] = {
 *             { .id = "pmbr-size", .severity = SEV_WARNING, .fix_class = FIX_SAFE,
 *               .title = "...", .why = "...", .source = "UEFI 2.10, table 5-4",
 *               CHECK_FIX(mbr, check_size, fix_size) },
 *     };
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include "analyze/claim.h"
#include "analyze/config/domain.h"
#include "analyze/config/incus.h"
#include "analyze/config/node.h"
#include "analyze/config/packer.h"
#include "analyze/config/suppress.h"
#include "analyze/config/utm.h"
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/image/mbr.h"
#include "analyze/image/qcow2.h"
#include "analyze/image/volume.h"
#include "analyze/model.h"
#include "analyze/unit.h"
#include "base/vec.h"
#include "rewrite/edit.h"

enum severity { SEV_NOTE, SEV_WARNING, SEV_ERROR };

enum fix_class {
	FIX_NONE,   /* explained, and that is all */
	FIX_MANUAL, /* explained with the exact steps, never automatic */
	FIX_SAFE,   /* nothing readable changes meaning, no plausible data is lost */
	FIX_UNSAFE, /* behaviour may change, or a best guess is made: --unsafe-fixes */
	FIX_LOSSY,  /* bytes that may hold data are dropped: --lossy-fixes */
};

/* What a check can be about: it runs once for each such fact that a unit has. */
#define SUBJECTS(X)                                                                      \
	X(unit, struct unit)                                                             \
	X(image, struct image)                                                           \
	X(mbr, struct mbr)                                                               \
	X(gpt, struct gpt)                                                               \
	X(volume, struct volume)                                                         \
	X(iso, struct iso)                                                               \
	X(iso_volume, struct iso_volume)                                                 \
	X(qcow2, struct qcow2)                                                           \
	X(vm, struct vm)                                                                 \
	X(disk, struct disk)                                                             \
	X(iommu, struct iommu)                                                           \
	X(domain, struct domain)                                                         \
	X(device, struct device)                                                         \
	X(builder, struct builder)                                                       \
	X(incus, struct incus)                                                           \
	X(incus_pool, struct incus_pool)                                                 \
	X(ignored, struct ignored)                                                       \
	X(utm, struct utm)                                                               \
	X(claim, struct claim)

enum subject {
#define X(member, type) SUBJECT_##member,
	SUBJECTS(X)
#undef X
};

#define X(member, type) +1
enum { SUBJECTS_N = 0 SUBJECTS(X) };
#undef X

struct scan; /* one run over one unit; only report() looks inside */

/* A further place that a finding is about. */
struct related {
	struct span at;
	uint64_t line; /* of a text that is another input; else 0 */
	const char *message;
};

/* One rule that a suppression names, and what came of it. */
struct ignored {
	const struct suppression *by;
	const struct suppressed_rule *named;
	const struct rule *rule;  /* NULL: there is none of that name */
	const struct rule *meant; /* perhaps, where there is none; or NULL */
	bool unknown;             /* that there is none is certain */
	bool needs_reason;        /* the policy wants one of each */
	bool used;
};

/* Strings are the unit's arena's. */
struct finding {
	const struct rule *rule;
	enum severity severity; /* the rule's, or one less: report_lower() */
	const void *subject;    /* what the check was called with */
	struct span at;
	const char *message; /* observed, then expected; lower case, no final stop */
	const char *label;   /* what stands beside the carets: the consequence; or NULL */
	uint64_t arg;        /* for the fix, such as an entry's index */
	const struct suppression *suppressed; /* by that; or NULL */
	VEC(struct related) related;
};

struct findings {
	VEC(struct finding *) v;
	VEC(struct finding *) suppressed; /* the others */
};

struct rule {
	const char *id;     /* kebab-case, for ever */
	const char *title;  /* one line, under 72 characters, no final stop */
	const char *why;    /* one or two sentences: what happens otherwise */
	const char *steps;  /* FIX_MANUAL, FIX_NONE: what to do; else may be NULL */
	const char *source; /* the clause, documentation or issue that proves it */
	const char *since;  /* version of vmend that first had it */
	enum severity severity;
	enum fix_class fix_class;
	enum subject on;
	/* Silent where another rule says something of the very same place that is as severe:
	 * it then is the same, and said better. */
	bool yields;
	const struct team_rule *team; /* of a team's policy (team.h); NULL: vmend's own */
	union {
#define X(member, type) void (*member)(struct scan * s, const type *subject);
		SUBJECTS(X)
#undef X
	} check;
	/* False: cannot be fixed here, for a reason that the plan may state (plan_refuse).
	 * What it added to the plan is then dropped. */
	union {
#define X(member, type)                                                                  \
	bool (*member)(struct plan * p, const struct finding *f, const type *subject);
		SUBJECTS(X)
#undef X
	} fix;
};

/* One token sets the subject and the typed member, so that they cannot disagree. */
#define CHECK(member, fn)             .on = SUBJECT_##member, .check.member = (fn)
#define CHECK_FIX(member, fn, fix_fn) CHECK(member, fn), .fix.member = (fix_fn)

/* ---- for checks ---- */

struct finding *report(struct scan *s, struct span at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_label(struct scan *s, struct finding *f, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void report_related(struct scan *s, struct finding *f, struct span at, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));

/* The same in another input. */
void report_rival(struct scan *s, struct finding *f, const struct rival *r,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* One step less severe than the rule: it is so for some versions of a program, or where
 * something that is not seen here does not say otherwise. */
void report_lower(struct finding *f);

/* Of a program that the user says the input is for: --target NAME=VERSION. */
struct version target_version(const struct scan *s, const char *program);

/* Input text as it may stand in a message. */
const char *shown(struct scan *s, struct str text);
/* A scratch string for messages. */
const char *scan_printf(struct scan *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* For what several rules find out about one subject: *scan_memo() is NULL until one of them
 * sets it, to something in scan_arena(). Only that of the last subject is kept. */
void **scan_memo(struct scan *s, const void *subject);
struct arena *scan_arena(struct scan *s);
/* Which rule it is, and in which file: for checks that several rules have in common. */
const struct rule *scan_rule(const struct scan *s);
const struct unit *scan_unit(const struct scan *s);

/* ---- the registry ---- */

/* Each file of rules/ has one array of rows, sorted by id, and a line in families.def. */
const struct rule *rule_find(const char *id); /* NULL: no such rule */
/* All rules in the order of their ids: rule_next(NULL) is the first, NULL ends. */
const struct rule *rule_next(const struct rule *after);
/* These, and the rules of teams that count here. Of a wrong id *near is the one that may be
 * meant, or NULL. */
struct team_rules {
	const struct rule *const *v;
	size_t n;
};
const struct rule *rule_of(const struct team_rules *team, const char *id,
			   const struct rule **near);
/* A number below RULES_MAX, each rule its own, in this run only. */
size_t rule_index(const struct rule *r);
enum { RULES_MAX = 1024, TEAM_RULES_MAX = 512 }; /* the latter: of those */

/* Runs every rule on every subject that u has, and takes out what u's text suppresses.
 * Findings are sorted by place, then id; they live in a. */
void rules_run(const struct unit *u, struct arena *a, struct findings *out);

/* Runs those that compare inputs, on what u claims and others claim as well (analyze/fleet.h);
 * the others do not look at claims. */
void rules_run_on_claims(const struct unit *u, const struct claims *c, struct arena *a,
			 struct findings *out);
/* Does it compare inputs? Then nobody knows from one of them what it finds. */
static inline bool rule_compares(const struct rule *r)
{
	return r->on == SUBJECT_claim;
}

/* Asks f's rule to add its fix to p. False: none, or not here. */
bool rule_fix(const struct finding *f, struct plan *p);

const char *severity_name(enum severity s);   /* "error" */
const char *fix_class_name(enum fix_class c); /* "safe" */

#endif
