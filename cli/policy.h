/* .vmend.yaml: what a team has decided on once, for everybody who runs vmend on its files.
 * SPEC.md, 8.
 *
 * The one that counts for a file is the closest above it, up to the root of its repository;
 * others count only where it names them (extends). What the command line says comes before
 * all of it. A policy is read as a list of settings, those of what it extends first: of two
 * that answer one question the later one does.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_POLICY_H
#define CLI_POLICY_H

#include "analyze/host.h"
#include "cli/ignore.h"
#include "cli/options.h"

enum { POLICY_EXTENDS_MAX = 8, POLICY_SIZE_MAX = 1 << 20, POLICY_HOSTS = 3 };

struct team_rule;

enum setting_kind {
	SETTING_SELECT,         /* rule */
	SETTING_IGNORE,         /* rule */
	SETTING_SEVERITY,       /* rule, value: enum severity */
	SETTING_FIX,            /* rule, value: enum fix_class; FIX_NONE: never */
	SETTING_UNSUPPRESSABLE, /* rule */
	SETTING_FAIL_ON,        /* value: enum severity, or FAIL_NEVER */
	SETTING_ROOT,           /* word: a folder */
	SETTING_MAP,            /* name, word: a folder */
	SETTING_TARGET,         /* name, word, version */
	SETTING_NETWORK,        /* name: a path, word: type of file system and options */
	SETTING_SECTOR_SIZE,    /* word, value: bytes */
	SETTING_VAR,            /* name, word, value: enum scalar_type */
	SETTING_VAR_FILE,       /* word: a path, file: what it says */
	SETTING_REASONS,        /* word, value: whether each suppression needs one */
	SETTING_TEAM,           /* rule: one of the team's own, word: it */
};

enum { FAIL_NEVER = 9 };

struct setting {
	enum setting_kind kind;
	const struct rule *rule;
	unsigned value;
	const char *name, *word;
	struct version version;
	struct given_file file;
	/* The files that it is about, as paths from `folder`; NULL: all. */
	const struct ignore *files;
	const char *folder; /* absolute, with a slash at its end */
	/* Where it stands. */
	const char *path, *key;
	uint64_t line;
};

struct policy {
	const char *path; /* of the .vmend.yaml */
	VEC(struct setting) settings;
	VEC(struct team_rule *) rows;  /* the team's own rules, */
	VEC(const struct rule *) team; /* and the same as rules */
	size_t first;                  /* the number of the first of them, in this run */
	/* The run's, with what the policy adds; by the sector size that it has for a file. */
	struct host hosts[POLICY_HOSTS];
};

/* All that were read; memory is a's. */
struct policies {
	struct arena *arena;
	const struct options *o;
	const struct host *host; /* the run's */
	VEC(struct policy *) all;
	VEC(struct policy_folder) folders; /* what was looked up */
	VEC(const struct rule *) team;     /* the rules of all teams */
};

struct policy_folder {
	const char *path;
	struct policy *policy; /* NULL: none */
};

/* Fills p, whose path and host are set. ERR_USAGE with path, line and column when that is not
 * possible. */
int policy_read(struct policy *p, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* The one for a file (NULL: none); path as it was given or found. ERR_USAGE with path, line
 * and column when it cannot be used. */
int policy_of(struct policies *p, const char *path, struct policy **out, struct err *e)
	__attribute__((warn_unused_result));

/* The ones for some paths, for commands that do nothing else with them; out: n of them. */
int policies_of(struct policies *all, const struct options *o, const char *const *paths,
		size_t n, struct policy **out, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));
/* The path of the current folder. */
extern const char *const policy_here[];

bool setting_is_about(const struct setting *s, const char *path);

/* What it says about a rule in a file. p may be NULL. */
bool policy_has(const struct policy *p, const struct rule *r, const char *path);
enum severity policy_severity(const struct policy *p, const struct rule *r,
			      enum severity s, const char *path);
enum fix_class policy_fix_class(const struct policy *p, const struct rule *r,
				const char *path);
/* The machine that a file is for. */
const struct host *policy_host(const struct policy *p, const char *path);
/* The last setting of that kind; NULL: none. */
const struct setting *policy_setting(const struct policy *p, enum setting_kind kind,
				     const struct rule *r, const char *path);

#endif
