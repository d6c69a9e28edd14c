/* What a config says about findings in it: "vmend: ignore[RULE,...] reason" in a comment, or
 * the same in the data where a format's own tools drop comments. SPEC.md 4.1.
 *
 *   comments        # vmend: ignore[disk-cache-unsafe] throwaway VM
 *                   <!-- vmend: ignore[disk-cache-unsafe] throwaway VM -->
 *   libvirt         <metadata><vmend:ignore xmlns:vmend="urn:vmend" rule="a,b">why</...>
 *   Incus           user.vmend.ignore: "a,b why"
 *   Packer's JSON   "_vmend": "ignore[a,b] why"
 *
 * A comment on a line of its own is about the next line that is more than a comment, one
 * behind something about its own line; in both cases about everything in what begins there.
 * ignore-file, and all that is not a comment, is about the whole file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_SUPPRESS_H
#define ANALYZE_CONFIG_SUPPRESS_H

#include "analyze/model.h"

struct node;
struct unit;

/* Of one file; what comes behind them suppresses nothing. */
enum { SUPPRESSIONS_MAX = 256, SUPPRESSED_RULES_MAX = 64 };

struct suppressed_rule {
	struct str id;
	struct span at;
};

struct suppression {
	struct span at;   /* the comment, from its first mark to its last; or the node */
	struct span goes; /* of a comment: what goes when it is taken out */
	struct span covers;                  /* findings that begin here */
	struct str reason;                   /* may be empty */
	const struct suppressed_rule *rules; /* every one is named */
	size_t nrules;
	const struct node *node; /* NULL: a comment */
};

/* Reads those of u's text into u->suppressions. Only for a text that has a node tree. */
void suppressions_read(struct unit *u);

#endif
