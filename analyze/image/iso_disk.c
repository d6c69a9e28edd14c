/* What makes a disk of an ISO as well: isohybrid's MBR, a GPT, Apple's partition map.
 * syslinux, doc/isolinux.txt; xorrisofs(1), "System area"; UEFI 2.10, 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/iso_read.h"
#include "analyze/image/mbr.h"
#include "base/banned.h"

enum {
	CORE = 0x1b0,     /* le64: of isolinux.bin, or of GRUB's core */
	CORE_GRUB = 0x5c, /* the same, of GRUB's code that is not made for ISOs */
	PER_BLOCK = ISO_SECTOR / MBR_SIZE,
	GRUB_SKIPS = 4,
	APM_ENTRY = 512,     /* "PM", in blocks of 512 bytes, */
	APM_ENTRY_2K = 2048, /* or of 2048 */
};

static void read_code(struct iso_reader *r, const struct mbr *m)
{
	struct iso_disk *d = &r->iso->disk;
	struct view v = view_cut(r->img->head, 0, MBR_SIZE);
	size_t at, len;

	d->code = boot_code_of(v, m->boot_sector, &at, &len);
	d->code_at = look_span(&r->look, at, len);
	if (d->code == BOOT_CODE_ISOLINUX ||
	    (d->code == BOOT_CODE_GRUB && view_le64(v, CORE_GRUB) == 0))
		d->core = image_field(r->img, v, 0, CORE, 8);
}

/* ---- what it loads ---- */

static bool read_sector(struct iso_reader *r, uint64_t lba, uint8_t out[MBR_SIZE])
{
	uint64_t off;

	return u64_mul(lba, MBR_SIZE, &off) &&
	       range_within(off, MBR_SIZE, r->img->size) &&
	       look_read(&r->look, off, out, MBR_SIZE);
}

/* It may be a copy of what the catalog starts. */
static void compare_core(struct iso_reader *r)
{
	struct iso_disk *d = &r->iso->disk;
	uint8_t there[MBR_SIZE], wanted[MBR_SIZE];

	if (!d->core.at.len || !read_sector(r, d->core.v, there))
		return;
	for (size_t i = 0; i < r->nentries && !d->core_same; i++) {
		const struct iso_boot_entry *b = &r->entry[i];
		uint64_t skips = b->code == BOOT_CODE_GRUB ? GRUB_SKIPS : 0;

		d->core_same = b->code == d->code &&
			       read_sector(r, b->lba.v * PER_BLOCK + skips, wanted) &&
			       memcmp(there, wanted, MBR_SIZE) == 0;
	}
}

/* ---- partitions for UEFI ---- */

static const struct guid esp_type = { { 0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
					0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9,
					0x3b } };

static void add_esp(struct iso_reader *r, const struct field *first, bool gpt)
{
	struct iso_disk *d = &r->iso->disk;
	struct iso_esp *x = &d->esp[d->nesp];
	struct efi_volume *v;
	uint64_t off;

	if (d->nesp == ISO_ESP_MAX)
		return;
	*x = (struct iso_esp){ .at = first->at, .gpt = gpt, .lba = first->v };
	for (size_t i = 0; i < r->nentries; i++) {
		const struct iso_boot_entry *b = &r->entry[i];

		x->in_catalog = x->in_catalog || (b->efi && b->bootable &&
						  b->lba.v * PER_BLOCK == first->v);
	}
	d->nesp++;
	if (x->in_catalog || !u64_mul(first->v, MBR_SIZE, &off) || off >= r->img->size)
		return;
	v = arena_new(r->a, struct efi_volume);
	efi_volume_read(v, &r->look, off, r->img->size - off);
	if (v->fat.state != ANSWER_UNKNOWN)
		x->starts = iso_efi_starts(v) ? ANSWER_YES : ANSWER_NO;
}

static void read_esps(struct iso_reader *r)
{
	const struct image *img = r->iso->disk.image;
	const struct gpt_table *t =
		img->gpt && img->gpt->sector_size == MBR_SIZE ? img->gpt->good : NULL;

	for (unsigned i = 0; img->mbr && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &img->mbr->entry[i];

		if (e->used && e->type.v == MBR_TYPE_ESP)
			add_esp(r, &e->lba, false);
	}
	for (size_t i = 0; t && i < t->nentries; i++) {
		if (guid_eq(t->entry[i].type, esp_type))
			add_esp(r, &t->entry[i].first, true);
	}
}

static void find_end(struct iso_disk *d)
{
	const struct image *img = d->image;
	uint64_t bytes;

	for (unsigned i = 0; img->mbr && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &img->mbr->entry[i];

		if (e->sectors.v)
			d->end = u64_max(d->end,
					 (e->lba.v + e->sectors.v) * (uint64_t)MBR_SIZE);
	}
	if (img->gpt && img->gpt->backup.present &&
	    u64_mul(img->gpt->backup.lba + 1, img->gpt->sector_size, &bytes))
		d->end = u64_max(d->end, bytes);
}

int iso_disk_read(struct iso_reader *r, struct err *e)
{
	struct iso_disk *d = &r->iso->disk;
	struct image *img = arena_new(r->a, struct image);
	struct mbr *m = arena_new(r->a, struct mbr);
	struct view head = r->img->head;

	*img = *r->img;
	img->iso = NULL;
	d->image = img;
	if (head.n < MBR_SIZE)
		return 0;
	if (gpt_read(&img->gpt, img, r->a, e) != 0 ||
	    mbr_read(m, img, MBR_SIZE, r->a, e) != 0)
		return -1;
	if (m->magic_ok) {
		img->mbr = m;
		read_code(r, m);
	}
	if (view_eq(head, APM_ENTRY, "PM\0\0", 4) ||
	    view_eq(head, APM_ENTRY_2K, "PM\0\0", 4)) {
		d->apm = true;
		d->apm_at = look_span(
			&r->look,
			view_eq(head, APM_ENTRY, "PM", 2) ? APM_ENTRY : APM_ENTRY_2K, 2);
	}
	find_end(d);
	compare_core(r);
	read_esps(r);
	return 0;
}
