/* ISO 9660 images, by their first volume descriptors. ECMA-119 section 8.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "analyze/image/image.h"
#include "analyze/image/iso.h"
#include "analyze/unit.h"
#include "base/banned.h"

/* Of the first one, or of the next where that is damaged. */
static bool iso9660_probe(struct view head, const struct source *s)
{
	size_t first = ISO_FIRST * ISO_SECTOR;

	(void)s;
	return view_eq(head, first + ISO_VD_ID, "CD001", 5) ||
	       view_eq(head, first + ISO_SECTOR + ISO_VD_ID, "CD001", 5);
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
	return 0;
}

const struct format format_iso9660 = {
	.name = "iso9660",
	.title = "ISO 9660 image",
	.kind = FORMAT_IMAGE,
	.probe = iso9660_probe,
	.read = iso9660_read,
};
