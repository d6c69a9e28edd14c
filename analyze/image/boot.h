/* What can a disk boot? What a BIOS would start of it and what UEFI firmware would, read on
 * demand: no rule about the disk alone needs it. The firmware is SeaBIOS 1.16 and EDK2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_BOOT_H
#define ANALYZE_IMAGE_BOOT_H

#include "analyze/image/boot_code.h"
#include "analyze/image/image.h"
#include "analyze/image/loaders.h"

struct mbr_entry;

enum {
	/* What is read of a disk, of all its volumes together. */
	BOOT_READS = 512,
	BOOT_BYTES = 8 << 20,
};

/* A boot sector: the disk's, or a partition's boot record. */
struct boot_sector {
	struct answer read; /* the rest is that of a yes */
	bool signature;     /* it ends with 55 AA */
	bool record;        /* of a file system */
	enum boot_code code;
	struct span code_at; /* by what it is known */
};

struct boot {
	const struct image *image;

	/* ---- for a BIOS ---- */
	struct boot_sector first;       /* the disk's first 512 bytes */
	const struct mbr_entry *active; /* the first that is; NULL: none */
	unsigned nactive;
	struct boot_sector record; /* what first starts, when that is a partition: the
				      active one, or the one that the GPT marks */
	/* GRUB's boot sector: is there something where it says that the rest of it is? */
	struct answer core;
	/* A GPT's partition for GRUB's core; len 0: none. And is it more than zeros? */
	struct span bios_boot;
	struct answer bios_boot_used;
	/* Does a BIOS start it, as far as its boot sectors tell? (Of 512-byte sectors: it
	 * starts nothing else.) */
	struct answer bios;

	/* ---- for UEFI ---- */
	struct answer table; /* are its partitions seen? No: they would be, but ... */
	const struct efi_volume *volumes; /* those with FAT, and those that may be */
	size_t nvolumes;
	/* Without a boot entry of its own, on a machine of this kind. */
	struct answer uefi[EFI_ARCHES];
	struct answer other; /* are there loaders that a boot entry could start? */

	struct answer windows; /* for certain, of a PC */
};

/* img: a disk that was read, its source is open. Of an ISO 9660 image it is what a CD drive
 * would start: `table` is its boot catalog, and `first` says no more than the code of what a
 * BIOS starts. */
int boot_read(const struct image *img, struct boot *out, struct arena *a, struct err *e)
	__attribute__((warn_unused_result));

/* The same of an ISO, by its catalog. */
void iso_boot(const struct iso *iso, struct boot *out, struct arena *a);

#endif
