/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/boot.h"

#include "analyze/image/gpt.h"
#include "analyze/image/iso.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "base/banned.h"

enum {
	/* GRUB's boot.img; and its boot_hybrid.img, which goes where a BPB would be */
	GRUB_CORE = 0x5c, /* u64, sectors of 512 bytes */
	GRUB_CORE_HYBRID = 0x1b0,
	ACTIVE = 0x80,
	GPT_NO_BLOCK_IO = 1 << 1, /* UEFI 2.10, 5.3.3: not for firmware to look into */
	GPT_LEGACY_BOOT = 1 << 2,
};

struct reader {
	const struct image *img;
	struct boot *out;
	struct look *look;
	uint8_t first[MBR_SIZE];
};

/* A boot sector's 512 bytes at off. */
static void boot_sector_read(struct boot_sector *b, struct look *l, uint64_t off,
			     bool record, uint8_t buf[512])
{
	struct view v = { buf, MBR_SIZE };
	size_t at, len;

	*b = (struct boot_sector){ .record = record };
	if (!look_read(l, off, buf, MBR_SIZE)) {
		b->read = answer_unknown(l->why, look_span(l, off, MBR_SIZE));
		return;
	}
	b->read = answer_yes(look_span(l, off, MBR_SIZE));
	b->signature = view_eq(v, MBR_OFF_MAGIC, "\x55\xaa", 2);
	b->code = boot_code_of(v, record, &at, &len);
	b->code_at = look_span(l, off + at, len);
}

/* ---- BIOS ---- */

static void find_active(struct boot *b, const struct mbr *m)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (!e->used || e->boot.v != ACTIVE)
			continue;
		b->nactive++;
		if (!b->active)
			b->active = e;
	}
}

/* A file system's parameters stand before the code of its boot record. */
static bool is_record(const struct image *img, uint64_t off)
{
	for (size_t i = 0; i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (v->off == off)
			return v->fs && v->fs->hidden.at.len != 0;
	}
	return false;
}

static void read_record(struct reader *r, uint64_t lba, uint32_t sector_size)
{
	uint8_t bytes[MBR_SIZE];
	uint64_t off;

	if (u64_mul(lba, sector_size, &off))
		boot_sector_read(&r->out->record, r->look, off, is_record(r->img, off),
				 bytes);
}

/* The partition whose boot record a GPT's boot sector starts. */
static const struct gpt_entry *marked(const struct gpt *g)
{
	for (size_t i = 0; g && g->good && i < g->good->nentries; i++) {
		if (g->good->entry[i].attributes.v & GPT_LEGACY_BOOT)
			return &g->good->entry[i];
	}
	return NULL;
}

static void read_core(struct reader *r)
{
	struct view v = { r->first, sizeof(r->first) };
	size_t field = view_eq(v, 2, "\x90\x90", 2) ? GRUB_CORE_HYBRID : GRUB_CORE;
	struct span at = look_span(r->look, field, 8);
	uint8_t sector[MBR_SIZE];
	uint64_t off;

	if (!u64_mul(view_le64(v, field), MBR_SIZE, &off) || off == 0)
		r->out->core = answer_no("GRUB's boot sector points nowhere", at);
	else if (!range_within(off, MBR_SIZE, r->img->size))
		r->out->core = answer_no("GRUB's boot sector points past the disk", at);
	else if (!look_read(r->look, off, sector, sizeof(sector)))
		r->out->core = answer_unknown(r->look->why, at);
	else if (view_is_zero((struct view){ sector, sizeof(sector) }))
		r->out->core = answer_no("GRUB's boot sector points to zeros", at);
	else
		r->out->core = answer_yes(look_span(r->look, off, MBR_SIZE));
}

static void find_bios_boot(struct reader *r)
{
	const struct guid type = { { 0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74,
				     0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49 } };

	for (size_t i = 0; i < r->img->nvolumes; i++) {
		const struct volume *v = &r->img->volumes[i];

		if (!v->gpt || !guid_eq(v->gpt->type, type))
			continue;
		r->out->bios_boot = look_span(r->look, v->off, v->len);
		r->out->bios_boot_used =
			!v->looked ? answer_unknown("what holds the disk does not say "
						    "what is there",
						    r->out->bios_boot)
			: v->blank ? answer_no("it is zeros", r->out->bios_boot)
				   : answer_yes(r->out->bios_boot);
		return;
	}
}

