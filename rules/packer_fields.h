/* Which members builders of Packer have, and which values their plugins take: the tables of
 * packer_fields.def.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_PACKER_FIELDS_H
#define RULES_PACKER_FIELDS_H

#include "analyze/config/lens.h"
#include "rules/rule.h"

enum packer_kind {
	PACKER_STRING,
	PACKER_NUMBER,
	PACKER_BOOL,
	PACKER_DURATION, /* "30s" */
	PACKER_LIST,     /* of strings */
	PACKER_ROWS,     /* lists of strings in a list */
	PACKER_NUMBERS,  /* a list */
	PACKER_MAP,
	PACKER_BLOCK,
};

/* Kinds of builders, a bit for each. */
enum {
	QEMU = 1 << 0,
	TART = 1 << 1,
	VBOX_ISO = 1 << 2,
	VBOX_OVF = 1 << 3,
	VBOX_VM = 1 << 4,
	VMWARE_ISO = 1 << 5,
	VMWARE_VMX = 1 << 6,
	PROXMOX_ISO = 1 << 7,
	PROXMOX_CLONE = 1 << 8,
	VSPHERE_ISO = 1 << 9,
	VSPHERE_CLONE = 1 << 10,
	PARALLELS_ISO = 1 << 11,
	PARALLELS_PVM = 1 << 12,
	HYPERV_ISO = 1 << 13,
	HYPERV_VMCX = 1 << 14,
	UTM = 1 << 15,
	VBOX = VBOX_ISO | VBOX_OVF | VBOX_VM,
	VMWARE = VMWARE_ISO | VMWARE_VMX,
	PROXMOX = PROXMOX_ISO | PROXMOX_CLONE,
	VSPHERE = VSPHERE_ISO | VSPHERE_CLONE,
	PARALLELS = PARALLELS_ISO | PARALLELS_PVM,
	HYPERV = HYPERV_ISO | HYPERV_VMCX,
	ALL = (1 << 16) - 1,
};

struct packer_field {
	const char *name;
	enum packer_kind kind;
	unsigned builders;
};

/* 0: none that the tables know, or somebody else's. */
unsigned packer_kind_of(const struct builder *b);
/* NULL: the builder has no such member, as far as is known. Legacy templates do not tell
 * capital letters from small ones. */
const struct packer_field *packer_field(const struct builder *b, struct str name);
/* The name that may be meant by one that the builder does not have; NULL: none is near. */
const char *packer_field_near(const struct builder *b, const char *name);

/* ---- what the rules about members have in common ---- */

#define PACKER_REFUSES "Packer refuses the template"

/* b's type begins so, and its plugin is the one that is known. */
static inline bool is_packer(const struct builder *b, const char *type)
{
	return !b->foreign && str_starts(b->type, type);
}

static inline bool is_packer_qemu(const struct builder *b)
{
	return !b->foreign && str_is(b->type, "qemu");
}

/* Nobody says it. What is "" in the text, or comes out as that, may be told elsewhere. */
static inline bool is_missing(const struct builder *b, const struct fact *f)
{
	return b->complete && fact_absent(f) && !builder_member(b, f->lens->field);
}

/* The i-th member of b's map, and behind those, of what a build adds to it. NULL: there are
 * no more. */
const struct node *packer_member(const struct builder *b, size_t i);

/* Of an older version: it has another name now, or is gone (packer_old.def). */
bool packer_is_old(const struct builder *b, struct str name);

/* As Go's time.ParseDuration() reads it. */
bool go_duration(struct str s, double *seconds);

#endif
