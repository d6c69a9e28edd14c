/* How the builders of Packer templates become VMs: one function per kind of builder, and what
 * they share. Only packer.c and packer_*.c include it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PACKER_LOWER_H
#define ANALYZE_CONFIG_PACKER_LOWER_H

#include "analyze/config/lens.h"
#include "analyze/config/packer.h"
#include "analyze/config/packer_value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is being lowered: one source, with what builds add to it. */
struct lowering {
	struct unit *unit;
	struct packer_module *m;
	struct packer_scope scope;
	const struct packer_block *source;
	VEC(const struct packer_use *) uses; /* builds that make it, of any file */
	const struct packer_use *added; /* the only use, and it adds something; or NULL */
	bool unseen;                    /* something may be said where we cannot see it */
	bool full;                      /* memory is gone */
};

/* ---- for each kind of builder ---- */

/* Facts of object, by a table of lenses, from all places that say something about it. */
void packer_read(struct lowering *l, const struct lens *table, size_t n, void *object);

/* The same of a map within the source; only there. */
void packer_read_map(const struct lens *table, size_t n, const struct node *map,
		     void *object);

#define READ(l, table, object) packer_read((l), (table), COUNT(table), (object))

/* What the flavour implies: there is no word for it, and so it cannot be set. */
struct fact packer_stated(const struct node *owner, struct span at, const char *value);

/* Facts that nobody has filled in are absent, in node. */
void packer_complete_disk(struct disk *d, const struct vm *vm, const struct node *node);

void packer_sum(struct lowering *l, struct builder *b); /* b is read */
void packer_lower_qemu(struct lowering *l, struct vm *vm);
void packer_args(struct lowering *l, struct vm *vm); /* qemuargs; vm is lowered */
void packer_lower_proxmox(struct lowering *l, struct vm *vm);
void packer_lower_virtualbox(struct lowering *l, struct vm *vm);
void packer_lower_vmware(struct lowering *l, struct vm *vm);
void packer_lower_vsphere(struct lowering *l, struct vm *vm);
void packer_lower_other(struct lowering *l, struct vm *vm);

/* ---- for packer.c ---- */

/* Is it a builder that makes VMs, as far as is known here? */
bool packer_is_builder(struct str type);
/* Which kind of them: a bit of packer_fields.h; 0: one whose members are not known. */
unsigned packer_kind_of(struct str type);

/* Lowers l's source, whose values are resolved. */
void packer_lower(struct lowering *l, struct vm *vm, struct builder *b);

#endif
