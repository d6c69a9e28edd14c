/* A second reader of QCOW2, which reads what QEMU 7.2 would, piece by piece: one that cannot
 * be read does not keep it from the next one, as it does within a process of QEMU.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_SAMEDISKS_DISK_H
#define TESTS_TOOLS_SAMEDISKS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DISKS_MAX = 64, ID_MAX = 64 };

/* In this order: of two pieces together, the larger one is true. */
enum shown { ZEROS, BYTES, NOT_READABLE };

struct image;

/* The active disk, or that of a snapshot. */
struct disk {
	struct image *image;
	char id[ID_MAX]; /* of the snapshot; "" for the active one */
	uint64_t size, l1, l1_size;
	/* what was read last */
	uint64_t l1_index, l1_last, blank_from, blank_to;
	bool l1_read;
	uint8_t *l2, *unpacked;
	uint64_t l2_at, packed;
	bool l2_read, packed_good;
};

struct image {
	int fd, data_fd;
	char folder[4096];
	bool raw; /* no QCOW2 at all: a backing file */
	bool v3, extended, zstd, external, encrypted;
	unsigned cluster_bits;
	uint64_t cluster, file_size, data_size;
	uint64_t luks_off, luks_len;
	struct disk *backing;
	struct disk disk[DISKS_MAX];
	unsigned ndisks; /* 0: nothing of it can be read */
};

/* NULL when there is no such file. Everything is kept until the end of the process. */
struct image *image_open(const char *path);

/* Bytes that are read at once, and are readable or not. */
uint64_t disk_step(const struct disk *d);

/* So many bytes, from off on, are surely zeros: nothing is there. */
uint64_t disk_blank(struct disk *d, uint64_t off);

/* n bytes, of which those behind the end are zeros. buf is not filled with ZEROS. What is
 * encrypted depends on where it is as well: that goes into place. */
enum shown disk_read(struct disk *d, uint64_t off, uint8_t *buf, size_t n,
		     uint64_t *place);

#endif
