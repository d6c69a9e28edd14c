/* What a Packer template says together with the files beside it: variables, locals, sources,
 * builds. Three syntaxes, one set of blocks.
 * Packer, hcl2template/; HCL JSON syntax specification; "Legacy JSON templates".
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PACKER_MODULE_H
#define ANALYZE_CONFIG_PACKER_MODULE_H

#include "analyze/config/node.h"
#include "analyze/unit.h"
#include "base/vec.h"

enum packer_syntax {
	PACKER_HCL,    /* .pkr.hcl */
	PACKER_JSON,   /* .pkr.json: HCL in JSON */
	PACKER_LEGACY, /* JSON with builders */
};

struct packer_file {
	const char *name; /* of a file beside the input; NULL: the input itself */
	enum packer_syntax syntax;
	struct node *root;
};

/* A block without its outer shape: labels, and the map of its members. */
struct packer_block {
	const struct packer_file *file;
	struct node *body;
	struct str labels[2];
	struct span label_at[2];
};

/* A variable or local: its default or expression; value NULL: it has none. */
struct packer_name {
	const struct packer_file *file;
	struct str name;
	struct span at;
	const struct node *value;
	const struct node *body; /* of a block; NULL: a member */
};

/* One build that says it builds a source. */
struct packer_use {
	const struct packer_file *file;
	struct str type, name;
	struct span at;
	const struct node *build; /* the block it stands in */
	struct node *body; /* what it adds to the source's members; NULL: nothing */
};

struct packer_plugin {
	const struct packer_file *file;
	const struct node *node;
	struct str name, version, source; /* empty: not said */
};

struct packer_module {
	struct arena *a;
	struct view text; /* of the input */
	VEC(const struct packer_file *) files;
	VEC(struct packer_block) sources;   /* of the input; legacy: builders */
	VEC(struct packer_block) elsewhere; /* sources of the files beside it */
	VEC(struct packer_name) variables, locals, given; /* given: *.auto.pkrvars.hcl */
	VEC(struct packer_name) told; /* --var-file, and behind them --var */
	VEC(struct packer_use) uses;
	VEC(struct packer_plugin) plugins;
	/* Files that Packer reads with this one were not read. */
	bool partial;
	/* All that Packer reads with this one was read, and it is one template. */
	bool whole;
	bool provisioned; /* a build has a provisioner */
	/* A build takes sources that are named by an expression. */
	bool open_uses;
};

/* Reads a file of variables, of either syntax. NULL, with *why in a: it is none. */
struct packer_file *packer_var_file(const struct given_file *f, struct arena *a,
				    const char **why);

/* Reads the input's tree, and what is beside it. Memory is a's. */
void packer_module(struct packer_module *m, const struct unit *u, struct node *root,
		   enum packer_syntax syntax, struct arena *a);

#endif
