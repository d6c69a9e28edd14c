/* Any bytes in places of a disk that boots: what it is said to boot is there, twice the same,
 * and found within the reads that are allowed.
 *
 * The input is a byte of flags, then patches: two bytes for the place, of which the highest bit
 * says that it is one of the FAT volume, a byte for the length, and so many bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/boot.h"
#include "analyze/unit.h"
#include "tests/lib/platter.h"
#include "tests/lib/tiny_fat.h"

enum {
	WITH_GPT = 1,
	WITH_LABEL = 2, /* neither: all of it is a volume */
	WITH_GRUB = 4,
	WITH_CHAIN = 8,
	ACTIVE = 16,
	SEAL = 32, /* the GPT, above the patches */

	SIZE = 128 << 10,
	FIRST = 34, /* sector of the volume */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void build(struct platter *d, unsigned flags)
{
	uint64_t at = flags & (WITH_GPT | WITH_LABEL) ? FIRST : 0;

	if (flags & WITH_GPT) {
		platter_put_gpt(d);
	} else if (flags & WITH_LABEL) {
		platter_put_entry(d->p, 0, 0x0c, FIRST, TINY_SECTORS);
		d->p[446] = flags & ACTIVE ? 0x80 : 0;
	}
	tiny_fat(platter_lba(d, at));
	if (flags & WITH_GRUB) {
		memcpy(d->p + 0x180, "GRUB \0Geom\0Hard Disk\0Read\0 Error", 32);
		put_le64(d->p + 0x5c, FIRST + 10);
	} else if (flags & WITH_CHAIN) {
		memcpy(d->p + 0x100, "Missing operating system", 24);
		memcpy(platter_lba(d, FIRST) + 3, "SYSLINUX", 8);
		memcpy(platter_lba(d, FIRST) + 510, "\x55\xaa", 2);
	}
}

static void patch(struct platter *d, struct view v, uint64_t volume)
{
	for (size_t i = 0; i + 3 < v.n;) {
		uint64_t at = view_le16(v, i) & 0x7fff;
		size_t n = view_u8(v, i + 2);

		if (view_le16(v, i) & 0x8000)
			at += volume;
		i += 3;
		n = u64_min(n, v.n - i);
		if (at + n <= d->size)
			memcpy(d->p + at, v.p + i, n);
		i += n;
	}
}

static void touch_answer(const struct image *img, struct answer a)
{
	BUG_ON(a.state == ANSWER_UNKNOWN && !a.why);
	BUG_ON(a.state == ANSWER_YES && a.at.len == 0);
	BUG_ON(a.at.len && !range_within(a.at.off, a.at.len, img->size));
}

static void touch_volume(const struct image *img, const struct efi_volume *v)
{
	touch_answer(img, v->fat);
	touch_answer(img, v->other);
	touch_answer(img, v->windows);
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		const struct efi_loader *l = efi_fallback(v, (enum efi_arch)i);

		touch_answer(img, v->fallback[i]);
		BUG_ON((v->fallback[i].state == ANSWER_YES) != (l != NULL));
		BUG_ON(l && ((unsigned)l->pe.arch != i || !l->pe.application));
	}
	for (size_t i = 0; i < v->nloaders; i++) {
		BUG_ON(strlen(v->loader[i].path) == 0);
		touch_answer(img, v->loader[i].program);
	}
}

static void touch_boot(const struct image *img, const struct boot *b)
{
	bool any = false;

	touch_answer(img, b->bios);
	touch_answer(img, b->other);
	touch_answer(img, b->windows);
	BUG_ON(b->bios.state == ANSWER_YES && !b->first.signature);
	BUG_ON(b->bios.state == ANSWER_YES && b->first.code == BOOT_CODE_NONE);
	for (size_t i = 0; i < b->nvolumes; i++)
		touch_volume(img, &b->volumes[i]);
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		touch_answer(img, b->uefi[i]);
		any = b->uefi[i].state != ANSWER_YES;
		for (size_t k = 0; k < b->nvolumes; k++)
			any = any || efi_fallback(&b->volumes[k], (enum efi_arch)i);
		BUG_ON(!any);
	}
}

static void same(struct answer a, struct answer b)
{
	BUG_ON(a.state != b.state || a.at.off != b.at.off || a.at.len != b.at.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned flags = n ? data[0] : 0;
	struct host host = { 0 };
	struct boot first, again;
	struct platter d;
	struct unit u;
	struct err e;

	if (n < 1)
		return -1;
	platter_init(&d, SIZE, 512);
	build(&d, flags);
	patch(&d, (struct view){ data + 1, n - 1 },
	      flags & (WITH_GPT | WITH_LABEL) ? FIRST * 512 : 0);
	if (flags & WITH_GPT && flags & SEAL) {
		platter_seal_if_header(&d, 1);
		platter_seal_if_header(&d, platter_sectors(&d) - 1);
	}
	platter_image(&d);
	unit_read(&u, &d.src, format_find("raw"), &host);
	BUG_ON(u.state != UNIT_READ);
	BUG_ON(boot_read(u.image, &first, &u.arena, &e) != 0);
	touch_boot(u.image, &first);
	BUG_ON(boot_read(u.image, &again, &u.arena, &e) != 0);
	same(first.bios, again.bios);
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		same(first.uefi[i], again.uefi[i]);
	BUG_ON(u.arena.used > ARENA_BUDGET);
	unit_close(&u);
	platter_free(&d);
	return 0;
}
