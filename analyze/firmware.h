/* What a VM starts with, as far as its config tells: a PC's BIOS or UEFI, for which kind of
 * machine, and whether that starts only what is signed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_FIRMWARE_H
#define ANALYZE_FIRMWARE_H

#include "analyze/image/pe.h"
#include "analyze/model.h"

enum firmware_kind {
	FIRMWARE_UNKNOWN, /* or none is asked: a kernel is started directly */
	FIRMWARE_BIOS,    /* SeaBIOS, which QEMU brings along */
	FIRMWARE_UEFI,    /* EDK2, of whoever made it */
};

struct firmware {
	enum firmware_kind kind;
	const struct fact *says; /* which fact of the VM decides */
	enum efi_arch arch;      /* of the machine; EFI_ARCHES: not known */
	/* Does it have keys, and refuse what they did not sign? says_secure: which fact */
	enum answer_state secure;
	const struct fact *says_secure;
};

struct firmware firmware_of(const struct vm *vm);

/* What a file's name says that it is. */
enum firmware_kind firmware_named(struct str path);

#endif
