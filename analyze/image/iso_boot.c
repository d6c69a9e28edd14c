/* What an ISO 9660 image boots as a CD: the catalog of El Torito, and what its images are.
 * "El Torito" 1.0; UEFI 2.10, 13.3.2.1; mkisofs(8), -boot-info-table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/boot.h"
#include "analyze/image/fat.h"
#include "analyze/image/iso_read.h"
#include "base/banned.h"

enum {
	ENTRY = ISO_CATALOG_ENTRY,
	HEADER_ID = 1,
	KEY = 0xaa55,
	BOOTABLE = 0x88,
	HEADER_MORE = 0x90,
	HEADER_LAST = 0x91,
	EXTENSION = 0x44,
	EXTENSION_MORE = 1 << 5,
	COUNT_UNIT = 512,
	BIOS_HEAD = 8 << 10, /* of a BIOS' image, in which its name stands */
	BPB_SECTOR_SIZE = 11,
	BPB_SECTORS_16 = 19,
	BPB_SECTORS_32 = 32,
	MEDIA_TYPE = 15,
	MEDIA_MAX = 4, /* a hard disk */
	HFS_HEADER = 1024,
};

/* isolinux, where its table is to be */
static const uint32_t unpatched = 0xdeadbeef;

static const char system_id[] = "EL TORITO SPECIFICATION";

/* ---- the catalog ---- */

struct catalog_reader {
	struct iso_reader *r;
	struct iso_catalog *c;
	struct view v;
	uint64_t off;
	struct iso_boot_entry *entry;
	size_t n;
};

static void add_entry(struct catalog_reader *c, size_t at, struct field platform,
		      bool initial)
{
	const struct image *img = c->r->img;
	struct iso_boot_entry *b = &c->entry[c->n];
	uint64_t off;

	if (c->n == ISO_BOOT_MAX)
		return;
	*b = (struct iso_boot_entry){
		.at = { img->src, c->off + at, ENTRY },
		.initial = initial,
		.platform = platform,
		.indicator = image_field(img, c->v, c->off, at, 1),
		.media = image_field(img, c->v, c->off, at + ISO_ENT_MEDIA, 1),
		.count = image_field(img, c->v, c->off, at + ISO_ENT_COUNT, 2),
		.lba = image_field(img, c->v, c->off, at + ISO_ENT_LBA, 4),
	};
	b->bootable = b->indicator.v == BOOTABLE;
	off = b->lba.v * ISO_SECTOR;
	b->outside = off >= img->size;
	if (!b->outside)
		b->len = b->count.v < 2
				 ? img->size - off
				 : u64_min(b->count.v * COUNT_UNIT, img->size - off);
	c->n++;
}

/* The mark aside, what stands at `at` is an entry: a medium that there is, something to load,
 * and a place in the image that it is loaded from. */
static bool is_plausible(const struct catalog_reader *c, size_t at)
{
	uint64_t lba = view_has(c->v, at, ENTRY) ? view_le32(c->v, at + ISO_ENT_LBA) : 0;

	return lba > ISO_FIRST && lba * ISO_SECTOR < c->r->img->size &&
	       (view_u8(c->v, at + ISO_ENT_MEDIA) & MEDIA_TYPE) <= MEDIA_MAX &&
	       view_u8(c->v, at + ISO_ENT_UNUSED) == 0;
}

static bool is_entry(const struct catalog_reader *c, size_t at)
{
	uint8_t first;

	if (!view_has(c->v, at, ENTRY) || view_is_zero(view_cut(c->v, at, ENTRY)))
		return false;
	first = view_u8(c->v, at);
	return first == 0 || first == BOOTABLE ||
	       (first != HEADER_MORE && first != HEADER_LAST && first != EXTENSION &&
		is_plausible(c, at));
}

static bool is_header(const struct catalog_reader *c, size_t at)
{
	return view_has(c->v, at, ENTRY) &&
	       (view_u8(c->v, at) == HEADER_MORE || view_u8(c->v, at) == HEADER_LAST);
}

/* Behind the entry at `at`, and its extensions. */
static size_t behind(const struct catalog_reader *c, size_t at)
{
	if (view_u8(c->v, at + ISO_ENT_MEDIA) & EXTENSION_MORE) {
		do {
			at += ENTRY;
		} while (view_has(c->v, at, ENTRY) && view_u8(c->v, at) == EXTENSION &&
			 view_u8(c->v, at + 1) & EXTENSION_MORE);
	}
	return at + ENTRY;
}

