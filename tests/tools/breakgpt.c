/* breakgpt IMAGE SECTOR-SIZE SEED: does to a healthy disk what life does to one, in a way
 * that follows from the seed, and prints what, with tabs between:
 *
 *   KIND[+KIND]   of the damage, one or two
 *   SURVIVES      copies of the GPT that stand as they did: both, primary, backup, none;
 *                 "dos" for a disk with a DOS label
 *   UNPROVEN      partitions of which nothing says any more where they are: no entry,
 *                 wherever, and no content that is known and as long
 *   WORDS         what was done
 *
 * It shares no code with analyze/, so that the tests do not test code with itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakgpt/disk.h"
#include "base/crc32.h"
#include "base/num.h"
#include "base/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

enum { ARRAY_MAX = 1 << 22 };

_Noreturn void die(const char *what)
{
	fprintf(stderr, "breakgpt: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* splitmix64 */
uint64_t draw(struct disk *d, uint64_t below)
{
	uint64_t z = d->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % below;
}

bool chance(struct disk *d, uint64_t one_in)
{
	return draw(d, one_in) == 0;
}

uint64_t pick_entry(struct disk *d)
{
	static const uint8_t unused[16];
	uint64_t i;

	do
		i = draw(d, d->used);
	while (memcmp(d->primary_bytes + HEADER + i * ENTRY, unused, sizeof(unused)) ==
	       0);
	return i;
}

void say(struct disk *d, const char *fmt, ...)
{
	size_t left = sizeof(d->said.p) - d->said.n;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(d->said.p + d->said.n, left, fmt, ap);
	va_end(ap);
	if (n > 0)
		d->said.n += (size_t)u64_min((size_t)n, left - 1);
}

/* ---- bytes ---- */

void get(const struct disk *d, uint64_t off, void *p, size_t n)
{
	ssize_t got = pread(d->fd, p, n, (off_t)off);

	if (got < 0)
		die("cannot read");
	memset((uint8_t *)p + got, 0, n - (size_t)got);
}

struct stat size_now(const struct disk *d)
{
	struct stat st;

	if (fstat(d->fd, &st) != 0)
		die("cannot stat");
	return st;
}

void put(const struct disk *d, uint64_t off, const void *p, size_t n)
{
	struct stat st = size_now(d);

	if (off >= (uint64_t)st.st_size)
		return;
	n = (size_t)u64_min(n, (uint64_t)st.st_size - off);
	if (pwrite(d->fd, p, n, (off_t)off) != (ssize_t)n)
		die("cannot write");
}

void put32(const struct disk *d, uint64_t off, uint64_t v)
{
	uint8_t b[4];

	put_le32(b, (uint32_t)v);
	put(d, off, b, sizeof(b));
}

void put64(const struct disk *d, uint64_t off, uint64_t v)
{
	uint8_t b[8];

	put_le64(b, v);
	put(d, off, b, sizeof(b));
}

uint64_t get32(const struct disk *d, uint64_t off)
{
	uint8_t b[4];

	get(d, off, b, sizeof(b));
	return view_le32((struct view){ b, sizeof(b) }, 0);
}

uint64_t get64(const struct disk *d, uint64_t off)
{
	uint8_t b[8];

	get(d, off, b, sizeof(b));
	return view_le64((struct view){ b, sizeof(b) }, 0);
}

void zero(const struct disk *d, uint64_t off, uint64_t n)
{
	static const uint8_t zeros[4096];

	for (uint64_t i = 0; i < n; i += sizeof(zeros))
		put(d, off + i, zeros, (size_t)u64_min(sizeof(zeros), n - i));
}

void scribble(struct disk *d, uint64_t off, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		put(d, off + i, &(uint8_t){ (uint8_t)draw(d, 256) }, 1);
}

static void *room_for(uint64_t n)
{
	void *p = calloc(1, (size_t)n);

	if (!p)
		die("no memory");
	return p;
}

void reseal(const struct disk *d, const struct copy *c)
{
	uint64_t bytes = get32(d, c->header + 80) * get32(d, c->header + 84);
	uint64_t array = get64(d, c->header + 72), size = get32(d, c->header + 12);
	uint8_t *p;

	if (bytes > 0 && bytes <= ARRAY_MAX && array < d->size / d->ss) {
		p = room_for(bytes);
		get(d, array * d->ss, p, (size_t)bytes);
		put32(d, c->header + 88, crc32_of((struct view){ p, (size_t)bytes }));
		free(p);
	}
	if (size < HEADER || size > d->ss)
		size = HEADER;
	p = room_for(size);
	get(d, c->header, p, (size_t)size);
	put_le32(p + 16, 0);
	put32(d, c->header + 16, crc32_of((struct view){ p, (size_t)size }));
	free(p);
}

/* ---- which ---- */

