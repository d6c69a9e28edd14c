/* fragqcow2 FILE GIB SNAPSHOTS PERCENT: a QCOW2 image of that size, fully allocated, in which
 * no cluster lies beside its neighbour. Between one snapshot and the next, PERCENT of the
 * guest's clusters were written again, all over the disk. The data are holes.
 * docs/interop/qcow2.txt of QEMU, version 3, 64 KiB clusters, refcounts of 16 bits.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BITS = 16,
	CLUSTER = 1 << BITS,
	L2_ENTRIES = CLUSTER / 8,
	BLOCK_ENTRIES = CLUSTER / 2,
	SNAPSHOT_BYTES = 40 + 16 + 8, /* with 16 bytes of extra data, id and name */
};

static int fd;
static uint32_t *map;  /* guest cluster -> host cluster, as it is now */
static uint8_t *count; /* host cluster -> references */
static uint32_t *data; /* host clusters for data, in the order in which they are given */
static uint64_t guest, slots, host, given, first_l2, first_data;
static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t pick(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
}

static void write_at(uint64_t off, const void *p, size_t n)
{
	if (pwrite(fd, p, n, (off_t)off) != (ssize_t)n) {
		perror("write");
		exit(2);
	}
}

static void *room(uint64_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		exit(2);
	return p;
}

/* Every L2 table anew, as the map is now. version: which set of them. */
static void write_tables(uint64_t version, uint64_t l1_at, int active)
{
	uint8_t *l1 = room(slots, 8), *l2 = room(L2_ENTRIES, 8);

	for (uint64_t s = 0; s < slots; s++) {
		uint64_t c = first_l2 + version * slots + s;

		memset(l2, 0, CLUSTER);
		for (uint64_t i = 0; i < L2_ENTRIES && s * L2_ENTRIES + i < guest; i++) {
			uint64_t d = map[s * L2_ENTRIES + i];
			uint64_t copied = active && count[d] == 1;

			put(l2 + i * 8, 8, d << BITS | copied << 63);
		}
		write_at(c << BITS, l2, CLUSTER);
		put(l1 + s * 8, 8, c << BITS | (uint64_t)active << 63);
		count[c] = 1;
	}
	write_at(l1_at, l1, slots * 8);
	free(l1);
	free(l2);
}

static void write_snapshot(uint64_t i, uint64_t table, uint64_t l1_at)
{
	uint8_t s[SNAPSHOT_BYTES] = { 0 };

	put(s, 8, l1_at);
	put(s + 8, 4, slots);
	put(s + 12, 2, 2);
	put(s + 14, 2, 3);
	put(s + 36, 4, 16);
	put(s + 48, 8, guest << BITS);
	s[56] = (uint8_t)('0' + (i + 1) / 10);
	s[57] = (uint8_t)('0' + (i + 1) % 10);
	memcpy(s + 58, "one", 3);
	write_at(table + i * SNAPSHOT_BYTES, s, sizeof(s));
}

static void write_refcounts(uint64_t rt, uint64_t blocks, uint64_t first_block)
{
	uint8_t *p = room(CLUSTER, 1);

	for (uint64_t b = 0; b < blocks; b++) {
		uint8_t e[8];

		for (uint64_t i = 0; i < BLOCK_ENTRIES; i++) {
			uint64_t c = b * BLOCK_ENTRIES + i;

			put(p + i * 2, 2, c < host ? count[c] : 0);
		}
		write_at((first_block + b) << BITS, p, CLUSTER);
		put(e, 8, (first_block + b) << BITS);
		write_at((rt << BITS) + b * 8, e, 8);
	}
	free(p);
}

static void write_header(uint64_t rt, uint64_t l1, uint64_t snapshots, uint64_t n)
{
	uint8_t h[112] = { 'Q', 'F', 'I', 0xfb };

	put(h + 4, 4, 3);
	put(h + 20, 4, BITS);
	put(h + 24, 8, guest << BITS);
	put(h + 36, 4, slots);
	put(h + 40, 8, l1 << BITS);
	put(h + 48, 8, rt << BITS);
	put(h + 56, 4, 1);
	put(h + 60, 4, n);
	put(h + 64, 8, n ? snapshots << BITS : 0);
	put(h + 96, 4, 4);
	put(h + 100, 4, 112);
	write_at(0, h, sizeof(h));
}

/* Some clusters are written; with `all` each of them. */
static void rewrite(unsigned percent, int all)
{
	for (uint64_t g = 0; g < guest; g++) {
		if (all || pick(100) < percent)
			map[g] = data[given++];
	}
}

static void shuffle(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		data[i] = (uint32_t)(first_data + i);
	for (uint64_t i = n; i > 1; i--) {
		uint64_t k = pick(i);
		uint32_t x = data[i - 1];

		data[i - 1] = data[k];
		data[k] = x;
	}
}

int main(int argc, char **argv)
{
	uint64_t gib, n, percent, most, rt = 1, blocks, l1, l1_clusters, table;

	if (argc != 5) {
		fputs("usage: fragqcow2 FILE GIB SNAPSHOTS PERCENT\n", stderr);
		return 2;
	}
	gib = strtoull(argv[2], NULL, 10);
	n = strtoull(argv[3], NULL, 10);
	percent = strtoull(argv[4], NULL, 10);
	if (gib == 0 || gib > 4096 || n > 99 || percent > 50)
		return 2;
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0666);
	guest = gib << (30 - BITS);
	slots = (guest + L2_ENTRIES - 1) / L2_ENTRIES;
	/* More than will be given: a rewrite is a matter of chance. */
	most = guest + n * (guest * percent / 100 + guest / 50 + 100);
	l1_clusters = (slots * 8 + CLUSTER - 1) / CLUSTER;
	blocks = (most + (n + 1) * (slots + l1_clusters)) / BLOCK_ENTRIES + 2;
	l1 = 2 + blocks;
	table = l1 + (n + 1) * l1_clusters;
	first_l2 = table + 1;
	first_data = first_l2 + (n + 1) * slots;
	host = first_data + most;
	map = room(guest, sizeof(*map));
	count = room(host, 1);
	data = room(most, sizeof(*data));
	memset(count, 1, table + (n > 0));
	shuffle(most);
	/* Twice: what is COPIED in the end depends on what comes before. */
	rewrite(0, 1);
	for (uint64_t v = 0; v <= n; v++) {
		if (v)
			rewrite((unsigned)percent, 0);
		for (uint64_t g = 0; g < guest; g++)
			count[map[g]]++;
		write_tables(v, (l1 + v * l1_clusters) << BITS, v == n);
		if (v < n)
			write_snapshot(v, table << BITS, (l1 + v * l1_clusters) << BITS);
	}
	write_refcounts(rt, blocks, 2);
	write_header(rt, l1 + n * l1_clusters, table, n);
	return ftruncate(fd, (off_t)(host << BITS)) == 0 && close(fd) == 0 ? 0 : 2;
}
