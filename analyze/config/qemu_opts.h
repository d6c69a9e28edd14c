/* The options in one word, as QEMU reads them: file=a,,b.iso,if=none,media=cdrom.
 * QEMU: util/qemu-option.c, get_opt_name_value(). A comma within a value is doubled; a
 * first unit without '=' is the value of an implied option, a later one a flag ("x" is
 * x=on, "nox" is x=off). Of several with one name the last counts (node_last_wins()).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_QEMU_OPTS_H
#define ANALYZE_CONFIG_QEMU_OPTS_H

#include "analyze/config/node.h"
#include "analyze/config/word.h"

enum { QEMU_OPTS_MAX = 4096 }; /* of one word */

/* One option, as places in the word's text. */
struct qemu_unit {
	size_t from, to; /* all of it, without the comma before it */
	size_t key_end;  /* == from: the implied one */
	size_t value;    /* to where it has none: a flag */
	bool flag;
	bool unknown; /* nobody knows which option this is */
};

/* The unit at *at, and *at moved behind it and its comma. implied: a first unit may be a
 * value alone. False: there are no more. */
bool qemu_unit(const struct word *w, const char *implied, size_t *at,
	       struct qemu_unit *u);

/* A map of the word's options: last child of up, if there is one. Values are decoded; one
 * that holds something decided elsewhere is NODE_OPAQUE. What may be any options
 * ("file=a,$MORE") is a NODE_OPAQUE without a key. implied: the name of the first, or NULL.
 * NULL: memory is gone, or there are more than QEMU_OPTS_MAX. */
struct node *qemu_opts(const struct word *w, const char *implied, struct node *up,
		       struct arena *a);

#endif
