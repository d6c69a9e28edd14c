/* All the disks of a VM, and what its firmware could start of them: for the rules of boot.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef RULES_BOOT_SURVEY_H
#define RULES_BOOT_SURVEY_H

#include "analyze/firmware.h"
#include "analyze/medium.h"
#include "rules/rule.h"

struct survey {
	struct firmware firmware;
	/* There may be something to boot that is not seen here, or there is no telling what
	 * a disk is. False: all below is all there is. */
	bool unknown;
	const struct disk *starts; /* the first that the firmware starts; NULL: none */
	bool doubt;                /* whether it starts one of the others */
	size_t nstarts;
	/* The first one that is not blank, that another firmware or machine would start, or
	 * that would start if its blocks had 512 bytes. NULL: there is none. */
	const struct disk *first, *bios, *uefi, *alien, *large;
	enum efi_arch alien_arch;
};

struct survey survey_of(const struct vm *vm);

/* What the guest finds on a disk, as it is attached; NULL: not known. */
const struct medium_boot *boot_seen(const struct disk *d);

/* What the guest gets when nobody says more; false: not known. */
bool block_size_of(const struct disk *d, uint32_t *bytes);
/* What QEMU takes the file for; false: it finds out by itself, or cannot be told. */
bool declares_format(const struct disk *d, const char *format);
/* The guest sees the disk in its image, and not the file. Of one whose medium is known. */
bool is_seen_through(const struct disk *d);

#endif
