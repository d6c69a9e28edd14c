/* What libvirt reads of a domain (domain_values.def, domain_names.def), and a walk over one
 * that meets each element with the rows that are about it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_DOMAIN_TABLE_H
#define RULES_DOMAIN_TABLE_H

#include "rules/rule.h"

enum value_kind {
	VALUE_WORDS,  /* one of words */
	VALUE_YESNO,  /* yes, no */
	VALUE_ONOFF,  /* on, off */
	VALUE_NUMBER, /* of that base (0: as C writes them), from least to most */
	VALUE_SIZE,   /* a number; the element's unit is the attribute beside it */
	VALUE_UUID,
	VALUE_MAC,
	VALUE_CPUSET,   /* "0-3,^2"; most: 1 where it may be empty */
	VALUE_REQUIRED, /* of an attribute that is not there: n is the element */
};

struct domain_value {
	const char *path, *attribute, *when;
	enum value_kind kind;
	const char *words;
	unsigned base;
	int64_t least; /* below 0: a sign is read */
	uint64_t most;
};

struct domain_names {
	const char *path, *attributes, *children;
};

/* Every value of d that a row of one of the kinds (1u << VALUE_...) is about, and that is
 * known: n is the attribute or the element that has it. */
void domain_each_value(struct scan *s, const struct domain *d, unsigned kinds,
		       void (*visit)(struct scan *s, const struct domain_value *v,
				     const struct node *n));

/* Every element of d of which the names are known. */
void domain_each_element(struct scan *s, const struct domain *d,
			 void (*visit)(struct scan *s, const struct domain_names *names,
				       const struct node *n));

/* The row of n, an attribute, or an element for its text; NULL: there is none of that kind. */
const struct domain_value *domain_value_of(const struct domain *d, const struct node *n,
					   enum value_kind kind);

/* Does libvirt read a child of that name of the element at path? */
bool domain_has_child(const char *path, struct str name);

/* For tests: the first row that does not stand behind the one before it; NULL: none. */
const char *domain_table_unsorted(void);

#endif
