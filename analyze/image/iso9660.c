/* ISO 9660 images, by their first volume descriptor. ECMA-119 section 8.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "base/banned.h"

enum { ISO_OFF_IDENTIFIER = 16 * 2048 + 1 };

static bool iso9660_probe(struct view head, const struct source *s)
{
	(void)s;
	return view_eq(head, ISO_OFF_IDENTIFIER, "CD001", 5);
}

const struct format format_iso9660 = {
	.name = "iso9660",
	.title = "ISO 9660 image",
	.kind = FORMAT_IMAGE,
	.probe = iso9660_probe,
};
