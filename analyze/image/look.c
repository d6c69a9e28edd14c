/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/look.h"

#include "base/banned.h"

static bool refuse(struct look *l, const char *why)
{
	l->why = why;
	return false;
}

/* Takes a read of n bytes out of what it may make, and out of what that is of: all or nothing. */
static bool take(struct look *l, size_t n)
{
	if (l->reads == 0 || l->bytes < n || (l->of && !take(l->of, n)))
		return false;
	l->reads--;
	l->bytes -= n;
	return true;
}

bool look_read(struct look *l, uint64_t off, void *buf, size_t n)
{
	if (l->broken)
		return false;
	if (!range_within(off, n, l->src->size))
		return refuse(l, "it leads past the end of the image");
	if (!take(l, n))
		return refuse(l, "it is in more pieces than are looked at");
	if (source_read(l->src, off, buf, n, l->e) == 0)
		return true;
	l->broken = l->e->code == ERR_IO;
	return refuse(l, l->e->code == ERR_SHORT ? "the image has become shorter"
			 : l->src->is_guest
				 ? "what holds the disk does not say what is there"
				 : "it cannot be read");
}
