/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_end.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	PAGE = 4096, /* the largest sector, and what a file has holes in units of */
	PAGES = 16,  /* zeros before the hole: the rest of a QCOW2's usual cluster */
};

static bool find_in(struct view page, uint64_t at, uint64_t *off, uint32_t *sector_size)
{
	for (size_t i = 0; i < page.n; i += 512) {
		for (uint32_t n = 512; n <= PAGE; n *= 2) {
			if ((at + i) % n != 0 ||
			    !gpt_header_intact(view_cut(page, i, n), (at + i) / n))
				continue;
			*off = at + i;
			*sector_size = n;
			return true;
		}
	}
	return false;
}

bool gpt_end_find(const struct source *s, uint64_t *off, uint32_t *sector_size)
{
	uint64_t end = source_data_end(s);
	uint8_t bytes[PAGE];
	struct err ignored;

	if (end + PAGE > s->size)
		return false;
	end = div_up(end, PAGE) * PAGE;
	for (unsigned i = 0; i < PAGES && end > PAGE; i++) {
		struct view page = { bytes, PAGE };

		end -= PAGE;
		if (source_read(s, end, bytes, PAGE, &ignored) != 0)
			return false;
		if (!view_is_zero(page))
			return find_in(page, end, off, sector_size);
	}
	return false;
}
