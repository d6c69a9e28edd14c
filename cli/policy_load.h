/* What the readers of a policy's keys share: policy_read.c has the table of keys, policy_host.c
 * those about the machine, policy_team.c those of a team's own rules.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_POLICY_LOAD_H
#define CLI_POLICY_LOAD_H

#include "analyze/config/node.h"
#include "base/suggest.h"
#include "cli/policy.h"

struct loading {
	struct policy *policy;
	struct arena *a;
	struct view text;
	const char *path;          /* of the file that is read */
	const char *folder;        /* of it */
	const struct ignore *only; /* `files` of the entry that is read */
	const char *within;        /* "" or "paths." : for names of keys */
	unsigned depth;
	struct err *e;
};

/* ERR_USAGE, with the place of n. */
int load_complain(struct loading *l, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "there is no KIND 'WORD'; did you mean ...?", near as it came out; OR: what else to say. */
int load_unknown(struct loading *l, const struct node *n, const char *kind,
		 const struct suggestion *near, const char * or);

const char *load_text(struct loading *l, const struct node *n);
const char *load_shown(struct loading *l, struct str s);
int load_need(struct loading *l, const struct node *n, enum node_kind kind,
	      const char *what);

struct word_value {
	const char *word;
	unsigned value;
};
extern const struct word_value load_severities[], load_classes[];
/* One of the words; one that is NULL ends them. */
int load_word(struct loading *l, const struct node *n, const struct word_value *words,
	      unsigned *out);

struct setting *load_setting(struct loading *l, enum setting_kind kind,
			     const struct node *n, const char *key);
/* A path as it is written, from the policy's folder. */
const char *load_path(struct loading *l, const struct node *n);

/* ---- keys ---- */

int load_roots(struct loading *l, const struct node *n);
int load_maps(struct loading *l, const struct node *n);
int load_targets(struct loading *l, const struct node *n);
int load_networks(struct loading *l, const struct node *n);
int load_sector_size(struct loading *l, const struct node *n);
int load_vars(struct loading *l, const struct node *n);
int load_var_files(struct loading *l, const struct node *n);
int load_team(struct loading *l, const struct node *n);

/* The policy's machines, from its settings. */
void policy_fill_hosts(struct policy *p, struct arena *a);

#endif
