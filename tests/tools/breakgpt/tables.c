/* Damage with a right checksum: by a tool with a bug, by hand, by another disk's table, or
 * by a disk that changed its size. To one copy, or to both.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakgpt/disk.h"
#include "base/num.h"
#include "base/view.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

#define LLU(v) ((unsigned long long)(v))

static uint64_t any(struct disk *d, const uint64_t *v, size_t n)
{
	return v[draw(d, n)];
}

#define ANY(d, ...)                                                                      \
	any(d, (const uint64_t[]){ __VA_ARGS__ },                                        \
	    sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* Does it to one copy, or now and then the same to both. */
static void to_copies(struct disk *d, void (*it)(struct disk *d, const struct copy *c))
{
	uint64_t which = draw(d, 5), was;
	size_t said = d->said.n;

	if (which > 1) {
		it(d, which % 2 ? &d->primary : &d->backup);
		say(d, ", in the %s", which % 2 ? "primary" : "backup");
		return;
	}
	was = d->random;
	it(d, &d->primary);
	d->random = was;
	d->said.n = said;
	it(d, &d->backup);
	say(d, ", in both copies");
}

static void field64(struct disk *d, const struct copy *c, uint64_t off, const char *name,
		    uint64_t v)
{
	put64(d, c->header + off, v);
	reseal(d, c);
	say(d, "%s %llu", name, LLU(v));
}

static void field32(struct disk *d, const struct copy *c, uint64_t off, const char *name,
		    uint64_t v)
{
	put32(d, c->header + off, v);
	reseal(d, c);
	say(d, "%s %llu", name, LLU(v));
}

static void my_lba(struct disk *d, const struct copy *c)
{
	field64(d, c, 24, "MyLBA",
		ANY(d, 0, 2, d->sectors - 1, d->sectors, d->sectors / 2, UINT64_MAX));
}

void break_my_lba(struct disk *d)
{
	to_copies(d, my_lba);
}

static void alternate(struct disk *d, const struct copy *c)
{
	field64(d, c, 32, "AlternateLBA",
		ANY(d, 0, 2, d->sectors - 2, d->sectors, d->sectors / 2,
		    d->sectors + 4096, UINT64_MAX));
}

void break_alternate(struct disk *d)
{
	to_copies(d, alternate);
}

static void usable(struct disk *d, const struct copy *c)
{
	uint64_t last = get64(d, c->header + 48);

	if (chance(d, 2))
		field64(d, c, 40, "FirstUsableLBA",
			ANY(d, 0, 1, 2, 3, d->first + 8, d->sectors, UINT64_MAX));
	else
		field64(d, c, 48, "LastUsableLBA",
			ANY(d, 0, last + 1, last + 8, last - 8, d->sectors - 1,
			    d->sectors, d->sectors + 4096, UINT64_MAX));
}

void break_usable(struct disk *d)
{
	to_copies(d, usable);
}

static void range(struct disk *d, const struct copy *c)
{
	uint64_t n = pick_entry(d), at = c->array + n * ENTRY;
	uint64_t first = get64(d, at + 32), last = get64(d, at + 40);

	if (chance(d, 2)) {
		first = ANY(d, 0, 1, 2, first + 1, last + 1, d->sectors, d->first);
		put64(d, at + 32, first);
		say(d, "entry %llu begins at %llu", LLU(n + 1), LLU(first));
	} else {
		last = ANY(d, 0, first - 1, last + 8, d->sectors - 1, d->sectors,
			   d->sectors + 4096, UINT64_MAX);
		put64(d, at + 40, last);
		say(d, "entry %llu ends at %llu", LLU(n + 1), LLU(last));
	}
	reseal(d, c);
}

void break_range(struct disk *d)
{
	to_copies(d, range);
}

static void guid(struct disk *d, const struct copy *c)
{
	uint64_t at = c->array + pick_entry(d) * ENTRY;
	uint8_t b[16] = { 0 };

	if (chance(d, 2))
		get(d, c->array + pick_entry(d) * ENTRY + 16, b, sizeof(b));
	put(d, at + 16, b, sizeof(b));
	reseal(d, c);
	say(d, "entry %llu has the GUID of another, or none",
	    LLU((at - c->array) / ENTRY + 1));
}

void break_guid(struct disk *d)
{
	to_copies(d, guid);
}

static void entries_lba(struct disk *d, const struct copy *c)
{
	uint64_t now = get64(d, c->header + 72);

	field64(d, c, 72, "PartitionEntryLBA",
		ANY(d, 0, 1, now + 1, d->first, d->sectors / 2, d->sectors, UINT64_MAX));
}

void break_entries_lba(struct disk *d)
{
	to_copies(d, entries_lba);
}

static void count(struct disk *d, const struct copy *c)
{
	if (chance(d, 2))
		field32(d, c, 80, "NumberOfPartitionEntries",
			ANY(d, 0, 1, 4, 127, 129, 256, 8192, 1 << 24, UINT32_MAX));
	else
		field32(d, c, 84, "SizeOfPartitionEntry",
			ANY(d, 0, 1, 64, 127, 130, 256, 512, 4096, UINT32_MAX));
}

void break_count(struct disk *d)
{
	to_copies(d, count);
}

static void header_size(struct disk *d, const struct copy *c)
{
	field32(d, c, 12, "HeaderSize",
		ANY(d, 0, 91, 93, 96, d->ss, d->ss + 1, 4096, UINT32_MAX));
}

void break_header_size(struct disk *d)
{
	to_copies(d, header_size);
}

static void revision(struct disk *d, const struct copy *c)
{
	field32(d, c, 8, "Revision", ANY(d, 0, 1, 0x00010001, 0x00020000, UINT32_MAX));
}

void break_revision(struct disk *d)
{
	to_copies(d, revision);
}

/* ---- the disk around them ---- */

void break_grown(struct disk *d)
{
	uint64_t more = (1 + draw(d, 4096)) * (chance(d, 4) ? d->ss : 4096);

	if (ftruncate(d->fd, (off_t)(d->size + more)) != 0)
		die("cannot grow");
	say(d, "grown by %llu bytes", LLU(more));
}

/* A copy of the disk onto a larger one, and somebody moved the backup: done by half. */
void break_moved(struct disk *d)
{
	uint64_t more = (1 + draw(d, 4096)) * 4096,
		 n = div_up(d->array_bytes, d->ss) * d->ss;
	struct copy to = { "backup", d->size + more - d->ss, d->size + more - d->ss - n };
	uint8_t *old = malloc(n);
	uint8_t h[HEADER];

	if (!old)
		die("no memory");
	get(d, d->backup.array, old, n);
	get(d, d->backup.header, h, sizeof(h));
	if (ftruncate(d->fd, (off_t)(d->size + more)) != 0)
		die("cannot grow");
	put(d, to.array, old, n);
	put(d, to.header, h, sizeof(h));
	put64(d, to.header + 24, to.header / d->ss);
	put64(d, to.header + 72, to.array / d->ss);
	if (chance(d, 2))
		put64(d, to.header + 48, to.array / d->ss - 1);
	reseal(d, &to);
	if (chance(d, 2))
		zero(d, d->backup.header, d->ss);
	say(d, "grown by %llu bytes, the backup moved, the primary not told", LLU(more));
	free(old);
}

/* Installers and images for copying that never wrote a backup, or a tool that wiped one. */
void break_gone(struct disk *d)
{
	const struct copy *c = chance(d, 2) ? &d->primary : &d->backup;

	zero(d, c->header, d->ss);
	if (chance(d, 2))
		zero(d, c->array, d->array_bytes);
	say(d, "the %s zeroed", c->name);
}
