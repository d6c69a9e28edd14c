/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/format.h"

#include <stddef.h>

#include "base/banned.h"

/* In the order of the questions: exact magics first, guesses last. */
#define FORMATS(X)                                                                       \
	X(qcow2)                                                                         \
	X(iso9660)                                                                       \
	X(utm)                                                                           \
	X(libvirt)                                                                       \
	X(incus)                                                                         \
	X(packer)                                                                        \
	X(quickemu)                                                                      \
	X(qemu_config)                                                                   \
	X(systemd)                                                                       \
	X(script)                                                                        \
	X(raw)                                                                           \
	X(misnamed)

#define X(name) extern const struct format format_##name;
FORMATS(X)
#undef X

static const struct format *const formats[] = {
#define X(name) &format_##name,
	FORMATS(X)
#undef X
};

enum { NFORMATS = sizeof(formats) / sizeof(formats[0]) };

const struct format *format_probe(struct view head, const struct source *s)
{
	for (size_t i = 0; i < NFORMATS; i++) {
		if (formats[i]->probe(head, s))
			return formats[i];
	}
	return NULL;
}

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < NFORMATS; i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

const struct format *format_nth(size_t i)
{
	return i < NFORMATS ? formats[i] : NULL;
}