static bool is_platform(unsigned id)
{
	return id == ISO_PLATFORM_X86 || id == ISO_PLATFORM_PPC ||
	       id == ISO_PLATFORM_MAC || id == ISO_PLATFORM_EFI;
}

/* From there to the end of the sector there is nothing. */
static bool is_last(const struct catalog_reader *c, size_t at)
{
	size_t n = ISO_SECTOR - at % ISO_SECTOR;

	return view_has(c->v, at, n) && view_is_zero(view_cut(c->v, at, n));
}

/* The section with its header at `at` does not fit to what follows it. What would: whole
 * entries that are marked as such, and behind them either another header or zeros. These are
 * its entries then; before: those that were known without them. */
static void torn(struct catalog_reader *c, size_t at, size_t before)
{
	struct field platform = image_field(c->r->img, c->v, c->off, at + 1, 1);
	struct iso_catalog *k = c->c;
	size_t end = at + ENTRY;
	uint16_t n = 0;

	k->torn_at = (struct span){ c->r->img->src, c->off + at, ENTRY };
	while (view_has(c->v, end, ENTRY) && view_u8(c->v, end) == BOOTABLE &&
	       is_plausible(c, end)) {
		end = behind(c, end);
		n++;
	}
	if (n == 0 || !is_platform((unsigned)platform.v) ||
	    (!is_header(c, end) && !is_last(c, end)))
		return;
	k->torn_mark = is_header(c, end) ? HEADER_MORE : HEADER_LAST;
	k->torn_count = n;
	c->n = before;
	for (end = at + ENTRY; n; n--, end = behind(c, end))
		add_entry(c, end, platform, false);
}

/* A section from its header on. *at goes behind it; false: it is the last one. */
static bool read_section(struct catalog_reader *c, size_t *at)
{
	uint8_t kind = view_u8(c->v, *at);
	struct field platform = image_field(c->r->img, c->v, c->off, *at + 1, 1);
	unsigned n = view_le16(c->v, *at + 2);
	size_t header = *at, before = c->n;

	*at += ENTRY;
	for (unsigned i = 0; i < n; i++) {
		if (!is_entry(c, *at)) {
			torn(c, header, before);
			return false;
		}
		add_entry(c, *at, platform, false);
		*at = behind(c, *at);
	}
	/* More than are announced. */
	if (view_has(c->v, *at, ENTRY) && view_u8(c->v, *at) == BOOTABLE &&
	    is_plausible(c, *at)) {
		torn(c, header, before);
		return false;
	}
	if (kind == HEADER_LAST || !view_has(c->v, *at, ENTRY))
		return false;
	/* More are announced. */
	if (!is_header(c, *at)) {
		torn(c, header, before);
		return false;
	}
	return true;
}

static void read_entries(struct catalog_reader *c)
{
	size_t at = 2 * ENTRY;

	add_entry(c, ENTRY, c->c->platform, true);
	while (view_has(c->v, at, ENTRY)) {
		if (!is_header(c, at)) {
			/* Some leave other things behind the last entry; a section that has
			 * lost its mark still has a platform and a boot entry. */
			if (view_has(c->v, at + ENTRY, ENTRY) &&
			    view_u8(c->v, at + ENTRY) == BOOTABLE)
				torn(c, at, c->n);
			return;
		}
		if (!read_section(c, &at))
			return;
	}
}

static uint16_t sum_of(struct view v)
{
	uint16_t sum = 0;

	for (size_t i = 0; i < ENTRY; i += 2)
		sum = (uint16_t)(sum + view_le16(v, i));
	return sum;
}

/* What its sum must be once the two constants are right. */
static uint16_t sum_wanted(struct view v)
{
	uint16_t others = (uint16_t)(sum_of(v) - view_le16(v, ISO_VAL_SUM) -
				     view_le16(v, ISO_VAL_KEY) - view_u8(v, 0));

	return (uint16_t)(0 - others - KEY - HEADER_ID);
}

/* Most of what makes one is there. */
static bool is_validation(struct iso_reader *r, struct view v)
{
	unsigned signs;

	if (v.n == 0)
		return false;
	signs = (view_u8(v, 0) == HEADER_ID ? 1u : 0) +
		(view_le16(v, ISO_VAL_KEY) == KEY ? 1u : 0) +
		(view_u8(v, ENTRY) == BOOTABLE ? 1u : 0) +
		(view_le16(v, ISO_VAL_SUM) == sum_wanted(v) ? 1u : 0);
	/* Two may be chance: a path table begins with 01 as well. */
	return signs >= 3 ||
	       (signs == 2 && is_platform(view_u8(v, ISO_VAL_PLATFORM)) &&
		view_le16(v, ISO_VAL_RESERVED) == 0 &&
		is_plausible(&(struct catalog_reader){ .r = r, .v = v }, ENTRY));
}

