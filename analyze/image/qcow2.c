/* QCOW2 images, by their magic. docs/interop/qcow2.txt of QEMU.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"
#include "base/banned.h"

/* Any version from 2 on, as QEMU recognises it; version 1 is another format. */
static bool qcow2_probe(struct view head, const struct source *s)
{
	(void)s;
	return view_eq(head, 0, "QFI\xfb", 4) && view_has(head, 4, 4) &&
	       view_be32(head, 4) >= 2;
}

const struct format format_qcow2 = {
	.name = "qcow2",
	.title = "QCOW2 image",
	.kind = FORMAT_IMAGE,
	.probe = qcow2_probe,
};
