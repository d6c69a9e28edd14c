/* The header of a PE file: what kind of machine it runs on, and whether it is signed.
 * Microsoft PE/COFF; what UEFI takes of it: UEFI 2.10 section 2.1.1.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_PE_H
#define ANALYZE_IMAGE_PE_H

#include "analyze/image/answer.h"
#include "base/view.h"

enum efi_arch {
	EFI_X64,
	EFI_IA32,
	EFI_AA64,
	EFI_ARM,
	EFI_RISCV64,
	EFI_LOONGARCH64,
	EFI_ARCHES, /* how many there are; and: none of them */
};

enum {
	PE_HEAD = 1024, /* of a file, as a rule all of its header is in there */
	PE_HEADER_FAR =
		64 << 10,  /* a header that begins further behind is not looked at */
	PE_OPTIONAL = 264, /* bytes of a header, from its signature to the certificates */
};

struct pe {
	uint16_t machine;   /* as it stands there */
	enum efi_arch arch; /* EFI_ARCHES: not one that we know */
	uint16_t subsystem;
	bool application; /* an EFI application or driver, by its subsystem */
	struct answer
		certificates; /* has it got a certificate table? Whose it is, nobody asks */
};

/* Where the header begins that a file's first bytes point to. False: it is no PE. */
bool pe_find(struct view head, uint64_t *off);

/* header: from there on, PE_OPTIONAL bytes or all there are; file: its size; at: what to name
 * as the place of what is found. False: it is no PE. */
bool pe_read(struct pe *pe, struct view header, uint64_t file, struct span at);

const char *efi_arch_name(enum efi_arch a);     /* "x64" */
const char *efi_arch_fallback(enum efi_arch a); /* "BOOTX64.EFI" */

#endif
