/* Raw disk images: the disk's bytes and nothing else, so that only a partition table
 * tells them from any other file.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "analyze/image/disk.h"
#include "analyze/image/signs.h"
#include "analyze/image/stray.h"
#include "analyze/unit.h"
#include "base/banned.h"

enum {
	/* Smaller ones are copies of a partition sector, or what `sgdisk --backup`
	   writes. */
	DISK_MIN = 64 << 10,
	FOOTER = 512,
};

/* Containers that are the raw disk with a footer behind it. */
static bool has_footer(const struct source *s)
{
	/* What cannot be read has no footer; reading the disk will say why it cannot. */
	uint8_t bytes[FOOTER] = { 0 };
	struct view tail = { bytes, sizeof(bytes) };
	struct err e;

	return source_read(s, s->size - tail.n, bytes, tail.n, &e) == 0 &&
	       (view_eq(tail, 0, "conectix", 8) || /* fixed VHD */
		view_eq(tail, 0, "koly", 4));      /* DMG */
}

static bool raw_probe(struct view head, const struct source *s)
{
	/* A disk in a tar archive begins with its second sector. */
	return s->size >= DISK_MIN && !view_eq(head, 257, "ustar", 5) &&
	       disk_probe(head, s) && !has_footer(s);
}

static int raw_read(struct unit *u, struct err *e)
{
	struct image *img = arena_new(&u->arena, struct image);

	*img = (struct image){
		.unit = u, .src = &u->src, .size = u->src.size, .head = u->head
	};
	if (disk_read(img, &u->arena, e) != 0)
		return -1;
	u->image = img;
	if (!img->gpt && !img->mbr && !img->lost)
		stray_read(u);
	return signs_read(u, e);
}

const struct format format_raw = {
	.name = "raw",
	.title = "raw disk image",
	.kind = FORMAT_IMAGE,
	.probe = raw_probe,
	.read = raw_read,
};
