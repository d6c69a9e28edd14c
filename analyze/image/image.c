/* Bytes and numbers of a disk, for all readers of its structures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/image.h"
#include "analyze/source.h"
#include "base/banned.h"

int image_view(const struct image *img, struct arena *a, uint64_t off, uint64_t n,
	       struct view *out, struct err *e)
{
	if (range_within(off, n, img->head.n)) {
		*out = view_cut(img->head, (size_t)off, (size_t)n);
		return 0;
	}
	if (off >= img->tail_off && range_within(off - img->tail_off, n, img->tail.n)) {
		*out = view_cut(img->tail, (size_t)(off - img->tail_off), (size_t)n);
		return 0;
	}
	return source_view(img->src, a, off, n, out, e);
}

struct field image_field(const struct image *img, struct view v, uint64_t base,
			 size_t off, size_t len)
{
	struct field f = { .at = { .src = img->src, .off = base + off, .len = len } };

	switch (len) {
	case 1:
		f.v = view_u8(v, off);
		break;
	case 2:
		f.v = view_le16(v, off);
		break;
	case 4:
		f.v = view_le32(v, off);
		break;
	case 8:
		f.v = view_le64(v, off);
		break;
	default:
		BUG("a number of %zu bytes", len);
	}
	return f;
}
