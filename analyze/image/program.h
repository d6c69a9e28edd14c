/* What a file is that QEMU loads by itself, without a disk: a kernel, an initial RAM disk, or
 * a firmware's code and variables, by its first bytes. Linux, Documentation/arch/x86/boot.rst,
 * arch/arm64/booting.rst, arch/riscv/boot-image-header.rst; ELF;
 * UEFI PI 1.8, volume 3, 3.2.1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_PROGRAM_H
#define ANALYZE_IMAGE_PROGRAM_H

#include "analyze/image/pe.h"

enum program_kind {
	PROGRAM_UNKNOWN,
	PROGRAM_KERNEL,   /* Linux, as its build leaves it for a machine of `arch` */
	PROGRAM_ELF,      /* of `arch`: perhaps a kernel */
	PROGRAM_PE,       /* of `arch`: perhaps a kernel for UEFI */
	PROGRAM_PACKED,   /* an initial RAM disk, or a kernel that some machines unpack */
	PROGRAM_ARCHIVE,  /* cpio: an initial RAM disk */
	PROGRAM_FIRMWARE, /* a firmware volume with code in it */
	PROGRAM_VARIABLES, /* and one with a firmware's variables */
};

struct program {
	enum program_kind kind;
	const char *what;   /* "a Linux kernel for x64"; NULL: unknown */
	enum efi_arch arch; /* EFI_ARCHES: none that is known */
	struct span at;     /* what shows it, without a source */
};

/* head: its first bytes, a page at least or all there are. */
struct program program_of_head(struct view head);

/* Could a machine of that kind run it? True of what is not known. */
bool program_runs_on(const struct program *p, enum efi_arch arch);

#endif