/* Of code that starts a partition: does that go on? */
static struct answer starts_record(const struct boot *b, const char *none)
{
	const struct boot_sector *s = &b->record;

	if (!s->read.at.src)
		return answer_no(none, b->first.code_at);
	if (s->read.state != ANSWER_YES)
		return s->read;
	if (!s->signature)
		return answer_no("the partition that it starts has no boot record",
				 s->read.at);
	switch (s->code) {
	case BOOT_CODE_NONE:
	case BOOT_CODE_STUB:
		return answer_no("the partition that it starts has no boot code",
				 s->code_at);
	case BOOT_CODE_CHAIN:
	case BOOT_CODE_GPT:
	case BOOT_CODE_ISOLINUX:
	case BOOT_CODE_OTHER:
		return answer_unknown("the partition's boot code is not known",
				      s->code_at);
	case BOOT_CODE_GRUB:
	case BOOT_CODE_SYSLINUX:
	case BOOT_CODE_WINDOWS:
		break;
	}
	return answer_yes(s->code_at);
}

static struct answer bios_answer(const struct boot *b)
{
	const struct boot_sector *s = &b->first;

	if (s->read.state != ANSWER_YES)
		return s->read;
	if (!s->signature)
		return answer_no("its first sector does not end with 55 AA", s->read.at);
	switch (s->code) {
	case BOOT_CODE_NONE:
		return answer_no("there is no boot code in its first sector", s->code_at);
	case BOOT_CODE_STUB:
		return answer_no("its boot sector only says that it does not boot",
				 s->code_at);
	case BOOT_CODE_CHAIN:
		return starts_record(b, "its boot code starts the active partition, and "
					"none is active");
	case BOOT_CODE_GPT:
		return starts_record(b, "its boot code starts the partition that the GPT "
					"marks, and it marks none");
	case BOOT_CODE_GRUB:
		return b->core;
	case BOOT_CODE_ISOLINUX:
	case BOOT_CODE_SYSLINUX:
	case BOOT_CODE_WINDOWS:
		return answer_yes(s->code_at);
	case BOOT_CODE_OTHER:
		break;
	}
	return answer_unknown("its boot code is not known", s->code_at);
}

static void read_bios(struct reader *r)
{
	const struct mbr *m = r->img->mbr;
	const struct gpt_entry *e = marked(r->img->gpt);
	struct boot *b = r->out;

	if (r->img->size < MBR_SIZE) {
		b->bios = answer_no("it is smaller than a sector",
				    look_span(r->look, 0, r->img->size));
		return;
	}
	boot_sector_read(&b->first, r->look, 0,
			 m ? m->boot_sector : r->img->whole != NULL, r->first);
	if (m && !m->boot_sector)
		find_active(b, m);
	if (b->first.code == BOOT_CODE_CHAIN && b->active)
		read_record(r, b->active->lba.v, MBR_SIZE);
	if (b->first.code == BOOT_CODE_GPT && e)
		read_record(r, e->first.v, r->img->gpt->sector_size);
	if (b->first.code == BOOT_CODE_GRUB)
		read_core(r);
	find_bios_boot(r);
	b->bios = bios_answer(b);
}

/* ---- UEFI ---- */

/* EDK2's PartitionDxe: a GPT counts only behind an entry that protects it. */
static struct answer gpt_seen(const struct image *img)
{
	const struct mbr *m = img->mbr;
	bool active = false;

	for (size_t i = 0; m && i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &m->entry[i];

		if (e->type.v != MBR_TYPE_PROTECTIVE || e->lba.v != 1)
			continue;
		if (e->boot.v == 0 && !img->gpt->good)
			return answer_unknown("neither copy of its GPT is intact",
					      img->gpt->primary.at);
		if (e->boot.v == 0)
			return answer_yes(e->at);
		active = true;
	}
	if (active)
		return answer_unknown("its protective entry is active, which older "
				      "firmware does not take",
				      m->at);
	return answer_no("no entry of its first sector protects the GPT, and UEFI passes "
			 "over it",
			 m ? m->at : img->gpt->primary.at);
}

