/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/moves.h"

#include "analyze/image/image.h"
#include "analyze/image/volume.h"

#include "base/banned.h"

uint64_t moves_bytes(const struct plan *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->moves.n; i++)
		n += p->moves.v[i].len;
	return n;
}

const struct volume *move_volume(const struct image *img, const struct move *m)
{
	for (size_t i = 0; img && i < img->nvolumes; i++) {
		const struct volume *v = &img->volumes[i];

		if (v->number && m->from >= v->off && m->from - v->off < v->len)
			return v;
	}
	return NULL;
}

void buf_move_what(struct buf *out, const struct image *img, const struct move *m)
{
	const struct volume *v = move_volume(img, m);

	if (!v)
		return;
	buf_printf(out, "partition %u", v->number);
	if (v->fs)
		buf_printf(out, ", %s", v->fs->name);
}
