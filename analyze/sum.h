/* Checksums of whole files, as others state them: what is stated, and what it is.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_SUM_H
#define ANALYZE_SUM_H

#include "analyze/host.h"
#include "analyze/model.h"
#include "analyze/source.h"

enum sum_kind { SUM_MD5, SUM_SHA1, SUM_SHA256, SUM_SHA512 };
enum { SUM_KINDS = SUM_SHA512 + 1, SUM_DIGITS_MAX = 128 };

struct sum {
	enum sum_kind kind;
	struct str stated; /* hexadecimal digits */
	struct span at;
	char actual[SUM_DIGITS_MAX + 1];
	dev_t dev; /* of the file */
	ino_t ino;
};

const char *sum_name(enum sum_kind k); /* "sha256" */
/* Hexadecimal digits of it. */
size_t sum_digits(enum sum_kind k);

/* The digits of a sum, and of which one by their number. False: it is none. */
bool sum_kind_of(struct str digits, enum sum_kind *out);

/* Upper and lower case are one. */
bool sum_agrees(const struct sum *s);

/* Reads all of src, and fills actual. False: it was stopped. */
int sum_read(struct sum *s, const struct source *src, const struct deep_watch *watch,
	     struct arena *a, bool *done, struct err *e)
	__attribute__((warn_unused_result));

/* Of a list as sha256sum and others write it, the sum of the file of that name, or the only
 * thing that is in it. text is list's. False: there is none, or more than one. */
bool sum_in_list(struct str text, const struct source *list, struct str name,
		 struct sum *out);

#endif
