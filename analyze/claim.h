/* What an input claims for its VMs, or for itself, that others of a run may claim as well: files,
 * addresses, ports. Inputs are compared by their claims alone (fleet.h), so that none of them has
 * to be kept: a few dozen bytes each.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_CLAIM_H
#define ANALYZE_CLAIM_H

#include "analyze/model.h"
#include "base/arena.h"
#include "base/vec.h"

struct unit;

enum claim_kind {
	CLAIM_DISK, /* a file is a disk or a medium of the VM */
	CLAIM_BASE, /* it lies under an overlay, which is the VM's or the input itself */
	CLAIM_OUTPUT, /* a build makes it anew */
	CLAIM_UUID,
	CLAIM_MAC,  /* on a network that is named */
	CLAIM_PORT, /* a socket of the host that is listened at */
	CLAIM_PCI,  /* a device of the host */
	/* In a folder, which is the key: a medium that is not there, the detail being its
	 * path, and a file that is. */
	CLAIM_MISSING,
	CLAIM_PRESENT,
};

enum {
	CLAIM_WRITES =
		1 << 0, /* by nobody else: not shared, and not thrown away after it */
	CLAIM_READS = 1 << 1,
	CLAIM_UNLOCKED = 1 << 2,    /* QEMU's locks on it are off */
	CLAIM_ANY_ADDRESS = 1 << 3, /* of a port: all of the host's */
	CLAIM_VARIABLES = 1 << 4,   /* of a firmware; nobody locks them */
};

/* Claims of one kind with one key are about one thing. Numbers where they fit, else a sum. */
struct claim_key {
	uint64_t hi, lo;
};

enum { CLAIMANT_NAME = 64, CLAIMANT_MACS = 4, CLAIMANT_DISKS = 4 };

/* A VM, as far as it can be told from others; or an image, as an input. */
struct claimant {
	uint32_t input, index; /* of the run, and of the VM in it */
	enum flavour flavour;
	bool is_vm;
	bool named, has_uuid;
	bool starts; /* with the host, as the input itself says */
	struct claim_key name, uuid;
	/* Those with one such are kept together: in one file, or in files of one folder that
	 * are called as their VMs are. */
	struct claim_key place;
	uint64_t mac[CLAIMANT_MACS]; /* 0: no more */
	uint64_t disk
		[CLAIMANT_DISKS];  /* those that it writes, by their names; 0: no more */
	bool own_disk;             /* has one that no other VM can name */
	char shown[CLAIMANT_NAME]; /* its name; empty: it has none */
};

/* Another one who claims the same. */
struct rival {
	const struct claimant *by;
	const struct source *src; /* where, as far as its name goes */
	struct span at;
	uint64_t line; /* 0: it is no text */
	enum claim_kind kind;
	unsigned flags;
	struct claim_key detail;
	bool before; /* in the order of inputs, and of places in one */
};

struct claim {
	enum claim_kind kind;
	unsigned flags;
	struct claim_key key, detail; /* of a base: its overlay; of a port: the address */
	struct span at;
	uint64_t line;
	const struct claimant *by;
	struct str what; /* as the input says it */
	/* Who else; only where inputs are compared. */
	const struct rival *rivals;
	size_t nrivals;
};

/* All of one input; more than CLAIMS_MAX are not looked at. */
enum { CLAIMS_MAX = 1 << 10 };

struct claims {
	struct arena arena;
	VEC(struct claim *) v; /* in the order of places */
	size_t nclaimants;
	bool full;
};

/* Fills c, which is the caller's to free, from u, which was read. Strings, and sources of
 * places, are u's. */
void claims_read(struct claims *c, struct unit *u, size_t input);
void claims_free(struct claims *c);

/* Known to be two VMs, and not one that is told twice or in two variants: both have a name, and
 * nothing else that a VM has for itself alone is the same: a UUID, a MAC, a disk, other than what
 * the claims of that kind are about. */
bool claimants_differ(const struct claimant *a, const struct claimant *b,
		      enum claim_kind about);

/* ---- for claim*.c ---- */

struct claim *claim_add(struct claims *c, struct claimant *by, enum claim_kind kind,
			struct span at, struct str what);
struct claim_key claim_sum(struct str a, struct str b);
/* MACs, ports and devices of the host, as each flavour tells them. */
void claims_read_host(struct claims *c, const struct unit *u, size_t vm,
		      struct claimant *by);

#endif
