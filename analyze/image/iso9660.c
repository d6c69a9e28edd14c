/* ISO 9660 images, by their first volume descriptors: ECMA-119 section 8.1. Or what one has left
 * on a disk that has partitions of its own by now.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "analyze/image/gpt.h"
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/image/mbr.h"
#include "analyze/unit.h"
#include "base/banned.h"

enum {
	FIRST = ISO_FIRST * ISO_SECTOR,
	LOOK = 8 << 10, /* of a partition: its file system says itself what it is */
	LOOKS = 8,      /* at so many of them */
	BEHIND = FIRST + 0x8000, /* descriptors are before this */
	GPT_LOOK = 128,          /* entries of the primary array where tools write it */
};

/* ---- left-overs ---- */

struct look_at {
	const struct source *src;
	uint64_t volume_end;
	unsigned looks;
};

/* A partition that begins within the volume, behind its descriptors, goes on behind its end, and
 * holds a file system: no ISO has that, and who writes to the partition writes over the ISO. */
static bool is_anew(struct look_at *l, uint64_t first, uint64_t sectors)
{
	uint8_t bytes[LOOK];
	struct view v = { bytes, sizeof(bytes) };
	uint64_t off, len;
	size_t at, n;
	struct err e;

	if (!u64_mul(first, MBR_SIZE, &off) || !u64_mul(sectors, MBR_SIZE, &len) ||
	    off < BEHIND || off >= l->volume_end || len <= l->volume_end - off ||
	    !range_within(off, sizeof(bytes), l->src->size) || l->looks == 0)
		return false;
	l->looks--;
	return source_read(l->src, off, bytes, sizeof(bytes), &e) == 0 &&
	       filesystem_of(v, &at, &n);
}

static bool in_gpt(struct look_at *l, struct view head)
{
	size_t at = 2 * MBR_SIZE;

	if (!view_eq(head, MBR_SIZE, GPT_SIGNATURE, 8))
		return false;
	for (unsigned i = 0; i < GPT_LOOK; i++, at += GPT_ENTRY_SIZE) {
		uint64_t first, last;

		if (!view_has(head, at, GPT_ENTRY_SIZE))
			return false;
		first = view_le64(head, at + GPT_ENT_FIRST);
		last = view_le64(head, at + GPT_ENT_LAST);
		if (last >= first && is_anew(l, first, last - first + 1))
			return true;
	}
	return false;
}

bool iso_is_left_over(struct view head, const struct source *s)
{
	struct look_at l = { .src = s, .looks = LOOKS };
	struct view d = { 0 };

	if (view_has(head, FIRST, ISO_SECTOR))
		d = view_cut(head, FIRST, ISO_SECTOR);
	if (!view_eq(d, ISO_VD_ID, "CD001", 5) ||
	    !view_eq(head, MBR_OFF_MAGIC, "\x55\xaa", 2))
		return false;
	l.volume_end = (uint64_t)view_le32(d, ISO_VD_SPACE) * ISO_SECTOR;
	for (size_t i = 0; i < MBR_ENTRIES; i++) {
		size_t at = MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE;

		if (view_u8(head, at + MBR_ENT_TYPE) != MBR_TYPE_PROTECTIVE &&
		    is_anew(&l, view_le32(head, at + MBR_ENT_LBA),
			    view_le32(head, at + MBR_ENT_SECTORS)))
			return true;
	}
	return in_gpt(&l, head);
}

/* ---- the format ---- */

/* Of the first one, or of the next where that is damaged. */
static bool iso9660_probe(struct view head, const struct source *s)
{
	return (view_eq(head, FIRST + ISO_VD_ID, "CD001", 5) ||
		view_eq(head, FIRST + ISO_SECTOR + ISO_VD_ID, "CD001", 5)) &&
	       !iso_is_left_over(head, s);
}

static int iso9660_read(struct unit *u, struct err *e)
{
	struct image *img = arena_new(&u->arena, struct image);

	*img = (struct image){
		.unit = u, .src = &u->src, .size = u->src.size, .head = u->head
	};
	if (iso_image_read(&img->iso, img, &u->arena, e) != 0)
		return -1;
	u->image = img;
	if (img->iso->md5.stopped)
		u->skip_reason = arena_printf(
			&u->arena,
			"stopped after %llu of %llu bytes that its implanted MD5 is of",
			(unsigned long long)img->iso->md5.done,
			(unsigned long long)img->iso->md5.end);
	return 0;
}

const struct format format_iso9660 = {
	.name = "iso9660",
	.title = "ISO 9660 image",
	.kind = FORMAT_IMAGE,
	.probe = iso9660_probe,
	.read = iso9660_read,
};
