/* The search for the table of an earlier sector size. Images are made in whole MiB, and a
 * copy of one on a larger disk still ends with its backup GPT.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyze/image/gpt_past.h"
#include "analyze/format.h"
#include "analyze/image/gpt_copy.h"
#include "analyze/image/image.h"
#include "analyze/source.h"
#include "base/banned.h"

enum {
	SECTOR = GPT_PAST_SECTOR,
	MIB = 1 << 20,
	GIBS = 64,     /* ends of whole GiB that are looked at first */
	FOUND_MAX = 8, /* backups; one that is right decides, and more only add doubt */
};

struct dig {
	struct gpt_past *past;
	const struct image *img;
	struct arena *arena;
	struct err *e;
	const struct gpt_table *found;
	unsigned reads, nfound;
};

/* Two copies of one backup are no contradiction. */
static bool same_table(const struct gpt_table *a, const struct gpt_table *b)
{
	return a->lba == b->lba || (guid_eq(a->disk_guid, b->disk_guid) &&
				    a->entries_crc.v == b->entries_crc.v);
}

static int keep(struct dig *d, uint64_t lba)
{
	struct gpt_table *t = arena_new(d->arena, struct gpt_table);

	if (gpt_copy_read(t, d->img, SECTOR, lba, d->arena, d->e) != 0)
		return -1;
	t->which = GPT_BACKUP;
	if (!gpt_table_ok(t) || t->alternate_lba.v != 1)
		return 0;
	if (gpt_copy_decode(t, d->img, d->arena, d->e) != 0)
		return -1;
	if (t->nentries == 0)
		return 0;
	d->nfound++;
	if (!d->found)
		d->found = t;
	else if (!same_table(d->found, t))
		d->past->several = true;
	return 0;
}

/* Did an image end here? A place that cannot be read is none. */
static int dig_at(struct dig *d, uint64_t end)
{
	uint8_t sector[SECTOR];
	struct view v = { sector, SECTOR };
	uint64_t lba = end / SECTOR - 1;
	struct err ignored;

	/* A hole costs no read. */
	if (source_next_data(d->img->src, end - SECTOR) >= end)
		return 0;
	d->reads++;
	if (source_read(d->img->src, end - SECTOR, sector, SECTOR, &ignored) != 0 ||
	    !gpt_header_intact(v, lba))
		return 0;
	return keep(d, lba);
}

bool gpt_past_probe(const struct source *s)
{
	uint8_t sector[SECTOR];
	struct view v = { sector, SECTOR };
	struct err ignored;

	for (uint64_t n = 1; n <= GIBS && n * 1024 * MIB < s->size; n++) {
		uint64_t at = n * 1024 * MIB - SECTOR;

		if (source_next_data(s, at) == at &&
		    source_read(s, at, sector, SECTOR, &ignored) == 0 &&
		    gpt_header_intact(v, at / SECTOR))
			return true;
	}
	return false;
}

static bool goes_on(const struct dig *d)
{
	return d->nfound < FOUND_MAX && d->reads < GPT_PAST_PLACES;
}

static int dig_gib(struct dig *d, uint64_t size)
{
	for (uint64_t n = 1; n <= GIBS && n * 1024 * MIB < size; n++) {
		if (goes_on(d) && dig_at(d, n * 1024 * MIB) != 0)
			return -1;
	}
	return 0;
}

static int dig_mib(struct dig *d, uint64_t size)
{
	uint64_t end = MIB;

	while (end < size && goes_on(d)) {
		uint64_t data = source_next_data(d->img->src, end - SECTOR);

		if (data >= end) {
			end = (data / MIB + 1) * MIB;
			continue;
		}
		if (dig_at(d, end) != 0)
			return -1;
		end += MIB;
	}
	return 0;
}

/* Where the first partitions of common images begin. */
int gpt_past_content(struct gpt_past *past, const struct image *img, struct arena *a,
		     struct err *e)
{
	static const uint64_t starts[] = { 1, 2, 4, 5, 101, 111, 128, 513 };
	size_t off, len;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct view head;

		if (past->filesystem ||
		    !range_within(starts[i] * MIB, PROBE_HEAD, img->size))
			continue;
		if (image_view(img, a, starts[i] * MIB, PROBE_HEAD, &head, e) != 0)
			return -1;
		past->filesystem = filesystem_of(head, &off, &len);
		if (past->filesystem)
			past->filesystem_at = (struct span){
				.src = img->src,
				.off = starts[i] * MIB + off,
				.len = len,
			};
	}
	return 0;
}

int gpt_past_search(const struct gpt_table **backup, struct gpt_past *past,
		    const struct image *img, struct arena *a, struct err *e)
{
	struct dig d = { .past = past, .img = img, .arena = a, .e = e };

	*backup = NULL;
	*past = (struct gpt_past){ 0 };
	if (img->size <= GPT_PAST_TAIL)
		return 0;
	if (dig_gib(&d, img->size - GPT_PAST_TAIL) != 0 ||
	    dig_mib(&d, img->size - GPT_PAST_TAIL) != 0)
		return -1;
	*backup = d.found;
	return 0;
}
