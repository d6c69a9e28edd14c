/* Paths of settings in a node tree, as the locus of a finding writes them, for who names them
 * from outside (a team's rules):
 *     "domain/devices/disk/driver@cache"     an attribute
 *     "config/security.secureboot"           a member
 *     "profiles/ * /config/limits.cpu"       * (without the blanks): any one, or any item
 *     "** /config/limits.cpu"                ** (likewise) in front: at any depth
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PATH_H
#define ANALYZE_CONFIG_PATH_H

#include "analyze/config/lens.h"

enum { NODE_PATH_STEPS = 16 };

struct node_path {
	struct str steps[NODE_PATH_STEPS]; /* to what holds the setting */
	size_t n;
	bool anywhere;    /* the first step is at any depth */
	bool bare;        /* anywhere, and no step: nothing says where it is missing */
	struct lens leaf; /* from there */
};

/* Takes text apart; memory is a's. NULL when it is a path, else what is wrong with it. */
const char *node_path_parse(struct node_path *p, const char *text, struct arena *a);

/* The next node behind `after` (NULL: the first), in file order, that may hold the setting;
 * NULL: there are no more. */
const struct node *node_path_owner(const struct node_path *p, const struct node *root,
				   const struct node *after);

/* The setting in it. */
struct fact node_path_read(const struct node_path *p, const struct node *owner);

#endif