static void read_validation(struct iso_reader *r, struct iso_catalog *c, struct view v)
{
	uint64_t off = c->at.off;

	c->header = image_field(r->img, v, off, 0, 1);
	c->platform = image_field(r->img, v, off, ISO_VAL_PLATFORM, 1);
	c->sum = image_field(r->img, v, off, ISO_VAL_SUM, 2);
	c->key = image_field(r->img, v, off, ISO_VAL_KEY, 2);
	c->sum_wanted = sum_wanted(v);
}

void iso_catalog_read(struct iso_reader *r, struct view record, uint64_t off)
{
	struct iso_catalog *c = &r->iso->catalog;
	struct catalog_reader cr = { .r = r, .c = c };
	size_t n = ISO_CATALOG_SECTORS * ISO_SECTOR;

	if (!view_eq(record, ISO_VD_BOOT_SYSTEM, system_id, sizeof(system_id) - 1))
		return;
	c->record_at = look_span(&r->look, off, ISO_SECTOR);
	c->lba = image_field(r->img, record, off, ISO_VD_CATALOG, 4);
	off = c->lba.v * ISO_SECTOR;
	c->state = ISO_CATALOG_OUTSIDE;
	if (!range_within(off, ISO_SECTOR, r->img->size))
		return;
	n = (size_t)u64_min(n, r->img->size - off);
	c->at = look_span(&r->look, off, ISO_SECTOR);
	c->state = ISO_CATALOG_FOREIGN;
	cr.v = iso_look(r, off, n);
	if (!is_validation(r, cr.v))
		return;
	c->state = ISO_CATALOG_READ;
	read_validation(r, c, cr.v);
	cr.off = off;
	cr.entry = arena_array(r->a, ISO_BOOT_MAX, struct iso_boot_entry);
	read_entries(&cr);
	c->entry = r->entry = cr.entry;
	c->nentries = r->nentries = cr.n;
}

/* A whole catalog, and of this image: what it starts is in it, and one of these a file. */
static bool is_ours(struct iso_reader *r, struct view v)
{
	struct iso_catalog found = { 0 };
	struct catalog_reader c = { .r = r, .c = &found, .v = v };
	bool file = false;

	if (v.n == 0 || view_u8(v, 0) != HEADER_ID || view_le16(v, ISO_VAL_KEY) != KEY ||
	    sum_of(v) != 0 || view_u8(v, ENTRY) != BOOTABLE)
		return false;
	c.entry = arena_array(r->a, ISO_BOOT_MAX, struct iso_boot_entry);
	read_entries(&c);
	for (size_t i = 0; i < c.n; i++) {
		if (c.entry[i].bootable && c.entry[i].outside)
			return false;
		file = file || iso_file_at(r->iso, c.entry[i].lba.v);
	}
	return file && !found.torn_at.len;
}

void iso_catalog_search(struct iso_reader *r)
{
	struct iso_catalog *c = &r->iso->catalog;

	if ((c->state != ISO_CATALOG_OUTSIDE && c->state != ISO_CATALOG_FOREIGN) ||
	    r->nmaybe > ISO_MAYBE_MAX)
		return;
	for (size_t i = 0; i < r->nmaybe; i++) {
		struct view v =
			iso_look(r, (uint64_t)r->maybe[i] * ISO_SECTOR, ISO_SECTOR);

		if (!is_ours(r, v) || c->found == r->maybe[i])
			continue;
		/* Of two nobody knows which one it was. */
		if (c->found) {
			c->found = 0;
			return;
		}
		c->found = r->maybe[i];
	}
}

/* ---- boot images ---- */

static uint32_t sum_words(struct view v)
{
	uint32_t sum = 0;
	size_t i = ISO_INFO_SUMMED;

	for (; view_has(v, i, 4); i += 4)
		sum += view_le32(v, i);
	for (unsigned k = 0; i + k < v.n; k++)
		sum += (uint32_t)v.p[i + k] << (8 * k);
	return sum;
}

