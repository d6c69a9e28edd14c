/* What the guest of a QCOW2 sees, analyze/image/guest.h: each byte from its place, and what
 * the tables cannot give is an error, not zeros.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "analyze/image/backing.h"
#include "analyze/image/guest.h"
#include "analyze/image/image.h"
#include "analyze/image/volume.h"
#include "analyze/unit.h"
#include "rules/rule.h"
#include "tests/lib/guest_qcow2.h"

#include "base/banned.h"

enum { MIB = 1 << 20, SUB = (1 << 14) / 32 };

static const struct host no_host;

struct bench {
	struct guest_qcow2 q;
	struct unit u;
	struct source disk; /* the guest's */
	struct err e;
	uint8_t buf[64 << 10];
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	BUG_ON(!b);
	gq_init(&b->q, 9, 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	unit_close(&b->u);
	gq_free(&b->q);
	free(b);
	return 0;
}

static void make(struct bench *b, unsigned bits, uint64_t incompatible)
{
	gq_free(&b->q);
	gq_init(&b->q, bits, incompatible);
}

static void open_source(struct bench *b, const struct source *src)
{
	unit_close(&b->u);
	unit_read(&b->u, src, NULL, &no_host);
	assert_int_equal(b->u.state, UNIT_READ);
	if (b->u.guest)
		b->disk = guest_source(b->u.guest);
}

static void open_it(struct bench *b)
{
	open_source(b, gq_source(&b->q));
	assert_non_null(b->u.guest);
}

static void read_at(struct bench *b, uint64_t off, size_t n)
{
	memset(b->buf, 0xee, sizeof(b->buf));
	if (source_read(&b->disk, off, b->buf, n, &b->e) != 0)
		fail_msg("%s", b->e.msg);
}

static void cannot_read(struct bench *b, uint64_t off, const char *why)
{
	assert_int_equal(source_read(&b->disk, off, b->buf, 1, &b->e), -1);
	assert_int_equal(b->e.code, ERR_UNREADABLE);
	if (!strstr(b->e.msg, why))
		fail_msg("'%s' has no '%s'", b->e.msg, why);
}

static void is_zero(struct bench *b, uint64_t off, size_t n)
{
	read_at(b, off, n);
	assert_true(view_is_zero((struct view){ b->buf, n }));
}

static void is_cluster(struct bench *b, uint64_t off, size_t cluster)
{
	read_at(b, off, b->q.cs);
	assert_memory_equal(b->buf, gq_cluster(&b->q, cluster), b->q.cs);
}

/* ---- standard entries ---- */

static void a_cluster_is_where_its_entry_says(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 3, 6 * 512 | GQ_COPIED, 0);
	gq_entry(&b->q, 4, 4 * 512, 0);
	gq_entry(&b->q, 5, 5 * 512 | GQ_COPIED, 0);
	open_it(b);
	is_cluster(b, 3 * 512, 6);
	is_cluster(b, 4 * 512, 4);
	is_cluster(b, 5 * 512, 5);
	/* over borders that are none in the file, and over one that is */
	read_at(b, 3 * 512 + 500, 600);
	assert_memory_equal(b->buf, gq_cluster(&b->q, 6) + 500, 12);
	assert_memory_equal(b->buf + 12, gq_cluster(&b->q, 4), 588);
}

static void neighbours_in_the_file_are_one_run(void **state)
{
	struct bench *b = *state;
	struct guest_run r;

	for (size_t i = 0; i < 4; i++)
		gq_entry(&b->q, i, (4 + i) * 512, 0);
	open_it(b);
	assert_int_equal(guest_map(b->u.guest, 100, 10000, &r, &b->e), 0);
	assert_int_equal(r.kind, GUEST_DATA);
	assert_int_equal(r.off, 100);
	assert_int_equal(r.len, 4 * 512 - 100);
	assert_int_equal(r.host, 4 * 512 + 100);
	assert_int_equal(r.entry, GQ_L2 * 512);
	assert_int_equal(guest_map(b->u.guest, 2048, UINT64_MAX, &r, &b->e), 0);
	assert_int_equal(r.kind, GUEST_ZERO);
	assert_int_equal(r.len, 60 * 512);
}

static void without_a_backing_file_nothing_is_zeros(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	open_it(b);
	is_zero(b, 0, 32768 + 512);
}

