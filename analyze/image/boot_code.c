/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/boot_code.h"

#include "base/banned.h"

struct sign {
	enum boot_code code;
	size_t off; /* where it stands; ANYWHERE: to be searched for */
	const char *bytes;
	size_t n;
};

enum { ANYWHERE = -1 };

#define SIGN(code, off, bytes)                                                           \
	{                                                                                \
		code, (size_t)(off), bytes, sizeof(bytes) - 1                            \
	}

/* The first that is there counts: one's words may also stand in another's code. */
static const struct sign signs[] = {
	/* mkfs.fat, mkfs.exfat and mkfs.ntfs; newfs_msdos */
	SIGN(BOOT_CODE_STUB, ANYWHERE, "This is not a bootable disk"),
	SIGN(BOOT_CODE_STUB, ANYWHERE, "Non-system disk"),
	/* mformat's: reads the first sector of the first disk, and starts that */
	SIGN(BOOT_CODE_STUB, ANYWHERE,
	     "\xfa\x31\xc0\x8e\xd8\x8e\xc0\xfc\xb9\0\x01\xbe\0\x7c\xbf\0\x80\xf3\xa5"),
	SIGN(BOOT_CODE_SYSLINUX, 3, "SYSLINUX"),
	SIGN(BOOT_CODE_SYSLINUX, 3, "EXTLINUX"),
	SIGN(BOOT_CODE_GRUB, ANYWHERE, "GRUB \0Geom\0Hard Disk\0Read\0 Error"),
	SIGN(BOOT_CODE_ISOLINUX, ANYWHERE, "isolinux.bin missing or corrupt"),
	SIGN(BOOT_CODE_GPT, ANYWHERE, "!GPT"),
	SIGN(BOOT_CODE_WINDOWS, ANYWHERE, "BOOTMGR"),
	SIGN(BOOT_CODE_WINDOWS, ANYWHERE, "NTLDR"),
	/* syslinux' mbr.bin and altmbr.bin; Windows' and many a BSD's */
	SIGN(BOOT_CODE_CHAIN, ANYWHERE, "Missing operating system"),
	/* parted's: looks for the active entry, from the first at 7BE on */
	SIGN(BOOT_CODE_CHAIN, 0,
	     "\xfa\xb8\0\x10\x8e\xd0\xbc\0\xb0\xb8\0\0\x8e\xd8\x8e\xc0"),
};

static bool find(struct view sector, const struct sign *s, size_t *off)
{
	if (s->off != (size_t)ANYWHERE) {
		*off = s->off;
		return view_eq(sector, s->off, s->bytes, s->n);
	}
	for (*off = 0; view_has(sector, *off, s->n); (*off)++) {
		if (view_eq(sector, *off, s->bytes, s->n))
			return true;
	}
	return false;
}

enum boot_code boot_code_of(struct view sector, bool record, size_t *off, size_t *len)
{
	BUG_ON(sector.n < BOOT_CODE_RECORD_END);
	*off = record ? BOOT_CODE_RECORD : 0;
	*len = (record ? BOOT_CODE_RECORD_END : BOOT_CODE_END) - *off;
	if (view_is_zero(view_cut(sector, *off, *len)))
		return BOOT_CODE_NONE;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t at;

		if (!find(sector, &signs[i], &at))
			continue;
		*off = at;
		*len = signs[i].n;
		return signs[i].code;
	}
	return BOOT_CODE_OTHER;
}

const char *boot_code_name(enum boot_code c)
{
	switch (c) {
	case BOOT_CODE_NONE:
		return "none";
	case BOOT_CODE_STUB:
		return "says that it does not boot";
	case BOOT_CODE_CHAIN:
		return "starts the active partition";
	case BOOT_CODE_GPT:
		return "syslinux for GPT";
	case BOOT_CODE_GRUB:
		return "GRUB";
	case BOOT_CODE_ISOLINUX:
		return "isolinux";
	case BOOT_CODE_SYSLINUX:
		return "syslinux";
	case BOOT_CODE_WINDOWS:
		return "Windows";
	case BOOT_CODE_OTHER:
		return "unknown";
	}
	BUG("boot code %u", c);
}
