/* What still says where each partition was: an entry, wherever it stands now, or content that
 * is known and as long as the partition. Without either nobody can tell.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakgpt/disk.h"
#include "base/num.h"
#include "base/view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { PAIR = 16, ENTRIES = 446, SLOT = 16, SLOTS = 4, CHS = 3, TAIL = 1 << 16 };

static struct witness *add(struct disk *d, uint64_t lba)
{
	struct witness *w;

	if (d->nwitness == WITNESSES_MAX)
		die("too many partitions");
	w = &d->witness[d->nwitness++];
	w->at = lba * d->ss;
	return w;
}

static void look_slots(struct disk *d, uint64_t base, uint64_t slots)
{
	for (uint64_t i = 0; i < slots; i++) {
		uint64_t at = base + ENTRIES + SLOT * i, type = get32(d, at + 4) & 0xff;
		struct witness *w;

		if (type == 0 || get32(d, at + 12) == 0)
			continue;
		w = add(d, base / d->ss + get32(d, at + 8));
		w->no_content = type == 5 || type == 15;
		get(d, at, w->entry, SLOT);
	}
}

void look_witnesses(struct disk *d)
{
	if (d->dos) {
		look_slots(d, 0, SLOTS);
		for (unsigned i = 0; i < d->nebr; i++)
			look_slots(d, d->ebr[i] * d->ss, 1);
		return;
	}
	for (uint64_t i = 0; i < d->used; i++) {
		uint64_t at = d->primary.array + i * ENTRY, first = get64(d, at + 32);

		if (get64(d, at))
			get(d, at + 32, add(d, first)->entry, PAIR);
	}
}

static bool holds(const struct disk *d, uint64_t from, uint64_t to, const uint8_t *what)
{
	size_t n = (size_t)(to - from);
	uint8_t *p = calloc(1, n);
	bool found;

	if (!p)
		die("no memory");
	get(d, from, p, n);
	found = memmem(p, n, what, PAIR) != NULL;
	free(p);
	return found;
}

/* In a hybrid MBR. */
static bool has_copy(const struct disk *d, const struct witness *w)
{
	struct view v = { w->entry, PAIR };
	uint64_t first = view_le64(v, 0), last = view_le64(v, 8);

	for (uint64_t i = 0; i < SLOTS; i++) {
		uint64_t at = ENTRIES + SLOT * i;

		if (get32(d, at + 8) == first && get32(d, at + 12) == last - first + 1)
			return true;
	}
	return false;
}

static bool says_gpt(const struct disk *d, const struct witness *w)
{
	uint64_t tail = d->backup.array > TAIL ? d->backup.array - TAIL : 0;
	struct stat st = size_now(d);

	return holds(d, 0, d->first * d->ss, w->entry) || has_copy(d, w) ||
	       ((uint64_t)st.st_size > tail &&
		holds(d, tail, (uint64_t)st.st_size, w->entry));
}

/* Its LBA and its length, which counts from the record that it stands in, or both of its CHS
 * addresses, in any slot. */
static bool says_dos(const struct disk *d, const struct witness *w)
{
	uint64_t sector[1 + EBRS_MAX] = { 0 };

	memcpy(sector + 1, d->ebr, sizeof(d->ebr));
	for (unsigned i = 0; i <= d->nebr; i++) {
		for (uint64_t k = 0; k < SLOTS; k++) {
			uint8_t e[SLOT];
			struct view v = { e, SLOT };

			get(d, sector[i] * d->ss + ENTRIES + SLOT * k, e, SLOT);
			if ((sector[i] + view_le32(v, 8) == w->at / d->ss &&
			     memcmp(e + 12, w->entry + 12, 4) == 0) ||
			    (memcmp(e + 1, w->entry + 1, CHS) == 0 &&
			     memcmp(e + 5, w->entry + 5, CHS) == 0))
				return true;
		}
	}
	return false;
}

/* The byte behind the file system that begins at `at`, by its superblock; 0: none. */
static uint64_t content_end(const struct disk *d, uint64_t at)
{
	uint8_t b[2048];
	struct view v = { b, sizeof(b) };
	uint64_t sectors;

	get(d, at, b, sizeof(b));
	if (view_le16(v, 1080) == 0xef53)
		return at + ((uint64_t)view_le32(v, 1028) << (10 + view_le32(v, 1048)));
	if (!view_eq(v, 54, "FAT", 3) && !view_eq(v, 82, "FAT", 3))
		return 0;
	sectors = view_le16(v, 19) ? view_le16(v, 19) : view_le32(v, 32);
	return at + sectors * view_le16(v, 11);
}

/* It ends with the partition, so that it says where that is. (Of a DOS label, the entry's last
 * eight bytes are its LBA and its length.) */
static bool has_content(const struct disk *d, const struct witness *w)
{
	struct view v = { w->entry, PAIR };
	uint64_t end = w->at + view_le32(v, 12) * d->ss;

	if (!d->dos)
		end = (view_le64(v, 8) + 1) * d->ss;
	return !w->no_content && div_up(content_end(d, w->at), d->ss) * d->ss == end;
}

unsigned without_witness(const struct disk *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->nwitness; i++) {
		const struct witness *w = &d->witness[i];

		n += !(d->dos ? says_dos(d, w) : says_gpt(d, w)) && !has_content(d, w);
	}
	return n;
}