static void a_zero_flag_hides_the_cluster(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, 5 * 512 | GQ_COPIED | 1, 0);
	gq_entry(&b->q, 2, 1, 0);
	open_it(b);
	is_zero(b, 512, 1024);
}

static void version_2_has_no_zero_flag(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 4, 4, 2);
	gq_entry(&b->q, 1, 5 * 512 | 1, 0);
	open_it(b);
	cannot_read(b, 512, "zero flag");
	is_zero(b, 1024, 512);
}

static void reserved_bits_change_nothing(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, 5 * 512 | UINT64_C(0x3f000000000001fe), 0);
	gq_be(&b->q, GQ_L1 * 512, 8, GQ_L2 * 512 | UINT64_C(0x7f000000000001ff));
	open_it(b);
	is_cluster(b, 512, 5);
}

static void half_a_sector_at_the_end_is_none(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 24, 8, 5 * 512 + 100);
	open_it(b);
	assert_int_equal(b->disk.size, 5 * 512);
	assert_int_equal(source_read(&b->disk, 5 * 512 - 1, b->buf, 2, &b->e), -1);
	assert_int_equal(b->e.code, ERR_SHORT);
}

/* ---- damage ---- */

static void an_unaligned_entry_is_not_followed(void **state)
{
	struct bench *b = *state;

	make(b, 12, 0);
	gq_entry(&b->q, 1, 5 * 4096 + 512, 0);
	open_it(b);
	cannot_read(b, 4096 + 7, "an L2 entry that is not aligned to a cluster");
	cannot_read(b, 4096 + 7, "read at 0x1007");
	cannot_read(b, 4096 + 7, "entry at 0x2008 of the file");
	is_zero(b, 0, 4096);
	is_zero(b, 8192, 4096);
}

static void an_unaligned_l2_table_is_not_followed(void **state)
{
	struct bench *b = *state;

	make(b, 12, 0);
	gq_be(&b->q, GQ_L1 * 4096, 8, GQ_L2 * 4096 + 512);
	open_it(b);
	cannot_read(b, 0, "an L1 entry that is not aligned");
	cannot_read(b, 0, "entry at 0x1000 of the file");
	is_zero(b, 2 * MIB, 4096);
}

static void a_cluster_behind_the_end_is_not_zeros(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, GQ_CLUSTERS * 512, 0);
	gq_entry(&b->q, 2, UINT64_C(0x00fffffffffffe00), 0);
	open_it(b);
	cannot_read(b, 512, "behind the end of the file");
	cannot_read(b, 1024, "behind the end of the file");
	is_zero(b, 1536, 512);
}

static void a_file_that_ends_within_a_cluster_goes_on_with_zeros(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 1, (GQ_CLUSTERS - 1) * 512, 0);
	b->q.size -= 200;
	open_it(b);
	read_at(b, 512, 512);
	assert_memory_equal(b->buf, gq_cluster(&b->q, GQ_CLUSTERS - 1), 312);
	assert_true(view_is_zero((struct view){ b->buf + 312, 200 }));
}

static void an_l2_table_behind_the_end_is_not_empty(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 100 * 512);
	open_it(b);
	is_zero(b, 0, 512);
	cannot_read(b, 32768, "an L2 table behind the end of the file");
}

static void an_l1_table_that_is_too_short_ends(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 36, 4, 1);
	open_it(b);
	is_zero(b, 0, 32768);
	cannot_read(b, 32768, "the L1 table does not reach it");
}

static void an_l1_table_at_no_place_gives_nothing(void **state)
{
	static const uint64_t places[] = { 0, 100, 600 * 512, UINT64_MAX - 511 };
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		gq_be(&b->q, 40, 8, places[i]);
		open_it(b);
		cannot_read(b, 0, "the L1 table does not reach it");
		assert_null(b->u.image);
		assert_non_null(b->u.guest_why);
	}
}

static void a_disk_whose_table_cannot_be_read_has_no_facts(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 0, 512 * 512, 0);
	open_it(b);
	assert_null(b->u.image);
	assert_non_null(strstr(b->u.guest_why, "read at 0x0"));
	/* nor where only its end is gone, which may have held a backup */
	gq_entry(&b->q, 0, 0, 0);
	open_it(b);
	assert_non_null(b->u.image);
	gq_be(&b->q, GQ_L2_NEXT * 512 + 63 * 8, 8, 512 * 512);
	open_it(b);
	assert_null(b->u.image);
	assert_non_null(b->u.guest_why);
}

