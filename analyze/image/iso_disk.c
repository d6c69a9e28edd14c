/* What makes a disk of an ISO as well: isohybrid's MBR, a GPT, Apple's partition map.
 * syslinux, doc/isolinux.txt; xorrisofs(1), "System area"; UEFI 2.10, 5.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt.h"
#include "analyze/image/iso_read.h"
#include "analyze/image/mbr.h"
#include "base/banned.h"

enum {
	CORE = 0x1b0,        /* le64: of isolinux.bin, or of GRUB's core */
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
	if (d->code == BOOT_CODE_ISOLINUX || d->code == BOOT_CODE_GRUB)
		d->core = image_field(r->img, v, 0, CORE, 8);
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
	return 0;
}
