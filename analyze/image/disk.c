/* A disk's own structures, whatever holds the disk: a raw image, or a container that shows it
 * to a guest.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/disk.h"
#include "analyze/image/container.h"
#include "analyze/image/gpt.h"
#include "analyze/image/gpt_bare.h"
#include "analyze/image/gpt_end.h"
#include "analyze/image/gpt_past.h"
#include "analyze/image/lost.h"
#include "analyze/image/mbr.h"
#include "analyze/image/volume.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	/* One sector of the largest size that there is. */
	PROBE_TAIL = 4096,
	/* One read for the backup GPT: 128 entries and a header, of 4096-byte sectors
	   too. */
	READ_TAIL = 32 << 10,
};

static const uint32_t sector_sizes[] = { 512, 1024, 2048, 4096 };

enum { NSIZES = sizeof(sector_sizes) / sizeof(sector_sizes[0]) };

static bool has_primary(struct view head)
{
	for (size_t i = 0; i < NSIZES; i++) {
		uint32_t n = sector_sizes[i];

		if (view_eq(head, n, GPT_SIGNATURE, 8) ||
		    (view_has(head, n, n) && gpt_header_wiped(view_cut(head, n, n), 1)))
			return true;
	}
	return false;
}

static bool has_backup(struct view tail, uint64_t size)
{
	for (size_t i = 0; i < NSIZES; i++) {
		uint32_t n = sector_sizes[i];

		if (size % n == 0 &&
		    gpt_header_intact(view_cut(tail, tail.n - n, n), size / n - 1))
			return true;
	}
	return false;
}

/* A Linux kernel for x86 carries 55 AA, and numbers where the entries would be. */
static bool is_kernel(struct view head)
{
	return view_eq(head, 514, "HdrS", 4);
}

static bool something_inside(struct view sector0, uint64_t size)
{
	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		size_t off = MBR_OFF_ENTRIES + i * MBR_ENTRY_SIZE;

		if (view_u8(sector0, off + MBR_ENT_TYPE) != MBR_TYPE_EMPTY &&
		    (uint64_t)view_le32(sector0, off + MBR_ENT_LBA) * MBR_SIZE < size)
			return true;
	}
	return false;
}

/* Entries without a header, at either end. In a container they may be those of its disk. */
static bool has_bare(struct view head, const struct source *s)
{
	uint64_t n = GPT_BARE_EDGE;
	struct gpt_bare ignored;
	struct view tail;
	struct arena a;
	struct err e;
	bool found;

	if (s->size < 2 * n || s->size % MBR_SIZE != 0 || mbr_plausible(head) ||
	    container_of_head(head).format)
		return false;
	arena_init(&a, ARENA_BUDGET);
	found = source_view(s, &a, s->size - n, n, &tail, &e) == 0 &&
		gpt_bare_find(&ignored, head, tail, s->size);
	arena_free(&a);
	return found;
}

bool disk_probe(struct view head, const struct source *s)
{
	/* What cannot be read has no backup; reading it will say why it cannot. */
	uint8_t bytes[PROBE_TAIL] = { 0 };
	struct view tail = { bytes, sizeof(bytes) };
	uint32_t sector_size;
	size_t off, len;
	uint64_t at;
	struct err e;

	if (s->size < sizeof(bytes) || !view_has(head, 0, MBR_SIZE) || is_kernel(head))
		return false;
	if (has_primary(head) || (mbr_plausible(head) && something_inside(head, s->size)))
		return true;
	/* A file system on the whole disk leaves the backup of an earlier table alone. */
	if (filesystem_of(head, &off, &len))
		return false;
	if (source_read(s, s->size - tail.n, bytes, tail.n, &e) == 0 &&
	    has_backup(tail, s->size))
		return true;
	return mbr_signature_lost(head, s->size) || lost_probe(head, s) ||
	       (!has_other_label(head) && (gpt_end_find(s, &at, &sector_size) ||
					   has_bare(head, s) || gpt_past_probe(s)));
}

/* What the disk ends with, in one read. */
static int read_tail(struct image *img, struct arena *a, struct err *e)
{
	uint64_t off = img->size > READ_TAIL ? img->size - READ_TAIL : 0;

	off -= off % PROBE_TAIL;
	if (img->size <= img->head.n)
		return 0;
	img->tail_off = off;
	return source_view(img->src, a, off, img->size - off, &img->tail, e);
}

void disk_read_filesystem(struct image *img)
{
	size_t off, len;

	img->filesystem = filesystem_of(img->head, &off, &len);
	if (img->filesystem)
		img->filesystem_at =
			(struct span){ .src = img->src, .off = off, .len = len };
}

int disk_read_table(struct image *img, struct arena *a, struct err *e)
{
	struct mbr *mbr = arena_new(a, struct mbr);

	if (read_tail(img, a, e) != 0)
		return -1;
	disk_read_filesystem(img);
	if (gpt_read(&img->gpt, img, a, e) != 0)
		return -1;
	if (img->size >= MBR_SIZE) {
		if (mbr_read(mbr, img, img->gpt ? img->gpt->sector_size : MBR_SIZE, a,
			     e) != 0)
			return -1;
		if (mbr->magic_ok || img->gpt ||
		    mbr_signature_lost(view_cut(img->head, 0, MBR_SIZE), img->size))
			img->mbr = mbr;
	}
	return volumes_read(img, a, e);
}

int disk_read(struct image *img, struct arena *a, struct err *e)
{
	if (disk_read_table(img, a, e) != 0)
		return -1;
	img->contents = lost_contents(img, a);
	if (lost_read(&img->lost, img, a, e) != 0)
		return -1;
	return volume_whole_read(img, a, e);
}
