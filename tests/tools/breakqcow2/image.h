/* The image that breakqcow2 is at, as it was when QEMU had made it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_BREAKQCOW2_IMAGE_H
#define TESTS_TOOLS_BREAKQCOW2_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLACES_MAX = 4096, SNAPSHOTS_MAX = 64 };

#define OFFSET_MASK UINT64_C(0x00fffffffffffe00)
#define COPIED      (UINT64_C(1) << 63)
#define COMPRESSED  (UINT64_C(1) << 62)

/* Offsets in the file. */
struct places {
	uint64_t v[PLACES_MAX];
	size_t n;
};

/* What an image must have to be broken in some way. */
enum need {
	NEED_V2 = 1,
	NEED_V3 = 2,
	NEED_EXTENDED = 4,
	NEED_SNAPSHOT = 8,
	NEED_BITMAP = 16,
	NEED_LUKS = 32,
	NEED_BACKING = 64,
	NEED_PACKED = 128,    /* compressed clusters */
	NEED_DATA = 256,      /* two others, in this file */
	NEED_DATA_FILE = 512, /* all of them in another one */
	NEED_L2 = 1024,       /* two L2 tables */
	NEED_FORMAT = 2048    /* of the backing file, told */
};

struct image {
	int fd;
	uint64_t random, size, cluster;
	unsigned needs;  /* that it meets */
	unsigned stride; /* of L2 entries */
	unsigned refcount_bits;
	uint64_t l1, l1_size, rt, snapshots, nsnapshots, first_extension, end_of_header;
	uint64_t snapshot[SNAPSHOTS_MAX];              /* entries of the table */
	struct places l1_entries, snapshot_l1_entries; /* in use */
	struct places l2_tables, refblocks, rt_entries;
	struct places entries, packed; /* of L2 tables, in use */
	uint64_t bitmaps, format, luks,
		data_name; /* extensions: of their data; 0 without */
	struct {
		char p[1024];
		size_t n;
	} said;
};

_Noreturn void die(const char *what);

uint64_t pick(struct image *m, uint64_t below);
/* One of them; 0 when there are none. */
uint64_t pick_place(struct image *m, const struct places *p);
void say(struct image *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Zeros behind the end. */
uint64_t get(const struct image *m, uint64_t off, unsigned bytes);
/* Past the end (a break may have cut the file): nothing is written. */
void put(const struct image *m, uint64_t off, unsigned bytes, uint64_t v);
void put_bytes(const struct image *m, uint64_t off, const void *p, size_t n);
void zero(const struct image *m, uint64_t off, uint64_t n);
void scribble(struct image *m, uint64_t off, uint64_t n);
/* Puts v, or something else if that is there already, and says so. */
void change(struct image *m, const char *what, uint64_t at, unsigned bytes, uint64_t v);
/* A cluster of the file, as an offset. */
uint64_t some_cluster(struct image *m);
/* Of a table, the header or refcounts. */
uint64_t some_metadata(struct image *m);

void look(struct image *m);

/* What can be done to it: one function for each kind. maps.c */
void break_l1_zero(struct image *m);
void break_l1_wild(struct image *m);
void break_l1_shared(struct image *m);
void break_l1_unaligned(struct image *m);
void break_l1_reserved(struct image *m);
void break_l1_copied(struct image *m);
void break_l1_eof(struct image *m);
void break_l1_gone(struct image *m);
void break_l1_noise(struct image *m);
void break_l2_zero(struct image *m);
void break_l2_wild(struct image *m);
void break_l2_shared(struct image *m);
void break_l2_unaligned(struct image *m);
void break_l2_reserved(struct image *m);
void break_l2_copied(struct image *m);
void break_l2_metadata(struct image *m);
void break_l2_eof(struct image *m);
void break_l2_zero_flag(struct image *m);
void break_l2_gone(struct image *m);
void break_l2_noise(struct image *m);
void break_l2_sector(struct image *m);
void break_packed_place(struct image *m);
void break_packed_copied(struct image *m);
void break_packed_stream(struct image *m);
void break_extended_both(struct image *m);
void break_extended_nowhere(struct image *m);
void break_extended_bit0(struct image *m);
void break_data_offset(struct image *m);
/* counts.c */
void break_count_zero(struct image *m);
void break_count_low(struct image *m);
void break_count_high(struct image *m);
void break_leak(struct image *m);
void break_refblock_gone(struct image *m);
void break_refblock_noise(struct image *m);
void break_rt_zero(struct image *m);
void break_rt_wild(struct image *m);
void break_rt_unaligned(struct image *m);
void break_rt_reserved(struct image *m);
void break_rt_eof(struct image *m);
void break_rt_offset(struct image *m);
void break_rt_clusters(struct image *m);
/* header.c */
void break_l1_offset(struct image *m);
void break_l1_size(struct image *m);
void break_size(struct image *m);
void break_cluster_bits(struct image *m);
void break_refcount_order(struct image *m);
void break_header_length(struct image *m);
void break_unknown_bit(struct image *m);
void break_autoclear(struct image *m);
void break_dirty(struct image *m);
void break_corrupt(struct image *m);
void break_compression(struct image *m);
void break_extended_bit(struct image *m);
void break_data_file_bit(struct image *m);
void break_crypt(struct image *m);
void break_backing(struct image *m);
void break_format(struct image *m);
void break_extension(struct image *m);
void break_cut(struct image *m);
void break_cut_little(struct image *m);
void break_tail(struct image *m);
/* lists.c */
void break_snapshots_offset(struct image *m);
void break_snapshots_none(struct image *m);
void break_snapshots_more(struct image *m);
void break_snapshot_l1(struct image *m);
void break_snapshot_sizes(struct image *m);
void break_snapshots_gone(struct image *m);
void break_snapshot_l1_zero(struct image *m);
void break_snapshot_l1_bits(struct image *m);
void break_bitmaps_extension(struct image *m);
void break_bitmaps_directory(struct image *m);
void break_bitmap_table(struct image *m);
void break_bitmap_in_use(struct image *m);
void break_bitmaps_bit(struct image *m);
void break_luks_extension(struct image *m);
void break_luks_header(struct image *m);
void break_data_name(struct image *m);
/* entry.c */
void break_entry(struct image *m);
void break_bit(struct image *m);
void break_sector(struct image *m);

#endif
