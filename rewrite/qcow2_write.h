/* Writing to the disk in a QCOW2: what a plan changes of the guest's bytes becomes edits of
 * the host file. docs/interop/qcow2.txt of QEMU.
 *
 * Bytes of a cluster that only the guest's disk has are written in place. Others (zeros,
 * of the backing file, compressed, shared with a snapshot) get a cluster of their own
 * behind the end of the file, with all that the guest sees in the old one. At each moment
 * between two stages the tables are consistent but for clusters that nobody refers to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_QCOW2_WRITE_H
#define REWRITE_QCOW2_WRITE_H

#include "rules/rule.h"

/* rule_fix() of a finding of u, for a plan on where the finding is. Of the guest's disk:
 * declines what qcow2_write() never does. */
bool qcow2_rule_fix(const struct unit *u, const struct finding *f, struct plan *p)
	__attribute__((warn_unused_result));

/* Adds to host, a plan on u's file, what `guest`, one on the disk in it, writes. False:
 * host->refused says why not, or some of it collides with an edit. */
bool qcow2_write(struct plan *host, const struct plan *guest, const struct unit *u)
	__attribute__((warn_unused_result));

#endif