/* Of a session that is not the first, there is another one. */
static bool is_primary_at(struct iso_reader *r, uint64_t lba)
{
	struct view v = { 0 };

	if (lba > ISO_FIRST && range_within(lba * ISO_SECTOR, ISO_SECTOR, r->img->size))
		v = iso_look(r, lba * ISO_SECTOR, ISO_SECTOR);
	return view_eq(v, 0, "\1CD001\1", 7);
}

/* Two of its numbers fit, or one that nothing has by chance. */
static void read_info(struct iso_reader *r, struct iso_boot_entry *b)
{
	uint64_t off = b->lba.v * ISO_SECTOR, n = b->file_size;
	struct iso_boot_info *t = &b->info;
	unsigned fit;
	struct view v;

	if (n < ISO_INFO_SUMMED || n > ISO_INFO_FILE_MAX ||
	    !range_within(off, n, r->img->size))
		return;
	v = iso_look(r, off, (size_t)n);
	if (v.n == 0)
		return;
	t->descriptor = image_field(r->img, v, off, ISO_INFO_OFF, 4);
	t->file = image_field(r->img, v, off, ISO_INFO_OFF + 4, 4);
	t->length = image_field(r->img, v, off, ISO_INFO_OFF + 8, 4);
	t->sum = image_field(r->img, v, off, ISO_INFO_OFF + 12, 4);
	t->sum_actual = sum_words(v);
	t->summed = true;
	t->descriptor_ok =
		t->descriptor.v == ISO_FIRST || is_primary_at(r, t->descriptor.v);
	fit = (t->descriptor_ok ? 1u : 0) + (t->file.v == b->lba.v ? 2u : 0) +
	      (t->length.v == n ? 2u : 0) + (t->sum.v == t->sum_actual ? 2u : 0);
	t->wanted = t->length.v == unpatched && t->sum.v == unpatched;
	t->present = !t->wanted && fit >= 3 &&
		     view_is_zero(view_cut(v, ISO_INFO_OFF + 16, 40));
}

static bool has_text(struct view v, const char *text)
{
	return str_has(str_view(v), text);
}

static enum boot_code code_of(struct view v)
{
	return v.n == 0 || view_is_zero(v)                       ? BOOT_CODE_NONE
	       : has_text(v, "ISOLINUX ")                        ? BOOT_CODE_ISOLINUX
	       : has_text(v, "loading\0") && has_text(v, "Geom") ? BOOT_CODE_GRUB
	       : has_text(v, "cdrom read fails")                 ? BOOT_CODE_GRUB
	       : has_text(v, "CDBOOT") && has_text(v, "BOOTMGR") ? BOOT_CODE_WINDOWS
								 : BOOT_CODE_OTHER;
}

static void read_bios_image(struct iso_reader *r, struct iso_boot_entry *b)
{
	uint64_t off = b->lba.v * ISO_SECTOR;
	struct view v = iso_look(r, off, (size_t)u64_min(BIOS_HEAD, r->img->size - off));

	b->code = code_of(v);
	read_info(r, b);
}

/* Of Apple's own: TN1150, and Inside Macintosh: Files. */
static bool is_hfs(struct iso_reader *r, uint64_t off)
{
	uint8_t head[2];
	struct view v = { head, sizeof(head) };

	return range_within(off, HFS_HEADER + sizeof(head), r->img->size) &&
	       look_read(&r->look, off + HFS_HEADER, head, sizeof(head)) &&
	       (view_eq(v, 0, "H+", 2) || view_eq(v, 0, "HX", 2) ||
		view_eq(v, 0, "BD", 2));
}

bool iso_efi_starts(const struct efi_volume *v)
{
	for (unsigned i = 0; i < EFI_ARCHES; i++) {
		if (v->fallback[i].state == ANSWER_YES)
			return v->fat.state == ANSWER_YES && !v->refused;
	}
	return false;
}

/* Whatever its platform says. */
static void read_content(struct iso_reader *r, struct iso_boot_entry *b)
{
	uint64_t off = b->lba.v * ISO_SECTOR;
	struct efi_volume *v = arena_new(r->a, struct efi_volume);
	struct view head =
		iso_look(r, off, (size_t)u64_min(BIOS_HEAD, r->img->size - off));

	efi_volume_read(v, &r->look, off, r->img->size - off);
	if (iso_efi_starts(v))
		b->content = ISO_CONTENT_EFI;
	else if (code_of(head) == BOOT_CODE_ISOLINUX || code_of(head) == BOOT_CODE_GRUB)
		b->content = ISO_CONTENT_BIOS;
}

