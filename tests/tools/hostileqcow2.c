/* hostileqcow2 KIND FILE: QCOW2 images that are small, and ask their reader for time and
 * memory without end. See the cases below.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static int fd;
static unsigned bits = 16;

static void put_at(uint64_t off, unsigned bytes, uint64_t v)
{
	uint8_t b[8];

	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
	if (pwrite(fd, b, bytes, (off_t)off) != (ssize_t)bytes) {
		perror("write");
		exit(2);
	}
}

/* n entries at off: v, v + step, ... */
static void fill(uint64_t off, uint64_t n, uint64_t v, uint64_t step)
{
	uint8_t *p = malloc(n * 8);

	if (!p)
		exit(2);
	for (uint64_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < 8; k++)
			p[i * 8 + k] = (uint8_t)((v + i * step) >> 8 * (7 - k));
	}
	if (pwrite(fd, p, n * 8, (off_t)off) != (ssize_t)(n * 8)) {
		perror("write");
		exit(2);
	}
	free(p);
}

struct header {
	uint64_t size, l1_entries, l1, rt, rt_clusters, nsnapshots, snapshots, order;
};

static void put_header(const struct header *h)
{
	put_at(0, 4, 0x514649fb);
	put_at(4, 4, 3);
	put_at(20, 4, bits);
	put_at(24, 8, h->size);
	put_at(36, 4, h->l1_entries);
	put_at(40, 8, h->l1);
	put_at(48, 8, h->rt);
	put_at(56, 4, h->rt_clusters);
	put_at(60, 4, h->nsnapshots);
	put_at(64, 8, h->snapshots);
	put_at(96, 4, h->order);
	put_at(100, 4, 104);
}

static uint64_t cluster(uint64_t n)
{
	return n << bits;
}

static void end_at(uint64_t size)
{
	if (ftruncate(fd, (off_t)size) != 0) {
		perror("ftruncate");
		exit(2);
	}
}

/* Snapshot i has its L1 table at l1 + i * step. */
static void put_snapshots(uint64_t table, uint64_t n, uint64_t l1, uint64_t step,
			  uint64_t entries)
{
	uint8_t *p = calloc(n, 40);

	if (!p)
		exit(2);
	for (uint64_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < 8; k++)
			p[i * 40 + k] = (uint8_t)((l1 + i * step) >> 8 * (7 - k));
		for (unsigned k = 0; k < 4; k++)
			p[i * 40 + 8 + k] = (uint8_t)(entries >> 8 * (3 - k));
	}
	if (pwrite(fd, p, n * 40, (off_t)table) != (ssize_t)(n * 40))
		exit(2);
	free(p);
}

/* Every slot has the same L2 table, all of whose entries have the same cluster. */
static void same(void)
{
	put_header(&(struct header){ UINT64_C(4096) << 29, 4096, cluster(3), cluster(1),
				     1, 0, 0, 4 });
	put_at(cluster(1), 8, cluster(2));
	fill(cluster(3), 4096, cluster(4), 0);
	fill(cluster(4), 8192, cluster(5), 0);
	end_at(cluster(6));
}

/* 2^27 clusters of 512 bytes, refcounts of 64 bits, and not a byte for them. */
static void sparse(void)
{
	bits = 9;
	put_header(&(struct header){ 1 << 20, 32, cluster(2), cluster(1), 1, 0, 0, 6 });
	end_at(UINT64_C(64) << 30);
}

/* The same, in which every leaf of the count is touched. */
static void scattered(void)
{
	bits = 9;
	put_header(&(struct header){ UINT64_C(64) << 20, 2048, cluster(64), cluster(1), 1,
				     0, 0, 6 });
	for (uint64_t i = 0; i < 2048; i++) {
		put_at(cluster(64) + i * 8, 8, cluster(128 + i));
		fill(cluster(128 + i), 64, cluster(4096 + i * 65536), cluster(1000));
	}
	end_at(UINT64_C(64) << 30);
}

/* The longest L1 table, on a file that is hardly longer. */
static void long_l1(void)
{
	put_header(&(struct header){ UINT64_C(1) << 40, 4194304, cluster(8), cluster(1),
				     1, 0, 0, 4 });
	put_at(cluster(1), 8, cluster(2));
	fill(cluster(8), 4194304, cluster(3), 512);
	end_at(cluster(8) + (32 << 20));
}

/* The longest refcount table; it names every cluster of the file, again and again. */
static void everywhere(void)
{
	put_header(&(struct header){ 1 << 30, 2, cluster(1), cluster(8), 128, 0, 0, 4 });
	for (uint64_t i = 0; i < 1 << 20; i += 128)
		fill(cluster(8) + i * 8, 128, cluster(i % 136), cluster(1));
	end_at(cluster(136));
}

