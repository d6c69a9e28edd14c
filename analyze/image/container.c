/* Formats that hold a disk in a file: the probe functions of QEMU's block/ drivers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/container.h"
#include "base/banned.h"

struct magic {
	const char *format;
	size_t off;
	const char *bytes;
	size_t n;
};

#define MAGIC(format, off, bytes)                                                        \
	{                                                                                \
		format, off, bytes, sizeof(bytes) - 1                                    \
	}

static const struct magic magics[] = {
	/* version 1 has the same magic, and another header */
	MAGIC("qcow", 0, "QFI\xfb\0\0\0\1"),
	MAGIC("qcow2", 0, "QFI\xfb"),
	MAGIC("vmdk", 0, "KDMV"),
	MAGIC("vmdk", 0, "COWD"),
	MAGIC("vmdk", 0, "# Disk DescriptorFile"),
	MAGIC("qed", 0, "QED\0"),
	MAGIC("vdi", 64, "\x7f\x10\xda\xbe"),
	MAGIC("vhdx", 0, "vhdxfile"),
	MAGIC("vpc", 0, "conectix"),
	MAGIC("luks", 0, "LUKS\xba\xbe"),
	MAGIC("parallels", 0, "WithoutFreeSpace"),
	MAGIC("parallels", 0, "WithouFreSpacExt"),
	MAGIC("bochs", 0, "Bochs Virtual HD Image"),
	MAGIC("cloop", 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop"),
};

enum { NMAGICS = sizeof(magics) / sizeof(magics[0]) };

struct container container_of_head(struct view head)
{
	for (size_t i = 0; i < NMAGICS; i++) {
		const struct magic *m = &magics[i];

		if (view_eq(head, m->off, m->bytes, m->n))
			return (struct container){ m->format, m->off, m->n };
	}
	return (struct container){ 0 };
}

struct container container_of_footer(struct view tail)
{
	if (tail.n == CONTAINER_FOOTER && view_eq(tail, 0, "conectix", 8))
		return (struct container){ "vpc", 0, 8 };
	if (tail.n == CONTAINER_FOOTER && view_eq(tail, 0, "koly", 4))
		return (struct container){ "dmg", 0, 4 };
	return (struct container){ 0 };
}

/* One of those that begin with a signature, by QEMU's name for it. */
static bool container_has_signature(const char *format)
{
	/* A fixed VHD has a footer only. */
	if (strcmp(format, "vpc") == 0)
		return false;
	for (size_t i = 0; i < NMAGICS; i++) {
		if (strcmp(magics[i].format, format) == 0)
			return true;
	}
	return false;
}

bool container_contradicts(const char *declared, const char *found)
{
	/* A disk may be encrypted as a whole by its guest. */
	if (strcmp(declared, "raw") == 0)
		return strcmp(found, "raw") != 0 && strcmp(found, "luks") != 0;
	return container_has_signature(declared) && strcmp(declared, found) != 0;
}
