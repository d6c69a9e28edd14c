/* QEMU's machine types by their names: what kind of machine it is, which programs have it,
 * and from which version of QEMU to which.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_MACHINE_H
#define ANALYZE_MACHINE_H

#include "base/version.h"

/* What devices and buses it has. */
enum machine_family {
	MACHINE_UNKNOWN,  /* a name that QEMU does not have, as far as we know */
	MACHINE_I440FX,   /* pc: PCI, IDE, a floppy controller */
	MACHINE_Q35,      /* PCI Express, AHCI, SMM */
	MACHINE_ISAPC,    /* no PCI */
	MACHINE_MICROVM,  /* virtio-mmio */
	MACHINE_XEN,      /* xenfv, xenpv, xenpvh */
	MACHINE_VIRT,     /* of ARM, RISC-V, LoongArch and others: the arch tells which */
	MACHINE_PSERIES,  /* of POWER */
	MACHINE_S390_CCW, /* channel I/O */
	MACHINE_OTHER,    /* a board of its own */
};

struct machine {
	enum machine_family family;
	const char
		*arches; /* that have it: names of libvirt and QEMU, blanks between them;
			       NULL: not known, of those that are gone */
	struct version
		version; /* which QEMU it behaves like; not known: it has none, or it
				   is a distribution's */
	/* In which QEMU it came, since when that warns of it, and which no longer has it. */
	struct version since, deprecated, removed;
	const char
		*instead; /* of one that is removed; NULL: nothing, or it is not known */
};

/* arch: "x86_64", "aarch64", ...; "": not known. False: no machine of that name for it. */
bool machine_find(struct str arch, struct str machine, struct machine *out);

/* MACHINE_UNKNOWN: there is none of that name; distributions have names of their own. */
enum machine_family machine_family(struct str arch, struct str machine);

#endif