/* As many snapshots as there may be, whose L1 tables lie over each other. */
static void snapshots(void)
{
	put_header(&(struct header){ 1 << 30, 2, cluster(3), cluster(1), 1, 65536,
				     cluster(100), 4 });
	put_at(cluster(1), 8, cluster(2));
	put_snapshots(cluster(100), 65536, cluster(200), cluster(1), 4194304);
	fill(cluster(200), 8192, cluster(50), 0);
	fill(cluster(50), 8192, cluster(60), 0);
	end_at(cluster(200 + 65536) + (32 << 20));
}

/* Fewer, each shifted by a cluster against the one before, and full. */
static void shifted(void)
{
	put_header(&(struct header){ 1 << 30, 2, cluster(3), cluster(1), 1, 4000,
				     cluster(100), 4 });
	put_at(cluster(1), 8, cluster(2));
	put_snapshots(cluster(100), 4000, cluster(200), cluster(1), 4194304);
	fill(cluster(200), 1 << 20, cluster(50), 0);
	fill(cluster(50), 8192, cluster(60), 0);
	end_at(cluster(200 + 4000) + (32 << 20));
}

/* L2 tables that begin at every sector of a few clusters. */
static void unaligned(void)
{
	put_header(&(struct header){ UINT64_C(1) << 40, 2048, cluster(3), cluster(1), 1,
				     0, 0, 4 });
	put_at(cluster(1), 8, cluster(2));
	fill(cluster(3), 2048, cluster(4), 512);
	fill(cluster(4), 16 * 8192, cluster(30) | UINT64_C(1) << 63, 512);
	end_at(cluster(40));
}

/* A snapshot that is taken 4000 times: the counts of everything are large. */
static void heavy(void)
{
	put_header(&(struct header){ UINT64_C(64) << 29, 64, cluster(3), cluster(1), 1,
				     4000, cluster(100), 4 });
	put_at(cluster(1), 8, cluster(2));
	put_snapshots(cluster(100), 4000, cluster(3), 0, 64);
	fill(cluster(3), 64, cluster(200), cluster(1));
	for (uint64_t i = 0; i < 64; i++)
		fill(cluster(200 + i), 8192, cluster(300 + i * 8192), cluster(1));
	end_at(cluster(300 + 64 * 8192));
}

/* 512 GiB of zeros in 4 MiB: 512 streams of 2 MiB each, over and over. */
static void inflate_me(void)
{
	size_t n = 2 << 20;
	uint8_t *zeros = calloc(1, n), stream[4096] = { 0 };
	z_stream z = { .next_in = zeros, .avail_in = (uInt)n, .next_out = stream };
	uint64_t flag = UINT64_C(1) << 62 | UINT64_C(7) << (62 - 13);

	z.avail_out = sizeof(stream);
	bits = 21;
	put_header(&(struct header){ UINT64_C(1) << 39, 1, cluster(3), cluster(1), 1, 0,
				     0, 4 });
	put_at(cluster(1), 8, cluster(2));
	put_at(cluster(3), 8, cluster(4) | UINT64_C(1) << 63);
	if (!zeros ||
	    deflateInit2(&z, 9, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&z, Z_FINISH) != Z_STREAM_END)
		exit(2);
	deflateEnd(&z);
	free(zeros);
	for (uint64_t i = 0; i < 512; i++) {
		fill(cluster(4) + i * 4096, 512, flag | cluster(5), 4096);
		if (pwrite(fd, stream, sizeof(stream), (off_t)(cluster(5) + i * 4096)) !=
		    (ssize_t)sizeof(stream))
			exit(2);
	}
	end_at(cluster(6));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} kinds[] = {
		{ "same", same },
		{ "sparse", sparse },
		{ "scattered", scattered },
		{ "long-l1", long_l1 },
		{ "everywhere", everywhere },
		{ "snapshots", snapshots },
		{ "shifted", shifted },
		{ "unaligned", unaligned },
		{ "heavy", heavy },
		{ "inflate", inflate_me },
	};

	for (size_t i = 0; argc == 3 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, argv[1]) != 0)
			continue;
		fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0666);
		if (fd < 0)
			return 2;
		kinds[i].make();
		return close(fd) == 0 ? 0 : 2;
	}
	fputs("usage: hostileqcow2 same|sparse|scattered|long-l1|everywhere|snapshots|"
	      "shifted|unaligned|heavy|inflate FILE\n",
	      stderr);
	return 2;
}
