/* breakqcow2 SEED IMAGE: changes one entry of one table of a QCOW2 image, and prints what.
 * breakqcow2 SEED IMAGE KIND...: does to it what life does to one, in ways that follow from
 * the seed, and prints what.
 * breakqcow2 kinds IMAGE: the kinds that there are for it.
 *
 * The image is one that QEMU made: nothing is checked. It shares no code with analyze/, so
 * that the tests do not test code with itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/breakqcow2/image.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

struct kind {
	const char *name;
	void (*break_it)(struct image *m);
	unsigned needs;
};

static const struct kind kinds[] = {
	{ "l1-zero", break_l1_zero, NEED_DATA },
	{ "l1-wild", break_l1_wild, NEED_DATA },
	{ "l1-shared", break_l1_shared, NEED_L2 },
	{ "l1-unaligned", break_l1_unaligned, NEED_DATA },
	{ "l1-reserved", break_l1_reserved, NEED_DATA },
	{ "l1-copied", break_l1_copied, NEED_DATA },
	{ "l1-eof", break_l1_eof, NEED_DATA },
	{ "l1-gone", break_l1_gone, NEED_DATA },
	{ "l1-noise", break_l1_noise, NEED_DATA },
	{ "l1-offset", break_l1_offset, NEED_DATA },
	{ "l1-size", break_l1_size, NEED_DATA },
	{ "l2-zero", break_l2_zero, NEED_DATA },
	{ "l2-wild", break_l2_wild, NEED_DATA },
	{ "l2-shared", break_l2_shared, NEED_DATA },
	{ "l2-unaligned", break_l2_unaligned, NEED_DATA },
	{ "l2-reserved", break_l2_reserved, NEED_DATA },
	{ "l2-copied", break_l2_copied, NEED_DATA },
	{ "l2-metadata", break_l2_metadata, NEED_DATA },
	{ "l2-eof", break_l2_eof, NEED_DATA },
	{ "l2-zero-v2", break_l2_zero_flag, NEED_DATA | NEED_V2 },
	{ "l2-gone", break_l2_gone, NEED_DATA },
	{ "l2-noise", break_l2_noise, NEED_DATA },
	{ "l2-sector", break_l2_sector, NEED_DATA },
	{ "packed-place", break_packed_place, NEED_PACKED },
	{ "packed-copied", break_packed_copied, NEED_PACKED },
	{ "packed-stream", break_packed_stream, NEED_PACKED },
	{ "extended-both", break_extended_both, NEED_DATA | NEED_EXTENDED },
	{ "extended-nowhere", break_extended_nowhere, NEED_DATA | NEED_EXTENDED },
	{ "extended-bit0", break_extended_bit0, NEED_DATA | NEED_EXTENDED },
	{ "data-offset", break_data_offset, NEED_DATA_FILE },
	{ "data-name", break_data_name, NEED_DATA_FILE },
	{ "data-file-bit", break_data_file_bit, NEED_V3 },
	{ "count-zero", break_count_zero, 0 },
	{ "count-low", break_count_low, NEED_SNAPSHOT },
	{ "count-high", break_count_high, 0 },
	{ "leak", break_leak, 0 },
	{ "refblock-gone", break_refblock_gone, 0 },
	{ "refblock-noise", break_refblock_noise, 0 },
	{ "rt-zero", break_rt_zero, 0 },
	{ "rt-wild", break_rt_wild, 0 },
	{ "rt-unaligned", break_rt_unaligned, 0 },
	{ "rt-reserved", break_rt_reserved, 0 },
	{ "rt-eof", break_rt_eof, 0 },
	{ "rt-offset", break_rt_offset, 0 },
	{ "rt-clusters", break_rt_clusters, 0 },
	{ "size", break_size, 0 },
	{ "cluster-bits", break_cluster_bits, 0 },
	{ "refcount-order", break_refcount_order, NEED_V3 },
	{ "header-length", break_header_length, NEED_V3 },
	{ "unknown-bit", break_unknown_bit, NEED_V3 },
	{ "autoclear", break_autoclear, NEED_V3 },
	{ "dirty", break_dirty, NEED_V3 },
	{ "corrupt", break_corrupt, NEED_V3 },
	{ "compression", break_compression, NEED_V3 | NEED_PACKED },
	{ "extended-bit", break_extended_bit, NEED_V3 },
	{ "crypt", break_crypt, 0 },
	{ "luks-extension", break_luks_extension, NEED_LUKS },
	{ "luks-header", break_luks_header, NEED_LUKS },
	{ "backing", break_backing, NEED_BACKING },
	{ "format", break_format, NEED_FORMAT },
	{ "extension", break_extension, 0 },
	{ "snapshots-offset", break_snapshots_offset, NEED_SNAPSHOT },
	{ "snapshots-none", break_snapshots_none, NEED_SNAPSHOT },
	{ "snapshots-more", break_snapshots_more, NEED_SNAPSHOT },
	{ "snapshot-l1", break_snapshot_l1, NEED_SNAPSHOT },
	{ "snapshot-sizes", break_snapshot_sizes, NEED_SNAPSHOT },
	{ "snapshots-gone", break_snapshots_gone, NEED_SNAPSHOT },
	{ "snapshot-entry", break_snapshot_l1_zero, NEED_SNAPSHOT | NEED_DATA },
	{ "snapshot-bits", break_snapshot_l1_bits, NEED_SNAPSHOT | NEED_DATA },
	{ "bitmaps-ext", break_bitmaps_extension, NEED_BITMAP },
	{ "bitmaps-dir", break_bitmaps_directory, NEED_BITMAP },
	{ "bitmap-table", break_bitmap_table, NEED_BITMAP },
	{ "bitmap-flags", break_bitmap_in_use, NEED_BITMAP },
	{ "bitmaps-bit", break_bitmaps_bit, NEED_BITMAP },
	{ "cut", break_cut, 0 },
	{ "cut-little", break_cut_little, 0 },
	{ "tail", break_tail, 0 },
	{ "entry", break_entry, NEED_DATA },
	{ "bit", break_bit, NEED_DATA },
	{ "sector", break_sector, NEED_DATA },
};

enum { NKINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct kind *kind_called(const char *name)
{
	for (size_t i = 0; i < NKINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	fprintf(stderr, "breakqcow2: %s is no kind\n", name);
	exit(2);
}

static void list_kinds(const struct image *m)
{
	for (size_t i = 0; i < NKINDS; i++) {
		if (!(kinds[i].needs & ~m->needs))
			puts(kinds[i].name);
	}
}

int main(int argc, char **argv)
{
	static struct image m;
	bool list;

	if (argc < 3) {
		fputs("usage: breakqcow2 SEED IMAGE [KIND...] | kinds IMAGE\n", stderr);
		return 2;
	}
	list = strcmp(argv[1], "kinds") == 0;
	m.fd = open(argv[2], (list ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (m.fd < 0)
		die(argv[2]);
	m.random = (strtoull(argv[1], NULL, 10) + 1) * UINT64_C(0x9e3779b97f4a7c15);
	look(&m);
	if (list) {
		list_kinds(&m);
		return 0;
	}
	if (argc == 3)
		break_entry(&m);
	for (int i = 3; i < argc; i++) {
		if (i > 3)
			say(&m, "; ");
		kind_called(argv[i])->break_it(&m);
	}
	puts(m.said.p);
	return close(m.fd) == 0 ? 0 : 2;
}