static void read_efi_image(struct iso_reader *r, struct iso_boot_entry *b)
{
	uint64_t off = b->lba.v * ISO_SECTOR;
	struct efi_volume *v = arena_new(r->a, struct efi_volume);
	uint8_t sector[512];
	struct view s = { sector, sizeof(sector) };
	uint64_t n;

	/* The file system may be larger than the count can say: it is to be seen whole. */
	efi_volume_read(v, &r->look, off, r->img->size - off);
	b->efi = v;
	if (v->fat.state == ANSWER_NO)
		b->hfs = is_hfs(r, off);
	if (v->fat.state != ANSWER_YES ||
	    !look_read(&r->look, off, sector, sizeof(sector)))
		return;
	n = view_le16(s, BPB_SECTORS_16);
	n = n ? n : view_le32(s, BPB_SECTORS_32);
	b->fat_size = n * view_le16(s, BPB_SECTOR_SIZE);
}

void iso_boot_images_read(struct iso_reader *r)
{
	for (size_t i = 0; i < r->nentries && !r->look.broken; i++) {
		struct iso_boot_entry *b = &r->entry[i];

		if (b->outside)
			continue;
		if (b->initial && r->iso->catalog.sum.v != r->iso->catalog.sum_wanted)
			read_content(r, b);
		if (b->platform.v == ISO_PLATFORM_EFI)
			read_efi_image(r, b);
		else if (b->platform.v == ISO_PLATFORM_X86)
			read_bios_image(r, b);
	}
}

/* ---- what starts of it ---- */

static struct answer bios_entry(const struct iso_boot_entry *b)
{
	if (!b->bootable)
		return answer_no("its boot entry is not marked as bootable",
				 b->indicator.at);
	if (b->outside)
		return answer_no("its boot image is not in the image", b->lba.at);
	if (b->code == BOOT_CODE_NONE)
		return answer_no("its boot image is empty", b->lba.at);
	if (b->info.wanted)
		return answer_no("isolinux was not told where it is (-boot-info-table)",
				 b->info.length.at);
	return answer_yes(b->at);
}

static void boots_bios(const struct iso *iso, struct boot *out)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];

		if (b->platform.v != ISO_PLATFORM_X86)
			continue;
		out->bios = answer_or(out->bios, bios_entry(b));
		if (out->first.code == BOOT_CODE_NONE) {
			out->first.code = b->code;
			out->first.code_at = b->at;
		}
		if (b->code == BOOT_CODE_WINDOWS)
			out->windows = answer_yes(b->at);
	}
}

static void boots_efi(const struct iso *iso, struct boot *out, struct efi_volume *shelf)
{
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];

		if (!b->efi)
			continue;
		for (unsigned k = 0; k < EFI_ARCHES; k++)
			out->uefi[k] = answer_or(out->uefi[k], b->efi->fallback[k]);
		out->other = answer_or(out->other, b->efi->other);
		out->windows = answer_or(out->windows, b->efi->windows);
		if (b->efi->fat.state != ANSWER_NO)
			shelf[out->nvolumes++] = *b->efi;
	}
}

/* There is no single place where a catalog is missing. */
static struct span look_at_first(const struct iso *iso)
{
	return (struct span){ iso->image->src, ISO_FIRST * ISO_SECTOR, ISO_SECTOR };
}

void iso_boot(const struct iso *iso, struct boot *out, struct arena *a)
{
	const struct iso_catalog *c = &iso->catalog;
	struct span at = c->record_at.src ? c->lba.at : look_at_first(iso);
	const char *why = c->state == ISO_CATALOG_NONE ? "it has no boot catalog"
			  : c->state == ISO_CATALOG_OUTSIDE
				  ? "its boot catalog is not in the image"
			  : c->state == ISO_CATALOG_FOREIGN
				  ? "there is no boot catalog where it should be"
				  : NULL;

	out->table = out->bios = out->other = out->windows = answer_no(why, at);
	for (unsigned i = 0; i < EFI_ARCHES; i++)
		out->uefi[i] = answer_no(why, at);
	out->volumes = NULL;
	if (c->state == ISO_CATALOG_READ) {
		struct efi_volume *shelf = arena_array(a, c->nentries, struct efi_volume);

		out->table = answer_yes(c->at);
		boots_bios(iso, out);
		out->volumes = shelf;
		boots_efi(iso, out, shelf);
	}
}
