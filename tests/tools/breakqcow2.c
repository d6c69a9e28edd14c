/* breakqcow2 SEED IMAGE: changes one entry of one table of a QCOW2 image, and prints what.
 * The image is one that QEMU made: nothing is checked.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 200 };
#define OFFSET_MASK UINT64_C(0x00fffffffffffe00)

static int fd;
static uint64_t seed, file_size, cluster_size;

static uint64_t pick(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % (n ? n : 1);
}

static uint64_t get(uint64_t off, unsigned bytes)
{
	uint8_t b[8] = { 0 };
	uint64_t v = 0;

	if (pread(fd, b, bytes, (off_t)off) < 0)
		exit(2);
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | b[i];
	return v;
}

static void put(uint64_t off, unsigned bytes, uint64_t v)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
	if (pwrite(fd, b, bytes, (off_t)off) != (ssize_t)bytes)
		exit(2);
}

/* An entry of a table of n that is not 0, if that is found at random. */
static uint64_t entry_of(uint64_t table, uint64_t n, unsigned stride)
{
	for (int i = 0; i < TRIES; i++) {
		uint64_t at = table + pick(n) * stride;

		if (get(at, 8))
			return at;
	}
	return table + pick(n) * stride;
}

static uint64_t other_value(uint64_t v)
{
	uint64_t off = v & OFFSET_MASK;

	switch (pick(9)) {
	case 0:
		return 0;
	case 1:
		return v ^ UINT64_C(1) << 63;
	case 2:
		return v ^ UINT64_C(1) << pick(64);
	case 3:
		return (v & ~OFFSET_MASK) |
		       pick(file_size / cluster_size + 2) * cluster_size;
	case 4:
		return (v & ~OFFSET_MASK) | ((off + cluster_size) & OFFSET_MASK);
	case 5:
		return (v & ~OFFSET_MASK) | ((off - cluster_size) & OFFSET_MASK);
	case 6:
		return (v & ~OFFSET_MASK) | ((file_size / 512 + pick(9)) * 512);
	case 7:
		return v ^ 1;
	default:
		return v ^ UINT64_C(1) << 62;
	}
}

static void change(const char *what, uint64_t at, unsigned bytes, uint64_t v)
{
	uint64_t old = get(at, bytes);

	if (v == old)
		v = old ^ 1;
	put(at, bytes, v);
	printf("%s at 0x%" PRIx64 ": 0x%" PRIx64 " -> 0x%" PRIx64 "\n", what, at, old,
	       get(at, bytes));
}

static void change_entry(const char *what, uint64_t at)
{
	change(what, at, 8, other_value(get(at, 8)));
}

/* The L1 table of a snapshot, or the active one. */
static uint64_t some_l1(uint64_t *n)
{
	uint64_t count = get(60, 4), at = get(64, 8), which = pick(count + 1);

	for (uint64_t i = 0; i < which; i++) {
		uint64_t len = 40 + get(at + 36, 4) + get(at + 12, 2) + get(at + 14, 2);

		if (i + 1 == which) {
			*n = get(at + 8, 4);
			return get(at, 8);
		}
		at += (len + 7) / 8 * 8;
	}
	*n = get(36, 4);
	return get(40, 8);
}

static void break_l2(void)
{
	bool extended = get(4, 4) == 3 && get(72, 8) & 16;
	unsigned stride = extended ? 16 : 8;
	uint64_t n, l1 = some_l1(&n), entry = get(entry_of(l1, n, 8), 8), at;

	if (!(entry & OFFSET_MASK))
		return;
	at = entry_of(entry & OFFSET_MASK, cluster_size / stride, stride);
	if (extended && pick(3) == 0)
		change_entry("subclusters", at + 8);
	else
		change_entry("L2 entry", at);
}

static void break_refcount(void)
{
	uint64_t rt = get(48, 8), order = get(4, 4) == 3 ? get(96, 4) : 4;
	uint64_t per_byte = order < 3 ? 8 >> order : 1, n, at, i;
	unsigned width = order < 3 ? 1 : 1u << (order - 3);
	uint64_t block = get(entry_of(rt, 4, 8), 8) & OFFSET_MASK;

	n = file_size / cluster_size + 2;
	i = pick(n) / per_byte;
	if (i * width >= cluster_size || !block)
		return;
	at = block + i * width;
	switch (pick(4)) {
	case 0:
		change("refcount", at, width, 0);
		break;
	case 1:
		change("refcount", at, width, get(at, width) + 1);
		break;
	case 2:
		change("refcount", at, width, get(at, width) - 1);
		break;
	case 3:
		change("refcount", at, width,
		       get(at, width) ^ UINT64_C(1) << pick(8 * width));
		break;
	}
}

static void break_one(void)
{
	uint64_t n, l1;

	switch (pick(10)) {
	case 0:
	case 1:
		l1 = some_l1(&n);
		change_entry("L1 entry", entry_of(l1, n, 8));
		break;
	case 2:
		change_entry("RT entry", entry_of(get(48, 8), 4, 8));
		break;
	case 3:
	case 4:
	case 5:
		break_refcount();
		break;
	default:
		break_l2();
	}
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 3) {
		fputs("usage: breakqcow2 SEED IMAGE\n", stderr);
		return 2;
	}
	fd = open(argv[2], O_RDWR);
	if (fd < 0 || fstat(fd, &st) != 0) {
		perror(argv[2]);
		return 2;
	}
	seed = (strtoull(argv[1], NULL, 10) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	file_size = (uint64_t)st.st_size;
	cluster_size = UINT64_C(1) << get(20, 4);
	break_one();
	return close(fd) == 0 ? 0 : 2;
}
