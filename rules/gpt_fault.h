/* What shows that a copy of a GPT, right as its checksums are, cannot be meant.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_GPT_FAULT_H
#define RULES_GPT_FAULT_H

#include "analyze/image/gpt.h"

struct gpt_fault {
	const char *
		what; /* "partition 3 ends before it begins"; points into text, or is static */
	bool absurd; /* no disk can be like that; else no tool leaves it so */
	char text[80];
};

/* The first fault of t, the absurd ones before others; false when there is none. Its array was
 * read. */
bool gpt_fault(const struct gpt *g, const struct gpt_table *t, struct gpt_fault *f);

/* Is a partition, or are the entries, where they cannot be, or no tool would have put them? */
bool gpt_is_misplaced(const struct gpt *g, const struct gpt_table *t);

/* Is each entry that differs at fault in the bad copy, and does no partition that could be
 * meant go with it? Both copies have right checksums. */
bool gpt_fault_explains(const struct gpt *g, const struct gpt_table *bad,
			const struct gpt_table *right);

#endif
