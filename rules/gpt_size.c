/* How long a disk is meant to be, by all that says so. UEFI 2.10, tables 5-4 and 5-5.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rules/gpt_state.h"
#include "analyze/image/image.h"
#include "base/banned.h"

enum { WITNESSES = 4 };

static uint64_t by_pointer(const struct gpt_table *t)
{
	return t->present && t->alternate_lba.v != UINT64_MAX ? t->alternate_lba.v + 1
							      : 0;
}

/* Tools let the last usable LBA be the one before the backup's entries. */
static uint64_t by_usable(const struct gpt *g, const struct gpt_table *t)
{
	uint64_t n = GPT_ENTRIES_MIN_BYTES / g->sector_size;

	if (t->array == GPT_ARRAY_READ)
		n = gpt_entries_sectors(t->entry_count.v, t->entry_size.v,
					g->sector_size);
	return !t->present || t->last_usable.v > UINT64_MAX - 2 - n
		       ? 0
		       : t->last_usable.v + 2 + n;
}

static uint64_t by_protective(const struct mbr *m)
{
	const struct mbr_entry *e = mbr_protective_of(m);

	return e && e->lba.v == 1 && e->sectors.v != UINT32_MAX ? e->sectors.v + 1 : 0;
}

static bool is_file_size(const struct gpt *g, uint64_t sectors)
{
	uint64_t bytes;

	return u64_mul(sectors, g->sector_size, &bytes) && bytes <= INT64_MAX;
}

bool gpt_size_agreed(const struct gpt *g, uint64_t *sectors)
{
	const uint64_t said[WITNESSES] = {
		by_protective(g->image->mbr),
		by_pointer(&g->primary),
		by_usable(g, &g->primary),
		g->backup.header_ok ? by_usable(g, &g->backup) : 0,
	};

	*sectors = 0;
	for (size_t i = 0; i < WITNESSES; i++) {
		for (size_t k = 0; k < i; k++) {
			if (said[i] == 0 || said[i] != said[k] ||
			    !is_file_size(g, said[i]))
				continue;
			if (*sectors != g->sectors)
				*sectors = said[i] == g->sectors
						   ? said[i]
						   : u64_max(*sectors, said[i]);
		}
	}
	/* One that says just what there is stands against those that say more. */
	return *sectors != 0 && (*sectors == g->sectors || said[0] != g->sectors);
}
