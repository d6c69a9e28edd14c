/* Which blocks of an ISO 9660 image belong to somebody, so that no repair writes over them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/iso_read.h"
#include "base/banned.h"

void iso_use_add(struct iso_reader *r, uint64_t lba, uint64_t n)
{
	if (n == 0 || lba > UINT32_MAX)
		return;
	if (r->extents.n == ISO_EXTENTS_MAX) {
		r->extents_more = true;
		return;
	}
	*vec_add(&r->extents, r->a) = (struct iso_extent){
		(uint32_t)lba, (uint32_t)u64_min(div_up(n, ISO_SECTOR), UINT32_MAX)
	};
}

/* Of two that begin at one block the longer one first. */
static int by_lba(const void *a, const void *b)
{
	const struct iso_extent *x = a, *y = b;

	if (x->lba != y->lba)
		return x->lba < y->lba ? -1 : 1;
	return (x->blocks < y->blocks) - (x->blocks > y->blocks);
}

void iso_use_end(struct iso_reader *r)
{
	struct iso *iso = r->iso;

	if (r->extents.n)
		vec_sort(&r->extents, by_lba);
	iso->extent = r->extents.v;
	iso->nextents = r->extents.n;
	iso->extents_all = iso->primary && iso->primary->complete && !r->extents_more;
	for (size_t i = 0; i < iso->nvolumes; i++)
		iso->extents_all = iso->extents_all && !iso->volume[i].why;
}

const struct iso_extent *iso_file_at(const struct iso *iso, uint64_t lba)
{
	size_t lo = 0, hi = iso->nextents;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (iso->extent[mid].lba < lba)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < iso->nextents && iso->extent[lo].lba == lba ? &iso->extent[lo] : NULL;
}

static bool meets(struct span a, struct span b)
{
	return a.len && b.len && a.off < span_end(b) && b.off < span_end(a);
}

static struct span blocks(const struct iso *iso, uint64_t lba, uint64_t bytes)
{
	return (struct span){ iso->image->src, lba * ISO_SECTOR, bytes };
}

static bool in_volume(const struct iso_volume *v, struct span at,
		      const struct iso_paths *but)
{
	if (meets(v->at, at) || (but != &v->little && meets(v->little.at, at)) ||
	    (but != &v->big && meets(v->big.at, at)))
		return true;
	for (size_t i = 0; i < v->ndirs; i++) {
		if (meets(blocks(v->image->iso, v->dir[i].lba, v->dir[i].size), at))
			return true;
	}
	return false;
}

bool iso_in_use(const struct iso *iso, struct span at, const struct iso_paths *but)
{
	if (!iso->extents_all || meets(iso->catalog.at, at))
		return true;
	for (size_t i = 0; i < iso->nextents; i++) {
		const struct iso_extent *x = &iso->extent[i];

		if (meets(blocks(iso, x->lba, (uint64_t)x->blocks * ISO_SECTOR), at))
			return true;
	}
	for (size_t i = 0; i < iso->nvolumes; i++) {
		if (in_volume(&iso->volume[i], at, but))
			return true;
	}
	for (size_t i = 0; i < iso->catalog.nentries; i++) {
		const struct iso_boot_entry *b = &iso->catalog.entry[i];
		uint64_t n = b->efi && b->fat_size ? b->fat_size : b->count.v * 512;

		if (!b->outside && meets(blocks(iso, b->lba.v, u64_max(n, 1)), at))
			return true;
	}
	return false;
}

bool iso_is_mostly(struct view is, struct view should)
{
	size_t same = 0, all = 0;

	for (size_t i = 0; i < should.n; i++) {
		all += should.p[i] != 0;
		same += should.p[i] != 0 && i < is.n && is.p[i] == should.p[i];
	}
	return same > all / 2;
}
