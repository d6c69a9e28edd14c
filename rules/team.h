/* A team's own rules: rows of its policy (SPEC.md, 8.1), a setting, what it has to be, and what
 * to make of it. Their checks and fixes are these, the same for all of them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_TEAM_H
#define RULES_TEAM_H

#include "analyze/config/path.h"
#include "rules/rule.h"

/* Ids of vmend's own rules never begin so. */
#define TEAM_PREFIX "team-"

/* A field of the model, which every flavour has its own word for. */
struct team_field {
	const char *name; /* "disk.cache" */
	enum subject on;  /* what a rule about it is about */
	bool of_hostdev;  /* of each in the vm */
	size_t offset;    /* of the struct fact */
};

/* In no order. A name of NULL ends them. */
extern const struct team_field team_fields[];

enum team_op {
	TEAM_IS,      /* one of the words */
	TEAM_NOT,     /* none of them */
	TEAM_MATCHES, /* the same with * and ? in the words */
	TEAM_NOT_MATCHES,
	TEAM_AT_LEAST, /* a number; what is none is not judged */
	TEAM_AT_MOST,
};

struct team_test {
	const struct team_field *field; /* NULL: path */
	const struct node_path *path;
	enum team_op op;
	const char *const *words; /* NULL among them: that it is not set */
	size_t nwords;
	uint64_t number;
};

struct team_rule {
	struct rule rule;
	struct team_test test;
	/* Each of them must hold. Of a path's rule: settings beside its own. */
	const struct team_test *when;
	size_t nwhen;
	const struct format *const *formats; /* only these; none: all */
	size_t nformats;
	const char *name;     /* of the setting, as the row has it */
	const char *expected; /* "expected 'none'" */
	const char *message;
	const char *set; /* the value that a fix sets; NULL: none */
	bool remove;     /* the fix is to take it away */
	size_t number;   /* each its own, in this run */
};

/* Sets what runs r->rule: its subject, check and fix. */
void team_rule_bind(struct team_rule *r);

/* Is that what the test wants? False as well where it cannot be said. value: NULL for a
 * setting that is not there. */
bool team_wants(const struct team_test *t, const char *value);

#endif
