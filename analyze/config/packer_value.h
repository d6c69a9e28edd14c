/* What a value of a Packer template is, as far as the files at hand say it: variables with
 * defaults, locals, templates, conditions. Whatever else is unknown, never guessed.
 * HCL native syntax specification, "Expressions"; Packer, "Input variables", "Template
 * engine" (legacy).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PACKER_VALUE_H
#define ANALYZE_CONFIG_PACKER_VALUE_H

#include "analyze/config/packer_module.h"

enum { PACKER_STEPS_MAX = 20000 }; /* of all evaluations of one unit */

/* A name that a value is that of. */
struct packer_asked {
	bool local;
	struct str name;  /* p NULL: none was asked for */
	const char *file; /* in which it is decided, beside the input; or NULL */
};

struct packer_scope {
	const struct packer_module *m;
	struct arena *a;
	unsigned left;  /* steps */
	unsigned depth; /* of names within names */
	struct packer_asked first;
};

/* Makes of n, and of what is in it, what it can: what is decided elsewhere and known becomes
 * a scalar with `from`, the rest that is no literal becomes opaque. levels: how deep. */
void packer_resolve(struct packer_scope *s, struct node *n, enum packer_syntax syntax,
		    unsigned levels);

#endif