/* ---- what is not looked into ---- */

static void refuses(struct bench *b, const char *why)
{
	open_source(b, gq_source(&b->q));
	assert_null(b->u.guest);
	assert_null(b->u.image);
	assert_non_null(b->u.qcow2);
	if (!strstr(b->u.guest_why, why))
		fail_msg("'%s' has no '%s'", b->u.guest_why, why);
}

static void an_encrypted_disk_is_not_read(void **state)
{
	struct bench *b = *state;

	for (uint64_t method = 1; method <= 3; method++) {
		gq_be(&b->q, 32, 4, method);
		refuses(b, "encrypted");
	}
}

static void features_of_the_future_are_not_guessed(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 72, 8, UINT64_C(1) << 40);
	refuses(b, "does not know");
	/* compatible ones are what they say */
	gq_be(&b->q, 72, 8, 0);
	gq_be(&b->q, 80, 8, UINT64_MAX);
	gq_be(&b->q, 88, 8, UINT64_MAX);
	open_it(b);
}

static void a_disk_of_an_impossible_size_is_not_read(void **state)
{
	struct bench *b = *state;

	gq_be(&b->q, 24, 8, 511);
	refuses(b, "no sector");
	gq_be(&b->q, 24, 8, UINT64_MAX);
	refuses(b, "larger than the format allows");
	gq_be(&b->q, 24, 8, UINT64_C(1) << 37);
	open_it(b);
	gq_be(&b->q, 24, 8, (UINT64_C(1) << 37) + 512);
	refuses(b, "larger than the format allows");
	make(b, 12, 16);
	refuses(b, "too small for extended");
}

/* ---- compressed clusters ---- */

static void clusters_are_inflated(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096];
	size_t n;

	make(b, 12, 0);
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i * i >> 7);
	/* not at a sector, and over several */
	n = gq_deflate(&b->q, 5 * 4096 + 77, want);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096 + 77, n), 0);
	gq_entry(&b->q, 2, 8 * 4096, 0);
	open_it(b);
	read_at(b, 4096, 4096);
	assert_memory_equal(b->buf, want, 4096);
	read_at(b, 4096 + 1000, 5000);
	assert_memory_equal(b->buf, want + 1000, 3096);
	assert_memory_equal(b->buf + 3096, gq_cluster(&b->q, 8), 1904);
}

static void zstd_frames_are_inflated(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096];
	size_t n;

	make(b, 12, 8);
	gq_be(&b->q, 104, 1, 1);
	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (uint8_t)(i * i >> 7);
	n = gq_zstd(&b->q, 5 * 4096 + 77, want, 1000);
	n += gq_zstd(&b->q, 5 * 4096 + 77 + n, want + 1000, 3096);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096 + 77, n), 0);
	open_it(b);
	read_at(b, 4096, 4096);
	assert_memory_equal(b->buf, want, 4096);
	/* a cluster that is not full */
	n = gq_zstd(&b->q, 5 * 4096, want, 4095);
	memset(gq_cluster(&b->q, 5) + n, 0, 8192 - n);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096, n), 0);
	open_it(b);
	cannot_read(b, 4096, "does not inflate");
}

static void a_broken_stream_is_not_zeros(void **state)
{
	struct bench *b = *state;

	make(b, 12, 0);
	memset(gq_cluster(&b->q, 5), 0xff, 4096);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 * 4096, 1000), 0);
	gq_entry(&b->q, 2, gq_packed(&b->q, GQ_CLUSTERS * 4096 + 9, 1000), 0);
	open_it(b);
	cannot_read(b, 4096 + 9, "the compressed cluster at 0x5000 of the file does not");
	cannot_read(b, 8192, "a compressed cluster behind the end");
	is_zero(b, 3 * 4096, 4096);
	gq_be(&b->q, 104, 1, 2);
	open_it(b);
	cannot_read(b, 4096, "compressed in an unknown way");
}

static void the_last_stream_may_end_with_the_file(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096] = { 1, 2, 3 };
	size_t n, at;

	make(b, 12, 0);
	at = b->q.size - 2048;
	n = gq_deflate(&b->q, at, want);
	b->q.size = at + n;
	gq_entry(&b->q, 1, gq_packed(&b->q, at, n), 0);
	open_it(b);
	read_at(b, 4096, 4096);
	assert_memory_equal(b->buf, want, 4096);
}

