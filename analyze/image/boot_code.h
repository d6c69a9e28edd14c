/* What a PC's BIOS would run of a boot sector, by the words that are in it: the sectors that
 * GRUB 2.06, syslinux 6, Windows, mkfs.fat, ntfs-3g, mtools and parted write.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_IMAGE_BOOT_CODE_H
#define ANALYZE_IMAGE_BOOT_CODE_H

#include "analyze/model.h"
#include "base/view.h"

enum {
	BOOT_CODE_END = 440,   /* the disk signature and the table stand behind it; */
	BOOT_CODE_RECORD = 90, /* or else it begins here, */
	BOOT_CODE_RECORD_END = 510, /* and may go on to the 55 AA */
};

enum boot_code {
	BOOT_CODE_NONE,  /* zeros */
	BOOT_CODE_STUB,  /* says that the disk does not boot, or starts the next one */
	BOOT_CODE_CHAIN, /* starts the active partition's boot record: parted's, Windows'
			    and syslinux' for DOS labels */
	BOOT_CODE_GPT,   /* starts the partition that a GPT marks: syslinux' gptmbr */
	BOOT_CODE_GRUB,
	BOOT_CODE_ISOLINUX, /* starts isolinux.bin by its place: isohybrid */
	BOOT_CODE_SYSLINUX, /* a partition's: starts ldlinux.sys by its place */
	BOOT_CODE_WINDOWS,  /* a partition's: starts BOOTMGR or NTLDR by its name */
	BOOT_CODE_OTHER,    /* there is some */
};

/* Of a sector's 512 bytes. record: it begins with the parameters of a file system, which are
 * no code. *off and *len: the bytes that say so. */
enum boot_code boot_code_of(struct view sector, bool record, size_t *off, size_t *len);

const char *boot_code_name(enum boot_code c);

#endif
