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
	const struct disk *listed; /* the first of these that is in the boot order */
	bool doubt;                /* whether it starts one of the others */
	size_t nstarts;
	/* The first one that is not blank, that another firmware or machine would start, or
	 * that would start if its blocks had 512 bytes. NULL: there is none. */
	const struct disk *first, *bios, *uefi, *alien, *large;
	enum efi_arch alien_arch;
	/* Of survey_of_dead(): what starts in place of the disk that is tried first. */
	const struct disk *instead;
};

struct survey survey_of(const struct vm *vm);

/* The same; or, where a disk that is tried before all else holds something and does not start,
 * of that disk alone, as if there was nothing behind it. */
struct survey survey_of_dead(const struct vm *vm);

/* It runs under QEMU, and all that it could start is among its disks. */
bool is_all_seen(const struct vm *vm);

/* Does any disk have a number of its own in the boot order? */
bool has_boot_indexes(const struct vm *vm);

/* Of those that are in the order: all that a BIOS starts. NULL: there is none, or no telling. */
const struct disk *first_hard_disk(const struct vm *vm);

/* The name of its image, or of the one that it begins as. */
const struct fact *image_name(const struct disk *d);

/* What the guest finds on a disk, as it is attached; NULL: not known. */
const struct medium_boot *boot_seen(const struct disk *d);

/* What the guest gets when nobody says more; false: not known. */
bool block_size_of(const struct disk *d, uint32_t *bytes);
/* What QEMU takes the file for; false: it finds out by itself, or cannot be told. */
bool declares_format(const struct disk *d, const char *format);
/* The guest sees the disk in its image, and not the file. Of one whose medium is known. */
bool is_seen_through(const struct disk *d);

#endif
