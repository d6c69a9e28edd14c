/* The kinds of input, and how one is recognised: by content, never by name alone.
 * Adding one: a file that defines a struct format, and a line in format.c, whose order is
 * the order of the questions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ANALYZE_FORMAT_H
#define ANALYZE_FORMAT_H

#include "base/err.h"
#include "base/view.h"

#include <stdbool.h>

struct source;
struct unit;

/* Bytes of the head that recognition may look at: the first descriptor of an ISO 9660 is at
 * 32 KiB, a btrfs superblock at 64 KiB. */
enum { PROBE_HEAD = 68 << 10 };

enum format_kind {
	FORMAT_IMAGE, /* repaired in place, byte for byte */
	FORMAT_TEXT,  /* replaced as a whole, edited by spans */
};

struct format {
	const char *name;  /* "raw", "libvirt": for --format json and inspect */
	const char *title; /* "raw disk image": for people */
	enum format_kind kind;
	/* head: the first PROBE_HEAD bytes, or all there are. s is for looks elsewhere, such as
	 * at the tail; a probe reads at most a few sectors there. */
	bool (*probe)(struct view head, const struct source *s);
	/* Bytes to facts: fills u->image, or u->doc and u->vms. -1: could not do the work. */
	int (*read)(struct unit *u, struct err *e);
};

/* NULL: nothing of ours. */
const struct format *format_probe(struct view head, const struct source *s);
const struct format *format_find(const char *name);
/* The i-th of all, from 0; NULL: there are no more. */
const struct format *format_nth(size_t i);

#endif
