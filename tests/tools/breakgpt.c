/* breakgpt IMAGE SECTOR-SIZE SEED: does to a healthy GPT disk what life does to one, in a
 * way that follows from the seed, and prints it as one line:
 *
 *   ignore: protective entry active     a matter of taste
 *   mend: primary header zeroed         one copy is whole: nothing is lost
 *   guess: backup header written over   the same, but somebody may have meant it
 *   report: cut by 4096 bytes           no copy can be trusted, or data is missing
 *   leftover: ...                       a backup alone, and something else at LBA 1
 *
 * The first word is what may be asked of a repair tool. It shares no code with analyze/,
 * so that the tests do not test code with itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32.h"
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

enum { ENTRY = 128 };

enum verdict { IGNORE, MEND, GUESS, REPORT, LEFTOVER }; /* the worst last */

/* What a break is about; two breaks of one disk are never about the same. */
enum { SPOILS_MBR = 1, SPOILS_TABLE = 2 };

struct disk {
	int fd;
	uint64_t size, ss, sectors;
	uint64_t random;
	/* as the primary header of the healthy disk says */
	uint64_t backup, primary_array, backup_array, array_bytes, used;
	bool no_primary, no_protective, written_over;
	struct {
		char p[512];
		size_t n;
	} said;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "breakgpt: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* splitmix64 */
static uint64_t draw(struct disk *d, uint64_t below)
{
	uint64_t z = d->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % below;
}

static void get(const struct disk *d, uint64_t off, void *p, size_t n)
{
	if (pread(d->fd, p, n, (off_t)off) != (ssize_t)n)
		die("cannot read");
}

static void put(const struct disk *d, uint64_t off, const void *p, size_t n)
{
	if (pwrite(d->fd, p, n, (off_t)off) != (ssize_t)n)
		die("cannot write");
}

static void say(struct disk *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct disk *d, const char *fmt, ...)
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

static void zero(const struct disk *d, uint64_t off, uint64_t n)
{
	static const uint8_t zeros[4096];

	for (uint64_t i = 0; i < n; i += sizeof(zeros))
		put(d, off + i, zeros, (size_t)u64_min(sizeof(zeros), n - i));
}

static void scribble(struct disk *d, uint64_t off, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		put(d, off + i, &(uint8_t){ (uint8_t)draw(d, 256) }, 1);
}

static void flip(struct disk *d, uint64_t off, uint64_t n)
{
	uint64_t at = off + draw(d, n);
	uint8_t b;

	get(d, at, &b, 1);
	b ^= (uint8_t)(1 << draw(d, 8));
	put(d, at, &b, 1);
}

/* ---- one copy, either one ---- */

struct copy {
	const char *name;
	uint64_t header, array; /* where, in bytes */
};

static struct copy copy_of(const struct disk *d, bool primary)
{
	if (primary)
		return (struct copy){ "primary", d->ss, d->primary_array * d->ss };
	return (struct copy){ "backup", d->backup * d->ss, d->backup_array * d->ss };
}

static void reseal(const struct disk *d, const struct copy *c)
{
	uint8_t *array = malloc(d->array_bytes), h[92];

	if (!array)
		die("no memory");
	get(d, c->array, array, d->array_bytes);
	get(d, c->header, h, sizeof(h));
	put_le32(h + 88, crc32_of((struct view){ array, d->array_bytes }));
	put_le32(h + 16, 0);
	put_le32(h + 16, crc32_of((struct view){ h, sizeof(h) }));
	put(d, c->header, h, sizeof(h));
	free(array);
}

static void break_copy(struct disk *d, bool primary)
{
	struct copy c = copy_of(d, primary);
	uint8_t lba[8];

	switch (draw(d, 7)) {
	case 0:
		zero(d, c.header, d->ss);
		say(d, "%s header zeroed", c.name);
		break;
	case 1:
		flip(d, c.header, 92);
		say(d, "a bit of the %s header flipped", c.name);
		break;
	case 2:
		flip(d, c.array, d->used * ENTRY);
		say(d, "a bit of a %s entry flipped", c.name);
		break;
	case 3:
		zero(d, c.array, d->array_bytes);
		say(d, "%s entries zeroed", c.name);
		break;
	case 4:
		zero(d, c.header, d->ss);
		zero(d, c.array, d->array_bytes);
		say(d, "%s copy zeroed", c.name);
		break;
	case 5:
		scribble(d, c.header, 92 + draw(d, d->ss - 91));
		d->written_over = true;
		say(d, "%s header written over", c.name);
		break;
	case 6:
		put_le64(lba, 2 + draw(d, 1000));
		put(d, c.header + 24, lba, 8);
		reseal(d, &c);
		say(d, "%s header says that it stands elsewhere", c.name);
		break;
	}
}

static void break_primary(struct disk *d)
{
	d->no_primary = true;
	break_copy(d, true);
}

static void break_backup(struct disk *d)
{
	break_copy(d, false);
}

/* ---- sector 0 ---- */

static void no_signature(struct disk *d)
{
	zero(d, 510, 2);
	say(d, "no 55 AA");
}

static void no_protective(struct disk *d)
{
	d->no_protective = true;
	zero(d, 446, 64);
	say(d, "no protective entry");
}

static void no_sector0(struct disk *d)
{
	d->no_protective = true;
	zero(d, 0, 512);
	say(d, "sector 0 zeroed");
}

static void wrong_size(struct disk *d)
{
	uint64_t sizes[] = { 0, 1, 100, d->sectors - 2, d->sectors, d->sectors + 5 };
	uint64_t size = sizes[draw(d, 6)];
	uint8_t b[4];

	put_le32(b, (uint32_t)size);
	put(d, 446 + 12, b, 4);
	say(d, "protective entry of %llu sectors", (unsigned long long)size);
}

static void wrong_start(struct disk *d)
{
	uint8_t b[4];

	put_le32(b, draw(d, 2) ? 0 : 2);
	put(d, 446 + 8, b, 4);
	say(d, "protective entry from LBA %u", b[0]);
}

static void other_slot(struct disk *d)
{
	uint64_t slot = 1 + draw(d, 3);
	uint8_t b[16];

	get(d, 446, b, sizeof(b));
	zero(d, 446, 16);
	put(d, 446 + 16 * slot, b, sizeof(b));
	say(d, "protective entry in slot %llu", (unsigned long long)slot);
}

static void active(struct disk *d)
{
	put(d, 446, &(uint8_t){ 0x80 }, 1);
	say(d, "protective entry active");
}

/* ---- the whole disk ---- */

static void grow(struct disk *d)
{
	uint64_t more = (1 + draw(d, 4096)) * 4096;

	if (ftruncate(d->fd, (off_t)(d->size + more)) != 0)
		die("cannot grow");
	say(d, "grown by %llu bytes", (unsigned long long)more);
}

static void truncate_it(struct disk *d)
{
	uint64_t less = (1 + draw(d, 64)) * 4096;

	if (ftruncate(d->fd, (off_t)(d->size - less)) != 0)
		die("cannot truncate");
	say(d, "cut by %llu bytes", (unsigned long long)less);
}

static void both_copies(struct disk *d)
{
	break_primary(d);
	say(d, ", ");
	break_backup(d);
}

/* Both copies say that they are right, and they are not the same. */
static void disagree(struct disk *d)
{
	struct copy c = copy_of(d, draw(d, 2));

	flip(d, c.array + 56, 8);
	reseal(d, &c);
	say(d, "a name differs in the %s", c.name);
}

static void grow_and_break_primary(struct disk *d)
{
	break_primary(d);
	say(d, ", ");
	grow(d);
}

/* ---- which ---- */

static const struct {
	void (*break_it)(struct disk *d);
	unsigned spoils;
	enum verdict verdict;
} breaks[] = {
	{ break_primary, SPOILS_TABLE, MEND },
	{ break_primary, SPOILS_TABLE, MEND },
	{ break_primary, SPOILS_TABLE, MEND },
	{ break_backup, SPOILS_TABLE, MEND },
	{ break_backup, SPOILS_TABLE, MEND },
	{ grow, SPOILS_TABLE, MEND },
	{ grow, SPOILS_TABLE, MEND },
	{ grow_and_break_primary, SPOILS_TABLE, REPORT },
	{ truncate_it, SPOILS_TABLE, REPORT },
	{ both_copies, SPOILS_TABLE, REPORT },
	{ disagree, SPOILS_TABLE, REPORT },
	{ no_signature, SPOILS_MBR, MEND },
	{ no_protective, SPOILS_MBR, MEND },
	{ no_sector0, SPOILS_MBR, MEND },
	{ wrong_size, SPOILS_MBR, MEND },
	{ wrong_start, SPOILS_MBR, MEND },
	{ other_slot, SPOILS_MBR, IGNORE },
	{ active, SPOILS_MBR, IGNORE },
};

enum { NBREAKS = sizeof(breaks) / sizeof(breaks[0]) };

static enum verdict break_disk(struct disk *d)
{
	enum verdict worst = IGNORE;
	unsigned spoilt = 0;

