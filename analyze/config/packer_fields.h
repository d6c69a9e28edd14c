/* Which kinds of builders Packer has, and which members they have: the table of
 * packer_fields.def.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CONFIG_PACKER_FIELDS_H
#define ANALYZE_CONFIG_PACKER_FIELDS_H

#include "base/str.h"

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

/* What a member's value is. */
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

struct packer_field {
	const char *name;
	enum packer_kind kind;
	unsigned builders;
};

/* Of builders of that kind. NULL: they have no such member, as far as is known. fold: capital
 * letters are the same as small ones, as in legacy templates. */
const struct packer_field *packer_field(unsigned builder, struct str name, bool fold);

/* The name that may be meant by one that they do not have; NULL: none is near. */
const char *packer_field_near(unsigned builder, const char *name);

/* The first row that is not in the order that looking up needs, or that an earlier one makes
 * ambiguous; NULL: there is none. */
const char *packer_fields_unsorted(void);

#endif