static struct answer table_seen(const struct image *img, bool whole, struct span at)
{
	if (whole)
		return answer_no("it has no partition table", at);
	if (img->gpt)
		return gpt_seen(img);
	return img->mbr->magic_ok
		       ? answer_yes(img->mbr->at)
		       : answer_no("its first sector does not end with 55 AA", at);
}

/* How many partitions the table has, be they where they may. */
static bool all_are_volumes(const struct image *img)
{
	size_t n = 0;

	if (img->gpt)
		return img->gpt->good && img->gpt->good->nentries == img->nvolumes;
	for (size_t i = 0; i < MBR_ENTRIES; i++)
		n += img->mbr->entry[i].used && !img->mbr->entry[i].extended;
	return n + img->mbr->nlogical == img->nvolumes &&
	       (img->mbr->ebr_end == EBR_NONE || img->mbr->ebr_end == EBR_COMPLETE);
}

/* What UEFI makes of an answer about a partition. */
static struct answer seen(const struct boot *b, const struct volume *p, struct answer a)
{
	if (!p || a.state != ANSWER_YES)
		return a;
	if (p->gpt && p->gpt->attributes.v & GPT_NO_BLOCK_IO)
		return answer_no("its attributes tell UEFI not to look into it",
				 p->gpt->attributes.at);
	return b->table.state == ANSWER_YES ? a : b->table;
}

static void add_volume(struct reader *r, struct efi_volume *shelf, const struct volume *p)
{
	struct boot *b = r->out;
	struct efi_volume *v = &shelf[b->nvolumes];

	*v = (struct efi_volume){ .number = p ? p->number : 0 };
	efi_volume_read(v, r->look, p ? p->off : 0, p ? p->len : r->img->size);
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		b->uefi[i] = answer_or(b->uefi[i], seen(b, p, v->fallback[i]));
	b->other = answer_or(b->other, seen(b, p, v->other));
	b->windows = answer_or(b->windows, v->windows);
	if (v->fat.state != ANSWER_NO)
		b->nvolumes++;
}

static void unknown_rest(struct boot *b, struct answer why)
{
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		b->uefi[i] = answer_or(b->uefi[i], why);
	b->other = answer_or(b->other, why);
	b->windows = answer_or(b->windows, why);
}

static void read_uefi(struct reader *r)
{
	const struct image *img = r->img;
	struct boot *b = r->out;
	bool whole = !img->gpt && (!img->mbr || img->mbr->boot_sector);
	struct span at = look_span(r->look, 0, u64_min(img->size, MBR_SIZE));
	struct efi_volume *shelf =
		arena_array(r->look->a, img->nvolumes + 1, struct efi_volume);

	b->volumes = shelf;
	b->table = table_seen(img, whole, at);
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		b->uefi[i] = answer_no(NULL, at);
	b->other = b->windows = answer_no(NULL, at);
	if (whole) {
		add_volume(r, shelf, NULL);
		return;
	}
	for (size_t i = 0; i < img->nvolumes; i++)
		add_volume(r, shelf, &img->volumes[i]);
	if (b->table.state == ANSWER_UNKNOWN)
		unknown_rest(b, b->table);
	else if (b->table.state == ANSWER_YES && !all_are_volumes(img))
		unknown_rest(b, answer_unknown("not all of its partitions could be "
					       "looked into",
					       b->table.at));
}

/* An NTFS of Windows' own, started by Windows' own code. */
static void look_for_windows(struct boot *b)
{
	if (b->bios.state == ANSWER_YES && b->first.code == BOOT_CODE_CHAIN &&
	    b->record.record && b->record.code == BOOT_CODE_WINDOWS)
		b->windows = answer_or(b->windows, answer_yes(b->record.code_at));
}

int boot_read(const struct image *img, struct boot *out, struct arena *a, struct err *e)
{
	struct look look = {
		.src = img->src, .a = a, .reads = BOOT_READS, .bytes = BOOT_BYTES, .e = e
	};
	struct reader r = { .img = img, .out = out, .look = &look };

	*out = (struct boot){ .image = img };
	if (img->iso) {
		iso_boot(img->iso, out, a);
		return 0;
	}
	read_bios(&r);
	read_uefi(&r);
	look_for_windows(out);
	return look.broken ? -1 : 0;
}