	for (uint64_t left = 1 + draw(d, 2); left > 0; left--) {
		uint64_t i = draw(d, NBREAKS);

		if (spoilt & breaks[i].spoils)
			continue;
		if (spoilt)
			say(d, ", ");
		breaks[i].break_it(d);
		spoilt |= breaks[i].spoils;
		if (breaks[i].verdict > worst)
			worst = breaks[i].verdict;
	}
	/* Who writes over a header may own the place by now, and a disk without a primary
	 * and its protection may have been given up on purpose. */
	if (worst < GUESS && d->no_primary && d->no_protective && d->written_over)
		worst = LEFTOVER;
	else if (worst < GUESS &&
		 (d->written_over || (d->no_primary && d->no_protective)))
		worst = GUESS;
	return worst;
}

static void look(struct disk *d)
{
	uint8_t h[92];
	struct view v = { h, sizeof(h) };
	struct stat st;

	if (fstat(d->fd, &st) != 0)
		die("cannot stat");
	d->size = (uint64_t)st.st_size;
	d->sectors = d->size / d->ss;
	get(d, d->ss, h, sizeof(h));
	d->backup = d->sectors - 1;
	d->primary_array = view_le64(v, 72);
	d->array_bytes = (uint64_t)view_le32(v, 80) * view_le32(v, 84);
	get(d, d->backup * d->ss, h, sizeof(h));
	d->backup_array = view_le64(v, 72);
	for (uint64_t n = d->array_bytes / ENTRY; n > 0 && !d->used; n--) {
		uint8_t type[16];

		get(d, d->primary_array * d->ss + (n - 1) * ENTRY, type, sizeof(type));
		if (!view_is_zero((struct view){ type, sizeof(type) }))
			d->used = n;
	}
	if (d->used == 0 || d->backup_array >= d->sectors)
		die("not a healthy GPT disk with partitions");
}

int main(int argc, char **argv)
{
	static const char *const words[] = { "ignore", "mend", "guess", "report",
					     "leftover" };
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
	printf("%s: ", words[break_disk(&d)]);
	printf("%s\n", d.said.p);
	close(d.fd);
	return 0;
}
