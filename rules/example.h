/* What the corpus shows of a rule: made by tools/examples when vmend is built, so that no
 * example is one that is not tested.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_EXAMPLE_H
#define RULES_EXAMPLE_H

struct example {
	const char *rule;  /* its id; NULL ends */
	const char *name;  /* of the case: "bad-main-disk" */
	const char *place; /* "in.xml:13:47", "in.raw@0x1ca" */
	const char *found; /* the message */
	const char *
		lines; /* the text around the place; of an image the recipe that makes it */
	const char *fixed; /* what `vmend fix --diff` says of it; NULL: nothing */
	const char
		*near; /* what looks alike and is right, a sentence a line; NULL: none */
};

extern const struct example examples[];

#endif
