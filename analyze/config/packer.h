/* Packer templates: each builder, or source, is a VM, and has settings of its own.
 * https://developer.hashicorp.com/packer/integrations; packer-plugin-tart, builder/tart.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PACKER_H
#define ANALYZE_CONFIG_PACKER_H

#include "analyze/config/packer_module.h"
#include "analyze/model.h"
#include "base/version.h"

struct packer_field;
struct sum;

/* Versions of a plugin that required_plugins, or the user, lets in. Not known: no bound. */
struct plugin_range {
	struct version from;  /* this one and later */
	struct version below; /* none of these */
};

struct packer_member {
	const struct node *node;
	/* Builders of that kind have it (packer_fields.h); NULL: not as far as is known. */
	const struct packer_field *field;
};

/* A builder of a template, with what is Packer's own: how the VM is made. */
struct builder {
	const struct vm *vm;
	const struct node *node; /* the map of its options */
	struct str type;         /* qemu, tart-cli, virtualbox-iso, ... */
	struct span type_at;
	/* A bit of packer_fields.h; 0: one that nothing is known of, or somebody else's. */
	unsigned kind;
	/* Those of its map, and behind them of what a build adds to it. None when kind is 0. */
	VEC(struct packer_member) members;
	enum packer_syntax syntax;
	struct plugin_range plugin;
	const struct packer_module *module;
	const struct node *added; /* what the only build of it adds; or NULL */
	struct str name;          /* of an HCL source */
	/* All that Packer reads of it is known here, and a build makes it: what is not said
	 * is said nowhere. */
	bool complete;
	/* A build runs something in the guest, or may. */
	bool provisioned;
	/* required_plugins takes the builder from somebody else. */
	bool foreign;
	/* Members of its map, each under its own name. */
#define SCALAR(name) struct fact name;
#define LIST(name)   struct fact name;
#include "analyze/config/packer_facts.def"
	/* Of the file that iso_url names, as far as both are here, with --deep; NULL: not
	 * known (sum.h). */
	const struct sum *sum;
	struct fact vtpm; /* vsphere: vTPM */
	/* tart-cli */
	struct fact create_grace_time, recovery_partition;
};

/* The member of b's map, or of what a build adds to it; NULL: there is none. */
const struct node *builder_member(const struct builder *b, const char *name);
/* What stands there, as it is written. */
struct str builder_text(const struct builder *b, struct span at);

/* Does the range have a version below that one? All of them? */
bool plugin_may_be_below(const struct plugin_range *r, uint32_t major, uint32_t minor,
			 uint32_t patch);
bool plugin_is_below(const struct plugin_range *r, uint32_t major, uint32_t minor,
		     uint32_t patch);
/* Narrows the range to what a constraint as ">= 1.2, < 2" or "~> 1.2.3" lets in. */
void plugin_constrain(struct plugin_range *r, struct str constraint);

#endif
