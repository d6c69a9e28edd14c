/* Does a plan leave what a QCOW2 holds as it was? Every byte of the guest's disk, of its VM
 * state and of each snapshot that could be read before has to be there after it, but for
 * those that a plan on the guest's disk writes, which are as it says.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_SAME_H
#define REWRITE_QCOW2_SAME_H

#include "rules/rule.h"

struct qcow2_same {
	const struct unit *was, *is; /* both are QCOW2s that were read */
	const struct plan *host;     /* on was's file: all that is between the two */
	const struct plan *guest;    /* on the disk in it; NULL, or without edits: none */
	/* Of the fixes. From FIX_UNSAFE on, a repair of tables may bring back what was not
	 * allocated. */
	enum fix_class reach;
	struct arena *arena;
	const char *why; /* out: what would change, or cannot be proven; NULL: nothing */
};

/* Compares both mappings, and reads only what they differ in and what the plan writes to.
 * -1: a file cannot be read. */
int qcow2_same(struct qcow2_same *s, struct err *e) __attribute__((warn_unused_result));

#endif
