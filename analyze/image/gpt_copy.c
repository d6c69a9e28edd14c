/* One copy of a GPT: a header, UEFI 2.10 section 5.3.2, and its entry array, 5.3.3.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_copy.h"
#include "analyze/image/image.h"
#include "analyze/image/layout.h"
#include "base/crc32.h"
#include "base/utf16.h"
#include "base/banned.h"

enum {
	SECTOR_MAX = 4096,
};

/* ---- the header ---- */

static bool has_signature(struct view sector)
{
	return view_has(sector, 0, GPT_HEADER_SIZE) &&
	       view_eq(sector, GPT_OFF_SIGNATURE, GPT_SIGNATURE, 8);
}

/* The sum of a header, whose own CRC field counts as zero. */
static uint32_t header_sum(struct view header)
{
	static const uint8_t zero[4];
	size_t behind = GPT_OFF_HEADER_CRC + sizeof(zero);
	uint32_t crc = crc32_of(view_cut(header, 0, GPT_OFF_HEADER_CRC));

	crc = crc32_more(crc, (struct view){ zero, sizeof(zero) });
	return crc32_more(crc, view_cut(header, behind, header.n - behind));
}

static bool size_fits(struct view sector)
{
	uint32_t size = view_le32(sector, GPT_OFF_HEADER_SIZE);

	return size >= GPT_HEADER_SIZE && size <= sector.n;
}

bool gpt_header_intact(struct view sector, uint64_t lba)
{
	return has_signature(sector) && size_fits(sector) &&
	       view_le64(sector, GPT_OFF_MY_LBA) == lba &&
	       header_sum(view_cut(sector, 0, view_le32(sector, GPT_OFF_HEADER_SIZE))) ==
		       view_le32(sector, GPT_OFF_HEADER_CRC);
}

/* The sector with the signature that `wipefs` takes away put back. */
static bool unwiped(struct view sector, uint64_t lba, uint8_t out[SECTOR_MAX])
{
	if (!view_has(sector, 0, GPT_HEADER_SIZE) || sector.n > SECTOR_MAX ||
	    !view_is_zero(view_cut(sector, 0, sizeof(GPT_SIGNATURE) - 1)))
		return false;
	memcpy(out, sector.p, sector.n);
	memcpy(out, GPT_SIGNATURE, sizeof(GPT_SIGNATURE) - 1);
	return gpt_header_intact((struct view){ out, sector.n }, lba);
}

bool gpt_header_wiped(struct view sector, uint64_t lba)
{
	uint8_t scratch[SECTOR_MAX];

	return unwiped(sector, lba, scratch);
}

static void read_fields(struct gpt_table *t, const struct image *img)
{
#define NUMBER(member, name, o, n) t->member = image_field(img, t->raw, t->at.off, o, n);
#define OTHER(name, o, n)
	GPT_HEADER_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	memcpy(t->disk_guid.b, t->raw.p + GPT_OFF_DISK_GUID, GPT_GUID_SIZE);
	t->disk_guid_at = (struct span){
		.src = img->src,
		.off = t->at.off + GPT_OFF_DISK_GUID,
		.len = GPT_GUID_SIZE,
	};
	t->size_ok = size_fits(t->raw);
	if (t->size_ok)
		t->crc_actual = header_sum(view_cut(t->raw, 0, (size_t)t->header_size.v));
	t->header_ok = gpt_header_intact(t->raw, t->lba);
}

int gpt_copy_read(struct gpt_table *t, const struct image *img, uint32_t sector_size,
		  uint64_t lba, struct arena *a, struct err *e)
{
	*t = (struct gpt_table){ .lba = lba, .array = GPT_ARRAY_NO_HEADER };
	t->at.src = img->src;
	t->at.len = sector_size;
	if (!u64_mul(lba, sector_size, &t->at.off) ||
	    !range_within(t->at.off, sector_size, img->size))
		return 0;
	if (image_view(img, a, t->at.off, sector_size, &t->raw, e) != 0)
		return -1;
	t->present = has_signature(t->raw);
	if (!t->present)
		return 0;
	read_fields(t, img);
	return gpt_copy_array(t, img, sector_size, t->entries_lba.v, a, e);
}

int gpt_copy_unwipe(struct gpt_table *t, const struct image *img, uint32_t sector_size,
		    struct arena *a, struct err *e)
{
	uint8_t sector[SECTOR_MAX];

	if (t->present || !unwiped(t->raw, t->lba, sector))
		return 0;
	t->raw = arena_copy(a, (struct view){ sector, t->raw.n });
	t->present = true;
	read_fields(t, img);
	return gpt_copy_array(t, img, sector_size, t->entries_lba.v, a, e);
}

/* ---- the entry array ---- */

