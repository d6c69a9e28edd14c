/* A question about an image that was looked into: yes, no, or why there is no telling.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_ANSWER_H
#define ANALYZE_IMAGE_ANSWER_H

#include "analyze/model.h"

enum answer_state {
	ANSWER_UNKNOWN, /* first, so that what nobody asked is not answered */
	ANSWER_NO,
	ANSWER_YES,
};

struct answer {
	enum answer_state state;
	const char
		*why;   /* unknown: what keeps us from knowing. no: what is there instead,
			    where that is worth a word. Else NULL */
	struct span at; /* what shows it, or is in the way; len 0: no single place */
};

static inline struct answer answer_yes(struct span at)
{
	return (struct answer){ .state = ANSWER_YES, .at = at };
}

static inline struct answer answer_no(const char *why, struct span at)
{
	return (struct answer){ .state = ANSWER_NO, .why = why, .at = at };
}

static inline struct answer answer_unknown(const char *why, struct span at)
{
	return (struct answer){ .why = why, .at = at };
}

/* "Is there one among them": of two, a yes counts, then an unknown, then the no that can say
 * why. */
static inline struct answer answer_or(struct answer a, struct answer b)
{
	if (a.state == b.state)
		return a.why || a.state == ANSWER_YES ? a : b;
	if (a.state == ANSWER_YES || b.state == ANSWER_YES)
		return a.state == ANSWER_YES ? a : b;
	return a.state == ANSWER_UNKNOWN ? a : b;
}

#endif