static void what_is_inflated_has_an_end(void **state)
{
	struct bench *b = *state;
	uint8_t want[4096] = { 1 };
	size_t n;

	make(b, 12, 0);
	for (size_t i = 0; i < 2; i++) {
		n = gq_deflate(&b->q, (5 + i) * 4096, want);
		gq_entry(&b->q, 1 + i, gq_packed(&b->q, (5 + i) * 4096, n), 0);
	}
	open_it(b);
	b->u.guest->packed->left = 4096;
	read_at(b, 4096, 4096);
	/* what is at hand costs nothing */
	read_at(b, 4096 + 50, 4000);
	assert_int_equal(source_read(&b->disk, 8192, b->buf, 1, &b->e), -1);
	assert_int_equal(b->e.code, ERR_LIMIT);
}

/* ---- extended L2 ---- */

static void subclusters_each_go_their_way(void **state)
{
	struct bench *b = *state;

	make(b, 14, 16);
	/* 0, 1, 31 allocated; 2, 3 zeros; the others not allocated */
	gq_entry(&b->q, 1, 5 << 14, UINT64_C(0x0000000c80000003));
	open_it(b);
	read_at(b, 1 << 14, 1 << 14);
	assert_memory_equal(b->buf, gq_cluster(&b->q, 5), 2 * SUB);
	assert_true(view_is_zero((struct view){ b->buf + 2 * SUB, 29 * SUB }));
	assert_memory_equal(b->buf + 31 * SUB, gq_cluster(&b->q, 5) + 31 * SUB, SUB);
	/* the zero flag of other images is none here */
	gq_entry(&b->q, 1, 5 << 14 | 1, UINT32_MAX);
	open_it(b);
	is_cluster(b, 1 << 14, 5);
}

static void subclusters_without_a_cluster(void **state)
{
	struct bench *b = *state;

	make(b, 14, 16);
	gq_entry(&b->q, 1, 0, UINT64_C(0xffffffff00000000));
	gq_entry(&b->q, 2, 0, 1);
	/* allocated, and zeros */
	gq_entry(&b->q, 3, 5 << 14, UINT64_C(0x0000000100000001));
	open_it(b);
	is_zero(b, 1 << 14, 1 << 14);
	cannot_read(b, 2 << 14, "subclusters in a state that there is not");
	cannot_read(b, 3 << 14, "subclusters in a state that there is not");
	is_zero(b, 4 << 14, 1 << 14);
}

static void a_compressed_cluster_has_no_subclusters(void **state)
{
	struct bench *b = *state;
	uint8_t *want = calloc(1, 1 << 14);
	size_t n;

	make(b, 14, 16);
	memset(want, 0x5a, 1 << 14);
	n = gq_deflate(&b->q, 5 << 14, want);
	gq_entry(&b->q, 1, gq_packed(&b->q, 5 << 14, n), UINT64_C(0xffffffff00000000));
	open_it(b);
	read_at(b, (1 << 14) + 7 * SUB + 3, 3 * SUB);
	assert_memory_equal(b->buf, want, 3 * SUB);
	free(want);
}

/* ---- other files ---- */

static void what_a_lost_backing_file_has_is_not_zeros(void **state)
{
	struct bench *b = *state;

	memcpy(b->q.p + 200, "base.img", 8);
	gq_be(&b->q, 8, 8, 200);
	gq_be(&b->q, 16, 4, 8);
	gq_entry(&b->q, 1, 5 * 512, 0);
	gq_entry(&b->q, 2, 1, 0);
	open_it(b);
	assert_int_equal(b->u.backing->state, BACKING_DETACHED);
	cannot_read(b, 0, "its backing file is not looked for");
	is_cluster(b, 512, 5);
	is_zero(b, 1024, 512);
	cannot_read(b, 1536, "its backing file is not looked for");
	assert_int_equal(source_next_data(&b->disk, 1024), 1536);
}

