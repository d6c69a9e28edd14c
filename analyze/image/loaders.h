/* What UEFI firmware can start from a FAT volume: \EFI\BOOT\BOOT<machine>.EFI by itself, and
 * by its own boot entries what else is in the folders below \EFI. UEFI 2.10 section 3.5.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_LOADERS_H
#define ANALYZE_IMAGE_LOADERS_H

#include "analyze/image/look.h"
#include "analyze/image/pe.h"

enum {
	LOADERS_MAX = 32, /* of a volume */
	LOADER_FOLDERS = 16,
	/* What is read of a volume. */
	LOADER_READS = 96,
	LOADER_BYTES = 1 << 20,
};

struct efi_loader {
	const char *path;      /* "\EFI\debian\shimx64.efi", as it is written there */
	struct span at;        /* its directory entry */
	bool fallback;         /* it is in \EFI\BOOT */
	struct answer program; /* is it a PE file? */
	struct pe pe;          /* of one */
};

struct efi_volume {
	unsigned number; /* of the partition; 0: the whole disk, or an ISO's boot image */
	uint64_t off, len; /* in the image, bytes */
	struct answer fat; /* is it one? The rest is that of a yes */
	unsigned bits;     /* 12, 16, 32 */
	uint32_t sector_size;
	const char *refused; /* why EDK2 does not mount it; NULL: it does */
	struct span refused_at;
	/* Is there a \EFI\BOOT\BOOT<machine>.EFI that such a machine takes? */
	struct answer fallback[EFI_ARCHES];
	struct answer other;   /* any loader elsewhere below \EFI */
	struct answer windows; /* \EFI\Microsoft\Boot\bootmgfw.efi */
	const struct efi_loader
		*loader; /* all that were found, those of \EFI\BOOT first */
	size_t nloaders;
};

/* Reads the volume at [off, off + len) of l->src, within what l and the bounds above allow.
 * Only l->broken is an error. Memory is l->a's. */
void efi_volume_read(struct efi_volume *v, struct look *l, uint64_t off, uint64_t len);

/* The loader that made v->fallback[a] a yes; NULL: it is none. */
const struct efi_loader *efi_fallback(const struct efi_volume *v, enum efi_arch a);

#endif
