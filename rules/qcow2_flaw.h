/* What the rules on the tables of QCOW2 images share: how flaws are told, and what has to
 * be sure before one of them is mended.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_QCOW2_FLAW_H
#define RULES_QCOW2_FLAW_H

#include "rewrite/qcow2_edit.h"
#include "rules/rule.h"

/* For %llu and %llx. */
static inline unsigned long long llu(uint64_t v)
{
	return v;
}

enum { FLAWS_TOLD = 8 }; /* runs that a finding lists; the rest is a number */

static inline const struct qcow2_flaws *flaws_of(const struct qcow2 *q,
						 enum qcow2_flaw_kind k)
{
	return &q->scan->flaws[k];
}

/* Its tables were looked at, and no feature that we do not know gives them another
 * meaning. */
static inline bool qcow2_judged(const struct qcow2 *q)
{
	return q->scan && !(q->incompatible.v & ~QCOW2_INCOMPAT_KNOWN);
}

static inline bool has_flaw(const struct qcow2 *q, enum qcow2_flaw_kind k)
{
	return qcow2_judged(q) && flaws_of(q, k)->total != 0;
}

/* One finding on all flaws of a kind; NULL: there are none. what: what is wrong with an
 * entry, after "..., ". The first run is told in the message, some more as related. */
struct finding *report_entries(struct scan *s, const struct qcow2 *q,
			       enum qcow2_flaw_kind k, const char *what);
/* The same of entries that lead nowhere, but for those of a file that was cut: says how much
 * of the guest's disk they were for, and where. */
struct finding *report_lost(struct scan *s, const struct qcow2 *q, enum qcow2_flaw_kind k,
			    const char *what);
/* The same of those of a file that was cut. */
struct finding *report_cut(struct scan *s, const struct qcow2 *q);
/* The same of flaws of clusters: what stands behind "host cluster N (0x...)". */
struct finding *report_clusters(struct scan *s, const struct qcow2 *q,
				enum qcow2_flaw_kind k, const char *what);

/* "guest data at 0x50000", "the L2 table for guest offset 0x0 on" ... */
const char *owner_text(struct scan *s, const struct qcow2 *q,
		       const struct qcow2_owner *o);

/* "the L2 entry for guest offset 0x50000": what makes it an owner. */
const char *entry_text(struct scan *s, const struct qcow2 *q,
		       const struct qcow2_owner *o);

/* A writer has the image open: what QEMU has not written yet is missing. */
bool qcow2_is_live(const struct qcow2 *q);

/* What is not reported of an image that somebody writes to, since it may be so for a while:
 * which kinds, and how many of each. NULL: nothing. */
const char *qcow2_held_back(struct scan *s, const struct qcow2 *q);

/* All tables but the refcounts could be read, and no pointer to one is broken. */
bool qcow2_tables_known(const struct qcow2 *q);

/* What f points to is not in the file, and never was; else the file was cut. */
bool flaw_is_lost(const struct qcow2_flaw *f);

/* Unreferenced clusters look like tables, or were not looked at. */
bool qcow2_has_lost_tables(const struct qcow2 *q);

/* No flaw of owners or refcounts is about one of n clusters. */
bool qcow2_is_undisputed(const struct qcow2 *q, uint64_t cluster, uint64_t n);

/* All runs of the kind were kept: else a fix declines. */
bool flaws_all_kept(const struct qcow2_flaws *v);

/* Nothing of them is too low, and every table is known: what the dirty bit is about. */
bool qcow2_refcounts_are_right(const struct qcow2 *q);

#endif