static const struct kind {
	const char *name;
	void (*break_it)(struct disk *d);
	bool gpt, dos;
} kinds[] = {
	{ "bit", break_flip, true, true },
	{ "bytes", break_bytes, true, true },
	{ "zeros", break_zeros, true, true },
	{ "noise", break_noise, true, true },
	{ "text", break_text, true, true },
	{ "swapped", break_swap, true, true },
	{ "copied", break_copy, true, true },
	{ "cut", break_cut, true, true },
	{ "torn", break_old, true, false },
	{ "gone", break_gone, true, false },
	{ "my-lba", break_my_lba, true, false },
	{ "alternate", break_alternate, true, false },
	{ "usable", break_usable, true, false },
	{ "range", break_range, true, false },
	{ "guid", break_guid, true, false },
	{ "entries-lba", break_entries_lba, true, false },
	{ "count-size", break_count, true, false },
	{ "header-size", break_header_size, true, false },
	{ "revision", break_revision, true, false },
	{ "grown", break_grown, true, false },
	{ "moved", break_moved, true, false },
	{ "signature", break_signature, true, true },
	{ "no-entry", break_no_entry, true, true },
	{ "protective", break_protective, true, false },
	{ "hybrid", break_hybrid, true, false },
	{ "dos-entry", break_dos_entry, false, true },
	{ "ebr", break_ebr, false, true },
};

enum { NKINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const struct kind *pick_kind(struct disk *d)
{
	const struct kind *k;

	do
		k = &kinds[draw(d, NKINDS)];
	while (!(d->dos ? k->dos : k->gpt));
	return k;
}

static void break_disk(struct disk *d)
{
	bool pair = chance(d, 3);
	const struct kind *k = pick_kind(d), *other = k;

	while (pair && other == k)
		other = pick_kind(d);
	printf(pair ? "%s+%s\t" : "%s\t", k->name, other->name);
	k->break_it(d);
	if (!pair)
		return;
	say(d, "; ");
	other->break_it(d);
}

/* ---- the disk as it is ---- */

static uint8_t *copy_bytes(const struct disk *d, const struct copy *c)
{
	uint8_t *p = room_for(HEADER + d->array_bytes);

	get(d, c->header, p, HEADER);
	get(d, c->array, p + HEADER, (size_t)d->array_bytes);
	return p;
}

static bool survives(const struct disk *d, const struct copy *c, const uint8_t *was)
{
	uint8_t *now = copy_bytes(d, c);
	bool same = memcmp(now, was, HEADER + d->array_bytes) == 0;

	free(now);
	return same;
}

static const char *survivors(const struct disk *d)
{
	bool p, b;

	if (d->dos)
		return "dos";
	p = survives(d, &d->primary, d->primary_bytes);
	b = survives(d, &d->backup, d->backup_bytes);
	return p && b ? "both" : p ? "primary" : b ? "backup" : "none";
}

static void look_gpt(struct disk *d)
{
	d->primary = (struct copy){ "primary", d->ss, get64(d, d->ss + 72) * d->ss };
	d->array_bytes = get32(d, d->ss + 80) * get32(d, d->ss + 84);
	d->backup.name = "backup";
	d->backup.header = (d->sectors - 1) * d->ss;
	d->backup.array = get64(d, d->backup.header + 72) * d->ss;
	d->first = UINT64_MAX;
	if (d->array_bytes > ARRAY_MAX || d->backup.array >= d->size)
		die("not a healthy GPT disk");
	for (uint64_t i = 0; i < d->array_bytes / ENTRY; i++) {
		uint64_t at = d->primary.array + i * ENTRY;

		if (get64(d, at) == 0)
			continue;
		d->used = i + 1;
		d->first = u64_min(d->first, get64(d, at + 32));
	}
	if (d->used == 0)
		die("a GPT disk without partitions");
	d->primary_bytes = copy_bytes(d, &d->primary);
	d->backup_bytes = copy_bytes(d, &d->backup);
}

static void look_dos(struct disk *d)
{
	uint64_t base = 0, at = 0, next;

	d->dos = true;
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t type = get32(d, 446 + 16 * i + 4) & 0xff;

		if (type == 5 || type == 15)
			base = get32(d, 446 + 16 * i + 8);
	}
	for (at = base; at && d->nebr < EBRS_MAX; at = next ? base + next : 0) {
		d->ebr[d->nebr++] = at;
		next = get32(d, at * d->ss + 446 + 16 + 8);
	}
}

static void look(struct disk *d)
{
	uint8_t b[8];

	d->size = (uint64_t)size_now(d).st_size;
	d->sectors = d->size / d->ss;
	get(d, d->ss, b, sizeof(b));
	if (memcmp(b, "EFI PART", sizeof(b)) == 0)
		look_gpt(d);
	else
		look_dos(d);
	look_witnesses(d);
}

int main(int argc, char **argv)
{
	struct disk d = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: breakgpt IMAGE SECTOR-SIZE SEED\n");
		return 2;
	}
	d.ss = strtoull(argv[2], NULL, 10);
	d.random = strtoull(argv[3], NULL, 10);
	d.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (d.fd < 0)
		die(argv[1]);
	look(&d);
	break_disk(&d);
	printf("%s\t%u\t%s\n", survivors(&d), without_witness(&d), d.said.p);
	close(d.fd);
	free(d.primary_bytes);
	free(d.backup_bytes);
	return 0;
}