static void a_backing_file_shows_through_up_to_its_end(void **state)
{
	struct bench *b = *state;
	uint8_t bytes[1000];
	struct source base = source_of_bytes("b", (struct view){ bytes, sizeof(bytes) });

	memset(bytes, 7, sizeof(bytes));
	gq_entry(&b->q, 1, 1, 0);
	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	open_it(b);
	b->u.guest->backing = &base;
	read_at(b, 0, 2048);
	assert_memory_equal(b->buf, bytes, 512);
	assert_true(view_is_zero((struct view){ b->buf + 512, 1536 }));
	gq_entry(&b->q, 1, 0, 0);
	open_it(b);
	b->u.guest->backing = &base;
	read_at(b, 0, 2048);
	assert_memory_equal(b->buf, bytes, 1000);
	assert_true(view_is_zero((struct view){ b->buf + 1000, 1048 }));
	is_zero(b, 32768 - 512, 1024);
}

static void an_external_data_file_has_the_clusters(void **state)
{
	struct bench *b = *state;
	uint8_t bytes[1024];
	struct source data = source_of_bytes("d", (struct view){ bytes, sizeof(bytes) });

	memset(bytes, 9, sizeof(bytes));
	make(b, 9, 4);
	gq_entry(&b->q, 0, GQ_COPIED, 0);
	gq_entry(&b->q, 1, 512 | GQ_COPIED, 0);
	gq_entry(&b->q, 3, gq_packed(&b->q, 5 * 512, 100), 0);
	open_it(b);
	assert_int_equal(b->u.data_file->state, BACKING_NO_NAME);
	cannot_read(b, 0, "its data file has no name");
	b->u.guest->data = &data;
	read_at(b, 0, 1024);
	assert_memory_equal(b->buf, bytes, 1024);
	is_zero(b, 1024, 512);
	cannot_read(b, 1536, "although the data is in another file");
}

/* ---- as a source ---- */

static void edits_of_the_file_show_in_the_disk(void **state)
{
	struct bench *b = *state;
	uint8_t entry[8] = { 0, 0, 0, 0, 0, 0, 7 * 512 >> 8, 0 };
	struct patch_run run = { GQ_L2 * 512 + 8, { entry, 8 } };
	struct patch patch = { .v = &run, .n = 1, .size = b->q.size };
	struct source over;

	gq_entry(&b->q, 1, 5 * 512, 0);
	open_it(b);
	is_cluster(b, 512, 5);
	over = source_overlay(gq_source(&b->q), &patch);
	open_source(b, &over);
	is_cluster(b, 512, 7);
}

static void edits_of_the_disk_lie_on_top(void **state)
{
	struct bench *b = *state;
	struct patch_run run = { 700, { (const uint8_t *)"new", 3 } };
	struct patch patch = { .v = &run, .n = 1, .size = 65536 + 512 };

	gq_entry(&b->q, 1, 5 * 512, 0);
	open_it(b);
	b->disk = source_overlay(&b->disk, &patch);
	read_at(b, 512, 512);
	assert_memory_equal(b->buf, gq_cluster(&b->q, 5), 188);
	assert_memory_equal(b->buf + 188, "new", 3);
	assert_memory_equal(b->buf + 191, gq_cluster(&b->q, 5) + 191, 321);
	is_zero(b, 65536, 512);
	assert_int_equal(source_next_data(&b->disk, 0), 512);
	assert_int_equal(source_next_data(&b->disk, 1024), 65536 + 512);
}

static void only_holes_are_passed_over(void **state)
{
	struct bench *b = *state;

	gq_entry(&b->q, 9, 5 * 512, 0);
	gq_entry(&b->q, 20, 600 * 512, 0);
	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	open_it(b);
	assert_int_equal(source_next_data(&b->disk, 0), 9 * 512);
	assert_int_equal(source_next_data(&b->disk, 9 * 512 + 5), 9 * 512 + 5);
	/* what cannot be read may be data */
	assert_int_equal(source_next_data(&b->disk, 10 * 512), 20 * 512);
	assert_int_equal(source_next_data(&b->disk, 21 * 512), 65536);
}

static void a_view_of_the_disk_is_its_bytes(void **state)
{
	struct bench *b = *state;
	struct view v;

	gq_entry(&b->q, 1, 5 * 512, 0);
	open_it(b);
	assert_int_equal(source_view(&b->disk, &b->u.arena, 512, 512, &v, &b->e), 0);
	assert_memory_equal(v.p, gq_cluster(&b->q, 5), 512);
}

/* ---- rules ---- */

