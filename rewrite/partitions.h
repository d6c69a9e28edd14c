/* What a plan does to the partitions of a disk: which of them it moves, and whether it
 * leaves all their bytes alone but for those that say where they are.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REWRITE_PARTITIONS_H
#define REWRITE_PARTITIONS_H

#include "analyze/unit.h"
#include "rewrite/edit.h"

struct partition {
	unsigned number;
	uint64_t off, len; /* bytes */
	uint64_t to;       /* where it is once the plan is done */
	bool extended; /* of a DOS label: it holds logical ones, and their boot records */
};

struct partitions {
	struct partition *v;
	size_t n;
};

/* Those that readers of the disk go by: of the GPT's good copy, else of the DOS label, with
 * the extended ones. Of a plan without moves, all stay. */
struct partitions partitions_of(const struct unit *u, struct arena *a);

/* Each move is of one whole partition, and none is put upon what stays. Sets `to`. NULL, or
 * the reason why not, in a. */
const char *partitions_move(struct partitions *all, const struct plan *p,
			    struct arena *a);

/* What moves is a partition of the input itself, too, and all there: nothing moves by a table
 * that the same repair has only just found, or with an end that it has only just made. */
const char *partitions_stood(const struct partitions *all, const struct unit *input,
			     struct arena *a);

/* No edit is within a partition where it is to be, other than of the fields that say where
 * it begins, if they were right and now are; and in an extended one, of a boot record that the
 * chain led to before. */
const char *partitions_spared(const struct partitions *all, const struct plan *p,
			      const struct unit *was, const struct unit *is,
			      struct arena *a);

/* What is in those that move is found again, and looks as before. */
const char *partitions_recognised(const struct partitions *all, const struct unit *was,
				  const struct unit *is, struct arena *a);

/* Where the byte at `off` is by then, if it belongs to a partition that moves; else off. */
uint64_t partitions_now(const struct partitions *all, uint64_t off);

#endif