/* Where the array is and whether it can be read. */
static enum gpt_array find_array(struct gpt_table *t, const struct image *img,
				 uint32_t sector_size, uint64_t lba)
{
	uint64_t bytes = t->entry_count.v * t->entry_size.v; /* of 32 bits each */

	t->entries_at = (struct span){ .src = img->src };
	if (u64_mul(lba, sector_size, &t->entries_at.off))
		t->entries_at.len = bytes;
	if (t->entry_size.v < GPT_ENTRY_SIZE || t->entry_count.v == 0)
		return GPT_ARRAY_SIZE;
	if (bytes > GPT_ENTRIES_MAX_BYTES)
		return GPT_ARRAY_TOO_LARGE;
	if (t->entries_at.len == 0 || !range_within(t->entries_at.off, bytes, img->size))
		return GPT_ARRAY_OUTSIDE;
	return GPT_ARRAY_READ;
}

int gpt_copy_array(struct gpt_table *t, const struct image *img, uint32_t sector_size,
		   uint64_t lba, struct arena *a, struct err *e)
{
	t->array = find_array(t, img, sector_size, lba);
	t->entries_read = t->array == GPT_ARRAY_READ;
	t->entries_raw = (struct view){ 0 };
	t->entries_ok = false;
	if (!t->entries_read)
		return 0;
	if (image_view(img, a, t->entries_at.off, t->entries_at.len, &t->entries_raw,
		       e) != 0)
		return -1;
	t->entries_crc_actual = crc32_of(t->entries_raw);
	t->entries_ok =
		is_pow2(t->entry_size.v) && t->entries_crc_actual == t->entries_crc.v;
	return 0;
}

static struct gpt_entry decode_entry(const struct gpt_table *t, size_t i,
				     const struct image *img, struct arena *a)
{
	size_t off = i * (size_t)t->entry_size.v;
	uint64_t base = t->entries_at.off + off;
	struct view v = view_cut(t->entries_raw, off, GPT_ENTRY_SIZE);
	struct gpt_entry ent = {
		.number = (unsigned)i + 1,
		.at = { .src = img->src, .off = base, .len = GPT_ENTRY_SIZE },
	};

#define NUMBER(member, name, o, n) ent.member = image_field(img, v, base, o, n);
#define OTHER(name, o, n)
	GPT_ENTRY_FIELDS(NUMBER, OTHER)
#undef NUMBER
#undef OTHER
	memcpy(ent.type.b, v.p + GPT_ENT_TYPE, GPT_GUID_SIZE);
	memcpy(ent.guid.b, v.p + GPT_ENT_GUID, GPT_GUID_SIZE);
	ent.name = utf16_text(a, view_cut(v, GPT_ENT_NAME, GPT_ENT_NAME_SIZE), false);
	return ent;
}

static bool is_used(const struct gpt_table *t, size_t i)
{
	size_t off = i * (size_t)t->entry_size.v + GPT_ENT_TYPE;

	return !view_is_zero(view_cut(t->entries_raw, off, GPT_GUID_SIZE));
}

int gpt_copy_decode(struct gpt_table *t, const struct image *img, struct arena *a,
		    struct err *e)
{
	struct gpt_entry *ent;
	size_t used = 0, at = 0;

	if (!t->entries_read)
		return 0;
	for (size_t i = 0; i < t->entry_count.v; i++)
		used += is_used(t, i);
	if (used == 0)
		return 0;
	ent = arena_try_array(a, used, struct gpt_entry);
	if (!ent)
		return err_set(e, ERR_LIMIT, "its GPT has %zu entries, too many", used);
	for (size_t i = 0; i < t->entry_count.v; i++) {
		if (is_used(t, i))
			ent[at++] = decode_entry(t, i, img, a);
	}
	t->entry = ent;
	t->nentries = used;
	return 0;
}

/* ---- writing ---- */

uint64_t gpt_entries_sectors(uint64_t count, uint64_t size, uint32_t sector_size)
{
	uint64_t bytes;

	if (!u64_mul(count, size, &bytes))
		return UINT64_MAX / sector_size;
	return div_up(bytes, sector_size);
}

void gpt_header_bytes(const struct gpt_header *h, struct view entries, uint8_t *sector,
		      uint32_t sector_size)
{
	memset(sector, 0, sector_size);
	memcpy(sector + GPT_OFF_SIGNATURE, GPT_SIGNATURE, 8);
	put_le32(sector + GPT_OFF_REVISION, GPT_REVISION_1_0);
	put_le32(sector + GPT_OFF_HEADER_SIZE, GPT_HEADER_SIZE);
	put_le64(sector + GPT_OFF_MY_LBA, h->my_lba);
	put_le64(sector + GPT_OFF_ALTERNATE_LBA, h->alternate_lba);
	put_le64(sector + GPT_OFF_FIRST_USABLE, h->first_usable);
	put_le64(sector + GPT_OFF_LAST_USABLE, h->last_usable);
	memcpy(sector + GPT_OFF_DISK_GUID, h->disk_guid.b, GPT_GUID_SIZE);
	put_le64(sector + GPT_OFF_ENTRIES_LBA, h->entries_lba);
	put_le32(sector + GPT_OFF_ENTRY_COUNT, h->entry_count);
	put_le32(sector + GPT_OFF_ENTRY_SIZE, h->entry_size);
	put_le32(sector + GPT_OFF_ENTRIES_CRC, crc32_of(entries));
	put_le32(sector + GPT_OFF_HEADER_CRC,
		 header_sum((struct view){ sector, GPT_HEADER_SIZE }));
}