/* A partition sector with one entry that ends behind the disk. */
static void put_mbr(struct bench *b)
{
	uint8_t *s = gq_cluster(&b->q, 5);

	memset(s, 0, b->q.cs);
	s[446 + 4] = 0x83;
	put_le32(s + 446 + 8, 8);
	put_le32(s + 446 + 12, 100);
	s[510] = 0x55;
	s[511] = 0xaa;
}

static void a_table_in_the_disk_is_judged_where_it_is(void **state)
{
	struct bench *b = *state;
	struct findings found = { 0 };
	struct arena a;
	size_t inside = 0;

	put_mbr(b);
	put_le32(gq_cluster(&b->q, 5) + 446 + 12, 100000);
	gq_entry(&b->q, 0, 5 * 512, 0);
	open_it(b);
	assert_non_null(b->u.image);
	assert_non_null(b->u.image->mbr);
	arena_init(&a, ARENA_BUDGET);
	rules_run(&b->u, &a, &found);
	for (size_t i = 0; i < found.v.n; i++) {
		if (!found.v.v[i]->at.src->is_guest)
			continue;
		inside++;
		assert_ptr_equal(found.v.v[i]->at.src, b->u.image->src);
	}
	assert_true(inside > 0);
	arena_free(&a);
}

static void a_partition_that_cannot_be_read_is_not_looked_into(void **state)
{
	struct bench *b = *state;

	put_mbr(b);
	gq_entry(&b->q, 0, 5 * 512, 0);
	gq_entry(&b->q, 8, 600 * 512, 0);
	/* the first 68 KiB of a disk are read at once: the partition is behind them */
	gq_be(&b->q, 24, 8, 200 << 10);
	gq_be(&b->q, 36, 4, 7);
	gq_be(&b->q, GQ_L1 * 512 + 8, 8, 0);
	gq_be(&b->q, GQ_L1 * 512 + 32, 8, GQ_L2_NEXT * 512);
	gq_be(&b->q, GQ_L2_NEXT * 512, 8, 600 * 512);
	gq_entry(&b->q, 8, 0, 0);
	put_le32(gq_cluster(&b->q, 5) + 446 + 8, 4 * 64);
	open_it(b);
	if (!b->u.image)
		fail_msg("%s", b->u.guest_why);
	assert_int_equal(b->u.image->nvolumes, 1);
	assert_false(b->u.image->volumes[0].looked);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_cluster_is_where_its_entry_says),
		TEST(neighbours_in_the_file_are_one_run),
		TEST(without_a_backing_file_nothing_is_zeros),
		TEST(a_zero_flag_hides_the_cluster),
		TEST(version_2_has_no_zero_flag),
		TEST(reserved_bits_change_nothing),
		TEST(half_a_sector_at_the_end_is_none),
		TEST(an_unaligned_entry_is_not_followed),
		TEST(an_unaligned_l2_table_is_not_followed),
		TEST(a_cluster_behind_the_end_is_not_zeros),
		TEST(a_file_that_ends_within_a_cluster_goes_on_with_zeros),
		TEST(an_l2_table_behind_the_end_is_not_empty),
		TEST(an_l1_table_that_is_too_short_ends),
		TEST(an_l1_table_at_no_place_gives_nothing),
		TEST(a_disk_whose_table_cannot_be_read_has_no_facts),
		TEST(an_encrypted_disk_is_not_read),
		TEST(features_of_the_future_are_not_guessed),
		TEST(a_disk_of_an_impossible_size_is_not_read),
		TEST(clusters_are_inflated),
		TEST(zstd_frames_are_inflated),
		TEST(a_broken_stream_is_not_zeros),
		TEST(the_last_stream_may_end_with_the_file),
		TEST(what_is_inflated_has_an_end),
		TEST(subclusters_each_go_their_way),
		TEST(subclusters_without_a_cluster),
		TEST(a_compressed_cluster_has_no_subclusters),
		TEST(what_a_lost_backing_file_has_is_not_zeros),
		TEST(a_backing_file_shows_through_up_to_its_end),
		TEST(an_external_data_file_has_the_clusters),
		TEST(edits_of_the_file_show_in_the_disk),
		TEST(edits_of_the_disk_lie_on_top),
		TEST(only_holes_are_passed_over),
		TEST(a_view_of_the_disk_is_its_bytes),
		TEST(a_table_in_the_disk_is_judged_where_it_is),
		TEST(a_partition_that_cannot_be_read_is_not_looked_into),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
